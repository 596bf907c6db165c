//! The operators of the networks in `models`, for programs that load no others.
//!
//! tract registers every operator of ONNX, and a linker keeps what is registered, with all that it
//! reaches: Fourier transforms, recurrent networks, another format of networks. The builders here
//! follow those of tract-onnx 0.23. An attribute that no network of ours has is refused.

use tract_onnx::Onnx;
use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::cast;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::activations::Clip;
use tract_onnx::tract_hir::ops::array::Flatten;
use tract_onnx::tract_hir::ops::cnn::{Conv, PaddingSpec};
use tract_onnx::tract_hir::ops::nn::{GlobalAvgPool, Reduce, Reducer, sigmoid};
use tract_onnx::tract_hir::ops::{self, math};

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// A loader that knows these operators alone.
pub(crate) fn onnx() -> Onnx {
    let mut register = OnnxOpRegister::default();
    register.insert("Add", |_, _| built(math::Add.into_hir()));
    register.insert("Cast", cast_to);
    register.insert("Clip", |_, node| built(expand(ClipByInputs { inputs: node.input.len() })));
    register.insert("Conv", conv);
    register.insert("DepthToSpace", depth_to_space);
    register.insert("Exp", |_, _| built(math::exp().into_hir()));
    register.insert("Flatten", flatten);
    register.insert("Gemm", gemm);
    register.insert("GlobalAveragePool", |_, _| built(expand(GlobalAvgPool)));
    register.insert("Log", |_, _| built(math::ln().into_hir()));
    register.insert("Mul", |_, _| built(math::Mul.into_hir()));
    register.insert("ReduceSum", reduce_sum);
    register.insert("Relu", |_, _| built(expand(Clip::new(Some(0.0), None))));
    register.insert("Sigmoid", |_, _| built(sigmoid().into_hir()));
    register.insert("Sub", |_, _| built(math::Sub.into_hir()));
    Onnx { op_register: register, ..Onnx::default() }
}

fn built(op: Box<dyn InferenceOp>) -> Built {
    Ok((op, vec![]))
}

/// Refuses a node with other attributes than these.
fn only(node: &NodeProto, known: &[&str]) -> TractResult<()> {
    let unknown = node.attribute.iter().find(|attribute| !known.contains(&&*attribute.name));
    match unknown {
        Some(unknown) => bail!("the attribute {} of {} is not known", unknown.name, node.op_type),
        None => Ok(()),
    }
}

fn cast_to(_: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["to"])?;
    built(expand(CastTo { to: node.get_attr::<DatumType>("to")? }))
}

fn conv(_: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["dilations", "group", "kernel_shape", "pads", "strides"])?;
    let mut conv = Conv::default();
    let pads: Option<TVec<usize>> = node.get_attr_opt_tvec("pads")?;
    if let Some(pads) = pads {
        let (before, after) = pads.split_at(pads.len() / 2);
        conv = conv.padding(PaddingSpec::Explicit(before.into(), after.into()));
    }
    if let Some(shape) = node.get_attr_opt_tvec("kernel_shape")? {
        conv = conv.kernel_shape(shape);
    }
    if let Some(group) = node.get_attr_opt("group")? {
        conv = conv.group(group);
    }
    if let Some(dilations) = node.get_attr_opt_tvec("dilations")? {
        conv = conv.dilations(dilations);
    }
    if let Some(strides) = node.get_attr_opt_tvec("strides")? {
        conv = conv.strides(strides);
    }
    if node.input.len() == 3 {
        conv = conv.bias_input(2);
    }
    built(expand(conv))
}

fn depth_to_space(_: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["blocksize", "mode"])?;
    if node.get_attr_opt("mode")? != Some("CRD") {
        bail!("DepthToSpace is known with the mode CRD only");
    }
    built(expand(DepthToSpace { side: node.get_attr("blocksize")? }))
}

fn flatten(_: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["axis"])?;
    built(expand(Flatten::new(node.get_attr_opt("axis")?.unwrap_or(1))))
}

fn gemm(_: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["alpha", "beta", "transA", "transB"])?;
    let is_one = |name| TractResult::Ok(node.get_attr_opt(name)?.unwrap_or(1.0_f32) == 1.0);
    let is_plain = is_one("alpha")? && is_one("beta")? && node.input.len() == 3;
    if !is_plain || node.get_attr_opt("transA")?.unwrap_or(false) {
        bail!("Gemm is known as A · B + C or A · Bᵀ + C only");
    }
    built(expand(Gemm { transposed: node.get_attr_opt("transB")?.unwrap_or(false) }))
}

