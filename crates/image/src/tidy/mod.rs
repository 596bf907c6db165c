//! Copies of files that decoders refuse or misread, though other software reads them. Each copy has
//! the same pixels, with headers that the decoder accepts. `docs/FORMATS.md` lists the kinds.

#[cfg(feature = "bmp")]
mod bmp;
#[cfg(feature = "gif")]
mod gif;
mod jpeg;
mod png;
mod standard_tables;

pub(crate) use jpeg::tidy as jpeg;

use crate::ZeroizeVec;
use crate::format::Format;

/// A copy of a file that is not a JPEG. `None` where no copy is needed.
pub(crate) fn other(file: &[u8], format: Format) -> Option<ZeroizeVec<u8>> {
    match format {
        Format::Png => png::tidy(file),
        #[cfg(feature = "gif")]
        Format::Gif => gif::tidy(file),
        #[cfg(feature = "bmp")]
        Format::Bmp => bmp::tidy(file),
        _ => None,
    }
}
