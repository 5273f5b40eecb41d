//! From counts to the report.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{CleaningLine, ColumnProfile, DimensionScore, Duplicates, Loss, Report, SCHEMA};
use crate::analysis::{DimensionFound, Found, Gate, NearFound};
use crate::dedup::Repeats;
use crate::input::Table;
use crate::policy::{ColumnRule, Policy};
use crate::profile::{self, Column, Finding};
use crate::score::{self, Dimension, Measure};

/// Everything the report is made of.
pub(crate) struct Measured<'a> {
    pub policy: &'a Policy,
    pub table: &'a Table,
    pub rows: u64,
    pub columns: &'a [Box<dyn Column>],
    pub repeats: &'a Repeats,
    pub key_repeats: Option<&'a Repeats>,
    pub as_of: DateTime<Utc>,
    /// What the analyses found, by their names.
    pub found: &'a [(&'static str, Found)],
}

impl Measured<'_> {
    fn dimension(&self, dimension: Dimension) -> Option<&DimensionFound> {
        let found = self.found.iter().filter_map(|(_, f)| f.dimension.as_ref());
        found.into_iter().find(|d| d.dimension == dimension)
    }

    fn near(&self) -> Option<&NearFound> {
        self.found.iter().find_map(|(_, found)| found.near.as_ref())
    }
}

/// One way to lose points.
struct Line {
    column: Option<String>,
    rule: String,
    finding: Finding,
    /// What it takes from the measure: its count, unless units differ.
    units: u64,
    /// What the measure gets back when this alone is put right.
    alone: u64,
}

impl Line {
    fn new(column: Option<String>, rule: impl Into<String>, finding: Finding) -> Self {
        Self {
            column,
            rule: rule.into(),
            units: finding.count,
            alone: finding.count,
            finding,
        }
    }
}

/// A dimension measured, or the reason why not.
struct Part {
    dimension: Dimension,
    measure: Result<Measure, &'static str>,
    note: Option<String>,
    lines: Vec<Line>,
}

impl Part {
    fn measured(dimension: Dimension, total: u64, lines: Vec<Line>) -> Self {
        let measure = Measure {
            dimension,
            bad: lines.iter().map(|line| line.units).sum(),
            total,
        };
        Self {
            dimension,
            measure: (total > 0).then_some(measure).ok_or("no data"),
            note: None,
            lines,
        }
    }

    fn absent(dimension: Dimension, reason: &'static str) -> Self {
        Self {
            dimension,
            measure: Err(reason),
            note: None,
            lines: Vec::new(),
        }
    }
}

pub(crate) fn build(measured: &Measured<'_>) -> Report {
    let parts = [
        validity(measured),
        completeness(measured),
        uniqueness(measured),
        consistency(measured),
        timeliness(measured),
        documentation(measured),
    ];
    // Without rows there is nothing to have quality.
    let measures: Vec<Measure> = match measured.rows {
        0 => Vec::new(),
        _ => parts.iter().filter_map(|p| p.measure.ok()).collect(),
    };
    let q = score::q(&measures);
    let lost = score::lost(&measures);
    let lost_to = |dimension| {
        let position = measures.iter().position(|m| m.dimension == dimension);
        position.and_then(|p| lost.get(p)).copied().unwrap_or(0)
    };
    let dimensions = parts
        .iter()
        .map(|part| dimension(part, &measures, lost_to(part.dimension)));
    Report {
        schema: SCHEMA.into(),
        as_of: measured.as_of.to_rfc3339_opts(SecondsFormat::Secs, true),
        exactness: "exact".into(),
        rows: measured.rows,
        columns: measured.columns.len() as u64,
        q_hundredths: q,
        grade: score::grade(q).into(),
        dimensions: dimensions.collect(),
        losses: losses(&parts, &measures, lost_to),
        duplicates: duplicates(measured),
        cleaning: cleaning(measured),
        profile: columns(measured),
        gates: gates(measured),
        sections: measured
            .found
            .iter()
            .flat_map(|(_, found)| found.sections.iter().cloned())
            .collect(),
        not_measured: NOT_MEASURED
            .iter()
            .filter(|name| !measured.found.iter().any(|(found, _)| found == *name))
            .chain((!measured.policy.is_declared() && has_no_licence(measured)).then_some(&LICENCE))
            .map(|name| (*name).to_owned())
            .collect(),
        rules: (*measured.policy != Policy::default()).then(|| measured.policy.clone()),
        input: None,
    }
}

/// What a report names when nobody measured it.
const NOT_MEASURED: [&str; 5] = [
    "near_duplicates",
    "personal_data",
    "labels",
    "outliers",
    "drift",
];

/// What is named so instead of a gate where nothing is declared at all: a file by itself has no
/// place to say its licence, and nobody asked to publish it.
const LICENCE: &str = "licence";

fn has_no_licence(measured: &Measured<'_>) -> bool {
    let licence = measured.policy.license.as_deref();
    licence.is_none_or(|licence| licence.trim().is_empty())
}

