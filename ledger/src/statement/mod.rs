//! The statement of one contributor, one period, one currency: a canonical JSON
//! document that everything else (page, CSV, journal) is rendered from, signed
//! with Ed25519 and checkable with integers alone (LEDGER.md §7).
//!
//! [`Inputs`] hold what the store knows; [`Inputs::build`] adds the bridge, the
//! answer and the footer, and refuses inputs that do not add up; [`Statement::sign`]
//! makes the file; [`verify`] recomputes every line, the bridge and the footer and
//! names the first line that is wrong.
//!
//! # The file
//! `{"signature":{"algorithm":"Ed25519","key":<base64>,"value":<base64>},"statement":{…}}`,
//! RFC 8785 as a whole. The signature is over the RFC 8785 bytes of `statement`, so
//! `openssl pkeyutl -verify -rawin` checks it too. Amounts are integer minor units
//! of `currency` with `exponent` decimals; an integer beyond ±(2^53 − 1) is a
//! decimal string, weights always are.
//!
//! # A line by hand
//! * `pool_delta = gross − tax − fee − commission − Σ refunds.net
//!   + subscriptions.by_use + subscriptions.by_list_price`
//! * `refund.net = gross − tax − fee − commission` of what was given back
//! * `share_ppt = ⌊10^12·weight/weight_total⌋`, or one more (largest remainders)
//! * `amount = ⌊(carry_before + pool_delta·share_ppt) / 10^12⌋`, `carry_after` is the
//!   rest, and the next line's `carry_before`
//!
//! That the lines stand in the journal is shown by the document's [`Proof`].

mod check;
mod payout_proof;
mod placed;
mod proof;
mod sign;
#[cfg(test)]
pub(crate) mod tests;
mod why;

pub use payout_proof::{PayoutProof, ProofPosting};
pub use proof::{LineProof, Proof, ProofEntry};
pub use sign::{VerifiedSummary, verify};
pub use why::{Lost, Shared, Why};

use crate::money::{Currency, Money};
use crate::period::Period;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The document's format name.
pub const FORMAT: &str = "granary-statement/1";
/// What a statement says while nothing was ever paid out.
pub const HELD: &str = "no payouts yet: balance held";

/// Why a statement is not built or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a statement file.
    #[error("this is not a statement file: {0}")]
    Unreadable(String),
    /// Same content, other bytes.
    #[error("the file is not in canonical form (RFC 8785): it was re-written after signing")]
    NotCanonical,
    /// Signed by somebody else.
    #[error("the file names another public key: ask the node for its key")]
    OtherKey,
    /// Content and signature do not belong together.
    #[error("the signature does not match the statement")]
    BadSignature,
    /// The signature fails and so does the arithmetic.
    #[error("the signature does not match the statement; first wrong figure: {0}")]
    Tampered(Box<StatementError>),
    /// A line, counted from 1.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Stored and recomputed figure.
        problem: String,
    },
    /// A part outside the lines.
    #[error("{part}: {problem}")]
    Part {
        /// `bridge`, `answer`, `footer`, `head`, `proof`.
        part: &'static str,
        /// Stored and recomputed figure.
        problem: String,
    },
}

/// Provisional statements may still change; final ones are only superseded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The period is open.
    Provisional,
    /// The period is settled.
    Final,
}

/// What identifies the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Statement id.
    pub id: Uuid,
    /// 1 for the first statement of the period, 2 for the one that supersedes it, …
    pub number: u32,
    /// The statement this one replaces.
    pub supersedes: Option<Uuid>,
    /// Provisional or final.
    pub status: Status,
    /// The contributor's random id in the ledger.
    pub payee: Uuid,
    /// The name the payee uses here.
    pub payee_name: String,
    /// The node that owes.
    pub node: String,
    /// The period.
    pub period: Period,
    /// The currency of all amounts.
    pub currency: Currency,
    /// When it was made, UTC.
    pub issued_at: DateTime<Utc>,
}

