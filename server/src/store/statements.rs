//! Statements: what was issued, to whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use ledger::audit::StatementRow as Bridge;
use ledger::statement::{Held, Lost, Shared, SubscriptionPart, Why};
use schema::columns::{Key, When};
use schema::db::Db;
use schema::on;
use schema::tables::{
    contribution, dataset, entry, epoch, epoch_share, give_back, orders, revision, revision_part,
    settlement, settlement_line, statement, statement_move,
};
use schema::wire::{Amount, PartyView, StatementView};
use serde::Deserialize;
use uuid::Uuid;

use super::pools::SettlementRow;
use super::{adjustments, checkpoints, claims, contributions, subscriptions};
use crate::error::Fault;
use crate::store::epochs;

/// A row of `statement`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = statement)]
#[diesel(treat_none_as_default_value = false)]
pub struct StatementRow {
    /// Identifier.
    pub id: Key,
    /// Payee.
    pub party_id: Key,
    /// Period.
    pub period: String,
    /// Currency.
    pub currency: String,
    /// Issue within party, period and currency.
    pub number: i32,
    /// Balance at the start.
    pub opening: i64,
    /// Earned in the period.
    pub earned: i64,
    /// Balance at the end.
    pub closing: i64,
    /// The signed file.
    pub document: String,
    /// Its signature, base64.
    pub signature: String,
    /// The issue it replaces.
    pub supersedes: Option<Key>,
    /// When it was issued.
    pub created_at: When,
}

impl StatementRow {
    /// In short, as the payee sees it.
    #[must_use]
    pub fn view(&self, party: PartyView) -> StatementView {
        let amount = |minor| Amount {
            minor,
            currency: self.currency.clone(),
        };
        StatementView {
            id: self.id.0,
            party,
            period: self.period.clone(),
            number: self.number,
            opening: amount(self.opening),
            earned: amount(self.earned),
            closing: amount(self.closing),
            created_at: self.created_at.into(),
        }
    }
}

/// Keeps others from issuing until the transaction ends. On SQLite the transaction does.
pub fn hold(db: &mut Db) -> Result<(), Fault> {
    if db.is_postgres() {
        // The name of the lock: "stateme" and a 1.
        db.execute("SELECT pg_advisory_xact_lock(8319104456293147953)")?;
    }
    Ok(())
}

/// Writes a statement.
pub fn insert(db: &mut Db, row: &StatementRow) -> Result<(), Fault> {
    on!(db, c => diesel::insert_into(statement::table).values(row).execute(c))?;
    Ok(())
}

/// One statement.
pub fn find(db: &mut Db, id: Uuid) -> Result<StatementRow, Fault> {
    Ok(on!(db, c => statement::table.find(Key(id)).select(StatementRow::as_select()).first(c))?)
}

/// The issue that took the place of this one.
pub fn superseded_by(db: &mut Db, id: Uuid) -> Result<Option<Uuid>, Fault> {
    let next: Option<Key> = on!(db, c => statement::table
        .filter(statement::supersedes.eq(Some(Key(id))))
        .select(statement::id)
        .first(c)
        .optional())?;
    Ok(next.map(|key| key.0))
}

/// The latest issue for a party, period and currency.
pub fn latest(
    db: &mut Db,
    party: Uuid,
    period: &str,
    currency: &str,
) -> Result<Option<StatementRow>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)))
        .filter(statement::period.eq(period).and(statement::currency.eq(currency)))
        .order(statement::number.desc())
        .select(StatementRow::as_select())
        .first(c)
        .optional())?)
}

/// Periods a party has statements for in one currency, in order.
pub fn periods_of(db: &mut Db, party: Uuid, currency: &str) -> Result<Vec<String>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)).and(statement::currency.eq(currency)))
        .select(statement::period)
        .distinct()
        .order(statement::period)
        .load(c))?)
}

