//! The engine as a NATS micro-service: `cargo run --release --example nats`. Workers on several
//! machines share the requests.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_service::{
    Engines, LogFormat, Metrics, Pool, Worker, return_freed_memory, serve_probes, start_logging,
    terminated,
};

/// Answers the requests of a NATS subject, together with the other workers of the subject.
///
///   nats-server -c <(echo 'max_payload: 8MB')
///   nats --server nats://127.0.0.1:4222                one worker per machine, or per core
///   server --nats nats://127.0.0.1:4222                forwards HTTP requests to the workers
///   nats_client --server nats://127.0.0.1:4222 photo.jpg
///
/// `nats micro ls` and `nats micro stats liveness` show the workers. On SIGTERM or Ctrl-C a worker
/// answers the requests it has received and exits. Messages are not persisted, and no image is
/// written or logged.
#[derive(Parser)]
#[command(verbatim_doc_comment)]
struct Arguments {
    /// The NATS server.
    #[arg(
        long,
        env = "FACE_LIVENESS_NATS",
        default_value = "nats://127.0.0.1:4222",
        value_name = "URL"
    )]
    server: String,

    /// The NATS subject of the workers.
    #[arg(long, env = "FACE_LIVENESS_SUBJECT", default_value = "liveness.detect")]
    subject: String,

    #[command(flatten)]
    engines: Engines,

    /// Say in each answer what it was made from; required for the server's --audit.
    #[arg(long, env = "FACE_LIVENESS_PROVENANCE")]
    provenance: bool,

    /// The address to serve /healthz, /readyz and /metrics on [default: none].
    #[arg(long, env = "FACE_LIVENESS_PROBES", value_name = "ADDR")]
    probes: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nats: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    return_freed_memory();
    start_logging(LogFormat::Text, "warn")?;
    let metrics = Metrics::default();
    let builder = Engine::builder().on_progress(metrics.on_progress());
    let engine = builder.provenance(arguments.provenance).build()?;
    let pool = Pool::new(engine, arguments.engines.params(), metrics.clone());
    let worker = Worker::start(&arguments.server, &arguments.subject, pool).await?;
    if let Some(listen) = arguments.probes {
        serve_probes(listen, metrics).await?;
    }
    println!("answering {} at {}", arguments.subject, arguments.server);
    worker.run(Box::pin(terminated())).await
}