/// Opening balance to closing balance, minor units (I13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    /// Closing of the period before.
    #[serde(with = "crate::json::exact")]
    pub opening: i64,
    /// Sum of the lines, of commissions and of what came from decided claims.
    #[serde(with = "crate::json::exact")]
    pub earned: i64,
    /// Reserve that became due.
    #[serde(with = "crate::json::exact")]
    pub released: i64,
    /// Newly held in reserve.
    #[serde(with = "crate::json::exact")]
    pub held: i64,
    /// Reserve used against a negative balance.
    #[serde(with = "crate::json::exact")]
    pub drawn: i64,
    /// Paid out, less what came back: negative when more came back than was paid.
    #[serde(with = "crate::json::exact")]
    pub paid: i64,
    /// opening + earned + released − held + drawn − paid.
    #[serde(with = "crate::json::exact")]
    pub closing: i64,
    /// Fraction of a unit carried in, in 1/10^12.
    pub carry_opening: i64,
    /// Fraction of a unit carried out, in 1/10^12.
    pub carry_closing: i64,
}

/// What was given back of sales to this pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// The period of the original sales.
    pub period: Period,
    /// How many refunds.
    pub count: u64,
    /// Given back to buyers.
    #[serde(with = "crate::json::exact")]
    pub gross: i64,
    /// Tax given back.
    #[serde(with = "crate::json::exact")]
    pub tax: i64,
    /// Platform fee given back.
    #[serde(with = "crate::json::exact")]
    pub fee: i64,
    /// Owner's commission given back.
    #[serde(with = "crate::json::exact")]
    pub commission: i64,
    /// Taken out of the pool.
    #[serde(with = "crate::json::exact")]
    pub net: i64,
}

/// Rows of the contributor that somebody else had brought before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateCopy {
    /// How many rows.
    pub rows: u64,
    /// Receipt number of the first holder's contribution.
    pub holder_receipt: u64,
    /// Day of that receipt.
    pub holder_date: NaiveDate,
}

/// The share in the epoch before, to see why it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Revision number of that epoch.
    pub revision_number: u32,
    /// Own share then, in 1/10^12.
    pub share_ppt: i64,
    /// Own weight then.
    #[serde(with = "crate::json::decimal")]
    pub weight: u128,
    /// All weights then.
    #[serde(with = "crate::json::decimal")]
    pub weight_total: u128,
}

/// What subscriptions brought to a pool: days with use by rows taken, days without by list price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionPart {
    /// Terms that brought something.
    pub terms: u64,
    /// Days of those terms in which the revision was used.
    pub used_days: u64,
    /// Rows that were taken in those days.
    pub used_rows: u64,
    /// What those days brought.
    #[serde(with = "crate::json::exact")]
    pub by_use: i64,
    /// Days of those terms without any use.
    pub unused_days: u64,
    /// What those days brought.
    #[serde(with = "crate::json::exact")]
    pub by_list_price: i64,
}

impl SubscriptionPart {
    /// Both together.
    pub fn amount(&self) -> i128 {
        i128::from(self.by_use) + i128::from(self.by_list_price)
    }
}

/// One settled pool delta of one dataset, revision and epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Dataset id.
    pub dataset: Uuid,
    /// Dataset title.
    pub dataset_title: String,
    /// Revision id.
    pub revision: Uuid,
    /// Revision number within the dataset.
    pub revision_number: u32,
    /// Epoch number.
    pub epoch: u32,
    /// Sales since the pool was last settled.
    pub sales: u64,
    /// Paid by buyers in those sales.
    #[serde(with = "crate::json::exact")]
    pub gross: i64,
    /// Sales tax of those sales.
    #[serde(with = "crate::json::exact")]
    pub tax: i64,
    /// Platform fee of those sales.
    #[serde(with = "crate::json::exact")]
    pub fee: i64,
    /// Owner's commission of those sales.
    #[serde(with = "crate::json::exact")]
    pub commission: i64,
    /// Refunds since the pool was last settled, by period of the sale.
    pub refunds: Vec<RefundLine>,
    /// Income of subscriptions since the pool was last settled; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<SubscriptionPart>,
    /// What was settled.
    #[serde(with = "crate::json::exact")]
    pub pool_delta: i64,
    /// Own raw weight.
    #[serde(with = "crate::json::decimal")]
    pub weight: u128,
    /// Raw weight of everybody in the epoch.
    #[serde(with = "crate::json::decimal")]
    pub weight_total: u128,
    /// Own share in 1/10^12.
    pub share_ppt: i64,
    /// Quality of the own rows in hundredths (0 to 10000), when measured.
    pub quality: Option<u16>,
    /// Own rows that were kept.
    pub rows: u64,
    /// Own rows somebody else had brought before.
    pub late_copies: Vec<LateCopy>,
    /// What rows of the payee earned that somebody else claims: it is held until that is decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// What the own weight was made of, where the revision's weighing kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The share one epoch earlier.
    pub previous: Option<Previous>,
    /// Minor units credited; negative when more was refunded than sold.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
    /// Fraction carried in, in 1/10^12.
    pub carry_before: i64,
    /// Fraction carried out, in 1/10^12.
    pub carry_after: i64,
    /// Number of the settlement entry in the book (see `proof`).
    pub entry: u64,
}

