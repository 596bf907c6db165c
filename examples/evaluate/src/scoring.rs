//! Scores presentations, on every core.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{Limits, RgbImage, decode};
use face_liveness::{Engine, Error, ImageSource};
use rayon::prelude::*;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::dataset::{Presentation, Truth};
use crate::figures::Scored;

/// The result for one presentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The scored face, in pixels of the oriented image.
    pub face: Option<BoundingBox>,
    /// A score for each model, or the reason for its absence.
    pub scores: Vec<Result<f32, NonResponse>>,
}

impl Outcome {
    /// Whether the file could not be read, or is not a usable image.
    pub fn is_unread(&self) -> bool {
        let is_unread = |reason: &NonResponse| matches!(reason.code, None | Some(215));
        self.scores.iter().all(|score| score.as_ref().is_err_and(is_unread))
    }
}

/// Why a presentation has no score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonResponse {
    /// The API's error code; `None` if the file could not be read.
    pub code: Option<u16>,
    /// A description of the reason.
    pub description: String,
}

/// Scores every presentation with every model.
///
/// An image is decoded once, and all models score the same face. A multi-image model gets evenly
/// spaced frames of each video, as many as it takes; its score is recorded for every frame. `done`
/// is called after each presentation.
pub fn score(
    engine: &Engine,
    models: &[String],
    presentations: &[Presentation],
    done: impl Fn(&Presentation, &Outcome) + Sync,
) -> Vec<Outcome> {
    let bursts: Vec<_> = models.iter().map(|model| frames_of_a_burst(engine, model)).collect();
    let score = |presentation: &Presentation| {
        let outcome = outcome(engine, models, &bursts, presentation);
        done(presentation, &outcome);
        outcome
    };
    let mut outcomes: Vec<_> = presentations.par_iter().map(score).collect();
    for (model, frames) in
        bursts.iter().enumerate().filter_map(|(model, frames)| Some((model, (*frames)?)))
    {
        let videos: Vec<_> = videos(presentations).into_values().collect();
        let scores: Vec<_> = videos
            .par_iter()
            .map(|video| burst(engine, &models[model], evenly_spread(video, frames), presentations))
            .collect();
        for (video, score) in videos.iter().zip(scores) {
            for &frame in video {
                outcomes[frame].scores[model].clone_from(&score);
            }
        }
    }
    outcomes
}

/// The number of frames that a model takes, if it needs more than one.
fn frames_of_a_burst(engine: &Engine, model: &str) -> Option<usize> {
    let inputs = engine.model_inputs(model).ok()?;
    (inputs.required() > 1).then(|| inputs.types().len())
}

/// The presentations of each video, in order. An image without a video counts as a video of its
/// own.
fn videos(presentations: &[Presentation]) -> BTreeMap<(&String, &Truth), Vec<usize>> {
    let mut videos = BTreeMap::<_, Vec<_>>::new();
    for (place, presentation) in presentations.iter().enumerate() {
        let video = presentation.video.as_ref().unwrap_or(&presentation.name);
        videos.entry((video, &presentation.truth)).or_default().push(place);
    }
    videos
}

fn evenly_spread(video: &[usize], count: usize) -> impl Iterator<Item = usize> {
    let taken = video.len().min(count);
    (0..taken).map(move |i| video[i * video.len() / taken])
}

fn burst(
    engine: &Engine,
    model: &str,
    frames: impl Iterator<Item = usize>,
    presentations: &[Presentation],
) -> Result<f32, NonResponse> {
    let photos = frames.map(|frame| read(&presentations[frame])).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<_> = photos.iter().map(|photo| ImageSource::Rgb(photo.view())).collect();
    let detection =
        engine.detect_images(&sources, Some(model)).map_err(|error| NonResponse::from(&error))?;
    Ok(detection.response.spoof_score)
}

fn outcome(
    engine: &Engine,
    models: &[String],
    bursts: &[Option<usize>],
    presentation: &Presentation,
) -> Outcome {
    let unanswered =
        |reason: NonResponse| Outcome { face: None, scores: vec![Err(reason); models.len()] };
    let photo = match read(presentation) {
        Ok(photo) => photo,
        Err(reason) => return unanswered(reason),
    };
    let source = ImageSource::Rgb(photo.view());
    let face = match presentation
        .face
        .map_or_else(|| engine.find_face(source).map(|face| face.bounding_box), Ok)
    {
        Ok(face) => face,
        Err(error) => return unanswered(NonResponse::from(&error)),
    };
    let score = |(model, burst): (&String, &Option<usize>)| match burst {
        // Scored with its video.
        Some(_) => Err(NonResponse { code: Some(219), description: "a frame of a burst".into() }),
        None => {
            engine.score_face(source, face, Some(model)).map_err(|error| NonResponse::from(&error))
        }
    };
    Outcome { face: Some(face), scores: models.iter().zip(bursts).map(score).collect() }
}

/// Reads the scores of another program, by the name of the image in the set.
///
/// They come from a CSV file with the columns `file`, that name, and `spoof_score`.
///
/// # Errors
/// If the file cannot be read, or a score is not between 0 and 1.
pub fn read_scores(file: &Path) -> Result<HashMap<String, f32>, csv::Error> {
    csv::Reader::from_path(file)?
        .deserialize()
        .map(|row| row.map(|OtherScore { file, spoof_score }| (file, spoof_score)))
        .collect()
}

/// Adds the scores of another program as one more model. Images without one are reported.
pub fn add_scores(
    scores: &HashMap<String, f32>,
    presentations: &[Presentation],
    outcomes: &mut [Outcome],
) {
    for (presentation, outcome) in presentations.iter().zip(outcomes) {
        let absent =
            || NonResponse { code: None, description: "missing from the scores file".into() };
        outcome.scores.push(scores.get(&presentation.name).copied().ok_or_else(absent));
    }
}

