//! The chunks of a PNG.

/// The length of the signature before the first chunk.
pub(crate) const SIGNATURE: usize = 8;

pub(crate) struct Chunk<'a> {
    pub(crate) name: &'a [u8; 4],
    pub(crate) content: &'a [u8],
}

impl Chunk<'_> {
    /// The length in the file: the content, its length, the name and a checksum.
    pub(crate) fn length(&self) -> usize {
        4 + 4 + self.content.len() + 4
    }
}

/// The chunks of a file up to the first that is not whole. Check sums are not checked.
pub(crate) fn chunks(file: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = file.get(SIGNATURE..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let (name, after) = after.split_first_chunk()?;
        let (content, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after.get(4..)?;
        Some(Chunk { name, content })
    })
}
