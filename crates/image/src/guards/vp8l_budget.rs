//! How much memory image-webp takes for the prefix codes of a lossless WebP, known before it does (RFC 9649, chapter 3).
//!
//! A picture may have 65,536 groups of five codes, each with up to 70 KB of tables: 4 GB for a file of 700 KB, whatever its size in
//! pixels. So the stream is read up to its pixels, with no table made.

/// Beside the tables, for a group.
const GROUP_BYTES: u64 = 512;
/// Codes of up to so many bits have a table of four bytes for each value of these bits, longer ones two nodes of sixteen bytes.
const TABLE_BITS: usize = 10;
const LONGEST: usize = 15;
/// Green, or how far to copy, or a place in the cache of colours; red; blue; alpha; from where to copy.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];
const CODE_LENGTH_ORDER: [usize; 19] =
    [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The bytes of all tables, or so many that they are more than `most`. `None` where image-webp fails too.
pub(super) fn table_bytes(stream: &[u8], width: usize, height: usize, most: u64) -> Option<u64> {
    let mut stream = Stream { bytes: stream, at: 0 };
    let across = stream.pass_transforms(width, height)?;
    let cached = stream.cached_colours()?;
    let mut groups = 1;
    if stream.bits(1)? == 1 {
        let side = 4 << stream.bits(3)?;
        groups = stream.pass_pixels(across.div_ceil(side) * height.div_ceil(side))? + 1;
    }
    let mut bytes = 0;
    for _ in 0..groups {
        let codes = stream.codes(cached)?;
        bytes += GROUP_BYTES + codes.iter().map(Code::table_bytes).sum::<u64>();
        if bytes > most {
            break;
        }
    }
    Some(bytes)
}

/// Bits, the lowest of each byte first.
struct Stream<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Stream<'_> {
    fn bits(&mut self, count: usize) -> Option<usize> {
        let mut bits = 0;
        for i in 0..count {
            let byte = usize::from(*self.bytes.get(self.at / 8)?);
            bits |= (byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Some(bits)
    }

    /// How many columns of pixels there are after the transforms, which may join pixels of few colours.
    fn pass_transforms(&mut self, width: usize, height: usize) -> Option<usize> {
        let mut across = width;
        let mut seen = [false; 4];
        while self.bits(1)? == 1 {
            let kind = self.bits(2)?;
            if std::mem::replace(&mut seen[kind], true) {
                return None;
            }
            match kind {
                // Predictors; colours from each other.
                0 | 1 => {
                    let side = 4 << self.bits(3)?;
                    self.pass_pixels(across.div_ceil(side) * height.div_ceil(side))?;
                }
                // Green is subtracted.
                2 => {}
                // A palette.
                _ => {
                    let colours = self.bits(8)? + 1;
                    self.pass_pixels(colours)?;
                    let joined = match colours {
                        1..=2 => 8,
                        3..=4 => 4,
                        5..=16 => 2,
                        _ => 1,
                    };
                    across = across.div_ceil(joined);
                }
            }
        }
        Some(across)
    }

    /// How many colours the cache holds.
    fn cached_colours(&mut self) -> Option<usize> {
        if self.bits(1)? == 0 {
            return Some(0);
        }
        let bits = self.bits(4)?;
        (1..=11).contains(&bits).then_some(1 << bits)
    }

    fn codes(&mut self, cached_colours: usize) -> Option<[Code; 5]> {
        let [first, others @ ..] = ALPHABETS;
        let first = self.code(first + cached_colours)?;
        let [a, b, c, d] = others.map(|symbols| self.code(symbols));
        Some([first, a?, b?, c?, d?])
    }

    fn code(&mut self, symbols: usize) -> Option<Code> {
        if self.bits(1)? == 1 {
            let two = self.bits(1)? == 1;
            let wide = self.bits(1)? == 1;
            let first = self.bits(if wide { 8 } else { 1 })?;
            let second = if two { Some(self.bits(8)?) } else { None };
            return (first.max(second.unwrap_or(0)) < symbols).then(|| Code::simple(first, second));
        }
        let mut lengths = [0; CODE_LENGTH_ORDER.len()];
        for &length in &CODE_LENGTH_ORDER[..4 + self.bits(4)?] {
            lengths[length] = self.bits(3)?;
        }
        Code::new(&self.code_lengths(&Code::new(&lengths)?, symbols)?)
    }

    fn code_lengths(&mut self, code: &Code, symbols: usize) -> Option<Vec<usize>> {
        let mut reads = symbols;
        if self.bits(1)? == 1 {
            let bits = 2 + 2 * self.bits(3)?;
            reads = 2 + self.bits(bits)?;
            if reads > symbols {
                return None;
            }
        }
        let mut lengths = Vec::with_capacity(symbols);
        let mut last = 8;
        for _ in 0..reads {
            if lengths.len() == symbols {
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
            if lengths.len() > symbols {
                return None;
            }
        }
        lengths.resize(symbols, 0);
        Some(lengths)
    }

    fn symbol(&mut self, code: &Code) -> Option<usize> {
        if let [only] = code.symbols[..] {
            return Some(only.into());
        }
        let (mut bits, mut first, mut place) = (0, 0, 0);
        for &count in &code.counts[1..] {
            bits = bits << 1 | self.bits(1)?;
            if bits - first < count {
                return code.symbols.get(place + bits - first).map(|&symbol| symbol.into());
            }
            place += count;
            first = (first + count) << 1;
        }
        None
    }

    /// Passes over an image of so many pixels that is not the picture. The largest number that the red and green of a pixel have
    /// together: pixels that are copied, or taken from the cache of colours, have been there before.
    fn pass_pixels(&mut self, count: usize) -> Option<usize> {
        let cached = self.cached_colours()?;
        let [green, red, blue, alpha, distance] = self.codes(cached)?;
        let (mut at, mut largest) = (0, 0);
        while at < count {
            match self.symbol(&green)? {
                value @ ..256 => {
                    largest = largest.max(self.symbol(&red)? << 8 | value);
                    self.symbol(&blue)?;
                    self.symbol(&alpha)?;
                    at += 1;
                }
                value @ 256..280 => {
                    at += self.distance(value - 256)?;
                    let distance = self.symbol(&distance)?;
                    self.distance(distance)?;
                }
                _ => at += 1,
            }
        }
        (at == count).then_some(largest)
    }

    fn distance(&mut self, symbol: usize) -> Option<usize> {
        if symbol < 4 {
            return Some(symbol + 1);
        }
        let bits = (symbol - 2) >> 1;
        Some(((2 + (symbol & 1)) << bits) + self.bits(bits)? + 1)
    }
}

/// A canonical prefix code: how many symbols have codes of 1, 2 … 15 bits, and the symbols in the order of their codes. A single symbol
/// takes no bits.
struct Code {
    counts: [usize; LONGEST + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// One symbol, or two in this order.
    fn simple(first: usize, second: Option<usize>) -> Self {
        let symbols: Vec<_> =
            [first].into_iter().chain(second).map(|symbol| symbol as u16).collect();
        let mut counts = [0; LONGEST + 1];
        counts[1] = symbols.len();
        Self { counts, symbols }
    }

    /// From each symbol's length in bits; 0 for those that are not there. `None` where the codes are too many or too few.
    fn new(lengths: &[usize]) -> Option<Self> {
        let mut counts = [0; LONGEST + 1];
        lengths.iter().for_each(|&length| counts[length] += 1);
        counts[0] = 0;
        let mut symbols: Vec<_> =
            (0..lengths.len() as u16).filter(|&symbol| lengths[usize::from(symbol)] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[usize::from(symbol)]);
        let space: usize = (1..=LONGEST).map(|length| counts[length] << (LONGEST - length)).sum();
        (symbols.len() == 1 || space == 1 << LONGEST).then_some(Self { counts, symbols })
    }

    fn table_bytes(&self) -> u64 {
        if self.symbols.len() == 1 {
            return 0;
        }
        let longest = (1..=LONGEST).rfind(|&length| self.counts[length] > 0).unwrap_or(1);
        let in_nodes: usize = self.counts[TABLE_BITS + 1..].iter().sum();
        (4 << longest.min(TABLE_BITS)) + 2 * 16 * in_nodes as u64
    }
}
