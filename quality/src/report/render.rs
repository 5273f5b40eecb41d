//! The report as plain text.

use std::fmt::{self, Write};

use super::{Dimension, Figure, Loss, Report, Section, hundredths, percent};

/// Lines of losses, cleaning and sections shown; the JSON has all.
const SHOWN: usize = 20;
/// Columns shown.
const COLUMNS: usize = 60;
/// Characters of a bar.
const BAR: u32 = 20;

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
    for part in &report.sections {
        section(out, part)?;
    }
    for gate in &report.gates {
        writeln!(out, "\nNot to be published: {}", gate.reason)?;
    }
    if report.not_measured.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot measured: {}", report.not_measured.join(", "))
}

/// A share as a bar of blocks.
fn bar(ppm: u32) -> String {
    let full = (u64::from(ppm) * u64::from(BAR) + 500_000) / 1_000_000;
    let full = (full as u32).min(BAR) as usize;
    // Nothing looks full that is not.
    let full = if ppm < 1_000_000 {
        full.min(BAR as usize - 1)
    } else {
        full
    };
    format!("{}{}", "█".repeat(full), "░".repeat(BAR as usize - full))
}

fn dimensions(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(
        out,
        "\n  {:<14} {:<20} {:>9} {:>9}",
        "dimension", "", "score", "lost"
    )?;
    for dimension in &report.dimensions {
        let (bars, score) = match dimension.score_ppm {
            Some(ppm) => (bar(ppm), format!("{} %", percent(ppm))),
            None => (String::new(), "-".into()),
        };
        let lost = match dimension.applicable {
            true => hundredths(dimension.lost_hundredths),
            false => "-".into(),
        };
        let note = dimension.note.as_deref().unwrap_or("");
        let name = dimension.name.name();
        let line = format!("  {name:<14} {bars:<20} {score:>9} {lost:>9}   {note}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Where and how often, in words.
pub(super) fn place(loss: &Loss) -> String {
    match &loss.column {
        Some(column) => format!("{column}: {}", loss.rule),
        None => loss.rule.clone(),
    }
}

fn losses(out: &mut String, report: &Report) -> fmt::Result {
    if report.losses.is_empty() {
        return writeln!(out, "\nNo points were lost.");
    }
    writeln!(out, "\nWhere points were lost (row 0 is the first row)")?;
    for loss in report.losses.iter().take(SHOWN) {
        let count = match loss.dimension {
            // Counted in parts per million, which says nothing more.
            Dimension::Timeliness => String::new(),
            _ => format!("{} times, ", loss.count),
        };
        writeln!(
            out,
            "  {:>6}  {}, {} ({count}{} %), {} if fixed{}",
            hundredths(loss.lost_hundredths),
            loss.dimension.name(),
            place(loss),
            percent(loss.share_ppm),
            hundredths(loss.q_if_fixed_hundredths),
            rows(&loss.rows),
        )?;
    }
    more(out, report.losses.len(), SHOWN)
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
    more(out, report.cleaning.len(), SHOWN)
}

fn columns(out: &mut String, report: &Report) -> fmt::Result {
    let longest = report.profile.iter().map(|c| c.name.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(6, 40);
    writeln!(
        out,
        "\n  {:<width$}  {:<14} {:>9} {:>9} {:>11}",
        "column", "type", "missing", "invalid", "distinct"
    )?;
    for column in report.profile.iter().take(COLUMNS) {
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
    more(out, report.profile.len(), COLUMNS)
}

fn section(out: &mut String, section: &Section) -> fmt::Result {
    writeln!(out, "\n{}: {}", section.title, section.summary)?;
    if section.rows.is_empty() {
        return Ok(());
    }
    let cells = section.rows.iter().take(SHOWN);
    let cells = cells.map(|row| row.iter().map(figure).collect::<Vec<_>>());
    let table: Vec<Vec<String>> = std::iter::once(section.heads.clone())
        .chain(cells)
        .collect();
    let widths: Vec<usize> = (0..section.heads.len())
        .map(|at| {
            let cells = table.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in &table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "  {cell:<width$}")?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    more(out, section.rows.len(), SHOWN)
}

/// A figure for people.
pub(super) fn figure(figure: &Figure) -> String {
    match figure {
        Figure::Text(text) => text.clone(),
        Figure::Count(count) => count.to_string(),
        Figure::Ppm(ppm) => format!("{} %", percent(*ppm)),
        Figure::Millionths(value) => {
            let sign = if *value < 0 { "-" } else { "" };
            let size = value.unsigned_abs();
            format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
        }
        Figure::Rows(rows) => {
            let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
            numbers.join(", ")
        }
        Figure::None => "-".into(),
    }
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

fn more(out: &mut String, all: usize, shown: usize) -> fmt::Result {
    match all.checked_sub(shown) {
        Some(rest) if rest > 0 => writeln!(out, "  … and {rest} more"),
        _ => Ok(()),
    }
}
