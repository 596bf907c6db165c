//! Trunks against tract, on small graphs of every step and of what is left to tract.

use face_liveness_models::{face_detector_v1, rgb_single_v1, rgb_single_v2};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto,
    ValueInfoProto, type_proto,
};
use tract_onnx::prelude::*;

use super::compile::split;
use crate::Output;
use crate::tract::Plan;

/// A graph with the input `x0` of three channels. Node n gives `xn`; the last one is the output.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    fn node(mut self, op: &str, inputs: &[&str], attributes: &[(&str, &[i64])]) -> Self {
        let integers = |&(name, values): &(&str, &[i64])| match values {
            &[i] if ["group", "blocksize", "transB", "keepdims"].contains(&name) => {
                AttributeProto {
                    name: name.into(),
                    r#type: AttributeType::Int as i32,
                    i,
                    ..<_>::default()
                }
            }
            _ => AttributeProto {
                name: name.into(),
                r#type: AttributeType::Ints as i32,
                ints: values.to_vec(),
                ..<_>::default()
            },
        };
        self.nodes.push(NodeProto {
            op_type: op.into(),
            name: format!("n{}", self.nodes.len() + 1),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![format!("x{}", self.nodes.len() + 1)],
            attribute: attributes.iter().map(integers).collect(),
            ..<_>::default()
        });
        self
    }

    /// A convolution of `input` with weights of this shape and a bias.
    fn conv(mut self, input: &str, shape: [i64; 4], attributes: &[(&str, &[i64])]) -> Self {
        let name = format!("w{}", self.constants.len());
        let bias = format!("w{}", self.constants.len() + 1);
        self.constants.push(constant(&name, &shape));
        self.constants.push(constant(&bias, &shape[..1]));
        self.node("Conv", &[input, &name, &bias], attributes)
    }

    fn text_attribute(mut self, name: &str, value: &str) -> Self {
        let attribute = AttributeProto {
            name: name.into(),
            r#type: AttributeType::String as i32,
            s: value.into(),
            ..<_>::default()
        };
        self.nodes.last_mut().expect("a node").attribute.push(attribute);
        self
    }

    fn file(self) -> ModelProto {
        let output = format!("x{}", self.nodes.len());
        let float = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
        let info = |name: &str| ValueInfoProto {
            name: name.into(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(float.clone())),
                ..<_>::default()
            }),
            ..<_>::default()
        };
        ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { version: 17, ..<_>::default() }],
            graph: Some(GraphProto {
                input: vec![info("x0")],
                output: vec![info(&output)],
                node: self.nodes,
                initializer: self.constants,
                ..<_>::default()
            }),
            ..<_>::default()
        }
    }

    /// Runs the graph on planes of `height × width`, as a trunk without a head and by tract.
    #[track_caller]
    fn runs_as_a_trunk(self, [height, width]: [usize; 2]) {
        agree(self.file(), [3, height, width]);
    }

    #[track_caller]
    fn stays_with_tract(self) {
        left_to_tract(self.file());
    }
}

#[track_caller]
fn left_to_tract(mut file: ModelProto) {
    let before = file.clone();
    assert!(split(&mut file, [3, 8, 8]).is_none());
    assert_eq!(file, before);
}

/// Runs a graph as a trunk without a head, and by tract alone.
#[track_caller]
fn agree(mut file: ModelProto, shape: [usize; 3]) {
    let input = noise(shape.iter().product());
    let by_tract = by_tract(&file, shape, &input);
    let trunk = split(&mut file, shape).expect("a trunk");
    assert!(file.graph.expect("a graph").node.is_empty());
    let ours = trunk.run(input.into());
    assert_eq!(trunk.output_shape(), by_tract.shape());
    for (ours, tracts) in ours.iter().zip(by_tract.values()) {
        assert!((ours - tracts).abs() < 1e-4, "{ours}, tract {tracts}");
    }
    assert_eq!(ours.len(), by_tract.values().len());
}

#[track_caller]
fn by_tract(file: &ModelProto, [channels, height, width]: [usize; 3], input: &[f32]) -> Output {
    let shape = [1, channels, height, width];
    let plan = Plan::new(file.clone(), &shape).expect("a valid graph");
    plan.run(&shape, input).expect("a valid graph").remove(0)
}

fn constant(name: &str, shape: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: shape.to_vec(),
        data_type: DataType::Float as i32,
        float_data: noise(shape.iter().product::<i64>() as usize),
        ..<_>::default()
    }
}

/// From −0.5 to 0.5.
fn noise(count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| (index * index * 31 + index * 7) % 101)
        .map(|x| x as f32 / 101.0 - 0.5)
        .collect()
}

