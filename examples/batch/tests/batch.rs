//! Runs the program as a user does, on the shipped photos.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use face_liveness_batch::results::{Row, Table};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../photos/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn command() -> Command {
    let deps = std::env::current_exe().unwrap();
    Command::new(deps.ancestors().nth(2).unwrap().join("examples/batch"))
}

fn batch(arguments: &[&Path]) -> Output {
    let output = command().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A folder with a number of portraits, a photo without a face, and a file that is not an image.
fn folder(portraits: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("photos/below");
    std::fs::create_dir_all(&below).unwrap();
    for index in 0..portraits {
        std::fs::write(below.join(format!("{index:03}.jpg")), photo("astronaut.jpg")).unwrap();
    }
    let wall = image::RgbImage::from_pixel(99, 99, image::Rgb([90; 3]));
    wall.save(folder.path().join("photos/wall.png")).unwrap();
    std::fs::write(folder.path().join("photos/broken.jpg"), "no photo").unwrap();
    std::fs::write(folder.path().join("photos/notes.txt"), "not taken").unwrap();
    folder
}

/// The complete rows of a table; those of a Parquet file from the file beside it.
fn rows(out: &Path) -> Vec<Row> {
    let kind = out.extension().unwrap();
    let lines =
        if kind == "parquet" { out.with_extension("parquet.jsonl") } else { out.to_owned() };
    let text = std::fs::read_to_string(lines).unwrap();
    let text = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    if kind == "csv" {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        return reader.deserialize().map(Result::unwrap).collect();
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.photo.rsplit('/').next().unwrap()).collect()
}

#[test]
fn every_photo_has_a_row_in_each_format() {
    let folder = folder(3);
    let photos = folder.path().join("photos");
    for name in ["r.csv", "r.jsonl", "r.parquet"] {
        let out = folder.path().join(name);
        let output = batch(&[&photos, Path::new("--out"), &out]);
        let text = String::from_utf8(output.stdout).unwrap();
        for line in
            ["3 photos scored", "1 photo without a face (223)", "1 photo answered 215", " █"]
        {
            assert!(text.contains(line), "{text}");
        }
        assert!(String::from_utf8(output.stderr).unwrap().contains("broken.jpg: "));
        let rows = rows(&out);
        assert_eq!(
            names(&rows).into_iter().collect::<Vec<_>>(),
            ["000.jpg", "001.jpg", "002.jpg", "broken.jpg", "wall.png"]
        );
        let of = |name: &str| rows.iter().find(|row| row.photo.ends_with(name)).unwrap();
        let portrait = of("000.jpg");
        assert!(
            portrait.spoof_score.unwrap() < 0.5
                && portrait.width.unwrap() > 80
                && portrait.error.is_none()
        );
        assert_eq!(portrait.warnings.as_deref(), Some("smallFace"));
        assert_eq!(of("wall.png").code, Some(223));
        assert_eq!(of("broken.jpg").code, Some(215));
    }
    let file = std::fs::File::open(folder.path().join("r.parquet")).unwrap();
    let table = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    assert_eq!(table.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 5);
}

#[test]
fn a_killed_run_resumes_and_scores_no_photo_twice() {
    let folder = folder(150);
    let photos = folder.path().join("photos");
    for name in ["r.csv", "r.parquet"] {
        let out = folder.path().join(name);
        let growing =
            if name == "r.csv" { out.clone() } else { folder.path().join("r.parquet.jsonl") };
        let mut first = command().args([&photos, Path::new("--out"), &out]).spawn().unwrap();
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        while size(&growing) < 1_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        first.kill().unwrap();
        first.wait().unwrap();
        // As if the machine had crashed while a row was written.
        let mut cut = std::fs::read(&growing).unwrap();
        cut.extend_from_slice(br#"{"photo":"cut"#);
        std::fs::write(&growing, cut).unwrap();

        let left = rows(&out);
        assert!((1..152).contains(&left.len()), "{}", left.len());
        batch(&[&photos, Path::new("--out"), &out]);
        let all = rows(&out);
        assert_eq!(all[..left.len()], left, "finished rows are kept");
        assert_eq!((all.len(), names(&all).len()), (152, 152));
        // A third run has nothing left to do.
        let text = String::from_utf8(batch(&[&photos, Path::new("--out"), &out]).stdout).unwrap();
        assert!(text.contains("\n0 photos in "), "{text}");
        assert_eq!(rows(&out), all);
    }
}

#[test]
fn lists_and_images_are_read_once_each() {
    let folder = folder(2);
    let list = folder.path().join("list");
    std::fs::write(&list, "photos/below/000.jpg\n\nphotos/missing.jpg\nphotos/below/000.jpg\n")
        .unwrap();
    let out = folder.path().join("r.jsonl");
    batch(&[&list, &folder.path().join("photos/below/001.jpg"), &list, Path::new("--out"), &out]);
    let rows = rows(&out);
    assert_eq!(names(&rows).into_iter().collect::<Vec<_>>(), ["000.jpg", "001.jpg", "missing.jpg"]);
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| row.photo.ends_with("missing.jpg")
        && row.code.is_none()
        && row.error.is_some()));
}

