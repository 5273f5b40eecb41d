//! Runs of payouts and their lines, as operators and payees see them.

use std::collections::BTreeMap;

use schema::columns::Key;
use schema::db::Db;
use schema::wire::{Page, PageQuery, PayoutBatchView, PayoutTotal, PayoutView};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::payout_method;
use crate::flows::payout_run::reason;
use crate::journal::CAME_BACK;
use crate::journal::command::amount;
use crate::paging::Window;
use crate::store::payouts::{self as store, BatchRow, PayoutRow, state};
use crate::store::{journal, parties, payout_methods};

/// Runs, newest first, with their lines. Operators only.
///
/// # Errors
/// `not_found` for others, `bad_page`.
pub async fn list(
    ctx: &Ctx,
    who: &Actor,
    query: PageQuery,
) -> Result<Page<PayoutBatchView>, Fault> {
    rights::node(who).pay_out()?;
    let window = Window::of(&query)?;
    ctx.read(move |db| {
        let page = window.page(store::batches(db, window)?, |row| row.id.0, |row| row);
        let items = page
            .items
            .iter()
            .map(|row| {
                let lines = store::lines(db, row.id)?;
                view(db, row, lines)
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Page {
            items,
            next: page.next,
        })
    })
    .await
}

/// One run. Operators only.
///
/// # Errors
/// `not_found`.
pub async fn show(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<PayoutBatchView, Fault> {
    rights::node(who).pay_out()?;
    ctx.read(move |db| {
        let row = store::batch(db, id)?;
        let lines = store::lines(db, row.id)?;
        view(db, &row, lines)
    })
    .await
}

/// The bank's file of an approved run, byte for byte as it was approved. Operators only.
///
/// # Errors
/// `not_found`, `payouts_not_approved`.
pub async fn file(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<Vec<u8>, Fault> {
    rights::node(who).pay_out()?;
    let row = ctx.read(move |db| store::batch(db, id)).await?;
    match row.file {
        Some(sealed) => payout_method::opened(ctx, &sealed),
        None => Err(Fault::conflict(
            "payouts_not_approved",
            format!(
                "This run is {}: only an approved one has a file for the bank.",
                row.state
            ),
        )),
    }
}

/// The caller's payouts, newest first.
///
/// # Errors
/// `bad_page`.
pub async fn mine(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<PayoutView>, Fault> {
    rights::own(who, who.party).manage()?;
    let (window, party) = (Window::of(&query)?, who.party);
    ctx.read(move |db| {
        let page = window.page(
            store::of_party(db, party, window)?,
            |row| row.id.0,
            |row| row,
        );
        Ok(Page {
            items: lines(db, page.items)?,
            next: page.next,
        })
    })
    .await
}

/// A run with its lines, for reading.
pub(super) fn view(
    db: &mut Db,
    row: &BatchRow,
    rows: Vec<PayoutRow>,
) -> Result<PayoutBatchView, Fault> {
    let totals = totals(&rows)?;
    let proposed_by = parties::by_id(db, row.proposed_by.0)?.view();
    let approved_by = match row.approved_by {
        Some(party) => Some(parties::by_id(db, party.0)?.view()),
        None => None,
    };
    Ok(PayoutBatchView {
        id: Some(row.id.0),
        state: row.state.clone(),
        execute_on: row.execute_on.parse().map_err(Fault::internal)?,
        proposed_by,
        proposed_at: row.proposed_at.into(),
        approved_by,
        approved_at: row.approved_at.map(Into::into),
        period: row.period.clone(),
        file_sha256: row.file_digest.as_ref().map(hex::encode),
        totals,
        lines: lines(db, rows)?,
    })
}

fn totals(rows: &[PayoutRow]) -> Result<Vec<PayoutTotal>, Fault> {
    let mut sums: BTreeMap<&str, (i64, i64, i128, i128)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(&row.currency).or_default();
        match row.state.as_str() {
            state::HELD => sum.1 += 1,
            _ => {
                sum.0 += 1;
                sum.2 += i128::from(row.gross);
                sum.3 += i128::from(row.withheld);
            }
        }
    }
    let minor = |sum: i128| i64::try_from(sum).map_err(Fault::internal);
    sums.into_iter()
        .map(|(currency, (payees, held_back, gross, withheld))| {
            Ok(PayoutTotal {
                payees,
                gross: amount(minor(gross)?, currency),
                withheld: amount(minor(withheld)?, currency),
                net: amount(minor(gross - withheld)?, currency),
                held_back,
            })
        })
        .collect()
}

/// Lines for reading, in their order.
fn lines(db: &mut Db, rows: Vec<PayoutRow>) -> Result<Vec<PayoutView>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.party_id.0).collect();
    let people = parties::views(db, &ids)?;
    let methods: Vec<Key> = rows.iter().filter_map(|row| row.method_id).collect();
    let methods = payout_methods::by_ids(db, &methods)?;
    rows.into_iter()
        .map(|row| {
            let party = people.get(&row.party_id.0).cloned();
            let method = row.method_id.and_then(|id| methods.get(&id));
            let money = |minor| amount(minor, &row.currency);
            let entries = [row.entry_seq, row.settled_seq, row.returned_seq];
            Ok(PayoutView {
                id: row.id.0,
                batch_id: row.batch_id.0,
                party: party.ok_or_else(|| Fault::internal("a payee has no account"))?,
                balance: money(row.balance),
                gross: money(row.gross),
                withheld: money(row.withheld),
                net: money(row.net),
                account: method.map(|method| method.hint.clone()),
                explanation: explanation(&row),
                entries: entries
                    .into_iter()
                    .filter(|seq| *seq > 0)
                    .map(|seq| journal::entry_name(&row.currency, seq))
                    .collect(),
                state: row.state,
                reason: row.reason,
                bank_status: row.bank_status,
                changed_at: row.changed_at.into(),
            })
        })
        .collect()
}

/// What a state means for the payee, and what to do.
fn explanation(row: &PayoutRow) -> String {
    let words = match (row.state.as_str(), row.reason.as_str()) {
        (state::HELD, reason::NEGATIVE) => {
            "More was given back than earned: the balance carries forward and is made up by \
             coming income."
        }
        (state::HELD, reason::ON_HOLD) => "An operator holds the payouts of this party.",
        (state::HELD, reason::BELOW_MINIMUM) => {
            "The balance is less than what is paid out at least: it carries forward."
        }
        (state::HELD, reason::NO_METHOD) => "The payee has set no account to be paid to.",
        (state::HELD, reason::METHOD_WAITS) => {
            "The payee's account is new: it waits, so that its owner can notice a change."
        }
        (state::HELD, reason::METHOD_FAILED) => {
            "The last transfer to this account came back: the payee has to set another one."
        }
        (state::HELD, _) => "After tax nothing is left to pay.",
        (state::PROPOSED, _) => "Waits for the approval of a second operator.",
        (state::IN_TRANSIT, _) => "Under way: the bank has not debited it yet.",
        (state::SETTLED, _) => "Debited by the bank.",
        (state::RETURNED, CAME_BACK) => {
            let why = match row.bank_reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            return format!("It came back{why}: the money is in the balance again.");
        }
        _ => "",
    };
    words.to_owned()
}

/// The fault of an operator who would approve the own proposal.
pub(super) fn second_operator() -> Fault {
    Fault::new(
        Kind::Forbidden,
        "second_operator",
        "Whoever proposed a run cannot approve it: another operator has to. Nothing was booked; \
         an operator can appoint another with `granary operator add`.",
    )
}
