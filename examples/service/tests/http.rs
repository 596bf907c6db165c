//! The server's additions to the contract: HTTP statuses, limits, and a clean shutdown.
#![allow(missing_docs, clippy::unwrap_used)]

mod running;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use face_liveness::inference::{Error, Frame, LivenessModel};
use face_liveness::schema::ModelInputs;
use face_liveness::{Engine, Warning};
use face_liveness_service::{Config, Keys, Metrics, Server};
use face_liveness_test_support::{ENGINE, PORTRAIT_JPEG, image, request};
use running::{Manifest, RUNTIME, Running, ServerProcess, largest_requests};
use serde_json::{Value, json};

static BODY: LazyLock<String> =
    LazyLock::new(|| request([image(0, PORTRAIT_JPEG.as_str())]).to_string());
static ANSWER: LazyLock<Vec<u8>> = LazyLock::new(|| ENGINE.detect_json(BODY.as_bytes()).body);

fn running(flags: &[&str]) -> Running {
    Running::with_engine(ENGINE.clone(), flags)
}

/// Sends raw bytes. Returns the status line and headers in lower case, and the body.
fn raw(server: &Running, bytes: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(bytes).unwrap();
    read_answer(&mut stream)
}

fn read_answer(stream: &mut TcpStream) -> (String, String) {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(usize::MAX) {
                return (head, body.to_owned());
            }
        }
        match stream.read(&mut piece).unwrap_or(0) {
            0 => return (text.split("\r\n\r\n").next().unwrap().to_lowercase(), String::new()),
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
}

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /v1/liveness HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Longer than anything takes on a busy machine: a condition not met by then has failed.
const LONG: Duration = Duration::from_secs(60);
const JSON: &str = "Content-Type: application/json\r\n";

#[track_caller]
fn assert_refused((head, body): &(String, String), status: u16, message: &str) {
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["error"]["code"], &body["error"]["message"]),
        (&json!(status), &json!(message))
    );
    assert!(!body["error"]["description"].as_str().unwrap().is_empty());
}

mod statuses {
    use super::*;

    fn keys_file(lines: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_missing_or_unknown_key_is_401() {
        let (key, line) = Keys::make("bank").unwrap();
        let file = keys_file(&line);
        let server = running(&["--keys", file.path().to_str().unwrap()]);
        for header in
            ["", "Authorization: Bearer guessed\r\n", &format!("Authorization: Basic {key}\r\n")]
        {
            let answer = raw(&server, post(&format!("{JSON}{header}"), &BODY).as_bytes());
            assert_refused(&answer, 401, "unauthorized");
            assert!(answer.0.contains("www-authenticate: bearer"));
        }
        assert_eq!(server.get("/v1/models").0, 401);
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let header = format!("{JSON}Authorization: {scheme} {key}\r\n");
            let (head, body) = raw(&server, post(&header, &BODY).as_bytes());
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            assert_eq!(body.as_bytes(), *ANSWER);
        }
    }

    #[test]
    fn a_public_address_requires_keys() {
        let config = Config::try_parse_from(["server", "--listen", "0.0.0.0:0"]).unwrap();
        let refused = RUNTIME.block_on(Server::start(config)).err().unwrap();
        assert!(refused.to_string().starts_with("--keys is required"), "{refused}");
    }

