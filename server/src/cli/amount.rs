//! Amounts as people write them: `19.99 EUR`.

use std::str::FromStr;

use ledger::money::{Currency, Money, MoneyError};
use schema::wire::Amount;

/// An amount above zero, typed by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(Money);

impl Price {
    /// The same for the wire.
    #[must_use]
    pub fn amount(self) -> Amount {
        Amount {
            minor: self.0.minor,
            currency: self.0.currency.code().to_owned(),
        }
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let money: Money = text
            .parse()
            .map_err(|error: MoneyError| error.to_string())?;
        if money.minor < 0 {
            return Err("an amount is not negative".to_owned());
        }
        Ok(Self(money))
    }
}

/// `19.99 EUR`; an unknown currency shows its minor units.
#[must_use]
pub fn show(amount: &Amount) -> String {
    match amount.currency.parse::<Currency>() {
        Ok(currency) => Money::new(amount.minor, currency).to_string(),
        Err(_) => format!("{} minor units of {}", amount.minor, amount.currency),
    }
}

/// The number alone, for a column whose head names the currency.
#[must_use]
pub fn number(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(currency) => Money::new(minor, currency).decimal(),
        Err(_) => minor.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_and_shown_in_the_currency_s_own_decimals() {
        for (text, minor) in [("19.99 EUR", 1999), ("0 EUR", 0), ("1500 JPY", 1500)] {
            let price: Price = text.parse().unwrap();
            assert_eq!(price.amount().minor, minor);
        }
        assert_eq!(
            show(&"19.9 EUR".parse::<Price>().unwrap().amount()),
            "19.90 EUR"
        );
        assert_eq!(number(-5, "KWD"), "-0.005");
        for wrong in ["-1 EUR", "19.99", "1.001 EUR", "ten EUR", "1 XXX"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }
}
