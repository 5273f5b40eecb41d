//! How money comes in: by a bank transfer that the operator confirms, or by card through a
//! Stripe-compatible provider.
//!
//! [`PaymentPort`] is what both ways have in common: where the money arrives in the books, where
//! it goes back to, and how a payment begins. What only a card provider can do (refunds to the
//! card, transfers to connected accounts, webhooks) is on [`Stripe`] itself.
//!
//! No card number ever reaches the node: payers type it on the provider's page.

pub mod event;
pub mod signature;
mod stripe;
mod transfer;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use ledger::account::Account;
use ledger::money::{Currency, Money};
use schema::wire::PayWay;
use uuid::Uuid;

pub use self::stripe::{Movement, Stripe, StripeSettings};
pub use self::transfer::Transfer;
use crate::config::Config;
use crate::error::{Fault, Kind};

/// A payment that is to begin.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its identifier, and the key under which the provider begins it once.
    pub id: Uuid,
    /// What is paid.
    pub money: Money,
    /// What for, in a few words for the payer.
    pub what: String,
    /// The reference that names it to people.
    pub reference: String,
    /// Page of this node that shows what became of it.
    pub back_to: String,
}

/// How a payment can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// On a page of the provider.
    Page {
        /// The provider's identifier of the page.
        session: String,
        /// Its address.
        url: String,
    },
    /// By the payer's own bank; nothing has to be kept but the reference.
    Transfer,
}

/// A way for money to come in.
pub trait PaymentPort: Send + Sync {
    /// Its name.
    fn way(&self) -> PayWay;

    /// Where the money arrives.
    ///
    /// # Errors
    /// None: the name is a good one.
    fn arrives_on(&self) -> Result<Account, Fault>;

    /// Whether a refund goes back the way the money came; else it goes to the wallet.
    fn gives_back(&self) -> bool;

    /// Begins a payment; the same one again begins nothing new.
    fn begin<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Begun, Fault>>;
}

/// The ways in of this node.
pub struct Payments {
    /// Always there.
    pub transfer: Transfer,
    /// Where the node has a provider.
    pub stripe: Option<Stripe>,
}

impl Payments {
    /// Reads the settings, and the secrets they name.
    ///
    /// # Errors
    /// Settings that do not fit together, in words for the operator.
    pub fn open(config: &Config) -> Result<Self, String> {
        Ok(Self {
            transfer: Transfer::new(config.bank_details.clone()),
            stripe: Stripe::open(&config.stripe)?,
        })
    }

    /// The way asked for, or the best one there is.
    ///
    /// # Errors
    /// `no_cards` where the node takes none.
    pub fn way(&self, wanted: Option<PayWay>) -> Result<&dyn PaymentPort, Fault> {
        match (wanted, &self.stripe) {
            (Some(PayWay::Transfer), _) | (None, None) => Ok(&self.transfer),
            (_, Some(stripe)) => Ok(stripe),
            (Some(PayWay::Card), None) => Err(Fault::conflict(
                "no_cards",
                "This node takes no cards. Nothing was changed; fill the wallet by a transfer.",
            )),
        }
    }

    /// The card provider.
    ///
    /// # Errors
    /// `no_cards` where the node has none any more: the work waits until it has one again.
    pub fn cards(&self) -> Result<&Stripe, Fault> {
        self.stripe.as_ref().ok_or_else(|| {
            Fault::new(
                Kind::Conflict,
                "no_cards",
                "This node has no payment provider in its settings. What was to be sent is kept: \
                 set the provider's key again, then retry it.",
            )
        })
    }
}

/// What a provider counts an amount in. It agrees with ISO 4217 but for a few currencies.
///
/// # Errors
/// `currency_not_taken`, or an amount that the provider cannot express.
pub fn to_provider(money: Money) -> Result<i64, Fault> {
    let refuse = |words: &str| {
        Fault::new(
            Kind::Invalid,
            "currency_not_taken",
            format!("{money} cannot be paid by card: {words}. Nothing was charged."),
        )
        .about("amount")
    };
    match money.currency.code() {
        // No decimals by the standard, two at the provider.
        "ISK" | "UGX" => money
            .minor
            .checked_mul(100)
            .ok_or_else(|| refuse("the amount is too large")),
        // Two decimals by the standard, none at the provider.
        "MGA" => Err(refuse("cards do not take this currency")),
        _ if money.currency.exponent() == 3 && money.minor % 10 != 0 => {
            Err(refuse("the last digit of this currency must be 0 on cards"))
        }
        _ => Ok(money.minor),
    }
}

/// An amount as a provider counts it, in this node's units.
#[must_use]
pub fn from_provider(amount: i64, code: &str) -> Option<Money> {
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    let minor = match currency.code() {
        "ISK" | "UGX" if amount % 100 == 0 => amount / 100,
        "ISK" | "UGX" | "MGA" => return None,
        _ => amount,
    };
    Some(Money::new(minor, currency))
}

/// The reference of a payment: short, and without letters that are read for others.
#[must_use]
pub fn reference(id: Uuid) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = id.as_u128();
    let letter = |n: u32| char::from(LETTERS[usize::try_from((bits >> (5 * n)) & 31).unwrap_or(0)]);
    let (head, tail): (String, String) = (
        (5..10).rev().map(letter).collect(),
        (0..5).rev().map(letter).collect(),
    );
    format!("GRN-{head}-{tail}")
}

/// Seconds since 1970, as providers write a time.
#[must_use]
pub fn moment(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_what_the_provider_counts() {
        let table = [
            ("19.99 EUR", Some(1999)),
            ("1500 JPY", Some(1500)),
            ("5 ISK", Some(500)),
            ("1.230 KWD", Some(1230)),
            ("1.234 KWD", None),
            ("1.00 MGA", None),
        ];
        for (text, counted) in table {
            let money: Money = text.parse().unwrap();
            let sent = to_provider(money).ok();
            assert_eq!(sent, counted, "{text}");
            if let Some(sent) = sent {
                let code = money.currency.code().to_lowercase();
                assert_eq!(from_provider(sent, &code), Some(money), "{text}");
            }
        }
        assert_eq!(from_provider(550, "isk"), None);
        assert_eq!(from_provider(5, "xyz"), None);
    }

    #[test]
    fn a_reference_names_its_payment() {
        let one = reference(Uuid::from_u128(0x0199_0000_0000_7000_8000_0123_4567_89ab));
        assert_eq!(one.len(), 15);
        assert!(one.starts_with("GRN-"), "{one}");
        assert_ne!(one, reference(Uuid::from_u128(0x89ac)));
        assert!(!one.contains(['I', 'L', 'O', 'U']));
    }
}
