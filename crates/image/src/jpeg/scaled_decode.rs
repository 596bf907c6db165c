//! A JPEG at a half, a quarter or an eighth of its sides: of each block only the frequencies that these can show are transformed,
//! and the codes of the others are passed over. Baseline and extended sequential Huffman files of 8 bits, grey or YCbCr with
//! all components in one scan, which is what cameras and phones write (ITU-T T.81). No crate does this in safe Rust, without
//! threads, and wiping what it held; jpeg-decoder takes more than twice the time.

use std::cell::OnceCell;

use super::huffman::{Bits, Codes, END_OF_BLOCK, SIXTEEN_ZEROS};
use super::scaled_idct::{Frequencies, Transform, Waves, transform};
use crate::{RgbImage, ZeroizeVec};

/// Why there is no reduced copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The file ends too soon.
    Cut,
    /// A kind of JPEG that is not read here, or a broken one: the decoder of all kinds must say.
    Unusual,
}

/// From the order in a file, from low to high frequencies, to rows of frequencies.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Reads a file with sides divided by 2, 4 or 8, rounded up.
pub(super) fn decode(file: &[u8], by: usize) -> Result<RgbImage, Refusal> {
    let mut tables = Tables::default();
    let mut frame = None;
    let mut rest = file.get(2..).ok_or(Refusal::Cut)?;
    loop {
        let (marker, segment, after) = next_segment(rest)?;
        rest = after;
        match marker {
            0xc0 | 0xc1 => frame = Some(Frame::read(segment)?),
            0xc4 => tables.read_codes(segment)?,
            0xdb => tables.read_quantizers(segment)?,
            0xdd => tables.restart_interval = u32::from(u16_at(segment, 0)?),
            // Adobe's: three components may be RGB.
            0xee if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => {
                return Err(Refusal::Unusual);
            }
            0xda => {
                let frame = frame.ok_or(Refusal::Unusual)?;
                let components = frame.scan(segment, &tables, by)?;
                return Scan { frame, components, by, restart_interval: tables.restart_interval }
                    .read(rest);
            }
            // Application data and comments.
            0xe0..=0xef | 0xfe => {}
            _ => return Err(Refusal::Unusual),
        }
    }
}

/// A marker, its segment, and what follows.
pub(super) fn next_segment(rest: &[u8]) -> Result<(u8, &[u8], &[u8]), Refusal> {
    let fill = rest.iter().position(|&byte| byte != 0xff).ok_or(Refusal::Cut)?;
    if fill == 0 {
        return Err(Refusal::Unusual);
    }
    let (marker, rest) = (rest[fill], &rest[fill + 1..]);
    let length = usize::from(u16_at(rest, 0)?);
    let segment =
        rest.get(2..length).ok_or(if length < 2 { Refusal::Unusual } else { Refusal::Cut })?;
    Ok((marker, segment, &rest[length..]))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Refusal> {
    let two = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    two.map(|&two| u16::from_be_bytes(two)).ok_or(Refusal::Cut)
}

#[derive(Default)]
struct Tables<'a> {
    /// In the order of the file.
    quantizers: [Option<[i32; 64]>; 4],
    dc: [Option<Table<'a>>; 4],
    ac: [Option<Table<'a>>; 4],
    restart_interval: u32,
}

/// A Huffman table as the file has it, and once the scan asks for it, as it is read by: a file may hold 200,000 that no scan uses.
struct Table<'a> {
    counts: &'a [u8; 16],
    symbols: &'a [u8],
    codes: OnceCell<Option<Codes>>,
}

impl Table<'_> {
    fn codes(&self) -> Option<&Codes> {
        self.codes.get_or_init(|| Codes::new(self.counts, self.symbols)).as_ref()
    }
}

impl<'a> Tables<'a> {
    fn read_quantizers(&mut self, mut segment: &[u8]) -> Result<(), Refusal> {
        while let [kind, rest @ ..] = segment {
            let wide = kind >> 4 != 0;
            let length = if wide { 128 } else { 64 };
            let values = rest.get(..length).ok_or(Refusal::Unusual)?;
            let value = |i: usize| if wide { u16_at(values, 2 * i) } else { Ok(values[i].into()) };
            let table = self.quantizers.get_mut(usize::from(kind & 15)).ok_or(Refusal::Unusual)?;
            let mut quantizer = [0; 64];
            for (i, quantizer) in quantizer.iter_mut().enumerate() {
                *quantizer = i32::from(value(i)?);
            }
            *table = Some(quantizer);
            segment = &rest[length..];
        }
        Ok(())
    }

