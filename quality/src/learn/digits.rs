//! On the handwritten digits, whose labels are right.

use bytes::Bytes;
use ndarray::{Array2, ArrayView1};

use super::*;
use crate::analysis::{Analysis, Found};
use crate::assess::{self, inspect};
use crate::input::Packed;
use crate::shapley;

const DIGITS: &[u8] = include_bytes!("../../tests/data/sk_digits.parquet");
const IRIS: &[u8] = include_bytes!("../../tests/data/sk_iris.parquet");

struct All {
    layout: Layout,
    found: Vec<Example>,
}

impl Analysis for All {
    fn name(&self) -> &'static str {
        "all"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let rows_of = (0..rows.len).map(|row| self.layout.example(rows, row));
        self.found.extend(rows_of);
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}

fn digits() -> Vec<Example> {
    let policy = Policy {
        label: Some("label".to_owned()),
        ..Policy::default()
    };
    let mut source = Packed::open(&Bytes::from_static(DIGITS)).expect("Parquet");
    let all = assess::show(&mut source, &policy, |rules| All {
        layout: Layout::new(&policy, rules),
        found: Vec::new(),
    });
    all.expect("readable").found
}

/// The recursion as it is printed in the paper, one test row after the other.
fn textbook(train: &Array2<f64>, labels: &[u32], test: &Array2<f64>, wanted: &[u32]) -> Vec<f64> {
    let (n, k) = (labels.len(), 5.0f64);
    let mut sums = vec![0.0; n];
    for (point, label) in test.rows().into_iter().zip(wanted) {
        let distance = |row: ArrayView1<'_, f64>| -> f64 {
            row.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let distances: Vec<f64> = train.rows().into_iter().map(distance).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        let right = |place: usize| f64::from(u8::from(labels[order[place - 1]] == *label));
        let mut value = right(n) * k.min(n as f64) / (k * n as f64);
        sums[order[n - 1]] += value;
        for i in (1..n).rev() {
            value += (right(i) - right(i + 1)) / k * k.min(i as f64) / i as f64;
            sums[order[i - 1]] += value;
        }
    }
    sums.iter().map(|sum| sum / wanted.len() as f64).collect()
}

#[test]
fn values_of_digits_are_those_of_the_textbook() {
    let examples = digits();
    let prepared = prepare(&examples, |at| at >= 1_437);
    assert_eq!(
        (prepared.train.nrows(), prepared.test.nrows()),
        (1_437, 360)
    );
    assert_eq!(prepared.labels.len(), 10);
    let found = shapley::knn(
        prepared.train.view(),
        &prepared.train_labels,
        prepared.test.view(),
        &prepared.test_labels,
        shapley::NEIGHBOURS,
    );
    let expected = textbook(
        &prepared.train,
        &prepared.train_labels,
        &prepared.test,
        &prepared.test_labels,
    );
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

/// Gives every twentieth digit the next label; answers which.
fn mislabelled(examples: &mut [Example]) -> Vec<bool> {
    let mut labels: Vec<CellKey> = examples.iter().map(|example| example.label).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut wrong = vec![false; examples.len()];
    for (at, example) in examples.iter_mut().enumerate().skip(7).step_by(20) {
        let place = labels.iter().position(|label| *label == example.label);
        example.label = labels[(place.expect("a label") + 1) % labels.len()];
        wrong[at] = true;
    }
    wrong
}

#[test]
fn wrong_labels_are_found_with_and_without_held_out_rows() {
    for held_out in [0, 300] {
        let mut examples = digits();
        let wrong = mislabelled(&mut examples[held_out..]);
        let prepared = prepare(&examples, |at| at < held_out);
        let (found, method) = panel::find(&prepared);
        assert_eq!(method.contains("Shapley"), held_out > 0);
        let (mut hits, mut alarms) = (0, 0);
        for (at, found) in prepared.train_rows.iter().zip(&found) {
            hits += u32::from(*found && wrong[at - held_out]);
            alarms += u32::from(*found && !wrong[at - held_out]);
        }
        let all = wrong.iter().filter(|wrong| **wrong).count() as u32;
        assert!(hits * 100 >= all * 85, "{hits} of {all} found");
        assert!(held_out > 0 || alarms * 100 <= 1_797 * 3, "{alarms} alarms");
    }
}

#[test]
fn the_report_has_balance_and_issues_without_values() {
    let policy = Policy {
        label: Some("label".to_owned()),
        ..Policy::default()
    };
    let at = chrono::DateTime::UNIX_EPOCH;
    let report = inspect(&Bytes::from_static(DIGITS), &policy, at, &mut |_| {})
        .expect("readable")
        .report;
    let names: Vec<&str> = report.sections.iter().map(|s| s.name.as_str()).collect();
    assert!(
        names.contains(&"class_balance") && names.contains(&"label_issues"),
        "{names:?}"
    );
    let balance = report
        .sections
        .iter()
        .find(|s| s.name == "class_balance")
        .expect("balance");
    assert!(
        balance.summary.starts_with("10 classes in label over 1797"),
        "{}",
        balance.summary
    );
    assert_eq!(balance.rows.len(), 10);
    assert!(matches!(&balance.rows[0][0], crate::Figure::Text(name) if name == "class 1"));
    let issues = report
        .sections
        .iter()
        .find(|s| s.name == "label_issues")
        .expect("issues");
    assert!(
        issues.summary.ends_with("of 1797 labels look wrong."),
        "{}",
        issues.summary
    );
    // Without a label there is nothing to say.
    let plain = inspect(
        &Bytes::from_static(IRIS),
        &Policy::default(),
        at,
        &mut |_| {},
    );
    let sections = plain.expect("readable").report.sections;
    assert!(!sections.iter().any(|s| s.name == "class_balance"));
}
