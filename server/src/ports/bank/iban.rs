//! Account numbers: check digits, length and structure by country (ISO 13616).

use std::fmt;
use std::str::FromStr;

use super::BankError;

/// An IBAN that passed mod-97 and the structure its country has registered.
///
/// `Display` shows it in groups of four, [`Iban::hint`] only as much as tells two accounts of
/// one person apart, and `Debug` no more than that: a log line must not give an account away.
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(sepa::Iban);

impl Iban {
    /// Without blanks, in capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Country of the account, two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        self.0.country_code()
    }

    /// Whether the country is in the SEPA area.
    #[must_use]
    pub fn is_sepa(&self) -> bool {
        self.0.is_sepa()
    }

    /// Country and the last four characters: `DE… 3000`.
    #[must_use]
    pub fn hint(&self) -> String {
        let text = self.as_str();
        let tail = text.get(text.len().saturating_sub(4)..).unwrap_or_default();
        format!("{}… {tail}", self.country())
    }
}

impl FromStr for Iban {
    type Err = BankError;

    fn from_str(text: &str) -> Result<Self, BankError> {
        let iban = sepa::validate_iban(text)
            .map_err(|error| BankError::field("iban", format!("{error}")))?;
        if sepa::iban_country_length(iban.country_code()).is_none() {
            let problem = format!("{} has no IBANs", iban.country_code());
            return Err(BankError::field("iban", problem));
        }
        Ok(Self(iban))
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({})", self.hint())
    }
}

/// Checks a bank's code (ISO 9362) and answers it in capitals.
///
/// # Errors
/// What is wrong with it.
pub fn bic(text: &str) -> Result<String, BankError> {
    sepa::validate_bic(text)
        .map(|bic| bic.as_str().to_owned())
        .map_err(|error| BankError::field("bic", format!("{error}")))
}

/// Checks a country's code (ISO 3166, two letters) and answers it in capitals.
///
/// # Errors
/// A code that no country has.
pub fn country(text: &str) -> Result<String, BankError> {
    let code = text.trim().to_ascii_uppercase();
    if sepa::is_country_code(&code) {
        Ok(code)
    } else {
        Err(BankError::field(
            "country",
            "write the two letters of ISO 3166, such as DE",
        ))
    }
}
