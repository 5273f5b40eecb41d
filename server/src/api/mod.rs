//! The JSON API: entrances that read the request, call one flow and answer.
//!
//! The route table is [`v1`]; the address and method of each handler stand on it, and in the
//! generated `schema/openapi.json`. No rule lives here.

mod accounts;
mod admin;
mod answer;
mod books;
mod claims;
mod contributions;
mod datasets;
mod describe;
mod exchange;
mod files;
mod invoices;
mod licences;
mod log;
mod node;
mod offers;
mod operators;
mod orders;
mod payments;
mod payouts;
pub mod problem;
mod recipients;
mod revisions;
mod sessions;
mod statements;
mod subscriptions;
mod tokens;

use actix_web::App;
use actix_web::middleware::Compress;
use actix_web::web::{Data, JsonConfig, PathConfig, PayloadConfig, QueryConfig, resource, to};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::scope::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use problem::{Addresses, json_error, path_error, query_error, unmatched};

/// Largest JSON body; a column contract is the largest thing sent as one.
const JSON_BYTES: usize = 1 << 20;

/// What leads money out, and who decides.
fn payouts(api: &mut ServiceConfig) {
    api.service(payouts::show_payout_method)
        .service(payouts::set_payout_method)
        .service(payouts::remove_payout_method)
        .service(payouts::list_my_payouts)
        .service(payouts::propose_payouts)
        .service(payouts::list_payouts)
        .service(payouts::show_payouts)
        .service(payouts::approve_payouts)
        .service(payouts::show_payout_file)
        .service(payouts::import_bank_file)
        .service(payouts::list_bank_files)
        .service(payouts::show_bank_file)
        .service(payouts::show_reconciliation)
        .service(payouts::hold_payouts)
        .service(payouts::release_payouts)
        .service(operators::list_operators)
        .service(operators::appoint_operator)
        .service(operators::dismiss_operator);
}

/// Money on its way in, and the operator's books.
fn books(api: &mut ServiceConfig) {
    api.service(admin::confirm_top_up)
        .service(admin::move_points)
        .service(exchange::set_exchange_rate)
        .service(exchange::list_exchange_rates)
        .service(exchange::change_money)
        .service(admin::run_settlement)
        .service(books::open_dispute)
        .service(books::list_disputes)
        .service(books::decide_dispute)
        .service(books::propose_adjustment)
        .service(books::list_adjustments)
        .service(books::approve_adjustment)
        .service(books::close_period)
        .service(books::list_periods)
        .service(admin::show_trial_balance)
        .service(admin::export_ledger)
        .service(admin::verify_ledger)
        .service(admin::issue_password_reset)
        .service(admin::link_parties)
        .service(admin::list_entities)
        .service(admin::unlink_party)
        .service(payments::begin_payment)
        .service(payments::list_payments)
        .service(payments::show_payment)
        .service(payments::list_messages)
        .service(payments::retry_message)
        .service(payments::ignore_message);
}

/// Claims on rows of others.
fn claims(api: &mut ServiceConfig) {
    api.service(claims::file_claim)
        .service(claims::list_claims)
        .service(claims::show_claim)
        .service(claims::take_claim_back)
        .service(claims::open_claim)
        .service(claims::decide_claim);
}

/// Datasets by the month, quarter or year.
fn subscriptions(api: &mut ServiceConfig) {
    api.service(subscriptions::make_plan)
        .service(subscriptions::list_plans)
        .service(subscriptions::show_plan)
        .service(subscriptions::retire_plan)
        .service(subscriptions::start_subscription)
        .service(subscriptions::list_subscriptions)
        .service(subscriptions::show_subscription)
        .service(subscriptions::cancel_subscription)
        .service(subscriptions::resume_subscription)
        .service(subscriptions::ask_subscription_refund)
        .service(subscriptions::refund_subscription)
        .service(subscriptions::list_all_subscriptions)
        .service(subscriptions::run_subscriptions);
}

