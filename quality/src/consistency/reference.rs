//! Sets of allowed values.

use super::{Bits, Names, Reference, Rows, Rule};
use crate::clean::key_of;
use crate::dedup::KeySet;
use crate::error::AssessError;

pub(super) fn rule(reference: &Reference, names: &Names<'_>) -> Result<Box<dyn Rule>, AssessError> {
    let (place, kind) = names.find(&reference.column)?;
    let fault = |what: &str| {
        AssessError::Policy(format!(
            "the reference of column {:?} {what}",
            reference.column
        ))
    };
    let mut allowed = KeySet::default();
    for value in &reference.values {
        let key = key_of(value, kind);
        allowed.insert(key.ok_or_else(|| fault(&format!("lists {value}, which is no {kind}")))?);
    }
    Ok(Box::new(Allowed {
        column: reference.column.clone(),
        place,
        allowed,
        broken: Bits::default(),
    }))
}

struct Allowed {
    column: String,
    place: usize,
    allowed: KeySet,
    broken: Bits,
}

impl Rule for Allowed {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(column) = rows.columns.get(self.place) else {
            return;
        };
        for row in 0..rows.len {
            if !column.is_missing(row) && !self.allowed.contains(&column.key(row)) {
                self.broken.set(rows.first + row as u64);
            }
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        self.broken
    }
}
