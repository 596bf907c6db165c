//! The audit log: a line of JSON for each request that the engine answered.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use face_liveness::Response;
use jiff::Timestamp;
use serde::Serialize;

/// A file to which events are appended. It holds no image data: an image is named by its SHA-256.
pub(crate) struct AuditLog(File);

/// What a request was answered.
#[derive(Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) id: &'a str,
    pub(crate) time: Timestamp,
    /// The name of the client's key.
    pub(crate) client: &'a str,
    pub(crate) status: u16,
    /// The contract's code of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<&'a Response>,
}

impl AuditLog {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Appends a line in one call of the system, so that the lines of several processes do not mix.
    pub(crate) fn append(&self, event: &Event<'_>) {
        let line = serde_json::to_vec(event).map_err(std::io::Error::from);
        let written = line.and_then(|mut line| {
            line.push(b'\n');
            (&self.0).write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!(id = event.id, %error, "the audit event is lost");
        }
    }
}
