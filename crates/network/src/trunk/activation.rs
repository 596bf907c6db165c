//! Activation functions.

use fearless_simd::prelude::*;

/// Applied to each value of a step's result.
#[derive(Debug)]
pub(super) enum Activation {
    None,
    /// Negative values become zero.
    Relu,
    /// Negative values are multiplied by the slope of their channel.
    PRelu(Vec<f32>),
}

impl Activation {
    /// Activates values of the channels from `first` on, one channel per lane.
    #[inline(always)]
    pub(super) fn apply<S, V>(&self, simd: S, values: V, first: usize) -> V
    where
        S: Simd,
        V: SimdFloat<S, Element = f32>,
    {
        let zero = V::splat(simd, 0.0);
        match self {
            Self::None => values,
            // In this order, NaN stays NaN with the instructions of x86-64, Arm and WebAssembly.
            Self::Relu => zero.max(values),
            Self::PRelu(slopes) => {
                let slopes = V::from_slice(simd, &slopes[first..][..V::LEN]);
                zero.min(values).mul_add(slopes, zero.max(values))
            }
        }
    }
}
