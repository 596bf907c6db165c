//! The input of a network, and an image written into it.

use face_liveness_image::ImageView;

use crate::Error;

/// The input of a network: `C × H × W` float32 values, row by row, plane by plane.
///
/// ```
/// use face_liveness_network::PlanesMut;
///
/// let mut values = [0.0; 6];
/// let mut planes = PlanesMut::new([3, 1, 2], &mut values)?;
/// planes.row_mut(1, 0).fill(5.0);
/// assert_eq!(planes.shape(), [3, 1, 2]);
/// assert_eq!(values, [0.0, 0.0, 5.0, 5.0, 0.0, 0.0]);
/// # Ok::<(), face_liveness_network::Error>(())
/// ```
pub struct PlanesMut<'a> {
    shape: [usize; 3],
    values: &'a mut [f32],
}

impl<'a> PlanesMut<'a> {
    /// Borrows `C × H × W` values, `shape` being `[C, H, W]`.
    ///
    /// # Errors
    /// [`ErrorKind::Run`](crate::ErrorKind::Run) when the slice has another length.
    pub fn new(shape: [usize; 3], values: &'a mut [f32]) -> Result<Self, Error> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(Error::run(format!(
                "{} values do not fill planes of {shape:?}",
                values.len()
            )));
        }
        Ok(Self { shape, values })
    }

    /// `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// All values, plane by plane.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.values
    }

    /// One row of one plane.
    ///
    /// # Panics
    /// When the plane or the row is outside the shape.
    pub fn row_mut(&mut self, channel: usize, row: usize) -> &mut [f32] {
        let [channels, height, width] = self.shape;
        assert!(channel < channels && row < height, "row {row} of plane {channel}");
        &mut self.values[(channel * height + row) * width..][..width]
    }
}

impl std::fmt::Debug for PlanesMut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [channels, height, width] = self.shape;
        write!(f, "PlanesMut({channels} × {height} × {width})")
    }
}

/// Where and how [`write_rgb`] places an image. The default is the top-left corner, not mirrored,
/// in planes of red, green and blue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placement {
    left: usize,
    top: usize,
    is_mirrored: bool,
    is_bgr: bool,
}

impl Placement {
    /// The image's top-left corner is at this column and row of the planes.
    pub fn at(left: usize, top: usize) -> Self {
        Self { left, top, ..Self::default() }
    }

    /// Whether the planes are mirrored left to right, and the image with them: its left edge is
    /// then `left` columns from the right edge of the planes.
    #[must_use]
    pub fn mirrored(self, is_mirrored: bool) -> Self {
        Self { is_mirrored, ..self }
    }

    /// Whether the planes are blue, green and red.
    #[must_use]
    pub fn bgr(self, is_bgr: bool) -> Self {
        Self { is_bgr, ..self }
    }
}

/// Writes the samples of an image, 0 to 255, into three planes. The rest of the planes is left as
/// it is.
///
/// # Panics
/// When there are fewer than three planes, or the image does not fit.
///
/// ```
/// use face_liveness_image::ImageView;
/// use face_liveness_network::{Placement, PlanesMut, write_rgb};
///
/// let image = ImageView::new(2, 1, &[1, 2, 3, 4, 5, 6])?;
/// let mut values = [0.0; 9];
/// write_rgb(&mut PlanesMut::new([3, 1, 3], &mut values)?, image, Placement::default());
/// assert_eq!(values, [1.0, 4.0, 0.0, 2.0, 5.0, 0.0, 3.0, 6.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_rgb(planes: &mut PlanesMut<'_>, image: ImageView<'_>, placement: Placement) {
    let Placement { left, top, is_mirrored, is_bgr } = placement;
    let columns = image.width() as usize;
    let rows = image.pixels().chunks_exact(3 * columns);
    for channel in 0..3 {
        let plane = if is_bgr { 2 - channel } else { channel };
        for (y, pixels) in rows.clone().enumerate() {
            let row = planes.row_mut(plane, top + y);
            let samples = pixels.chunks_exact(3).map(|pixel| f32::from(pixel[channel]));
            let write = |(value, sample): (&mut f32, f32)| *value = sample;
            if is_mirrored {
                let end = row.len() - left;
                row[end - columns..end].iter_mut().rev().zip(samples).for_each(write);
            } else {
                row[left..left + columns].iter_mut().zip(samples).for_each(write);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(placement: Placement) -> [f32; 24] {
        let image = ImageView::new(2, 1, &[1, 2, 3, 4, 5, 6]).expect("two pixels");
        let mut values = [0.0; 24];
        let mut planes = PlanesMut::new([3, 2, 4], &mut values).expect("24 values");
        write_rgb(&mut planes, image, placement);
        values
    }

    #[test]
    fn a_mirrored_image_counts_columns_from_the_right() {
        let [red, green, blue] = [[4.0, 1.0], [5.0, 2.0], [6.0, 3.0]];
        let row = |[a, b]: [f32; 2]| [[0.0; 4], [0.0, a, b, 0.0]].concat();
        assert_eq!(
            written(Placement::at(1, 1).mirrored(true)),
            *[red, green, blue].map(row).concat()
        );
    }

    #[test]
    fn blue_comes_first_in_bgr() {
        let [red, green, blue] = [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
        let row = |[a, b]: [f32; 2]| [[a, b, 0.0, 0.0], [0.0; 4]].concat();
        assert_eq!(written(Placement::default().bgr(true)), *[blue, green, red].map(row).concat());
    }

    #[test]
    fn planes_have_as_many_values_as_their_shape() {
        assert!(PlanesMut::new([3, 2, 4], &mut [0.0; 23]).is_err());
    }
}
