//! wallet, its payments, rates of exchange, and messages of the payment provider.

use ledger::rules::Rate;
use schema::wire::{
    Amount, ExchangeView, MessageView, NewExchange, NewExchangeRate, NewPayment, PayWay,
    PaymentView, SetAside, WalletView,
};

use super::amount::{Price, show};
use super::args::{
    ExchangeRate, ExchangeRateAction, Messages, MessagesAction, Remote, Wallet, WalletAction, Way,
};
use super::stop::{Exit, Outcome, Stop};
use super::table::Table;
use super::{ask, print_json, print_text, settings};

pub async fn wallet(args: &Wallet) -> Outcome {
    match &args.action {
        None => {
            let wallet = settings::party(&args.remote)?.wallet().await?;
            if args.print.json {
                print_json(&wallet)
            } else {
                print_text(&wallet_text(&wallet))
            }
        }
        Some(WalletAction::Fill {
            amount,
            way,
            once,
            print,
            remote,
        }) => {
            let payment = fill(remote, *amount, *way, once.as_deref()).await?;
            if print.json {
                print_json(&payment)
            } else {
                print_text(&payment_text(&payment))
            }
        }
        Some(WalletAction::Change {
            give,
            into,
            yes,
            once,
            print,
            remote,
        }) => {
            let done = change(remote, *give, into, *yes, once.as_deref()).await?;
            if print.json {
                print_json(&done)
            } else {
                let [out, in_] = &done.entries;
                print_text(&format!(
                    "{} changed into {} (journal entries {out} and {in_})\n",
                    show(&done.give),
                    show(&done.get)
                ))
            }
        }
        Some(WalletAction::Payments { print, remote }) => {
            let payments = settings::party(remote)?.payments().await?;
            if print.json {
                print_json(&payments)
            } else {
                print_text(&payments_text(&payments))
            }
        }
    }
}

/// Asks for what the rate gives; the node refuses when it has changed meanwhile.
async fn change(
    remote: &Remote,
    give: Price,
    into: &str,
    yes: bool,
    once: Option<&str>,
) -> Outcome<ExchangeView> {
    let client = settings::party(remote)?;
    let (give, into) = (give.amount(), into.trim().to_uppercase());
    let rates = client.exchange_rates().await?;
    let rate = rates
        .iter()
        .find(|rate| rate.give.currency == give.currency && rate.get.currency == into);
    let Some(rate) = rate else {
        return Err(Stop::new(
            Exit::Refused,
            format!(
                "The node does not change {} into {into}. Its rates: granary exchange-rate",
                give.currency
            ),
        ));
    };
    let ratio = Rate {
        give: rate.give.minor,
        get: rate.get.minor,
    };
    let minor = ratio
        .convert(give.minor)
        .map_err(|error| Stop::new(Exit::Usage, format!("{error}.")))?;
    let get = Amount {
        minor,
        currency: into,
    };
    if !yes {
        ask::confirm(&format!("Change {} into {}?", show(&give), show(&get)))?;
    }
    let new = NewExchange { give, get };
    Ok(client.change_money(&ask::once(once), &new).await?)
}

pub async fn exchange_rate(args: &ExchangeRate) -> Outcome {
    if let Some(ExchangeRateAction::Set { give, get, remote }) = &args.action {
        let new = NewExchangeRate {
            give: give.amount(),
            get: get.amount(),
        };
        let set = settings::party(remote)?.set_exchange_rate(&new).await?;
        return print_text(&format!(
            "{} for {} from now on\n",
            show(&set.get),
            show(&set.give)
        ));
    }
    let rates = settings::party(&args.remote)?.exchange_rates().await?;
    if args.print.json {
        return print_json(&rates);
    }
    if rates.is_empty() {
        return print_text("This node changes no money.\n");
    }
    let mut table = Table::new(&[">for", ">you get", "since"]);
    for rate in &rates {
        table.row([
            show(&rate.give),
            show(&rate.get),
            rate.set_at.format("%Y-%m-%d %H:%M").to_string(),
        ]);
    }
    print_text(&table.to_string())
}

