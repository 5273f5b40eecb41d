//! The report as plain text.

use std::fmt::{self, Write};

use super::{Dimension, Report, hundredths, percent};

/// Lines of losses and cleaning shown; the JSON has all.
const SHOWN: usize = 20;

pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_text(&mut out, report);
    out
}

fn write_text(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(
        out,
        "Quality {} of 100, grade {} ({} rows, {} columns, {}, as of {})",
        hundredths(report.q_hundredths),
        report.grade,
        report.rows,
        report.columns,
        report.exactness,
        report.as_of
    )?;
    dimensions(out, report)?;
    losses(out, report)?;
    writeln!(
        out,
        "\nDuplicates: {} rows repeat an earlier one, {} are distinct ({})",
        report.duplicates.exact_rows, report.duplicates.distinct_rows, report.duplicates.scope
    )?;
    cleaning(out, report)?;
    columns(out, report)?;
    writeln!(out, "\nNot measured: {}", report.not_measured.join(", "))
}

fn dimensions(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "\n  dimension          score      lost")?;
    for dimension in &report.dimensions {
        let score = match dimension.score_ppm {
            Some(ppm) => format!("{} %", percent(ppm)),
            None => "-".into(),
        };
        let lost = match dimension.applicable {
            true => hundredths(dimension.lost_hundredths),
            false => "-".into(),
        };
        let note = dimension.note.as_deref().unwrap_or("");
        let name = dimension.name.name();
        let line = format!("  {name:<14} {score:>9} {lost:>9}   {note}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn losses(out: &mut String, report: &Report) -> fmt::Result {
    if report.losses.is_empty() {
        return writeln!(out, "\nNo points were lost.");
    }
    writeln!(out, "\nWhere points were lost (row 0 is the first row)")?;
    for loss in report.losses.iter().take(SHOWN) {
        let place = match &loss.column {
            Some(column) => format!("{column}: {}", loss.rule),
            None => loss.rule.clone(),
        };
        let count = match loss.dimension {
            // Counted in parts per million, which says nothing more.
            Dimension::Timeliness => String::new(),
            _ => format!("{} times, ", loss.count),
        };
        writeln!(
            out,
            "  {:>6}  {}, {place} ({count}{} %), {} if fixed{}",
            hundredths(loss.lost_hundredths),
            loss.dimension.name(),
            percent(loss.share_ppm),
            hundredths(loss.q_if_fixed_hundredths),
            rows(&loss.rows),
        )?;
    }
    more(out, report.losses.len())
}

fn cleaning(out: &mut String, report: &Report) -> fmt::Result {
    if report.cleaning.is_empty() {
        return writeln!(out, "\nCleaning changed nothing.");
    }
    writeln!(out, "\nCleaned automatically")?;
    for line in report.cleaning.iter().take(SHOWN) {
        let rows = rows(&line.rows);
        writeln!(
            out,
            "  {:>9}  {}: {}{rows}",
            line.count, line.column, line.rule
        )?;
    }
    more(out, report.cleaning.len())
}

fn columns(out: &mut String, report: &Report) -> fmt::Result {
    let longest = report.profile.iter().map(|c| c.name.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(6, 40);
    writeln!(
        out,
        "\n  {:<width$}  {:<14} {:>9} {:>9} {:>11}",
        "column", "type", "missing", "invalid", "distinct"
    )?;
    for column in &report.profile {
        let about = if column.distinct_exact { "" } else { "~" };
        writeln!(
            out,
            "  {:<width$}  {:<14} {:>9} {:>9} {:>11}",
            column.name,
            column.kind,
            column.missing,
            column.invalid,
            format!("{about}{}", column.distinct),
        )?;
    }
    Ok(())
}

fn rows(rows: &[u64]) -> String {
    match rows {
        [] => String::new(),
        rows => {
            let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
            format!("; rows {}", numbers.join(", "))
        }
    }
}

fn more(out: &mut String, all: usize) -> fmt::Result {
    match all.checked_sub(SHOWN) {
        Some(rest) if rest > 0 => writeln!(out, "  … and {rest} more"),
        _ => Ok(()),
    }
}