    fn read_codes(&mut self, mut segment: &'a [u8]) -> Result<(), Refusal> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Refusal::Unusual)?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(..length).ok_or(Refusal::Unusual)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let table = tables.get_mut(usize::from(kind & 15)).ok_or(Refusal::Unusual)?;
            *table = Some(Table { counts, symbols, codes: OnceCell::new() });
            segment = &rest[length..];
        }
        Ok(())
    }
}

/// What a frame header says.
struct Frame {
    width: usize,
    height: usize,
    components: Vec<Sampling>,
    /// How many blocks a unit of the scan, an MCU, has across and down at most.
    across: usize,
    down: usize,
}

struct Sampling {
    id: u8,
    across: usize,
    down: usize,
    quantizer: usize,
}

impl Frame {
    fn read(segment: &[u8]) -> Result<Self, Refusal> {
        let &[bits, _, _, _, _, count, ref components @ ..] = segment else {
            return Err(Refusal::Unusual);
        };
        let (height, width) = (u16_at(segment, 1)?.into(), u16_at(segment, 3)?.into());
        let component = |part: &[u8]| Sampling {
            id: part[0],
            across: usize::from(part[1] >> 4),
            down: usize::from(part[1] & 15),
            quantizer: part[2].into(),
        };
        let mut components: Vec<_> = components.chunks_exact(3).map(component).collect();
        // Of one component, blocks follow each other whatever its sampling.
        if let [grey] = &mut components[..] {
            (grey.across, grey.down) = (1, 1);
        }
        let ids: Vec<_> = components.iter().map(|component| component.id).collect();
        let is_usual = |component: &Sampling| {
            (1..=2).contains(&component.across) && (1..=2).contains(&component.down)
        };
        let usual = bits == 8
            && width > 0
            && height > 0
            && components.len() == usize::from(count)
            && matches!(count, 1 | 3)
            && ids != *b"RGB"
            && components.iter().all(is_usual);
        let across = components.iter().map(|component| component.across).max().unwrap_or(1);
        let down = components.iter().map(|component| component.down).max().unwrap_or(1);
        usual.then_some(Self { width, height, components, across, down }).ok_or(Refusal::Unusual)
    }

    /// The components as a scan of all of them reads them.
    fn scan<'a>(
        &self,
        segment: &[u8],
        tables: &'a Tables<'_>,
        by: usize,
    ) -> Result<Vec<Component<'a>>, Refusal> {
        let count = self.components.len();
        let (Some(parts), true) = (segment.get(1..1 + 2 * count), segment.len() == 4 + 2 * count)
        else {
            return Err(Refusal::Unusual);
        };
        if usize::from(segment[0]) != count || segment[1 + 2 * count..] != [0, 63, 0] {
            return Err(Refusal::Unusual);
        }
        let &Self { across, down, .. } = self;
        let columns = self.width.div_ceil(8 * across) * across * 8 / by;
        let component = |(sampling, part): (&Sampling, &[u8])| {
            // Components of fewer samples are reduced less, so that all come out alike.
            let samples = [8 / by * across / sampling.across, 8 / by * down / sampling.down];
            let is_kept = |&place: &u8| {
                usize::from(place) % 8 < samples[0] && usize::from(place) / 8 < samples[1]
            };
            let codes = |tables: &'a [Option<Table<'_>>; 4], number: u8| {
                tables.get(usize::from(number))?.as_ref()?.codes()
            };
            let quantizer = *tables.quantizers.get(sampling.quantizer)?.as_ref()?;
            (part[0] == sampling.id).then_some(Component {
                blocks: [sampling.across, sampling.down],
                samples,
                transform: transform(samples[0], samples[1])?,
                kept: ZIGZAG.iter().rposition(is_kept)? + 1,
                quantizer,
                dc: codes(&tables.dc, part[1] >> 4)?,
                ac: codes(&tables.ac, part[1] & 15)?,
                last_dc: 0,
                columns,
                plane: ZeroizeVec::from(vec![0.0; columns * down * 8 / by]),
            })
        };
        let components = self.components.iter().zip(parts.chunks_exact(2)).map(component);
        components.collect::<Option<_>>().ok_or(Refusal::Unusual)
    }
}

struct Component<'a> {
    /// Across and down, in an MCU.
    blocks: [usize; 2],
    /// Across and down, of a block.
    samples: [usize; 2],
    transform: Transform,
    /// So many frequencies of a block, in the order of the file, hold all that are needed.
    kept: usize,
    quantizer: [i32; 64],
    dc: &'a Codes,
    ac: &'a Codes,
    last_dc: i32,
    /// Of the plane.
    columns: usize,
    /// One row of MCUs, samples less 128.
    plane: ZeroizeVec<f32>,
}