#[test]
fn two_ways_to_write_a_folder_and_a_list_from_windows_name_each_photo_once() {
    let folder = folder(2);
    let run = |arguments: &[&str]| {
        let mut batch = command();
        batch.current_dir(&folder).args(arguments).args(["--out", "r.jsonl"]).output().unwrap()
    };
    std::fs::write(folder.path().join("list"), "\u{feff}photos/below/000.jpg\r\nnothing.jpg\r\n")
        .unwrap();
    for arguments in [&["photos", "./photos"][..], &["./photos/."], &["./list"]] {
        assert!(run(arguments).status.success());
    }
    let rows = rows(&folder.path().join("r.jsonl"));
    let mut named: Vec<_> = rows.iter().map(|row| row.photo.as_str()).collect();
    named.sort_unstable();
    let photos = ["below/000.jpg", "below/001.jpg", "broken.jpg", "wall.png"];
    let photos = photos.map(|name| format!("photos/{name}"));
    assert_eq!(named, [&["nothing.jpg".to_owned()][..], &photos].concat());

    std::fs::write(folder.path().join("archive"), b"PK\x03\x04\0\0").unwrap();
    let output = run(&["archive"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("archive: neither an image nor a list of paths"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_list_may_hold_paths_that_are_not_utf8_and_output_may_be_cut_off() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = folder(0);
    let name = OsStr::from_bytes(b"a\xff.jpg");
    std::fs::write(folder.path().join(name), photo("astronaut.jpg")).unwrap();
    std::fs::write(folder.path().join("list"), b"a\xff.jpg\n").unwrap();
    let mut batch = command();
    batch.current_dir(&folder).args(["list", "--out", "r.jsonl"]);
    // Nobody reads what it prints.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = batch.stdout(writer).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    // It cannot be written.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = batch.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = rows(&folder.path().join("r.jsonl"));
    assert!(rows[0].photo == "a\\xff.jpg" && rows[0].spoof_score.is_some(), "{rows:?}");
}

#[test]
fn parquet_columns_hold_bytes_structs_or_base64() {
    let folder = tempfile::tempdir().unwrap();
    let (portrait, broken) = (photo("astronaut.jpg"), b"no photo".to_vec());
    let text = [BASE64_STANDARD.encode(&portrait), BASE64_STANDARD.encode(&broken)];
    let bytes = BinaryArray::from(vec![Some(&portrait[..]), None, Some(&broken[..])]);
    let text: StringArray = [Some(&text[0]), None, Some(&text[1])].into_iter().collect();
    let member = Arc::new(Field::new("bytes", DataType::Binary, true));
    let column = StructArray::from(vec![(member, Arc::new(bytes.clone()) as ArrayRef)]);
    let ids: StringArray = ["a", "b", "c"].into_iter().map(Some).collect();
    let columns: [(&str, ArrayRef, Option<&str>); 3] = [
        ("bytes", Arc::new(bytes), None),
        ("image", Arc::new(column), None),
        ("data", Arc::new(text), Some("data")),
    ];
    for (name, column, flag) in columns {
        let file = folder.path().join(format!("{name}.parquet"));
        let table =
            RecordBatch::try_from_iter([("id", Arc::new(ids.clone()) as ArrayRef), (name, column)])
                .unwrap();
        let mut writer =
            ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), table.schema(), None)
                .unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
        let out = folder.path().join(format!("{name}.csv"));
        let mut arguments = vec![file.clone(), "--out".into(), out.clone()];
        if let Some(flag) = flag {
            let refused = command().args(&arguments).output().unwrap();
            assert!(
                String::from_utf8(refused.stderr)
                    .unwrap()
                    .contains("choose a column with --column: id, data")
            );
            arguments.extend(["--column".into(), PathBuf::from(flag)]);
        }
        batch(&arguments.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        let rows = rows(&out);
        let of = |row: usize| {
            rows.iter().find(|found| found.photo.ends_with(&format!(".parquet#{row}"))).unwrap()
        };
        assert!(of(0).spoof_score.unwrap() < 0.5, "{name}");
        assert_eq!(
            (of(1).code, of(1).error.as_deref()),
            (None, Some("the row holds no image")),
            "{name}"
        );
        assert_eq!(of(2).code, Some(215), "{name}");
    }
}

#[test]
fn a_foreign_file_is_not_overwritten() {
    let folder = folder(1);
    for (name, content) in [
        ("lines.csv", "name,age\nann,7\n"),
        ("header.csv", "name,age\n"),
        ("line.csv", "without an end"),
        ("line.jsonl", "without an end"),
        ("other.jsonl", "{\"name\": \"ann\"}\n"),
        ("labels.jsonl", "{\"photo\":\"a.jpg\",\"label\":\"live\"}\n"),
        ("photos.parquet", "a data set without rows of this program"),
    ] {
        let out = folder.path().join(name);
        std::fs::write(&out, content).unwrap();
        let photos = folder.path().join("photos");
        let output = command().args([&photos, Path::new("--out"), &out]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), content, "{name}");
    }
}

#[test]
fn two_runs_do_not_write_one_table() {
    let folder = folder(1);
    let out = folder.path().join("r.csv");
    let table = Table::open(&out).unwrap();
    let arguments = [&folder.path().join("photos"), Path::new("--out"), &out];
    let output = command().args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("r.csv is being written by another run"), "{said}");
    drop(table);
    batch(&arguments);
}

