//! HTML entrances, one file per page; no rule lives here.
//!
//! A page reads its views through [`crate::flows`], puts them into a template that is
//! checked when it is compiled, and answers. Nothing needs a script: forms post, the answer
//! is a redirect or the same form with the words about what has to be mended.

mod account;
mod assets;
mod billing;
mod catalogue;
mod chart;
mod checkout;
mod claims;
mod contribution;
mod contributions;
mod dataset;
mod entities;
mod fail;
mod home;
mod invoices;
mod licence;
mod licences;
mod manage;
mod messages;
mod my_datasets;
mod new_dataset;
mod operator;
mod operator_books;
mod operator_link;
mod operator_payouts;
mod operator_tax;
mod order;
mod payment;
mod payouts;
mod plans;
mod quality_view;
mod reset;
#[cfg(test)]
mod samples;
mod shell;
mod sign_in;
mod sign_up;
mod statement;
mod statements;
mod subscriptions;
mod wallet;
mod why;
mod words;

use actix_web::middleware::from_fn;
use actix_web::web::{self, FormConfig, PathConfig, QueryConfig, ServiceConfig, post};
use actix_web::{Route, guard};

/// Largest form of a page; a pasted column contract is the largest thing typed here.
const FORM_BYTES: usize = 512 << 10;

/// Addresses that only take a form. When one showed what has to be mended and its address is
/// opened again, the page with the empty form is meant.
const FORMS: [&str; 30] = [
    "/datasets/{slug}/edit",
    "/datasets/{slug}/declare",
    "/datasets/{slug}/publish",
    "/datasets/{slug}/offer",
    "/licences/{id}/link",
    "/licences/{id}/revoke",
    "/orders/{id}/refund",
    "/wallet/change",
    "/wallet/fill",
    "/account/tokens",
    "/account/keys",
    "/operator/top-up",
    "/operator/settle",
    "/operator/reset",
    "/operator/payouts/propose",
    "/operator/payouts/import",
    "/operator/payouts/{id}/approve",
    "/operator/operators/appoint",
    "/operator/entities/link",
    "/operator/books/close",
    "/operator/books/correct",
    "/operator/books/decide",
    "/operator/tax/set",
    "/payouts/set",
    "/payouts/remove",
    "/plans/{id}/retire",
    "/subscriptions/{id}/cancel",
    "/subscriptions/{id}/resume",
    "/subscriptions/{id}/ask",
    "/subscriptions/{id}/refund",
];

/// A page to look at: GET, and HEAD for those who only ask whether it is there.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Adds every page. Call it last: what nothing before it answers is answered by its own
/// "nothing here" page.
pub fn configure(app: &mut ServiceConfig) {
    app.service(
        web::scope("")
            .app_data(
                FormConfig::default()
                    .limit(FORM_BYTES)
                    .error_handler(|e, _| fail::unreadable(e)),
            )
            .app_data(QueryConfig::default().error_handler(|e, _| fail::unreadable(e)))
            .app_data(PathConfig::default().error_handler(|_, _| fail::no_such_address()))
            .wrap(from_fn(fail::dress))
            .configure(forms)
            .configure(market)
            .configure(mine)
            .configure(by_term)
            .configure(people)
            .configure(operation)
            .default_service(web::to(fail::nowhere)),
    );
}

fn forms(app: &mut ServiceConfig) {
    for path in FORMS {
        app.route(path, get().to(shell::back));
    }
}

/// What everybody may look at, and buying.
fn market(app: &mut ServiceConfig) {
    app.route("/", get().to(home::page))
        .route("/assets/{name}", get().to(assets::file))
        .route("/catalogue", get().to(catalogue::page))
        .route("/datasets/new", get().to(new_dataset::page))
        .route("/datasets/new", post().to(new_dataset::create))
        .route("/datasets/{slug}", get().to(dataset::page))
        .route(
            "/datasets/{slug}/contribute",
            get().to(contributions::how_to),
        )
        .route("/datasets/{slug}/buy/{offer}", get().to(checkout::page))
        .route("/datasets/{slug}/buy/{offer}", post().to(checkout::pay))
        .route("/datasets/{slug}/manage", get().to(manage::page))
        .route("/datasets/{slug}/edit", post().to(manage::edit))
        .route("/datasets/{slug}/declare", post().to(manage::declare))
        .route("/datasets/{slug}/publish", post().to(manage::publish))
        .route("/datasets/{slug}/offer", post().to(manage::offer));
}