fn gates(measured: &Measured<'_>) -> Vec<Gate> {
    let asked = measured.policy.is_declared();
    let missing = (asked && has_no_licence(measured)).then(|| Gate {
        name: "licence_missing".into(),
        reason: "No licence is declared: nobody can know what the data may be used for. \
                 Set `license` in the rules."
            .into(),
        columns: Vec::new(),
    });
    let found = measured.found.iter().flat_map(|(_, found)| &found.gates);
    missing.into_iter().chain(found.cloned()).collect()
}

fn rules_and_columns<'a>(
    measured: &'a Measured<'_>,
) -> impl Iterator<Item = (&'a ColumnRule, &'a dyn Column)> {
    let columns = measured.columns.iter().map(|column| &**column);
    measured.table.rules.iter().zip(columns)
}

fn lines<'a>(
    name: &'a str,
    findings: impl Iterator<Item = (&'static str, &'a Finding)>,
) -> impl Iterator<Item = Line> {
    findings
        .filter(|(_, finding)| finding.count > 0)
        .map(|(rule, finding)| Line::new(Some(name.to_owned()), rule, finding.clone()))
}

/// Over cells with a value.
fn validity(measured: &Measured<'_>) -> Part {
    let broken = rules_and_columns(measured)
        .flat_map(|(rule, column)| lines(&rule.name, column.facts().invalid.iter()));
    let present = rules_and_columns(measured)
        .map(|(_, column)| measured.rows - profile::total(column.facts().missing.iter()));
    Part::measured(Dimension::Validity, present.sum(), broken.collect())
}

/// Over all cells of columns that are not optional.
fn completeness(measured: &Measured<'_>) -> Part {
    let required = || rules_and_columns(measured).filter(|(rule, _)| !rule.optional);
    let missing =
        required().flat_map(|(rule, column)| lines(&rule.name, column.facts().missing.iter()));
    let cells = required().count() as u64 * measured.rows;
    let mut part = Part::measured(Dimension::Completeness, cells, missing.collect());
    if required().next().is_none() {
        part.measure = Err("every column is optional");
    }
    part
}

/// Over rows. Rows that repeat wholly usually repeat their key, too; the
/// larger count is taken, never both. A near duplicate is half a duplicate, so
/// with them everything is counted in half rows.
fn uniqueness(measured: &Measured<'_>) -> Part {
    let by_key = measured
        .key_repeats
        .filter(|key| key.count >= measured.repeats.count);
    let (rule, repeats) = match by_key {
        Some(key) => ("repeated_key", key),
        None => ("exact_duplicate", measured.repeats),
    };
    let finding = |count: u64, rows: &[u64]| Finding {
        count,
        rows: rows.to_vec(),
    };
    let exact = Line::new(None, rule, finding(repeats.count, &repeats.rows));
    let mut lines = vec![exact];
    let (mut total, mut note) = (measured.rows, "exact only".to_owned());
    if let Some(near) = measured.near() {
        lines.push(Line::new(
            None,
            "near_duplicate",
            finding(near.count, &near.rows),
        ));
        lines.iter_mut().take(1).for_each(|exact| {
            exact.units *= 2;
            exact.alone *= 2;
        });
        total *= 2;
        note = format!("in half rows: near duplicates count half; {}", near.scope);
    }
    lines.retain(|line| line.units > 0);
    let mut part = Part::measured(Dimension::Uniqueness, total, lines);
    part.note = Some(note);
    part
}

/// Measured by an analysis, where rules between columns are declared.
fn consistency(measured: &Measured<'_>) -> Part {
    let dimension = Dimension::Consistency;
    let Some(found) = measured.dimension(dimension) else {
        return Part::absent(dimension, "no rules between columns are declared");
    };
    let lines = found.lines.iter().filter(|line| line.count > 0);
    let lines = lines.map(|line| {
        let finding = Finding {
            count: line.count,
            rows: line.rows.clone(),
        };
        Line {
            alone: line.alone,
            ..Line::new(line.column.clone(), line.rule.clone(), finding)
        }
    });
    let mut part = Part::measured(dimension, found.total, lines.collect());
    if let Ok(measure) = &mut part.measure {
        measure.bad = found.bad;
    }
    part.note = found.note.clone();
    part
}

fn timeliness(measured: &Measured<'_>) -> Part {
    let dimension = Dimension::Timeliness;
    let Some(period) = measured.policy.period_days else {
        return Part::absent(dimension, "no period is declared");
    };
    let newest = measured.columns.iter().filter_map(|c| c.newest()).max();
    let Some(newest) = newest else {
        return Part::absent(dimension, "no date or time up to now stands in the data");
    };
    let age = measured.as_of.timestamp_micros().saturating_sub(newest);
    let measure = score::timeliness(age, period);
    let line = (measure.bad > 0).then(|| {
        let finding = Finding {
            count: measure.bad,
            rows: Vec::new(),
        };
        Line::new(None, "older_than_period", finding)
    });
    Part {
        dimension,
        measure: Ok(measure),
        note: Some("counts are parts per million; the newest date or time decides".into()),
        lines: line.into_iter().collect(),
    }
}

