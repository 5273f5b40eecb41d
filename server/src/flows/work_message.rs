//! Working on a message of the payment provider.
//!
//! First what the message says is written down, so that it only ever adds to what is known; then
//! what is missing in the books is booked. Both may happen again after a crash, and in any order
//! of messages, with the same end. A message about something whose payment has not come yet is
//! parked, and picked up when it comes.

use chrono::{DateTime, Utc};
use ledger::account::Expense;
use ledger::money::Money;
use schema::columns::Key;
use schema::wire::NewOrder;
use serde_json::Value;
use uuid::Uuid;

use super::{buy, provider_disputes, taxes};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::jobs::{self, Work as Job};
use crate::journal::command::{At, Command, Posted, Request, Work};
use crate::journal::provider::ProviderReport;
use crate::ports::payment::Movement;
use crate::ports::payment::event::{self, About, Cost, OF_DISPUTES, Said, Thing};
use crate::store::inbox::{self, InboxRow, Left};
use crate::store::orders;
use crate::store::payments::{self, ObjectRow, PaymentRow};

/// Attempts before a fault that nobody can explain is left to the operator.
const MOST_ATTEMPTS: i32 = 5;

/// Works on one message; one that is done already is left alone.
///
/// # Errors
/// While the database or the provider does not answer: the job is tried again. Anything else
/// is kept with the message, for the operator.
pub async fn run(ctx: &Ctx, id: Uuid) -> Result<(), Fault> {
    let row = ctx
        .write(move |db| {
            inbox::attempt(db, id)?;
            inbox::by_id(db, id)
        })
        .await?;
    if row.state != "new" {
        return Ok(());
    }
    let left = match work(ctx, &row).await {
        Ok(left) => left,
        Err(fault) if passing(&fault, row.attempts) => return Err(fault),
        Err(fault) => {
            tracing::warn!(message = %row.event_id, %fault, "a message of the provider failed");
            Left::Failed(fault.detail)
        }
    };
    let (now, how) = (ctx.now(), left.clone());
    ctx.write(move |db| inbox::leave(db, id, &how, now)).await?;
    match left {
        // The payment may have come between looking and parking.
        Left::Parked(name, _) if parent(ctx, &name).await?.is_some() => wake(ctx, vec![name]).await,
        _ => Ok(()),
    }
}

fn passing(fault: &Fault, attempts: i32) -> bool {
    match fault.kind {
        Kind::Unavailable | Kind::Full => true,
        Kind::Internal => attempts < MOST_ATTEMPTS,
        _ => false,
    }
}

async fn work(ctx: &Ctx, row: &InboxRow) -> Result<Left, Fault> {
    let text = row.payload.as_deref().unwrap_or_default();
    let event: Value = serde_json::from_str(text).map_err(Fault::internal)?;
    let live = event["livemode"].as_bool().unwrap_or_default();
    if let Some(stripe) = &ctx.payments.stripe
        && !stripe.takes(live)
    {
        return Ok(ignored("it is of the provider's other mode, test or live"));
    }
    let said = match event::read(&row.kind, &event["data"]["object"]) {
        Ok(said) => said,
        Err(why) => {
            return Ok(Left::Failed(format!(
                "The message cannot be booked: {why}. Nothing was changed; look at it at the \
                 provider."
            )));
        }
    };
    let at = event["created"]
        .as_i64()
        .and_then(crate::ports::payment::moment);
    match said {
        Said::Nothing(why) => Ok(ignored(why)),
        Said::Paid(about, money) => paid(ctx, about, money).await,
        Said::Ended(About { payment, .. }) => match payment {
            Some(id) => {
                ctx.write(move |db| payments::end(db, id)).await?;
                Ok(Left::Done)
            }
            None => Ok(ignored(FOREIGN)),
        },
        Said::Failed(about, words) => failed(ctx, about, words, at).await,
        Said::Charged(about, cost) => charged(ctx, about, cost).await,
        Said::GivenBack(about, money) => given_back(ctx, about, money).await,
        Said::Refund(about, thing) => refund(ctx, about, thing).await,
        Said::Dispute(about, thing, costs) => dispute(ctx, about, thing, costs).await,
        Said::Payout(thing) => payout(ctx, thing).await,
    }
}

fn ignored(why: &str) -> Left {
    Left::Ignored(why.to_owned())
}

const FOREIGN: &str = "it is about another payment than this node's";

async fn failed(
    ctx: &Ctx,
    about: About,
    words: String,
    at: Option<DateTime<Utc>>,
) -> Result<Left, Fault> {
    let Some(id) = about.payment else {
        return Ok(ignored(FOREIGN));
    };
    let at = at.unwrap_or_else(|| ctx.now());
    ctx.write(move |db| payments::see_failure(db, id, &words, at))
        .await?;
    Ok(Left::Done)
}

