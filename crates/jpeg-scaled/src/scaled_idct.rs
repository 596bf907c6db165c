//! The inverse DCT of an 8 × 8 block to fewer samples, from as many of its lowest frequencies (as
//! in libjpeg's `jidctred.c`).

/// Writes the samples of a block into a plane that begins at the block and has this many columns.
pub(crate) type ScaledIdct = fn(&Cosines, &Coefficients, &mut [f32], usize);

/// The IDCT to this many samples across and down: 1, 2, 4 or 8, where one side may be twice the
/// other.
pub(crate) fn scaled_idct(across: usize, down: usize) -> Option<ScaledIdct> {
    Some(match (across, down) {
        (1, 1) => idct::<1, 1>,
        (1, 2) => idct::<1, 2>,
        (2, 1) => idct::<2, 1>,
        (2, 2) => idct::<2, 2>,
        (2, 4) => idct::<2, 4>,
        (4, 2) => idct::<4, 2>,
        (4, 4) => idct::<4, 4>,
        (4, 8) => idct::<4, 8>,
        (8, 4) => idct::<8, 4>,
        (8, 8) => idct::<8, 8>,
        _ => return None,
    })
}

/// The dequantized coefficients of a block, row by row.
pub(crate) struct Coefficients {
    values: [i32; 64],
    /// The bitwise OR of all indices set. Its row and column are at least the largest ones set.
    used: usize,
}

impl Default for Coefficients {
    fn default() -> Self {
        Self { values: [0; 64], used: 0 }
    }
}

impl Coefficients {
    #[inline(always)]
    pub(crate) fn set(&mut self, index: u8, value: i32) {
        let index = usize::from(index & 63);
        self.values[index] = value;
        self.used |= index;
    }
}

/// The values of the cosines at each sample, for 1, 2, 4 and 8 samples; by frequency, then sample.
pub(crate) struct Cosines([[[f32; 8]; 8]; 4]);

impl Cosines {
    pub(crate) fn new() -> Self {
        let value = |n: usize, frequency: usize, sample: usize| {
            let angle = (2 * sample + 1) as f32 * frequency as f32 / (2 * n) as f32;
            let norm = if frequency == 0 { 0.5f32.sqrt() } else { 1.0 };
            0.5 * norm * (angle * std::f32::consts::PI).cos()
        };
        let table = |n| {
            std::array::from_fn(|frequency| {
                std::array::from_fn(|sample| value(n, frequency, sample))
            })
        };
        Self([1, 2, 4, 8].map(table))
    }

    fn of<const N: usize>(&self) -> &[[f32; 8]; 8] {
        &self.0[N.ilog2() as usize]
    }
}

fn idct<const ACROSS: usize, const DOWN: usize>(
    cosines: &Cosines,
    coefficients: &Coefficients,
    plane: &mut [f32],
    columns: usize,
) {
    let (across, down) = (cosines.of::<ACROSS>(), cosines.of::<DOWN>());
    // Most blocks have only low frequencies. For fewer than eight samples, the test costs more than
    // it saves.
    let used = |last: usize, samples: usize| if samples < 8 { samples } else { last + 1 };
    let used_rows = used(coefficients.used / 8, DOWN);
    let used_columns = used(coefficients.used % 8, ACROSS);
    let mut rows = [[0.0; ACROSS]; DOWN];
    for (row, coefficients) in
        rows.iter_mut().zip(coefficients.values.chunks_exact(8)).take(used_rows)
    {
        for (&coefficient, cosines) in coefficients.iter().zip(across).take(used_columns) {
            add_scaled(row, coefficient as f32, cosines);
        }
    }
    for (y, plane_row) in plane.chunks_mut(columns).enumerate().take(DOWN) {
        let mut samples = [0.0; ACROSS];
        for (row, cosines) in rows.iter().zip(down).take(used_rows) {
            add_scaled(&mut samples, cosines[y], row);
        }
        plane_row[..ACROSS].copy_from_slice(&samples);
    }
}

#[inline(always)]
fn add_scaled<const N: usize>(sum: &mut [f32; N], factor: f32, values: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn coefficients(value: impl Fn(usize) -> i32) -> Coefficients {
        let mut coefficients = Coefficients::default();
        (0..64).for_each(|index| coefficients.set(index as u8, value(index)));
        coefficients
    }

    /// The IDCT as the standard writes it (T.81, A.3.3).
    fn by_definition(coefficients: &Coefficients) -> [[f32; 8]; 8] {
        let norm = |frequency: usize| if frequency == 0 { 0.5f32.sqrt() } else { 1.0 };
        let cosine = |frequency: usize, sample: usize| {
            ((2 * sample + 1) as f32 * frequency as f32 * std::f32::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let term = |i: usize| {
                    let (v, u) = (i / 8, i % 8);
                    let coefficient = coefficients.values[i] as f32;
                    norm(v) * norm(u) * coefficient * cosine(v, y) * cosine(u, x) / 4.0
                };
                (0..64).map(term).sum()
            })
        })
    }

    #[test]
    fn eight_by_eight_is_the_idct_of_the_standard() {
        let coefficients = coefficients(|i| (i as i32 * 37 + 11) % 101 - 50);
        let mut plane = [0.0; 80];
        scaled_idct(8, 8).unwrap()(&Cosines::new(), &coefficients, &mut plane, 10);
        for (row, expected) in plane.chunks(10).zip(by_definition(&coefficients)) {
            assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3));
            assert_eq!(row[8..], [0.0; 2]);
        }
    }

    #[test]
    fn fewer_samples_have_the_same_mean() {
        let coefficients = coefficients(|i| if i == 0 { 80 } else { 3 });
        for (across, down) in [(4, 4), (2, 2), (1, 1), (2, 4), (8, 4)] {
            let mut plane = [0.0; 64];
            scaled_idct(across, down).unwrap()(&Cosines::new(), &coefficients, &mut plane, 8);
            let mean = plane.iter().sum::<f32>() / (across * down) as f32;
            assert!((mean - 10.0).abs() < 1e-4, "{across} × {down}: {mean}");
        }
    }
}
