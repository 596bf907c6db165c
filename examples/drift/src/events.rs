//! The events of a file, as counts: memory does not grow with the file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use face_liveness_schema::{ErrorDetail, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::histogram::{BINS, Histogram};

/// Longer lines are not events: an event has 1 to 2 KB.
const MAX_LINE: u64 = 1 << 20;
/// The maximum number of models with their own figures. An engine has four built in.
const MAX_MODELS: usize = 16;
/// The maximum number of values of one kind that are counted separately. They take 10 MB; cameras
/// have fewer sizes.
const MAX_VALUES: usize = 1 << 16;
/// The longest name, in bytes, that is counted separately.
const MAX_NAME: usize = 128;
/// The name under which all other values are counted.
const OTHER: &str = "(other)";

/// Why the events of a file cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file has no event.
    #[error("{}: it has no event; broken lines: {broken}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The number of lines that are not events.
        broken: u64,
    },
}

/// The counts of one file.
#[derive(Debug, Default)]
pub struct Events {
    /// The number of events.
    pub count: u64,
    /// The number of lines that are not events: broken, cut off, or something else.
    pub broken: u64,
    /// The times of the earliest and of the latest event.
    pub span: Option<[Timestamp; 2]>,
    /// The number of events in each hour of the day, UTC.
    pub hours: [u64; 24],
    /// The scores of each model.
    pub models: BTreeMap<String, Scores>,
    /// The shorter side of the box of each face, in pixels.
    pub faces: Histogram,
    /// Events by the name of the client's key.
    pub clients: Values,
    /// Errors by their code, among all events.
    pub errors: Values,
    /// Answers with a score, by model.
    pub answers: Values,
    /// Warnings among the answers with a score. One answer may have several.
    pub warnings: Values,
    /// The size at which the first image was read.
    pub sizes: Values,
    /// The versions of the engine and of the model.
    pub versions: Values,
}

/// The scores of a model.
#[derive(Debug, Default)]
pub struct Scores {
    /// All scores, 0 to 1.
    pub histogram: Histogram,
    /// The number of scores at or above the threshold.
    pub attacks: u64,
}

/// The number of events with each value.
#[derive(Debug, Default)]
pub struct Values {
    /// The events that could have a value.
    pub of: u64,
    counts: HashMap<String, u64>,
}

#[derive(Deserialize)]
struct Event {
    time: Timestamp,
    client: String,
    response: Option<Response>,
    error: Option<ErrorDetail>,
}

impl Events {
    /// Counts the events of a file. `threshold` is the score from which an answer counts as an
    /// attack.
    ///
    /// # Errors
    /// If the file cannot be read, or has no event.
    pub fn read(path: &Path, threshold: f32) -> Result<Self, Error> {
        let opened =
            File::open(path).and_then(|file| Self::from_lines(BufReader::new(file), threshold));
        let events = opened.map_err(|source| Error::Read { path: path.into(), source })?;
        if events.count == 0 {
            return Err(Error::Empty { path: path.into(), broken: events.broken });
        }
        Ok(events)
    }

    fn from_lines(mut file: impl BufRead, threshold: f32) -> std::io::Result<Self> {
        let (mut events, mut line, mut is_rest) = (Self::default(), Vec::new(), false);
        loop {
            line.clear();
            if file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(events);
            }
            let is_cut = line.len() as u64 == MAX_LINE && !line.ends_with(b"\n");
            if !is_rest && !line.trim_ascii().is_empty() {
                match parse(&line) {
                    Some(event) => events.add(&event, threshold),
                    None => events.broken += 1,
                }
            }
            is_rest = is_cut;
        }
    }

    fn add(&mut self, event: &Event, threshold: f32) {
        let time = event.time;
        let [first, last] = self.span.unwrap_or([time, time]);
        self.span = Some([first.min(time), last.max(time)]);
        self.hours[(time.as_second().rem_euclid(86_400) / 3_600) as usize] += 1;
        self.count += 1;
        self.clients.count(&event.client);
        self.errors.of += 1;
        if let Some(error) = &event.error {
            self.errors.add(&u16::from(error.code).to_string());
        }
        if let Some(response) = &event.response {
            self.add_response(response, threshold);
        }
    }

    fn add_response(&mut self, response: &Response, threshold: f32) {
        let score = response.spoof_score;
        let name = response.model.as_str();
        let has_room = self.models.len() < MAX_MODELS && name.len() <= MAX_NAME;
        let name = if has_room || self.models.contains_key(name) { name } else { OTHER };
        let scores = self.models.entry(name.to_owned()).or_default();
        scores.histogram.add((f64::from(score) * BINS as f64) as usize);
        scores.attacks += u64::from(score >= threshold);
        self.answers.count(name);
        self.faces.add(response.position.width.min(response.position.height) as usize);
        self.warnings.of += 1;
        for (index, warning) in response.warnings.iter().enumerate() {
            if !response.warnings[..index].contains(warning) {
                self.warnings.add(&warning.to_string());
            }
        }
        let Some(provenance) = &response.provenance else { return };
        if let Some(image) = provenance.images.first() {
            self.sizes.count(&format!("{} × {}", image.width, image.height));
        }
        let model = provenance.model_version.map(|version| format!(" version {version}"));
        let model = model.unwrap_or_default();
        self.versions.count(&format!("engine {}, {name}{model}", provenance.engine));
    }
}

