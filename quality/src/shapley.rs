//! What each training row is worth to a nearest-neighbour classifier.
//!
//! The game: a coalition S of training rows predicts the label of a test row from its K nearest
//! members, and is worth the share of those K that carry the right label,
//! v(S) = 1/K · Σ_{k ≤ min(K,|S|)} 1\[y_{α_k(S)} = y\]. Its Shapley values have a closed form (Jia et
//! al., *Efficient task-specific data valuation for nearest neighbor algorithms*, PVLDB 12(11),
//! 2019, theorem 1). With the rows sorted by distance to the test row, nearest first:
//!
//! ```text
//! s_N = 1[y_N = y] · min(K, N) / (K · N)
//! s_i = s_{i+1} + (1[y_i = y] − 1[y_{i+1} = y]) / K · min(K, i) / i
//! ```
//!
//! The value of a row is the mean of its s over all test rows. The values of all rows add up to
//! what the whole training set is worth; a negative one says that the row misleads.
//!
//! Distances are squared Euclidean in the features as given: bring them to one scale before.
//! Rows at equal distance keep the order they are given in. Sums run in a fixed order, with
//! nothing but IEEE 754 additions and multiplications, so that the same input gives the same
//! bits on every machine and any number of threads.
//!
//! ```
//! use ndarray::array;
//! let train = array![[0.0], [1.0], [9.0]];
//! let test = array![[0.2]];
//! let values = quality::shapley::knn(train.view(), &[7, 8, 7], test.view(), &[7], 1);
//! for (value, expected) in values.iter().zip([5.0 / 6.0, -1.0 / 6.0, 1.0 / 3.0]) {
//!     assert!((value - expected).abs() < 1e-15);
//! }
//! ```

use ndarray::ArrayView2;
use rayon::prelude::*;

/// Neighbours that vote, where the rules of weights ask for values.
pub const NEIGHBOURS: usize = 5;

/// Independent partial sums of a distance: enough for the processor's vectors.
const LANES: usize = 8;

/// Values that may be held for test rows in flight.
const IN_FLIGHT: usize = 1 << 23;

/// KNN-Shapley value of every training row, in the order of `train`.
///
/// `train` and `test` have one row per example and the same number of columns (features); labels
/// are compared for equality only. Not-a-number features are further away than any number.
/// Without test rows, or with `neighbours` 0, every value is 0.
///
/// Time O(T · N · (F + log N)) for T test rows, N training rows, F features.
#[must_use]
pub fn knn(
    train: ArrayView2<'_, f64>,
    train_labels: &[u32],
    test: ArrayView2<'_, f64>,
    test_labels: &[u32],
    neighbours: usize,
) -> Vec<f64> {
    let rows = train.nrows().min(train_labels.len());
    let tests = test.nrows().min(test_labels.len());
    let mut sums = vec![0.0; rows];
    if rows == 0 || tests == 0 || neighbours == 0 {
        return sums;
    }
    let train = Rows::new(train);
    let test = Rows::new(test);
    let scale = Scale::new(rows, neighbours);
    // Test rows are valued side by side, their values added one after the other.
    let wave = (IN_FLIGHT / rows).clamp(1, 64);
    for first in (0..tests).step_by(wave) {
        let some = first..(first + wave).min(tests);
        let valued: Vec<Vec<f64>> = some
            .into_par_iter()
            .map(|t| {
                let order = nearest_first(&train, &train_labels[..rows], test.row(t));
                values(&order, test_labels[t], &scale)
            })
            .collect();
        for of_test in valued {
            for (sum, value) in sums.iter_mut().zip(of_test) {
                *sum += value;
            }
        }
    }
    let tests = tests as f64;
    for sum in &mut sums {
        *sum /= tests;
    }
    sums
}

/// A matrix with its rows one after the other, padded to whole lanes with zeros.
pub(crate) struct Rows {
    cells: Vec<f64>,
    width: usize,
}

impl Rows {
    pub fn new(matrix: ArrayView2<'_, f64>) -> Self {
        let width = matrix.ncols().next_multiple_of(LANES).max(LANES);
        let mut cells = Vec::with_capacity(matrix.nrows() * width);
        for row in matrix.rows() {
            let end = cells.len() + width;
            cells.extend(row.iter());
            cells.resize(end, 0.0);
        }
        Self { cells, width }
    }

    pub fn row(&self, at: usize) -> &[f64] {
        self.cells
            .get(at * self.width..(at + 1) * self.width)
            .unwrap_or_default()
    }