    #[test]
    fn an_unknown_path_is_404_and_a_wrong_method_405() {
        let server = running(&[]);
        let answer = raw(&server, b"GET /v2/liveness HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_refused(&answer, 404, "not_found");
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = raw(
                &server,
                format!("{method} /v1/liveness HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes(),
            );
            assert_refused(&answer, 405, "method_not_allowed");
            assert!(answer.0.contains("allow: post"), "{}", answer.0);
        }
    }

    #[test]
    fn a_body_past_the_limit_is_413_with_a_length_or_in_chunks() {
        let server = running(&[]);
        let body = format!("{}{}", *BODY, " ".repeat(5_000_001 - BODY.len()));
        assert_refused(&raw(&server, post(JSON, &body).as_bytes()), 413, "body_too_large");
        let start = format!("POST /v1/liveness HTTP/1.1\r\nHost: here\r\n{JSON}");
        let chunked = |body: &str| {
            let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            format!("{start}Transfer-Encoding: chunked\r\n\r\n{chunk}")
        };
        assert_refused(&raw(&server, chunked(&body).as_bytes()), 413, "body_too_large");
        // A client that waits for 100 Continue gets the answer before it sends the body.
        let waits = format!("{start}Expect: 100-continue\r\nContent-Length: 5000001\r\n\r\n");
        assert_refused(&raw(&server, waits.as_bytes()), 413, "body_too_large");

        let fits = &body[..5_000_000];
        assert_eq!(server.post(fits.as_bytes()), (200, ANSWER.clone()));
        assert_eq!(raw(&server, chunked(fits).as_bytes()).1.as_bytes(), *ANSWER);
    }

    #[test]
    fn a_long_path_is_414_and_long_headers_431() {
        let server = running(&[]);
        let get = |query: usize, header: usize| {
            let (query, header) = ("q".repeat(query), "h".repeat(header));
            let get =
                format!("GET /healthz?{query} HTTP/1.1\r\nHost: here\r\nX-Long: {header}\r\n\r\n");
            raw(&server, get.as_bytes())
        };
        assert!(get(8_000, 25_000).0.starts_with("http/1.1 200 "));
        assert_refused(&get(8_200, 0), 414, "uri_too_long");
        assert_refused(&get(0, 25_700), 431, "headers_too_large");
        assert!(get(0, 100_000).0.starts_with("http/1.1 431 "));
        assert!(get(100_000, 0).0.starts_with("http/1.1 4"));
    }

    #[test]
    fn a_missing_or_second_host_is_400() {
        let server = running(&[]);
        let get = |hosts: &str| raw(&server, format!("GET /healthz {hosts}\r\n").as_bytes());
        assert!(get("HTTP/1.1\r\nHost: here\r\n").0.starts_with("http/1.1 200 "));
        assert!(get("HTTP/1.0\r\n").0.starts_with("http/1.0 200 "));
        for hosts in ["HTTP/1.1\r\n", "HTTP/1.1\r\nHost: here\r\nHost: there\r\n"] {
            assert_refused(&get(hosts), 400, "bad_request");
        }
    }

    #[test]
    fn a_wrong_content_type_is_415() {
        let server = running(&[]);
        for header in ["", "Content-Type: text/plain\r\n", "Content-Type: application/jsonp\r\n"] {
            assert_refused(
                &raw(&server, post(header, &BODY).as_bytes()),
                415,
                "content_type_not_supported",
            );
        }
        let charset = "Content-Type: Application/JSON; charset=utf-8\r\n";
        assert_eq!(raw(&server, post(charset, &BODY).as_bytes()).1.as_bytes(), *ANSWER);
    }

    #[test]
    fn a_compressed_body_is_415() {
        let server = running(&[]);
        let encoded = |encoding: &str| {
            let header = format!("{JSON}Content-Encoding: {encoding}\r\n");
            raw(&server, post(&header, &BODY).as_bytes())
        };
        assert_refused(&encoded("gzip"), 415, "content_encoding_not_supported");
        assert_eq!(encoded("identity").1.as_bytes(), *ANSWER);
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused() {
        for (flag, values) in [
            ("--connections", ["0", "1000001", "-1"]),
            ("--workers", ["0", "1025", "1000000000000"]),
            ("--queue", ["-1", "1000001", "1000000000000"]),
            ("--bodies-mb", ["0", "-1", "4294967295"]),
            ("--deadline-seconds", ["0", "-1", "NaN"]),
            ("--body-seconds", ["0", "inf", "1e30"]),
            ("--drain-seconds", ["-1", "99999999999", "soon"]),
        ] {
            for value in values {
                let flag = format!("{flag}={value}");
                assert!(Config::try_parse_from(["server", &flag]).is_err(), "{flag}");
            }
        }
    }

    #[test]
    fn requests_past_the_rate_are_429_per_key_and_in_total() {
        let (bank, wallet) = (Keys::make("bank").unwrap(), Keys::make("wallet").unwrap());
        let file = keys_file(&format!("{}{}", bank.1, wallet.1));
        let keys = ["--keys", file.path().to_str().unwrap()];
        let ask = |server: &Running, key: &str| {
            raw(server, post(&format!("{JSON}Authorization: Bearer {key}\r\n"), "{}").as_bytes())
        };
        let per_key = running(&[&keys[..], &["--rate-per-key", "1"]].concat());
        assert!(ask(&per_key, &bank.0).0.starts_with("http/1.1 400 "));
        let refused = ask(&per_key, &bank.0);
        assert_refused(&refused, 429, "too_many_requests");
        assert!(refused.0.contains("retry-after: 1"), "{}", refused.0);
        assert!(
            ask(&per_key, &wallet.0).0.starts_with("http/1.1 400 "),
            "another key has its own rate"
        );
        thread::sleep(Duration::from_millis(1100));
        assert!(ask(&per_key, &bank.0).0.starts_with("http/1.1 400 "));

        let total = running(&[&keys[..], &["--rate", "1"]].concat());
        assert!(ask(&total, &bank.0).0.starts_with("http/1.1 400 "));
        assert_refused(&ask(&total, &wallet.0), 429, "too_many_requests");
    }

    #[test]
    fn a_panic_is_500_and_the_server_keeps_running() {
        let server = Running::with_engine(engine(|| panic!("of the model")), &[]);
        let (status, body) = server.post(BODY.as_bytes());
        assert_eq!(status, 500);
        assert!(!String::from_utf8(body).unwrap().contains("of the model"));
        let real = BODY.replacen('{', r#"{"model": "rgb-single-v2", "#, 1);
        assert_eq!(server.post(real.as_bytes()), (200, ANSWER.clone()));
        for _ in 0..20 {
            assert_eq!(server.post(BODY.as_bytes()).0, 500, "a panic frees its place in the queue");
        }
    }
}

mod load {
    use super::*;

    #[test]
    fn a_full_queue_is_503_at_once() {
        let gate = Arc::new(Gate::default());
        let server = held(&gate, &["--workers", "1", "--queue", "1"]);
        thread::scope(|scope| {
            let first = scope.spawn(|| server.post(BODY.as_bytes()).0);
            gate.wait_for(1);
            let second = scope.spawn(|| server.post(BODY.as_bytes()).0);
            until(|| metric(&server, "queue_depth") == 1);
            // Answered while the two earlier requests still wait.
            let refused = raw(&server, post(JSON, &BODY).as_bytes());
            assert_refused(&refused, 503, "service_unavailable");
            assert!(refused.0.contains("retry-after: 1"));
            gate.open();
            assert_eq!((first.join().unwrap(), second.join().unwrap()), (200, 200));
        });
    }

    #[test]
    fn the_deadline_is_504_in_the_queue_and_at_work() {
        let gate = Arc::new(Gate::default());
        let server = held(&gate, &["--workers", "1", "--queue", "1", "--deadline-seconds", "0.3"]);
        thread::scope(|scope| {
            let at_work = scope.spawn(|| raw(&server, post(JSON, &BODY).as_bytes()));
            gate.wait_for(1);
            let waiting = scope.spawn(|| raw(&server, post(JSON, &BODY).as_bytes()));
            assert_refused(&at_work.join().unwrap(), 504, "gateway_timeout");
            assert_refused(&waiting.join().unwrap(), 504, "gateway_timeout");
        });
        gate.open();
        until(|| metric(&server, "working") == 0);
        assert_eq!(server.post(BODY.as_bytes()).0, 200);
    }

    #[test]
    fn a_half_closed_client_is_answered_and_one_that_hung_up_frees_its_place() {
        let gate = Arc::new(Gate::default());
        let server = held(&gate, &["--workers", "1", "--queue", "2"]);
        let connected = || {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(post(JSON, &BODY).as_bytes()).unwrap();
            stream
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| server.post(BODY.as_bytes()).0);
            gate.wait_for(1);
            let (mut half_closed, gone) = (connected(), connected());
            until(|| metric(&server, "queue_depth") == 2);
            half_closed.shutdown(Shutdown::Write).unwrap();
            drop(gone);
            gate.open();
            assert_eq!(first.join().unwrap(), 200);
            let (head, body) = read_answer(&mut half_closed);
            assert!(
                head.starts_with("http/1.1 200") && body.contains(r#""model":"fake""#),
                "{head}"
            );
        });
        until(|| metric(&server, "queue_depth") == 0 && metric(&server, "working") == 0);
        until(|| metric(&server, "body_bytes") == 0);
    }

    #[test]
    fn slow_clients_are_disconnected() {
        let server = running(&["--body-seconds", "0.3", "--idle-seconds", "0.5"]);
        let start = post(JSON, &BODY);
        let mut slow = TcpStream::connect(server.address).unwrap();
        slow.write_all(&start.as_bytes()[..1_000]).unwrap();
        assert_refused(&read_answer(&mut slow), 408, "request_timeout");
        // A client that sends half of its headers, and one that sends nothing.
        for half in [&b"POST /v1/liveness HTTP/1.1\r\nHost:"[..], b""] {
            let mut slow = TcpStream::connect(server.address).unwrap();
            slow.write_all(half).unwrap();
            assert_eq!(read_answer(&mut slow).1, "", "closed");
        }
        until(|| metric(&server, "body_bytes") == 0);
    }

    #[test]
    fn clients_that_do_not_read_are_disconnected() {
        let server = running(&["--unread-seconds", "0.5", "--connections", "1"]);
        let mut deaf = TcpStream::connect(server.address).unwrap();
        deaf.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        // Answers of 20 KB and more, until no buffer takes another request.
        let request = b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n";
        while deaf.write_all(request).is_ok() {}
        // The only connection is free again.
        until(|| {
            TcpStream::connect(server.address).is_ok_and(|mut again| {
                again.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").is_ok()
                    && again.read(&mut [0]).is_ok_and(|read| read == 1)
            })
        });
    }

    #[test]
    fn connections_and_the_memory_for_bodies_are_limited() {
        let server = running(&["--connections", "2", "--bodies-mb", "1"]);
        let mut large = TcpStream::connect(server.address).unwrap();
        let body = " ".repeat(2_000_000);
        large.write_all(post(JSON, &body).as_bytes()).unwrap();
        assert_refused(&read_answer(&mut large), 503, "service_unavailable");
        let second = TcpStream::connect(server.address).unwrap();
        thread::sleep(Duration::from_millis(200));
        let mut third = TcpStream::connect(server.address).unwrap();
        assert_eq!(third.read(&mut [0]).unwrap_or(0), 0, "closed");
        drop((large, second));
        until(|| {
            TcpStream::connect(server.address).is_ok_and(|mut again| {
                again.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").is_ok()
                    && again.read(&mut [0]).is_ok_and(|read| read == 1)
            })
        });
    }

    #[test]
    fn the_memory_of_the_manifest_is_enough() {
        let manifest = Manifest::read(include_str!("../../../docs/deploy/kubernetes.yaml"));
        let server = ServerProcess::start_as_in(&manifest);
        let (largest, long) = (largest_requests(), vec![b' '; 4_900_000]);
        let post = |body: &[u8]| {
            let request = ureq::post(format!("http://{}/v1/liveness", server.address));
            let request = request.config().http_status_as_error(false).build();
            request.content_type("application/json").send(body).unwrap().status().as_u16()
        };
        // No face, or no place for the body.
        let until_answered = |body: &[u8]| until(|| post(body) == 400);
        thread::scope(|scope| {
            for body in largest.iter().chain(&largest) {
                scope.spawn(|| until_answered(body));
            }
            for _ in 0..40 {
                scope.spawn(|| assert!(matches!(post(&long), 400 | 503)));
            }
        });
        assert_eq!(post(BODY.as_bytes()), 200);
    }

    #[test]
    fn ten_thousand_hostile_requests_and_then_a_valid_one() {
        let server = running(&[]);
        let good = post(JSON, &BODY);
        let mut random = 0x9e37_79b9_u32;
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random as usize % below
        };
        let cases: Vec<Vec<u8>> = (0..10_000)
            .map(|index| {
                let mut bytes = good.clone().into_bytes();
                match index % 8 {
                    // One byte of the head, or many bytes anywhere, are changed.
                    0 => bytes[next(160)] = next(256) as u8,
                    1 => (0..40).for_each(|_| {
                        let at = next(good.len());
                        bytes[at] = next(256) as u8;
                    }),
                    2 => bytes.truncate(next(good.len())),
                    3 => bytes = (0..next(2_000)).map(|_| next(256) as u8).collect(),
                    4 => bytes = post(JSON, &"[".repeat(next(30_000))).into_bytes(),
                    5 => bytes = post("Transfer-Encoding: chunked\r\n", "zz\r\n").into_bytes(),
                    6 => {
                        bytes = post(
                            JSON,
                            r#"{"images":[{"index":0,"type":"RGB","data":"iVBORw0KGgo"}]}"#,
                        )
                        .into_bytes()
                    }
                    _ => {
                        bytes = format!(
                            "GET /{} HTTP/1.1\r\nHost: here\r\n\r\n",
                            "../".repeat(next(99))
                        )
                        .into_bytes()
                    }
                }
                bytes
            })
            .collect();
        let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut stream = TcpStream::connect(server.address).unwrap();
                        // The server may close the connection before it has read everything.
                        let _ = stream.write_all(case);
                        let _ = stream.shutdown(Shutdown::Write);
                        stream.set_read_timeout(Some(LONG)).unwrap();
                        let mut answer = Vec::new();
                        let _ = stream.read_to_end(&mut answer);
                        if answer.starts_with(b"HTTP/1.1 ") {
                            let status: u16 =
                                str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
                            assert!(status < 500, "{}", String::from_utf8_lossy(&answer));
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert!(answered.into_inner() > 5_000);
        assert_eq!(server.post(BODY.as_bytes()), (200, ANSWER.clone()));
        until(|| metric(&server, "body_bytes") == 0 && metric(&server, "queue_depth") == 0);
    }

    #[test]
    fn stopping_under_load_answers_every_accepted_request() {
        let mut server = ServerProcess::start(&["--drain-seconds", "3", "--log", "warn"]);
        let (sent, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                // One connection until the server closes it: a load balancer opens no new one to
                // a server that is not ready.
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(server.address).unwrap();
                    loop {
                        stream.write_all(post(JSON, &BODY).as_bytes()).unwrap();
                        sent.fetch_add(1, Ordering::Relaxed);
                        let (head, body) = read_answer(&mut stream);
                        assert_eq!(body.as_bytes(), *ANSWER, "{head}");
                        answered.fetch_add(1, Ordering::Relaxed);
                        if head.contains("connection: close") {
                            break;
                        }
                    }
                });
            }
            until(|| sent.load(Ordering::Relaxed) > 50);
            let address = server.address;
            let stopping = scope.spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                thread::sleep(Duration::from_millis(100));
                stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
                read_answer(&mut stream).0
            });
            server.terminate();
            let head = stopping.join().unwrap();
            assert!(
                head.starts_with("http/1.1 503 ") && head.contains("connection: close"),
                "{head}"
            );
        });
        assert!(server.process.wait().unwrap().success());
        assert_eq!(answered.into_inner(), sent.into_inner());
        assert!(TcpStream::connect(server.address).is_err(), "closed");
    }
}

