//! The letters banks accept: Latin letters, digits, blank and `/ - ? : ( ) . , ' +`.

use super::BankError;

/// Longest name of an account's holder that every bank takes.
pub const NAME: usize = 70;
/// Longest remittance text.
pub const REMITTANCE: usize = 140;
/// Longest reference.
pub const REFERENCE: usize = 35;

/// The text in letters that banks accept (`Müller` becomes `Mueller`), cut to `most` characters.
#[must_use]
pub fn bankable(text: &str, most: usize) -> String {
    let letters = sepa::transliterate(text.trim(), sepa::Transliteration::German);
    letters
        .chars()
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Checks a text of the message.
///
/// # Errors
/// Empty, longer than `most`, or a character outside the set.
pub fn check(field: &str, text: &str, most: usize) -> Result<(), BankError> {
    let length = text.chars().count();
    if length == 0 || length > most {
        let problem = format!("it has {length} characters, 1 to {most} are taken");
        return Err(BankError::field(field, problem));
    }
    match text.chars().find(|c| !sepa::is_sepa_text(&c.to_string())) {
        Some(c) => Err(BankError::field(field, format!("banks do not take {c:?}"))),
        None => Ok(()),
    }
}

/// Checks a reference: the set, and no slash at the ends nor two in a row.
///
/// # Errors
/// What is wrong with it.
pub fn check_reference(field: &str, text: &str) -> Result<(), BankError> {
    check(field, text, REFERENCE)?;
    if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        return Err(BankError::field(field, "a slash stands alone or at an end"));
    }
    Ok(())
}