async fn fill(
    remote: &Remote,
    amount: Price,
    way: Option<Way>,
    once: Option<&str>,
) -> Outcome<PaymentView> {
    let new = NewPayment {
        amount: Some(amount.amount()),
        order: None,
        way: way.map(|way| match way {
            Way::Card => PayWay::Card,
            Way::Transfer => PayWay::Transfer,
        }),
    };
    let client = settings::party(remote)?;
    Ok(client.pay(&ask::once(once), &new).await?)
}

/// Where a payment is made, or what became of it.
pub fn payment_text(payment: &PaymentView) -> String {
    let amount = show(&payment.amount);
    let mut text = match (payment.state.as_str(), &payment.url, &payment.instructions) {
        ("paid", ..) => format!("{amount} have arrived.\n"),
        ("open", Some(url), _) => {
            format!("Pay {amount} here, then look at your wallet:\n{url}\n")
        }
        ("open", None, Some(words)) => format!("{words}\n"),
        _ => format!("{amount}: this payment has ended.\n"),
    };
    if let Some(note) = &payment.note {
        text.push_str(&format!("{note}\n"));
    }
    text
}

fn payments_text(payments: &[PaymentView]) -> String {
    if payments.is_empty() {
        return "No payments yet.\n".to_owned();
    }
    let mut table = Table::new(&["when", "way", "state", ">amount", "reference", "for"]);
    for one in payments {
        let what = match (one.order_id, one.offer_id) {
            (Some(order), _) => format!("order {order}"),
            (None, Some(_)) => "an order".to_owned(),
            (None, None) => "wallet".to_owned(),
        };
        table.row([
            one.created_at.format("%Y-%m-%d %H:%M").to_string(),
            one.way.as_str().to_owned(),
            one.state.clone(),
            show(&one.amount),
            one.reference.clone(),
            what,
        ]);
    }
    table.to_string()
}

fn wallet_text(wallet: &WalletView) -> String {
    let mut facts = Table::pairs();
    for balance in &wallet.balances {
        facts.row(["to buy with".to_owned(), show(balance)]);
    }
    for earned in &wallet.earnings {
        facts.row(["earned, held for payout".to_owned(), show(earned)]);
    }
    if wallet.points > 0 {
        facts.row(["points, never money".to_owned(), wallet.points.to_string()]);
    }
    if facts.is_empty() {
        return "The wallet is empty. Fill it: granary wallet fill '20.00 EUR'\n".to_owned();
    }
    let mut moves = Table::new(&["when", "kind", ">amount", "entry"]);
    for one in &wallet.movements {
        moves.row([
            one.at.format("%Y-%m-%d %H:%M").to_string(),
            one.kind.clone(),
            show(&one.amount),
            one.entry.clone(),
        ]);
    }
    if moves.is_empty() {
        facts.to_string()
    } else {
        format!("{facts}\n{moves}")
    }
}

pub async fn messages(args: &Messages) -> Outcome {
    match &args.action {
        None => {}
        Some(MessagesAction::Retry { id, remote }) => {
            settings::party(remote)?.retry_message(*id).await?;
            return print_text("It is being worked on again.\n");
        }
        Some(MessagesAction::Ignore { id, reason, remote }) => {
            let why = SetAside {
                reason: reason.clone(),
            };
            settings::party(remote)?.ignore_message(*id, &why).await?;
            return print_text("Set aside; your reason is kept with it.\n");
        }
    }
    let messages = settings::party(&args.remote)?.provider_messages().await?;
    if args.print.json {
        print_json(&messages)
    } else {
        print_text(&messages_text(&messages))
    }
}

fn messages_text(messages: &[MessageView]) -> String {
    if messages.is_empty() {
        return "Every message is done.\n".to_owned();
    }
    let mut text = String::new();
    for one in messages {
        let why = one.reason.as_deref().unwrap_or("It is being worked on.");
        text.push_str(&format!(
            "{}  {}  {} {} ({})\n  {why}\n",
            one.at.format("%Y-%m-%d %H:%M"),
            one.state,
            one.direction,
            one.kind,
            one.id
        ));
    }
    text.push_str(
        "Another try: granary messages retry ID; nothing to do: granary messages ignore ID \
         --reason WHY\n",
    );
    text
}
