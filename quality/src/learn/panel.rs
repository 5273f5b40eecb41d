//! The report's look at a labelled table: how the classes are balanced, which labels look wrong.
//!
//! Neither is part of the score. A class is named only where the rules declare the domain of the
//! label; elsewhere classes are numbered by size, because a report shows no value of a cell.

use std::collections::{BTreeMap, HashMap};

use super::confident;
use super::{Example, Layout, Prepared, prepare};
use crate::analysis::{Analysis, Context, Figure, Found, Rows, Section};
use crate::dedup::{CellKey, NULL_KEY, bool_key, float_key, integer_key, text_key};
use crate::error::AssessError;
use crate::policy::ColumnRule;
use crate::shapley::{self, NEIGHBOURS};

/// Most steps of the search for label issues: rows² × features.
const MOST_STEPS: usize = 1 << 31;

/// Most rows that are kept for it.
const MOST_ROWS: usize = 20_000;

/// Most classes listed.
const LISTED: usize = 20;

/// Row numbers shown for each class.
const SAMPLES: usize = 10;

/// Starts where the rules name a label.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let layout = Layout::new(context.policy, context.rules);
    let Some(label) = layout.label() else {
        return Ok(None);
    };
    let names = context.rules.get(label).map(names).unwrap_or_default();
    Ok(Some(Box::new(Panel {
        column: context.policy.label.clone().unwrap_or_default(),
        layout,
        names,
        classes: HashMap::new(),
        rows: 0,
        kept: BTreeMap::new(),
    })))
}

/// Names of declared classes by normal form.
fn names(rule: &ColumnRule) -> HashMap<CellKey, String> {
    use serde_json::Value;
    let named = |value: &Value| match value {
        Value::String(text) => Some((text_key(text), text.clone())),
        Value::Bool(value) => Some((bool_key(*value), value.to_string())),
        Value::Number(number) => {
            let key = match number.as_i64() {
                Some(whole) => integer_key(i128::from(whole)),
                None => float_key(number.as_f64()?),
            };
            Some((key, number.to_string()))
        }
        _ => None,
    };
    rule.domain.iter().flatten().filter_map(named).collect()
}

struct Panel {
    column: String,
    layout: Layout,
    names: HashMap<CellKey, String>,
    /// Rows of every class; of no class under 0.
    classes: HashMap<CellKey, u64>,
    rows: u64,
    /// The rows of the lowest fingerprints: a sample that no order of rows changes.
    kept: BTreeMap<(u128, u64), Example>,
}

impl Analysis for Panel {
    fn name(&self) -> &'static str {
        "labels"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        for (row, print) in rows.fingerprints.iter().enumerate().take(rows.len) {
            let label = self.layout.label_of(rows, row);
            *self.classes.entry(label).or_default() += 1;
            self.rows += 1;
            let place = (*print, rows.first + row as u64);
            let full = self.kept.len() >= MOST_ROWS;
            if full
                && self
                    .kept
                    .last_key_value()
                    .is_some_and(|(last, _)| place > *last)
            {
                continue;
            }
            self.kept.insert(place, self.layout.example(rows, row));
            if full {
                self.kept.pop_last();
            }
        }
    }

    fn finish(self: Box<Self>) -> Found {
        let mut classes: Vec<(CellKey, u64)> = self
            .classes
            .iter()
            .filter(|(key, _)| **key != NULL_KEY)
            .map(|(key, rows)| (*key, *rows))
            .collect();
        // By size; classes of one size by what they are.
        classes.sort_unstable_by_key(|(key, rows)| (std::cmp::Reverse(*rows), *key));
        if classes.is_empty() {
            return Found::default();
        }
        let mut sections = vec![self.balance(&classes)];
        sections.extend(self.issues(&classes));
        Found {
            sections,
            ..Found::default()
        }
    }
}

impl Panel {
    fn name_of(&self, classes: &[(CellKey, u64)], key: CellKey) -> String {
        match self.names.get(&key) {
            Some(name) => name.clone(),
            None => {
                let place = classes.iter().position(|(class, _)| *class == key);
                format!("class {}", place.unwrap_or(0) + 1)
            }
        }
    }

    fn balance(&self, classes: &[(CellKey, u64)]) -> Section {
        let labelled: u64 = classes.iter().map(|(_, rows)| rows).sum();
        let largest = classes.first().map_or(0, |(_, rows)| *rows);
        let smallest = classes.last().map_or(0, |(_, rows)| *rows);
        let entropy: f64 = classes
            .iter()
            .map(|(_, rows)| {
                let share = *rows as f64 / labelled as f64;
                -share * libm::log(share)
            })
            .sum();
        let most = libm::log(classes.len() as f64);
        let balance = if most > 0.0 { entropy / most } else { 0.0 };
        let rows = classes.iter().take(LISTED).map(|(key, rows)| {
            vec![
                Figure::Text(self.name_of(classes, *key)),
                Figure::Count(*rows),
                Figure::Ppm(ppm(*rows, labelled)),
            ]
        });
        Section {
            name: "class_balance".into(),
            title: "Class balance".into(),
            summary: format!(
                "{} classes in {} over {labelled} labelled rows, {} rows without a label. The \
                 largest class has {largest} rows, the smallest {smallest}; balance {balance:.3}.",
                classes.len(),
                self.column,
                self.rows - labelled,
            ),
            method: "Exact counts. Balance is the entropy of the classes over that of equally \
                     large ones: 1 = all equally large."
                .into(),
            heads: ["class", "rows", "share"].map(String::from).to_vec(),
            rows: rows.collect(),
        }
    }

