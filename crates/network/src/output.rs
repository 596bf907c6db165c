//! The result of a network.

/// One output of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl Output {
    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values in row-major order.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}
