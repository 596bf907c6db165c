//! Chooses the size of the photo for each pass, and the heatmap input that holds it.

use std::sync::OnceLock;

use face_liveness_image::ImageView;
use face_liveness_models::{HeatmapInput, NetworkFile};
use face_liveness_network::{Error, Network};

/// A photo may be squeezed by this fraction of an input's side to fit it, instead of taking the
/// next larger input: 162 rows of 16:9 become 160.
const MAX_SQUEEZE: f32 = 1.0 / 64.0;

/// The heatmap, loaded for each size and shape of its input when a photo first needs it.
#[derive(Debug)]
pub(super) struct Inputs {
    file: NetworkFile<HeatmapInput>,
    sizes: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    longer: u32,
    shorter: u32,
    wide: OnceLock<Network>,
    tall: OnceLock<Network>,
}

impl Inputs {
    /// Loads the heatmap for the smallest size.
    pub(super) fn new(
        file: &NetworkFile<HeatmapInput>,
        input_sizes: &[[u32; 2]],
        pass_sizes: &[[u32; 2]],
    ) -> Result<Self, Error> {
        let sizes: Vec<_> = input_sizes.iter().map(Input::new).collect();
        let inputs = Self { file: file.clone(), sizes };
        let (Some(smallest), [_, ..]) = (inputs.sizes.first(), pass_sizes) else {
            return Err(Error::load("HeatmapDetectorParams has no pass_sizes or input_sizes"));
        };
        for &[longer, shorter] in pass_sizes {
            inputs.holding(longer, shorter)?;
        }
        smallest.network(file, true)?;
        smallest.network(file, false)?;
        Ok(inputs)
    }

    /// The format of the network's input.
    pub(super) fn format(&self) -> HeatmapInput {
        self.file.input
    }

    /// For a photo of a pass: its size in the input, and the network.
    pub(super) fn for_photo(&self, width: u32, height: u32) -> Result<([u32; 2], &Network), Error> {
        let is_wide = width >= height;
        let input = self.holding(width.max(height), width.min(height))?;
        let [max_width, max_height] = input.sides(is_wide);
        let size = [width.min(max_width), height.min(max_height)];
        Ok((size, input.network(&self.file, is_wide)?))
    }

    /// The first input that holds a photo with these sides, squeezed by at most `MAX_SQUEEZE`.
    fn holding(&self, longer: u32, shorter: u32) -> Result<&Input, Error> {
        let holds = |side: u32, of: u32| side <= of + (of as f32 * MAX_SQUEEZE) as u32;
        let mut inputs = self.sizes.iter();
        let input =
            inputs.find(|input| holds(longer, input.longer) && holds(shorter, input.shorter));
        input.ok_or_else(|| Error::load("a pass is larger than every input"))
    }
}

impl Input {
    fn new(&[longer, shorter]: &[u32; 2]) -> Self {
        Self { longer, shorter, wide: OnceLock::new(), tall: OnceLock::new() }
    }

    /// Width and height.
    fn sides(&self, is_wide: bool) -> [u32; 2] {
        if is_wide { [self.longer, self.shorter] } else { [self.shorter, self.longer] }
    }

    /// Two threads that need it at the same time may both load it; one copy is kept.
    fn network(&self, file: &NetworkFile<HeatmapInput>, is_wide: bool) -> Result<&Network, Error> {
        let network = if is_wide { &self.wide } else { &self.tall };
        if let Some(network) = network.get() {
            return Ok(network);
        }
        let framed = |side: u32| (side + 2 * file.input.frame) as usize;
        let [width, height] = self.sides(is_wide).map(framed);
        let loaded = Network::from_onnx(&file.onnx, [3, height, width])?;
        Ok(network.get_or_init(|| loaded))
    }
}

/// The factor by which a photo is scaled down to fit a pass: at most 1.
pub(super) fn scale_within([longer, shorter]: [u32; 2], photo: ImageView<'_>) -> f32 {
    let fit = |side: u32, photo: u32| side as f32 / photo as f32;
    let (width, height) = (photo.width(), photo.height());
    fit(longer, width.max(height)).min(fit(shorter, width.min(height))).min(1.0)
}