    fn issues(&self, classes: &[(CellKey, u64)]) -> Option<Section> {
        let (places, mut examples): (Vec<_>, Vec<Example>) = self
            .kept
            .iter()
            .map(|(place, e)| (*place, e.clone()))
            .unzip();
        let mut prepared = prepare(&examples, |at| examples.get(at).is_some_and(|e| e.held_out));
        let affordable = affordable(&prepared);
        if prepared.train.nrows() + prepared.test.nrows() > affordable {
            // They are in the order of their fingerprints: the first are a sample.
            examples.truncate(affordable);
            prepared = prepare(&examples, |at| examples.get(at).is_some_and(|e| e.held_out));
        }
        if prepared.labels.len() < 2 || prepared.train.nrows() <= NEIGHBOURS {
            return None;
        }
        let (wrong, method) = find(&prepared);
        let looked = prepared.train.nrows() as u64;
        let labelled: u64 = classes.iter().map(|(_, rows)| rows).sum();
        let mut by_class: BTreeMap<u32, (u64, Vec<u64>)> = BTreeMap::new();
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        for ((at, label), wrong) in prepared
            .train_rows
            .iter()
            .zip(&prepared.train_labels)
            .zip(&wrong)
        {
            *sizes.entry(*label).or_default() += 1;
            if *wrong {
                let (count, rows) = by_class.entry(*label).or_default();
                *count += 1;
                rows.extend(places.get(*at).map(|(_, row)| *row));
            }
        }
        let count: u64 = by_class.values().map(|(count, _)| count).sum();
        let mut lines: Vec<(u32, u64, Vec<u64>)> = by_class
            .into_iter()
            .map(|(label, (count, rows))| (label, count, rows))
            .collect();
        lines.sort_by_key(|(label, count, _)| (std::cmp::Reverse(*count), *label));
        let rows = lines
            .into_iter()
            .take(LISTED)
            .map(|(label, count, mut rows)| {
                rows.sort_unstable();
                rows.truncate(SAMPLES);
                let key = prepared
                    .labels
                    .get(label as usize)
                    .copied()
                    .unwrap_or(NULL_KEY);
                let size = sizes.get(&label).copied().unwrap_or(count);
                vec![
                    Figure::Text(self.name_of(classes, key)),
                    Figure::Count(count),
                    Figure::Ppm(ppm(count, size)),
                    Figure::Rows(rows),
                ]
            });
        Some(Section {
            name: "label_issues".into(),
            title: "Label issues".into(),
            summary: summary(count, looked, labelled),
            method: method.into(),
            heads: ["class", "suspicious", "share", "first rows"]
                .map(String::from)
                .to_vec(),
            rows: rows.collect(),
        })
    }
}

fn summary(count: u64, looked: u64, labelled: u64) -> String {
    let share = count as f64 / looked as f64;
    if looked >= labelled {
        return format!("{count} of {looked} labels look wrong.");
    }
    // Normal approximation of the binomial, 95 %.
    let off = 1.96 * libm::sqrt(share * (1.0 - share) / looked as f64);
    format!(
        "{count} of {looked} labels look wrong, a sample of {labelled}: {:.2} % ± {:.2} % (95 %).",
        share * 100.0,
        off * 100.0
    )
}

fn ppm(part: u64, whole: u64) -> u32 {
    let ppm = u128::from(part) * 1_000_000 / u128::from(whole.max(1));
    u32::try_from(ppm).unwrap_or(u32::MAX)
}

/// Rows that can be compared with each other within the bound.
fn affordable(prepared: &Prepared) -> usize {
    let width = prepared.train.ncols().max(1);
    (MOST_STEPS / width).isqrt()
}

/// Which training rows look mislabelled, and how that was found.
pub(super) fn find(prepared: &Prepared) -> (Vec<bool>, &'static str) {
    if prepared.test.nrows() > 0 {
        let values = shapley::knn(
            prepared.train.view(),
            &prepared.train_labels,
            prepared.test.view(),
            &prepared.test_labels,
            NEIGHBOURS,
        );
        let method = "KNN-Shapley value (K = 5) on the held-out rows below 0: the row misleads a \
                      learner (Jia et al. 2019). Features at one scale.";
        return (
            values.into_iter().map(|value| value < 0.0).collect(),
            method,
        );
    }
    let method = "Confident learning (Northcutt et al. 2021) on the class shares among the 10 \
                  nearest other rows: another class reaches its own mean confidence, or a half, and is \
                  the most likely one. Features at one scale.";
    (confident::issues(prepared), method)
}
