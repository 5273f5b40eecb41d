//! Columns of bytes: counted, hashed, never cleaned.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

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
    fn scan(&mut self, cells: &ArrayRef, first_row: u64) -> Result<Batch, ArrowError> {
        let cleaned = match cells.data_type() {
            DataType::BinaryView => Arc::clone(cells),
            _ => cast(cells, &DataType::BinaryView)?,
        };
        let mut keys = Vec::with_capacity(cells.len());
        for (row, cell) in (first_row..).zip(cleaned.as_binary_view()) {
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
