//! Finds JPEGs that zune-jpeg decodes to wrong pixels without an error.
//!
//! - Components sampled more finely than the first one, luma: black stripes.
//! - Sequential files with several scans: green stripes where colour is subsampled
//!   (etemesi254/zune-image#419, #422, #448), and shifted colour at restart markers.
//! - Colour spaces. As in libjpeg, JFIF means YCbCr, whatever Adobe's segment or the names of the
//!   components say; zune-jpeg believes those.
//! - Stray bytes and markers without a segment before the first scan, which libjpeg skips and
//!   zune-jpeg takes for segments.
//!
//! The report to file: `docs/upstream/zune-jpeg-wrong-pixels.md`.

use super::scan_budget::next_segment;
use crate::format::Format;
use crate::{Error, ZeroizeVec};

/// A copy of the file that zune-jpeg reads as libjpeg reads the file; `None` where no copy is
/// needed.
///
/// # Errors
/// [`Error::UnsupportedJpeg`] where zune-jpeg would return wrong pixels, and [`Error::Corrupt`] for
/// malformed segments before the first scan.
pub(crate) fn check_or_correct(file: &[u8]) -> Result<Option<ZeroizeVec<u8>>, Error> {
    let headers = Headers::read(file).ok_or_else(|| Format::Jpeg.corrupt())?;
    if let Some(what) = headers.unsupported() {
        return Err(Error::UnsupportedJpeg { what });
    }
    match headers.adobe_transform {
        Some((at, 0)) if headers.is_jfif && headers.components.len() == 3 => {
            let mut copy = ZeroizeVec::from(file.to_vec());
            copy[at] = 1;
            Ok(Some(copy))
        }
        _ => Ok(None),
    }
}

/// The memory in which zune-jpeg keeps the coefficients of a progressive file until its last scan:
/// two bytes each.
pub(crate) fn coefficient_bytes(file: &[u8]) -> u64 {
    match Headers::read(file) {
        Some(headers) if !headers.is_sequential => 2 * headers.coefficients(),
        _ => 0,
    }
}

/// What the segments up to the first scan say.
#[derive(Default)]
struct Headers {
    is_jfif: bool,
    /// Where Adobe's segment holds the colour transform, and its value: 0 for RGB, 1 for YCbCr.
    adobe_transform: Option<(usize, u8)>,
    is_sequential: bool,
    /// Width and height in pixels.
    sides: [u16; 2],
    components: Vec<Component>,
    components_of_scan: usize,
}

struct Component {
    name: u8,
    across: u8,
    down: u8,
}

impl Headers {
    /// `None` if a malformed segment comes before the first scan.
    fn read(file: &[u8]) -> Option<Self> {
        let mut headers = Self::default();
        let mut rest = file.get(2..)?;
        loop {
            let (marker, segment, after) = next_segment(rest)?;
            match marker {
                0xe0 => headers.is_jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 14,
                0xee if segment.starts_with(b"Adobe") && segment.len() >= 12 => {
                    let at = file.len() - after.len() - segment.len() + 11;
                    headers.adobe_transform = Some((at, segment[11]));
                }
                0xc0..=0xc2 => {
                    headers.is_sequential = marker != 0xc2;
                    // A precision of one byte, then the height and the width.
                    let &[_, a, b, c, d] = segment.first_chunk()?;
                    headers.sides = [[c, d], [a, b]].map(u16::from_be_bytes);
                    let components = segment.get(6..).unwrap_or_default().chunks_exact(3);
                    headers.components = components.map(Component::read).collect();
                }
                0xda => {
                    headers.components_of_scan = segment.first().map_or(0, |&count| count.into());
                    return Some(headers);
                }
                _ => {}
            }
            rest = after;
        }
    }

    /// The coefficients of all components, in whole minimum coded units.
    fn coefficients(&self) -> u64 {
        let most = |of: fn(&Component) -> u8| self.components.iter().map(of).max().unwrap_or(0);
        let units = |side: u16, factor: u8| u64::from(side).div_ceil(8 * u64::from(factor.max(1)));
        let [width, height] = self.sides;
        let units = units(width, most(|of| of.across)) * units(height, most(|of| of.down));
        let blocks = |of: &Component| u64::from(of.across) * u64::from(of.down);
        units * self.components.iter().map(blocks).sum::<u64>() * 64
    }

