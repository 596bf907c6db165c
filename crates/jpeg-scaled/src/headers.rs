//! Reads the segments before the entropy-coded data: tables, frame header, scan header.

use std::cell::OnceCell;

use crate::Error;
use crate::huffman::HuffmanTable;

const START_OF_IMAGE: [u8; 2] = [0xff, 0xd8];

/// The headers of a file with one scan.
pub(crate) struct Headers<'a> {
    pub(crate) frame: Frame,
    pub(crate) scan: ScanHeader,
    pub(crate) tables: Tables<'a>,
    pub(crate) entropy_coded: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, Error> {
        let mut tables = Tables::default();
        let mut frame = None;
        let (start, mut rest) = file.split_first_chunk::<2>().ok_or(Error::Truncated)?;
        if *start != START_OF_IMAGE {
            return Err(Error::Unsupported);
        }
        loop {
            let (marker, segment, after) = next_segment(rest)?;
            rest = after;
            match marker {
                0xc0 | 0xc1 if frame.is_none() => frame = Some(Frame::read(segment)?),
                0xc4 => tables.read_huffman(segment)?,
                0xdb => tables.read_quantization(segment)?,
                0xdd => tables.restart_interval = u32::from(u16_at(segment, 0)?),
                // Unless Adobe's segment says YCbCr, three components may be RGB.
                0xee if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => {
                    return Err(Error::Unsupported);
                }
                0xda => {
                    let frame = frame.ok_or(Error::Unsupported)?;
                    let scan = ScanHeader::read(segment, &frame)?;
                    return Ok(Self { frame, scan, tables, entropy_coded: rest });
                }
                // Application data and comments.
                0xe0..=0xef | 0xfe => {}
                _ => return Err(Error::Unsupported),
            }
        }
    }
}

/// The frame header.
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) components: Vec<FrameComponent>,
    /// The largest sampling factors: the blocks of an MCU across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
}

pub(crate) struct FrameComponent {
    id: u8,
    /// Sampling factors: the component's blocks in an MCU across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
    pub(crate) quantization: usize,
}

impl Frame {
    fn read(segment: &[u8]) -> Result<Self, Error> {
        let &[precision, _, _, _, _, count, ref components @ ..] = segment else {
            return Err(Error::Unsupported);
        };
        let (height, width) = (u16_at(segment, 1)?.into(), u16_at(segment, 3)?.into());
        let component = |part: &[u8]| FrameComponent {
            id: part[0],
            across: usize::from(part[1] >> 4),
            down: usize::from(part[1] & 15),
            quantization: part[2].into(),
        };
        let mut components: Vec<_> = components.chunks_exact(3).map(component).collect();
        // The blocks of a single component follow each other, whatever its sampling factors.
        if let [grey] = &mut components[..] {
            (grey.across, grey.down) = (1, 1);
        }
        let ids: Vec<_> = components.iter().map(|component| component.id).collect();
        let is_supported = |component: &FrameComponent| {
            (1..=2).contains(&component.across) && (1..=2).contains(&component.down)
        };
        let supported = precision == 8
            && width > 0
            && height > 0
            && components.len() == usize::from(count)
            && matches!(count, 1 | 3)
            && ids != *b"RGB"
            && components.iter().all(is_supported);
        let across = components.iter().map(|component| component.across).max().unwrap_or(1);
        let down = components.iter().map(|component| component.down).max().unwrap_or(1);
        supported
            .then_some(Self { width, height, components, across, down })
            .ok_or(Error::Unsupported)
    }
}

/// The scan header: the numbers of the DC and the AC table of each component of the frame.
pub(crate) struct ScanHeader {
    pub(crate) table_numbers: Vec<[u8; 2]>,
}

