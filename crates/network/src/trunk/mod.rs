//! The convolutions of a network, without tract.
//!
//! tract copies the input of a convolution into the columns of a matrix, packs the matrix for its
//! kernel, and unpacks the product. With the small images of these networks, that takes longer than
//! the multiplications. Here, activations keep one layout from the first convolution to the last.
//!
//! The first nodes of an ONNX graph, as far as this module supports them, are the *trunk*: all
//! nodes of the built-in networks. tract runs the rest, the *head*. If the head has a convolution,
//! tract runs the whole graph.

mod activation;
pub(crate) mod compile;
mod convolution;
mod depthwise;
mod layout;
#[cfg(all(test, feature = "all-operators"))]
mod tests;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, f32x8};
use zeroize::Zeroizing;

use self::activation::Activation;
use self::convolution::Convolution;
use self::depthwise::Depthwise;
use self::layout::{BLOCK, Layout};

/// The channels of the input.
const CHANNELS: usize = 3;

/// The convolutions of a network, and the nodes between them.
#[derive(Debug)]
pub(crate) struct Trunk {
    steps: Vec<Step>,
    /// The number of values of each buffer that the steps share.
    buffers: Vec<usize>,
    /// Subtracted from each value of the input.
    offset: f32,
    input: Value,
    output: Value,
    /// Without the channels that fill the last block.
    output_channels: usize,
    /// Whether the output has two axes, not four.
    is_vector: bool,
}

/// An activation: a buffer, until another activation takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    buffer: usize,
    layout: Layout,
}

#[derive(Debug)]
struct Step {
    operation: Operation,
    input: Value,
    /// Added to the result.
    shortcut: Option<Value>,
    activation: Activation,
    output: Value,
}

#[derive(Debug)]
enum Operation {
    Convolve(Convolution),
    Depthwise(Depthwise),
    /// ONNX's DepthToSpace in the mode CRD: from `C · side² × H × W` to
    /// `C × H · side × W · side`.
    DepthToSpace {
        side: usize,
    },
    /// The mean of each channel.
    Mean,
    /// The sum of each channel, weighted pixel by pixel, and a bias.
    WeightedSum {
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    /// The sum of the channels of each pixel.
    Sum {
        channels: usize,
    },
    /// A function of each value.
    Map {
        channels: usize,
        function: fn(f32) -> f32,
    },
    Clamp {
        channels: usize,
        low: f32,
        high: f32,
    },
    /// Each channel times its factor: the one pixel of another value.
    Scale {
        factors: Value,
    },
}

impl Trunk {
    /// The axes of the output: `1 × C × H × W`, or `1 × C`.
    pub(crate) fn output_shape(&self) -> Vec<usize> {
        let (channels, Layout { height, width, .. }) = (self.output_channels, self.output.layout);
        if self.is_vector {
            vec![1, channels * height * width]
        } else {
            vec![1, channels, height, width]
        }
    }

    /// Takes and returns planes of `[C, H, W]`. Every activation is wiped, and the planes as soon
    /// as they are read: for a large photo, they are the largest allocation.
    pub(crate) fn run(&self, planes: Zeroizing<Vec<f32>>) -> Zeroizing<Vec<f32>> {
        let mut buffers = Buffers(vec![Zeroizing::default(); self.buffers.len()]);
        let Value { buffer, layout } = self.input;
        buffers.0[buffer] = vec![0.0; self.buffers[buffer]].into();
        self.write_input(&planes, &mut buffers.0[buffer][..layout.len()]);
        drop(planes);
        let level = Level::new();
        for step in &self.steps {
            let mut output = std::mem::take(&mut buffers.0[step.output.buffer]);
            if output.is_empty() {
                output = vec![0.0; self.buffers[step.output.buffer]].into();
            }
            let to = step.output.layout;
            let values = &mut output[..to.len()];
            to.clear_border(values);
            dispatch!(level, simd => step.run(simd, &buffers, values));
            buffers.0[step.output.buffer] = output;
        }
        self.read_output(buffers.of(self.output))
    }

    /// From planes to pixels.
    fn write_input(&self, planes: &[f32], values: &mut [f32]) {
        let layout @ Layout { height, width, .. } = self.input.layout;
        layout.clear_border(values);
        let mut planes = planes.chunks_exact(height * width).map(|plane| plane.chunks_exact(width));
        let [red, green, blue] = std::array::from_fn(|_| planes.next().into_iter().flatten());
        for (row, ((red, green), blue)) in layout.rows_mut(values).zip(red.zip(green).zip(blue)) {
            let samples = red.iter().zip(green).zip(blue);
            for (pixel, ((red, green), blue)) in row.chunks_exact_mut(CHANNELS).zip(samples) {
                pixel[0] = red - self.offset;
                pixel[1] = green - self.offset;
                pixel[2] = blue - self.offset;
            }
        }
    }

