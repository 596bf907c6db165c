//! Header content that libjpeg skips or takes for granted changes no pixel of a JPEG. A scan that
//! is cut off is refused.
#![allow(missing_docs)]

#[path = "support/photo.rs"]
mod photo;

use face_liveness_image::{Error, Limits, decode_scaled};
use jpeg_encoder::{ColorType, Encoder};
use photo::{SIDE, photo_with};

/// With the standard Huffman tables.
fn photo() -> Vec<u8> {
    photo_with(|_| ())
}

/// The pixels at full size and at half the size.
fn pixels(file: &[u8]) -> Result<[Vec<u8>; 2], Error> {
    let decode = |min_longer_side| {
        let scaled = decode_scaled(file, &Limits::default(), false, min_longer_side)?;
        Ok(scaled.image.pixels().to_vec())
    };
    Ok([decode(u32::MAX)?, decode(u32::from(SIDE) / 2)?])
}

/// The photo with these bytes after its first segment, JFIF.
fn with(bytes: &[u8]) -> Vec<u8> {
    let photo = photo();
    let (before, after) = photo.split_at(2 + segment_length(&photo[2..]));
    [before, bytes, after].concat()
}

/// The length of the segment that begins here, with its marker.
fn segment_length(rest: &[u8]) -> usize {
    2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]))
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], length.as_slice(), content].concat()
}

#[track_caller]
fn assert_same_pixels(file: &[u8]) {
    let actual = pixels(file);
    assert!(actual == pixels(&photo()), "{:?}", actual.err());
}

#[test]
fn bytes_between_segments_are_skipped() {
    let strays = [&b"\0"[..], b"Nikon", &[0; 14], b"\xff\0", b"\xff\x01", b"\xff\xd0\0\x04ab"];
    for stray in strays {
        assert_same_pixels(&with(stray));
    }
}

#[test]
fn markers_that_libjpeg_refuses_before_the_scan_are_malformed() {
    let corrupt = Err(Error::Corrupt { format: "JPEG" });
    for bytes in [b"\xff\xd8", b"\xff\xd9", b"\xff\x02", b"\xff\xdf"] {
        assert_eq!(pixels(&with(bytes)), corrupt, "{bytes:?}");
        assert_eq!(pixels(&with(&[bytes, b"\0\x04ab".as_slice()].concat())), corrupt);
    }
    assert_eq!(pixels(&with(b"\xff\xfe\0\x01")), corrupt);
}

#[test]
fn short_and_overruled_adobe_segments_are_ignored() {
    assert_same_pixels(&with(&segment(0xee, b"Adobe")));
    assert_same_pixels(&with(&segment(0xee, b"Adobe\0\x64\0\0\0\0")));
    for transform in 0..4 {
        assert_same_pixels(&with(&segment(
            0xee,
            &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat(),
        )));
    }
}

#[test]
fn the_last_adobe_segment_counts() {
    let adobe = |transform| segment(0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat());
    // Without JFIF, as libjpeg reads them: 0 is RGB, and an unknown transform is YCbCr.
    let without_jfif = |bytes: Vec<u8>| {
        let photo = photo();
        [&photo[..2], &bytes, &photo[2 + segment_length(&photo[2..])..]].concat()
    };
    let rgb = pixels(&without_jfif(adobe(0)));
    assert!(rgb.is_ok() && rgb != pixels(&photo()));
    assert!(pixels(&without_jfif([adobe(1), adobe(0)].concat())) == rgb);
    assert_same_pixels(&without_jfif([adobe(0), adobe(7)].concat()));
}

#[test]
fn any_number_of_extended_xmp_parts_is_skipped() {
    let part = |i: u32| {
        let numbers = [u32::MAX.to_be_bytes(), i.to_be_bytes()].concat();
        let name = b"http://ns.adobe.com/xmp/extension/\0";
        segment(0xe1, &[name.as_slice(), &[b'0'; 32], &numbers, b"x"].concat())
    };
    for parts in [1, 300] {
        assert_same_pixels(&with(&(0..parts).flat_map(part).collect::<Vec<_>>()));
    }
}

