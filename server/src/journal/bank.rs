//! Booking what the bank says: a file at once, each file once.
//!
//! A debit that bears the reference and the amount of a payout under way settles it; a credit
//! that bears those of a settled one brings it back, and so does a rejection before the money
//! left. Everything else is kept and listed and moves nothing: an unknown reference, another
//! amount, an order of events that cannot be. Nothing is guessed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ledger::account::Account;
use ledger::entry::Kind as EntryKind;
use ledger::money::Currency;
use ledger::rules;
use schema::columns::Key;
use schema::db::Db;
use uuid::Uuid;

use super::batch::{Batch, Booking};
use super::command::{BankFile, Command, Message, Posted};
use super::payouts::{load, paid};
use crate::error::Fault;
use crate::ports::bank::camt053::{self, Line, Statement};
use crate::ports::bank::pain002::{self, Subject, Verdict};
use crate::store::bank_files::{self, LineRow, StatementRow, outcome};
use crate::store::payouts::{self, PayoutRow, state};

/// Code of a payout that came back.
pub const CAME_BACK: &str = "came_back";

/// Books a file of the bank; one that was imported before is answered as it is.
///
/// # Errors
/// The database's own.
pub(super) fn run(
    db: &mut Db,
    mut batch: Batch,
    command: &Command,
    work: &BankFile,
    mut fresh: impl FnMut() -> (Uuid, [u8; 16]),
) -> Result<Posted, Fault> {
    if let Some(known) = bank_files::by_digest(db, &work.file.digest)? {
        return Ok(Posted {
            ids: vec![known.id.0],
            repeated: true,
        });
    }
    let mut reading = Reading::new(work.file.id);
    let statements = match &work.message {
        Message::Status(report) => reading.status(db, report).map(|()| Vec::new())?,
        Message::Account(report) => reading.account(db, report)?,
    };
    load(db, &mut batch, reading.payouts.values())?;
    for step in std::mem::take(&mut reading.steps) {
        reading.book(&mut batch, command, &step, fresh())?;
    }
    batch.answer(&command.request, &[work.file.id.0])?;
    batch.write(db)?;
    bank_files::insert(db, &work.file, &statements, &reading.lines)?;
    for (payout, _) in reading.changed {
        if let Some(row) = reading.payouts.get_mut(&payout) {
            row.changed_at = command.at.now.into();
            payouts::update(db, row)?;
        }
    }
    Ok(Posted {
        ids: vec![work.file.id.0],
        repeated: false,
    })
}

/// What happens to a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// The bank has paid.
    Settle,
    /// It came back: out of transit, or out of the bank's account.
    Return { from_bank: bool },
}

struct Step {
    payout: Key,
    moved: Move,
    /// The line that made it, where one line makes one.
    line: Option<usize>,
    booked_on: String,
}

/// The state while a file is read.
struct Reading {
    file: Key,
    lines: Vec<LineRow>,
    steps: Vec<Step>,
    payouts: BTreeMap<Key, PayoutRow>,
    changed: BTreeMap<Key, ()>,
}

impl Reading {
    fn new(file: Key) -> Self {
        Self {
            file,
            lines: Vec::new(),
            steps: Vec::new(),
            payouts: BTreeMap::new(),
            changed: BTreeMap::new(),
        }
    }

    /// The payout of a reference, as it stands after the lines before.
    fn payout(&mut self, db: &mut Db, reference: &str) -> Result<Option<Key>, Fault> {
        // Ours are UUIDs without dashes; any other way to write one is somebody else's.
        let Some(id) = Uuid::try_parse(reference)
            .ok()
            .filter(|_| reference.len() == 32)
        else {
            return Ok(None);
        };
        let key = Key(id);
        if let Entry::Vacant(place) = self.payouts.entry(key) {
            match payouts::find(db, id)?.filter(|row| row.entry_seq > 0) {
                Some(row) => place.insert(row),
                None => return Ok(None),
            };
        }
        Ok(Some(key))
    }

