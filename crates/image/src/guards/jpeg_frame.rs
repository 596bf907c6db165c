//! Finds JPEGs that zune-jpeg does not read, or decodes to wrong pixels without an error.
//! `uncommon_jpeg.rs` decodes them.
//!
//! - Components sampled more finely than the first one, luma: black stripes.
//! - Sequential files with several scans: green stripes where colour is subsampled
//!   (etemesi254/zune-image#419, #422, #448), and shifted colour at restart markers.
//! - Colour spaces. As in libjpeg, JFIF means YCbCr, whatever Adobe's segment or the names of the
//!   components say; zune-jpeg believes those.
//! - Sampling factors of 3, and luma of 1 × 4 beside colour of 1 × 2: an error.
//!
//! The reports to file: `docs/upstream/zune-jpeg-wrong-pixels.md`, and for a kind that
//! `uncommon_jpeg.rs` would get wrong, `docs/upstream/jpeg-decoder-blocks-of-a-row.md`.

use crate::Error;
use crate::format::Format;
use crate::jpeg_segments::{self as segments, APP0, APP14, SCAN};

/// The content of the segments up to the first scan.
#[derive(Default)]
pub(crate) struct Headers {
    is_jfif: bool,
    /// The colour transform of Adobe's segment: 0 for RGB, 1 for YCbCr.
    adobe_transform: Option<u8>,
    pub(crate) is_sequential: bool,
    /// Width and height in pixels.
    pub(crate) sides: [u16; 2],
    components: Vec<Component>,
    components_of_scan: usize,
}

struct Component {
    name: u8,
    across: u8,
    down: u8,
}

