//! The Liveness API as a service: over HTTP, with a page for the browser, and as a NATS
//! micro-service. The modules are listed in the order in which a request passes them.
//!
//! Functions that use HTTP or NATS return boxed futures. An `async fn`, with all that it awaits,
//! would be compiled again for each program and test: 10 to 20 s each.

mod config;
mod serve;

mod connections;
mod keys;
mod nats;
mod observe;
mod pool;
mod rates;
mod refusal;
mod router;
mod upload;

mod allocator;
mod audit;
mod limits;
mod metrics;
mod models;
mod openapi;
mod page;

pub use allocator::return_freed_memory;
pub use audit::{Event, Outcome};
pub use config::{Config, Engines, LogFormat};
pub use keys::{Keys, KeysError};
pub use metrics::Metrics;
pub use nats::{Failure, Remote, RemoteParams, Worker};
pub use pool::{Answer, Pool, PoolParams};
pub use refusal::Refusal;
pub use serve::{Server, serve_probes, start_logging, terminated};