/// A party's statements, newest first, older than `before`.
pub fn of_party(
    db: &mut Db,
    party: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<StatementRow>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::party_id.eq(Key(party)).and(statement::id.lt(Key(before))))
        .order(statement::id.desc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load(c))?)
}

/// The bridge of every statement, by party, currency, period and issue, for the verifier.
pub fn bridges(db: &mut Db) -> Result<Vec<Bridge>, Fault> {
    type Parts = (Key, Key, String, String, i64, i64, i64);
    type Others = Option<(i64, i64, i64, i64)>;
    let rows: Vec<(Parts, Others)> = on!(db, c => statement::table
        .left_join(statement_move::table)
        .order((statement::party_id, statement::currency, statement::period, statement::number))
        .select((
            (
                statement::id,
                statement::party_id,
                statement::currency,
                statement::period,
                statement::opening,
                statement::earned,
                statement::closing,
            ),
            (
                statement_move::released,
                statement_move::held,
                statement_move::drawn,
                statement_move::paid,
            ).nullable(),
        ))
        .load(c))?;
    let bridge = |(parts, others): (Parts, Others)| {
        let (id, party, currency, period, opening, earned, closing) = parts;
        let (released, held, drawn, paid) = others.unwrap_or_default();
        Bridge {
            id: id.0.to_string(),
            party: party.0,
            currency,
            period,
            opening,
            earned,
            released,
            held,
            drawn,
            paid,
            closing,
        }
    };
    Ok(rows.into_iter().map(bridge).collect())
}

/// Keeps what moved a balance besides earnings, where something did.
pub fn insert_moves(db: &mut Db, id: Key, of: &ledger::statement::Bridge) -> Result<(), Fault> {
    if [of.released, of.held, of.drawn, of.paid] == [0; 4] {
        return Ok(());
    }
    let row = (
        statement_move::statement_id.eq(id),
        statement_move::released.eq(of.released),
        statement_move::held.eq(of.held),
        statement_move::drawn.eq(of.drawn),
        statement_move::paid.eq(of.paid),
    );
    on!(db, c => diesel::insert_into(statement_move::table).values(row).execute(c))?;
    Ok(())
}

/// Revision number of an earlier epoch, with its shares and raw weights by contributor.
pub type Before = Option<(i32, Shares)>;
/// Shares and raw weights by contributor.
type Shares = HashMap<Uuid, (i64, u128)>;

/// A pool's settlement with everything that its contributors' lines share.
#[derive(Debug, Clone)]
pub struct PoolPart {
    /// Dataset, its title, the revision's number.
    pub dataset: (Uuid, String, i32),
    /// Sales since the settlement before: number, gross, tax, fee, commission.
    pub sales: (i64, i64, i64, i64, i64),
    /// Refunds since then by period of the sale.
    pub refunds: Vec<RefundSum>,
    /// Income of subscriptions since then.
    pub income: Option<SubscriptionPart>,
    /// Raw weights of the epoch by contributor.
    pub weights: HashMap<Uuid, u128>,
    /// The epoch before it, if there was one: revision number, shares and weights.
    pub before: Before,
    /// Contributors of the epoch in the order of the settlement's lines.
    pub order: Vec<Uuid>,
    /// Salt and leaf hash of the settlement's entry.
    pub entry: (Vec<u8>, Vec<u8>),
    /// The leaf itself.
    pub leaf: String,
    /// What was held of it for claims, with whose rows are claimed.
    pub held: Vec<(Uuid, Held)>,
}

impl PoolPart {
    /// What claimed rows of a contributor earned.
    #[must_use]
    pub fn held_of(&self, party: Uuid) -> Vec<Held> {
        let own = self.held.iter().filter(|(holder, _)| *holder == party);
        own.map(|(_, held)| held.clone()).collect()
    }
}

/// Refunds of sales of one period.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct RefundSum {
    /// Period of the sales.
    pub period: String,
    /// How many.
    pub count: i64,
    /// Given back.
    pub gross: i64,
    /// Tax in it.
    pub tax: i64,
    /// Fee in it.
    pub fee: i64,
    /// Commission in it.
    pub commission: i64,
    /// Net in it.
    pub net: i64,
}

