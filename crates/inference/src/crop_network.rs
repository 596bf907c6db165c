//! A network on a crop around the face.

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
    pub(crate) fn run(&self, &Frame { image, face }: &Frame<'_>) -> Result<Vec<f32>, Error> {
        let CropInput { crop_scale, resize, channels, .. } = self.input;
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