#[cfg(unix)]
#[test]
fn a_table_may_be_a_link_and_what_is_not_a_file_is_refused() {
    use std::os::unix::fs::symlink;

    let folder = folder(0);
    let at = |name: &str| folder.path().join(name);
    // The second run replaces the row of the missing photo, and so the file.
    std::fs::write(at("list"), "gone.jpg\n").unwrap();
    std::fs::write(at("table.csv"), "").unwrap();
    symlink("table.csv", at("link.csv")).unwrap();
    (0..2).for_each(|_| drop(batch(&[&at("list"), Path::new("--out"), &at("link.csv")])));
    assert!(at("link.csv").is_symlink());
    assert_eq!(rows(&at("table.csv")).len(), 1);

    symlink("/dev/full", at("full.csv")).unwrap();
    let arguments = [&at("list"), Path::new("--out"), &at("full.csv")];
    let output = command().args(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "batch: /dev/full is not a file\n");

    std::fs::File::create(at("large.jpg")).unwrap().set_len(600_000_000).unwrap();
    std::fs::write(at("list"), "large.jpg\n/dev/zero\n").unwrap();
    batch(&[&at("list"), Path::new("--out"), &at("r.jsonl")]);
    let errors: Vec<_> = rows(&at("r.jsonl")).into_iter().filter_map(|row| row.error).collect();
    assert!(errors.contains(&"larger than 500 MB".into()), "{errors:?}");
    assert!(errors.contains(&"not a file".into()), "{errors:?}");
}

