//! `GET /`: what this is, and the latest datasets.

use askama::Template;
use schema::wire::{DatasetView, PageQuery};

use super::shell::{Page, Shell, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    datasets: Vec<DatasetView>,
}

/// The start page.
pub async fn page(visit: Visit) -> Page {
    let latest = PageQuery {
        cursor: None,
        limit: Some(6),
    };
    let datasets = flows::datasets::list(&visit.ctx, visit.who.as_ref(), None, latest)
        .await?
        .items;
    show(&Home {
        shell: visit.shell("home"),
        datasets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn renders_with_and_without_datasets() {
        samples::check(
            &Home {
                shell: samples::guest(),
                datasets: vec![samples::dataset()],
            },
            &["<h1", "Flights", "19.90 EUR", "Grade "],
        );
        samples::check(
            &Home {
                shell: samples::guest(),
                datasets: vec![],
            },
            &["class=\"empty\"", "href=\"/sign-up\""],
        );
    }
}
