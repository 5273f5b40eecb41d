//! What the columns of a dataset are, and whether a file fits them.
//!
//! A [`Contract`] is the agreement between the owner of a dataset and its
//! contributors. Its JSON form is stored, hashed and read by the quality rules:
//!
//! ```
//! use dataset_core::columns::Contract;
//! let contract = Contract::from_json(br#"{"columns":[
//!     {"name":"carrier","type":"string"},
//!     {"name":"dep_delay","type":"int64","optional":true,"unit":"min"}
//! ]}"#)?;
//! assert_eq!(contract.columns[1].kind.to_string(), "int64");
//! # Ok::<(), dataset_core::columns::ContractError>(())
//! ```

mod kind;
mod matching;

use serde::{Deserialize, Serialize};

pub use self::{
    kind::{ColumnKind, ParseKindError},
    matching::{ColumnSource, Mapping, Refusal, infer, match_columns},
};
use crate::{digest::Sha256, error::Coded, personal::PersonalClass};

/// The most columns of a contract and of a file.
pub const MAX_COLUMNS: usize = 2_000;

/// The longest column name, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 256;

const MAX_TEXT_LEN: usize = 4_000;
const MAX_DOMAIN: usize = 10_000;
const K_ANONYMITY: std::ops::RangeInclusive<u32> = 2..=1_000;
const MAX_CONTRACT_LEN: usize = 4 * 1024 * 1024;

/// The columns of a dataset, in their order, and what is said about it as a
/// whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The columns, in the order of every revision.
    pub columns: Vec<Column>,
    /// Columns that together identify a row; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Columns that only number rows: they do not make a row different.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surrogate: Vec<String>,
    /// Where the data comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How it was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// SPDX identifier of the licence the source gives it under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Days after which new data is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_days: Option<u32>,
    /// Column that a learner is to predict from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Rows that a learner is tried on, and never learns from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// Columns whose values together name a stratum; a crowded stratum weighs less by row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<String>,
    /// Which rows are near duplicates of each other, as the quality rules read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<serde_json::Value>,
    /// Which records are of the same entity, as the quality rules read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<serde_json::Value>,
    /// Columns by which a person could be picked out together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quasi_identifiers: Vec<String>,
    /// How many rows have to agree in all of them; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k_anonymity: Option<u32>,
    /// Rules between columns, as the quality rules read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<serde_json::Value>,
}

/// Rows that are kept apart, by the value of a column. Those that the dataset's owner gave judge
/// what the rows of others teach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// The column.
    pub column: String,
    /// Its value in rows that are held out: a text, a whole number or a truth value.
    pub value: serde_json::Value,
}

/// One column of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name, unique in the contract.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ColumnKind,
    /// Whether it may be absent from a file and empty in a row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Unit of measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What kind of thing it is, for rules that look for it (`email`, `iata`…).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<String>,
    /// Smallest value: a number, or a text for dates and times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Value>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Value>,
    /// Regular expression its texts have to match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The only values it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Vec<serde_json::Value>>,
    /// The class of personal data in it, as its owner declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<PersonalClass>,
}

impl Column {
    /// A column about which only name and type are known.
    pub fn new(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self {
            name: name.into(),
            kind,
            optional: false,
            description: None,
            unit: None,
            semantic: None,
            min: None,
            max: None,
            pattern: None,
            domain: None,
            personal: None,
        }
    }

    /// The same, but it may be absent or empty.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// Why a contract is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// Not the JSON of a contract.
    #[error("the column contract is not understood: {0}")]
    Json(String),
    /// No column, or more than [`MAX_COLUMNS`].
    #[error("a contract has 1 to {MAX_COLUMNS} columns; this one has {0}")]
    Count(usize),
    /// A name that is empty, too long, or has control characters.
    #[error("column {index} has a bad name: 1 to {MAX_NAME_LEN} bytes without control characters")]
    Name {
        /// Position of the column, from 1.
        index: usize,
    },
    /// Two columns of the same name.
    #[error("the column {0:?} is named twice")]
    Duplicate(String),
    /// A k that protects nobody or that nothing can reach.
    #[error("k_anonymity is 2 to 1000 rows")]
    Anonymity,
    /// A key, surrogate or quasi-identifying column that is not a column of the contract.
    #[error("{field} names {name:?}, which is not a column of the contract")]
    Unknown {
        /// `key`, `surrogate`, `strata`, `quasi_identifiers`, `label` or `held_out`.
        field: &'static str,
        /// The name.
        name: String,
    },
    /// Something about one column that is not right.
    #[error("column {column:?}: {problem}")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong and what would be right.
        problem: &'static str,
    },
}

impl Coded for ContractError {
    fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "contract_not_understood",
            Self::Count(_) => "contract_column_count",
            Self::Name { .. } => "contract_bad_name",
            Self::Duplicate(_) => "contract_duplicate_column",
            Self::Unknown { .. } => "contract_unknown_column",
            Self::Column { .. } => "contract_bad_column",
            Self::Anonymity => "contract_bad_k",
        }
    }
}

impl Contract {
    /// A contract of these columns about which nothing else is known.
    pub fn of_columns(columns: Vec<Column>) -> Self {
        Self {
            columns,
            key: Vec::new(),
            surrogate: Vec::new(),
            source: None,
            method: None,
            license: None,
            period_days: None,
            label: None,
            held_out: None,
            strata: Vec::new(),
            near: None,
            records: None,
            quasi_identifiers: Vec::new(),
            k_anonymity: None,
            consistency: None,
        }
    }

