//! Settlement: every pool that moved, over its frozen shares, in one transaction; where a claim
//! is decided, the pools that hold for it.
//!
//! One entry per pool, in (revision, epoch, currency) order: the pool's delta in, one credit
//! per contributor out, the rest to dust. Residues go from pool to pool within the run.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::epoch::Epoch;
use ledger::lines;
use ledger::merkle::{self, Tree};
use ledger::money::Currency;
use ledger::rules;
use ledger::settle::{Settlement, settle_pool};
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::claims::{self, Held};
use super::command::{Command, Posted, ReserveTerms, Work};
use super::reserves::{Payee, Reserves};
use crate::error::Fault;
use crate::store::checkpoints::{self, LineTileRow};
use crate::store::pools::{self, CarryRow, LineRow, PoolRow, SettlementRow};

/// A pool with what its settlement gives.
struct Settled {
    pool: PoolRow,
    currency: Currency,
    epoch: Epoch<Uuid>,
    outcome: Settlement<Uuid>,
}

/// Settles every pool that moved. Nothing to settle is an answer, not an error.
///
/// # Errors
/// Stored shares or residues that break an invariant (the row is named), or the database.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    terms: ReserveTerms,
    fresh: &mut impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    let only = match &command.work {
        Work::DecideClaim(work) => Some(claims::decide(db, command, work)?),
        _ => None,
    };
    let mut carries = Carries::default();
    let mut settled = Vec::new();
    for pool in pools::moved(db)? {
        if holds_for(db, &pool, only.as_ref())? {
            settled.push(settle_one(db, pool, &mut carries)?);
        }
    }
    let mut reserves = Reserves::load(db, terms)?;
    let mut held = Held::load(db)?;
    load_accounts(db, &mut batch, &settled, &held, &reserves)?;
    // Nothing is held and nothing is to be held: who is credited how much does not matter.
    let mut sums = match reserves.idle() {
        true => BTreeMap::new(),
        false => sums(&settled),
    };
    let (mut ids, mut rows, mut credits) = (Vec::new(), Vec::new(), Vec::new());
    let mut tiles = Vec::new();
    for one in settled {
        let (id, salt) = fresh();
        let mut tree = lines::tree(&one.outcome.lines, &salt);
        let row = book(&mut batch, command, id, salt, &one, &tree)?;
        tiles.extend(tile_rows(id, &mut tree)?);
        credits.extend(one.outcome.lines.iter().map(|line| LineRow {
            settlement_id: Key(id),
            party_id: Key(line.contributor),
            share: line.share,
            amount: line.credit,
            carry_before: line.carry_before,
            carry_after: line.carry_after,
        }));
        rows.push(row);
        ids.push(id);
    }
    held.pass_on(&mut batch, command, &mut sums, fresh)?;
    reserves.run(&mut batch, command, &sums, fresh)?;
    batch.answer(&command.request, &ids)?;
    batch.write(db)?;
    held.write(db)?;
    reserves.write(db)?;
    pools::put_carries(db, &carries.changed())?;
    pools::insert_settlements(db, &rows)?;
    pools::insert_lines(db, &credits)?;
    checkpoints::insert_leaves(db, &batch.take_leaves())?;
    checkpoints::insert_line_tiles(db, &tiles)?;
    Ok(Posted {
        ids,
        repeated: false,
    })
}

/// Whether a pool is settled: all are, or those in whose epoch one of these accounts has a share.
fn holds_for(db: &mut Db, pool: &PoolRow, only: Option<&HashSet<Uuid>>) -> Result<bool, Fault> {
    let Some(only) = only else {
        return Ok(true);
    };
    let shares = pools::shares(db, pool.revision_id.0, pool.epoch)?;
    Ok(shares.iter().any(|(party, _)| only.contains(&party.0)))
}

/// Residues while settling, by currency and contributor.
#[derive(Default)]
struct Carries {
    loaded: HashMap<String, HashMap<Uuid, i64>>,
    touched: BTreeMap<String, BTreeMap<Uuid, i64>>,
}

impl Carries {
    fn of(&mut self, db: &mut Db, currency: &str) -> Result<&mut HashMap<Uuid, i64>, Fault> {
        if !self.loaded.contains_key(currency) {
            let stored = pools::carries(db, currency)?;
            let stored = stored
                .into_iter()
                .map(|(party, residue)| (party.0, residue))
                .collect();
            self.loaded.insert(currency.to_owned(), stored);
        }
        Ok(self.loaded.entry(currency.to_owned()).or_default())
    }

    fn changed(self) -> Vec<CarryRow> {
        let rows = self.touched.into_iter().flat_map(|(currency, residues)| {
            residues.into_iter().map(move |(party, residue)| CarryRow {
                party_id: Key(party),
                currency: currency.clone(),
                residue,
            })
        });
        rows.collect()
    }
}

