//! An ONNX network with one image as its input, on tract.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewMut3, Ix3};
use tract_onnx::data_resolver::MmapDataResolver;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::knobs::KnobScope;
use tract_onnx::tract_core::model::order::eval_order_for_nodes;
use tract_onnx::tract_hir::infer::Factoid;
use zeroize::Zeroize;

/// A network that cannot be loaded, or that fails. Says nothing about any image.
#[derive(Debug, thiserror::Error)]
#[error("the network {action}: {cause}")]
pub struct Error {
    action: &'static str,
    cause: String,
}

impl Error {
    /// An error of a detector or a model of one's own: `Error::new("cannot be loaded", "no such file")`.
    pub fn new(action: &'static str, cause: impl std::fmt::Display) -> Self {
        Self { action, cause: format!("{cause:#}") }
    }
}

/// An ONNX network that takes one image, `1 × C × H × W` float32, and gives float32 tensors.
///
/// Loading costs 50 to 150 ms; a loaded network is immutable and may run on many threads at once.
///
/// `PRelu(x)` is rewritten on loading to `Max(x, slope · x)`, which tract runs several times faster, where
/// that is exact: where no slope is above 1.
///
/// ```
/// use face_liveness_detection::Network;
///
/// let network = Network::from_onnx(face_liveness_models::RGB_SINGLE_V1_NEAR.onnx, [3, 80, 80])?;
/// let outputs = network.run(|mut planes| planes.fill(128.0))?;
/// assert_eq!(outputs[0].shape(), [1, 1]);
/// # Ok::<(), face_liveness_detection::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Network {
    plan: Arc<TypedSimplePlan>,
    shape: [usize; 3],
}

impl Network {
    /// Loads an ONNX file for an input of `1 × C × H × W`, `shape` being `[C, H, W]`. A batch or sides that
    /// the file leaves open are fixed to these; the file may not refer to other files.
    ///
    /// # Errors
    /// When the bytes are not ONNX, hold an operator that tract does not know or one with a sub-graph (`If`, `Scan`), or do not fit
    /// the shape.
    pub fn from_onnx(onnx: &[u8], shape: [usize; 3]) -> Result<Self, Error> {
        let plan = unpanicked(|| load(onnx, shape))
            .map_err(|cause| Error::new("cannot be loaded", cause))?;
        Ok(Self { plan, shape })
    }

    /// Runs the network once: `fill` writes the input planes, `C × H × W`, which are zero before and are
    /// wiped after. The outputs are in the file's order.
    ///
    /// # Errors
    /// When the network fails or an output is not float32.
    pub fn run(
        &self,
        fill: impl FnOnce(ArrayViewMut3<'_, f32>),
    ) -> Result<Vec<ArrayD<f32>>, Error> {
        self.try_run(fill).map_err(|cause| Error::new("failed", cause))
    }

    fn try_run(&self, fill: impl FnOnce(ArrayViewMut3<'_, f32>)) -> TractResult<Vec<ArrayD<f32>>> {
        let [channels, height, width] = self.shape;
        let mut input = Tensor::zero::<f32>(&[channels, height, width])?;
        fill(input.to_plain_array_view_mut::<f32>()?.into_dimensionality::<Ix3>()?);
        input.insert_axis(0)?;
        let input = Wiped(Arc::new(input));
        let outputs =
            unpanicked(|| self.plan.run(tvec!(TValue::from_const(Arc::clone(&input.0)))))?;
        outputs.iter().map(|output| Ok(output.to_plain_array_view::<f32>()?.to_owned())).collect()
    }
}

/// The input holds the image's pixels; tract would free it as it is.
struct Wiped(Arc<Tensor>);

impl Drop for Wiped {
    fn drop(&mut self) {
        let mut tensor = Arc::get_mut(&mut self.0).and_then(|tensor| tensor.as_plain_ram_mut());
        if let Some(Ok(values)) = tensor.as_mut().map(|tensor| tensor.as_slice_mut::<f32>()) {
            values.zeroize();
        }
    }
}

/// tract panics on some graphs that are not well formed (sonos/tract#2390 and others), when they are loaded or when they run:
/// they are refused.
fn unpanicked<T>(call: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(TractError::msg("tract panicked")))
}

fn load(onnx: &[u8], [channels, height, width]: [usize; 3]) -> TractResult<Arc<TypedSimplePlan>> {
    let loader = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let mut file = loader.proto_model_for_read(&mut &onnx[..])?;
    refuse_subgraphs(&file)?;
    rewrite_prelu(&mut file)?;
    let mut model = loader
        .model_for_proto_model(&file)?
        .with_input_fact(0, f32::fact([1, channels, height, width]).into())?;
    refuse_flat_inputs(&mut model)?;
    // A version of tract that knows them no more is not refused.
    let knobs = KnobScope::new(KNOBS).unwrap_or_default();
    knobs.enter(|| model.into_optimized()?.into_runnable())
}

/// What tract is told to do otherwise: it convolves rows of 128 values and more directly, which takes two to three times as long
/// on x86-64 as the matrix product that it makes of shorter ones.
#[cfg(target_arch = "x86_64")]
const KNOBS: [(&str, &str); 1] = [("TRACT_DISABLE_DIRECT_SPATIAL", "true")];
#[cfg(not(target_arch = "x86_64"))]
const KNOBS: [(&str, &str); 0] = [];

/// What tract calls the operators that take N × C × … and look for C without asking whether the shape has it, which reads past
/// its end: found by fuzzing, no report known.
const TAKE_CHANNELS: [&str; 6] =
    ["BatchNorm", "ConvHir", "ConvTranspose", "MaxPool", "OnnxMaxPoolIndices", "SumPool"];

/// tract infers the shapes in a sub-graph (of `If`, of `Scan`) by itself, where no one can look at them first.
fn refuse_subgraphs(file: &ModelProto) -> TractResult<()> {
    let mut nodes = file.graph.iter().flat_map(|graph| &graph.node);
    let has_subgraph = |node: &&NodeProto| {
        node.attribute.iter().any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty())
    };
    nodes.find(has_subgraph).map_or(Ok(()), |node| {
        Err(TractError::msg(format!("{} has a sub-graph, which is not supported", node.op_type)))
    })
}

