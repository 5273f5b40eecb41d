//! Columns of bytes: counted, hashed, never cleaned.

use polars::prelude::*;

use super::distinct::Distinct;
use super::values::ColumnPreview;
use super::{Batch, Column, Facts, LengthCounter, Lengths};
use crate::dedup::{NULL_KEY, binary_key};
use crate::error::AssessError;
use crate::policy::ColumnRule;

pub(super) struct BinaryColumn {
    name: String,
    facts: Facts,
    distinct: Distinct,
    lengths: LengthCounter,
}

impl BinaryColumn {
    pub fn new(rule: &ColumnRule) -> Result<Self, AssessError> {
        if rule.min.is_some() || rule.max.is_some() || rule.domain.is_some() {
            return Err(rule.fault("binary values have no min, max or domain"));
        }
        Ok(Self {
            name: rule.name.clone(),
            facts: Facts::default(),
            distinct: Distinct::new(),
            lengths: LengthCounter::default(),
        })
    }
}

impl Column for BinaryColumn {
    fn scan(&mut self, series: &Series, first_row: u64) -> PolarsResult<Batch> {
        let mut cleaned = series.cast(&DataType::Binary)?;
        let mut keys = Vec::with_capacity(series.len());
        for (row, cell) in (first_row..).zip(cleaned.binary()?.iter()) {
            keys.push(match cell {
                Some([]) => {
                    self.facts.missing.blank.note(row);
                    NULL_KEY
                }
                Some(bytes) => {
                    let key = binary_key(bytes);
                    self.distinct.add(key);
                    self.lengths.add(bytes.len() as u64);
                    key
                }
                None => {
                    self.facts.missing.null.note(row);
                    NULL_KEY
                }
            });
        }
        cleaned.rename(self.name.as_str().into());
        Ok(Batch {
            good: keys.iter().map(|key| *key != NULL_KEY).collect(),
            keys,
            cleaned,
        })
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn distinct(&self) -> (u64, bool) {
        (self.distinct.count(), self.distinct.is_exact())
    }

    fn lengths(&self) -> Option<Lengths> {
        self.lengths.finish()
    }

    fn preview(&self) -> ColumnPreview {
        ColumnPreview {
            name: self.name.clone(),
            ..ColumnPreview::default()
        }
    }
}
