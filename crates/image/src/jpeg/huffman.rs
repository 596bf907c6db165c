//! The bits of entropy-coded data, and the Huffman codes in them (ITU-T T.81, annex F.2.2).

use super::scaled_decode::Refusal;

/// Codes of up to so many bits are found by one look into a table. Nine in ten have fewer.
const LOOK: u32 = 10;
/// Whole codes with their values within so many bits are passed over together.
const STRIDE: u32 = 12;
/// What a code of coefficients says beside "so many zeros, then a value of so many bits".
pub(super) const END_OF_BLOCK: u8 = 0;
pub(super) const SIXTEEN_ZEROS: u8 = 0xf0;

/// A Huffman table.
pub(super) struct Codes {
    /// By the next bits: the code that they begin with; 0 for longer ones.
    short: Box<[u32; 1 << LOOK]>,
    /// Of each length, what follows its last code, filled up to 16 bits; and what leads from a code to its symbol.
    ends: [u32; 17],
    offsets: [i32; 17],
    symbols: Vec<u8>,
    /// By the next bits: what they hold in whole codes of coefficients with their values.
    strides: Box<[Stride; 1 << STRIDE]>,
}

/// Some coefficients.
#[derive(Clone, Copy, Default)]
struct Stride {
    bits: u8,
    coefficients: u8,
    /// Whether the block ends with them.
    ends: bool,
}

struct Code {
    symbol: u8,
    /// In bits.
    length: u32,
    /// Together with the value that follows, up to 31.
    with_value: u32,
    /// What follows, where both are within `LOOK` bits.
    value: i32,
}

impl Code {
    fn new(symbol: u8, length: u32) -> Self {
        Self { symbol, length, with_value: length + u32::from(symbol & 15), value: 0 }
    }

    /// The value that follows the code in these bits, the first one highest.
    #[inline(always)]
    fn value(&self, next: u64) -> i32 {
        let size = u32::from(self.symbol & 15);
        // In two steps, for no bits are none of 64.
        let bits = (next << self.length >> 1 >> (63 - size)) as i32;
        // Of numbers that begin with 0, the negative ones count from below.
        let is_negative = bits < 1 << size >> 1;
        if is_negative { bits + 1 - (1 << size) } else { bits }
    }
}

impl From<u32> for Code {
    #[inline(always)]
    fn from(packed: u32) -> Self {
        Self {
            symbol: (packed >> 10) as u8,
            length: packed >> 5 & 31,
            with_value: packed & 31,
            value: packed as i32 >> 18,
        }
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> Self {
        (code.value << 18) as u32
            | u32::from(code.symbol) << 10
            | code.length << 5
            | code.with_value
    }
}

impl Codes {
    /// From how many codes have 1, 2 … 16 bits, and the symbols in their order. `None` where the codes do not fit.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            short: Box::new([0; 1 << LOOK]),
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
            strides: Box::new([Stride::default(); 1 << STRIDE]),
        };
        let (mut code, mut first) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offsets[length as usize] = first as i32 - code as i32;
            for &symbol in symbols.get(first..first + count)? {
                if code >> length != 0 {
                    return None;
                }
                if length <= LOOK {
                    let (from, span) = (code << (LOOK - length), 1 << (LOOK - length));
                    for next in from..from + span {
                        let mut code = Code::new(symbol, length);
                        if code.with_value <= LOOK {
                            code.value = code.value(u64::from(next) << (64 - LOOK));
                        }
                        table.short[next as usize] = code.into();
                    }
                }
                code += 1;
            }
            table.ends[length as usize] = code << (16 - length);
            first += count;
            code <<= 1;
        }
        for next in 0..1 << STRIDE {
            table.strides[next] = table.stride(next);
        }
        Some(table)
    }

    fn stride(&self, next: usize) -> Stride {
        let mut stride = Stride::default();
        loop {
            let rest = next << stride.bits & ((1 << STRIDE) - 1);
            let code = Code::from(self.short[rest >> (STRIDE - LOOK)]);
            if code.length == 0 || u32::from(stride.bits) + code.with_value > STRIDE {
                return stride;
            }
            stride.bits += code.with_value as u8;
            if code.symbol == END_OF_BLOCK {
                return Stride { ends: true, ..stride };
            }
            stride.coefficients += (code.symbol >> 4) + 1;
        }
    }

    /// The code of more than `LOOK` bits that the next 16 bits begin with.
    #[cold]
    fn long(&self, next: u32) -> Result<Code, Refusal> {
        let length = (LOOK + 1..=16)
            .find(|&length| next < self.ends[length as usize])
            .ok_or(Refusal::Unusual)?;
        let place = (next >> (16 - length)) as i32 + self.offsets[length as usize];
        let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
        symbol.map(|&symbol| Code::new(symbol, length)).ok_or(Refusal::Unusual)
    }
}