/// What claimed rows of the payee earned, in an account that holds it until the claim is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The claim.
    pub claim: Uuid,
    /// Receipt number of the own contribution that it is on.
    pub receipt: u64,
    /// Rows of that contribution that are claimed.
    pub rows: u64,
    /// Raw weight of them.
    #[serde(with = "crate::json::decimal")]
    pub weight: u128,
    /// Their share in 1/D.
    pub share_ppt: i64,
    /// Minor units that were held of this line's pool.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
}

/// What came to the payee since a claim was decided for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimLine {
    /// The claim.
    pub claim: Uuid,
    /// Dataset in which the rows stand.
    pub dataset: Uuid,
    /// Its title.
    pub dataset_title: String,
    /// Minor units; negative when a refund was passed on.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
    /// Number of its entry in the book.
    pub entry: u64,
}

/// An owner's commission on the sales of a dataset, net of refunds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommissionLine {
    /// Dataset id.
    pub dataset: Uuid,
    /// Dataset title.
    pub dataset_title: String,
    /// Sales with a commission.
    pub sales: u64,
    /// Minor units.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
}

/// Which way a payout went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayoutKind {
    /// Left the balance.
    Paid,
    /// Came back to it.
    Returned,
}

/// A payout that left the balance in this period, or came back in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutLine {
    /// Payout id: without its dashes, the reference on the account statement.
    pub payout: Uuid,
    /// Which way.
    pub kind: PayoutKind,
    /// Out of the balance, or back to it.
    #[serde(with = "crate::json::exact")]
    pub gross: i64,
    /// Tax withheld of it, or owed no more.
    #[serde(with = "crate::json::exact")]
    pub withheld: i64,
    /// Transferred: gross − withheld.
    #[serde(with = "crate::json::exact")]
    pub net: i64,
    /// Number of its entry in the book.
    pub entry: u64,
}

/// Control totals over all lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// Number of lines.
    pub lines: u64,
    /// Sum of sales.
    pub sales: u64,
    /// Sum of gross.
    #[serde(with = "crate::json::exact")]
    pub gross: i64,
    /// Sum of tax.
    #[serde(with = "crate::json::exact")]
    pub tax: i64,
    /// Sum of fee.
    #[serde(with = "crate::json::exact")]
    pub fee: i64,
    /// Sum of the lines' commission.
    #[serde(with = "crate::json::exact")]
    pub commission: i64,
    /// Sum of the net of all refunds.
    #[serde(with = "crate::json::exact")]
    pub refunds_net: i64,
    /// Sum of the income of subscriptions; absent when there is none.
    #[serde(default, skip_serializing_if = "is_zero", with = "crate::json::exact")]
    pub subscriptions: i64,
    /// Sum of pool deltas.
    #[serde(with = "crate::json::exact")]
    pub pool_delta: i64,
    /// Sum of amounts.
    #[serde(with = "crate::json::exact")]
    pub amount: i64,
    /// Sum of own commissions.
    #[serde(with = "crate::json::exact")]
    pub own_commission: i64,
}

fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

