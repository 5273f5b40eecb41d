//! Statements: what a contributor earned in a period, and why.
//!
//! Issuing is idempotent: a statement is written only when it says something else than the
//! latest issue for its party, period and currency, which it then supersedes. Periods before
//! are re-issued first when their figures have changed since, so that every opening is the
//! closing before (I13).

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use ledger::account::{Account, Sub};
use ledger::entry::{Kind as EntryKind, line_salt};
use ledger::json::Hash;
use ledger::period::Period;
use ledger::statement::{
    ClaimLine, CommissionLine, Head, Inputs, LateCopy, Line, LineProof, Moves, PayoutKind,
    PayoutLine, Previous, Proof, ProofEntry, RefundLine, Statement, Status,
};
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{Page, PageQuery, StatementView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::{checkpoint, payout_proof};
use crate::journal::log;
use crate::paging::Window;
use crate::store::checkpoints::{self, CheckpointRow};
use crate::store::claims::{self, ReleaseRow};
use crate::store::pools::{self, LineRow, SettlementRow};
use crate::store::statements::{self as store, PoolPart, StatementRow};
use crate::store::{datasets, journal, parties, payouts, periods};

/// Payees of one transaction.
const TOGETHER: usize = 200;

/// The caller's statements, newest first.
///
/// # Errors
/// A bad cursor or limit.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<StatementView>, Fault> {
    let window = Window::of(&query)?;
    let (party, view) = (who.party, public(who));
    let rows = ctx
        .read(move |db| store::of_party(db, party, window.before, window.fetch()))
        .await?;
    Ok(window.page(rows, |row| row.id.0, |row| row.view(view.clone())))
}

fn public(who: &Actor) -> schema::wire::PartyView {
    schema::wire::PartyView {
        email: None,
        ..who.view()
    }
}

/// A statement in short.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<StatementView, Fault> {
    let row = find(ctx, who, id).await?;
    let party = ctx
        .read(move |db| parties::by_id(db, row.party_id.0).map(|p| row.view(p.view())))
        .await?;
    Ok(party)
}

/// The signed file, byte for byte as it was issued.
///
/// # Errors
/// `not_found`.
pub async fn document(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<String, Fault> {
    Ok(find(ctx, who, id).await?.document)
}

/// The issue that took the place of a statement, if there is one.
///
/// # Errors
/// `not_found`.
pub async fn superseded_by(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<Option<Uuid>, Fault> {
    find(ctx, who, id).await?;
    ctx.read(move |db| store::superseded_by(db, id)).await
}

async fn find(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<StatementRow, Fault> {
    let row = ctx.read(move |db| store::find(db, id)).await?;
    rights::statement(who, row.party_id.0).see()?;
    Ok(row)
}

/// Somebody who is owed in one currency.
type Payee = (Uuid, String);

/// Issues what has changed for every contributor with a line, a balance or an earlier issue
/// in the period.
///
/// # Errors
/// Rows that do not add up, or the database.
pub async fn issue(ctx: &Ctx, period: Period) -> Result<Vec<StatementView>, Fault> {
    let payees: Vec<Payee> = ctx
        .read(move |db| payees(db, period))
        .await?
        .into_iter()
        .collect();
    let mut issued = Vec::new();
    for some in payees.chunks(TOGETHER) {
        let (some, own) = (some.to_vec(), ctx.clone());
        let rows = ctx
            .write(move |db| {
                store::hold(db)?;
                Issuer::new(&own, db, period)?.issue(db, &some)
            })
            .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.party_id.0).collect();
        let people = ctx.read(move |db| parties::views(db, &ids)).await?;
        issued.extend(rows.iter().filter_map(|row| {
            people
                .get(&row.party_id.0)
                .map(|party| row.view(party.clone()))
        }));
    }
    Ok(issued)
}

fn payees(db: &mut Db, period: Period) -> Result<BTreeSet<Payee>, Fault> {
    let name = period.to_string();
    let mut payees: BTreeSet<Payee> = BTreeSet::new();
    payees.extend(
        pools::paid_in(db, &name)?
            .into_iter()
            .map(|(party, currency)| (party.0, currency)),
    );
    payees.extend(
        store::issued_in(db, &name)?
            .into_iter()
            .map(|(party, currency)| (party.0, currency)),
    );
    payees.extend(
        payouts::payees_in(db, &name)?
            .into_iter()
            .map(|(party, currency)| (party.0, currency)),
    );
    for row in journal::balances_under(db, "Liabilities:Contributor:")? {
        if let Ok(Account::Contributor {
            party,
            sub: Sub::Available,
        }) = row.name.parse()
        {
            payees.insert((party, row.book));
        }
    }
    // What is held until a claim is decided is nobody's yet; the holder's own lines tell of it.
    let suspense = claims::suspense(db)?;
    payees.retain(|(party, _)| !suspense.contains(party));
    Ok(payees)
}

/// What one run of issuing shares.
struct Issuer<'a> {
    ctx: &'a Ctx,
    node: String,
    period: Period,
    /// What the statements' proofs lead to: it holds everything that was booked.
    at: CheckpointRow,
    /// The last period that takes no entry any more.
    closed: Option<String>,
    parts: HashMap<Uuid, PoolPart>,
}

/// Balance of a payee before and after a period, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    opening: i64,
    closing: i64,
}

