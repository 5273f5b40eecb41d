//! Decimals of bank files to minor units and back; the exponent is the currency's own.

use ledger::money::{Currency, Money};

use super::BankError;

/// Reads an amount without sign. Decimals beyond the currency's must be zeros: `12.50` and
/// `12.500` are the same euro, `12.505` is none.
///
/// # Errors
/// An unknown currency, another notation, too many decimals, or beyond 64 bits.
pub fn read(number: &str, code: &str) -> Result<Money, BankError> {
    let bad = |problem: String| BankError::field("amount", problem);
    let currency: Currency = code.parse().map_err(|error| bad(format!("{error}")))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
        return Err(bad(format!("{number:?} is no amount")));
    }
    let width = usize::from(currency.exponent());
    let kept = part.trim_end_matches('0');
    if kept.len() > width {
        return Err(bad(format!(
            "{number} {currency} has more decimals than the currency"
        )));
    }
    let text = format!("{whole}{kept:0<width$}");
    let minor = text
        .parse()
        .map_err(|_| bad(format!("{number} {currency} leaves the 64-bit range")))?;
    Ok(Money::new(minor, currency))
}

/// A control sum: amounts of several currencies added as bare decimals, which is how the
/// standard defines it. Shown with as many decimals as the finest currency has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ControlSum {
    /// In thousandths, the finest unit of any currency.
    thousandths: i128,
    decimals: u8,
}

impl ControlSum {
    /// Adds an amount.
    pub fn add(&mut self, amount: Money) {
        let exponent = amount.currency.exponent().min(3);
        self.thousandths += i128::from(amount.minor) * 10i128.pow(u32::from(3 - exponent));
        self.decimals = self.decimals.max(exponent);
    }

    /// Reads a sum from a file.
    ///
    /// # Errors
    /// Not a decimal, or finer than thousandths.
    pub fn read(text: &str) -> Result<Self, BankError> {
        let bad = || BankError::field("CtrlSum", format!("{text:?} is no sum"));
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let kept = part.trim_end_matches('0');
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || kept.len() > 3 || !digits(whole) || !digits(part) {
            return Err(bad());
        }
        Ok(Self {
            thousandths: format!("{whole}{kept:0<3}").parse().map_err(|_| bad())?,
            decimals: 3,
        })
    }

    /// Whether two sums are the same number.
    #[must_use]
    pub fn equals(self, other: Self) -> bool {
        self.thousandths == other.thousandths
    }
}

impl std::fmt::Display for ControlSum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = usize::from(self.decimals);
        let scaled = self.thousandths / 10i128.pow(u32::from(3 - self.decimals.min(3)));
        if width == 0 {
            return write!(f, "{scaled}");
        }
        let scale = 10i128.pow(u32::from(self.decimals));
        write!(f, "{}.{:0width$}", scaled / scale, scaled % scale)
    }
}
