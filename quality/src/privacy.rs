//! Personal data: which columns hold it, how often, and whether rows hide in a crowd.
//!
//! Every cell is looked at; equal cells cost one look. What a cell could be is decided by its
//! form and by check digits ([`text`]), what a column is by how many of its cells could be
//! it and by its name ([`verdict`]). One e-mail address in a million rows is found; one
//! number with a right check digit among many wrong ones is chance and is not.
//!
//! Findings hold counts and row numbers, never a value. They are no points of quality: the market
//! does not publish a dataset before its owner has said for every column found what class of
//! personal data it is ([`PersonalClass`]).

mod anonymity;
mod checksum;
mod gates;
mod hint;
mod national;
mod sections;
mod streets;
mod text;
mod verdict;
mod watch;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analysis::{Analysis, Context, Found, Rows};
use crate::dedup::CellKey;
use crate::error::AssessError;
use crate::policy::ColumnType;
use anonymity::Crowd;
pub use sections::read;
use watch::Watch;

/// Part of the memory for counting rows that agree in the quasi-identifiers.
const MEMORY: usize = 4;

/// What the owner of a dataset says about a column, from harmless to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonalClass {
    /// No personal data: invented, public or about things.
    None,
    /// About persons, whose names were replaced by codes.
    Pseudonymous,
    /// About persons who can be named.
    Personal,
    /// Of a special category (health, belief, origin, sex life), or secrets.
    Sensitive,
}

impl PersonalClass {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::Pseudonymous,
        Self::Personal,
        Self::Sensitive,
    ];

    /// Name in contracts and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pseudonymous => "pseudonymous",
            Self::Personal => "personal",
            Self::Sensitive => "sensitive",
        }
    }
}

impl fmt::Display for PersonalClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PersonalClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|class| class.name() == text);
        named.ok_or_else(|| {
            format!("{text:?} is no class of personal data; use none, pseudonymous, personal or sensitive")
        })
    }
}

/// What personal data a column was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalKind {
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Payment cards, by issuer and Luhn's digit.
    PaymentCard,
    /// Bank accounts, by country, length and mod 97.
    Iban,
    /// Numbers given to persons by states, by their check digits where they have one.
    NationalId,
    /// Internet addresses, version 4 or 6.
    IpAddress,
    /// Hardware addresses.
    MacAddress,
    /// Keys, tokens, passwords.
    Secret,
    /// Days of birth.
    BirthDate,
    /// Names of persons.
    PersonName,
    /// Postal addresses or parts of them.
    Address,
    /// Places to 4 decimals of a degree (11 m) or finer.
    Coordinates,
}

impl PersonalKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Email,
        Self::Phone,
        Self::PaymentCard,
        Self::Iban,
        Self::NationalId,
        Self::IpAddress,
        Self::MacAddress,
        Self::Secret,
        Self::BirthDate,
        Self::PersonName,
        Self::Address,
        Self::Coordinates,
    ];

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::PaymentCard => "payment_card",
            Self::Iban => "iban",
            Self::NationalId => "national_id",
            Self::IpAddress => "ip_address",
            Self::MacAddress => "mac_address",
            Self::Secret => "secret",
            Self::BirthDate => "birth_date",
            Self::PersonName => "person_name",
            Self::Address => "address",
            Self::Coordinates => "coordinates",
        }
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Phone => "phone numbers",
            Self::PaymentCard => "payment cards",
            Self::Iban => "bank accounts (IBAN)",
            Self::NationalId => "national identity numbers",
            Self::IpAddress => "IP addresses",
            Self::MacAddress => "hardware addresses",
            Self::Secret => "secrets or tokens",
            Self::BirthDate => "dates of birth",
            Self::PersonName => "names of persons",
            Self::Address => "postal addresses",
            Self::Coordinates => "exact coordinates",
        }
    }
}

/// One kind of personal data in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalFinding {
    /// What it is.
    pub kind: PersonalKind,
    /// Which of its kind, for example `nl_bsn`; `by_name` when the column's name decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Cells that look like it.
    pub count: u64,
    /// Share of the cells with a value, parts per million.
    pub share_ppm: u32,
    /// First row numbers, at most 10.
    pub rows: Vec<u64>,
}

/// A column that holds personal data or was declared to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalColumn {
    /// Its name.
    pub column: String,
    /// The class its owner declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<PersonalClass>,
    /// What was found, most cells first.
    pub found: Vec<PersonalFinding>,
}

