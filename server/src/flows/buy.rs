//! Buying: order, payment and licence in one transaction.
//!
//! An offer of price 0 gives an order and a licence without a journal entry: no money moves,
//! and an entry of nothing cannot exist. Its repeat is recognised by the same key all the same.

use chrono::{DateTime, Utc};
use dataset_core::licence::{LicenceDoc, Price, SignedLicence, Terms};
use ledger::money::Money;
use ledger::period::Period;
use ledger::plan::{Commission, FeePlan, Legs, PlanError, split_sale};
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{NewOrder, OrderView, Page, PageQuery};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::gates;
use crate::flows::taxes::{self, Due};
use crate::journal::command::{At, Command, Purchase, Request, Work, amount, currency, earlier};
use crate::journal::invoices::Bill;
use crate::paging::Window;
use crate::store::orders::{self, LicenceRow, OrderRow, Sellable};
use crate::store::{datasets, revisions};

/// Buys a licence out of the caller's wallet, and answers with the receipt as it was when it
/// was bought. The same key and body again get the same receipt.
///
/// # Errors
/// `not_found`, `not_for_sale`, `terms_understate_personal_data`, `price_changed`, `terms_changed`, `insufficient_funds` naming
/// balance and price, `idempotency_conflict`.
pub async fn run(ctx: &Ctx, who: &Actor, key: &str, new: NewOrder) -> Result<OrderView, Fault> {
    let request = Request::new(who.party, key, "buy", &new)?;
    let (asked, party, offer_id) = (request.clone(), who.party, new.offer_id);
    let made = ctx.read(move |db| earlier(db, &asked)).await?;
    let id = match made.as_deref() {
        Some([id]) => *id,
        Some(_) => return Err(Fault::internal("one order was expected under this key")),
        None => {
            let (node, now) = (ctx.clone(), ctx.now());
            let (what, facts, due) = ctx
                .read(move |db| {
                    let what = orders::sellable(db, offer_id)?;
                    covers(db, &what)?;
                    let row = datasets::by_id(db, what.dataset_id)?;
                    let facts = datasets::facts(db, Some(party), &row)?;
                    Ok((what, facts, taxes::due(db, &node.config, party, now)?))
                })
                .await?;
            rights::dataset(who, &facts).buy()?;
            let work = purchase(ctx, who.party, &new, what, due, None)?;
            let at = At {
                now: work.order.created_at.into(),
                period: period_of(&work),
            };
            let command = Command {
                request,
                at,
                work: Work::Purchase(Box::new(work)),
            };
            ctx.journal.submit(command).await?.one()?
        }
    };
    let receipt = ctx.read(move |db| orders::view(db, id)).await?;
    let nothing = amount(0, &receipt.gross.currency);
    Ok(OrderView {
        refunded: nothing,
        ..receipt
    })
}

/// Nobody is sold a licence under which the current revision would not be delivered.
pub(super) fn covers(db: &mut Db, what: &Sellable) -> Result<(), Fault> {
    let Some((revision, ..)) = what.revision else {
        return Ok(());
    };
    let terms: Terms = serde_json::from_str(&what.terms).map_err(Fault::internal)?;
    let revision = revisions::by_id(db, revision)?;
    let class = gates::class(revision.personal_data.as_deref());
    if class <= terms.personal_class() {
        return Ok(());
    }
    Err(Fault::conflict(
        "terms_understate_personal_data",
        format!(
            "The current revision holds {class} data, which these terms do not cover. Ask the owner for a new offer."
        ),
    )
    .about("personal_data"))
}

fn period_of(work: &Purchase) -> Period {
    Period::of(work.order.created_at.into())
}

/// One order.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<OrderView, Fault> {
    let (row, owner) = ctx.read(move |db| orders::find(db, id)).await?;
    rights::order(who, row.buyer_id.0, owner).see()?;
    ctx.read(move |db| orders::view(db, id)).await
}

/// The caller's orders, newest first.
///
/// # Errors
/// A bad cursor or limit.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<OrderView>, Fault> {
    let window = Window::of(&query)?;
    let buyer = who.party;
    let found = ctx
        .read(move |db| orders::of_buyer(db, buyer, window.before, window.fetch()))
        .await?;
    Ok(window.page(found, |order| order.id, |order| order))
}

/// What is for sale must be what the buyer has read.
///
/// # Errors
/// `not_for_sale`, `price_changed`, `terms_changed`.
pub(super) fn check(new: &NewOrder, what: &Sellable) -> Result<(), Fault> {
    let currency = currency(&amount(what.price_minor, &what.currency))?;
    if !what.live || what.revision.is_none() {
        return Err(not_for_sale());
    }
    if (new.price.minor, new.price.currency.as_str()) != (what.price_minor, what.currency.as_str())
    {
        return Err(Fault::conflict(
            "price_changed",
            format!(
                "The price is {}: read the offer again.",
                Money::new(what.price_minor, currency)
            ),
        )
        .about("price"));
    }
    if new.terms_sha256 != hex::encode(&what.terms_digest) {
        return Err(Fault::conflict(
            "terms_changed",
            "The terms are not the ones you name: read the offer again, nobody buys terms unseen.",
        )
        .about("terms_sha256"));
    }
    Ok(())
}

