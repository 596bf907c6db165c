//! A convolution without a copy of its input: each output pixel reads the input in place.
//!
//! A tile of up to six neighbouring output pixels and one vector of output channels stays in
//! registers while the loop passes over the kernel. That is the register blocking of "Anatomy of
//! High-Performance Deep Learning Convolutions on SIMD Architectures" (Georganas et al., 2018,
//! arXiv:1808.05567), with the channels of a pixel side by side.

use fearless_simd::prelude::*;
use fearless_simd::{f32x8, f32x16};

use super::activation::Activation;
use super::layout::{BLOCK, Layout, in_blocks};

/// Output channels that are summed at a time: one vector with AVX-512, two with AVX2, four with 128
/// bits. The last group may be one [`BLOCK`] smaller.
const WIDE: usize = 16;
/// Output pixels of a tile. With AVX2, their sums fill 12 of 16 registers.
const TILE: usize = 6;
/// Steps of the innermost loop before it checks its end.
const UNROLLED: usize = 4;

/// The weights and the geometry of a convolution.
#[derive(Debug, Clone)]
pub(super) struct Convolution {
    /// Rows, and columns, of the kernel.
    side: usize,
    stride: usize,
    padding: usize,
    /// The kernel of each block of output channels: row, column, input channel, output channel.
    weights: Vec<f32>,
    /// One for each output channel.
    bias: Vec<f32>,
}

impl Convolution {
    /// `weights` are `outputs × inputs × side × side`, as in ONNX; `kept_inputs` are the
    /// channels of the input in memory.
    pub(super) fn new(
        weights: &[f32],
        bias: &[f32],
        [inputs, kept_inputs]: [usize; 2],
        [side, stride, padding]: [usize; 3],
    ) -> Self {
        let outputs = bias.len();
        let kept_outputs = in_blocks(outputs);
        let mut packed = Vec::with_capacity(kept_outputs * kept_inputs * side * side);
        for first in (0..kept_outputs).step_by(WIDE) {
            let block = WIDE.min(kept_outputs - first);
            for (position, input) in
                (0..side * side).flat_map(|position| (0..kept_inputs).map(move |i| (position, i)))
            {
                packed.extend((first..first + block).map(|output| {
                    let is_padding = output >= outputs || input >= inputs;
                    let index = (output * inputs + input) * side * side + position;
                    if is_padding { 0.0 } else { weights[index] }
                }));
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(kept_outputs, 0.0);
        Self { side, stride, padding, weights: packed, bias }
    }

    /// Makes each result negative.
    pub(super) fn negate(&mut self) {
        self.weights.iter_mut().chain(&mut self.bias).for_each(|value| *value = -*value);
    }

    /// Convolves `input`; adds the values of `shortcut`, which are laid out like those of `output`,
    /// with their own border; applies `activation`.
    #[inline(always)]
    pub(super) fn run<S: Simd>(
        &self,
        simd: S,
        (input, from): (&[f32], Layout),
        (output, to): (&mut [f32], Layout),
        shortcut: Option<(&[f32], Layout)>,
        activation: &Activation,
    ) {
        let taps = self.side * self.side * from.channels;
        let tiles = to.width.div_ceil(TILE);
        for first in (0..to.channels).step_by(WIDE) {
            let width = WIDE.min(to.channels - first);
            let weights = &self.weights[first * taps..][..width * taps];
            let bias = &self.bias[first..][..width];
            for y in 0..to.height {
                let mut x = 0;
                for tile in 0..tiles {
                    // Tiles of a row differ by one pixel at most, so that each is long enough to
                    // hide the latency of the additions.
                    let pixels = (to.width - x).div_ceil(tiles - tile);
                    let corner = from.corner(y, x, self.stride, self.padding);
                    let start = to.at(y, x) + first;
                    let tile = Tile {
                        input: &input[corner..],
                        input_row: from.row(),
                        input_step: self.stride * from.channels,
                        run: self.side * from.channels,
                        weights,
                        bias,
                        shortcut: shortcut.map(|(values, of)| &values[of.at(y, x) + first..]),
                        activation,
                        first,
                        output_step: to.channels,
                    };
                    if width == WIDE {
                        tile.run_of::<S, f32x16<S>, WIDE>(simd, pixels, &mut output[start..]);
                    } else {
                        tile.run_of::<S, f32x8<S>, BLOCK>(simd, pixels, &mut output[start..]);
                    }
                    x += pixels;
                }
            }
        }
    }
}

/// Some neighbouring pixels of a row of the output, and one block of its channels.
struct Tile<'a> {
    /// From the first value that the first pixel reads.
    input: &'a [f32],
    /// Values from one row of the input to the next.
    input_row: usize,
    /// Values of the input from one pixel of the output to the next.
    input_step: usize,
    /// Neighbouring values of a row of the input that a pixel of the output reads.
    run: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    shortcut: Option<&'a [f32]>,
    activation: &'a Activation,
    /// The first channel of the block.
    first: usize,
    /// Values from one pixel of the output, or of the shortcut, to the next.
    output_step: usize,
}

impl Tile<'_> {
    #[inline(always)]
    fn run_of<S, V, const N: usize>(&self, simd: S, pixels: usize, output: &mut [f32])
    where
        S: Simd,
        V: SimdFloat<S, Element = f32>,
    {
        match pixels {
            1 => self.run::<S, V, N, 1>(simd, output),
            2 => self.run::<S, V, N, 2>(simd, output),
            3 => self.run::<S, V, N, 3>(simd, output),
            4 => self.run::<S, V, N, 4>(simd, output),
            5 => self.run::<S, V, N, 5>(simd, output),
            _ => self.run::<S, V, N, TILE>(simd, output),
        }
    }

