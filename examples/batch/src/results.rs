//! The table of results. Each row is written at once, so that an interrupted run can resume.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt16Array, UInt32Array};
use face_liveness::Detection;
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

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

    /// Whether the engine answered. A photo that could not be read is tried again by the next run.
    fn is_final(&self) -> bool {
        self.spoof_score.is_some() || self.code.is_some()
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
    /// Whether a CSV file has its header.
    has_header: bool,
    rows: Vec<Row>,
}

impl Table {
    /// Opens a table with the rows of an earlier run. Drops an incomplete last line, and the rows
    /// of photos that could not be read: those photos are tried again.
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
        let text = if growing.exists() { std::fs::read(&growing)? } else { Vec::new() };
        let foreign = |source| Error::Foreign { path: growing.clone(), source };
        if !is_own(lines, &text) {
            return Err(foreign("it does not begin like a table of this program".into()));
        }
        let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let rows = read(lines, &text[..complete]).map_err(foreign)?;
        if !rows.iter().all(Row::is_final) {
            return Self::rewritten(&growing, lines, parquet, rows);
        }
        let mut file = File::options().create(true).truncate(false).write(true).open(&growing)?;
        file.set_len(complete as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file: BufWriter::new(file), lines, parquet, has_header: complete > 0, rows })
    }

    /// Replaces the file by one without the rows of photos that could not be read. It is replaced
    /// at once, so that an interruption loses no row.
    fn rewritten(
        growing: &Path,
        lines: Lines,
        parquet: Option<PathBuf>,
        rows: Vec<Row>,
    ) -> Result<Self, Error> {
        let folder = growing.parent().filter(|folder| !folder.as_os_str().is_empty());
        let fresh = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        std::fs::set_permissions(fresh.path(), std::fs::metadata(growing)?.permissions())?;
        let file = BufWriter::new(fresh.reopen()?);
        let mut table = Self { file, lines, parquet, has_header: false, rows: Vec::new() };
        for row in rows.into_iter().filter(Row::is_final) {
            table.write(row)?;
        }
        table.file.flush()?;
        fresh.persist(growing).map_err(|error| error.error)?;
        Ok(table)
    }

    /// The model that gave the scores; `None` for a table without scores.
    pub fn model(&self) -> Option<&str> {
        self.rows.iter().find_map(|row| row.model.as_deref())
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
        self.write(row)?;
        Ok(self.file.flush()?)
    }

    fn write(&mut self, row: Row) -> Result<(), Error> {
        match self.lines {
            Lines::Csv => {
                let mut writer = csv::WriterBuilder::new()
                    .has_headers(!self.has_header)
                    .from_writer(&mut self.file);
                writer.serialize(&row)?;
                writer.flush()?;
                self.has_header = true;
            }
            Lines::Json => {
                serde_json::to_writer(&mut self.file, &row)?;
                self.file.write_all(b"\n")?;
            }
        }
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

/// Whether a file is a table of this program, or the start of its first line.
fn is_own(lines: Lines, text: &[u8]) -> bool {
    let start: &[u8] = match lines {
        Lines::Csv => b"photo,spoof_score,left,top,width,height,model,warnings,code,error\n",
        Lines::Json => b"{\"photo\":",
    };
    text.starts_with(start) || start.starts_with(text)
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