fn settle_one(db: &mut Db, pool: PoolRow, carries: &mut Carries) -> Result<Settled, Fault> {
    let currency: Currency = pool.currency.parse().map_err(Fault::internal)?;
    let shares = pools::shares(db, pool.revision_id.0, pool.epoch)?;
    let shares = shares
        .into_iter()
        .map(|(party, share)| (party.0, share))
        .collect();
    let epoch = Epoch::from_shares(shares).map_err(Fault::internal)?;
    let stored = pools::epoch_digest(db, pool.revision_id.0, pool.epoch)?;
    if stored != epoch.digest().0 {
        return Err(Fault::internal(format!(
            "I5: the stored shares of revision {} epoch {} do not match their digest: \
             run `granary ledger verify`",
            pool.revision_id.0, pool.epoch
        )));
    }
    let residues = carries.of(db, &pool.currency)?;
    let sums = ledger::pool::Pool {
        cumulative: pool.cumulative,
        settled: pool.settled,
    };
    let delta = sums.delta().map_err(Fault::internal)?;
    let outcome = settle_pool(delta, &epoch, |party| {
        residues.get(party).copied().unwrap_or(0)
    })
    .map_err(Fault::internal)?;
    for line in &outcome.lines {
        residues.insert(line.contributor, line.carry_after);
    }
    let after = outcome
        .lines
        .iter()
        .map(|line| (line.contributor, line.carry_after));
    let touched = carries.touched.entry(pool.currency.clone());
    touched.or_default().extend(after);
    Ok(Settled {
        pool,
        currency,
        epoch,
        outcome,
    })
}

/// The hashes of a settlement's tree, for proofs of single lines.
fn tile_rows(id: Uuid, tree: &mut Tree) -> Result<Vec<LineTileRow>, Fault> {
    let row = |tile: &merkle::Tile| {
        Ok(LineTileRow {
            settlement_id: Key(id),
            level: i32::from(tile.level),
            number: i64::try_from(tile.number).map_err(Fault::internal)?,
            hashes: merkle::tile_bytes(&tile.hashes),
        })
    };
    tree.take_tiles().iter().map(row).collect()
}

/// What each contributor is credited, over all pools of a currency.
fn sums(settled: &[Settled]) -> BTreeMap<Payee, i64> {
    let mut sums: BTreeMap<Payee, i64> = BTreeMap::new();
    for one in settled {
        for line in &one.outcome.lines {
            let sum = sums.entry((line.contributor, one.currency)).or_default();
            *sum = sum.saturating_add(line.credit);
        }
    }
    sums
}

fn load_accounts(
    db: &mut Db,
    batch: &mut Batch,
    settled: &[Settled],
    held: &Held,
    reserves: &Reserves,
) -> Result<(), Fault> {
    let mut wanted: HashMap<Currency, HashSet<Account>> = HashMap::new();
    for one in settled {
        let accounts = wanted.entry(one.currency).or_default();
        accounts.insert(Account::Dust);
        accounts.insert(pool_account(&one.pool)?);
        accounts.extend(
            one.outcome
                .lines
                .iter()
                .map(|line| Account::available(line.contributor)),
        );
    }
    held.accounts(db, &mut wanted)?;
    reserves.accounts(&mut wanted);
    for (currency, accounts) in wanted {
        batch.load_accounts(db, currency, accounts)?;
    }
    Ok(())
}

fn pool_account(pool: &PoolRow) -> Result<Account, Fault> {
    let epoch = u32::try_from(pool.epoch).map_err(Fault::internal)?;
    Ok(Account::Pool {
        revision: pool.revision_id.0,
        epoch,
    })
}

fn book(
    batch: &mut Batch,
    command: &Command,
    id: Uuid,
    salt: [u8; 16],
    one: &Settled,
    tree: &Tree,
) -> Result<SettlementRow, Fault> {
    let Settled {
        pool,
        currency,
        epoch,
        outcome,
    } = one;
    let revision = pool.revision_id.0;
    let number = u32::try_from(pool.epoch).map_err(Fault::internal)?;
    let seq = batch.book(Booking {
        id,
        kind: EntryKind::Settlement,
        currency: *currency,
        at: command.at,
        request: &command.request,
        key: format!("settlement:{id}"),
        links: lines::links(revision, number, epoch, outcome, tree.root()),
        lines: rules::settlement(revision, number, outcome),
        salt,
    })?;
    let sums = ledger::pool::Pool {
        cumulative: pool.cumulative,
        settled: pool.cumulative,
    };
    batch.set_pool((pool.revision_id.0, pool.epoch, *currency), sums);
    Ok(SettlementRow {
        id: Key(id),
        period: command.at.period.to_string(),
        currency: pool.currency.clone(),
        revision_id: pool.revision_id,
        epoch: pool.epoch,
        pool_delta: outcome.delta,
        dust: outcome.dust,
        book: currency.code().to_owned(),
        entry_seq: seq,
        created_at: command.at.now.into(),
    })
}
