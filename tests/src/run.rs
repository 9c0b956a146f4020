//! Running a test against a server of its own.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use crate::server::{Options, TestServer};

/// Runs a scenario against a fresh server and fails when it panics or an exchange was not as
/// documented. Usually called by [`contract_test!`](crate::contract_test).
///
/// # Panics
/// When the scenario fails.
pub fn run(options: Options, scenario: impl AsyncFnOnce(&mut TestServer)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let mut server = match TestServer::start(options).await {
            Ok(server) => server,
            Err(error) => panic!("{error:#}"),
        };
        let outcome = AssertUnwindSafe(scenario(&mut server)).catch_unwind().await;
        let log = server.log();
        let finished = server.finish().await;
        let violations = finished.as_ref().map(|texts| texts.join("\n\n")).unwrap_or_default();
        if outcome.is_err() || !violations.is_empty() {
            eprintln!("--- the server said:\n{log}---");
        }
        if let Err(panic) = outcome {
            if !violations.is_empty() {
                eprintln!("not as documented:\n{violations}");
            }
            std::panic::resume_unwind(panic);
        }
        assert!(violations.is_empty(), "not as documented:\n{violations}");
        if let Err(error) = finished {
            panic!("{error:#}");
        }
    });
}

/// Defines tests that run one scenario against fresh servers, on both databases:
///
/// ```ignore
/// contract_test!(spaces_are_listed, async |server: &mut TestServer| { … });
/// contract_test!(queue_waits, options = Options { workers: 0, ..Options::default() },
///     async |server: &mut TestServer| { … });
/// contract_test!(deletion, profiles, async |server: &mut TestServer| { … });
/// contract_test!(browser, only sqlite, async |server: &mut TestServer| { … });
/// ```
///
/// Each makes a module of that name with the tests `sqlite` and `postgres`; with `profiles`, with
/// `sqlite_seed`, `sqlite_today`, `postgres_seed` and `postgres_today`. `profiles` and `only sqlite` may be
/// followed by `, options = …`.
#[macro_export]
macro_rules! contract_test {
    ($name:ident, profiles $(, options = $options:expr)?,
     async |$server:ident: &mut $kind:ident| $body:block $(,)?) => {
        $crate::contract_test!(@module $name, $server, $kind, $body,
            { $crate::contract_test!(@options $($options)?) },
            sqlite_seed: Sqlite, Some($crate::Profile::Seed);
            sqlite_today: Sqlite, Some($crate::Profile::Today);
            postgres_seed: Postgres, Some($crate::Profile::Seed);
            postgres_today: Postgres, Some($crate::Profile::Today);
        );
    };
    ($name:ident, only sqlite $(, options = $options:expr)?,
     async |$server:ident: &mut $kind:ident| $body:block $(,)?) => {
        $crate::contract_test!(@module $name, $server, $kind, $body,
            { $crate::contract_test!(@options $($options)?) },
            sqlite: Sqlite, None;
        );
    };
    ($name:ident $(, options = $options:expr)?,
     async |$server:ident: &mut $kind:ident| $body:block $(,)?) => {
        $crate::contract_test!(@module $name, $server, $kind, $body,
            { $crate::contract_test!(@options $($options)?) },
            sqlite: Sqlite, None;
            postgres: Postgres, None;
        );
    };
    (@options) => { $crate::Options::default() };
    (@options $options:expr) => { $options };
    (@module $name:ident, $server:ident, $kind:ident, $body:block, $options:block,
     $($test:ident: $backend:ident, $profile:expr;)+) => {
        mod $name {
            use super::*;

            async fn scenario($server: &mut $kind) $body

            $(
                #[test]
                fn $test() {
                    let mut options: $crate::Options = $options;
                    options.backend = $crate::Backend::$backend;
                    let profile: Option<$crate::Profile> = $profile;
                    options.profile = profile.unwrap_or(options.profile);
                    $crate::run(options, scenario);
                }
            )+
        }
    };
}
