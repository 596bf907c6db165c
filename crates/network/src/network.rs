//! An ONNX network with one image as its input.

use std::fmt;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::prelude::*;
use zeroize::Zeroizing;

use crate::panics::catch_panics;
#[cfg(feature = "all-operators")]
use crate::tract::Plan;
use crate::trunk::{Trunk, compile};
use crate::{Error, Output, PlanesMut};

/// An ONNX network that takes one image, `1 × C × H × W` float32, and returns float32 tensors.
///
/// A loaded network is immutable and may run on many threads at once; a clone shares its weights.
///
/// The usual convolutions, and the nodes between them, run in this crate, faster than in tract.
/// From the first operator that this crate does not support, tract runs the rest of the network. If
/// that rest has a convolution, tract runs the whole network.
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
    parts: Arc<Parts>,
    shape: [usize; 3],
}

/// The parts of a network, in the order in which they run.
enum Parts {
    Trunk(Trunk),
    #[cfg(feature = "all-operators")]
    TrunkAndHead(Trunk, Plan),
    #[cfg(feature = "all-operators")]
    Tract(Plan),
}

impl Network {
    /// Loads an ONNX file for an input of `1 × C × H × W`, `shape` being `[C, H, W]`. A batch size
    /// or sides that the file leaves open are fixed to these.
    ///
    /// # Errors
    /// [`ErrorKind::Load`](crate::ErrorKind::Load) when the bytes are not ONNX, do not fit the
    /// shape, refer to another file, or hold an operator that tract does not know or one with a
    /// sub-graph (`If`, `Loop`, `Scan`). Without the feature `all-operators`, also for a network
    /// that needs tract.
    pub fn from_onnx(onnx: &[u8], shape: [usize; 3]) -> Result<Self, Error> {
        let parts = catch_panics(|| load(onnx, shape)).map_err(Error::load)?;
        Ok(Self { parts: Arc::new(parts), shape })
    }

    /// Runs the network once. `fill` writes the input, which starts as zeros. The input and all
    /// activations of the convolutions are wiped afterwards. tract's buffers are not, except its
    /// input. The outputs are in the file's order.
    ///
    /// # Errors
    /// [`ErrorKind::Run`](crate::ErrorKind::Run) when the network fails, an output is not float32,
    /// or tract still holds its input, so that it cannot be wiped.
    pub fn run(&self, fill: impl FnOnce(PlanesMut<'_>)) -> Result<Vec<Output>, Error> {
        let mut values = Zeroizing::new(vec![0.0; self.shape.iter().product()]);
        fill(PlanesMut::new(self.shape, &mut values)?);
        match &*self.parts {
            Parts::Trunk(trunk) => {
                let values = run(trunk, values)?.to_vec();
                Ok(vec![Output { shape: trunk.output_shape(), values }])
            }
            #[cfg(feature = "all-operators")]
            Parts::TrunkAndHead(trunk, head) => {
                head.run(&trunk.output_shape(), &run(trunk, values)?).map_err(Error::run)
            }
            #[cfg(feature = "all-operators")]
            Parts::Tract(plan) => {
                plan.run(&[&[1], &self.shape[..]].concat(), &values).map_err(Error::run)
            }
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn load(onnx: &[u8], shape: [usize; 3]) -> TractResult<Parts> {
    let mut file = Onnx::default().proto_model_for_read(&mut &onnx[..])?;
    let trunk = compile::split(&mut file, shape);
    let is_whole = file.graph.as_ref().is_some_and(|head| head.node.is_empty());
    match trunk {
        Some(trunk) if is_whole => Ok(Parts::Trunk(trunk)),
        #[cfg(feature = "all-operators")]
        Some(trunk) => {
            let head = Plan::new(file, &trunk.output_shape())?;
            Ok(Parts::TrunkAndHead(trunk, head))
        }
        #[cfg(feature = "all-operators")]
        None => Ok(Parts::Tract(Plan::new(file, &[&[1], &shape[..]].concat())?)),
        #[cfg(not(feature = "all-operators"))]
        _ => Err(TractError::msg("the network needs the feature all-operators")),
    }
}

fn run(trunk: &Trunk, values: Zeroizing<Vec<f32>>) -> Result<Zeroizing<Vec<f32>>, Error> {
    catch_panics(|| Ok(trunk.run(values))).map_err(Error::run)
}
