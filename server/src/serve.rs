//! Puts the service together, runs it, and ends it in order.

use crate::{
    App, api,
    config::{Serve, Shared},
    domain::{
        customers, idempotency, ingest as domain_ingest, installation, keys::NewKey, policies::Policies,
        register::Rules,
    },
    http::{base::Base, front::Front, rate::Rates, ui},
    ingest::{self, Engine, address::Allowed, scratch::Directory},
    listen,
    objects::Objects,
    retention,
    secrets::Secrets,
    store::Db,
};
use anyhow::Context;
use poem::{Endpoint, EndpointExt, Response};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::Write,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long requests and ingests under way are waited for at the end, since the process was asked to end.
const DRAIN: Duration = Duration::from_secs(10);
/// How much longer whoever waited for an ingest that was then handed back has to be told so.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Connections to PostgreSQL at most.
const CONNECTIONS: usize = 16;
/// How long the object storage may take to answer at the start.
const PATIENCE: Duration = Duration::from_secs(15);
/// The file in a data directory that whoever uses it holds locked.
const LOCK: &str = "customer-api.lock";
/// Secrets with fewer characters are warned of.
const SHORT: usize = 16;

/// What serving and working share.
struct Parts {
    db: Db,
    objects: Objects,
    engine: Arc<Engine>,
    secrets: Secrets,
    workers: usize,
    /// What is under way of this process; gone when it ends.
    scratch: Directory,
}

/// The data directory, made where it is missing. It is nobody else's for as long as the file that is answered stays
/// open, if it holds the database; processes that share another database may share it too.
fn data_directory(shared: &Shared) -> anyhow::Result<Option<File>> {
    let data = shared.data.display();
    // What a customer stored is nobody else's on this machine. A directory that is there is as its owner wants it.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&shared.data);
    made.with_context(|| format!("the data directory {data} can't be made"))?;
    if shared.database.is_some() {
        return Ok(None);
    }
    let unusable = || format!("the data directory {data} can't be locked");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(shared.data.join(LOCK));
    let file = file.with_context(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            anyhow::bail!("another server uses the data directory {data}: stop it, or choose another --data")
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(unusable),
    }
}

