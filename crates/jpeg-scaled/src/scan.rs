//! Decodes the scan: entropy decoding, scaled IDCT, YCbCr to RGB.

use zeroize::Zeroizing;

use crate::Error;
use crate::headers::{Frame, Headers};
use crate::huffman::{BitReader, END_OF_BLOCK, HuffmanTable, SIXTEEN_ZEROS};
use crate::scaled_idct::{Coefficients, Cosines, ScaledIdct, scaled_idct};

/// The row-by-row index of each coefficient, in the order of the file.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

const RESTART_0: u8 = 0xd0;
const END_OF_IMAGE: u8 = 0xd9;

/// The scan of all components, with sides divided by `divisor`.
pub(crate) struct Scan<'a> {
    headers: &'a Headers<'a>,
    components: Vec<Component<'a>>,
    divisor: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(headers: &'a Headers<'_>, divisor: usize) -> Result<Self, Error> {
        let count = headers.frame.components.len();
        let components = (0..count).map(|index| Component::new(headers, index, divisor));
        let components = components.collect::<Option<_>>().ok_or(Error::Unsupported)?;
        Ok(Self { headers, components, divisor })
    }

    /// Writes R, G, B of each pixel into a buffer of the right length.
    pub(crate) fn decode(mut self, pixels: &mut [u8]) -> Result<(), Error> {
        let &Frame { width: full_width, across, down, .. } = &self.headers.frame;
        let restart_interval = self.headers.tables.restart_interval;
        let width = full_width.div_ceil(self.divisor);
        let (cosines, mut bits) = (Cosines::new(), BitReader::new(self.headers.entropy_coded));
        let (mut until_restart, mut restart) = (restart_interval, RESTART_0);
        for rows in pixels.chunks_mut(3 * width * down * 8 / self.divisor) {
            for mcu in 0..full_width.div_ceil(8 * across) {
                if restart_interval > 0 {
                    if until_restart == 0 {
                        if bits.marker()? != restart {
                            return Err(Error::Unsupported);
                        }
                        (until_restart, restart) =
                            (restart_interval, RESTART_0 | (restart + 1) & 7);
                        self.components.iter_mut().for_each(|component| component.last_dc = 0);
                    }
                    until_restart -= 1;
                }
                for component in &mut self.components {
                    component.decode_mcu(&cosines, &mut bits, mcu)?;
                }
            }
            bits.check()?;
            for (y, row) in rows.chunks_exact_mut(3 * width).enumerate() {
                self.write_row(y, row);
            }
        }
        // After the last MCU, the file may end without a marker. Another scan, or a DNL segment
        // with the height, needs a full decoder.
        match bits.marker() {
            Ok(END_OF_IMAGE) | Err(Error::Truncated) => Ok(()),
            _ => Err(Error::Unsupported),
        }
    }

    /// Converts one row of the current row of MCUs to RGB.
    fn write_row(&self, y: usize, row: &mut [u8]) {
        fn samples<'a>(component: &'a Component<'_>, y: usize) -> &'a [f32] {
            &component.plane[y * component.columns..]
        }
        let pixels = row.chunks_exact_mut(3).zip(samples(&self.components[0], y));
        let [cb, cr] = &self.components[1..] else {
            return pixels.for_each(|(pixel, &luma)| pixel.fill(to_byte(luma)));
        };
        let chroma = samples(cb, y).iter().zip(samples(cr, y));
        for ((pixel, luma), (cb, cr)) in pixels.zip(chroma) {
            // JFIF, for samples minus 128.
            pixel[0] = to_byte(luma + 1.402 * cr);
            pixel[1] = to_byte(luma - 0.344_136 * cb - 0.714_136 * cr);
            pixel[2] = to_byte(luma + 1.772 * cb);
        }
    }
}

