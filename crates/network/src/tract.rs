//! Runs, with tract, the networks and heads of networks that have operators which a trunk lacks.

use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use zeroize::Zeroize;

use crate::Output;
use crate::guards::{refuse_flat_inputs, refuse_subgraphs};
use crate::panics::catch_panics;

/// A graph, ready to run.
pub(crate) struct Plan(Arc<TypedSimplePlan>);

impl Plan {
    /// For an input of this shape.
    pub(crate) fn new(file: ModelProto, shape: &[usize]) -> TractResult<Self> {
        refuse_subgraphs(&file)?;
        let loader =
            tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        let mut model =
            loader.model_for_proto_model(&file)?.with_input_fact(0, f32::fact(shape).into())?;
        refuse_flat_inputs(&mut model)?;
        Ok(Self(model.into_optimized()?.into_runnable()?))
    }

    /// Runs the graph once. The input is wiped.
    pub(crate) fn run(&self, shape: &[usize], values: &[f32]) -> TractResult<Vec<Output>> {
        let mut input = WipedInput(Arc::new(Tensor::from_shape(shape, values)?));
        let outputs = catch_panics(|| {
            let outputs = self.0.run(tvec!(TValue::from_const(Arc::clone(&input.0))))?;
            outputs.iter().map(|output| copy(output)).collect::<TractResult<_>>()
        });
        // The run's state and its outputs are gone: no other reference is left to the input.
        input.values_mut()?;
        outputs
    }
}

fn copy(output: &Tensor) -> TractResult<Output> {
    let values = output.to_plain_array_view::<f32>()?.iter().copied().collect();
    Ok(Output { shape: output.shape().to_vec(), values })
}

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
