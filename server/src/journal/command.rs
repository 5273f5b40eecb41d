//! What the writer can be told to do: whole write sets, each landing in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ledger::entry::Kind as EntryKind;
use ledger::json::Hash;
use ledger::money::{BookKind, Currency, Money};
use ledger::period::Period;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::Amount;
use serde::Serialize;
use uuid::Uuid;

use super::invoices::Bill;
use super::provider::ProviderReport;
use super::subscriptions::Act;
use crate::error::{Fault, Kind};
use crate::ports::bank::{camt053, pain002};
use crate::store::bank_files::FileRow;
use crate::store::journal as rows;
use crate::store::orders::{LicenceRow, OrderRow};
use crate::store::payouts::{BatchRow, BlockRow};

/// Who asks, under which key, for what. One effect per (source, key), for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The party that asks.
    pub party: Uuid,
    /// Its key for this request.
    pub key: String,
    /// SHA-256 of what it asks for.
    pub hash: Hash,
}

impl Request {
    /// Binds a key to a verb and its body.
    ///
    /// # Errors
    /// A key that is empty or longer than 200 characters.
    pub fn new<T: Serialize>(party: Uuid, key: &str, verb: &str, body: &T) -> Result<Self, Fault> {
        if !(1..=200).contains(&key.chars().count()) {
            return Err(Fault::invalid(
                "Idempotency-Key",
                "Send an Idempotency-Key of 1 to 200 characters: a new one for a new request, \
                 the same one to repeat a request whose answer was lost.",
            ));
        }
        let text = serde_json_canonicalizer::to_vec(&(verb, body)).map_err(Fault::internal)?;
        Ok(Self {
            party,
            key: key.to_owned(),
            hash: Hash::of(&[&text]),
        })
    }

    /// What the payment provider reports, under a key made of the provider's own identifiers:
    /// no party can take such a key first.
    ///
    /// # Errors
    /// None that a key of bounded identifiers can cause.
    pub fn of_provider<T: Serialize>(key: &str, verb: &str, body: &T) -> Result<Self, Fault> {
        Self::new(Uuid::nil(), key, verb, body)
    }

    /// What the node does by itself when it is due, under a key made of its own identifiers.
    ///
    /// # Errors
    /// None that a key of bounded identifiers can cause.
    pub fn of_node<T: Serialize>(key: &str, verb: &str, body: &T) -> Result<Self, Fault> {
        Self::new(Uuid::max(), key, verb, body)
    }

    /// The source of the entry it makes.
    #[must_use]
    pub fn source(&self) -> String {
        if self.party.is_nil() {
            "provider:stripe".to_owned()
        } else if self.party.is_max() {
            "node".to_owned()
        } else {
            format!("party:{}", self.party)
        }
    }
}

/// The moment of a command and the period it is booked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// When it happens.
    pub now: DateTime<Utc>,
    /// Where it is booked.
    pub period: Period,
}

impl At {
    /// Now, in the month of now.
    #[must_use]
    pub fn now(now: DateTime<Utc>) -> Self {
        Self {
            now,
            period: Period::of(now),
        }
    }
}

/// Fill a wallet with money the bank has reported.
#[derive(Debug, Clone)]
pub struct TopUp {
    /// The announced transfer that has come with it.
    pub payment: Option<Key>,
    /// Identifier of the entry.
    pub id: Uuid,
    /// Whose wallet.
    pub party: Uuid,
    /// Minor units, at least 1.
    pub minor: i64,
    /// Their currency.
    pub currency: Currency,
    /// The bank's reference; bound into the journal by its hash alone.
    pub reference: String,
}

/// Give points, or take them.
#[derive(Debug, Clone)]
pub struct PointsMoved {
    /// Identifier of the entry.
    pub id: Uuid,
    /// One of the three kinds of the points book.
    pub kind: EntryKind,
    /// Whose points.
    pub user: Uuid,
    /// How many, at least 1.
    pub points: i64,
}

/// Change money in the asker's wallet into another currency.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Identifier, also of the entry in the book that gives.
    pub id: Uuid,
    /// By which rate.
    pub rate: Uuid,
    /// What leaves the wallet.
    pub give: Money,
    /// What comes into it.
    pub get: Money,
}

