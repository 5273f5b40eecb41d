//! Sets of allowed values.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Bits, Names, Reference, Rows, Rule};
use crate::analysis::{Analysis, Found};
use crate::assess::show;
use crate::clean::key_of;
use crate::dedup::{CellKey, KeySet, NULL_KEY};
use crate::error::AssessError;
use crate::input::{Source, inferred, internal};
use crate::policy::{ColumnRule, ColumnType, Policy};

/// The different values of a column of another file, in normal form: 16 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    kind: ColumnType,
    /// Ascending.
    keys: Arc<Vec<CellKey>>,
}

impl Values {
    /// Reads them, batch by batch. `kind` is the type of the column that is checked, when it is
    /// declared; `null_tokens` are those of its rules; `memory` is what they may take, in bytes.
    ///
    /// # Errors
    /// [`AssessError::Policy`] when the file lacks the column or has too many different values;
    /// those of the source.
    pub fn read(
        source: &mut dyn Source,
        named: &str,
        kind: Option<ColumnType>,
        null_tokens: Option<&[String]>,
        memory: usize,
    ) -> Result<Self, AssessError> {
        let mut column = OneColumn::of(source, named)?;
        let found = inferred(named, column.schema.field(0).data_type())?.kind;
        let found = column.kinds.first().copied().unwrap_or(found);
        let kind = kind.unwrap_or(found);
        let policy = Policy {
            columns: vec![ColumnRule::bare(named, kind)],
            null_tokens: null_tokens.map(<[String]>::to_vec),
            ..Policy::default()
        };
        let most = memory / size_of::<CellKey>();
        let make = |_: &[ColumnRule]| Gather {
            keys: Vec::new(),
            most,
            limit: FIRST_LIMIT,
            full: false,
        };
        let mut gathered = show(&mut column, &policy, make)?;
        gathered.merge();
        if gathered.full {
            return Err(AssessError::Policy(format!(
                "the column {named:?} has more than {most} different values, which do not fit into \
                 the memory for them; allow more of it"
            )));
        }
        Ok(Self {
            kind,
            keys: Arc::new(gathered.keys),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }
}

/// One column of a table.
struct OneColumn<'a> {
    inner: &'a mut dyn Source,
    place: usize,
    schema: SchemaRef,
    kinds: Vec<ColumnType>,
}

impl<'a> OneColumn<'a> {
    fn of(inner: &'a mut dyn Source, named: &str) -> Result<Self, AssessError> {
        let schema = inner.schema();
        let place = schema.index_of(named).map_err(|_| {
            let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            AssessError::Policy(format!(
                "there is no column {named:?} in it, only {}",
                names.join(", ")
            ))
        })?;
        let kind = inner.kinds().and_then(|kinds| kinds.get(place)).copied();
        Ok(Self {
            inner,
            place,
            schema: Arc::new(schema.project(&[place]).map_err(internal)?),
            kinds: kind.into_iter().collect(),
        })
    }
}

impl Source for OneColumn<'_> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn is_text(&self) -> bool {
        self.inner.is_text()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, AssessError> {
        let batch = self.inner.next_batch()?;
        let column = batch.map(|batch| batch.project(&[self.place]));
        column.transpose().map_err(internal)
    }

    fn rewind(&mut self) -> Result<(), AssessError> {
        self.inner.rewind()
    }
}

/// Keys after which equal ones are looked for the first time.
const FIRST_LIMIT: usize = 1 << 16;

struct Gather {
    keys: Vec<CellKey>,
    most: usize,
    /// More keys than that are merged.
    limit: usize,
    full: bool,
}

impl Gather {
    fn merge(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.full |= self.keys.len() > self.most;
    }
}

impl Analysis for Gather {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(column) = rows.columns.first().filter(|_| !self.full) else {
            return;
        };
        let keys = column.keys().iter().take(rows.len);
        self.keys.extend(keys.filter(|key| **key != NULL_KEY));
        if self.keys.len() > self.limit {
            self.merge();
            // After as many new ones as there are different ones, so that the cost stays linear.
            self.limit = (self.keys.len() * 2)
                .max(FIRST_LIMIT)
                .min(self.most.max(FIRST_LIMIT));
        }
    }

    fn finish(self: Box<Self>) -> Found {
        Found::default()
    }
}

