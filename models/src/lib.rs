#![doc = include_str!("../README.md")]

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

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weights")
            .field("file", &self.file)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// A face detector: CenterFace. Card: `centerface/README.md`.
pub const CENTERFACE: Weights = Weights {
    file: "centerface/centerface.onnx",
    onnx: include_bytes!("../centerface/centerface.onnx"),
    sha256: "05d8c5011782d7a9a35363303050d6eebb57807bae3976403b28e54d83eb16a6",
};

/// The network of `rgb-single-v1` that sees 2.7 times the face box. Card: `liveness-baseline/README.md`.
pub const RGB_SINGLE_V1_NEAR: Weights = Weights {
    file: "liveness-baseline/near-2.7x.onnx",
    onnx: include_bytes!("../liveness-baseline/near-2.7x.onnx"),
    sha256: "b53bb96fc81c96cf07934cd55abef8a03f0191f21cd30c8b83fa184aa15aafcf",
};

/// The network of `rgb-single-v1` that sees 4.0 times the face box. Card: `liveness-baseline/README.md`.
pub const RGB_SINGLE_V1_WIDE: Weights = Weights {
    file: "liveness-baseline/wide-4.0x.onnx",
    onnx: include_bytes!("../liveness-baseline/wide-4.0x.onnx"),
    sha256: "0b7d3292ee4f8ec9018129421bc2564a1929216afeaa92728626525d5bc938f2",
};

/// Every network of this crate.
pub const ALL: [Weights; 3] = [CENTERFACE, RGB_SINGLE_V1_NEAR, RGB_SINGLE_V1_WIDE];

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    #[test]
    fn every_file_has_its_pinned_hash() {
        for weights in super::ALL {
            let hash: String =
                Sha256::digest(weights.onnx).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, weights.sha256, "{}", weights.file);
        }
    }
}
