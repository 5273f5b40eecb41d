//! `/datasets/{slug}/buy/{offer}`: read the clauses, accept them, pay from the wallet.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{Amount, DatasetView, NewOrder, NewPayment, OfferView, PayWay, WalletView};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    shell: Shell,
    d: DatasetView,
    offer: OfferView,
    wallet: WalletView,
    cards: bool,
    key: String,
    wrong: Option<Wrong>,
}

impl Checkout {
    /// What the wallet holds in the offer's currency.
    fn balance(&self) -> Amount {
        let currency = &self.offer.price.currency;
        let held = self
            .wallet
            .balances
            .iter()
            .find(|b| &b.currency == currency);
        held.cloned().unwrap_or_else(|| Amount {
            minor: 0,
            currency: currency.clone(),
        })
    }

    fn covered(&self) -> bool {
        self.balance().minor >= self.offer.price.minor
    }

    /// Whether the whole price can be paid by card, past the wallet.
    fn direct(&self) -> bool {
        self.cards && self.offer.price.minor > 0
    }

    /// What the wallet lacks.
    fn missing(&self) -> Amount {
        let price = &self.offer.price;
        Amount {
            minor: price.minor.saturating_sub(self.balance().minor),
            currency: price.currency.clone(),
        }
    }
}

/// The checkout form. Terms and price repeat what was read, so that nothing is bought unseen.
#[derive(Deserialize)]
pub struct Accepted {
    key: String,
    terms_sha256: String,
    minor: i64,
    currency: String,
    accept: Option<String>,
    way: Option<PayWay>,
}

/// The page.
pub async fn page(visit: Visit, path: Path<(String, Uuid)>) -> Page {
    let key = visit.form_key().to_string();
    render(&visit, path.into_inner(), key, None).await
}

/// Pays from the wallet, or goes on to the card's page.
pub async fn pay(visit: Visit, path: Path<(String, Uuid)>, form: Form<Accepted>) -> Page {
    let (path, form) = (path.into_inner(), form.into_inner());
    let next = match (form.order(path.1), form.way) {
        (Ok(order), Some(way)) => by_card(&visit, &form.key, order, way).await,
        (Ok(order), None) => flows::buy::run(&visit.ctx, visit.signed()?, &form.key, order)
            .await
            .map(|order| format!("/orders/{}?done=bought", order.id)),
        (Err(fault), _) => Err(fault),
    };
    match next {
        Ok(place) => Ok(see_other(place)),
        Err(fault) => render(&visit, path, form.key, Some(Wrong::of(fault)?)).await,
    }
}

async fn by_card(visit: &Visit, key: &str, order: NewOrder, way: PayWay) -> Result<String, Fault> {
    let new = NewPayment {
        amount: None,
        order: Some(order),
        way: Some(way),
    };
    let payment = flows::pay::run(&visit.ctx, visit.signed()?, key, new).await?;
    Ok(format!("/payments/{}", payment.id))
}

impl Accepted {
    fn order(&self, offer_id: Uuid) -> Result<NewOrder, Fault> {
        const UNTICKED: &str = "Tick that you accept the terms; without that nothing is bought.";
        self.accept
            .as_ref()
            .ok_or_else(|| Fault::invalid("accept", UNTICKED))?;
        Ok(NewOrder {
            offer_id,
            terms_sha256: self.terms_sha256.clone(),
            price: Amount {
                minor: self.minor,
                currency: self.currency.clone(),
            },
        })
    }
}

async fn render(
    visit: &Visit,
    (slug, offer): (String, Uuid),
    key: String,
    wrong: Option<Wrong>,
) -> Page {
    let me = visit.signed()?;
    let d = flows::datasets::show(&visit.ctx, Some(me), &slug).await?;
    let offer = d
        .offers
        .iter()
        .find(|o| o.id == offer && o.state == "live")
        .cloned();
    let offer = offer.ok_or_else(Fault::missing)?;
    let wallet = flows::wallet::show(&visit.ctx, me).await?;
    let page = Checkout {
        shell: visit.shell("catalogue"),
        d,
        offer,
        wallet,
        cards: visit.ctx.payments.stripe.is_some(),
        key,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(balance: i64) -> Checkout {
        Checkout {
            shell: samples::member(),
            d: samples::dataset(),
            offer: samples::offer(),
            wallet: samples::wallet(balance),
            cards: false,
            key: "k-1".into(),
            wrong: None,
        }
    }

    #[test]
    fn shows_clauses_and_carries_what_was_read() {
        samples::check(
            &sample(5000),
            &[
                "mark promised",
                "name=\"terms_sha256\"",
                "name=\"key\" value=\"k-1\"",
                "name=\"accept\"",
                "Pay 19.90 EUR",
            ],
        );
    }

    #[test]
    fn a_thin_wallet_cannot_pay_and_says_how_to_fill_it() {
        let html = samples::check(&sample(5), &["does not cover", "19.85 EUR"]);
        assert!(!html.contains("Pay 19.90 EUR"));
    }

    #[test]
    fn the_whole_price_can_be_paid_by_card_where_the_node_takes_cards() {
        let page = Checkout {
            cards: true,
            ..sample(5)
        };
        let html = samples::check(
            &page,
            &["Pay 19.90 EUR by card", "name=\"way\" value=\"card\""],
        );
        assert!(!html.contains("Pay 19.90 EUR from the wallet"));
        let mut free = Checkout {
            cards: true,
            ..sample(5)
        };
        free.offer.price.minor = 0;
        let html = samples::check(&free, &["Get the licence"]);
        assert!(!html.contains("by card"));
    }
}
