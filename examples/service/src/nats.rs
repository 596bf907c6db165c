//! Inference on many machines: workers that register as a NATS micro-service, and their client.
//!
//! A request is a message to the subject of the workers; the NATS server hands it to one of them.
//! The payload is the body, as over HTTP. The payload of the reply is the body of the answer, and
//! its header `Status` is the HTTP status. A worker that is busy, late or broken replies with an
//! error of the micro-service protocol. Core NATS persists nothing: messages live only in memory.

use std::time::Duration;

use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use async_nats::service::{Request, ServiceExt};
use async_nats::{Client, HeaderMap, Message, RequestErrorKind};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::allocator::return_memory_soon;
use crate::metrics::Metrics;
use crate::pool::{Answer, Pool};
use crate::refusal::Refusal;

/// An error of the client library, or an unsuitable server.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

const NAME: &str = "liveness";
const STATUS: &str = "Status";
/// Below the second that Kubernetes waits for a probe.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a worker may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A process that answers requests from the queue group of a subject.
pub struct Worker {
    pool: Pool,
    endpoint: Endpoint,
    /// Answers with the worker's models. An answer shows that a worker is up.
    models: Endpoint,
    service: async_nats::service::Service,
    client: Client,
}

impl Worker {
    /// Registers as a micro-service: `nats micro ls` lists the worker, `nats micro stats` counts
    /// its requests.
    ///
    /// # Errors
    /// If the server cannot be reached, or its message limit is smaller than a body may be.
    pub fn start<'a>(
        url: &'a str,
        subject: &'a str,
        pool: Pool,
    ) -> BoxFuture<'a, Result<Self, Failure>> {
        Self::register(url, subject, pool).boxed()
    }

    async fn register(url: &str, subject: &str, pool: Pool) -> Result<Self, Failure> {
        let client = client(url, pool.max_body_bytes()).await?;
        let service =
            client.service_builder().description("Face liveness: detect(request) -> response");
        let service = service.start(NAME, env!("CARGO_PKG_VERSION")).await?;
        let endpoint = service.endpoint_builder().name("detect").add(subject).await?;
        let models = service.endpoint_builder().name("models").add(models_subject(subject)).await?;
        // A request sent after this function returns finds the worker.
        client.flush().await?;
        Ok(Self { pool, endpoint, models, service, client })
    }

    /// Answers requests until `end` completes, then finishes the requests it has received.
    ///
    /// # Errors
    /// If the connection is lost and not restored.
    pub fn run(self, end: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<(), Failure>> {
        self.serve(end).boxed()
    }

    async fn serve(mut self, mut end: BoxFuture<'static, ()>) -> Result<(), Failure> {
        let mut replies = JoinSet::new();
        loop {
            tokio::select! {
                request = self.endpoint.next() => {
                    let request = request.ok_or("the subscription has ended")?;
                    // Without waiting: requests must queue in the pool, not in the client library.
                    replies.spawn(respond(self.pool.clone(), request));
                }
                Some(request) = self.models.next() => {
                    // The caller takes a worker that cannot reply for one that is down.
                    let _ = request.respond(Ok(self.pool.models())).await;
                }
                Some(_) = replies.join_next() => {}
                () = &mut end => break,
            }
        }
        // Without a connection this would wait forever.
        timeout(STOP_TIMEOUT, self.finish(replies)).await?
    }

    /// Leaves the queue group and answers the requests received before. The client library
    /// sometimes drops a request that arrives at that moment; `Remote` sends it again.
    async fn finish(mut self, mut replies: JoinSet<()>) -> Result<(), Failure> {
        self.endpoint.stop().await?;
        while let Some(request) = self.endpoint.next().await {
            replies.spawn(respond(self.pool.clone(), request));
        }
        replies.join_all().await;
        self.service.stop().await?;
        self.client.flush().await?;
        Ok(())
    }
}

/// The subject on which the workers of a subject name their models.
fn models_subject(subject: &str) -> String {
    format!("{subject}.models")
}

async fn respond(pool: Pool, request: Request) {
    let mut headers = HeaderMap::new();
    let answer = pool.answer(request.message.payload.clone()).await;
    let reply = answer.and_then(|answer| encode(&answer)).map(|(status, body)| {
        headers.insert(STATUS, status.to_string().as_str());
        body
    });
    let reply = reply.map_err(|refusal| ServiceError {
        code: usize::from(refusal.status().as_u16()),
        status: refusal.to_string(),
    });
    if let Err(error) = request.respond_with_headers(reply, headers).await {
        tracing::warn!(%error, "cannot send a reply");
    }
}

/// The status and the payload of a reply.
fn encode(answer: &Answer) -> Result<(u16, Bytes), Refusal> {
    let (status, body) = match answer {
        Ok(response) => (200, serde_json::to_vec(response)),
        Err(error) => (error.error.code.http_status(), serde_json::to_vec(error)),
    };
    Ok((status, body.map_err(|_| Refusal::Failed)?.into()))
}

fn decode(reply: &Message) -> Result<Answer, Refusal> {
    if let Some(code) = number(reply, async_nats::service::NATS_SERVICE_ERROR_CODE) {
        return Err(Refusal::of_status(code));
    }
    let answer = match number(reply, STATUS).ok_or(Refusal::Failed)? {
        200 => serde_json::from_slice(&reply.payload).map(Ok),
        _ => serde_json::from_slice(&reply.payload).map(Err),
    };
    answer.map_err(|_| Refusal::Failed)
}

/// The number in a header.
fn number(message: &Message, header: &str) -> Option<u16> {
    message.headers.as_ref()?.get(header)?.as_str().parse().ok()
}

