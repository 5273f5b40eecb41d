//! `GET /statements`: what this party earned, period by period.

use actix_web::web::Query;
use askama::Template;
use schema::wire::{Page as Listing, StatementView};

use super::shell::{Page, Shell, Turn, Visit, show};
use super::words;
use crate::flows;
use crate::flows::dispute::Affecting;

#[derive(Template)]
#[template(path = "statements.html")]
struct Statements {
    shell: Shell,
    list: Listing<StatementView>,
    disputes: Vec<Affecting>,
}

/// My statements, newest first.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let me = visit.signed()?;
    let list = flows::statements::list(&visit.ctx, me, query.into_inner().into()).await?;
    let disputes = flows::dispute::mine(&visit.ctx, me).await?;
    show(&Statements {
        shell: visit.shell("statements"),
        list,
        disputes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn lists_periods_with_their_bridge_or_says_when_one_comes() {
        let list = Listing {
            items: vec![samples::statement()],
            next: None,
        };
        samples::check(
            &Statements {
                shell: samples::member(),
                list,
                disputes: vec![samples::affecting()],
            },
            &[
                "Disputed sales",
                "10.80 EUR",
                "held until",
                "2026-11",
                "120.50 EUR",
                "scope=\"col\"",
            ],
        );
        let list = Listing {
            items: vec![],
            next: None,
        };
        samples::check(
            &Statements {
                shell: samples::member(),
                list,
                disputes: vec![],
            },
            &["class=\"empty\""],
        );
    }
}
