//! `/operator`: top-ups, refunds, settlement, password resets, trial balance, ledger check.

use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::{
    LedgerFinding, NewSettlement, NewTopUp, SettlementView, TopUpView, TrialBalance,
};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "operator.html")]
struct Console {
    shell: Shell,
    balance: TrialBalance,
    key: String,
    state: State,
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct Ledger {
    shell: Shell,
    findings: Vec<LedgerFinding>,
    balance: TrialBalance,
}

/// What was typed and what came of it.
#[derive(Default)]
struct State {
    topped: Option<TopUpView>,
    settled: Option<SettlementView>,
    link: Option<(String, String)>,
    typed: TopUp,
    wrong: Option<Wrong>,
}

/// The form of a top-up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopUp {
    key: String,
    party: String,
    amount: String,
    currency: String,
    reference: String,
}

/// The form of a settlement.
#[derive(Debug, Deserialize)]
pub struct Settle {
    key: String,
}

/// The form of a password reset.
#[derive(Debug, Deserialize)]
pub struct Whose {
    account: String,
}

/// The form that finds an order.
#[derive(Debug, Deserialize)]
pub struct Which {
    id: String,
}

/// The console.
pub async fn page(visit: Visit) -> Page {
    render(&visit, State::default()).await
}

/// Fills a wallet.
pub async fn top_up(visit: Visit, form: Form<TopUp>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let done = match typed.wire() {
        Ok(new) => flows::top_up::run(&visit.ctx, me, &typed.key, new).await,
        Err(fault) => Err(fault),
    };
    let state = match done {
        Ok(topped) => State {
            topped: Some(topped),
            ..State::default()
        },
        Err(fault) => State {
            typed,
            wrong: Some(Wrong::of_name(fault, "party")?),
            ..State::default()
        },
    };
    render(&visit, state).await
}

impl TopUp {
    fn wire(&self) -> Result<NewTopUp, Fault> {
        Ok(NewTopUp {
            party: self.party.trim().to_owned(),
            amount: words::typed_amount("amount", &self.amount, &self.currency)?,
            reference: self.reference.trim().to_owned(),
        })
    }
}

/// Settles all pools that moved.
pub async fn settle(visit: Visit, form: Form<Settle>) -> Page {
    let state = match flows::settle::run(
        &visit.ctx,
        visit.signed()?,
        &form.key,
        NewSettlement::default(),
    )
    .await
    {
        Ok(settled) => State {
            settled: Some(settled),
            ..State::default()
        },
        Err(fault) => State {
            wrong: Some(Wrong::of(fault)?),
            ..State::default()
        },
    };
    render(&visit, state).await
}

/// Makes a one-time link that sets a new password.
pub async fn reset(visit: Visit, form: Form<Whose>) -> Page {
    let account = form.into_inner().account.trim().to_owned();
    let state =
        match flows::reset_password::issue_by_name(&visit.ctx, visit.signed()?, account.clone())
            .await
        {
            Ok(link) => State {
                link: Some((account, link.url)),
                ..State::default()
            },
            Err(fault) => State {
                wrong: Some(Wrong::of_name(fault, "account")?),
                ..State::default()
            },
        };
    render(&visit, state).await
}

/// Goes to an order by its id: there it can be refunded.
pub async fn find_order(visit: Visit, which: Query<Which>) -> Page {
    visit.signed()?;
    let id: Uuid = which.id.trim().parse().map_err(|_| {
        Fault::invalid(
            "id",
            "An order's id is a UUID, as receipts and the sales list show it.",
        )
    })?;
    Ok(see_other(format!("/orders/{id}")))
}

/// Runs every invariant over the ledger and shows what it found.
pub async fn ledger(visit: Visit) -> Page {
    let me = visit.signed()?;
    let balance = flows::trial_balance::run(&visit.ctx, me).await?;
    let findings = flows::ledger_verify::run(&visit.ctx).await?;
    show(&Ledger {
        shell: visit.shell("operator"),
        findings,
        balance,
    })
}

async fn render(visit: &Visit, state: State) -> Page {
    let balance = flows::trial_balance::run(&visit.ctx, visit.signed()?).await?;
    let key = match state.typed.key.as_str() {
        "" => visit.form_key().to_string(),
        typed => typed.to_owned(),
    };
    let page = Console {
        shell: visit.shell("operator"),
        balance,
        key,
        state,
    };
    show_form(&page, page.state.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(state: State) -> Console {
        Console {
            shell: samples::operator(),
            balance: samples::trial_balance(),
            key: "k-1".into(),
            state,
        }
    }

    #[test]
    fn offers_every_action_and_the_trial_balance() {
        samples::check(
            &sample(State::default()),
            &[
                "action=\"/operator/top-up\"",
                "action=\"/operator/settle\"",
                "action=\"/operator/reset\"",
                "action=\"/operator/order\"",
                "href=\"/operator/ledger\"",
                "href=\"/operator/messages\"",
                "href=\"/operator/books\"",
                "Income:PlatformFee",
                "value=\"k-1\"",
            ],
        );
    }

    #[test]
    fn shows_what_came_of_it() {
        let state = State {
            topped: Some(samples::topped()),
            settled: Some(samples::settlement()),
            ..State::default()
        };
        samples::check(&sample(state), &["100.00 EUR", "EUR/9", "2026-11"]);
        let state = State {
            link: Some(("bo".into(), "http://n/reset/x".into())),
            ..State::default()
        };
        samples::check(&sample(state), &["http://n/reset/x", "works once"]);
    }

    #[test]
    fn the_ledger_page_names_invariant_and_row_or_says_that_all_hold() {
        let page = Ledger {
            shell: samples::operator(),
            findings: vec![],
            balance: samples::trial_balance(),
        };
        samples::check(&page, &["Every invariant holds"]);
        let finding = LedgerFinding {
            invariant: "I6".into(),
            row: "pool r1/1".into(),
            message: "differs by 1".into(),
        };
        samples::check(
            &Ledger {
                findings: vec![finding],
                ..page
            },
            &["I6", "pool r1/1", "differs by 1"],
        );
    }
}
