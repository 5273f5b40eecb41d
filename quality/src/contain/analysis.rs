//! Sketches as part of an assessment, and what two tables have in common.

use super::sketcher::Cells;
use super::{Kind, Share, Sketch, Sketcher, share};
use crate::analysis::{Analysis, Context, Figure, Found, Gate, Rows, Section};

/// Share of rows from which on a table counts as taken from another.
pub const GATE_PPM: u32 = 300_000;

/// Starts sketching, where sketches are wanted.
pub(crate) fn start(context: &Context<'_>) -> Option<Box<dyn Analysis>> {
    let size = context.sketches?;
    let kinds: Vec<_> = context.rules.iter().map(|rule| rule.kind).collect();
    let places = |wanted: &dyn Fn(&String) -> bool| -> Vec<usize> {
        let rules = context.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| wanted(&rule.name));
        rules.map(|(place, _)| place).collect()
    };
    let content = places(&|name| !context.policy.surrogate.contains(name));
    let key = places(&|name| context.policy.key.contains(name));
    let sketcher = match size {
        SketchSize::Kept => Sketcher::new(&kinds, &content, &key),
        SketchSize::Exact => {
            // 32 bytes per member are held while they are collected.
            let members = context.memory / 4 / 32 / (content.len() + 3);
            Sketcher::exact(&kinds, &content, &key, members.max(super::K))
        }
    };
    Some(Box::new(Sketching(sketcher)))
}

/// How much is remembered of a table that is compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SketchSize {
    /// As much as a node keeps of a contribution.
    Kept,
    /// As much as the memory budget allows, so that most tables are compared exactly.
    Exact,
}

struct Sketching(Sketcher);

impl Cells for Rows<'_> {
    fn key(&self, column: usize, row: usize) -> u128 {
        self.columns.get(column).map_or(0, |cells| cells.key(row))
    }

    fn number(&self, column: usize, row: usize) -> Option<f64> {
        self.columns.get(column)?.number(row)
    }
}

impl Analysis for Sketching {
    fn name(&self) -> &'static str {
        "containment"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        self.0.push(rows, rows.len);
    }

    fn finish(self: Box<Self>) -> Found {
        Found {
            sketches: self.0.finish(),
            ..Found::default()
        }
    }
}

/// A table that another one is compared with.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// Names of its columns, in order.
    pub columns: Vec<String>,
    /// Its sketches.
    pub sketches: Vec<Sketch>,
}

/// How much of a table stands in each of `others`: a section of its report, and a
/// gate for each that has 30 % or more of its rows.
pub fn against(own: &[Sketch], columns: &[String], others: &[Other]) -> (Section, Vec<Gate>) {
    let (mut rows, mut gates, mut most) = (Vec::new(), Vec::new(), 0);
    for other in others {
        let mut taken: Option<Share> = None;
        for sketch in own.iter().filter(|sketch| sketch.kind != Kind::Column) {
            let same = other.sketches.iter().filter(|o| o.kind == sketch.kind);
            let Some(found) = same.filter_map(|o| share(sketch, o)).max_by_key(|s| s.ppm) else {
                continue;
            };
            if sketch.kind == Kind::Rows {
                most = found.ppm.max(most);
            }
            rows.push(line(other, what(sketch.kind), "", found));
            if sketch.kind != Kind::Key && taken.is_none_or(|taken| found.ppm > taken.ppm) {
                taken = Some(found);
            }
        }
        let taken = taken.filter(|share| share.ppm >= GATE_PPM);
        gates.extend(taken.map(|share| gate(other, share)));
        for sketch in own.iter().filter(|sketch| sketch.kind == Kind::Column) {
            if let Some((place, found)) = best_column(sketch, other) {
                let own_name = name(columns, sketch.column);
                let label = format!("column {own_name}");
                rows.push(line(other, &label, &name(&other.columns, place), found));
            }
        }
    }
    let section = Section {
        name: "containment".into(),
        title: "What stands in other tables".into(),
        summary: format!(
            "At most {}.{:02} % of the rows stand in one of {} other tables; {} of them hold 30 % \
             or more of the rows.",
            most / 10_000,
            most % 10_000 / 100,
            others.len(),
            gates.len()
        ),
        method: "Share |A∩B|/|A| of different rows, keys and values of this table that stand in \
                 the other, whatever columns are called there and in which order they stand. \
                 Loosely: numbers rounded to 3 significant digits, times to the day. A margin of \
                 0 means counted exactly."
            .into(),
        heads: ["other table", "what", "there", "share", "margin"]
            .map(String::from)
            .to_vec(),
        rows,
    };
    (section, gates)
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Rows => "rows",
        Kind::Loose => "rows, loosely",
        Kind::Key => "keys",
        Kind::Column => "column",
    }
}

fn name(columns: &[String], place: Option<u32>) -> String {
    let name = place.and_then(|place| columns.get(place as usize));
    name.cloned().unwrap_or_default()
}

/// The column of another table with most of a column's values, when it has any.
fn best_column(own: &Sketch, other: &Other) -> Option<(Option<u32>, Share)> {
    let columns = other.sketches.iter().filter(|o| o.kind == Kind::Column);
    let shares = columns.filter_map(|o| Some((o.column, share(own, o)?)));
    let best = shares.max_by_key(|(place, share)| (share.ppm, std::cmp::Reverse(*place)));
    best.filter(|(_, share)| share.ppm > 0)
}

fn line(other: &Other, what: &str, there: &str, share: Share) -> Vec<Figure> {
    let there = match there.is_empty() {
        true => Figure::None,
        false => Figure::Text(there.to_owned()),
    };
    vec![
        Figure::Text(other.name.clone()),
        Figure::Text(what.to_owned()),
        there,
        Figure::Ppm(share.ppm),
        Figure::Ppm(share.margin_ppm),
    ]
}

fn gate(other: &Other, share: Share) -> Gate {
    Gate {
        name: "containment".into(),
        reason: format!(
            "{} % of the rows stand in {}; publish them only if they are yours to give.",
            share.ppm / 10_000,
            other.name
        ),
        columns: Vec::new(),
    }
}