fn not_for_sale() -> Fault {
    Fault::conflict(
        "not_for_sale",
        "This offer is not for sale: it was retired, or nothing is published under it yet.",
    )
}

/// The whole write set of a purchase, paid from the wallet or by a payment.
pub(super) fn purchase(
    ctx: &Ctx,
    buyer: Uuid,
    new: &NewOrder,
    what: Sellable,
    due: Due,
    payment: Option<Key>,
) -> Result<Purchase, Fault> {
    check(new, &what)?;
    let currency = currency(&amount(what.price_minor, &what.currency))?;
    let Some((revision, number, epoch)) = what.revision else {
        return Err(not_for_sale());
    };
    let legs = split(ctx, &what, due.tax.bps)?;
    let licence = licence(ctx, buyer, new, &what, (revision, number), due.at)?;
    let line = format!(
        "Licence on the dataset {}, revision {number}, licence no. {}",
        what.title, licence.id.0
    );
    let order = OrderRow {
        id: licence.order_id,
        buyer_id: Key(buyer),
        offer_id: Key(new.offer_id),
        dataset_id: Key(what.dataset_id),
        revision_id: Key(revision),
        epoch,
        licence_id: licence.id,
        currency: what.currency,
        gross: what.price_minor,
        fee: legs.fee,
        tax: legs.tax,
        commission: legs.commission,
        net: legs.net,
        refunded: 0,
        refunded_fee: 0,
        refunded_tax: 0,
        refunded_commission: 0,
        refunded_net: 0,
        book: currency.code().to_owned(),
        entry_seq: 0,
        created_at: licence.created_at,
        jurisdiction: due.tax.jurisdiction.clone(),
    };
    Ok(Purchase {
        order,
        currency,
        owner: what.owner,
        licence,
        bill: Bill {
            seller: serde_json::to_string(&due.seller).map_err(Fault::internal)?,
            buyer: serde_json::to_string(&due.buyer).map_err(Fault::internal)?,
            line,
            tax: due.tax,
        },
        payment,
    })
}

fn split(ctx: &Ctx, what: &Sellable, tax_bps: u32) -> Result<Legs, Fault> {
    if what.price_minor == 0 {
        return Ok(Legs::default());
    }
    let bps = u32::try_from(what.commission_bps).map_err(Fault::internal)?;
    let plan = FeePlan {
        fee_bps: ctx.config.fee_bps.into(),
        tax_bps,
        commission: (bps > 0).then_some(Commission {
            party: what.owner,
            bps,
        }),
    };
    split_sale(what.price_minor, &plan).map_err(|error| match error {
        PlanError::LegsExceedGross { .. } => Fault::new(
            Kind::Unavailable,
            "node_misconfigured",
            "Fee and tax of this node exceed the price. The operator has to lower them.",
        ),
        other => Fault::internal(other),
    })
}

/// Signs the licence: its term starts now.
fn licence(
    ctx: &Ctx,
    buyer: Uuid,
    new: &NewOrder,
    what: &Sellable,
    (revision, number): (Uuid, i32),
    now: DateTime<Utc>,
) -> Result<LicenceRow, Fault> {
    let terms: Terms = serde_json::from_str(&what.terms).map_err(Fault::internal)?;
    let (valid_from, valid_until) = terms.term(now);
    let (order, id) = (ctx.id(), ctx.id());
    let doc = LicenceDoc {
        licence: id.into(),
        order: order.into(),
        offer: new.offer_id.into(),
        dataset: what.dataset_id.into(),
        dataset_title: what.title.clone(),
        revision: revision.into(),
        revision_number: u32::try_from(number).map_err(Fault::internal)?,
        assigner: what.owner.into(),
        assignee: buyer.into(),
        granted_at: now,
        valid_from,
        valid_until,
        price: Price {
            minor: what.price_minor,
            currency: what.currency.clone(),
        },
        terms,
    };
    let signed = SignedLicence::sign(doc, ctx.keys.signing()).map_err(Fault::internal)?;
    Ok(LicenceRow {
        id: Key(id),
        order_id: Key(order),
        party_id: Key(buyer),
        dataset_id: Key(what.dataset_id),
        revision_id: Key(revision),
        document: signed.jws().to_owned(),
        valid_from: valid_from.into(),
        valid_until: valid_until.map(Into::into),
        downloads_used: 0,
        revoked_at: None,
        revoked_reason: None,
        created_at: now.into(),
    })
}