impl Component<'_> {
    fn read_unit(
        &mut self,
        waves: &Waves,
        bits: &mut Bits<'_>,
        unit: usize,
    ) -> Result<(), Refusal> {
        for down in 0..self.blocks[1] {
            for across in 0..self.blocks[0] {
                let mut frequencies = Frequencies::default();
                self.read_block(bits, &mut frequencies)?;
                let column = (unit * self.blocks[0] + across) * self.samples[0];
                let plane = &mut self.plane[down * self.samples[1] * self.columns + column..];
                (self.transform)(waves, &frequencies, plane, self.columns);
            }
        }
        Ok(())
    }

    /// The frequencies of the next block that are needed.
    #[inline(always)]
    fn read_block(
        &mut self,
        reader: &mut Bits<'_>,
        frequencies: &mut Frequencies,
    ) -> Result<(), Refusal> {
        let (mut bits, codes) = (*reader, self.ac);
        let (size, difference) = bits.symbol_and_value(self.dc)?;
        if size > 11 {
            return Err(Refusal::Unusual);
        }
        self.last_dc = self.last_dc.wrapping_add(difference);
        frequencies.set(0, self.last_dc.wrapping_mul(self.quantizer[0]));
        let mut place = 1;
        while place < self.kept {
            let (symbol, value) = bits.symbol_and_value(codes)?;
            place += usize::from(symbol >> 4);
            if symbol & 15 == 0 {
                match symbol {
                    END_OF_BLOCK => place = 64,
                    SIXTEEN_ZEROS => place += 1,
                    _ => return Err(Refusal::Unusual),
                }
            } else {
                let Some(&at) = ZIGZAG.get(place) else { return Err(Refusal::Unusual) };
                frequencies.set(at, value.wrapping_mul(self.quantizer[place]));
                place += 1;
            }
        }
        bits.pass_block(codes, place)?;
        *reader = bits;
        Ok(())
    }
}

struct Scan<'a> {
    frame: Frame,
    components: Vec<Component<'a>>,
    by: usize,
    restart_interval: u32,
}

impl Scan<'_> {
    fn read(mut self, data: &[u8]) -> Result<RgbImage, Refusal> {
        let &Frame { across, down, .. } = &self.frame;
        let [width, height] =
            [self.frame.width, self.frame.height].map(|side| side.div_ceil(self.by));
        let mut image =
            RgbImage::black(width as u32, height as u32).map_err(|_| Refusal::Unusual)?;
        let (waves, mut bits) = (Waves::new(), Bits::new(data));
        let (mut left, mut restart) = (self.restart_interval, 0xd0);
        for rows in image.pixels_mut().chunks_mut(3 * width * down * 8 / self.by) {
            for unit in 0..self.frame.width.div_ceil(8 * across) {
                if self.restart_interval > 0 {
                    if left == 0 {
                        if bits.marker()? != restart {
                            return Err(Refusal::Unusual);
                        }
                        (left, restart) = (self.restart_interval, 0xd0 | (restart + 1) & 7);
                        self.components.iter_mut().for_each(|component| component.last_dc = 0);
                    }
                    left -= 1;
                }
                for component in &mut self.components {
                    component.read_unit(&waves, &mut bits, unit)?;
                }
            }
            bits.check()?;
            for (y, row) in rows.chunks_exact_mut(3 * width).enumerate() {
                self.write_row(y, row);
            }
        }
        // The end of the image, or of the file: nothing is missing. Another scan, or the lines of an unknown height, are for others.
        match bits.marker() {
            Ok(0xd9) | Err(Refusal::Cut) => Ok(image),
            _ => Err(Refusal::Unusual),
        }
    }

    /// Of the row of MCUs, one row of pixels.
    fn write_row(&self, y: usize, row: &mut [u8]) {
        fn samples<'a>(component: &'a Component<'_>, y: usize) -> &'a [f32] {
            &component.plane[y * component.columns..]
        }
        let pixels = row.chunks_exact_mut(3).zip(samples(&self.components[0], y));
        let [blue, red] = &self.components[1..] else {
            return pixels.for_each(|(pixel, &grey)| pixel.fill(byte(grey)));
        };
        let chroma = samples(blue, y).iter().zip(samples(red, y));
        for ((pixel, luma), (blue, red)) in pixels.zip(chroma) {
            // JFIF, of samples less 128.
            pixel[0] = byte(luma + 1.402 * red);
            pixel[1] = byte(luma - 0.344_136 * blue - 0.714_136 * red);
            pixel[2] = byte(luma + 1.772 * blue);
        }
    }
}