/// Reads bits up to the next marker. A copy is cheap, and a copy of one's own stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, the first one highest.
    next: u64,
    /// How many of them there are.
    count: u32,
    /// How many of those are not in the data: zeros behind its end.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, next: 0, count: 0, beyond: 0 }
    }

    /// The symbol of the next code, and the bits that follow it: as many as the lower half of the symbol says, as the
    /// difference or coefficient that they stand for.
    #[inline(always)]
    pub(super) fn symbol_and_value(&mut self, codes: &Codes) -> Result<(u8, i32), Refusal> {
        let code = self.code(codes)?;
        let value = if code.with_value <= LOOK { code.value } else { code.value(self.next) };
        self.drop(code.with_value);
        Ok((code.symbol, value))
    }

    /// Passes over the rest of a block, from a coefficient on.
    #[inline(always)]
    pub(super) fn pass_block(
        &mut self,
        codes: &Codes,
        mut coefficient: usize,
    ) -> Result<(), Refusal> {
        while coefficient < 64 {
            self.fill_up();
            let stride = codes.strides[(self.next >> (64 - STRIDE)) as usize];
            let after = coefficient + usize::from(stride.coefficients);
            if stride.bits > 0 && after < 64 {
                self.drop(stride.bits.into());
                coefficient = if stride.ends { 64 } else { after };
            } else {
                let Code { symbol, with_value, .. } = self.code(codes)?;
                self.drop(with_value);
                coefficient = if symbol == END_OF_BLOCK {
                    64
                } else {
                    coefficient + usize::from(symbol >> 4) + 1
                };
            }
        }
        Ok(())
    }

    /// The next code, of up to 31 bits with its value.
    #[inline(always)]
    fn code(&mut self, codes: &Codes) -> Result<Code, Refusal> {
        self.fill_up();
        let code = Code::from(codes.short[(self.next >> (64 - LOOK)) as usize]);
        if code.length == 0 { codes.long((self.next >> 48) as u32) } else { Ok(code) }
    }

    #[inline(always)]
    fn drop(&mut self, bits: u32) {
        self.next <<= bits;
        self.count -= bits;
    }

    /// To at least 32 bits.
    #[inline(always)]
    fn fill_up(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(&four) = self.data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let word = u32::from_be_bytes(four);
            // No byte of the four is 0xff: none of their complements is zero.
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.next |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        *self = self.filled_by_bytes();
    }

    #[cold]
    fn filled_by_bytes(mut self) -> Self {
        while self.count <= 56 {
            let byte = match self.data[self.at..] {
                // A byte of 0xff is followed by a zero, or it begins a marker.
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.beyond += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    byte
                }
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// Whether more bits were read than there are: before a marker, or before the end of the file.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.count >= self.beyond {
            return Ok(());
        }
        Err(if self.at + 1 >= self.data.len() { Refusal::Cut } else { Refusal::Unusual })
    }

    /// The marker at which the data ends, and on behind it.
    pub(super) fn marker(&mut self) -> Result<u8, Refusal> {
        self.check()?;
        while let [0xff, 0xff, ..] = self.data[self.at..] {
            self.at += 1;
        }
        let marker = match self.data[self.at..] {
            [0xff, marker, ..] if marker != 0 => marker,
            [] | [0xff] => return Err(Refusal::Cut),
            _ => return Err(Refusal::Unusual),
        };
        (self.at, self.next, self.count, self.beyond) = (self.at + 2, 0, 0, 0);
        Ok(marker)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `0`: 4 bits follow; `10`: none; `110`: 1 bit; `1110…`, of 12 bits: 2 bits.
    fn codes() -> Codes {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        Codes::new(&counts, &[4, 0x10, 0x21, 0xf2]).unwrap()
    }

    #[test]
    fn codes_and_values() {
        // 0 1001, 0 0110, 10, 110 0, 111000000000 11, then ones to the end of the byte.
        let data = [0b0100_1001, 0b1010_1100, 0b1110_0000, 0b0000_1111, 0xff, 0xd9];
        let (codes, mut bits) = (codes(), Bits::new(&data));
        let read: Vec<_> = (0..5).map(|_| bits.symbol_and_value(&codes).unwrap()).collect();
        assert_eq!(read, [(4, 9), (4, -9), (0x10, 0), (0x21, -1), (0xf2, 3)]);
        assert_eq!(bits.marker().ok(), Some(0xd9));
    }

    #[test]
    fn a_stuffed_byte_is_data_and_its_zero_is_not() {
        let data = [0b0111_1011, 0xff, 0x00, 0xff, 0xd0, 0b0111_1000, 0xff, 0xd9];
        let (codes, mut bits) = (codes(), Bits::new(&data));
        assert_eq!(bits.symbol_and_value(&codes).unwrap(), (4, 15));
        assert_eq!(
            bits.symbol_and_value(&codes).unwrap(),
            (4, 15),
            "of which the last are of the stuffed byte"
        );
        assert_eq!(bits.marker().ok(), Some(0xd0));
        assert_eq!(bits.symbol_and_value(&codes).unwrap(), (4, 15));
        assert!(bits.check().is_ok());
    }

    #[test]
    fn a_block_is_passed_over() {
        // 0: the end; 10: 1 zero, then 2 bits; 110: none, then 8 bits.
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2]) = (1, 1, 1);
        let codes = Codes::new(&counts, &[END_OF_BLOCK, 0x12, 0x08]).unwrap();
        // 10 11, 110 10101010, 10 00, 0, and the next block.
        let data = [0b1011_1101, 0b0101_0101, 0b0000_1011, 0xff, 0xd9];
        let mut bits = Bits::new(&data);
        bits.pass_block(&codes, 1).unwrap();
        assert_eq!(bits.symbol_and_value(&codes).unwrap(), (0x12, 3));
        // The block is full after 10 11; the rest is the next one's.
        let mut bits = Bits::new(&data);
        bits.pass_block(&codes, 62).unwrap();
        assert_eq!(bits.symbol_and_value(&codes).unwrap(), (0x08, 0xaa));
    }

    #[test]
    fn the_end_is_told_from_a_marker() {
        for (data, cut) in [(&[0b0100_1111][..], true), (&[0b0100_1111, 0xff, 0xd9, 0, 0], false)] {
            let (codes, mut bits) = (codes(), Bits::new(data));
            for _ in 0..3 {
                bits.symbol_and_value(&codes).unwrap();
            }
            assert_eq!(matches!(bits.check(), Err(Refusal::Cut)), cut);
            assert_eq!(matches!(bits.check(), Err(Refusal::Unusual)), !cut);
        }
    }

    #[test]
    fn codes_that_do_not_fit_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Codes::new(&counts, &[1, 2, 3]).is_none());
        assert!(Codes::new(&counts, &[1, 2]).is_none());
    }
}
