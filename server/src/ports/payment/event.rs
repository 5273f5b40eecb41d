//! What a message of the provider says, out of the shapes its API documents.
//!
//! Reading is pure and forgiving: fields that are not needed are not looked at, kinds that are
//! not known are [`Said::Nothing`]. What a message says is a fact or a running total, so that the
//! order of messages does not matter.

use ledger::account::Expense;
use ledger::money::Money;
use serde_json::Value;
use uuid::Uuid;

use super::from_provider;
use super::stripe::{Movement, movement};

/// Which payment a message is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// This node's identifier, where the message bears it.
    pub payment: Option<Uuid>,
    /// The provider's payment.
    pub intent: Option<String>,
    /// The provider's charge.
    pub charge: Option<String>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The money has come.
    Paid(About, Money),
    /// It cannot be paid any more.
    Ended(About),
    /// A try to pay failed, in the provider's words.
    Failed(About, String),
    /// A charge was made; its movement tells the fee.
    Charged(About, Cost),
    /// So much was given back, in all.
    GivenBack(About, Money),
    /// A refund stands so.
    Refund(About, Thing),
    /// A dispute stands so, with what it cost.
    Dispute(About, Thing, Vec<Movement>),
    /// Money on its way to the bank stands so.
    Payout(Thing),
    /// Nothing this node has to do with.
    Nothing(&'static str),
}

/// An object of the provider with its status in this node's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// The provider's identifier.
    pub id: String,
    /// How much.
    pub money: Money,
    /// Status.
    pub status: &'static str,
    /// Rank of the status: a later one is higher.
    pub standing: i32,
}

/// Where a fee is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// Here.
    Told(Movement),
    /// Under this identifier, to be asked for.
    Ask(String),
    /// Not yet.
    Unknown,
}

/// What disputes cost is booked apart from what payments cost.
pub const OF_DISPUTES: Expense = Expense::DisputeFee;

/// Longest text of the provider that is kept.
const WORDS: usize = 200;

/// Reads a message.
///
/// # Errors
/// A message of a known kind without what it must have.
pub fn read(kind: &str, object: &Value) -> Result<Said, String> {
    match kind {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
            if object["payment_status"] == "paid" {
                let about = about_session(object)?;
                Ok(Said::Paid(about, money(object, "amount_total")?))
            } else {
                Ok(Said::Nothing(
                    "the page was completed, the money is still to come",
                ))
            }
        }
        "checkout.session.expired" => Ok(Said::Ended(about_session(object)?)),
        "checkout.session.async_payment_failed" => Ok(Said::Failed(
            about_session(object)?,
            "The bank did not pay.".to_owned(),
        )),
        "payment_intent.succeeded" => Ok(Said::Paid(
            about_intent(object)?,
            money(object, "amount_received")?,
        )),
        "payment_intent.payment_failed" => {
            let said = object["last_payment_error"]["message"].as_str();
            let words = said.unwrap_or("The payment failed.");
            Ok(Said::Failed(about_intent(object)?, cut(words)))
        }
        "payment_intent.canceled" => Ok(Said::Ended(about_intent(object)?)),
        "charge.succeeded" | "charge.updated" | "charge.captured" => {
            Ok(Said::Charged(about_charge(object)?, cost(object)))
        }
        "charge.refunded" => Ok(Said::GivenBack(
            about_charge(object)?,
            money(object, "amount_refunded")?,
        )),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            let (status, standing) = match object["status"].as_str() {
                Some("failed" | "canceled") => ("failed", 3),
                Some("succeeded") => ("succeeded", 2),
                _ => ("pending", 1),
            };
            Ok(Said::Refund(
                about_child(object)?,
                thing(object, status, standing)?,
            ))
        }
        _ if kind.starts_with("charge.dispute.") => dispute(object),
        _ if kind.starts_with("radar.early_fraud_warning.") => Ok(Said::Nothing(
            "a warning of fraud: no money was taken; give the payment back if it is right",
        )),
        "payout.paid" => Ok(Said::Payout(thing(object, "paid", 1)?)),
        "payout.failed" | "payout.canceled" => Ok(Said::Payout(thing(object, "failed", 2)?)),
        _ => Ok(Said::Nothing(
            "this node does nothing with this kind of message",
        )),
    }
}

