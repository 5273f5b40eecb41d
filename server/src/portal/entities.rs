//! `/operator/entities`: accounts that are one person or house.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{EntityView, NewEntity};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::flows;

#[derive(Template)]
#[template(path = "entities.html")]
struct Entities {
    shell: Shell,
    list: Vec<EntityView>,
    typed: Link,
    wrong: Option<Wrong>,
}

/// The form that links.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Link {
    parties: String,
    reason: String,
}

/// The form that ends a link.
#[derive(Debug, Deserialize)]
pub struct End {
    reason: String,
}

/// The page.
pub async fn page(visit: Visit) -> Page {
    render(&visit, Link::default(), None).await
}

/// Links the parties that were typed.
pub async fn link(visit: Visit, form: Form<Link>) -> Page {
    let typed = form.into_inner();
    let names = typed.parties.split([' ', ',', ';', '\n', '\r', '\t']);
    let new = NewEntity {
        parties: names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        reason: typed.reason.clone(),
    };
    match flows::entities::link(&visit.ctx, visit.signed()?, new).await {
        Ok(_) => Ok(see_other("/operator/entities?done=linked")),
        Err(fault) => {
            let wrong = Some(Wrong::of_name(fault, "parties")?);
            render(&visit, typed, wrong).await
        }
    }
}

/// Takes one out.
pub async fn unlink(visit: Visit, id: Path<Uuid>, form: Form<End>) -> Page {
    let reason = Some(form.into_inner().reason);
    match flows::entities::unlink(&visit.ctx, visit.signed()?, id.to_string(), reason).await {
        Ok(()) => Ok(see_other("/operator/entities?done=unlinked")),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(&visit, Link::default(), wrong).await
        }
    }
}

async fn render(visit: &Visit, typed: Link, wrong: Option<Wrong>) -> Page {
    let list = flows::entities::list(&visit.ctx, visit.signed()?).await?;
    let page = Entities {
        shell: visit.shell("operator"),
        list,
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn links_are_listed_with_their_reason_and_can_be_ended() {
        let page = |list| Entities {
            shell: samples::operator(),
            list,
            typed: Link::default(),
            wrong: None,
        };
        let linked = vec![samples::entity()];
        samples::check(
            &page(linked),
            &["same payout account", "/unlink\"", "for=\"parties\""],
        );
        samples::check(&page(vec![]), &["No accounts are linked"]);
    }
}
