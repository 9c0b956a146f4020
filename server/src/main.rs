//! The command line of the service.

use clap::Parser;
use customer_server::{
    api,
    config::{Cli, Command},
    serve,
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("CUSTOMER_API_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_env_filter(filter).init();
    match Cli::parse().command {
        Command::Serve(config) => serve::serve(config).await,
        Command::Worker(config) => serve::work(config).await,
        Command::EmitOpenapi => {
            println!("{}", api::service().spec());
            Ok(())
        }
    }
}
