//! Sets whose containment is known.

use proptest::prelude::*;

use super::sketcher::Cells;
use super::*;
use crate::dedup::{float_key, integer_key, text_key};
use crate::policy::ColumnType;

/// Columns of cells: normal form and number.
struct Table(Vec<Vec<(u128, Option<f64>)>>);

impl Cells for Table {
    fn key(&self, column: usize, row: usize) -> u128 {
        self.0[column][row].0
    }

    fn number(&self, column: usize, row: usize) -> Option<f64> {
        self.0[column][row].1
    }
}

const KINDS: [ColumnType; 4] = [
    ColumnType::Int64,
    ColumnType::String,
    ColumnType::Float64,
    ColumnType::Int64,
];

/// A row number, a name, a measure and a small number.
fn table(rows: std::ops::Range<u64>, jitter: f64) -> Table {
    let float = |x: f64| (float_key(x), Some(x));
    let columns: [&dyn Fn(u64) -> (u128, Option<f64>); 4] = [
        &|n| (integer_key(n.into()), Some(n as f64)),
        &|n| (text_key(&format!("name {n}")), None),
        &|n| float((1.0 + n as f64 * 0.37) * (1.0 + jitter)),
        &|n| (integer_key((n % 7).into()), Some((n % 7) as f64)),
    ];
    Table(
        columns
            .map(|column| rows.clone().map(column).collect())
            .to_vec(),
    )
}

fn turned(table: Table, order: [usize; 4]) -> Table {
    Table(order.map(|column| table.0[column].clone()).to_vec())
}

fn sketched(table: &Table, kinds: [ColumnType; 4], content: &[usize]) -> Vec<Sketch> {
    let mut sketcher = Sketcher::new(&kinds, content, &[1]);
    sketcher.push(table, table.0[0].len());
    sketcher.finish()
}

fn one(sketches: &[Sketch], kind: Kind) -> &Sketch {
    sketches.iter().find(|s| s.kind == kind).expect("a sketch")
}

#[test]
fn renamed_and_reordered_columns_are_the_same_rows() {
    let order = [3, 2, 0, 1];
    let own = sketched(&table(0..3_000, 0.0), KINDS, &[0, 1, 2, 3]);
    let mut turner = Sketcher::new(&order.map(|c| KINDS[c]), &[0, 1, 2, 3], &[3]);
    turner.push(&turned(table(1_000..3_500, 0.0), order), 2_500);
    let other = turner.finish();
    for kind in [Kind::Rows, Kind::Loose, Kind::Key] {
        let share = share(one(&own, kind), one(&other, kind)).expect("judged");
        assert_eq!((share.ppm, share.margin_ppm), (666_667, 0), "{kind:?}");
    }
    let columns = |sketches: &[Sketch]| -> Vec<u32> {
        sketches.iter().filter_map(|sketch| sketch.column).collect()
    };
    assert_eq!(columns(&own), [0, 1, 2], "seven values are too few");
    assert_eq!(columns(&other), [1, 2, 3]);
}

#[test]
fn jitter_is_seen_through() {
    let own = sketched(&table(0..3_000, 0.000_01), KINDS, &[1, 2, 3]);
    let other = sketched(&table(0..3_000, 0.0), KINDS, &[1, 2, 3]);
    let of = |kind| {
        share(one(&own, kind), one(&other, kind))
            .expect("judged")
            .ppm
    };
    assert!(of(Kind::Rows) < 10_000, "{}", of(Kind::Rows));
    assert!(of(Kind::Loose) > 900_000, "{}", of(Kind::Loose));
    assert_eq!(of(Kind::Key), 1_000_000);
}

#[test]
fn a_small_part_of_a_large_table_is_contained_whole() {
    let own = sketched(&table(40_000..60_000, 0.0), KINDS, &[0, 1, 2, 3]);
    let other = sketched(&table(0..400_000, 0.0), KINDS, &[0, 1, 2, 3]);
    let (own, other) = (one(&own, Kind::Rows), one(&other, Kind::Rows));
    let inside = share(own, other).expect("judged");
    assert_eq!(inside.ppm, 1_000_000);
    assert!(
        inside.margin_ppm > 0 && inside.margin_ppm < 20_000,
        "an estimate"
    );
    let back = share(other, own).expect("judged");
    assert!(back.ppm.abs_diff(50_000) <= 2 * back.margin_ppm, "{back:?}");
    let size = other.distinct();
    assert!(size.abs_diff(400_000) < 20_000, "{size}");
}

