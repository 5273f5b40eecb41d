//! What of a contribution stands in datasets of other owners already.
//!
//! The child hands over sketches: the least hashes of the rows, of the key and of each
//! column. The node keys them, looks each up in an index of (keyed hash, dataset), and adds
//! them to it: the cost is that of the new sketches, whatever stands in the node. Where that
//! is an estimate and may matter, rows and keys are counted one by one (`exact`).
//!
//! Inside one dataset overlap is priced by the weights; in datasets of the same owner it is
//! the owner's affair; what a party brought to another dataset itself is its own; and what a
//! pool held before somebody else did is no copy when one more of its contributors brings it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use quality::contain::{COLUMN_K, K, Kind, MOST_COLUMNS, Share, Sketch};
use ring::hmac;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::OverlapView;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Fault;
use crate::store::contributions::{self, ContributionRow};
use crate::store::counters;
use crate::store::datasets::{self, DatasetRow};
use crate::store::sketches::{self as store, EntryRow, OverlapRow, SketchRow};

pub(in crate::flows) mod exact;

/// Share of rows from which on a contribution closes publishing.
const GATE_PPM: u32 = 300_000;
/// Smallest shares that are worth words: of rows, of keys, of a column's values.
const ROWS_PPM: u32 = 50_000;
const KEY_PPM: u32 = 300_000;
const COLUMN_PPM: u32 = 800_000;
/// Common hashes from which on rows are counted where an estimate has too little to go by.
const FEW: usize = 3;
/// Least number of such columns, and share of all columns that can be compared.
const COLUMNS: usize = 2;
const COLUMNS_PPM: u32 = 500_000;

/// Places of columns in a contract.
const MOST_PLACES: u32 = 2_000;

/// A sketch and its keyed hashes, in the same order.
pub(super) struct Keyed {
    sketch: Sketch,
    hashes: Vec<i64>,
}

/// Keys the sketches a child sent, as far as they are ones.
pub(super) fn keyed(key: &hmac::Key, sketches: Vec<Sketch>) -> Vec<Keyed> {
    let mut seen = BTreeSet::new();
    let sound = |sketch: &Sketch| {
        let k = if sketch.kind == Kind::Column {
            COLUMN_K
        } else {
            K
        };
        let ascending = sketch.hashes.is_sorted_by(|a, b| a < b);
        let reached = sketch
            .bound
            .is_none_or(|b| sketch.hashes.last() == Some(&b));
        let place = sketch.column.is_some() == (sketch.kind == Kind::Column)
            && sketch.column.is_none_or(|place| place < MOST_PLACES);
        sketch.hashes.len() <= k && ascending && reached && place
    };
    sketches
        .into_iter()
        .take(MOST_COLUMNS + 3)
        .filter(|sketch| sound(sketch) && seen.insert((sketch.kind, sketch.column)))
        .map(|sketch| Keyed {
            hashes: sketch
                .hashes
                .iter()
                .map(|h| keyed_hash(key, sketch.kind, *h))
                .collect(),
            sketch,
        })
        .collect()
}

/// Rows, keys and columns do not meet: the kind is part of what is keyed.
fn keyed_hash(key: &hmac::Key, kind: Kind, hash: u64) -> i64 {
    let mut context = hmac::Context::with_key(key);
    context.update(kind.name().as_bytes());
    context.update(&hash.to_le_bytes());
    let tag = context.sign();
    let mut bytes = [0; 8];
    for (byte, of_tag) in bytes.iter_mut().zip(tag.as_ref()) {
        *byte = *of_tag;
    }
    i64::from_le_bytes(bytes)
}

