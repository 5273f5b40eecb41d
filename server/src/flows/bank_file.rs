//! Hearing the bank: status reports and account statements, each file once.

use dataset_core::digest::Sha256;
use ledger::period::Period;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{BankFileView, BankLineView, BankStatementView, Page, PageQuery};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::{payout_method, statements};
use crate::journal::command::{At, BankFile, Command, Message, Request, Work, amount};
use crate::paging::Window;
use crate::ports::bank::{BankError, camt053, pain002, xml};
use crate::store::bank_files::{self as store, FileRow, LineRow, outcome};
use crate::store::{journal, parties};

/// Imports a file; the same content again, whatever its line ends, is answered as it was and has
/// no effect. Operators only.
///
/// # Errors
/// `not_found` for others, `bank_file_refused` for one that cannot be read, contradicts itself
/// or is about another account.
pub async fn run(ctx: &Ctx, who: &Actor, bytes: Vec<u8>) -> Result<BankFileView, Fault> {
    rights::node(who).pay_out()?;
    let (document, bytes) = crate::ctx::blocking(move || {
        let document = xml::read(&bytes).map_err(refused)?;
        Ok((document, bytes))
    })
    .await?;
    let digest = Sha256::of(document.content().as_bytes());
    let known = ctx
        .read(move |db| store::by_digest(db, digest.as_bytes()))
        .await?;
    if let Some(row) = known {
        return show_row(ctx, row, true).await;
    }
    let (own, party) = (ctx.clone(), Key(who.party));
    let work = crate::ctx::blocking(move || read(&own, party, &document, digest, &bytes)).await?;
    let id = work.file.id;
    // The content is the key: whoever sends it again asks for the same.
    let request = Request::new(
        who.party,
        &format!("bank-file:{digest}"),
        "bank_file",
        &digest.to_string(),
    )?;
    let at = At::now(ctx.now());
    let command = Command {
        request,
        at,
        work: Work::BankFile(Box::new(work)),
    };
    let posted = ctx.journal.submit(command).await?;
    statements::issue(ctx, Period::of(at.now)).await?;
    let made = posted.one()?;
    let row = ctx.read(move |db| store::find(db, made)).await?;
    show_row(ctx, row, Key(made) != id).await
}

/// Reads and checks a file without touching the books.
fn read(
    ctx: &Ctx,
    party: Key,
    document: &xml::Node,
    digest: Sha256,
    bytes: &[u8],
) -> Result<BankFile, Fault> {
    let (kind, name, message) = match document.first().as_deref() {
        Some("CstmrPmtStsRpt") => {
            let report = pain002::of(document).map_err(refused)?;
            ("pain.002", report.message.clone(), Message::Status(report))
        }
        Some("BkToCstmrStmt") => {
            let report = camt053::of(document).map_err(refused)?;
            own_account(ctx, &report)?;
            ("camt.053", report.message.clone(), Message::Account(report))
        }
        other => {
            return Err(refused(BankError::OtherMessage {
                expected: "pain.002 or camt.053",
                found: other.unwrap_or_default().to_owned(),
            }));
        }
    };
    Ok(BankFile {
        file: FileRow {
            id: Key(ctx.id()),
            digest: digest.as_bytes().to_vec(),
            kind: kind.to_owned(),
            message: name.chars().take(35).collect(),
            imported_by: party,
            sealed: payout_method::closed(ctx, bytes)?,
            created_at: ctx.now().into(),
        },
        message,
    })
}

/// A statement of somebody else's account would be taken for ours.
fn own_account(ctx: &Ctx, report: &camt053::Report) -> Result<(), Fault> {
    let Some(own) = &ctx.config.payouts.bank_iban else {
        return Ok(());
    };
    let others = report.statements.iter().filter_map(|one| one.iban.as_ref());
    match others.into_iter().find(|iban| *iban != own) {
        Some(other) => Err(refused(BankError::field(
            "Acct/Id/IBAN",
            format!(
                "the statement is of account {}, this node pays from {}",
                other.hint(),
                own.hint()
            ),
        ))),
        None => Ok(()),
    }
}

