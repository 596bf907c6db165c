//! The stages of an answer, for whoever times them.

use crate::engine::Engine;

/// A part of the work on one request. Whoever wants to know how long each takes is told when one ends: see
/// [`EngineBuilder::on_stage`](crate::EngineBuilder::on_stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The body was read and its images chosen.
    Parse,
    /// An image was decoded, base64 included. Comes again for each image, and for one that was read in more detail.
    Decode,
    /// The faces of an image were found. Comes as often as [`Stage::Decode`].
    Detect,
    /// The face was scored.
    Score,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Parse, Self::Decode, Self::Detect, Self::Score];

    /// The name in lower case, as metrics like it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Decode => "decode",
            Self::Detect => "detect",
            Self::Score => "score",
        }
    }
}

impl Engine {
    /// What a stage made, once whoever listens has been told that it ended.
    pub(crate) fn ended<T>(&self, stage: Stage, made: T) -> T {
        if let Some(listener) = &self.0.on_stage {
            listener(stage);
        }
        made
    }
}
