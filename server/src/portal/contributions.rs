//! `GET /contributions` and how to send one: `GET /datasets/{slug}/contribute`.

use actix_web::web::{Path, Query};
use askama::Template;
use schema::wire::{ContributionView, DatasetView, Page as Listing};

use super::shell::{Page, Shell, Turn, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "contributions.html")]
struct Contributions {
    shell: Shell,
    list: Listing<ContributionView>,
}

#[derive(Template)]
#[template(path = "contribute.html")]
struct HowTo {
    shell: Shell,
    d: DatasetView,
    node_url: String,
    email: String,
}

/// My contributions, newest first.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let list =
        flows::contributions::mine(&visit.ctx, visit.signed()?, query.into_inner().into()).await?;
    show(&Contributions {
        shell: visit.shell("contributions"),
        list,
    })
}

/// How a file is sealed and sent.
pub async fn how_to(visit: Visit, slug: Path<String>) -> Page {
    let d = flows::datasets::show(&visit.ctx, visit.who.as_ref(), &slug).await?;
    let node_url = visit.ctx.config.public_url();
    let email = visit
        .who
        .as_ref()
        .map_or_else(|| "YOU@EXAMPLE.ORG".to_owned(), |me| me.email.clone());
    show(&HowTo {
        shell: visit.shell("contributions"),
        d,
        node_url,
        email,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn lists_state_and_verdict() {
        let list = Listing {
            items: vec![samples::contribution(), samples::refused()],
            next: None,
        };
        samples::check(
            &Contributions {
                shell: samples::member(),
                list,
            },
            &[
                "Accepted",
                "Refused",
                "missing_column",
                "№ 12",
                "<table",
                "Grade ",
            ],
        );
        let list = Listing {
            items: vec![],
            next: None,
        };
        samples::check(
            &Contributions {
                shell: samples::member(),
                list,
            },
            &["class=\"empty\""],
        );
    }

    #[test]
    fn explains_the_upload_honestly() {
        let page = HowTo {
            shell: samples::member(),
            d: samples::dataset(),
            node_url: "http://n".into(),
            email: "bo@example.org".into(),
        };
        samples::check(
            &page,
            &[
                "--email bo@example.org",
                "granary upload",
                "--dataset flights",
                "sealed on your device",
            ],
        );
    }
}
