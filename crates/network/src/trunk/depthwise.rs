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
    /// Row, column, channel.
    weights: Vec<f32>,
    /// One for each channel.
    bias: Vec<f32>,
}

impl Depthwise {
    /// `weights` are `channels × 1 × side × side`, as in ONNX; `kept` the channels in memory.
    pub(super) fn new(
        weights: &[f32],
        bias: &[f32],
        kept: usize,
        [side, stride, padding]: [usize; 3],
    ) -> Self {
        let weights = by_pixel(weights, bias.len(), kept);
        let mut bias = bias.to_vec();
        bias.resize(kept, 0.0);
        Self { side, stride, padding, weights, bias }
    }

    #[inline(always)]
    pub(super) fn run<S: Simd>(
        &self,
        simd: S,
        (input, from): (&[f32], Layout),
        (output, to): (&mut [f32], Layout),
    ) {
        for y in 0..to.height {
            for x in 0..to.width {
                let corner = from.corner(y, x, self.stride, self.padding);
                let pixel = &mut output[to.at(y, x)..][..to.channels];
                for first in (0..to.channels).step_by(BLOCK) {
                    let mut sum = f32x8::from_slice(simd, &self.bias[first..][..BLOCK]);
                    for row in 0..self.side {
                        let input = &input[corner + row * from.row() + first..];
                        let weights = &self.weights[row * self.side * to.channels + first..];
                        for column in 0..self.side {
                            let place = column * to.channels;
                            let [input, weights] = [input, weights].map(|values| {
                                f32x8::<S>::from_slice(simd, &values[place..][..BLOCK])
                            });
                            sum = input.mul_add(weights, sum);
                        }
                    }
                    sum.store_slice(&mut pixel[first..][..BLOCK]);
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