/// What the store knows; [`Inputs::build`] does the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Identity, period, currency.
    pub head: Head,
    /// Balance at the start of the period, minor units.
    pub opening: i64,
    /// Reserve released, held and drawn in the period.
    pub moves: Moves,
    /// Payouts of the period, and those that came back in it.
    pub payouts: Vec<PayoutLine>,
    /// Whether this payee was ever paid, in this period or before.
    pub ever_paid: bool,
    /// Fraction carried in, in 1/10^12.
    pub carry_opening: i64,
    /// In the order they were settled.
    pub lines: Vec<Line>,
    /// Own commissions.
    pub commissions: Vec<CommissionLine>,
    /// What came from claims that were decided for the payee.
    pub claims: Vec<ClaimLine>,
    /// The checkpoint and the entries behind the lines.
    pub proof: Proof,
}

/// Movements between available and reserve, all ≥ 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moves {
    /// Reserve that became due.
    pub released: i64,
    /// Newly held in reserve.
    pub held: i64,
    /// Reserve used against a negative balance.
    pub drawn: i64,
}

/// The document. Field order here is not the order in the file: that is RFC 8785's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: String,
    /// Identity, period, currency.
    pub head: Head,
    /// Decimals of the currency.
    pub exponent: u8,
    /// One sentence: earned, paid, carried.
    pub answer: String,
    /// False while nothing was ever paid: the balance is held.
    pub ever_paid: bool,
    /// Opening to closing.
    pub bridge: Bridge,
    /// In the order they were settled.
    pub lines: Vec<Line>,
    /// Own commissions.
    pub commissions: Vec<CommissionLine>,
    /// What came from claims that were decided for the payee; absent when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimLine>,
    /// Payouts, and those that came back; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payouts: Vec<PayoutLine>,
    /// Control totals.
    pub footer: Footer,
    /// The checkpoint and the entries behind the lines.
    pub proof: Proof,
}

impl Inputs {
    /// Adds bridge, answer and footer, then checks the whole document like
    /// [`verify`] would.
    ///
    /// # Errors
    /// The first figure that does not add up.
    pub fn build(self) -> Result<Statement, StatementError> {
        let Inputs {
            head,
            opening,
            moves,
            payouts,
            ever_paid,
            carry_opening,
            lines,
            commissions,
            claims,
            proof,
        } = self;
        let footer = check::footer(&lines, &commissions)?;
        let earned = check::narrow("bridge", check::earned(&footer, &claims))?;
        let Moves {
            released,
            held,
            drawn,
        } = moves;
        let paid = check::paid(&payouts)?;
        let carry_closing = lines.last().map_or(carry_opening, |l| l.carry_after);
        let bridge = Bridge {
            opening,
            earned,
            released,
            held,
            drawn,
            paid,
            closing: 0,
            carry_opening,
            carry_closing,
        };
        let closing = check::narrow("bridge", check::closing(&bridge))?;
        let bridge = Bridge { closing, ..bridge };
        let exponent = head.currency.exponent();
        let answer = answer(&head, &bridge, &payouts, ever_paid);
        let format = FORMAT.to_string();
        let statement = Statement {
            format,
            head,
            exponent,
            answer,
            ever_paid,
            bridge,
            lines,
            commissions,
            claims,
            payouts,
            footer,
            proof,
        };
        statement.check()?;
        Ok(statement)
    }
}

/// The one-line answer, from the figures alone.
pub(crate) fn answer(
    head: &Head,
    bridge: &Bridge,
    payouts: &[PayoutLine],
    ever_paid: bool,
) -> String {
    let money = |minor| Money::new(minor, head.currency);
    let withheld: i64 = payouts
        .iter()
        .filter(|one| one.kind == PayoutKind::Paid)
        .fold(0, |sum, one| sum.saturating_add(one.withheld));
    let mut paid = match bridge.paid {
        0.. => format!("paid {}", money(bridge.paid)),
        back => format!("{} of a payout came back", money(back.saturating_neg())),
    };
    if withheld > 0 {
        paid.push_str(&format!(" (of it {} withheld as tax)", money(withheld)));
    }
    let held = if ever_paid {
        String::new()
    } else {
        format!(" ({HELD})")
    };
    format!(
        "Earned {} in {}, {paid}, carried {}{held}.",
        money(bridge.earned),
        head.period,
        money(bridge.closing),
    )
}
