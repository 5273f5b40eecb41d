//! Bank transfers: the payer names a reference, the operator confirms what has arrived.

use futures_util::future::BoxFuture;
use ledger::account::Account;
use ledger::money::Money;
use schema::wire::PayWay;

use super::{Ask, Begun, PaymentPort};
use crate::error::Fault;
use crate::journal;

/// The way by the payer's bank.
pub struct Transfer {
    details: Option<String>,
}

impl Transfer {
    /// With the node's bank details, in the operator's words.
    #[must_use]
    pub fn new(details: Option<String>) -> Self {
        Self { details }
    }

    /// What the payer has to do.
    #[must_use]
    pub fn instructions(&self, money: Money, reference: &str) -> String {
        let to = match &self.details {
            Some(details) => format!("to {}", details.trim()),
            None => "to the account that the operator of this node names".to_owned(),
        };
        format!(
            "Transfer {money} {to} and write {reference} as the purpose. The wallet is filled when \
             the operator has seen it arrive."
        )
    }
}

impl PaymentPort for Transfer {
    fn way(&self) -> PayWay {
        PayWay::Transfer
    }

    fn arrives_on(&self) -> Result<Account, Fault> {
        Ok(journal::bank()?)
    }

    fn gives_back(&self) -> bool {
        false
    }

    fn begin<'a>(&'a self, _ask: &'a Ask) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(async { Ok(Begun::Transfer) })
    }
}
