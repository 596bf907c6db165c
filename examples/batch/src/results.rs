//! The table of results. Each row is written at once, so that an interrupted run can resume.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt16Array, UInt32Array,
};
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
    /// Whether the Exif orientation was applied.
    pub auto_rotate: Option<bool>,
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
    pub fn answered(
        photo: String,
        auto_rotate: bool,
        answer: Result<Detection, face_liveness::Error>,
    ) -> Self {
        let auto_rotate = Some(auto_rotate);
        let response = match answer {
            Ok(detection) => detection.response,
            Err(error) => {
                let code = Some(error.code().into());
                return Self { code, auto_rotate, ..Self::unread(photo, error.description()) };
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
            auto_rotate,
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
    /// A folder, a device or a pipe.
    #[error("{0} is not a file")]
    NotAFile(PathBuf),
    /// Another run writes the table.
    #[error("{0} is being written by another run")]
    InUse(PathBuf),
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

impl Lines {
    /// The length of the complete rows at the start of a text. A name in a CSV file may have line
    /// breaks between its quotation marks.
    fn complete(self, text: &[u8]) -> usize {
        let (mut is_quoted, mut complete) = (false, 0);
        for (place, byte) in text.iter().enumerate() {
            match (byte, self) {
                (b'"', Self::Csv) => is_quoted = !is_quoted,
                (b'\n', _) if !is_quoted => complete = place + 1,
                _ => {}
            }
        }
        complete
    }
}

/// A table that grows row by row. Rows cannot be appended to a Parquet file: they are first written
/// to a `.parquet.jsonl` file beside it.
pub struct Table {
    /// The file that grows.
    path: PathBuf,
    file: BufWriter<File>,
    lines: Lines,
    /// The Parquet file to write at the end.
    parquet: Option<PathBuf>,
    /// Whether a CSV file has its header.
    has_header: bool,
    rows: Vec<Row>,
    /// The number of rows from earlier runs, which come first.
    earlier: usize,
}

impl Table {
    /// Opens a table with the rows of an earlier run, and locks it against other runs. An
    /// incomplete last line is dropped, and its photo is scored again.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(out: &Path) -> Result<Self, Error> {
        // A link to the table stays a link: its target is replaced.
        let file = if out.exists() { out.canonicalize()? } else { out.to_owned() };
        let (lines, growing, parquet) =
            match out.extension().and_then(|extension| extension.to_str()) {
                Some("csv") => (Lines::Csv, file, None),
                Some("jsonl") => (Lines::Json, file, None),
                Some("parquet") => (Lines::Json, file.with_extension("parquet.jsonl"), Some(file)),
                _ => return Err(Error::Format),
            };
        let foreign = |source| Error::Foreign { path: out.to_owned(), source };
        if parquet.is_some() && out.exists() && !growing.exists() {
            let name = growing.display();
            return Err(foreign(format!("the rows of an earlier run, {name}, are missing").into()));
        }
        let mut file = File::options().create(true).read(true).append(true).open(&growing)?;
        if !file.metadata()?.is_file() {
            return Err(Error::NotAFile(growing));
        }
        // Some network drives have no locks.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::InUse(growing));
        }
        let mut text = Vec::new();
        // The file of another program may be large.
        (&file).take(200).read_to_end(&mut text)?;
        if !is_own(lines, &text) {
            return Err(foreign("it does not begin like a table of this version".into()));
        }
        file.read_to_end(&mut text)?;
        let complete = lines.complete(&text);
        let rows = read(lines, &text[..complete]).map_err(foreign)?;
        file.set_len(complete as u64)?;
        let file = BufWriter::new(file);
        let (has_header, earlier) = (complete > 0, rows.len());
        Ok(Self { path: growing, file, lines, parquet, has_header, rows, earlier })
    }

    /// The model that gave the scores; `None` for a table without scores.
    pub fn model(&self) -> Option<&str> {
        self.rows.iter().find_map(|row| row.model.as_deref())
    }

    /// Whether the Exif orientation was applied; `None` for a table without answers.
    pub fn auto_rotate(&self) -> Option<bool> {
        self.rows.iter().find_map(|row| row.auto_rotate)
    }

    /// The names of the photos that the engine has answered. A photo that could not be read is
    /// tried again.
    pub fn finished(&self) -> HashSet<String> {
        self.rows.iter().filter(|row| row.is_final()).map(|row| row.photo.clone()).collect()
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
        write(&mut self.file, self.lines, !self.has_header, &row)?;
        self.has_header = true;
        self.file.flush()?;
        self.rows.push(row);
        Ok(())
    }

    /// Writes the Parquet file, if the table is one, and returns all rows. The `.parquet.jsonl`
    /// file stays, so that a later run can resume. A photo that was tried again keeps only its
    /// last row, and a folder that can now be read loses its row.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<Vec<Row>, Error> {
        let count = self.rows.len();
        let rows = self.rows.into_iter().enumerate();
        let rows = rows.filter(|(place, row)| {
            *place >= self.earlier || row.is_final() || !Path::new(&row.photo).is_dir()
        });
        let rows = latest(rows.map(|(_, row)| row));
        if rows.len() < count {
            replace(&self.path, |file| {
                let mut file = BufWriter::new(file);
                for (index, row) in rows.iter().enumerate() {
                    write(&mut file, self.lines, index == 0, row)?;
                }
                Ok(file.flush()?)
            })?;
        }
        if let Some(path) = &self.parquet {
            replace(path, |file| write_parquet(file, &rows))?;
        }
        Ok(rows)
    }
}

