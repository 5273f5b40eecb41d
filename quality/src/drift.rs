//! What has changed since an earlier table: part of the panel for learners, never of the score.
//!
//! A [`Summary`] is what is remembered of a table: how its numbers are spread ([`Bins`]), which
//! texts it has how often ([`Texts`]), what is missing. It is bounded whatever the table's size, the
//! same for every order of rows, and summaries of parts can be merged. Bin edges and hashes of
//! texts say something about values, so a summary belongs into a sealed blob, beside the
//! [`crate::Preview`]; what comes out of comparing two holds counts and measures only.
//!
//! Columns are matched by name. Keys and surrogates are left out: they change with every row.

mod bins;
mod measure;
#[cfg(test)]
mod tests;
mod texts;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use bins::{Bins, MOST_BINS};
pub use measure::{MOVED, SHIFTED};
pub use texts::{MOST_TEXTS, Texts};

use self::measure::{Pair, Step, rounded};
use crate::analysis::{Analysis, Cells, Context, Figure, Found, Rows, Section};
use crate::policy::ColumnType;

/// Columns summarised at most, in contract order.
pub const MOST_COLUMNS: usize = 256;

/// Name of the report's section.
pub(crate) const SECTION: &str = "drift";

/// Rows per different text, from which on texts are categories.
const ROWS_PER_CATEGORY: u64 = 10;

/// What is remembered of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows.
    pub rows: u64,
    /// Its first [`MOST_COLUMNS`] columns, without keys and surrogates.
    pub columns: Vec<Column>,
}

/// What is remembered of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type it was read in.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Cells without value.
    pub missing: u64,
    /// Its numbers, days, instants and truth values; lengths of texts in characters.
    pub numbers: Bins,
    /// Its texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
}

/// An earlier table that a new one is compared with.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What it is called in the report.
    pub name: String,
    /// What is remembered of it.
    pub summary: Summary,
}

impl Summary {
    /// Adds a further part of the same table.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.missing += more.missing;
            column.numbers.merge(&more.numbers);
            if let (Some(texts), Some(more)) = (&mut column.texts, &more.texts) {
                texts.merge(more);
            }
        }
    }

    /// Whether this can be what an assessment made: bounded and in order.
    pub fn is_sound(&self) -> bool {
        let sound = |column: &Column| {
            column.missing <= self.rows
                && column.numbers.is_sound()
                && column.texts.as_ref().is_none_or(Texts::is_sound)
        };
        self.rows <= u64::from(u32::MAX)
            && self.columns.len() <= MOST_COLUMNS
            && self.columns.iter().all(sound)
    }
}

/// Starts summarising, where it is wanted.
pub(crate) fn start(context: &Context<'_>) -> Option<Box<dyn Analysis>> {
    let earlier = context.drift?;
    let rules = context.rules.iter().enumerate().zip(context.found);
    let counted = rules
        .filter(|(_, found)| found.is_some())
        .map(|(rule, _)| rule)
        .filter(|(_, rule)| !context.policy.key.contains(&rule.name))
        .filter(|(_, rule)| !context.policy.surrogate.contains(&rule.name))
        .take(MOST_COLUMNS);
    let columns = counted.map(|(place, rule)| Summing {
        place,
        column: Column {
            name: rule.name.clone(),
            kind: rule.kind,
            missing: 0,
            numbers: Bins::default(),
            texts: (rule.kind == ColumnType::String).then(Texts::default),
        },
    });
    Some(Box::new(Run {
        rows: 0,
        columns: columns.collect(),
        earlier: earlier.to_vec(),
    }))
}

struct Run {
    rows: u64,
    columns: Vec<Summing>,
    earlier: Vec<Earlier>,
}

struct Summing {
    place: usize,
    column: Column,
}

impl Summing {
    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(cells) = rows.columns.get(self.place) else {
            return;
        };
        let column = &mut self.column;
        let missing = (0..rows.len).filter(|row| cells.is_missing(*row)).count();
        column.missing += missing as u64;
        column.numbers.add(&numbers(cells, rows.len, column.kind));
        if let Some(texts) = &mut column.texts {
            let present = (0..rows.len).filter(|row| !cells.is_missing(*row));
            texts.add(present.map(|row| cells.key(row)));
        }
    }
}

fn numbers(cells: &Cells<'_>, rows: usize, kind: ColumnType) -> Vec<f64> {
    let length = |row| cells.text(row).map(|text| text.chars().count() as f64);
    match kind {
        ColumnType::String => (0..rows).filter_map(length).collect(),
        _ => (0..rows).filter_map(|row| cells.number(row)).collect(),
    }
}

