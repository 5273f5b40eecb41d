//! Quality reports in a few lines: where the points went.

use quality::report::{Loss, Report};
use serde_json::Value;

use super::table::{Table, grade, grouped};

/// Most lines shown; the whole report is one `--json` away.
const MOST: usize = 8;

/// The losses of a report, most first; nothing when it is not a report of this version.
#[must_use]
pub fn losses(report: &Value) -> Vec<Loss> {
    serde_json::from_value::<Report>(report.clone())
        .map(|report| report.losses)
        .unwrap_or_default()
}

/// What keeps the rows from being published, and what to do about it.
#[must_use]
pub fn gates(report: &Value) -> Vec<String> {
    let gates = serde_json::from_value::<Report>(report.clone()).map(|report| report.gates);
    let gates = gates.unwrap_or_default().into_iter();
    gates.map(|gate| gate.reason).collect()
}

/// Losses as a table set in by some spaces.
#[must_use]
pub fn table(losses: &[Loss], indent: usize) -> String {
    let heads = [
        ">points",
        "lost to",
        "column",
        "rule",
        ">how often",
        ">first row",
        ">grade without",
    ];
    let mut table = Table::new(&heads).indented(indent);
    for loss in losses.iter().take(MOST) {
        table.row([
            format!(
                "{}.{:02}",
                loss.lost_hundredths / 100,
                loss.lost_hundredths % 100
            ),
            dimension(loss),
            loss.column.clone().unwrap_or_default(),
            loss.rule.clone(),
            grouped(i64::try_from(loss.count).unwrap_or(i64::MAX)),
            loss.rows.first().map_or(String::new(), ToString::to_string),
            grade(i32::try_from(loss.q_if_fixed_hundredths).ok(), None),
        ]);
    }
    table.to_string()
}

fn dimension(loss: &Loss) -> String {
    match serde_json::to_value(loss.dimension) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}
