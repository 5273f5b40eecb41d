//! Which columns make rows alike, and what a row consists of in them.

use std::borrow::Cow;

use super::{By, Cells, Items, NearRules, Texts};
use crate::analysis::Rows;
use crate::error::AssessError;
use crate::policy::{ColumnRule, ColumnType, Policy};

/// The columns that rows are compared by, as the rules say.
pub(super) struct Compared {
    columns: Vec<usize>,
    by: By,
}

impl Compared {
    /// # Errors
    /// [`AssessError::Policy`] when the rules name a column that is no text, or not there.
    pub fn of(
        rules: &NearRules,
        policy: &Policy,
        columns: &[ColumnRule],
    ) -> Result<Self, AssessError> {
        rules.check().map_err(AssessError::Policy)?;
        let mut places = Vec::new();
        for (place, rule) in columns.iter().enumerate() {
            let named = match rules.columns.is_empty() {
                true => !policy.surrogate.contains(&rule.name),
                false => rules.columns.contains(&rule.name),
            };
            let fit = rules.by == By::Cells || rule.kind == ColumnType::String;
            if named && fit {
                places.push(place);
            } else if named && !rules.columns.is_empty() {
                let what = format!("[near] column {:?} is no text; compare by cells", rule.name);
                return Err(AssessError::Policy(what));
            }
        }
        let known = |name: &&String| !columns.iter().any(|rule| rule.name == **name);
        if let Some(unknown) = rules.columns.iter().find(known) {
            let what = format!("[near] names the column {unknown:?}, which is not there");
            return Err(AssessError::Policy(what));
        }
        Ok(Self {
            columns: places,
            by: rules.by,
        })
    }

    /// Calls `work` with the items of a batch.
    pub fn with_items(&self, rows: &Rows<'_>, work: impl FnOnce(&dyn Items)) {
        let columns = self
            .columns
            .iter()
            .filter_map(|place| rows.columns.get(*place));
        if self.by == By::Cells {
            let keys: Vec<&[u128]> = columns.map(|cells| cells.keys()).collect();
            return work(&Cells::of(keys));
        }
        let columns: Vec<_> = columns.collect();
        let text = |row: usize| -> Option<Cow<'_, str>> {
            let mut texts = columns.iter().filter_map(|cells| cells.text(row));
            let first = texts.next()?;
            match texts.next() {
                None => Some(Cow::Borrowed(first)),
                Some(second) => {
                    let mut all = format!("{first}\n{second}");
                    for text in texts {
                        all.push('\n');
                        all.push_str(text);
                    }
                    Some(Cow::Owned(all))
                }
            }
        };
        let texts: Vec<Option<Cow<'_, str>>> = (0..rows.len).map(text).collect();
        let texts: Texts<'_> = texts.iter().map(Option::as_deref).collect();
        work(&texts);
    }
}