impl<'a> Issuer<'a> {
    fn new(ctx: &'a Ctx, db: &mut Db, period: Period) -> Result<Self, Fault> {
        let node = journal::stored_node_id(db)?.unwrap_or_default();
        Ok(Self {
            ctx,
            node,
            period,
            at: checkpoint::sign_in(ctx, db)?,
            closed: periods::last_closed(db)?,
            parts: HashMap::new(),
        })
    }

    fn issue(&mut self, db: &mut Db, payees: &[Payee]) -> Result<Vec<StatementRow>, Fault> {
        let mut issued = Vec::new();
        for (party, currency) in payees {
            let account = Account::available(*party).to_string();
            let account = journal::accounts(db, currency, &[account])?.pop();
            let moved = match &account {
                Some(account) => journal::sums_by_period(db, account)?,
                None => Vec::new(),
            };
            let mut periods: BTreeSet<Period> = [self.period].into();
            for name in store::periods_of(db, *party, currency)? {
                periods.insert(name.parse().map_err(Fault::internal)?);
            }
            let last = self.period;
            for period in periods.into_iter().filter(|period| *period <= last) {
                let span = span(&moved, period)?;
                issued.extend(self.issue_one(db, *party, currency, period, span)?);
            }
        }
        Ok(issued)
    }

    /// Issues one statement when it says something new.
    fn issue_one(
        &mut self,
        db: &mut Db,
        party: Uuid,
        currency: &str,
        period: Period,
        span: Span,
    ) -> Result<Option<StatementRow>, Fault> {
        let name = period.to_string();
        let latest = store::latest(db, party, &name, currency)?;
        let unmoved = latest
            .as_ref()
            .is_some_and(|row| (row.opening, row.closing) == (span.opening, span.closing));
        let status = match &self.closed {
            Some(last) if name <= *last => Status::Final,
            _ => Status::Provisional,
        };
        let said = latest.as_ref().is_some_and(|row| says(row, status));
        if unmoved && said && period < self.period {
            return Ok(None);
        }
        let lines = pools::lines_of(db, party, &name, currency)?;
        let paid = paid_lines(db, party, currency, &name)?;
        let released = claims::released_to(db, party, currency, &name)?;
        if latest.is_none()
            && lines.is_empty()
            && released.is_empty()
            && paid.is_empty()
            && span
                == (Span {
                    opening: 0,
                    closing: 0,
                })
        {
            return Ok(None);
        }
        let payee_name = parties::by_id(db, party)?.display_name;
        let head = Head {
            id: self.ctx.id(),
            number: latest
                .as_ref()
                .map_or(Ok(1), |row| u32::try_from(row.number + 1))
                .map_err(Fault::internal)?,
            supersedes: latest.as_ref().map(|row| row.id.0),
            status,
            payee: party,
            payee_name,
            node: self.ctx.config.name.clone(),
            period,
            currency: currency.parse().map_err(Fault::internal)?,
            issued_at: self.ctx.now(),
        };
        let statement = self.build(db, head, span, &lines, paid)?;
        if statement.bridge.closing != span.closing {
            return Err(Fault::internal(format!(
                "I13: the lines of party {party} in {period} {currency} close at {}, its account at {}",
                statement.bridge.closing, span.closing
            )));
        }
        if latest
            .as_ref()
            .is_some_and(|row| says_the_same(row, &statement))
        {
            return Ok(None);
        }
        let row = self.signed(&statement)?;
        store::insert(db, &row)?;
        store::insert_moves(db, row.id, &statement.bridge)?;
        Ok(Some(row))
    }

