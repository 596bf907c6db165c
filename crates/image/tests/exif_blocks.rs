//! Where the Exif block of a file is found.
#![allow(missing_docs)]

use face_liveness_image::Orientation;
use fdeflate::compress_to_vec;

/// The mark that a JPEG has before the block.
const MARK: &[u8] = b"Exif\0\0";

/// An Exif block with this orientation.
fn block(orientation: u8) -> Vec<u8> {
    let entry = [b"\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0]].concat();
    [b"MM\0*\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4]].concat()
}

fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let chunk = |(name, content): &(&[u8; 4], &[u8])| {
        [&(content.len() as u32).to_be_bytes(), name.as_slice(), content, &[0; 4]].concat()
    };
    let chunks: Vec<u8> = chunks.iter().flat_map(chunk).collect();
    [b"\x89PNG\r\n\x1a\n", chunks.as_slice()].concat()
}

/// Bytes as ImageMagick writes them into a text.
fn raw_profile(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.chunks(36).map(|line| line.iter().map(|byte| format!("{byte:02x}")));
    let lines: Vec<String> = lines.map(Iterator::collect).collect();
    format!("\nexif\n{:8}\n{}\n", bytes.len(), lines.join("\n")).into_bytes()
}

fn orientation(file: &[u8]) -> u8 {
    Orientation::from_exif(file).value()
}

#[test]
fn the_first_block_of_a_jpeg_counts() {
    let app1 =
        |content: &[u8]| [b"\xff\xe1", &(content.len() as u16 + 2).to_be_bytes(), content].concat();
    let exif = |value| app1(&[MARK, &block(value)].concat());
    let xmp = app1(b"http://ns.adobe.com/xap/1.0/\0<x/>");
    let file = [b"\xff\xd8".as_slice(), &xmp, &exif(6), b"stray", &exif(3), b"\xff\xda"].concat();
    assert_eq!(orientation(&file), 6);
}

#[test]
fn a_png_has_it_in_a_chunk_with_or_without_the_mark() {
    for mark in [b"", MARK] {
        let block = [mark, &block(6)].concat();
        assert_eq!(orientation(&png(&[(b"IHDR", b""), (b"eXIf", &block)])), 6);
    }
}

#[test]
fn a_png_has_it_in_a_raw_profile() {
    for (name, mark) in [("exif", MARK), ("exif", b""), ("APP1", MARK)] {
        let key = format!("Raw profile type {name}\0").into_bytes();
        let text = raw_profile(&[mark, &block(6)].concat());
        let plain = [key.as_slice(), &text].concat();
        assert_eq!(orientation(&png(&[(b"IHDR", b""), (b"tEXt", &plain)])), 6, "{name}");
        let compressed = [key.as_slice(), b"\0", &compress_to_vec(&text)].concat();
        assert_eq!(orientation(&png(&[(b"IHDR", b""), (b"zTXt", &compressed)])), 6, "{name}");
        // The chunk for Exif counts more, wherever it is.
        let both = png(&[(b"zTXt", &compressed), (b"eXIf", &block(3))]);
        assert_eq!(orientation(&both), 3, "{name}");
    }
    // A profile `APP1` may hold XMP.
    let profile = |name: &str, block: &[u8]| {
        [format!("Raw profile type {name}\0").into_bytes(), raw_profile(block)].concat()
    };
    let (xmp, exif) = (profile("APP1", b"http://ns.adobe.com/xap"), profile("exif", &block(6)));
    assert_eq!(orientation(&png(&[(b"tEXt", &xmp), (b"tEXt", &exif)])), 6);
}

#[test]
fn damaged_and_long_raw_profiles_leave_a_png_upright() {
    let long = raw_profile(&[&block(6), &[0; 140_000][..]].concat());
    let damaged = [&b"\nexif"[..], b"\nexif\n 9\nno digits", b"", b"\n\n\n\n"];
    for text in damaged.into_iter().chain([&long[..]]) {
        let compressed = [b"Raw profile type exif\0\0", &compress_to_vec(text)[..]].concat();
        assert_eq!(orientation(&png(&[(b"zTXt", &compressed)])), 1);
        let plain = [b"Raw profile type exif\0", text].concat();
        assert_eq!(orientation(&png(&[(b"tEXt", &plain)])), 1);
    }
    assert_eq!(orientation(&png(&[(b"zTXt", b"Raw profile type exif\0\0not zlib")])), 1);
}

#[test]
#[cfg(feature = "webp")]
fn a_webp_has_it_in_a_chunk_with_or_without_the_mark() {
    for mark in [b"", MARK] {
        let block = [mark, &block(6)].concat();
        let length = (block.len() as u32).to_le_bytes();
        let file = [b"RIFF\0\0\0\0WEBPEXIF".as_slice(), &length, &block].concat();
        assert_eq!(orientation(&file), 6);
    }
}
