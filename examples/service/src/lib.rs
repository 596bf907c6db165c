//! The Liveness API as a service: over HTTP with a page in the browser, and as a micro-service of NATS. A module a job,
//! in the order in which a request meets them.

mod config;
mod connections;
mod keys;
mod metrics;
mod nats;
mod observe;
mod openapi;
mod page;
mod pool;
mod rates;
mod refusal;
mod router;
mod serve;
mod upload;

pub use config::{Config, Engines, LogFormat};
pub use keys::{Keys, KeysError};
pub use metrics::Metrics;
pub use nats::{Failure, Remote, RemoteParams, Worker};
pub use pool::{Pool, PoolParams};
pub use refusal::Refusal;
pub use serve::{Server, serve_probes, signalled, start_logging};
