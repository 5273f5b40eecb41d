//! Why a file is refused: stable codes, and words that name limit, row group
//! and column.

use std::io;

use crate::{error::Coded, seal::SealError};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Row group, from 0.
    pub row_group: usize,
    /// Name of the column.
    pub column: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row group {}, column {:?}", self.row_group, self.column)
    }
}

/// Why a Parquet file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not begin and end like a Parquet file.
    #[error("this is not a Parquet file: it has to begin and end with PAR1")]
    NotParquet,
    /// It or a part of it is encrypted in Parquet's own way.
    #[error("the file uses Parquet's own encryption: write it without, and seal the whole file")]
    Encrypted,
    /// The footer is longer than the limit.
    #[error("the footer has {length} bytes, the limit is {limit}: write fewer, larger row groups")]
    FooterTooLarge {
        /// Its length in bytes.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The footer is longer than the file.
    #[error("the file is cut short: its footer claims {length} bytes, the file has {file}")]
    FooterTruncated {
        /// Its claimed length in bytes.
        length: u64,
        /// Length of the file.
        file: u64,
    },
    /// A list in the footer or a page header claims more entries than there
    /// are bytes.
    #[error("a list in the file's metadata claims more entries than there are bytes")]
    ListTooLong,
    /// The schema is nested too deeply.
    #[error("the schema is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The file has too many columns.
    #[error("the file has more than {limit} columns")]
    TooManyColumns {
        /// The limit.
        limit: usize,
    },
    /// A column's name is not acceptable.
    #[error("column {index} has a bad name: {problem}")]
    BadName {
        /// Position of the column, from 1.
        index: usize,
        /// What is wrong with the name.
        problem: &'static str,
    },
    /// A type that no dataset can have.
    #[error("the column {column:?} is {found}: only flat columns of plain values are supported")]
    UnsupportedColumnType {
        /// Name of the column.
        column: String,
        /// What it is.
        found: String,
    },
    /// The file has too many row groups.
    #[error("the file has more than {limit} row groups: write larger ones")]
    TooManyRowGroups {
        /// The limit.
        limit: usize,
    },
    /// The file claims too many rows.
    #[error("the file claims {rows} rows, the limit is {limit}")]
    TooManyRows {
        /// What it claims.
        rows: u64,
        /// The limit.
        limit: u64,
    },
    /// Numbers of rows do not agree.
    #[error("{place} {claimed} rows, but there are {found}")]
    RowCountMismatch {
        /// Who claims, such as `the file claims`.
        place: String,
        /// The number claimed.
        claimed: u64,
        /// The number found.
        found: u64,
    },
    /// A column chunk lies outside the data.
    #[error("{0}: its bytes lie outside the data of the file")]
    Range(Place),
    /// Two column chunks share bytes.
    #[error("{0}: its bytes overlap those of another column")]
    Overlap(Place),
    /// The data of a column is said to be in another file.
    #[error("{0}: its data is said to be in another file")]
    ExternalPath(Place),
    /// A page is too large.
    #[error("{place}: a page has {found} {unit}, the limit is {limit}: write smaller pages")]
    PageTooLarge {
        /// Where.
        place: Place,
        /// What it claims.
        found: u64,
        /// The limit.
        limit: u64,
        /// Bytes or values.
        unit: &'static str,
    },
    /// A page unpacks to more than it says.
    #[error("{place}: a page unpacks to more than the {claimed} bytes it claims")]
    PageLies {
        /// Where.
        place: Place,
        /// What it claims.
        claimed: u64,
    },
    /// The data unpacks to far more than the file's size.
    #[error("the file unpacks to {unpacked} bytes, more than {limit} times its size")]
    Ratio {
        /// Sum over all columns.
        unpacked: u64,
        /// The limit.
        limit: u64,
    },
    /// The decoded values need too much room.
    #[error("the values of the file need more than {limit} bytes: split it")]
    DecodedTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A single row is too large to be handled.
    #[error("a row needs more than {limit} bytes")]
    RowTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The bytes are not what the format says.
    #[error("the file is damaged: {0}")]
    Corrupt(String),
    /// The seal around the file is damaged.
    #[error("{message}")]
    Seal {
        /// The code of the [`SealError`].
        code: &'static str,
        /// The same in words.
        message: String,
    },
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Io(String),
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotParquet => "parquet_not_parquet",
            Self::Encrypted => "parquet_encrypted",
            Self::FooterTooLarge { .. } => "parquet_footer_too_large",
            Self::FooterTruncated { .. } => "parquet_truncated",
            Self::ListTooLong => "parquet_list_too_long",
            Self::TooDeep { .. } => "parquet_too_deep",
            Self::TooManyColumns { .. } => "parquet_too_many_columns",
            Self::BadName { .. } => "parquet_bad_name",
            Self::UnsupportedColumnType { .. } => "unsupported_column_type",
            Self::TooManyRowGroups { .. } => "parquet_too_many_row_groups",
            Self::TooManyRows { .. } => "parquet_too_many_rows",
            Self::RowCountMismatch { .. } => "parquet_row_count_mismatch",
            Self::Range(_) => "parquet_range",
            Self::Overlap(_) => "parquet_overlap",
            Self::ExternalPath(_) => "parquet_external_path",
            Self::PageTooLarge { .. } => "parquet_page_too_large",
            Self::PageLies { .. } => "parquet_page_lies",
            Self::Ratio { .. } => "parquet_ratio",
            Self::DecodedTooLarge { .. } => "parquet_decoded_too_large",
            Self::RowTooLarge { .. } => "parquet_row_too_large",
            Self::Corrupt(_) => "parquet_corrupt",
            Self::Seal { code, .. } => code,
            Self::Io(_) => "parquet_io",
        }
    }
}

impl Refusal {
    /// The refusal for a failed read.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        match Self::reading(error) {
            Some(refusal) => refusal,
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Corrupt("it ends too early".into())
            }
            None => Self::Io(error.to_string()),
        }
    }

    /// The seal's own refusal, when the reader reads through one.
    pub(crate) fn reading(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        SealError::find(error).map(|seal| Self::Seal {
            code: seal.code(),
            message: seal.to_string(),
        })
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::of_io(&error)
    }
}

impl From<super::thrift::Fault> for Refusal {
    fn from(fault: super::thrift::Fault) -> Self {
        use super::thrift::Fault;
        match fault {
            Fault::Truncated => Self::Corrupt("its metadata ends too early".into()),
            Fault::ListTooLong => Self::ListTooLong,
            Fault::TooDeep => Self::Corrupt("its metadata is nested beyond the format".into()),
            Fault::Bad(what) => Self::Corrupt(format!("in its metadata {what}")),
        }
    }
}
