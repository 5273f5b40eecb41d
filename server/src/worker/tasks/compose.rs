//! From contributions to a revision: weigh first, on fixed-size marks alone; then join the
//! kept rows of the cleaned files; then grade the whole.

use std::io::Read;

use dataset_core::columns::Contract;
use dataset_core::pack::{self, KeepMask, Part};
use dataset_core::preflight;
use quality::weigh::{self, Composition, ContributionWeight, Holding, KeyedRow, Repeats};

use super::super::child::Voice;
use super::super::fd;
use super::super::wire::{
    ComposeTask, ComposedFinding, Finding, Frame, HoldingTask, LatePart, MARK_LEN, Weighed,
    WeighedPart,
};
use super::{Stop, open_own, recipient, seal_whole};

pub(in super::super) fn run(task: ComposeTask, voice: &mut Voice) -> Finding {
    compose(&task, voice).map_or_else(Finding::from, Finding::Composed)
}

fn compose(task: &ComposeTask, voice: &mut Voice) -> Result<ComposedFinding, Stop> {
    voice.stage("weighing");
    let contract = Contract::from_json(task.contract.to_string().as_bytes())
        .map_err(|error| Stop::broken(error.to_string()))?;
    let composition = weigh(&task.holdings, repeats(&contract))?;
    let weighed = Frame::Weighed(Box::new(summary(&composition)));
    voice
        .say(&weighed)
        .map_err(|error| Stop::broken(error.to_string()))?;
    if composition.rows_delivered == 0 {
        return Err(Stop::Refused {
            code: "nothing_to_deliver".to_owned(),
            message: "No row of the accepted contributions is left to deliver.".to_owned(),
            report: None,
        });
    }
    voice.stage("joining rows");
    let (file, composed) = join(task, &contract, composition)?;
    voice.stage("grading the revision");
    let graded = super::assess::grade(&file, task.contract.to_string().as_bytes(), task.as_of)?;
    voice.stage("sealing");
    let recipient = recipient(&task.recipient)?;
    seal_whole(fd::OUTPUT, &recipient, &file)?;
    seal_whole(fd::PREVIEW, &recipient, &graded.preview)?;
    Ok(ComposedFinding {
        rows: composed.rows,
        grade: graded.grade,
        report: graded.report,
        size: composed.file_len,
        sha256: composed.file_sha256.to_string(),
    })
}

/// With a declared key, a row that stands twice says the same twice.
fn repeats(contract: &Contract) -> Repeats {
    if contract.key.is_empty() {
        Repeats::Facts
    } else {
        Repeats::Echoes
    }
}

fn weigh(holdings: &[HoldingTask], repeats: Repeats) -> Result<Composition, Stop> {
    let mut marks = Vec::with_capacity(holdings.len());
    for (holding, descriptor) in holdings.iter().zip(fd::INPUTS..) {
        marks.push(read_marks(holding, descriptor)?);
    }
    let holdings: Vec<Holding<'_>> = holdings
        .iter()
        .zip(&marks)
        .map(|(holding, rows)| Holding {
            contribution: holding.contribution,
            entity: holding.party,
            receipt_no: holding.receipt_no,
            first_published: holding.published_mark,
            q_hundredths: holding.grade,
            rows,
            tombstone: holding.part_key.is_none(),
        })
        .collect();
    weigh::compose(&holdings, repeats).map_err(|error| Stop::broken(error.to_string()))
}

fn read_marks(holding: &HoldingTask, descriptor: i32) -> Result<Vec<KeyedRow>, Stop> {
    let mut marks = open_own(descriptor, &holding.marks_key)?;
    let count = marks.length() / MARK_LEN as u64;
    let mut rows = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut record = [0; MARK_LEN];
    for _ in 0..count {
        marks
            .read_exact(&mut record)
            .map_err(|error| Stop::broken(format!("marks: {error}")))?;
        let (fp, quality) = record.split_at(16);
        rows.push(KeyedRow {
            fp: fp.try_into().unwrap_or_default(),
            quality: u32::from_le_bytes(quality.try_into().unwrap_or_default()),
        });
    }
    Ok(rows)
}

fn join(
    task: &ComposeTask,
    contract: &Contract,
    composition: Composition,
) -> Result<(Vec<u8>, pack::Composed), Stop> {
    let standing = task
        .holdings
        .iter()
        .filter_map(|holding| holding.part_key.as_ref());
    let first = fd::INPUTS + i32::try_from(task.holdings.len()).unwrap_or(i32::MAX - fd::INPUTS);
    let mut parts = Vec::new();
    for ((key, weight), descriptor) in standing.zip(composition.contributions).zip(first..) {
        let reader = open_own(descriptor, key)?;
        parts.push(Part {
            reader,
            keep: KeepMask::from_bools(&weight.kept),
        });
    }
    let limits = preflight::Limits {
        decoded_len: task.max_decoded_bytes,
        ..preflight::Limits::default()
    };
    pack::compose(parts, contract, &limits, Vec::new()).map_err(|refusal| Stop::refused(&refusal))
}

fn summary(composition: &Composition) -> Weighed {
    let weights = composition
        .weights
        .iter()
        .map(|(party, weight)| (*party, weight.to_string()));
    Weighed {
        parts: composition.contributions.iter().map(part).collect(),
        weights: weights.collect(),
        rows: composition.rows_delivered,
    }
}

fn part(weight: &ContributionWeight) -> WeighedPart {
    let late = weight.late.iter().map(|late| LatePart {
        contribution: late.contribution,
        party: late.entity,
        receipt_no: late.receipt_no,
        rows: late.rows,
    });
    WeighedPart {
        contribution: weight.contribution,
        rows: weight.rows,
        kept: weight.rows_delivered,
        unique: weight.rows_unique,
        shared: weight.rows_shared.clone(),
        late: late.collect(),
        mass: weight.mass.to_string(),
        mean_quality_ppm: weight.mean_quality_ppm(),
    }
}
