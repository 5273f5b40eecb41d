//! The report as Markdown.

use std::fmt::{self, Write};

use super::render::{figure, place};
use super::{Figure, Report, hundredths, percent};

pub(super) fn page(report: &Report, title: &str) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_page(&mut out, report, title);
    out
}

fn write_page(out: &mut String, report: &Report, title: &str) -> fmt::Result {
    writeln!(
        out,
        "# Quality of {}\n\n**{} of 100, grade {}.** {} rows, {} columns, {}, as of {}.",
        plain(title),
        hundredths(report.q_hundredths),
        report.grade,
        report.rows,
        report.columns,
        report.exactness,
        report.as_of
    )?;
    for gate in &report.gates {
        writeln!(out, "\n> Not to be published: {}", plain(&gate.reason))?;
    }
    writeln!(out, "\n## Dimensions\n")?;
    let rows = report.dimensions.iter().map(|d| {
        vec![
            d.name.name().to_owned(),
            d.score_ppm
                .map_or("–".into(), |ppm| format!("{} %", percent(ppm))),
            hundredths(d.lost_hundredths),
            d.note.clone().unwrap_or_default(),
        ]
    });
    table(out, &["dimension", "score", "points lost", "note"], rows)?;
    losses(out, report)?;
    writeln!(out, "\n## Columns\n")?;
    let rows = report.profile.iter().map(|column| {
        let about = if column.distinct_exact { "" } else { "≈ " };
        vec![
            column.name.clone(),
            column.kind.clone(),
            format!("{} ({} %)", column.missing, percent(column.missing_ppm)),
            column.invalid.to_string(),
            format!("{about}{}", column.distinct),
        ]
    });
    table(
        out,
        &["column", "type", "missing", "invalid", "distinct"],
        rows,
    )?;
    for section in &report.sections {
        writeln!(
            out,
            "\n## {}\n\n{}\n\n{}\n",
            plain(&section.title),
            plain(&section.summary),
            plain(&section.method)
        )?;
        let heads: Vec<&str> = section.heads.iter().map(String::as_str).collect();
        let rows = section
            .rows
            .iter()
            .map(|row| row.iter().map(figure).collect());
        table(out, &heads, rows)?;
    }
    if report.not_measured.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot measured: {}.", report.not_measured.join(", "))
}

fn losses(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "\n## Where points were lost\n")?;
    if report.losses.is_empty() {
        return writeln!(out, "Nowhere.");
    }
    let rows = report.losses.iter().map(|loss| {
        vec![
            hundredths(loss.lost_hundredths),
            loss.dimension.name().to_owned(),
            place(loss),
            format!("{} ({} %)", loss.count, percent(loss.share_ppm)),
            hundredths(loss.q_if_fixed_hundredths),
            figure(&Figure::Rows(loss.rows.clone())),
        ]
    });
    let heads = [
        "points",
        "dimension",
        "rule",
        "times",
        "score if fixed",
        "first rows",
    ];
    table(out, &heads, rows)
}

fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    if heads.is_empty() {
        return Ok(());
    }
    let heads: Vec<String> = heads.iter().map(|head| plain(head)).collect();
    writeln!(
        out,
        "| {} |\n|{}",
        heads.join(" | "),
        "---|".repeat(heads.len())
    )?;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// Text that means nothing but itself.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
