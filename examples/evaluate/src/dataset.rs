//! Reads a set of presentations from a folder or a CSV file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use face_liveness::detection::BoundingBox;
use serde::Deserialize;
use walkdir::WalkDir;

/// The extensions of image files in a folder.
const EXTENSIONS: [&str; 7] = ["bmp", "gif", "jpe", "jpeg", "jpg", "png", "webp"];
/// The species of an attack whose species is unknown.
const UNNAMED_SPECIES: &str = "unspecified";
/// The columns of a CSV file that do not name segments.
const COLUMNS: [&str; 9] =
    ["path", "label", "species", "subject", "video", "left", "top", "width", "height"];
/// Joins the names of combined columns, as in `origin+sex`.
const AND: char = '+';

/// An image to score, and its ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Presentation {
    /// The path of the file.
    pub path: PathBuf,
    /// The name of the file in the set: relative to the folder, or as in the CSV file.
    pub name: String,
    /// Bona fide, or an attack.
    pub truth: Truth,
    /// The person.
    pub subject: Option<String>,
    /// The video that it is a frame of.
    pub video: Option<String>,
    /// The face to score, in pixels of the oriented image; `None` for the largest detected face.
    pub face: Option<BoundingBox>,
    /// The values of all other columns of the CSV file, such as `device` or `group`, by column.
    /// Empty values are left out.
    pub segments: BTreeMap<String, String>,
}

/// The ground truth of a presentation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// A live person.
    BonaFide,
    /// An attack, by a species of instrument such as `print` or `replay-phone`.
    Attack {
        /// The species' name.
        species: String,
    },
}

impl Truth {
    /// The species of an attack.
    pub fn species(&self) -> Option<&str> {
        match self {
            Self::BonaFide => None,
            Self::Attack { species } => Some(species),
        }
    }

    /// `live` or `spoof`.
    pub fn label(&self) -> &'static str {
        if *self == Self::BonaFide { "live" } else { "spoof" }
    }
}

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has neither `live` nor `spoof`.
    #[error("{0} has neither a folder live nor a folder spoof")]
    Layout(PathBuf),
    /// A file or folder cannot be read.
    #[error(transparent)]
    Walk(#[from] walkdir::Error),
    /// The CSV file cannot be read.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Unknown label.
    #[error(
        "line {line}: unknown label {label:?}: use live, bona_fide, real, spoof, attack or fake"
    )]
    Label {
        /// The line of the CSV file.
        line: u64,
        /// The label.
        label: String,
    },
    /// Incomplete box.
    #[error("line {0}: a face needs left, top, width and height")]
    Face(u64),
    /// Two columns have one name.
    #[error("column {0:?} appears more than once")]
    RepeatedColumn(String),
    /// No presentation has a value in a requested segment column.
    #[error("no picture has a value in column {0:?}")]
    UnknownColumn(String),
}

/// Reads a set, sorted by name.
///
/// A folder holds `live/…` and `spoof/SPECIES/…`. The images of a subfolder (`live/VIDEO/…`,
/// `spoof/SPECIES/VIDEO/…`) are frames of a video. Files without an image extension are skipped.
///
/// A CSV file has the columns `path` (relative to the file) and `label`. Optional columns are
/// `species`, `subject`, `video`, and `left`, `top`, `width`, `height` for the face to score. Every
/// other column with a name divides the set into segments.
///
/// # Errors
/// See [`Error`].
pub fn read(root: &Path) -> Result<Vec<Presentation>, Error> {
    let mut presentations = if root.is_dir() { read_folder(root) } else { read_csv(root) }?;
    presentations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(presentations)
}

/// Keeps these segment columns alone. `origin+sex` combines two columns into one.
///
/// # Errors
/// If no presentation has a value in one of them.
pub fn select_segments(
    presentations: &mut [Presentation],
    columns: &[String],
) -> Result<(), Error> {
    for part in columns.iter().flat_map(|column| column.split(AND)) {
        if presentations.iter().all(|presentation| !presentation.segments.contains_key(part)) {
            return Err(Error::UnknownColumn(part.into()));
        }
    }
    for Presentation { segments, .. } in presentations {
        let value = |column: &String| {
            let values = column.split(AND).map(|part| segments.get(part).map(String::as_str));
            Some((column.clone(), values.collect::<Option<Vec<_>>>()?.join(", ")))
        };
        *segments = columns.iter().filter_map(value).collect();
    }
    Ok(())
}