#[derive(Deserialize)]
struct OtherScore {
    file: String,
    #[serde(deserialize_with = "probability")]
    spoof_score: f32,
}

fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    let value = f32::deserialize(deserializer)?;
    let is_probability = (0.0..=1.0).contains(&value);
    is_probability.then_some(value).ok_or_else(|| D::Error::custom("not between 0 and 1"))
}

fn read(presentation: &Presentation) -> Result<RgbImage, NonResponse> {
    let bytes = std::fs::read(&presentation.path)
        .map_err(|error| NonResponse { code: None, description: error.to_string() })?;
    decode(&bytes, &Limits::default(), true).map_err(|source| {
        NonResponse::from(&Error::Image { path: presentation.name.clone(), source })
    })
}

impl From<&Error> for NonResponse {
    fn from(error: &Error) -> Self {
        Self { code: Some(error.code().into()), description: error.description() }
    }
}

/// The unit that the figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Images.
    Image,
    /// Videos, by the mean of their frames' scores. An image without a video counts by itself.
    Video,
}

/// The presentations of each unit, by their places: one image, or the frames of a video.
pub fn members(presentations: &[Presentation], unit: Unit) -> Vec<Vec<usize>> {
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut unit_of = HashMap::new();
    for (place, presentation) in presentations.iter().enumerate() {
        let key = (unit_name(presentation, unit), &presentation.truth);
        let of_unit = *unit_of.entry(key).or_insert_with(|| {
            members.push(Vec::new());
            members.len() - 1
        });
        members[of_unit].push(place);
    }
    members
}

/// The scores of one model per unit, with the name of the image or video, in the order of
/// [`members`].
///
/// Clusters are subjects if they are known, else videos, else the units themselves.
pub fn units(
    presentations: &[Presentation],
    outcomes: &[Outcome],
    model: usize,
    unit: Unit,
) -> Vec<(String, Scored)> {
    let mut clusters = HashMap::new();
    let scored = |members: Vec<usize>| {
        let first = &presentations[members[0]];
        let name = unit_name(first, unit);
        let next = clusters.len();
        let kinds = [(0, first.subject.as_ref()), (1, first.video.as_ref()), (2, Some(name))];
        let kind = kinds.into_iter().find_map(|(kind, key)| Some((kind, key?)));
        let cluster = *clusters.entry(kind).or_insert(next);
        let scores =
            members.iter().filter_map(|&place| outcomes[place].scores[model].as_ref().ok());
        let score = mean(&scores.copied().collect::<Vec<_>>());
        (name.clone(), Scored { truth: first.truth.clone(), score, cluster })
    };
    members(presentations, unit).into_iter().map(scored).collect()
}

fn unit_name(presentation: &Presentation, unit: Unit) -> &String {
    let Presentation { name, video, .. } = presentation;
    video.as_ref().filter(|_| unit == Unit::Video).unwrap_or(name)
}

fn mean(scores: &[f32]) -> Option<f32> {
    let sum: f64 = scores.iter().map(|&score| f64::from(score)).sum();
    (!scores.is_empty()).then(|| (sum / scores.len() as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presentation(
        name: &str,
        subject: Option<&str>,
        video: Option<&str>,
        spoof: bool,
    ) -> Presentation {
        Presentation {
            path: name.into(),
            name: name.into(),
            truth: if spoof { Truth::Attack { species: "print".into() } } else { Truth::BonaFide },
            subject: subject.map(Into::into),
            video: video.map(Into::into),
            face: None,
            segments: BTreeMap::new(),
        }
    }

    fn outcome(score: Option<f32>) -> Outcome {
        let unanswered = NonResponse { code: Some(223), description: "no face".into() };
        Outcome { face: None, scores: vec![score.ok_or(unanswered)] }
    }

    #[test]
    fn videos_are_scored_by_the_mean_of_their_frames() {
        let presentations = [
            presentation("a", None, Some("v"), false),
            presentation("b", None, Some("v"), false),
            presentation("c", None, Some("v"), false),
            presentation("d", None, Some("w"), true),
            presentation("e", None, None, true),
        ];
        let outcomes = [Some(0.25), None, Some(0.5), None, Some(1.0)].map(outcome);
        let by_video: Vec<_> = units(&presentations, &outcomes, 0, Unit::Video)
            .into_iter()
            .map(|(name, scored)| (name, scored.score, scored.cluster))
            .collect();
        let expected = [("v", Some(0.375), 0), ("w", None, 1), ("e", Some(1.0), 2)];
        assert_eq!(
            by_video,
            expected.map(|(name, score, cluster)| (name.to_owned(), score, cluster))
        );

        let by_image = units(&presentations, &outcomes, 0, Unit::Image);
        let clusters: Vec<_> = by_image.iter().map(|(_, scored)| scored.cluster).collect();
        assert_eq!(clusters, [0, 0, 0, 1, 2], "the frames of a video are drawn together");
    }

    #[test]
    fn subjects_are_clusters_before_videos() {
        let presentations = [
            presentation("a", Some("ann"), Some("v"), false),
            presentation("b", Some("ann"), Some("w"), true),
            presentation("c", Some("bob"), Some("x"), true),
        ];
        let units =
            units(&presentations, &[Some(0.1), Some(0.9), Some(0.8)].map(outcome), 0, Unit::Image);
        assert_eq!(units.iter().map(|(_, scored)| scored.cluster).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
