//! The accounts of the books, as types with one canonical name each
//! (`Type:Owner:Purpose`). Signs: + debit, − credit.

use crate::money::BookKind;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Why a text is not an account or label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No account has this name.
    #[error(
        "unknown account {0:?}: use a name such as Liabilities:Dust or Liabilities:Wallet:<party>"
    )]
    Unknown(String),
    /// Labels are short and cannot break a name apart.
    #[error("bad label {0:?}: use 1 to 64 letters, digits, '-', '_' or '.'")]
    Label(String),
}

/// A provider, bank or jurisdiction in an account name: 1 to 64 ASCII letters,
/// digits, `-`, `_`, `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

impl Label {
    /// Checks the text.
    ///
    /// # Errors
    /// Empty, too long, or another character.
    pub fn new(text: impl Into<String>) -> Result<Label, AccountError> {
        let text = text.into();
        let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        match (1..=64).contains(&text.len()) && text.bytes().all(ok) {
            true => Ok(Label(text)),
            false => Err(AccountError::Label(text.chars().take(80).collect())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two halves of what a contributor is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sub {
    /// Payable.
    Available,
    /// Held back for refunds and disputes.
    Reserve,
}

/// Costs the node carries itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expense {
    /// What the payment provider keeps.
    PspFee,
    /// What a dispute costs.
    DisputeFee,
    /// A dispute above its payment.
    DisputeLoss,
    /// The unit given up when an account closes.
    ClosingRounding,
}

/// Accounts of the points book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Points {
    /// Counterpart of all points given.
    Issued,
    /// Points of one user.
    User(Uuid),
    /// Points used up.
    Redeemed,
    /// Points lapsed.
    Expired,
}

/// An account. `Display` gives the name, `FromStr` reads exactly that name.
///
/// ```
/// use ledger::account::Account;
/// let dust: Account = "Liabilities:Dust".parse()?;
/// assert_eq!(dust, Account::Dust);
/// # Ok::<(), ledger::account::AccountError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// `Assets:PSP:{p}`
    Psp(Label),
    /// `Assets:Bank:{b}`
    Bank(Label),
    /// `Liabilities:Wallet:{party}`
    Wallet(Uuid),
    /// `Liabilities:Deferred:{subscription}`
    Deferred(Uuid),
    /// `Liabilities:Pool:{revision}:E{epoch}`
    Pool {
        /// The revision sold.
        revision: Uuid,
        /// Its frozen epoch number.
        epoch: u32,
    },
    /// `Liabilities:Contributor:{c}:Available|Reserve`
    Contributor {
        /// Who is owed.
        party: Uuid,
        /// Payable or held back.
        sub: Sub,
    },
    /// `Liabilities:Dust`: the whole units that residues add up to.
    Dust,
    /// `Liabilities:DisputeHold`
    DisputeHold,
    /// `Liabilities:Tax:Sales:{jurisdiction}`
    TaxSales(Label),
    /// `Liabilities:Tax:Withheld:{jurisdiction}`
    TaxWithheld(Label),
    /// `Liabilities:PayoutInTransit`
    PayoutInTransit,
    /// `Liabilities:Node:{n}`
    Node(Uuid),
    /// `Income:PlatformFee`
    PlatformFee,
    /// `Expenses:…`
    Expense(Expense),
    /// `Points:…`
    Points(Points),
}

impl Account {
    /// What `party` can be paid.
    pub fn available(party: Uuid) -> Account {
        Account::Contributor {
            party,
            sub: Sub::Available,
        }
    }

    /// What is held back of `party`.
    pub fn reserve(party: Uuid) -> Account {
        Account::Contributor {
            party,
            sub: Sub::Reserve,
        }
    }

