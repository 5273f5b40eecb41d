//! The report as one page: no script, no font, nothing fetched. Every picture has a caption,
//! and its numbers as a table below it.

use std::fmt::{self, Write};

use super::chart::escape;
use super::render::{figure, place};
use super::{Figure, Report, Section, chart_svg, hundredths, percent};
use crate::assess::Preview;
use crate::profile::{ColumnPreview, Histogram};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--bar:#2f6f8f;--bad:#b4552d;--paper:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#36404d;--bar:#6db3d3;--bad:#e0936b;--paper:#12171e}}\
body{margin:2rem auto;max-width:60rem;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}p,figcaption{color:var(--soft);margin:.2rem 0}\
figure{margin:1rem 0}svg{max-width:100%;height:auto;display:block}\
.gq-bar{fill:var(--bar)}.gq-missing{fill:var(--bad)}\
table{border-collapse:collapse;font-size:.9rem;margin:.5rem 0}th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}summary{cursor:pointer;color:var(--soft)}\
.wide{overflow-x:auto}.gate{border-left:4px solid var(--bad);padding-left:.8rem;color:var(--ink)}\
.score{font-size:2.4rem;font-weight:650;font-variant-numeric:tabular-nums}\
.cell{display:inline-block;height:.7em;background:var(--bar);margin-right:.4em}";

pub(super) fn page(report: &Report, title: &str, values: Option<&Preview>) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_page(&mut out, report, title, values);
    out
}

fn write_page(
    out: &mut String,
    report: &Report,
    title: &str,
    values: Option<&Preview>,
) -> fmt::Result {
    let title = escape(title);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Quality of {title}</title><style>{STYLE}</style></head><body>\
         <h1>Quality of {title}</h1><p class=\"score\">{} <small>grade {}</small></p>\
         <p>{} rows, {} columns, {}, as of {}.{}</p>",
        hundredths(report.q_hundredths),
        escape(&report.grade),
        report.rows,
        report.columns,
        escape(&report.exactness),
        escape(&report.as_of),
        report.input.as_ref().map_or(String::new(), |input| format!(
            " {}, {} bytes, SHA-256 <code>{}</code>.",
            escape(&input.format),
            input.bytes,
            escape(&input.sha256)
        )),
    )?;
    for gate in &report.gates {
        write!(
            out,
            "<p class=\"gate\"><strong>Not to be published.</strong> {}</p>",
            escape(&gate.reason)
        )?;
    }
    dimensions(out, report)?;
    losses(out, report)?;
    cleaning(out, report)?;
    columns(out, report)?;
    for part in &report.sections {
        section(out, part)?;
    }
    if let Some(values) = values {
        previews(out, values)?;
    }
    if !report.not_measured.is_empty() {
        write!(
            out,
            "<h2>Not measured</h2><p>{}</p>",
            escape(&report.not_measured.join(", "))
        )?;
    }
    out.write_str("</body></html>\n")
}

