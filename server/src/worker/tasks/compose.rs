//! From contributions to a revision: weigh first, on fixed-size marks alone; then, where the
//! contract declares strata or a label, weigh by them; then join the kept rows of the cleaned
//! files; then grade the whole.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};

use bytes::Bytes;
use dataset_core::columns::Contract;
use dataset_core::digest::Hasher;
use dataset_core::pack::{self, KeepMask, Part};
use dataset_core::preflight;
use dataset_core::seal::Plaintext;
use quality::Policy;
use quality::weigh::{
    self, Clusters, Composition, ContributionWeight, Holding, KeyedRow, Lesson, Repeats,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::child::Voice;
use super::super::fd;
use super::super::wire::{
    ClaimedPart, ComposeTask, ComposedFinding, Finding, Frame, HoldingTask, LatePart, LearnedPart,
    MARK_LEN, Weighed, WeighedPart,
};
use super::{Stop, broken, near, open_own, recipient, seal_whole};

/// Name of the rule that weighs, part of what is hashed.
const RULE: &str = "gated quotient coverage/1";

pub(in super::super) fn run(task: ComposeTask, voice: &mut Voice) -> Finding {
    compose(&task, voice).unwrap_or_else(Finding::from)
}

fn compose(task: &ComposeTask, voice: &mut Voice) -> Result<Finding, Stop> {
    let contract = Contract::from_json(task.contract.to_string().as_bytes()).map_err(broken)?;
    let marks = read_all_marks(&task.holdings)?;
    let (composition, parts) = weighed(task, &contract, &marks, voice)?;
    if task.weigh_only {
        return Ok(Finding::Weighed);
    }
    write(task, &contract, parts, &composition, voice).map(Finding::Composed)
}

/// Weighs the rows and says so, before any cleaned file is opened and once more after.
fn weighed(
    task: &ComposeTask,
    contract: &Contract,
    marks: &[Vec<KeyedRow>],
    voice: &mut Voice,
) -> Result<(Composition, Vec<OpenPart>), Stop> {
    voice.stage("weighing");
    let ids = near::clusters(task, marks)?;
    let holdings = holdings(&task.holdings, marks, ids.as_deref());
    let clusters = Clusters::new(&holdings, repeats(contract)).map_err(broken)?;
    let claims = read_claims(&task.holdings)?;
    let inputs = inputs(task, marks, ids.as_deref(), &claims)?;
    let payees: Vec<Uuid> = claims.iter().map(|claim| claim.payee).collect();
    let numbered = claims.into_iter().zip(0u32..);
    let clusters =
        clusters.with_claims(numbered.map(|(claim, number)| (number, claim.at, claim.rows())));
    let plain = weigh::compose_clusters(&clusters);
    say(voice, summary(&plain, &task.holdings, &inputs, &payees))?;
    if plain.rows_delivered == 0 {
        return Err(Stop::Refused {
            code: "nothing_to_deliver".to_owned(),
            message: "No row of the accepted contributions is left to deliver.".to_owned(),
            report: None,
        });
    }
    let mut parts = open_parts(&task.holdings)?;
    let Some((clusters, learned)) = learned(task, clusters, &mut parts, voice)? else {
        return Ok((plain, parts));
    };
    let composition = weigh::compose_clusters(&clusters);
    let weighed = Weighed {
        learned: Some(learned),
        ..summary(&composition, &task.holdings, &inputs, &payees)
    };
    say(voice, weighed)?;
    Ok((composition, parts))
}

/// Joins the kept rows, grades the whole and seals it.
fn write(
    task: &ComposeTask,
    contract: &Contract,
    parts: Vec<OpenPart>,
    composition: &Composition,
    voice: &mut Voice,
) -> Result<ComposedFinding, Stop> {
    voice.stage("joining rows");
    let (file, composed) = join(task, contract, parts, composition)?;
    let file = Bytes::from(file);
    voice.stage("grading the revision");
    let graded = super::assess::grade(&file, task.contract.to_string().as_bytes(), task.as_of)?;
    let report = about(graded.report, &composed);
    voice.stage("sealing");
    let recipient = recipient(&task.recipient)?;
    seal_whole(fd::OUTPUT, &recipient, &file)?;
    seal_whole(fd::PREVIEW, &recipient, &graded.preview)?;
    Ok(ComposedFinding {
        rows: composed.rows,
        grade: graded.grade,
        report,
        size: composed.file_len,
        sha256: composed.file_sha256.to_string(),
    })
}

/// A report that names the file it is about.
fn about(mut report: Value, composed: &pack::Composed) -> Value {
    if let Some(report) = report.as_object_mut() {
        let file = json!({
            "format": "parquet",
            "bytes": composed.file_len,
            "sha256": composed.file_sha256.to_string(),
        });
        report.insert("input".to_owned(), file);
    }
    report
}

/// With a declared key, a row that stands twice says the same twice.
fn repeats(contract: &Contract) -> Repeats {
    if contract.key.is_empty() {
        Repeats::Facts
    } else {
        Repeats::Echoes
    }
}

fn read_all_marks(holdings: &[HoldingTask]) -> Result<Vec<Vec<KeyedRow>>, Stop> {
    let inputs = holdings.iter().zip(fd::INPUTS..);
    inputs
        .map(|(holding, descriptor)| read_marks(holding, descriptor))
        .collect()
}

fn holdings<'m>(
    tasks: &[HoldingTask],
    marks: &'m [Vec<KeyedRow>],
    ids: Option<&'m [Vec<[u8; 16]>]>,
) -> Vec<Holding<'m>> {
    let of = tasks.iter().zip(marks).enumerate();
    let holdings = of.map(|(at, (holding, rows))| Holding {
        contribution: holding.contribution,
        entity: holding.entity,
        receipt_no: holding.receipt_no,
        first_published: holding.published_mark,
        q_hundredths: holding.grade,
        rows,
        tombstone: !holding.standing,
        clusters: ids.and_then(|ids| ids.get(at)).map(Vec::as_slice),
        judges: holding.judges,
    });
    holdings.collect()
}

