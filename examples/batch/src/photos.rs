//! Where the photos are: folders, lists of files, image columns of Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Schema};
use face_liveness::image::{Wiped, decode_base64};
use face_liveness_evaluate::dataset::has_image_extension;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use walkdir::WalkDir;

/// Rows of a Parquet file that are in memory at once: a photo has some megabytes.
const ROWS_AT_ONCE: usize = 16;

/// Photos that cannot be found. One that cannot be read is no such error: its row of the results says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be walked.
    #[error(transparent)]
    Walk(#[from] walkdir::Error),
    /// A list or a Parquet file cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A Parquet file has no column that holds images.
    #[error("{path}: no column holds images as bytes; --column names one of {columns}")]
    Column {
        /// The file.
        path: PathBuf,
        /// Its columns.
        columns: String,
    },
}

impl Error {
    fn open(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Open { path: path.to_owned(), source: source.into() }
    }
}

/// One source of photos, looked at but not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A column of a Parquet file.
    Column {
        /// The file.
        path: PathBuf,
        /// The column's place among the file's.
        index: usize,
        /// How many rows it has.
        rows: usize,
    },
}

/// A photo's name, and its bytes or why there are none.
pub type Photo = (String, Result<Wiped<u8>, String>);

impl Source {
    /// How many photos it has.
    pub fn len(&self) -> usize {
        match self {
            Self::File(_) => 1,
            Self::Column { rows, .. } => *rows,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads its photos, one after another, but for those that are not wanted.
    pub fn photos(
        &self,
        wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> Box<dyn Iterator<Item = Photo> + Send> {
        match self {
            Self::File(path) => {
                let (name, path) = (path.display().to_string(), path.clone());
                let photo = wanted(&name).then(move || {
                    let bytes =
                        std::fs::read(path).map(Wiped::from).map_err(|error| error.to_string());
                    (name, bytes)
                });
                Box::new(photo.into_iter())
            }
            Self::Column { path, index, .. } => match rows(path, *index, wanted) {
                Ok(rows) => rows,
                Err(error) => {
                    Box::new(std::iter::once((path.display().to_string(), Err(error.to_string()))))
                }
            },
        }
    }
}

/// What each argument holds: a folder's images however deep, in the order of their names; a Parquet file's rows; the files that
/// a text file lists, a line each, relative to it; or one image.
///
/// # Errors
/// See [`Error`].
pub fn find(arguments: &[PathBuf], column: Option<&str>) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            sources.extend(in_folder(argument)?);
        } else if has_image_extension(argument) {
            sources.push(Source::File(argument.clone()));
        } else if argument
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        {
            sources.push(in_parquet(argument, column)?);
        } else {
            sources.extend(in_list(argument)?);
        }
    }
    Ok(sources)
}

fn in_folder(folder: &Path) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let path = entry?.into_path();
        if path.is_file() && has_image_extension(&path) {
            sources.push(Source::File(path));
        }
    }
    Ok(sources)
}

fn in_list(list: &Path) -> Result<Vec<Source>, Error> {
    let text = std::fs::read_to_string(list).map_err(|error| Error::open(list, error))?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(|line| Source::File(folder.join(line))).collect())
}

fn in_parquet(path: &Path, column: Option<&str>) -> Result<Source, Error> {
    let file = File::open(path).map_err(|error| Error::open(path, error))?;
    let file =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| Error::open(path, error))?;
    let schema = file.schema();
    let index = match column {
        Some(name) => schema.index_of(name).ok(),
        None => schema.fields().iter().position(|field| holds_bytes(field.data_type())),
    };
    let rows = usize::try_from(file.metadata().file_metadata().num_rows()).unwrap_or_default();
    match index {
        Some(index) => Ok(Source::Column { path: path.to_owned(), index, rows }),
        None => Err(Error::Column { path: path.to_owned(), columns: names(schema) }),
    }
}

fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

/// Bytes, or a struct with a member `bytes`, which is how data sets of Hugging Face hold images.
fn holds_bytes(kind: &DataType) -> bool {
    match kind {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::Struct(fields) => {
            fields.iter().any(|field| field.name() == "bytes" && holds_bytes(field.data_type()))
        }
        _ => false,
    }
}

fn rows(
    path: &Path,
    index: usize,
    wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Box<dyn Iterator<Item = Photo> + Send>, parquet::errors::ParquetError> {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mask = ProjectionMask::roots(file.parquet_schema(), [index]);
    let batches = file.with_projection(mask).with_batch_size(ROWS_AT_ONCE).build()?;
    let (path, mut row) = (path.display().to_string(), 0);
    Ok(Box::new(batches.flat_map(move |batch| {
        let photos: Vec<Photo> = match batch {
            Ok(batch) => {
                let names = (0..batch.num_rows())
                    .map(|offset| (offset, format!("{path}#{}", row + offset)));
                let names = names.filter(|(_, name)| wanted(name));
                let photos =
                    names.map(|(offset, name)| (name, bytes(batch.column(0), offset))).collect();
                row += batch.num_rows();
                photos
            }
            Err(error) => {
                vec![(
                    format!("{path}#{row}"),
                    Err(format!("the rows from here cannot be read: {error}")),
                )]
            }
        };
        photos
    })))
}

/// The bytes in one row of a column: as they are, in a struct, or as base64.
fn bytes(column: &ArrayRef, row: usize) -> Result<Wiped<u8>, String> {
    if column.is_null(row) {
        return Err("the row holds no image".into());
    }
    let copy = |bytes: &[u8]| Ok(Wiped::from(bytes.to_vec()));
    let base64 = |text: &str| decode_base64(text).map_err(|error| error.to_string());
    match column.data_type() {
        DataType::Binary => copy(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => copy(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => copy(column.as_binary_view().value(row)),
        DataType::Utf8 => base64(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => base64(column.as_string::<i64>().value(row)),
        DataType::Utf8View => base64(column.as_string_view().value(row)),
        DataType::Struct(_) => match column.as_struct().column_by_name("bytes") {
            Some(member) => bytes(member, row),
            None => Err("the struct has no member bytes".into()),
        },
        other => Err(format!("a column of {other} holds no images")),
    }
}