    /// Reads and checks a contract.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn from_json(json: &[u8]) -> Result<Self, ContractError> {
        if json.len() > MAX_CONTRACT_LEN {
            return Err(ContractError::Json("it is longer than 4 MiB".into()));
        }
        let contract: Self =
            serde_json::from_slice(json).map_err(|error| ContractError::Json(error.to_string()))?;
        contract.validate()?;
        Ok(contract)
    }

    /// The canonical JSON (RFC 8785): what is stored and hashed.
    ///
    /// # Errors
    /// [`ContractError::Json`] when a bound is a number JSON cannot carry.
    pub fn to_json(&self) -> Result<Vec<u8>, ContractError> {
        serde_json_canonicalizer::to_vec(self)
            .map_err(|error| ContractError::Json(error.to_string()))
    }

    /// SHA-256 of the canonical JSON.
    ///
    /// # Errors
    /// Those of [`Contract::to_json`].
    pub fn digest(&self) -> Result<Sha256, ContractError> {
        Ok(Sha256::of(&self.to_json()?))
    }

    /// The gravest class that is declared of any column.
    pub fn personal_class(&self) -> PersonalClass {
        let declared = self.columns.iter().filter_map(|column| column.personal);
        declared.max().unwrap_or(PersonalClass::None)
    }

    /// The column of this name, with its position.
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, column)| column.name == name)
    }

    /// Checks every rule of the form.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn validate(&self) -> Result<(), ContractError> {
        if self.columns.is_empty() || self.columns.len() > MAX_COLUMNS {
            return Err(ContractError::Count(self.columns.len()));
        }
        let mut names = std::collections::HashSet::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            if !is_name(&column.name) {
                return Err(ContractError::Name { index: index + 1 });
            }
            if !names.insert(column.name.as_str()) {
                return Err(ContractError::Duplicate(column.name.clone()));
            }
            check_column(column)?;
        }
        let lists = [
            ("key", &self.key),
            ("surrogate", &self.surrogate),
            ("strata", &self.strata),
            ("quasi_identifiers", &self.quasi_identifiers),
        ];
        for (field, list) in lists {
            let mut seen = std::collections::HashSet::with_capacity(list.len());
            for name in list {
                if !names.contains(name.as_str()) {
                    let name = name.chars().take(MAX_NAME_LEN).collect();
                    return Err(ContractError::Unknown { field, name });
                }
                if !seen.insert(name) {
                    return Err(ContractError::Duplicate(name.clone()));
                }
            }
        }
        self.validate_learning(&names)?;
        if self.k_anonymity.is_some_and(|k| !K_ANONYMITY.contains(&k)) {
            return Err(ContractError::Anonymity);
        }
        let texts = [&self.source, &self.method, &self.license];
        if texts.into_iter().flatten().any(|text| !is_text(text)) {
            return Err(ContractError::Json(format!(
                "source, method and license have at most {MAX_TEXT_LEN} bytes"
            )));
        }
        Ok(())
    }
}

impl Contract {
    /// Label and held-out rows belong together.
    fn validate_learning(
        &self,
        names: &std::collections::HashSet<&str>,
    ) -> Result<(), ContractError> {
        let held_out = self.held_out.as_ref().map(|rows| &rows.column);
        for (field, name) in [("label", self.label.as_ref()), ("held_out", held_out)] {
            if let Some(name) = name.filter(|name| !names.contains(name.as_str())) {
                let name = name.chars().take(MAX_NAME_LEN).collect();
                return Err(ContractError::Unknown { field, name });
            }
        }
        let problem = |problem: &str| Err(ContractError::Json(problem.to_owned()));
        match &self.held_out {
            Some(_) if self.label.is_none() => {
                problem("held_out keeps rows for trying what was learned: it needs a label")
            }
            Some(rows) if Some(&rows.column) == self.label.as_ref() => {
                problem("held_out and label name the same column")
            }
            Some(HeldOut { value, .. })
                if !(value.is_string() || value.is_i64() || value.is_boolean()) =>
            {
                problem("the value of held_out is a text, a whole number or a truth value")
            }
            _ => Ok(()),
        }
    }
}

/// Whether this can be the name of a column.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT_LEN
}

fn check_column(column: &Column) -> Result<(), ContractError> {
    let problem = |problem| {
        Err(ContractError::Column {
            column: column.name.clone(),
            problem,
        })
    };
    let texts = [
        &column.description,
        &column.unit,
        &column.semantic,
        &column.pattern,
    ];
    if texts.into_iter().flatten().any(|text| !is_text(text)) {
        return problem("a text is longer than 4000 bytes");
    }
    let is_bound = |value: &serde_json::Value| value.is_number() || value.is_string();
    if [&column.min, &column.max]
        .into_iter()
        .flatten()
        .any(|bound| !is_bound(bound))
    {
        return problem("min and max are numbers, or texts for dates and times");
    }
    if let (Some(min), Some(max)) = (as_number(&column.min), as_number(&column.max))
        && min > max
    {
        return problem("min is greater than max");
    }
    match &column.domain {
        Some(domain) if domain.is_empty() || domain.len() > MAX_DOMAIN => {
            problem("domain has 1 to 10000 values")
        }
        Some(domain) if domain.iter().any(|v| v.is_array() || v.is_object()) => {
            problem("domain has plain values only")
        }
        _ => Ok(()),
    }
}

fn as_number(value: &Option<serde_json::Value>) -> Option<f64> {
    value.as_ref().and_then(serde_json::Value::as_f64)
}

#[cfg(test)]
mod tests;
