//! `/operator/payouts`: proposing, approving, the bank's files, reconciliation; and
//! `/operator/operators`: who runs the node.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{
    BankFileView, Dismissal, NewOperator, NewPayouts, OperatorView, PageQuery, PayoutBatchView,
    PayoutView, Reconciliation,
};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "operator_payouts.html")]
struct Desk {
    shell: Shell,
    run: PayoutBatchView,
    runs: Vec<PayoutBatchView>,
    books: Reconciliation,
    read: Option<BankFileView>,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "payout_run.html")]
struct Run {
    shell: Shell,
    run: PayoutBatchView,
    id: Uuid,
    own: bool,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "operators.html")]
struct Operators {
    shell: Shell,
    list: Vec<OperatorView>,
    typed: Appoint,
    wrong: Option<Wrong>,
}

/// The form of a bank file.
#[derive(Deserialize)]
pub struct Pasted {
    file: String,
}

/// The form of a decision about an operator.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Appoint {
    party: String,
    reason: String,
}

/// Lines of a run that are paid.
fn paid(run: &PayoutBatchView) -> Vec<&PayoutView> {
    run.lines
        .iter()
        .filter(|line| line.state != "held")
        .collect()
}

/// Lines of a run that are held back.
fn held(run: &PayoutBatchView) -> Vec<&PayoutView> {
    run.lines
        .iter()
        .filter(|line| line.state == "held")
        .collect()
}

/// What a run pays, currency by currency.
fn sums(run: &PayoutBatchView) -> String {
    let sums: Vec<String> = run
        .totals
        .iter()
        .map(|total| words::money(&total.net))
        .collect();
    sums.join(" + ")
}

/// The desk.
pub async fn page(visit: Visit) -> Page {
    desk(&visit, None, None).await
}

async fn desk(visit: &Visit, read: Option<BankFileView>, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let look = NewPayouts {
        dry_run: true,
        ..NewPayouts::default()
    };
    let run = flows::payout_run::run(&visit.ctx, me, look).await?;
    let latest = PageQuery {
        cursor: None,
        limit: Some(20),
    };
    let runs = flows::payouts::list(&visit.ctx, me, latest).await?.items;
    let books = flows::reconcile::run(&visit.ctx, me).await?;
    let page = Desk {
        shell: visit.shell("operator"),
        run,
        runs,
        books,
        read,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

/// Proposes what the desk shows.
pub async fn propose(visit: Visit) -> Page {
    let run = flows::payout_run::run(&visit.ctx, visit.signed()?, NewPayouts::default()).await?;
    let id = run
        .id
        .ok_or_else(|| Fault::internal("a proposal has no id"))?;
    Ok(see_other(format!("/operator/payouts/{id}")))
}

/// Reads a pasted file of the bank.
pub async fn import(visit: Visit, form: Form<Pasted>) -> Page {
    let bytes = form.into_inner().file.into_bytes();
    match flows::bank_file::run(&visit.ctx, visit.signed()?, bytes).await {
        Ok(read) => desk(&visit, Some(read), None).await,
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            desk(&visit, None, wrong).await
        }
    }
}

/// One run.
pub async fn run(visit: Visit, id: Path<Uuid>) -> Page {
    render_run(&visit, *id, None).await
}

/// Books it.
pub async fn approve(visit: Visit, id: Path<Uuid>) -> Page {
    // A run is approved once, so its id is the name of the request.
    let key = format!("approve-{}", *id);
    match flows::payout_approve::run(&visit.ctx, visit.signed()?, &key, *id).await {
        Ok(_) => Ok(see_other(format!("/operator/payouts/{}?done=paid", *id))),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render_run(&visit, *id, wrong).await
        }
    }
}

async fn render_run(visit: &Visit, id: Uuid, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let run = flows::payouts::show(&visit.ctx, me, id).await?;
    let page = Run {
        shell: visit.shell("operator"),
        own: run.proposed_by.id == me.party,
        run,
        id,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

/// Who runs the node.
pub async fn operators(visit: Visit) -> Page {
    render_operators(&visit, Appoint::default(), None).await
}

/// Appoints one.
pub async fn appoint(visit: Visit, form: Form<Appoint>) -> Page {
    let typed = form.into_inner();
    let new = NewOperator {
        party: typed.party.trim().to_owned(),
        reason: typed.reason.clone(),
    };
    match flows::operators::appoint(&visit.ctx, visit.signed()?, new).await {
        Ok(_) => Ok(see_other("/operator/operators?done=appointed")),
        Err(fault) => {
            let wrong = Some(Wrong::of_name(fault, "party")?);
            render_operators(&visit, typed, wrong).await
        }
    }
}

/// Ends it for one.
pub async fn dismiss(visit: Visit, id: Path<Uuid>, form: Form<Dismissal>) -> Page {
    let reason = form.into_inner().reason;
    match flows::operators::dismiss(&visit.ctx, visit.signed()?, id.to_string(), reason).await {
        Ok(_) => Ok(see_other("/operator/operators?done=dismissed")),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render_operators(&visit, Appoint::default(), wrong).await
        }
    }
}

async fn render_operators(visit: &Visit, typed: Appoint, wrong: Option<Wrong>) -> Page {
    let list = flows::operators::list(&visit.ctx, visit.signed()?)
        .await?
        .items;
    let page = Operators {
        shell: visit.shell("operator"),
        list,
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn the_desk_shows_who_is_paid_and_who_is_held_back_and_why() {
        let desk = Desk {
            shell: samples::operator(),
            run: samples::payout_run("dry_run"),
            runs: vec![samples::payout_run("approved")],
            books: samples::reconciliation(),
            read: Some(samples::bank_file()),
            wrong: None,
        };
        samples::check(
            &desk,
            &[
                "action=\"/operator/payouts/propose\"",
                "85.00 EUR",
                "carries forward",
                "for=\"file\"",
                "Unexplained",
                "settled",
                "before the first statement",
            ],
        );
    }

    #[test]
    fn only_somebody_else_approves_a_run() {
        let page = |own, state| Run {
            shell: samples::operator(),
            run: samples::payout_run(state),
            id: Uuid::from_u128(5),
            own,
            wrong: None,
        };
        let html = samples::check(&page(true, "proposed"), &["Another operator"]);
        assert!(!html.contains("/approve\""), "{html}");
        samples::check(&page(false, "proposed"), &["/approve\""]);
        let html = samples::check(&page(false, "approved"), &["/file\""]);
        assert!(!html.contains("/approve\""), "{html}");
    }

    #[test]
    fn operators_are_listed_with_who_decided() {
        let page = Operators {
            shell: samples::operator(),
            list: vec![samples::operator_change()],
            typed: Appoint::default(),
            wrong: None,
        };
        samples::check(&page, &["holiday cover", "for=\"party\"", "/dismiss\""]);
    }
}
