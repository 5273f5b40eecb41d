//! Matching records as part of an assessment.

use std::borrow::Cow;

use chrono::DateTime;

use super::{Match, Matches, Records};
use crate::analysis::{Analysis, Cells, Context, Figure, Found, Rows, Section};
use crate::error::AssessError;
use crate::policy::ColumnType;

/// Pairs named in the report.
const SHOWN: usize = 50;

/// Fields named as the reason of a match.
const REASONS: usize = 3;

/// Starts matching records, where the rules ask for it.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let Some(rules) = &context.policy.records else {
        return Ok(None);
    };
    let wrong = |error: super::RulesError| AssessError::Policy(error.to_string());
    let records = Records::new(rules.clone()).map_err(wrong)?;
    let place = |field: &super::Field| {
        let mut columns = context.rules.iter().enumerate();
        let found = columns.find(|(_, rule)| rule.name == field.column);
        found
            .map(|(place, rule)| (place, rule.kind))
            .ok_or_else(|| {
                let what = format!(
                    "[records] names the column {:?}, which is not there",
                    field.column
                );
                AssessError::Policy(what)
            })
    };
    let columns = rules.fields.iter().map(place).collect::<Result<_, _>>()?;
    Ok(Some(Box::new(Search { records, columns })))
}

struct Search {
    records: Records,
    columns: Vec<(usize, ColumnType)>,
}

impl Analysis for Search {
    fn name(&self) -> &'static str {
        "records"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        for row in 0..rows.len {
            let columns = self.columns.iter();
            let values: Vec<Option<Cow<'_, str>>> = columns
                .map(|(place, kind)| written(rows.columns.get(*place)?, *kind, row))
                .collect();
            let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            self.records.push(&values);
        }
    }

    fn finish(self: Box<Self>) -> Found {
        let count = self.records.len();
        let matches = self.records.matches();
        Found {
            sections: vec![section(&matches, count)],
            ..Found::default()
        }
    }
}

/// A cell as a text that can be compared.
fn written<'a>(cells: &Cells<'a>, kind: ColumnType, row: usize) -> Option<Cow<'a, str>> {
    if let Some(text) = cells.text(row) {
        return Some(Cow::Borrowed(text));
    }
    let number = cells.number(row)?;
    let day = |seconds: f64| {
        let moment = DateTime::from_timestamp(seconds as i64, 0)?;
        Some(moment.format("%Y-%m-%d").to_string())
    };
    let text = match kind {
        ColumnType::Date => day(number * 86_400.0)?,
        ColumnType::Timestamp => day((number / 1e6).floor())?,
        _ => number.to_string(),
    };
    Some(Cow::Owned(text))
}

fn section(matches: &Matches, count: usize) -> Section {
    let mut likely: Vec<&Match> = matches.pairs.iter().collect();
    likely.sort_by_key(|pair| (std::cmp::Reverse(pair.millibits), pair.a, pair.b));
    let row = |pair: &&Match| {
        let mut reasons = matches.explain(pair);
        reasons.sort_by_key(|field| std::cmp::Reverse(field.millibits.abs()));
        let reason = reasons.iter().take(REASONS).map(|field| {
            let bits = field.millibits as f64 / 1000.0;
            format!("{} {} ({bits:+.1})", field.column, field.level)
        });
        vec![
            Figure::Count(pair.a.into()),
            Figure::Count(pair.b.into()),
            Figure::Ppm(pair.probability_ppm),
            Figure::Text(reason.collect::<Vec<_>>().join(", ")),
        ]
    };
    let (blocks, of_blocks) = matches.dropped;
    Section {
        name: "records".into(),
        title: "Records of the same entity".into(),
        summary: format!(
            "{} of {count} records are of an entity that an earlier record is of, too; {} pairs \
             match, of which the {} most certain are shown.",
            matches.redundant(),
            matches.pairs.len(),
            matches.pairs.len().min(SHOWN)
        ),
        method: format!(
            "Fellegi-Sunter weights in bits, estimated by expectation maximisation in {} rounds, \
             without known answers. {} pairs under {} blocking keys were compared; {blocks} blocks \
             with {of_blocks} records were too large and left out.",
            matches.rounds, matches.compared, matches.keys
        ),
        heads: ["row", "other row", "probability", "because"]
            .map(String::from)
            .to_vec(),
        rows: likely.iter().take(SHOWN).map(row).collect(),
    }
}
