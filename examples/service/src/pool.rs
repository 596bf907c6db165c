//! A bounded pool of workers for the engine, and a bounded queue in front of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use face_liveness::{Engine, JsonAnswer};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::metrics::{Held, Metrics, Part};
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
/// pointers; the workers end with the last.
#[derive(Clone)]
pub struct Pool {
    /// To the workers, who take the next request themselves: a detour by the threads of connections would leave cores idle for
    /// as long as it takes to wake two threads.
    jobs: Sender<Job>,
    /// One for each request that waits or is worked on.
    places: Arc<Semaphore>,
    size: usize,
    max_body_bytes: usize,
    deadline: Duration,
    metrics: Metrics,
}

/// A request in the queue.
struct Job {
    waiting: Arc<Mutex<Option<Waiting>>>,
    reply: oneshot::Sender<Result<JsonAnswer, Refusal>>,
}

/// What a request holds until a worker takes it.
struct Waiting {
    body: Bytes,
    since: Instant,
    queued: Held,
}

/// Takes a request out of the queue when nobody waits for its answer any more.
struct Wanted(Arc<Mutex<Option<Waiting>>>);

impl Drop for Wanted {
    fn drop(&mut self) {
        drop(take(&self.0));
    }
}

impl Pool {
    /// A pool around an engine, and its threads. Stages are timed where the engine was built with [`Metrics::ended`].
    pub fn new(engine: Engine, params: PoolParams, metrics: Metrics) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let (size, max_body_bytes) = (params.workers + params.queue, engine.max_body_bytes());
        for _ in 0..params.workers {
            let (engine, queue, metrics) = (engine.clone(), Arc::clone(&queue), metrics.clone());
            std::thread::spawn(move || work(&engine, &queue, &metrics));
        }
        let places = Arc::new(Semaphore::new(size));
        Self { jobs, places, size, max_body_bytes, deadline: params.deadline, metrics }
    }

    /// The longest body, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Answers a body. Who no longer wants the answer drops the future, and gives the place back.
    ///
    /// # Errors
    /// [`Refusal::Busy`] at once when no place is left, [`Refusal::TooLate`] past the deadline, [`Refusal::Failed`] when the
    /// engine panicked, which it must not.
    pub async fn answer(&self, body: Bytes) -> Result<JsonAnswer, Refusal> {
        let _place = self.places.try_acquire().map_err(|_| Refusal::Busy)?;
        let waiting = Waiting { body, since: Instant::now(), queued: self.metrics.queued() };
        let waiting = Arc::new(Mutex::new(Some(waiting)));
        let _wanted = Wanted(Arc::clone(&waiting));
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { waiting, reply }).map_err(|_| Refusal::Failed)?;
        let answer = timeout(self.deadline, answer).await.map_err(|_| Refusal::TooLate)?;
        answer.map_err(|_| Refusal::Failed)?
    }

    /// Returns when nothing waits and nothing is worked on.
    pub async fn finished(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // Only a closed semaphore fails, and none is ever closed.
        let _ = self.places.acquire_many(all).await;
    }
}

/// A worker: one request after another, until there is no pool any more.
fn work(engine: &Engine, queue: &Mutex<Receiver<Job>>, metrics: &Metrics) {
    while let Some(Job { waiting, reply }) = next(queue) {
        let Some(Waiting { body, since, queued }) = take(&waiting) else { continue };
        drop(queued);
        metrics.took(Part::Queue, since.elapsed());
        let working = metrics.working();
        let answer = catch_unwind(AssertUnwindSafe(|| metrics.timed(|| engine.detect_json(&body))));
        drop((body, working));
        // Who asked may be gone.
        let _ = reply.send(answer.map_err(|_| Refusal::Failed));
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.recv().ok()
}

fn take(waiting: &Mutex<Option<Waiting>>) -> Option<Waiting> {
    waiting.lock().ok()?.take()
}
