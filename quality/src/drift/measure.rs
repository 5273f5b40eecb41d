//! How far two distributions are apart.
//!
//! * Population stability index over groups of the earlier table: `PSI = Σ (q − p) ln(q / p)`, a
//!   share of 0 taken for half a row, at least 0.0001. Up to .1 is stable, from .25 on shifted (E. Lewis, "An
//!   introduction to credit scoring", 1992; N. Siddiqi, "Credit risk scorecards", 2006).
//! * What chance alone brings: with p = q, PSI divided by (1/n + 1/m) follows χ² with one degree
//!   less than there are groups (B. Yurdakul, "Statistical properties of population stability
//!   index", 2018). Below its 99 % quantile nothing is said.
//! * Two-sample Kolmogorov–Smirnov statistic: the largest distance of both distribution functions,
//!   at the edges of the bins.
//! * Jensen–Shannon divergence over the same groups, base 2: from 0 to 1 (J. Lin, "Divergence
//!   measures based on the Shannon entropy", 1991).

/// Groups of equal frequency that numbers are put into.
const GROUPS: u64 = 10;
/// Most frequent texts that are a group each.
const TEXT_GROUPS: usize = 20;
/// What a share of 0 counts as at least.
const LEAST_SHARE: f64 = 1e-4;
/// PSI from which on a column has moved.
pub const MOVED: f64 = 0.1;
/// PSI from which on it has shifted.
pub const SHIFTED: f64 = 0.25;
/// The 0.99 quantile of the normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

/// Counts of an earlier and of a later table.
pub(super) type Pair = (u64, u64);

/// What a PSI says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Stable,
    /// Large, but no larger than chance can make it with so few rows.
    Few,
    Moved,
    Shifted,
}

/// A measure in millionths, rounded to four places.
pub(super) fn rounded(value: f64) -> i64 {
    libm::round(value * 1e4) as i64 * 100
}

fn totals(groups: &[Pair]) -> (f64, f64) {
    let sum = groups.iter().fold((0, 0), |(a, b), (x, y)| (a + x, b + y));
    (sum.0 as f64, sum.1 as f64)
}

/// Population stability index; none when one side is empty.
pub(super) fn psi(groups: &[Pair]) -> Option<f64> {
    let (n, m) = totals(groups);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let share = |count: u64, of: f64| (count as f64).max(0.5).max(of * LEAST_SHARE) / of;
    let parts = groups.iter().filter(|(a, b)| a + b > 0).map(|(a, b)| {
        let (p, q) = (share(*a, n), share(*b, m));
        (q - p) * libm::log(q / p)
    });
    Some(parts.sum())
}

/// Jensen–Shannon divergence, base 2.
pub(super) fn jensen_shannon(groups: &[Pair]) -> Option<f64> {
    let (n, m) = totals(groups);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let part = |share: f64, middle: f64| match share > 0.0 {
        true => share * libm::log2(share / middle),
        false => 0.0,
    };
    let parts = groups.iter().map(|(a, b)| {
        let (p, q) = (*a as f64 / n, *b as f64 / m);
        let middle = (p + q) / 2.0;
        (part(p, middle) + part(q, middle)) / 2.0
    });
    Some(parts.sum::<f64>().clamp(0.0, 1.0))
}

/// Kolmogorov–Smirnov statistic over ascending bins.
pub(super) fn kolmogorov_smirnov(bins: &[Pair]) -> Option<f64> {
    let (n, m) = totals(bins);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let (mut below, mut most) = ((0, 0), 0.0f64);
    for (a, b) in bins {
        below = (below.0 + a, below.1 + b);
        most = most.max((below.0 as f64 / n - below.1 as f64 / m).abs());
    }
    Some(most)
}

/// Groups of equal frequency in the earlier table, out of ascending bins. A number that is more
/// frequent than a group is one alone.
pub(super) fn equal_groups(bins: &[Pair]) -> Vec<Pair> {
    let total: u64 = bins.iter().map(|(a, _)| a).sum();
    let mut groups = vec![(0, 0); GROUPS as usize];
    let mut before = 0u64;
    for (a, b) in bins {
        let at = (u128::from(before) * u128::from(GROUPS) / u128::from(total.max(1))) as usize;
        if let Some(group) = groups.get_mut(at.min(GROUPS as usize - 1)) {
            *group = (group.0 + a, group.1 + b);
        }
        before += a;
    }
    groups.retain(|(a, b)| a + b > 0);
    groups
}

