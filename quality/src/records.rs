//! Records of the same entity: the same person, firm or place written twice,
//! with errors.
//!
//! 1. *Blocking.* Records that agree in one of at least four keys are compared;
//!    a block of more than [`Rules::block_limit`] records says too little and is
//!    dropped, and [`Matches::dropped`] says how much that was.
//! 2. *Comparing.* Each field of a pair agrees at one of a few levels:
//!    equal, nearly (Jaro–Winkler similarity, Damerau–Levenshtein distance or
//!    parts of a date), put into the neighbouring field, different, or not
//!    comparable because a value is missing.
//! 3. *Weighing.* A level that is seen with probability m among pairs of one
//!    entity, and u among others, speaks with log₂(m/u) bits for one entity. u is
//!    counted on pairs drawn from all records; m, and how many pairs there are
//!    to be found, come from expectation maximisation over the candidates.
//!    Nothing is trained on known answers.
//! 4. *Deciding.* The weights of the fields and the prior add up; pairs with
//!    probability of at least [`Rules::probability_ppm`] match, and matches join
//!    into entities.
//!
//! Each match can be explained field by field: [`Matches::explain`].
//!
//! Sources: Fellegi and Sunter, *A theory for record linkage* (1969); Winkler
//! (1990) for the comparator; Dempster, Laird and Rubin (1977) for the
//! estimation. The same records give the same matches on every machine:
//! draws are fixed, sums are taken in a fixed order, logarithms are `libm`'s.
//!
//! ```
//! use quality::records::{Compare, Field, Records, Rules};
//!
//! let fields = [("name", Compare::Name), ("born", Compare::Date), ("city", Compare::Name)];
//! let fields = fields.map(|(column, compare)| Field { column: column.into(), compare, swap: None });
//! let mut records = Records::new(Rules { fields: fields.to_vec(), ..Rules::default() })?;
//! for n in 0..60 {
//!     let (name, born) = (format!("person{}x{n}", n * 7919), format!("19{:02}-0{}-1{}", n + 20, n % 9 + 1, n % 7));
//!     records.push(&[Some(name.as_str()), Some(born.as_str()), Some("riga")]);
//!     if n % 3 == 0 {
//!         records.push(&[Some(format!("{name}n").as_str()), Some(born.as_str()), Some("riga")]);
//!     }
//! }
//! let matches = records.matches();
//! assert_eq!(matches.pairs.len(), 20);
//! let first = &matches.pairs[0];
//! assert_eq!((first.a, first.b), (0, 1));
//! assert_eq!(matches.explain(first)[1].level, "equal");
//! # Ok::<(), quality::records::RulesError>(())
//! ```

pub(crate) mod analysis;
mod block;
mod compare;
mod em;
mod matches;
mod rules;

#[cfg(test)]
mod tests;

pub use matches::{Agreement, Match, Matches};
pub use rules::{Compare, Field, Rules, RulesError};

use std::collections::HashMap;

/// Records taken in, value by value.
#[derive(Clone, Debug)]
pub struct Records {
    rules: Rules,
    fields: Vec<Values>,
    rows: usize,
}

/// One field of all records.
#[derive(Clone, Debug, Default)]
struct Values {
    /// Distinct values, normalised; 0 is no value.
    distinct: Vec<Word>,
    ids: HashMap<Box<str>, u32>,
    /// Per record, a place in `distinct`.
    of: Vec<u32>,
}

const NONE: u32 = 0;

/// A normalised value.
#[derive(Clone, Debug, Default)]
struct Word {
    chars: Vec<char>,
    /// A bit per letter that it has.
    letters: u64,
}

impl Word {
    const NONE: Self = Self {
        chars: Vec::new(),
        letters: 0,
    };

    fn of(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            letters: text.chars().fold(0, |all, c| all | compare::bit(c)),
        }
    }
}

impl Values {
    fn push(&mut self, value: Option<&str>, scratch: &mut String) {
        normalise(value.unwrap_or_default(), scratch);
        let id = match self.ids.get(scratch.as_str()) {
            _ if scratch.is_empty() => NONE,
            Some(id) => *id,
            None => {
                if self.distinct.is_empty() {
                    self.distinct.push(Word::default());
                }
                let id = u32::try_from(self.distinct.len()).unwrap_or(NONE);
                self.distinct.push(Word::of(scratch));
                self.ids.insert(scratch.as_str().into(), id);
                id
            }
        };
        self.of.push(id);
    }

    fn id(&self, row: u32) -> u32 {
        self.of.get(row as usize).copied().unwrap_or(NONE)
    }

    fn word(&self, id: u32) -> &Word {
        const NOTHING: &Word = &Word::NONE;
        self.distinct.get(id as usize).unwrap_or(NOTHING)
    }
}

/// Lower case, single spaces, none at the ends.
fn normalise(value: &str, out: &mut String) {
    out.clear();
    for word in value.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
}

impl Records {
    /// No record yet.
    ///
    /// # Errors
    /// [`RulesError`] naming what is wrong with the rules.
    pub fn new(rules: Rules) -> Result<Self, RulesError> {
        rules.check()?;
        Ok(Self {
            fields: vec![Values::default(); rules.fields.len()],
            rules,
            rows: 0,
        })
    }

    /// Takes a record: a value per field, in the order of the rules. Records
    /// beyond 2³² − 1 are not taken.
    pub fn push(&mut self, values: &[Option<&str>]) {
        if self.rows >= u32::MAX as usize {
            return;
        }
        let mut scratch = String::new();
        for (at, field) in self.fields.iter_mut().enumerate() {
            field.push(values.get(at).copied().flatten(), &mut scratch);
        }
        self.rows += 1;
    }

    /// Number of records taken.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Compares, weighs and decides.
    pub fn matches(self) -> Matches {
        matches::run(&self)
    }
}