mod observability {
    use super::*;

    #[test]
    fn probes_metrics_and_request_ids() {
        let metrics = Metrics::default();
        let engine = Engine::builder().on_progress(metrics.on_progress()).build().unwrap();
        let server = Running::with_metrics(engine, metrics, &[]);
        assert_eq!(server.get("/healthz"), (200, "ok\n".into()));
        assert_eq!(server.get("/readyz"), (200, "ready\n".into()));
        server.post(BODY.as_bytes());
        server.post(b"{}");
        let (_, metrics) = server.get("/metrics");
        for line in [
            r#"face_liveness_requests_total{path="/v1/liveness",status="200",code="0"} 1"#,
            r#"face_liveness_requests_total{path="/v1/liveness",status="400",code="110"} 1"#,
            r#"face_liveness_stage_seconds_count{stage="receive"} 2"#,
            r#"face_liveness_stage_seconds_count{stage="queue"} 2"#,
            r#"face_liveness_stage_seconds_count{stage="total"} 2"#,
            r#"face_liveness_stage_seconds_count{stage="parse"} 1"#,
            r#"face_liveness_stage_seconds_count{stage="decode"} 1"#,
            r#"face_liveness_stage_seconds_count{stage="detect"} 1"#,
            r#"face_liveness_stage_seconds_count{stage="score"} 1"#,
            r#"face_liveness_spoof_score_count{model="rgb-single-v2"} 1"#,
            "face_liveness_queue_depth 0",
        ] {
            assert!(metrics.contains(line), "{line}\n{metrics}");
        }
        let id = |header: &str| {
            let (head, _) = raw(&server, post(&format!("{JSON}{header}"), "{}").as_bytes());
            head.lines()
                .find_map(|line| line.strip_prefix("x-request-id: ").map(str::to_owned))
                .unwrap()
        };
        assert_eq!(id("X-Request-Id: abc-1.2_3\r\n"), "abc-1.2_3");
        assert_eq!(id("").len(), 36);
        assert_eq!(id("X-Request-Id: a\"b c\r\n").len(), 36);
    }

