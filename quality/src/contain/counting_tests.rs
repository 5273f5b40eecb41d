//! Sets too large for a sketch, counted one by one.

use std::ops::Range;

use proptest::prelude::*;

use super::bags::Bagger;
use super::*;
use crate::dedup::{float_key, integer_key, text_key};
use crate::policy::ColumnType;

const KINDS: [ColumnType; 3] = [ColumnType::Int64, ColumnType::String, ColumnType::Float64];

/// A number, a name and a measure, in this or another order.
struct Table {
    rows: Range<u64>,
    order: [usize; 3],
    jitter: f64,
}

impl Table {
    fn of(rows: Range<u64>) -> Self {
        Self {
            rows,
            order: [0, 1, 2],
            jitter: 0.0,
        }
    }

    fn measure(&self, n: u64) -> f64 {
        // In the middle of what rounds to the same three digits.
        (100.0 + (n % 800) as f64) + self.jitter
    }

    fn kinds(&self) -> [ColumnType; 3] {
        self.order.map(|column| KINDS[column])
    }

    fn len(&self) -> usize {
        (self.rows.end - self.rows.start) as usize
    }

    fn bags(&self) -> Vec<Bags> {
        let name = self.order.iter().position(|column| *column == 1);
        let bagger = Bagger::new(&self.kinds(), &[0, 1, 2], &[name.unwrap_or(0)]);
        bagger.bags(self, self.len(), |_, _| {})
    }

    fn sketch(&self) -> Sketch {
        let mut sketcher = Sketcher::new(&self.kinds(), &[0, 1, 2], &[1]);
        sketcher.push(self, self.len());
        sketcher.finish().remove(0)
    }
}

impl Cells for Table {
    fn key(&self, column: usize, row: usize) -> u128 {
        let n = self.rows.start + row as u64;
        match self.order[column] {
            0 => integer_key((n % 90).into()),
            1 => text_key(&format!("name {n}")),
            _ => float_key(self.measure(n)),
        }
    }

    fn number(&self, column: usize, row: usize) -> Option<f64> {
        let n = self.rows.start + row as u64;
        match self.order[column] {
            0 => Some((n % 90) as f64),
            1 => None,
            _ => Some(self.measure(n)),
        }
    }
}

fn of(kind: Kind, bags: &[Bags]) -> Vec<u128> {
    let one = |bag: &Bags| match kind {
        Kind::Loose => bag.loose,
        Kind::Key => bag.key,
        _ => bag.rows,
    };
    bags.iter().map(one).collect()
}

/// Counts in so many slices; others come with the moment they had it.
fn count(own: &[u128], ours: &[(&[u128], u64)], theirs: &[(&[u128], u64)], parts: u32) -> Counted {
    let mut sum = Counted::default();
    for part in 0..parts {
        let mut slice = Slice::of(part, parts);
        own.iter().for_each(|member| slice.push(*member));
        slice.close();
        for (members, moment) in ours {
            members.iter().for_each(|m| slice.ours(*m, *moment));
        }
        for (members, moment) in theirs {
            members.iter().for_each(|m| slice.theirs(*m, *moment));
        }
        sum = sum.and(slice.take());
    }
    sum
}

#[test]
fn twenty_thousand_rows_are_counted_where_sketches_only_estimate() {
    let own = Table::of(0..20_000);
    let other = Table {
        order: [2, 0, 1],
        ..Table::of(14_000..34_000)
    };
    let estimate = share(&own.sketch(), &other.sketch()).expect("judged");
    assert!(estimate.margin_ppm > 0);
    assert_ne!(estimate.ppm, 300_000, "the estimate is off");
    let (own, other) = (own.bags(), other.bags());
    for kind in COUNTED {
        let (own, other) = (of(kind, &own), of(kind, &other));
        for parts in [1, 3, 7] {
            let counted = count(&own, &[], &[(&other, 5)], parts);
            let found = Share::counted(counted.shared, counted.members);
            assert_eq!(
                (found.ppm, found.margin_ppm),
                (300_000, 0),
                "{kind:?} {parts}"
            );
            assert_eq!((counted.members, counted.first), (20_000, Some(5)));
        }
    }
}

