//! Recall and precision over labelled columns.

mod made;

use std::collections::BTreeSet;

use super::{PersonalKind, Watch};
use made::Labelled;

/// What was found in a column given as texts; whole numbers come as numbers, as from a file
/// whose columns have types.
fn found(column: &Labelled, typed: bool) -> BTreeSet<PersonalKind> {
    let mut watch = Watch::new(column.name);
    watch.is_text = !typed || column.cells.iter().any(|cell| cell.parse::<f64>().is_err());
    for (row, cell) in (0u64..).zip(&column.cells) {
        match (typed, cell.parse::<u64>(), cell.parse::<f64>()) {
            (true, Ok(whole), _) if !cell.starts_with(['0', '+']) => watch.whole(whole, row),
            (true, Err(_), Ok(number)) => watch.fraction(number, row),
            _ => watch.text(cell, row),
        }
    }
    watch.findings().into_iter().map(|finding| finding.kind).collect()
}

/// Right, missed and false findings, with the columns of the last two.
#[derive(Debug, Default)]
struct Score {
    right: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Score {
    fn add(&mut self, name: &str, truth: Option<PersonalKind>, found: &BTreeSet<PersonalKind>) {
        for kind in found {
            match Some(*kind) == truth {
                true => self.right += 1,
                false => self.wrong.push(format!("{name}: {kind:?}")),
            }
        }
        if let Some(truth) = truth.filter(|truth| !found.contains(truth)) {
            self.missed.push(format!("{name}: {truth:?}"));
        }
    }

    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed.len()) as f64
    }

    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong.len()) as f64
    }
}

#[test]
fn made_columns_are_told_apart() {
    for typed in [false, true] {
        let mut score = Score::default();
        let columns = [made::contacts(), made::numbers(), made::persons(), made::things()];
        for column in columns.iter().flatten() {
            score.add(column.name, column.truth, &found(column, typed));
        }
        assert!(score.recall() >= 0.95, "recall {}: {score:?}", score.recall());
        assert!(score.precision() >= 0.9, "precision {}: {score:?}", score.precision());
        // As measured when this was written; a change for the worse is to be seen.
        assert_eq!((score.missed.len(), score.wrong.len()), (0, 0), "{score:?}");
    }
}

#[test]
fn one_cell_in_many_is_enough_where_chance_is_out_of_question() {
    let mut watch = Watch::new("remarks");
    watch.is_text = true;
    for row in 0..100_000u64 {
        watch.text(if row == 77_777 { "ask eve@example.org" } else { "no remarks" }, row);
    }
    let found = watch.findings();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].count), (PersonalKind::Email, 1));
    assert_eq!((found[0].rows.as_slice(), found[0].share_ppm), (&[77_777u64][..], 10));
}

#[test]
fn a_right_check_digit_among_wrong_ones_is_chance() {
    let mut watch = Watch::new("c");
    for row in 0..1_000u64 {
        watch.whole(4_111_111_111_111_111 + row * 7, row);
    }
    assert!(watch.findings().is_empty(), "{:?}", watch.findings());
}
