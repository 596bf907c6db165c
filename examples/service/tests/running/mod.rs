//! Servers on free ports, in this process or in their own, for the duration of a test.
#![allow(dead_code, clippy::zombie_processes)]

pub mod nats;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_service::{Config, Failure, Metrics, Pool, PoolParams, Server, Worker};
use face_liveness_test_support::{base64, faint_and_upside_down, framed, image, request};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tokio::runtime::Runtime;

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The `server` program on a free port.
pub struct ServerProcess {
    pub address: SocketAddr,
    pub process: Child,
}

impl ServerProcess {
    pub fn start(flags: &[&str]) -> Self {
        Self::start_logging(flags, Stdio::inherit())
    }

    /// Starts with the flags of a manifest, and within the memory that it allows. A busy machine
    /// gets the time that it needs.
    pub fn start_as_in(manifest: &Manifest) -> Self {
        let mut command = within(manifest.memory);
        command.arg(example("server")).args(&manifest.args);
        Self::spawn(&mut command, &["--deadline-seconds", "60"], Stdio::inherit())
    }

    /// Starts with a destination for its log, which is standard error.
    pub fn start_logging(flags: &[&str], log: impl Into<Stdio>) -> Self {
        Self::spawn(&mut Command::new(example("server")), flags, log)
    }

    fn spawn(command: &mut Command, flags: &[&str], log: impl Into<Stdio>) -> Self {
        let mut process = command
            .args(["--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { address, process }
    }

    /// Sends SIGTERM, as an orchestrator does.
    pub fn terminate(&self) {
        let kill =
            Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    pub fn resident_mb(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        resident.unwrap().trim().parse::<f64>().unwrap() / 1e3
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The container of a Kubernetes manifest that runs one of our programs.
pub struct Manifest {
    pub args: Vec<String>,
    /// In bytes.
    pub memory: u64,
}

impl Manifest {
    /// Reads the container with this image, the last one of the manifest.
    pub fn read(yaml: &str) -> Self {
        let (_, container) = yaml.rsplit_once("image: face-liveness").unwrap();
        let after = |key| container.split_once(key).unwrap().1.lines().next().unwrap();
        let memory = after("limits: { memory: ").trim_end_matches(" }");
        let (number, unit) = memory.split_at(memory.len() - 2);
        let unit = match unit {
            "Mi" => 1 << 20,
            "Gi" => 1 << 30,
            other => panic!("a unit of memory: {other}"),
        };
        Self {
            args: serde_json::from_str(after("args: ")).unwrap(),
            memory: number.parse::<u64>().unwrap() * unit,
        }
    }
}

/// A command that runs its arguments within a limit on what they allocate, in bytes. The limit is
/// stricter than a container's, which counts only the pages that are used.
pub fn within(memory: u64) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d $0 && exec \"$@\"", &(memory >> 10).to_string()]);
    // Stacks count too: as many threads on every machine.
    command.env("TOKIO_WORKER_THREADS", "2");
    command
}

/// Requests for the pictures that take the most memory, none with an upright face: a progressive
/// JPEG of 34 megapixels without subsampling, 307 MB to decode, and a PNG of 50 megapixels that is
/// searched upside down, 264 MB.
pub fn largest_requests() -> [Vec<u8>; 2] {
    let (width, height) = (16_384, 2_080);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 20);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let pixels = vec![90; usize::from(width) * usize::from(height) * 3];
    encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
    let searched = framed(&faint_and_upside_down(), [1_000, 2_000], 5, [7_071; 2]);
    [file, searched].map(|file| request([image(0, base64(&file))]).to_string().into_bytes())
}

/// The path of an example built with this test.
pub fn example(name: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.ancestors().nth(2).unwrap().join("examples").join(name)
}

/// Starts a worker that runs until the test process ends.
pub fn start_worker(url: &str, subject: &str, engine: Engine) {
    let params = PoolParams { workers: 2, queue: 64, deadline: Duration::from_secs(60) };
    let pool = Pool::new(engine, params, Metrics::default());
    let worker = RUNTIME.block_on(Worker::start(url, subject, pool)).unwrap();
    RUNTIME.spawn(async { worker.run(Box::pin(std::future::pending())).await.unwrap() });
}

pub struct Running {
    pub address: SocketAddr,
    client: ureq::Agent,
}

impl Running {
    pub fn with_engine(engine: Engine, flags: &[&str]) -> Self {
        Self::with_metrics(engine, Metrics::default(), flags)
    }

    pub fn with_metrics(engine: Engine, metrics: Metrics, flags: &[&str]) -> Self {
        Self::start(flags, |config| Server::with_engine(config, engine, metrics))
    }

    /// Starts in front of workers.
    pub fn with_workers(max_body_bytes: usize, url: &str, flags: &[&str]) -> Self {
        let flags = [&["--nats", url], flags].concat();
        Self::start(&flags, |config| Server::with_workers(config, max_body_bytes))
    }

    fn start<S: Future<Output = Result<Server, Failure>>>(
        flags: &[&str],
        start: impl FnOnce(Config) -> S,
    ) -> Self {
        let preset = ["server", "--listen", "127.0.0.1:0", "--drain-seconds", "0"];
        let config = Config::try_parse_from(preset.iter().chain(flags)).unwrap();
        let address = RUNTIME.block_on(async {
            let server = start(config).await.unwrap();
            let address = server.address().unwrap();
            tokio::spawn(async { server.run(Box::pin(std::future::pending())).await.unwrap() });
            address
        });
        let client = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { address, client }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts a body. Returns the status and the body of the answer.
    pub fn post(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let request = self.client.post(self.url("/v1/liveness")).content_type("application/json");
        let mut answer = request.send(body).unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut answer = self.client.get(self.url(path)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}