/// Digest of everything that the weights follow from, so that two weighings can be compared.
fn inputs(
    task: &ComposeTask,
    marks: &[Vec<KeyedRow>],
    ids: Option<&[Vec<[u8; 16]>]>,
    claims: &[Claim],
) -> Result<String, Stop> {
    let mut all = Hasher::new();
    all.update(RULE.as_bytes());
    all.update(&serde_json_canonicalizer::to_vec(&task.contract).map_err(broken)?);
    for (holding, rows) in task.holdings.iter().zip(marks) {
        all.update(holding.contribution.as_bytes());
        all.update(holding.entity.as_bytes());
        all.update(&holding.receipt_no.to_le_bytes());
        let published = holding.published_mark.map_or(u64::MAX, |mark| mark);
        all.update(&published.to_le_bytes());
        all.update(&holding.grade.to_le_bytes());
        all.update(&[u8::from(holding.standing)]);
        all.update(&(rows.len() as u64).to_le_bytes());
        for row in rows {
            all.update(&row.fp);
            all.update(&row.quality.to_le_bytes());
        }
    }
    for id in ids.into_iter().flatten().flatten() {
        all.update(id);
    }
    for claim in claims {
        all.update(&(claim.at as u64).to_le_bytes());
        all.update(claim.payee.as_bytes());
        all.update(&claim.bits);
    }
    Ok(all.finish().to_string())
}

/// Rows of a holding that somebody claims.
struct Claim {
    at: usize,
    payee: Uuid,
    bits: Vec<u8>,
}

impl Claim {
    fn rows(self) -> impl Iterator<Item = usize> {
        let places = |(at, byte): (usize, u8)| {
            let set = (0..8).filter(move |bit| byte >> bit & 1 == 1);
            set.map(move |bit| at * 8 + bit)
        };
        self.bits.into_iter().enumerate().flat_map(places)
    }
}

