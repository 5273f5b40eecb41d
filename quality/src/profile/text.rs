//! Columns of text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, StringViewBuilder};
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use regex::Regex;

use super::shape::Shape;
use super::values::{ColumnPreview, Frequencies};
use super::{Batch, Column, Facts, LengthCounter, Lengths, Settings, declared_text, domain_keys};
use crate::clean::tidy;
use crate::dedup::{CellKey, KeySet, NULL_KEY, text_key};
use crate::error::AssessError;
use crate::input;
use crate::policy::{ColumnRule, NullTokens, Policy};

pub(super) struct TextColumn {
    name: String,
    pattern: Option<Pattern>,
    domain: Option<KeySet>,
    tokens: NullTokens,
    facts: Facts,
    values: Frequencies,
    lengths: LengthCounter,
    /// Is the cleaned text wanted?
    keep: bool,
    recent: Recent,
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
            keep: settings.cleaned,
            recent: Recent::new(),
        })
    }

    /// Cleans and checks one cell.
    #[inline]
    fn cell<'a>(&mut self, cell: Option<&'a str>, row: u64, buffer: &'a mut String) -> Cell<'a> {
        let Some(cell) = cell else {
            self.facts.missing.null.note(row);
            return Cell::gone();
        };
        let (text, changes) = tidy(cell, buffer);
        if text.is_empty() {
            self.facts.missing.blank.note(row);
            self.facts.cleaned.blank.note(row);
            return Cell::removed();
        }
        if self.tokens.contains(text) {
            self.facts.missing.token.note(row);
            self.facts.cleaned.token.note(row);
            return Cell::removed();
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
        Cell {
            key,
            good: self.is_valid(text, key, row),
            change: match changes.any() {
                true => Change::To(text),
                false => Change::None,
            },
        }
    }

    /// Takes the next cell of a batch.
    #[inline]
    fn take(&mut self, cell: Option<&str>, cells: &mut Cells) -> bool {
        let (index, mut buffer) = (cells.keys.len(), std::mem::take(&mut cells.buffer));
        let cell = self.cell(cell, cells.first + index as u64, &mut buffer);
        if self.keep {
            cells.edits.note(index, &cell.change);
        }
        let as_it_was = cell.good && matches!(cell.change, Change::None);
        cells.push(cell);
        cells.buffer = buffer;
        as_it_was
    }

    fn views(&mut self, array: &StringViewArray, cells: &mut Cells) {
        for (index, view) in array.views().iter().enumerate() {
            if array.is_null(index) {
                self.take(None, cells);
                continue;
            }
            if let Some(known) = self.recent.get(*view) {
                self.values.distinct.again(known.slot);
                self.lengths.add(u64::from(known.characters));
                cells.keys.push(known.key);
                cells.good.push(true);
                continue;
            }
            let text = array.value(index);
            if self.take(Some(text), cells) {
                self.recent.put(Known {
                    view: *view,
                    key: cells.keys.last().copied().unwrap_or(NULL_KEY),
                    slot: self.values.distinct.last_slot(),
                    characters: characters(text) as u32,
                });
            }
        }
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
    fn log_coercion(&mut self, array: &ArrayRef, text: &ArrayRef, first_row: u64) {
        for (row, index) in (first_row..).zip(0..array.len()) {
            match (array.is_null(index), text.is_null(index)) {
                (true, _) => {}
                (false, false) => self.facts.cleaned.coerced.note(row),
                // Bytes that are no text.
                (false, true) => {
                    self.facts.invalid.kind.note(row);
                    self.facts.cleaned.unfit.note(row);
                }
            }
        }
    }
}

fn is_text(array: &ArrayRef) -> bool {
    matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// What a cell came to.
struct Cell<'a> {
    key: CellKey,
    good: bool,
    change: Change<'a>,
}

/// What cleaning made of the text of a cell.
enum Change<'a> {
    None,
    Removed,
    To(&'a str),
}

impl Cell<'_> {
    /// Nothing was there.
    fn gone() -> Self {
        Self {
            key: NULL_KEY,
            good: false,
            change: Change::None,
        }
    }

    /// There was something that stands for nothing.
    fn removed() -> Self {
        Self {
            change: Change::Removed,
            ..Self::gone()
        }
    }
}

/// What the cells of a batch came to.
struct Cells {
    keys: Vec<CellKey>,
    good: Vec<bool>,
    edits: Edits,
    buffer: String,
    first: u64,
}

impl Cells {
    #[inline]
    fn push(&mut self, cell: Cell<'_>) {
        self.keys.push(cell.key);
        self.good.push(cell.good);
    }
}