/// Has the journal's writer book what is missing, under a key of the provider's identifiers.
pub(super) async fn book(
    ctx: &Ctx,
    key: &str,
    verb: &str,
    body: &impl serde::Serialize,
    work: Work,
) -> Result<Posted, Fault> {
    let command = Command {
        request: Request::of_provider(key, verb, body)?,
        at: At::now(ctx.now()),
        work,
    };
    ctx.journal.submit(command).await
}

/// The paid payment that the provider calls so.
async fn parent(ctx: &Ctx, name: &str) -> Result<Option<PaymentRow>, Fault> {
    let name = name.to_owned();
    let found = ctx
        .read(move |db| payments::by_provider_id(db, &name))
        .await?;
    Ok(found.filter(|row| row.state == "paid"))
}

/// The paid payment a message is about, or where the message has to wait.
async fn parent_of(ctx: &Ctx, about: &About) -> Result<Result<PaymentRow, Left>, Fault> {
    let names = [&about.intent, &about.charge].into_iter().flatten();
    let mut waits = None;
    for name in names {
        if let Some(row) = parent(ctx, name).await? {
            return Ok(Ok(row));
        }
        waits.get_or_insert(name);
    }
    let name = waits.cloned().unwrap_or_default();
    let why = format!(
        "It waits for the payment {name}, and is worked on when that has come. If {name} is no \
         payment of this node's, nothing is missing."
    );
    Ok(Err(Left::Parked(name, why)))
}

/// Puts the messages that wait for one of these back to work.
async fn wake(ctx: &Ctx, names: Vec<String>) -> Result<(), Fault> {
    let own = ctx.clone();
    ctx.write(move |db| {
        for id in inbox::wake(db, &names)? {
            jobs::enqueue(&own, db, Job::Message(id))?;
        }
        Ok(())
    })
    .await?;
    ctx.ring();
    Ok(())
}

async fn paid(ctx: &Ctx, about: About, money: Money) -> Result<Left, Fault> {
    let Some(id) = about.payment else {
        return Ok(ignored(FOREIGN));
    };
    let row = ctx.read(move |db| payments::by_id(db, id)).await;
    let row = match row {
        Err(fault) if fault.kind == Kind::Missing => return Ok(ignored(FOREIGN)),
        other => other?,
    };
    if (row.amount, row.currency.as_str()) != (money.minor, money.currency.code()) {
        return Ok(Left::Failed(format!(
            "The provider says that {money} were paid; {} {} minor units were asked for. Nothing \
             was booked: the money is at the provider. Give it back there, or book it by hand.",
            row.amount, row.currency
        )));
    }
    let (intent, charge) = (about.intent, about.charge);
    let names: Vec<String> = [&intent, &charge].into_iter().flatten().cloned().collect();
    ctx.write(move |db| payments::see_ids(db, id, intent.as_deref(), charge.as_deref()))
        .await?;
    if row.state != "paid" {
        settle(ctx, &row).await?;
    }
    wake(ctx, names).await?;
    Ok(Left::Done)
}

/// Books a payment that has come: for its order, or else for the wallet. Money that was paid
/// for what is not for sale any more is the payer's all the same.
async fn settle(ctx: &Ctx, row: &PaymentRow) -> Result<(), Fault> {
    let work = match bought(ctx, row).await? {
        Some(work) => work,
        None => Work::Provider(ProviderReport::Fill {
            payment: row.id,
            id: ctx.id(),
        }),
    };
    let key = format!("{}:paid", row.id.0);
    let body = (row.id.0, row.amount, &row.currency);
    match book(ctx, &key, "paid", &body, work).await {
        // Two messages say that it has come; the other one was faster.
        Err(fault) if fault.code == "payment_used" => Ok(()),
        other => other.map(drop),
    }
}