const PADDED: (&str, &[i64]) = ("pads", &[1, 1, 1, 1]);
const STRIDE_2: (&str, &[i64]) = ("strides", &[2, 2]);

#[test]
fn the_networks_of_the_models_are_trunks_and_agree_with_tract() {
    let read = |onnx: &[u8]| tract_onnx::onnx().proto_model_for_read(&mut &*onnx).expect("ONNX");
    for model in [rgb_single_v2(), rgb_single_v1()] {
        for network in model.expect("built in").networks.values() {
            let side = network.input.side as usize;
            agree(read(&network.onnx), [3, side, side]);
        }
    }
    let detector = face_detector_v1().expect("built in");
    let framed = |side: u32, frame: u32| (side + 2 * frame) as usize;
    let (heatmap, refiner) = (&detector.heatmap, &detector.refiner);
    for sides in [[96, 128], [160, 96]] {
        let [height, width] = sides.map(|side| framed(side, heatmap.input.frame));
        agree(read(&heatmap.onnx), [3, height, width]);
    }
    let side = framed(refiner.input.side, refiner.input.frame);
    agree(read(&refiner.onnx), [3, side, side]);
}

#[test]
fn tiles_of_every_width_and_blocks_of_every_kind_of_channels() {
    for width in 3..=20 {
        Graph::default().conv("x0", [8, 3, 3, 3], &[PADDED]).runs_as_a_trunk([4, width]);
    }
    for channels in 1..=40 {
        Graph::default()
            .conv("x0", [channels, 3, 3, 3], &[PADDED, STRIDE_2])
            .node("Relu", &["x1"], &[])
            .conv("x2", [5, channels, 1, 1], &[])
            .runs_as_a_trunk([7, 10]);
    }
}

#[test]
fn kernels_strides_and_padding() {
    for (side, stride, padding) in
        [(1, 1, 0), (1, 2, 0), (2, 1, 1), (5, 1, 2), (5, 3, 4), (6, 4, 0)]
    {
        Graph::default()
            .conv(
                "x0",
                [16, 3, side, side],
                &[
                    ("kernel_shape", &[side, side]),
                    ("strides", &[stride; 2]),
                    ("pads", &[padding; 4]),
                    ("dilations", &[1, 1]),
                    ("group", &[1]),
                ],
            )
            .runs_as_a_trunk([18, 23]);
    }
}

#[test]
fn shortcuts_of_both_signs_from_values_with_and_without_a_border() {
    for op in ["Add", "Sub"] {
        for is_rectified in [false, true] {
            let block = Graph::default()
                .conv("x0", [24, 3, 3, 3], &[PADDED])
                .conv("x1", [24, 24, 3, 3], &[PADDED])
                .node(op, &["x1", "x2"], &[]);
            let block = if is_rectified { block.node("Relu", &["x3"], &[]) } else { block };
            let last = if is_rectified { "x4" } else { "x3" };
            block.conv(last, [9, 24, 3, 3], &[PADDED]).runs_as_a_trunk([6, 7]);
        }
    }
    let swapped = Graph::default()
        .conv("x0", [8, 3, 1, 1], &[])
        .conv("x1", [8, 8, 1, 1], &[])
        .node("Add", &["x2", "x1"], &[]);
    swapped.runs_as_a_trunk([5, 4]);
}

#[test]
fn channels_scaled_by_what_their_means_tell() {
    Graph::default()
        .conv("x0", [12, 3, 3, 3], &[PADDED])
        .node("GlobalAveragePool", &["x1"], &[])
        .conv("x2", [4, 12, 1, 1], &[])
        .node("Relu", &["x3"], &[])
        .conv("x4", [12, 4, 1, 1], &[])
        .node("Sigmoid", &["x5"], &[])
        .node("Mul", &["x1", "x6"], &[])
        .node("Add", &["x1", "x7"], &[])
        .conv("x8", [8, 12, 3, 3], &[PADDED])
        .runs_as_a_trunk([5, 9]);
}

#[test]
fn a_weighted_sum_of_all_pixels() {
    let depthwise = ("group", &[11_i64][..]);
    Graph::default()
        .conv("x0", [11, 3, 3, 3], &[PADDED])
        .node("Relu", &["x1"], &[])
        .conv("x2", [11, 1, 4, 5], &[depthwise])
        .runs_as_a_trunk([4, 5]);
}