    fn keep(&mut self, rows: Vec<PayoutRow>) -> Vec<Key> {
        let keys = rows.iter().map(|row| row.id).collect();
        for row in rows {
            self.payouts.entry(row.id).or_insert(row);
        }
        keys
    }

    fn push(&mut self, line: LineRow) -> usize {
        self.lines.push(line);
        self.lines.len() - 1
    }

    /// Moves a payout, if its state allows it, and answers what came of it.
    fn move_to(
        &mut self,
        payout: Key,
        wanted: Move,
        line: Option<usize>,
        booked_on: &str,
    ) -> &'static str {
        let Some(row) = self.payouts.get_mut(&payout) else {
            return outcome::UNKNOWN;
        };
        let answer = match (wanted, row.state.as_str()) {
            (Move::Settle, state::IN_TRANSIT) => {
                row.state = state::SETTLED.to_owned();
                outcome::SETTLED
            }
            (Move::Return { from_bank: true }, state::SETTLED)
            | (Move::Return { from_bank: false }, state::IN_TRANSIT) => {
                row.state = state::RETURNED.to_owned();
                row.reason = CAME_BACK.to_owned();
                outcome::RETURNED
            }
            (Move::Settle, state::SETTLED) | (Move::Return { .. }, state::RETURNED) => {
                return outcome::ALREADY;
            }
            _ => return outcome::UNEXPECTED,
        };
        self.changed.insert(payout, ());
        self.steps.push(Step {
            payout,
            moved: wanted,
            line,
            booked_on: booked_on.to_owned(),
        });
        answer
    }

    fn book(
        &mut self,
        batch: &mut Batch,
        command: &Command,
        step: &Step,
        (id, salt): (Uuid, [u8; 16]),
    ) -> Result<(), Fault> {
        let Some(row) = self.payouts.get_mut(&step.payout) else {
            return Err(Fault::internal("a payout was moved that was not read"));
        };
        let currency: Currency = row.currency.parse().map_err(Fault::internal)?;
        let bank = super::plan::bank().map_err(Fault::internal)?;
        let (kind, lines, name) = match step.moved {
            Move::Settle => {
                let lines = rules::payout_settled(bank, row.net);
                (EntryKind::PayoutSettled, lines, "settled")
            }
            Move::Return { from_bank } => {
                let held = if from_bank {
                    bank
                } else {
                    Account::PayoutInTransit
                };
                let lines = rules::payout_returned(&paid(row)?, held);
                (EntryKind::PayoutReturned, lines, "returned")
            }
        };
        let seq = batch.book(Booking {
            id,
            kind,
            currency,
            at: command.at,
            request: &command.request,
            key: format!("payout:{}:{name}", row.id.0),
            links: vec![
                ("bank_file", self.file.0.to_string()),
                ("booked_on", step.booked_on.clone()),
                ("payout", row.id.0.to_string()),
            ],
            lines: lines.map_err(Fault::internal)?,
            salt,
        })?;
        match step.moved {
            Move::Settle => row.settled_seq = seq,
            Move::Return { .. } => {
                row.returned_seq = seq;
                row.returned_period = Some(command.at.period.to_string());
            }
        }
        if let Some(line) = step.line.and_then(|line| self.lines.get_mut(line)) {
            line.entry_seq = seq;
        }
        Ok(())
    }
}

/// Account statements.
impl Reading {
    fn account(
        &mut self,
        db: &mut Db,
        report: &camt053::Report,
    ) -> Result<Vec<StatementRow>, Fault> {
        let mut rows = Vec::with_capacity(report.statements.len());
        for (number, statement) in (1i32..).zip(&report.statements) {
            self.statement(db, number, statement)?;
            rows.push(StatementRow {
                file_id: self.file,
                number,
                name: statement.name.clone(),
                currency: statement.currency.code().to_owned(),
                opening: statement.opening,
                closing: statement.closing,
                opened_on: statement.opened_on.to_string(),
                closed_on: statement.closed_on.to_string(),
            });
        }
        Ok(rows)
    }

