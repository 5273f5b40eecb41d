//! Messages of and to payment providers that are not done, for the operator.

use schema::wire::{MessageView, Page, PageQuery, SetAside};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::jobs::{self, Work};
use crate::paging::Window;
use crate::store::inbox::{self, InboxRow, Left};
use crate::store::outbox::{self, OutboxRow};

/// What waits, is parked or has failed, newest first.
///
/// # Errors
/// `not_found` for others than the operator; a bad cursor or limit.
pub async fn list(ctx: &Ctx, who: &Actor, query: PageQuery) -> Result<Page<MessageView>, Fault> {
    rights::node(who).mind_provider()?;
    let window = Window::of(&query)?;
    let found = ctx
        .read(move |db| {
            let came = inbox::open(db, window.before, window.fetch())?;
            let goes = outbox::open(db, window.before, window.fetch())?;
            let came = came.into_iter().map(came_view);
            let mut all: Vec<MessageView> = came.chain(goes.into_iter().map(goes_view)).collect();
            all.sort_by_key(|message| std::cmp::Reverse(message.id));
            all.truncate(usize::try_from(window.fetch()).unwrap_or(usize::MAX));
            Ok(all)
        })
        .await?;
    Ok(window.page(found, |message| message.id, |message| message))
}

/// Works on a parked or failed message again.
///
/// # Errors
/// `not_found` for others than the operator, and for a message that is done or under way.
pub async fn retry(ctx: &Ctx, who: &Actor, id: Uuid) -> Result<(), Fault> {
    rights::node(who).mind_provider()?;
    let own = ctx.clone();
    ctx.write(move |db| {
        let came = inbox::again(db, id, "failed")? || inbox::again(db, id, "parked")?;
        if came {
            return jobs::enqueue(&own, db, Work::Message(id));
        }
        if outbox::again(db, id)? {
            return jobs::enqueue(&own, db, Work::Tell(id));
        }
        Err(Fault::missing())
    })
    .await?;
    ctx.ring();
    Ok(())
}

/// Sets a parked or failed message of the provider aside for good: it is about nothing of this
/// node's. The reason is kept with it.
///
/// # Errors
/// `not_found` for others than the operator, for a message to the provider and one that is done
/// or under way; `invalid` for the reason.
pub async fn ignore(ctx: &Ctx, who: &Actor, id: Uuid, why: SetAside) -> Result<(), Fault> {
    rights::node(who).mind_provider()?;
    let reason = why.reason.trim();
    if !(1..=300).contains(&reason.chars().count()) {
        return Err(Fault::invalid(
            "reason",
            "Say why the message needs nothing, in 1 to 300 characters.",
        ));
    }
    let left = Left::Ignored(format!("{} set it aside: {reason}", who.handle));
    let now = ctx.now();
    ctx.write(move |db| {
        if !inbox::again(db, id, "failed")? && !inbox::again(db, id, "parked")? {
            return Err(Fault::missing());
        }
        inbox::leave(db, id, &left, now)
    })
    .await
}

fn came_view(row: InboxRow) -> MessageView {
    MessageView {
        id: row.id.0,
        direction: "in".to_owned(),
        name: row.event_id,
        kind: row.kind,
        state: row.state,
        reason: row.reason,
        attempts: row.attempts,
        at: row.received_at.into(),
    }
}

fn goes_view(row: OutboxRow) -> MessageView {
    MessageView {
        id: row.id.0,
        direction: "out".to_owned(),
        name: row.id.0.to_string(),
        kind: row.kind,
        state: row.state,
        reason: row.reason,
        attempts: row.attempts,
        at: row.created_at.into(),
    }
}
