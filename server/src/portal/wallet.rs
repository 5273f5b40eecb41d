//! `GET /wallet`: balances, movements, receipts; `POST /wallet/fill`: money into it.

use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::{
    NewPayment, OrderView, Page as Listing, PageQuery, PayWay, PaymentView, WalletView,
};
use serde::Deserialize;

use super::fail::{self, Wrong};
use super::shell::{Page, Shell, Turn, Visit, see_other, show_form};
use super::words;
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "wallet.html")]
struct Wallet {
    shell: Shell,
    wallet: WalletView,
    orders: Listing<OrderView>,
    open: Vec<PaymentView>,
    cards: bool,
    typed: Filling,
    wrong: Option<Wrong>,
}

/// The form that fills a wallet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Filling {
    key: String,
    amount: String,
    currency: String,
    way: Option<PayWay>,
}

/// The page; `cursor` turns the receipts.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let typed = Filling {
        key: visit.form_key().to_string(),
        ..Filling::default()
    };
    render(&visit, query.into_inner().into(), typed, None).await
}

/// Begins a payment into the wallet.
pub async fn fill(visit: Visit, form: Form<Filling>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let begun = match typed.wire() {
        Ok(new) => flows::pay::run(&visit.ctx, me, &typed.key, new).await,
        Err(fault) => Err(fault),
    };
    match begun {
        Ok(payment) => Ok(see_other(format!("/payments/{}", payment.id))),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(&visit, Turn::default().into(), typed, wrong).await
        }
    }
}

impl Filling {
    fn wire(&self) -> Result<NewPayment, Fault> {
        Ok(NewPayment {
            amount: Some(words::typed_amount("amount", &self.amount, &self.currency)?),
            order: None,
            way: self.way,
        })
    }
}

async fn render(visit: &Visit, turn: PageQuery, typed: Filling, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let wallet = flows::wallet::show(&visit.ctx, me).await?;
    let orders = flows::buy::list(&visit.ctx, me, turn).await?;
    let recent = flows::payments::list(&visit.ctx, me, Turn::default().into()).await?;
    let page = Wallet {
        shell: visit.shell("wallet"),
        wallet,
        orders,
        open: recent
            .items
            .into_iter()
            .filter(|payment| payment.state == "open")
            .collect(),
        cards: visit.ctx.payments.stripe.is_some(),
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(wallet: WalletView, orders: Vec<OrderView>, cards: bool) -> Wallet {
        Wallet {
            shell: samples::member(),
            wallet,
            orders: Listing {
                items: orders,
                next: None,
            },
            open: vec![],
            cards,
            typed: Filling {
                key: "k-1".into(),
                ..Filling::default()
            },
            wrong: None,
        }
    }

    #[test]
    fn shows_balances_movements_and_receipts() {
        samples::check(
            &sample(samples::wallet(8010), vec![samples::order()], false),
            &["80.10 EUR", "−19.90 EUR", "EUR/7", "<caption", "/orders/"],
        );
    }

    #[test]
    fn points_are_shown_apart_from_money() {
        let wallet = WalletView {
            points: 12,
            ..samples::wallet(0)
        };
        samples::check(
            &sample(wallet, vec![], false),
            &["<dt>Points</dt><dd>12</dd>", "never money"],
        );
    }

    #[test]
    fn an_empty_wallet_says_how_it_is_filled() {
        let wallet = WalletView {
            balances: vec![],
            earnings: vec![],
            points: 0,
            movements: vec![],
        };
        samples::check(
            &sample(wallet, vec![], false),
            &["class=\"empty\"", "transfer"],
        );
    }

    #[test]
    fn cards_are_offered_where_the_node_takes_them() {
        let with = sample(samples::wallet(0), vec![], true);
        samples::check(
            &with,
            &["Fill by card", "action=\"/wallet/fill\"", "value=\"k-1\""],
        );
        let html = samples::check(
            &sample(samples::wallet(0), vec![], false),
            &["value=\"transfer\""],
        );
        assert!(!html.contains("Fill by card"));
    }

    #[test]
    fn a_payment_under_way_is_found_again() {
        let page = Wallet {
            open: vec![samples::payment()],
            ..sample(samples::wallet(0), vec![], true)
        };
        samples::check(&page, &["/payments/", "GRN-"]);
    }
}
