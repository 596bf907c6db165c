//! The engine as a micro-service of NATS: `cargo run --release --example nats -- --server nats://HOST:4222`. Start as many
//! as there are machines; they share the requests.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_service::{
    Engines, LogFormat, Metrics, Pool, Worker, serve_probes, signalled, start_logging,
};

/// Answers the requests of a NATS subject, together with the other workers of that subject.
///
///   nats-server -c <(echo 'max_payload: 8MB')
///   nats --server nats://127.0.0.1:4222                once for each machine, or each core
///   server --nats nats://127.0.0.1:4222                takes HTTP and sends the work to them
///   nats_client --server nats://127.0.0.1:4222 photo.jpg
///
/// `nats micro ls` and `nats micro stats liveness` show the workers. SIGTERM and Ctrl-C end one once it has answered what it
/// took. Messages are not persisted, and no picture is written or logged.
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

    /// The subject that requests are sent to.
    #[arg(long, env = "FACE_LIVENESS_SUBJECT", default_value = "liveness.detect")]
    subject: String,

    #[command(flatten)]
    engines: Engines,

    /// Where to answer probes and Prometheus: /healthz, /readyz, /metrics.
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
    start_logging(LogFormat::Text, "warn")?;
    let metrics = Metrics::default();
    let engine = Engine::builder().on_progress(Metrics::ended).build()?;
    let pool = Pool::new(engine, arguments.engines.params(), metrics.clone());
    let worker = Worker::start(&arguments.server, &arguments.subject, pool).await?;
    if let Some(listen) = arguments.probes {
        serve_probes(listen, metrics).await?;
    }
    println!("answering {} at {}", arguments.subject, arguments.server);
    worker.run(signalled()).await
}
