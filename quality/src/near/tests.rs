//! Real texts with known near duplicates; invented ones counted by brute force.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Cursor;

use polars::prelude::*;
use proptest::prelude::*;

use super::*;

const LICENCES: &[u8] = include_bytes!("../../tests/data/text_spdx_licenses.parquet");
const TRUTH: &[u8] = include_bytes!("../../tests/data/truth_text_spdx_licenses.parquet");

fn frame(bytes: &[u8]) -> DataFrame {
    let frame = ParquetReader::new(Cursor::new(bytes)).finish();
    frame.expect("a committed table")
}

fn licences() -> Vec<String> {
    let frame = frame(LICENCES);
    let texts = frame.column("text").and_then(|c| c.str().cloned());
    let texts = texts.expect("a column of texts");
    texts
        .iter()
        .map(|text| text.unwrap_or("").to_owned())
        .collect()
}

/// Pairs of the truth file; every text of the table has five words and more, so
/// its row numbers are those of the table.
fn truth() -> BTreeMap<(u32, u32), f64> {
    let frame = frame(TRUTH);
    let rows = |name: &str| {
        let column = frame.column(name).and_then(|c| c.cast(&DataType::UInt32));
        column.expect("row numbers")
    };
    let (a, b) = (rows("a"), rows("b"));
    let similarity = frame
        .column("jaccard")
        .and_then(|c| c.cast(&DataType::Float64));
    let similarity = similarity.expect("numbers");
    let rows = a
        .u32()
        .expect("rows")
        .iter()
        .zip(b.u32().expect("rows").iter());
    rows.zip(similarity.f64().expect("numbers").iter())
        .filter_map(|((a, b), s)| Some(((a?, b?), s?)))
        .collect()
}

fn pairs(found: &Found) -> BTreeMap<(u32, u32), f64> {
    let mut pairs = BTreeMap::new();
    found.all_pairs(|pair| {
        let twice = pairs.insert((pair.a, pair.b), pair.similarity());
        assert!(twice.is_none() && pair.a < pair.b);
    });
    pairs
}

fn borrowed(texts: &[String]) -> Texts<'_> {
    texts.iter().map(|text| Some(text.as_str())).collect()
}

#[test]
fn licence_texts_are_found_as_the_truth_has_them() {
    let (texts, truth) = (licences(), truth());
    for (threshold_ppm, least_recall) in [(800_000, 0.99), (700_000, 0.99)] {
        let found = find(&borrowed(&texts), Settings::at(threshold_ppm));
        let pairs = pairs(&found);
        let wanted: Vec<_> = truth
            .iter()
            .filter(|(_, s)| **s >= f64::from(threshold_ppm) / 1e6)
            .collect();
        for (pair, similarity) in &pairs {
            let known = truth.get(pair).copied().unwrap_or(0.0);
            assert!((known - similarity).abs() < 1e-6, "{pair:?}");
        }
        let hits = wanted.iter().filter(|(p, _)| pairs.contains_key(p)).count();
        let recall = hits as f64 / wanted.len() as f64;
        assert!(recall >= least_recall, "{recall} at {threshold_ppm}");
        assert!(wanted.len() > 300 && found.cut == 0 && found.short == 0);
    }
}

#[test]
fn what_is_found_does_not_depend_on_memory_or_batches() {
    let texts = licences();
    let settings = Settings::at(800_000);
    let whole = find(&borrowed(&texts), settings);
    let mut near = Near::new(settings);
    for batch in texts.chunks(37) {
        near.push(&borrowed(batch));
    }
    let mut hunt = near.hunt().at_once(20_000);
    let mut passes = 0;
    while hunt.wants() {
        passes += 1;
        for (number, batch) in (0u32..).zip(texts.chunks(100)) {
            hunt.take(number * 100, &borrowed(batch));
        }
    }
    assert!(passes > 5, "{passes}");
    assert_eq!(hunt.finish(), whole);
}

#[test]
fn a_table_that_is_not_given_again_is_admitted() {
    let texts = licences();
    let mut near = Near::new(Settings::at(800_000));
    near.push(&borrowed(&texts));
    let found = near.hunt().finish();
    assert!(found.pairs.is_empty() && found.cut > 100, "{}", found.cut);
}

