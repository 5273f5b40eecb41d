//! Counts what sketches can only estimate: rows above 4,096 different ones.
//!
//! Where the screen says that it may matter, the keyed fingerprints of the new contribution's
//! rows are compared with those of the datasets it meets, and with what its own pool and its
//! contributor had before them. They are taken once from a contribution, when first asked for,
//! sealed and kept: the cost is that of the file and of the datasets it meets, never that of
//! everything in the node. One upload has at most [`MOST_TAKEN`] others opened for that, those
//! that hold most of it first; where that is not enough the estimate stands, with its margin,
//! and the next upload that meets them finds that much kept.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use dataset_core::seal::{FileKey, open_with_file_key};
use quality::contain::{COUNTED, Counted, Kind, Share, Slice};
use schema::columns::Key;
use schema::db::Db;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Keyed, Search};
use crate::blobs::{BlobKey, BlobKind, storage_fault};
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;
use crate::flows::assess::{drop_files, keep, open, stored};
use crate::store::contributions::{self, ContributionRow};
use crate::store::datasets::{self, DatasetRow};
use crate::worker::wire::PRINT_LEN;
use crate::worker::{self, Outcome};

/// Version of what is kept of a row; another one is taken anew.
const VERSION: u64 = 1;
/// Contributions compared at most, each an open file; beyond that the estimate stands.
const MOST_FILES: usize = 256;
/// Contributions of which one comparison takes fingerprints that are not kept yet: a child each.
const MOST_TAKEN: usize = 32;
/// Members counted at a time: 32 bytes each.
const SLICE: u64 = 1 << 21;
/// Records read at a time.
const AT_ONCE: usize = 4_096;

/// What was counted before a contribution is accepted.
#[derive(Default)]
pub(in crate::flows) struct Exact {
    figures: HashMap<(Key, Kind), Figure>,
    /// What had to be compared with, of the same pool and party.
    ours: Vec<Key>,
    /// Fingerprints of the contribution itself, and by which rule.
    own: Option<(BlobKey, String)>,
}

struct Figure {
    theirs: Vec<Key>,
    share: Share,
    first_receipt: i64,
}

impl Exact {
    /// The file to be dropped when the contribution is not accepted.
    pub fn file(&self) -> Option<BlobKey> {
        self.own.as_ref().map(|(blob, _)| *blob)
    }

    /// Keeps the fingerprints with the contribution they are of.
    pub(super) fn keep(&self, db: &mut Db, row: &ContributionRow) -> Result<(), Fault> {
        if let Some((blob, rule)) = &self.own {
            contributions::keep_prints(db, row.id.0, &blob.to_string(), rule)?;
        }
        Ok(())
    }

    /// The share and the receipt of its first row there, unless something was accepted
    /// meanwhile that was not counted: then the estimate stands.
    pub(super) fn of(
        &self,
        db: &mut Db,
        row: &ContributionRow,
        dataset: Key,
        kind: Kind,
    ) -> Result<Option<(Share, i64)>, Fault> {
        let Some(figure) = self.figures.get(&(dataset, kind)) else {
            return Ok(None);
        };
        let same =
            ids(&theirs(db, row, dataset)?) == figure.theirs && ids(&ours(db, row)?) == self.ours;
        Ok(same.then_some((figure.share, figure.first_receipt)))
    }
}

fn ids(rows: &[ContributionRow]) -> Vec<Key> {
    rows.iter().map(|row| row.id).collect()
}

/// What others brought to a dataset before.
fn theirs(db: &mut Db, row: &ContributionRow, dataset: Key) -> Result<Vec<ContributionRow>, Fault> {
    let mut rows = contributions::weighed(db, dataset.0)?;
    rows.retain(|other| other.party_id != row.party_id && before(other, row));
    Ok(rows)
}

/// What the pool and the party had before: no copy when it comes again.
fn ours(db: &mut Db, row: &ContributionRow) -> Result<Vec<ContributionRow>, Fault> {
    let mut rows = contributions::weighed(db, row.dataset_id.0)?;
    rows.extend(contributions::brought(db, row.party_id.0)?);
    rows.retain(|other| other.id != row.id && before(other, row));
    rows.sort_by_key(|other| (other.receipt_no, other.id.0));
    rows.dedup_by_key(|other| other.id);
    Ok(rows)
}

fn before(other: &ContributionRow, row: &ContributionRow) -> bool {
    row.receipt_no.is_none_or(|mine| receipt(other) < mine)
}

fn receipt(row: &ContributionRow) -> i64 {
    row.receipt_no.unwrap_or(i64::MAX)
}

/// Which contributions have to be compared.
struct Plan {
    hits: Vec<Hit>,
    ours: Vec<ContributionRow>,
    contracts: HashMap<Key, Value>,
    /// Those whose fingerprints are kept or are to be taken.
    within: HashSet<Key>,
}

