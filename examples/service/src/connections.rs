//! Limits on the number of connections, and on how long a client may leave an answer unread.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use crate::allocator::return_memory_soon;

/// Accepts connections up to a limit and closes further ones at once. Closes a connection whose
/// client reads nothing for a time while an answer waits.
#[derive(Clone)]
pub(crate) struct Limited<A> {
    inner: A,
    permits: Arc<Semaphore>,
    unread: Duration,
}

impl<A> Limited<A> {
    pub(crate) fn new(inner: A, connections: usize, unread: Duration) -> Self {
        Self { inner, permits: Arc::new(Semaphore::new(connections)), unread }
    }
}

impl<A, I, S> Accept<I, S> for Limited<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
    A::Stream: AsyncRead + AsyncWrite + Send,
    A::Service: Send,
{
    type Stream = Pin<Box<TimeoutStream<A::Stream>>>;
    type Service = Counted<A::Service>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let accepted = self.inner.accept(stream, service);
        let unread = self.unread;
        Box::pin(async move {
            let permit = permit.map_err(|_| io::Error::other("too many connections"))?;
            let (stream, inner) = accepted.await?;
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(unread));
            Ok((Box::pin(stream), Counted { inner, _place: Arc::new(Place(permit)) }))
        })
    }
}

/// The service of a connection, which counts against the limit until it is dropped.
#[derive(Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    _place: Arc<Place>,
}

/// The place of a connection. Its buffers are freed with it.
struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Drop for Place {
    fn drop(&mut self) {
        return_memory_soon();
    }
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}
