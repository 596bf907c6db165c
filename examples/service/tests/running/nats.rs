//! A real nats-server on a free port, for the tests of a process.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub struct NatsServer {
    pub url: String,
    process: Child,
    _config: tempfile::NamedTempFile,
}

impl NatsServer {
    /// Starts `nats-server` with a message limit above that of a body.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = tempfile::NamedTempFile::new().unwrap();
        write!(config, "listen: \"127.0.0.1:{port}\"\nmax_payload: 8MB\n").unwrap();
        // Statics are never dropped, so the server stops when this process exits, which closes the
        // pipe.
        let process = Command::new("sh")
            .args(["-c", r#"nats-server --config "$0" & read end; kill $!"#])
            .arg(config.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        for _ in 0..200 {
            if TcpStream::connect(&address).is_ok() {
                return Self { url: format!("nats://{address}"), process, _config: config };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nats-server does not listen; is it installed?");
    }

    /// Stops the server while clients use it.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }

    /// A new subject.
    pub fn subject() -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        format!("liveness.test{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The server that all tests of a process share.
pub static NATS: LazyLock<NatsServer> = LazyLock::new(NatsServer::start);
