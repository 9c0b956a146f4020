//! Every example of the document, executed.

use contract_tests::examples::{self, Bench, Unseen, Verdict};
use contract_tests::{Backend, Document};
use serde_json::{Value, json};
use xtask::mutate::told::Told;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Executes all examples; panics with everything that is not as the document says.
fn execute(backend: Backend) {
    let record = block_on(examples::run(backend)).unwrap_or_else(|error| panic!("{error:#}"));
    let executions: usize = record.executed.values().sum();
    println!("{executions} executions of {} operations and statuses", record.executed.len());
    assert!(record.faults.is_empty(), "{} faults:\n{}", record.faults.len(), record.faults.join("\n"));
}

mod every_example_is_what_a_server_answers {
    use super::{Backend, execute};

    #[test]
    fn sqlite() {
        execute(Backend::Sqlite);
    }

    #[test]
    fn postgres() {
        execute(Backend::Postgres);
    }
}

const SPACES: &str = "/paths/~1customers~1{customer}~1spaces";
const JSON: &str = "content/application~1json/example";

/// Changes of examples that are noticed.
fn noticed() -> Vec<Value> {
    let space = format!("{SPACES}~1{{space}}/get/responses/200/{JSON}");
    let request = format!("{SPACES}/post/requestBody/{JSON}");
    let create = "/components/schemas/SpaceCreate/properties";
    let failure = "/components/responses/NotFound/content/application~1problem+json/example";
    vec![
        json!({ "pointer": format!("{space}/name"), "operator": "change", "value": "ship-plans-changed" }),
        json!({ "pointer": format!("{space}/defaultTags/0"), "operator": "delete" }),
        json!({ "pointer": format!("{space}/modelId"), "operator": "rename", "key": "modelIdRenamed" }),
        json!({ "pointer": space, "operator": "delete" }),
        json!({ "pointer": format!("{request}/name"), "operator": "change", "value": " " }),
        json!({ "pointer": format!("{request}/name"), "operator": "rename", "key": "nameRenamed" }),
        json!({ "pointer": format!("{create}/name/example"), "operator": "change", "value": " " }),
        json!({ "pointer": "/components/schemas/Space/properties/name/example", "operator": "change", "value": "no" }),
        json!({ "pointer": "/components/parameters/Space/example", "operator": "change", "value": 4 }),
        json!({ "pointer": format!("{failure}/title"), "operator": "change", "value": "Nowhere" }),
        json!({ "pointer": format!("{failure}/detail"), "operator": "change", "value": "There is nothing." }),
    ]
}

/// Changes of examples that are not, and why.
fn unnoticed() -> Vec<(Value, Unseen)> {
    let space = format!("{SPACES}~1{{space}}/get/responses/200/{JSON}");
    let name = "/components/schemas/SpaceCreate/properties/name/example";
    vec![
        (
            json!({ "pointer": format!("{space}/created"), "operator": "change", "value": "2026-01-05T09:30:01.000Z" }),
            Unseen::Made,
        ),
        (
            json!({ "pointer": "/components/headers/ETag/example", "operator": "change", "value": "\"b\"" }),
            Unseen::Made,
        ),
        (
            json!({ "pointer": "/components/parameters/Cursor/example", "operator": "change", "value": "b" }),
            Unseen::Unexecuted,
        ),
        (json!({ "pointer": name, "operator": "change", "value": "other plans" }), Unseen::Taken),
        (
            json!({ "pointer": "/components/schemas/Image/properties/ingesting/example", "operator": "change", "value": true }),
            Unseen::Shown,
        ),
        (
            json!({ "pointer": "/components/headers/Fastly-RateLimit-Remaining/example", "operator": "change", "value": 1000 }),
            Unseen::Shown,
        ),
    ]
}

#[test]
fn what_is_changed_in_an_example_is_noticed() {
    block_on(async {
        let bench = Bench::new(Backend::Sqlite).await.unwrap();
        let ask = async |change: Value| {
            let mutant: Told = serde_json::from_value(change).unwrap();
            bench.ask(&mutant).await.unwrap_or_else(|error| panic!("{mutant:?}: {error:#}"))
        };
        for change in noticed() {
            let as_it_is = Document::committed().root().pointer(change["pointer"].as_str().unwrap()).unwrap().clone();
            let unchanged = json!({ "pointer": change["pointer"], "operator": "change", "value": as_it_is });
            let verdict = ask(unchanged).await;
            assert!(matches!(verdict, Verdict::Missed(_)), "{verdict:?}");
            let verdict = ask(change.clone()).await;
            assert!(matches!(verdict, Verdict::Caught(_)), "{change}: {verdict:?}");
        }
        for (change, why) in unnoticed() {
            assert_eq!(ask(change.clone()).await, Verdict::Missed(Some(why)), "{change}");
        }
        assert!(
            bench
                .ask(&serde_json::from_value(json!({ "pointer": "/info/title", "operator": "delete" })).unwrap())
                .await
                .is_err()
        );
        bench.finish().await.unwrap();
    });
}
