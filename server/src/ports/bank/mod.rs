//! The bank's files: what we send, and what the bank answers.
//!
//! | file | direction | module |
//! |---|---|---|
//! | pain.001.001.09, customer credit transfer | to the bank | [`pain001`] writes, [`check`] reads it back |
//! | pain.002, payment status report | from the bank | [`pain002`] |
//! | camt.053, account statement | from the bank | [`camt053`] |
//!
//! Amounts are integer minor units of a currency of [`ledger::money`]; how many decimals a
//! currency has comes from its table, never from the file. [`iban`] and [`text`] hold what the
//! schema does not see: a wrong IBAN and a forbidden character are valid XML. The registry of
//! national IBAN structures and the table of replacement letters are those of the crate `sepa`;
//! its message builders and readers know hundredths of a euro only, so messages are written and
//! read here, for yen and dinar too.
//!
//! Every file of the bank is read as a whole, within limits ([`xml`]), without entities; a file
//! that contradicts itself is refused before anything is booked.

pub mod amount;
pub mod camt053;
pub mod check;
pub mod iban;
pub mod pain001;
pub mod pain002;
pub mod text;
pub mod xml;

#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};
use ledger::money::{Currency, Money};

pub use iban::Iban;

/// Why a bank file cannot be made or is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BankError {
    /// Not the XML that was asked for.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// A message of another kind.
    #[error("the file is no {expected}: its message is {found:?}")]
    OtherMessage {
        /// Kind that was asked for.
        expected: &'static str,
        /// Name of the element found.
        found: String,
    },
    /// Something that has to be there is not.
    #[error("{0} is missing")]
    Missing(String),
    /// A value that breaks a rule.
    #[error("{field}: {problem}")]
    Field {
        /// Element or field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Sums that contradict each other.
    #[error("the file contradicts itself: {0}")]
    Contradiction(String),
}

impl BankError {
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// An account to pay from or to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Name of its holder, as people write it.
    pub name: String,
    /// The account.
    pub iban: Iban,
    /// The bank's code (ISO 9362); not needed inside SEPA.
    pub bic: Option<String>,
    /// Where the holder lives (ISO 3166, two letters).
    pub country: Option<String>,
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Our reference, which comes back with every answer: 1 to 35 characters of the set.
    pub reference: String,
    /// Who is paid.
    pub to: Holder,
    /// How much, above zero.
    pub amount: Money,
    /// What the payee reads on the account statement.
    pub remittance: String,
}

/// Transfers of one currency that travel under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its name, 1 to 35 characters of the set; unique in the message.
    pub name: String,
    /// Whether it goes by the SEPA scheme: euro, both accounts inside the area.
    pub sepa: bool,
    /// Their currency.
    pub currency: Currency,
    /// The transfers, at least one.
    pub transfers: Vec<Transfer>,
}

impl Block {
    /// Sum of its transfers in minor units.
    ///
    /// # Errors
    /// A sum beyond 64 bits.
    pub fn total(&self) -> Result<i64, BankError> {
        self.transfers
            .iter()
            .try_fold(0i64, |sum, one| sum.checked_add(one.amount.minor))
            .ok_or_else(|| BankError::field("CtrlSum", "the sum leaves the 64-bit range"))
    }
}

/// A whole payment order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentOrder {
    /// Its name, 1 to 35 characters of the set.
    pub message: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// When the bank is to carry it out.
    pub execute_on: NaiveDate,
    /// Who pays.
    pub from: Holder,
    /// What is paid, by currency and scheme.
    pub blocks: Vec<Block>,
}

/// Sorts transfers into blocks, one per currency, in order of first sight; transfers in euro that
/// leave the SEPA area stand in a block of their own. `name` makes a block's name of its number.
pub fn blocks(from: &Iban, transfers: Vec<Transfer>, name: impl Fn(usize) -> String) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for transfer in transfers {
        let currency = transfer.amount.currency;
        let sepa = currency == Currency::EUR && from.is_sepa() && transfer.to.iban.is_sepa();
        let known = blocks
            .iter_mut()
            .find(|block| block.currency == currency && block.sepa == sepa);
        match known {
            Some(block) => block.transfers.push(transfer),
            None => blocks.push(Block {
                name: name(blocks.len() + 1),
                sepa,
                currency,
                transfers: vec![transfer],
            }),
        }
    }
    blocks
}