/// Buy: order, entry and licence together.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The order; the writer fills in the entry number.
    pub order: OrderRow,
    /// Its currency.
    pub currency: Currency,
    /// Owner of the dataset, who gets the commission.
    pub owner: Uuid,
    /// The licence it gives.
    pub licence: LicenceRow,
    /// What its invoice says.
    pub bill: Bill,
    /// The card payment that pays for it; none pays from the wallet.
    pub payment: Option<Key>,
}

/// Give some or all of an order back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Identifier of the refund and of its entry.
    pub id: Uuid,
    /// Order.
    pub order: Key,
    /// Owner of the dataset, who gives the commission back.
    pub owner: Uuid,
    /// Minor units, at least 1.
    pub minor: i64,
    /// Currency the caller named; must be the order's.
    pub currency: Currency,
    /// Why.
    pub reason: String,
}

/// Book a run of payouts that was approved.
#[derive(Debug, Clone)]
pub struct PayoutRun {
    /// The run as it is to stand: approved, with its file.
    pub batch: BatchRow,
    /// What the file pays.
    pub blocks: Vec<BlockRow>,
    /// The block of each line.
    pub places: BTreeMap<Key, String>,
}

/// A message of the bank.
#[derive(Debug, Clone)]
pub enum Message {
    /// Verdicts about an order.
    Status(pain002::Report),
    /// Statements of the account.
    Account(camt053::Report),
}

/// Book what the bank says.
#[derive(Debug, Clone)]
pub struct BankFile {
    /// The file.
    pub file: FileRow,
    /// What it says.
    pub message: Message,
}

/// A payer's bank takes an order back, until it is decided who keeps it.
#[derive(Debug, Clone)]
pub struct DisputeOpen {
    /// Identifier of the dispute and of its first entry.
    pub id: Uuid,
    /// Order.
    pub order: Key,
    /// Owner of the dataset, who gives the commission back.
    pub owner: Uuid,
    /// Minor units of the order's currency; may exceed what is left of the order.
    pub minor: i64,
    /// Currency the caller named; must be the order's.
    pub currency: Currency,
    /// What the bank says.
    pub reason: String,
}

/// A dispute is decided.
#[derive(Debug, Clone)]
pub struct DisputeEnd {
    /// Identifier of the entry.
    pub id: Uuid,
    /// The dispute.
    pub dispute: Key,
    /// The order it is about.
    pub order: Key,
    /// Owner of the dataset, who gets the commission back.
    pub owner: Uuid,
    /// Currency of the order.
    pub currency: Currency,
    /// Whether the node keeps the payment.
    pub won: bool,
}

/// A claim on rows is decided.
#[derive(Debug, Clone)]
pub struct DecideClaim {
    /// The claim.
    pub claim: Key,
    /// Its state from now on.
    pub state: &'static str,
    /// Why.
    pub because: String,
    /// How much of what is credited is held back.
    pub terms: ReserveTerms,
    /// Identifier of the job that weighs again.
    pub job: Uuid,
}

/// How much of a credit is held back, and for how many periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReserveTerms {
    /// Basis points of every positive credit.
    pub bps: u32,
    /// Periods until it is released.
    pub periods: u32,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Work {
    /// Fill a wallet.
    TopUp(TopUp),
    /// Change money.
    Exchange(Exchange),
    /// Give points, or take them.
    Points(PointsMoved),
    /// Buy.
    Purchase(Box<Purchase>),
    /// Give back.
    Refund(Refund),
    /// Settle every pool that moved.
    Settle(ReserveTerms),
    /// Put a disputed payment on hold.
    DisputeOpen(DisputeOpen),
    /// Decide who keeps it.
    DisputeEnd(DisputeEnd),
    /// Let a period and all before it take no further entry.
    ClosePeriod(Period),
    /// Book a correction that somebody else proposed.
    Adjust(Key),
    /// Decide a claim, and pass on what is held for it.
    DecideClaim(Box<DecideClaim>),
    /// Book what a payment provider reports.
    Provider(ProviderReport),
    /// Pay out.
    Payouts(Box<PayoutRun>),
    /// Hear the bank.
    BankFile(Box<BankFile>),
    /// Charge, earn or give back a subscription.
    Subscription(Act),
}

