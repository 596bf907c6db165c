#![doc = include_str!("../README.md")]

use sha2::{Digest, Sha256};

/// The bytes of a network and the hash that pins them.
#[derive(Clone, Copy)]
pub struct Weights {
    /// The file's name in this crate.
    pub file: &'static str,
    /// The file, in ONNX.
    pub onnx: &'static [u8],
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// Weights whose bytes are not those that are pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} has not its pinned SHA-256")]
pub struct NotPinned {
    /// The file's name.
    pub file: &'static str,
}

impl Weights {
    /// The bytes, once their hash is known to be the pinned one: 2 ms for all that an engine needs.
    ///
    /// # Errors
    /// [`NotPinned`] when the file was exchanged or damaged before it was compiled in.
    ///
    /// ```
    /// use face_liveness_models::{FACE_DETECTOR_V1, Weights};
    ///
    /// assert_eq!(FACE_DETECTOR_V1.verified()?, FACE_DETECTOR_V1.onnx);
    /// assert!(Weights { onnx: b"others", ..FACE_DETECTOR_V1 }.verified().is_err());
    /// # Ok::<(), face_liveness_models::NotPinned>(())
    /// ```
    pub fn verified(&self) -> Result<&'static [u8], NotPinned> {
        let hash: String =
            Sha256::digest(self.onnx).iter().map(|byte| format!("{byte:02x}")).collect();
        if hash == self.sha256 { Ok(self.onnx) } else { Err(NotPinned { file: self.file }) }
    }
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weights")
            .field("file", &self.file)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// The heatmap of the face detector: where faces may be. Card: `face-detector-v1/README.md`.
pub const FACE_DETECTOR_V1: Weights = Weights {
    file: "face-detector-v1/detector.onnx",
    onnx: include_bytes!("../face-detector-v1/detector.onnx"),
    sha256: "bed14089923b4f976d19148faabdb620429fefe41ef7039d49d274fded0ba5b0",
};

/// What looks more closely at the faces of the heatmap. Card: `face-detector-v1/README.md`.
pub const FACE_DETECTOR_V1_REFINER: Weights = Weights {
    file: "face-detector-v1/refiner.onnx",
    onnx: include_bytes!("../face-detector-v1/refiner.onnx"),
    sha256: "94ddd95de2d65d4cf2ab0be139d617eabba540169b0209af2dca7c181442bb99",
};

/// The network of `rgb-single-v1` that sees 1.5 times the face box. Card: `rgb-single-v1/README.md`.
pub const RGB_SINGLE_V1_CLOSE: Weights = Weights {
    file: "rgb-single-v1/close.onnx",
    onnx: include_bytes!("../rgb-single-v1/close.onnx"),
    sha256: "e5bc3bb3a5bfa102988e0db20d860f236c61319b7716813c4ab23171374e871f",
};

/// The network of `rgb-single-v1` that sees 2.7 times the face box. Card: `rgb-single-v1/README.md`.
pub const RGB_SINGLE_V1_NEAR: Weights = Weights {
    file: "rgb-single-v1/near.onnx",
    onnx: include_bytes!("../rgb-single-v1/near.onnx"),
    sha256: "220867ebc81a53e988ed060035695e56e911dbb1ebff9fbeba82ffecba311b8b",
};

/// The network of `rgb-single-v1-open` that sees 1.5 times the face box. Card: `rgb-single-v1-open/README.md`.
pub const RGB_SINGLE_V1_OPEN_CLOSE: Weights = Weights {
    file: "rgb-single-v1-open/close.onnx",
    onnx: include_bytes!("../rgb-single-v1-open/close.onnx"),
    sha256: "183d15b0cd524be27869a3247956bcc0ded5c0b3ca15dd72f602c502681d96cb",
};

/// The network of `rgb-single-v1-open` that sees 2.7 times the face box. Card: `rgb-single-v1-open/README.md`.
pub const RGB_SINGLE_V1_OPEN_NEAR: Weights = Weights {
    file: "rgb-single-v1-open/near.onnx",
    onnx: include_bytes!("../rgb-single-v1-open/near.onnx"),
    sha256: "7d8e8e7761ae77fd134cf328d72484e5731f6f153d1b4fd0d0003da1fb5282a3",
};

/// Every network of this crate.
pub const ALL: [Weights; 6] = [
    FACE_DETECTOR_V1,
    FACE_DETECTOR_V1_REFINER,
    RGB_SINGLE_V1_CLOSE,
    RGB_SINGLE_V1_NEAR,
    RGB_SINGLE_V1_OPEN_CLOSE,
    RGB_SINGLE_V1_OPEN_NEAR,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_pinned_hash() {
        for weights in ALL {
            assert_eq!(weights.verified(), Ok(weights.onnx));
            let mut damaged = weights.onnx.to_vec();
            damaged[weights.onnx.len() / 2] ^= 1;
            assert_eq!(
                Weights { onnx: damaged.leak(), ..weights }.verified(),
                Err(NotPinned { file: weights.file })
            );
        }
    }
}