fn sum(column: &str) -> diesel::expression::SqlLiteral<BigInt> {
    diesel::dsl::sql(&format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"))
}

/// Gathers what the lines of a settlement share. O(contributors of the epoch).
pub fn pool_part(db: &mut Db, of: &SettlementRow) -> Result<PoolPart, Fault> {
    let dataset: (Key, Key, String, i32) = on!(db, c => revision::table
        .inner_join(dataset::table)
        .filter(revision::id.eq(of.revision_id))
        .select((revision::id, dataset::id, dataset::title, revision::number))
        .first(c))?;
    let since: Option<i64> = on!(db, c => settlement::table
        .filter(settlement::revision_id.eq(of.revision_id).and(settlement::epoch.eq(of.epoch)))
        .filter(settlement::book.eq(&of.book).and(settlement::entry_seq.lt(of.entry_seq)))
        .select(diesel::dsl::max(settlement::entry_seq))
        .first(c))?;
    let since = since.unwrap_or(0);
    let entry = on!(db, c => entry::table
        .find((&of.book, of.entry_seq))
        .select((entry::salt, entry::leaf_hash))
        .first(c))?;
    let weights: HashMap<Uuid, u128> = weights(db, of.revision_id, of.epoch)?
        .into_iter()
        .map(|(party, (_, weight))| (party, weight))
        .collect();
    let mut order: Vec<Uuid> = weights.keys().copied().collect();
    order.sort_unstable();
    let held = held(db, of, &weights)?;
    Ok(PoolPart {
        dataset: (dataset.1.0, dataset.2, dataset.3),
        sales: sales_between(db, of, since)?,
        refunds: back_between(db, of, since)?,
        income: income_between(db, of, since)?,
        weights,
        order,
        before: epoch_before(db, dataset.1, dataset.3, (of.revision_id, of.epoch))?,
        entry,
        leaf: checkpoints::leaf(db, of.id.0)?,
        held,
    })
}

/// What accounts that hold for claims were credited by a settlement.
fn held(
    db: &mut Db,
    of: &SettlementRow,
    weights: &HashMap<Uuid, u128>,
) -> Result<Vec<(Uuid, Held)>, Fault> {
    let mut held = Vec::new();
    for account in claims::held(db)? {
        let Some(weight) = weights.get(&account.account) else {
            continue;
        };
        let (share_ppt, amount): (i64, i64) = on!(db, c => settlement_line::table
            .find((of.id, Key(account.account)))
            .select((settlement_line::share, settlement_line::amount))
            .first(c))?;
        let part = &account.part;
        let receipt = contributions::by_id(db, part.contribution_id.0)?.receipt_no;
        let one = Held {
            claim: part.claim_id.0,
            receipt: u64::try_from(receipt.unwrap_or(0)).map_err(Fault::internal)?,
            rows: u64::try_from(part.rows).map_err(Fault::internal)?,
            weight: *weight,
            share_ppt,
            amount,
        };
        held.push((part.holder_id.0, one));
    }
    Ok(held)
}

fn income_between(
    db: &mut Db,
    of: &SettlementRow,
    since: i64,
) -> Result<Option<SubscriptionPart>, Fault> {
    let pool = (of.revision_id, of.epoch);
    let rows = subscriptions::income_between(db, pool, &of.book, (since, of.entry_seq))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let count = |n: i64| u64::try_from(n).map_err(Fault::internal);
    let terms: BTreeSet<Uuid> = rows.iter().map(|row| row.term_id.0).collect();
    let mut part = SubscriptionPart {
        terms: terms.len() as u64,
        ..SubscriptionPart::default()
    };
    for row in &rows {
        let (days, sum) = match row.basis.as_str() {
            "use" => (&mut part.used_days, &mut part.by_use),
            _ => (&mut part.unused_days, &mut part.by_list_price),
        };
        *days += count(row.days.into())?;
        *sum = sum.saturating_add(row.amount);
        part.used_rows += count(row.used_rows)?;
    }
    Ok(Some(part))
}

fn sales_between(
    db: &mut Db,
    of: &SettlementRow,
    since: i64,
) -> Result<(i64, i64, i64, i64, i64), Fault> {
    Ok(on!(db, c => orders::table
        .filter(orders::revision_id.eq(of.revision_id).and(orders::epoch.eq(of.epoch)))
        .filter(orders::book.eq(&of.book))
        .filter(orders::entry_seq.gt(since).and(orders::entry_seq.lt(of.entry_seq)))
        .select((sum("1"), sum("gross"), sum("tax"), sum("fee"), sum("commission")))
        .first(c))?)
}

/// Everything that went out of the pool again: refunds, disputes, and corrections, which
/// give back nothing to a buyer and show as a net alone.
fn back_between(db: &mut Db, of: &SettlementRow, since: i64) -> Result<Vec<RefundSum>, Fault> {
    let mut sums = refunds_between(db, of, since)?;
    let pool = (of.revision_id, of.epoch);
    for (period, count, net) in adjustments::between(db, pool, &of.book, (since, of.entry_seq))? {
        sums.push(RefundSum {
            period,
            count,
            gross: net.saturating_neg(),
            tax: 0,
            fee: 0,
            commission: 0,
            net: net.saturating_neg(),
        });
    }
    Ok(sums)
}

fn refunds_between(db: &mut Db, of: &SettlementRow, since: i64) -> Result<Vec<RefundSum>, Fault> {
    Ok(on!(db, c => give_back::table
        .inner_join(orders::table)
        .inner_join(entry::table.on(entry::book.eq(orders::book).and(entry::seq.eq(orders::entry_seq))))
        .filter(orders::revision_id.eq(of.revision_id).and(orders::epoch.eq(of.epoch)))
        .filter(give_back::book.eq(&of.book))
        .filter(give_back::entry_seq.gt(since).and(give_back::entry_seq.lt(of.entry_seq)))
        .group_by(entry::period)
        .order(entry::period)
        .select((
            entry::period,
            sum("1"),
            sum("give_back.amount"),
            sum("give_back.tax"),
            sum("give_back.fee"),
            sum("give_back.commission"),
            sum("give_back.net"),
        ))
        .load(c))?)
}

/// Shares and raw weights of an epoch.
fn weights(db: &mut Db, revision: Key, epoch: i32) -> Result<Shares, Fault> {
    let rows: Vec<(Key, i64, String)> = on!(db, c => epoch_share::table
        .filter(epoch_share::revision_id.eq(revision).and(epoch_share::epoch.eq(epoch)))
        .select((epoch_share::party_id, epoch_share::share, epoch_share::weight))
        .load(c))?;
    rows.into_iter()
        .map(|(party, share, weight)| {
            Ok((party.0, (share, weight.parse().map_err(Fault::internal)?)))
        })
        .collect()
}

/// The epoch before: of the same revision, or the last one of the revision before.
fn epoch_before(
    db: &mut Db,
    of: Key,
    number: i32,
    (revision_id, epoch): (Key, i32),
) -> Result<Before, Fault> {
    let found: Option<(Key, i32, i32)> = on!(db, c => epoch::table
        .inner_join(revision::table.on(revision::id.eq(epoch::revision_id)))
        .filter(revision::dataset_id.eq(of))
        .filter(revision::number.lt(number).or(
            epoch::revision_id.eq(revision_id).and(epoch::number.lt(epoch)),
        ))
        .order((revision::number.desc(), epoch::number.desc()))
        .select((revision::id, epoch::number, revision::number))
        .first(c)
        .optional())?;
    match found {
        None => Ok(None),
        Some((revision, epoch, number)) => Ok(Some((number, weights(db, revision, epoch)?))),
    }
}

/// What a contributor brought to a revision: rows kept, grade in hundredths, and the rows
/// that others had brought before with their receipt and its day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnPart {
    /// Rows kept.
    pub rows: i64,
    /// Grade over the kept rows; none when nothing was kept.
    pub grade: Option<i64>,
    /// Rows, first holder's receipt number, when it was given.
    pub late: Vec<(u64, u64, DateTime<Utc>)>,
    /// What the weight was made of, where the weighing kept it.
    pub why: Option<Why>,
}