/// Invoices, and the taxes on them.
fn taxes(api: &mut ServiceConfig) {
    api.service(invoices::show_billing)
        .service(invoices::set_billing)
        .service(invoices::list_invoices)
        .service(invoices::show_invoice_pdf)
        .service(invoices::show_invoice_document)
        .service(invoices::show_invoice)
        .service(invoices::list_all_invoices)
        .service(invoices::list_tax_rates)
        .service(invoices::set_tax_rate)
        .service(invoices::show_tax_csv)
        .service(invoices::show_tax_report);
}

/// Every route of version 1.
fn v1(api: &mut ServiceConfig) {
    api.service(accounts::open_account)
        .service(accounts::show_me)
        .service(accounts::reset_my_password)
        .service(sessions::sign_in)
        .service(sessions::sign_out)
        .service(tokens::make_token)
        .service(tokens::list_tokens)
        .service(tokens::revoke_token)
        .service(recipients::add_recipient)
        .service(recipients::list_recipients)
        .service(recipients::retire_recipient)
        .service(datasets::make_dataset)
        .service(datasets::list_datasets)
        .service(datasets::show_dataset)
        .service(datasets::change_dataset)
        .service(datasets::withdraw_dataset)
        .service(datasets::list_sales)
        .service(contributions::announce_contribution)
        .service(contributions::list_dataset_contributions)
        .service(contributions::list_my_contributions)
        .service(contributions::send_content)
        .service(contributions::show_contribution)
        .service(contributions::show_contribution_report)
        .service(contributions::withdraw_contribution)
        .service(contributions::clear_contribution)
        .service(revisions::publish_revision)
        .service(revisions::list_revisions)
        .service(revisions::show_revision)
        .service(revisions::show_revision_report)
        .service(revisions::show_shares)
        .service(offers::make_offer)
        .service(offers::list_offers)
        .service(orders::place_order)
        .service(orders::list_orders)
        .service(orders::show_order)
        .service(orders::refund_order)
        .service(orders::list_refunds)
        .service(licences::list_licences)
        .service(licences::show_licence)
        .service(licences::revoke_licence)
        .service(licences::make_download_url)
        .service(statements::show_wallet)
        .service(statements::list_statements)
        .service(statements::show_statement_document)
        .service(statements::show_statement_csv)
        .service(statements::show_statement_parquet)
        .service(statements::show_statement_hledger)
        .service(statements::show_statement_beancount)
        .service(statements::show_statement_pdf)
        .service(statements::show_statement);
    subscriptions(api);
    books(api);
    claims(api);
    payouts(api);
    taxes(api);
}

fn routes(app: &mut ServiceConfig) {
    app.service(node::show_health)
        .service(node::show_readiness)
        .service(node::show_metrics)
        .service(node::show_openapi)
        .service(node::show_node)
        .service(payments::take_stripe_message)
        .service(log::show_checkpoint)
        .service(log::show_tile);
    app.service(
        scope("/api/v1")
            .configure(v1)
            .map(|api| api.wrap(Compress::default()).default_service(to(unmatched))),
    );
}

/// Adds the API to an application, with the answers for what it does not know.
pub fn configure(app: &mut actix_web::web::ServiceConfig) {
    let description = openapi();
    app.app_data(
        JsonConfig::default()
            .limit(JSON_BYTES)
            .error_handler(json_error),
    )
    .app_data(QueryConfig::default().error_handler(query_error))
    .app_data(PathConfig::default().error_handler(path_error))
    .app_data(PayloadConfig::new(JSON_BYTES))
    .app_data(Data::new(Addresses::of(&description)));
    routes(&mut ServiceConfig::new(app));
    files::configure(app);
    for path in description
        .paths
        .paths
        .keys()
        .filter(|path| !path.starts_with("/api/"))
    {
        app.service(resource(path.as_str()).to(unmatched));
    }
}

/// The API's description, generated from the handlers.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, described) = App::new()
        .into_utoipa_app()
        .configure(routes)
        .split_for_parts();
    describe::complete(described)
}