/// The most frequent texts of the earlier table, its other ones, and those that are new.
pub(super) fn text_groups(counts: &[Pair]) -> Vec<Pair> {
    let mut known: Vec<Pair> = counts.iter().copied().filter(|(a, _)| *a > 0).collect();
    // Stable: equally frequent ones stay in the order of their hashes.
    known.sort_by_key(|(a, _)| std::cmp::Reverse(*a));
    let rest = known.split_off(known.len().min(TEXT_GROUPS));
    let add = |(a, b): Pair, (x, y): &Pair| (a + x, b + y);
    let new = counts.iter().filter(|(a, _)| *a == 0);
    known.push(rest.iter().fold((0, 0), add));
    known.push(new.fold((0, 0), add));
    known.retain(|(a, b)| a + b > 0);
    known
}

/// What a PSI over these groups says.
pub(super) fn judged(groups: &[Pair]) -> Step {
    let Some(psi) = psi(groups) else {
        return Step::Stable;
    };
    let (n, m) = totals(groups);
    let chance = chi_square_99(groups.len().saturating_sub(1)) * (1.0 / n + 1.0 / m);
    match psi {
        psi if psi < MOVED => Step::Stable,
        psi if psi <= chance => Step::Few,
        psi if psi < SHIFTED => Step::Moved,
        _ => Step::Shifted,
    }
}

/// The 99 % quantile of χ² (E. Wilson and M. Hilferty, 1931).
fn chi_square_99(degrees: usize) -> f64 {
    if degrees == 0 {
        return 0.0;
    }
    let k = degrees as f64;
    let a = 2.0 / (9.0 * k);
    let root = 1.0 - a + Z99 * libm::sqrt(a);
    k * root * root * root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_of_their_formulas() {
        // p = (.5, .5), q = (.75, .25)
        let groups = [(50, 75), (50, 25)];
        let psi = psi(&groups).expect("both sides have rows");
        let by_hand = 0.25 * (1.5f64).ln() - 0.25 * (0.5f64).ln();
        assert!((psi - by_hand).abs() < 1e-12, "{psi}");
        let js = jensen_shannon(&groups).expect("both sides have rows");
        let h = |x: f64| -x * x.log2() - (1.0 - x) * (1.0 - x).log2();
        assert!(
            (js - (h(0.625) - (h(0.5) + h(0.75)) / 2.0)).abs() < 1e-12,
            "{js}"
        );
        assert_eq!(kolmogorov_smirnov(&groups), Some(0.25));
        assert_eq!(jensen_shannon(&[(7, 0), (0, 9)]), Some(1.0));
        assert_eq!(super::psi(&[(7, 0)]), None);
    }

    #[test]
    fn groups_hold_equally_many() {
        let bins: Vec<Pair> = (0..1_000).map(|_| (1, 2)).collect();
        assert_eq!(equal_groups(&bins), vec![(100, 200); 10]);
        // Nine of ten are one value: it is a group alone, and nothing is lost.
        let heavy = [(5, 1), (90, 3), (5, 1)];
        assert_eq!(equal_groups(&heavy), [(95, 4), (5, 1)]);
    }

    #[test]
    fn chance_is_told_apart_from_change() {
        assert!(
            (chi_square_99(9) - 21.67).abs() < 0.1,
            "{}",
            chi_square_99(9)
        );
        assert_eq!(judged(&[(10, 14), (10, 6)]), Step::Few);
        assert_eq!(judged(&[(1_000, 1_400), (1_000, 600)]), Step::Moved);
        assert_eq!(judged(&[(1_000, 1_600), (1_000, 400)]), Step::Shifted);
        assert_eq!(judged(&[(1_000, 990), (1_000, 1_010)]), Step::Stable);
    }

    #[test]
    fn rare_texts_and_new_ones_are_groups_together() {
        let mut counts: Vec<Pair> = (0..30).map(|i| (100 - i, 50)).collect();
        counts.push((0, 7));
        counts.push((0, 3));
        let groups = text_groups(&counts);
        assert_eq!(groups.len(), TEXT_GROUPS + 2);
        assert_eq!(groups.last(), Some(&(0, 10)));
    }
}
