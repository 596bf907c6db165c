//! Base64 in the forms that clients send.

use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use base64::{DecodeError, DecodeSliceError, Engine};

use crate::{Error, ZeroizeVec};

/// Decodes base64 text. The bytes are wiped when dropped.
///
/// Besides the standard form, these are accepted: ASCII white space anywhere (`base64 FILE` wraps
/// its lines), missing padding, the URL-safe alphabet, and a `data:image/…;base64,` prefix.
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
pub fn decode_base64(text: &str) -> Result<ZeroizeVec<u8>, Error> {
    let text = without_data_url(text.trim_ascii())?;
    if text.is_empty() {
        return Err(Error::Base64);
    }
    let mut bytes = ZeroizeVec::from(vec![0; base64::decoded_len_estimate(text.len())]);
    // Most clients send no white space, so it is searched for only after decoding has failed.
    let mut decoded = decode_either_alphabet(text.as_bytes(), &mut bytes);
    if decoded.as_ref().is_err_and(|error| has_white_space(text, error)) {
        decoded = decode_either_alphabet(&without_white_space(text), &mut bytes);
    }
    bytes.truncate(decoded.map_err(|_| Error::Base64)?);
    Ok(bytes)
}

/// Writes the decoded bytes into a buffer that is large enough, and returns their number.
fn decode_either_alphabet(text: &[u8], bytes: &mut [u8]) -> Result<usize, DecodeSliceError> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    match engine::standard(config).decode_slice(text, bytes) {
        Err(DecodeSliceError::DecodeError(DecodeError::InvalidByte(_, b'-' | b'_'))) => {
            engine::url_safe(config).decode_slice(text, bytes)
        }
        decoded => decoded,
    }
}

/// SIMD, on the targets for which the base64 crate has it.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
mod engine {
    use base64::engine::{GeneralPurposeConfig, Simd};

    pub(super) fn standard(config: GeneralPurposeConfig) -> Simd {
        Simd::standard(config)
    }

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Simd {
        Simd::url_safe(config)
    }
}

/// Portable code, on all other targets.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
mod engine {
    use base64::alphabet;
    use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

    pub(super) fn standard(config: GeneralPurposeConfig) -> GeneralPurpose {
        GeneralPurpose::new(&alphabet::STANDARD, config)
    }

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> GeneralPurpose {
        GeneralPurpose::new(&alphabet::URL_SAFE, config)
    }
}

/// The payload of a `data:image/…;base64,` URL, or the text itself.
fn without_data_url(text: &str) -> Result<&str, Error> {
    let starts_with =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    if !starts_with("data:") {
        return Ok(text);
    }
    let (head, payload) = text.split_once(',').ok_or(Error::Base64)?;
    let is_base64 = head.len() >= 7 && head[head.len() - 7..].eq_ignore_ascii_case(";base64");
    if starts_with("data:image/") && is_base64 { Ok(payload) } else { Err(Error::Base64) }
}

/// Whether text that did not decode has white space. The first invalid byte decides, unless it is
/// padding.
fn has_white_space(text: &str, error: &DecodeSliceError) -> bool {
    if let DecodeSliceError::DecodeError(DecodeError::InvalidByte(_, byte)) = error
        && *byte != b'='
    {
        return byte.is_ascii_whitespace();
    }
    // Without an early exit inside a chunk, the comparison is vectorized.
    let any = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | byte.is_ascii_whitespace());
    text.as_bytes().chunks(4096).any(any)
}

/// The text without its ASCII white space.
fn without_white_space(text: &str) -> ZeroizeVec<u8> {
    // Never reallocated, so no stale copy is left behind.
    let mut dense = ZeroizeVec::from(Vec::with_capacity(text.len()));
    dense.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    dense
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
            "++//AQ=\n=",
            "++//A Q",
            "--\n__AQ",
            "--__\nAQ=\t=",
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
            "--//AQ==",
            "++\n__AQ",
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
