//! Converts a detector's box to the contract's `position`.

use face_liveness_detection::BoundingBox;
use face_liveness_schema::Position;

/// Rounds a box to whole pixels inside an image of `width × height`, at least 1 × 1.
pub(crate) fn position(face: &BoundingBox, width: u32, height: u32) -> Position {
    let span = |from: f32, to: f32, length: u32| {
        let first = (from.round() as u32).min(length - 1);
        (first, (to.round() as u32).clamp(first + 1, length) - first)
    };
    let (left, width) = span(face.left, face.right(), width);
    let (top, height) = span(face.top, face.bottom(), height);
    Position { top, left, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lie_inside_the_image() {
        let of = |left, top, width, height| {
            let Position { top, left, width, height } =
                position(&BoundingBox { left, top, width, height }, 100, 50);
            (left, top, width, height)
        };
        assert_eq!(of(10.4, 20.6, 30.2, 20.0), (10, 21, 31, 20));
        assert_eq!(of(-5.0, -5.0, 200.0, 200.0), (0, 0, 100, 50));
        assert_eq!(of(99.9, 49.9, 0.05, 0.05), (99, 49, 1, 1));
        assert_eq!(of(10.0, 10.0, 0.0, 0.0), (10, 10, 1, 1));
        assert_eq!(of(f32::NAN, f32::INFINITY, 1.0, f32::NAN), (0, 49, 1, 1));
    }
}
