//! A quality report as pages show it: chart, dimensions, losses with their gain, columns.

use askama::filters::HtmlSafe;
use quality::report::{DimensionScore, Loss};
use quality::{Figure, Report};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Losses and columns shown on a page; the report itself holds all.
const SHOWN: usize = 20;

/// What a page shows of a report.
pub struct Quality {
    /// The report, with no more lines than a page holds.
    pub report: Report,
    /// Bars of the dimensions and of missing cells.
    pub chart: Chart,
    /// Losses left out.
    pub more_losses: usize,
    /// Columns left out.
    pub more_columns: usize,
}

/// An SVG drawn by the quality crate, which escapes every name it writes.
pub struct Chart(String);

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Chart {}

impl Quality {
    /// Reads a stored report; a page shows nothing of one that this version cannot read.
    pub fn read(stored: &Value) -> Option<Self> {
        let mut report = Report::deserialize(stored).ok()?;
        let chart = Chart(quality::chart_svg(&report));
        let more_losses = report.losses.len().saturating_sub(SHOWN);
        let more_columns = report.profile.len().saturating_sub(SHOWN);
        report.losses.truncate(SHOWN);
        report.profile.truncate(SHOWN);
        for section in &mut report.sections {
            section.rows.truncate(SHOWN);
        }
        Some(Self {
            report,
            chart,
            more_losses,
            more_columns,
        })
    }

    /// The losses that give most when put right: what to do first.
    pub fn fixes(&self) -> impl Iterator<Item = &Loss> {
        self.report
            .losses
            .iter()
            .filter(|l| l.lost_hundredths > 0)
            .take(3)
    }
}

/// Hundredths of points as `1.23`.
pub fn points(hundredths: &u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Parts per million as a percentage.
pub fn percent(ppm: &u32) -> String {
    format!("{} %", points(&((ppm + 50) / 100)))
}

/// Score of a dimension, or that it has none.
pub fn dimension(d: &DimensionScore) -> String {
    d.score_ppm
        .as_ref()
        .map_or_else(|| "not applicable".to_owned(), percent)
}

/// Bad ones out of all.
pub fn ratio(d: &DimensionScore) -> String {
    match (d.bad, d.total) {
        (Some(bad), Some(total)) => format!("{} of {}", many(&bad), many(&total)),
        _ => "–".to_owned(),
    }
}

/// A count in groups of three.
pub fn many(n: &u64) -> String {
    super::words::count(&i64::try_from(*n).unwrap_or(i64::MAX))
}

/// How many points putting a loss right would give.
pub fn gain(loss: &Loss, report: &Report) -> String {
    points(
        &loss
            .q_if_fixed_hundredths
            .saturating_sub(report.q_hundredths),
    )
}

/// A cell of a section: counts and shares in figures, names as they are.
pub fn figure(cell: &Figure) -> String {
    match cell {
        Figure::Text(text) => text.clone(),
        Figure::Count(count) => many(count),
        Figure::Ppm(ppm) => percent(ppm),
        Figure::Millionths(value) => format!("{:.6}", *value as f64 / 1e6),
        Figure::Rows(numbers) => rows(numbers),
        Figure::None => "–".to_owned(),
    }
}

/// Row numbers as people count, from 1.
pub fn rows(rows: &[u64]) -> String {
    rows.iter()
        .map(|n| n.saturating_add(1).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn a_report_of_another_version_is_not_guessed_at() {
        assert!(Quality::read(&serde_json::json!({"schema": "other"})).is_none());
    }

    #[test]
    fn figures_are_shown_as_people_read_them() {
        for (cell, shown) in [
            (Figure::Count(12_345), many(&12_345)),
            (Figure::Ppm(12_500), "1.25 %".to_owned()),
            (Figure::Rows(vec![0, 9]), "1, 10".to_owned()),
            (Figure::None, "–".to_owned()),
        ] {
            assert_eq!(figure(&cell), shown);
        }
    }

    #[test]
    fn fixes_are_the_losses_that_give_most() {
        let quality = Quality::read(&samples::report()).unwrap();
        let first = quality.fixes().next().unwrap();
        assert_eq!(gain(first, &quality.report), "3.10");
        assert_eq!(rows(&first.rows), "5, 10");
        assert!(quality.chart.to_string().starts_with("<svg"));
    }
}