/// The part of a revision part's detail that a statement shows.
#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    late: Vec<Late>,
    #[serde(default)]
    shared: BTreeMap<u32, u64>,
    #[serde(default)]
    mean_quality_ppm: u64,
    #[serde(default)]
    mean_utility_ppm: u64,
    #[serde(default)]
    losses: Vec<Loss>,
    #[serde(default)]
    inputs: String,
}

#[derive(Deserialize)]
struct Loss {
    dimension: String,
    #[serde(default)]
    column: Option<String>,
    rule: String,
    lost_hundredths: u32,
}

/// What explains the weight of one or several contributions of a party.
#[derive(Default)]
struct Explained {
    delivered: i64,
    unique: i64,
    shared: BTreeMap<u32, u64>,
    /// Rows × parts per million.
    quality: u128,
    utility: u128,
    losses: Vec<Lost>,
    inputs: String,
}

impl Explained {
    /// Ways of losing points that are named.
    const LOSSES: usize = 3;

    fn add(&mut self, delivered: i64, unique: i64, detail: &Detail) {
        let rows = u128::try_from(delivered).unwrap_or(0);
        self.delivered = self.delivered.saturating_add(delivered);
        self.unique = self.unique.saturating_add(unique);
        for (holders, rows) in &detail.shared {
            *self.shared.entry(*holders).or_default() += rows;
        }
        self.quality += rows * u128::from(detail.mean_quality_ppm);
        self.utility += rows * u128::from(detail.mean_utility_ppm);
        self.losses.extend(detail.losses.iter().map(|loss| {
            let place = loss.column.as_ref();
            let place = place.map_or_else(String::new, |column| format!(" in {column}"));
            Lost {
                what: format!("{}: {}{place}", loss.dimension, loss.rule),
                hundredths: loss.lost_hundredths,
            }
        }));
        self.inputs.clone_from(&detail.inputs);
    }