/// Looks the sketches of a contribution up, keeps what is found, and adds them to the index.
/// Within the transaction that accepts it.
pub(super) fn record(
    db: &mut Db,
    row: &ContributionRow,
    dataset: &DatasetRow,
    contract: &Value,
    sketches: &[Keyed],
    exact: &exact::Exact,
) -> Result<(), Fault> {
    // One after the other: of two copies at the same time, one sees the other.
    counters::next(db, counters::COMPARED)?;
    let found = Search::new(db, row, dataset).run(sketches, contract, exact)?;
    store::insert_overlaps(db, &found)?;
    exact.keep(db, row)?;
    let rows: Vec<SketchRow> = sketches
        .iter()
        .map(|keyed| SketchRow {
            contribution_id: row.id,
            kind: keyed.sketch.kind.name().to_owned(),
            place: i32::try_from(keyed.sketch.column.unwrap_or(0)).unwrap_or(i32::MAX),
            members: i64::try_from(keyed.sketch.distinct()).unwrap_or(i64::MAX),
            bound: keyed.sketch.bound.map(|bound| (bound >> 1) as i64),
        })
        .collect();
    let mut hashes: Vec<i64> = sketches.iter().flat_map(|k| k.hashes.clone()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let entries: Vec<EntryRow> = hashes
        .into_iter()
        .map(|hash| EntryRow {
            hash,
            dataset_id: row.dataset_id,
            contribution_id: row.id,
        })
        .collect();
    store::insert(db, &rows, &entries)
}

/// A contribution being looked up.
struct Search<'a> {
    db: &'a mut Db,
    row: &'a ContributionRow,
    owner: Key,
    /// Contributions met so far.
    known: HashMap<Key, Holder>,
    /// Own hashes met in each of them, over all sketches.
    weights: HashMap<Key, u64>,
    owners: HashMap<Key, Key>,
}

/// A contribution in whose name hashes stand.
#[derive(Clone, Copy)]
struct Holder {
    dataset: Key,
    receipt: i64,
    /// Of the same party, or in the same dataset: what stood here first is from nobody else.
    ours: bool,
    /// Of somebody else, in a dataset of another owner, received before.
    other: bool,
}

/// What one sketch shares with one dataset.
#[derive(Default)]
struct Met {
    /// Own hashes that stand there.
    hashes: Vec<u64>,
    contributions: BTreeSet<Key>,
    first_receipt: i64,
}

/// What an estimate says that is to be counted.
struct Screened {
    hits: BTreeMap<Key, Vec<Kind>>,
    weights: HashMap<Key, u64>,
}

