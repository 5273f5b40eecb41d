//! `/payments/{id}`: where a payment can be made, and what became of it.

use actix_web::web::Path;
use askama::Template;
use schema::wire::{PayWay, PaymentView};
use uuid::Uuid;

use super::shell::{Page, Shell, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "payment.html")]
struct Payment {
    shell: Shell,
    p: PaymentView,
}

impl Payment {
    fn card(&self) -> bool {
        self.p.way == PayWay::Card
    }
}

/// The page; it loads itself again while the money is still to come.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    let p = flows::payments::show(&visit.ctx, visit.signed()?, *id).await?;
    let waiting = p.state == "open" && p.way == PayWay::Card;
    show(&Payment {
        shell: visit.shell_waiting("wallet", waiting),
        p,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(p: PaymentView) -> Payment {
        Payment {
            shell: samples::member(),
            p,
        }
    }

    #[test]
    fn an_open_payment_says_where_it_is_made() {
        samples::check(
            &sample(samples::payment()),
            &["https://pay.example/c/1", "20.00 EUR", "GRN-"],
        );
        let transfer = PaymentView {
            way: PayWay::Transfer,
            url: None,
            instructions: Some("Transfer 20.00 EUR to the mill".into()),
            ..samples::payment()
        };
        let html = samples::check(&sample(transfer), &["Transfer 20.00 EUR to the mill"]);
        assert!(!html.contains("pay.example"));
    }

    #[test]
    fn what_became_of_it_stands_there() {
        let paid = PaymentView {
            state: "paid".into(),
            url: None,
            paid_at: Some(samples::payment().created_at),
            order_id: Some(Uuid::from_u128(80)),
            note: Some("The offer ended".into()),
            ..samples::payment()
        };
        samples::check(
            &sample(paid),
            &["has arrived", "/orders/", "The offer ended"],
        );
    }
}