/// A table; heads that begin with `>` stand over numbers.
fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let class = |head: &str| {
        if head.starts_with('>') {
            " class=\"n\""
        } else {
            ""
        }
    };
    out.write_str("<div class=\"wide\"><table><thead><tr>")?;
    for head in heads {
        write!(
            out,
            "<th scope=\"col\"{}>{}</th>",
            class(head),
            escape(head.trim_start_matches('>'))
        )?;
    }
    out.write_str("</tr></thead><tbody>")?;
    for row in rows {
        out.write_str("<tr>")?;
        for (cell, head) in row.iter().zip(heads) {
            write!(out, "<td{}>{}</td>", class(head), escape(cell))?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</tbody></table></div>")
}

fn dimensions(out: &mut String, report: &Report) -> fmt::Result {
    write!(
        out,
        "<figure>{}<figcaption>The score is the weighted geometric mean of the dimensions that \
         apply; below, the columns with most missing cells.</figcaption>\
         <details><summary>Numbers</summary>",
        chart_svg(report)
    )?;
    let heads = [
        "dimension",
        ">weight",
        ">score",
        ">bad",
        ">of",
        ">points lost",
        "ISO/IEC 25012",
        "GB/T 36344",
        "note",
    ];
    let number = |value: Option<u64>| value.map_or("–".into(), |value| value.to_string());
    let rows = report.dimensions.iter().map(|d| {
        vec![
            d.name.name().into(),
            format!("{} %", d.weight_percent),
            d.score_ppm
                .map_or("–".into(), |ppm| format!("{} %", percent(ppm))),
            number(d.bad),
            number(d.total),
            hundredths(d.lost_hundredths),
            d.iso_25012.clone(),
            d.gb_t_36344.clone(),
            d.note.clone().unwrap_or_default(),
        ]
    });
    table(out, &heads, rows)?;
    out.write_str("</details></figure>")
}

fn losses(out: &mut String, report: &Report) -> fmt::Result {
    const SHOWN: usize = 12;
    out.write_str("<h2>Where points were lost</h2>")?;
    if report.losses.is_empty() {
        return out.write_str("<p>Nowhere.</p>");
    }
    let most = report
        .losses
        .iter()
        .map(|loss| loss.lost_hundredths)
        .max()
        .unwrap_or(0);
    let bars = report.losses.iter().take(SHOWN).map(|loss| Bar {
        label: format!("{} {}", loss.dimension.name(), place(loss)),
        share: f64::from(loss.lost_hundredths) / f64::from(most.max(1)),
        value: format!(
            "{} → {}",
            hundredths(loss.lost_hundredths),
            hundredths(loss.q_if_fixed_hundredths)
        ),
    });
    out.write_str("<figure>")?;
    bar_chart(
        out,
        "Points lost, and the score if that alone were put right",
        &bars.collect::<Vec<_>>(),
    )?;
    out.write_str("<figcaption>Points lost by rule → the score if it alone were put right.</figcaption><details><summary>Numbers and rows</summary>")?;
    let heads = [
        ">points",
        "dimension",
        "column",
        "rule",
        ">times",
        ">share",
        ">if fixed",
        "first rows",
    ];
    let rows = report.losses.iter().map(|loss| {
        vec![
            hundredths(loss.lost_hundredths),
            loss.dimension.name().into(),
            loss.column.clone().unwrap_or_default(),
            loss.rule.clone(),
            loss.count.to_string(),
            format!("{} %", percent(loss.share_ppm)),
            hundredths(loss.q_if_fixed_hundredths),
            figure(&Figure::Rows(loss.rows.clone())),
        ]
    });
    table(out, &heads, rows)?;
    out.write_str("</details></figure>")
}

struct Bar {
    label: String,
    /// Of the longest, 0 to 1.
    share: f64,
    value: String,
}

fn bar_chart(out: &mut String, title: &str, bars: &[Bar]) -> fmt::Result {
    const STEP: usize = 26;
    const LABEL: usize = 260;
    const BAR: f64 = 260.0;
    let title = escape(title);
    write!(
        out,
        "<svg viewBox=\"0 0 680 {}\" role=\"img\" aria-label=\"{title}\" fill=\"currentColor\" \
         font-size=\"13\" font-family=\"inherit\"><title>{title}</title>",
        bars.len() * STEP + 6
    )?;
    for (at, bar) in bars.iter().enumerate() {
        let y = at * STEP + 16;
        let short: String = bar.label.chars().take(38).collect();
        // Whole tenths of a unit: the same picture everywhere.
        let width = (bar.share.clamp(0.0, 1.0) * BAR * 10.0).round() / 10.0;
        write!(
            out,
            "<text x=\"0\" y=\"{y}\">{}<title>{}</title></text>\
             <rect class=\"gq-missing\" x=\"{LABEL}\" y=\"{}\" width=\"{:.1}\" height=\"12\" rx=\"2\"/>\
             <text x=\"680\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            escape(&short),
            escape(&bar.label),
            y - 11,
            width.max(1.0),
            escape(&bar.value)
        )?;
    }
    out.write_str("</svg>")
}

fn cleaning(out: &mut String, report: &Report) -> fmt::Result {
    out.write_str("<h2>Cleaned automatically</h2>")?;
    if report.cleaning.is_empty() {
        return out.write_str("<p>Nothing had to be changed.</p>");
    }
    out.write_str("<details open><summary>Lossless changes, by rule and column</summary>")?;
    let rows = report.cleaning.iter().map(|line| {
        vec![
            line.column.clone(),
            line.rule.clone(),
            line.count.to_string(),
            figure(&Figure::Rows(line.rows.clone())),
        ]
    });
    table(out, &["column", "rule", ">cells", "first rows"], rows)?;
    out.write_str("</details>")
}

fn columns(out: &mut String, report: &Report) -> fmt::Result {
    let duplicates = &report.duplicates;
    write!(
        out,
        "<h2>Rows</h2><p>{} rows repeat an earlier one, {} are distinct ({}).{}</p><h2>Columns</h2>",
        duplicates.exact_rows,
        duplicates.distinct_rows,
        escape(&duplicates.scope),
        duplicates.key_repeats.map_or(String::new(), |n| format!(
            " {n} rows repeat an earlier key."
        ))
    )?;
    let heads = [
        "column",
        "type",
        "in the file",
        ">missing",
        ">",
        ">invalid",
        ">distinct",
    ];
    let rows = report.profile.iter().map(|column| {
        let about = if column.distinct_exact { "" } else { "≈ " };
        vec![
            column.name.clone(),
            column.kind.clone(),
            column.found.clone().unwrap_or_default(),
            column.missing.to_string(),
            format!("{} %", percent(column.missing_ppm)),
            column.invalid.to_string(),
            format!("{about}{}", column.distinct),
        ]
    });
    table(out, &heads, rows)
}

fn section(out: &mut String, section: &Section) -> fmt::Result {
    write!(
        out,
        "<h2>{}</h2><p>{}</p>",
        escape(&section.title),
        escape(&section.summary)
    )?;
    let drawn = section.rows.iter().filter_map(|row| {
        let share = row.iter().find_map(|cell| match cell {
            Figure::Ppm(ppm) => Some(*ppm),
            _ => None,
        })?;
        let label = row.first().map(figure).unwrap_or_default();
        Some(Bar {
            label,
            share: f64::from(share) / 1e6,
            value: format!("{} %", percent(share)),
        })
    });
    let drawn: Vec<Bar> = drawn.take(20).collect();
    out.write_str("<figure>")?;
    if !drawn.is_empty() {
        bar_chart(out, &section.title, &drawn)?;
    }
    write!(out, "<figcaption>{}</figcaption>", escape(&section.method))?;
    if !section.rows.is_empty() {
        out.write_str("<details><summary>Numbers</summary>")?;
        let heads: Vec<&str> = section.heads.iter().map(String::as_str).collect();
        table(
            out,
            &heads,
            section
                .rows
                .iter()
                .map(|row| row.iter().map(figure).collect()),
        )?;
        out.write_str("</details>")?;
    }
    out.write_str("</figure>")
}

fn previews(out: &mut String, values: &Preview) -> fmt::Result {
    out.write_str("<h2>Values</h2><p>This part reveals cells; keep it as you keep the data.</p>")?;
    for column in &values.columns {
        write!(out, "<h3>{}</h3>", escape(&column.name))?;
        preview(out, column)?;
    }
    Ok(())
}

fn preview(out: &mut String, column: &ColumnPreview) -> fmt::Result {
    let ends = [("smallest", &column.min), ("largest", &column.max)];
    let ends = ends
        .iter()
        .filter_map(|(word, value)| Some(format!("{word} {}", value.as_ref()?)));
    let mean = column.mean.map(|mean| format!("mean {mean}"));
    let facts: Vec<String> = ends.chain(mean).collect();
    if !facts.is_empty() {
        write!(out, "<p>{}</p>", escape(&facts.join(", ")))?;
    }
    if let Some(histogram) = &column.histogram {
        histogram_chart(out, &column.name, histogram)?;
    }
    if column.top.is_empty() {
        return Ok(());
    }
    out.write_str("<details><summary>Most frequent values</summary>")?;
    let rows = column
        .top
        .iter()
        .map(|value| vec![value.value.clone(), value.count.to_string()]);
    table(out, &["value", ">cells"], rows)?;
    out.write_str("</details>")
}

fn histogram_chart(out: &mut String, name: &str, histogram: &Histogram) -> fmt::Result {
    const HEIGHT: u64 = 80;
    const WIDTH: usize = 24;
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let label = escape(&format!("Distribution of {name}"));
    write!(
        out,
        "<figure><svg viewBox=\"0 0 {} {HEIGHT}\" role=\"img\" aria-label=\"{label}\" width=\"480\"><title>{label}</title>",
        histogram.counts.len() * WIDTH
    )?;
    for (at, count) in histogram.counts.iter().enumerate() {
        let height = (count * HEIGHT).div_ceil(most);
        write!(
            out,
            "<rect class=\"gq-bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"/>",
            at * WIDTH + 1,
            HEIGHT - height,
            WIDTH - 2
        )?;
    }
    let sampled = match histogram.every {
        1 => "all values".to_owned(),
        every => format!("every {every}th value"),
    };
    write!(
        out,
        "</svg><figcaption>{} to {}, {sampled}.</figcaption><details><summary>Numbers</summary>",
        histogram.from, histogram.to
    )?;
    let step = (histogram.to - histogram.from) / histogram.counts.len().max(1) as f64;
    let rows = histogram.counts.iter().enumerate().map(|(at, count)| {
        let from = histogram.from + step * at as f64;
        vec![
            format!("{from}"),
            format!("{}", from + step),
            count.to_string(),
        ]
    });
    table(out, &[">from", ">to", ">values"], rows)?;
    out.write_str("</details></figure>")
}
