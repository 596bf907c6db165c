//! Files that once broke a decoder. `image-webp-182.webp` is an animation of image-rs's tests, damaged by a fuzzer.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness_image::{Error, Limits, decode};

#[test]
fn a_file_that_makes_a_decoder_panic_does_not_decode() {
    let bytes = include_bytes!("regressions/image-webp-182.webp");
    for auto_rotate in [false, true] {
        let error = decode(bytes, &Limits::default(), auto_rotate).unwrap_err();
        assert_eq!(error, Error::Corrupt { format: "WebP" });
    }
}
