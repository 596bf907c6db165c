//! Progress reports: which stage of a request has ended, and how long it took.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// A stage of the work on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the body, selecting the images that the model takes, and decoding their base64.
    Parse,
    /// Decoding one image file. Reported again when an image is decoded a second time in more
    /// detail.
    Decode,
    /// Detecting the faces of one image. Reported once for each decoding, and for each copy
    /// searched: rotated, or of other proportions.
    Detect,
    /// Scoring the face.
    Score,
}

impl Stage {
    /// Every stage, in the order of the pipeline.
    pub const ALL: &[Self] = &[Self::Parse, Self::Decode, Self::Detect, Self::Score];

    /// The name in lower case, for metric labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Decode => "decode",
            Self::Detect => "detect",
            Self::Score => "score",
        }
    }
}

/// A stage that has ended. See [`EngineBuilder::on_progress`](crate::EngineBuilder::on_progress).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// The index of the image in the capture; `None` when the stage concerns the whole request.
    pub image: Option<usize>,
    /// How long the stage took.
    pub duration: Duration,
}

pub(crate) type Callback = dyn Fn(&Progress) + Send + Sync;

/// Times stages for a callback. Without one it never reads the clock.
#[derive(Clone, Default)]
pub(crate) struct Reporter(Option<Arc<Callback>>);

impl Reporter {
    pub(crate) fn new(callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Runs a stage and reports it, unless it fails.
    pub(crate) fn time<T, E>(
        &self,
        stage: Stage,
        image: Option<usize>,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(callback) = &self.0 else { return run() };
        let start = Instant::now();
        let output = run()?;
        callback(&Progress { stage, image, duration: start.elapsed() });
        Ok(output)
    }
}
