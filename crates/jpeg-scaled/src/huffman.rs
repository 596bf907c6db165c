//! Reads Huffman codes and the values after them from entropy-coded data (ITU-T T.81, F.2.2).

use crate::Error;

/// Codes of up to this many bits take one table lookup. In photos, nine codes in ten do.
const LOOKUP_BITS: u32 = 10;
/// Coefficients are skipped several at a time, as many as fit in this many bits.
const SKIP_BITS: u32 = 12;
/// The symbol after which a block has no more coefficients. In other AC symbols, the upper half is
/// a number of zeros, and the lower half is the size in bits of the coefficient after them.
pub(crate) const END_OF_BLOCK: u8 = 0;
/// The symbol for sixteen zeros without a coefficient after them.
pub(crate) const SIXTEEN_ZEROS: u8 = 0xf0;

/// Reads bits up to the next marker.
///
/// It is `Copy`, because a local copy stays in registers.
#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    position: usize,
    /// The next bits, the first one highest.
    bits: u64,
    /// The number of valid bits in `bits`.
    count: u32,
    /// How many of these bits are padding: zeros after the end of the data.
    padding: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0, bits: 0, count: 0, padding: 0 }
    }

    /// The next symbol, and the value after it, whose size in bits is the symbol's lower half.
    #[inline(always)]
    pub(crate) fn symbol_and_value(&mut self, table: &HuffmanTable) -> Result<(u8, i32), Error> {
        let code = self.code(table)?;
        let value = if code.total_bits <= LOOKUP_BITS { code.value } else { code.value(self.bits) };
        self.consume(code.total_bits);
        Ok((code.symbol, value))
    }

    /// Skips the coefficients of a block from an index on.
    #[inline(always)]
    pub(crate) fn skip_block(
        &mut self,
        table: &HuffmanTable,
        mut index: usize,
    ) -> Result<(), Error> {
        while index < 64 {
            self.refill();
            let run = table.runs[(self.bits >> (64 - SKIP_BITS)) as usize];
            let after = index + usize::from(run.coefficients);
            if run.bits > 0 && after < 64 {
                self.consume(run.bits.into());
                index = if run.ends_block { 64 } else { after };
            } else {
                let Code { symbol, total_bits, .. } = self.code(table)?;
                self.consume(total_bits);
                index =
                    if symbol == END_OF_BLOCK { 64 } else { index + usize::from(symbol >> 4) + 1 };
            }
        }
        Ok(())
    }

    /// Fails if more bits were read than the data has before its next marker or its end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.count >= self.padding {
            return Ok(());
        }
        let is_truncated = self.position + 1 >= self.data.len();
        Err(if is_truncated { Error::Truncated } else { Error::Unsupported })
    }

    /// Reads the marker at which the entropy-coded data ends, and continues after it.
    pub(crate) fn marker(&mut self) -> Result<u8, Error> {
        self.check()?;
        while let [0xff, 0xff, ..] = self.data[self.position..] {
            self.position += 1;
        }
        let marker = match self.data[self.position..] {
            [0xff, marker, ..] if marker != 0 => marker,
            [] | [0xff] => return Err(Error::Truncated),
            _ => return Err(Error::Unsupported),
        };
        *self = Self { position: self.position + 2, ..Self::new(self.data) };
        Ok(marker)
    }

    /// The next code, of at most 31 bits with its value.
    #[inline(always)]
    fn code(&mut self, table: &HuffmanTable) -> Result<Code, Error> {
        self.refill();
        let code = Code::from(table.short[(self.bits >> (64 - LOOKUP_BITS)) as usize]);
        if code.length == 0 { table.long((self.bits >> 48) as u32) } else { Ok(code) }
    }

    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.bits <<= bits;
        self.count -= bits;
    }

    /// Fills up to at least 32 bits.
    #[inline(always)]
    fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(&bytes) = self.data.get(self.position..).and_then(|rest| rest.first_chunk()) {
            let word = u32::from_be_bytes(bytes);
            // True if no byte is 0xff: then no byte of the complement is zero.
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.bits |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.position += 4;
                return;
            }
        }
        *self = self.refilled_by_bytes();
    }

    #[cold]
    fn refilled_by_bytes(mut self) -> Self {
        while self.count <= 56 {
            let byte = match self.data[self.position..] {
                // A data byte of 0xff is followed by a zero. Without it, a marker begins.
                [0xff, 0, ..] => {
                    self.position += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.padding += 8;
                    0
                }
                [byte, ..] => {
                    self.position += 1;
                    byte
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }
}

/// A Huffman table, prepared for decoding.
pub(crate) struct HuffmanTable {
    /// Indexed by the next [`LOOKUP_BITS`] bits: the packed [`Code`] at their start, or 0 if it is
    /// longer.
    short: Box<[u32; 1 << LOOKUP_BITS]>,
    /// For each length, the first code that is longer, aligned to 16 bits.
    ends: [u32; 17],
    /// For each length, the difference between the index of a symbol and its code.
    offsets: [i32; 17],
    symbols: Vec<u8>,
    /// Indexed by the next [`SKIP_BITS`] bits: the whole coefficients at their start.
    runs: Box<[Run; 1 << SKIP_BITS]>,
}

impl HuffmanTable {
    /// Builds a table from the number of codes of 1, 2 … 16 bits, and the symbols in the order of
    /// their codes. `None` if there are more codes than lengths allow, or too few symbols.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            short: Box::new([0; 1 << LOOKUP_BITS]),
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
            runs: Box::new([Run::default(); 1 << SKIP_BITS]),
        };
        let (mut code, mut first) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offsets[length as usize] = first as i32 - code as i32;
            for &symbol in symbols.get(first..first + count)? {
                if code >> length != 0 {
                    return None;
                }
                if length <= LOOKUP_BITS {
                    let free_bits = LOOKUP_BITS - length;
                    let start = code << free_bits;
                    for bits in start..start + (1 << free_bits) {
                        let mut code = Code::new(symbol, length);
                        if code.total_bits <= LOOKUP_BITS {
                            code.value = code.value(u64::from(bits) << (64 - LOOKUP_BITS));
                        }
                        table.short[bits as usize] = code.into();
                    }
                }
                code += 1;
            }
            table.ends[length as usize] = code << (16 - length);
            first += count;
            code <<= 1;
        }
        for bits in 0..1 << SKIP_BITS {
            table.runs[bits] = table.run(bits);
        }
        Some(table)
    }

    fn run(&self, bits: usize) -> Run {
        let mut run = Run::default();
        loop {
            let rest = bits << run.bits & ((1 << SKIP_BITS) - 1);
            let code = Code::from(self.short[rest >> (SKIP_BITS - LOOKUP_BITS)]);
            if code.length == 0 || u32::from(run.bits) + code.total_bits > SKIP_BITS {
                return run;
            }
            run.bits += code.total_bits as u8;
            if code.symbol == END_OF_BLOCK {
                return Run { ends_block: true, ..run };
            }
            run.coefficients += (code.symbol >> 4) + 1;
        }
    }

    /// The code of more than [`LOOKUP_BITS`] bits at the start of these 16.
    #[cold]
    fn long(&self, bits: u32) -> Result<Code, Error> {
        let length = (LOOKUP_BITS + 1..=16)
            .find(|&length| bits < self.ends[length as usize])
            .ok_or(Error::Unsupported)?;
        let index = (bits >> (16 - length)) as i32 + self.offsets[length as usize];
        let symbol = usize::try_from(index).ok().and_then(|index| self.symbols.get(index));
        symbol.map(|&symbol| Code::new(symbol, length)).ok_or(Error::Unsupported)
    }
}

