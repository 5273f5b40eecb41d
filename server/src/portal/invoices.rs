//! `GET /invoices`: the documents of what this party bought.

use actix_web::web::Query;
use askama::Template;
use schema::wire::InvoiceView;

use super::shell::{Page, Shell, Turn, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "invoices.html")]
struct Invoices {
    shell: Shell,
    documents: Vec<InvoiceView>,
    /// Whether each is shown with its buyer.
    buyers: bool,
    next: Option<String>,
}

/// My invoices and credit notes, newest first.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let me = visit.signed()?;
    let list = flows::invoices::list(&visit.ctx, me, query.into_inner().into()).await?;
    show(&Invoices {
        shell: visit.shell("wallet"),
        documents: list.items,
        buyers: false,
        next: list.next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn lists_documents_with_their_papers_or_says_when_one_comes() {
        let page = Invoices {
            shell: samples::member(),
            documents: vec![samples::credit_note(), samples::invoice()],
            buyers: false,
            next: None,
        };
        samples::check(
            &page,
            &[
                "2026-000007",
                "Credit note to 2026-000007",
                "19.90 EUR",
                "3.17 EUR",
                "−5.00 EUR",
                ".pdf",
                "/orders/",
            ],
        );
        let page = Invoices {
            documents: vec![],
            ..page
        };
        samples::check(&page, &["class=\"empty\""]);
    }
}