#[test]
fn a_sequential_file_without_huffman_tables_has_the_standard_ones() {
    let mut file = photo();
    let mut at = 2;
    while file[at + 1] != 0xda {
        let end = at + segment_length(&file[at..]);
        if file[at + 1] == 0xc4 {
            file.drain(at..end);
        } else {
            at = end;
        }
    }
    assert!(file.len() < photo().len() - 400);
    assert_same_pixels(&file);
}

#[test]
fn a_restart_marker_ends_the_scan_of_a_file_without_a_restart_interval() {
    let file = photo();
    let middle = (file.len() - 500..).find(|&at| !file[at - 1..=at].contains(&0xff));
    let middle = middle.expect("two bytes that are no marker");
    for after in [&file[middle..], b"\xff\xd9"] {
        let restarted = [&file[..middle], b"\xff\xd0", after].concat();
        assert_eq!(pixels(&restarted), Err(Error::Corrupt { format: "JPEG" }));
    }
}

/// The file without its restart markers after the first `kept` ones.
fn without_restarts(file: &[u8], kept: usize) -> Vec<u8> {
    let mut restarts = 0;
    let mut without = Vec::new();
    let mut rest = file;
    while let &[byte, ref after @ ..] = rest {
        rest = after;
        let is_restart = byte == 0xff && matches!(after, [0xd0..=0xd7, ..]);
        restarts += usize::from(is_restart);
        if is_restart && restarts > kept {
            rest = &after[1..];
        } else {
            without.push(byte);
        }
    }
    without
}

#[test]
fn a_scan_without_its_restart_markers_is_refused() {
    for is_progressive in [false, true] {
        let file = photo_with(|encoder| {
            encoder.set_restart_interval(3);
            encoder.set_progressive(is_progressive);
        });
        assert!(pixels(&without_restarts(&file, usize::MAX)).is_ok());
        for kept in 0..5 {
            let corrupt = Err(Error::Corrupt { format: "JPEG" });
            assert_eq!(pixels(&without_restarts(&file, kept)), corrupt, "{is_progressive} {kept}");
        }
    }
}

#[test]
fn adobe_segments_do_not_change_a_greyscale_file() {
    let mut grey = Vec::new();
    let source: Vec<u8> = (0..64 * 64).map(|i| (i % 64 * 4) as u8).collect();
    Encoder::new(&mut grey, 95).encode(&source, SIDE, SIDE, ColorType::Luma).expect("an image");
    let expected = pixels(&grey);
    assert!(expected.is_ok());
    let frame = grey.windows(2).position(|two| two == [0xff, 0xc0]).expect("SOF");
    for transform in 0..4 {
        let adobe = segment(0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat());
        for at in [frame, frame + segment_length(&grey[frame..])] {
            let file = [&grey[..at], &adobe, &grey[at..]].concat();
            assert!(pixels(&file) == expected, "{transform} at {at}");
        }
    }
}

#[test]
fn restart_intervals_do_not_change_the_pixels() {
    assert_same_pixels(&photo_with(|encoder| encoder.set_restart_interval(7)));
}

#[test]
fn a_scan_that_ends_before_its_image_is_refused() {
    let file = photo();
    assert_same_pixels(&file[..file.len() - 2]);
    assert_same_pixels(&[&file[..file.len() - 2], b"\xff\xff\xff\xd9"].concat());
    for cut in [30, 200, 800] {
        for end in [&b""[..], b"\xff\xd9", b"\xff\xfe\0\x03a\xff\xd9", b"\xff\xda\xff\xd9"] {
            let cut_off = [&file[..file.len() - cut], end].concat();
            assert_eq!(pixels(&cut_off), Err(Error::Corrupt { format: "JPEG" }), "{cut} {end:?}");
        }
    }
}