fn dispute(object: &Value) -> Result<Said, String> {
    let (status, standing) = match object["status"].as_str() {
        Some("won") => ("won", 2),
        Some("lost") => ("lost", 2),
        Some("needs_response" | "under_review") => ("open", 1),
        // An enquiry (`warning_…`): no money has moved. Should it become a dispute, its status
        // says so, under the same identifier.
        _ => {
            return Ok(Said::Nothing(
                "an enquiry of the payer's bank: no money was taken; answer it at the provider",
            ));
        }
    };
    let moves = object["balance_transactions"].as_array();
    let moves = moves.into_iter().flatten().filter_map(movement);
    let costs = moves.filter(|one| one.fee.minor != 0).collect();
    let thing = thing(object, status, standing)?;
    Ok(Said::Dispute(about_child(object)?, thing, costs))
}

fn thing(object: &Value, status: &'static str, standing: i32) -> Result<Thing, String> {
    let id = object["id"].as_str().ok_or("it names no object")?;
    Ok(Thing {
        id: id.to_owned(),
        money: money(object, "amount")?,
        status,
        standing,
    })
}

fn money(object: &Value, field: &str) -> Result<Money, String> {
    let amount = object[field].as_i64();
    let amount = amount.ok_or_else(|| format!("it has no {field}"))?;
    let code = object["currency"].as_str().unwrap_or_default();
    let money = from_provider(amount, code);
    money.ok_or_else(|| format!("{amount} {} is no amount that is known here", cut(code)))
}

/// An identifier, or the object it stands for, when that was expanded.
fn id(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["id"].as_str())?;
    Some(text.to_owned())
}

fn own(object: &Value) -> Option<Uuid> {
    Uuid::try_parse(object["metadata"]["granary_payment"].as_str()?).ok()
}

fn about_session(object: &Value) -> Result<About, String> {
    Ok(About {
        payment: own(object),
        intent: id(&object["payment_intent"]),
        charge: None,
    })
}

fn about_intent(object: &Value) -> Result<About, String> {
    Ok(About {
        payment: own(object),
        intent: Some(id(object).ok_or("it names no payment")?),
        charge: id(&object["latest_charge"]),
    })
}

fn about_charge(object: &Value) -> Result<About, String> {
    Ok(About {
        payment: own(object),
        intent: id(&object["payment_intent"]),
        charge: Some(id(object).ok_or("it names no charge")?),
    })
}

fn about_child(object: &Value) -> Result<About, String> {
    let (intent, charge) = (id(&object["payment_intent"]), id(&object["charge"]));
    if intent.is_none() && charge.is_none() {
        return Err("it names neither payment nor charge".to_owned());
    }
    Ok(About {
        payment: None,
        intent,
        charge,
    })
}

fn cost(object: &Value) -> Cost {
    let found = &object["balance_transaction"];
    match (movement(found), found.as_str()) {
        (Some(told), _) => Cost::Told(told),
        (None, Some(id)) => Cost::Ask(id.to_owned()),
        (None, None) => Cost::Unknown,
    }
}