impl Analysis for Run {
    fn name(&self) -> &'static str {
        match self.earlier.is_empty() {
            true => "summary",
            false => SECTION,
        }
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        self.rows = rows.first + rows.len as u64;
        self.columns
            .par_iter_mut()
            .for_each(|column| column.scan(rows));
    }

    fn finish(self: Box<Self>) -> Found {
        let summary = Summary {
            rows: self.rows,
            columns: self.columns.into_iter().map(|c| c.column).collect(),
        };
        Found {
            sections: self.earlier.iter().map(|e| section(e, &summary)).collect(),
            summary: Some(summary),
            ..Found::default()
        }
    }
}

/// What became of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Dropped,
    Retyped(ColumnType, ColumnType),
    Shifted,
    Moved,
    Added,
    /// Instants move on by themselves.
    Later,
    Few,
    Stable,
}

impl Fate {
    fn words(&self) -> String {
        match self {
            Self::Dropped => "dropped".into(),
            Self::Retyped(was, is) => format!("was {was}, is {is}"),
            Self::Shifted => "shifted".into(),
            Self::Moved => "moved".into(),
            Self::Added => "added".into(),
            Self::Later => "other times".into(),
            Self::Few => "too few rows to say".into(),
            Self::Stable => "stable".into(),
        }
    }
}

/// Columns of a report that shifted, were dropped or have another type, and all that were
/// compared; none when drift was not measured.
pub(crate) fn drifted(report: &crate::Report) -> Option<(u64, u64)> {
    let sections = report.sections.iter().filter(|s| s.name == SECTION);
    let verdicts: Vec<&Figure> = sections
        .flat_map(|section| section.rows.iter().filter_map(|row| row.get(1)))
        .collect();
    let bad = verdicts.iter().filter(|verdict| match verdict {
        Figure::Text(words) => {
            words == "shifted" || words == "dropped" || words.starts_with("was ")
        }
        _ => false,
    });
    (!verdicts.is_empty()).then(|| (bad.count() as u64, verdicts.len() as u64))
}

fn section(earlier: &Earlier, now: &Summary) -> Section {
    let before = &earlier.summary;
    let mut lines: Vec<(Fate, Vec<Figure>)> = Vec::new();
    for was in &before.columns {
        lines.push(match now.columns.iter().find(|is| is.name == was.name) {
            Some(is) if is.kind == was.kind => compared(was, is, before.rows, now.rows),
            Some(is) => bare(&was.name, Fate::Retyped(was.kind, is.kind)),
            None => bare(&was.name, Fate::Dropped),
        });
    }
    let known = |is: &&Column| before.columns.iter().any(|was| was.name == is.name);
    let added = now.columns.iter().filter(|is| !known(is));
    lines.extend(added.map(|is| bare(&is.name, Fate::Added)));
    let count = |wanted: &dyn Fn(&Fate) -> bool| lines.iter().filter(|l| wanted(&l.0)).count();
    let summary = format!(
        "Against {} ({} rows): of {} columns {} shifted, {} moved, {} dropped, {} of another type, {} added.",
        earlier.name,
        before.rows,
        lines.len(),
        count(&|fate| *fate == Fate::Shifted),
        count(&|fate| *fate == Fate::Moved),
        count(&|fate| *fate == Fate::Dropped),
        count(&|fate| matches!(fate, Fate::Retyped(..))),
        count(&|fate| *fate == Fate::Added),
    );
    lines.sort_by_key(|line| rank(&line.0));
    Section {
        name: SECTION.to_owned(),
        title: "Drift".to_owned(),
        summary,
        method: METHOD.to_owned(),
        heads: HEADS.map(str::to_owned).to_vec(),
        rows: lines.into_iter().map(|(_, line)| line).collect(),
    }
}

/// Worst first; what is equally bad stays in the order of columns.
fn rank(fate: &Fate) -> usize {
    match fate {
        Fate::Dropped => 0,
        Fate::Retyped(..) => 1,
        Fate::Shifted => 2,
        Fate::Moved => 3,
        Fate::Added => 4,
        Fate::Later => 5,
        Fate::Few => 6,
        Fate::Stable => 7,
    }
}

const HEADS: [&str; 10] = [
    "column",
    "verdict",
    "compared",
    "PSI",
    "KS",
    "JS",
    "missing, change",
    "new texts",
    "rows with them",
    "vanished texts",
];

