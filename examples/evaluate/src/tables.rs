//! Scores as CSV and Parquet, one row per image and model.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt16Array};
use parquet::arrow::ArrowWriter;
use serde::Serialize;

use crate::dataset::Presentation;
use crate::scoring::Outcome;

/// Why a table cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum Error {
    /// The file cannot be created.
    Io(#[from] std::io::Error),
    /// A row of CSV cannot be written.
    Csv(#[from] csv::Error),
    /// The columns do not match.
    Arrow(#[from] arrow_schema::ArrowError),
    /// A Parquet file cannot be written.
    Parquet(#[from] parquet::errors::ParquetError),
}

/// One model's result for one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreRow<'a> {
    file: &'a str,
    label: &'static str,
    species: Option<&'a str>,
    subject: Option<&'a str>,
    video: Option<&'a str>,
    model: &'a str,
    spoof_score: Option<f32>,
    /// The API's error code, if there is no score although the file could be read.
    code: Option<u16>,
    /// The reason for a missing score.
    error: Option<&'a str>,
    left: Option<f32>,
    top: Option<f32>,
    width: Option<f32>,
    height: Option<f32>,
}

impl ScoreRow<'_> {
    /// The image.
    pub fn file(&self) -> &str {
        self.file
    }

    /// The model.
    pub fn model(&self) -> &str {
        self.model
    }

    /// Whether the score is missing.
    pub fn is_unanswered(&self) -> bool {
        self.spoof_score.is_none()
    }

    /// The reason for a missing score; empty if there is a score.
    pub fn reason(&self) -> &str {
        self.error.unwrap_or_default()
    }
}

/// The rows, image by image.
pub fn rows<'a>(
    models: &'a [String],
    presentations: &'a [Presentation],
    outcomes: &'a [Outcome],
) -> impl Iterator<Item = ScoreRow<'a>> + Clone {
    presentations.iter().zip(outcomes).flat_map(move |(presentation, outcome)| {
        models.iter().zip(&outcome.scores).map(move |(model, score)| {
            let (spoof_score, reason) = (score.as_ref().ok().copied(), score.as_ref().err());
            ScoreRow {
                file: &presentation.name,
                label: presentation.truth.label(),
                species: presentation.truth.species(),
                subject: presentation.subject.as_deref(),
                video: presentation.video.as_deref(),
                model,
                spoof_score,
                code: reason.and_then(|reason| reason.code),
                error: reason.map(|reason| reason.description.as_str()),
                left: outcome.face.map(|face| face.left),
                top: outcome.face.map(|face| face.top),
                width: outcome.face.map(|face| face.width),
                height: outcome.face.map(|face| face.height),
            }
        })
    })
}

/// Writes the rows as CSV, with a header.
///
/// # Errors
/// See [`Error`].
pub fn write_csv<'a>(path: &Path, rows: impl Iterator<Item = ScoreRow<'a>>) -> Result<(), Error> {
    let mut writer = csv::Writer::from_path(path)?;
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.flush()?)
}

/// Writes the same columns as Parquet.
///
/// # Errors
/// See [`Error`].
pub fn write_parquet<'a>(
    path: &Path,
    rows: impl Iterator<Item = ScoreRow<'a>> + Clone,
) -> Result<(), Error> {
    let text = |of: fn(ScoreRow<'a>) -> Option<&'a str>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<StringArray>())
    };
    let number = |of: fn(ScoreRow<'a>) -> Option<f32>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<Float32Array>())
    };
    let columns = RecordBatch::try_from_iter_with_nullable([
        ("file", text(|row| Some(row.file)), false),
        ("label", text(|row| Some(row.label)), false),
        ("species", text(|row| row.species), true),
        ("subject", text(|row| row.subject), true),
        ("video", text(|row| row.video), true),
        ("model", text(|row| Some(row.model)), false),
        ("spoof_score", number(|row| row.spoof_score), true),
        (
            "code",
            Arc::new(rows.clone().map(|row| row.code).collect::<UInt16Array>()) as ArrayRef,
            true,
        ),
        ("error", text(|row| row.error), true),
        ("left", number(|row| row.left), true),
        ("top", number(|row| row.top), true),
        ("width", number(|row| row.width), true),
        ("height", number(|row| row.height), true),
    ])?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, columns.schema(), None)?;
    writer.write(&columns)?;
    writer.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::dataset::Truth;
    use crate::scoring::NonResponse;
    use face_liveness::detection::BoundingBox;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn both_tables_hold_every_image_and_model() {
        let presentation = |name: &str, truth| Presentation {
            path: name.into(),
            name: name.into(),
            truth,
            subject: None,
            video: Some("v, 1".into()),
            face: None,
            segments: BTreeMap::new(),
        };
        let models = ["one".to_owned(), "two".to_owned()];
        let presentations = [
            presentation("a.jpg", Truth::BonaFide),
            presentation("b \"quoted\".jpg", Truth::Attack { species: "print".into() }),
        ];
        let face = BoundingBox { left: 1.0, top: 2.0, width: 3.0, height: 4.5 };
        let unanswered = NonResponse { code: Some(223), description: "no face".into() };
        let outcomes = [
            Outcome { face: Some(face), scores: vec![Ok(0.25), Ok(0.75)] },
            Outcome { face: None, scores: vec![Err(unanswered.clone()), Err(unanswered)] },
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let (csv, parquet) =
            (folder.path().join("scores.csv"), folder.path().join("scores.parquet"));
        let rows = || rows(&models, &presentations, &outcomes);
        write_csv(&csv, rows()).expect("a table");
        write_parquet(&parquet, rows()).expect("a table");

        assert_eq!(
            std::fs::read_to_string(csv).expect("the table"),
            "file,label,species,subject,video,model,spoof_score,code,error,left,top,width,height\n\
             a.jpg,live,,,\"v, 1\",one,0.25,,,1.0,2.0,3.0,4.5\n\
             a.jpg,live,,,\"v, 1\",two,0.75,,,1.0,2.0,3.0,4.5\n\
             \"b \"\"quoted\"\".jpg\",spoof,print,,\"v, 1\",one,,223,no face,,,,\n\
             \"b \"\"quoted\"\".jpg\",spoof,print,,\"v, 1\",two,,223,no face,,,,\n"
        );
        let reader =
            SerializedFileReader::new(File::open(parquet).expect("the table")).expect("Parquet");
        let rows: Vec<String> =
            reader.into_iter().map(|row| row.expect("a row").to_string()).collect();
        assert_eq!(rows.len(), 4);
        assert!(rows[1].contains("model: \"two\", spoof_score: 0.75, code: null"), "{}", rows[1]);
        assert!(
            rows[2].contains("spoof_score: null, code: 223, error: \"no face\""),
            "{}",
            rows[2]
        );
    }

    #[test]
    fn no_images_make_empty_tables() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scores.parquet");
        write_parquet(&path, rows(&[], &[], &[])).expect("a table");
        let reader =
            SerializedFileReader::new(File::open(path).expect("the table")).expect("Parquet");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