#[test]
fn an_interruption_anywhere_leaves_a_table_that_resumes() {
    let folder = folder(1);
    let (photos, out) = (folder.path().join("photos"), folder.path().join("r.csv"));
    batch(&[&photos, Path::new("--out"), &out]);
    let whole = std::fs::read(&out).unwrap();
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
    for length in [0, 5, header, header + 1, header + 9, whole.len() - 3] {
        std::fs::write(&out, &whole[..length]).unwrap();
        batch(&[&photos, Path::new("--out"), &out]);
        let text = std::fs::read_to_string(&out).unwrap();
        assert_eq!(text.matches("spoof_score").count(), 1, "one header, cut at {length}");
        assert_eq!(names(&rows(&out)), BTreeSet::from(["000.jpg", "broken.jpg", "wall.png"]));
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_in_a_name_with_a_line_break_leaves_a_table_that_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = (folder.path().join("photos"), folder.path().join("r.csv"));
    std::fs::create_dir(&photos).unwrap();
    for name in ["a\n\"b.png", "e\r\nf.png"] {
        std::fs::write(photos.join(name), b"\x89PNG\r\n\x1a\n").unwrap();
    }
    let arguments = [photos.as_path(), Path::new("--out"), &out];
    batch(&arguments);
    let whole = std::fs::read(&out).unwrap();
    let breaks = (1..whole.len()).filter(|&length| whole[length - 1] == b'\n');
    for length in breaks {
        std::fs::write(&out, &whole[..length]).unwrap();
        batch(&arguments);
        let names: BTreeSet<_> = csv::Reader::from_path(&out)
            .unwrap()
            .records()
            .map(|row| row.unwrap()[0].rsplit('/').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, BTreeSet::from(["a\n\"b.png".into(), "e\r\nf.png".into()]));
    }
}

#[test]
fn another_model_needs_another_table() {
    let folder = folder(1);
    let (photos, out) = (folder.path().join("photos"), folder.path().join("r.csv"));
    batch(&[&photos, Path::new("--out"), &out]);
    let table = std::fs::read(&out).unwrap();
    let other = ["--model", "rgb-single-v1", "--out"].map(Path::new);
    let unrotated = ["--no-auto-rotate", "--out"].map(Path::new);
    for flags in [&other[..], &unrotated] {
        let output = command().arg(&photos).args(flags).arg(&out).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(std::fs::read(&out).unwrap(), table);
    }
}

#[test]
fn each_compression_of_parquet_is_read_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let portrait = photo("astronaut.jpg");
    let column: ArrayRef = Arc::new(BinaryArray::from(vec![&portrait[..]]));
    let table = RecordBatch::try_from_iter([("bytes", column)]).unwrap();
    let supported = [
        Compression::GZIP(Default::default()),
        Compression::LZ4_RAW,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
    ];
    for (index, codec) in supported.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.parquet"));
        let file = std::fs::File::create(&path).unwrap();
        let settings = WriterProperties::builder().set_compression(codec).build();
        let mut writer = ArrowWriter::try_new(file, table.schema(), Some(settings)).unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
        let out = path.with_extension("csv");
        batch(&[&path, Path::new("--out"), &out]);
        assert!(rows(&out)[0].spoof_score.is_some(), "{codec}");
    }
    // Written by pyarrow: our crate parquet writes no Brotli.
    let path = folder.path().join("brotli.parquet");
    std::fs::write(&path, include_bytes!("brotli.parquet")).unwrap();
    let out = folder.path().join("brotli.csv");
    let output = command().args([&path, Path::new("--out"), &out]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("BROTLI"), "{said}");
    assert!(!out.exists());
}

#[cfg(unix)]
#[test]
fn odd_names_links_and_folders_lose_no_row() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let folder = folder(0);
    let (photos, out) = (folder.path().join("photos"), folder.path().join("r.csv"));
    let names = [&b"a\xff.jpg"[..], b"a\xfe.jpg", b"a\\xff.jpg", b"no extension", b"saved.jfif"];
    for name in names {
        std::fs::write(photos.join(OsStr::from_bytes(name)), photo("astronaut.jpg")).unwrap();
    }
    symlink("nothing", photos.join("dangling.jpg")).unwrap();
    assert!(Command::new("mkfifo").arg(photos.join("pipe")).status().unwrap().success());
    symlink(".", photos.join("loop")).unwrap();
    let output = batch(&[&photos, Path::new("--out"), &out]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("2 files in folders are not images"), "{said}");
    let text = std::fs::read_to_string(&out).unwrap();
    let scored = ["/a\\xff.jpg", "a\\xfe.jpg", "/a\\\\xff.jpg", "no extension", "saved.jfif"];
    let named = |name: &&str| text.lines().filter(|line| line.contains(*name)).count() == 1;
    assert!(scored.iter().all(named), "{text}");
    assert!(["dangling.jpg", "loop"].iter().all(named), "{text}");

    // Files that could not be read are tried again. The folder that replaces the loop is no photo.
    std::fs::remove_file(photos.join("dangling.jpg")).unwrap();
    std::fs::write(photos.join("dangling.jpg"), photo("astronaut.jpg")).unwrap();
    std::fs::remove_file(photos.join("loop")).unwrap();
    std::fs::create_dir(photos.join("loop")).unwrap();
    batch(&[&photos, Path::new("--out"), &out]);
    assert!(rows(&out).iter().all(|row| !row.photo.ends_with("loop")));
    let row = |name: &str| rows(&out).into_iter().find(|row| row.photo.ends_with(name)).unwrap();
    assert!(row("dangling.jpg").spoof_score.is_some());
    assert_eq!(rows(&out).iter().filter(|row| row.photo.ends_with("dangling.jpg")).count(), 1);
}