/// The order a payment was made for, while it still can be had.
async fn bought(ctx: &Ctx, row: &PaymentRow) -> Result<Option<Work>, Fault> {
    let Some(wanted) = &row.wanted else {
        return Ok(None);
    };
    let wanted: NewOrder = serde_json::from_str(wanted).map_err(Fault::internal)?;
    let offer = wanted.offer_id;
    let (node, buyer, now) = (ctx.clone(), row.party_id.0, ctx.now());
    let (what, due) = ctx
        .read(move |db| {
            let what = orders::sellable(db, offer)?;
            Ok((what, taxes::due(db, &node.config, buyer, now)?))
        })
        .await?;
    match buy::purchase(ctx, buyer, &wanted, what, due, Some(row.id)) {
        Ok(work) => Ok(Some(Work::Purchase(Box::new(work)))),
        Err(fault) if matches!(fault.kind, Kind::Conflict | Kind::Missing) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn charged(ctx: &Ctx, about: About, cost: Cost) -> Result<Left, Fault> {
    let ours = match (about.payment, about.intent) {
        (Some(id), _) => ctx.read(move |db| payments::by_id(db, id)).await.is_ok(),
        (None, Some(name)) => ctx
            .read(move |db| payments::by_provider_id(db, &name))
            .await?
            .is_some(),
        (None, None) => false,
    };
    if !ours {
        return Ok(ignored(FOREIGN));
    }
    let movement = match cost {
        Cost::Told(movement) => movement,
        Cost::Ask(id) => ctx.payments.cards()?.movement(&id).await?,
        Cost::Unknown => return Ok(ignored("it does not tell the fee; a later message does")),
    };
    fee(ctx, Expense::PspFee, movement).await?;
    Ok(Left::Done)
}

/// Books what the provider kept for a movement, once per movement.
async fn fee(ctx: &Ctx, expense: Expense, movement: Movement) -> Result<(), Fault> {
    if movement.fee.minor == 0 {
        return Ok(());
    }
    let key = format!("{}:fee", movement.id);
    let (minor, currency) = (movement.fee.minor, movement.fee.currency);
    let body = (&movement.id, minor, currency.code());
    let report = ProviderReport::Fee {
        expense,
        minor,
        currency,
        movement: movement.id.clone(),
        id: ctx.id(),
    };
    book(ctx, &key, "fee", &body, Work::Provider(report)).await?;
    Ok(())
}

async fn given_back(ctx: &Ctx, about: About, money: Money) -> Result<Left, Fault> {
    let row = match parent_of(ctx, &about).await? {
        Ok(row) => row,
        Err(left) => return Ok(left),
    };
    let (id, total) = (row.id.0, money.minor);
    ctx.write(move |db| payments::see_given_back(db, id, total))
        .await?;
    reconcile(ctx, id).await
}

async fn refund(ctx: &Ctx, about: About, thing: Thing) -> Result<Left, Fault> {
    let row = match parent_of(ctx, &about).await? {
        Ok(row) => row,
        Err(left) => return Ok(left),
    };
    see(ctx, "refund", Some(row.id), &thing).await?;
    reconcile(ctx, row.id.0).await
}

/// Keeps what is known of an object of the provider.
async fn see(ctx: &Ctx, kind: &str, payment: Option<Key>, thing: &Thing) -> Result<(), Fault> {
    let row = ObjectRow {
        id: thing.id.clone(),
        kind: kind.to_owned(),
        payment_id: payment,
        currency: thing.money.currency.code().to_owned(),
        amount: thing.money.minor,
        status: thing.status.to_owned(),
        standing: thing.standing,
        booked: String::new(),
        from_wallet: 0,
        created_at: ctx.now().into(),
    };
    ctx.write(move |db| payments::see_object(db, &row)).await
}

/// Books what was given back and is not booked; then what of it came back.
async fn reconcile(ctx: &Ctx, id: Uuid) -> Result<Left, Fault> {
    let (row, refunds) = ctx
        .read(move |db| Ok((payments::by_id(db, id)?, payments::refunds_of(db, id)?)))
        .await?;
    let sum = |failed: bool| -> i64 {
        let some = refunds
            .iter()
            .filter(|one| !failed || one.status == "failed");
        some.map(|one| one.amount).sum()
    };
    let total = row.seen_back.max(sum(false));
    let owner = match row.order_id {
        Some(order) => ctx.read(move |db| orders::find(db, order.0)).await?.1,
        None => Uuid::nil(),
    };
    let report = ProviderReport::GivenBack {
        payment: row.id,
        owner,
        currency: row.currency.parse().map_err(Fault::internal)?,
        total,
        reason: "Given back through the payment provider".to_owned(),
        id: ctx.id(),
    };
    let key = format!("{id}:back:{total}");
    book(
        ctx,
        &key,
        "given_back",
        &(id, total),
        Work::Provider(report),
    )
    .await?;
    let total = sum(true);
    if total > 0 {
        let report = ProviderReport::Returned {
            payment: row.id,
            total,
            id: ctx.id(),
        };
        let key = format!("{id}:returned:{total}");
        book(ctx, &key, "returned", &(id, total), Work::Provider(report)).await?;
    }
    Ok(Left::Done)
}

async fn dispute(
    ctx: &Ctx,
    about: About,
    thing: Thing,
    costs: Vec<Movement>,
) -> Result<Left, Fault> {
    let row = match parent_of(ctx, &about).await? {
        Ok(row) => row,
        Err(left) => return Ok(left),
    };
    see(ctx, "dispute", Some(row.id), &thing).await?;
    for cost in costs {
        fee(ctx, OF_DISPUTES, cost).await?;
    }
    provider_disputes::run(ctx, &row, &thing).await
}

async fn payout(ctx: &Ctx, thing: Thing) -> Result<Left, Fault> {
    see(ctx, "payout", None, &thing).await?;
    let report = ProviderReport::Payout {
        object: thing.id.clone(),
        currency: thing.money.currency,
        ids: [ctx.id(), ctx.id()],
    };
    let key = format!("{}:{}", thing.id, thing.status);
    let body = (&thing.id, thing.money.minor, thing.money.currency.code());
    book(ctx, &key, "payout", &body, Work::Provider(report)).await?;
    Ok(Left::Done)
}