fn read_folder(root: &Path) -> Result<Vec<Presentation>, Error> {
    let classes = ["live", "spoof"].map(|class| root.join(class));
    if classes.iter().all(|folder| !folder.is_dir()) {
        return Err(Error::Layout(root.to_owned()));
    }
    let mut presentations = Vec::new();
    for folder in classes.iter().filter(|folder| folder.is_dir()) {
        for entry in WalkDir::new(folder).follow_links(true) {
            let path = entry?.into_path();
            if path.is_file() && has_image_extension(&path) {
                presentations.push(presentation_in_folder(root, path));
            }
        }
    }
    Ok(presentations)
}

/// Whether a file name has an image extension.
pub fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

fn presentation_in_folder(root: &Path, path: PathBuf) -> Presentation {
    let relative = path.strip_prefix(root).unwrap_or(&path);
    let parts: Vec<String> =
        relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = parts.join("/");
    let folders = &parts[..parts.len() - 1];
    let (truth, below) = match folders {
        [class, below @ ..] if class == "live" => (Truth::BonaFide, below),
        [_, species, below @ ..] => (Truth::Attack { species: species.clone() }, below),
        _ => (Truth::Attack { species: UNNAMED_SPECIES.into() }, [].as_slice()),
    };
    let video = (!below.is_empty()).then(|| folders.join("/"));
    Presentation { path, name, truth, subject: None, video, face: None, segments: BTreeMap::new() }
}

#[derive(Deserialize)]
struct Row {
    path: String,
    label: String,
    species: Option<String>,
    subject: Option<String>,
    video: Option<String>,
    left: Option<f32>,
    top: Option<f32>,
    width: Option<f32>,
    height: Option<f32>,
}

fn read_csv(file: &Path) -> Result<Vec<Presentation>, Error> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let headers = reader.headers()?.clone();
    let segment_columns = segment_columns(&headers)?;
    let mut presentations = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&headers))?;
        let truth = match row.label.to_lowercase().as_str() {
            "live" | "bona_fide" | "real" => Truth::BonaFide,
            "spoof" | "attack" | "fake" => {
                Truth::Attack { species: row.species.unwrap_or_else(|| UNNAMED_SPECIES.into()) }
            }
            _ => return Err(Error::Label { line, label: row.label }),
        };
        let face = match (row.left, row.top, row.width, row.height) {
            (Some(left), Some(top), Some(width), Some(height)) => {
                Some(BoundingBox { left, top, width, height })
            }
            (None, None, None, None) => None,
            _ => return Err(Error::Face(line)),
        };
        let segments = segment_columns
            .iter()
            .map(|&(place, column)| (column, record.get(place).unwrap_or_default()))
            .filter(|(_, value)| !value.is_empty())
            .map(|(column, value)| (column.to_owned(), value.to_owned()));
        presentations.push(Presentation {
            path: folder.join(&row.path),
            name: row.path,
            truth,
            subject: row.subject,
            video: row.video,
            face,
            segments: segments.collect(),
        });
    }
    Ok(presentations)
}

