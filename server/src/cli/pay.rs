//! wallet, its payments, and messages of the payment provider.

use schema::wire::{MessageView, NewPayment, PayWay, PaymentView, SetAside, WalletView};

use super::amount::{Price, show};
use super::args::{Messages, MessagesAction, Remote, Wallet, WalletAction, Way};
use super::stop::Outcome;
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
