//! Settings of payouts: from which account, to whom, how much is kept back.

use std::str::FromStr;

use clap::Args;
use ledger::money::{Currency, Money};

use crate::ports::bank::{Iban, iban};

/// Settings of payouts.
#[derive(Debug, Clone, Args)]
pub struct PayoutConfig {
    /// Account that payouts leave from; without it none are approved.
    #[arg(long, env = "GRANARY_BANK_IBAN", value_name = "IBAN")]
    pub bank_iban: Option<Iban>,

    /// Code (BIC) of the bank that keeps it; most banks do not ask for it.
    #[arg(long, env = "GRANARY_BANK_BIC", value_name = "BIC", value_parser = iban::bic)]
    pub bank_bic: Option<String>,

    /// Name of its holder [default: the name of the node]
    #[arg(long, env = "GRANARY_BANK_HOLDER", value_name = "NAME")]
    pub bank_holder: Option<String>,

    /// Least that is paid out, like '10.00 EUR'; once per currency [default: one minor unit]
    #[arg(
        long,
        env = "GRANARY_PAYOUT_MINIMUM",
        value_name = "AMOUNT",
        value_delimiter = ','
    )]
    pub payout_minimum: Vec<Money>,

    /// Days that a new or changed payout account waits before it is paid to.
    #[arg(
        long,
        env = "GRANARY_PAYOUT_WAIT_DAYS",
        value_name = "DAYS",
        default_value_t = 3
    )]
    pub payout_wait_days: u16,

    /// Tax withheld from payouts by country, like US=3000 for 30 %; once per country.
    #[arg(
        long,
        env = "GRANARY_WITHHOLD",
        value_name = "COUNTRY=BPS",
        value_delimiter = ','
    )]
    pub withhold: Vec<Withholding>,
}

/// A country and its rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withholding {
    /// Two letters of ISO 3166.
    pub country: String,
    /// Basis points, 0 to 9,999: something is left to pay.
    pub bps: u16,
}

impl FromStr for Withholding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = || format!("write {text:?} like US=3000: a country and 0 to 9999 basis points");
        let (code, bps) = text.split_once('=').ok_or_else(words)?;
        let country = iban::country(code).map_err(|error| error.to_string())?;
        let bps = bps.trim().parse().map_err(|_| words())?;
        if bps > 9_999 {
            return Err(words());
        }
        Ok(Self { country, bps })
    }
}

impl std::fmt::Display for Withholding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.country, self.bps)
    }
}

impl PayoutConfig {
    /// Least that is paid out in a currency, minor units.
    #[must_use]
    pub fn minimum(&self, currency: Currency) -> i64 {
        let known = self
            .payout_minimum
            .iter()
            .find(|least| least.currency == currency);
        known.map_or(1, |least| least.minor.max(1))
    }

    /// Basis points withheld from payouts to a country.
    #[must_use]
    pub fn withheld_bps(&self, country: &str) -> u32 {
        let known = self.withhold.iter().find(|one| one.country == country);
        known.map_or(0, |one| u32::from(one.bps))
    }

    /// The settings in words, for `granary config`.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let list = |all: Vec<String>, none: &str| {
            if all.is_empty() {
                none.to_owned()
            } else {
                all.join(", ")
            }
        };
        let text =
            |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.into());
        vec![
            (
                "bank-iban",
                self.bank_iban
                    .as_ref()
                    .map_or_else(|| "none: payouts cannot be approved".to_owned(), Iban::hint),
            ),
            ("bank-bic", text(&self.bank_bic, "not told")),
            (
                "bank-holder",
                text(&self.bank_holder, "the name of the node"),
            ),
            (
                "payout-minimum",
                list(
                    self.payout_minimum.iter().map(Money::to_string).collect(),
                    "one minor unit",
                ),
            ),
            ("payout-wait-days", self.payout_wait_days.to_string()),
            (
                "withhold",
                list(
                    self.withhold.iter().map(Withholding::to_string).collect(),
                    "nothing",
                ),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_or_explained() {
        let one: Withholding = "us=3000".parse().unwrap();
        assert_eq!((one.country.as_str(), one.bps), ("US", 3000));
        for bad in ["", "US", "US=", "US=10000", "USA=1", "US=-1"] {
            assert!(bad.parse::<Withholding>().is_err(), "{bad}");
        }
    }
}
