//! A statement in other people's formats, each rendered from the one signed document, so that
//! they can never disagree with it or with each other.

mod parquet;
mod pdf;

use ledger::export;
use ledger::statement::Statement;
use uuid::Uuid;

use super::statements;
use crate::auth::Actor;
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;

/// A format to render in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One row per line, RFC 4180.
    Csv,
    /// The same rows with types, amounts as 64-bit minor units.
    Parquet,
    /// A journal for hledger and ledger.
    Hledger,
    /// A file for beancount.
    Beancount,
    /// On paper.
    Pdf,
}

impl Form {
    /// Every format.
    pub const ALL: [Form; 5] = [
        Form::Csv,
        Form::Parquet,
        Form::Hledger,
        Form::Beancount,
        Form::Pdf,
    ];

    /// The end of its file's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Parquet => "parquet",
            Form::Hledger => "hledger",
            Form::Beancount => "beancount",
            Form::Pdf => "pdf",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Csv => "text/csv; charset=utf-8; header=present",
            Form::Parquet => "application/vnd.apache.parquet",
            Form::Pdf => "application/pdf",
            Form::Hledger | Form::Beancount => "text/plain; charset=utf-8",
        }
    }
}

/// A rendered statement and the name to keep it under.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Such as `statement-2026-11-EUR-1.csv`.
    pub name: String,
}

/// Renders one of the caller's statements.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid, form: Form) -> Result<Rendered, Fault> {
    let document = statements::document(ctx, who, id).await?;
    blocking(move || {
        let statement = Statement::read(document.as_bytes()).map_err(Fault::internal)?;
        Ok(Rendered {
            bytes: render(&statement, form)?,
            name: name(&statement, form),
        })
    })
    .await
}

/// The name of a statement's file.
#[must_use]
pub fn name(statement: &Statement, form: Form) -> String {
    let head = &statement.head;
    let (period, currency, number) = (head.period, head.currency, head.number);
    format!("statement-{period}-{currency}-{number}.{}", form.ending())
}

/// Renders a statement.
///
/// # Errors
/// Only for figures that no format could hold.
pub fn render(statement: &Statement, form: Form) -> Result<Vec<u8>, Fault> {
    match form {
        Form::Csv => Ok(export::csv::statement(statement).into_bytes()),
        Form::Parquet => parquet::statement(statement),
        Form::Pdf => pdf::statement(statement),
        Form::Hledger => Ok(export::statement::hledger(statement).into_bytes()),
        Form::Beancount => Ok(export::statement::beancount(statement).into_bytes()),
    }
}
