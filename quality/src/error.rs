//! What keeps a table from being assessed at all. Dirty rows never do.

use thiserror::Error;

/// Why there is no assessment, by what the caller can do next.
#[derive(Debug, Error)]
pub enum AssessError {
    /// Correct the rules and try again.
    #[error("the rules cannot be used: {0}")]
    Policy(String),
    /// The provider adds the column or the owner declares it optional.
    #[error("column {0:?} of the contract is missing in the file; add it")]
    MissingColumn(String),
    /// The provider drops the column or the owner adds it to the contract.
    #[error("column {0:?} is not in the contract; drop it")]
    ColumnNotInContract(String),
    /// The provider flattens or converts the column.
    #[error("column {column:?} has type {found}, which cannot be assessed; flatten or convert it")]
    UnsupportedColumnType {
        /// Name of the column.
        column: String,
        /// Type in the file.
        found: String,
    },
    /// The packed file is not one of our own writer.
    #[error("the packed table cannot be read: {0}; pack it again")]
    Unreadable(String),
    /// The file is damaged, hostile or beyond a limit.
    #[error("{message}")]
    Refused {
        /// Stable code of the reader that refused it.
        code: &'static str,
        /// What was found.
        message: String,
    },
    /// Room has to be made, or another place named.
    #[error("the output cannot be written: {0}")]
    Output(String),
    /// A fault of this crate or of memory: report it.
    #[error("the assessment broke off: {0}")]
    Internal(String),
}

impl AssessError {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy(_) => "invalid_policy",
            Self::MissingColumn(_) => "missing_column",
            Self::ColumnNotInContract(_) => "column_not_in_contract",
            Self::UnsupportedColumnType { .. } => "unsupported_column_type",
            Self::Unreadable(_) => "unreadable_table",
            Self::Refused { code, .. } => code,
            Self::Output(_) => "output_failed",
            Self::Internal(_) => "assessment_failed",
        }
    }
}
