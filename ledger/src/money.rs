//! Amounts in integer minor units of a currency whose exponent is a table entry,
//! never inferred.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// ISO 4217 codes by exponent, plus `PTS`: points, which are never money.
const EXPONENT_0: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PTS PYG RWF UGX UYI VND VUV XAF XOF XPF";
const EXPONENT_3: &str = "BHD IQD JOD KWD LYD OMR TND";
const EXPONENT_2: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN \
BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL \
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP \
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT \
TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW";

/// What cannot be read or added. Every variant says what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a code of the table.
    #[error("unknown currency {0:?}: use an ISO 4217 code in capitals, such as EUR")]
    UnknownCurrency(String),
    /// Not `digits[.digits] CODE` with at most the currency's decimals.
    #[error(
        "cannot read the amount {0:?}: write it like 19.99 EUR, with no more decimals than the currency has"
    )]
    BadAmount(String),
    /// Two currencies in one sum.
    #[error("cannot add {0} and {1}: convert or keep them apart")]
    CurrencyMismatch(Currency, Currency),
    /// The result is outside the 64-bit range (I19).
    #[error("the amount leaves the 64-bit range")]
    Overflow,
}

/// Money and points live in separate books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BookKind {
    /// Can be bought with, owed and paid out.
    Money,
    /// Recognition only: no purchase, transfer or cash-out.
    Points,
}

impl fmt::Display for BookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BookKind::Money => "money",
            BookKind::Points => "points",
        })
    }
}

/// A currency of the table. Ordered by code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

impl Currency {
    /// Points (exponent 0).
    pub const PTS: Currency = Currency::known(*b"PTS", 0);
    /// Euro (exponent 2).
    pub const EUR: Currency = Currency::known(*b"EUR", 2);
    /// US dollar (exponent 2).
    pub const USD: Currency = Currency::known(*b"USD", 2);
    /// Pound sterling (exponent 2).
    pub const GBP: Currency = Currency::known(*b"GBP", 2);
    /// Yen (exponent 0).
    pub const JPY: Currency = Currency::known(*b"JPY", 0);
    /// Kuwaiti dinar (exponent 3).
    pub const KWD: Currency = Currency::known(*b"KWD", 3);

    const fn known(code: [u8; 3], exponent: u8) -> Currency {
        Currency { code, exponent }
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// Number of decimals between the major and the minor unit (0, 2 or 3).
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Which kind of book holds it.
    pub fn kind(&self) -> BookKind {
        match *self == Currency::PTS {
            true => BookKind::Points,
            false => BookKind::Money,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency(text.chars().take(16).collect());
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| unknown())?;
        [(EXPONENT_2, 2), (EXPONENT_0, 0), (EXPONENT_3, 3)]
            .into_iter()
            .find(|(list, _)| list.split_ascii_whitespace().any(|known| known == text))
            .map(|(_, exponent)| Currency { code, exponent })
            .ok_or_else(unknown)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units (cents, yen, fils). Travels as
/// `{"minor": 1999, "currency": "EUR"}`, is written and read as `19.99 EUR`.
///
/// ```
/// use ledger::money::{Currency, Money};
/// let price: Money = "19.99 EUR".parse()?;
/// assert_eq!(price, Money::new(1999, Currency::EUR));
/// assert_eq!(Money::new(-5, Currency::KWD).to_string(), "-0.005 KWD");
/// assert!("19.999 EUR".parse::<Money>().is_err());
/// # Ok::<(), ledger::money::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units, signed.
    #[serde(with = "crate::json::exact")]
    pub minor: i64,
    /// The currency that gives the minor unit its meaning.
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Sum of two amounts of one currency.
    ///
    /// # Errors
    /// Different currencies, or a sum outside 64 bits.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// Difference of two amounts of one currency.
    ///
    /// # Errors
    /// Different currencies, or a difference outside 64 bits.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The same amount with the other sign.
    ///
    /// # Errors
    /// `i64::MIN` has no counterpart.
    pub fn checked_neg(self) -> Result<Money, MoneyError> {
        let minor = self.minor.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, ..self })
    }

