//! Columns of text.

use std::collections::HashSet;

use polars::prelude::*;
use regex::Regex;

use super::values::{ColumnPreview, Frequencies};
use super::{Batch, Column, Facts, LengthCounter, Lengths, Settings, declared_text, domain_keys};
use crate::clean::tidy;
use crate::dedup::{CellKey, NULL_KEY, text_key};
use crate::error::AssessError;
use crate::input;
use crate::policy::{ColumnRule, NullTokens, Policy};

pub(super) struct TextColumn {
    name: String,
    pattern: Option<Pattern>,
    domain: Option<HashSet<CellKey>>,
    tokens: NullTokens,
    facts: Facts,
    values: Frequencies,
    lengths: LengthCounter,
}

impl TextColumn {
    pub fn new(
        rule: &ColumnRule,
        policy: &Policy,
        settings: Settings,
    ) -> Result<Self, AssessError> {
        if rule.min.is_some() || rule.max.is_some() {
            return Err(rule.fault("text has no min or max; use a pattern or a domain"));
        }
        let key = |value: &serde_json::Value| {
            let text = declared_text(value);
            Some(text_key(tidy(&text, &mut String::new()).0))
        };
        Ok(Self {
            name: rule.name.clone(),
            pattern: rule.compiled_pattern()?.map(Pattern::new),
            domain: domain_keys(rule, key)?,
            tokens: policy.tokens(rule),
            facts: Facts::default(),
            values: Frequencies::new(settings.labels),
            lengths: LengthCounter::default(),
        })
    }

    /// Cleans and checks one cell; the text that stands for it, if any.
    #[inline]
    fn cell<'a>(
        &mut self,
        cell: Option<&'a str>,
        row: u64,
        buffer: &'a mut String,
    ) -> (CellKey, bool, Option<&'a str>) {
        const MISSING: (CellKey, bool, Option<&str>) = (NULL_KEY, false, None);
        let Some(cell) = cell else {
            self.facts.missing.null.note(row);
            return MISSING;
        };
        let (text, changes) = tidy(cell, buffer);
        if text.is_empty() {
            self.facts.missing.blank.note(row);
            self.facts.cleaned.blank.note(row);
            return MISSING;
        }
        if self.tokens.contains(text) {
            self.facts.missing.token.note(row);
            self.facts.cleaned.token.note(row);
            return MISSING;
        }
        if changes.any() {
            let log = &mut self.facts.cleaned;
            let rules = [
                (changes.trim, &mut log.trim),
                (changes.nfc, &mut log.nfc),
                (changes.control, &mut log.control),
            ];
            for (_, finding) in rules.into_iter().filter(|(changed, _)| *changed) {
                finding.note(row);
            }
        }
        let key = text_key(text);
        self.values.add(key, || text.to_owned());
        self.lengths.add(characters(text));
        (key, self.is_valid(text, key, row), Some(text))
    }

    #[inline]
    fn is_valid(&mut self, text: &str, key: CellKey, row: u64) -> bool {
        if let Some(pattern) = &mut self.pattern
            && !pattern.matches(text, key)
        {
            self.facts.invalid.pattern.note(row);
            return false;
        }
        if self.domain.as_ref().is_some_and(|d| !d.contains(&key)) {
            self.facts.invalid.domain.note(row);
            return false;
        }
        true
    }

    /// A column that is no text in the file is read as text, cell by cell.
    fn log_coercion(&mut self, series: &Series, first_row: u64) {
        if *series.dtype() != DataType::String {
            let present = series.is_not_null();
            let rows = (first_row..).zip(present.iter());
            for (row, _) in rows.filter(|(_, present)| *present == Some(true)) {
                self.facts.cleaned.coerced.note(row);
            }
        }
    }
}

impl Column for TextColumn {
    fn scan(&mut self, series: &Series, first_row: u64) -> PolarsResult<Batch> {
        self.log_coercion(series, first_row);
        let text = input::as_text(series)?;
        let source = text.str()?;
        let (mut keys, mut good) = (
            Vec::with_capacity(series.len()),
            Vec::with_capacity(series.len()),
        );
        // Built only from the first changed cell on.
        let mut rebuilt: Option<StringChunkedBuilder> = None;
        let mut buffer = String::new();
        for (index, cell) in source.iter().enumerate() {
            let (key, valid, clean) = self.cell(cell, first_row + index as u64, &mut buffer);
            keys.push(key);
            good.push(valid);
            if rebuilt.is_none() && clean != cell {
                let mut builder = StringChunkedBuilder::new(PlSmallStr::EMPTY, series.len());
                for same in source.iter().take(index) {
                    builder.append_option(same);
                }
                rebuilt = Some(builder);
            }
            if let Some(builder) = &mut rebuilt {
                builder.append_option(clean);
            }
        }
        let mut cleaned = match rebuilt {
            Some(builder) => builder.finish().into_series(),
            None => text,
        };
        cleaned.rename(self.name.as_str().into());
        Ok(Batch {
            keys,
            good,
            cleaned,
        })
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn distinct(&self) -> (u64, bool) {
        let distinct = &self.values.distinct;
        (distinct.count(), distinct.is_exact())
    }

    fn lengths(&self) -> Option<Lengths> {
        self.lengths.finish()
    }

    fn preview(&self) -> ColumnPreview {
        ColumnPreview {
            name: self.name.clone(),
            top: self.values.top(),
            ..ColumnPreview::default()
        }
    }
}

#[inline]
fn characters(text: &str) -> u64 {
    // Every byte that is no continuation byte starts a character.
    text.bytes().filter(|b| b & 0xc0 != 0x80).count() as u64
}

/// A regular expression with the verdicts on recent short texts.
struct Pattern {
    regex: Regex,
    recent: Vec<(CellKey, bool)>,
}

impl Pattern {
    const SLOTS: usize = 1024;
    /// Longest text whose normal form is the text itself.
    const EXACT: usize = 15;

    fn new(regex: Regex) -> Self {
        Self {
            regex,
            recent: vec![(NULL_KEY, false); Self::SLOTS],
        }
    }

    fn matches(&mut self, text: &str, key: CellKey) -> bool {
        if text.len() > Self::EXACT {
            return self.regex.is_match(text);
        }
        let mixed = (key ^ (key >> 64)) as u64;
        let slot = (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % Self::SLOTS;
        match self.recent.get(slot) {
            Some((known, verdict)) if *known == key => *verdict,
            _ => {
                let verdict = self.regex.is_match(text);
                if let Some(entry) = self.recent.get_mut(slot) {
                    *entry = (key, verdict);
                }
                verdict
            }
        }
    }
}