/// The attempts that may be unanswered.
const MAX_UNANSWERED: usize = 2;

/// How requests are retried.
#[derive(Debug, Clone, Copy)]
pub struct RemoteParams {
    /// How long to wait for one worker before the request is sent to another as well.
    pub attempt: Duration,
    /// The time for all attempts together.
    pub deadline: Duration,
}

impl Default for RemoteParams {
    /// A worker answers in tens of milliseconds: one that needs 2 s has died, or is busy with a
    /// request of the slowest kind.
    fn default() -> Self {
        Self { attempt: Duration::from_secs(2), deadline: Duration::from_secs(5) }
    }
}

/// The client of a subject's workers. Cloning copies pointers.
#[derive(Clone)]
pub struct Remote {
    client: Client,
    subject: String,
    params: RemoteParams,
    metrics: Metrics,
}

impl Remote {
    /// Connects to the NATS server.
    ///
    /// # Errors
    /// If the server cannot be reached, or its message limit is smaller than a body may be.
    pub async fn connect(
        url: &str,
        subject: &str,
        max_body_bytes: usize,
        params: RemoteParams,
        metrics: Metrics,
    ) -> Result<Self, Failure> {
        let client = client(url, max_body_bytes).await?;
        Ok(Self { client, subject: subject.to_owned(), params, metrics })
    }

    /// Whether the connection is up at this moment.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Whether the connection is up and a worker of the subject answers.
    pub(crate) async fn is_ready(&self) -> bool {
        self.models().await.is_ok()
    }

    /// The models of a worker, as JSON.
    ///
    /// # Errors
    /// [`Refusal::Unreachable`] without a server, [`Refusal::Busy`] without a worker.
    pub(crate) async fn models(&self) -> Result<Bytes, Refusal> {
        if !self.is_connected() {
            return Err(Refusal::Unreachable);
        }
        let request = async_nats::Request::new().timeout(Some(PROBE_TIMEOUT));
        let reply = self.client.send_request(models_subject(&self.subject), request).await;
        reply.map(|reply| reply.payload).map_err(|_| Refusal::Busy)
    }

    /// Sends a body to a worker and returns its answer. An answer depends only on the request, so
    /// one whose worker is busy is sent again. One whose worker died or is late is sent once more,
    /// and the first answer of the two counts: a body that kills workers must not reach them all.
    /// The NATS server chooses the worker. It knows that one has died, but not that one hangs.
    ///
    /// # Errors
    /// At the deadline, [`Refusal::NoAnswer`] if two attempts are silent, otherwise the refusal of
    /// the last attempt: [`Refusal::Unreachable`] without a server, [`Refusal::Busy`] without a
    /// free worker. [`Refusal::TooLate`] if there was no time for a second attempt.
    pub fn answer(&self, body: Bytes) -> BoxFuture<'_, Result<Answer, Refusal>> {
        self.retry(body).inspect(|_| return_memory_soon()).boxed()
    }

    async fn retry(&self, body: Bytes) -> Result<Answer, Refusal> {
        let deadline = Instant::now() + self.params.deadline;
        let mut pause = Duration::from_millis(10);
        let mut silent = FuturesUnordered::new();
        loop {
            silent.push(self.ask(body.clone()));
            let is_last = silent.len() == MAX_UNANSWERED;
            let next = Instant::now() + self.params.attempt;
            let until = if is_last { deadline } else { deadline.min(next) };
            let refusal = match timeout_at(until, silent.select_next_some()).await {
                Ok(Err(refusal @ (Refusal::Failed | Refusal::BodyTooLarge { .. }))) => {
                    return Err(refusal);
                }
                Ok(Err(refusal)) => Some(refusal),
                Ok(Ok(answer)) => return Ok(answer),
                Err(_) => None,
            };
            if Instant::now() + pause >= deadline {
                return Err(match (silent.len(), refusal) {
                    (MAX_UNANSWERED, _) => Refusal::NoAnswer,
                    (_, Some(refusal)) => refusal,
                    (_, None) => Refusal::TooLate,
                });
            }
            self.metrics.retried();
            if refusal.is_some() {
                sleep(pause).await;
                pause = (2 * pause).min(Duration::from_millis(200));
            }
        }
    }

    /// Sends a request once, and waits as long as the caller does.
    async fn ask(&self, body: Bytes) -> Result<Answer, Refusal> {
        if !self.is_connected() {
            return Err(Refusal::Unreachable);
        }
        let request = async_nats::Request::new().payload(body).timeout(None);
        let reply = self.client.send_request(self.subject.clone(), request).await;
        let reply = reply.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Refusal::Busy,
            RequestErrorKind::MaxPayloadExceeded => {
                Refusal::BodyTooLarge { limit: self.client.server_info().max_payload }
            }
            _ => Refusal::Unreachable,
        })?;
        decode(&reply)
    }
}

fn client(url: &str, max_body_bytes: usize) -> BoxFuture<'_, Result<Client, Failure>> {
    connect(url, max_body_bytes).boxed()
}

async fn connect(url: &str, max_body_bytes: usize) -> Result<Client, Failure> {
    let client = async_nats::ConnectOptions::new().name("face-liveness").connect(url).await?;
    let max_payload = client.server_info().max_payload;
    if max_payload < max_body_bytes {
        return Err(format!(
            "the NATS server limits messages to {max_payload} bytes, but bodies may be \
             {max_body_bytes} bytes long: raise its max_payload"
        )
        .into());
    }
    Ok(client)
}
