//! The loop that hands waiting images to the engine.

use super::Engine;
use crate::domain::ingest;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Images under way for each that is decoded: fetching waits for others most of the time.
pub(super) const FETCHES_PER_WORKER: usize = 4;
/// Images claimed at once at most.
const CLAIM: usize = 8;
/// How often other processes are asked for work; this one's own is heard of at once.
const LOOK: Duration = Duration::from_secs(1);

/// Works off the queue with `workers` workers until `stop`; then waits for what is under way, see [`Engine::end`].
pub async fn run(engine: Arc<Engine>, workers: usize, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(workers * FETCHES_PER_WORKER));
    let under_way = TaskTracker::new();
    while !stop.is_cancelled() {
        let free = tokio::select! {
            permit = slots.clone().acquire_owned() => permit,
            () = stop.cancelled() => break,
        };
        let Ok(first) = free else { break };
        let mut permits = vec![first];
        while permits.len() < CLAIM {
            match slots.clone().try_acquire_owned() {
                Ok(permit) => permits.push(permit),
                Err(_) => break,
            }
        }
        let claimed = ingest::claim(&engine.db, permits.len() as i64, Engine::lease()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "claiming images");
            Vec::new()
        });
        let idle = claimed.is_empty();
        for (image, permit) in claimed.into_iter().zip(permits) {
            let engine = engine.clone();
            under_way.spawn(async move {
                if let Err(error) = engine.ingest(image).await {
                    tracing::error!(%error, "writing the outcome of an ingest");
                }
                drop(permit);
            });
        }
        if idle {
            tokio::select! {
                () = engine.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    under_way.close();
    under_way.wait().await;
}