    fn statement(&mut self, db: &mut Db, number: i32, of: &Statement) -> Result<(), Fault> {
        let mut placed = Vec::with_capacity(of.lines.len());
        for line in &of.lines {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let reference = match &line.reference {
                Some(reference) => reference.clone(),
                None => text(&line.block),
            };
            let at = i32::try_from(self.lines.len() + 1).map_err(Fault::internal)?;
            let row = LineRow {
                file_id: self.file,
                line: at,
                statement: number,
                currency: of.currency.code().to_owned(),
                amount: line.minor,
                booked_on: line.booked_on.to_string(),
                reference,
                words: line.words.clone(),
                outcome: outcome::OTHER.to_owned(),
                payout_id: None,
                entry_seq: 0,
            };
            placed.push((self.push(row), line));
        }
        // What left before what came back: a file may list a return before its payment.
        placed.sort_by_key(|(_, line)| line.minor > 0);
        for (at, line) in placed {
            let (payout, came) = self.line(db, at, line, of.currency)?;
            if let Some(row) = self.lines.get_mut(at) {
                row.payout_id = payout;
                row.outcome = came.to_owned();
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        db: &mut Db,
        at: usize,
        line: &Line,
        currency: Currency,
    ) -> Result<(Option<Key>, &'static str), Fault> {
        let booked_on = line.booked_on.to_string();
        if let Some(block) = &line.block {
            let came = self.block(db, block, line, currency, &booked_on)?;
            return Ok((None, came));
        }
        let Some(reference) = &line.reference else {
            return Ok((None, outcome::OTHER));
        };
        let Some(payout) = self.payout(db, reference)? else {
            let came = if line.minor < 0 || line.returned.is_some() {
                outcome::UNKNOWN
            } else {
                outcome::OTHER
            };
            return Ok((None, came));
        };
        let row = self.payouts.get(&payout);
        let fits = row.is_some_and(|row| {
            row.currency == currency.code() && row.net.unsigned_abs() == line.minor.unsigned_abs()
        });
        if !fits {
            return Ok((Some(payout), outcome::MISMATCH));
        }
        let wanted = match line.minor < 0 {
            true => Move::Settle,
            false => Move::Return { from_bank: true },
        };
        let came = self.move_to(payout, wanted, Some(at), &booked_on);
        if came == outcome::RETURNED
            && let Some(row) = self.payouts.get_mut(&payout)
        {
            row.bank_reason = line.returned.clone().unwrap_or_default();
        }
        Ok((Some(payout), came))
    }

    /// A whole block debited in one sum.
    fn block(
        &mut self,
        db: &mut Db,
        block: &str,
        line: &Line,
        currency: Currency,
        booked_on: &str,
    ) -> Result<&'static str, Fault> {
        let rows = payouts::of_block(db, block)?;
        if rows.is_empty() {
            return Ok(outcome::UNKNOWN);
        }
        let keys = self.keep(rows);
        let rows: Vec<&PayoutRow> = keys
            .iter()
            .filter_map(|key| self.payouts.get(key))
            .collect();
        let sum: i128 = rows.iter().map(|row| i128::from(row.net)).sum();
        if sum != -i128::from(line.minor) || rows.iter().any(|row| row.currency != currency.code())
        {
            return Ok(outcome::MISMATCH);
        }
        if rows.iter().all(|row| row.state != state::IN_TRANSIT) {
            return Ok(outcome::ALREADY);
        }
        if rows.iter().any(|row| row.state != state::IN_TRANSIT) {
            return Ok(outcome::UNEXPECTED);
        }
        for key in keys {
            self.move_to(key, Move::Settle, None, booked_on);
        }
        Ok(outcome::SETTLED)
    }
}

/// Status reports.
impl Reading {
    fn status(&mut self, db: &mut Db, report: &pain002::Report) -> Result<(), Fault> {
        let batch = Uuid::try_parse(&report.order).ok().map(Key);
        let ours = match batch {
            Some(batch) => payouts::lines(db, batch)?,
            None => Vec::new(),
        };
        let ours: Vec<PayoutRow> = ours.into_iter().filter(|row| row.entry_seq > 0).collect();
        let ours = self.keep(ours);
        let mut nearest: BTreeMap<Key, (usize, &Verdict)> = BTreeMap::new();
        for verdict in &report.verdicts {
            let subjects: Vec<Key> = match &verdict.subject {
                Subject::Order => ours.clone(),
                Subject::Block(name) => self.in_block(&ours, name),
                Subject::Transfer(reference) => {
                    let found = self.payout(db, reference)?;
                    found.filter(|key| ours.contains(key)).into_iter().collect()
                }
            };
            let at = self.verdict(verdict, &subjects, &report.order)?;
            if decides(&verdict.status) {
                nearest.extend(subjects.into_iter().map(|key| (key, (at, verdict))));
            }
        }
        for (key, (at, verdict)) in nearest {
            let came = self.decide(key, at, verdict);
            if let Some(line) = self.lines.get_mut(at)
                && (line.outcome == outcome::OTHER || came == outcome::RETURNED)
            {
                line.outcome = came.to_owned();
            }
        }
        Ok(())
    }

