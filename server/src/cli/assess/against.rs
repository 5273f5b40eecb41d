//! A file beside others: how much of it stands there, whatever their columns are called, and what
//! has changed since them.

use std::path::Path;

use quality::contain::{self, Other, SketchSize};
use quality::drift::Earlier;
use quality::{ColumnRule, Inspection, Options, Policy};

use super::open;
use crate::cli::args::Assess;
use crate::cli::stop::Outcome;
use crate::clock::Clock;

/// The other files, read once.
#[derive(Default)]
pub struct Others {
    tables: Vec<Other>,
    /// What is remembered of them.
    pub earlier: Vec<Earlier>,
}

impl Others {
    /// Reads the files that `--against` names.
    pub fn read(args: &Assess, policy: &Policy) -> Outcome<Self> {
        let mut others = Self::default();
        for file in &args.against {
            let mut inspection = inspect(file, args, policy)?;
            let name = file.display().to_string();
            let summary = inspection.preview.summary.take();
            others.earlier.extend(summary.map(|summary| Earlier {
                name: name.clone(),
                summary,
            }));
            others.tables.push(Other {
                name,
                columns: names(&inspection),
                sketches: inspection.sketches,
            });
        }
        Ok(others)
    }

    /// Adds a section that says for each other file how many rows, keys and values of columns
    /// stand in it, and a gate for each that has much of the rows.
    pub fn compare(&self, inspection: &mut Inspection) {
        if self.tables.is_empty() {
            return;
        }
        let columns = names(inspection);
        let (section, gates) = contain::against(&inspection.sketches, &columns, &self.tables);
        inspection.report.sections.push(section);
        inspection.report.gates.extend(gates);
    }
}

fn names(inspection: &Inspection) -> Vec<String> {
    let columns = inspection.report.profile.iter();
    columns.map(|column| column.name.clone()).collect()
}

/// Another file, its columns read as the rules say where they name them, else as they are.
fn inspect(file: &Path, args: &Assess, policy: &Policy) -> Outcome<Inspection> {
    let mut opened = open::open(file, &args.reading, true)?;
    let found = quality::columns_of(opened.source.as_ref());
    let found = found.map_err(|error| open::stop(file, &error))?;
    let there = |name: &String| found.iter().any(|rule| rule.name == *name);
    let named = |names: &[String]| names.iter().filter(|name| there(name)).cloned().collect();
    let columns = found.iter().map(|rule| ColumnRule {
        optional: true,
        ..declared(policy, rule)
    });
    let policy = Policy {
        columns: columns.collect(),
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
        drift: Some(&[]),
        memory: (args.reading.memory as usize) << 20,
        ..Options::at(Clock::System.now())
    };
    let source = opened.source.as_mut();
    quality::assess_source(source, &policy, options, None, &mut |_| {})
        .map_err(|error| open::stop(file, &error))
}

fn declared(policy: &Policy, found: &ColumnRule) -> ColumnRule {
    let mut declared = policy.columns.iter();
    let declared = declared.find(|rule| rule.name == found.name);
    declared.unwrap_or(found).clone()
}