fn reduce_sum(context: &ParsingContext, node: &NodeProto) -> Built {
    only(node, &["keepdims"])?;
    if context.onnx_operator_set_version < 13 || node.input.len() != 2 {
        bail!("ReduceSum is known with its axes as an input only");
    }
    built(expand(Sum { keeps_axes: node.get_attr_opt("keepdims")?.unwrap_or(true) }))
}

/// The shape and the type of the output are those of the first input.
fn like_the_input<'r, 'p: 'r>(
    solver: &mut Solver<'r>,
    inputs: &'p [TensorProxy],
    outputs: &'p [TensorProxy],
) -> InferenceResult {
    check_output_arity(outputs, 1)?;
    solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
    solver.equals(&inputs[0].shape, &outputs[0].shape)
}

#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct CastTo {
    to: DatumType,
}

impl Expansion for CastTo {
    fn name(&self) -> StaticName {
        "Cast".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&outputs[0].datum_type, self.to.bex())?;
        solver.equals(&outputs[0].rank, &inputs[0].rank)?;
        solver.equals(&outputs[0].shape, &inputs[0].shape)
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(name, cast::cast(self.to), inputs)
    }
}

/// With the bounds as inputs, both or the lower one.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct ClipByInputs {
    inputs: usize,
}

impl Expansion for ClipByInputs {
    fn name(&self) -> StaticName {
        "Clip".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, self.inputs)?;
        like_the_input(solver, inputs, outputs)
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let mut wire: TVec<_> = tvec!(inputs[0]);
        for (&bound, (what, op)) in
            inputs[1..].iter().zip([("min", math::max()), ("max", math::min())])
        {
            let name = format!("{name}.{what}");
            wire = ops::logic::wire_with_rank_broadcast(name, model, op, &[wire[0], bound])?;
        }
        Ok(wire)
    }
}

#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct DepthToSpace {
    /// The side of a block.
    side: usize,
}

impl Expansion for DepthToSpace {
    fn name(&self) -> StaticName {
        "DepthToSpace".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].rank, 4)?;
        solver.equals(&outputs[0].rank, 4)?;
        solver.equals(&outputs[0].datum_type, &inputs[0].datum_type)?;
        solver.given(&inputs[0].shape, move |solver, shape| {
            let shape = tvec!(
                shape[0].clone(),
                shape[1].clone() / (self.side * self.side),
                shape[2].clone() * self.side,
                shape[3].clone() * self.side,
            );
            solver.equals(&outputs[0].shape, ShapeFactoid::from(shape))
        })
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let shape = model.outlet_fact(inputs[0])?.shape.to_tvec();
        if shape[1].to_usize()? % (self.side * self.side) != 0 {
            bail!("the channels of DepthToSpace are not a multiple of its blocks");
        }
        let (side, depth) = (self.side.to_dim(), shape[1].clone() / (self.side * self.side));
        let (height, width) = (shape[2].clone(), shape[3].clone());
        // N, depth, side, side, height, width → N, depth, height, side, width, side.
        let steps = [
            AxisOp::Reshape(1, tvec!(shape[1].clone()), tvec!(depth, side.clone(), side.clone())),
            AxisOp::Move(3, 5),
            AxisOp::Move(2, 3),
            AxisOp::Reshape(
                2,
                tvec!(height.clone(), side.clone(), width.clone(), side),
                tvec!(height * self.side, width * self.side),
            ),
        ];
        let mut wire: TVec<_> = inputs.into();
        for (index, step) in steps.into_iter().enumerate() {
            wire = model.wire_node(format!("{name}.{index}"), step, &wire)?;
        }
        Ok(wire)
    }
}

#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct Gemm {
    /// Whether the second matrix is.
    transposed: bool,
}

