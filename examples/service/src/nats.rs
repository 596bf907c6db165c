//! Many machines: workers that register as a micro-service of NATS, and the side that calls them.
//!
//! A request is a message to the subject of the workers, its payload the body as over HTTP; the server hands it to one of
//! them. The reply's payload is the answer's body, its header `Status` the HTTP status. Where a worker is busy, late or
//! broken the reply is an error of the micro-service protocol. Nothing is persisted: messages of core NATS live in the
//! memory of those who pass them on.

use std::time::Duration;

use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use async_nats::service::{Request, ServiceExt};
use async_nats::{Client, HeaderMap, RequestErrorKind};
use bytes::Bytes;
use face_liveness::JsonAnswer;
use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::refusal::Refusal;

/// Any error of the client library, or a server that does not suit.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

const NAME: &str = "liveness";
const STATUS: &str = "Status";
/// How long a worker may take to end.
const GOODBYE: Duration = Duration::from_secs(20);

/// One process that answers requests from a subject's queue group.
pub struct Worker {
    pool: Pool,
    endpoint: Endpoint,
    service: async_nats::service::Service,
    client: Client,
}

impl Worker {
    /// Registers as a micro-service: `nats micro ls` lists it, `nats micro stats` counts its requests.
    ///
    /// # Errors
    /// When the server cannot be reached, or takes only messages shorter than a body may be.
    pub async fn start(url: &str, subject: &str, pool: Pool) -> Result<Self, Failure> {
        let client = connect(url, pool.max_body_bytes()).await?;
        let service =
            client.service_builder().description("Face liveness: detect(request) -> response");
        let service = service.start(NAME, env!("CARGO_PKG_VERSION")).await?;
        let endpoint = service.endpoint_builder().name("detect").add(subject).await?;
        // So that requests which are sent after this has returned find the worker.
        client.flush().await?;
        Ok(Self { pool, endpoint, service, client })
    }

    /// Answers requests until `end` comes; then takes no more, and finishes those that it took.
    ///
    /// # Errors
    /// When the connection breaks for good.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> Result<(), Failure> {
        let mut end = std::pin::pin!(end);
        let mut replies = JoinSet::new();
        loop {
            tokio::select! {
                request = self.endpoint.next() => {
                    let request = request.ok_or("the subscription has ended")?;
                    // At once, so that nothing piles up in the client: the pool's queue is the only one.
                    replies.spawn(respond(self.pool.clone(), request));
                }
                Some(_) = replies.join_next() => {}
                () = &mut end => break,
            }
        }
        // Without a server there is nobody to say goodbye to.
        timeout(GOODBYE, self.finish(replies)).await?
    }

    /// Leaves the queue group, then answers what had been handed to this worker before. Of what the server hands over in that very
    /// moment the client library drops a request, rarely: `Remote` sends it again.
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

async fn respond(pool: Pool, request: Request) {
    let mut headers = HeaderMap::new();
    let reply = reply(&pool, request.message.payload.clone()).await.map(|answer| {
        headers.insert(STATUS, answer.status.to_string().as_str());
        Bytes::from(answer.body)
    });
    if let Err(error) = request.respond_with_headers(reply, headers).await {
        tracing::warn!(%error, "a reply could not be sent");
    }
}

async fn reply(pool: &Pool, body: Bytes) -> Result<JsonAnswer, ServiceError> {
    pool.answer(body).await.map_err(|refusal| ServiceError {
        code: usize::from(refusal.status().as_u16()),
        status: refusal.to_string(),
    })
}

/// How a request is tried again.
#[derive(Debug, Clone, Copy)]
pub struct RemoteParams {
    /// How long one worker has, before the request is sent again: it may have died.
    pub attempt: Duration,
    /// How long all attempts have together.
    pub deadline: Duration,
}

impl Default for RemoteParams {
    /// A worker answers in tens of milliseconds; one that took 2 s for a request is dead or hopelessly behind.
    fn default() -> Self {
        Self { attempt: Duration::from_secs(2), deadline: Duration::from_secs(5) }
    }
}

/// The workers of a subject, as seen by who has requests. Cloning one copies pointers.
#[derive(Clone)]
pub struct Remote {
    client: Client,
    subject: String,
    params: RemoteParams,
    metrics: Metrics,
}

impl Remote {
    /// Connects to the server.
    ///
    /// # Errors
    /// When it cannot be reached, or takes only messages shorter than a body may be.
    pub async fn connect(
        url: &str,
        subject: &str,
        max_body_bytes: usize,
        params: RemoteParams,
        metrics: Metrics,
    ) -> Result<Self, Failure> {
        let client = connect(url, max_body_bytes).await?;
        Ok(Self { client, subject: subject.to_owned(), params, metrics })
    }

    /// Whether there is a connection at this moment.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Answers a body by one of the workers. An answer depends on the request alone, so a request whose worker died, was busy or
    /// is late is sent again, and the first answer counts.
    ///
    /// # Errors
    /// What the last attempt came to, once the deadline has passed: [`Refusal::Unreachable`] without a server,
    /// [`Refusal::Busy`] without a worker, [`Refusal::TooLate`] where none answered.
    pub async fn answer(&self, body: Bytes) -> Result<JsonAnswer, Refusal> {
        let deadline = Instant::now() + self.params.deadline;
        let mut pause = Duration::from_millis(10);
        loop {
            let refusal = match self.ask(body.clone(), deadline).await {
                Ok(answer) => return Ok(answer),
                Err(refusal @ (Refusal::Failed | Refusal::BodyTooLarge { .. })) => {
                    return Err(refusal);
                }
                Err(refusal) => refusal,
            };
            if Instant::now() + pause >= deadline {
                return Err(refusal);
            }
            self.metrics.retried();
            sleep(pause).await;
            pause = (2 * pause).min(Duration::from_millis(200));
        }
    }

    /// Asks once.
    async fn ask(&self, body: Bytes, deadline: Instant) -> Result<JsonAnswer, Refusal> {
        if !self.is_connected() {
            return Err(Refusal::Unreachable);
        }
        let request = async_nats::Request::new().payload(body).timeout(Some(self.params.attempt));
        let reply =
            timeout_at(deadline, self.client.send_request(self.subject.clone(), request)).await;
        let reply = reply.map_err(|_| Refusal::TooLate)?.map_err(|error| match error.kind() {
            RequestErrorKind::TimedOut => Refusal::TooLate,
            RequestErrorKind::NoResponders => Refusal::Busy,
            RequestErrorKind::MaxPayloadExceeded => {
                Refusal::BodyTooLarge { limit: self.client.server_info().max_payload }
            }
            _ => Refusal::Unreachable,
        })?;
        let header = |name: &str| {
            let value = reply.headers.as_ref()?.get(name)?;
            value.as_str().parse::<u16>().ok()
        };
        if let Some(code) = header(async_nats::service::NATS_SERVICE_ERROR_CODE) {
            return Err(Refusal::of_status(code));
        }
        let status = header(STATUS).ok_or(Refusal::Failed)?;
        Ok(JsonAnswer { status, body: reply.payload.to_vec() })
    }
}

async fn connect(url: &str, max_body_bytes: usize) -> Result<Client, Failure> {
    let client = async_nats::ConnectOptions::new().name("face-liveness").connect(url).await?;
    let max_payload = client.server_info().max_payload;
    if max_payload < max_body_bytes {
        return Err(format!(
            "the NATS server takes messages of {max_payload} bytes, bodies may have {max_body_bytes}: set its max_payload"
        )
        .into());
    }
    Ok(client)
}