#[test]
fn strangers_share_nothing_and_few_members_are_not_judged() {
    let own = sketched(&table(0..5_000, 0.0), KINDS, &[0, 1, 2]);
    let other = sketched(&table(9_000_000..9_100_000, 0.0), KINDS, &[0, 1, 2]);
    let none = share(one(&own, Kind::Rows), one(&other, Kind::Rows)).expect("judged");
    assert_eq!(none.ppm, 0);
    let few = sketched(&table(0..10, 0.0), KINDS, &[0, 1, 2]);
    assert_eq!(share(one(&few, Kind::Rows), one(&other, Kind::Rows)), None);
    assert_eq!(
        share(one(&few, Kind::Rows), one(&few, Kind::Rows)).map(|s| s.ppm),
        Some(1_000_000)
    );
    let nothing = Sketch::of(Kind::Rows, &Bottom::new(K));
    assert_eq!(share(&nothing, one(&few, Kind::Rows)), None);
}

const DIAMONDS: &[u8] = include_bytes!("../../tests/data/r_diamonds.parquet");
const IRIS: &[u8] = include_bytes!("../../tests/data/sk_iris.parquet");

fn file(bytes: &'static [u8], size: SketchSize) -> Vec<Sketch> {
    let mut source =
        crate::input::Packed::open(&bytes::Bytes::from_static(bytes)).expect("Parquet");
    let moment = chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a moment");
    let options = crate::Options {
        sketches: Some(size),
        ..crate::Options::at(moment)
    };
    let policy = crate::Policy::default();
    crate::assess_source(&mut source, &policy, options, None, &mut |_| {})
        .expect("the table fits")
        .sketches
}

#[test]
fn real_tables_are_compared_exactly_or_within_the_margin() {
    let (exact, kept) = (
        file(DIAMONDS, SketchSize::Exact),
        file(DIAMONDS, SketchSize::Kept),
    );
    assert_eq!(one(&exact, Kind::Rows).distinct(), 53_940 - 146);
    let off = one(&kept, Kind::Rows).distinct().abs_diff(53_794);
    assert!(off < 2_500, "{off}");
    let other = |name: &str, sketches: &[Sketch]| Other {
        name: name.into(),
        columns: vec!["x".into(); 10],
        sketches: sketches.to_vec(),
    };
    let others = [
        other("itself", &exact),
        other("iris", &file(IRIS, SketchSize::Exact)),
    ];
    let columns = vec!["x".to_owned(); 10];
    let (section, gates) = against(&exact, &columns, &others);
    let names: Vec<&str> = gates.iter().map(|gate| gate.reason.as_str()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("100 % of the rows stand in itself"));
    assert!(
        section.summary.contains("1 of them hold"),
        "{}",
        section.summary
    );
}

proptest! {
    #[test]
    fn bottoms_are_the_least_hashes(
        members in prop::collection::vec(0u128..500, 0..600),
        k in 1usize..64,
    ) {
        let collect = |members: &[u128], k| {
            let mut bottom = Bottom::new(k);
            members.iter().for_each(|member| bottom.add(*member));
            bottom.finish()
        };
        let (all, none) = collect(&members, 1_000);
        let (least, bound) = collect(&members, k);
        prop_assert_eq!(none, None);
        prop_assert_eq!(&least[..], &all[..k.min(all.len())]);
        prop_assert_eq!(bound, (all.len() > k).then(|| all[k - 1]));
        let mut back = members.clone();
        back.reverse();
        prop_assert_eq!(collect(&back, k), (least, bound));
    }

    #[test]
    fn small_sets_are_compared_exactly(a in 1u64..2_000, from in 0u64..2_000, b in 1u64..2_000) {
        let set = |range: std::ops::Range<u64>| {
            let mut bottom = Bottom::new(K);
            range.for_each(|member| bottom.add(u128::from(member)));
            Sketch::of(Kind::Rows, &bottom)
        };
        let both = a.min(from + b).saturating_sub(from);
        let share = share(&set(0..a), &set(from..from + b)).expect("both are complete");
        prop_assert_eq!(share.margin_ppm, 0);
        prop_assert_eq!(u64::from(share.ppm), (both as f64 / a as f64 * 1e6).round() as u64);
    }
}