/// Whole coefficients at the start of [`SKIP_BITS`] bits.
#[derive(Clone, Copy, Default)]
struct Run {
    bits: u8,
    coefficients: u8,
    ends_block: bool,
}

struct Code {
    symbol: u8,
    /// The length of the code in bits.
    length: u32,
    /// The length of the code and the value after it, at most 31 bits.
    total_bits: u32,
    /// The value, if `total_bits` is at most [`LOOKUP_BITS`].
    value: i32,
}

impl Code {
    fn new(symbol: u8, length: u32) -> Self {
        Self { symbol, length, total_bits: length + u32::from(symbol & 15), value: 0 }
    }

    /// The value after this code, from bits that begin with the code (T.81, F.2.2.1, EXTEND).
    #[inline(always)]
    fn value(&self, bits: u64) -> i32 {
        let size = u32::from(self.symbol & 15);
        // Two shifts: shifting a u64 by 64 would overflow.
        let magnitude = (bits << self.length >> 1 >> (63 - size)) as i32;
        let is_negative = magnitude < 1 << size >> 1;
        if is_negative { magnitude + 1 - (1 << size) } else { magnitude }
    }
}

impl From<u32> for Code {
    #[inline(always)]
    fn from(packed: u32) -> Self {
        Self {
            symbol: (packed >> 10) as u8,
            length: packed >> 5 & 31,
            total_bits: packed & 31,
            value: packed as i32 >> 18,
        }
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> Self {
        (code.value << 18) as u32
            | u32::from(code.symbol) << 10
            | code.length << 5
            | code.total_bits
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `0`: a value of 4 bits; `10`: no value; `110`: 1 bit; `1110…`, 12 bits long: 2 bits.
    fn table() -> HuffmanTable {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        HuffmanTable::new(&counts, &[4, 0x10, 0x21, 0xf2]).unwrap()
    }

    #[test]
    fn codes_and_values() {
        // 0 1001, 0 0110, 10, 110 0, 111000000000 11, then ones up to the end of the byte.
        let data = [0b0100_1001, 0b1010_1100, 0b1110_0000, 0b0000_1111, 0xff, 0xd9];
        let (table, mut bits) = (table(), BitReader::new(&data));
        let read: Vec<_> = (0..5).map(|_| bits.symbol_and_value(&table).unwrap()).collect();
        assert_eq!(read, [(4, 9), (4, -9), (0x10, 0), (0x21, -1), (0xf2, 3)]);
        assert_eq!(bits.marker(), Ok(0xd9));
    }

    #[test]
    fn the_zero_after_a_stuffed_byte_is_not_data() {
        let data = [0b0111_1011, 0xff, 0x00, 0xff, 0xd0, 0b0111_1000, 0xff, 0xd9];
        let (table, mut bits) = (table(), BitReader::new(&data));
        assert_eq!(bits.symbol_and_value(&table), Ok((4, 15)));
        assert_eq!(bits.symbol_and_value(&table), Ok((4, 15)), "ends in the stuffed byte");
        assert_eq!(bits.marker(), Ok(0xd0));
        assert_eq!(bits.symbol_and_value(&table), Ok((4, 15)));
        assert!(bits.check().is_ok());
    }

    #[test]
    fn a_block_is_skipped() {
        // 0: the end; 10: one zero, then a coefficient of 2 bits; 110: a coefficient of 8 bits.
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2]) = (1, 1, 1);
        let table = HuffmanTable::new(&counts, &[END_OF_BLOCK, 0x12, 0x08]).unwrap();
        // 10 11, 110 10101010, 10 00, 0, and the next block.
        let data = [0b1011_1101, 0b0101_0101, 0b0000_1011, 0xff, 0xd9];
        let mut bits = BitReader::new(&data);
        bits.skip_block(&table, 1).unwrap();
        assert_eq!(bits.symbol_and_value(&table), Ok((0x12, 3)));
        // From coefficient 62, the block ends after 10 11.
        let mut bits = BitReader::new(&data);
        bits.skip_block(&table, 62).unwrap();
        assert_eq!(bits.symbol_and_value(&table), Ok((0x08, 0xaa)));
    }

    #[test]
    fn the_end_of_the_file_is_told_from_a_marker() {
        for (data, error) in [
            (&[0b0100_1111][..], Error::Truncated),
            (&[0b0100_1111, 0xff, 0xd9, 0, 0], Error::Unsupported),
        ] {
            let (table, mut bits) = (table(), BitReader::new(data));
            for _ in 0..3 {
                bits.symbol_and_value(&table).unwrap();
            }
            assert_eq!(bits.check(), Err(error));
        }
    }

    #[test]
    fn overfull_and_incomplete_tables_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(HuffmanTable::new(&counts, &[1, 2, 3]).is_none());
        assert!(HuffmanTable::new(&counts, &[1, 2]).is_none());
    }
}
