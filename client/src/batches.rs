//! Waiting for a batch.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::{Client, Failure, types::Batch};

/// The first pause between two looks; each next one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Client {
    /// Waits until every image of a batch is done, well or badly, or belongs to a later batch, and answers the
    /// batch, which is finished or superseded then. `progress` sees each state on the way. A server that is away for
    /// a moment is asked again.
    ///
    /// # Errors
    /// [`Failure::Late`] when the batch isn't done within `deadline`, and what the server says when
    /// it refuses.
    pub async fn wait_for_batch(
        &self,
        customer: i64,
        batch: i64,
        deadline: Duration,
        mut progress: impl FnMut(&Batch),
    ) -> Result<Batch, Failure> {
        let end = Instant::now() + deadline;
        let mut pause = FIRST_PAUSE;
        loop {
            let look = self.batch_view().customer(customer).batch(batch).send();
            match timeout_at(end, look).await.map_err(|_| Failure::Late(deadline))? {
                Ok(answer) => {
                    let state = answer.into_inner();
                    progress(&state);
                    if state.finished.is_some() || state.superseded {
                        return Ok(state);
                    }
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    // A proxy that answers for an absent server writes no problem.
                    if !failure.is_transient() && !matches!(failure, Failure::Unreadable(_)) {
                        return Err(failure);
                    }
                }
            }
            if Instant::now() + pause >= end {
                return Err(Failure::Late(deadline));
            }
            sleep(pause).await;
            pause = (pause + pause / 2).min(LONGEST_PAUSE);
        }
    }
}
