//! A photo shrunk to what a detector reads, and laid into its input.

use face_liveness_image::ImageView;
use ndarray::{ArrayViewMut3, Axis};

/// How wide a frame of zeros the networks of our own ask for about their inputs: tract would copy an input to pad it.
const FRAME: usize = 1;

/// A side of an input with its frame.
pub(crate) fn framed(side: u32) -> usize {
    side as usize + 2 * FRAME
}

/// Writes an image's samples into a network's framed planes, its corner at a column and row within the frame.
pub(crate) fn write_framed(
    mut planes: ArrayViewMut3<'_, f32>,
    image: ImageView<'_>,
    [left, top]: [usize; 2],
) {
    planes.slice_axis_inplace(Axis(1), (FRAME + top..).into());
    planes.slice_axis_inplace(Axis(2), (FRAME + left..).into());
    write_planes(planes, image);
}

/// Writes the samples of an image, 0 to 255, at the top left of planes of red, green and blue, which are not smaller; the
/// rest of them stays as it is.
///
/// # Panics
/// When the planes are narrower than the image.
///
/// ```
/// use face_liveness_detection::write_planes;
/// use face_liveness_image::ImageView;
/// use ndarray::Array3;
///
/// let mut planes = Array3::zeros((3, 1, 3));
/// write_planes(planes.view_mut(), ImageView::new(2, 1, &[1, 2, 3, 4, 5, 6])?);
/// assert_eq!(planes.into_raw_vec_and_offset().0, [1.0, 4.0, 0.0, 2.0, 5.0, 0.0, 3.0, 6.0, 0.0]);
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
pub fn write_planes(mut planes: ArrayViewMut3<'_, f32>, image: ImageView<'_>) {
    let columns = image.width() as usize;
    planes.slice_axis_inplace(Axis(2), (..columns).into());
    for (channel, mut plane) in planes.outer_iter_mut().enumerate() {
        for (mut row, samples) in
            plane.outer_iter_mut().zip(image.pixels().chunks_exact(3 * columns))
        {
            let samples = samples.chunks_exact(3).map(|pixel| f32::from(pixel[channel]));
            let write = |(value, sample): (&mut f32, f32)| *value = sample;
            match row.as_slice_mut() {
                // Several times as fast as what may lie apart or the other way around.
                Some(row) => row.iter_mut().zip(samples).for_each(write),
                None => row.iter_mut().zip(samples).for_each(write),
            }
        }
    }
}
