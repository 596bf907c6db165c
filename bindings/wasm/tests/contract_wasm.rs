//! Runs the rules of the wire contract against the package in Node.js: `.ci/wasm` builds it first.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use face_liveness::JsonAnswer;
use face_liveness_test_support::{Contract, Endpoint, contract_rules};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::of_binding(Node::start));

contract_rules!(tests CONTRACT);

/// A process with an engine, which answers one body after another.
struct Node {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    process: Child,
}

impl Node {
    fn start() -> Box<dyn Endpoint> {
        let mut process = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answer.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Box::new(Self { pipes: Mutex::new((input, output)), process })
    }
}

impl Endpoint for Node {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let mut pipes = self.pipes.lock().unwrap();
        let (input, output) = &mut *pipes;
        input.write_all(&(body.len() as u32).to_le_bytes()).unwrap();
        input.write_all(body).unwrap();
        input.flush().unwrap();
        let [status, length] = [(); 2].map(|()| {
            let mut number = [0; 4];
            output.read_exact(&mut number).unwrap();
            u32::from_le_bytes(number)
        });
        let mut body = vec![0; length as usize];
        output.read_exact(&mut body).unwrap();
        JsonAnswer { status: status as u16, body }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
