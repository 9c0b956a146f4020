//! Every example of the document, executed.

use contract_tests::{Backend, examples};

/// Executes all examples; panics with everything that is not as the document says.
fn execute(backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let record = runtime.block_on(examples::run(backend)).unwrap_or_else(|error| panic!("{error:#}"));
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