    #[test]
    fn scores_and_warnings_are_counted_by_model() {
        let scores = Mutex::new(vec![0.0005, 0.25, 0.5, 0.96875]);
        let engine = engine_of(move || scores.lock().unwrap().pop().unwrap());
        let server = Running::with_engine(engine, &[]);
        let with_model = |name: &str| {
            server.post(BODY.replacen('{', &format!("{{\"model\": \"{name}\", "), 1).as_bytes()).0
        };
        for _ in 0..4 {
            assert_eq!(with_model("fake"), 200);
        }
        assert_eq!([with_model("rgb-single-v2"), with_model("rgb-single-v2")], [200, 200]);
        assert_eq!([with_model("nobody"), server.post(b"{}").0], [400, 400]);

        let (_, metrics) = server.get("/metrics");
        let answer: Value = serde_json::from_slice(&ANSWER).unwrap();
        for (model, answers) in [("fake", 4), ("rgb-single-v2", 2)] {
            let count = format!("face_liveness_spoof_score_count{{model=\"{model}\"}} {answers}\n");
            assert!(metrics.contains(&count), "{count}\n{metrics}");
            for warning in Warning::ALL {
                let warned = answer["warnings"].as_array().unwrap().contains(&json!(warning));
                let labels = format!("model=\"{model}\",warning=\"{warning}\"");
                let count = if warned { answers } else { 0 };
                let count = format!("face_liveness_warnings_total{{{labels}}} {count}\n");
                assert!(metrics.contains(&count), "{count}\n{metrics}");
            }
        }
        for (le, count) in [("0.001", 1), ("0.2", 1), ("0.3", 2), ("0.5", 3), ("0.95", 3)] {
            let bucket = format!("_bucket{{le=\"{le}\",model=\"fake\"}} {count}\n");
            assert!(metrics.contains(&bucket), "{bucket}\n{metrics}");
        }
        assert!(!metrics.contains("nobody"), "a client's text makes no label");
    }