    fn build(
        &mut self,
        db: &mut Db,
        head: Head,
        span: Span,
        rows: &[(SettlementRow, LineRow)],
        payouts: Vec<PayoutLine>,
    ) -> Result<Statement, Fault> {
        let (party, period, currency) = (head.payee, head.period.to_string(), head.currency);
        let released = claims::released_to(db, party, currency.code(), &period)?;
        let settled = rows.last().map_or(0, |(last, _)| last.entry_seq);
        let paid = payouts.iter().map(|line| line.entry).max().unwrap_or(0);
        let last = settled.max(i64::try_from(paid).map_err(Fault::internal)?);
        if checkpoints::placed(db, currency.code())? < last {
            // Settled since this transaction began, by another node.
            self.at = checkpoint::sign_in(self.ctx, db)?;
        }
        let mut lines = Vec::with_capacity(rows.len());
        let book = format!("{}/{}/{currency}", self.node, currency.kind());
        let mut entries = Vec::with_capacity(rows.len());
        for (settlement, row) in rows {
            let part = match self.parts.entry(settlement.id.0) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(store::pool_part(db, settlement)?),
            };
            lines.push(line(db, party, settlement, row, part)?);
            entries.push(proof_entry(db, party, &book, settlement, part, &self.at)?);
        }
        let carry_opening = match rows.first() {
            Some((_, first)) => first.carry_before,
            None => store::carried_into(db, party, &period, currency.code())?,
        };
        let commissions = store::commissions(db, party, &period, currency.code())?
            .into_iter()
            .map(|(dataset, dataset_title, sales, amount)| {
                Ok(CommissionLine {
                    dataset,
                    dataset_title,
                    sales: count(sales)?,
                    amount,
                })
            })
            .collect::<Result<_, Fault>>()?;
        let proof = Proof {
            checkpoint: self.at.note.clone(),
            entries,
            payouts: payout_proof::of(db, &book, &payouts, &self.at)?,
        };
        let moves = reserve_moves(db, party, &period, currency.code())?;
        let ever_paid = payouts::ever_paid(db, party, currency.code(), &period)?;
        Inputs {
            head,
            opening: span.opening,
            moves,
            payouts,
            ever_paid,
            carry_opening,
            lines,
            commissions,
            claims: claim_lines(db, released)?,
            proof,
        }
        .build()
        .map_err(Fault::internal)
    }

    fn signed(&self, statement: &Statement) -> Result<StatementRow, Fault> {
        let mut signature = Vec::new();
        let file = statement.sign(self.ctx.keys.verify_key().as_bytes(), |bytes| {
            signature = self.ctx.keys.signing().sign(bytes).to_vec();
            signature.clone()
        });
        let head = &statement.head;
        Ok(StatementRow {
            id: Key(head.id),
            party_id: Key(head.payee),
            period: head.period.to_string(),
            currency: head.currency.to_string(),
            number: i32::try_from(head.number).map_err(Fault::internal)?,
            opening: statement.bridge.opening,
            earned: statement.bridge.earned,
            closing: statement.bridge.closing,
            document: String::from_utf8(file).map_err(Fault::internal)?,
            signature: base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature),
            supersedes: head.supersedes.map(Key),
            created_at: head.issued_at.into(),
        })
    }
}

