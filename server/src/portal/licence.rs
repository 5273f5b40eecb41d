//! `/licences/{id}`: the clauses in force, a sealed download, and for the provider the revocation.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{DownloadRequest, DownloadUrl, LicenceView, RecipientView, Revocation};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, most, see_other, show_form};
use super::{fail, words};
use crate::flows;

#[derive(Template)]
#[template(path = "licence.html")]
struct Licence {
    shell: Shell,
    l: LicenceView,
    holder: bool,
    keys: Vec<RecipientView>,
    link: Option<DownloadUrl>,
    node_url: String,
    wrong: Option<Wrong>,
}

impl Licence {
    /// Whether a download can be asked for at all; the flow decides in the end.
    fn usable(&self) -> bool {
        self.holder && self.l.state == "active"
    }
}

/// Which of the holder's keys the file is sealed for.
#[derive(Deserialize)]
pub struct ForKey {
    recipient_id: Uuid,
}

/// Why a licence is taken back.
#[derive(Deserialize)]
pub struct Reason {
    reason: String,
}

/// The page.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    render(&visit, *id, None, None).await
}

/// Makes a signed link and shows how to use it.
pub async fn link(visit: Visit, id: Path<Uuid>, form: Form<ForKey>) -> Page {
    let request = DownloadRequest {
        recipient_id: form.recipient_id,
        revision_id: None,
    };
    match flows::deliver::url(&visit.ctx, visit.signed()?, *id, request).await {
        Ok(link) => render(&visit, *id, Some(link), None).await,
        Err(fault) => render(&visit, *id, None, Some(Wrong::of(fault)?)).await,
    }
}

/// Takes the licence back.
pub async fn revoke(visit: Visit, id: Path<Uuid>, form: Form<Reason>) -> Page {
    let revocation = Revocation {
        reason: form.into_inner().reason,
    };
    match flows::revoke::run(&visit.ctx, visit.signed()?, *id, revocation).await {
        Ok(_) => Ok(see_other(format!("/licences/{id}?done=revoked"))),
        Err(fault) => render(&visit, *id, None, Some(Wrong::of(fault)?)).await,
    }
}

async fn render(visit: &Visit, id: Uuid, link: Option<DownloadUrl>, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let l = flows::licences::show(&visit.ctx, me, id).await?;
    let holder = l.holder.id == me.party;
    let keys = if holder {
        flows::recipients::list(&visit.ctx, me, most()).await?.items
    } else {
        vec![]
    };
    let shell = visit.shell("licences");
    let node_url = visit.ctx.config.public_url();
    let page = Licence {
        shell,
        l,
        holder,
        keys,
        link,
        node_url,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample() -> Licence {
        Licence {
            shell: samples::member(),
            l: samples::licence(),
            holder: true,
            keys: vec![samples::recipient()],
            link: None,
            node_url: "http://127.0.0.1:8460".into(),
            wrong: None,
        }
    }

    #[test]
    fn the_holder_picks_a_key_and_gets_commands() {
        samples::check(
            &sample(),
            &[
                "name=\"recipient_id\"",
                "mark enforced",
                "Get a download link",
            ],
        );
        let with_link = Licence {
            link: Some(samples::link()),
            ..sample()
        };
        samples::check(
            &with_link,
            &[
                "curl",
                "age --decrypt",
                "granary download",
                "sha256sum",
                "sp=r&#38;g=1",
            ],
        );
    }

    #[test]
    fn without_a_key_one_is_asked_for() {
        samples::check(
            &Licence {
                keys: vec![],
                ..sample()
            },
            &["name=\"recipient\"", "age-keygen"],
        );
    }

    #[test]
    fn a_revoked_licence_says_why_and_offers_no_download() {
        let l = LicenceView {
            state: "revoked".into(),
            revoked_reason: Some("Refunded".into()),
            ..samples::licence()
        };
        let html = samples::check(&Licence { l, ..sample() }, &["Refunded"]);
        assert!(!html.contains("Get a download link"));
    }
}
