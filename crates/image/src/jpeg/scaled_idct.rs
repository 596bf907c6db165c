//! The inverse cosine transform of a block at a part of its size: that of its lowest frequencies alone, with as many of them as
//! there are to be samples (libjpeg's `jidctred.c` does the same).

/// Writes the samples of a block into a plane of so many columns.
pub(super) type Transform = fn(&Waves, &Frequencies, &mut [f32], usize);

/// The frequencies of a block, row by row.
pub(super) struct Frequencies {
    values: [i32; 64],
    /// All places that were set, together bit by bit: no row and no column of theirs is beyond its own.
    places: usize,
}

impl Default for Frequencies {
    fn default() -> Self {
        Self { values: [0; 64], places: 0 }
    }
}

impl Frequencies {
    #[inline(always)]
    pub(super) fn set(&mut self, place: u8, value: i32) {
        let place = usize::from(place & 63);
        self.values[place] = value;
        self.places |= place;
    }
}

/// The transform to so many samples across and down, of 1, 2, 4 and 8; one side may have twice the other's.
pub(super) fn transform(across: usize, down: usize) -> Option<Transform> {
    Some(match (across, down) {
        (1, 1) => inverse::<1, 1>,
        (1, 2) => inverse::<1, 2>,
        (2, 1) => inverse::<2, 1>,
        (2, 2) => inverse::<2, 2>,
        (2, 4) => inverse::<2, 4>,
        (4, 2) => inverse::<4, 2>,
        (4, 4) => inverse::<4, 4>,
        (4, 8) => inverse::<4, 8>,
        (8, 4) => inverse::<8, 4>,
        (8, 8) => inverse::<8, 8>,
        _ => return None,
    })
}

/// What the samples have of each frequency, where there are 1, 2, 4 and 8 of both.
pub(super) struct Waves([[[f32; 8]; 8]; 4]);

impl Waves {
    pub(super) fn new() -> Self {
        let value = |n: usize, frequency: usize, place: usize| {
            let turn = (2 * place + 1) as f32 * frequency as f32 / (2 * n) as f32;
            let norm = if frequency == 0 { 0.5f32.sqrt() } else { 1.0 };
            0.5 * norm * (turn * std::f32::consts::PI).cos()
        };
        let of = |n| {
            std::array::from_fn(|frequency| std::array::from_fn(|place| value(n, frequency, place)))
        };
        Self([1, 2, 4, 8].map(of))
    }

    /// By frequency, then by place.
    fn of<const N: usize>(&self) -> &[[f32; 8]; 8] {
        &self.0[N.ilog2() as usize]
    }
}

fn inverse<const ACROSS: usize, const DOWN: usize>(
    waves: &Waves,
    frequencies: &Frequencies,
    plane: &mut [f32],
    columns: usize,
) {
    let (across, down) = (waves.of::<ACROSS>(), waves.of::<DOWN>());
    // Most blocks have low frequencies alone; of fewer than eight, telling costs more than it saves.
    let used = |last: usize, of: usize| if of < 8 { of } else { last + 1 };
    let rows = used(frequencies.places / 8, DOWN);
    let columns_used = used(frequencies.places % 8, ACROSS);
    let mut between = [[0.0; ACROSS]; DOWN];
    for (row, frequencies) in between.iter_mut().zip(frequencies.values.chunks_exact(8)).take(rows)
    {
        for (&frequency, wave) in frequencies.iter().zip(across).take(columns_used) {
            add(row, frequency as f32, wave);
        }
    }
    for (place, row) in plane.chunks_mut(columns).enumerate().take(DOWN) {
        let mut samples = [0.0; ACROSS];
        for (row, wave) in between.iter().zip(down).take(rows) {
            add(&mut samples, wave[place], row);
        }
        row[..ACROSS].copy_from_slice(&samples);
    }
}

#[inline(always)]
fn add<const N: usize>(sum: &mut [f32; N], part: f32, values: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += part * value;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn frequencies(value: impl Fn(usize) -> i32) -> Frequencies {
        let mut frequencies = Frequencies::default();
        (0..64).for_each(|place| frequencies.set(place as u8, value(place)));
        frequencies
    }

    /// The transform as the standard writes it (T.81, A.3.3), of eight frequencies each way.
    fn by_definition(frequencies: &Frequencies) -> [[f32; 8]; 8] {
        let norm = |frequency: usize| if frequency == 0 { 0.5f32.sqrt() } else { 1.0 };
        let wave = |frequency: usize, place: usize| {
            ((2 * place + 1) as f32 * frequency as f32 * std::f32::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let part = |i: usize| {
                    norm(i / 8)
                        * norm(i % 8)
                        * frequencies.values[i] as f32
                        * wave(i / 8, y)
                        * wave(i % 8, x)
                        / 4.0
                };
                (0..64).map(part).sum()
            })
        })
    }

    #[test]
    fn all_frequencies_give_the_block() {
        let frequencies = frequencies(|i| (i as i32 * 37 + 11) % 101 - 50);
        let mut plane = [0.0; 80];
        transform(8, 8).unwrap()(&Waves::new(), &frequencies, &mut plane, 10);
        for (row, expected) in plane.chunks(10).zip(by_definition(&frequencies)) {
            assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3));
            assert_eq!(row[8..], [0.0; 2]);
        }
    }

    #[test]
    fn fewer_keep_the_mean() {
        let frequencies = frequencies(|i| if i == 0 { 80 } else { 3 });
        for (across, down) in [(4, 4), (2, 2), (1, 1), (2, 4), (8, 4)] {
            let mut plane = [0.0; 64];
            transform(across, down).unwrap()(&Waves::new(), &frequencies, &mut plane, 8);
            let mean = plane.iter().sum::<f32>() / (across * down) as f32;
            assert!((mean - 10.0).abs() < 1e-4, "{across} × {down}: {mean}");
        }
    }
}
