//! The memory layout of activations.

/// The maximum number of values in all buffers, and of weights: 1 GiB of each.
pub(super) const MAX_VALUES: usize = 1 << 28;
/// The channels of a block.
pub(super) const BLOCK: usize = 8;

/// The number of channels in memory for `channels` channels: whole blocks.
pub(super) fn in_blocks(channels: usize) -> usize {
    channels.next_multiple_of(BLOCK)
}

/// Values pixel by pixel, each pixel with all its channels, in a border of zeros.
///
/// The border stands in for the padding of convolutions. Channels beyond the network's own fill the
/// last block of a pixel; they are zero, as long as no sum overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// In pixels, on each side.
    pub(super) border: usize,
}

impl Layout {
    /// The number of values, with the border.
    pub(super) fn len(&self) -> usize {
        self.row() * (self.height + 2 * self.border)
    }

    /// The number of values of a row, with the border.
    pub(super) fn row(&self) -> usize {
        self.channels * (self.width + 2 * self.border)
    }

    /// The index of a pixel's first value.
    #[inline(always)]
    pub(super) fn at(&self, y: usize, x: usize) -> usize {
        (y + self.border) * self.row() + (x + self.border) * self.channels
    }

    /// The index of the first value that a convolution reads for its output pixel at `y`, `x`.
    #[inline(always)]
    pub(super) fn corner(&self, y: usize, x: usize, stride: usize, padding: usize) -> usize {
        self.at(y * stride, x * stride) - padding * (self.row() + self.channels)
    }

    /// Whether an activation of this size, with a border of `border`, can be kept in memory.
    pub(super) fn is_small_enough(&self) -> bool {
        let side = |side: usize| side.checked_add(2 * self.border);
        let len = || self.channels.checked_mul(side(self.height)?)?.checked_mul(side(self.width)?);
        len().is_some_and(|len| len <= MAX_VALUES)
    }

    /// Sets the border to zero.
    pub(super) fn clear_border(&self, values: &mut [f32]) {
        let edge = self.border * self.row();
        let side = self.border * self.channels;
        let inside = self.height * self.row();
        values[..edge].fill(0.0);
        for row in values[edge..edge + inside].chunks_exact_mut(self.row()) {
            row[..side].fill(0.0);
            let right = row.len() - side;
            row[right..].fill(0.0);
        }
        values[edge + inside..].fill(0.0);
    }

    /// The values of each row, without the border.
    #[inline(always)]
    pub(super) fn rows<'a>(&self, values: &'a [f32]) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (length, row) = (self.width * self.channels, self.row());
        values[self.at(0, 0)..].chunks(row).take(self.height).map(move |row| &row[..length])
    }

    /// The values of each row, without the border.
    #[inline(always)]
    pub(super) fn rows_mut<'a>(
        &self,
        values: &'a mut [f32],
    ) -> impl Iterator<Item = &'a mut [f32]> + use<'a> {
        let (length, row) = (self.width * self.channels, self.row());
        let first = self.at(0, 0);
        values[first..].chunks_mut(row).take(self.height).map(move |row| &mut row[..length])
    }

    /// The values of each pixel.
    #[inline(always)]
    pub(super) fn pixels<'a>(
        &self,
        values: &'a [f32],
    ) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let channels = self.channels;
        self.rows(values).flat_map(move |row| row.chunks_exact(channels))
    }

    /// The values of each pixel.
    #[inline(always)]
    pub(super) fn pixels_mut<'a>(
        &self,
        values: &'a mut [f32],
    ) -> impl Iterator<Item = &'a mut [f32]> + use<'a> {
        let channels = self.channels;
        self.rows_mut(values).flat_map(move |row| row.chunks_exact_mut(channels))
    }
}