impl Values {
    /// The number of events with a value.
    pub fn get(&self, value: &str) -> u64 {
        self.counts.get(value).copied().unwrap_or(0)
    }

    /// The values that any event has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str)
    }

    /// Counts an event, and its only value.
    fn count(&mut self, value: &str) {
        self.of += 1;
        self.add(value);
    }

    fn add(&mut self, value: &str) {
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
            return;
        }
        let has_room = self.counts.len() < MAX_VALUES && value.len() <= MAX_NAME;
        let value = if has_room { value } else { OTHER };
        *self.counts.entry(value.to_owned()).or_default() += 1;
    }
}

/// An event, if the line is one.
fn parse(line: &[u8]) -> Option<Event> {
    let event: Event = serde_json::from_slice(line).ok()?;
    let has_score = |response: &Response| (0.0..=1.0).contains(&response.spoof_score);
    let is_whole = match (&event.response, &event.error) {
        (Some(response), None) => has_score(response),
        (None, Some(_)) => true,
        _ => false,
    };
    is_whole.then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &str = r#"{"id":"a","time":"2026-11-27T14:05:11Z","client":"wallet","status":400,
        "error":{"code":223,"message":"m","description":"d"},"newer":[1]}"#;

    fn count(text: &str) -> Events {
        Events::from_lines(text.as_bytes(), 0.5).expect("a text can be read")
    }

    #[test]
    fn lines_that_are_no_events_are_counted() {
        let event = ERROR.replace('\n', "");
        let long = format!("\"{}\"", "x".repeat(3 << 20));
        let half = &event[..60];
        let neither = event.replace("\"error\"", "\"fault\"");
        let score = event.replace("\"error\":{\"code\":223", "\"response\":{\"spoofScore\":7");
        let lines = ["", &event, half, &long, "{}", "\u{fffd}", &neither, &score, &event, half];
        let events = count(&lines.join("\n"));
        assert_eq!((events.count, events.broken), (2, 7));
        assert_eq!((events.errors.get("223"), events.clients.get("wallet")), (2, 2));
        assert_eq!((events.hours[14], events.hours.iter().sum()), (2, 2));
    }

    #[test]
    fn a_file_without_events_is_an_error() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (text, broken) in [("", 0), ("\n\n", 0), ("{}\n{", 2)] {
            std::fs::write(file.path(), text).expect("a file");
            let error = Events::read(file.path(), 0.5).expect_err("no event");
            assert!(matches!(error, Error::Empty { broken: counted, .. } if counted == broken));
        }
        let missing = Events::read(&file.path().join("none"), 0.5);
        assert!(matches!(missing, Err(Error::Read { .. })));
    }

    #[test]
    fn many_values_share_one_count() {
        let mut values = Values::default();
        for index in 0..MAX_VALUES + 10 {
            values.count(&index.to_string());
        }
        values.count("0");
        values.count(&"x".repeat(MAX_NAME + 1));
        assert_eq!((values.get("0"), values.get(OTHER)), (2, 11));
        assert_eq!(values.names().count(), MAX_VALUES + 1);
    }
}