    #[test]
    fn the_models_are_listed_with_their_operating_points() {
        let server = running(&[]);
        let (status, listed) = server.get("/v1/models");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let engine = Engine::builder().build().unwrap();
        let points = engine.operating_points("rgb-single-v2").unwrap();
        let as_json: Value = serde_json::from_str(&serde_json::to_string(points).unwrap()).unwrap();
        let named: Vec<_> = points.iter().map(|point| &*point.name).collect();
        assert_eq!(named, ["strict", "recommended", "low-friction"]);
        assert_eq!(status, 200);
        let models = listed["models"].as_array().unwrap();
        let names: Vec<_> = models.iter().map(|model| model["name"].as_str().unwrap()).collect();
        assert_eq!(names, engine.model_names().collect::<Vec<_>>());
        let expected = json!({
            "name": "rgb-single-v2", "isDefault": true, "minImages": 1, "maxImages": 1,
            "operatingPoints": as_json,
        });
        assert!(models.contains(&expected), "{listed:#}");
        let defaults = models.iter().filter(|model| model["isDefault"] == true);
        assert_eq!(defaults.count(), 1);
    }

    #[test]
    fn the_description_has_every_status_and_the_docs_load_nothing_from_elsewhere() {
        let server = running(&[]);
        let (_, document) = server.get("/openapi.json");
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let responses = &document["paths"]["/v1/liveness"]["post"]["responses"];
        for status in [200, 400, 401, 405, 408, 413, 414, 415, 429, 431, 500, 502, 503, 504] {
            assert!(responses[status.to_string()].is_object(), "{status}");
        }
        let unsupported = responses["415"]["description"].as_str().unwrap();
        assert!(unsupported.contains("application/json") && unsupported.contains("compressed"));
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Request"]["required"], json!(["images"]));
        let (status, docs) = server.get("/docs/");
        assert!(
            status == 200 && docs.contains("swagger-ui") && !docs.contains("https://"),
            "{docs}"
        );
        let (_, script) = server.get("/docs/swagger-initializer.js");
        assert!(script.contains("/openapi.json"), "{script}");
    }