/// The segment columns, and their places.
fn segment_columns(headers: &csv::StringRecord) -> Result<Vec<(usize, &str)>, Error> {
    let named = |column: &&str| !column.is_empty() && !COLUMNS.contains(column);
    let columns: Vec<_> = headers.iter().enumerate().filter(|(_, column)| named(column)).collect();
    let repeated = columns
        .iter()
        .enumerate()
        .find(|(i, (_, column))| columns[..*i].iter().any(|(_, earlier)| earlier == column));
    match repeated {
        Some((_, (_, column))) => Err(Error::RepeatedColumn((*column).into())),
        None => Ok(columns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_species_and_videos() {
        let set = tempfile::tempdir().expect("a folder");
        for name in [
            "live/a.jpg",
            "live/v1/b.JPG",
            "spoof/c.png",
            "spoof/print/d.bmp",
            "spoof/print/v2/e.webp",
        ] {
            let path = set.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        std::fs::write(set.path().join("live/notes.txt"), "").expect("a file");

        let read: Vec<_> = read(set.path())
            .expect("a set")
            .into_iter()
            .map(|p| (p.name, p.truth, p.video))
            .collect();
        let attack = |species: &str| Truth::Attack { species: species.into() };
        assert_eq!(
            read,
            [
                ("live/a.jpg".into(), Truth::BonaFide, None),
                ("live/v1/b.JPG".into(), Truth::BonaFide, Some("live/v1".into())),
                ("spoof/c.png".into(), attack("unspecified"), None),
                ("spoof/print/d.bmp".into(), attack("print"), None),
                ("spoof/print/v2/e.webp".into(), attack("print"), Some("spoof/print/v2".into())),
            ]
        );
        assert!(matches!(super::read(&set.path().join("live")), Err(Error::Layout(_))));
    }

    #[test]
    fn a_csv_file_gives_every_field() {
        let set = tempfile::tempdir().expect("a folder");
        let file = set.path().join("set.csv");
        let csv = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            read(&file)
        };
        let rows = csv("path,label,species,subject,video,left,top,width,height\n\
                        b.jpg, Attack, print, ann, v1, 1, 2.5, 3, 4\na.jpg,live,,,,,,,\n");
        let rows = rows.expect("a set");
        assert_eq!(rows[0].truth, Truth::BonaFide);
        assert_eq!((&rows[0].subject, &rows[0].video, rows[0].face), (&None, &None, None));
        assert_eq!(rows[1].path, set.path().join("b.jpg"));
        assert_eq!(rows[1].truth, Truth::Attack { species: "print".into() });
        assert_eq!(
            (rows[1].subject.as_deref(), rows[1].video.as_deref()),
            (Some("ann"), Some("v1"))
        );
        assert_eq!(
            rows[1].face,
            Some(BoundingBox { left: 1.0, top: 2.5, width: 3.0, height: 4.0 })
        );

        assert_eq!(csv("label,path\nreal,a.jpg\n").expect("a set").len(), 1);
        assert!(csv("path,label\n").expect("an empty set").is_empty());
        assert!(matches!(csv("path,label\na.jpg,alive\n"), Err(Error::Label { line: 2, .. })));
        assert!(matches!(csv("path,label,left\na.jpg,live,1\n"), Err(Error::Face(2))));
        assert!(matches!(csv("file,label\na.jpg,live\n"), Err(Error::Csv(_))));
    }

    #[test]
    fn other_columns_are_segments() {
        let set = tempfile::tempdir().expect("a folder");
        let file = set.path().join("set.csv");
        let csv = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            read(&file)
        };
        let mut rows = csv("path,device,label,,group\na.jpg, phone ,live,9,x\nb.jpg,,spoof,9,y\n")
            .expect("a set");
        let segments = |rows: &[Presentation]| -> Vec<Vec<String>> {
            let pairs = |row: &Presentation| {
                row.segments.iter().map(|(column, value)| format!("{column}={value}")).collect()
            };
            rows.iter().map(pairs).collect()
        };
        assert_eq!(segments(&rows), [vec!["device=phone", "group=x"], vec!["group=y"]]);

        select_segments(&mut rows, &["group".into(), "device+group".into()]).expect("columns");
        assert_eq!(segments(&rows), [vec!["device+group=phone, x", "group=x"], vec!["group=y"]]);
        let unknown = select_segments(&mut rows, &["group+colour".into()]);
        assert!(matches!(unknown, Err(Error::UnknownColumn(column)) if column == "colour"));
        let repeated = csv("path,label,group,group\na.jpg,live,x,y\n");
        assert!(matches!(repeated, Err(Error::RepeatedColumn(column)) if column == "group"));
    }
}