    fn in_block(&self, ours: &[Key], name: &str) -> Vec<Key> {
        let of = |key: &&Key| self.payouts.get(key).is_some_and(|row| row.block == name);
        ours.iter().filter(of).copied().collect()
    }

    /// Keeps a verdict as a line; what came of it is known when all are read.
    fn verdict(
        &mut self,
        verdict: &Verdict,
        subjects: &[Key],
        order: &str,
    ) -> Result<usize, Fault> {
        let reference = match &verdict.subject {
            Subject::Order => order,
            Subject::Block(name) => name,
            Subject::Transfer(reference) => reference,
        };
        let first = subjects.first().and_then(|key| self.payouts.get(key));
        let one = match (&verdict.subject, first) {
            (Subject::Transfer(_), Some(row)) => Some(row.id),
            _ => None,
        };
        let row = LineRow {
            file_id: self.file,
            line: i32::try_from(self.lines.len() + 1).map_err(Fault::internal)?,
            statement: 0,
            currency: first.map(|row| row.currency.clone()).unwrap_or_default(),
            amount: 0,
            booked_on: String::new(),
            reference: reference.chars().take(35).collect(),
            words: format!("{} {}", verdict.status, verdict.reason)
                .trim()
                .to_owned(),
            outcome: match subjects.is_empty() {
                true => outcome::UNKNOWN.to_owned(),
                false => outcome::OTHER.to_owned(),
            },
            payout_id: one,
            entry_seq: 0,
        };
        Ok(self.push(row))
    }

    fn decide(&mut self, key: Key, at: usize, verdict: &Verdict) -> &'static str {
        let single = self
            .lines
            .get(at)
            .is_some_and(|line| line.payout_id.is_some());
        let came = if verdict.rejected() {
            let back = Move::Return { from_bank: false };
            self.move_to(key, back, single.then_some(at), "")
        } else {
            outcome::ACCEPTED
        };
        if matches!(came, outcome::ACCEPTED | outcome::RETURNED)
            && let Some(row) = self.payouts.get_mut(&key)
        {
            row.bank_status = verdict.status.clone();
            row.bank_reason = verdict.reason.clone();
            self.changed.insert(key, ());
        }
        came
    }
}

/// Whether a status says something about each transfer below it.
fn decides(status: &str) -> bool {
    status != "PART"
}