fn refused(error: BankError) -> Fault {
    Fault::new(
        Kind::Invalid,
        "bank_file_refused",
        format!("{error}. Nothing of it was booked or kept; ask the bank for a sound file."),
    )
}

/// Imported files, newest first, without their lines. Operators only.
///
/// # Errors
/// `not_found` for others, `bad_page`.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<BankFileView>, Fault> {
    rights::node(who).pay_out()?;
    let window = Window::of(&query)?;
    ctx.read(move |db| {
        let page = window.page(store::list(db, window)?, |row| row.id.0, |row| row);
        let items = page
            .items
            .iter()
            .map(|row| view(db, row, false))
            .collect::<Result<_, Fault>>()?;
        Ok(Page {
            items,
            next: page.next,
        })
    })
    .await
}

/// One file with what came of it. Operators only.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<BankFileView, Fault> {
    rights::node(who).pay_out()?;
    let row = ctx.read(move |db| store::find(db, id)).await?;
    show_row(ctx, row, false).await
}

async fn show_row(ctx: &Ctx, row: FileRow, repeated: bool) -> Result<BankFileView, Fault> {
    ctx.read(move |db| {
        let mut seen = view(db, &row, repeated)?;
        seen.lines = store::lines(db, row.id)?.into_iter().map(line).collect();
        Ok(seen)
    })
    .await
}

fn view(db: &mut Db, row: &FileRow, repeated: bool) -> Result<BankFileView, Fault> {
    let statements = store::statements(db, row.id)?
        .into_iter()
        .map(|one| {
            Ok(BankStatementView {
                opening: amount(one.opening, &one.currency),
                closing: amount(one.closing, &one.currency),
                opened_on: one.opened_on.parse().map_err(Fault::internal)?,
                closed_on: one.closed_on.parse().map_err(Fault::internal)?,
                name: one.name,
            })
        })
        .collect::<Result<_, Fault>>()?;
    Ok(BankFileView {
        id: row.id.0,
        kind: row.kind.clone(),
        message: row.message.clone(),
        sha256: hex::encode(&row.digest),
        imported_by: parties::by_id(db, row.imported_by.0)?.view(),
        created_at: row.created_at.into(),
        repeated,
        statements,
        lines: Vec::new(),
    })
}

fn line(row: LineRow) -> BankLineView {
    BankLineView {
        amount: (row.statement > 0).then(|| amount(row.amount, &row.currency)),
        explanation: explanation(&row).to_owned(),
        entry: journal::entry_name(&row.currency, row.entry_seq),
        booked_on: row.booked_on,
        reference: row.reference,
        words: row.words,
        outcome: row.outcome,
        payout_id: row.payout_id.map(|id| id.0),
    }
}

fn explanation(row: &LineRow) -> &'static str {
    match row.outcome.as_str() {
        outcome::SETTLED => "Debited: the payout is settled.",
        outcome::RETURNED => "It came back: the payee is owed the money again.",
        outcome::ACCEPTED => "The bank will pay; it counts when the account statement shows it.",
        outcome::ALREADY => "Known from an earlier line: nothing was done again.",
        outcome::MISMATCH => {
            "It bears the reference of a payout, but not its amount: nothing was done, ask the bank."
        }
        outcome::UNEXPECTED => {
            "It bears the reference of a payout that cannot be in this state: nothing was done, \
             ask the bank."
        }
        outcome::UNKNOWN => {
            "It bears a reference that is not ours: nothing was done, ask the bank."
        }
        _ if row.statement == 0 => "It says nothing about single transfers.",
        _ if row.amount > 0 => "Money that came in; if it fills a wallet, confirm a top-up.",
        _ => "It is no payout.",
    }
}
