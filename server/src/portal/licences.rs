//! `GET /licences`: what this party may use.

use actix_web::web::Query;
use askama::Template;
use schema::wire::{LicenceView, Page as Listing, PageQuery};

use super::shell::{Page, Shell, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "licences.html")]
struct Licences {
    shell: Shell,
    list: Listing<LicenceView>,
}

/// The list, newest first.
pub async fn page(visit: Visit, query: Query<super::shell::Turn>) -> Page {
    let query: PageQuery = query.into_inner().into();
    let list = flows::licences::list(&visit.ctx, visit.signed()?, query).await?;
    show(&Licences {
        shell: visit.shell("licences"),
        list,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn lists_licences_with_their_state_or_says_how_to_get_one() {
        let list = Listing {
            items: vec![samples::licence()],
            next: None,
        };
        samples::check(
            &Licences {
                shell: samples::member(),
                list,
            },
            &["<table", "scope=\"col\"", "active", "/licences/"],
        );
        let list = Listing {
            items: vec![],
            next: None,
        };
        samples::check(
            &Licences {
                shell: samples::member(),
                list,
            },
            &["class=\"empty\"", "href=\"/catalogue\""],
        );
    }
}