impl<'a> Search<'a> {
    fn new(db: &'a mut Db, row: &'a ContributionRow, dataset: &DatasetRow) -> Self {
        Self {
            db,
            row,
            owner: dataset.owner_id,
            known: HashMap::new(),
            weights: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// Datasets and measures of which an estimate says that they may matter, and of how many
    /// hashes each contribution was met.
    fn screen(mut self, sketches: &[Keyed]) -> Result<Screened, Fault> {
        let mut hits: BTreeMap<Key, Vec<Kind>> = BTreeMap::new();
        let rows = sketches.iter().filter(|k| k.sketch.kind != Kind::Column);
        for keyed in rows {
            let kind = keyed.sketch.kind;
            for (dataset, met) in self.meet(keyed)? {
                let doubtful = match self.share(&keyed.sketch, &met)? {
                    Some(share) => {
                        share.margin_ppm > 0 && share.ppm + share.margin_ppm >= least(kind)
                    }
                    None => met.hashes.len() >= FEW,
                };
                if doubtful {
                    hits.entry(dataset).or_default().push(kind);
                }
            }
        }
        Ok(Screened {
            hits,
            weights: self.weights,
        })
    }

    fn run(
        mut self,
        sketches: &[Keyed],
        contract: &Value,
        exact: &exact::Exact,
    ) -> Result<Vec<OverlapRow>, Fault> {
        let mut found = Vec::new();
        let mut columns: BTreeMap<Key, (i64, Vec<u32>)> = BTreeMap::new();
        let comparable = sketches
            .iter()
            .filter(|k| k.sketch.kind == Kind::Column)
            .count();
        for keyed in sketches {
            let kind = keyed.sketch.kind;
            for (dataset, mut met) in self.meet(keyed)? {
                let estimate = self.share(&keyed.sketch, &met)?;
                let share = match exact.of(self.db, self.row, dataset, kind)? {
                    Some((share, first_receipt)) => {
                        met.first_receipt = first_receipt;
                        share
                    }
                    None => match estimate {
                        Some(share) => share,
                        None => continue,
                    },
                };
                if share.ppm < least(kind) {
                    continue;
                }
                if let (Kind::Column, Some(place)) = (kind, keyed.sketch.column) {
                    let (first, places) = columns.entry(dataset).or_insert((i64::MAX, Vec::new()));
                    *first = met.first_receipt.min(*first);
                    places.push(place);
                } else {
                    let gate = kind != Kind::Key && share.ppm >= GATE_PPM;
                    found.push(self.found(dataset, kind.name(), share, met.first_receipt, gate));
                }
            }
        }
        for (dataset, (first_receipt, places)) in columns {
            let ppm = ppm(places.len(), comparable);
            if places.len() >= COLUMNS && ppm >= COLUMNS_PPM {
                let share = Share { ppm, margin_ppm: 0 };
                let row = self.found(dataset, "columns", share, first_receipt, false);
                found.push(OverlapRow {
                    detail: names(contract, &places),
                    ..row
                });
            }
        }
        Ok(found)
    }

    fn found(
        &self,
        dataset: Key,
        measure: &str,
        share: Share,
        first_receipt: i64,
        gate: bool,
    ) -> OverlapRow {
        let small = |ppm: u32| i32::try_from(ppm).unwrap_or(1_000_000);
        OverlapRow {
            contribution_id: self.row.id,
            dataset_id: dataset,
            measure: measure.to_owned(),
            share_ppm: small(share.ppm),
            margin_ppm: small(share.margin_ppm),
            first_receipt,
            detail: "[]".to_owned(),
            gate,
            cleared_by: None,
            cleared_at: None,
            cleared_because: None,
        }
    }

    /// Datasets of other owners in which hashes of a sketch stand, brought by others before.
    fn meet(&mut self, keyed: &Keyed) -> Result<BTreeMap<Key, Met>, Fault> {
        let own: HashMap<i64, u64> = keyed
            .hashes
            .iter()
            .copied()
            .zip(keyed.sketch.hashes.iter().copied())
            .collect();
        let mut held = Vec::new();
        let mut first: HashMap<i64, i64> = HashMap::new();
        for entry in store::entries(self.db, &keyed.hashes)? {
            let holder = self.holder(entry.contribution_id)?;
            *self.weights.entry(entry.contribution_id).or_default() += 1;
            if holder.ours {
                let receipt = first.entry(entry.hash).or_insert(holder.receipt);
                *receipt = holder.receipt.min(*receipt);
            } else if holder.other {
                held.push((entry, holder));
            }
        }
        let mut met: BTreeMap<Key, Met> = BTreeMap::new();
        for (entry, holder) in held {
            let receipt = holder.receipt;
            if first.get(&entry.hash).is_some_and(|ours| *ours < receipt) {
                // It stood here before: who copied is the other one.
                continue;
            }
            let of = met.entry(holder.dataset).or_insert_with(|| Met {
                first_receipt: receipt,
                ..Met::default()
            });
            of.first_receipt = receipt.min(of.first_receipt);
            of.contributions.insert(entry.contribution_id);
            of.hashes.extend(own.get(&entry.hash));
        }
        Ok(met)
    }

    /// In whose name hashes stand.
    fn holder(&mut self, id: Key) -> Result<Holder, Fault> {
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        let other = contributions::by_id(self.db, id.0)?;
        let owner = match self.owners.get(&other.dataset_id) {
            Some(owner) => *owner,
            None => datasets::by_id(self.db, other.dataset_id.0)?.owner_id,
        };
        self.owners.insert(other.dataset_id, owner);
        let receipt = other.receipt_no.unwrap_or(i64::MAX);
        let same_dataset = other.dataset_id == self.row.dataset_id;
        let ours = same_dataset || other.party_id == self.row.party_id;
        let before = self.row.receipt_no.is_none_or(|mine| receipt < mine);
        let holder = Holder {
            dataset: other.dataset_id,
            receipt,
            ours,
            other: !ours && before && owner != self.owner,
        };
        self.known.insert(id, holder);
        Ok(holder)
    }

    /// The largest share that is certain: up to the reach of each sketch that was met,
    /// what stands there is known to, and others may hide more.
    fn share(&mut self, own: &Sketch, met: &Met) -> Result<Option<Share>, Fault> {
        let ids: Vec<Key> = met.contributions.iter().copied().collect();
        let bounds = store::bounds(self.db, &ids, own.kind.name())?;
        let mut best: Option<Share> = None;
        for (_, bound) in bounds {
            let bound = bound.map(|half| ((half as u64) << 1) | 1);
            let shared = met.hashes.iter().filter(|h| bound.is_none_or(|b| **h <= b));
            let share = Share::measured(own, bound, shared.count() as u64);
            let better = |share: &Share| best.is_none_or(|best| share.ppm > best.ppm);
            if let Some(share) = share.filter(better) {
                best = Some(share);
            }
        }
        Ok(best)
    }
}

/// Smallest share that is worth words.
fn least(kind: Kind) -> u32 {
    match kind {
        Kind::Rows | Kind::Loose => ROWS_PPM,
        Kind::Key => KEY_PPM,
        Kind::Column => COLUMN_PPM,
    }
}

fn ppm(part: usize, all: usize) -> u32 {
    u32::try_from(part as u64 * 1_000_000 / all.max(1) as u64).unwrap_or(1_000_000)
}

/// Names of columns by their places in a contract, as a JSON list.
fn names(contract: &Value, places: &[u32]) -> String {
    let name = |place: &u32| contract["columns"][*place as usize]["name"].as_str();
    Value::from(places.iter().filter_map(name).collect::<Vec<_>>()).to_string()
}

/// What was found, for whoever may see the contribution. Of a dataset that is not open to the
/// world the title is not told.
pub(super) fn views(db: &mut Db, contribution: Uuid) -> Result<Vec<OverlapView>, Fault> {
    let rows = store::overlaps(db, contribution)?;
    rows.into_iter().map(|row| view(db, row)).collect()
}

fn view(db: &mut Db, row: OverlapRow) -> Result<OverlapView, Fault> {
    let dataset = datasets::by_id(db, row.dataset_id.0)?;
    let public = datasets::facts(db, None, &dataset)?.public();
    let title = public.then_some(dataset.title);
    let columns: Vec<String> = serde_json::from_str(&row.detail).map_err(Fault::internal)?;
    Ok(OverlapView {
        text: words(&row, title.as_deref(), &columns),
        dataset: title,
        first_receipt: row.first_receipt,
        exact: counted(&row),
        measure: row.measure,
        share_ppm: row.share_ppm,
        margin_ppm: row.margin_ppm,
        columns,
        gate: row.gate,
        cleared_at: row.cleared_at.map(Into::into),
    })
}

fn words(row: &OverlapRow, title: Option<&str>, columns: &[String]) -> String {
    let about = format!("{} %", (row.share_ppm + 5_000) / 10_000);
    let there = match title {
        Some(title) => format!("\u{201c}{title}\u{201d}"),
        None => "a dataset of another owner that is not public".to_owned(),
    };
    let since = format!("since receipt {}{}", row.first_receipt, certainty(row));
    match row.measure.as_str() {
        "rows" => format!("{about} of this already stands in {there}, {since}."),
        "loose" => format!(
            "{about} of this already stands in {there}, {since}, but for rounding of numbers and times."
        ),
        "key" => format!("{about} of its keys already stand in {there}, {since}."),
        _ => format!(
            "The values of {} already stand in {there}, {since}.",
            columns.join(", ")
        ),
    }
}

/// Whether rows or keys were counted one by one: only columns are judged by samples alone.
fn counted(row: &OverlapRow) -> bool {
    row.margin_ppm == 0 && row.measure != "columns"
}

fn certainty(row: &OverlapRow) -> String {
    if counted(row) {
        return " (counted exactly)".to_owned();
    }
    if row.margin_ppm == 0 {
        return " (judged by samples of their values)".to_owned();
    }
    // Outwards, so that the words never promise more than the figures.
    let low = (row.share_ppm - row.margin_ppm).max(0) / 10_000;
    let high = ((row.share_ppm + row.margin_ppm).min(1_000_000) + 9_999) / 10_000;
    format!(" (estimated: {low} to {high} % with 95 % certainty)")
}

/// What keeps a dataset from being published, in words; `None` when nothing does.
pub(super) fn gate(db: &mut Db, dataset: Uuid) -> Result<Option<String>, Fault> {
    let gates = store::gates(db, dataset)?;
    let Some((row, receipt)) = gates.into_iter().next() else {
        return Ok(None);
    };
    let found = view(db, row)?.text;
    Ok(Some(format!(
        "Contribution № {} cannot be published here: {found} Its contributor withdraws it, or an operator clears it.",
        receipt.unwrap_or_default()
    )))
}
