//! What somebody can ask the ledger to do.

use crate::account::Account;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::plan::FeePlan;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// What somebody asks the ledger to do.
///
/// A command is data: what it does to a state is in [`super::Journal::apply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Confirmed money for a wallet.
    TopUp {
        /// Whose wallet.
        party: Uuid,
        /// How much.
        amount: Money,
        /// `Assets:PSP:…` or `Assets:Bank:…`.
        from: Account,
    },
    /// A sale out of a wallet to a frozen epoch.
    Purchase {
        /// New order id.
        order: Uuid,
        /// Whose wallet pays.
        buyer: Uuid,
        /// The revision sold.
        revision: Uuid,
        /// Its epoch.
        epoch: u32,
        /// Gross.
        price: Money,
        /// Rates.
        plan: FeePlan,
        /// Where sales tax is owed.
        tax: String,
    },
    /// Part or all of a sale back into the wallet.
    Refund {
        /// The order.
        order: Uuid,
        /// Minor units of the order's currency.
        #[serde(with = "crate::json::exact")]
        amount: i64,
    },
    /// One pool into its contributors.
    Settle {
        /// Revision.
        revision: Uuid,
        /// Epoch.
        epoch: u32,
        /// Currency.
        currency: Currency,
    },
    /// The payer's bank takes a payment back until it is decided who keeps it.
    DisputeOpen {
        /// New dispute id.
        dispute: Uuid,
        /// The order.
        order: Uuid,
        /// Minor units of the order's currency; may exceed what is left of the payment.
        #[serde(with = "crate::json::exact")]
        amount: i64,
    },
    /// The node keeps the payment.
    DisputeWon {
        /// The dispute.
        dispute: Uuid,
    },
    /// The payer keeps it.
    DisputeLost {
        /// The dispute.
        dispute: Uuid,
        /// `Assets:PSP:…` or `Assets:Bank:…` that the money left by.
        by: Account,
    },
    /// Reserves that are due in the period of the stamp.
    ReserveRelease {
        /// Contributor.
        party: Uuid,
        /// Currency.
        currency: Currency,
    },
    /// Part of a period's credit, held back.
    ReserveHold {
        /// Contributor.
        party: Uuid,
        /// The credit of the period.
        credit: Money,
        /// Basis points of it.
        bps: u32,
        /// For how many periods.
        periods: u32,
    },
    /// Everything a contributor is owed, on its way to them.
    Payout {
        /// New payout id.
        payout: Uuid,
        /// The file it is part of.
        batch: Uuid,
        /// Contributor.
        party: Uuid,
        /// Currency.
        currency: Currency,
        /// The least amount that is worth a transfer.
        #[serde(with = "crate::json::exact")]
        least: i64,
        /// Basis points of tax to withhold.
        withholding_bps: u32,
        /// Where that tax is owed.
        jurisdiction: String,
    },
    /// The bank has paid.
    PayoutSettled {
        /// The payout.
        payout: Uuid,
        /// `Assets:Bank:…` that paid.
        bank: Account,
    },
    /// The payout came back.
    PayoutReturned {
        /// The payout.
        payout: Uuid,
    },
    /// A correction that two people stand for.
    Adjust {
        /// The lines, in one currency.
        lines: Vec<(Account, String)>,
        /// Their currency.
        currency: Currency,
        /// Why.
        reason: String,
        /// Who approved it.
        approvers: [Uuid; 2],
        /// Id of the entry it corrects.
        corrects: Uuid,
    },
    /// A contributor leaves: the residue is paid up to one unit, once.
    CloseContributor {
        /// Contributor.
        party: Uuid,
        /// Currency.
        currency: Currency,
    },
    /// This period and all before it take no further entry. Makes no entry itself.
    ClosePeriod {
        /// The period.
        period: Period,
    },
    /// A subscription's charge for one term.
    Charge {
        /// New term id.
        term: Uuid,
        /// Whose wallet pays.
        buyer: Uuid,
        /// Gross.
        price: Money,
        /// Rates; a commission is refused.
        plan: FeePlan,
        /// Where sales tax is owed.
        tax: String,
        /// Days of the term.
        days: u32,
    },
    /// One day of a term is earned, by what was used that day.
    Recognise {
        /// The term.
        term: Uuid,
        /// Counted from 1; days come in order.
        day: u32,
        /// (revision, epoch, use): what was used, or the list price of what was entitled.
        uses: Vec<(Uuid, u32, u64)>,
    },
    /// The unused days of a term, given back.
    CancelTerm {
        /// The term.
        term: Uuid,
    },
    /// Money of one currency for another, out of and into one wallet.
    Exchange {
        /// Whose wallet.
        party: Uuid,
        /// What is given.
        give: Money,
        /// What is got.
        get: Money,
        /// Id of the entry in the second book.
        second: Uuid,
    },
    /// Points are given.
    PointsIssue {
        /// User.
        user: Uuid,
        /// How many.
        #[serde(with = "crate::json::exact")]
        points: i64,
    },
    /// Points are used up.
    PointsRedeem {
        /// User.
        user: Uuid,
        /// How many.
        #[serde(with = "crate::json::exact")]
        points: i64,
    },
    /// Points lapse.
    PointsExpire {
        /// User.
        user: Uuid,
        /// How many.
        #[serde(with = "crate::json::exact")]
        points: i64,
    },
    /// Sets money of a wallet aside until it is posted, voided, or the time is up. Makes no
    /// entry: nothing has moved.
    Authorise {
        /// New hold id.
        hold: Uuid,
        /// Whose wallet.
        party: Uuid,
        /// At most this much will be posted.
        amount: Money,
        /// From this moment on it is void.
        expires: DateTime<Utc>,
    },
    /// Posts a held sale, for at most the amount held.
    Post {
        /// The hold.
        hold: Uuid,
        /// New order id.
        order: Uuid,
        /// The revision sold.
        revision: Uuid,
        /// Its epoch.
        epoch: u32,
        /// Gross, at most what is held.
        #[serde(with = "crate::json::exact")]
        price: i64,
        /// Rates.
        plan: FeePlan,
        /// Where sales tax is owed.
        tax: String,
    },
    /// Lets a hold go. Makes no entry.
    Void {
        /// The hold.
        hold: Uuid,
    },
}
