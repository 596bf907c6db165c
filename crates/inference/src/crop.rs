//! The part of a photo that a liveness network reads.

use face_liveness_detection::BoundingBox;
use face_liveness_image::{ImageView, resize_part};
use face_liveness_models::{Channels, Resize};
use face_liveness_network::{Placement, PlanesMut, write_rgb};

/// A rectangle around a face, in whole pixels of the photo.
///
/// Its position matches Silent-Face's to the pixel. The resize filter matters too: another filter
/// changes a network's score on the same crop by up to 0.02.
///
/// ```
/// use face_liveness_detection::BoundingBox;
/// use face_liveness_inference::Crop;
///
/// let face = BoundingBox { left: 40.0, top: 20.0, width: 20.0, height: 30.0 };
/// // 2.7 times the box is 54 × 81 around (50, 35): moved down to stay inside.
/// let crop = Crop::around(face, 2.7, 200, 100);
/// assert_eq!(crop, Crop { left: 23, top: 0, width: 55, height: 82 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// The first column.
    pub left: u32,
    /// The first row.
    pub top: u32,
    /// The number of columns.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

impl Crop {
    /// `scale` times the face's box around its centre, in a photo of `photo_width × photo_height`:
    /// shrunk if the photo is too small, then moved inside it.
    pub fn around(face: BoundingBox, scale: f64, photo_width: u32, photo_height: u32) -> Self {
        let (last_x, last_y) = (f64::from(photo_width - 1), f64::from(photo_height - 1));
        let (face_width, face_height) = (f64::from(face.width), f64::from(face.height));
        let scale = scale.min(last_y / face_height).min(last_x / face_width);
        let span = |start: f32, face_length: f64, last: f64| {
            let (centre, length) = (f64::from(start) + face_length / 2.0, face_length * scale);
            let (mut from, mut to) = (centre - length / 2.0, centre + length / 2.0);
            if from < 0.0 {
                (from, to) = (0.0, to - from);
            }
            if to > last {
                (from, to) = (from - (to - last), last);
            }
            let first = (from as u32).min(last as u32);
            (first, (to as u32).clamp(first, last as u32) - first + 1)
        };
        let (left, width) = span(face.left, face_width, last_x);
        let (top, height) = span(face.top, face_height, last_y);
        Self { left, top, width, height }
    }

    /// Resizes the crop and writes it into three planes, as samples of 0 to 255.
    ///
    /// # Errors
    /// [`Shape`](face_liveness_image::Error::Shape) when the planes have no pixels, or
    /// [`Resize::Area`] is asked for a crop that is not inside the photo.
    ///
    /// # Panics
    /// When another crop is not inside the photo, or there are fewer than three planes.
    pub fn write(
        &self,
        photo: ImageView<'_>,
        planes: &mut PlanesMut<'_>,
        resize: Resize,
        channels: Channels,
    ) -> Result<(), face_liveness_image::Error> {
        let is_bgr = channels == Channels::Bgr;
        match resize {
            Resize::OpencvLinear => self.write_opencv_linear(photo, planes, is_bgr),
            _ => self.write_area(photo, planes, is_bgr)?,
        }
        Ok(())
    }

    fn write_area(
        &self,
        photo: ImageView<'_>,
        planes: &mut PlanesMut<'_>,
        is_bgr: bool,
    ) -> Result<(), face_liveness_image::Error> {
        let [_, height, width] = planes.shape();
        let part = [self.left, self.top, self.width, self.height];
        let resized = resize_part(photo, part, width as u32, height as u32)?;
        write_rgb(planes, resized.view(), Placement::default().bgr(is_bgr));
        Ok(())
    }

    /// Half-pixel centres, no anti-aliasing, weights of 11 bits.
    fn write_opencv_linear(&self, photo: ImageView<'_>, planes: &mut PlanesMut<'_>, is_bgr: bool) {
        let [_, height, width] = planes.shape();
        let columns: Vec<_> =
            (0..width).map(|x| Tap::new(x, width, self.width).inside(self.width)).collect();
        for channel in 0..3 {
            for y in 0..height {
                let tap = Tap::new(y, height, self.height);
                let row = |offset: i64| {
                    let y = (tap.first + offset).clamp(0, i64::from(self.height) - 1) as u32;
                    &photo.row(self.top + y)[self.left as usize * 3 + channel..]
                };
                let (upper, lower) = (row(0), row(1));
                let values = planes.row_mut(if is_bgr { 2 - channel } else { channel }, y);
                for (value, column) in values.iter_mut().zip(&columns) {
                    let here = column.first as usize * 3;
                    // Beyond the last column the weight is 0.
                    let next = if column.weights[1] == 0 { here } else { here + 3 };
                    let across = |row: &[u8]| {
                        i32::from(row[here]) * column.weights[0]
                            + i32::from(row[next]) * column.weights[1]
                    };
                    let down = |sum: i32, weight: i32| (weight * (sum >> 4)) >> 16;
                    let sum =
                        down(across(upper), tap.weights[0]) + down(across(lower), tap.weights[1]);
                    *value = ((sum + 2) >> 2) as f32;
                }
            }
        }
    }
}