pub(super) fn rule(reference: &Reference, names: &Names<'_>) -> Result<Box<dyn Rule>, AssessError> {
    let (place, kind) = names.find(&reference.column)?;
    let fault = |what: String| {
        AssessError::Policy(format!(
            "the reference of column {:?} {what}",
            reference.column
        ))
    };
    let set = match (&reference.file, &reference.known) {
        (Some(_), _) if !reference.values.is_empty() => {
            return Err(fault("names values and a file; one of them".to_owned()));
        }
        (Some(file), None) => {
            return Err(fault(format!(
                "stands in {file}, which nobody has read here"
            )));
        }
        (Some(file), Some(known)) if !comparable(kind, known.kind) => {
            return Err(fault(format!(
                "is {kind}, and {} in {file}: declare the column with its type",
                known.kind
            )));
        }
        (Some(_), Some(known)) => Set::Read(Arc::clone(&known.keys)),
        (None, _) => {
            if reference.values.is_empty() {
                return Err(fault("names neither values nor a file".to_owned()));
            }
            let mut allowed = KeySet::default();
            for value in &reference.values {
                let key = key_of(value, kind);
                let wrong = || fault(format!("lists {value}, which is no {kind}"));
                allowed.insert(key.ok_or_else(wrong)?);
            }
            Set::Listed(allowed)
        }
    };
    Ok(Box::new(Allowed {
        column: reference.column.clone(),
        name: match &reference.file {
            Some(file) => format!("reference {file}"),
            None => "reference".to_owned(),
        },
        place,
        set,
        broken: Bits::default(),
    }))
}

/// Have equal values of both types one normal form?
fn comparable(one: ColumnType, other: ColumnType) -> bool {
    one == other || one.is_number() && other.is_number()
}

enum Set {
    Listed(KeySet),
    Read(Arc<Vec<CellKey>>),
}

impl Set {
    fn contains(&self, key: CellKey) -> bool {
        match self {
            Self::Listed(keys) => keys.contains(&key),
            Self::Read(keys) => keys.binary_search(&key).is_ok(),
        }
    }
}

struct Allowed {
    column: String,
    name: String,
    place: usize,
    set: Set,
    broken: Bits,
}

impl Rule for Allowed {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(column) = rows.columns.get(self.place) else {
            return;
        };
        for row in 0..rows.len {
            if !column.is_missing(row) && !self.set.contains(column.key(row)) {
                self.broken.set(rows.first + row as u64);
            }
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Csv;

    fn csv(text: &str, infer: bool) -> Csv<std::io::Cursor<Vec<u8>>> {
        let file = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut csv = Csv::open(file, None).expect("CSV");
        if infer {
            csv.infer().expect("readable");
        }
        csv
    }

    #[test]
    fn values_of_a_file_are_read_once_and_bounded() {
        let rows: String = (0..200_000)
            .map(|n| format!("{},x\n", n % 90_000))
            .collect();
        let mut file = csv(&format!("n,t\n{rows}"), true);
        let read = |file: &mut Csv<_>, memory| Values::read(file, "n", None, None, memory);
        let values = read(&mut file, 16 * 90_000).expect("they fit");
        assert_eq!((values.count(), values.kind), (90_000, ColumnType::Int64));
        file.rewind().expect("a cursor");
        let fault = read(&mut file, 16 * 89_999).expect_err("one too many");
        assert!(fault.to_string().contains("more than 89999"), "{fault}");
        let text = Values::read(
            &mut csv("n\n007\nNA\n\n7\n", false),
            "n",
            Some(ColumnType::String),
            None,
            99,
        );
        assert_eq!(text.expect("two texts").count(), 2);
        let fault = Values::read(&mut csv("a,b\n1,2\n", false), "c", None, None, 99);
        let fault = fault.expect_err("no such column").to_string();
        assert!(fault.contains("only a, b"), "{fault}");
    }
}