    #[test]
    fn no_log_holds_image_data() {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        let flags = ["--log", "trace", "--log-format", "json"];
        let mut server = ServerProcess::start_logging(&flags, log.reopen().unwrap());
        for (headers, body) in [
            (JSON, BODY.clone()),
            (JSON, BODY.replace("RGB", "IR")),
            (JSON, BODY[1..].to_owned()),
            ("", BODY.clone()),
        ] {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(post(headers, &body).as_bytes()).unwrap();
            read_answer(&mut stream);
        }
        let method = "M".repeat(1_000);
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "{method} /{method} HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        read_answer(&mut stream);
        server.process.kill().unwrap();
        server.process.wait().unwrap();
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answered = lines.iter().filter(|line| line["message"] == "answered");
        let seen: Vec<_> =
            answered.map(|line| (line["status"].clone(), line["code"].clone())).collect();
        assert_eq!(
            seen[..3],
            [(json!(200), Value::Null), (json!(400), json!(112)), (json!(400), json!(112))]
        );
        for start in (0..PORTRAIT_JPEG.len() - 16).step_by(64) {
            assert!(!text.contains(&PORTRAIT_JPEG[start..start + 16]), "image data in the log");
        }
        let line = lines.iter().rfind(|line| line["message"] == "answered").unwrap();
        assert_eq!((&line["method"], &line["path"]), (&json!("other"), &json!("other")));
    }

