//! Fuses the boxes of cells into one box for each face.

use super::decoding::Cell;
use crate::BoundingBox;

/// Groups the cells by face, best face first: a face has the cells whose boxes overlap its best
/// cell's.
pub(super) fn group_by_face(
    cells: Vec<Cell>,
    same_face_iou: f32,
    max_faces: usize,
) -> Vec<Vec<Cell>> {
    let mut faces: Vec<Vec<Cell>> = Vec::new();
    for cell in cells {
        let same = |face: &Vec<Cell>| face[0].bounding_box.iou(&cell.bounding_box) > same_face_iou;
        match faces.iter().position(same) {
            Some(face) => faces[face].push(cell),
            None if faces.len() < max_faces => faces.push(vec![cell]),
            None => {}
        }
    }
    faces
}

/// The mean of the cells' boxes, weighted by score: steadier than the best cell's alone ("Weighted
/// boxes fusion", Solovyev, Wang, Gabruseva, 2021, arXiv:1910.13302).
pub(super) fn weighted_mean(cells: &[Cell]) -> BoundingBox {
    let total: f32 = cells.iter().map(|cell| cell.score).sum();
    let mean = |of: fn(&BoundingBox) -> f32| {
        cells.iter().map(|cell| cell.score * of(&cell.bounding_box)).sum::<f32>() / total
    };
    BoundingBox {
        left: mean(|face| face.left),
        top: mean(|face| face.top),
        width: mean(|face| face.width),
        height: mean(|face| face.height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_that_hardly_overlap_are_two_faces() {
        let at = |left: f32, score| Cell {
            score,
            bounding_box: BoundingBox { left, top: 0.0, width: 10.0, height: 10.0 },
        };
        let cells = vec![at(1.0, 0.9), at(20.0, 0.7), at(40.0, 0.65), at(0.0, 0.6)];
        let faces = group_by_face(cells, 0.4, 2);
        assert_eq!(faces.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1], "at most two faces");
        let left = weighted_mean(&faces[0]).left;
        assert!((left - 0.6).abs() < 1e-6, "the mean by score: {left}");
    }
}
