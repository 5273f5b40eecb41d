//! Taking a message of the payment provider: believed, kept, then answered.

use schema::columns::Key;
use schema::wire::Received;
use serde_json::Value;

use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::jobs::{self, Work};
use crate::ports::payment::signature::{self, Unsigned};
use crate::store::inbox::{self, InboxRow};

/// Which provider the messages are of.
const SOURCE: &str = "stripe";

/// Checks the signature over the bytes as they came, and keeps the message with the job that
/// works on it. A message that is here already is answered the same.
///
/// # Errors
/// `not_found` on a node without a provider, `bad_signature`, `message_unreadable`; or the
/// database's own, and then the provider sends it again.
pub async fn run(ctx: &Ctx, header: Option<&str>, body: &[u8]) -> Result<Received, Fault> {
    let Some(stripe) = &ctx.payments.stripe else {
        return Err(Fault::missing());
    };
    let signed = header.ok_or(Unsigned::Unreadable);
    signed
        .and_then(|header| signature::check(header, body, stripe.secrets(), ctx.now()))
        .map_err(|why| {
            Fault::new(
                Kind::Malformed,
                "bad_signature",
                format!("{why}. The message was not kept."),
            )
        })?;
    let row = row(ctx, body)?;
    let own = ctx.clone();
    let fresh = ctx
        .write(move |db| {
            let fresh = inbox::insert(db, &row)?;
            if fresh {
                jobs::enqueue(&own, db, Work::Message(row.id.0))?;
            }
            Ok(fresh)
        })
        .await?;
    if fresh {
        ctx.ring();
    }
    Ok(Received { received: true })
}

fn row(ctx: &Ctx, body: &[u8]) -> Result<InboxRow, Fault> {
    let unreadable = || {
        Fault::new(
            Kind::Malformed,
            "message_unreadable",
            "The message is signed, but it is no event with an id and a type. It was not kept.",
        )
    };
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let event: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let field = |name: &str| {
        let found = event[name].as_str().filter(|text| text.len() <= 255);
        found.map(str::to_owned).ok_or_else(unreadable)
    };
    Ok(InboxRow {
        id: Key(ctx.id()),
        source: SOURCE.to_owned(),
        event_id: field("id")?,
        kind: field("type")?,
        payload: Some(text.to_owned()),
        state: "new".to_owned(),
        reason: None,
        waits_for: None,
        attempts: 0,
        received_at: ctx.now().into(),
        ended_at: None,
    })
}
