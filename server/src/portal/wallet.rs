//! `GET /wallet`: balances, movements, receipts; `POST /wallet/fill`: money into it.

use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::{
    Amount, ExchangeRateView, NewExchange, NewPayment, OrderView, Page as Listing, PageQuery,
    PayWay, PaymentView, WalletView,
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
    rates: Vec<ExchangeRateView>,
    changing: Changing,
    /// What is got for what was typed, to be confirmed.
    offered: Option<NewExchange>,
    wrong: Option<Wrong>,
}

impl Wallet {
    /// How the form names a rate.
    fn pair(&self, rate: &ExchangeRateView) -> String {
        format!("{} {}", rate.give.currency, rate.get.currency)
    }
}

/// The form that changes money: first it asks what is got, then it gets it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Changing {
    key: String,
    /// Decimal, as typed.
    give: String,
    /// `EUR USD`: what is given, what is got.
    pair: String,
    /// Minor units that were shown.
    get: Option<i64>,
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
    render(&visit, query.into_inner().into(), Shown::default()).await
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
            let shown = Shown {
                typed,
                wrong: Some(Wrong::of(fault)?),
                ..Shown::default()
            };
            render(&visit, Turn::default().into(), shown).await
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

/// Says what is got, or changes the money when that was seen.
pub async fn change(visit: Visit, form: Form<Changing>) -> Page {
    let (me, changing) = (visit.signed()?, form.into_inner());
    let done = match changing.wire(&visit).await {
        Ok(new) if changing.get.is_none() => {
            let shown = Shown {
                changing,
                offered: Some(new),
                ..Shown::default()
            };
            return render(&visit, Turn::default().into(), shown).await;
        }
        Ok(new) => flows::exchange::run(&visit.ctx, me, &changing.key, new).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(_) => Ok(see_other("/wallet?done=changed")),
        Err(fault) => {
            let shown = Shown {
                changing: Changing {
                    get: None,
                    ..changing
                },
                wrong: Some(Wrong::of(fault)?),
                ..Shown::default()
            };
            render(&visit, Turn::default().into(), shown).await
        }
    }
}

impl Changing {
    async fn wire(&self, visit: &Visit) -> Result<NewExchange, Fault> {
        let unknown = || Fault::invalid("pair", "Choose what to change into what.");
        let (from, into) = self.pair.split_once(' ').ok_or_else(unknown)?;
        let give = words::typed_amount("give", &self.give, from)?;
        let minor = match self.get {
            Some(minor) => minor,
            None => flows::exchange::quote(&visit.ctx, visit.signed()?, &give, into).await?,
        };
        let get = Amount {
            minor,
            currency: into.to_owned(),
        };
        Ok(NewExchange { give, get })
    }
}

/// What the forms of the page hold.
#[derive(Default)]
struct Shown {
    typed: Filling,
    changing: Changing,
    offered: Option<NewExchange>,
    wrong: Option<Wrong>,
}

async fn render(visit: &Visit, turn: PageQuery, shown: Shown) -> Page {
    let me = visit.signed()?;
    let wallet = flows::wallet::show(&visit.ctx, me).await?;
    let orders = flows::buy::list(&visit.ctx, me, turn).await?;
    let rates = flows::exchange::rates(&visit.ctx, me).await?;
    let Shown {
        mut typed,
        mut changing,
        offered,
        wrong,
    } = shown;
    // A form that was refused keeps its name: sending it again is the same request.
    for key in [&mut typed.key, &mut changing.key] {
        if key.is_empty() {
            *key = visit.form_key().to_string();
        }
    }
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
        rates,
        changing,
        offered,
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
            rates: vec![],
            changing: Changing::default(),
            offered: None,
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
    fn money_is_changed_after_a_look_at_what_is_got() {
        let mut page = sample(samples::wallet(2000), vec![], false);
        let (give, get) = (samples::eur(1000), samples::eur(1080));
        page.rates = vec![ExchangeRateView {
            id: samples::id(9),
            give: samples::eur(100),
            get: samples::eur(108),
            set_at: samples::at(1),
        }];
        samples::check(&page, &["1.00 EUR = 1.08 EUR", "/wallet/change"]);
        page.offered = Some(NewExchange { give, get });
        samples::check(&page, &["you get 10.80 EUR", "name=\"get\" value=\"1080\""]);
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
