//! A client of the NATS workers:
//! `cargo run --release --example nats_client -- photo.jpg`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use clap::Parser;
use face_liveness::{Image, Request};
use face_liveness_service::{Answer, Metrics, Refusal, Remote, RemoteParams};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Scores photos with the `nats` workers of a subject and prints one JSON line per photo.
///
/// With --repeat it sends each photo several times, checks that the answers are identical, and
/// prints throughput and latency.
#[derive(Parser, Clone)]
struct Arguments {
    /// JPEG, PNG, GIF, WebP or BMP files.
    #[arg(required = true)]
    photos: Vec<PathBuf>,

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

    /// How many times to send each photo.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroUsize,

    /// How many requests to send at once.
    #[arg(long, value_name = "N", default_value = "16")]
    at_once: NonZeroUsize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nats_client: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let bodies = arguments.photos.iter().map(|photo| {
        let bytes =
            std::fs::read(photo).map_err(|error| format!("{}: {error}", photo.display()))?;
        let request = Request::new([Image::rgb(0, BASE64_STANDARD.encode(bytes))]);
        Ok(Bytes::from(serde_json::to_vec(&request)?))
    });
    let bodies = bodies.collect::<Result<Vec<_>, Failure>>()?;
    let longest = bodies.iter().map(Bytes::len).max().unwrap_or_default();
    let params = RemoteParams { deadline: Duration::from_secs(30), ..RemoteParams::default() };
    let metrics = Metrics::default();
    let remote =
        Remote::connect(&arguments.server, &arguments.subject, longest, params, metrics).await?;
    for body in &bodies {
        let answer = remote.answer(body.clone()).await?;
        println!("{}", json(&answer)?);
    }
    if arguments.repeat.get() > 1 {
        repeat(&arguments, &bodies, &remote).await?;
    }
    Ok(())
}

/// The answer on one line, as a client receives it.
fn json(answer: &Answer) -> serde_json::Result<String> {
    match answer {
        Ok(response) => serde_json::to_string(response),
        Err(error) => serde_json::to_string(error),
    }
}

/// Sends the bodies repeatedly, several at once, and prints throughput and latency.
async fn repeat(arguments: &Arguments, bodies: &[Bytes], remote: &Remote) -> Result<(), Failure> {
    let mut expected = Vec::new();
    for body in bodies {
        expected.push(remote.answer(body.clone()).await?);
    }
    let (began, total) = (Instant::now(), arguments.repeat.get() * bodies.len());
    let next = AtomicUsize::new(0);
    let senders = (0..arguments.at_once.get()).map(|_| async {
        let mut answers: Vec<(Duration, usize, Result<Answer, Refusal>)> = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= total {
                return answers;
            }
            let (sent, body) = (Instant::now(), index % bodies.len());
            let answer = remote.answer(bodies[body].clone()).await;
            answers.push((sent.elapsed(), body, answer));
        }
    });
    let answers = futures_util::future::join_all(senders).await.concat();
    let took = began.elapsed().as_secs_f64();
    let right =
        answers.iter().filter(|(_, body, answer)| answer.as_ref() == Ok(&expected[*body])).count();
    let mut times: Vec<_> = answers.iter().map(|(time, ..)| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at =
        |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
    println!(
        "{total} requests, {right} answered correctly, {:.1} per second, median {:.1} ms, 99th \
         percentile {:.1} ms",
        total as f64 / took,
        at(0.5),
        at(0.99),
    );
    if right == total { Ok(()) } else { Err("some answers differ".into()) }
}