fn cut(words: &str) -> String {
    words
        .chars()
        .filter(|c| !c.is_control())
        .take(WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "01990000-0000-7000-8000-000000000001";

    fn eur(minor: i64) -> Money {
        Money::new(minor, ledger::money::Currency::EUR)
    }

    #[test]
    fn a_page_is_paid_only_when_it_says_so() {
        let mut session = json!({"object": "checkout.session", "payment_status": "unpaid",
            "amount_total": 2000, "currency": "eur", "payment_intent": "pi_1",
            "metadata": {"granary_payment": OURS}});
        let said = read("checkout.session.completed", &session).unwrap();
        assert!(matches!(said, Said::Nothing(_)));
        session["payment_status"] = json!("paid");
        let Said::Paid(about, money) = read("checkout.session.completed", &session).unwrap() else {
            panic!("paid")
        };
        assert_eq!(money, eur(2000));
        assert_eq!(about.intent.as_deref(), Some("pi_1"));
        assert_eq!(about.payment.unwrap().to_string(), OURS);
    }

    #[test]
    fn a_fee_is_told_or_to_be_asked_for() {
        let mut charge =
            json!({"id": "ch_1", "payment_intent": "pi_1", "balance_transaction": null});
        let cost = |charge: &Value| match read("charge.updated", charge).unwrap() {
            Said::Charged(_, cost) => cost,
            other => panic!("{other:?}"),
        };
        assert_eq!(cost(&charge), Cost::Unknown);
        charge["balance_transaction"] = json!("txn_1");
        assert_eq!(cost(&charge), Cost::Ask("txn_1".to_owned()));
        charge["balance_transaction"] = json!({"id": "txn_1", "fee": 59, "currency": "eur"});
        let told = Movement {
            id: "txn_1".to_owned(),
            fee: eur(59),
        };
        assert_eq!(cost(&charge), Cost::Told(told));
    }

    #[test]
    fn disputes_and_refunds_stand_by_rank() {
        let dispute = |status: &str| {
            let object = json!({"id": "dp_1", "amount": 500, "currency": "eur", "status": status,
                "charge": "ch_1", "payment_intent": "pi_1",
                "balance_transactions": [{"id": "txn_2", "fee": 1500, "currency": "eur"}]});
            read("charge.dispute.closed", &object).unwrap()
        };
        for (status, ours, standing) in [
            ("needs_response", "open", 1),
            ("under_review", "open", 1),
            ("won", "won", 2),
            ("lost", "lost", 2),
        ] {
            let Said::Dispute(about, thing, costs) = dispute(status) else {
                panic!("{status}")
            };
            assert_eq!((thing.status, thing.standing), (ours, standing));
            assert_eq!(
                (about.charge.as_deref(), costs[0].fee),
                (Some("ch_1"), eur(1500))
            );
        }
        for enquiry in [
            "warning_needs_response",
            "warning_under_review",
            "warning_closed",
        ] {
            assert!(matches!(dispute(enquiry), Said::Nothing(_)), "{enquiry}");
        }
        let warning = json!({"id": "issfr_1", "charge": "ch_1", "fraud_type": "misc"});
        let said = read("radar.early_fraud_warning.created", &warning).unwrap();
        assert!(matches!(said, Said::Nothing(_)));
        let refund = |status: &str| {
            let object = json!({"id": "re_1", "amount": 5, "currency": "eur", "status": status, "charge": "ch_1"});
            match read("refund.updated", &object).unwrap() {
                Said::Refund(_, thing) => (thing.status, thing.standing),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refund("pending"), ("pending", 1));
        assert_eq!(refund("succeeded"), ("succeeded", 2));
        assert_eq!(refund("failed"), ("failed", 3));
    }

    #[test]
    fn a_message_without_what_it_needs_is_told_apart_from_a_strange_kind() {
        assert!(read("charge.refunded", &json!({"id": "ch_1", "currency": "eur"})).is_err());
        assert!(
            read(
                "refund.created",
                &json!({"id": "re_1", "amount": 5, "currency": "eur"})
            )
            .is_err()
        );
        assert!(
            read(
                "charge.refunded",
                &json!({"id": "ch_1", "amount_refunded": 5, "currency": "zzz"})
            )
            .is_err()
        );
        assert!(matches!(
            read("customer.created", &json!({})).unwrap(),
            Said::Nothing(_)
        ));
    }
}
