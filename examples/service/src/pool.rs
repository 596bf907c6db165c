//! A bounded pool of worker threads for the engine, with a bounded queue in front.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
#[cfg(not(test))]
use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use bytes::Bytes;
use face_liveness::{Engine, Error, ErrorBody, Response};
#[cfg(test)]
use shuttle::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::allocator::return_memory_soon;
use crate::metrics::{GaugeGuard, Metrics, Step};
use crate::models;
use crate::refusal::Refusal;

/// The engine's answer to a request body: a response, or what is wrong with the request.
pub type Answer = Result<Response, ErrorBody>;

/// The size of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolParams {
    /// Requests processed at once. More than the number of cores only makes each request slower.
    pub workers: usize,
    /// Requests that may wait for a worker.
    pub queue: usize,
    /// The time that a request may take, waiting included.
    pub deadline: Duration,
}

/// Runs an engine on a fixed number of threads. Cloning copies pointers; the threads end with the
/// last clone.
#[derive(Clone)]
pub struct Pool {
    /// Leads to the workers, which take the next request themselves. If the threads of the
    /// connections handed requests out, a core would be idle while two threads wake up.
    jobs: Sender<Job>,
    /// One permit for each request that waits or is in progress.
    places: Arc<Semaphore>,
    size: usize,
    max_body_bytes: usize,
    models: Bytes,
    deadline: Duration,
    metrics: Metrics,
}

impl Pool {
    /// Starts the threads of a pool.
    pub fn new(engine: Engine, params: PoolParams, metrics: Metrics) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let (size, max_body_bytes) =
            (params.workers + params.queue, engine.limits().max_body_bytes);
        let models = models::document(&engine);
        for _ in 0..params.workers {
            let (engine, queue, metrics) = (engine.clone(), Arc::clone(&queue), metrics.clone());
            thread::spawn(move || work(&engine, &queue, &metrics));
        }
        let places = Arc::new(Semaphore::new(size));
        Self { jobs, places, size, max_body_bytes, models, deadline: params.deadline, metrics }
    }

    /// The engine's limit on a body, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// The engine's models, as JSON.
    pub(crate) fn models(&self) -> Bytes {
        self.models.clone()
    }

    /// Answers a body. Dropping the future cancels the request: its place is freed at once, or when
    /// the worker that has started it is done.
    ///
    /// # Errors
    /// [`Refusal::Busy`] at once if no place is free, [`Refusal::TooLate`] after the deadline,
    /// [`Refusal::Failed`] if the engine panicked.
    pub async fn answer(&self, body: Bytes) -> Result<Answer, Refusal> {
        timeout(self.deadline, self.queued(body)).await.map_err(|_| Refusal::TooLate)?
    }

    async fn queued(&self, body: Bytes) -> Result<Answer, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let place = Arc::new(place);
        let waiting = Waiting {
            body,
            place: Arc::clone(&place),
            since: Instant::now(),
            counted: self.metrics.queued(),
        };
        let waiting = Arc::new(Mutex::new(Some(waiting)));
        let _cancel = CancelOnDrop(Arc::clone(&waiting));
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { waiting, reply }).map_err(|_| Refusal::Failed)?;
        answer.await.map_err(|_| Refusal::Failed)?
    }

    /// Returns when no request waits or is in progress.
    pub async fn finished(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // Fails only for a closed semaphore, and this one is never closed.
        let _ = self.places.acquire_many(all).await;
    }
}

/// A request in the queue.
struct Job {
    waiting: Arc<Mutex<Option<Waiting>>>,
    reply: oneshot::Sender<Result<Answer, Refusal>>,
}

/// The state of a request until a worker takes it.
struct Waiting {
    body: Bytes,
    /// Shared with the future that waits: the place is free when both that future and the worker
    /// have dropped it.
    place: Arc<OwnedSemaphorePermit>,
    since: Instant,
    counted: GaugeGuard,
}

/// Removes a request from the queue when its future is dropped.
struct CancelOnDrop(Arc<Mutex<Option<Waiting>>>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        drop(take(&self.0));
    }
}

/// The loop of a worker. It ends with the pool.
fn work(engine: &Engine, queue: &Mutex<Receiver<Job>>, metrics: &Metrics) {
    while let Some(Job { waiting, reply }) = next(queue) {
        let Some(Waiting { body, place, since, counted }) = take(&waiting) else { continue };
        drop(counted);
        metrics.took(Step::Queue, since.elapsed());
        let working = metrics.working();
        let detect = || engine.detect_body(&body).map_err(to_body);
        let answer = catch_unwind(AssertUnwindSafe(detect));
        drop((body, working, place));
        return_memory_soon();
        // Fails if the future has been dropped.
        let _ = reply.send(answer.map_err(|_| Refusal::Failed));
    }
}

/// The client is not told why the engine failed, so the log is. No error holds image data.
fn to_body(error: Error) -> ErrorBody {
    if let Error::Engine(_) = error {
        tracing::error!(error = error.description(), "the engine failed");
    }
    error.to_body()
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.recv().ok()
}

fn take(waiting: &Mutex<Option<Waiting>>) -> Option<Waiting> {
    waiting.lock().ok()?.take()
}

/// Runs under shuttle, which tries many thread schedules.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use shuttle::future::block_on;
    use shuttle::scheduler::RandomScheduler;

    use super::*;

    #[test]
    fn in_any_schedule_requests_are_answered_or_refused_and_cancelled_ones_leave_nothing() {
        let body = br#"{"images": [{"index": 0, "type": "RGB", "data": "AAAA"}]}"#;
        // Lets other threads run in the middle of a request.
        let engine = Engine::builder().on_progress(|_| thread::yield_now()).build().unwrap();
        let params = PoolParams { workers: 2, queue: 1, deadline: Duration::MAX };
        let schedule = move || {
            let metrics = Metrics::default();
            let pool = Pool::new(engine.clone(), params, metrics.clone());
            let ask = |stays: bool| {
                let pool = pool.clone();
                thread::spawn(move || {
                    let mut answer = pin!(pool.queued(Bytes::from_static(body)));
                    if stays {
                        let answer = block_on(answer);
                        assert!(matches!(answer, Ok(Err(_)) | Err(Refusal::Busy)));
                    } else {
                        let _ = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                        thread::yield_now();
                    }
                })
            };
            let asked = [true, false, true, false].map(ask);
            asked.into_iter().for_each(|asked| asked.join().unwrap());
            block_on(pool.finished());
            let text = metrics.text();
            assert!(text.contains("queue_depth 0\n") && text.contains("working 0\n"), "{text}");
            // Shuttle reports a deadlock if the workers do not end with the pool.
            drop(pool);
        };
        let mut config = shuttle::Config::default();
        config.stack_size = 1 << 20;
        shuttle::Runner::new(RandomScheduler::new(10_000), config).run(schedule);
    }
}
