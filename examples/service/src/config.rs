//! What an operator can set, by flags and by environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

use crate::pool::PoolParams;

/// Is the largest face in this photo a live person, or a print, a screen, a mask? The Liveness API over HTTP.
///
///   server                                             on http://127.0.0.1:8080, for this machine alone
///   server --new-key wallet >> keys                    makes an API key, shows it once
///   server --listen 0.0.0.0:8443 --keys keys \
///          --tls-cert chain.pem --tls-key key.pem      for others
///   server --nats nats://10.0.0.5                      sends the work to `nats` workers
///
/// Ask it:
///
///   jq -n --rawfile data <(base64 < photo.jpg) '{images: [{index: 0, type: "RGB", $data}]}' |
///       curl --json @- http://127.0.0.1:8080/v1/liveness
///
/// `/` is a page to try it by, `/docs` the API, `/healthz` and `/readyz` are for probes, `/metrics` for Prometheus.
/// SIGTERM and Ctrl-C end it once it has answered what it took. No picture is written or logged.
#[derive(Parser, Debug, Clone)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Config {
    /// Where to listen. Anything but this machine's own addresses needs --keys.
    #[arg(
        long,
        env = "FACE_LIVENESS_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,

    /// API keys: a line `NAME SHA-256` each, as --new-key makes them. Clients send `Authorization: Bearer KEY`.
    #[arg(long, env = "FACE_LIVENESS_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Make an API key: the line for the file of --keys to standard output, the key itself to standard error.
    #[arg(long, value_name = "NAME")]
    pub new_key: Option<String>,

    /// The certificate and those that signed it, PEM: speaks TLS instead of plain HTTP.
    #[arg(long, env = "FACE_LIVENESS_TLS_CERT", value_name = "PEM", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM.
    #[arg(long, env = "FACE_LIVENESS_TLS_KEY", value_name = "PEM", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Send the work to `nats` workers by this server instead of doing it here: nats://HOST:4222.
    #[arg(long, env = "FACE_LIVENESS_NATS", value_name = "URL")]
    pub nats: Option<String>,

    /// The subject of the workers.
    #[arg(
        long,
        env = "FACE_LIVENESS_SUBJECT",
        default_value = "liveness.detect",
        value_name = "SUBJECT"
    )]
    pub subject: String,

    /// How the work is done here.
    #[command(flatten)]
    pub engines: Engines,

    /// Requests a second from one API key, above which it gets 429; a second's worth may come at once.
    #[arg(long, env = "FACE_LIVENESS_RATE_PER_KEY", value_name = "N")]
    pub rate_per_key: Option<std::num::NonZeroU32>,

    /// Requests a second from all clients together, above which they get 429.
    #[arg(long, env = "FACE_LIVENESS_RATE", value_name = "N")]
    pub rate: Option<std::num::NonZeroU32>,

    /// How long a client may take to send its body, in seconds.
    #[arg(long, env = "FACE_LIVENESS_BODY_SECONDS", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub body_seconds: Duration,

    /// How long a connection may stand idle, in seconds: longer than a balancer in front keeps it, or it answers 502. The first
    /// request's headers have 10 seconds.
    #[arg(long, env = "FACE_LIVENESS_IDLE_SECONDS", default_value = "75", value_parser = seconds, value_name = "SECONDS")]
    pub idle_seconds: Duration,

    /// Connections at once; those past it are closed.
    #[arg(long, env = "FACE_LIVENESS_CONNECTIONS", default_value = "1024", value_name = "N")]
    pub connections: usize,

    /// Bytes of request bodies held at once, in millions; who would pass it gets 503.
    #[arg(long, env = "FACE_LIVENESS_BODIES_MB", default_value = "256", value_name = "MB")]
    pub bodies_mb: u32,

    /// After SIGTERM, how long `/readyz` says no, and every answer closes its connection, before no connection is taken any
    /// more: as long as the balancer needs to notice, in seconds.
    #[arg(long, env = "FACE_LIVENESS_DRAIN_SECONDS", default_value = "2", value_parser = seconds, value_name = "SECONDS")]
    pub drain_seconds: Duration,

    /// The form of the log, on standard error.
    #[arg(long, env = "FACE_LIVENESS_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What is logged: `info` has a line for each request, `warn` only trouble.
    #[arg(long, env = "FACE_LIVENESS_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// How many requests an engine works on, and how many wait.
#[derive(Args, Debug, Clone)]
pub struct Engines {
    /// Requests worked on at once; as many as there are cores unless set.
    #[arg(long, env = "FACE_LIVENESS_WORKERS", value_name = "N")]
    pub workers: Option<usize>,

    /// Requests that may wait for a worker; those past it get 503 at once.
    #[arg(long, env = "FACE_LIVENESS_QUEUE", default_value = "128", value_name = "N")]
    pub queue: usize,

    /// How long a request may wait and be worked on, in seconds, before it gets 504.
    #[arg(long, env = "FACE_LIVENESS_DEADLINE_SECONDS", default_value = "5", value_parser = seconds, value_name = "SECONDS")]
    pub deadline_seconds: Duration,
}

impl Engines {
    /// What a pool needs to know.
    pub fn params(&self) -> PoolParams {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        PoolParams {
            workers: self.workers.unwrap_or(cores).max(1),
            queue: self.queue,
            deadline: self.deadline_seconds,
        }
    }
}

/// The form of the log.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line to read.
    Text,
    /// A JSON object a line.
    Json,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