impl Work {
    /// Whether it has a transaction of its own.
    #[must_use]
    pub fn alone(&self) -> bool {
        matches!(
            self,
            Self::Settle(_)
                | Self::ClosePeriod(_)
                | Self::Adjust(_)
                | Self::Exchange(_)
                | Self::DecideClaim(_)
                | Self::Payouts(_)
                | Self::BankFile(_)
                | Self::Subscription(_)
        )
    }

    /// Whose balance it may take below zero: the owner gives a commission back.
    #[must_use]
    pub fn gives_back(&self) -> Option<(Uuid, Currency)> {
        match self {
            Self::Refund(work) => Some((work.owner, work.currency)),
            Self::DisputeOpen(work) => Some((work.owner, work.currency)),
            Self::Provider(report) => report.gives_back(),
            _ => None,
        }
    }

    /// The order it is about, when that is there already.
    #[must_use]
    pub fn order(&self) -> Option<Key> {
        match self {
            Self::Refund(work) => Some(work.order),
            Self::DisputeOpen(work) => Some(work.order),
            Self::DisputeEnd(work) => Some(work.order),
            _ => None,
        }
    }
}

/// One command to the writer.
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks, and under which key.
    pub request: Request,
    /// When, and in which period.
    pub at: At,
    /// What.
    pub work: Work,
}

/// The writer's answer: durable when it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Identifiers of what stands now: the order, refund or top-up; the settlements.
    pub ids: Vec<Uuid>,
    /// True when an earlier request with the same key had made it.
    pub repeated: bool,
}

impl Posted {
    /// The one thing a request made.
    ///
    /// # Errors
    /// When it made none or several.
    pub fn one(&self) -> Result<Uuid, Fault> {
        match self.ids.as_slice() {
            [id] => Ok(*id),
            ids => Err(Fault::internal(format!(
                "one effect was expected, {} were made",
                ids.len()
            ))),
        }
    }
}

/// The fault of a key that was used for something else.
pub(crate) fn key_conflict(key: &str) -> Fault {
    Fault::conflict(
        "idempotency_conflict",
        format!(
            "The Idempotency-Key {key:?} was used for another request, whose effect stands. Nothing \
             was done now: send a new key for a new request, or the first body to see its answer."
        ),
    )
    .about("Idempotency-Key")
}

/// What an earlier request under the same key has made.
///
/// # Errors
/// `idempotency_conflict` when the key was used for something else.
pub fn earlier(db: &mut Db, request: &Request) -> Result<Option<Vec<Uuid>>, Fault> {
    let source = request.source();
    let entry = rows::keys(db, &[(&source, &request.key)])?.pop();
    let found = match entry {
        Some(row) => Some((row.request_hash, vec![row.id.0])),
        None => match rows::answers(db, &[(request.party, &request.key)])?.pop() {
            Some(row) => {
                let ids = row.ids()?;
                Some((row.request_hash, ids))
            }
            None => None,
        },
    };
    match found {
        None => Ok(None),
        Some((hash, ids)) if hash == request.hash.0 => Ok(Some(ids)),
        Some(_) => Err(key_conflict(&request.key)),
    }
}

/// Reads the currency of an amount.
///
/// # Errors
/// `unknown_currency`, or points, which are no money.
pub fn currency(amount: &Amount) -> Result<Currency, Fault> {
    let refuse =
        |detail: String| Fault::new(Kind::Invalid, "unknown_currency", detail).about("currency");
    let currency: Currency = amount
        .currency
        .parse()
        .map_err(|error| refuse(format!("{error}.")))?;
    match currency.kind() {
        BookKind::Money => Ok(currency),
        BookKind::Points => Err(refuse(
            "Points are no money: nothing can be paid with them.".to_owned(),
        )),
    }
}

/// An amount on the wire.
#[must_use]
pub fn amount(minor: i64, currency: &str) -> Amount {
    Amount {
        minor,
        currency: currency.to_owned(),
    }
}