impl PersonalColumn {
    /// Is something found that nobody declared?
    pub fn is_undeclared(&self) -> bool {
        self.declared.is_none() && !self.found.is_empty()
    }
}

/// How well rows hide among others that agree in the quasi-identifiers (k-anonymity, L. Sweeney, 2002).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anonymity {
    /// The declared quasi-identifiers.
    pub columns: Vec<String>,
    /// Rows that every class must have.
    pub k: u32,
    /// Classes of rows that agree in all of these columns.
    pub classes: u64,
    /// Rows of the smallest class; 0 without rows.
    pub smallest_class: u64,
    /// Rows in classes of fewer than k.
    pub rows_below_k: u64,
    /// First of these rows, at most 10.
    pub rows: Vec<u64>,
}

/// What the report says about personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalData {
    /// Columns in contract order that hold any, or were declared.
    pub columns: Vec<PersonalColumn>,
    /// Present when quasi-identifiers are declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymity: Option<Anonymity>,
}

impl PersonalData {
    /// Columns that hold personal data and have no declared class.
    pub fn undeclared(&self) -> impl Iterator<Item = &PersonalColumn> {
        self.columns.iter().filter(|column| column.is_undeclared())
    }

    /// The gravest declared class; [`PersonalClass::None`] when nothing is declared.
    pub fn class(&self) -> PersonalClass {
        let declared = self.columns.iter().filter_map(|column| column.declared);
        declared.max().unwrap_or(PersonalClass::None)
    }
}

/// The analysis; every table has one.
pub(crate) fn start(context: &Context<'_>) -> Result<Option<Box<dyn Analysis>>, AssessError> {
    let policy = context.policy;
    let mut quasi = Vec::new();
    for name in &policy.quasi_identifiers {
        let place = context.rules.iter().position(|rule| rule.name == *name);
        quasi.push(place.ok_or_else(|| {
            AssessError::Policy(format!(
                "the quasi-identifier {name:?} is not a column of the table"
            ))
        })?);
    }
    let columns = context.rules.iter().map(|rule| Column {
        name: rule.name.clone(),
        kind: rule.kind,
        declared: rule.personal,
        watch: Watch::new(&rule.name),
    });
    Ok(Some(Box::new(Run {
        columns: columns.collect(),
        quasi,
        crowd: Crowd::new(
            &policy.quasi_identifiers,
            policy.k_anonymity,
            context.memory / MEMORY,
        ),
    })))
}

struct Column {
    name: String,
    kind: ColumnType,
    declared: Option<PersonalClass>,
    watch: Watch,
}

struct Run {
    columns: Vec<Column>,
    /// Positions of the quasi-identifiers.
    quasi: Vec<usize>,
    crowd: Option<Crowd>,
}

/// Normal forms of the quasi-identifiers.
fn keys<'a>(quasi: &[usize], rows: &Rows<'a>) -> Vec<&'a [CellKey]> {
    let quasi = quasi.iter().filter_map(|place| rows.columns.get(*place));
    quasi.map(|cells| cells.keys()).collect()
}

impl Analysis for Run {
    fn name(&self) -> &'static str {
        "personal_data"
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let columns = self.columns.par_iter_mut().zip(&rows.columns);
        columns.for_each(|(column, cells)| {
            column.watch.scan(column.kind, cells, rows.first, rows.len);
        });
        if let Some(crowd) = &mut self.crowd {
            crowd.add(&keys(&self.quasi, rows), rows.len);
        }
    }

    fn rows_ended(&mut self) {
        self.crowd.iter_mut().for_each(Crowd::rows_ended);
    }

    fn needs_second_pass(&self) -> bool {
        self.crowd.as_ref().is_some_and(Crowd::needs_second_pass)
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        if let Some(crowd) = &mut self.crowd {
            crowd.add_again(&keys(&self.quasi, rows), rows.len, rows.first);
        }
    }

    fn end_of_pass(&mut self) {
        self.crowd.iter_mut().for_each(Crowd::end_of_pass);
    }

    fn finish(self: Box<Self>) -> Found {
        let columns = self.columns.iter().map(|column| PersonalColumn {
            column: column.name.clone(),
            declared: column.declared,
            found: column.watch.findings(),
        });
        let known = |column: &PersonalColumn| column.declared.is_some() || !column.found.is_empty();
        let data = PersonalData {
            columns: columns.filter(known).collect(),
            anonymity: self.crowd.map(Crowd::finish),
        };
        Found {
            gates: gates::of(&data),
            sections: sections::of(&data),
            ..Found::default()
        }
    }
}
