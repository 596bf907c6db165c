//! A convolution of each channel with a kernel of its own.

use fearless_simd::f32x8;
use fearless_simd::prelude::*;

use super::layout::{BLOCK, Layout};

/// The weights and the geometry of a depthwise convolution.
#[derive(Debug)]
pub(super) struct Depthwise {
    side: usize,
    stride: usize,
    padding: usize,
    /// By block of channels, then row, then column.
    weights: Vec<[f32; BLOCK]>,
    /// One for each block of channels.
    bias: Vec<[f32; BLOCK]>,
}

impl Depthwise {
    /// `weights` are `channels × 1 × side × side`, as in ONNX; `kept` the channels in memory.
    /// `None` if there is no code for a kernel of this side.
    pub(super) fn new(
        weights: &[f32],
        bias: &[f32],
        kept: usize,
        [side, stride, padding]: [usize; 3],
    ) -> Option<Self> {
        let packed = by_pixel(weights, bias.len(), kept);
        let (packed, _) = packed.as_chunks();
        let blocks = kept / BLOCK;
        let of_block = |block| packed.iter().skip(block).step_by(blocks).copied();
        let weights = (0..blocks).flat_map(of_block).collect();
        let mut bias = bias.to_vec();
        bias.resize(kept, 0.0);
        let bias = bias.as_chunks().0.to_vec();
        matches!(side, 3 | 5).then_some(Self { side, stride, padding, weights, bias })
    }

    #[inline(always)]
    pub(super) fn run<S: Simd>(
        &self,
        simd: S,
        input: (&[f32], Layout),
        output: (&mut [f32], Layout),
    ) {
        match self.side {
            3 => self.run_of::<S, 3>(simd, input, output),
            _ => self.run_of::<S, 5>(simd, input, output),
        }
    }

    #[inline(always)]
    fn run_of<S: Simd, const SIDE: usize>(
        &self,
        simd: S,
        (input, from): (&[f32], Layout),
        (output, to): (&mut [f32], Layout),
    ) {
        let (input, _) = input.as_chunks::<BLOCK>();
        let (output, _) = output.as_chunks_mut::<BLOCK>();
        let (from_row, from_pixel) = (from.row() / BLOCK, from.channels / BLOCK);
        let to_pixel = to.channels / BLOCK;
        let (kernels, _) = self.weights.as_chunks::<SIDE>();
        for (block, (kernel, bias)) in kernels.chunks_exact(SIDE).zip(&self.bias).enumerate() {
            // In registers for the whole image: 9 fit.
            let mut weights = [[f32x8::splat(simd, 0.0); SIDE]; SIDE];
            for (weights, row) in weights.iter_mut().zip(kernel) {
                for (weight, values) in weights.iter_mut().zip(row) {
                    *weight = f32x8::from_slice(simd, values);
                }
            }
            let bias = f32x8::from_slice(simd, bias);
            for y in 0..to.height {
                let corner = from.corner(y, 0, self.stride, self.padding) / BLOCK + block;
                let first = to.at(y, 0) / BLOCK + block;
                for x in 0..to.width {
                    let mut sum = bias;
                    for (row, weights) in weights.iter().enumerate() {
                        let start = corner + x * self.stride * from_pixel + row * from_row;
                        let input = &input[start..][..(SIDE - 1) * from_pixel + 1];
                        for (column, weight) in weights.iter().enumerate() {
                            let values = f32x8::from_slice(simd, &input[column * from_pixel]);
                            sum = values.mul_add(*weight, sum);
                        }
                    }
                    sum.store_slice(&mut output[first + x * to_pixel]);
                }
            }
        }
    }
}

/// From `channels × pixels` to `pixels × kept`.
pub(super) fn by_pixel(weights: &[f32], channels: usize, kept: usize) -> Vec<f32> {
    let pixels = weights.len() / channels;
    let mut packed = vec![0.0; pixels * kept];
    for (index, weight) in weights.iter().enumerate() {
        packed[index % pixels * kept + index / pixels] = *weight;
    }
    packed
}
