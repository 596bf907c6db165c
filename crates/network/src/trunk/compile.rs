//! Compiles an ONNX graph to the steps of a trunk.

use std::collections::HashMap;

use tract_onnx::data_resolver::MmapDataResolver;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;
use tract_onnx::tensor::load_tensor;

use super::activation::Activation;
use super::convolution::Convolution;
use super::depthwise::{Depthwise, by_pixel};
use super::layout::{Layout, MAX_VALUES, in_blocks};
use super::{CHANNELS, Operation, Step, Trunk, Value};
use crate::logistic;

/// Larger strides do not occur in practice.
const MAX_STRIDE: usize = 1024;

/// Takes the trunk out of a graph for an input of `[3, H, W]`. The graph is then the head, whose
/// input is the trunk's output. `None`, with the graph as it was, when not every convolution can be
/// in the trunk.
pub(crate) fn split(file: &mut ModelProto, shape: [usize; 3]) -> Option<Trunk> {
    let graph = file.graph.as_mut()?;
    let [_] = &graph.output[..] else { return None };
    let mut builder = Builder::new(graph, shape)?;
    let is_constant = |node: &&NodeProto| builder.constants.is_cast(node);
    let (casts, nodes): (Vec<_>, Vec<_>) = graph.node.iter().partition(is_constant);
    let mut head = &nodes[..];
    while let [node, rest @ ..] = head
        && builder.add(node).is_some()
    {
        head = rest;
    }
    if head.iter().any(|node| node.op_type.contains("Conv")) {
        return None;
    }
    let outputs = graph.output.iter().map(|output| &output.name);
    let needed: Vec<_> = head.iter().flat_map(|node| &node.input).chain(outputs).collect();
    let output = builder.only_output(&needed)?;
    let casts = casts.into_iter().filter(|cast| needed.contains(&&cast.output[0]));
    let head: Vec<_> = casts.chain(head.iter().copied()).cloned().collect();
    let mut input = graph.input.first()?.clone();
    input.name = output.to_owned();
    let trunk = builder.finish(output)?;

    let is_needed = |name: &String| head.iter().any(|node| node.input.contains(name));
    graph.initializer.retain(|tensor| is_needed(&tensor.name));
    graph.input = vec![input];
    graph.node = head;
    Some(trunk)
}

/// The constants of a graph.
struct Constants<'a> {
    tensors: HashMap<&'a str, &'a TensorProto>,
    /// From the name of a constant as float32 to its name in `tensors`.
    casts: HashMap<&'a str, &'a str>,
}

impl<'a> Constants<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        // An input that has a default is not a constant.
        let is_input = |name: &String| graph.input.iter().any(|input| input.name == *name);
        let tensors = graph.initializer.iter().filter(|tensor| !is_input(&tensor.name));
        let tensors: HashMap<_, _> = tensors.map(|tensor| (&*tensor.name, tensor)).collect();
        let casts =
            graph.node.iter().filter_map(|node| match (&node.input[..], &node.output[..]) {
                ([from], [to]) if node.op_type == "Cast" && tensors.contains_key(&**from) => {
                    (node.get_attr::<DatumType>("to").ok()? == DatumType::F32)
                        .then_some((&**to, &**from))
                }
                _ => None,
            });
        Self { casts: casts.collect(), tensors }
    }

    fn is_cast(&self, node: &NodeProto) -> bool {
        node.op_type == "Cast"
            && node.output.first().is_some_and(|to| self.casts.contains_key(&**to))
    }

    fn tensor(&self, name: &str) -> Option<Tensor> {
        load_tensor(&MmapDataResolver, self.tensors.get(name)?, None).ok()
    }

    /// The shape and the values of a float32 constant.
    fn get(&self, name: &str) -> Option<(TVec<usize>, Vec<f32>)> {
        let cast = self.casts.get(name);
        let tensor = self.tensor(cast.copied().unwrap_or(name))?;
        let is_float = cast.is_some() || tensor.datum_type() == DatumType::F32;
        let values = tensor.cast_to::<f32>().ok().filter(|_| is_float)?;
        let values = values.to_plain_array_view::<f32>().ok()?.iter().copied().collect();
        Some((tensor.shape().into(), values))
    }

    /// The only value of a float32 constant.
    fn scalar(&self, name: &str) -> Option<f32> {
        let (_, values) = self.get(name)?;
        <[f32; 1]>::try_from(values).ok().map(|[value]| value)
    }

    /// Whether a constant is this one integer.
    fn is_integer(&self, name: &str, integer: i64) -> bool {
        let tensor = self.tensor(name).filter(|tensor| tensor.datum_type() == DatumType::I64);
        let values = tensor.and_then(|tensor| {
            Some(tensor.to_plain_array_view::<i64>().ok()?.iter().copied().collect::<Vec<_>>())
        });
        values.is_some_and(|values| values == [integer])
    }
}

