//! `GET /wallet`: balances, movements, receipts.

use actix_web::web::Query;
use askama::Template;
use schema::wire::{OrderView, Page as Listing, WalletView};

use super::shell::{Page, Shell, Turn, Visit, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "wallet.html")]
struct Wallet {
    shell: Shell,
    wallet: WalletView,
    orders: Listing<OrderView>,
}

/// The page; `cursor` turns the receipts.
pub async fn page(visit: Visit, query: Query<Turn>) -> Page {
    let me = visit.signed()?;
    let wallet = flows::wallet::show(&visit.ctx, me).await?;
    let orders = flows::buy::list(&visit.ctx, me, query.into_inner().into()).await?;
    show(&Wallet {
        shell: visit.shell("wallet"),
        wallet,
        orders,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn shows_balances_movements_and_receipts() {
        let orders = Listing {
            items: vec![samples::order()],
            next: None,
        };
        let page = Wallet {
            shell: samples::member(),
            wallet: samples::wallet(8010),
            orders,
        };
        samples::check(
            &page,
            &["80.10 EUR", "−19.90 EUR", "EUR/7", "<caption", "/orders/"],
        );
    }

    #[test]
    fn an_empty_wallet_says_how_it_is_filled() {
        let wallet = WalletView {
            balances: vec![],
            earnings: vec![],
            movements: vec![],
        };
        let orders = Listing {
            items: vec![],
            next: None,
        };
        samples::check(
            &Wallet {
                shell: samples::member(),
                wallet,
                orders,
            },
            &["class=\"empty\"", "transfer"],
        );
    }
}