impl ScanHeader {
    /// Reads the header of a sequential scan of all components.
    fn read(segment: &[u8], frame: &Frame) -> Result<Self, Error> {
        let [count, rest @ ..] = segment else { return Err(Error::Unsupported) };
        let parts = rest.strip_suffix(&[0, 63, 0]).ok_or(Error::Unsupported)?;
        let ids = parts.iter().step_by(2).copied();
        let is_of_frame = usize::from(*count) == frame.components.len()
            && parts.len() == 2 * frame.components.len()
            && ids.eq(frame.components.iter().map(|component| component.id));
        let table_numbers =
            parts.chunks_exact(2).map(|part| [part[1] >> 4, part[1] & 15]).collect();
        is_of_frame.then_some(Self { table_numbers }).ok_or(Error::Unsupported)
    }
}

/// The quantization and Huffman tables, each under the number by which headers refer to it.
#[derive(Default)]
pub(crate) struct Tables<'a> {
    /// In zigzag order.
    quantization: [Option<[i32; 64]>; 4],
    dc: [Option<TableSegment<'a>>; 4],
    ac: [Option<TableSegment<'a>>; 4],
    /// In MCUs; 0 without restarts.
    pub(crate) restart_interval: u32,
}

/// A Huffman table as it is in the file. It is built when a scan uses it: a file may define 200,000
/// tables that no scan uses.
struct TableSegment<'a> {
    counts: &'a [u8; 16],
    symbols: &'a [u8],
    table: OnceCell<Option<HuffmanTable>>,
}

impl<'a> Tables<'a> {
    pub(crate) fn quantization(&self, number: usize) -> Option<&[i32; 64]> {
        self.quantization.get(number)?.as_ref()
    }

    pub(crate) fn dc(&self, number: u8) -> Option<&HuffmanTable> {
        self.dc.get(usize::from(number))?.as_ref()?.table()
    }

    pub(crate) fn ac(&self, number: u8) -> Option<&HuffmanTable> {
        self.ac.get(usize::from(number))?.as_ref()?.table()
    }

    fn read_quantization(&mut self, mut segment: &[u8]) -> Result<(), Error> {
        while let [kind, rest @ ..] = segment {
            let is_wide = kind >> 4 != 0;
            let length = if is_wide { 128 } else { 64 };
            let values = rest.get(..length).ok_or(Error::Unsupported)?;
            let value =
                |i: usize| if is_wide { u16_at(values, 2 * i) } else { Ok(values[i].into()) };
            let table =
                self.quantization.get_mut(usize::from(kind & 15)).ok_or(Error::Unsupported)?;
            let mut quantization = [0; 64];
            for (i, quantization) in quantization.iter_mut().enumerate() {
                *quantization = i32::from(value(i)?);
            }
            *table = Some(quantization);
            segment = &rest[length..];
        }
        Ok(())
    }

    fn read_huffman(&mut self, mut segment: &'a [u8]) -> Result<(), Error> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Error::Unsupported)?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(..length).ok_or(Error::Unsupported)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let table = tables.get_mut(usize::from(kind & 15)).ok_or(Error::Unsupported)?;
            *table = Some(TableSegment { counts, symbols, table: OnceCell::new() });
            segment = &rest[length..];
        }
        Ok(())
    }
}

impl TableSegment<'_> {
    fn table(&self) -> Option<&HuffmanTable> {
        self.table.get_or_init(|| HuffmanTable::new(self.counts, self.symbols)).as_ref()
    }
}

/// A marker, its segment, and the bytes after it.
fn next_segment(rest: &[u8]) -> Result<(u8, &[u8], &[u8]), Error> {
    let fill_bytes = rest.iter().position(|&byte| byte != 0xff).ok_or(Error::Truncated)?;
    if fill_bytes == 0 {
        return Err(Error::Unsupported);
    }
    let (marker, rest) = (rest[fill_bytes], &rest[fill_bytes + 1..]);
    let length = usize::from(u16_at(rest, 0)?);
    let error = if length < 2 { Error::Unsupported } else { Error::Truncated };
    let segment = rest.get(2..length).ok_or(error)?;
    Ok((marker, segment, &rest[length..]))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Error> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.map(|&bytes| u16::from_be_bytes(bytes)).ok_or(Error::Truncated)
}