/// The two source pixels of a destination pixel along one axis, and their weights in parts of 2048.
struct Tap {
    first: i64,
    weights: [i32; 2],
}

impl Tap {
    fn new(position: usize, length: usize, source_length: u32) -> Self {
        let ratio = f64::from(source_length) / length as f64;
        let centre = ((position as f64 + 0.5) * ratio - 0.5) as f32;
        let fraction = centre - centre.floor();
        let weight = |part: f32| (part * 2048.0).round_ties_even() as i32;
        Self { first: centre.floor() as i64, weights: [weight(1.0 - fraction), weight(fraction)] }
    }

    /// OpenCV clamps taps to the source before weighting along rows, and after weighting along
    /// columns.
    fn inside(self, source_length: u32) -> Self {
        let last = i64::from(source_length) - 1;
        if (0..last).contains(&self.first) {
            return self;
        }
        Self { first: self.first.clamp(0, last), weights: [2048, 0] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, top: f32, width: f32, height: f32) -> BoundingBox {
        BoundingBox { left, top, width, height }
    }

    #[test]
    fn a_crop_keeps_inside_the_photo() {
        // Four times the box does not fit: the scale drops to 99/80, and 74.25 around 40 is 2.875
        // to 77.125.
        assert_eq!(
            Crop::around(face(10.0, 10.0, 60.0, 80.0), 4.0, 100, 100),
            Crop { left: 2, top: 0, width: 76, height: 100 }
        );
        for (photo, face) in [
            ((1, 1), face(0.0, 0.0, 1.0, 1.0)),
            ((2, 500), face(0.0, 100.0, 2.0, 50.0)),
            ((640, 480), face(-20.0, -30.0, 100.0, 120.0)),
            ((640, 480), face(600.0, 400.0, 100.0, 120.0)),
            ((640, 480), face(0.0, 0.0, 640.0, 480.0)),
        ] {
            for scale in [1.0, 2.7, 4.0] {
                let crop = Crop::around(face, scale, photo.0, photo.1);
                assert!(
                    crop.width >= 1 && crop.left + crop.width <= photo.0,
                    "{photo:?} {face:?} {crop:?}"
                );
                assert!(
                    crop.height >= 1 && crop.top + crop.height <= photo.1,
                    "{photo:?} {face:?} {crop:?}"
                );
            }
        }
    }

    /// Values from `cv2.resize(image, (W, H))` of OpenCV 5.0, made by
    /// `models/training/opencv_values.py`, for
    /// `image[y, x] = (7·x·x + 13·y + 5·x·y, …)` modulo 256.
    #[test]
    fn the_resize_is_opencv_to_the_bit() {
        for (source, target, expected) in OPENCV {
            let pixels: Vec<u8> = (0..source.1)
                .flat_map(|y| (0..source.0).map(move |x| 7 * x * x + 13 * y + 5 * x * y))
                .flat_map(|value| [value as u8, (value * 3) as u8, (value + 91) as u8])
                .collect();
            let photo = ImageView::new(source.0, source.1, &pixels).expect("pixels");
            let mut values = vec![0.0; 3 * target.0 * target.1];
            let mut planes =
                PlanesMut::new([3, target.1, target.0], &mut values).expect("three planes");
            let all = Crop { left: 0, top: 0, width: source.0, height: source.1 };
            all.write(photo, &mut planes, Resize::OpencvLinear, Channels::Bgr).expect("pixels");
            let (blue, _, red) = {
                let mut planes = values.chunks(target.0 * target.1);
                (planes.next().expect("blue"), planes.next(), planes.next().expect("red"))
            };
            let red: Vec<u8> = red.iter().map(|&value| value as u8).collect();
            assert_eq!(red, expected, "{source:?} to {target:?}");
            assert!(blue.iter().any(|&blue| blue != 0.0));
        }
    }

    type Resized = ((u32, u32), (usize, usize), &'static [u8]);

    const OPENCV: [Resized; 4] = [
        ((9, 7), (4, 3), &[15, 77, 189, 159, 53, 141, 45, 180, 90, 205, 134, 136]),
        (
            (4, 3),
            (6, 5),
            &[
                0, 3, 10, 24, 45, 63, 5, 10, 18, 33, 56, 74, 13, 19, 29, 47, 71, 91, 21, 28, 40,
                60, 86, 108, 26, 34, 48, 69, 96, 119,
            ],
        ),
        (
            (31, 23),
            (5, 4),
            &[
                111, 166, 152, 178, 96, 106, 33, 210, 146, 108, 154, 105, 236, 139, 87, 150, 177,
                70, 132, 156,
            ],
        ),
        ((1, 2), (3, 3), &[0, 0, 0, 7, 7, 7, 13, 13, 13]),
    ];
}
