//! The report as a picture.

use std::fmt::{self, Write};

use super::{Report, hundredths, percent};

const WIDTH: u32 = 640;
const LABEL: u32 = 170;
const VALUE: u32 = 90;
const BAR: u32 = WIDTH - LABEL - VALUE;
const STEP: u32 = 26;
/// Columns shown, those with most missing cells first.
const COLUMNS: usize = 30;

/// Bars of the quality dimensions, then of missing cells per column, as an SVG
/// to embed in a page. It inherits text colour and font (`currentColor`);
/// classes `gq-bar`, `gq-missing`, `gq-track` and `gq-muted` may be styled.
pub fn chart_svg(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_svg(&mut out, report);
    out
}

fn write_svg(out: &mut String, report: &Report) -> fmt::Result {
    let mut columns: Vec<_> = report.profile.iter().filter(|c| c.missing > 0).collect();
    columns.sort_by_key(|column| std::cmp::Reverse(column.missing));
    let hidden = columns.len().saturating_sub(COLUMNS);
    columns.truncate(COLUMNS);
    let lines = report.dimensions.len() + columns.len().max(1) + usize::from(hidden > 0) + 2;
    open(out, report, lines as u32 * STEP + 10)?;
    let mut y = 20;
    let score = hundredths(report.q_hundredths);
    heading(out, &mut y, &format!("Quality {score} · {}", report.grade))?;
    for dimension in &report.dimensions {
        let name = dimension.name.name();
        match dimension.score_ppm {
            Some(ppm) => bar(out, &mut y, name, ppm, "gq-bar")?,
            None => muted(out, &mut y, name, "not applicable")?,
        }
    }
    heading(out, &mut y, "Missing cells")?;
    if columns.is_empty() {
        muted(out, &mut y, "all columns", "none")?;
    }
    for column in columns {
        bar(out, &mut y, &column.name, column.missing_ppm, "gq-missing")?;
    }
    if hidden > 0 {
        muted(out, &mut y, "", &format!("and {hidden} more columns"))?;
    }
    out.write_str("</svg>")
}

fn open(out: &mut String, report: &Report, height: u32) -> fmt::Result {
    write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         class=\"granary-quality\" role=\"img\" aria-labelledby=\"gq-title gq-desc\" \
         fill=\"currentColor\" font-family=\"inherit\" font-size=\"14\">\
         <title id=\"gq-title\">Quality {} of 100, grade {}</title>\
         <desc id=\"gq-desc\">{}</desc>",
        hundredths(report.q_hundredths),
        escape(&report.grade),
        escape(&description(report)),
    )
}

fn heading(out: &mut String, y: &mut u32, text: &str) -> fmt::Result {
    let text = escape(text);
    write!(
        out,
        "<text x=\"0\" y=\"{y}\" font-weight=\"600\">{text}</text>"
    )?;
    *y += STEP;
    Ok(())
}

fn label(out: &mut String, y: u32, name: &str) -> fmt::Result {
    const LONGEST: usize = 20;
    let short: String = match name.chars().count() > LONGEST {
        true => name.chars().take(LONGEST - 1).chain(['…']).collect(),
        false => name.to_owned(),
    };
    write!(
        out,
        "<text x=\"0\" y=\"{y}\">{}<title>{}</title></text>",
        escape(&short),
        escape(name)
    )
}

fn bar(out: &mut String, y: &mut u32, name: &str, ppm: u32, class: &str) -> fmt::Result {
    label(out, *y, name)?;
    let top = *y - 11;
    let filled = (u64::from(BAR) * u64::from(ppm) / 1_000_000) as u32;
    // A share above nothing stays visible.
    let filled = filled.max(u32::from(ppm > 0)).min(BAR);
    write!(
        out,
        "<rect class=\"gq-track\" x=\"{LABEL}\" y=\"{top}\" width=\"{BAR}\" height=\"12\" rx=\"2\" \
         fill-opacity=\".12\"/>\
         <rect class=\"{class}\" x=\"{LABEL}\" y=\"{top}\" width=\"{filled}\" height=\"12\" rx=\"2\" \
         fill-opacity=\".75\"/>\
         <text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{} %</text>",
        percent(ppm)
    )?;
    *y += STEP;
    Ok(())
}

fn muted(out: &mut String, y: &mut u32, name: &str, text: &str) -> fmt::Result {
    label(out, *y, name)?;
    let text = escape(text);
    write!(
        out,
        "<text class=\"gq-muted\" x=\"{LABEL}\" y=\"{y}\" fill-opacity=\".6\">{text}</text>"
    )?;
    *y += STEP;
    Ok(())
}

fn description(report: &Report) -> String {
    let dimensions = report.dimensions.iter().map(|dimension| {
        let score = dimension.score_ppm.map_or_else(
            || "not applicable".into(),
            |ppm| format!("{} %", percent(ppm)),
        );
        format!("{} {score}", dimension.name.name())
    });
    let missing = report.profile.iter().filter(|c| c.missing > 0).count();
    format!(
        "{}; {missing} of {} columns have missing cells.",
        dimensions.collect::<Vec<_>>().join(", "),
        report.columns
    )
}

pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
