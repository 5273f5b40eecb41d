//! Columns of numbers, truth values, dates and times.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::error::ArrowError;
use serde_json::Value;

use super::values::{ColumnPreview, Frequencies, Sample};
use super::{Batch, Column, Facts, Settings, declared_text, domain_keys};
use crate::clean::{Read, Scalar, target_type, tidy};
use crate::dedup::{CellKey, KeySet, NULL_KEY};
use crate::error::AssessError;
use crate::input;
use crate::policy::{ColumnRule, ColumnType, NullTokens, Policy};

pub(super) struct ScalarColumn<T> {
    name: String,
    kind: ColumnType,
    min: Option<T>,
    max: Option<T>,
    domain: Option<KeySet>,
    tokens: NullTokens,
    settings: Settings,
    facts: Facts,
    values: Frequencies,
    sample: Sample,
    lowest: Option<T>,
    highest: Option<T>,
    sum: f64,
    measured: u64,
    newest: Option<i64>,
}

/// Cells of the batch in hand.
struct Cells<T> {
    row: u64,
    keys: Vec<CellKey>,
    good: Vec<bool>,
    /// Values in the declared type; empty when the column is kept as it is.
    typed: Option<Vec<Option<T>>>,
}

impl<T> Cells<T> {
    #[inline]
    fn push(&mut self, key: CellKey, good: bool, value: Option<T>) {
        self.keys.push(key);
        self.good.push(good);
        if let Some(typed) = &mut self.typed {
            typed.push(value);
        }
        self.row += 1;
    }
}

impl<T: Scalar> ScalarColumn<T> {
    pub fn new(
        rule: &ColumnRule,
        policy: &Policy,
        settings: Settings,
    ) -> Result<Self, AssessError> {
        let parsed = |value: &Value| T::parse(&declared_text(value), rule.kind);
        let bound = |value: &Option<Value>, end: &str| {
            let Some(value) = value else { return Ok(None) };
            let bound = parsed(value);
            bound
                .map(Some)
                .ok_or_else(|| rule.fault(&format!("{end} {value} is no {}", rule.kind)))
        };
        Ok(Self {
            name: rule.name.clone(),
            kind: rule.kind,
            min: bound(&rule.min, "min")?,
            max: bound(&rule.max, "max")?,
            domain: domain_keys(rule, |value| parsed(value).map(T::key))?,
            tokens: policy.tokens(rule),
            settings,
            facts: Facts::default(),
            values: Frequencies::new(settings.labels),
            sample: Sample::new(),
            lowest: None,
            highest: None,
            sum: 0.0,
            measured: 0,
            newest: None,
        })
    }

    fn text_cells(&mut self, array: &ArrayRef, cells: &mut Cells<T>) -> Result<(), ArrowError> {
        let text = input::as_text(array)?;
        let mut buffer = String::new();
        input::each_text(&text, |cell| self.text_cell(cell, &mut buffer, cells));
        Ok(())
    }

    #[inline]
    fn text_cell(&mut self, cell: Option<&str>, buffer: &mut String, cells: &mut Cells<T>) {
        let row = cells.row;
        let Some(cell) = cell else {
            self.facts.missing.null.note(row);
            return cells.push(NULL_KEY, false, None);
        };
        let (text, _) = tidy(cell, buffer);
        if text.is_empty() {
            self.facts.missing.blank.note(row);
            self.facts.cleaned.blank.note(row);
        } else if self.tokens.contains(text) {
            self.facts.missing.token.note(row);
            self.facts.cleaned.token.note(row);
        } else if let Some(value) = T::parse(text, self.kind) {
            if !self.settings.text {
                self.facts.cleaned.coerced.note(row);
            }
            return self.value(value, cells);
        } else {
            return self.unfit(cells);
        }
        cells.push(NULL_KEY, false, None);
    }

    fn unfit(&mut self, cells: &mut Cells<T>) {
        self.facts.invalid.kind.note(cells.row);
        self.facts.cleaned.unfit.note(cells.row);
        cells.push(NULL_KEY, false, None);
    }

    #[inline]
    fn native_cell(&mut self, read: Read<T>, same: bool, cells: &mut Cells<T>) {
        match read {
            Read::Value(value) => {
                if !same {
                    self.facts.cleaned.coerced.note(cells.row);
                }
                self.value(value, cells);
            }
            Read::Null => {
                self.facts.missing.null.note(cells.row);
                cells.push(NULL_KEY, false, None);
            }
            Read::Unfit => self.unfit(cells),
        }
    }

    #[inline]
    fn value(&mut self, value: T, cells: &mut Cells<T>) {
        if value.is_nan() {
            // Missing like a null, so that turning one into the other does not
            // make a copied row look new.
            self.facts.missing.nan.note(cells.row);
            return cells.push(NULL_KEY, false, Some(value));
        }
        let key = value.key();
        let below = self.min.is_some_and(|min| value < min);
        let above = self.max.is_some_and(|max| value > max);
        let foreign = || self.domain.as_ref().is_some_and(|d| !d.contains(&key));
        let good = if below || above {
            self.facts.invalid.range.note(cells.row);
            false
        } else if foreign() {
            self.facts.invalid.domain.note(cells.row);
            false
        } else {
            true
        };
        self.measure(value, key);
        cells.push(key, good, Some(value));
    }

    #[inline]
    fn measure(&mut self, value: T, key: CellKey) {
        self.values.add(key, || declared_text(&value.json()));
        if self.lowest.is_none_or(|lowest| value < lowest) {
            self.lowest = Some(value);
        }
        if self.highest.is_none_or(|highest| value > highest) {
            self.highest = Some(value);
        }
        if let Some(number) = value.measure() {
            self.sum += number;
            self.measured += 1;
            self.sample.add(number);
        }
        if let Some(at) = value.instant()
            && at <= self.settings.as_of
        {
            self.newest = self.newest.max(Some(at));
        }
    }
}

impl<T: Scalar> Column for ScalarColumn<T> {
    fn scan(&mut self, array: &ArrayRef, first_row: u64) -> Result<Batch, ArrowError> {
        let same = *array.data_type() == target_type(self.kind);
        let mut cells = Cells {
            row: first_row,
            keys: Vec::with_capacity(array.len()),
            good: Vec::with_capacity(array.len()),
            typed: (!same).then(|| Vec::with_capacity(array.len())),
        };
        let kind = self.kind;
        let native = T::native(array, kind, &mut |read| {
            self.native_cell(read, same, &mut cells);
        });
        if !native {
            self.text_cells(array, &mut cells)?;
        }
        Ok(Batch {
            keys: cells.keys,
            good: cells.good,
            cleaned: match cells.typed {
                Some(typed) => T::collect(typed, kind)?,
                None => Arc::clone(array),
            },
        })
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn distinct(&self) -> (u64, bool) {
        let distinct = &self.values.distinct;
        (distinct.count(), distinct.is_exact())
    }

    fn newest(&self) -> Option<i64> {
        self.newest
    }

    fn preview(&self) -> ColumnPreview {
        let ends = self.lowest.zip(self.highest);
        let numbers = ends.and_then(|(low, high)| low.measure().zip(high.measure()));
        ColumnPreview {
            name: self.name.clone(),
            min: self.lowest.map(T::json),
            max: self.highest.map(T::json),
            mean: (self.measured > 0).then(|| self.sum / self.measured as f64),
            histogram: numbers.and_then(|(from, to)| self.sample.histogram(from, to)),
            top: self.values.top(),
        }
    }
}