/// Infers shapes from the input on as tract will, also those that no output needs, and looks at each before such an operator
/// does.
fn refuse_flat_inputs(model: &mut InferenceModel) -> TractResult<()> {
    let inputs: Vec<_> = model.input_outlets()?.iter().map(|input| input.node).collect();
    let nodes: Vec<_> = (0..model.nodes().len()).collect();
    for id in eval_order_for_nodes(model.nodes(), &inputs, &nodes, &[])? {
        let node = model.node(id);
        let (inputs, outputs) = model.node_facts(id)?;
        if TAKE_CHANNELS.contains(&&*node.op.name()) {
            let rank = inputs.first().and_then(|input| input.shape.rank().concretize());
            if rank.is_none_or(|rank| rank < 2) {
                return Err(TractError::msg(format!(
                    "the input of {node} is not known to have channels"
                )));
            }
        }
        let observed = node.op.observe_outlets(model, node)?;
        let observed = observed.into_iter().map(|outlet| model.outlet_fact(outlet));
        let mut op = node.op.clone();
        let (_, outputs, _) = op.infer(inputs, outputs, observed.collect::<TractResult<_>>()?)?;
        for (slot, fact) in outputs.into_iter().enumerate() {
            model.set_outlet_fact(OutletId::new(id, slot), fact)?;
        }
    }
    Ok(())
}

/// `PRelu(x, slope)` becomes `Max(x, Mul(x, slope))` where every slope is a constant of at most 1: then
/// `slope · x` is the larger of the two exactly when `x` is negative.
fn rewrite_prelu(file: &mut ModelProto) -> TractResult<()> {
    let Some(graph) = &mut file.graph else { return Ok(()) };
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let ([output], true) =
            (&node.output[..], node.op_type == "PRelu" && has_slopes_up_to_one(graph, &node)?)
        else {
            nodes.push(node);
            continue;
        };
        let scaled = format!("{output}.scaled");
        let max_inputs = vec![node.input[0].clone(), scaled.clone()];
        nodes.push(NodeProto {
            name: format!("{}.scale", node.name),
            op_type: "Mul".into(),
            output: vec![scaled],
            ..node.clone()
        });
        nodes.push(NodeProto { op_type: "Max".into(), input: max_inputs, ..node });
    }
    graph.node = nodes;
    Ok(())
}

fn has_slopes_up_to_one(graph: &GraphProto, prelu: &NodeProto) -> TractResult<bool> {
    let [_, slope] = &prelu.input[..] else { return Ok(false) };
    let Some(slope) = graph.initializer.iter().find(|tensor| tensor.name == *slope) else {
        return Ok(false);
    };
    let slope = tract_onnx::tensor::load_tensor(&MmapDataResolver, slope, None)?;
    Ok(slope.datum_type() == f32::datum_type()
        && slope.to_plain_array_view::<f32>()?.iter().all(|&slope| slope <= 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tract_knows_the_knobs() {
        assert!(KnobScope::new(KNOBS).is_ok());
    }
}
