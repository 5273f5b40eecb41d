//! How much of a file stands in others.

use std::collections::HashSet;
use std::path::Path;

use quality::{ColumnRule, Figure, Options, Policy, Report, RowMarks, Section};

use super::open;
use crate::cli::args::Assess;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::clock::Clock;

/// A section that says for each other file how many rows are the same.
pub fn section(file: &Path, report: &Report, args: &Assess, policy: &Policy) -> Outcome<Section> {
    let policy = as_contract(report, policy)?;
    let own = marks(file, args, &policy)?;
    let distinct: HashSet<u128> = own.fingerprints.iter().copied().collect();
    let mut rows = Vec::new();
    let mut most = 0;
    for other in &args.against {
        let name = other.display().to_string();
        let theirs: HashSet<u128> = marks(other, args, &policy)?
            .fingerprints
            .into_iter()
            .collect();
        let shared = own
            .fingerprints
            .iter()
            .filter(|print| theirs.contains(print))
            .count();
        let both = distinct.intersection(&theirs).count();
        let share = ppm(shared, own.fingerprints.len());
        most = most.max(share);
        rows.push(vec![
            Figure::Text(name),
            Figure::Count(theirs.len() as u64),
            Figure::Count(shared as u64),
            Figure::Ppm(share),
            Figure::Ppm(ppm(both, theirs.len())),
        ]);
    }
    Ok(Section {
        name: "containment".to_owned(),
        title: "Rows that stand in other files".to_owned(),
        summary: format!(
            "At most {}.{:02} % of the rows stand in one of {} other files.",
            most / 10_000,
            most % 10_000 / 100,
            rows.len()
        ),
        method: "Equality of canonical fingerprints of cleaned rows (128 bits), over the columns \
                 of this file without surrogates; order of rows and columns does not matter."
            .to_owned(),
        heads: [
            "file",
            "distinct rows",
            "shared rows",
            "of this file",
            "of the other",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    })
}

/// The columns of the file as a contract, so that every other file is read the same way.
fn as_contract(report: &Report, policy: &Policy) -> Outcome<Policy> {
    if policy.is_declared() {
        return Ok(policy.clone());
    }
    let columns = report.profile.iter().map(|column| {
        let kind = column
            .kind
            .parse()
            .map_err(|error: String| Stop::new(Exit::Machine, error))?;
        Ok(ColumnRule::bare(column.name.clone(), kind))
    });
    Ok(Policy {
        columns: columns.collect::<Outcome<_>>()?,
        ..policy.clone()
    })
}

fn marks(file: &Path, args: &Assess, policy: &Policy) -> Outcome<RowMarks> {
    let mut opened = open::open(file, &args.reading, false)?;
    let options = Options::at(Clock::System.now());
    quality::assess_source(opened.source.as_mut(), policy, options, None, &mut |_| {})
        .map(|inspection| inspection.rows)
        .map_err(|error| open::stop(file, &error))
}

fn ppm(part: usize, whole: usize) -> u32 {
    let share = part as u128 * 1_000_000 / whole.max(1) as u128;
    u32::try_from(share).unwrap_or(1_000_000)
}