    /// From pixels to planes.
    fn read_output(&self, values: &[f32]) -> Zeroizing<Vec<f32>> {
        let layout @ Layout { channels, height, width, .. } = self.output.layout;
        let mut planes = Zeroizing::new(Vec::with_capacity(self.output_channels * height * width));
        for channel in 0..self.output_channels {
            for row in layout.rows(values) {
                planes.extend(row[channel..].iter().step_by(channels));
            }
        }
        planes
    }
}

/// Allocated when first needed.
struct Buffers(Vec<Zeroizing<Vec<f32>>>);

impl Buffers {
    fn of(&self, Value { buffer, layout }: Value) -> &[f32] {
        &self.0[buffer][..layout.len()]
    }
}

impl Step {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, buffers: &Buffers, output: &mut [f32]) {
        let (from, to) = (self.input.layout, self.output.layout);
        let input = buffers.of(self.input);
        let shortcut = self.shortcut.map(|value| (buffers.of(value), value.layout));
        match &self.operation {
            Operation::Convolve(convolution) => {
                let (input, output) = ((input, from), (output, to));
                return convolution.run(simd, input, output, shortcut, &self.activation);
            }
            Operation::Depthwise(depthwise) => {
                depthwise.run(simd, (input, from), (output, to));
            }
            &Operation::DepthToSpace { side } => depth_to_space(side, input, from, output, to),
            Operation::Mean => {
                let scale = 1.0 / (from.height * from.width) as f32;
                let output = &mut output[to.at(0, 0)..][..to.channels];
                output.fill(0.0);
                for pixel in from.pixels(input) {
                    output.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                }
                output.iter_mut().for_each(|sum| *sum *= scale);
            }
            Operation::WeightedSum { weights, bias } => {
                let output = &mut output[to.at(0, 0)..][..to.channels];
                output.copy_from_slice(bias);
                for (pixel, weights) in from.pixels(input).zip(weights.chunks_exact(from.channels))
                {
                    for ((sum, value), weight) in output.iter_mut().zip(pixel).zip(weights) {
                        *sum += value * weight;
                    }
                }
            }
            &Operation::Sum { channels } => {
                for (sum, pixel) in to.pixels_mut(output).zip(from.pixels(input)) {
                    sum.fill(0.0);
                    sum[0] = pixel[..channels].iter().sum();
                }
            }
            &Operation::Map { channels, function } => {
                map(channels, (input, from), (output, to), function);
            }
            &Operation::Clamp { channels, low, high } => {
                // As ONNX defines it: NaN stays NaN, and `high` prevails where it is below `low`.
                map(channels, (input, from), (output, to), |value| {
                    let value = if value < low { low } else { value };
                    if value > high { high } else { value }
                });
            }
            &Operation::Scale { factors } => {
                let factors = &buffers.of(factors)[factors.layout.at(0, 0)..];
                for (pixel, input) in to.pixels_mut(output).zip(from.pixels(input)) {
                    for ((value, x), factor) in pixel.iter_mut().zip(input).zip(factors) {
                        *value = x * factor;
                    }
                }
            }
        }
        if let Some((values, layout)) = shortcut {
            for (row, shortcut) in to.rows_mut(output).zip(layout.rows(values)) {
                row.iter_mut().zip(shortcut).for_each(|(value, x)| *value += x);
            }
        }
        if !matches!(self.activation, Activation::None) {
            for pixel in to.pixels_mut(output) {
                for (block, values) in pixel.chunks_exact_mut(BLOCK).enumerate() {
                    let activated = f32x8::from_slice(simd, values);
                    let activated = self.activation.apply(simd, activated, block * BLOCK);
                    activated.store_slice(values);
                }
            }
        }
    }
}

/// Applies a function to the network's channels. Those that fill the last block become zero.
#[inline(always)]
fn map(
    channels: usize,
    (input, from): (&[f32], Layout),
    (output, to): (&mut [f32], Layout),
    function: impl Fn(f32) -> f32,
) {
    for (output, pixel) in to.pixels_mut(output).zip(from.pixels(input)) {
        output.fill(0.0);
        output.iter_mut().zip(&pixel[..channels]).for_each(|(value, &x)| *value = function(x));
    }
}

#[inline(always)]
fn depth_to_space(side: usize, input: &[f32], from: Layout, output: &mut [f32], to: Layout) {
    for (y, row) in from.rows(input).enumerate() {
        for (x, pixel) in row.chunks_exact(from.channels).enumerate() {
            for (dy, dx) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx))) {
                let output = &mut output[to.at(y * side + dy, x * side + dx)..][..to.channels];
                let input = pixel[dy * side + dx..].iter().step_by(side * side);
                output.iter_mut().zip(input).for_each(|(value, x)| *value = *x);
            }
        }
    }
}
