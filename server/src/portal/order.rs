//! `/orders/{id}`: the receipt, its refunds, and for provider and operator the refund form.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{Amount, DisputeView, InvoiceView, NewRefund, OrderView, RefundView};
use serde::Deserialize;
use uuid::Uuid;

use super::chart::Strip;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::flows;

#[derive(Template)]
#[template(path = "order.html")]
struct Order {
    shell: Shell,
    o: OrderView,
    refunds: Vec<RefundView>,
    disputes: Vec<DisputeView>,
    documents: Vec<InvoiceView>,
    /// The form, for those who may give money back.
    give_back: Option<GiveBack>,
    buyer: bool,
    wrong: Option<Wrong>,
}

/// The refund form as typed.
#[derive(Debug, Deserialize)]
pub struct GiveBack {
    key: String,
    amount: String,
    reason: String,
}

impl Order {
    fn strip(&self) -> Strip {
        let legs = [
            ("Contributors", &self.o.net),
            ("Owner's commission", &self.o.commission),
            ("Platform fee", &self.o.fee),
            ("Tax", &self.o.tax),
        ];
        let named = legs.map(|(name, a)| (format!("{name} {}", words::money(a)), a.minor));
        Strip::new("Where the price went; the table holds the numbers", named)
    }

    fn rest(&self) -> Amount {
        Amount {
            minor: self.o.gross.minor.saturating_sub(self.o.refunded.minor),
            ..self.o.gross.clone()
        }
    }
}

/// The page.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    render(&visit, *id, None, None).await
}

/// Gives money back.
pub async fn refund(visit: Visit, id: Path<Uuid>, form: Form<GiveBack>) -> Page {
    let (me, form) = (visit.signed()?, form.into_inner());
    let order = flows::buy::show(&visit.ctx, me, *id).await?;
    let done = match words::typed_amount("amount", &form.amount, &order.gross.currency) {
        Ok(amount) => {
            let refund = NewRefund {
                amount,
                reason: form.reason.clone(),
            };
            flows::refund::run(&visit.ctx, me, &form.key, *id, refund).await
        }
        Err(fault) => Err(fault),
    };
    match done {
        Ok(_) => Ok(see_other(format!("/orders/{id}?done=refunded"))),
        Err(fault) => render(&visit, *id, Some(form), Some(Wrong::of(fault)?)).await,
    }
}

async fn render(visit: &Visit, id: Uuid, typed: Option<GiveBack>, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let o = flows::buy::show(&visit.ctx, me, id).await?;
    let refunds = flows::refund::list(&visit.ctx, me, id).await?;
    let disputes = flows::dispute::of_order(&visit.ctx, me, id).await?;
    let documents = flows::invoices::of_order(&visit.ctx, me, id).await?;
    let dataset = flows::datasets::show(&visit.ctx, Some(me), &o.dataset).await?;
    let fresh = || GiveBack {
        key: visit.form_key().to_string(),
        amount: String::new(),
        reason: String::new(),
    };
    let may = (me.operator || dataset.owner.id == me.party) && o.refunded.minor < o.gross.minor;
    let give_back = may.then(|| typed.unwrap_or_else(fresh));
    let buyer = o.buyer.id == me.party;
    let page = Order {
        shell: visit.shell("wallet"),
        o,
        refunds,
        disputes,
        documents,
        give_back,
        buyer,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample() -> Order {
        Order {
            shell: samples::member(),
            o: samples::order(),
            refunds: vec![samples::refund()],
            disputes: vec![],
            documents: vec![samples::invoice(), samples::credit_note()],
            give_back: None,
            buyer: true,
            wrong: None,
        }
    }

    #[test]
    fn the_receipt_shows_every_leg_and_links_the_licence() {
        let html = samples::check(
            &sample(),
            &[
                "Platform fee",
                "1.99 EUR",
                "17.91 EUR",
                "EUR/7",
                "/licences/",
                "Wrong month",
                "role=\"img\"",
                "Credit note 2026-000009",
                ".pdf",
            ],
        );
        assert!(!html.contains("name=\"reason\""));
    }

    #[test]
    fn a_dispute_is_told_with_what_it_means() {
        let page = Order {
            disputes: vec![samples::dispute("open")],
            ..sample()
        };
        let html = samples::check(&page, &["Disputes", "held until", "−12.00 EUR"]);
        assert!(!html.contains("holder does not know"), "not for the buyer");
        let page = Order {
            buyer: false,
            ..page
        };
        samples::check(&page, &["holder does not know"]);
    }

    #[test]
    fn a_wrong_refund_keeps_what_was_typed() {
        let typed = GiveBack {
            key: "k".into(),
            amount: "999".into(),
            reason: "late".into(),
        };
        let wrong = samples::wrong("amount", "At most 14.90 EUR can be given back.");
        samples::check(
            &Order {
                give_back: Some(typed),
                wrong: Some(wrong),
                ..sample()
            },
            &[
                "value=\"999\"",
                "value=\"late\"",
                "aria-invalid",
                "At most 14.90 EUR",
            ],
        );
    }
}
