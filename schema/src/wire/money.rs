//! Wallets, settlement, statements and the operator's figures.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, PartyView};

/// Answer of `GET /api/v1/wallet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletView {
    /// Prepaid balances to buy with, one per currency.
    pub balances: Vec<Amount>,
    /// Earned and held for payout, one per currency.
    pub earnings: Vec<Amount>,
    /// Points: thanks that are counted, never money.
    #[serde(default)]
    pub points: i64,
    /// Latest movements of the wallet and of points, newest first.
    pub movements: Vec<WalletMovement>,
}

/// One movement of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletMovement {
    /// Journal book and entry number.
    pub entry: String,
    /// Kind of entry.
    pub kind: String,
    /// Into the wallet positive, out of it negative.
    pub amount: Amount,
    /// When.
    pub at: DateTime<Utc>,
}

/// Body of `POST /api/v1/admin/top-ups`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTopUp {
    /// Party whose wallet is filled: id, handle or e-mail address.
    pub party: String,
    /// Amount received.
    pub amount: Amount,
    /// The bank's reference of the transfer.
    pub reference: String,
}

/// A confirmed top-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopUpView {
    /// Whose wallet.
    pub party: PartyView,
    /// Amount.
    pub amount: Amount,
    /// Balance after it.
    pub balance: Amount,
    /// Journal book and entry number.
    pub entry: String,
}

/// Body of `POST /api/v1/admin/settlements`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettlement {
    /// Period to book in, `YYYY-MM`; the open period when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// Answer of a settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettlementView {
    /// Period booked in.
    pub period: String,
    /// Pools settled.
    pub pools: Vec<PoolSettled>,
    /// Statements issued.
    pub statements: Vec<StatementView>,
}

/// One pool settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolSettled {
    /// Revision.
    pub revision_id: Uuid,
    /// Epoch.
    pub epoch: i32,
    /// Moved out of the pool.
    pub delta: Amount,
    /// Contributors credited.
    pub contributors: i64,
    /// Change of the dust account in minor units.
    pub dust: i64,
    /// Journal book and entry number.
    pub entry: String,
}

/// A statement in a list; the document itself is `GET /api/v1/statements/{id}.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementView {
    /// Identifier.
    pub id: Uuid,
    /// Payee.
    pub party: PartyView,
    /// Period `YYYY-MM`.
    pub period: String,
    /// Issue number within party, period and currency; a later one supersedes.
    pub number: i32,
    /// Balance at the start.
    pub opening: Amount,
    /// Earned in the period.
    pub earned: Amount,
    /// Balance at the end.
    pub closing: Amount,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
}

/// Answer of `GET /api/v1/admin/trial-balance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialBalance {
    /// One per book.
    pub books: Vec<BookBalance>,
}

/// Balances of one book; debit positive, credit negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookBalance {
    /// Book, named by its currency.
    pub book: String,
    /// Must be 0.
    pub total: i64,
    /// Entries in the book.
    pub entries: i64,
    /// Accounts with their balances.
    pub accounts: Vec<AccountBalance>,
}

/// Balance of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountBalance {
    /// `Type:Owner:Purpose`.
    pub account: String,
    /// Debit positive, credit negative, minor units.
    pub balance: i64,
}

/// One finding of `granary ledger verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerFinding {
    /// Invariant, `I1` to `I22`.
    pub invariant: String,
    /// Row concerned.
    pub row: String,
    /// What is wrong.
    pub message: String,
}

/// A sale as the dataset's owner and contributors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SaleView {
    /// Order.
    pub order_id: Uuid,
    /// Dataset.
    pub dataset: String,
    /// Revision number.
    pub revision: i32,
    /// Buyer.
    pub buyer: PartyView,
    /// Paid.
    pub gross: Amount,
    /// Net to the pool, before refunds.
    pub net: Amount,
    /// Refunded so far.
    pub refunded: Amount,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/admin/disputes`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDispute {
    /// Order whose payment the payer's bank took back.
    pub order_id: Uuid,
    /// What it took; may be more than is left of the order.
    pub amount: Amount,
    /// What the bank says.
    pub reason: String,
}

/// Body of `POST /api/v1/admin/disputes/{id}/verdict`; needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeVerdict {
    /// True when the node keeps the payment.
    pub won: bool,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisputeView {
    /// Identifier.
    pub id: Uuid,
    /// Order; none when it is about money in a wallet.
    pub order_id: Option<Uuid>,
    /// What the payer's bank took.
    pub amount: Amount,
    /// The part of it above the payment, which is the node's loss.
    pub above: Amount,
    /// `open`, `won` or `lost`.
    pub state: String,
    /// What the bank says.
    pub reason: String,
    /// When.
    pub opened_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// An accounting period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeriodView {
    /// Name, such as `2026-11`.
    pub name: String,
    /// When it was first booked in.
    pub opened_at: DateTime<Utc>,
    /// When it was closed; entries are booked in later periods since.
    pub closed_at: Option<DateTime<Utc>>,
}

/// One line of a correction: + debit, − credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLine {
    /// Account, such as `Income:PlatformFee`.
    pub account: String,
    /// Minor units.
    pub minor: i64,
}

/// Body of `POST /api/v1/admin/adjustments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdjustment {
    /// Currency of the lines.
    pub currency: String,
    /// Lines; they sum to 0.
    pub lines: Vec<AdjustmentLine>,
    /// Why; kept and shown.
    pub reason: String,
    /// Entry it corrects, such as `EUR/17`.
    pub corrects: String,
}

/// A correction of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentView {
    /// Identifier.
    pub id: Uuid,
    /// Currency of the lines.
    pub currency: String,
    /// Lines.
    pub lines: Vec<AdjustmentLine>,
    /// Why.
    pub reason: String,
    /// Entry it corrects.
    pub corrects: String,
    /// Who proposed it.
    pub proposed_by: Uuid,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who approved it; nobody yet while it is only proposed.
    pub approved_by: Option<Uuid>,
    /// When.
    pub approved_at: Option<DateTime<Utc>>,
    /// Its own entry; empty while it is only proposed.
    pub entry: String,
}
