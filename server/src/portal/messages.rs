//! `/operator/messages`: what the payment provider said or has to be told, and is not done.

use actix_web::web::{Form, Path, Query};
use askama::Template;
use schema::wire::{MessageView, Page as Listing, SetAside};
use serde::Deserialize;
use uuid::Uuid;

use super::shell::{Page, Shell, Turn, Visit, see_other, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "messages.html")]
struct Messages {
    shell: Shell,
    messages: Listing<MessageView>,
}

/// The page; `cursor` turns it.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let me = visit.signed()?;
    let messages = flows::messages::list(&visit.ctx, me, query.into_inner().into()).await?;
    show(&Messages {
        shell: visit.shell("operator"),
        messages,
    })
}

/// The form that sets a message aside.
#[derive(Debug, Deserialize)]
pub struct Aside {
    reason: String,
}

/// Sets one aside for good.
pub async fn ignore(visit: Visit, id: Path<Uuid>, form: Form<Aside>) -> Page {
    let why = SetAside {
        reason: form.into_inner().reason,
    };
    flows::messages::ignore(&visit.ctx, visit.signed()?, *id, why).await?;
    Ok(see_other("/operator/messages?done=ignored"))
}

/// Works on one again.
pub async fn retry(visit: Visit, id: Path<Uuid>) -> Page {
    flows::messages::retry(&visit.ctx, visit.signed()?, *id).await?;
    Ok(see_other("/operator/messages?done=retried"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn each_says_why_and_offers_another_try() {
        let page = Messages {
            shell: samples::operator(),
            messages: Listing {
                items: vec![samples::message()],
                next: None,
            },
        };
        let id = samples::message().id;
        samples::check(
            &page,
            &[
                "evt_1",
                "waits for the payment pi_1",
                "parked",
                &format!("action=\"/operator/messages/{id}/retry\""),
                &format!("action=\"/operator/messages/{id}/ignore\""),
            ],
        );
    }

    #[test]
    fn nothing_open_is_said() {
        let page = Messages {
            shell: samples::operator(),
            messages: Listing {
                items: vec![],
                next: None,
            },
        };
        samples::check(&page, &["Every message is done"]);
    }
}
