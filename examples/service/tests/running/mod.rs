//! A server on a free port of this machine, in this process, for as long as a test needs it.
#![allow(dead_code)]

pub mod nats;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_service::{Config, Metrics, Pool, PoolParams, Server, Worker};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A worker in this process, for as long as that lives.
pub fn start_worker(url: &str, subject: &str, engine: Engine) {
    let params = PoolParams { workers: 2, queue: 64, deadline: Duration::from_secs(20) };
    let pool = Pool::new(engine, params, Metrics::default());
    let worker = RUNTIME.block_on(Worker::start(url, subject, pool)).unwrap();
    RUNTIME.spawn(async { worker.run(std::future::pending()).await.unwrap() });
}

pub struct Running {
    pub address: SocketAddr,
    client: ureq::Agent,
    end: watch::Sender<bool>,
    ended: Option<JoinHandle<()>>,
}

impl Running {
    pub fn with_engine(engine: Engine, flags: &[&str]) -> Self {
        let preset = ["server", "--listen", "127.0.0.1:0", "--drain-seconds", "0"];
        let config = Config::try_parse_from(preset.iter().chain(flags)).unwrap();
        let (end, mut ending) = watch::channel(false);
        let (address, ended) = RUNTIME.block_on(async {
            let server = Server::with_engine(config, engine).await.unwrap();
            let address = server.address().unwrap();
            let ending = async move { drop(ending.wait_for(|&end| end).await) };
            (address, tokio::spawn(async { server.run(ending).await.unwrap() }))
        });
        let client = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { address, client, end, ended: Some(ended) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The status and the body of the answer to a request's body.
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

    /// What a signal does to the process. [`wait`](Self::wait) waits until it has ended.
    pub fn ask_to_end(&self) {
        self.end.send_replace(true);
    }

    pub fn wait(&mut self) {
        self.ask_to_end();
        if let Some(ended) = self.ended.take() {
            RUNTIME.block_on(ended).unwrap();
        }
    }
}
