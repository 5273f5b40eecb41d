//! What is made of rows after their columns were scanned.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Options, RowMarks, Sink, Spill};
use crate::analysis::{Cells, Rows};
use crate::dedup::{self, CellKey, Prints, Repeats};
use crate::error::AssessError;
use crate::input::{Table, internal};
use crate::policy::Policy;
use crate::profile::{Batch, SAMPLES};

/// A batch whose columns were scanned.
pub(super) struct Scanned {
    /// Number of the first row.
    pub first: u64,
    pub rows: usize,
    pub columns: Vec<Batch>,
}

/// Takes scanned batches in file order.
pub(super) struct Marker<'a> {
    /// Positions of the columns that make the fingerprint.
    content: Vec<usize>,
    /// Positions of the key columns.
    key: Vec<usize>,
    /// When they are wanted; they hold the fingerprints, too.
    marks: Option<RowMarks>,
    prints: Prints,
    key_prints: Prints,
    spill: Option<Spill<'a>>,
    sink: Option<Sink<'a>>,
    schema: SchemaRef,
}

/// What the marker counted.
pub(super) struct Counted {
    pub marks: RowMarks,
    pub repeats: Repeats,
    pub key_repeats: Option<Repeats>,
}

impl<'a> Marker<'a> {
    pub fn new(
        table: &Table,
        policy: &Policy,
        rows: Option<u64>,
        options: Options<'a>,
        sink: Option<Sink<'a>>,
    ) -> Result<Self, AssessError> {
        let positions = |wanted: &dyn Fn(&String) -> bool| {
            let rules = table.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| wanted(&rule.name))
                .map(|(position, _)| position)
                .collect::<Vec<_>>()
        };
        let content = positions(&|name| !policy.surrogate.contains(name));
        let key = positions(&|name| policy.key.contains(name));
        if content.is_empty() {
            let what = "no column is left to compare rows by; not all can be surrogates";
            return Err(AssessError::Policy(what.into()));
        }
        if key.len() < policy.key.len() {
            let what = "the key names a column that the table does not have";
            return Err(AssessError::Policy(what.into()));
        }
        // The budget is shared by fingerprints of rows and of keys.
        let kinds = usize::from(!options.marks) + usize::from(!key.is_empty());
        let share = options.memory / kinds.max(1);
        Ok(Self {
            content,
            key,
            marks: options.marks.then(RowMarks::default),
            prints: Prints::new(rows.unwrap_or(0), share),
            key_prints: Prints::new(rows.unwrap_or(0), share),
            spill: options.spill,
            sink,
            schema: table.cleaned_schema(),
        })
    }

    /// Marks the next rows, shows them to `look`, and hands them to the sink.
    pub fn take(
        &mut self,
        scanned: &Scanned,
        look: impl FnOnce(&Rows<'_>) + Send,
    ) -> Result<(), AssessError> {
        let (content, key) = (
            pick(&scanned.columns, &self.content),
            pick(&scanned.columns, &self.key),
        );
        let prints = dedup::fingerprints(&content, scanned.rows);
        if !key.is_empty() {
            let keys = dedup::fingerprints(&key, scanned.rows);
            self.key_prints.add(&keys, scanned.first, &mut self.spill)?;
        }
        let (counted, written) = rayon::join(
            || -> Result<(), AssessError> {
                match &mut self.marks {
                    Some(marks) => {
                        marks.fingerprints.extend(&prints);
                        marks.qualities.extend(qualities(scanned, &self.content));
                        Ok(())
                    }
                    None => self.prints.add(&prints, scanned.first, &mut self.spill),
                }
            },
            || {
                look(&rows(scanned, &prints));
                match &mut self.sink {
                    Some(sink) => cleaned(scanned, &self.schema).and_then(sink),
                    None => Ok(()),
                }
            },
        );
        counted.and(written)
    }

    /// Shows rows again.
    pub fn show(&mut self, scanned: &Scanned, look: impl FnOnce(&Rows<'_>)) {
        let content = pick(&scanned.columns, &self.content);
        let prints = dedup::fingerprints(&content, scanned.rows);
        look(&rows(scanned, &prints));
    }

    pub fn finish(self) -> Result<Counted, AssessError> {
        let repeats = match &self.marks {
            Some(marks) => dedup::repeats(&marks.fingerprints, SAMPLES),
            None => self.prints.repeats(SAMPLES)?,
        };
        let key_repeats = match self.key.is_empty() {
            true => None,
            false => Some(self.key_prints.repeats(SAMPLES)?),
        };
        Ok(Counted {
            marks: self.marks.unwrap_or_default(),
            repeats,
            key_repeats,
        })
    }
}

fn pick<'b>(columns: &'b [Batch], positions: &[usize]) -> Vec<&'b [CellKey]> {
    let batches = positions.iter().filter_map(|p| columns.get(*p));
    batches.map(|batch| batch.keys.as_slice()).collect()
}

fn rows<'b>(scanned: &'b Scanned, prints: &'b [u128]) -> Rows<'b> {
    let columns = scanned.columns.iter();
    Rows {
        first: scanned.first,
        len: scanned.rows,
        fingerprints: prints,
        columns: columns
            .map(|batch| Cells::new(&batch.keys, &batch.good, &batch.cleaned))
            .collect(),
    }
}

fn qualities(scanned: &Scanned, content: &[usize]) -> impl Iterator<Item = u32> + use<> {
    let mut good = vec![0u64; scanned.rows];
    for batch in content.iter().filter_map(|p| scanned.columns.get(*p)) {
        for (count, good) in good.iter_mut().zip(&batch.good) {
            *count += u64::from(*good);
        }
    }
    let cells = content.len() as u64;
    good.into_iter()
        .map(move |good| (good * u64::from(u32::MAX) / cells) as u32)
}

fn cleaned(scanned: &Scanned, schema: &SchemaRef) -> Result<RecordBatch, AssessError> {
    let columns = scanned.columns.iter();
    let columns = columns.map(|batch| batch.cleaned.clone()).collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(internal)
}