/// Opens everything, once the data directory is this process's.
async fn parts(shared: &Shared) -> anyhow::Result<Parts> {
    let db = match &shared.database {
        Some(url) => Db::postgres(url, CONNECTIONS).await.context("the PostgreSQL database can't be opened")?,
        None => {
            let file = shared.data.join("customer-api.sqlite");
            Db::sqlite(&file).with_context(|| format!("the database {} can't be opened", file.display()))?
        }
    };
    let place = shared.objects.clone().unwrap_or_else(|| shared.data.join("objects").display().to_string());
    let objects = Objects::open(&place)?;
    let secrets = Secrets::at(&shared.data, shared.secret_key.as_deref())?;
    let silent = || format!("the object storage `{place}` does not answer");
    let identity = timeout(PATIENCE, objects.identity()).await.with_context(silent)??;
    installation::agree(&db, &secrets, identity, shared.adopt).await?;
    if shared.database.is_none() {
        // Nobody else works on this database: whoever held a claim is gone.
        domain_ingest::release_all(&db).await?;
        idempotency::give_up_all(&db).await?;
    }
    let scratch = Directory::within(&shared.data.join("scratch")).context("there is no place to work in")?;
    let workers = shared.workers.unwrap_or_else(|| available_parallelism().map_or(1, Into::into));
    let allowed: Allowed = shared.origin_allow.iter().copied().collect();
    let rules = Rules { allowed, policies: Policies::new(&shared.storage_policy) };
    let limits = shared.fetch_limits();
    let place = scratch.path().to_owned();
    let engine = Engine::new(db.clone(), objects.clone(), secrets.clone(), rules, limits, place, workers)?;
    Ok(Parts { db, objects, engine: Arc::new(engine), secrets, workers, scratch })
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

/// Serves until the process is asked to end; then finishes what is under way, and hands back what takes too long.
///
/// # Errors
/// When the service can't be started.
pub async fn serve(config: Serve) -> anyhow::Result<()> {
    let _lock = data_directory(&config.shared)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("nothing can listen on {}: choose another --listen", config.listen))?;
    let address = listener.local_addr()?;
    let Parts { db, objects, engine, secrets, workers, scratch: _scratch } = parts(&config.shared).await?;
    let first_key = customers::found(&db, config.admin_key.clone(), config.admin_secret.clone()).await?;
    if first_key.is_some() && config.admin_secret.as_ref().is_some_and(|secret| secret.len() < SHORT) {
        tracing::warn!("the administrator's secret has fewer than {SHORT} characters: anybody may guess it");
    }
    customers::identify(&db).await?;

    let stop = CancellationToken::new();
    let ingest = (workers > 0).then(|| tokio::spawn(ingest::run(engine.clone(), workers, stop.clone())));
    let purge = retention::run(db.clone(), objects.clone(), config.shared.retention, stop.clone());
    let purge = tokio::spawn(purge);
    let under_way = TaskTracker::new();
    let app = Arc::new(App {
        db,
        objects,
        engine: engine.clone(),
        secrets,
        profile: config.profile,
        base: Base { fixed: config.public_url.clone(), proxies: config.trusted_proxy.clone() },
        rates: Rates::new(config.account_writes_per_hour),
        under_way: under_way.clone(),
    });

    say(address, first_key.filter(|_| config.admin_secret.is_none()))?;
    let routes = ui::around(api::service()).with(Front(app));
    answer(listener, routes, &engine, &stop).await;
    under_way.close();
    if timeout(ingest::FAREWELL, under_way.wait()).await.is_err() {
        tracing::warn!("answers could not be kept for repeats: their requests take too long");
    }
    if let Some(ingest) = ingest {
        ingest.await?;
    }
    purge.await?;
    Ok(())
}

/// Says where the service is, and what its first key is if nobody knows.
fn say(address: SocketAddr, first_key: Option<NewKey>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if let Some(key) = first_key {
        writeln!(out, "administrator key: {}\nadministrator secret: {}", key.key.id, key.secret)?;
        writeln!(out, "(the secret is not shown again)")?;
    }
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Answers requests until the process is asked to end, and those under way then, whose ingests have as long.
async fn answer(
    listener: TcpListener,
    routes: impl Endpoint<Output = Response> + 'static,
    engine: &Engine,
    stop: &CancellationToken,
) {
    let asked = async {
        asked_to_end().await;
        // Nothing new is begun while requests are still answered.
        stop.cancel();
    };
    let answered = CancellationToken::new();
    let requests = async {
        listen::run(listener, routes, asked, listen::Limits::usual(DRAIN + LAST_WORDS)).await;
        answered.cancel();
    };
    let ingests = async {
        stop.cancelled().await;
        let end = Instant::now() + DRAIN;
        // Until then a request under way may still begin one.
        drop(timeout_at(end, answered.cancelled()).await);
        engine.end(end).await;
    };
    tokio::join!(requests, ingests);
}

/// Ingests until the process is asked to end; then finishes what is under way, and hands back what takes too long.
///
/// # Errors
/// When the service can't be started, or there is nothing to share the work of.
pub async fn work(config: Shared) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.database.is_some(),
        "a worker shares the database of a server: give both --database postgres://…"
    );
    data_directory(&config)?;
    let Parts { db, objects, engine, workers, scratch: _scratch, .. } = parts(&config).await?;
    let stop = CancellationToken::new();
    let ingest = tokio::spawn(ingest::run(engine.clone(), workers.max(1), stop.clone()));
    let purge = tokio::spawn(retention::run(db, objects, config.retention, stop.clone()));
    println!("working");
    asked_to_end().await;
    stop.cancel();
    engine.end(Instant::now() + DRAIN).await;
    ingest.await?;
    purge.await?;
    Ok(())
}
