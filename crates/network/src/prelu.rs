//! Rewrites `PRelu` as operators that tract runs faster.

use tract_onnx::data_resolver::MmapDataResolver;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::*;

/// `PRelu(x, slope)` becomes `Max(x, Mul(x, slope))` where every slope is a constant of at most 1:
/// then `slope · x` is the larger of the two exactly when `x` is negative.
pub(crate) fn rewrite_prelu(file: &mut ModelProto) -> TractResult<()> {
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
