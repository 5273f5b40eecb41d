//! `/payouts`: where this party is paid, and what was paid.

use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::{NewPayoutMethod, Page as Listing, PayoutMethodView, PayoutView};
use serde::Deserialize;

use super::fail::Wrong;
use super::shell::{Page, Shell, Turn, Visit, see_other, show_form};
use super::{fail, words};
use crate::error::{Fault, Kind};
use crate::flows;

#[derive(Template)]
#[template(path = "payouts.html")]
struct Payouts {
    shell: Shell,
    method: Option<PayoutMethodView>,
    list: Listing<PayoutView>,
    typed: Account,
    wrong: Option<Wrong>,
}

/// The form of an account.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Account {
    name: String,
    iban: String,
    country: String,
    bic: String,
}

impl Account {
    fn wire(&self) -> NewPayoutMethod {
        NewPayoutMethod {
            name: self.name.clone(),
            iban: self.iban.clone(),
            country: self.country.clone(),
            bic: Some(self.bic.clone()).filter(|bic| !bic.trim().is_empty()),
        }
    }
}

/// The page; `cursor` turns the payouts.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    render(&visit, query.into_inner(), Account::default(), None).await
}

/// Sets the account.
pub async fn set(visit: Visit, form: Form<Account>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    match flows::payout_method::set(&visit.ctx, me, typed.wire()).await {
        Ok(_) => Ok(see_other("/payouts?done=payout-method")),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(&visit, Turn::default(), typed, wrong).await
        }
    }
}

/// Takes it away.
pub async fn remove(visit: Visit) -> Page {
    flows::payout_method::remove(&visit.ctx, visit.signed()?).await?;
    Ok(see_other("/payouts?done=payout-method-gone"))
}

async fn render(visit: &Visit, turn: Turn, typed: Account, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let method = match flows::payout_method::show(&visit.ctx, me).await {
        Ok(method) => Some(method),
        Err(Fault {
            kind: Kind::Missing,
            ..
        }) => None,
        Err(fault) => return Err(fault),
    };
    let list = flows::payouts::mine(&visit.ctx, me, turn.into()).await?;
    let page = Payouts {
        shell: visit.shell("statements"),
        method,
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
    fn shows_the_account_by_its_end_and_every_payout() {
        let page = Payouts {
            shell: samples::member(),
            method: Some(samples::payout_method()),
            list: Listing {
                items: vec![samples::payout("returned")],
                next: None,
            },
            typed: Account::default(),
            wrong: None,
        };
        samples::check(
            &page,
            &[
                "DE… 3000",
                "for=\"iban\"",
                "100.00 EUR",
                "15.00 EUR",
                "85.00 EUR",
                "came back",
            ],
        );
    }

    #[test]
    fn without_an_account_it_says_that_money_is_kept() {
        let page = Payouts {
            shell: samples::member(),
            method: None,
            list: Listing {
                items: vec![],
                next: None,
            },
            typed: Account {
                name: "Ada".into(),
                ..Account::default()
            },
            wrong: Some(samples::wrong("iban", "The checksum is wrong.")),
        };
        samples::check(&page, &["class=\"empty\"", "value=\"Ada\"", "checksum"]);
    }
}
