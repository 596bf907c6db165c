//! Finds and reads photos: in folders, in lists of files, in image columns of Parquet files.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Schema};
use face_liveness::imaging::{ZeroizeVec, decode_base64};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;
use walkdir::WalkDir;

/// The extensions of images. A file that begins like an image counts as one, whatever its name.
const EXTENSIONS: [&str; 12] =
    ["avif", "bmp", "gif", "heic", "heif", "jfif", "jpe", "jpeg", "jpg", "mpo", "png", "webp"];
/// The largest file that is read, in bytes: more than any picture within the engine's limits.
const MAX_BYTES: u64 = 500_000_000;
/// The rows of a Parquet file in memory at once. A photo is a few megabytes.
const ROWS_AT_ONCE: usize = 16;

/// Why the photos cannot be listed. A photo that cannot be read is not an error: it gets a row with
/// the reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be read.
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
    /// A Parquet file is compressed in a way that is not supported.
    #[error("{path}: {codec} is not supported; supported are GZIP, LZ4, SNAPPY and ZSTD")]
    Compression {
        /// The file.
        path: PathBuf,
        /// The name of the compression.
        codec: String,
    },
    /// A Parquet file has no column of images.
    #[error("{path}: no column of bytes; choose a column with --column: {columns}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The names of its columns.
        columns: String,
    },
}

impl Error {
    fn open(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Open { path: path.to_owned(), source: source.into() }
    }
}

/// A source of photos that has been found and not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A column of a Parquet file.
    Column {
        /// The file.
        path: PathBuf,
        /// The index of the column, from 0.
        index: usize,
        /// The number of rows.
        rows: usize,
    },
}

/// The sources of some arguments.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// The sources, in order.
    pub sources: Vec<Source>,
    /// The files in folders that are not images.
    pub skipped: usize,
}

/// The name of a photo, and its bytes or the reason why they cannot be read.
pub type Photo = (String, Result<ZeroizeVec<u8>, String>);

impl Source {
    /// The number of photos.
    pub fn len(&self) -> usize {
        match self {
            Self::File(_) => 1,
            Self::Column { rows, .. } => *rows,
        }
    }

    /// Whether the source has no photos.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the photos whose names are wanted, one after another.
    pub fn photos(
        &self,
        wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> Box<dyn Iterator<Item = Photo> + Send> {
        match self {
            Self::File(path) => {
                let (name, path) = (name(path), path.clone());
                let photo = wanted(&name).then(move || (name, read(&path)));
                Box::new(photo.into_iter())
            }
            Self::Column { path, index, .. } => match rows(path, *index, wanted) {
                Ok(rows) => rows,
                Err(error) => Box::new(std::iter::once((name(path), Err(error.to_string())))),
            },
        }
    }
}

/// The content of a regular file. A pipe would block, and a device has no end.
fn read(path: &Path) -> Result<ZeroizeVec<u8>, String> {
    let file = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if file.is_dir() {
        std::fs::read_dir(path).map_err(|error| error.to_string())?;
    }
    if !file.is_file() {
        return Err("not a file".to_owned());
    }
    if file.len() > MAX_BYTES {
        return Err(format!("larger than {} MB", MAX_BYTES / 1_000_000));
    }
    std::fs::read(path).map(ZeroizeVec::from).map_err(|error| error.to_string())
}

/// The photos of each argument. An argument is a folder, which is searched in depth and in the
/// order of file names; an image; a Parquet file; or a text file that lists images, one path per
/// line, relative to the list, with or without a byte order mark. Unreadable entries of a folder
/// also become sources, so that they get a row with the reason.
///
/// # Errors
/// See [`Error`].
pub fn find(arguments: &[PathBuf], column: Option<&str>) -> Result<Found, Error> {
    let mut found = Found::default();
    for argument in arguments {
        if argument.is_dir() {
            in_folder(argument, &mut found)?;
        } else if has_extension(argument, &["parquet"]) {
            found.sources.push(in_parquet(argument, column)?);
        } else if is_image(argument) {
            found.sources.push(Source::File(argument.clone()));
        } else {
            found.sources.extend(in_list(argument)?);
        }
    }
    Ok(found)
}

/// The name of a photo in the table: its path, without `./`. A path that is not UTF-8, or that
/// reads like an escaped one, is escaped, so that no two paths have one name.
fn name(path: &Path) -> String {
    let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    match path.to_str() {
        Some(path) if !path.contains("\\x") => path.to_owned(),
        _ => path.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether a file is an image by its extension or its first bytes.
fn is_image(path: &Path) -> bool {
    has_extension(path, &EXTENSIONS) || begins_like_an_image(path).unwrap_or(false)
}

fn begins_like_an_image(path: &Path) -> std::io::Result<bool> {
    // A pipe would block.
    if !path.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path)?.take(12).read_to_end(&mut start)?;
    let at = |offset: usize, part: &[u8]| start.get(offset..).unwrap_or_default().starts_with(part);
    Ok([&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"]
        .iter()
        .any(|signature| at(0, signature))
        || at(0, b"RIFF") && at(8, b"WEBP")
        || at(0, b"BM") && at(6, &[0; 4])
        || [&b"ftyphei"[..], b"ftypavif", b"ftypmif1"].iter().any(|kind| at(4, kind)))
}

fn in_folder(folder: &Path, found: &mut Found) -> Result<(), Error> {
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let path = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) if entry.file_type().is_file() && is_image(entry.path()) => entry.into_path(),
            Ok(_) => {
                found.skipped += 1;
                continue;
            }
            // A link to nothing, a loop of links, or a folder without permission.
            Err(error) => match error.path() {
                Some(path) => path.to_owned(),
                None => return Err(error.into()),
            },
        };
        found.sources.push(Source::File(path));
    }
    Ok(())
}