/// The files of claims stand behind the items.
fn read_claims(holdings: &[HoldingTask]) -> Result<Vec<Claim>, Stop> {
    let kept = holdings.iter().filter(|of| of.items_key.is_some());
    let first = fd::INPUTS + i32::try_from(holdings.len() + kept.count()).map_err(broken)?;
    let all = holdings.iter().enumerate();
    let all = all.flat_map(|(at, holding)| holding.claims.iter().map(move |claim| (at, claim)));
    all.zip(first..)
        .map(|((at, claim), descriptor)| {
            let mut bits = Vec::new();
            let mut file = open_own(descriptor, &claim.key)?;
            file.read_to_end(&mut bits).map_err(broken)?;
            let payee = claim.payee;
            Ok(Claim { at, payee, bits })
        })
        .collect()
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

fn say(voice: &mut Voice, weighed: Weighed) -> Result<(), Stop> {
    voice
        .say(&Frame::Weighed(Box::new(weighed)))
        .map_err(|error| Stop::broken(error.to_string()))
}

/// The cleaned file of a holding, with its place among the holdings.
type OpenPart = (usize, Plaintext<File>);

fn open_parts(holdings: &[HoldingTask]) -> Result<Vec<OpenPart>, Stop> {
    let kept = holdings.iter().filter(|of| of.items_key.is_some());
    let claims = holdings.iter().map(|of| of.claims.len());
    let before = holdings.len() + kept.count() + claims.sum::<usize>();
    let first = fd::INPUTS + i32::try_from(before).map_err(broken)?;
    let standing = holdings.iter().enumerate();
    let standing = standing.filter_map(|(at, holding)| Some((at, holding.part_key.as_ref()?)));
    standing
        .zip(first..)
        .map(|((at, key), descriptor)| Ok((at, open_own(descriptor, key)?)))
        .collect()
}

/// Clusters with the factors of strata and utility, where the contract declares any. Only now
/// cleaned files are opened: the node has been told the weights without factors, and accepts no
/// others than follow from them.
fn learned<'m>(
    task: &ComposeTask,
    clusters: Clusters<'m>,
    parts: &mut [OpenPart],
    voice: &mut Voice,
) -> Result<Option<(Clusters<'m>, LearnedPart)>, Stop> {
    let policy = Policy::from_json(task.contract.to_string().as_bytes()).map_err(broken)?;
    let Some(mut lesson) = Lesson::new(&clusters, &policy) else {
        return Ok(None);
    };
    voice.stage("learning from the rows");
    for (at, part) in parts {
        if lesson.wants(*at) {
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).map_err(broken)?;
            part.rewind().map_err(broken)?;
            lesson.read(*at, &Bytes::from(bytes)).map_err(broken)?;
        }
    }
    let (factors, learned) = lesson.factors().map_err(broken)?;
    let clusters = clusters.with_factors(factors).map_err(broken)?;
    let learned = LearnedPart {
        strata: learned.strata,
        train: learned.train,
        tests: learned.tests,
        tests_used: learned.tests_used,
    };
    Ok(Some((clusters, learned)))
}

fn join(
    task: &ComposeTask,
    contract: &Contract,
    opened: Vec<OpenPart>,
    composition: &Composition,
) -> Result<(Vec<u8>, pack::Composed), Stop> {
    let weights = composition.contributions.iter();
    let parts = opened
        .into_iter()
        .zip(weights)
        .map(|((_, reader), weight)| Part {
            reader,
            keep: KeepMask::from_bools(&weight.kept),
        });
    let parts: Vec<_> = parts.collect();
    let limits = preflight::Limits {
        decoded_len: task.max_decoded_bytes,
        ..preflight::Limits::default()
    };
    pack::compose(parts, contract, &limits, Vec::new()).map_err(|refusal| Stop::refused(&refusal))
}

fn summary(
    composition: &Composition,
    holdings: &[HoldingTask],
    inputs: &str,
    payees: &[Uuid],
) -> Weighed {
    let parties: HashMap<Uuid, Uuid> = holdings
        .iter()
        .map(|holding| (holding.contribution, holding.party))
        .collect();
    let party = |contribution: &Uuid| parties.get(contribution).copied().unwrap_or_default();
    // Parties of one entity are weighed as one and paid each for its own contributions.
    let mut weights: BTreeMap<Uuid, u128> = BTreeMap::new();
    for of in &composition.contributions {
        if of.mass > 0 || !of.claimed.is_empty() {
            *weights.entry(party(&of.contribution)).or_default() += of.mass;
        }
        for (number, claimed) in &of.claimed {
            let payee = payees.get(*number as usize).copied().unwrap_or_default();
            *weights.entry(payee).or_default() += claimed.mass;
        }
    }
    let weights = weights
        .into_iter()
        .map(|(party, weight)| (party, weight.to_string()));
    let parts = composition.contributions.iter();
    Weighed {
        parts: parts.map(|of| part(of, party, payees)).collect(),
        weights: weights.collect(),
        rows: composition.rows_delivered,
        inputs: inputs.to_owned(),
        learned: None,
    }
}

fn part(
    weight: &ContributionWeight,
    party: impl Fn(&Uuid) -> Uuid,
    payees: &[Uuid],
) -> WeighedPart {
    // Two claims that were decided for one party are one.
    let mut claimed: BTreeMap<Uuid, (u64, u128)> = BTreeMap::new();
    for (number, part) in &weight.claimed {
        let payee = payees.get(*number as usize).copied().unwrap_or_default();
        let sum = claimed.entry(payee).or_default();
        *sum = (sum.0 + part.clusters, sum.1 + part.mass);
    }
    let claimed = claimed.into_iter().map(|(payee, (rows, mass))| {
        let mass = mass.to_string();
        (payee, ClaimedPart { rows, mass })
    });
    let late = weight.late.iter().map(|late| LatePart {
        contribution: late.contribution,
        party: party(&late.contribution),
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
        claimed: claimed.collect(),
        mean_quality_ppm: weight.mean_quality_ppm(),
        mean_utility_ppm: weight.mean_utility_ppm(),
    }
}
