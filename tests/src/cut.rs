//! A cable between a server and its database that a test can cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A TCP relay. While it is cut, connections through it end at once, those that are open too. Dropping it
/// cuts it for good.
#[derive(Debug)]
pub struct Cut {
    address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
    listener: JoinHandle<()>,
}

impl Cut {
    /// A whole cable to an address.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn new(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let whole = Arc::new(watch::Sender::new(true));
        let listener = tokio::spawn(accept(listener, upstream, whole.clone()));
        Ok(Self { address, whole, listener })
    }

    /// A cable to the server of a database, and the URL of that database at this end of it.
    ///
    /// # Errors
    /// When the URL names no address, or no port can be listened on.
    pub async fn to_database(url: &str) -> anyhow::Result<(Self, String)> {
        let mut url = url::Url::parse(url)?;
        let (host, port) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(5432));
        let upstream = tokio::net::lookup_host((host, port)).await?.next();
        let cut = Self::new(upstream.ok_or_else(|| anyhow::anyhow!("{url} names no address"))?).await?;
        anyhow::ensure!(
            url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(cut.address.port())).is_ok(),
            "{url} can't lead elsewhere"
        );
        Ok((cut, url.to_string()))
    }

    /// Cuts it.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Mends it.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.cut();
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, whole: Arc<watch::Sender<bool>>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut state = whole.subscribe();
        tokio::spawn(async move {
            if !*state.borrow() {
                return;
            }
            let Ok(mut far) = TcpStream::connect(upstream).await else { return };
            // Whatever ends first ends both directions: dropping the streams closes them.
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = state.wait_for(|whole| !whole) => {}
            }
        });
    }
}
