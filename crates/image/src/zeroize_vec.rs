//! Buffers that are wiped when dropped.

use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A vector whose memory is wiped when it is dropped.
///
/// It is wiped as one block. `Zeroizing<Vec<T>>` writes element by element (zeroize 1.9), which
/// would take a twentieth of the time of a request with a large photo.
///
/// A vector that grows leaves its previous memory unwiped: allocate its capacity first.
///
/// ```
/// use face_liveness_image::ZeroizeVec;
///
/// let bytes = ZeroizeVec::from(vec![1, 2, 3]);
/// assert_eq!(bytes.len(), 3);
/// ```
pub struct ZeroizeVec<T: Copy>(Vec<T>);

impl<T: Copy> From<Vec<T>> for ZeroizeVec<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T: Copy> Deref for ZeroizeVec<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Copy> DerefMut for ZeroizeVec<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T: Copy> Drop for ZeroizeVec<T> {
    fn drop(&mut self) {
        self.0.clear();
        self.0.spare_capacity_mut().zeroize();
    }
}