/// What decided claims gave to a payee.
fn claim_lines(db: &mut Db, released: Vec<ReleaseRow>) -> Result<Vec<ClaimLine>, Fault> {
    let mut lines = Vec::with_capacity(released.len());
    for row in released {
        let claim = claims::find(db, row.claim_id.0)?;
        let dataset = datasets::by_id(db, claim.dataset_id.0)?;
        lines.push(ClaimLine {
            claim: row.claim_id.0,
            dataset: dataset.id.0,
            dataset_title: dataset.title,
            amount: row.amount,
            entry: count(row.entry_seq)?,
        });
    }
    Ok(lines)
}

/// What shows that a line stands in the journal.
fn proof_entry(
    db: &mut Db,
    party: Uuid,
    book: &str,
    settlement: &SettlementRow,
    part: &PoolPart,
    at: &CheckpointRow,
) -> Result<ProofEntry, Fault> {
    let (SettlementRow { id, book: own, .. }, seq) = (settlement, settlement.entry_seq);
    let (secret, leaf_hash) = &part.entry;
    let secret = secret.as_slice().try_into().map_err(Fault::internal)?;
    let leaf_hash = leaf_hash.as_slice().try_into().map_err(Fault::internal)?;
    let (index, path) = log::prove(db, own, seq, count(at.size)?)?;
    let number = part
        .order
        .binary_search(&party)
        .map_err(|_| Fault::internal(format!("settlement {} has no share of {party}", id.0)))?;
    let (number, lines) = (number as u64, part.order.len() as u64);
    Ok(ProofEntry {
        book: book.to_owned(),
        seq: count(seq)?,
        index,
        leaf: part.leaf.clone(),
        leaf_hash: Hash(leaf_hash),
        path,
        line: LineProof {
            number,
            salt: hex::encode(line_salt(secret, number)),
            path: log::prove_line(db, id.0, number, lines)?,
        },
    })
}

/// Whether an issue has this status.
fn says(row: &StatementRow, status: Status) -> bool {
    Statement::read(row.document.as_bytes()).is_ok_and(|old| old.head.status == status)
}

/// Whether an issue differs from a new one in nothing but its own identity and the checkpoint
/// that its proof leads to.
fn says_the_same(row: &StatementRow, new: &Statement) -> bool {
    Statement::read(row.document.as_bytes()).is_ok_and(|old| {
        old.head.status == new.head.status
            && Statement {
                head: new.head.clone(),
                proof: new.proof.clone(),
                ..old
            } == *new
    })
}

/// Balances around a period; what is owed counts positive.
fn span(moved: &[(String, i64)], period: Period) -> Result<Span, Fault> {
    let name = period.to_string();
    let until = |inclusive: bool| {
        let sum: i128 = moved
            .iter()
            .filter(|(of, _)| *of < name || (inclusive && *of == name))
            .map(|(_, sum)| i128::from(*sum))
            .sum();
        i64::try_from(-sum).map_err(Fault::internal)
    };
    Ok(Span {
        opening: until(false)?,
        closing: until(true)?,
    })
}

/// What left the balance by payouts in a period, and what came back in it.
fn paid_lines(
    db: &mut Db,
    party: Uuid,
    currency: &str,
    period: &str,
) -> Result<Vec<PayoutLine>, Fault> {
    let mut lines = Vec::new();
    for row in payouts::moved_in(db, party, currency, period)? {
        let line = |kind, seq| {
            Ok::<_, Fault>(PayoutLine {
                payout: row.id.0,
                kind,
                gross: row.gross,
                withheld: row.withheld,
                net: row.net,
                entry: count(seq)?,
            })
        };
        if row.period.as_deref() == Some(period) {
            lines.push(line(PayoutKind::Paid, row.entry_seq)?);
        }
        if row.returned_period.as_deref() == Some(period) {
            lines.push(line(PayoutKind::Returned, row.returned_seq)?);
        }
    }
    lines.sort_by_key(|line| line.entry);
    Ok(lines)
}

