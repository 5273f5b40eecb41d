//! Where most rows lie, and how they scatter: the minimum covariance determinant.
//!
//! Of all sets of three quarters of the rows that with the smallest determinant of its covariance
//! is looked for, by steps that never make it larger (P. Rousseeuw and K. Van Driessen, "A fast
//! algorithm for the minimum covariance determinant estimator", 1999), from starts that need no
//! chance (M. Hubert, P. Rousseeuw and T. Verdonck, "A deterministic algorithm for robust location
//! and scatter", 2012). Every sum runs in the order of rows: the same bits on every machine.

use rayon::prelude::*;

/// Steps after which a start is given up.
const MOST_STEPS: usize = 30;
/// Added to the variance of every column, whose scale is about 1, so that columns that are
/// sums of others do not divide by nothing.
const RIDGE: f64 = 1e-6;

/// A symmetric matrix, its inverse, and the centre it is about.
#[derive(Clone, Debug)]
pub(super) struct Scatter {
    pub centre: Vec<f64>,
    covariance: Vec<f64>,
    inverse: Vec<f64>,
    log_determinant: f64,
}

impl Scatter {
    /// Of rows of `width` numbers.
    fn of<'r>(rows: impl Iterator<Item = &'r [f64]> + Clone, width: usize) -> Option<Self> {
        let count = rows.clone().count().max(1) as f64;
        let mut centre = vec![0.0; width];
        for row in rows.clone() {
            for (sum, value) in centre.iter_mut().zip(row) {
                *sum += value;
            }
        }
        centre.iter_mut().for_each(|sum| *sum /= count);
        let mut covariance = vec![0.0; width * width];
        for row in rows {
            for (line, (a, mean_a)) in covariance
                .chunks_exact_mut(width)
                .zip(row.iter().zip(&centre))
            {
                for (sum, (b, mean_b)) in line.iter_mut().zip(row.iter().zip(&centre)) {
                    *sum += (a - mean_a) * (b - mean_b);
                }
            }
        }
        covariance.iter_mut().for_each(|sum| *sum /= count);
        Self::with(centre, covariance)
    }

    fn with(centre: Vec<f64>, covariance: Vec<f64>) -> Option<Self> {
        let width = centre.len();
        let mut ridged = covariance.clone();
        ridged
            .iter_mut()
            .step_by(width + 1)
            .for_each(|variance| *variance += RIDGE);
        let factor = cholesky(&ridged, width)?;
        let diagonal = factor.iter().step_by(width + 1);
        let log_determinant = diagonal.map(|value| 2.0 * libm::log(*value)).sum();
        Some(Self {
            inverse: inverse(&factor, width),
            centre,
            covariance,
            log_determinant,
        })
    }

    fn scaled(&self, by: f64) -> Option<Self> {
        let covariance = self.covariance.iter().map(|value| value * by).collect();
        Self::with(self.centre.clone(), covariance)
    }

    /// The same about some of the columns alone.
    pub fn project(&self, columns: &[usize]) -> Option<Self> {
        let width = self.centre.len();
        let centre = columns
            .iter()
            .filter_map(|at| self.centre.get(*at).copied());
        let covariance = columns.iter().flat_map(|a| {
            let cells = columns.iter().map(move |b| a * width + b);
            cells.filter_map(|at| self.covariance.get(at).copied())
        });
        Self::with(centre.collect(), covariance.collect())
    }

    /// The squared distance of a row, and how much of it would be gone without each column.
    pub fn distance(&self, row: &[f64]) -> (f64, Vec<f64>) {
        let width = self.centre.len();
        let off: Vec<f64> = row
            .iter()
            .zip(&self.centre)
            .map(|(x, mean)| x - mean)
            .collect();
        let lines = self.inverse.chunks_exact(width);
        let turned = lines.map(|line| line.iter().zip(&off).map(|(a, b)| a * b).sum::<f64>());
        let turned: Vec<f64> = turned.collect();
        let square = turned.iter().zip(&off).map(|(a, b)| a * b).sum();
        let own = self.inverse.iter().step_by(width + 1);
        let parts = turned.iter().zip(own).map(|(t, own)| t * t / own);
        (square, parts.collect())
    }

    fn square(&self, row: &[f64]) -> f64 {
        self.distance(row).0
    }
}

/// The lower factor; none when the matrix is not positive.
fn cholesky(matrix: &[f64], width: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; width * width];
    for i in 0..width {
        for j in 0..=i {
            let products = (0..j).map(|k| factor[i * width + k] * factor[j * width + k]);
            let rest = matrix[i * width + j] - products.sum::<f64>();
            factor[i * width + j] = match i == j {
                true if rest > 0.0 && rest.is_finite() => rest.sqrt(),
                true => return None,
                false => rest / factor[j * width + j],
            };
        }
    }
    Some(factor)
}

/// The inverse of the matrix whose lower factor it is.
fn inverse(factor: &[f64], width: usize) -> Vec<f64> {
    let mut result = vec![0.0; width * width];
    for column in 0..width {
        let mut x = vec![0.0; width];
        for i in 0..width {
            let known: f64 = (0..i).map(|k| factor[i * width + k] * x[k]).sum();
            let unit = if i == column { 1.0 } else { 0.0 };
            x[i] = (unit - known) / factor[i * width + i];
        }
        for i in (0..width).rev() {
            let known: f64 = (i + 1..width).map(|k| factor[k * width + i] * x[k]).sum();
            x[i] = (x[i] - known) / factor[i * width + i];
        }
        for (i, value) in x.into_iter().enumerate() {
            result[i * width + column] = value;
        }
    }
    result
}

