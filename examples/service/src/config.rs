//! The settings of a server, from flags and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

use crate::pool::PoolParams;

/// Is the largest face in this photo a live person, or a print or a screen? The Liveness API
/// over HTTP.
///
///   server                                             on http://127.0.0.1:8080, local only
///   server --new-key wallet >> keys                    makes an API key and shows it once
///   server --listen 0.0.0.0:8443 --keys keys \
///          --tls-cert chain.pem --tls-key key.pem      reachable from other machines
///   server --nats nats://10.0.0.5                      forwards requests to `nats` workers
///
/// To send a request:
///
///   jq -n --rawfile data <(base64 < photo.jpg) '{images: [{index: 0, type: "RGB", $data}]}' |
///       curl --json @- http://127.0.0.1:8080/v1/liveness
///
/// `/` is a page to try it on, `/docs` describes the API, `/healthz` and `/readyz` are for probes,
/// `/metrics` is for Prometheus. On SIGTERM or Ctrl-C the server answers the requests it has
/// accepted and exits. It never writes or logs images.
#[derive(Parser, Debug, Clone)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Config {
    /// The address to listen on. An address that is not a loopback address needs --keys.
    #[arg(
        long,
        env = "FACE_LIVENESS_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,

    /// A file of API keys: one `NAME SHA-256` per line, as --new-key prints it. Clients send
    /// `Authorization: Bearer KEY`.
    #[arg(long, env = "FACE_LIVENESS_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Make an API key: print its line for the --keys file to standard output and the key itself
    /// to standard error.
    #[arg(long, value_name = "NAME")]
    pub new_key: Option<String>,

    /// The certificate and its chain, in PEM: serve TLS instead of plain HTTP.
    #[arg(long, env = "FACE_LIVENESS_TLS_CERT", value_name = "PEM", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, in PEM.
    #[arg(long, env = "FACE_LIVENESS_TLS_KEY", value_name = "PEM", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Forward requests to `nats` workers through this NATS server, nats://HOST:4222, instead of
    /// running an engine here.
    #[arg(long, env = "FACE_LIVENESS_NATS", value_name = "URL")]
    pub nats: Option<String>,

    /// The NATS subject of the workers.
    #[arg(
        long,
        env = "FACE_LIVENESS_SUBJECT",
        default_value = "liveness.detect",
        value_name = "SUBJECT"
    )]
    pub subject: String,

    /// Concurrency and queueing.
    #[command(flatten)]
    pub engines: Engines,

    /// Requests per second for each API key; more get 429. One second's worth may arrive at once.
    #[arg(long, env = "FACE_LIVENESS_RATE_PER_KEY", value_name = "N")]
    pub rate_per_key: Option<std::num::NonZeroU32>,

    /// Requests per second for all clients together; more get 429.
    #[arg(long, env = "FACE_LIVENESS_RATE", value_name = "N")]
    pub rate: Option<std::num::NonZeroU32>,

    /// The time a client has to send its body, in seconds.
    #[arg(
        long,
        env = "FACE_LIVENESS_BODY_SECONDS",
        default_value = "30",
        value_parser = positive_seconds,
        value_name = "SECONDS"
    )]
    pub body_seconds: Duration,

    /// The time a connection may stay idle, in seconds. Make it longer than the idle timeout of a
    /// load balancer in front, or the balancer answers 502. The headers of the first request must
    /// arrive within 10 seconds.
    #[arg(
        long,
        env = "FACE_LIVENESS_IDLE_SECONDS",
        default_value = "75",
        value_parser = positive_seconds,
        value_name = "SECONDS"
    )]
    pub idle_seconds: Duration,

    /// The time for which a client may read nothing while an answer waits, in seconds. Then the
    /// connection is closed.
    #[arg(
        long,
        env = "FACE_LIVENESS_UNREAD_SECONDS",
        default_value = "15",
        value_parser = positive_seconds,
        value_name = "SECONDS"
    )]
    pub unread_seconds: Duration,

    /// The maximum number of connections; further ones are closed.
    #[arg(
        long,
        env = "FACE_LIVENESS_CONNECTIONS",
        default_value = "1024",
        value_parser = count::<1, 1_000_000>,
        value_name = "N"
    )]
    pub connections: usize,

    /// The maximum size of all request bodies in memory, in megabytes; a body beyond it gets 503.
    #[arg(
        long,
        env = "FACE_LIVENESS_BODIES_MB",
        default_value = "256",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        value_name = "MB"
    )]
    pub bodies_mb: u32,

    /// The time to keep accepting connections after SIGTERM, in seconds. `/readyz` answers 503, and
    /// each answer closes its connection. Make it as long as the load balancer needs to notice.
    #[arg(
        long,
        env = "FACE_LIVENESS_DRAIN_SECONDS",
        default_value = "2",
        value_parser = seconds,
        value_name = "SECONDS"
    )]
    pub drain_seconds: Duration,

    /// A file to append an event to for each answer of the engine: who asked, the answer, and what
    /// it was made from. Answers then have `provenance`. With --nats, set --provenance on the
    /// workers.
    #[arg(long, env = "FACE_LIVENESS_AUDIT", value_name = "FILE")]
    pub audit: Option<PathBuf>,

    /// The built package of bindings/wasm: the page then offers to score on the device.
    #[arg(long, env = "FACE_LIVENESS_BROWSER_PACKAGE", value_name = "DIR")]
    pub browser_package: Option<PathBuf>,

    /// The format of the log on standard error.
    #[arg(long, env = "FACE_LIVENESS_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// The log filter: `info` logs each request, `warn` only problems.
    #[arg(long, env = "FACE_LIVENESS_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// How many requests are processed at once, and how many wait.
#[derive(Args, Debug, Clone)]
pub struct Engines {
    /// Requests processed at once, each on a thread [default: the number of cores].
    #[arg(long, env = "FACE_LIVENESS_WORKERS", value_parser = count::<1, 1024>, value_name = "N")]
    pub workers: Option<usize>,

    /// Requests that may wait for a worker; further ones get 503 at once.
    #[arg(
        long,
        env = "FACE_LIVENESS_QUEUE",
        default_value = "128",
        value_parser = count::<0, 1_000_000>,
        value_name = "N"
    )]
    pub queue: usize,

    /// The time a request may take, waiting included, before it gets 504, in seconds.
    #[arg(
        long,
        env = "FACE_LIVENESS_DEADLINE_SECONDS",
        default_value = "5",
        value_parser = positive_seconds,
        value_name = "SECONDS"
    )]
    pub deadline_seconds: Duration,
}

impl Engines {
    /// The parameters of a pool.
    pub fn params(&self) -> PoolParams {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        PoolParams {
            workers: self.workers.unwrap_or(cores),
            queue: self.queue,
            deadline: self.deadline_seconds,
        }
    }
}

/// The format of the log.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text.
    Text,
    /// One JSON object per line.
    Json,
}

const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A number of threads, or of places that a semaphore counts.
fn count<const MIN: usize, const MAX: usize>(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "not a whole number".to_owned())?;
    let range = MIN..=MAX;
    if range.contains(&count) { Ok(count) } else { Err(format!("not in {range:?}")) }
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text)?;
    if seconds.is_zero() { Err("not above 0".to_owned()) } else { Ok(seconds) }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let seconds = Duration::try_from_secs_f64(seconds);
    let seconds = seconds.map_err(|_| "not a length of time".to_owned())?;
    if seconds > MAX_TIME { Err("more than a day".to_owned()) } else { Ok(seconds) }
}
