//! Whether the columns of a file are those of a contract.

use std::collections::HashMap;

use arrow::datatypes::Schema;

use super::{Column, ColumnKind, Contract};
use crate::error::Coded;

/// Why the columns of a file are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A column of the contract that is not optional is not in the file.
    #[error("the column {column:?} of the contract is missing: add it, even if it is empty")]
    MissingColumn {
        /// Its name.
        column: String,
    },
    /// A column of the file is not in the contract.
    #[error("the column {column:?} is not in the contract of the dataset: leave it out")]
    ColumnNotInContract {
        /// Its name.
        column: String,
    },
    /// Two columns of the file have the same name.
    #[error("the column {column:?} is in the file twice")]
    DuplicateColumn {
        /// Its name.
        column: String,
    },
    /// A type that no dataset can have.
    #[error(
        "the column {column:?} has the type {data_type}: nested columns and durations are not \
         supported, only plain values"
    )]
    UnsupportedColumnType {
        /// Its name.
        column: String,
        /// Its type, as Arrow names it.
        data_type: String,
    },
    /// A type from which the contract's type cannot be read.
    #[error("the column {column:?} is {found}, but the contract says {expected}")]
    TypeMismatch {
        /// Its name.
        column: String,
        /// The contract's type.
        expected: ColumnKind,
        /// The file's type.
        found: ColumnKind,
    },
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::MissingColumn { .. } => "missing_column",
            Self::ColumnNotInContract { .. } => "column_not_in_contract",
            Self::DuplicateColumn { .. } => "duplicate_column",
            Self::UnsupportedColumnType { .. } => "unsupported_column_type",
            Self::TypeMismatch { .. } => "column_type_mismatch",
        }
    }
}

impl Refusal {
    /// The column it is about.
    pub fn column(&self) -> &str {
        match self {
            Self::MissingColumn { column }
            | Self::ColumnNotInContract { column }
            | Self::DuplicateColumn { column }
            | Self::UnsupportedColumnType { column, .. }
            | Self::TypeMismatch { column, .. } => column,
        }
    }
}

/// Where the values of a contract's column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnSource {
    /// The column at this position of the file holds values of the right type.
    Same(usize),
    /// The column at this position holds numbers that fit after widening.
    Widen(usize),
    /// The column at this position holds texts to be parsed.
    Parse(usize),
    /// The file does not have this optional column.
    Absent,
}

/// How the columns of a file become those of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// One source per column of the contract, in its order.
    pub sources: Vec<ColumnSource>,
}

impl Mapping {
    /// Whether the file has exactly the contract's columns, in its order, with
    /// its types.
    pub fn is_identity(&self) -> bool {
        self.sources
            .iter()
            .enumerate()
            .all(|(position, source)| *source == ColumnSource::Same(position))
    }
}

/// The contract that a file suggests: its columns in their order. A column
/// that may hold nulls becomes optional.
///
/// # Errors
/// A type that no dataset can have.
pub fn infer(schema: &Schema) -> Result<Contract, Refusal> {
    let columns = kinds(schema)?
        .into_iter()
        .zip(schema.fields())
        .map(|((name, kind), field)| {
            let column = Column::new(name, kind);
            if field.is_nullable() {
                column.optional()
            } else {
                column
            }
        })
        .collect();
    Ok(Contract::of_columns(columns))
}

/// Finds for every column of the contract its source in the file. The order
/// does not matter; texts are accepted for any type, since cells are judged one
/// by one.
///
/// # Errors
/// The first column that does not fit: those of the file first, in its order,
/// then those that are missing, in the contract's order.
pub fn match_columns(schema: &Schema, contract: &Contract) -> Result<Mapping, Refusal> {
    let expected: HashMap<&str, ColumnKind> = contract
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.kind))
        .collect();
    let mut sources = HashMap::with_capacity(contract.columns.len());
    for (position, (name, found)) in kinds(schema)?.into_iter().enumerate() {
        let Some(kind) = expected.get(name).copied() else {
            return Err(Refusal::ColumnNotInContract {
                column: name.to_owned(),
            });
        };
        let Some(source) = source(position, found, kind) else {
            return Err(Refusal::TypeMismatch {
                column: name.to_owned(),
                expected: kind,
                found,
            });
        };
        sources.insert(name, source);
    }
    let sources = contract
        .columns
        .iter()
        .map(|column| match sources.get(column.name.as_str()) {
            Some(source) => Ok(*source),
            None if column.optional => Ok(ColumnSource::Absent),
            None => Err(Refusal::MissingColumn {
                column: column.name.clone(),
            }),
        })
        .collect::<Result<_, _>>()?;
    Ok(Mapping { sources })
}

/// Names and types of a file's columns.
fn kinds(schema: &Schema) -> Result<Vec<(&str, ColumnKind)>, Refusal> {
    let mut seen = std::collections::HashSet::with_capacity(schema.fields().len());
    schema
        .fields()
        .iter()
        .map(|field| {
            let name = field.name().as_str();
            if !seen.insert(name) {
                return Err(Refusal::DuplicateColumn {
                    column: name.to_owned(),
                });
            }
            match ColumnKind::of_arrow(field.data_type()) {
                Some(kind) => Ok((name, kind)),
                None => Err(Refusal::UnsupportedColumnType {
                    column: name.to_owned(),
                    data_type: short(field.data_type().to_string()),
                }),
            }
        })
        .collect()
}

fn short(text: String) -> String {
    text.chars().take(120).collect()
}

fn source(position: usize, found: ColumnKind, expected: ColumnKind) -> Option<ColumnSource> {
    use ColumnKind::{Date, Decimal, Float64, Int64, String, Timestamp, UInt64};
    match (found, expected) {
        (found, expected) if found == expected => Some(ColumnSource::Same(position)),
        (String, _) => Some(ColumnSource::Parse(position)),
        // Values out of range become invalid cells, not a refusal.
        (Int64 | UInt64 | Float64 | Decimal { .. }, Int64 | UInt64 | Float64 | Decimal { .. })
        | (Date, Timestamp)
        | (Timestamp, Date) => Some(ColumnSource::Widen(position)),
        _ => None,
    }
}
