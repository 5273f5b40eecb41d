//! Approving a run of payouts: a second operator, one transaction, the bank's file.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use dataset_core::digest::Sha256;
use ledger::money::{Currency, Money};
use ledger::period::Period;
use schema::columns::Key;
use schema::wire::PayoutBatchView;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::payout_run::Proposal;
use crate::flows::{payout_method, payouts, statements};
use crate::journal::command::{At, Command, PayoutRun, Request, Work, earlier};
use crate::journal::payouts::not_open;
use crate::ports::bank::{self, Block, Holder, PaymentOrder, Transfer, pain001};
use crate::store::payouts::{self as store, BatchRow, BlockRow, PayoutRow, run as runs, state};

/// Books a proposed run and makes the bank's file. Operators only, and never the one who
/// proposed it. A repeat of the request completes what a crash left undone.
///
/// # Errors
/// `not_found`, `second_operator`, `payouts_not_open`, `payouts_changed`, `payouts_stale`,
/// `nothing_to_pay`, `bank_unset`, `idempotency_conflict`.
pub async fn run(ctx: &Ctx, who: &Actor, key: &str, id: Uuid) -> Result<PayoutBatchView, Fault> {
    rights::node(who).pay_out()?;
    let request = Request::new(who.party, key, "approve_payouts", &id)?;
    let asked = request.clone();
    let made = ctx.read(move |db| earlier(db, &asked)).await?;
    if made.is_none() {
        let (own, party) = (ctx.clone(), Key(who.party));
        let prepared = ctx.read(move |db| prepare(&own, db, id, party)).await;
        let asked = request.clone();
        let work = match prepared {
            Ok(work) => work,
            // An equal request may have been booked between the two looks.
            Err(fault) => match ctx.read(move |db| earlier(db, &asked)).await? {
                Some(_) => return shown(ctx, who, id).await,
                None => return Err(fault),
            },
        };
        let command = Command {
            request,
            at: At::now(ctx.now()),
            work: Work::Payouts(Box::new(work)),
        };
        ctx.journal.submit(command).await?;
    }
    shown(ctx, who, id).await
}

/// The run as it stands, once the statements of its period are issued.
async fn shown(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<PayoutBatchView, Fault> {
    let view = payouts::show(ctx, who, id).await?;
    if let Some(period) = &view.period {
        let period: Period = period.parse().map_err(Fault::internal)?;
        statements::issue(ctx, period).await?;
    }
    Ok(view)
}

/// Everything that is written, checked against what holds now.
fn prepare(
    ctx: &Ctx,
    db: &mut schema::db::Db,
    id: Uuid,
    approver: Key,
) -> Result<PayoutRun, Fault> {
    let batch = store::batch(db, id)?;
    if batch.state != runs::PROPOSED {
        return Err(not_open(&batch.state));
    }
    if batch.proposed_by == approver {
        return Err(payouts::second_operator());
    }
    let execute_on: NaiveDate = batch.execute_on.parse().map_err(Fault::internal)?;
    if execute_on < ctx.now().date_naive() {
        return Err(Fault::conflict(
            "payouts_stale",
            format!(
                "The bank was to pay on {execute_on}, which is past. Propose the payouts again."
            ),
        ));
    }
    let lines: Vec<PayoutRow> = store::lines(db, batch.id)?
        .into_iter()
        .filter(|line| line.state == state::PROPOSED)
        .collect();
    if lines.is_empty() {
        return Err(Fault::conflict(
            "nothing_to_pay",
            "Everybody in this run is held back: there is nothing to approve.",
        ));
    }
    let from = account(ctx)?;
    let proposal = Proposal::read(ctx, db)?;
    let blocks = blocks(ctx, &proposal, &from, &batch, &lines)?;
    let order = PaymentOrder {
        message: batch.id.0.simple().to_string(),
        made_at: ctx.now(),
        execute_on,
        from,
        blocks,
    };
    approved(ctx, batch, approver, &order)
}

/// The account that payouts leave from.
fn account(ctx: &Ctx) -> Result<Holder, Fault> {
    let config = &ctx.config.payouts;
    let iban = config.bank_iban.clone().ok_or_else(|| {
        Fault::conflict(
            "bank_unset",
            "The node does not know from which account it pays: start it with --bank-iban. \
             Nothing was booked.",
        )
    })?;
    Ok(Holder {
        name: config
            .bank_holder
            .clone()
            .unwrap_or_else(|| ctx.config.name.clone()),
        iban,
        bic: config.bank_bic.clone(),
        country: None,
    })
}

fn blocks(
    ctx: &Ctx,
    proposal: &Proposal,
    from: &Holder,
    batch: &BatchRow,
    lines: &[PayoutRow],
) -> Result<Vec<Block>, Fault> {
    let period = Period::of(ctx.now());
    let mut transfers = Vec::with_capacity(lines.len());
    for line in lines {
        let method = proposal.still(ctx, line)?;
        let currency: Currency = line.currency.parse().map_err(Fault::internal)?;
        transfers.push(Transfer {
            reference: line.id.0.simple().to_string(),
            to: payout_method::holder(ctx, method)?,
            amount: Money::new(line.net, currency),
            remittance: format!("{} {period} {}", ctx.config.name, line.id.0),
        });
    }
    let name = batch.id.0.simple();
    Ok(bank::blocks(&from.iban, transfers, |n| {
        format!("{n}-{name}")
    }))
}

fn approved(
    ctx: &Ctx,
    batch: BatchRow,
    approver: Key,
    order: &PaymentOrder,
) -> Result<PayoutRun, Fault> {
    let file = pain001::write(order).map_err(Fault::internal)?;
    let mut blocks = Vec::with_capacity(order.blocks.len());
    let mut places = BTreeMap::new();
    for block in &order.blocks {
        blocks.push(BlockRow {
            batch_id: batch.id,
            name: block.name.clone(),
            currency: block.currency.code().to_owned(),
            transfers: i32::try_from(block.transfers.len()).map_err(Fault::internal)?,
            total: block.total().map_err(Fault::internal)?,
        });
        for transfer in &block.transfers {
            let id = Uuid::try_parse(&transfer.reference).map_err(Fault::internal)?;
            places.insert(Key(id), block.name.clone());
        }
    }
    let now = ctx.now();
    Ok(PayoutRun {
        batch: BatchRow {
            state: runs::APPROVED.to_owned(),
            approved_by: Some(approver),
            approved_at: Some(now.into()),
            period: Some(Period::of(now).to_string()),
            file_digest: Some(Sha256::of(file.as_bytes()).as_bytes().to_vec()),
            file: Some(payout_method::closed(ctx, file.as_bytes())?),
            ..batch
        },
        blocks,
        places,
    })
}
