//! Payouts, the bank's files, and who may run the node.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, PartyView};

/// Body of `PUT /api/v1/payout-method`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayoutMethod {
    /// Name of the account's holder, as the bank knows it.
    pub name: String,
    /// The account; blanks do not matter.
    pub iban: String,
    /// Where the holder lives, two letters of ISO 3166: tax is withheld by it.
    pub country: String,
    /// The bank's code (ISO 9362); needed outside the SEPA area only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<String>,
}

impl std::fmt::Debug for NewPayoutMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An account number has no place in a log.
        f.debug_struct("NewPayoutMethod")
            .field("country", &self.country)
            .finish_non_exhaustive()
    }
}

/// Where a contributor is paid; the account itself is shown by its end only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutMethodView {
    /// Identifier.
    pub id: Uuid,
    /// Country and last four characters of the account.
    pub account: String,
    /// Where its holder lives.
    pub country: String,
    /// Since when it is in force.
    pub created_at: DateTime<Utc>,
    /// From when it is paid to: a changed account waits, so that its owner can notice.
    pub usable_from: DateTime<Utc>,
}

/// Body of `POST /api/v1/admin/payouts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayouts {
    /// Show what would happen, and keep nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Day on which the bank is to pay; the next working day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execute_on: Option<NaiveDate>,
}

/// Sums of a run in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutTotal {
    /// Payees that are paid.
    pub payees: i64,
    /// Out of their balances.
    pub gross: Amount,
    /// Kept back as tax.
    pub withheld: Amount,
    /// What the bank is told to pay.
    pub net: Amount,
    /// Payees that are held back.
    pub held_back: i64,
}

/// A run of payouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutBatchView {
    /// Identifier; none for a dry run.
    pub id: Option<Uuid>,
    /// `dry_run`, `proposed`, `approved`, or `replaced` by a later proposal.
    pub state: String,
    /// Day on which the bank is to pay.
    pub execute_on: NaiveDate,
    /// Who proposed it.
    pub proposed_by: PartyView,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who approved it: never the one who proposed it.
    pub approved_by: Option<PartyView>,
    /// When.
    pub approved_at: Option<DateTime<Utc>>,
    /// Period it is booked in, once it is approved.
    pub period: Option<String>,
    /// SHA-256 of the bank's file, once it is approved.
    pub file_sha256: Option<String>,
    /// Sums by currency.
    pub totals: Vec<PayoutTotal>,
    /// Who gets what, and who is held back and why.
    pub lines: Vec<PayoutView>,
}

/// One payee of a run in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutView {
    /// Identifier; without its dashes, the reference of the transfer.
    pub id: Uuid,
    /// The run.
    pub batch_id: Uuid,
    /// Payee.
    pub party: PartyView,
    /// Balance when it was proposed.
    pub balance: Amount,
    /// Out of the balance.
    pub gross: Amount,
    /// Kept back as tax.
    pub withheld: Amount,
    /// What the bank is told to pay.
    pub net: Amount,
    /// Country and last four characters of the account paid to.
    pub account: Option<String>,
    /// `held`, `proposed`, `in_transit`, `settled`, `returned`.
    pub state: String,
    /// Why it is held back or came back: a stable code, empty otherwise.
    pub reason: String,
    /// The same in words, with what to do.
    pub explanation: String,
    /// What the bank said last, such as `ACSP`; empty when it said nothing.
    pub bank_status: String,
    /// Journal entries: payout, its settlement, its return.
    pub entries: Vec<String>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
}

/// Body of `POST /api/v1/admin/parties/{id}/payout-hold`, and of taking it away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Why; the payee sees it.
    pub reason: String,
}

/// Payouts of a party that are held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Whose payouts.
    pub party: PartyView,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when; none while it lasts.
    pub released_at: Option<DateTime<Utc>>,
}