/// The trunk that has been built so far. A value's buffer is its index in `channels`, and its
/// border is not set: both follow in [`finish`](Self::finish).
struct Builder<'a> {
    constants: Constants<'a>,
    /// How many nodes read each activation; an output of the graph counts as one.
    uses: HashMap<&'a str, usize>,
    /// Activations of four axes.
    values: HashMap<&'a str, Value>,
    /// Activations of two.
    vectors: HashMap<&'a str, Value>,
    /// For each value, the channels of the network.
    channels: Vec<usize>,
    /// For each value, the pixels of padding that convolutions need around it.
    borders: Vec<usize>,
    /// The weights of all convolutions.
    weights: usize,
    offset: f32,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    fn new(graph: &'a GraphProto, [channels, height, width]: [usize; 3]) -> Option<Self> {
        let [input] = &graph.input[..] else { return None };
        if channels != CHANNELS || height == 0 || width == 0 {
            return None;
        }
        let mut uses = HashMap::new();
        let outputs = graph.output.iter().map(|output| &output.name);
        for name in graph.node.iter().flat_map(|node| &node.input).chain(outputs) {
            *uses.entry(&**name).or_default() += 1;
        }
        let layout = Layout { channels, height, width, border: 0 };
        Some(Self {
            constants: Constants::new(graph),
            uses,
            values: HashMap::from([(&*input.name, Value { buffer: 0, layout })]),
            vectors: HashMap::new(),
            channels: vec![channels],
            borders: vec![0],
            weights: 0,
            offset: 0.0,
            steps: Vec::new(),
        })
    }

    /// Adds a node; `None` if trunks do not support it.
    fn add(&mut self, node: &'a NodeProto) -> Option<()> {
        let [output] = &node.output[..] else { return None };
        let known: &[_] = match &*node.op_type {
            "Conv" => &["dilations", "group", "kernel_shape", "pads", "strides"],
            "DepthToSpace" => &["blocksize", "mode"],
            "Flatten" => &["axis"],
            "Gemm" => &["alpha", "beta", "transA", "transB"],
            "ReduceSum" => &["keepdims"],
            _ => &[],
        };
        let is_known = node.attribute.iter().all(|attribute| known.contains(&&*attribute.name));
        if !node.domain.is_empty() || !is_known {
            return None;
        }
        let inputs: Vec<_> = node.input.iter().map(|name| &**name).collect();
        match (&*node.op_type, &inputs[..]) {
            ("Sub", &[input, offset]) if self.steps.is_empty() && self.offset == 0.0 => {
                let input = self.values.remove(input).filter(|_| self.uses[input] == 1)?;
                self.offset = self.constants.scalar(offset)?;
                self.values.insert(output, input);
            }
            ("Conv", &[input, ref constants @ ..]) => {
                let input = *self.values.get(input)?;
                self.convolve(node, input, constants, output)?;
            }
            ("Relu", &[input]) => self.continue_step(input, output)?.activation = Activation::Relu,
            ("PRelu", &[input, slopes]) => {
                let value = *self.values.get(input)?;
                let (shape, mut slopes) = self.constants.get(slopes)?;
                if shape[..] != [self.channels[value.buffer], 1, 1] {
                    return None;
                }
                slopes.resize(value.layout.channels, 0.0);
                self.continue_step(input, output)?.activation = Activation::PRelu(slopes);
            }
            ("Add", &[a, b]) => {
                self.continue_with(b, a, output).or_else(|| self.continue_with(a, b, output))?
            }
            ("Sub", &[from, subtracted]) => self.continue_negated(subtracted, from, output)?,
            ("Mul", &[input, factors]) => {
                let (input, factors) = (self.in_blocks(input)?, self.in_blocks(factors)?);
                let Layout { height: 1, width: 1, .. } = factors.layout else {
                    return None;
                };
                let [channels, factor_channels] =
                    [input, factors].map(|value| self.channels[value.buffer]);
                if channels != factor_channels {
                    return None;
                }
                let operation = Operation::Scale { factors };
                self.step(operation, input, channels, input.layout, output);
            }
            ("Sigmoid", &[input]) => {
                let input = self.in_blocks(input)?;
                let channels = self.channels[input.buffer];
                let operation = Operation::Map { channels, function: logistic };
                self.step(operation, input, channels, input.layout, output);
            }
            ("GlobalAveragePool", &[input]) => {
                let input = self.in_blocks(input)?;
                let layout = Layout { height: 1, width: 1, ..input.layout };
                self.step(Operation::Mean, input, self.channels[input.buffer], layout, output);
            }
            ("DepthToSpace", &[input]) => {
                let input = *self.values.get(input)?;
                self.depth_to_space(node, input, output)?;
            }
            ("Flatten", &[input]) => {
                let value = *self.values.get(input)?;
                if node.get_attr_opt("axis").ok()?.unwrap_or(1) != 1 {
                    return None;
                }
                self.vectors.insert(output, value);
            }
            ("Gemm", &[input, weights, bias]) => {
                self.product(node, input, [weights, bias], output)?
            }
            ("Clip", &[input, low, high]) => {
                let [low, high] = [low, high].map(|name| self.constants.scalar(name));
                let channels = self.vector_channels(input)?;
                let operation = Operation::Clamp { channels, low: low?, high: high? };
                self.vector_step(operation, input, output)?;
            }
            ("Exp" | "Log", &[input]) => {
                let function = if node.op_type == "Exp" { f32::exp } else { f32::ln };
                let channels = self.vector_channels(input)?;
                self.vector_step(Operation::Map { channels, function }, input, output)?;
            }
            ("ReduceSum", &[input, axes]) => {
                let keeps_axes = node.get_attr_opt("keepdims").ok()?.unwrap_or(true);
                if !keeps_axes || !self.constants.is_integer(axes, 1) {
                    return None;
                }
                let channels = self.vector_channels(input)?;
                self.vector_step(Operation::Sum { channels }, input, output)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// A matrix product: a convolution with a kernel as large as the image.
    fn product(
        &mut self,
        node: &NodeProto,
        input: &str,
        [weights, bias]: [&str; 2],
        output: &'a str,
    ) -> Option<()> {
        let input = *self.vectors.get(input)?;
        let inputs = self.channels[input.buffer];
        let Layout { channels: kept_inputs, height: side, width, .. } = input.layout;
        let is_one = |name| Some(node.get_attr_opt(name).ok()?.unwrap_or(1.0_f32) == 1.0);
        let is_transposed = |name| Some(node.get_attr_opt(name).ok()?.unwrap_or(false));
        let is_plain = is_one("alpha")? && is_one("beta")? && !is_transposed("transA")?;
        let ((shape, weights), (_, bias)) =
            (self.constants.get(weights)?, self.constants.get(bias)?);
        let is_square = width == side && shape[..] == [bias.len(), inputs * side * side];
        if !is_plain || !is_transposed("transB")? || !is_square || bias.is_empty() {
            return None;
        }
        let inputs = [inputs, kept_inputs];
        let channels = in_blocks(bias.len());
        let layout = Layout { channels, height: 1, width: 1, border: 0 };
        self.keep(kept_inputs * channels, side)?;
        let convolution = Convolution::new(&weights, &bias, inputs, [side, 1, 0]);
        self.step(Operation::Convolve(convolution), input, bias.len(), layout, output);
        let value = self.values.remove(output)?;
        self.vectors.insert(output, value);
        Some(())
    }

    /// Counts the weights of a convolution, which keeps a copy of its own.
    fn keep(&mut self, channels: usize, side: usize) -> Option<()> {
        self.weights = channels.checked_mul(side * side)?.checked_add(self.weights)?;
        (self.weights <= MAX_VALUES).then_some(())
    }

    fn vector_channels(&self, name: &str) -> Option<usize> {
        Some(self.channels[self.vectors.get(name)?.buffer])
    }

    /// Adds a step from a vector to a vector.
    fn vector_step(&mut self, operation: Operation, input: &str, output: &'a str) -> Option<()> {
        let input = *self.vectors.get(input)?;
        let Layout { height: 1, width: 1, .. } = input.layout else { return None };
        let channels = match operation {
            Operation::Sum { .. } => 1,
            _ => self.channels[input.buffer],
        };
        let layout = Layout { channels: in_blocks(channels), ..input.layout };
        self.step(operation, input, channels, layout, output);
        let value = self.values.remove(output)?;
        self.vectors.insert(output, value);
        Some(())
    }

    /// A value with its channels in whole blocks: any but the input.
    fn in_blocks(&self, name: &str) -> Option<Value> {
        let value = *self.values.get(name)?;
        (value.layout.channels == in_blocks(self.channels[value.buffer])).then_some(value)
    }

    fn convolve(
        &mut self,
        node: &NodeProto,
        input: Value,
        constants: &[&str],
        output: &'a str,
    ) -> Option<()> {
        let inputs = self.channels[input.buffer];
        let Layout { channels: kept_inputs, height, width, .. } = input.layout;
        let (shape, weights) = self.constants.get(constants.first()?)?;
        let &[outputs, group_inputs, side, columns] = &shape[..] else { return None };
        if weights.is_empty() {
            return None;
        }
        let bias = match *constants {
            [_] => vec![0.0; outputs],
            [_, bias] => self.constants.get(bias)?.1,
            _ => return None,
        };
        let Geometry { group, stride, padding } = Geometry::of(node, [side, columns])?;
        if bias.len() != outputs {
            return None;
        }
        let is_depthwise = kept_inputs == in_blocks(inputs)
            && (group, group_inputs, outputs) == (inputs, 1, inputs)
            && inputs > 1;
        if is_depthwise && (side, columns, padding) == (height, width, 0) {
            let weights = by_pixel(&weights, outputs, kept_inputs);
            let mut bias = bias;
            bias.resize(kept_inputs, 0.0);
            let operation = Operation::WeightedSum { weights, bias };
            let layout = Layout { height: 1, width: 1, ..input.layout };
            self.step(operation, input, outputs, layout, output);
            return Some(());
        }
        if side != columns || !(is_depthwise || (group, group_inputs) == (1, inputs)) {
            return None;
        }
        let extent = |length: usize| {
            Some((length.checked_add(2 * padding)?.checked_sub(side)?) / stride + 1)
        };
        let layout = Layout {
            channels: in_blocks(outputs),
            height: extent(height)?,
            width: extent(width)?,
            border: 0,
        };
        let geometry = [side, stride, padding];
        self.keep(kept_inputs * layout.channels, side)?;
        let operation = if is_depthwise {
            Operation::Depthwise(Depthwise::new(&weights, &bias, kept_inputs, geometry)?)
        } else {
            let inputs = [inputs, kept_inputs];
            Operation::Convolve(Convolution::new(&weights, &bias, inputs, geometry))
        };
        let border = &mut self.borders[input.buffer];
        *border = padding.max(*border);
        self.step(operation, input, outputs, layout, output);
        Some(())
    }

    fn depth_to_space(&mut self, node: &NodeProto, input: Value, output: &'a str) -> Option<()> {
        let side: usize = node.get_attr("blocksize").ok()?;
        let is_crd = node.get_attr_opt("mode").ok()? == Some("CRD");
        let Layout { channels, height, width, border } = input.layout;
        let outputs = channels.checked_div(side.checked_mul(side)?)?;
        let is_whole = outputs * side * side == self.channels[input.buffer];
        if !is_crd || !is_whole || in_blocks(outputs) != outputs {
            return None;
        }
        let [height, width] = [height.checked_mul(side)?, width.checked_mul(side)?];
        let layout = Layout { channels: outputs, height, width, border };
        self.step(Operation::DepthToSpace { side }, input, outputs, layout, output);
        Some(())
    }

    /// Adds a step with a value of its own.
    fn step(
        &mut self,
        operation: Operation,
        input: Value,
        channels: usize,
        layout: Layout,
        output: &'a str,
    ) {
        let value = Value { buffer: self.channels.len(), layout };
        self.channels.push(channels);
        self.borders.push(0);
        self.values.insert(output, value);
        let (shortcut, activation) = (None, Activation::None);
        self.steps.push(Step { operation, input, shortcut, activation, output: value });
    }

    /// The last step, if it produces `input` and no other node reads that. Its output is then
    /// `output`.
    fn continue_step(&mut self, input: &str, output: &'a str) -> Option<&mut Step> {
        let step = self.steps.last_mut()?;
        let is_last = self.values.get(input) == Some(&step.output);
        let is_activated = !matches!(step.activation, Activation::None);
        if !is_last || is_activated || self.uses[input] != 1 {
            return None;
        }
        self.values.remove(input);
        self.values.insert(output, step.output);
        Some(step)
    }

    /// Adds an earlier value to the result of the last step, which is `input`.
    fn continue_with(&mut self, input: &str, earlier: &str, output: &'a str) -> Option<()> {
        let earlier = *self.values.get(earlier)?;
        let step = self.steps.last()?;
        let is_alike = earlier.layout == step.output.layout
            && self.channels[earlier.buffer] == self.channels[step.output.buffer];
        if !is_alike || earlier == step.output || step.shortcut.is_some() {
            return None;
        }
        self.continue_step(input, output)?.shortcut = Some(earlier);
        Some(())
    }

    /// Subtracts the result of the last step, a convolution, from an earlier value.
    fn continue_negated(&mut self, input: &str, earlier: &str, output: &'a str) -> Option<()> {
        let Operation::Convolve(_) = self.steps.last()?.operation else { return None };
        self.continue_with(input, earlier, output)?;
        let Operation::Convolve(convolution) = &mut self.steps.last_mut()?.operation else {
            return None;
        };
        convolution.negate();
        Some(())
    }

    /// The only activation that is needed, if it is the last step's.
    fn only_output(&self, needed: &[&String]) -> Option<&'a str> {
        let names = self.values.iter().chain(&self.vectors);
        let mut outputs = names.filter(|(name, _)| needed.iter().any(|needed| needed == *name));
        let (&name, &value) = outputs.next()?;
        let is_last = outputs.next().is_none() && self.steps.last()?.output == value;
        is_last.then_some(name)
    }

    /// Shares buffers between values that are not needed at the same time.
    fn finish(mut self, output: &str) -> Option<Trunk> {
        let is_vector = self.vectors.contains_key(output);
        let output = *self.values.get(output).or_else(|| self.vectors.get(output))?;
        let mut last_reads = vec![0; self.channels.len()];
        for (index, step) in self.steps.iter().enumerate() {
            step.read().for_each(|value| last_reads[value.buffer] = index);
        }
        let mut buffers: Vec<usize> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut places: Vec<Option<Value>> = vec![None; self.channels.len()];
        let mut place = |value: &Value, free: &mut Vec<usize>| {
            let layout = Layout { border: self.borders[value.buffer], ..value.layout };
            if !layout.is_small_enough() {
                return None;
            }
            let buffer = free.pop().unwrap_or(buffers.len());
            buffers.resize(buffers.len().max(buffer + 1), 0);
            buffers[buffer] = layout.len().max(buffers[buffer]);
            Some(Value { buffer, layout })
        };
        let first = self.steps.first()?.input;
        places[first.buffer] = place(&first, &mut free);
        for (index, step) in self.steps.iter().enumerate() {
            places[step.output.buffer] = Some(place(&step.output, &mut free)?);
            for value in step.read().filter(|value| last_reads[value.buffer] == index) {
                let buffer = places[value.buffer]?.buffer;
                if !free.contains(&buffer) {
                    free.push(buffer);
                }
            }
        }
        if buffers.iter().sum::<usize>() > MAX_VALUES {
            return None;
        }
        for step in &mut self.steps {
            for value in step.values_mut() {
                *value = places[value.buffer]?;
            }
        }
        Some(Trunk {
            steps: self.steps,
            buffers,
            offset: self.offset,
            input: places[first.buffer]?,
            output_channels: self.channels[output.buffer],
            output: places[output.buffer]?,
            is_vector,
        })
    }
}

impl Step {
    /// The values that the step reads.
    fn read(&self) -> impl Iterator<Item = Value> + use<> {
        let factors = match self.operation {
            Operation::Scale { factors } => Some(factors),
            _ => None,
        };
        [Some(self.input), self.shortcut, factors].into_iter().flatten()
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let factors = match &mut self.operation {
            Operation::Scale { factors } => Some(factors),
            _ => None,
        };
        [Some(&mut self.input), self.shortcut.as_mut(), factors, Some(&mut self.output)]
            .into_iter()
            .flatten()
    }
}

/// The attributes of a convolution.
struct Geometry {
    group: usize,
    stride: usize,
    padding: usize,
}

impl Geometry {
    /// `None` unless strides and padding are equal on all sides, the padding less than the kernel,
    /// and nothing is dilated.
    fn of(node: &NodeProto, kernel: [usize; 2]) -> Option<Self> {
        let same = |name, length, default| {
            let values: Option<TVec<usize>> = node.get_attr_opt_tvec(name).ok()?;
            let Some(values) = values else { return Some(default) };
            let first = *values.first().filter(|_| values.len() == length)?;
            values.iter().all(|value| *value == first).then_some(first)
        };
        let shape = node.get_attr_opt_tvec::<usize>("kernel_shape").ok()?;
        let (stride, padding) = (same("strides", 2, 1)?, same("pads", 4, 0)?);
        let is_plain =
            same("dilations", 2, 1)? == 1 && shape.is_none_or(|shape| shape[..] == kernel);
        let is_usual =
            (1..=MAX_STRIDE).contains(&stride) && kernel.iter().all(|&side| padding < side);
        let group = node.get_attr_opt("group").ok()?.unwrap_or(1);
        (is_plain && is_usual).then_some(Self { group, stride, padding })
    }
}