    /// `None` for a revision of before the inputs were kept.
    fn why(mut self) -> Option<Why> {
        if self.inputs.is_empty() || self.delivered <= 0 {
            return None;
        }
        let rows = u128::try_from(self.delivered).ok()?;
        let mean = |sum: u128| u64::try_from(sum / rows).ok();
        self.losses
            .sort_by_key(|lost| std::cmp::Reverse(lost.hundredths));
        self.losses.truncate(Self::LOSSES);
        let shared = self.shared.into_iter();
        Some(Why {
            delivered: u64::try_from(self.delivered).ok()?,
            unique: u64::try_from(self.unique).ok()?,
            shared: shared
                .map(|(holders, rows)| Shared { holders, rows })
                .collect(),
            quality_ppm: mean(self.quality)?,
            utility_ppm: mean(self.utility)?,
            losses: self.losses,
            inputs: self.inputs,
        })
    }
}

#[derive(Deserialize)]
struct Late {
    contribution: Uuid,
    receipt_no: u64,
    rows: u64,
}

/// A contributor's part of a revision, as an epoch weighed it.
pub fn own_part(db: &mut Db, revision: Key, epoch: i32, party: Uuid) -> Result<OwnPart, Fault> {
    let mut later = epochs::later_parts(db, revision.0, epoch)?;
    let rows: Vec<(Key, i64, i64, i64, i32, String)> = on!(db, c => revision_part::table
        .filter(revision_part::revision_id.eq(revision).and(revision_part::party_id.eq(Key(party))))
        .order(revision_part::receipt_no)
        .select((
            revision_part::contribution_id,
            revision_part::rows_delivered,
            revision_part::rows_unique,
            revision_part::rows_kept,
            revision_part::grade,
            revision_part::detail,
        ))
        .load(c))?;
    let mut part = OwnPart::default();
    let mut explained = Explained::default();
    let mut graded = 0i128;
    for (contribution, delivered, unique, kept, grade, detail) in rows {
        let (unique, detail) = match later.remove(&contribution) {
            Some(row) => (row.rows_unique, row.detail),
            None => (unique, detail),
        };
        part.rows = part.rows.saturating_add(kept);
        graded += i128::from(kept) * i128::from(grade);
        let detail: Detail = serde_json::from_str(&detail).map_err(Fault::internal)?;
        explained.add(delivered, unique, &detail);
        for late in detail.late {
            let received: Option<When> = on!(db, c => contribution::table
                .find(Key(late.contribution))
                .select(contribution::received_at)
                .first(c))?;
            let received =
                received.ok_or_else(|| Fault::internal("a first holder has no receipt"))?;
            part.late
                .push((late.rows, late.receipt_no, received.into()));
        }
    }
    if part.rows > 0 {
        part.grade = i64::try_from(graded / i128::from(part.rows)).ok();
    }
    part.why = explained.why();
    Ok(part)
}

