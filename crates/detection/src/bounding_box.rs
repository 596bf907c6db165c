//! Boxes and points in an image's pixels.

use face_liveness_image::Orientation;

/// A point in an image. Coordinates are continuous: the top-left pixel covers 0 to 1 along both
/// axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Pixels from the left edge of the image.
    pub x: f32,
    /// Pixels from the top edge of the image.
    pub y: f32,
}

impl Point {
    /// The point after its image is resized by a factor for x and one for y.
    pub fn scaled(&self, [x, y]: [f32; 2]) -> Self {
        Self { x: self.x * x, y: self.y * y }
    }

    /// The point after an orientation is applied to its image, stored as `width × height`.
    pub fn oriented(&self, orientation: Orientation, width: u32, height: u32) -> Self {
        let [x, y] = orientation.apply_to_point([self.x, self.y], width, height);
        Self { x, y }
    }
}

/// An axis-aligned box in an image, in the coordinates of [`Point`]. It may extend beyond the
/// image.
///
/// ```
/// use face_liveness_detection::BoundingBox;
///
/// let a = BoundingBox { left: 0.0, top: 0.0, width: 2.0, height: 2.0 };
/// let b = BoundingBox { left: 1.0, ..a };
/// assert_eq!((a.area(), a.iou(&b)), (4.0, 1.0 / 3.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// The left edge.
    pub left: f32,
    /// The top edge.
    pub top: f32,
    /// The distance from the left edge to the right edge.
    pub width: f32,
    /// The distance from the top edge to the bottom edge.
    pub height: f32,
}

impl BoundingBox {
    /// The right edge.
    pub fn right(&self) -> f32 {
        self.left + self.width
    }

    /// The bottom edge.
    pub fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// The area in square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The box after its image is resized by a factor for x and one for y.
    pub fn scaled(&self, [x, y]: [f32; 2]) -> Self {
        Self {
            left: self.left * x,
            top: self.top * y,
            width: self.width * x,
            height: self.height * y,
        }
    }

    /// Whether the point is inside the box or on its edge.
    pub fn contains(&self, point: Point) -> bool {
        (self.left..=self.right()).contains(&point.x)
            && (self.top..=self.bottom()).contains(&point.y)
    }

    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.left.max(other.left);
        let height = self.bottom().min(other.bottom()) - self.top.max(other.top);
        let intersection = width.max(0.0) * height.max(0.0);
        let union = self.area() + other.area() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }

    /// The box after an orientation is applied to its image, stored as `width × height`.
    ///
    /// ```
    /// use face_liveness_detection::BoundingBox;
    /// use face_liveness_image::Orientation;
    ///
    /// let stored = BoundingBox { left: 10.0, top: 20.0, width: 30.0, height: 40.0 };
    /// let upright = stored.oriented(Orientation::new(8).unwrap(), 640, 480);
    /// assert_eq!(upright, BoundingBox { left: 20.0, top: 600.0, width: 40.0, height: 30.0 });
    /// ```
    pub fn oriented(&self, orientation: Orientation, width: u32, height: u32) -> Self {
        let corner = |x, y| Point { x, y }.oriented(orientation, width, height);
        let (a, b) = (corner(self.left, self.top), corner(self.right(), self.bottom()));
        Self {
            left: a.x.min(b.x),
            top: a.y.min(b.y),
            width: (a.x - b.x).abs(),
            height: (a.y - b.y).abs(),
        }
    }

    /// The part of the box inside an image of this size; `None` for a box outside the image.
    pub fn clipped(&self, width: u32, height: u32) -> Option<Self> {
        let (left, top) = (self.left.max(0.0), self.top.max(0.0));
        let clipped = Self {
            left,
            top,
            width: self.right().min(width as f32) - left,
            height: self.bottom().min(height as f32) - top,
        };
        (clipped.width > 0.0 && clipped.height > 0.0).then_some(clipped)
    }
}
