//! Base64 as clients send it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig, Simd};
use zeroize::Zeroizing;

use crate::Error;

/// Decodes base64 text as clients send it; the bytes are wiped when dropped.
///
/// Accepted beside the standard form: ASCII white space anywhere (`base64 FILE` wraps its lines), missing
/// padding, the URL-safe alphabet, and a `data:image/…;base64,` prefix.
///
/// # Errors
/// [`Error::Base64`] for anything else, for text that mixes the two alphabets, and for blank text.
///
/// ```
/// use face_liveness_image::decode_base64;
///
/// assert_eq!(*decode_base64("data:image/png;base64,iVBO\nRw")?, *b"\x89PNG");
/// assert!(decode_base64("iVBORw==!").is_err());
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
pub fn decode_base64(text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = without_white_space(without_data_url(text.trim_ascii())?);
    if text.is_empty() {
        return Err(Error::Base64);
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { Simd::url_safe(config) } else { Simd::standard(config) };

    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = engine.decode_slice(text.as_ref(), &mut bytes).map_err(|_| Error::Base64)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The payload of a `data:image/…;base64,` URL, or the text itself.
fn without_data_url(text: &str) -> Result<&str, Error> {
    let starts_with = |prefix: &str| text.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    if !starts_with("data:") {
        return Ok(text);
    }
    let (head, payload) = text.split_once(',').ok_or(Error::Base64)?;
    let is_base64 = head.len() >= 7 && head[head.len() - 7..].eq_ignore_ascii_case(";base64");
    if starts_with("data:image/") && is_base64 { Ok(payload) } else { Err(Error::Base64) }
}

/// The text less its ASCII white space; a copy, if one is needed, is wiped when dropped.
fn without_white_space(text: &str) -> Wiped<'_> {
    if !text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return Wiped(Cow::Borrowed(text.as_bytes()));
    }
    // Never reallocated, so no stale copy is left behind.
    let mut dense = Vec::with_capacity(text.len());
    dense.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    Wiped(Cow::Owned(dense))
}

struct Wiped<'a>(Cow<'a, [u8]>);

impl std::ops::Deref for Wiped<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Wiped<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(bytes) = &mut self.0 {
            zeroize::Zeroize::zeroize(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms() {
        let bytes = [0xfb, 0xef, 0xff, 0x01];
        let forms = [
            "++//AQ==",
            "++//AQ",
            "--__AQ==",
            "--__AQ",
            " ++/\r\n/A\tQ=\x0c= \n",
            "data:image/jpeg;base64,++//AQ==",
            "DATA:image/svg+xml;charset=utf-8;BASE64,--__AQ",
            " data:image/png;base64,\n++//AQ==",
        ];
        for form in forms {
            assert_eq!(decode_base64(form).as_deref(), Ok(&bytes.to_vec()), "{form:?}");
        }
    }

    #[test]
    fn refused_forms() {
        let forms = [
            "",
            " \n",
            "=",
            "A",
            "AAAAA",
            "++__AQ==",
            "AAAA!",
            "AAAA====",
            "AA=A",
            "AB==",
            "\u{e9}AAA",
            "data:image/png;base64,",
            "data:image/png,AAAA",
            "data:text/plain;base64,AAAA",
            "data:",
            "AAAA\u{a0}",
        ];
        for form in forms {
            assert_eq!(decode_base64(form).err(), Some(Error::Base64), "{form:?}");
        }
    }
}
