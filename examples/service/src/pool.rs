//! A bounded pool of workers for the engine, and a bounded queue in front of it.

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
use face_liveness::{Engine, JsonAnswer};
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
    /// Held by who asked too: free when there is neither an answer to take nor a worker at work.
    place: Arc<OwnedSemaphorePermit>,
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
        let (size, max_body_bytes) =
            (params.workers + params.queue, engine.limits().max_body_bytes);
        for _ in 0..params.workers {
            let (engine, queue, metrics) = (engine.clone(), Arc::clone(&queue), metrics.clone());
            thread::spawn(move || work(&engine, &queue, &metrics));
        }
        let places = Arc::new(Semaphore::new(size));
        Self { jobs, places, size, max_body_bytes, deadline: params.deadline, metrics }
    }

    /// The longest body, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Answers a body. Who no longer wants the answer drops the future: the place is free again at once, or
    /// where a worker has begun, when it is done.
    ///
    /// # Errors
    /// [`Refusal::Busy`] at once when no place is left, [`Refusal::TooLate`] past the deadline, [`Refusal::Failed`] when the
    /// engine panicked, which it must not.
    pub async fn answer(&self, body: Bytes) -> Result<JsonAnswer, Refusal> {
        timeout(self.deadline, self.answered(body)).await.map_err(|_| Refusal::TooLate)?
    }

    async fn answered(&self, body: Bytes) -> Result<JsonAnswer, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let place = Arc::new(place);
        let waiting = Waiting {
            body,
            place: Arc::clone(&place),
            since: Instant::now(),
            queued: self.metrics.queued(),
        };
        let waiting = Arc::new(Mutex::new(Some(waiting)));
        let _wanted = Wanted(Arc::clone(&waiting));
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { waiting, reply }).map_err(|_| Refusal::Failed)?;
        answer.await.map_err(|_| Refusal::Failed)?
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
        let Some(Waiting { body, place, since, queued }) = take(&waiting) else { continue };
        drop(queued);
        metrics.took(Part::Queue, since.elapsed());
        let working = metrics.working();
        let answer = catch_unwind(AssertUnwindSafe(|| metrics.timed(|| engine.detect_json(&body))));
        drop((body, working, place));
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

/// Under shuttle, which runs the threads in one order after another.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use shuttle::future::block_on;
    use shuttle::scheduler::RandomScheduler;

    use super::*;

    #[test]
    fn in_any_order_requests_are_answered_or_refused_and_nothing_of_those_that_left_remains() {
        let body = br#"{"images": [{"index": 0, "type": "RGB", "data": "AAAA"}]}"#;
        // Others may run while one is worked on.
        let engine = Engine::builder().on_progress(|_| thread::yield_now()).build().unwrap();
        let params = PoolParams { workers: 2, queue: 1, deadline: Duration::MAX };
        let in_some_order = move || {
            let metrics = Metrics::default();
            let pool = Pool::new(engine.clone(), params, metrics.clone());
            let ask = |stays: bool| {
                let pool = pool.clone();
                thread::spawn(move || {
                    let mut answer = pin!(pool.answered(Bytes::from_static(body)));
                    if stays {
                        let answer = block_on(answer);
                        assert!(matches!(
                            answer,
                            Ok(JsonAnswer { status: 400, .. }) | Err(Refusal::Busy)
                        ));
                    } else {
                        let _ = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                        thread::yield_now();
                    }
                })
            };
            let asked = [true, false, true, false].map(ask);
            asked.into_iter().for_each(|asked| asked.join().unwrap());
            block_on(pool.finished());
            assert!(
                metrics.text().contains("queue_depth 0\n")
                    && metrics.text().contains("working 0\n")
            );
            // Workers that did not end with it would be a deadlock, which shuttle tells.
            drop(pool);
        };
        let mut config = shuttle::Config::default();
        config.stack_size = 1 << 20;
        shuttle::Runner::new(RandomScheduler::new(10_000), config).run(in_some_order);
    }
}
