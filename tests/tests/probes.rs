//! Oracle B: what the document says of requests, just inside and just outside.

use contract_tests::document::Operation;
use contract_tests::probes::{self, Bench, Noticed};
use contract_tests::{Backend, Document};
use serde_json::{Value, json};
use xtask::mutate::told::Told;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Probes the operations that are wanted; panics with everything that is not as the document says.
fn probe(backend: Backend, wanted: fn(&Operation) -> bool) {
    let report = block_on(probes::run(backend, wanted)).unwrap_or_else(|error| panic!("{error:#}"));
    let outcome = &report.outcome;
    println!("{} probes of {} operations, {} excused", outcome.probes, report.operations.len(), outcome.excused);
    let findings = report.findings();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

mod the_server_does_what_the_document_says {
    use super::{Backend, probe};

    #[test]
    fn sqlite() {
        probe(Backend::Sqlite, |_| true);
    }

    #[test]
    fn postgres() {
        probe(Backend::Postgres, |operation| operation.node["tags"][0] == "spaces");
    }
}

const SPACE: &str = "/components/parameters/Space/schema";

/// Changes of the document, and the operations that can tell; whether it is told before anything is sent.
fn changes() -> Vec<(Value, bool)> {
    let create = "/components/schemas/SpaceCreate";
    let item = "/paths/~1customers~1{customer}~1spaces~1{space}";
    let asked = [
        json!({ "pointer": format!("{SPACE}/maximum"), "operator": "delete", "operations": ["space_view"] }),
        json!({ "pointer": format!("{SPACE}/minimum"), "operator": "change", "value": 2, "operations": ["space_view"] }),
        json!({ "pointer": format!("{create}/properties/name/maxLength"), "operator": "change", "value": 501,
                "operations": ["space_create"] }),
        json!({ "pointer": format!("{create}/required/0"), "operator": "delete", "operations": ["space_create"] }),
        json!({ "pointer": format!("{create}/properties/name"), "operator": "rename", "key": "called",
                "operations": ["space_create"] }),
        json!({ "pointer": format!("{item}/delete"), "operator": "delete", "operations": ["space_delete"] }),
        json!({ "pointer": format!("{item}/get/responses/304"), "operator": "delete", "operations": ["space_view"] }),
        json!({ "pointer": "/components/schemas/Space/properties/created", "operator": "delete",
                "operations": ["space_view"] }),
        json!({ "pointer": "/components/schemas/CustomerCreate/properties", "operator": "delete",
                "operations": ["customer_create"] }),
    ];
    let open = [
        json!({ "pointer": "/components/parameters/Space/in", "operator": "delete", "operations": ["space_view"] }),
        json!({ "pointer": "/components/schemas/Space", "operator": "change", "value": { "$ref": "#/components/schemas/Space" },
                "operations": ["space_view"] }),
        json!({ "pointer": "/components/schemas/Space", "operator": "delete", "operations": ["space_view"] }),
    ];
    let asked = asked.into_iter().map(|change| (change, false));
    asked.chain(open.into_iter().map(|change| (change, true))).collect()
}

#[test]
fn what_is_changed_in_the_document_is_noticed() {
    block_on(async {
        let bench = Bench::new(Backend::Sqlite).await.unwrap();
        let committed = Document::committed().root();
        let found = bench.ask(committed, &["space_view", "space_create", "space_delete"]).await.unwrap();
        assert!(matches!(found, Noticed::Nothing), "{found:?}");
        for (change, is_open) in changes() {
            let mutant: Told = serde_json::from_value(change).unwrap();
            let operations: Vec<&str> = mutant.operations.iter().map(String::as_str).collect();
            let changed = mutant.applied(committed).unwrap();
            let noticed = bench.ask(&changed, &operations).await.unwrap();
            let is_right = match noticed {
                Noticed::Open(_) => is_open,
                Noticed::Finding(_) => !is_open,
                Noticed::Nothing => false,
            };
            assert!(is_right, "{mutant:?}: {noticed:?}");
        }
        bench.finish().await.unwrap();
    });
}
