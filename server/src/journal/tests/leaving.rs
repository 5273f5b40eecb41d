//! Money that leaves, and what bank and provider tell of it, for tests of the verifier.

use std::collections::BTreeMap;

use schema::columns::Key;
use uuid::Uuid;

use super::support::{Bed, start};
use crate::journal::command::{PayoutRun, Work};
use crate::journal::provider::ProviderReport;
use crate::store::bank_files::{self, FileRow, StatementRow};
use crate::store::payments::{self, PaymentRow};
use crate::store::payouts::{self, BatchRow, BlockRow, PayoutRow, run as runs, state};

/// Day of the bank's last word.
const DAY: &str = "2026-11-25";

impl Bed {
    /// Pays a contributor out; answers payout and run.
    pub fn pays_out(&self, key: &str, party: Uuid, gross: i64) -> (Uuid, Uuid) {
        let fresh = || Key(self.market.ids.next(self.clock.now()));
        let (batch, line) = (proposed(fresh(), self.market.owner), fresh());
        let payout = waiting(line, batch.id, party, gross);
        payouts::propose(&mut self.scratch.db(), &batch, &[payout]).unwrap();
        let block = BlockRow {
            batch_id: batch.id,
            name: "1-EUR".to_owned(),
            currency: "EUR".to_owned(),
            transfers: 1,
            total: gross,
        };
        let run = PayoutRun {
            batch: BatchRow {
                state: runs::APPROVED.to_owned(),
                approved_by: Some(Key(self.market.buyers[0])),
                approved_at: Some(start().into()),
                period: Some("2026-11".to_owned()),
                ..batch.clone()
            },
            places: BTreeMap::from([(line, block.name.clone())]),
            blocks: vec![block],
        };
        self.tell(key, "approve", Work::Payouts(Box::new(run)))
            .unwrap();
        (line.0, batch.id.0)
    }

    /// A payment by card fills the first buyer's wallet.
    pub fn paid_by_card(&self, key: &str, minor: i64) {
        let id = Key(self.market.ids.next(self.clock.now()));
        let row = PaymentRow {
            id,
            party_id: Key(self.market.buyers[0]),
            idem_key: key.to_owned(),
            request_hash: vec![0; 32],
            way: "card".to_owned(),
            currency: "EUR".to_owned(),
            amount: minor,
            wanted: None,
            reference: format!("GRN-{key}"),
            state: "open".to_owned(),
            session_id: None,
            intent_id: None,
            charge_id: None,
            url: None,
            failure: None,
            failed_at: None,
            seen_back: 0,
            given_back: 0,
            returned: 0,
            order_id: None,
            created_at: start().into(),
            paid_at: None,
        };
        payments::insert(&mut self.scratch.db(), &row).unwrap();
        let report = ProviderReport::Fill {
            payment: id,
            id: self.market.ids.next(self.clock.now()),
        };
        self.tell(key, "paid", Work::Provider(report)).unwrap();
    }

    /// The bank's statement: one balance, which the books explain by what it does not know.
    pub fn bank_says(&self, closing: i64) {
        let file = FileRow {
            id: Key(self.market.ids.next(self.clock.now())),
            digest: vec![7; 32],
            kind: "camt.053".to_owned(),
            message: "M1".to_owned(),
            imported_by: Key(self.market.owner),
            sealed: Vec::new(),
            created_at: start().into(),
        };
        let statement = StatementRow {
            file_id: file.id,
            number: 1,
            name: "S1".to_owned(),
            currency: "EUR".to_owned(),
            opening: closing,
            closing,
            opened_on: DAY.to_owned(),
            closed_on: DAY.to_owned(),
        };
        bank_files::insert(&mut self.scratch.db(), &file, &[statement], &[]).unwrap();
    }
}

fn proposed(id: Key, by: Uuid) -> BatchRow {
    BatchRow {
        id,
        state: runs::PROPOSED.to_owned(),
        execute_on: DAY.to_owned(),
        proposed_by: Key(by),
        proposed_at: start().into(),
        approved_by: None,
        approved_at: None,
        period: None,
        file: None,
        file_digest: None,
    }
}

fn waiting(id: Key, batch: Key, party: Uuid, gross: i64) -> PayoutRow {
    PayoutRow {
        id,
        batch_id: batch,
        party_id: Key(party),
        currency: "EUR".to_owned(),
        balance: gross,
        gross,
        withheld: 0,
        net: gross,
        jurisdiction: "DE".to_owned(),
        method_id: None,
        state: state::PROPOSED.to_owned(),
        reason: String::new(),
        block: String::new(),
        period: None,
        entry_seq: 0,
        settled_seq: 0,
        returned_seq: 0,
        returned_period: None,
        bank_status: String::new(),
        bank_reason: String::new(),
        changed_at: start().into(),
    }
}
