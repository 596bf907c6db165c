//! Borders: lines along an edge of the photo that repeat the outermost one, such as a plain frame,
//! letterbox bars, or edge pixels repeated outwards.
//!
//! They hide the surroundings of the face: a plain border makes live people look like prints, and
//! repeated edge pixels make prints look live. So the liveness model sees the photo without them.

use face_liveness_detection::BoundingBox;
use face_liveness_image::{ImageView, RgbImage};
use face_liveness_inference::Frame;

/// Lines of a border differ from the outermost one by less than this on average, 0 to 255: JPEG
/// adds up to 1.
const DIFFERENCE: f32 = 1.0;
/// A border takes at least this fraction of the photo's height or width. One of 240 photos without
/// borders (Caltech, CelebA-Spoof, Replay-Attack, NUAA) has as many equal lines.
const SHARE: f32 = 0.05;

/// A face in a photo without its borders.
pub(crate) struct Scene<'a> {
    photo: ImageView<'a>,
    without_borders: Option<RgbImage>,
    face: BoundingBox,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(photo: ImageView<'a>, face: BoundingBox) -> Self {
        let Some([left, top, width, height]) = content(photo) else {
            return Self { photo, without_borders: None, face };
        };
        let (left_of_face, above_face) = (face.left - left as f32, face.top - top as f32);
        Self {
            photo,
            without_borders: Some(photo.crop(left, top, width, height)),
            face: BoundingBox { left: left_of_face, top: above_face, ..face },
        }
    }

    pub(crate) fn has_borders(&self) -> bool {
        self.without_borders.is_some()
    }

    /// The picture that a model scores, with the face.
    pub(crate) fn frame(&self) -> Frame<'_> {
        // Its room counts the borders: they must not turn a photo into a close-up, which scores
        // lower.
        let mut frame = Frame::new(self.photo, self.face);
        if let Some(without_borders) = &self.without_borders {
            frame.image = without_borders.view();
        }
        frame
    }
}

/// The left, top, width and height of the photo without its borders; `None` if it has no border, or
/// is nothing but border.
fn content(photo: ImageView<'_>) -> Option<[u32; 4]> {
    let (width, height) = (photo.width(), photo.height());
    let row = |y: u32, other: u32| difference((0..width).map(|x| [(x, y), (x, other)]), photo);
    let [top, bottom] = borders(height, row);
    let rows = top..height.saturating_sub(bottom);
    let column = |x: u32, other: u32| difference(rows.clone().map(|y| [(x, y), (other, y)]), photo);
    let [left, right] = borders(width, column);
    let inner_width = width.saturating_sub(left + right);
    let inner_height = height.saturating_sub(top + bottom);
    let has_borders = [top, bottom, left, right].iter().any(|&lines| lines > 0);
    (has_borders && inner_width > 0 && inner_height > 0).then_some([
        left,
        top,
        inner_width,
        inner_height,
    ])
}

/// The number of border lines at each end, given the difference of two lines.
fn borders(length: u32, difference: impl Fn(u32, u32) -> f32) -> [u32; 2] {
    let shortest = ((SHARE * length as f32).ceil() as u32).max(2);
    let repeats = |line: fn(u32, u32) -> u32| {
        let repeated = |&step: &u32| difference(line(length, 0), line(length, step)) < DIFFERENCE;
        let lines = 1 + (1..length).take_while(repeated).count() as u32;
        if lines < shortest { 0 } else { lines }
    };
    [repeats(|_, step| step), repeats(|length, step| length - 1 - step)]
}

/// The mean difference between the channels of pairs of pixels.
fn difference(pairs: impl ExactSizeIterator<Item = [(u32, u32); 2]>, photo: ImageView<'_>) -> f32 {
    let channels = 3.0 * pairs.len() as f32;
    let apart = pairs.map(|pair| {
        let [one, other] = pair.map(|(x, y)| photo.pixel(x, y));
        one.iter().zip(other).map(|(&one, other)| u32::from(one.abs_diff(other))).sum::<u32>()
    });
    apart.sum::<u32>() as f32 / channels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A textured picture with borders of some lines: left, top, right, bottom.
    fn bordered([left, top, right, bottom]: [u32; 4], border: impl Fn(u8) -> u8) -> RgbImage {
        let (width, height) = (100 + left + right, 80 + top + bottom);
        let texture = |x: u32, y: u32| (x.wrapping_mul(97) ^ y.wrapping_mul(61)) as u8;
        let pixel = |x: u32, y: u32| {
            let (inner_x, inner_y) = (x.wrapping_sub(left), y.wrapping_sub(top));
            let inside = inner_x < 100 && inner_y < 80;
            let nearest = || texture(x.saturating_sub(left).min(99), y.saturating_sub(top).min(79));
            [if inside { texture(inner_x, inner_y) } else { border(nearest()) }; 3]
        };
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
        RgbImage::new(width, height, pixels).expect("pixels")
    }

    #[test]
    fn borders_are_found_whatever_they_show() {
        let white = |_| 255;
        let repeated = |nearest| nearest;
        for border in [[0, 0, 0, 0], [20, 0, 0, 0], [0, 12, 0, 9], [10, 10, 10, 10]] {
            let expected = (border != [0; 4]).then_some([border[0], border[1], 100, 80]);
            assert_eq!(content(bordered(border, white).view()), expected, "white {border:?}");
            // The outermost line of the picture repeats itself too.
            let grown = expected.map(|[left, top, width, height]| {
                let lines = border.map(|lines| u32::from(lines > 0));
                let [left_of, above, right_of, below] = lines;
                let (width, height) = (width - left_of - right_of, height - above - below);
                [left + left_of, top + above, width, height]
            });
            assert_eq!(content(bordered(border, repeated).view()), grown, "repeated {border:?}");
        }
    }

    #[test]
    fn thin_borders_and_plain_photos_have_no_content_of_their_own() {
        assert_eq!(content(bordered([3, 3, 3, 3], |_| 0).view()), None);
        let plain = RgbImage::new(64, 64, vec![128; 64 * 64 * 3]).expect("pixels");
        assert_eq!(content(plain.view()), None);
    }

    #[test]
    fn the_face_keeps_its_place_in_the_picture() {
        let photo = bordered([20, 12, 0, 0], |_| 255);
        let face = BoundingBox { left: 50.0, top: 40.0, width: 30.0, height: 30.0 };
        let scene = Scene::new(photo.view(), face);
        let frame = scene.frame();
        assert_eq!((frame.face.left, frame.face.top), (30.0, 28.0));
        assert_eq!((frame.image.width(), frame.image.height()), (100, 80));
        assert_eq!(frame.image.pixel(30, 28), photo.view().pixel(50, 40));
    }
}