/// The last row of each photo, in the order of the first ones.
fn latest(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    let mut places = HashMap::new();
    for row in rows {
        match places.entry(row.photo.clone()) {
            Entry::Occupied(place) => kept[*place.get()] = row,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(row);
            }
        }
    }
    kept
}

fn write(file: &mut impl Write, lines: Lines, with_header: bool, row: &Row) -> Result<(), Error> {
    match lines {
        Lines::Csv => {
            let mut writer = csv::WriterBuilder::new().has_headers(with_header).from_writer(file);
            writer.serialize(row)?;
            writer.flush()?;
        }
        Lines::Json => {
            serde_json::to_writer(&mut *file, row)?;
            file.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// Writes a new file and replaces the old one atomically: an interruption loses no row.
fn replace(path: &Path, write: impl FnOnce(&File) -> Result<(), Error>) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let fresh = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    // With the permissions of any new file, not those of a temporary one.
    let made = File::options().create(true).append(true).open(path)?;
    std::fs::set_permissions(fresh.path(), made.metadata()?.permissions())?;
    write(fresh.as_file())?;
    fresh.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether a file is a table of this program, or the start of its first line.
fn is_own(lines: Lines, text: &[u8]) -> bool {
    let start: &[u8] = match lines {
        Lines::Csv => {
            b"photo,spoof_score,left,top,width,height,model,auto_rotate,warnings,code,error\n"
        }
        Lines::Json => b"{\"photo\":",
    };
    text.starts_with(start) || start.starts_with(text)
}

fn read(lines: Lines, text: &[u8]) -> Result<Vec<Row>, Box<dyn std::error::Error + Send + Sync>> {
    match lines {
        Lines::Csv => Ok(csv::Reader::from_reader(text).deserialize().collect::<Result<_, _>>()?),
        Lines::Json => {
            let rows: Vec<Row> =
                serde_json::Deserializer::from_slice(text).into_iter().collect::<Result<_, _>>()?;
            // A line of another program may have a field `photo` too.
            let lines = text.split(|&byte| byte == b'\n').zip(&rows);
            for (line, row) in lines {
                if line != serde_json::to_vec(row)? {
                    return Err("a line has other fields".into());
                }
            }
            Ok(rows)
        }
    }
}

fn write_parquet(file: &File, rows: &[Row]) -> Result<(), Error> {
    let text = |of: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let pixels = |of: fn(&Row) -> Option<u32>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<UInt32Array>())
    };
    let scores: ArrayRef =
        Arc::new(rows.iter().map(|row| row.spoof_score).collect::<Float32Array>());
    let rotated: ArrayRef =
        Arc::new(rows.iter().map(|row| row.auto_rotate).collect::<BooleanArray>());
    let codes: ArrayRef = Arc::new(rows.iter().map(|row| row.code).collect::<UInt16Array>());
    let columns = RecordBatch::try_from_iter_with_nullable([
        ("photo", text(|row| Some(&row.photo)), false),
        ("spoof_score", scores, true),
        ("left", pixels(|row| row.left), true),
        ("top", pixels(|row| row.top), true),
        ("width", pixels(|row| row.width), true),
        ("height", pixels(|row| row.height), true),
        ("model", text(|row| row.model.as_deref()), true),
        ("auto_rotate", rotated, true),
        ("warnings", text(|row| row.warnings.as_deref()), true),
        ("code", codes, true),
        ("error", text(|row| row.error.as_deref()), true),
    ])?;
    let mut writer = ArrowWriter::try_new(file, columns.schema(), None)?;
    writer.write(&columns)?;
    writer.close()?;
    Ok(())
}
