//! The origin of an answer.

use face_liveness_image::ImageView;
use face_liveness_inference::LivenessModel;
use hmac_sha256::Hash;

use crate::image_source::{ImageSource, Input};
use crate::locate::Locator;
use crate::{ImageProvenance, Provenance};

pub(crate) fn provenance(
    locator: &Locator,
    model: &dyn LivenessModel,
    images: Vec<ImageProvenance>,
) -> Provenance {
    let origin = model.origin();
    let mut files = locator.detector.origin().files;
    files.extend(origin.files);
    Provenance::new(env!("CARGO_PKG_VERSION"), files, images)
        .with_model_version(origin.version)
        .with_search_rotations(locator.search_rotations)
}

/// Describes an image, and the size at which it was read.
pub(crate) fn image_provenance(input: &Input<'_>, read: ImageView<'_>) -> ImageProvenance {
    let mut hash = Hash::new();
    let auto_rotate = match input.source {
        ImageSource::Encoded { bytes, auto_rotate } => {
            hash.update(bytes);
            auto_rotate
        }
        ImageSource::Rgb(view) => {
            (0..view.height()).for_each(|y| hash.update(view.row(y)));
            false
        }
    };
    let sha256 = hash.finalize().map(|byte| format!("{byte:02x}")).concat();
    ImageProvenance::new(sha256, auto_rotate, [read.width(), read.height()])
}
