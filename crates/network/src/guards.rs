//! Refuses networks on which tract would panic or read out of bounds.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::model::order::eval_order_for_nodes;
use tract_onnx::tract_hir::infer::Factoid;

/// Refuses operators with a sub-graph (`If`, `Loop`, `Scan`): tract infers the shapes inside by
/// itself, where [`refuse_flat_inputs`] cannot check them first.
pub(crate) fn refuse_subgraphs(file: &ModelProto) -> TractResult<()> {
    let mut nodes = file.graph.iter().flat_map(|graph| &graph.node);
    let has_subgraph = |node: &&NodeProto| {
        node.attribute.iter().any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty())
    };
    nodes.find(has_subgraph).map_or(Ok(()), |node| {
        Err(TractError::msg(format!("{} has a sub-graph, which is not supported", node.op_type)))
    })
}

/// tract's names of the operators that take `N × C × …`. They read C without checking that the
/// shape has two axes, and so may read past its end. Found by fuzzing. The report to
/// file: `docs/upstream/tract-no-channels.md`.
const TAKE_CHANNELS: [&str; 6] =
    ["BatchNorm", "ConvHir", "ConvTranspose", "MaxPool", "OnnxMaxPoolIndices", "SumPool"];

/// Refuses a graph where such an operator gets fewer than two axes.
///
/// Infers the shapes of all nodes in order, as tract will, and checks an operator's input before
/// the operator infers its output. Nodes that no output needs are included.
pub(crate) fn refuse_flat_inputs(model: &mut InferenceModel) -> TractResult<()> {
    let inputs: Vec<_> = model.input_outlets()?.iter().map(|input| input.node).collect();
    let nodes: Vec<_> = (0..model.nodes().len()).collect();
    for id in eval_order_for_nodes(model.nodes(), &inputs, &nodes, &[])? {
        let node = model.node(id);
        let (inputs, outputs) = model.node_facts(id)?;
        if TAKE_CHANNELS.contains(&&*node.op.name()) {
            let rank = inputs.first().and_then(|input| input.shape.rank().concretize());
            if rank.is_none_or(|rank| rank < 2) {
                return Err(TractError::msg(format!("the input of {node} has no channel axis")));
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
