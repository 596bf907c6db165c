//! The table of results. Each row is written at once, so that an interrupted run can resume.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt16Array, UInt32Array};
use face_liveness::Detection;
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};

/// The result of one photo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The file, or the Parquet file and the row, counted from 0: `photos.parquet#17`.
    pub photo: String,
    /// The spoof score, 0 to 1.
    pub spoof_score: Option<f32>,
    /// The left edge of the face, in pixels.
    pub left: Option<u32>,
    /// The top edge, in pixels.
    pub top: Option<u32>,
    /// The width, in pixels.
    pub width: Option<u32>,
    /// The height, in pixels.
    pub height: Option<u32>,
    /// The model that answered.
    pub model: Option<String>,
    /// The warnings, separated by spaces.
    pub warnings: Option<String>,
    /// The error code of the Liveness API, if the engine gave no score: 215 or 223.
    pub code: Option<u16>,
    /// The reason for a missing score.
    pub error: Option<String>,
}

impl Row {
    /// The row of a photo that could not be read.
    pub fn unread(photo: String, error: String) -> Self {
        Self { photo, error: Some(error), ..Self::default() }
    }

    /// The row of a photo that the engine answered.
    pub fn answered(photo: String, answer: Result<Detection, face_liveness::Error>) -> Self {
        let response = match answer {
            Ok(detection) => detection.response,
            Err(error) => {
                let code = Some(error.code().into());
                return Self { code, ..Self::unread(photo, error.description()) };
            }
        };
        let warnings: Vec<_> = response.warnings.iter().map(ToString::to_string).collect();
        let warnings = warnings.join(" ");
        Self {
            photo,
            spoof_score: Some(response.spoof_score),
            left: Some(response.position.left),
            top: Some(response.position.top),
            width: Some(response.position.width),
            height: Some(response.position.height),
            model: Some(response.model),
            warnings: (!warnings.is_empty()).then_some(warnings),
            ..Self::default()
        }
    }
}

/// Why the table cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The format is unknown.
    #[error("--out takes a .csv, .jsonl or .parquet file")]
    Format,
    /// The file exists and was not written by an earlier run.
    #[error("{path} exists but was not written by this program: {source}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A CSV row cannot be written.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A JSON row cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The columns do not form a table.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A Parquet file cannot be written.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
}

#[derive(Clone, Copy, PartialEq)]
enum Lines {
    Csv,
    Json,
}

/// A table that grows row by row. Rows cannot be appended to a Parquet file: they are first written
/// to a `.parquet.jsonl` file beside it.
pub struct Table {
    file: BufWriter<File>,
    lines: Lines,
    /// The Parquet file to write at the end.
    parquet: Option<PathBuf>,
    rows: Vec<Row>,
}

impl Table {
    /// Opens a table with the rows of an earlier run. An incomplete last line is dropped, and its
    /// photo is scored again.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(out: &Path) -> Result<Self, Error> {
        let (lines, growing, parquet) =
            match out.extension().and_then(|extension| extension.to_str()) {
                Some("csv") => (Lines::Csv, out.to_owned(), None),
                Some("jsonl") => (Lines::Json, out.to_owned(), None),
                Some("parquet") => {
                    (Lines::Json, out.with_extension("parquet.jsonl"), Some(out.to_owned()))
                }
                _ => return Err(Error::Format),
            };
        let mut text = if growing.exists() { std::fs::read(&growing)? } else { Vec::new() };
        text.truncate(text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        let rows = read(lines, &text)
            .map_err(|source| Error::Foreign { path: growing.clone(), source })?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&growing)?;
        file.set_len(text.len() as u64)?;
        let mut file = BufWriter::new(file);
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?;
        Ok(Self { file, lines, parquet, rows })
    }

    /// The names of the photos that have a row.
    pub fn finished(&self) -> HashSet<String> {
        self.rows.iter().map(|row| row.photo.clone()).collect()
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds a row and flushes it to the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn push(&mut self, row: Row) -> Result<(), Error> {
        match self.lines {
            Lines::Csv => {
                let first = self.rows.is_empty();
                let mut writer =
                    csv::WriterBuilder::new().has_headers(first).from_writer(&mut self.file);
                writer.serialize(&row)?;
                writer.flush()?;
            }
            Lines::Json => {
                serde_json::to_writer(&mut self.file, &row)?;
                self.file.write_all(b"\n")?;
            }
        }
        self.file.flush()?;
        self.rows.push(row);
        Ok(())
    }

    /// Writes the Parquet file, if the table is one, and returns all rows. The `.parquet.jsonl`
    /// file stays, so that a later run can resume.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<Vec<Row>, Error> {
        if let Some(path) = &self.parquet {
            write_parquet(path, &self.rows)?;
        }
        Ok(self.rows)
    }
}

fn read(lines: Lines, text: &[u8]) -> Result<Vec<Row>, Box<dyn std::error::Error + Send + Sync>> {
    match lines {
        Lines::Csv => Ok(csv::Reader::from_reader(text).deserialize().collect::<Result<_, _>>()?),
        Lines::Json => {
            Ok(serde_json::Deserializer::from_slice(text).into_iter().collect::<Result<_, _>>()?)
        }
    }
}

fn write_parquet(path: &Path, rows: &[Row]) -> Result<(), Error> {
    let text = |of: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let pixels = |of: fn(&Row) -> Option<u32>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<UInt32Array>())
    };
    let scores: ArrayRef =
        Arc::new(rows.iter().map(|row| row.spoof_score).collect::<Float32Array>());
    let codes: ArrayRef = Arc::new(rows.iter().map(|row| row.code).collect::<UInt16Array>());
    let columns = RecordBatch::try_from_iter_with_nullable([
        ("photo", text(|row| Some(&row.photo)), false),
        ("spoof_score", scores, true),
        ("left", pixels(|row| row.left), true),
        ("top", pixels(|row| row.top), true),
        ("width", pixels(|row| row.width), true),
        ("height", pixels(|row| row.height), true),
        ("model", text(|row| row.model.as_deref()), true),
        ("warnings", text(|row| row.warnings.as_deref()), true),
        ("code", codes, true),
        ("error", text(|row| row.error.as_deref()), true),
    ])?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, columns.schema(), None)?;
    writer.write(&columns)?;
    writer.close()?;
    Ok(())
}