struct Component<'a> {
    /// Blocks across and down in an MCU.
    blocks: [usize; 2],
    /// Samples across and down in a scaled block.
    samples: [usize; 2],
    idct: ScaledIdct,
    /// The IDCT needs only coefficients before this zigzag index.
    needed: usize,
    /// In zigzag order.
    quantization: [i32; 64],
    dc: &'a HuffmanTable,
    ac: &'a HuffmanTable,
    last_dc: i32,
    /// The width of the plane.
    columns: usize,
    /// One row of MCUs: samples minus 128.
    plane: Zeroizing<Vec<f32>>,
}

impl<'a> Component<'a> {
    /// `None` if a table is missing or invalid, or the samples have no IDCT.
    fn new(headers: &'a Headers<'_>, index: usize, divisor: usize) -> Option<Self> {
        let Headers { frame, scan, tables, .. } = headers;
        let component = &frame.components[index];
        let [dc, ac] = scan.table_numbers[index];
        // Subsampled components are scaled down less, so that all planes have the same size.
        let across = 8 / divisor * frame.across / component.across;
        let down = 8 / divisor * frame.down / component.down;
        let is_needed =
            |&index: &u8| usize::from(index) % 8 < across && usize::from(index) / 8 < down;
        let columns = frame.width.div_ceil(8 * frame.across) * frame.across * 8 / divisor;
        Some(Self {
            blocks: [component.across, component.down],
            samples: [across, down],
            idct: scaled_idct(across, down)?,
            needed: ZIGZAG.iter().rposition(is_needed)? + 1,
            quantization: *tables.quantization(component.quantization)?,
            dc: tables.dc(dc)?,
            ac: tables.ac(ac)?,
            last_dc: 0,
            columns,
            plane: Zeroizing::new(vec![0.0; columns * frame.down * 8 / divisor]),
        })
    }

    fn decode_mcu(
        &mut self,
        cosines: &Cosines,
        bits: &mut BitReader<'_>,
        mcu: usize,
    ) -> Result<(), Error> {
        for down in 0..self.blocks[1] {
            for across in 0..self.blocks[0] {
                let mut coefficients = Coefficients::default();
                self.read_block(bits, &mut coefficients)?;
                let column = (mcu * self.blocks[0] + across) * self.samples[0];
                let plane = &mut self.plane[down * self.samples[1] * self.columns + column..];
                (self.idct)(cosines, &coefficients, plane, self.columns);
            }
        }
        Ok(())
    }

    /// Reads the coefficients that the IDCT needs, and skips the rest of the block.
    #[inline(always)]
    fn read_block(
        &mut self,
        reader: &mut BitReader<'_>,
        coefficients: &mut Coefficients,
    ) -> Result<(), Error> {
        let (mut bits, table) = (*reader, self.ac);
        let (size, difference) = bits.symbol_and_value(self.dc)?;
        if size > 11 {
            return Err(Error::Unsupported);
        }
        self.last_dc = self.last_dc.wrapping_add(difference);
        coefficients.set(0, self.last_dc.wrapping_mul(self.quantization[0]));
        let mut index = 1;
        while index < self.needed {
            let (symbol, value) = bits.symbol_and_value(table)?;
            index += usize::from(symbol >> 4);
            if symbol & 15 == 0 {
                match symbol {
                    END_OF_BLOCK => index = 64,
                    SIXTEEN_ZEROS => index += 1,
                    _ => return Err(Error::Unsupported),
                }
            } else {
                let Some(&position) = ZIGZAG.get(index) else { return Err(Error::Unsupported) };
                coefficients.set(position, value.wrapping_mul(self.quantization[index]));
                index += 1;
            }
        }
        bits.skip_block(table, index)?;
        *reader = bits;
        Ok(())
    }
}

/// Rounds to the nearest integer through the lowest bits of the float's mantissa: `as u8` is
/// several times slower.
fn to_byte(sample: f32) -> u8 {
    const INTEGER_MANTISSA: f32 = 12_582_912.0;
    ((sample + 128.0).clamp(0.0, 255.0) + INTEGER_MANTISSA).to_bits() as u8
}