/// Sentences that differ from each other in one of forty words.
fn crowd(size: usize) -> Vec<String> {
    (0..size)
        .map(|n| {
            let words = (0..40).map(|w| {
                if w == 20 {
                    format!("n{n}")
                } else {
                    format!("w{w}")
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn a_crowd_is_one_cluster_without_all_its_pairs() {
    // 36 shingles each, 31 shared: J = 31/41.
    let texts = crowd(1_000);
    let found = find(&borrowed(&texts), Settings::at(700_000));
    assert_eq!(found.redundant(), 999);
    assert!(found.cut > 0 && found.pairs.len() < 250_000);
    assert!(
        found
            .pairs
            .iter()
            .all(|pair| (pair.shared, pair.together) == (31, 41))
    );
}

#[test]
fn equal_texts_are_one_to_the_search_and_all_in_the_answer() {
    let mut texts = vec!["The same five words, always.".to_owned(); 300];
    texts.push("too short".into());
    texts.push("the SAME five words always".into());
    let found = find(&borrowed(&texts), Settings::at(800_000));
    assert!(found.pairs.is_empty());
    assert_eq!(
        (found.same.len(), found.short, found.redundant()),
        (300, 1, 300)
    );
    assert_eq!(pairs(&found).len(), 301 * 300 / 2);
    assert_eq!(found.cluster.get(300), Some(&300));
}

#[test]
fn numbers_are_never_folded() {
    let invoice = |amount| format!("please pay {amount} euro to the farm at the end of this road");
    let texts = [invoice(10), invoice(11)];
    let found = find(&borrowed(&texts), Settings::at(800_000));
    assert!(found.pairs.is_empty());
}

#[test]
fn wide_rows_are_compared_by_their_cells() {
    let columns: Vec<Vec<u128>> = (0..12u128)
        .map(|c| vec![100 + c, if c == 5 { 7 } else { 100 + c }, 900 + c])
        .collect();
    let cells = Cells::of(columns.iter().map(Vec::as_slice).collect());
    let found = find(&cells, Settings::at(800_000));
    assert_eq!(found.pairs.len(), 1);
    assert_eq!(found.cluster, [0, 0, 2]);
    assert_eq!((found.pairs[0].shared, found.pairs[0].together), (11, 13));
}

#[test]
fn cluster_ids_do_not_depend_on_order() {
    let texts = licences();
    let prints: Vec<[u8; 16]> = (0..texts.len() as u128)
        .map(|row| xxhash_rust::xxh3::xxh3_128(&row.to_le_bytes()).to_be_bytes())
        .collect();
    let ids = |order: &[usize]| -> BTreeMap<usize, [u8; 16]> {
        let texts: Vec<String> = order.iter().map(|row| texts[*row].clone()).collect();
        let prints: Vec<[u8; 16]> = order.iter().map(|row| prints[*row]).collect();
        let mut clusters = Clusters::new();
        clusters.push(&borrowed(&texts), &prints);
        let mut hunt = clusters.hunt();
        while hunt.wants() {
            hunt.take(0, &borrowed(&texts));
        }
        order.iter().copied().zip(hunt.ids()).collect()
    };
    let forth: Vec<usize> = (0..texts.len()).collect();
    let back: Vec<usize> = forth.iter().rev().copied().collect();
    let found = ids(&forth);
    assert_eq!(found, ids(&back));
    let distinct: BTreeSet<_> = found.values().collect();
    assert!(distinct.len() < 640, "{}", distinct.len());
    for ((a, b), similarity) in truth() {
        let one = found[&(a as usize)] == found[&(b as usize)];
        assert!(one || similarity < 0.9, "{a} {b} {similarity}");
    }
}

fn assessed(rules: &str, memory: usize) -> crate::Report {
    let policy = crate::Policy::from_toml(rules).expect("good rules");
    let file = bytes::Bytes::from_static(LICENCES);
    let mut source = crate::input::Packed::open(&file).expect("a Parquet file");
    let moment = chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a moment");
    let options = crate::Options {
        memory,
        ..crate::Options::at(moment)
    };
    crate::assess_source(&mut source, &policy, options, None, &mut |_| {})
        .expect("the table fits")
        .report
}

#[test]
fn an_assessment_counts_near_duplicates_half() {
    let without = assessed("", 512 << 20);
    assert_eq!(without.duplicates.near_rows, None);
    let report = assessed("[near]\ncolumns = ['text']", 512 << 20);
    assert_eq!(report.duplicates.exact_rows, 0);
    assert_eq!(report.duplicates.near_rows, Some(150));
    let uniqueness = |report: &crate::Report| {
        let dimension = report
            .dimensions
            .iter()
            .find(|d| d.name == crate::Dimension::Uniqueness);
        dimension.and_then(|d| d.score_ppm)
    };
    assert_eq!(uniqueness(&without), Some(1_000_000));
    // 1 - 75/728
    assert_eq!(uniqueness(&report), Some(896_978));
    assert!(!report.not_measured.contains(&"near_duplicates".to_owned()));
    let section = report.sections.iter().find(|s| s.name == "near_duplicates");
    assert_eq!(section.map(|s| s.rows.len()), Some(50));
    // In a tenth of the memory the table is read more often, and the same is found.
    let narrow = assessed("[near]\ncolumns = ['text']", 4 << 20);
    assert_eq!(narrow, report);
}

#[test]
fn rules_that_do_not_fit_are_named() {
    let file = bytes::Bytes::from_static(LICENCES);
    let moment = chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a moment");
    for (rules, why) in [
        ("columns = ['osi_approved']", "no text"),
        ("columns = ['body']", "not there"),
        ("threshold = 0.2", "from 0.5 to 1"),
    ] {
        let policy = crate::Policy::from_toml(&format!("[near]\n{rules}")).expect("TOML");
        let refusal = crate::inspect(&file, &policy, moment, &mut |_| {}).expect_err("refused");
        assert!(refusal.to_string().contains(why), "{refusal}");
    }
}

/// Similarity by sets of words, the long way.
fn brute(left: &str, right: &str) -> (usize, usize) {
    let set = |text: &str| -> HashSet<Vec<String>> {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words
            .windows(SHINGLE_WORDS)
            .map(<[String]>::to_vec)
            .collect()
    };
    let (left, right) = (set(left), set(right));
    (
        left.intersection(&right).count(),
        left.union(&right).count(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn similarities_are_exact(
        texts in prop::collection::vec("([ab]{1,2}|Ä|_|[0-9])( ([ab]{1,2}|Ä|_|[0-9])){0,14}", 2..12)
    ) {
        let found = find(&borrowed(&texts), Settings::at(500_000));
        let seen: BTreeSet<(u32, u32)> = pairs(&found).into_keys().collect();
        for pair in &found.pairs {
            let (a, b) = (&texts[pair.a as usize], &texts[pair.b as usize]);
            prop_assert_eq!(brute(a, b), (pair.shared as usize, pair.together as usize));
        }
        for (a, left) in (0u32..).zip(&texts) {
            for (b, right) in (0u32..).zip(&texts).skip(a as usize + 1) {
                let (shared, together) = brute(left, right);
                if shared > 0 && shared == together {
                    // Equal sets have equal keys, so these are always found.
                    prop_assert!(seen.contains(&(a, b)), "{} {}", left, right);
                }
            }
        }
    }

    #[test]
    fn the_order_of_rows_changes_only_their_numbers(seed in 0usize..20) {
        let texts = licences();
        let texts: Vec<String> = texts.into_iter().skip(seed * 30).take(120).collect();
        let turned: Vec<String> = texts.iter().rev().cloned().collect();
        let (one, other) = (find(&borrowed(&texts), Settings::at(800_000)), find(&borrowed(&turned), Settings::at(800_000)));
        let last = texts.len() as u32 - 1;
        let back: BTreeMap<(u32, u32), f64> = pairs(&other)
            .into_iter()
            .map(|((a, b), s)| ((last - b, last - a), s))
            .collect();
        prop_assert_eq!(pairs(&one), back);
    }
}
