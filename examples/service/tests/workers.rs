//! Worker processes and a real nats-server:
//! `cargo test --release --test workers -- --nocapture --test-threads 1`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod running;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use face_liveness::{Engine, Response};
use face_liveness_service::{Metrics, Remote, RemoteParams};
use face_liveness_test_support::{ENGINE, PORTRAIT_JPEG, image, request};
use futures_util::future::join_all;
use running::nats::{NATS, NatsServer};
use running::{Manifest, RUNTIME, Running, example, largest_requests, start_worker, within};

/// Longer than a worker needs on a busy machine.
const LONG: Duration = Duration::from_secs(60);

static BODY: LazyLock<Bytes> =
    LazyLock::new(|| request([image(0, PORTRAIT_JPEG.as_str())]).to_string().into_bytes().into());
static ANSWER: LazyLock<Response> = LazyLock::new(|| ENGINE.detect_body(&BODY).unwrap());

/// A ready worker process with one engine thread.
struct WorkerProcess(Child);

impl WorkerProcess {
    fn start(subject: &str) -> Self {
        Self::with_probes(subject, None)
    }

    fn with_probes(subject: &str, probes: Option<&str>) -> Self {
        let mut command = Command::new(example("nats"));
        command.args(["--server", &NATS.url, "--workers", "1"]);
        Self::spawn(command.args(probes.iter().flat_map(|address| ["--probes", address])), subject)
    }

    /// Starts with the flags of a manifest, and within the memory that it allows. A busy machine
    /// gets the time that it needs.
    fn start_as_in(manifest: &Manifest, subject: &str) -> Self {
        let flags = manifest.args.iter().map(|flag| match &**flag {
            "nats://nats:4222" => &*NATS.url,
            "0.0.0.0:8081" => "127.0.0.1:0",
            flag => flag,
        });
        let mut command = within(manifest.memory);
        command.arg(example("nats")).args(flags).args(["--deadline-seconds", "60"]);
        Self::spawn(&mut command, subject)
    }