    #[test]
    fn tls_with_a_certificate_and_its_key() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let server =
            running(&["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
        let trusted = ureq::tls::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::new_with_certs(&[trusted]))
            .build();
        let client = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
        let url = format!("https://localhost:{}/v1/liveness", server.address.port());
        let mut answer =
            client.post(url).content_type("application/json").send(BODY.as_bytes()).unwrap();
        assert_eq!(answer.body_mut().read_to_vec().unwrap(), *ANSWER);
        // A client that offers HTTP/2 as well.
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let mut config =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = "localhost".try_into().unwrap();
        let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = TcpStream::connect(server.address).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut socket).unwrap();
        }
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert!(
            !raw(&server, post(JSON, &BODY).as_bytes()).0.starts_with("http/1.1 200"),
            "plain HTTP is refused"
        );
    }

    #[test]
    fn an_unusable_tls_file_is_named() {
        let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (ours, other) = (pair(), pair());
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name).to_str().unwrap().to_owned();
            std::fs::write(&path, text).unwrap();
            path
        };
        let (cert, key) = (ours.cert.pem(), ours.signing_key.serialize_pem());
        let cert = write("cert.pem", &cert);
        let key = write("key.pem", &key);
        let other = write("other.pem", &other.signing_key.serialize_pem());
        let text = write("text.pem", "no PEM");
        let about = |flag: &str, file: &str, problem: &str| format!("{flag} {file}: {problem}");
        for (cert, key, expected) in [
            (&cert, &other, about("--tls-key", &other, "it is not the key of the certificate")),
            (&cert, &text, about("--tls-key", &text, "it holds no private key")),
            (&text, &key, about("--tls-cert", &text, "it holds no certificate")),
        ] {
            let flags = ["server", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key];
            let config = Config::try_parse_from(flags).unwrap();
            let started =
                RUNTIME.block_on(Server::with_engine(config, ENGINE.clone(), Metrics::default()));
            assert_eq!(started.err().unwrap().to_string(), expected);
        }
    }
}

/// The value of a gauge.
fn metric(server: &Running, name: &str) -> i64 {
    let (_, metrics) = server.get("/metrics");
    let name = format!("face_liveness_{name} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

#[track_caller]
fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "the condition did not become true in time");
        thread::sleep(Duration::from_millis(10));
    }
}

/// An engine whose default model calls `before` before it answers.
fn engine(before: impl Fn() + Send + Sync + 'static) -> Engine {
    engine_of(move || {
        before();
        0.0
    })
}

/// An engine whose default model gives these scores.
fn engine_of(score: impl Fn() -> f32 + Send + Sync + 'static) -> Engine {
    let model =
        Fake { inputs: ModelInputs::single(face_liveness::ImageType::Rgb), score: Box::new(score) };
    Engine::builder().model(model).default_model("fake").build().unwrap()
}

/// A server whose model waits at a gate.
fn held(gate: &Arc<Gate>, flags: &[&str]) -> Running {
    let gate = Arc::clone(gate);
    Running::with_engine(engine(move || gate.pass()), flags)
}

struct Fake {
    inputs: ModelInputs,
    score: Box<dyn Fn() -> f32 + Send + Sync>,
}

impl LivenessModel for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, _: &[Frame<'_>]) -> Result<f32, Error> {
        Ok((self.score)())
    }
}

/// A gate where requests wait until a test opens it.
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_timeout_while(state, LONG, |state| !state.1).unwrap());
    }

    fn wait_for(&self, arrived: usize) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_timeout_while(state, LONG, |state| state.0 < arrived).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}
