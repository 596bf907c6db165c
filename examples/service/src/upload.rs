//! Receives request bodies within limits on size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use face_liveness::imaging::ZeroizeVec;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::metrics::{GaugeGuard, Metrics};
use crate::refusal::Refusal;

/// How long the rest of a refused body is read and discarded. If the connection were closed at
/// once, the client would see a reset instead of the answer.
const LINGER: Duration = Duration::from_secs(2);
/// How much of a refused body is read, as a multiple of the limit on a body.
const LINGER_LIMITS: usize = 4;

/// The limits that all bodies share.
pub(crate) struct Uploads {
    budget: Arc<Semaphore>,
    metrics: Metrics,
    time: Duration,
    limit: usize,
}

/// A received body. It counts against the memory budget until it is dropped, which wipes it.
struct Upload {
    bytes: ZeroizeVec<u8>,
    _counted: GaugeGuard,
    _permits: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Upload {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Uploads {
    pub(crate) fn new(budget_mb: u32, time: Duration, limit: usize, metrics: Metrics) -> Self {
        let budget = Arc::new(Semaphore::new(budget_mb as usize * 1_000_000));
        Self { budget, metrics, time, limit }
    }

    /// Receives a body.
    pub(crate) async fn receive(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<Bytes, Refusal> {
        let deadline = Instant::now() + self.time;
        let too_large = Refusal::BodyTooLarge { limit: self.limit };
        let announced = content_length(headers);
        if announced.is_some_and(|length| length > self.limit) {
            return Err(too_large);
        }
        let max_length = announced.unwrap_or(self.limit);
        let mut bytes = ZeroizeVec::from(Vec::new());
        let (mut counted, mut permits) = (self.metrics.body_bytes(), None::<OwnedSemaphorePermit>);
        while let Some(data) =
            timeout_at(deadline, next(body)).await.map_err(|_| Refusal::BodyTooSlow)??
        {
            if bytes.len() + data.len() > self.limit {
                return Err(too_large);
            }
            let more = u32::try_from(data.len()).map_err(|_| Refusal::Busy)?;
            let more =
                Arc::clone(&self.budget).try_acquire_many_owned(more).map_err(|_| Refusal::Busy)?;
            match &mut permits {
                Some(permits) => permits.merge(more),
                None => permits = Some(more),
            }
            counted.add(data.len());
            append(&mut bytes, &data, max_length);
        }
        Ok(Bytes::from_owner(Upload { bytes, _counted: counted, _permits: permits }))
    }

    /// Discards the rest of a refused body, up to a limit. A client that sent
    /// `Expect: 100-continue` has not sent its body yet.
    pub(crate) async fn linger(&self, headers: &HeaderMap, mut body: Body) {
        if headers.contains_key(header::EXPECT) {
            return;
        }
        let rest = async {
            let mut received = 0;
            while let Ok(Some(data)) = next(&mut body).await {
                received += data.len();
                if received > LINGER_LIMITS * self.limit {
                    break;
                }
            }
        };
        let _ = timeout(LINGER, rest).await;
    }
}

/// Appends to a vector that grows with what has arrived, up to `max_length` bytes. It grows through
/// a new vector, because `Vec` would leave its old memory unwiped.
fn append(bytes: &mut ZeroizeVec<u8>, data: &[u8], max_length: usize) {
    let length = bytes.len() + data.len();
    if length > bytes.capacity() {
        let capacity = (2 * bytes.capacity()).min(max_length).max(length);
        let mut larger = ZeroizeVec::from(Vec::with_capacity(capacity));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(data);
}

/// The next chunk of a body; `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BrokenOff)?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