    /// What zune-jpeg gets wrong in this file.
    fn unsupported(&self) -> Option<&'static str> {
        let luma = self.components.first()?;
        let is_finer = |other: &Component| other.across > luma.across || other.down > luma.down;
        let is_split = self.is_sequential && self.components_of_scan < self.components.len();
        let transform = self.adobe_transform.map(|(_, value)| value);
        let is_ycbcr = self.is_jfif || transform.is_some_and(|value| value != 0);
        let is_ycck = self.components.len() == 4 && transform == Some(1);
        let names = self.components.iter().map(|component| component.name);
        [
            (self.components.iter().any(is_finer), "colour sampled more finely than luma"),
            (is_split, "a sequential file in several scans"),
            (is_ycbcr && names.eq(*b"RGB"), "YCbCr in components named R, G and B"),
            (is_ycck, "YCbCr with four components"),
        ]
        .into_iter()
        .find_map(|(applies, what)| applies.then_some(what))
    }
}

impl Component {
    fn read(part: &[u8]) -> Self {
        Self { name: part[0], across: part[1] >> 4, down: part[1] & 15 }
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;
    use crate::{Limits, decode};

    const SIDE: u16 = 64;

    /// A colourful picture as a JPEG.
    fn file(sampling: SamplingFactor, scans_per_component: bool) -> Vec<u8> {
        let pixel = |i: u32| [i % 64 * 4, i / 64 * 4, 255 - i % 64 * 4].map(|value| value as u8);
        let pixels: Vec<_> = (0..u32::from(SIDE) * u32::from(SIDE)).flat_map(pixel).collect();
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 95);
        encoder.set_sampling_factor(sampling);
        // With tables of its own, jpeg-encoder writes a scan for each component.
        encoder.set_optimized_huffman_tables(scans_per_component);
        encoder.encode(&pixels, SIDE, SIDE, ColorType::Rgb).expect("an image");
        file
    }

    fn pixels(file: &[u8]) -> Result<Vec<u8>, Error> {
        decode(file, &Limits::default(), false).map(|image| image.pixels().to_vec())
    }

    /// The position of a segment's first byte after its length.
    fn segment(file: &[u8], marker: u8) -> usize {
        file.windows(2).position(|two| two == [0xff, marker]).expect("the marker") + 4
    }

    #[test]
    fn a_sequential_file_in_several_scans_is_refused() {
        for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_2] {
            assert!(pixels(&file(sampling, false)).is_ok());
            let what = "a sequential file in several scans";
            assert_eq!(pixels(&file(sampling, true)), Err(Error::UnsupportedJpeg { what }));
        }
    }

    #[test]
    fn no_byte_before_the_first_scan_hides_a_segment() {
        let plain = file(SamplingFactor::F_2_2, false);
        let at = segment_end(&plain);
        for stray in [&b"\0"[..], b"\xff\0", b"\xff\xd0\0\x04ab", b"\xff\x01"] {
            let file = [&plain[..at], stray, &plain[at..]].concat();
            assert_eq!(pixels(&file), Err(Format::Jpeg.corrupt()), "{stray:?}");
        }
    }

    #[test]
    fn colour_finer_than_luma_is_refused() {
        for factors in [0x21, 0x12, 0x22] {
            let mut file = file(SamplingFactor::F_1_1, false);
            let at = segment(&file, 0xc0) + 6 + 3 + 1;
            file[at] = factors;
            let what = "colour sampled more finely than luma";
            assert_eq!(pixels(&file), Err(Error::UnsupportedJpeg { what }));
        }
    }

    #[test]
    fn jfif_means_ycbcr() {
        let plain = file(SamplingFactor::F_2_2, false);
        let expected = pixels(&plain).expect("a JPEG");
        let adobe = |transform| {
            let segment = [b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat();
            let end_of_jfif = segment_end(&plain);
            [&plain[..end_of_jfif], &segment, &plain[end_of_jfif..]].concat()
        };
        for transform in [0, 1] {
            assert_eq!(pixels(&adobe(transform)).as_ref(), Ok(&expected), "{transform}");
        }
    }

    #[test]
    fn names_of_rgb_do_not_make_a_jfif_file_rgb() {
        let mut file = file(SamplingFactor::F_1_1, false);
        let (frame, scan) = (segment(&file, 0xc0), segment(&file, 0xda));
        for (i, name) in b"RGB".iter().enumerate() {
            file[frame + 6 + 3 * i] = *name;
            file[scan + 1 + 2 * i] = *name;
        }
        let what = "YCbCr in components named R, G and B";
        assert_eq!(pixels(&file), Err(Error::UnsupportedJpeg { what }));
    }

    /// Where the JFIF segment, the first one, ends.
    fn segment_end(file: &[u8]) -> usize {
        assert_eq!(file[2..4], [0xff, 0xe0]);
        4 + usize::from(u16::from_be_bytes([file[4], file[5]]))
    }
}