    fn spawn(command: &mut Command, subject: &str) -> Self {
        let mut process =
            command.args(["--subject", subject]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("answering "), "{line:?}");
        Self(process)
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn remote(subject: &str) -> (Remote, Metrics) {
    // A killed worker does not answer: the request is sent again after one attempt.
    remote_with(subject, RemoteParams { attempt: Duration::from_secs(5), deadline: LONG })
}

fn remote_with(subject: &str, params: RemoteParams) -> (Remote, Metrics) {
    let metrics = Metrics::default();
    let remote = Remote::connect(&NATS.url, subject, BODY.len(), params, metrics.clone());
    (RUNTIME.block_on(remote).unwrap(), metrics)
}

/// Sends at least `requests` requests, eight at once, and checks each answer. Runs `middle` after a
/// third of them, and goes on until it ends.
fn load(remote: &Remote, requests: usize, middle: impl FnOnce() + Send + 'static) {
    let (sent, right, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    RUNTIME.block_on(async {
        let senders = (0..8).map(|_| async {
            while sent.fetch_add(1, Ordering::Relaxed) < requests || !over.load(Ordering::Relaxed) {
                let answer = remote.answer(BODY.clone()).await.unwrap();
                assert_eq!(answer.as_ref(), Ok(&*ANSWER));
                right.fetch_add(1, Ordering::Relaxed);
            }
        });
        let middle = async {
            while right.load(Ordering::Relaxed) < requests / 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::task::spawn_blocking(middle).await.unwrap();
            over.store(true, Ordering::Relaxed);
        };
        tokio::join!(join_all(senders), middle);
    });
}

/// The number of requests that each worker of the subject has answered, from NATS's statistics.
fn answered(subject: &str) -> Vec<u64> {
    use futures_util::StreamExt;
    RUNTIME.block_on(async {
        let client = async_nats::connect(&NATS.url).await.unwrap();
        let inbox = client.new_inbox();
        let mut replies = client.subscribe(inbox.clone()).await.unwrap();
        client.publish_with_reply("$SRV.STATS.liveness", inbox, Bytes::new()).await.unwrap();
        let mut counts = Vec::new();
        while let Ok(Some(reply)) =
            tokio::time::timeout(Duration::from_millis(200), replies.next()).await
        {
            let stats: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
            // In no order: one answers requests, one whether the worker is ready.
            let endpoints = stats["endpoints"].as_array().unwrap();
            let answering = endpoints.iter().filter(|endpoint| endpoint["subject"] == subject);
            counts.extend(answering.map(|endpoint| endpoint["num_requests"].as_u64().unwrap()));
        }
        counts
    })
}

/// The number of requests that were sent again.
fn retries(metrics: &Metrics) -> u64 {
    let value = |line: &str| line.strip_prefix("face_liveness_retries_total ")?.parse().ok();
    metrics.text().lines().find_map(value).unwrap()
}

#[test]
fn a_worker_killed_under_load_loses_no_answer() {
    let subject = NatsServer::subject();
    let workers = [WorkerProcess::start(&subject), WorkerProcess::start(&subject)];
    let (remote, metrics) = remote(&subject);
    let [victim, other] = workers;
    load(&remote, 600, move || victim.signal("-KILL"));
    let retries = retries(&metrics);
    println!("killed under load: every request answered, {retries} sent again");
    assert!(retries > 0, "the worker was busy when it was killed");
    drop(other);
}

#[test]
fn the_memory_of_the_manifest_is_enough() {
    let subject = NatsServer::subject();
    let manifest = Manifest::read(include_str!("../../../docs/deploy/nats.yaml"));
    let _worker = WorkerProcess::start_as_in(&manifest, &subject);
    let params = RemoteParams { attempt: LONG, deadline: LONG };
    let remote = Remote::connect(&NATS.url, &subject, 5_000_000, params, Metrics::default());
    RUNTIME.block_on(async {
        let remote = remote.await.unwrap();
        let (largest, long) = (largest_requests(), Bytes::from(vec![b' '; 4_900_000]));
        let bodies = [largest.map(Bytes::from).to_vec(), vec![long; 30]].concat();
        for answer in join_all(bodies.into_iter().map(|body| remote.answer(body))).await {
            assert!(answer.unwrap().is_err(), "no face, or no JSON");
        }
        assert_eq!(remote.answer(BODY.clone()).await.unwrap().as_ref(), Ok(&*ANSWER));
    });
}

#[test]
fn a_stopped_worker_answers_what_it_received() {
    let subject = NatsServer::subject();
    let workers = [WorkerProcess::start(&subject), WorkerProcess::start(&subject)];
    let (remote, metrics) = remote(&subject);
    let [mut leaver, other] = workers;
    load(&remote, 400, move || {
        leaver.signal("-TERM");
        assert!(leaver.0.wait().unwrap().success());
    });
    // The client library drops a request that arrives while it leaves the queue group.
    let retries = retries(&metrics);
    assert!(retries <= 2, "{retries} sent again");
    drop(other);
}

#[test]
fn an_added_worker_takes_requests_at_once() {
    let subject = NatsServer::subject();
    let first = WorkerProcess::start(&subject);
    let (remote, _) = remote(&subject);
    let name = subject.clone();
    let second = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&second);
    load(&remote, 100, move || {
        let began = Instant::now();
        let added = WorkerProcess::start(&name);
        let ready = began.elapsed();
        let counts = || answered(&name).into_iter().filter(|&count| count > 0).count();
        while counts() < 2 {
            assert!(began.elapsed() < LONG, "the added worker answers nothing");
        }
        // Collecting the statistics takes 0.2 s.
        let used = began.elapsed();
        println!("added: ready after {ready:.2?}, first answers seen after {used:.2?}");
        *kept.lock().unwrap() = Some(added);
    });
    drop((first, second));
}

#[test]
fn a_request_that_kills_workers_reaches_two_of_them() {
    use face_liveness_service::Refusal;
    use futures_util::StreamExt;

    let subject = NatsServer::subject();
    let (attempt, deadline) = (Duration::from_millis(500), Duration::from_secs(2));
    let (remote, _) = remote_with(&subject, RemoteParams { attempt, deadline });
    // Receives as workers do, and never answers.
    let mut deaf = RUNTIME.block_on(async {
        let client = async_nats::connect(&NATS.url).await.unwrap();
        let deaf = client.queue_subscribe(subject, "q".to_owned()).await.unwrap();
        client.flush().await.unwrap();
        deaf
    });
    let refused = RUNTIME.block_on(remote.answer(BODY.clone()));
    assert_eq!(refused.err(), Some(Refusal::NoAnswer));
    let received = RUNTIME.block_on(async {
        let mut received = 0;
        while tokio::time::timeout(Duration::from_millis(600), deaf.next()).await.is_ok() {
            received += 1;
        }
        received
    });
    assert_eq!(received, 2);
}

#[test]
fn a_request_whose_only_worker_dies_is_refused_as_busy() {
    use face_liveness_service::Refusal;
    use futures_util::StreamExt;

    let subject = NatsServer::subject();
    let (attempt, deadline) = (Duration::from_millis(500), Duration::from_secs(2));
    let (remote, _) = remote_with(&subject, RemoteParams { attempt, deadline });
    // Takes a request, then leaves the queue group.
    let dying = RUNTIME.block_on(async {
        let client = async_nats::connect(&NATS.url).await.unwrap();
        let mut requests = client.queue_subscribe(subject, "q".to_owned()).await.unwrap();
        client.flush().await.unwrap();
        async move {
            requests.next().await.unwrap();
            requests.unsubscribe().await.unwrap();
            client.flush().await.unwrap();
        }
    });
    let (refused, ()) =
        RUNTIME.block_on(async { tokio::join!(remote.answer(BODY.clone()), dying) });
    assert_eq!(refused.err(), Some(Refusal::Busy));
}

#[test]
fn a_slow_worker_still_answers() {
    let subject = NatsServer::subject();
    // Slower than an attempt, whichever worker is asked.
    let slow = Engine::builder().on_progress(|_| std::thread::sleep(Duration::from_millis(200)));
    let slow = slow.build().unwrap();
    (0..2).for_each(|_| start_worker(&NATS.url, &subject, slow.clone()));
    let attempt = Duration::from_millis(300);
    let (remote, metrics) = remote_with(&subject, RemoteParams { attempt, deadline: LONG });
    let answer = RUNTIME.block_on(remote.answer(BODY.clone()));
    assert_eq!(answer.unwrap().as_ref(), Ok(&*ANSWER));
    assert_eq!(retries(&metrics), 1);
}

#[test]
fn no_worker_is_503_and_no_nats_server_is_502() {
    let mut nats = NatsServer::start();
    let server = Running::with_workers(BODY.len(), &nats.url, &["--deadline-seconds", "0.5"]);
    assert_eq!(server.get("/readyz").0, 503);
    assert_eq!(server.post(&BODY).0, 503);
    assert_eq!(server.get("/v1/models").0, 503);
    start_worker(&nats.url, "another.subject", ENGINE.clone());
    assert_eq!(server.get("/readyz").0, 503);
    start_worker(&nats.url, "liveness.detect", ENGINE.clone());
    let wait_for = |status| {
        while server.get("/readyz").0 != status {
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(200);
    let (status, models) = server.get("/v1/models");
    assert!(status == 200 && models.contains(r#""name":"rgb-single-v2""#), "{models}");
    nats.stop();
    wait_for(503);
    assert_eq!((server.post(&BODY).0, server.get("/v1/models").0), (502, 502));
}

#[test]
fn a_worker_answers_probes_and_prometheus() {
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let subject = NatsServer::subject();
    let worker = WorkerProcess::with_probes(&subject, Some(&free));
    let (remote, _) = remote(&subject);
    for _ in 0..3 {
        assert!(RUNTIME.block_on(remote.answer(BODY.clone())).unwrap().is_ok());
    }
    let get = |path: &str| {
        ureq::get(format!("http://{free}{path}"))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    };
    assert_eq!((get("/healthz"), get("/readyz")), ("ok\n".into(), "ready\n".into()));
    let metrics = get("/metrics");
    for line in [r#"stage_seconds_count{stage="detect"} 3"#, "face_liveness_queue_depth 0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    drop(worker);
}

#[test]
fn throughput_by_workers() {
    for count in [1, 2, 4] {
        let subject = NatsServer::subject();
        let workers: Vec<_> = (0..count).map(|_| WorkerProcess::start(&subject)).collect();
        let (remote, _) = remote(&subject);
        load(&remote, 50, || ());
        let began = Instant::now();
        load(&remote, 200, || ());
        println!(
            "{count} workers: {:.0} answers per second",
            200.0 / began.elapsed().as_secs_f64()
        );
        drop(workers);
    }
}
