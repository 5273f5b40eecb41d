//! Reading a scenario: everything that makes the file unreadable is found here.

use super::exact::{self, Exact};
use super::{FORMAT, ReplayError};
use crate::epoch::{Epoch, EpochError};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Scenario {
    format: Option<String>,
    pub periods: Vec<String>,
    #[serde(default)]
    pub epochs: Vec<EpochIn>,
    #[serde(default)]
    events: Vec<Value>,
    #[serde(default)]
    pub fee_bps: i64,
    #[serde(default)]
    pub fee_rounding: Rounding,
    #[serde(default)]
    pub reserve_bps: u32,
    #[serde(default)]
    pub reserve_periods: u32,
    #[serde(default)]
    pub withholding_bps: BTreeMap<String, u32>,
    #[serde(default)]
    pub min_payout: BTreeMap<String, i64>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rounding {
    #[default]
    Floor,
    HalfEven,
}

#[derive(Deserialize)]
pub(super) struct EpochIn {
    pub revision: String,
    pub epoch: i64,
    pub weights: BTreeMap<String, u128>,
}

/// One event. `None` in a number or name: present in a form no value can have.
pub(super) struct Event<'t> {
    pub id: String,
    pub period: String,
    pub action: Action,
    /// The whole body, for comparison.
    pub body: Exact<'t>,
}

pub(super) enum Action {
    Payment {
        revision: Option<String>,
        epoch: Option<i64>,
        currency: Option<String>,
        gross: Option<i64>,
        fee_bps: Option<i64>,
        tax: Option<i64>,
    },
    Refund {
        payment: String,
        amount: Option<i64>,
    },
    DisputeOpen {
        payment: String,
        amount: Option<i64>,
    },
    DisputeEnd {
        dispute: String,
        won: bool,
    },
}

pub(super) fn read(text: &str) -> Result<(Scenario, Vec<Event<'_>>), ReplayError> {
    let mut scenario: Scenario = serde_json::from_str(text)?;
    if let Some(other) = scenario.format.take_if(|f| f != FORMAT) {
        return Err(ReplayError::Format(other));
    }
    let values = std::mem::take(&mut scenario.events);
    let bodies = exact::events(text).filter(|bodies| bodies.len() == values.len());
    let bodies =
        bodies.ok_or_else(|| serde_json::Error::custom("it is no object, or nested too deeply"))?;
    let events = values.iter().zip(bodies).enumerate();
    let events = events.map(|(index, (value, body))| {
        let number = index + 1;
        event(value, body).map_err(|problem| ReplayError::Event { number, problem })
    });
    let events = events.collect::<Result<_, _>>()?;
    Ok((scenario, events))
}

fn event<'t>(value: &Value, body: Exact<'t>) -> Result<Event<'t>, String> {
    let fields = value.as_object().ok_or("it is not an object")?;
    let action = match text(fields, "type")?.as_str() {
        "payment" => payment(fields),
        "refund" => Action::Refund {
            payment: text(fields, "payment")?,
            amount: int(fields, "amount"),
        },
        "dispute_open" => Action::DisputeOpen {
            payment: text(fields, "payment")?,
            amount: int(fields, "amount"),
        },
        "dispute_won" => Action::DisputeEnd {
            dispute: text(fields, "dispute")?,
            won: true,
        },
        "dispute_lost" => Action::DisputeEnd {
            dispute: text(fields, "dispute")?,
            won: false,
        },
        other => return Err(format!("unknown type {other:?}")),
    };
    let (id, period) = (text(fields, "id")?, text(fields, "period")?);
    Ok(Event {
        id,
        period,
        action,
        body,
    })
}

fn payment(fields: &Map<String, Value>) -> Action {
    let default = |name: &str, default: Option<i64>| match fields.get(name) {
        None | Some(Value::Null) => default,
        // Not an integer, or none that fits: a leg no gross amount can hold.
        Some(value) => value.as_i64().or(Some(-1)),
    };
    Action::Payment {
        revision: text(fields, "revision").ok(),
        epoch: int(fields, "epoch"),
        currency: text(fields, "currency").ok(),
        gross: int(fields, "gross"),
        fee_bps: default("fee_bps", None),
        tax: default("tax", Some(0)),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    let value = fields.get(name).and_then(Value::as_str);
    value
        .map(str::to_string)
        .ok_or_else(|| format!("{name:?} must be a text"))
}

fn int(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}

pub(super) type Epochs = BTreeMap<(String, i64), Option<Epoch<String>>>;

pub(super) fn freeze(list: &[EpochIn]) -> Result<Epochs, ReplayError> {
    let mut epochs = Epochs::new();
    for EpochIn {
        revision,
        epoch,
        weights,
    } in list
    {
        let unusable = |problem: String| {
            let revision = revision.clone();
            Err(ReplayError::Epoch {
                revision,
                epoch: *epoch,
                problem,
            })
        };
        let shares = match Epoch::freeze(weights) {
            Ok(shares) => Some(shares),
            Err(EpochError::NoWeight) => None,
            Err(error) => return unusable(error.to_string()),
        };
        if epochs.insert((revision.clone(), *epoch), shares).is_some() {
            return unusable("it is given twice, and an epoch is never edited".into());
        }
    }
    Ok(epochs)
}