/// What belongs to one party.
fn mine(app: &mut ServiceConfig) {
    app.route("/my/datasets", get().to(my_datasets::page))
        .route("/licences", get().to(licences::page))
        .route("/licences/{id}", get().to(licence::page))
        .route("/licences/{id}/link", post().to(licence::link))
        .route("/licences/{id}/revoke", post().to(licence::revoke))
        .route("/wallet", get().to(wallet::page))
        .route("/wallet/change", post().to(wallet::change))
        .route("/wallet/fill", post().to(wallet::fill))
        .route("/payments/{id}", get().to(payment::page))
        .route("/orders/{id}", get().to(order::page))
        .route("/orders/{id}/refund", post().to(order::refund))
        .route("/contributions", get().to(contributions::page))
        .route("/contributions/{id}", get().to(contribution::page))
        .route(
            "/contributions/{id}/withdraw",
            post().to(contribution::withdraw),
        )
        .route("/invoices", get().to(invoices::page))
        .route("/statements", get().to(statements::page))
        .route("/statements/{id}", get().to(statement::page))
        .route("/payouts", get().to(payouts::page))
        .route("/payouts/set", post().to(payouts::set))
        .route("/payouts/remove", post().to(payouts::remove));
}

/// Plans and subscriptions.
fn by_term(app: &mut ServiceConfig) {
    app.route("/plans/{id}", get().to(plans::page))
        .route("/plans/{id}", post().to(plans::subscribe))
        .route("/plans/{id}/retire", post().to(plans::retire))
        .route("/my/plans", get().to(plans::mine))
        .route("/my/plans/new", get().to(plans::form))
        .route("/my/plans/new", post().to(plans::make))
        .route("/subscriptions", get().to(subscriptions::mine))
        .route("/subscriptions/{id}", get().to(subscriptions::page))
        .route(
            "/subscriptions/{id}/cancel",
            post().to(subscriptions::cancel),
        )
        .route(
            "/subscriptions/{id}/resume",
            post().to(subscriptions::resume),
        )
        .route("/subscriptions/{id}/ask", post().to(subscriptions::ask))
        .route(
            "/subscriptions/{id}/refund",
            post().to(subscriptions::give_back),
        )
        .route(
            "/operator/subscriptions",
            get().to(subscriptions::everybodys),
        );
}

/// Accounts and their keys.
fn people(app: &mut ServiceConfig) {
    app.route("/sign-up", get().to(sign_up::page))
        .route("/sign-up", post().to(sign_up::create))
        .route("/sign-in", get().to(sign_in::page))
        .route("/sign-in", post().to(sign_in::open))
        .route("/sign-out", post().to(sign_in::close))
        .route("/reset/{token}", get().to(reset::page))
        .route("/reset/{token}", post().to(reset::set))
        .route("/account", get().to(account::page))
        .route("/account/billing", get().to(billing::page))
        .route("/account/billing", post().to(billing::set))
        .route("/account/tokens", post().to(account::add_token))
        .route(
            "/account/tokens/{id}/revoke",
            post().to(account::revoke_token),
        )
        .route("/account/keys", post().to(account::add_key))
        .route("/account/keys/{id}/retire", post().to(account::retire_key));
}

/// Payouts and operators.
fn money_out(app: &mut ServiceConfig) {
    app.route("/operator/payouts", get().to(operator_payouts::page))
        .route(
            "/operator/payouts/propose",
            post().to(operator_payouts::propose),
        )
        .route(
            "/operator/payouts/import",
            post().to(operator_payouts::import),
        )
        .route("/operator/payouts/{id}", get().to(operator_payouts::run))
        .route(
            "/operator/payouts/{id}/approve",
            post().to(operator_payouts::approve),
        )
        .route("/operator/operators", get().to(operator_payouts::operators))
        .route(
            "/operator/operators/appoint",
            post().to(operator_payouts::appoint),
        )
        .route(
            "/operator/operators/{id}/dismiss",
            post().to(operator_payouts::dismiss),
        );
}

/// Months, corrections, disputes.
fn books(app: &mut ServiceConfig) {
    app.route("/operator/books", get().to(operator_books::page))
        .route("/operator/books/close", post().to(operator_books::close))
        .route(
            "/operator/books/correct",
            post().to(operator_books::approve),
        )
        .route("/operator/books/decide", post().to(operator_books::decide))
        .route("/operator/tax", get().to(operator_tax::page))
        .route("/operator/tax/set", post().to(operator_tax::set));
}

/// The operator's console.
fn operation(app: &mut ServiceConfig) {
    app.route("/operator", get().to(operator::page))
        .route("/operator/ledger", get().to(operator::ledger))
        .route("/operator/top-up", post().to(operator::top_up))
        .route("/operator/settle", post().to(operator::settle))
        .route("/operator/reset", post().to(operator::reset))
        .route("/operator/order", get().to(operator::find_order))
        .route("/operator/messages", get().to(messages::page))
        .route("/operator/messages/{id}/retry", post().to(messages::retry))
        .route(
            "/operator/messages/{id}/ignore",
            post().to(messages::ignore),
        )
        .configure(money_out)
        .route("/operator/claims", get().to(claims::page))
        .route("/operator/claims/{id}/opening", post().to(claims::open))
        .route("/operator/claims/{id}/decision", post().to(claims::decide))
        .route("/operator/entities", get().to(entities::page))
        .route("/operator/entities/link", post().to(entities::link))
        .route(
            "/operator/entities/{id}/unlink",
            post().to(entities::unlink),
        )
        .configure(books)
        .route("/operator/{token}", get().to(operator_link::page))
        .route("/operator/{token}", post().to(operator_link::create));
}
