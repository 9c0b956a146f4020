//! The command line of the service.

use clap::{Parser, error::ErrorKind};
use customer_server::{
    api,
    config::{Cli, Command},
    report, serve,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    report::start_log();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error.to_string(), 1),
    };
    let code = runtime.block_on(run());
    // What is decoded just now can't be interrupted, and is on the queue again.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) if is_help(error.kind()) => error.exit(),
        Err(error) => return refuse(&report::refusal(&error), 2),
    };
    let done = match command {
        Command::Serve(config) => serve::serve(config).await,
        Command::Worker(config) => serve::work(config).await,
        Command::EmitOpenapi => {
            println!("{}", api::service().spec());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&report::sentence(&error), 1),
    }
}

fn is_help(kind: ErrorKind) -> bool {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(kind, DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion)
}

fn refuse(why: &str, code: u8) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(code)
}
