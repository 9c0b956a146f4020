//! A database of its own for every server that runs on PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Context as _;
use test_cluster::Cluster;
use tokio_postgres::NoTls;

/// A cluster that is running already; its URL may name any database that exists.
const CLUSTER: &str = "CUSTOMER_API_TEST_POSTGRES";

/// A fresh, empty database.
#[derive(Debug)]
pub struct FreshDatabase {
    /// Its URL.
    pub url: String,
    name: String,
    maintenance: String,
    /// Keeps the cluster running while a database on it is in use.
    cluster: Option<Arc<Cluster>>,
}

impl FreshDatabase {
    /// Makes a database on the cluster of `CUSTOMER_API_TEST_POSTGRES`, or on one the running tests
    /// share and the last of them stops.
    ///
    /// # Errors
    /// When there is no PostgreSQL, or it refuses.
    pub async fn create() -> anyhow::Result<Self> {
        let name = next_name();
        let (maintenance, url, cluster) = match std::env::var(CLUSTER) {
            Ok(given) => {
                let mut url = url::Url::parse(&given).context(CLUSTER)?;
                url.set_path(&name);
                (given, url.to_string(), None)
            }
            Err(_) => {
                let cluster = tokio::task::spawn_blocking(shared_cluster).await??;
                (cluster.url("postgres"), cluster.url(&name), Some(cluster))
            }
        };
        execute(&maintenance, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self { url, name, maintenance, cluster })
    }

    /// Makes a database that holds what this one does; nobody may be connected to this one.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn copy(&self) -> anyhow::Result<Self> {
        let name = next_name();
        let mut url = url::Url::parse(&self.url)?;
        url.set_path(&name);
        execute(&self.maintenance, &format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).await?;
        Ok(Self { url: url.into(), name, maintenance: self.maintenance.clone(), cluster: self.cluster.clone() })
    }

    /// Removes the database, whoever is still connected.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn remove(&self) -> anyhow::Result<()> {
        execute(&self.maintenance, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await
    }
}

fn next_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("contract_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A static is never dropped, so it must not be what keeps the cluster alive.
fn shared_cluster() -> anyhow::Result<Arc<Cluster>> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return Ok(running);
    }
    let cluster = Arc::new(Cluster::start()?);
    *shared = Arc::downgrade(&cluster);
    Ok(cluster)
}

async fn execute(url: &str, statement: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("PostgreSQL")?;
    let driver = tokio::spawn(connection);
    let done = client.batch_execute(statement).await;
    driver.abort();
    done.with_context(|| statement.to_owned())
}
