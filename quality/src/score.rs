//! The score: one number, and exactly why it is not 100.
//!
//! ```text
//! Q = 100 · Π s_d ^ (w_d / Σw)      over applicable dimensions, s_d ≥ .01
//! ```
//!
//! A weighted geometric mean: one very bad dimension cannot hide behind good
//! ones, and Q grows with every s. Points lost to a dimension are
//! `(100 − Q) · w_d ln s_d / Σ w ln s`, split further by counts. Everything is
//! computed from integer counts with `libm`'s logarithm and exponential, which
//! give the same bits on every machine; results are integers of hundredths
//! whose parts add up exactly (largest remainder, ties to the earlier).

use serde::{Deserialize, Serialize};

/// Q of a table without any fault, in hundredths.
pub const FULL: u32 = 10_000;

/// Lowest value of a dimension's s.
const FLOOR: f64 = 0.01;

/// What quality is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Cells satisfy their declared type, range, pattern and domain.
    Validity,
    /// Cells of non-optional columns have values.
    Completeness,
    /// Rows (or keys, where declared) do not repeat.
    Uniqueness,
    /// Rows satisfy rules between columns.
    Consistency,
    /// The newest row is not older than the declared period.
    Timeliness,
    /// Columns and table are described.
    Documentation,
}

impl Dimension {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::Validity,
        Self::Completeness,
        Self::Uniqueness,
        Self::Consistency,
        Self::Timeliness,
        Self::Documentation,
    ];

    /// Weight in hundredths; all weights add up to 100.
    pub fn weight(self) -> u32 {
        match self {
            Self::Validity => 25,
            Self::Completeness | Self::Uniqueness => 20,
            Self::Consistency => 15,
            Self::Timeliness | Self::Documentation => 10,
        }
    }

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validity => "validity",
            Self::Completeness => "completeness",
            Self::Uniqueness => "uniqueness",
            Self::Consistency => "consistency",
            Self::Timeliness => "timeliness",
            Self::Documentation => "documentation",
        }
    }

    /// Characteristic of ISO/IEC 25012 (measures: ISO/IEC 5259-2) it belongs to.
    pub fn iso_25012(self) -> &'static str {
        match self {
            Self::Validity => "Accuracy (syntactic)",
            Self::Completeness => "Completeness",
            Self::Uniqueness => "Consistency (redundancy)",
            Self::Consistency => "Consistency",
            Self::Timeliness => "Currentness",
            Self::Documentation => "Understandability",
        }
    }

    /// Indicator of GB/T 36344 it belongs to.
    pub fn gb_t_36344(self) -> &'static str {
        match self {
            Self::Validity => "Accuracy",
            Self::Completeness => "Completeness",
            Self::Uniqueness => "Accuracy (repetition)",
            Self::Consistency => "Consistency",
            Self::Timeliness => "Timeliness",
            Self::Documentation => "Normativity (metadata)",
        }
    }
}

/// Grade letter: A from 90, B from 75, C from 60, D from 40, else E.
pub fn grade(q_hundredths: u32) -> &'static str {
    match q_hundredths {
        9_000.. => "A",
        7_500.. => "B",
        6_000.. => "C",
        4_000.. => "D",
        _ => "E",
    }
}

/// What one applicable dimension came to: `s = (total − bad) / total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    pub dimension: Dimension,
    pub bad: u64,
    pub total: u64,
}

impl Measure {
    fn s(&self) -> f64 {
        let good = self.total.saturating_sub(self.bad);
        (good as f64 / self.total.max(1) as f64).max(FLOOR)
    }

    /// s in parts per million, before the floor.
    pub fn ppm(&self) -> u32 {
        let good = u128::from(self.total.saturating_sub(self.bad));
        (good * 1_000_000 / u128::from(self.total.max(1))) as u32
    }

    /// Logarithmic loss w · −ln s ≥ 0.
    fn loss(&self) -> f64 {
        f64::from(self.dimension.weight()) * -libm::log(self.s())
    }
}

/// Q in hundredths; nothing measured is worth nothing.
pub(crate) fn q(measures: &[Measure]) -> u32 {
    let weights: u32 = measures.iter().map(|m| m.dimension.weight()).sum();
    if weights == 0 {
        return 0;
    }
    let loss: f64 = measures.iter().map(Measure::loss).sum();
    let q = f64::from(FULL) * libm::exp(-loss / f64::from(weights));
    libm::round(q) as u32
}

/// Q if `count` fewer units of one dimension were bad.
pub(crate) fn q_if_fixed(measures: &[Measure], dimension: Dimension, count: u64) -> u32 {
    let fixed: Vec<Measure> = measures
        .iter()
        .map(|measure| Measure {
            bad: match measure.dimension == dimension {
                true => measure.bad.saturating_sub(count),
                false => measure.bad,
            },
            ..*measure
        })
        .collect();
    q(&fixed)
}