    fn combine(self, other: Money, op: fn(i64, i64) -> Option<i64>) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = op(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, ..self })
    }

    /// The number alone, such as `-0.05`, always with all decimals.
    pub fn decimal(&self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let scale = 10u64.pow(u32::from(self.currency.exponent));
        let (whole, part) = (
            self.minor.unsigned_abs() / scale,
            self.minor.unsigned_abs() % scale,
        );
        match self.currency.exponent {
            0 => format!("{sign}{whole}"),
            n => format!("{sign}{whole}.{part:0width$}", width = usize::from(n)),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bad = || MoneyError::BadAmount(text.chars().take(48).collect());
        let (number, code) = text.trim().rsplit_once(' ').ok_or_else(bad)?;
        let currency: Currency = code.parse()?;
        let (negative, digits) = match number.trim_end().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.trim_end()),
        };
        let (whole, part) = match digits.split_once('.') {
            Some((_, "")) => return Err(bad()),
            Some(parts) => parts,
            None => (digits, ""),
        };
        let width = usize::from(currency.exponent);
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || part.len() > width || !all_digits(whole) || !all_digits(part) {
            return Err(bad());
        }
        let joined = format!("{whole}{part:0<width$}");
        let joined = if negative {
            format!("-{joined}")
        } else {
            joined
        };
        let minor = joined.parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Money { minor, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_come_from_the_table() {
        for (code, exponent) in [
            ("EUR", 2),
            ("USD", 2),
            ("GBP", 2),
            ("JPY", 0),
            ("KWD", 3),
            ("PTS", 0),
        ] {
            assert_eq!(
                code.parse::<Currency>().unwrap().exponent(),
                exponent,
                "{code}"
            );
        }
        for bad in ["", "eur", "EU", "EURO", "XXX", "E R", "€"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
        assert_eq!(Currency::PTS.kind(), BookKind::Points);
        assert_eq!("KWD".parse(), Ok(Currency::KWD));
    }

    #[test]
    fn every_code_is_listed_once() {
        let all: Vec<&str> = [EXPONENT_0, EXPONENT_2, EXPONENT_3]
            .iter()
            .flat_map(|l| l.split_ascii_whitespace())
            .collect();
        let unique: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), unique.len());
        assert!(all.iter().all(|c| c.len() == 3));
    }

    #[test]
    fn amounts_round_trip_as_text() {
        for text in [
            "0.00 EUR",
            "19.99 EUR",
            "-0.01 USD",
            "1500 JPY",
            "-7 PTS",
            "1.005 KWD",
            "92233720368547758.07 EUR",
            "-92233720368547758.08 EUR",
        ] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("3 EUR".parse::<Money>().unwrap().minor, 300);
        assert_eq!("3.5 EUR".parse::<Money>().unwrap().minor, 350);
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for bad in [
            "19.99",
            "EUR",
            ". EUR",
            "1. EUR",
            ".5 EUR",
            "1.234 EUR",
            "1.5 JPY",
            "1e3 EUR",
            "+1 EUR",
            "--1 EUR",
            "1,00 EUR",
            "92233720368547758.08 EUR",
            " EUR",
            "1 2 EUR",
        ] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_are_checked() {
        let max = Money::new(i64::MAX, Currency::EUR);
        let one = Money::new(1, Currency::EUR);
        assert_eq!(max.checked_add(one), Err(MoneyError::Overflow));
        assert_eq!(max.checked_sub(one).unwrap().minor, i64::MAX - 1);
        assert!(Money::new(i64::MIN, Currency::EUR).checked_neg().is_err());
        assert!(matches!(
            one.checked_add(Money::new(1, Currency::USD)),
            Err(MoneyError::CurrencyMismatch(..))
        ));
    }
}
