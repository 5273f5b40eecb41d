//! `GET /catalogue`: all datasets, searched by words.

use actix_web::web::Query;
use askama::Template;
use schema::wire::{DatasetView, Page as Listing, PageQuery};
use serde::Deserialize;

use super::shell::{Page, Shell, Visit, show};
use super::words;
use crate::flows;

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    q: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Catalogue {
    shell: Shell,
    q: String,
    list: Listing<DatasetView>,
}

/// The catalogue.
pub async fn page(visit: Visit, asked: Query<Asked>) -> Page {
    let Asked { q, cursor } = asked.into_inner();
    let search = q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
    let query = PageQuery {
        cursor,
        limit: Some(24),
    };
    let list = flows::datasets::list(&visit.ctx, visit.who.as_ref(), search.clone(), query).await?;
    show(&Catalogue {
        shell: visit.shell("catalogue"),
        q: search.unwrap_or_default(),
        list,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn with(items: Vec<DatasetView>, q: &str) -> Catalogue {
        let list = Listing {
            items,
            next: Some("c2".into()),
        };
        Catalogue {
            shell: samples::guest(),
            q: q.into(),
            list,
        }
    }

    #[test]
    fn renders_results_and_keeps_the_search() {
        let page = with(vec![samples::dataset()], "fli<ghts");
        samples::check(
            &page,
            &[
                "role=\"search\"",
                "fli&#60;ghts",
                "Flights",
                "cursor=c2",
                "<label",
            ],
        );
    }

    #[test]
    fn an_empty_search_offers_one_action() {
        samples::check(
            &with(vec![], "nothing"),
            &["class=\"empty\"", "href=\"/catalogue\""],
        );
    }
}