/// A dataset of which the screen says that it may hold much.
struct Hit {
    dataset: Key,
    kinds: Vec<Kind>,
    theirs: Vec<ContributionRow>,
}

impl Hit {
    /// Receipt after which nothing of ours can have been first.
    fn latest(&self) -> i64 {
        self.theirs.iter().map(receipt).max().unwrap_or(0)
    }
}

impl Plan {
    fn read(
        db: &mut Db,
        row: &ContributionRow,
        dataset: &DatasetRow,
        sketches: &[Keyed],
    ) -> Result<Option<Self>, Fault> {
        let found = Search::new(db, row, dataset).screen(sketches)?;
        if found.hits.is_empty() {
            return Ok(None);
        }
        let ours = ours(db, row)?;
        let mut hits = Vec::new();
        for (dataset, kinds) in found.hits {
            let hit = Hit {
                dataset,
                kinds,
                theirs: theirs(db, row, dataset)?,
            };
            let earlier = ours.iter().filter(|o| receipt(o) < hit.latest());
            if hit.theirs.len() + earlier.count() <= MOST_FILES {
                hits.push(hit);
            }
        }
        if hits.is_empty() {
            return Ok(None);
        }
        let mut contracts = HashMap::new();
        let rows = hits.iter().flat_map(|hit| &hit.theirs).chain(&ours);
        let wanted: BTreeSet<Key> = rows.map(|other| other.dataset_id).collect();
        for id in wanted {
            if let Some(contract) = datasets::by_id(db, id.0)?.contract {
                let contract = serde_json::from_str(&contract).map_err(Fault::internal)?;
                contracts.insert(id, contract);
            }
        }
        let mut plan = Self {
            hits,
            ours,
            contracts,
            within: HashSet::new(),
        };
        plan.within = plan.bounded(&found.weights);
        Ok(Some(plan))
    }

    /// What is compared within the bounds.
    fn bounded(&self, weights: &HashMap<Key, u64>) -> HashSet<Key> {
        let candidate = |other: &ContributionRow| Candidate {
            met: Reverse(weights.get(&other.id).copied().unwrap_or(0)),
            receipt: receipt(other),
            id: other.id.0,
            kept: self.kept(other),
        };
        chosen(self.needed().map(candidate).collect())
    }

    /// Everything that an exact count needs.
    fn needed(&self) -> impl Iterator<Item = &ContributionRow> {
        let latest = self.hits.iter().map(Hit::latest).max().unwrap_or(0);
        let earlier = self.ours.iter().filter(move |o| receipt(o) < latest);
        self.hits.iter().flat_map(|hit| &hit.theirs).chain(earlier)
    }

    /// Whether its fingerprints are kept, by the rule of today.
    fn kept(&self, other: &ContributionRow) -> bool {
        let contract = self.contracts.get(&other.dataset_id);
        other.prints_blob.is_some() && other.prints_rule == contract.map(rule)
    }

    /// Datasets of which everything that was needed is there.
    fn countable(&self, files: &HashMap<Key, Printed>) -> Vec<(Key, Vec<Kind>, Vec<Key>)> {
        let whole = |hit: &&Hit| {
            let earlier = self.ours.iter().filter(|o| receipt(o) < hit.latest());
            let mut all = earlier.chain(&hit.theirs);
            all.all(|other| files.contains_key(&other.id))
        };
        let hits = self.hits.iter().filter(whole);
        hits.map(|hit| (hit.dataset, hit.kinds.clone(), ids(&hit.theirs)))
            .collect()
    }
}

/// A contribution that may be compared with; the order is that of choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Hashes of the new contribution that stand in its name.
    met: Reverse<u64>,
    receipt: i64,
    id: Uuid,
    /// Whether no child is needed.
    kept: bool,
}

/// Those that hold most of it, as many as may be opened and taken.
fn chosen(mut candidates: Vec<Candidate>) -> HashSet<Key> {
    candidates.sort_unstable();
    candidates.dedup();
    let mut taken = 0;
    candidates.retain(|candidate| {
        taken += usize::from(!candidate.kept);
        candidate.kept || taken <= MOST_TAKEN
    });
    candidates.truncate(MOST_FILES);
    candidates.iter().map(|one| Key(one.id)).collect()
}

/// The contribution that is about to be accepted.
pub(in crate::flows) struct Fresh<'a> {
    pub row: &'a ContributionRow,
    pub dataset: &'a DatasetRow,
    pub contract: &'a Value,
    pub cleaned: BlobKey,
    pub rows: u64,
}