    #[inline(always)]
    fn run<S, V, const N: usize, const P: usize>(&self, simd: S, output: &mut [f32])
    where
        S: Simd,
        V: SimdFloat<S, Element = f32>,
    {
        let &Tile { input_row, input_step, run, output_step, .. } = self;
        let mut sums = [V::from_slice(simd, &self.bias[..N]); P];
        let (weights, _) = self.weights.as_chunks::<N>();
        for (row, weights) in weights.chunks_exact(run).enumerate() {
            let input = &self.input[row * input_row..];
            let pixels: [&[f32]; P] =
                std::array::from_fn(|pixel| &input[pixel * input_step..][..run]);
            let (unrolled, rest) = weights.as_chunks::<UNROLLED>();
            let unrolled_pixels =
                pixels.map(|pixel| &pixel.as_chunks::<UNROLLED>().0[..unrolled.len()]);
            for (index, weights) in unrolled.iter().enumerate() {
                let pixels = unrolled_pixels.map(|pixel| &pixel[index]);
                for (tap, weights) in weights.iter().enumerate() {
                    add_tap(simd, &mut sums, pixels.map(|pixel| pixel[tap]), weights);
                }
            }
            let first = run - rest.len();
            for (tap, weights) in rest.iter().enumerate() {
                add_tap(simd, &mut sums, pixels.map(|pixel| pixel[first + tap]), weights);
            }
        }
        for (pixel, mut sum) in sums.into_iter().enumerate() {
            if let Some(shortcut) = self.shortcut {
                sum += V::from_slice(simd, &shortcut[pixel * output_step..][..N]);
            }
            let sum = self.activation.apply(simd, sum, self.first);
            sum.store_slice(&mut output[pixel * output_step..][..N]);
        }
    }
}

/// Adds one value of each pixel's input times its weights.
#[inline(always)]
fn add_tap<S, V, const P: usize>(simd: S, sums: &mut [V; P], inputs: [f32; P], weights: &[f32])
where
    S: Simd,
    V: SimdFloat<S, Element = f32>,
{
    let weights = V::from_slice(simd, weights);
    for (sum, input) in sums.iter_mut().zip(inputs) {
        *sum = V::splat(simd, input).mul_add(weights, *sum);
    }
}