#[test]
fn depthwise_convolutions_and_slopes() {
    let kernels = [(3, 1, 1), (3, 2, 1), (3, 1, 0), (3, 2, 0), (5, 1, 2), (5, 2, 1), (5, 1, 0)];
    for (side, stride, padding) in kernels {
        let mut graph = Graph::default().conv("x0", [19, 3, 1, 1], &[]);
        graph.constants.push(constant("slopes", &[19, 1, 1]));
        graph
            .node("PRelu", &["x1", "slopes"], &[])
            .conv(
                "x2",
                [19, 1, side, side],
                &[("group", &[19]), ("strides", &[stride; 2]), ("pads", &[padding; 4])],
            )
            .node("PRelu", &["x3", "slopes"], &[])
            .conv("x4", [8, 19, 1, 1], &[])
            .runs_as_a_trunk([6, 9]);
    }
    Graph::default()
        .conv("x0", [8, 3, 1, 1], &[])
        .conv("x1", [8, 1, 3, 3], &[("group", &[8]), PADDED])
        .node("Add", &["x1", "x2"], &[])
        .node("Relu", &["x3"], &[])
        .runs_as_a_trunk([4, 4]);
}

#[test]
fn products_and_the_logarithm_of_a_sum_of_exponentials() {
    let mut graph = Graph::default().conv("x0", [11, 3, 3, 3], &[PADDED]);
    graph.constants.push(constant("matrix", &[5, 11 * 4 * 4]));
    graph.constants.push(constant("bias", &[5]));
    graph.constants.push(constant("slope", &[1, 1]));
    graph.constants.push(constant("intercept", &[1]));
    for (name, value) in [("low", -1.5), ("high", 2.0)] {
        let float_data = vec![value];
        graph.constants.push(TensorProto { float_data, ..constant(name, &[]) });
    }
    graph.constants.push(TensorProto {
        name: "axes".into(),
        dims: vec![1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![1],
        ..<_>::default()
    });
    graph
        .node("Flatten", &["x1"], &[])
        .node("Gemm", &["x2", "matrix", "bias"], &[("transB", &[1])])
        .node("Clip", &["x3", "low", "high"], &[])
        .node("Exp", &["x4"], &[])
        .node("ReduceSum", &["x5", "axes"], &[("keepdims", &[1])])
        .node("Log", &["x6"], &[])
        .node("Gemm", &["x7", "slope", "intercept"], &[("transB", &[1])])
        .runs_as_a_trunk([4, 4]);
    let flat = Graph::default().conv("x0", [11, 3, 3, 3], &[PADDED]).node("Flatten", &["x1"], &[]);
    flat.runs_as_a_trunk([3, 5]);
}

#[test]
fn depth_becomes_space() {
    Graph::default()
        .conv("x0", [16, 3, 1, 1], &[])
        .conv("x1", [64, 16, 3, 3], &[PADDED, STRIDE_2])
        .node("DepthToSpace", &["x2"], &[("blocksize", &[2])])
        .text_attribute("mode", "CRD")
        .node("Add", &["x1", "x3"], &[])
        .node("Relu", &["x4"], &[])
        .conv("x5", [3, 16, 3, 3], &[PADDED])
        .runs_as_a_trunk([6, 8]);
}

#[test]
fn an_offset_does_not_reach_the_padding() {
    let mut graph = Graph::default();
    graph.constants.push(constant("offset", &[1, 1, 1, 1]));
    graph
        .node("Sub", &["x0", "offset"], &[])
        .conv("x1", [8, 3, 3, 3], &[PADDED])
        .runs_as_a_trunk([4, 4]);
}

#[test]
fn what_a_trunk_has_not_stays_with_tract() {
    let conv =
        |shape, attributes: &[(&str, &[i64])]| Graph::default().conv("x0", shape, attributes);
    conv([8, 1, 3, 3], &[("group", &[3])]).stays_with_tract();
    conv([8, 3, 3, 3], &[("dilations", &[2, 2])]).stays_with_tract();
    conv([8, 3, 3, 3], &[("pads", &[0, 0, 1, 1])]).stays_with_tract();
    conv([8, 3, 3, 3], &[("pads", &[3; 4])]).stays_with_tract();
    conv([8, 3, 3, 1], &[]).stays_with_tract();
    conv([8, 3, 3, 3], &[("strides", &[1, 2])]).stays_with_tract();
    conv([8, 3, 3, 3], &[("strides", &[0, 0])]).stays_with_tract();
    conv([8, 3, 9, 9], &[]).stays_with_tract();
    conv([8, 3, 3, 3], &[]).text_attribute("auto_pad", "SAME_UPPER").stays_with_tract();
    // A convolution behind an operator that is not known.
    conv([8, 3, 1, 1], &[])
        .node("Erf", &["x1"], &[])
        .conv("x2", [8, 8, 1, 1], &[])
        .stays_with_tract();
    // Two activations that the head needs.
    let two = conv([8, 3, 1, 1], &[]).conv("x1", [8, 8, 1, 1], &[]).node("Erf", &["x2"], &[]);
    two.node("Add", &["x1", "x3"], &[]).stays_with_tract();
    Graph::default().node("Erf", &["x0"], &[]).stays_with_tract();
    // One channel beside eight: both are kept as eight.
    for op in ["Add", "Sub"] {
        let one =
            conv([8, 3, 1, 1], &[]).conv("x1", [1, 8, 1, 1], &[]).node(op, &["x1", "x2"], &[]);
        one.conv("x3", [8, 8, 1, 1], &[]).stays_with_tract();
    }
    let factor = conv([8, 3, 1, 1], &[]).conv("x1", [1, 8, 1, 1], &[]);
    let factor = factor.node("GlobalAveragePool", &["x2"], &[]).node("Mul", &["x1", "x3"], &[]);
    factor.conv("x4", [8, 8, 1, 1], &[]).stays_with_tract();
    conv([8, 3, 3, 3], &[("strides", &[i64::MAX; 2])]).stays_with_tract();
    // Depthwise kernels of other sides than 3 and 5.
    for (side, padding) in [(1, 0), (7, 3)] {
        let attributes: [(&str, &[i64]); 2] = [("group", &[8]), ("pads", &[padding; 4])];
        conv([8, 3, 1, 1], &[]).conv("x1", [8, 1, side, side], &attributes).stays_with_tract();
    }
    conv([8, 3, 3, 3], &[("pads", &[1])]).stays_with_tract();
    let mut twice = Graph::default();
    twice.constants.push(constant("offset", &[1]));
    let twice = twice.node("Sub", &["x0", "offset"], &[]).node("Sub", &["x1", "offset"], &[]);
    twice.conv("x2", [8, 3, 1, 1], &[]).stays_with_tract();
    // The input, whose three channels fill no block.
    Graph::default().node("Sigmoid", &["x0"], &[]).stays_with_tract();
    Graph::default().node("GlobalAveragePool", &["x0"], &[]).stays_with_tract();
    conv([3, 1, 3, 3], &[("group", &[3])]).stays_with_tract();
    conv([3, 1, 8, 8], &[("group", &[3])]).stays_with_tract();
}

#[test]
fn odd_files_are_left_to_tract() {
    let file = || Graph::default().conv("x0", [3, 3, 1, 1], &[]).file();
    let graph = |file: &mut ModelProto| file.graph.take().expect("a graph");
    // A constant as another output.
    let mut two = file();
    let mut outputs = graph(&mut two);
    outputs.output.push(ValueInfoProto { name: "w0".into(), ..<_>::default() });
    two.graph = Some(outputs);
    left_to_tract(two);
    // An input with a default, which is also the kernel.
    let mut default = file();
    let mut input = graph(&mut default);
    input.initializer.push(constant("x0", &[3, 3, 1, 1]));
    input.node[0].input[1] = "x0".into();
    default.graph = Some(input);
    left_to_tract(default);
    // No weights, and more outputs than there is memory for.
    let mut empty = file();
    let mut weights = graph(&mut empty);
    weights.initializer[0] = TensorProto { dims: vec![1 << 59, 0, 1, 1], ..constant("w0", &[0]) };
    weights.node[0].input.pop();
    empty.graph = Some(weights);
    left_to_tract(empty);
}

#[test]
fn the_head_follows_the_trunk() {
    let graph = Graph::default()
        .conv("x0", [8, 3, 3, 3], &[PADDED])
        .node("Relu", &["x1"], &[])
        .node("Erf", &["x2"], &[]);
    // `Relu` with a convolution that is needed without it, too.
    let early = Graph::default()
        .conv("x0", [8, 3, 3, 3], &[PADDED])
        .node("Relu", &["x1"], &[])
        .node("Add", &["x1", "x2"], &[]);
    for (graph, nodes, input) in [(graph, 1, "x2"), (early, 2, "x1")] {
        let mut file = graph.file();
        let trunk = split(&mut file, [3, 4, 4]).expect("a trunk");
        assert_eq!(trunk.output_shape(), [1, 8, 4, 4]);
        let head = file.graph.expect("a graph");
        assert_eq!(head.node.len(), nodes);
        assert_eq!(head.input[0].name, input);
        assert!(head.initializer.is_empty());
    }
}

#[test]
fn not_a_number_stays_one() {
    let graph = Graph::default().conv("x0", [8, 3, 1, 1], &[]).node("Relu", &["x1"], &[]);
    let trunk = split(&mut graph.file(), [3, 2, 2]).expect("a trunk");
    assert!(trunk.run(vec![f32::NAN; 12].into()).iter().all(|value| value.is_nan()));
}
