//! How much of a file stands in others, whatever their columns are called.

use std::path::Path;

use quality::contain::{self, Other, SketchSize};
use quality::{Gate, Inspection, Options, Policy, Section};

use super::open;
use crate::cli::args::Assess;
use crate::cli::stop::Outcome;
use crate::clock::Clock;

/// A section that says for each other file how many rows, keys and values of columns stand in
/// it, and a gate for each that has much of the rows.
pub fn compare(
    inspection: &Inspection,
    args: &Assess,
    policy: &Policy,
) -> Outcome<(Section, Vec<Gate>)> {
    let others = args.against.iter().map(|file| other(file, args, policy));
    let others = others.collect::<Outcome<Vec<Other>>>()?;
    let columns = names(inspection);
    Ok(contain::against(&inspection.sketches, &columns, &others))
}

fn names(inspection: &Inspection) -> Vec<String> {
    let columns = inspection.report.profile.iter();
    columns.map(|column| column.name.clone()).collect()
}

/// Sketches of another file, with its own columns and types.
fn other(file: &Path, args: &Assess, policy: &Policy) -> Outcome<Other> {
    let mut opened = open::open(file, &args.reading, true)?;
    let schema = opened.source.schema();
    let there = |name: &String| schema.field_with_name(name).is_ok();
    let named = |names: &[String]| names.iter().filter(|name| there(name)).cloned().collect();
    let policy = Policy {
        key: match policy.key.iter().all(there) {
            true => policy.key.clone(),
            false => Vec::new(),
        },
        surrogate: named(&policy.surrogate),
        null_tokens: policy.null_tokens.clone(),
        ..Policy::default()
    };
    let options = Options {
        marks: false,
        sketches: Some(SketchSize::Exact),
        memory: (args.reading.memory as usize) << 20,
        ..Options::at(Clock::System.now())
    };
    let source = opened.source.as_mut();
    let inspection = quality::assess_source(source, &policy, options, None, &mut |_| {})
        .map_err(|error| open::stop(file, &error))?;
    Ok(Other {
        name: file.display().to_string(),
        columns: names(&inspection),
        sketches: inspection.sketches,
    })
}
