//! A network on a crop around the face.

use face_liveness_detection::BoundingBox;
use face_liveness_models::CropInput;
use face_liveness_network::{Error, Network, Output};

use crate::{Crop, Frame};

#[derive(Debug, Clone)]
pub(crate) struct CropNetwork {
    network: Network,
    input: CropInput,
}

impl CropNetwork {
    pub(crate) fn new(onnx: &[u8], input: CropInput) -> Result<Self, Error> {
        let side = input.side as usize;
        Ok(Self { network: Network::from_onnx(onnx, [3, side, side])?, input })
    }

    /// The values of the first output.
    pub(crate) fn run(&self, &Frame { image, face, .. }: &Frame<'_>) -> Result<Vec<f32>, Error> {
        let CropInput { crop_scale, square, resize, channels, .. } = self.input;
        let face = if square { squared(face) } else { face };
        let crop = Crop::around(face, crop_scale, image.width(), image.height());
        let mut written = Ok(());
        let outputs = self.network.run(|mut planes| {
            written = crop.write(image, &mut planes, resize, channels);
        })?;
        written.map_err(Error::run)?;
        let first = outputs.into_iter().next();
        Ok(first.map(Output::into_values).unwrap_or_default())
    }
}

/// The square around the box's centre with its longer side.
fn squared(face: BoundingBox) -> BoundingBox {
    let side = face.width.max(face.height);
    BoundingBox {
        left: face.left + (face.width - side) / 2.0,
        top: face.top + (face.height - side) / 2.0,
        width: side,
        height: side,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_the_longer_side_and_the_centre_of_the_box() {
        let face = BoundingBox { left: 150.0, top: 90.0, width: 60.0, height: 80.0 };
        let square = BoundingBox { left: 140.0, top: 90.0, width: 80.0, height: 80.0 };
        assert_eq!(squared(face), square);
        // As models/training/tests/test_chain.py.
        let crop = Crop::around(square, 1.5, 400, 300);
        assert_eq!((crop.width, crop.height), (121, 121));
    }
}