/// The scatter of most rows. Rows are on robust scales already: centre about 0, spread about 1.
pub(super) fn robust(rows: &[f64], width: usize) -> Option<Scatter> {
    let all: Vec<&[f64]> = rows.chunks_exact(width).collect();
    let inner = (all.len() * 3).div_ceil(4);
    if inner <= width {
        return None;
    }
    let starts = [
        start_near(&all),
        start_by(&all, tanh)?,
        start_by(&all, sign)?,
    ];
    let settled: Vec<Option<Scatter>> = starts
        .into_par_iter()
        .map(|distances| settle(&all, distances, inner))
        .collect();
    let found = settled.into_iter().flatten();
    let best = found.min_by(|a, b| a.log_determinant.total_cmp(&b.log_determinant))?;
    let best = level(best, &all)?;
    // The inner three quarters understate what the others of the same kind add.
    let edge = chi_square(width, 1.959_963_984_540_054);
    let kept = all.iter().filter(|row| best.square(row) <= edge).copied();
    level(Scatter::of(kept, width)?, &all)
}

/// On the scale on which the median row is as far out as it is among normal ones.
fn level(scatter: Scatter, all: &[&[f64]]) -> Option<Scatter> {
    let mut squares: Vec<f64> = all.iter().map(|row| scatter.square(row)).collect();
    squares.sort_unstable_by(f64::total_cmp);
    let median = squares.get(squares.len() / 2).copied()?;
    let usual = chi_square(scatter.centre.len(), 0.0);
    match median > 0.0 {
        true => scatter.scaled(median / usual),
        false => Some(scatter),
    }
}

/// From the rows near the middle of every column.
fn start_near(all: &[&[f64]]) -> Vec<f64> {
    let norm = |row: &&[f64]| row.iter().map(|x| x * x).sum();
    all.iter().map(norm).collect()
}

/// From the scatter of rows that were drawn in.
fn start_by(all: &[&[f64]], drawn: fn(&[f64]) -> Vec<f64>) -> Option<Vec<f64>> {
    let width = all.first()?.len();
    let drawn: Vec<Vec<f64>> = all.iter().map(|row| drawn(row)).collect();
    let scatter = Scatter::of(drawn.iter().map(Vec::as_slice), width)?;
    let scatter = Scatter::with(vec![0.0; width], scatter.covariance)?;
    Some(all.iter().map(|row| scatter.square(row)).collect())
}

fn tanh(row: &[f64]) -> Vec<f64> {
    row.iter().map(|x| libm::tanh(*x)).collect()
}

/// On the sphere about the middle.
fn sign(row: &[f64]) -> Vec<f64> {
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter()
        .map(|x| if norm > 0.0 { x / norm } else { 0.0 })
        .collect()
}

/// Takes the inner rows anew until their scatter shrinks no more.
fn settle(all: &[&[f64]], mut distances: Vec<f64>, inner: usize) -> Option<Scatter> {
    let width = all.first()?.len();
    let mut best: Option<Scatter> = None;
    for _ in 0..MOST_STEPS {
        let mut order: Vec<usize> = (0..all.len()).collect();
        let distance = |row: &usize| distances.get(*row).copied().unwrap_or(f64::INFINITY);
        order.select_nth_unstable_by(inner - 1, |a, b| {
            distance(a).total_cmp(&distance(b)).then(a.cmp(b))
        });
        order.truncate(inner);
        order.sort_unstable();
        let rows = order.iter().filter_map(|row| all.get(*row).copied());
        let scatter = Scatter::of(rows, width)?;
        let shrunk = |best: &Scatter| scatter.log_determinant < best.log_determinant - 1e-9;
        if !best.as_ref().is_none_or(shrunk) {
            break;
        }
        distances = all.iter().map(|row| scatter.square(row)).collect();
        best = Some(scatter);
    }
    best
}

/// The quantile of chi-square at the same probability as a normal one, to half a percent
/// (E. Wilson and M. Hilferty, "The distribution of chi-square", 1931).
pub(super) fn chi_square(degrees: usize, normal: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees.max(1) as f64);
    let root = 1.0 - spread + normal * spread.sqrt();
    degrees as f64 * root * root * root
}

/// The other way round: how far out a squared distance is, as a normal quantile.
pub(super) fn normal(square: f64, degrees: usize) -> f64 {
    let spread = 2.0 / (9.0 * degrees.max(1) as f64);
    (libm::cbrt(square / degrees.max(1) as f64) - (1.0 - spread)) / spread.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_parts_are_those_of_a_hand_made_matrix() {
        // Covariance [[4, 2], [2, 3]]: determinant 8, inverse [[3, -2], [-2, 4]] / 8.
        let scatter = Scatter::with(vec![1.0, 1.0], vec![4.0, 2.0, 2.0, 3.0]).expect("positive");
        let (square, parts) = scatter.distance(&[3.0, 2.0]);
        // (2, 1): (3·4 − 2·2·2 + 4) / 8 = 1; without the first 1/3, without the second 4/4.
        assert!((square - 1.0).abs() < 1e-5, "{square}");
        assert!((parts[0] - (1.0 - 1.0 / 3.0)).abs() < 1e-5, "{parts:?}");
        assert!(parts[1].abs() < 1e-5, "{parts:?}");
        let alone = scatter.project(&[1]).expect("positive");
        assert!((alone.distance(&[2.0]).0 - 1.0 / 3.0).abs() < 1e-5);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, normal_quantile, expected) in [
            (2, 1.6449, 5.991),
            (5, 2.3263, 15.086),
            (10, 0.0, 9.342),
            (16, 3.719, 45.925),
        ] {
            let got = chi_square(degrees, normal_quantile);
            assert!((got / expected - 1.0).abs() < 0.01, "{degrees}: {got}");
            assert!((normal(got, degrees) - normal_quantile).abs() < 1e-9);
        }
    }
}