/// A file of the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BankFileView {
    /// Identifier.
    pub id: Uuid,
    /// `pain.002` or `camt.053`.
    pub kind: String,
    /// The bank's name of the message.
    pub message: String,
    /// SHA-256 of its elements, attributes and texts, without the blanks between them.
    pub sha256: String,
    /// Who imported it.
    pub imported_by: PartyView,
    /// When.
    pub created_at: DateTime<Utc>,
    /// True when the same file had been imported before: nothing was done again.
    pub repeated: bool,
    /// Account statements in it.
    pub statements: Vec<BankStatementView>,
    /// What the bank said, and what came of it.
    pub lines: Vec<BankLineView>,
}

/// A statement of the node's bank account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BankStatementView {
    /// The bank's name of it.
    pub name: String,
    /// Balance before.
    pub opening: Amount,
    /// Balance after.
    pub closing: Amount,
    /// Day of the opening balance.
    pub opened_on: NaiveDate,
    /// Day of the closing balance.
    pub closed_on: NaiveDate,
}

/// One line of a bank file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BankLineView {
    /// Money in positive, money out negative; none for a verdict of a status report.
    pub amount: Option<Amount>,
    /// When the bank booked it; empty for a verdict.
    pub booked_on: String,
    /// The reference it bears; empty when it bears none.
    pub reference: String,
    /// The bank's words.
    pub words: String,
    /// `settled`, `returned`, `accepted`, `already`, `mismatch`, `unexpected`, `unknown`, `other`.
    pub outcome: String,
    /// The same in words.
    pub explanation: String,
    /// The payout it is about.
    pub payout_id: Option<Uuid>,
    /// Journal entry it made; empty when it made none.
    pub entry: String,
}

/// Answer of `GET /api/v1/admin/reconciliation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reconciliation {
    /// One per currency with payouts, bank movements or statements.
    pub currencies: Vec<CurrencyReconciliation>,
}

/// The books of one currency beside what the bank says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrencyReconciliation {
    /// `Liabilities:PayoutInTransit`, as it is owed to the bank's clients.
    pub in_transit: Amount,
    /// What the runs say is under way; must be the same.
    pub in_transit_of_runs: Amount,
    /// Every approved run with something in this currency.
    pub runs: Vec<RunInTransit>,
    /// `Assets:Bank:main`.
    pub books: Amount,
    /// Closing balance of the last statement; none before the first.
    pub bank: Option<Amount>,
    /// Day of that balance.
    pub bank_on: Option<NaiveDate>,
    /// Why the two differ, line by line; they sum to the difference.
    pub breaks: Vec<Break>,
    /// What remains of the difference after all breaks; must be 0.
    pub unexplained: Amount,
}

/// A run beside the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunInTransit {
    /// The run.
    pub batch_id: Uuid,
    /// When it was approved.
    pub approved_at: DateTime<Utc>,
    /// What its file pays.
    pub file: Amount,
    /// Of it, debited by the bank.
    pub settled: Amount,
    /// Of it, come back.
    pub returned: Amount,
    /// Of it, still under way.
    pub in_transit: Amount,
}

/// One reason why books and bank differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Break {
    /// `before_first_statement`, `missing_statement`, `only_at_the_bank`, `only_in_the_books`.
    pub kind: String,
    /// Bank less books.
    pub amount: Amount,
    /// Day, as far as it is known.
    pub on: String,
    /// Reference or entry, by which it can be found.
    pub reference: String,
    /// What it is and what to do.
    pub words: String,
}

/// Body of `POST /api/v1/admin/operators`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// Who: id, handle or e-mail address.
    pub party: String,
    /// Why; kept for ever.
    pub reason: String,
}

/// Body of `POST /api/v1/admin/operators/{id}/dismissal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    /// Why; kept for ever.
    pub reason: String,
}

/// A change of who runs the node, or the first operator, who changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorView {
    /// Who.
    pub party: PartyView,
    /// Whether they are operator since then, or no more.
    pub operator: bool,
    /// Who decided; none for the first operator, who came by the link.
    pub changed_by: Option<PartyView>,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: DateTime<Utc>,
}
