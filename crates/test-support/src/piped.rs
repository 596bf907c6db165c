//! An endpoint in another process, for the bindings.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use face_liveness::JsonAnswer;

use crate::Endpoint;

/// A process with an engine, which answers one body after another.
///
/// A body on its standard input comes after its length; an answer on its standard output is the
/// status, the length and the body. Numbers have four bytes, the lowest first.
pub struct Piped {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    process: Child,
}

impl Piped {
    /// Starts the process.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { pipes: Mutex::new((input, output)), process }
    }
}

impl Endpoint for Piped {
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
        JsonAnswer::new(status as u16, body)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