const METHOD: &str = "Population stability index (PSI) over ten groups of equal frequency in the \
    earlier table, or its 20 most frequent texts, the others and the new ones; the same over missing \
    and present cells. From 0.1 on a column has moved, from 0.25 on shifted (Lewis 1992, Siddiqi \
    2006), unless chance does as much in one of 100 tables of so few rows (Yurdakul 2018). KS: \
    two-sample Kolmogorov-Smirnov statistic over at most 1,024 bins. JS: Jensen-Shannon divergence, \
    base 2, over the groups of PSI. Texts that stand fewer than ten times on average are compared by \
    their lengths. Costs no points.";

fn bare(name: &str, fate: Fate) -> (Fate, Vec<Figure>) {
    let mut line = vec![Figure::Text(name.to_owned()), Figure::Text(fate.words())];
    line.resize(HEADS.len(), Figure::None);
    (fate, line)
}

/// One column of both tables.
fn compared(was: &Column, is: &Column, rows_was: u64, rows_is: u64) -> (Fate, Vec<Figure>) {
    let bins = was.numbers.aligned(&is.numbers);
    let texts = was.texts.as_ref().zip(is.texts.as_ref());
    let present = rows_was.saturating_sub(was.missing);
    let categories = texts.filter(|(texts, _)| {
        let distinct = texts.distinct().unwrap_or(u64::MAX);
        present >= distinct.saturating_mul(ROWS_PER_CATEGORY)
    });
    let both = texts.map(|(was, is)| was.both(is));
    let (what, groups, ks): (_, Vec<Pair>, _) = match (&both, categories) {
        (Some(both), Some(_)) if both.whole => ("texts", measure::text_groups(&both.counts), None),
        (both, _) => (
            if both.is_some() { "lengths" } else { "numbers" },
            measure::equal_groups(&bins),
            measure::kolmogorov_smirnov(&bins),
        ),
    };
    let gaps = [
        (was.missing, is.missing),
        (present, rows_is.saturating_sub(is.missing)),
    ];
    let spread = match (was.kind, measure::judged(&groups)) {
        (ColumnType::Date | ColumnType::Timestamp, Step::Moved | Step::Shifted) => Fate::Later,
        (_, step) => fate(step),
    };
    let worst = |a: Fate, b: Fate| if rank(&b) < rank(&a) { b } else { a };
    let fate = worst(spread, fate(measure::judged(&gaps)));
    let figure =
        |value: Option<f64>| value.map_or(Figure::None, |value| Figure::Millionths(rounded(value)));
    let missing = measure_change(was.missing, rows_was, is.missing, rows_is);
    let [new, rows_new, gone] = changed_texts(both.as_ref());
    let line = vec![
        Figure::Text(was.name.clone()),
        Figure::Text(fate.words()),
        Figure::Text(what.to_owned()),
        figure(measure::psi(&groups)),
        figure(ks),
        figure(measure::jensen_shannon(&groups)),
        Figure::Millionths(missing),
        new,
        rows_new,
        gone,
    ];
    (fate, line)
}

fn fate(step: Step) -> Fate {
    match step {
        Step::Stable => Fate::Stable,
        Step::Few => Fate::Few,
        Step::Moved => Fate::Moved,
        Step::Shifted => Fate::Shifted,
    }
}

/// Change of the share of missing cells, in millionths.
fn measure_change(was: u64, rows_was: u64, is: u64, rows_is: u64) -> i64 {
    let share = |count: u64, rows: u64| count as f64 / rows.max(1) as f64;
    rounded(share(is, rows_is) - share(was, rows_was))
}

/// Texts that are new, the rows that have them, and texts that are gone. Where not every text
/// was counted, only the share of rows is told, of those that were.
fn changed_texts(both: Option<&texts::Both>) -> [Figure; 3] {
    let Some(both) = both else {
        return [Figure::None, Figure::None, Figure::None];
    };
    let new = both.counts.iter().filter(|(was, _)| *was == 0);
    let gone = both.counts.iter().filter(|(_, is)| *is == 0).count();
    let (texts, rows) = new.fold((0, 0), |(n, rows), (_, is)| (n + 1, rows + is));
    let all: u64 = both.counts.iter().map(|(_, is)| is).sum();
    let ppm = u128::from(rows) * 1_000_000 / u128::from(all.max(1));
    let count = |count: u64| match both.whole {
        true => Figure::Count(count),
        false => Figure::None,
    };
    [count(texts), Figure::Ppm(ppm as u32), count(gone as u64)]
}
