//! What the cells of a text column are.

use crate::clean::lossless;
use crate::policy::{ColumnType, EMPTY_MARKS, NULL_TOKENS};

/// The delimiter that cuts the first lines into the most even fields.
pub(super) fn delimiter(sample: &[u8]) -> u8 {
    const KNOWN: [u8; 4] = *b",;\t|";
    let mut lines: Vec<[usize; KNOWN.len()]> = vec![[0; KNOWN.len()]];
    let mut quoted = false;
    for byte in sample {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => lines.push([0; KNOWN.len()]),
            byte if !quoted => {
                let known = KNOWN.iter().position(|known| known == byte);
                if let (Some(at), Some(line)) = (known, lines.last_mut()) {
                    line[at] += 1;
                }
            }
            _ => {}
        }
    }
    // The last line may be cut.
    if lines.len() > 1 {
        lines.pop();
    }
    let score = |at: usize| {
        let first = lines.first().map_or(0, |line| line[at]);
        let even = lines.iter().filter(|line| line[at] == first).count();
        if first == 0 { (0, 0) } else { (even, first) }
    };
    let best = (0..KNOWN.len()).rev().max_by_key(|at| score(*at));
    best.map_or(b',', |at| KNOWN[at])
}

/// What a column can still be.
#[derive(Clone)]
pub(super) struct Guess {
    seen: bool,
    /// In order of preference.
    possible: [bool; KINDS.len()],
}

const KINDS: [ColumnType; 7] = [
    ColumnType::Bool,
    ColumnType::Int64,
    ColumnType::UInt64,
    ColumnType::Float64,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::Time,
];

impl Default for Guess {
    fn default() -> Self {
        Self {
            seen: false,
            possible: [true; KINDS.len()],
        }
    }
}

impl Guess {
    pub fn see(&mut self, cell: &str) {
        let text = cell.trim();
        if text.is_empty() || NULL_TOKENS.contains(&text) || !self.possible.contains(&true) {
            return;
        }
        if EMPTY_MARKS.contains(&text) {
            // A value of a text, a gap in anything else.
            return;
        }
        self.seen = true;
        for (kind, possible) in KINDS.iter().zip(&mut self.possible) {
            *possible = *possible && lossless(text, *kind);
        }
    }

    pub fn kind(&self) -> ColumnType {
        let possible = KINDS.iter().zip(&self.possible);
        let first = possible.into_iter().find(|(_, possible)| **possible);
        match first {
            Some((kind, _)) if self.seen => *kind,
            _ => ColumnType::String,
        }
    }
}
