//! `/operator/claims`: who says that rows of others are theirs.

use actix_web::web::{Form, Path, Query};
use askama::Template;
use schema::wire::{ClaimOutcome, ClaimView, NewDecision, PageQuery};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Turn, Visit, see_other, show_form};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "claims.html")]
struct Claims {
    shell: Shell,
    /// Name of the request that a form makes.
    key: String,
    list: Vec<ClaimView>,
    next: Option<String>,
    wrong: Option<Wrong>,
}

/// The form that decides.
#[derive(Debug, Deserialize)]
pub struct Decide {
    key: String,
    outcome: ClaimOutcome,
    reason: String,
}

impl Claims {
    /// A state in words.
    fn state(&self, claim: &ClaimView) -> &'static str {
        match claim.state.as_str() {
            "counting" => "looking for its rows",
            "filed" => "waits for you",
            "nothing_shared" => "no row found",
            "open" => "open: held",
            "for_holder" => "decided for the holder",
            "for_claimant" => "decided for the claimant",
            _ => "taken back",
        }
    }
}

/// The page.
pub async fn page(visit: Visit, turn: Query<Turn>) -> Page {
    render(&visit, turn.into_inner().into(), None).await
}

/// Opens one.
pub async fn open(visit: Visit, id: Path<Uuid>) -> Page {
    match flows::claims::open(&visit.ctx, visit.signed()?, *id).await {
        Ok(_) => Ok(see_other("/operator/claims?done=opened")),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(&visit, PageQuery::default(), wrong).await
        }
    }
}

/// Decides one.
pub async fn decide(visit: Visit, id: Path<Uuid>, form: Form<Decide>) -> Page {
    let Decide {
        key,
        outcome,
        reason,
    } = form.into_inner();
    let decision = NewDecision { outcome, reason };
    match flows::claims::decide(&visit.ctx, visit.signed()?, &key, *id, decision).await {
        Ok(_) => Ok(see_other("/operator/claims?done=decided")),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(&visit, PageQuery::default(), wrong).await
        }
    }
}

async fn render(visit: &Visit, query: PageQuery, wrong: Option<Wrong>) -> Page {
    let who = visit.signed()?;
    crate::auth::rights::node(who).judge_claims()?;
    let claims = flows::claims::list(&visit.ctx, who, query).await?;
    let page = Claims {
        shell: visit.shell("operator"),
        key: visit.ctx.id().to_string(),
        list: claims.items,
        next: claims.next,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn a_filed_claim_can_be_opened_and_an_open_one_decided() {
        let page = |list| Claims {
            shell: samples::operator(),
            key: "k".into(),
            list,
            next: None,
            wrong: None,
        };
        let filed = vec![samples::claim("filed")];
        samples::check(
            &page(filed),
            &["600 of 1,000", "/opening\"", "waits for you"],
        );
        let open = vec![samples::claim("open")];
        samples::check(&page(open), &["/decision\"", "3.60", "open: held"]);
        samples::check(&page(vec![]), &["Nobody claims rows"]);
    }
}