fn in_list(list: &Path) -> Result<Vec<Source>, Error> {
    let text = std::fs::read(list).map_err(|error| Error::open(list, error))?;
    if text.contains(&0) {
        return Err(Error::open(list, "neither an image nor a list of paths"));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines =
        text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    Ok(lines.map(|line| Source::File(folder.join(path_of(line)))).collect())
}

/// A path from its bytes, which need not be UTF-8 on Unix.
#[cfg(unix)]
fn path_of(line: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(line).into()
}

#[cfg(not(unix))]
fn path_of(line: &[u8]) -> PathBuf {
    String::from_utf8_lossy(line).into_owned().into()
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
    let Some(index) = index else {
        return Err(Error::Column { path: path.to_owned(), columns: names(schema) });
    };
    let parts = file.metadata().row_groups().iter().flat_map(|group| group.columns());
    let is_read = |part: &&ColumnChunkMetaData| {
        part.column_path().parts().first() == Some(schema.field(index).name())
    };
    let mut codecs = parts.filter(is_read).map(ColumnChunkMetaData::compression);
    match codecs.find(|codec| !is_supported(codec)) {
        Some(codec) => Err(Error::Compression { path: path.to_owned(), codec: codec.to_string() }),
        None => Ok(Source::Column { path: path.to_owned(), index, rows }),
    }
}

/// Whether the `parquet` crate is built with this compression.
fn is_supported(codec: &Compression) -> bool {
    use Compression::{GZIP, LZ4, LZ4_RAW, SNAPPY, UNCOMPRESSED, ZSTD};
    matches!(codec, UNCOMPRESSED | SNAPPY | GZIP(_) | LZ4 | LZ4_RAW | ZSTD(_))
}

fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

/// Bytes, or a struct with a member `bytes`: the layout of Hugging Face data sets.
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
    let (path, mut row) = (name(path), 0);
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
                    Err(format!("cannot read the rows from here on: {error}")),
                )]
            }
        };
        photos
    })))
}

/// The bytes in a row of a column, which holds bytes, structs or base64.
fn bytes(column: &ArrayRef, row: usize) -> Result<ZeroizeVec<u8>, String> {
    if column.is_null(row) {
        return Err("the row holds no image".into());
    }
    let copy = |bytes: &[u8]| Ok(ZeroizeVec::from(bytes.to_vec()));
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
            None => Err("the struct has no member `bytes`".into()),
        },
        other => Err(format!("a column of {other} cannot hold images")),
    }
}