/// Residue a contributor carried out of the periods before one.
pub fn carried_into(db: &mut Db, party: Uuid, period: &str, currency: &str) -> Result<i64, Fault> {
    let found: Option<i64> = on!(db, c => settlement_line::table
        .inner_join(settlement::table)
        .filter(settlement_line::party_id.eq(Key(party)))
        .filter(settlement::period.lt(period).and(settlement::currency.eq(currency)))
        .order(settlement::entry_seq.desc())
        .select(settlement_line::carry_after)
        .first(c)
        .optional())?;
    Ok(found.unwrap_or(0))
}

/// Commission of an owner in a period by dataset: dataset, title, sales, sales less refunds.
pub fn commissions(
    db: &mut Db,
    owner: Uuid,
    period: &str,
    currency: &str,
) -> Result<Vec<(Uuid, String, i64, i64)>, Fault> {
    let sold: Vec<(Key, String, i64, i64)> = on!(db, c => orders::table
        .inner_join(dataset::table)
        .inner_join(entry::table.on(entry::book.eq(orders::book).and(entry::seq.eq(orders::entry_seq))))
        .filter(dataset::owner_id.eq(Key(owner)).and(orders::currency.eq(currency)))
        .filter(entry::period.eq(period).and(orders::commission.ne(0)))
        .group_by((dataset::id, dataset::title))
        .order(dataset::id)
        .select((dataset::id, dataset::title, sum("1"), sum("orders.commission")))
        .load(c))?;
    let back: Vec<(Key, String, i64)> = on!(db, c => give_back::table
        .inner_join(orders::table.inner_join(dataset::table))
        .filter(dataset::owner_id.eq(Key(owner)).and(orders::currency.eq(currency)))
        .filter(give_back::period.eq(period).and(give_back::commission.ne(0)))
        .group_by((dataset::id, dataset::title))
        .select((dataset::id, dataset::title, sum("give_back.commission")))
        .load(c))?;
    let mut lines: BTreeMap<Uuid, (String, i64, i64)> = sold
        .into_iter()
        .map(|(id, title, count, sum)| (id.0, (title, count, sum)))
        .collect();
    for (id, title, sum) in back {
        let line = lines.entry(id.0).or_insert((title, 0, 0));
        line.2 = line.2.saturating_sub(sum);
    }
    Ok(lines
        .into_iter()
        .map(|(id, (title, count, sum))| (id, title, count, sum))
        .collect())
}

/// Parties with a statement in a period, by currency.
pub fn issued_in(db: &mut Db, period: &str) -> Result<Vec<(Key, String)>, Fault> {
    Ok(on!(db, c => statement::table
        .filter(statement::period.eq(period))
        .select((statement::party_id, statement::currency))
        .distinct()
        .load(c))?)
}