    /// The kind of book the account may appear in.
    pub fn kind(&self) -> BookKind {
        match self {
            Account::Points(_) => BookKind::Points,
            _ => BookKind::Money,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::Psp(p) => write!(f, "Assets:PSP:{p}"),
            Account::Bank(b) => write!(f, "Assets:Bank:{b}"),
            Account::Wallet(party) => write!(f, "Liabilities:Wallet:{party}"),
            Account::Deferred(s) => write!(f, "Liabilities:Deferred:{s}"),
            Account::Pool { revision, epoch } => write!(f, "Liabilities:Pool:{revision}:E{epoch}"),
            Account::Contributor { party, sub } => {
                write!(f, "Liabilities:Contributor:{party}:{sub:?}")
            }
            Account::Dust => f.write_str("Liabilities:Dust"),
            Account::DisputeHold => f.write_str("Liabilities:DisputeHold"),
            Account::TaxSales(j) => write!(f, "Liabilities:Tax:Sales:{j}"),
            Account::TaxWithheld(j) => write!(f, "Liabilities:Tax:Withheld:{j}"),
            Account::PayoutInTransit => f.write_str("Liabilities:PayoutInTransit"),
            Account::Node(n) => write!(f, "Liabilities:Node:{n}"),
            Account::PlatformFee => f.write_str("Income:PlatformFee"),
            Account::Expense(e) => write!(
                f,
                "Expenses:{}",
                match e {
                    Expense::PspFee => "PSPFee",
                    Expense::DisputeFee => "DisputeFee",
                    Expense::DisputeLoss => "DisputeLoss",
                    Expense::ClosingRounding => "ClosingRounding",
                }
            ),
            Account::Points(Points::Issued) => f.write_str("Points:Issued"),
            Account::Points(Points::User(u)) => write!(f, "Points:User:{u}"),
            Account::Points(Points::Redeemed) => f.write_str("Points:Redeemed"),
            Account::Points(Points::Expired) => f.write_str("Points:Expired"),
        }
    }
}

/// Reads a UUID only in the one form `Display` writes.
fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

fn epoch(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('E')?;
    let n: u32 = digits.parse().ok()?;
    (n.to_string() == digits).then_some(n)
}

fn parse(text: &str) -> Option<Account> {
    let parts: Vec<&str> = text.split(':').collect();
    let label = |s: &str| Label::new(s).ok();
    let contributor = |party: &str, sub| {
        Some(Account::Contributor {
            party: id(party)?,
            sub,
        })
    };
    match parts.as_slice() {
        ["Assets", "PSP", p] => label(p).map(Account::Psp),
        ["Assets", "Bank", b] => label(b).map(Account::Bank),
        ["Liabilities", "Wallet", p] => id(p).map(Account::Wallet),
        ["Liabilities", "Deferred", s] => id(s).map(Account::Deferred),
        ["Liabilities", "Pool", r, e] => Some(Account::Pool {
            revision: id(r)?,
            epoch: epoch(e)?,
        }),
        ["Liabilities", "Contributor", p, "Available"] => contributor(p, Sub::Available),
        ["Liabilities", "Contributor", p, "Reserve"] => contributor(p, Sub::Reserve),
        ["Liabilities", "Dust"] => Some(Account::Dust),
        ["Liabilities", "DisputeHold"] => Some(Account::DisputeHold),
        ["Liabilities", "Tax", "Sales", j] => label(j).map(Account::TaxSales),
        ["Liabilities", "Tax", "Withheld", j] => label(j).map(Account::TaxWithheld),
        ["Liabilities", "PayoutInTransit"] => Some(Account::PayoutInTransit),
        ["Liabilities", "Node", n] => id(n).map(Account::Node),
        ["Income", "PlatformFee"] => Some(Account::PlatformFee),
        ["Expenses", "PSPFee"] => Some(Account::Expense(Expense::PspFee)),
        ["Expenses", "DisputeFee"] => Some(Account::Expense(Expense::DisputeFee)),
        ["Expenses", "DisputeLoss"] => Some(Account::Expense(Expense::DisputeLoss)),
        ["Expenses", "ClosingRounding"] => Some(Account::Expense(Expense::ClosingRounding)),
        ["Points", "Issued"] => Some(Account::Points(Points::Issued)),
        ["Points", "User", u] => id(u).map(|u| Account::Points(Points::User(u))),
        ["Points", "Redeemed"] => Some(Account::Points(Points::Redeemed)),
        ["Points", "Expired"] => Some(Account::Points(Points::Expired)),
        _ => None,
    }
}

impl FromStr for Account {
    type Err = AccountError;
    fn from_str(text: &str) -> Result<Self, AccountError> {
        parse(text).ok_or_else(|| AccountError::Unknown(text.chars().take(160).collect()))
    }
}

impl Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Account> {
        let u = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
        let l = |s: &str| Label::new(s).unwrap();
        vec![
            Account::Psp(l("test")),
            Account::Bank(l("main-1")),
            Account::Wallet(u),
            Account::Deferred(u),
            Account::Pool {
                revision: u,
                epoch: 12,
            },
            Account::available(u),
            Account::Contributor {
                party: u,
                sub: Sub::Reserve,
            },
            Account::Dust,
            Account::DisputeHold,
            Account::TaxSales(l("DE")),
            Account::TaxWithheld(l("US-CA")),
            Account::PayoutInTransit,
            Account::Node(u),
            Account::PlatformFee,
            Account::Expense(Expense::PspFee),
            Account::Expense(Expense::DisputeFee),
            Account::Expense(Expense::DisputeLoss),
            Account::Expense(Expense::ClosingRounding),
            Account::Points(Points::Issued),
            Account::Points(Points::User(u)),
            Account::Points(Points::Redeemed),
            Account::Points(Points::Expired),
        ]
    }

    #[test]
    fn every_account_reads_its_own_name() {
        for account in one_of_each() {
            assert_eq!(
                account.to_string().parse(),
                Ok(account.clone()),
                "{account}"
            );
            let points = account.to_string().starts_with("Points:");
            assert_eq!(account.kind() == BookKind::Points, points);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "",
            "Liabilities",
            "liabilities:Dust",
            "Liabilities:Dust:",
            "Assets:PSP:",
            "Assets:PSP:a b",
            "Liabilities:Wallet:0192",
            "Liabilities:Wallet:01920000000070008000000000000001",
            "Liabilities:Wallet:{01920000-0000-7000-8000-000000000001}",
            "Liabilities:Pool:01920000-0000-7000-8000-000000000001:1",
            "Liabilities:Pool:01920000-0000-7000-8000-000000000001:E01",
            "Liabilities:Pool:01920000-0000-7000-8000-000000000001:E+1",
        ] {
            assert!(bad.parse::<Account>().is_err(), "{bad}");
        }
    }
}