/// Counts what a contribution has in common with the datasets that the screen names.
///
/// # Errors
/// Only what is no fault of a file; what cannot be counted stays an estimate.
pub(in crate::flows) async fn count(
    ctx: &Ctx,
    fresh: Fresh<'_>,
    sketches: &Arc<Vec<Keyed>>,
) -> Result<Exact, Fault> {
    let (row, dataset) = (fresh.row.clone(), fresh.dataset.clone());
    let screened = sketches.clone();
    let plan = ctx.read(move |db| Plan::read(db, &row, &dataset, &screened));
    let Some(plan) = plan.await? else {
        return Ok(Exact::default());
    };
    let Some(own) = take(ctx, fresh.cleaned, fresh.contract, fresh.rows).await? else {
        return Ok(Exact::default());
    };
    let mut files = HashMap::new();
    for other in plan
        .needed()
        .filter(|other| plan.within.contains(&other.id))
    {
        if !files.contains_key(&other.id) {
            files.extend(printed(ctx, &plan, other).await?);
        }
    }
    let exact = Exact {
        figures: HashMap::new(),
        ours: ids(&plan.ours),
        own: Some((own, rule(fresh.contract))),
    };
    let mine = open(ctx, own).await?.map_err(Fault::internal)?;
    let tally = Tally {
        mine,
        rows: fresh.rows,
        hits: plan.countable(&files),
        files,
        ours: exact.ours.clone(),
    };
    let figures = blocking(move || tally.figures()).await?;
    Ok(Exact { figures, ..exact })
}

/// What decides of what is kept of a row.
fn rule(contract: &Value) -> String {
    let columns = contract["columns"].as_array().map(Vec::as_slice);
    let columns = columns.unwrap_or_default().iter();
    let columns: Vec<Value> = columns.map(|c| json!([c["name"], c["type"]])).collect();
    json!({
        "v": VERSION,
        "columns": columns,
        "key": contract["key"],
        "surrogate": contract["surrogate"],
    })
    .to_string()
}

/// Takes the fingerprints of a cleaned file and keeps them; `None` when they cannot be had.
async fn take(
    ctx: &Ctx,
    cleaned: BlobKey,
    contract: &Value,
    rows: u64,
) -> Result<Option<BlobKey>, Fault> {
    let file = open(ctx, cleaned).await?.map_err(Fault::internal)?;
    match worker::prints(ctx, file, contract.clone(), rows).await? {
        Outcome::Done(prints) => keep(ctx, BlobKind::Prints, prints).await.map(Some),
        Outcome::Refused(refused) => {
            tracing::warn!(code = %refused.code, %cleaned, "rows cannot be compared one by one");
            Ok(None)
        }
    }
}

type Printed = (File, FileKey, u64);

/// The fingerprints of another contribution, with its moment.
async fn printed(
    ctx: &Ctx,
    plan: &Plan,
    other: &ContributionRow,
) -> Result<Option<(Key, Printed)>, Fault> {
    let Some(contract) = plan.contracts.get(&other.dataset_id) else {
        return Ok(None);
    };
    let moment = u64::try_from(receipt(other)).map_err(Fault::internal)?;
    let found = prints_of(ctx, other, contract).await?;
    Ok(found.map(|(file, key)| (other.id, (file, key, moment))))
}

/// The fingerprints of a contribution that was accepted, by the contract of its dataset: taken
/// and kept when they are not there yet; nothing when they cannot be had, as of one withdrawn
/// before they were asked for.
pub(in crate::flows) async fn prints_of(
    ctx: &Ctx,
    of: &ContributionRow,
    contract: &Value,
) -> Result<Option<(File, FileKey)>, Fault> {
    let rule = rule(contract);
    let kept = of.prints_blob.as_deref();
    let kept = kept.filter(|_| of.prints_rule.as_ref() == Some(&rule));
    let blob = match (kept, &of.cleaned_blob) {
        (Some(name), _) => BlobKey::stored(name)?,
        (None, None) => return Ok(None),
        (None, Some(cleaned)) => {
            let rows = u64::try_from(of.rows.unwrap_or(0)).map_err(Fault::internal)?;
            let Some(blob) = take(ctx, stored(Some(cleaned))?, contract, rows).await? else {
                return Ok(None);
            };
            let (id, name) = (of.id.0, blob.to_string());
            let recorded = ctx
                .write(move |db| contributions::keep_prints(db, id, &name, &rule))
                .await;
            let Ok(Some(replaced)) = recorded else {
                drop_files(ctx, &[blob]).await;
                return recorded.map(|_| None);
            };
            if let Some(name) = replaced {
                drop_files(ctx, &[BlobKey::stored(&name)?]).await;
            }
            blob
        }
    };
    open(ctx, blob).await?.map(Some).map_err(Fault::internal)
}