/// To the nearest, by a float whose last bits then count in ones: `as u8` is several times slower.
fn byte(sample: f32) -> u8 {
    const ONES: f32 = 12_582_912.0;
    ((sample + 128.0).clamp(0.0, 255.0) + ONES).to_bits() as u8
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;
    use crate::{Limits, decode as decode_in_full, resize};

    fn portrait() -> RgbImage {
        let file = std::fs::read("../../examples/photos/astronaut.jpg").unwrap();
        // Sides that are multiples of nothing.
        decode_in_full(&file, &Limits::default(), false).unwrap().view().crop(0, 0, 501, 363)
    }

    fn encoded(
        image: &RgbImage,
        colours: ColorType,
        settings: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 90);
        settings(&mut encoder);
        let step = if colours == ColorType::Luma { 3 } else { 1 };
        let samples: Vec<_> = image.pixels().iter().step_by(step).copied().collect();
        encoder.encode(&samples, image.width() as u16, image.height() as u16, colours).unwrap();
        file
    }

    fn rgb(settings: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        encoded(&portrait(), ColorType::Rgb, settings)
    }

    /// How far the samples of a reduced copy are from those of the whole picture made smaller, on average.
    fn apart(file: &[u8], by: usize) -> f64 {
        let reduced = decode(file, by).unwrap();
        let full = decode_in_full(file, &Limits::default(), false).unwrap();
        let sides = [full.width(), full.height()].map(|side| side.div_ceil(by as u32));
        assert_eq!([reduced.width(), reduced.height()], sides);
        let [width, height] = sides.map(|side| side * by as u32);
        // The last pixels again, up to whole pixels of the copy.
        let padded = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let inside = |(x, y): (u32, u32)| {
            full.view().pixel(x.min(full.width() - 1), y.min(full.height() - 1))
        };
        let padded = RgbImage::new(width, height, padded.flat_map(inside).collect()).unwrap();
        let small = resize(padded.view(), sides[0], sides[1]).unwrap();
        let differences =
            small.pixels().iter().zip(reduced.pixels()).map(|(&a, &b)| f64::from(a.abs_diff(b)));
        differences.sum::<f64>() / small.pixels().len() as f64
    }

    #[test]
    fn every_sampling_and_size() {
        let samplings = [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_1_2,
            SamplingFactor::F_2_2,
        ];
        for sampling in samplings {
            let file = rgb(|encoder| encoder.set_sampling_factor(sampling));
            for by in [2, 4, 8] {
                let apart = apart(&file, by);
                assert!(apart < 4.0, "{sampling:?} at 1/{by}: {apart}");
            }
        }
    }

    #[test]
    fn restarts_and_grey() {
        for file in [
            rgb(|encoder| encoder.set_restart_interval(5)),
            encoded(&portrait(), ColorType::Luma, |_| {}),
        ] {
            assert!(apart(&file, 4) < 4.0);
        }
    }

    #[test]
    fn other_kinds_are_for_the_other_decoder() {
        let progressive = rgb(|encoder| encoder.set_progressive(true));
        let one_scan_each = rgb(|encoder| encoder.set_optimized_huffman_tables(true));
        for file in [progressive, one_scan_each] {
            assert_eq!(decode(&file, 2).err(), Some(Refusal::Unusual));
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let file = rgb(|encoder| encoder.set_restart_interval(7));
        for length in (0..file.len()).step_by(97).chain([file.len() - 3]) {
            assert!(decode(&file[..length], 2).is_err(), "the first {length} bytes");
        }
        assert!(decode(&file[..file.len() - 2], 2).is_ok(), "without its end-of-image marker");
        assert_eq!(decode(&file[..file.len() / 2], 2).err(), Some(Refusal::Cut));
    }

    #[test]
    fn changed_bytes_do_no_harm() {
        let file = rgb(|encoder| encoder.set_restart_interval(7));
        // All of the headers, and some of the data.
        for at in (0..700).chain((700..file.len()).step_by(61)) {
            let mut changed = file.clone();
            changed[at] = changed[at].wrapping_mul(5) ^ 0x5b;
            for by in [2, 8] {
                // Whatever comes out has the sides that the file says; nothing panics.
                let _ = decode(&changed, by);
            }
        }
    }
}