    /// Squared distances of `point` to every row.
    pub fn distances<'a>(&'a self, point: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.cells
            .chunks_exact(self.width)
            .map(move |row| squared(row, point))
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            let off = a[lane] - b[lane];
            lanes[lane] += off * off;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// A training row on its way into order: distance, then place, then label.
#[derive(Clone, Copy)]
struct Neighbour {
    /// Bits of the distance, which order like the distance because it is not negative.
    distance: u64,
    row: u32,
    label: u32,
}

fn nearest_first(train: &Rows, labels: &[u32], point: &[f64]) -> Vec<Neighbour> {
    let mut order: Vec<Neighbour> = train
        .distances(point)
        .zip(labels)
        .zip(0u32..)
        .map(|((distance, label), row)| Neighbour {
            // The sign of a not-a-number is not defined, so it is dropped.
            distance: distance.abs().to_bits(),
            row,
            label: *label,
        })
        .collect();
    order.sort_unstable_by_key(|n| (n.distance, n.row));
    order
}

/// The factors of the recursion: min(K, i) / (K · i) for i = 1…N.
struct Scale(Vec<f64>);

impl Scale {
    fn new(rows: usize, neighbours: usize) -> Self {
        let k = neighbours as f64;
        let factor = |i: usize| i.min(neighbours) as f64 / i as f64 / k;
        Self((1..=rows).map(factor).collect())
    }
}

/// Values of all training rows for one test row, in the order of the training rows.
fn values(order: &[Neighbour], label: u32, scale: &Scale) -> Vec<f64> {
    let mut values = vec![0.0; order.len()];
    let mut value = 0.0;
    let mut right_after = 0.0;
    for (neighbour, factor) in order.iter().zip(&scale.0).rev() {
        let right = f64::from(u8::from(neighbour.label == label));
        value += (right - right_after) * factor;
        right_after = right;
        values[neighbour.row as usize] = value;
    }
    values
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;

    /// The definition: marginal contributions over all coalitions of the other rows.
    fn by_definition(distances: &[f64], labels: &[u32], label: u32, neighbours: usize) -> Vec<f64> {
        let n = distances.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        let worth = |coalition: usize| {
            let members = order.iter().filter(|row| coalition >> **row & 1 == 1);
            let right = members
                .take(neighbours)
                .filter(|row| labels[**row] == label);
            right.count() as f64 / neighbours as f64
        };
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let share = |row: usize| {
            let others = (0..1usize << n).filter(|c| c >> row & 1 == 0);
            let marginal = others.map(|c| {
                let size = c.count_ones() as usize;
                let ways = factorial(size) * factorial(n - size - 1) / factorial(n);
                ways * (worth(c | 1 << row) - worth(c))
            });
            marginal.sum::<f64>()
        };
        (0..n).map(share).collect()
    }

    fn squares(train: &Array2<f64>, point: ndarray::ArrayView1<'_, f64>) -> Vec<f64> {
        let row = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        train.rows().into_iter().map(row).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn values_are_shapley_values(
            cells in prop::collection::vec(-9i8..9, 11 * 3),
            labels in prop::collection::vec(0u32..3, 8),
            wanted in prop::collection::vec(0u32..3, 3),
            rows in 1usize..=8,
            neighbours in 1usize..7,
        ) {
            // Whole numbers: distances are exact, so that equal ones are equal in any order of adding.
            let cells: Vec<f64> = cells.into_iter().map(f64::from).collect();
            let train = Array2::from_shape_vec((rows, 3), cells[..rows * 3].to_vec()).expect("shape");
            let test = Array2::from_shape_vec((3, 3), cells[24..].to_vec()).expect("shape");
            let found = knn(train.view(), &labels[..rows], test.view(), &wanted, neighbours);
            let mut expected = vec![0.0; rows];
            for (point, label) in test.rows().into_iter().zip(&wanted) {
                let one = by_definition(&squares(&train, point), &labels[..rows], *label, neighbours);
                for (sum, value) in expected.iter_mut().zip(one) {
                    *sum += value / 3.0;
                }
            }
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
    }

    /// Points on a spiral without any randomness.
    fn spiral(rows: usize, features: usize) -> (Array2<f64>, Vec<u32>) {
        let cell = |(row, feature)| ((row * 7 + feature * 13) % 101) as f64 / 7.0 - feature as f64;
        let labels = (0..rows).map(|row| (row * row % 5) as u32).collect();
        (Array2::from_shape_fn((rows, features), cell), labels)
    }

    #[test]
    fn values_add_up_and_repeat_bit_for_bit() {
        let ((train, labels), (test, wanted)) = (spiral(900, 11), spiral(130, 11));
        let found = knn(train.view(), &labels, test.view(), &wanted, NEIGHBOURS);
        let again = knn(train.view(), &labels, test.view(), &wanted, NEIGHBOURS);
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&again));
        // Efficiency: the sum is the accuracy-like worth of the whole set.
        let mut worth = 0.0;
        for (point, label) in test.rows().into_iter().zip(&wanted) {
            let distances = squares(&train, point);
            let mut order: Vec<usize> = (0..900).collect();
            order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
            let right = order.iter().take(5).filter(|row| labels[**row] == *label);
            worth += right.count() as f64 / 5.0 / 130.0;
        }
        let sum: f64 = found.iter().sum();
        assert!((sum - worth).abs() < 1e-9, "{sum} {worth}");
    }

    #[test]
    fn nothing_to_learn_from_is_worth_nothing() {
        let (train, labels) = spiral(3, 2);
        let nobody = Array2::zeros((0, 2));
        assert_eq!(knn(train.view(), &labels, nobody.view(), &[], 5), [0.0; 3]);
        assert!(knn(nobody.view(), &[], train.view(), &labels, 5).is_empty());
        // Fewer rows than neighbours: all of them vote.
        let found = knn(train.view(), &[1, 1, 1], train.view(), &[1, 1, 1], 5);
        assert!((found.iter().sum::<f64>() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_a_number_is_far_away() {
        let train = ndarray::array![[f64::NAN], [100.0]];
        let found = knn(
            train.view(),
            &[1, 2],
            ndarray::array![[0.0]].view(),
            &[2],
            1,
        );
        assert!(found[1] > found[0]);
    }
}