/// Sealed fingerprints that are to be compared.
struct Tally {
    mine: (File, FileKey),
    rows: u64,
    files: HashMap<Key, Printed>,
    ours: Vec<Key>,
    hits: Vec<(Key, Vec<Kind>, Vec<Key>)>,
}

impl Tally {
    fn figures(&self) -> Result<HashMap<(Key, Kind), Figure>, Fault> {
        let mut counted: BTreeMap<(Key, Kind), Counted> = BTreeMap::new();
        for (place, kind) in COUNTED.into_iter().enumerate() {
            let hits = self
                .hits
                .iter()
                .filter(|(_, kinds, _)| kinds.contains(&kind));
            let hits: Vec<_> = hits.collect();
            let parts = match hits.is_empty() {
                true => 0,
                false => Slice::needed(self.rows, SLICE),
            };
            for part in 0..parts {
                let mut slice = Slice::of(part, parts);
                each(&self.mine.0, &self.mine.1, place, |print| slice.push(print))?;
                slice.close();
                for (file, key, moment) in self.ours.iter().filter_map(|id| self.files.get(id)) {
                    each(file, key, place, |print| slice.ours(print, *moment))?;
                }
                for (dataset, _, theirs) in &hits {
                    for (file, key, moment) in theirs.iter().filter_map(|id| self.files.get(id)) {
                        each(file, key, place, |print| slice.theirs(print, *moment))?;
                    }
                    let sum = counted.entry((*dataset, kind)).or_default();
                    *sum = sum.and(slice.take());
                }
            }
        }
        let figure = |(of, sum): ((Key, Kind), Counted)| {
            let theirs = self.hits.iter().find(|(dataset, ..)| *dataset == of.0);
            let figure = Figure {
                theirs: theirs.map(|(.., ids)| ids.clone()).unwrap_or_default(),
                share: Share::counted(sum.shared, sum.members),
                first_receipt: i64::try_from(sum.first.unwrap_or(0)).unwrap_or(i64::MAX),
            };
            (of, figure)
        };
        Ok(counted.into_iter().map(figure).collect())
    }
}

/// Shows one of the fingerprints of every row, by its place in [`COUNTED`].
pub(in crate::flows) fn each(
    file: &File,
    key: &FileKey,
    place: usize,
    mut show: impl FnMut(u128),
) -> Result<(), Fault> {
    let file = file.try_clone().map_err(storage_fault)?;
    let mut prints = open_with_file_key(file, key).map_err(Fault::internal)?;
    let mut piece = Vec::with_capacity(AT_ONCE * PRINT_LEN);
    loop {
        piece.clear();
        let mut some = (&mut prints).take((AT_ONCE * PRINT_LEN) as u64);
        if some.read_to_end(&mut piece).map_err(storage_fault)? == 0 {
            return Ok(());
        }
        for record in piece.chunks_exact(PRINT_LEN) {
            if let Some(print) = record.as_chunks::<16>().0.get(place) {
                show(u128::from_le_bytes(*print));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: u128, met: u64, kept: bool) -> Candidate {
        Candidate {
            met: Reverse(met),
            receipt: 7,
            id: Uuid::from_u128(id),
            kept,
        }
    }

    #[test]
    fn children_are_spent_on_what_holds_most() {
        let most = MOST_TAKEN as u128;
        let mut all: Vec<_> = (1..=most + 8)
            .map(|id| candidate(id, id as u64, false))
            .collect();
        // Met in two datasets' needs is opened once, and what is kept costs no child.
        all.extend([
            candidate(most, MOST_TAKEN as u64, false),
            candidate(900, 0, true),
        ]);
        let chosen = chosen(all);
        assert_eq!(chosen.len(), MOST_TAKEN + 1);
        assert!(chosen.contains(&Key(Uuid::from_u128(900))));
        for id in 1..=most + 8 {
            assert_eq!(chosen.contains(&Key(Uuid::from_u128(id))), id > 8, "{id}");
        }
    }

    #[test]
    fn files_open_at_once_are_bounded() {
        let all = (0..MOST_FILES as u128 + 50).map(|id| candidate(id, id as u64, true));
        let chosen = chosen(all.collect());
        assert_eq!(chosen.len(), MOST_FILES);
        assert!(!chosen.contains(&Key(Uuid::from_u128(49))));
    }

    #[test]
    fn another_contract_asks_for_other_fingerprints() {
        let contract = |kind: &str, key: Value| json!({"columns": [{"name": "a", "type": kind, "unit": "m"}], "key": key});
        let plain = rule(&contract("int64", Value::Null));
        assert_ne!(plain, rule(&contract("string", Value::Null)));
        assert_ne!(plain, rule(&contract("int64", json!(["a"]))));
        let described = json!({"columns": [{"name": "a", "type": "int64"}], "title": "Lengths"});
        assert_eq!(plain, rule(&described));
    }
}