/// What a period moved between balance and reserve.
fn reserve_moves(db: &mut Db, party: Uuid, period: &str, currency: &str) -> Result<Moves, Fault> {
    let account = Account::available(party).to_string();
    let mut moves = Moves::default();
    let Some(account) = journal::accounts(db, currency, &[account])?.pop() else {
        return Ok(moves);
    };
    for (kind, sum) in journal::sums_by_kind(db, &account, period)? {
        match kind.parse().map_err(Fault::internal)? {
            EntryKind::ReserveHold => moves.held = sum,
            EntryKind::ReserveRelease => moves.released = -sum,
            EntryKind::ReserveDraw => moves.drawn = -sum,
            _ => {}
        }
    }
    Ok(moves)
}

fn count(n: i64) -> Result<u64, Fault> {
    u64::try_from(n).map_err(Fault::internal)
}

fn line(
    db: &mut Db,
    party: Uuid,
    settlement: &SettlementRow,
    row: &LineRow,
    part: &PoolPart,
) -> Result<Line, Fault> {
    let own = store::own_part(db, settlement.revision_id, settlement.epoch, party)?;
    let (dataset, dataset_title, revision_number) = part.dataset.clone();
    let (sales, gross, tax, fee, commission) = part.sales;
    let previous = match &part.before {
        Some((number, shares)) => match shares.get(&party) {
            Some((share_ppt, weight)) => Some(Previous {
                revision_number: u32::try_from(*number).map_err(Fault::internal)?,
                share_ppt: *share_ppt,
                weight: *weight,
                weight_total: total(shares.values().map(|(_, weight)| *weight))?,
            }),
            None => None,
        },
        None => None,
    };
    Ok(Line {
        dataset,
        dataset_title,
        revision: settlement.revision_id.0,
        revision_number: u32::try_from(revision_number).map_err(Fault::internal)?,
        epoch: u32::try_from(settlement.epoch).map_err(Fault::internal)?,
        sales: count(sales)?,
        gross,
        tax,
        fee,
        commission,
        refunds: refund_lines(part)?,
        subscriptions: part.income,
        pool_delta: settlement.pool_delta,
        weight: part.weights.get(&party).copied().unwrap_or(0),
        weight_total: total(part.weights.values().copied())?,
        share_ppt: row.share,
        quality: own
            .grade
            .map(u16::try_from)
            .transpose()
            .map_err(Fault::internal)?,
        rows: count(own.rows)?,
        held: part.held_of(party),
        why: own.why,
        late_copies: own
            .late
            .into_iter()
            .map(|(rows, holder_receipt, at)| LateCopy {
                rows,
                holder_receipt,
                holder_date: at.date_naive(),
            })
            .collect(),
        previous,
        amount: row.amount,
        carry_before: row.carry_before,
        carry_after: row.carry_after,
        entry: count(settlement.entry_seq)?,
    })
}

fn total(mut weights: impl Iterator<Item = u128>) -> Result<u128, Fault> {
    weights
        .try_fold(0u128, u128::checked_add)
        .ok_or_else(|| Fault::internal("the weights of an epoch sum to more than 128 bits"))
}

fn refund_lines(part: &PoolPart) -> Result<Vec<RefundLine>, Fault> {
    part.refunds
        .iter()
        .map(|refund| {
            Ok(RefundLine {
                period: refund.period.parse().map_err(Fault::internal)?,
                count: count(refund.count)?,
                gross: refund.gross,
                tax: refund.tax,
                fee: refund.fee,
                commission: refund.commission,
                net: refund.net,
            })
        })
        .collect()
}
