//! Counts the bytes of the Huffman tables that image-webp builds for a lossless WebP (RFC 9649,
//! chapter 3).
//!
//! An image may have 65,536 groups of five codes, each with up to 70 KB of tables: 4 GB for a file
//! of 700 KB, whatever its size in pixels. So the stream is read up to its pixels, without building
//! a table.
//!
//! The report to file: `docs/upstream/image-webp-code-groups.md`.

/// The bytes that image-webp allocates for a group besides its tables.
const GROUP_BYTES: u64 = 512;
/// A code has a table of four bytes for each value of its first bits, at most this many bits. Each
/// symbol with a longer code has two nodes of sixteen bytes.
const TABLE_BITS: usize = 10;
const MAX_CODE_LENGTH: usize = 15;
/// The sizes of the alphabets: green, lengths and colour cache (whose size is added); red; blue;
/// alpha; distances.
const ALPHABET_SIZES: [usize; 5] = [256 + 24, 256, 256, 256, 40];
const CODE_LENGTH_ORDER: [usize; 19] =
    [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The bytes of all tables. Counting stops at the group that exceeds `max`. `None` if image-webp
/// fails on the codes.
pub(super) fn table_bytes(stream: &[u8], width: usize, height: usize, max: u64) -> Option<u64> {
    let mut stream = Stream { bytes: stream, position: 0 };
    let columns = stream.skip_transforms(width, height)?;
    let cache_size = stream.color_cache_size()?;
    let mut groups = 1;
    if stream.bits(1)? == 1 {
        let side = 4 << stream.bits(3)?;
        groups = stream.skip_image(columns.div_ceil(side) * height.div_ceil(side))? + 1;
    }
    let mut bytes = 0;
    for _ in 0..groups {
        let codes = stream.code_group(cache_size)?;
        bytes += GROUP_BYTES + codes.iter().map(Code::table_bytes).sum::<u64>();
        if bytes > max {
            break;
        }
    }
    Some(bytes)
}

/// A bit stream: the lowest bit of each byte comes first.
struct Stream<'a> {
    bytes: &'a [u8],
    /// In bits.
    position: usize,
}