/// Over description, semantic type and (numbers only) unit of every column,
/// and source, method and licence of the table.
fn documentation(measured: &Measured<'_>) -> Part {
    let policy = measured.policy;
    if !policy.is_declared() {
        return Part::absent(Dimension::Documentation, "no contract is declared");
    }
    let filled = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
    let mut items: Vec<(Option<&str>, &'static str, bool)> = vec![
        (None, "source", filled(&policy.source)),
        (None, "method", filled(&policy.method)),
        (None, "license", filled(&policy.license)),
    ];
    for column in &policy.columns {
        let name = Some(column.name.as_str());
        items.push((name, "description", filled(&column.description)));
        items.push((name, "semantic", filled(&column.semantic)));
        if column.kind.is_number() {
            items.push((name, "unit", filled(&column.unit)));
        }
    }
    let missing = items.iter().filter(|(_, _, there)| !there);
    let missing = missing.map(|(column, rule, _)| {
        let finding = Finding {
            count: 1,
            rows: Vec::new(),
        };
        Line::new(column.map(str::to_owned), *rule, finding)
    });
    let total = items.len() as u64;
    Part::measured(Dimension::Documentation, total, missing.collect())
}

fn dimension(part: &Part, measures: &[Measure], lost: u32) -> DimensionScore {
    let measure = measures.iter().find(|m| m.dimension == part.dimension);
    let reason = part.measure.err().unwrap_or("no rows");
    DimensionScore {
        name: part.dimension,
        iso_25012: part.dimension.iso_25012().into(),
        gb_t_36344: part.dimension.gb_t_36344().into(),
        weight_percent: part.dimension.weight(),
        applicable: measure.is_some(),
        score_ppm: measure.map(Measure::ppm),
        bad: measure.map(|m| m.bad),
        total: measure.map(|m| m.total),
        lost_hundredths: lost,
        note: match measure {
            Some(_) => part.note.clone(),
            None => Some(format!("not applicable: {reason}")),
        },
    }
}

fn losses(parts: &[Part], measures: &[Measure], lost_to: impl Fn(Dimension) -> u32) -> Vec<Loss> {
    let mut losses = Vec::new();
    for measure in measures {
        let Some(part) = parts.iter().find(|p| p.dimension == measure.dimension) else {
            continue;
        };
        let counts: Vec<u64> = part.lines.iter().map(|line| line.units).collect();
        let lost = score::split(lost_to(measure.dimension), &counts);
        for (line, lost) in part.lines.iter().zip(lost) {
            let count = line.finding.count;
            losses.push(Loss {
                dimension: measure.dimension,
                column: line.column.clone(),
                rule: line.rule.clone(),
                count,
                share_ppm: ppm(line.units, measure.total),
                lost_hundredths: lost,
                q_if_fixed_hundredths: score::q_if_fixed(measures, measure.dimension, line.alone),
                rows: line.finding.rows.clone(),
            });
        }
    }
    losses.sort_by_key(|loss| std::cmp::Reverse((loss.lost_hundredths, loss.count)));
    losses
}

fn duplicates(measured: &Measured<'_>) -> Duplicates {
    Duplicates {
        exact_rows: measured.repeats.count,
        distinct_rows: measured.rows - measured.repeats.count,
        key_repeats: measured.key_repeats.map(|key| key.count),
        rows: measured.repeats.rows.clone(),
        near_rows: measured.near().map(|near| near.count),
        scope: measured
            .near()
            .map_or_else(|| "exact only".into(), |near| near.scope.clone()),
    }
}

fn cleaning(measured: &Measured<'_>) -> Vec<CleaningLine> {
    rules_and_columns(measured)
        .flat_map(|(rule, column)| lines(&rule.name, column.facts().cleaned.iter()))
        .map(|line| CleaningLine {
            rule: line.rule,
            column: line.column.unwrap_or_default(),
            count: line.finding.count,
            rows: line.finding.rows,
        })
        .collect()
}

fn columns(measured: &Measured<'_>) -> Vec<ColumnProfile> {
    rules_and_columns(measured)
        .zip(&measured.table.found)
        .map(|((rule, column), found)| {
            let facts = column.facts();
            let (distinct, distinct_exact) = column.distinct();
            let missing = profile::total(facts.missing.iter());
            ColumnProfile {
                name: rule.name.clone(),
                kind: rule.kind.to_string(),
                found: found.clone(),
                optional: rule.optional,
                surrogate: measured.policy.surrogate.contains(&rule.name),
                missing,
                missing_ppm: ppm(missing, measured.rows),
                nulls: facts.missing.null.count,
                nans: facts.missing.nan.count,
                null_tokens: facts.missing.token.count,
                blanks: facts.missing.blank.count,
                invalid: profile::total(facts.invalid.iter()),
                // An estimate can exceed what is possible.
                distinct: distinct.min(measured.rows - missing),
                distinct_exact,
                lengths: column.lengths(),
            }
        })
        .collect()
}

fn ppm(count: u64, total: u64) -> u32 {
    (u128::from(count) * 1_000_000 / u128::from(total.max(1))) as u32
}
