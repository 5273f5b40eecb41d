//! `/operator/books`: months and closing them, corrections that wait for a second operator,
//! disputes.

use actix_web::web::Form;
use askama::Template;
use schema::wire::{AdjustmentView, DisputeVerdict, DisputeView, PeriodView};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, most, see_other, show_form};
use super::words;
use crate::flows;
use crate::flows::period::Outlook;

#[derive(Template)]
#[template(path = "operator_books.html")]
struct Books {
    shell: Shell,
    /// Who looks: nobody approves the own proposal.
    me: Uuid,
    /// Name of the request that a form makes.
    key: String,
    periods: Vec<PeriodView>,
    /// What closing an open month would make final.
    open: Vec<Outlook>,
    /// Pools that moved since they were settled.
    unsettled: usize,
    corrections: Vec<AdjustmentView>,
    disputes: Vec<DisputeView>,
    wrong: Option<Wrong>,
}

/// The form that closes a month.
#[derive(Debug, Deserialize)]
pub struct Close {
    period: String,
}

/// The form that approves a correction.
#[derive(Debug, Deserialize)]
pub struct Correct {
    id: Uuid,
}

/// The form that decides a dispute.
#[derive(Debug, Deserialize)]
pub struct Decide {
    key: String,
    id: Uuid,
    won: bool,
}

impl Books {
    /// A line of a correction.
    fn line(&self, correction: &AdjustmentView, minor: &i64) -> String {
        words::minor(minor, &correction.currency)
    }

    /// Whether the payment provider decides it, by its own messages.
    fn by_provider(&self, dispute: &DisputeView) -> bool {
        dispute.reason.ends_with(flows::dispute::BY_PROVIDER)
    }

    /// Disputes that are not decided.
    fn undecided(&self) -> u64 {
        let open = self.disputes.iter().filter(|one| one.state == "open");
        open.map(|_| 1).sum()
    }
}

/// The page.
pub async fn page(visit: Visit) -> Page {
    render(&visit, None).await
}

/// Closes a month and all before it.
pub async fn close(visit: Visit, form: Form<Close>) -> Page {
    // A month is closed once, so its name is the name of the request.
    let (name, key) = (form.period.trim(), format!("close-{}", form.period.trim()));
    let done = flows::period::close(&visit.ctx, visit.signed()?, &key, name).await;
    answer(&visit, done, "closed").await
}

/// Books a correction that somebody else proposed.
pub async fn approve(visit: Visit, form: Form<Correct>) -> Page {
    let key = format!("approve-{}", form.id);
    let done = flows::adjust::approve(&visit.ctx, visit.signed()?, &key, form.id).await;
    answer(&visit, done, "corrected").await
}

/// Books how a dispute ended.
pub async fn decide(visit: Visit, form: Form<Decide>) -> Page {
    let (me, verdict) = (visit.signed()?, DisputeVerdict { won: form.won });
    let done = flows::dispute::decide(&visit.ctx, me, &form.key, form.id, verdict).await;
    answer(&visit, done, "decided").await
}

async fn answer<T>(visit: &Visit, done: Result<T, crate::error::Fault>, word: &str) -> Page {
    match done {
        Ok(_) => Ok(see_other(format!("/operator/books?done={word}"))),
        Err(fault) => render(visit, Some(Wrong::of(fault)?)).await,
    }
}

async fn render(visit: &Visit, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let periods = flows::period::list(&visit.ctx, me).await?.items;
    let (open, unsettled) = flows::period::outlook(&visit.ctx, me).await?;
    let corrections = flows::adjust::list(&visit.ctx, me, most()).await?.items;
    let disputes = flows::dispute::list(&visit.ctx, me, most()).await?.items;
    let page = Books {
        shell: visit.shell("operator"),
        me: me.party,
        key: visit.form_key().to_string(),
        periods,
        open,
        unsettled,
        corrections,
        disputes,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample() -> Books {
        Books {
            shell: samples::operator(),
            me: Uuid::from_u128(1),
            key: "k-1".into(),
            periods: samples::periods(),
            open: samples::outlook(),
            unsettled: 1,
            corrections: vec![samples::correction(Uuid::from_u128(2))],
            disputes: vec![samples::dispute("open"), samples::dispute("won")],
            wrong: None,
        }
    }

    #[test]
    fn a_month_that_is_over_shows_its_totals_and_can_be_closed() {
        let html = samples::check(
            &sample(),
            &[
                "value=\"2026-10\"",
                "Purchase",
                "39.80 EUR",
                "1 pool has moved",
                "2026-09",
            ],
        );
        assert_eq!(html.matches("/operator/books/close").count(), 1, "{html}");
    }

    #[test]
    fn nobody_approves_the_own_correction() {
        samples::check(
            &sample(),
            &["/operator/books/correct", "The fee was agreed"],
        );
        let own = Books {
            corrections: vec![samples::correction(Uuid::from_u128(1))],
            ..sample()
        };
        let html = samples::check(&own, &["another operator"]);
        assert!(!html.contains("/operator/books/correct"), "{html}");
    }

    #[test]
    fn open_disputes_can_be_decided_unless_the_provider_does() {
        let html = samples::check(&sample(), &["holder does not know", "1 dispute waits"]);
        assert_eq!(html.matches("/operator/books/decide").count(), 2, "{html}");
        let mut told = samples::dispute("open");
        told.reason = format!("dp_1{}", flows::dispute::BY_PROVIDER);
        let page = Books {
            disputes: vec![told],
            ..sample()
        };
        let html = samples::check(&page, &["decided by its messages"]);
        assert!(!html.contains("/operator/books/decide"), "{html}");
    }
}
