//! An ONNX network with one image as its input.

use std::fmt;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::knobs::KnobScope;
use zeroize::Zeroize;

use crate::guards::{catch_panics, refuse_flat_inputs, refuse_subgraphs};
use crate::prelu::rewrite_prelu;
use crate::zero_pad::replace_pads;
use crate::{Error, PlanesMut, operators};

/// An ONNX network that takes one image, `1 × C × H × W` float32, and returns float32 tensors.
///
/// Loading takes tens of milliseconds. A loaded network is immutable and may run on many threads at
/// once; a clone shares its weights.
///
/// `PRelu(x)` is rewritten to `Max(x, slope · x)` where no slope is above 1. Both give the same
/// values, and tract runs the second several times faster.
///
/// ```
/// use face_liveness_network::Network;
///
/// let model = face_liveness_models::rgb_single_v2()?;
/// let network = Network::from_onnx(&model.networks["context"].onnx, [3, 80, 80])?;
/// let outputs = network.run(|mut planes| planes.values_mut().fill(128.0))?;
/// assert_eq!(outputs[0].shape(), [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Network {
    plan: Arc<TypedSimplePlan>,
    shape: [usize; 3],
}

/// One output of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Output {
    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values in row-major order.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

impl Network {
    /// Loads an ONNX file for an input of `1 × C × H × W`, `shape` being `[C, H, W]`. A batch size
    /// or sides that the file leaves open are fixed to these.
    ///
    /// # Errors
    /// [`ErrorKind::Load`](crate::ErrorKind::Load) when the bytes are not ONNX, do not fit the
    /// shape, refer to another file, or hold an operator that tract does not know or one with a
    /// sub-graph (`If`, `Loop`, `Scan`). Without the feature `all-operators`, only those of the
    /// networks in `face-liveness-models` are known.
    pub fn from_onnx(onnx: &[u8], shape: [usize; 3]) -> Result<Self, Error> {
        let plan = catch_panics(|| load(&loader(), onnx, shape)).map_err(Error::load)?;
        Ok(Self::of(plan, shape))
    }

    pub(crate) fn of(plan: Arc<TypedSimplePlan>, shape: [usize; 3]) -> Self {
        Self { plan, shape }
    }

    /// Runs the network once. `fill` writes the input, which starts as zeros and is wiped
    /// afterwards. tract's rearranged copies of it are not wiped. The outputs are in the file's
    /// order.
    ///
    /// # Errors
    /// [`ErrorKind::Run`](crate::ErrorKind::Run) when the network fails, an output is not float32,
    /// or tract still holds the input, so that it cannot be wiped.
    pub fn run(&self, fill: impl FnOnce(PlanesMut<'_>)) -> Result<Vec<Output>, Error> {
        let [channels, height, width] = self.shape;
        let input = Tensor::zero::<f32>(&[1, channels, height, width]).map_err(Error::run)?;
        let mut input = WipedInput(Arc::new(input));
        fill(PlanesMut::new(self.shape, input.values_mut().map_err(Error::run)?)?);
        let outputs = catch_panics(|| {
            let outputs = self.plan.run(tvec!(TValue::from_const(Arc::clone(&input.0))))?;
            outputs.iter().map(|output| copy(output)).collect::<TractResult<_>>()
        });
        // The run's state and its outputs are gone: no other reference is left to the input.
        input.values_mut().map_err(Error::run)?;
        outputs.map_err(Error::run)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn copy(output: &Tensor) -> TractResult<Output> {
    let values = output.to_plain_array_view::<f32>()?.iter().copied().collect();
    Ok(Output { shape: output.shape().to_vec(), values })
}

fn loader() -> Onnx {
    if cfg!(feature = "all-operators") { tract_onnx::onnx() } else { operators::onnx() }
}

pub(crate) fn load(
    loader: &Onnx,
    onnx: &[u8],
    [channels, height, width]: [usize; 3],
) -> TractResult<Arc<TypedSimplePlan>> {
    let loader = loader.clone().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let mut file = loader.proto_model_for_read(&mut &onnx[..])?;
    refuse_subgraphs(&file)?;
    rewrite_prelu(&mut file)?;
    let mut model = loader
        .model_for_proto_model(&file)?
        .with_input_fact(0, f32::fact([1, channels, height, width]).into())?;
    refuse_flat_inputs(&mut model)?;
    // If a later tract removes a knob, only speed is lost.
    let knobs = KnobScope::new(KNOBS).unwrap_or_default();
    knobs.enter(|| {
        let mut model = model.into_optimized()?;
        replace_pads(&mut model)?;
        model.into_runnable()
    })
}

/// tract convolves rows of 128 values and more directly. On x86-64, that takes two to three times
/// as long as the matrix product that it uses for shorter rows.
#[cfg(target_arch = "x86_64")]
const KNOBS: [(&str, &str); 1] = [("TRACT_DISABLE_DIRECT_SPATIAL", "true")];
#[cfg(not(target_arch = "x86_64"))]
const KNOBS: [(&str, &str); 0] = [];

/// Wipes the input when dropped: it holds the image's pixels, and tract does not wipe its tensors.
struct WipedInput(Arc<Tensor>);

impl WipedInput {
    /// Fails while tract holds a reference to the input.
    fn values_mut(&mut self) -> TractResult<&mut [f32]> {
        let tensor = Arc::get_mut(&mut self.0)
            .ok_or_else(|| TractError::msg("tract still holds the input"))?;
        let values = tensor.to_plain_array_view_mut::<f32>()?.into_slice();
        values.ok_or_else(|| TractError::msg("the input is not contiguous"))
    }
}

impl Drop for WipedInput {
    fn drop(&mut self) {
        if let Ok(values) = self.values_mut() {
            values.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tract_knows_the_knobs() {
        assert!(KnobScope::new(KNOBS).is_ok());
    }
}
