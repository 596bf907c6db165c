//! The audit log: a line of JSON for each request that the engine answered.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use face_liveness::{ErrorDetail, Response};
use jiff::Timestamp;
use serde::Serialize;

use crate::metrics::Metrics;

/// Events that may wait for the file. Further ones are lost.
const QUEUE: usize = 4_096;
/// How long a server that stops waits for the file.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Appends events to a file, on a thread of its own, so that a slow file delays no answer. The file
/// holds no image data: an image is named by its SHA-256.
pub(crate) struct AuditLog {
    events: Option<SyncSender<Vec<u8>>>,
    writer: JoinHandle<()>,
    metrics: Metrics,
}

/// The answer to a request, as a line of the audit log.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Event<'a> {
    /// The `X-Request-Id` of the answer.
    pub id: &'a str,
    /// When it was answered.
    pub time: Timestamp,
    /// The name of the client's key.
    pub client: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The engine's answer.
    #[serde(flatten)]
    pub outcome: &'a Outcome,
}

/// The engine's answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The answer to a valid request.
    Response(Response),
    /// The error in the request.
    Error(ErrorDetail),
}

impl AuditLog {
    pub(crate) fn open(path: &Path, metrics: Metrics) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let (events, queue) = sync_channel(QUEUE);
        let counted = metrics.clone();
        let writer = thread::spawn(move || write(&file, queue, &counted));
        Ok(Self { events: Some(events), writer, metrics })
    }

    pub(crate) fn append(&self, event: &Event<'_>) {
        let line = serde_json::to_vec(event).ok();
        let queued = line.zip(self.events.as_ref()).map(|(line, events)| events.try_send(line));
        if !matches!(queued, Some(Ok(()))) {
            self.metrics.audit_event_lost();
            tracing::error!(id = event.id, "an audit event is lost: the file is too slow");
        }
    }
}

impl Drop for AuditLog {
    /// Waits until the events that are queued are written.
    fn drop(&mut self) {
        self.events = None;
        let began = Instant::now();
        while !self.writer.is_finished() && began.elapsed() < STOP_TIMEOUT {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Writes each event as a line, in one call, so that the lines of several processes do not mix.
fn write(mut file: &File, events: Receiver<Vec<u8>>, metrics: &Metrics) {
    let mut is_broken = false;
    for mut line in events {
        // After half a line: the next one must not continue it.
        if is_broken {
            line.insert(0, b'\n');
        }
        line.push(b'\n');
        let written = file.write_all(&line);
        is_broken = written.is_err();
        if let Err(error) = written {
            metrics.audit_event_lost();
            tracing::error!(%error, "an audit event is lost");
        }
    }
}
