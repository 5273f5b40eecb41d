//! The tables of both databases. The only place where a column is named for Rust.
//!
//! Column types are one per concept (`Id`, `Instant`) so that the same query text
//! serves SQLite and PostgreSQL; see [`crate::columns`].

mod claims;
mod datasets;
mod exchanges;
mod jobs;
mod journal;
mod log;
mod money_out;
mod parties;
mod payments;
mod sales;
mod subscriptions;
mod taxes;

pub use self::claims::*;
pub use self::datasets::*;
pub use self::exchanges::*;
pub use self::jobs::*;
pub use self::journal::*;
pub use self::log::*;
pub use self::money_out::*;
pub use self::parties::*;
pub use self::payments::*;
pub use self::sales::*;
pub use self::subscriptions::*;
pub use self::taxes::*;

diesel::joinable!(session -> party (party_id));
diesel::joinable!(api_token -> party (party_id));
diesel::joinable!(recipient -> party (party_id));
diesel::joinable!(dataset -> party (owner_id));
diesel::joinable!(contribution -> dataset (dataset_id));
diesel::joinable!(contribution -> party (party_id));
diesel::joinable!(revision -> dataset (dataset_id));
diesel::joinable!(revision_part -> revision (revision_id));
diesel::joinable!(revision_part -> contribution (contribution_id));
diesel::joinable!(revision_part -> party (party_id));
diesel::joinable!(offer -> dataset (dataset_id));
diesel::joinable!(posting -> account (account_id));
diesel::joinable!(epoch_share -> party (party_id));
diesel::joinable!(orders -> dataset (dataset_id));
diesel::joinable!(orders -> party (buyer_id));
diesel::joinable!(orders -> revision (revision_id));
diesel::joinable!(refund -> orders (order_id));
diesel::joinable!(licence -> orders (order_id));
diesel::joinable!(licence -> dataset (dataset_id));
diesel::joinable!(grants -> licence (licence_id));
diesel::joinable!(settlement_line -> settlement (settlement_id));
diesel::joinable!(settlement_line -> party (party_id));
diesel::joinable!(statement -> party (party_id));
diesel::joinable!(give_back -> orders (order_id));
diesel::joinable!(subscription_item -> dataset (dataset_id));
diesel::joinable!(subscription_item -> subscription_plan (plan_id));
diesel::joinable!(subscription -> subscription_plan (plan_id));
diesel::joinable!(subscription_term -> subscription (subscription_id));
diesel::joinable!(subscription_licence -> subscription_term (term_id));
diesel::joinable!(subscription_income -> subscription_term (term_id));
diesel::joinable!(balance_snapshot -> account (account_id));
diesel::joinable!(invoice -> orders (order_id));

diesel::allow_tables_to_appear_in_same_query!(
    node_setting,
    node_counter,
    party,
    session,
    api_token,
    one_time_link,
    sign_in_throttle,
    recipient,
    dataset,
    dataset_member,
    contribution,
    revision,
    revision_part,
    epoch_part,
    sketch,
    sketch_entry,
    overlap,
    offer,
    period,
    entry,
    account,
    posting,
    epoch,
    epoch_share,
    pool,
    carry,
    orders,
    refund,
    licence,
    grants,
    delivery_header,
    settlement,
    settlement_line,
    statement,
    job,
    idempotency,
    entity_link,
    payment,
    provider_object,
    inbox,
    outbox,
    dispute,
    dispute_move,
    give_back,
    reserve,
    period_close,
    balance_snapshot,
    adjustment,
    adjustment_move,
    subscription_plan,
    subscription_item,
    subscription,
    subscription_term,
    subscription_licence,
    subscription_income,
    tax_rate,
    billing,
    invoice,
);
diesel::allow_tables_to_appear_in_same_query!(exchange, exchange_rate);
