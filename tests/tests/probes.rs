//! Oracle B: what the document says of requests, just inside and just outside.

use contract_tests::{Backend, probes};

mod the_document_is_what_the_server_does {
    use super::{Backend, probes};

    #[test]
    fn sqlite() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let report = runtime.block_on(probes::run(Backend::Sqlite, |_| true)).unwrap_or_else(|error| panic!("{error:#}"));
        println!("{} probes of {} operations", report.outcome.probes, report.operations.len());
        let findings = report.findings();
        assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    }
}