#[test]
fn jitter_is_counted_through() {
    let own = Table {
        jitter: 0.001,
        ..Table::of(0..20_000)
    };
    let (own, other) = (own.bags(), Table::of(5_000..30_000).bags());
    let shared = |kind| count(&of(kind, &own), &[], &[(&of(kind, &other), 1)], 2).shared;
    assert_eq!(
        COUNTED.map(shared),
        [0, 15_000, 15_000],
        "rows, rounded rows, keys"
    );
}

#[test]
fn what_ours_had_before_is_no_copy() {
    let rows = of(Kind::Rows, &Table::of(0..10_000).bags());
    let (early, late) = ((&rows[..6_000], 3), (&rows[6_000..], 9));
    let counted = count(&rows, &[early, late], &[(&rows, 5), (&rows[..7_000], 4)], 4);
    assert_eq!(counted.shared, 4_000);
    assert_eq!(counted.first, Some(4), "of the rows that count");
    let again = count(&rows, &[(&rows, 5)], &[(&rows, 5)], 1);
    assert_eq!(again.shared, 10_000, "at the same moment nobody was before");
}

#[test]
fn a_cleaned_table_hands_out_the_bags_its_sketch_is_of() {
    const DIAMONDS: &[u8] = include_bytes!("../../tests/data/r_diamonds.parquet");
    let mut source =
        crate::input::Packed::open(&bytes::Bytes::from_static(DIAMONDS)).expect("Parquet");
    let mut rows = Vec::new();
    row_bags(&mut source, &crate::Policy::default(), &mut |bags| {
        rows.extend(of(Kind::Rows, bags));
    })
    .expect("readable");
    assert_eq!(rows.len(), 53_940);
    let counted = count(&rows, &[], &[(&rows[..100], 1)], 5);
    assert_eq!(counted.members, 53_940 - 146);
}

#[test]
fn slices_are_as_many_as_memory_asks_for() {
    for (members, most, parts) in [(0, 10, 1), (10, 10, 1), (11, 10, 2), (5, 0, 5)] {
        assert_eq!(Slice::needed(members, most), parts);
    }
    assert_eq!(Share::counted(0, 0).ppm, 0);
    assert_eq!(Share::counted(5_999, 20_000).ppm, 299_950);
}

proptest! {
    #[test]
    fn counting_is_what_sets_say(
        own in prop::collection::vec(0u8..60, 0..80),
        ours in prop::collection::vec((0u8..60, 1u64..9), 0..40),
        theirs in prop::collection::vec((0u8..60, 1u64..9), 0..80),
        parts in 1u32..6,
    ) {
        let spread = |n: u8| u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let members = |of: &[(u8, u64)]| -> Vec<([u128; 1], u64)> {
            of.iter().map(|(n, moment)| ([spread(*n)], *moment)).collect()
        };
        let first = |of: &[(u8, u64)], n: u8| {
            of.iter().filter(|(m, _)| *m == n).map(|(_, moment)| *moment).min()
        };
        let mut distinct: Vec<u8> = own.iter().copied().filter(|n| *n != 0).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let shared: Vec<u64> = distinct
            .iter()
            .filter_map(|n| first(&theirs, *n).filter(|t| first(&ours, *n).is_none_or(|o| o >= *t)))
            .collect();
        let own: Vec<u128> = own.into_iter().map(spread).collect();
        let (ours, theirs) = (members(&ours), members(&theirs));
        let ours: Vec<(&[u128], u64)> = ours.iter().map(|(m, t)| (&m[..], *t)).collect();
        let theirs: Vec<(&[u128], u64)> = theirs.iter().map(|(m, t)| (&m[..], *t)).collect();
        let counted = count(&own, &ours, &theirs, parts);
        prop_assert_eq!(counted.members, distinct.len() as u64);
        prop_assert_eq!(counted.shared, shared.len() as u64);
        prop_assert_eq!(counted.first, shared.iter().min().copied());
    }
}
