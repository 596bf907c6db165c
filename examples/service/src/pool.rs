//! A bounded pool of workers for the engine, and a bounded queue in front of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use face_liveness::{Engine, JsonAnswer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use crate::metrics::{Metrics, Part};
use crate::refusal::Refusal;

/// The sizes of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolParams {
    /// Requests worked on at once: more than there are cores only makes each wait longer.
    pub workers: usize,
    /// Requests that may wait.
    pub queue: usize,
    /// How long a request may wait and be worked on.
    pub deadline: Duration,
}

/// An engine that works on so many requests at once, lets so many wait, and refuses the others at once. Cloning one copies
/// pointers.
#[derive(Clone)]
pub struct Pool {
    engine: Engine,
    metrics: Metrics,
    deadline: Duration,
    /// One for each request that waits or is worked on.
    places: Arc<Semaphore>,
    /// One for each that is worked on. First come, first served.
    workers: Arc<Semaphore>,
    size: usize,
}

impl Pool {
    /// A pool around an engine. Its stages are timed where the engine was built with [`Metrics::ended`].
    pub fn new(engine: Engine, params: PoolParams, metrics: Metrics) -> Self {
        let size = params.workers + params.queue;
        Self {
            engine,
            metrics,
            deadline: params.deadline,
            places: Arc::new(Semaphore::new(size)),
            workers: Arc::new(Semaphore::new(params.workers)),
            size,
        }
    }

    /// The longest body, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.engine.max_body_bytes()
    }

    /// Answers a body. Who no longer wants the answer drops the future: a request that still waits then gives its place back,
    /// one that is worked on when that is done.
    ///
    /// # Errors
    /// [`Refusal::Busy`] at once when no place is left, [`Refusal::TooLate`] past the deadline, [`Refusal::Failed`] when the
    /// engine panicked, which it must not.
    pub async fn answer(&self, body: Bytes) -> Result<JsonAnswer, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let began = Instant::now();
        let deadline = tokio::time::Instant::from_std(began + self.deadline);
        let queued = self.metrics.queued();
        let worker = Arc::clone(&self.workers).acquire_owned();
        let worker = timeout_at(deadline, worker).await.map_err(|_| Refusal::TooLate)?;
        let worker = worker.map_err(|_| Refusal::Failed)?;
        drop(queued);
        self.metrics.took(Part::Queue, began.elapsed());
        let work = spawn_blocking({
            let pool = self.clone();
            move || pool.work(&body, [place, worker])
        });
        timeout_at(deadline, work).await.map_err(|_| Refusal::TooLate)?.map_err(|_| Refusal::Failed)
    }

    fn work(&self, body: &[u8], places: [OwnedSemaphorePermit; 2]) -> JsonAnswer {
        let working = self.metrics.working();
        let answer = self.metrics.timed(|| self.engine.detect_json(body));
        drop((working, places));
        answer
    }

    /// Returns when nothing waits and nothing is worked on.
    pub async fn finished(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // Only a closed semaphore fails, and none is ever closed.
        let _ = self.places.acquire_many(all).await;
    }
}