impl Headers {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::UnsupportedJpeg`] for a kind that neither decoder reads right, and
    /// [`Error::Corrupt`] for a malformed segment before the first scan.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Error> {
        let corrupt = || Format::Jpeg.corrupt();
        let mut headers = Self::default();
        for segment in segments::of_headers(file) {
            let content = segment.content();
            match segment.marker {
                APP0 => headers.is_jfif |= content.starts_with(b"JFIF\0") && content.len() >= 14,
                APP14 => {
                    headers.adobe_transform = adobe_transform(content).or(headers.adobe_transform)
                }
                0xc0..=0xc2 => {
                    headers.is_sequential = segment.marker != 0xc2;
                    // A precision of one byte, then the height and the width.
                    let &[_, a, b, c, d] = content.first_chunk().ok_or_else(corrupt)?;
                    headers.sides = [[c, d], [a, b]].map(u16::from_be_bytes);
                    let components = content.get(6..).unwrap_or_default().chunks_exact(3);
                    headers.components = components.map(Component::read).collect();
                }
                0xc3 => return Err(Error::UnsupportedJpeg { what: "lossless compression" }),
                0xc9..=0xcb => return Err(Error::UnsupportedJpeg { what: "arithmetic coding" }),
                SCAN => {
                    headers.components_of_scan = content.first().map_or(0, |&count| count.into());
                    return match headers.unsupported() {
                        Some(what) => Err(Error::UnsupportedJpeg { what }),
                        None => Ok(headers),
                    };
                }
                _ => {}
            }
        }
        Err(corrupt())
    }

    /// Whether libjpeg reads the components otherwise than Adobe's segment says: three as YCbCr, or
    /// one as grey.
    pub(crate) fn overrules_adobe(&self) -> bool {
        let is_overruled = |transform| match self.components.len() {
            1 => true,
            3 => transform > 1 || self.is_jfif && transform == 0,
            _ => false,
        };
        self.adobe_transform.is_some_and(is_overruled)
    }

    /// The memory of the coefficients that the decoder keeps, besides the image. zune-jpeg keeps
    /// those of a progressive file until its last scan, two bytes each.
    ///
    /// jpeg-decoder does, too. It also sends each row of coefficients to a thread, which may lag
    /// behind by all of them, and keeps a plane for each component, a byte for each coefficient.
    pub(crate) fn coefficient_bytes(&self) -> u64 {
        let bytes = match (self.is_uncommon(), self.is_sequential) {
            (false, true) => 0,
            (false, false) => 2,
            (true, true) => 3,
            (true, false) => 5,
        };
        bytes * self.coefficients()
    }

    /// The coefficients of all components, in whole minimum coded units.
    fn coefficients(&self) -> u64 {
        let blocks = |of: &Component| u64::from(of.across) * u64::from(of.down);
        self.interleaved_units() * self.components.iter().map(blocks).sum::<u64>() * 64
    }

    /// The minimum coded units of a scan, given the content of its header (ITU-T T.81, A.2).
    pub(crate) fn units(&self, scan: &[u8]) -> u64 {
        let &[1, name, ..] = scan else { return self.interleaved_units() };
        let Some(of) = self.components.iter().find(|of| of.name == name) else { return 0 };
        let blocks = |side: u16, factor: u8, max: u64| {
            (u64::from(side) * u64::from(factor)).div_ceil(max).div_ceil(8)
        };
        let ([width, height], [across, down]) = (self.sides, self.max_factors());
        blocks(width, of.across, across) * blocks(height, of.down, down)
    }

    /// The minimum coded units of a scan of several components.
    fn interleaved_units(&self) -> u64 {
        let ([width, height], [across, down]) = (self.sides.map(u64::from), self.max_factors());
        width.div_ceil(8 * across) * height.div_ceil(8 * down)
    }

    /// The largest sampling factors of all components, across and down.
    fn max_factors(&self) -> [u64; 2] {
        let max = |of: fn(&Component) -> u8| self.components.iter().map(of).max().unwrap_or(0);
        [max(|of| of.across), max(|of| of.down)].map(|factor| u64::from(factor.max(1)))
    }

    /// Whether zune-jpeg gets this file wrong, or does not read it.
    pub(crate) fn is_uncommon(&self) -> bool {
        let Some(luma) = self.components.first() else { return false };
        let is_odd = |of: &Component| of.across == 3 || of.down == 3;
        let is_tall = (luma.across, luma.down) == (1, 4)
            && self.components.iter().any(|component| component.down == 2);
        let is_finer = |other: &Component| other.across > luma.across || other.down > luma.down;
        self.components.iter().any(is_odd)
            || is_tall
            || self.components.iter().any(is_finer)
            || self.is_sequential && self.is_split()
            || self.is_ycbcr() && self.has_names_of_rgb()
    }

    /// Whether libjpeg reads three components as YCbCr.
    pub(crate) fn is_ycbcr(&self) -> bool {
        self.is_jfif
            || self.adobe_transform.map_or(!self.has_names_of_rgb(), |transform| transform != 0)
    }

    /// Whether a component may have a scan of its own while another has a sampling factor of 4:
    /// jpeg-decoder miscounts the blocks of its rows, and returns wrong pixels.
    fn has_fours_apart(&self) -> bool {
        let has_four = |of: &Component| of.across == 4 || of.down == 4;
        (!self.is_sequential || self.is_split()) && self.components.iter().any(has_four)
    }

    /// Whether the first scan leaves out components.
    fn is_split(&self) -> bool {
        self.components_of_scan < self.components.len()
    }

    fn has_names_of_rgb(&self) -> bool {
        self.components.iter().map(|component| component.name).eq(*b"RGB")
    }

    /// The kind of this file, if neither decoder reads it correctly.
    fn unsupported(&self) -> Option<&'static str> {
        match self.components.len() {
            4 if self.adobe_transform == Some(1) => Some("YCbCr with four components"),
            4 if self.is_uncommon() => Some("CMYK in several scans, or sampled unusually,"),
            _ if self.is_uncommon() && self.has_fours_apart() => {
                Some("a sampling factor of 4 in several scans")
            }
            _ => None,
        }
    }
}

impl Component {
    fn read(part: &[u8]) -> Self {
        Self { name: part[0], across: part[1] >> 4, down: part[1] & 15 }
    }
}

/// The colour transform of a segment APP14; `None` if it is not Adobe's, or too short for libjpeg.
pub(crate) fn adobe_transform(content: &[u8]) -> Option<u8> {
    content.starts_with(b"Adobe").then_some(*content.get(11)?)
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;
    use crate::{Limits, decode};

    const SIDE: u16 = 64;

    /// A colourful picture as a JPEG.
    fn file(sampling: SamplingFactor) -> Vec<u8> {
        let pixel = |i: u32| [i % 64 * 4, i / 64 * 4, 255 - i % 64 * 4].map(|value| value as u8);
        let pixels: Vec<_> = (0..u32::from(SIDE) * u32::from(SIDE)).flat_map(pixel).collect();
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 95);
        encoder.set_sampling_factor(sampling);
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
    fn what_is_not_read_is_named() {
        let refused = |change: &dyn Fn(&mut [u8], usize)| {
            let mut file = file(SamplingFactor::F_1_1);
            let frame = segment(&file, 0xc0);
            change(&mut file, frame);
            pixels(&file).expect_err("a JPEG that is not read").to_string()
        };
        let kind = |marker: u8| refused(&|file, frame| file[frame - 3] = marker);
        assert_eq!(kind(0xc3), "lossless compression is not supported in a JPEG");
        assert_eq!(kind(0xc9), "arithmetic coding is not supported in a JPEG");
        let four = "a sampling factor of 4 in several scans is not supported in a JPEG";
        // Colour finer than luma, in a progressive file and in one with several scans.
        let progressive = |file: &mut [u8], frame: usize| {
            file[frame - 3] = 0xc2;
            file[frame + 10] = 0x41;
        };
        assert_eq!(refused(&progressive), four);
        let split = |file: &mut [u8], frame: usize| {
            let scan = segment(file, 0xda);
            file[scan] = 1;
            file[frame + 10] = 0x14;
        };
        assert_eq!(refused(&split), four);
    }

    #[test]
    fn jfif_means_ycbcr() {
        let plain = file(SamplingFactor::F_2_2);
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
        let plain = file(SamplingFactor::F_1_1);
        let mut named = plain.clone();
        let (frame, scan) = (segment(&named, 0xc0), segment(&named, 0xda));
        for (i, name) in b"RGB".iter().enumerate() {
            named[frame + 6 + 3 * i] = *name;
            named[scan + 1 + 2 * i] = *name;
        }
        let [plain, named] = [plain, named].map(|file| pixels(&file).expect("a JPEG"));
        // Two decoders.
        let difference = plain.iter().zip(&named).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(difference <= Some(4), "{difference:?}");
    }

    /// Where the JFIF segment, the first one, ends.
    fn segment_end(file: &[u8]) -> usize {
        assert_eq!(file[2..4], [0xff, 0xe0]);
        4 + usize::from(u16::from_be_bytes([file[4], file[5]]))
    }
}
