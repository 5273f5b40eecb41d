//! `GET /my/datasets`: what this party offers.

use actix_web::web::Query;
use askama::Template;
use schema::wire::{DatasetView, Page as Listing};

use super::shell::{Page, Shell, Turn, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "my_datasets.html")]
struct MyDatasets {
    shell: Shell,
    list: Listing<DatasetView>,
}

/// My datasets, newest first.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let list =
        flows::datasets::mine(&visit.ctx, visit.signed()?, query.into_inner().into()).await?;
    show(&MyDatasets {
        shell: visit.shell("datasets"),
        list,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn lists_own_datasets_or_offers_to_create_one() {
        let list = Listing {
            items: vec![samples::dataset()],
            next: None,
        };
        samples::check(
            &MyDatasets {
                shell: samples::member(),
                list,
            },
            &["/datasets/flights/manage", "<table"],
        );
        let list = Listing {
            items: vec![],
            next: None,
        };
        samples::check(
            &MyDatasets {
                shell: samples::member(),
                list,
            },
            &["class=\"empty\"", "/datasets/new"],
        );
    }
}
