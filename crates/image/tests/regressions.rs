//! Files that once made a decoder panic. `image-webp-182.webp` is an animation from the tests of
//! image-rs, damaged by a fuzzer.
#![cfg(feature = "webp")]
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