/// Hundredths lost to every measure; they add up to [`FULL`] − Q.
pub(crate) fn lost(measures: &[Measure]) -> Vec<u32> {
    let losses: Vec<f64> = measures.iter().map(Measure::loss).collect();
    let all: f64 = losses.iter().sum();
    let total = FULL - q(measures).min(FULL);
    if all <= 0.0 || measures.is_empty() {
        return vec![0; measures.len()];
    }
    // Whole numbers of 2^-40 are fine enough and make the split exact.
    let shares = losses
        .iter()
        .map(|loss| libm::round(loss / all * (1u64 << 40) as f64) as u64);
    split(total, &shares.collect::<Vec<_>>())
}

/// Splits `total` in proportion to `parts` by largest remainder.
pub(crate) fn split(total: u32, parts: &[u64]) -> Vec<u32> {
    let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
    if sum == 0 {
        return vec![0; parts.len()];
    }
    let exact = |part: u64| u128::from(total) * u128::from(part);
    let mut shares: Vec<u32> = parts.iter().map(|p| (exact(*p) / sum) as u32).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(exact(parts[i]) % sum));
    let rest = total - shares.iter().sum::<u32>();
    for &i in order.iter().take(rest as usize) {
        shares[i] += 1;
    }
    shares
}

/// s of timeliness: 1 while the age is within the period, then halved per
/// further period. Days may be fractions of a day in microseconds.
pub(crate) fn timeliness(age_micros: i64, period_days: u32) -> Measure {
    const DAY: f64 = 86_400e6;
    const PPM: u64 = 1_000_000;
    let period = f64::from(period_days.max(1)) * DAY;
    let late = (age_micros as f64 - period) / period;
    let s = if late <= 0.0 { 1.0 } else { libm::exp2(-late) };
    Measure {
        dimension: Dimension::Timeliness,
        bad: PPM - libm::round(s * PPM as f64) as u64,
        total: PPM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measure(dimension: Dimension, bad: u64, total: u64) -> Measure {
        Measure {
            dimension,
            bad,
            total,
        }
    }

    #[test]
    fn worked_example() {
        // validity .9 (w .25), completeness .8 (w .20), uniqueness 1 (w .20):
        // Q = 100 · exp((.25 ln .9 + .2 ln .8)/.65) = 89.657…
        let measures = [
            measure(Dimension::Validity, 10, 100),
            measure(Dimension::Completeness, 20, 100),
            measure(Dimension::Uniqueness, 0, 100),
        ];
        assert_eq!(q(&measures), 8966);
        // .25 ln .9 = −.026340, .2 ln .8 = −.044629: 37.11 % and 62.89 % of 1034
        assert_eq!(lost(&measures), [384, 650, 0]);
        // without the invalid cells: exp(.2 ln .8 / .65) = .93365
        assert_eq!(q_if_fixed(&measures, Dimension::Validity, 10), 9336);
        assert_eq!(grade(8966), "B");
    }

    #[test]
    fn the_floor_keeps_one_dimension_from_ending_it_all() {
        let dead = [
            measure(Dimension::Validity, 100, 100),
            measure(Dimension::Uniqueness, 0, 100),
        ];
        // exp(.25 ln .01 / .45) = .0774
        assert_eq!(q(&dead), 774);
        assert_eq!(q(&[]), 0);
    }

    #[test]
    fn timeliness_halves_per_period() {
        let day = 86_400_000_000;
        assert_eq!(timeliness(10 * day, 10).ppm(), 1_000_000);
        assert_eq!(timeliness(20 * day, 10).ppm(), 500_000);
        assert_eq!(timeliness(30 * day, 10).ppm(), 250_000);
    }

    fn measures() -> impl Strategy<Value = Vec<Measure>> {
        prop::collection::vec((1u64..10_000, 0.0..1.0f64), 1..=6).prop_map(|parts| {
            Dimension::ALL
                .into_iter()
                .zip(parts)
                .map(|(d, (total, bad))| measure(d, (total as f64 * bad) as u64, total))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn losses_add_up_to_what_is_missing(measures in measures()) {
            let sum: u32 = lost(&measures).iter().sum();
            prop_assert_eq!(sum + q(&measures), FULL);
        }

        #[test]
        fn fixing_never_lowers_q(measures in measures(), count in 1u64..1000) {
            for m in &measures {
                prop_assert!(q_if_fixed(&measures, m.dimension, count) >= q(&measures));
            }
        }

        #[test]
        fn weights_add_up(total in 0u32..10_000, parts in prop::collection::vec(0u64..1000, 1..8)) {
            let shares = split(total, &parts);
            let expected = if parts.iter().all(|p| *p == 0) { 0 } else { total };
            prop_assert_eq!(shares.iter().sum::<u32>(), expected);
        }
    }
}
