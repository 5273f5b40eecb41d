//! What multiplies the mass of a cluster: how crowded its stratum is, and what a learner gains.

use std::collections::HashMap;

use super::ONE;

/// Damping of crowded strata: a stratum of n clusters weighs n^α in all.
pub const STRATUM_ALPHA: f64 = 0.8;

/// Factors of all clusters of a composition, in the order of
/// [`Clusters::representatives`](super::Clusters::representatives).
///
/// The default has none: every cluster counts by its quality alone.
///
/// ```
/// use quality::weigh::{Factors, ONE};
/// // Two clusters of a crowded stratum, one that stands alone; nothing known of utility.
/// let factors = Factors::new(Some(&["oak", "oak", "elm"]), None);
/// let half_power = 0.8706; // 2^(0.8 - 1)
/// assert!((factors.times(0, ONE) as f64 / ONE as f64 - half_power).abs() < 1e-4);
/// assert_eq!(factors.times(2, ONE), ONE);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    strata: Option<Vec<u64>>,
    utilities: Option<Vec<u64>>,
}

impl Factors {
    /// Factors from the stratum of every cluster (where strata are declared) and its KNN-Shapley
    /// value (where those could be measured; `None` for a cluster that took no part).
    ///
    /// ρ = n^(α−1) for a stratum of n clusters, u = 1 + ½ · clip(φ / mean|φ|, −1, 1), both in
    /// units of 2⁻³². The mean is taken over the values in the order given, so give them in an
    /// order that does not depend on files. A missing value is 0: u = 1.
    #[must_use]
    pub fn new<S: std::hash::Hash + Eq>(strata: Option<&[S]>, utilities: Option<Vec<u64>>) -> Self {
        Self {
            strata: strata.map(densities),
            utilities,
        }
    }

    /// Are these factors for so many clusters?
    pub(super) fn fit(&self, clusters: usize) -> bool {
        let lists = [&self.strata, &self.utilities];
        lists.into_iter().flatten().all(|of| of.len() == clusters)
    }

    /// Utility of a cluster, units of 2⁻³².
    pub(super) fn utility(&self, cluster: usize) -> u64 {
        at(self.utilities.as_ref(), cluster)
    }

    /// A mass with all factors of its cluster; rounds down.
    #[must_use]
    pub fn times(&self, cluster: usize, mass: u64) -> u64 {
        let stratum = scaled(mass, at(self.strata.as_ref(), cluster));
        scaled(stratum, self.utility(cluster))
    }
}

fn at(list: Option<&Vec<u64>>, cluster: usize) -> u64 {
    list.and_then(|list| list.get(cluster))
        .copied()
        .unwrap_or(ONE)
}

/// Both factors are at most 1.5, so the product fits whenever the mass is at most 1.
fn scaled(mass: u64, factor: u64) -> u64 {
    if factor == ONE {
        return mass;
    }
    u64::try_from((u128::from(mass) * u128::from(factor)) >> 32).unwrap_or(u64::MAX)
}

fn densities<S: std::hash::Hash + Eq>(strata: &[S]) -> Vec<u64> {
    let mut sizes: HashMap<&S, u64> = HashMap::new();
    for stratum in strata {
        *sizes.entry(stratum).or_default() += 1;
    }
    let factors: HashMap<&S, u64> = sizes
        .into_iter()
        .map(|(stratum, size)| (stratum, density(size)))
        .collect();
    strata
        .iter()
        .map(|stratum| factors.get(stratum).copied().unwrap_or(ONE))
        .collect()
}

/// ρ of a stratum of so many clusters, units of 2⁻³². libm gives the same bits on every machine.
fn density(clusters: u64) -> u64 {
    let factor = libm::pow(clusters.max(1) as f64, STRATUM_ALPHA - 1.0);
    (factor * ONE as f64) as u64
}

/// u from values φ, units of 2⁻³²; values in an order that does not depend on files.
#[must_use]
pub fn utilities(values: &[Option<f64>]) -> Vec<u64> {
    let known = || values.iter().flatten();
    let sum: f64 = known().map(|value| value.abs()).sum();
    let mean = sum / known().count().max(1) as f64;
    let utility = |value: &Option<f64>| match value {
        Some(value) if mean > 0.0 => {
            let relative = (value / mean).clamp(-1.0, 1.0);
            (libm::round((1.0 + 0.5 * relative) * ONE as f64)) as u64
        }
        _ => ONE,
    };
    values.iter().map(utility).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utility_is_between_a_half_and_one_and_a_half() {
        let found = utilities(&[Some(4.0), Some(0.5), Some(-9.0), None, Some(0.0)]);
        // Mean of |φ| over four known values: 13.5 / 4.
        let mean = 13.5 / 4.0;
        let expected = [1.5, 1.0 + 0.5 * (0.5 / mean), 0.5, 1.0, 1.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((*found as f64 / ONE as f64 - expected).abs() < 1e-9);
        }
        assert_eq!(utilities(&[None, Some(0.0)]), [ONE; 2]);
        assert!(utilities(&[]).is_empty());
    }

    #[test]
    fn a_stratum_of_n_weighs_n_to_the_alpha() {
        let strata: Vec<u8> = [vec![1; 100], vec![2; 7], vec![3]].concat();
        let factors = Factors::new(Some(&strata), None);
        let of = |range: std::ops::Range<usize>| -> f64 {
            range
                .map(|k| factors.times(k, ONE) as f64 / ONE as f64)
                .sum()
        };
        assert!((of(0..100) - 100f64.powf(0.8)).abs() < 1e-6);
        assert!((of(100..107) - 7f64.powf(0.8)).abs() < 1e-6);
        assert_eq!(factors.times(107, ONE), ONE);
    }
}