impl Stream<'_> {
    fn bits(&mut self, count: usize) -> Option<usize> {
        let mut bits = 0;
        for i in 0..count {
            let byte = usize::from(*self.bytes.get(self.position / 8)?);
            bits |= (byte >> (self.position % 8) & 1) << i;
            self.position += 1;
        }
        Some(bits)
    }

    /// Skips the transforms. Returns the number of pixel columns after them: a palette of few
    /// colours packs several pixels into one.
    fn skip_transforms(&mut self, width: usize, height: usize) -> Option<usize> {
        let mut columns = width;
        let mut seen = [false; 4];
        while self.bits(1)? == 1 {
            let kind = self.bits(2)?;
            if std::mem::replace(&mut seen[kind], true) {
                return None;
            }
            match kind {
                // The predictor and the colour transform.
                0 | 1 => {
                    let side = 4 << self.bits(3)?;
                    self.skip_image(columns.div_ceil(side) * height.div_ceil(side))?;
                }
                // Subtract green.
                2 => {}
                // Colour indexing.
                _ => {
                    let colours = self.bits(8)? + 1;
                    self.skip_image(colours)?;
                    let packed = match colours {
                        1..=2 => 8,
                        3..=4 => 4,
                        5..=16 => 2,
                        _ => 1,
                    };
                    columns = columns.div_ceil(packed);
                }
            }
        }
        Some(columns)
    }

    fn color_cache_size(&mut self) -> Option<usize> {
        if self.bits(1)? == 0 {
            return Some(0);
        }
        let bits = self.bits(4)?;
        (1..=11).contains(&bits).then_some(1 << bits)
    }

    fn code_group(&mut self, cache_size: usize) -> Option<[Code; 5]> {
        let [first, others @ ..] = ALPHABET_SIZES;
        let first = self.code(first + cache_size)?;
        let [a, b, c, d] = others.map(|size| self.code(size));
        Some([first, a?, b?, c?, d?])
    }

    fn code(&mut self, alphabet_size: usize) -> Option<Code> {
        if self.bits(1)? == 1 {
            let has_two = self.bits(1)? == 1;
            let is_wide = self.bits(1)? == 1;
            let first = self.bits(if is_wide { 8 } else { 1 })?;
            let second = if has_two { Some(self.bits(8)?) } else { None };
            return (first.max(second.unwrap_or(0)) < alphabet_size)
                .then(|| Code::simple(first, second));
        }
        let mut lengths = [0; CODE_LENGTH_ORDER.len()];
        for &length in &CODE_LENGTH_ORDER[..4 + self.bits(4)?] {
            lengths[length] = self.bits(3)?;
        }
        Code::new(&self.code_lengths(&Code::new(&lengths)?, alphabet_size)?)
    }

    fn code_lengths(&mut self, code: &Code, alphabet_size: usize) -> Option<Vec<usize>> {
        let mut reads = alphabet_size;
        if self.bits(1)? == 1 {
            let bits = 2 + 2 * self.bits(3)?;
            reads = 2 + self.bits(bits)?;
            if reads > alphabet_size {
                return None;
            }
        }
        let mut lengths = Vec::with_capacity(alphabet_size);
        let mut last = 8;
        for _ in 0..reads {
            if lengths.len() == alphabet_size {
                break;
            }
            let (times, length) = match self.symbol(code)? {
                16 => (3 + self.bits(2)?, last),
                17 => (3 + self.bits(3)?, 0),
                18 => (11 + self.bits(7)?, 0),
                length => (1, length),
            };
            if length > 0 {
                last = length;
            }
            lengths.extend(std::iter::repeat_n(length, times));
            if lengths.len() > alphabet_size {
                return None;
            }
        }
        lengths.resize(alphabet_size, 0);
        Some(lengths)
    }

    fn symbol(&mut self, code: &Code) -> Option<usize> {
        if let [only] = code.symbols[..] {
            return Some(only.into());
        }
        let (mut bits, mut first, mut index) = (0, 0, 0);
        for &count in &code.counts[1..] {
            bits = bits << 1 | self.bits(1)?;
            if bits - first < count {
                return code.symbols.get(index + bits - first).map(|&symbol| symbol.into());
            }
            index += count;
            first = (first + count) << 1;
        }
        None
    }

    /// Skips an entropy-coded image of `count` pixels that belongs to a transform or numbers the
    /// code groups. Returns the largest group number, which red and green hold: pixels that are
    /// copied or come from the colour cache repeat earlier ones.
    fn skip_image(&mut self, count: usize) -> Option<usize> {
        let cache_size = self.color_cache_size()?;
        let [green, red, blue, alpha, distance] = self.code_group(cache_size)?;
        let (mut pixels, mut largest) = (0, 0);
        while pixels < count {
            match self.symbol(&green)? {
                value @ ..256 => {
                    largest = largest.max(self.symbol(&red)? << 8 | value);
                    self.symbol(&blue)?;
                    self.symbol(&alpha)?;
                    pixels += 1;
                }
                value @ 256..280 => {
                    pixels += self.distance(value - 256)?;
                    let distance = self.symbol(&distance)?;
                    self.distance(distance)?;
                }
                _ => pixels += 1,
            }
        }
        (pixels == count).then_some(largest)
    }

    /// A length or a distance: a prefix symbol, then extra bits.
    fn distance(&mut self, symbol: usize) -> Option<usize> {
        if symbol < 4 {
            return Some(symbol + 1);
        }
        let bits = (symbol - 2) >> 1;
        Some(((2 + (symbol & 1)) << bits) + self.bits(bits)? + 1)
    }
}

/// A canonical prefix code. The code of a single symbol takes no bits.
struct Code {
    /// The number of codes of each length in bits.
    counts: [usize; MAX_CODE_LENGTH + 1],
    /// In the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// A code of one symbol, or of two in this order.
    fn simple(first: usize, second: Option<usize>) -> Self {
        let symbols: Vec<_> =
            [first].into_iter().chain(second).map(|symbol| symbol as u16).collect();
        let mut counts = [0; MAX_CODE_LENGTH + 1];
        counts[1] = symbols.len();
        Self { counts, symbols }
    }

    /// The code in which each symbol has this length in bits, or 0 if it has no code. `None` if the
    /// lengths do not fill the code space.
    fn new(lengths: &[usize]) -> Option<Self> {
        let mut counts = [0; MAX_CODE_LENGTH + 1];
        lengths.iter().for_each(|&length| counts[length] += 1);
        counts[0] = 0;
        let mut symbols: Vec<_> =
            (0..lengths.len() as u16).filter(|&symbol| lengths[usize::from(symbol)] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[usize::from(symbol)]);
        let space: usize =
            (1..=MAX_CODE_LENGTH).map(|length| counts[length] << (MAX_CODE_LENGTH - length)).sum();
        (symbols.len() == 1 || space == 1 << MAX_CODE_LENGTH).then_some(Self { counts, symbols })
    }

    fn table_bytes(&self) -> u64 {
        if self.symbols.len() == 1 {
            return 0;
        }
        let longest = (1..=MAX_CODE_LENGTH).rfind(|&length| self.counts[length] > 0).unwrap_or(1);
        let in_nodes: usize = self.counts[TABLE_BITS + 1..].iter().sum();
        (4 << longest.min(TABLE_BITS)) + 2 * 16 * in_nodes as u64
    }
}
