//! `/account/billing`: whom invoices are made out to.

use actix_web::web::Form;
use askama::Template;
use schema::wire::{BillingView, NewBilling};
use serde::Deserialize;

use super::fail;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use crate::flows;

#[derive(Template)]
#[template(path = "billing.html")]
struct Billing {
    shell: Shell,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// The form as typed.
#[derive(Debug, Default, Deserialize)]
pub struct Typed {
    name: String,
    address: String,
    jurisdiction: String,
    tax_id: String,
}

impl From<BillingView> for Typed {
    fn from(view: BillingView) -> Self {
        Self {
            name: view.name,
            address: view.address,
            jurisdiction: view.jurisdiction,
            tax_id: view.tax_id.unwrap_or_default(),
        }
    }
}

/// The page.
pub async fn page(visit: Visit) -> Page {
    let known = flows::billing::find(&visit.ctx, visit.signed()?).await?;
    render(&visit, known.map(Typed::from).unwrap_or_default(), None)
}

/// Sets it.
pub async fn set(visit: Visit, form: Form<Typed>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let new = NewBilling {
        name: typed.name.clone(),
        address: typed.address.clone(),
        jurisdiction: typed.jurisdiction.clone(),
        tax_id: Some(typed.tax_id.clone()),
    };
    match flows::billing::set(&visit.ctx, me, new).await {
        Ok(_) => Ok(see_other("/account/billing?done=saved")),
        Err(fault) => render(&visit, typed, Some(Wrong::of(fault)?)),
    }
}

fn render(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Page {
    let page = Billing {
        shell: visit.shell("account"),
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
    fn what_was_typed_stays_beside_what_is_wrong() {
        let typed = Typed {
            name: "Bo & Co".into(),
            address: "Weg 1\n10115 Berlin".into(),
            jurisdiction: "Germany".into(),
            tax_id: String::new(),
        };
        let page = Billing {
            shell: samples::member(),
            typed,
            wrong: Some(samples::wrong("jurisdiction", "This is no jurisdiction.")),
        };
        samples::check(
            &page,
            &[
                "value=\"Bo &#38; Co\"",
                "Weg 1",
                "Germany",
                "no jurisdiction",
                "aria-invalid",
            ],
        );
    }
}