impl Expansion for Gemm {
    fn name(&self) -> StaticName {
        "Gemm".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 3)?;
        check_output_arity(outputs, 1)?;
        for input in inputs {
            solver.equals(&input.datum_type, &outputs[0].datum_type)?;
        }
        for matrix in [&inputs[0], &inputs[1], &outputs[0]] {
            solver.equals(&matrix.rank, 2)?;
        }
        let (rows, columns) = if self.transposed { (1, 0) } else { (0, 1) };
        solver.equals(&inputs[0].shape[0], &outputs[0].shape[0])?;
        solver.equals(&inputs[0].shape[1], &inputs[1].shape[rows])?;
        solver.equals(&inputs[1].shape[columns], &outputs[0].shape[1])
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let axes = AxesMapping::for_numpy_matmul(2, false, self.transposed, false)?;
        let product = EinSum::new(axes, model.outlet_fact(inputs[0])?.datum_type);
        let product = model.wire_node(format!("{name}.ab"), product, &inputs[..2])?;
        let sum = [product[0], inputs[2]];
        ops::logic::wire_with_rank_broadcast(name, model, math::add(), &sum)
    }
}

/// With the axes as a constant input.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct Sum {
    keeps_axes: bool,
}

impl Sum {
    fn over(&self, axes: &Tensor) -> TractResult<Reduce> {
        let axes = axes.cast_to::<i64>()?;
        let axes = axes.to_plain_array_view::<i64>()?.iter().copied().collect();
        Ok(Reduce::new(Some(axes), self.keeps_axes, Reducer::Sum))
    }
}

impl Expansion for Sum {
    fn name(&self) -> StaticName {
        "ReduceSum".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.given_2(&inputs[0].shape, &inputs[1].value, move |solver, shape, axes| {
            let shape = self.over(&axes)?.output_shape(&shape);
            solver.equals(&outputs[0].shape, ShapeFactoid::from(shape))
        })
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let axes = model.outlet_fact(inputs[1])?.konst.clone();
        let axes = axes.context("the axes of ReduceSum are not constant")?;
        self.over(&axes)?.wire(name, model, &inputs[..1])
    }
}

#[cfg(test)]
mod tests {
    use face_liveness_models::{face_detector_v1, rgb_single_v1, rgb_single_v2};
    use tract_onnx::prelude::*;

    use crate::network::{Network, load};

    /// With every operator of tract, and with these.
    #[track_caller]
    fn both_give_the_same(file: &[u8], sides: [u32; 2]) {
        let [width, height] = sides.map(|side| side as usize);
        let outputs = [tract_onnx::onnx(), super::onnx()].map(|loader| {
            let plan = load(&loader, file, [3, height, width]).expect("a network of ours");
            let network = Network::of(plan, [3, height, width]);
            let fill = |value: (usize, &mut f32)| *value.1 = (value.0 % 251) as f32;
            let run = network.run(|mut planes| {
                planes.values_mut().iter_mut().enumerate().for_each(fill);
            });
            run.expect("a network of ours")
        });
        assert_eq!(outputs[0], outputs[1]);
    }

    #[test]
    fn the_networks_of_the_models_need_no_others() {
        for model in [rgb_single_v2(), rgb_single_v1()] {
            for network in model.expect("built in").networks.values() {
                both_give_the_same(&network.onnx, [network.input.side; 2]);
            }
        }
        let detector = face_detector_v1().expect("built in");
        let framed = |side: u32, frame: u32| side + 2 * frame;
        let (heatmap, refiner) = (&detector.heatmap, &detector.refiner);
        both_give_the_same(&heatmap.onnx, [128, 96].map(|s| framed(s, heatmap.input.frame)));
        let side = framed(refiner.input.side, refiner.input.frame);
        both_give_the_same(&refiner.onnx, [side; 2]);
    }

    #[test]
    fn an_operator_that_they_lack_is_an_error() {
        let model = rgb_single_v2().expect("built in");
        let network = model.networks.values().next().expect("a network");
        let loads = [tract_onnx::onnx(), super::onnx()].map(|loader| {
            let mut file = loader.proto_model_for_read(&mut &network.onnx[..]).expect("ONNX");
            let nodes = &mut file.graph.as_mut().expect("a graph").node;
            let relu = nodes.iter_mut().find(|node| node.op_type == "Relu");
            relu.expect("an operator of one tensor").op_type = "Erf".into();
            let typed = loader.model_for_proto_model(&file).and_then(|model| model.into_typed());
            typed.is_ok()
        });
        assert_eq!(loads, [true, false]);
    }
}
