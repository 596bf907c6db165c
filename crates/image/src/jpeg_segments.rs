//! Finds the segments of a JPEG.

use memchr::{memchr, memchr_iter};

pub(crate) const APP0: u8 = 0xe0;
pub(crate) const APP1: u8 = 0xe1;
pub(crate) const APP14: u8 = 0xee;
pub(crate) const APP15: u8 = 0xef;
pub(crate) const COMMENT: u8 = 0xfe;
pub(crate) const HUFFMAN_TABLES: u8 = 0xc4;
pub(crate) const SCAN: u8 = 0xda;
pub(crate) const RESTART_INTERVAL: u8 = 0xdd;

/// A marker with a length and content.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// The segment from the `FF` of its marker on.
    pub(crate) bytes: &'a [u8],
    /// Whether bytes before it belong to no segment.
    pub(crate) follows_stray_bytes: bool,
    /// The rest of the file.
    pub(crate) after: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads the segment that begins here. `None` for a byte that is not part of one, and for a
    /// marker without a segment, which decoders treat differently.
    pub(crate) fn read(rest: &'a [u8]) -> Option<Self> {
        let fill_bytes = rest.iter().position(|&byte| byte != 0xff).filter(|&count| count > 0)?;
        let rest = &rest[fill_bytes - 1..];
        let &[_, marker, high, low, ..] = rest else { return None };
        if matches!(marker, 0..=0xbf | 0xd0..=0xd9 | 0xde..=0xdf | 0xf0..=0xfd) {
            return None;
        }
        let length = u16::from_be_bytes([high, low]);
        let (bytes, after) = rest.split_at_checked(2 + usize::from(length))?;
        (length >= 2).then_some(Self { marker, bytes, follows_stray_bytes: false, after })
    }

    /// Reads the next segment that libjpeg would. It skips bytes that belong to no segment, and
    /// markers that have none.
    fn find(mut rest: &'a [u8]) -> Option<Self> {
        let mut follows_stray_bytes = false;
        loop {
            let start = memchr(0xff, rest)?;
            let fill_bytes = rest[start..].iter().position(|&byte| byte != 0xff)?;
            follows_stray_bytes |= start > 0;
            if !matches!(rest[start + fill_bytes], 0 | 1 | 0xd0..=0xd7) {
                return Some(Self { follows_stray_bytes, ..Self::read(&rest[start..])? });
            }
            follows_stray_bytes = true;
            rest = &rest[start + fill_bytes + 1..];
        }
    }

    pub(crate) fn content(&self) -> &'a [u8] {
        &self.bytes[4..]
    }
}

/// The segments up to the header of the first scan, as libjpeg finds them. They end earlier if one
/// is malformed.
pub(crate) fn of_headers(file: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    up_to_scan(file.get(2..).unwrap_or_default())
}

/// The same, from here to the next scan.
pub(crate) fn up_to_scan(rest: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    std::iter::successors(Segment::find(rest), |segment| {
        if segment.marker == SCAN { None } else { Segment::find(segment.after) }
    })
}

/// The number of bytes before the next marker that is not a restart, `FF D0` to `FF D7`. `FF 00` is
/// data. Any number of `FF` may precede a marker.
pub(crate) fn entropy_coded_length(rest: &[u8]) -> usize {
    length_to(rest, |after| !matches!(after, 0 | 0xd0..=0xd7 | 0xff))
}

/// The same, but a restart counts as a marker like any other.
pub(crate) fn length_to_any_marker(rest: &[u8]) -> usize {
    length_to(rest, |after| !matches!(after, 0 | 0xff))
}

/// The number of bytes before the first `FF` whose next byte satisfies `is_end`.
fn length_to(rest: &[u8], is_end: impl Fn(u8) -> bool) -> usize {
    let ends = |&at: &usize| rest.get(at + 1).is_some_and(|&after| is_end(after));
    memchr_iter(0xff, rest).find(ends).unwrap_or(rest.len())
}
