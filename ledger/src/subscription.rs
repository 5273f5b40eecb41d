//! Subscriptions: when a term ends, which of its days are over, and who earns them.
//!
//! A term begins at a moment and ends one interval later by the calendar; months are counted
//! from the first beginning, so the 31st of January leads over the 28th of February to the
//! 31st of March. Its days are 24 hours each. What was charged is earned day by day
//! ([`crate::plan::income_of_day`]), each day on its own: to what the subscriber used that
//! day, by use; a day without use, to what they were entitled to, by list price. So it does
//! not matter how many days are booked at once, or when.

use crate::plan::{Legs, by_use, income_of_day, income_until};
use crate::refund::webster;
use chrono::{DateTime, Months, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

/// How long a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    /// One month.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

impl Interval {
    /// All, shortest first.
    pub const ALL: [Interval; 3] = [Interval::Month, Interval::Quarter, Interval::Year];

    /// Its months.
    pub fn months(self) -> u32 {
        match self {
            Interval::Month => 1,
            Interval::Quarter => 3,
            Interval::Year => 12,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Interval::Month => "month",
            Interval::Quarter => "quarter",
            Interval::Year => "year",
        }
    }

    /// The end of term `number`, counted from 1, of terms that follow each other from
    /// `anchor` on. Term 0 ends where the first begins.
    ///
    /// ```
    /// use ledger::subscription::Interval;
    /// let anchor = "2026-01-31T10:00:00Z".parse()?;
    /// let end = |number| Interval::Month.end(anchor, number).map(|end| end.to_rfc3339());
    /// assert_eq!(end(1).as_deref(), Some("2026-02-28T10:00:00+00:00"));
    /// assert_eq!(end(2).as_deref(), Some("2026-03-31T10:00:00+00:00"));
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    ///
    /// `None` beyond the calendar.
    pub fn end(self, anchor: DateTime<Utc>, number: u32) -> Option<DateTime<Utc>> {
        let months = self.months().checked_mul(number)?;
        anchor.checked_add_months(Months::new(months))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no interval: use month, quarter or year")]
pub struct UnknownInterval(String);

impl FromStr for Interval {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, UnknownInterval> {
        let found = Interval::ALL.into_iter().find(|i| i.as_str() == text);
        found.ok_or_else(|| UnknownInterval(text.chars().take(40).collect()))
    }
}

/// Days from one moment to another, a begun one counted whole; `None` when there is none.
pub fn days_between(from: DateTime<Utc>, until: DateTime<Utc>) -> Option<u32> {
    let span = until.signed_duration_since(from);
    let begun = i64::from(span > TimeDelta::days(span.num_days()));
    let days = u32::try_from(span.num_days() + begun).ok()?;
    (days > 0).then_some(days)
}

/// The day of a term that a moment lies in, counted from 1; 0 before the term.
pub fn day_of(from: DateTime<Utc>, at: DateTime<Utc>) -> u32 {
    match at < from {
        true => 0,
        false => u32::try_from(at.signed_duration_since(from).num_days())
            .map_or(u32::MAX, |ended| ended.saturating_add(1)),
    }
}

/// How many of a term's days are over.
pub fn days_over(from: DateTime<Utc>, days: u32, at: DateTime<Utc>) -> u32 {
    day_of(from, at).saturating_sub(1).min(days)
}

/// The end of a day of a term.
pub fn end_of_day(from: DateTime<Utc>, day: u32) -> Option<DateTime<Utc>> {
    from.checked_add_signed(TimeDelta::try_days(i64::from(day))?)
}

/// Who earns the days `days` of a term of `of` days with this deferred `net`: the parts of
/// every day by the weights of that day ([`by_use`]), summed by key.
///
/// `None` for a day outside the term, a day without weights, or weights beyond 64 bits.
pub fn earn<K: Ord + Copy>(
    net: i64,
    of: u32,
    days: impl IntoIterator<Item = u32>,
    mut weights: impl FnMut(u32) -> Vec<(K, u64)>,
) -> Option<BTreeMap<K, i64>> {
    let mut earned = BTreeMap::new();
    for day in days {
        let income = income_of_day(net, day, of)?;
        let (keys, weights): (Vec<K>, Vec<u64>) = weights(day).into_iter().unzip();
        for (key, part) in keys.into_iter().zip(by_use(income, &weights)?) {
            let sum: &mut i64 = earned.entry(key).or_default();
            *sum = sum.checked_add(part)?;
        }
    }
    Some(earned)
}

/// What goes back of a charge after `used` of `days` days.
///
/// The whole is what the used days leave of the gross, `gross − ⌊gross·used/days⌋`, so that a
/// subscriber can work it out beforehand. The net in it is what is not earned yet, to the unit,
/// so that nothing stays deferred; fee and tax divide the rest by [`webster`].
///
/// ```
/// use ledger::{plan::Legs, subscription::unused};
/// let charged = Legs { fee: 199, tax: 0, net: 1800, commission: 0 };
/// let back = unused(charged, 6, 31);
/// // 1999 − ⌊1999·6/31⌋ = 1613, of which 1800 − ⌊1800·6/31⌋ = 1452 were still deferred.
/// assert_eq!(back, Some(Legs { fee: 161, tax: 0, net: 1452, commission: 0 }));
/// ```
///
/// `None` for legs that are negative or hold a commission, or more days than the term has.
pub fn unused(legs: Legs, used: u32, days: u32) -> Option<Legs> {
    let gross = legs.total().filter(|_| legs.commission == 0)?;
    let back = gross - income_until(gross, used, days)?;
    let net = legs.net - income_until(legs.net, used, days)?;
    let [fee, tax] = webster(back - net, [legs.fee, legs.tax])?;
    Some(Legs {
        fee,
        tax,
        net,
        commission: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, Timelike};
    use proptest::prelude::*;

    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        // 1990 to 2200.
        (631_152_000i64..7_258_118_400).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
    }

    fn interval() -> impl Strategy<Value = Interval> {
        prop_oneof![
            Just(Interval::Month),
            Just(Interval::Quarter),
            Just(Interval::Year)
        ]
    }

    proptest! {
        #[test]
        fn terms_follow_each_other_by_the_calendar(anchor in moment(), interval in interval(), n in 1u32..60) {
            let end = |n| interval.end(anchor, n).unwrap();
            prop_assert_eq!(end(0), anchor);
            prop_assert!(end(n) > end(n - 1));
            // Same time of day; the same day of the month, or the last of a shorter one.
            prop_assert_eq!(end(n).num_seconds_from_midnight(), anchor.num_seconds_from_midnight());
            let last = (end(n) + TimeDelta::days(1)).day() == 1;
            prop_assert!(end(n).day() == anchor.day() || (last && end(n).day() < anchor.day()));
            let months = |at: DateTime<Utc>| i64::from(at.year()) * 12 + i64::from(at.month0());
            prop_assert_eq!(months(end(n)) - months(anchor), i64::from(interval.months() * n));
            let days = days_between(end(n - 1), end(n)).unwrap();
            let range = match interval {
                Interval::Month => 28..=31,
                Interval::Quarter => 89..=92,
                Interval::Year => 365..=366,
            };
            // From the 31st a term may begin on the 28th and end on the 31st.
            prop_assert!((range.start() - 3..=range.end() + 3).contains(&days), "{} days", days);
            prop_assert_eq!(end_of_day(end(n - 1), days), Some(end(n)));
        }

        #[test]
        fn days_are_over_one_by_one(from in moment(), days in 1u32..400, second in 0i64..40_000_000) {
            let at = from + TimeDelta::seconds(second);
            let over = days_over(from, days, at);
            prop_assert!(over <= days);
            prop_assert_eq!(i64::from(over), (second / 86_400).min(i64::from(days)));
            prop_assert!(end_of_day(from, over).unwrap() <= at);
            prop_assert_eq!(days_over(from, days, from - TimeDelta::seconds(1)), 0);
        }

        /// Nothing is lost, and how days are grouped never matters.
        #[test]
        fn earning_is_exact_however_days_are_grouped(
            net in 0i64..10_000_000_000,
            uses in prop::collection::vec(prop::collection::vec(0u64..1 << 40, 3), 1..120),
            cuts in prop::collection::vec(0usize..120, 0..6),
        ) {
            let of = uses.len() as u32;
            let weights = |day: u32| -> Vec<(usize, u64)> {
                uses[day as usize - 1].iter().copied().enumerate().collect()
            };
            let whole = earn(net, of, 1..=of, weights).unwrap();
            prop_assert_eq!(whole.values().sum::<i64>(), net);
            let mut cuts: Vec<u32> = cuts.into_iter().map(|c| (c as u32).min(of)).collect();
            cuts.extend([0, of]);
            cuts.sort_unstable();
            let mut sums = BTreeMap::new();
            for pair in cuts.windows(2).rev() {
                for (key, part) in earn(net, of, pair[0] + 1..=pair[1], weights).unwrap() {
                    *sums.entry(key).or_insert(0i64) += part;
                }
            }
            prop_assert_eq!(sums, whole);
        }

        /// What was earned and what goes back is what was charged: the net to the unit, the
        /// whole by one formula, no leg more than was charged, and less with every day.
        #[test]
        fn earned_and_unused_make_the_charge(
            legs in prop::array::uniform3(prop_oneof![0i64..30, 0i64..1 << 60]),
            days in 1u32..400,
            used in 0u32..400,
        ) {
            let used = used.min(days);
            let charged = Legs { fee: legs[0], tax: legs[1], net: legs[2], commission: 0 };
            let gross = charged.total().unwrap();
            let back = unused(charged, used, days).unwrap();
            let earned = earn(charged.net, days, 1..=used, |_| vec![((), 1)]).unwrap();
            prop_assert_eq!(earned.values().sum::<i64>() + back.net, charged.net);
            let kept = i128::from(gross) * i128::from(used) / i128::from(days);
            prop_assert_eq!(i128::from(gross - back.total().unwrap()), kept);
            for (back, leg) in back.to_array().into_iter().zip(charged.to_array()) {
                prop_assert!((0..=leg).contains(&back));
            }
            if used > 0 {
                let before = unused(charged, used - 1, days).unwrap();
                prop_assert!(back.net <= before.net && back.total() <= before.total());
            }
            prop_assert_eq!(unused(charged, 0, days), Some(charged));
            prop_assert_eq!(unused(charged, days, days), Some(Legs::default()));
        }

        /// Only what was used on a day earns it, and without use the whole day goes by price:
        /// nobody gets a unit of a day they are not part of.
        #[test]
        fn a_day_goes_to_nobody_else(
            net in 0i64..10_000_000,
            of in 1u32..60,
            used in prop::collection::btree_map(0usize..6, 1u64..1 << 40, 0..6),
            prices in prop::collection::vec(1u64..1 << 40, 6),
        ) {
            let parts = earn(net, of, 1..=of, |_| match used.is_empty() {
                false => used.iter().map(|(key, rows)| (*key, *rows)).collect(),
                true => prices.iter().copied().enumerate().collect(),
            }).unwrap();
            prop_assert_eq!(parts.values().sum::<i64>(), net);
            prop_assert!(parts.keys().all(|key| used.is_empty() || used.contains_key(key)));
            // Over the term nobody is further from their exact part than one unit a day.
            let total: u128 = match used.is_empty() {
                false => used.values().map(|rows| u128::from(*rows)).sum(),
                true => prices.iter().map(|price| u128::from(*price)).sum(),
            };
            for (key, part) in &parts {
                let weight = *used.get(key).unwrap_or(&prices[*key]);
                let exact = net as u128 * u128::from(weight) / total;
                prop_assert!((*part as u128).abs_diff(exact) <= u128::from(of) + 1);
            }
        }
    }

    #[test]
    fn only_what_was_used_earns_a_day() {
        let day = |weights: &[(char, u64)]| earn(10, 1, [1], |_| weights.to_vec());
        assert_eq!(
            day(&[('a', 5), ('b', 0)]),
            Some([('a', 10), ('b', 0)].into())
        );
        assert_eq!(
            day(&[('a', 0), ('b', 0)]),
            Some([('a', 5), ('b', 5)].into())
        );
        assert_eq!(day(&[]), None);
        assert_eq!(earn(10, 1, [2], |_| vec![('a', 1)]), None);
    }

    #[test]
    fn names_lead_back() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        assert!("week".parse::<Interval>().is_err());
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(days_between(at, at), None);
        assert_eq!(days_between(at, at + TimeDelta::seconds(1)), Some(1));
        assert_eq!(day_of(at, at), 1);
    }
}
