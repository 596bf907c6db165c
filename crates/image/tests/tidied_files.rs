//! PNG, GIF and BMP files that decoders refuse, though other software reads them, decode to the
//! same pixels as regular files.
#![allow(missing_docs)]

use std::io::Cursor;

use face_liveness_image::{Error, Limits, decode};
use image::{ImageFormat, RgbImage};

const SIDES: [u32; 2] = [17, 9];

fn picture() -> RgbImage {
    let [width, height] = SIDES;
    RgbImage::from_fn(width, height, |x, y| [x as u8 * 15, y as u8 * 28, 200].into())
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture().write_to(&mut file, format).expect("an image");
    file.into_inner()
}

fn pixels(file: &[u8]) -> Result<Vec<u8>, Error> {
    decode(file, &Limits::default(), false).map(|image| image.pixels().to_vec())
}

#[test]
fn a_png_needs_no_end() {
    let file = encoded(ImageFormat::Png);
    for missing in 1..=12 {
        let cut = &file[..file.len() - missing];
        assert_eq!(pixels(cut), Ok(picture().into_raw()), "{missing} bytes");
    }
    for missing in [13, 16, 20, 60] {
        let cut = &file[..file.len() - missing];
        assert_eq!(pixels(cut), Err(Error::Corrupt { format: "PNG" }), "{missing} bytes");
    }
}

#[test]
fn a_png_whose_pixels_end_with_a_whole_chunk_is_refused() {
    let file = encoded(ImageFormat::Png);
    let data = file.windows(4).position(|name| name == b"IDAT").expect("pixels") - 4;
    let length = u32::from_be_bytes(*file[data..].first_chunk().expect("a length")) as usize;
    // The first half of the pixels, in a chunk of its own. The checksum is not looked at: nothing
    // follows.
    let half = length / 2;
    let chunk = [&(half as u32).to_be_bytes(), &file[data + 4..data + 8 + half], b"\0\0\0\0"];
    let cut = [&file[..data], &chunk.concat()].concat();
    assert_eq!(pixels(&cut), Err(Error::Corrupt { format: "PNG" }));
}

#[test]
#[cfg(feature = "gif")]
fn unknown_extensions_of_a_gif_are_skipped() {
    let file = encoded(ImageFormat::Gif);
    let expected = pixels(&file).expect("a GIF");
    let palette = if file[10] & 0x80 == 0 { 0 } else { 3 << ((file[10] & 7) + 1) };
    let (before, after) = file.split_at(13 + palette);
    for label in [0x00, 0x02, 0x99, 0xfd] {
        let extension = [&[0x21, label], b"\x03abc\x02,;\0".as_slice()].concat();
        let with_two = [before, &extension, &extension, after].concat();
        assert_eq!(pixels(&with_two).as_ref(), Ok(&expected), "{label:#x}");
        let endless = [before, &extension[..7]].concat();
        assert_eq!(pixels(&endless), Err(Error::Corrupt { format: "GIF" }), "{label:#x}");
    }
}

#[cfg(feature = "bmp")]
mod bmp {
    use super::*;

    /// A BMP of 24 bits with this header after the file's own.
    fn with_header(header: &[u8]) -> Vec<u8> {
        let picture = picture();
        let rows = picture.as_raw().chunks(3 * SIDES[0] as usize).rev();
        let padded = rows.flat_map(|row| {
            let bgr = row.chunks(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]);
            bgr.chain(std::iter::repeat_n(0, row.len().next_multiple_of(4) - row.len()))
        });
        let pixels: Vec<u8> = padded.collect();
        let at = 14 + header.len() as u32;
        let length = at + pixels.len() as u32;
        let start = [length.to_le_bytes(), [0; 4], at.to_le_bytes()].concat();
        [b"BM", start.as_slice(), header, &pixels].concat()
    }

    /// The header of OS/2 2.x, cut to a length.
    fn os2(length: u32, compression: u32) -> Vec<u8> {
        let sides = SIDES.map(u32::to_le_bytes).concat();
        let start = [&length.to_le_bytes(), sides.as_slice(), &[1, 0, 24, 0]].concat();
        let mut header = [start, compression.to_le_bytes().to_vec(), vec![0; 44]].concat();
        header.truncate(length as usize);
        header
    }

    #[test]
    fn headers_of_os2_are_read() {
        let sides = SIDES.map(|side| (side as u16).to_le_bytes()).concat();
        let core = [&12_u32.to_le_bytes(), sides.as_slice(), &[1, 0, 24, 0]].concat();
        for header in [core, os2(64, 0)] {
            assert_eq!(pixels(&with_header(&header)), Ok(picture().into_raw()));
        }
    }

    #[test]
    fn other_headers_and_compressions_of_os2_are_refused() {
        for header in [os2(16, 0), os2(48, 0), os2(64, 3), os2(64, 4)] {
            let error = Error::Corrupt { format: "BMP" };
            assert_eq!(pixels(&with_header(&header)), Err(error), "{header:?}");
        }
    }

    #[test]
    fn a_header_that_is_cut_off_is_refused() {
        let file = with_header(&os2(64, 0));
        for length in 2..14 + 64 {
            assert_eq!(pixels(&file[..length]), Err(Error::Corrupt { format: "BMP" }));
        }
    }
}
