//! Corrections of the journal: one operator proposes, another approves.

use ledger::money::Currency;
use schema::columns::Key;
use schema::db::Db;
use schema::wire::{AdjustmentView, NewAdjustment, Page, PageQuery};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::journal::adjust::checked;
use crate::journal::command::{At, Command, Request, Work};
use crate::paging::Window;
use crate::store::adjustments::{self, AdjustmentRow};
use crate::store::journal;

/// Proposes a correction. Nothing is booked before another operator approves it. Operators
/// only.
///
/// # Errors
/// `not_found` for others or an unknown entry, `invalid` naming the line, currency or reason.
pub async fn propose(ctx: &Ctx, who: &Actor, new: NewAdjustment) -> Result<AdjustmentView, Fault> {
    rights::node(who).adjust()?;
    let currency: Currency = new
        .currency
        .parse()
        .map_err(|error| Fault::invalid("currency", format!("{error}.")))?;
    let (book, seq) = place(&new.corrects)?;
    let lines = serde_json::to_string(&new.lines).map_err(Fault::internal)?;
    let (id, now, party) = (ctx.id(), ctx.now(), who.party);
    ctx.write(move |db| {
        let corrected = journal::entry_at(db, &book, seq)?.ok_or_else(Fault::missing)?;
        let row = AdjustmentRow {
            id: Key(id),
            currency: currency.code().to_owned(),
            lines,
            reason: new.reason.trim().to_owned(),
            corrects: corrected.id,
            proposed_by: Key(party),
            proposed_at: now.into(),
            approved_by: None,
            approved_at: None,
            entry_seq: 0,
        };
        // Whatever the ledger would refuse later is refused now; nil stands for the second.
        checked(&row, Uuid::nil())?;
        adjustments::insert(db, &row)?;
        row.view(db)
    })
    .await
}

/// An entry's name, such as `EUR/17`.
fn place(name: &str) -> Result<(String, i64), Fault> {
    let parsed = name
        .split_once('/')
        .and_then(|(book, seq)| Some((book.to_owned(), seq.parse().ok()?)));
    parsed.ok_or_else(|| Fault::invalid("corrects", "Name the entry it corrects, like EUR/17."))
}

/// Approves a proposal of somebody else and books it. Operators only.
///
/// # Errors
/// `not_found` for others or an unknown proposal, `own_proposal`, `adjustment_approved`,
/// `insufficient_funds`, `idempotency_conflict`.
pub async fn approve(ctx: &Ctx, who: &Actor, key: &str, id: Uuid) -> Result<AdjustmentView, Fault> {
    rights::node(who).adjust()?;
    let row = ctx.read(move |db| adjustments::find(db, id)).await?;
    if row.proposed_by.0 == who.party {
        return Err(Fault::conflict(
            "own_proposal",
            "You proposed it: another operator must approve it. Nothing was booked.",
        ));
    }
    let command = Command {
        request: Request::new(who.party, key, "adjust", &id)?,
        at: At::now(ctx.now()),
        work: Work::Adjust(Key(id)),
    };
    ctx.journal.submit(command).await?;
    ctx.read(move |db| show(db, id)).await
}

fn show(db: &mut Db, id: Uuid) -> Result<AdjustmentView, Fault> {
    adjustments::find(db, id)?.view(db)
}

/// Every correction, proposed or booked, newest first. Operators only.
///
/// # Errors
/// `not_found` for others, or a bad page.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<AdjustmentView>, Fault> {
    rights::node(who).adjust()?;
    let window = Window::of(&query)?;
    let views = ctx
        .read(move |db| {
            let rows = adjustments::list(db, window.before, window.fetch())?;
            rows.iter()
                .map(|row| row.view(db))
                .collect::<Result<Vec<_>, Fault>>()
        })
        .await?;
    Ok(window.page(views, |view| view.id, |view| view))
}
