//! Loads the server with `wrk` and measures the engine alone in the same run:
//! `cargo test --release --test load -- --nocapture`. Asserts that every answer is correct and that
//! memory stays bounded. `LIVENESS_BODY` names a request body to send instead of the portrait, and
//! `LIVENESS_SECONDS` sets how long each measurement takes: 1 by default, 6 for published figures.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod running;

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use face_liveness_test_support::{ENGINE, PORTRAIT_JPEG, image, request};
use running::{Manifest, ServerProcess, largest_requests};

/// How long each measurement takes.
static SECONDS: LazyLock<u64> = LazyLock::new(|| {
    std::env::var("LIVENESS_SECONDS").map_or(1, |seconds| seconds.parse().unwrap())
});

/// The throughput of the engine alone with one thread per core, in answers per second.
fn engine_alone(body: &[u8]) -> f64 {
    let answered = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while began.elapsed() < Duration::from_secs(*SECONDS) {
                    ENGINE.detect_json(body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    answered.into_inner() as f64 / began.elapsed().as_secs_f64()
}

/// The throughput that `wrk` measures over a number of connections, in answers per second, and its
/// latency report. Panics if an answer is wrong.
fn served(server: &ServerProcess, script: &str, connections: usize) -> (f64, String) {
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{}s", *SECONDS),
            "--latency",
            "-s",
            script,
        ])
        .arg(format!("http://{}/v1/liveness", server.address))
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let line =
        |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    assert_eq!(line("wrong answers:"), Some("0"), "{text}");
    assert!(line("Socket errors:").is_none() && line("Non-2xx").is_none(), "{text}");
    let latency = ["50%", "99%"].map(|part| format!("{part} {}", line(part).unwrap()));
    (line("Requests/sec:").unwrap().parse().unwrap(), latency.join(", "))
}

#[test]
fn under_load_every_answer_is_correct_and_memory_is_bounded() {
    let body = match std::env::var("LIVENESS_BODY") {
        Ok(path) => std::fs::read(path).unwrap(),
        Err(_) => request([image(0, PORTRAIT_JPEG.as_str())]).to_string().into_bytes(),
    };
    let expected = ENGINE.detect_json(&body);
    assert_eq!(expected.status, 200);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (body_file, answer_file) = (file("body", &body), file("answer", &expected.body));
    let script = format!(
        r#"
        local function read(path)
            local file = io.open(path, "rb")
            local text = file:read("*a")
            file:close()
            return text
        end
        wrk.method, wrk.body = "POST", read("{body_file}")
        wrk.headers["Content-Type"] = "application/json"
        local expected, threads = read("{answer_file}"), {{}}
        wrong = 0
        function setup(thread) table.insert(threads, thread) end
        function response(status, headers, body)
            if status ~= 200 or body ~= expected then wrong = wrong + 1 end
        end
        function done()
            local sum = 0
            for _, thread in ipairs(threads) do sum = sum + thread:get("wrong") end
            print("wrong answers: " .. sum)
        end
        "#
    );
    let script = file("post.lua", script.as_bytes());
    let server = ServerProcess::start(&["--log", "warn"]);
    println!("| connections | engine alone | served | share | latency | resident |");
    println!("|---|---|---|---|---|---|");
    for connections in [1, 2, 4, 8, 16, 32, 64] {
        let (served, latency) = served(&server, &script, connections);
        let alone = engine_alone(&body);
        let resident = server.resident_mb();
        let share = served / alone;
        println!(
            "| {connections} | {alone:.0}/s | {served:.0}/s | {share:.2} | {latency} | \
             {resident:.0} MB |"
        );
        assert!(resident < 300.0);
    }
}

#[test]
fn memory_follows_what_has_arrived() {
    const CONNECTIONS: usize = 300;
    let server = ServerProcess::start(&["--log", "warn"]);
    let start = format!(
        "POST /v1/liveness HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n",
        server.address
    );
    for rest in ["Content-Length: 5000000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]
    {
        let before = server.resident_mb();
        let open = || {
            let mut connection = TcpStream::connect(server.address).unwrap();
            connection.write_all(format!("{start}{rest}").as_bytes()).unwrap();
            connection
        };
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| open()).collect();
        thread::sleep(Duration::from_secs(1));
        let with_connections = server.resident_mb();
        drop(connections);
        thread::sleep(Duration::from_secs(1));
        let after = server.resident_mb();
        println!(
            "{before:.0} MB, {with_connections:.0} MB with the connections, {after:.0} MB after"
        );
        assert!(with_connections < before + 20.0 && after < before + 20.0);
    }
}

#[test]
fn memory_is_returned_after_aborted_uploads_and_large_pictures() {
    let manifest = Manifest::read(include_str!("../../../docs/deploy/kubernetes.yaml"));
    let server = ServerProcess::start_as_in(&manifest);
    let post = |body: &[u8]| {
        let request = ureq::post(format!("http://{}/v1/liveness", server.address));
        let request = request.config().http_status_as_error(false).build();
        request.content_type("application/json").send(body).unwrap().status().as_u16()
    };
    let start = |length: usize| {
        format!(
            "POST /v1/liveness HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: 5000000\r\n\r\n{}",
            server.address,
            " ".repeat(length)
        )
    };
    // Each ends within the given number of bytes.
    let abort_uploads = |count: usize, length: usize| {
        let open = |index: usize| {
            let mut connection = TcpStream::connect(server.address).unwrap();
            // The memory for bodies may be used up: then the server closes the connection.
            let _ = connection.write_all(start(length * (index + 1) / count).as_bytes());
            connection
        };
        drop((0..count).map(open).collect::<Vec<_>>());
        // The server has then read what has arrived.
        thread::sleep(Duration::from_secs(1));
    };
    let largest = largest_requests();
    post(&request([image(0, PORTRAIT_JPEG.as_str())]).to_string().into_bytes());
    let before = server.resident_mb();
    let until_returned = |what: &str| {
        let began = Instant::now();
        while server.resident_mb() > before + 20.0 {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {}", server.resident_mb());
            thread::sleep(Duration::from_millis(50));
        }
        println!("{before:.0} MB before, {:.0} MB after {what}", server.resident_mb());
    };
    for _ in 0..3 {
        abort_uploads(60, 2_000_000);
        until_returned("aborted uploads");
        abort_uploads(900, 250_000);
        until_returned("small aborted uploads");
    }
    thread::scope(|scope| {
        for body in largest.iter().cycle().take(8) {
            scope.spawn(|| post(body));
        }
    });
    until_returned("large pictures");
}
