//! Puts the service together, runs it, and ends it in order.

use crate::{
    App, api,
    config::{Serve, Shared},
    domain::{customers, ingest as domain_ingest, policies::Policies, register::Rules},
    http::{base::Base, front::Front, rate::Rates, ui},
    ingest::{self, Engine, address::Allowed},
    objects::Objects,
    retention,
    secrets::Secrets,
    store::Db,
};
use anyhow::Context;
use poem::{EndpointExt, Server, listener::TcpAcceptor};
use std::{io::Write, sync::Arc, thread::available_parallelism, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long requests under way are waited for at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections to PostgreSQL at most.
const CONNECTIONS: usize = 16;

/// What serving and working share.
struct Parts {
    db: Db,
    objects: Objects,
    engine: Arc<Engine>,
    secrets: Secrets,
    workers: usize,
}

async fn parts(shared: &Shared) -> anyhow::Result<Parts> {
    std::fs::create_dir_all(&shared.data)
        .with_context(|| format!("the data directory {} can't be made", shared.data.display()))?;
    let db = match &shared.database {
        Some(url) => Db::postgres(url, CONNECTIONS).await.context("the PostgreSQL database can't be opened")?,
        None => {
            let file = shared.data.join("customer-api.sqlite");
            let db = Db::sqlite(&file).with_context(|| format!("the database {} can't be opened", file.display()))?;
            // Nobody else works on this file: whoever held a claim is gone.
            domain_ingest::release_all(&db).await?;
            db
        }
    };
    let place = shared.objects.clone().unwrap_or_else(|| shared.data.join("objects").display().to_string());
    let objects = Objects::open(&place)?;
    let workers = shared.workers.unwrap_or_else(|| available_parallelism().map_or(1, Into::into));
    let allowed: Allowed = shared.origin_allow.iter().copied().collect();
    let scratch = shared.data.join("scratch");
    if shared.database.is_none() {
        // What a killed process left behind.
        drop(std::fs::remove_dir_all(&scratch));
    }
    let rules = Rules { allowed, policies: Policies::new(&shared.storage_policy) };
    let secrets = Secrets::at(&shared.data, shared.secret_key.as_deref())?;
    let limits = shared.fetch_limits();
    let engine = Engine::new(db.clone(), objects.clone(), secrets.clone(), rules, limits, scratch, workers)?;
    Ok(Parts { db, objects, engine: Arc::new(engine), secrets, workers })
}

/// Resolves when the process is asked to end.
async fn asked_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        drop(interrupted.await);
        return;
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}

/// Serves until the process is asked to end; then finishes what is under way.
///
/// # Errors
/// When the service can't be started.
pub async fn serve(config: Serve) -> anyhow::Result<()> {
    let Parts { db, objects, engine, secrets, workers } = parts(&config.shared).await?;
    let first_key = customers::found(&db, config.admin_key.clone(), config.admin_secret.clone()).await?;
    customers::identify(&db).await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("nothing can listen on {}: choose another --listen", config.listen))?;
    let address = listener.local_addr()?;

    let stop = CancellationToken::new();
    let ingest = (workers > 0).then(|| tokio::spawn(ingest::run(engine.clone(), workers, stop.clone())));
    let purge = retention::run(db.clone(), objects.clone(), config.shared.retention, stop.clone());
    let purge = tokio::spawn(purge);
    let app = Arc::new(App {
        db,
        objects,
        engine,
        secrets,
        profile: config.profile,
        base: Base { fixed: config.public_url.clone(), proxies: config.trusted_proxy.clone() },
        rates: Rates::new(config.account_writes_per_hour),
    });

    let mut out = std::io::stdout().lock();
    if let Some(key) = first_key.filter(|_| config.admin_secret.is_none()) {
        writeln!(out, "administrator key: {}\nadministrator secret: {}", key.key.id, key.secret)?;
        writeln!(out, "(the secret is not shown again)")?;
    }
    writeln!(out, "listening on http://{address}")?;
    out.flush()?;
    drop(out);

    let routes = ui::around(api::service()).with(Front(app));
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?)
        .run_with_graceful_shutdown(routes, asked_to_end(), Some(DRAIN))
        .await?;
    stop.cancel();
    if let Some(ingest) = ingest {
        ingest.await?;
    }
    purge.await?;
    Ok(())
}

/// Ingests until the process is asked to end; then finishes what is under way.
///
/// # Errors
/// When the service can't be started, or there is nothing to share the work of.
pub async fn work(config: Shared) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.database.is_some(),
        "a worker shares the database of a server: give both --database postgres://…"
    );
    let Parts { db, objects, engine, workers, .. } = parts(&config).await?;
    let stop = CancellationToken::new();
    let ingest = tokio::spawn(ingest::run(engine, workers.max(1), stop.clone()));
    let purge = tokio::spawn(retention::run(db, objects, config.retention, stop.clone()));
    println!("working");
    asked_to_end().await;
    stop.cancel();
    ingest.await?;
    purge.await?;
    Ok(())
}