/// Short texts seen lately that were good as they were: most columns say few things often. A
/// text of up to twelve bytes is its own view, so that comparing views compares texts.
struct Recent(Vec<Known>);

#[derive(Clone, Copy)]
struct Known {
    view: u128,
    key: CellKey,
    slot: u32,
    characters: u32,
}

impl Recent {
    const BITS: u32 = 11;
    const INLINE: u32 = 12;
    /// The view of an empty text, which is never good.
    const EMPTY: Known = Known {
        view: 0,
        key: NULL_KEY,
        slot: u32::MAX,
        characters: 0,
    };

    fn new() -> Self {
        Self(vec![Self::EMPTY; 1 << Self::BITS])
    }

    #[inline]
    fn place(view: u128) -> usize {
        let mixed = (view ^ (view >> 64)) as u64;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::BITS)) as usize
    }

    #[inline]
    fn get(&self, view: u128) -> Option<Known> {
        let known = self.0.get(Self::place(view)).copied();
        known.filter(|known| known.view == view && view != 0)
    }

    fn put(&mut self, known: Known) {
        if known.view as u32 <= Self::INLINE
            && let Some(place) = self.0.get_mut(Self::place(known.view))
        {
            *place = known;
        }
    }
}

/// What cleaning changed in a batch.
#[derive(Default)]
struct Edits {
    removed: Vec<usize>,
    /// In ascending order of cells.
    texts: Vec<(usize, String)>,
}

impl Edits {
    fn note(&mut self, index: usize, change: &Change<'_>) {
        match change {
            Change::None => {}
            Change::Removed => self.removed.push(index),
            Change::To(text) => self.texts.push((index, (*text).to_owned())),
        }
    }

    fn apply(&self, text: ArrayRef) -> Result<ArrayRef, ArrowError> {
        let text = match text.data_type() {
            DataType::Utf8View => text,
            _ => arrow::compute::cast(&text, &DataType::Utf8View)?,
        };
        let text = match self.texts.is_empty() {
            true => text,
            false => self.rebuild(&text),
        };
        if self.removed.is_empty() {
            return Ok(text);
        }
        let mut removed = vec![false; text.len()];
        for index in &self.removed {
            if let Some(mark) = removed.get_mut(*index) {
                *mark = true;
            }
        }
        nullif(&text, &BooleanArray::from(removed))
    }

    fn rebuild(&self, text: &ArrayRef) -> ArrayRef {
        let mut builder = StringViewBuilder::with_capacity(text.len());
        let mut edits = self.texts.iter().peekable();
        let mut index = 0;
        input::each_text(text, |cell| {
            match edits.next_if(|(edited, _)| *edited == index) {
                Some((_, text)) => builder.append_value(text),
                None => builder.append_option(cell),
            }
            index += 1;
        });
        Arc::new(builder.finish())
    }
}

impl Column for TextColumn {
    fn scan(&mut self, array: &ArrayRef, first_row: u64) -> Result<Batch, ArrowError> {
        let text = input::as_text(array)?;
        let same = is_text(array);
        if !same {
            self.log_coercion(array, &text, first_row);
        }
        let mut cells = Cells {
            keys: Vec::with_capacity(array.len()),
            good: Vec::with_capacity(array.len()),
            edits: Edits::default(),
            buffer: String::new(),
            first: first_row,
        };
        match text.as_string_view_opt() {
            Some(views) if same => self.views(views, &mut cells),
            _ => input::each_text(&text, |cell| match cell {
                None if !same && array.is_valid(cells.keys.len()) => cells.push(Cell::gone()),
                cell => {
                    self.take(cell, &mut cells);
                }
            }),
        }
        let Cells {
            keys, good, edits, ..
        } = cells;
        Ok(Batch {
            keys,
            good,
            cleaned: match self.keep {
                true => edits.apply(text)?,
                false => text,
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

/// A regular expression with the verdicts on recent short texts, and its shape if it has one.
struct Pattern {
    regex: Regex,
    shape: Option<Shape>,
    recent: Vec<(CellKey, bool)>,
}

impl Pattern {
    const SLOTS: usize = 1024;
    /// Longest text whose normal form is the text itself.
    const EXACT: usize = 15;

    fn new(regex: Regex) -> Self {
        Self {
            shape: Shape::of(regex.as_str()),
            regex,
            recent: vec![(NULL_KEY, false); Self::SLOTS],
        }
    }

    fn matches(&mut self, text: &str, key: CellKey) -> bool {
        let shape = self.shape.as_ref();
        if let Some(verdict) = shape.and_then(|shape| shape.matches(text)) {
            return verdict;
        }
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
