//! Invariants of what is held, written down or over: I11 for disputes, I12, I14, and I16
//! for what was written down on the way.

use super::{Audit, ClosedRow, DisputeRow, EntryRow, PostingRow, ReserveRow, SnapshotRow};
use crate::account::{Account, Sub};
use crate::entry::{Book, Kind};
use uuid::Uuid;

impl Audit {
    /// A period that was closed, once per book. Before the first entry.
    pub fn closed(&mut self, row: &ClosedRow) {
        let books = self.closed.entry(row.period.clone()).or_default();
        books.insert(row.book.clone(), row.last_seq);
    }

    /// A balance that was written down. Before the first entry.
    pub fn snapshot(&mut self, row: &SnapshotRow) {
        let at = (row.book.clone(), row.seq);
        let balance = (row.account.clone(), row.balance);
        self.snapshots.entry(at).or_default().push(balance);
    }

    /// I14: no entry of a closed period comes after its closing. What counts is the entry's
    /// number, which its hash binds, not the time it says.
    pub(super) fn period(&mut self, row: &EntryRow, name: &str) {
        // Closing a period closes all before it.
        let Some((closed, books)) = self.closed.range(row.period.clone()..).next() else {
            return;
        };
        // A book that had no entry then has none in that period.
        let last = books.get(&row.book).copied().unwrap_or(0);
        if row.seq > last {
            let message = format!(
                "it is booked in {}, but {closed} was closed at entry {last}",
                row.period
            );
            self.find("I14", name, message);
        }
    }

    /// I12: a payout never takes a balance below zero.
    pub(super) fn paid_out(&mut self, row: &EntryRow, postings: &[PostingRow], name: &str) {
        if row.kind != Kind::Payout.as_str() {
            return;
        }
        for posting in postings.iter().filter(|p| p.amount > 0) {
            let key = (posting.account_book.clone(), posting.account.clone());
            let sum = self.sums.get(&key).copied().unwrap_or(0);
            if available(&posting.account).is_some() && sum > 0 {
                let message = format!("it leaves {} owing {sum}", posting.account);
                self.find("I12", name, message);
            }
        }
    }

    /// I16: what was written down at this entry is what the postings say.
    pub(super) fn written_down(&mut self, row: &EntryRow) {
        let at = (row.book.clone(), row.seq);
        for (account, balance) in self.snapshots.remove(&at).unwrap_or_default() {
            let key = (row.book.clone(), account);
            let sum = self.sums.get(&key).copied().unwrap_or(0);
            if sum != i128::from(balance) {
                let name = format!("snapshot {} of {} at {}", key.1, key.0, row.seq);
                let message = format!("it says {balance}, its postings up to there sum to {sum}");
                self.find("I16", name, message);
            }
        }
    }

    /// One dispute. What open ones hold must be on hold in the books.
    pub fn dispute(&mut self, row: &DisputeRow) {
        let name = format!("dispute {}", row.id);
        if row.amount < 1 || !(0..=row.amount).contains(&row.within) {
            let message = format!("{} of {} count towards the order", row.within, row.amount);
            self.find("I11", &name, message);
        }
        match row.state.as_str() {
            "open" => {
                *self.held.entry(row.book.clone()).or_default() += i128::from(row.amount);
            }
            "won" => return,
            "lost" => {}
            other => return self.find("I11", name, format!("its state is {other:?}")),
        }
        if let Some(order) = &row.order {
            *self.disputed.entry(order.clone()).or_default() += i128::from(row.within);
        }
    }

    /// One reserve.
    pub fn reserve(&mut self, row: &ReserveRow) {
        if row.left < 0 {
            let name = format!("reserve of {} in {}", row.party, row.currency);
            self.find("I16", name, format!("{} is left of it", row.left));
        }
        let key = (row.party, row.currency.clone());
        *self.reserves.entry(key).or_default() += i128::from(row.left);
    }

    pub(super) fn finish_held(&mut self) {
        for ((book, seq), balances) in std::mem::take(&mut self.snapshots) {
            if balances.iter().any(|(_, balance)| *balance != 0) {
                let name = format!("snapshot of {book} at {seq}");
                self.find("I16", name, "there is no such entry");
            }
        }
        for (order, held) in std::mem::take(&mut self.disputed) {
            if held > 0 {
                let name = format!("order {order}");
                self.find("I11", name, format!("disputes took {held}, it has no row"));
            }
        }
        for ((party, currency), units) in std::mem::take(&mut self.paid_up) {
            if units > 1 {
                let name = format!("contributor {party} in {currency}");
                self.find("I9", name, format!("{units} units were paid up at closing"));
            }
        }
        self.on_hold();
        self.owing();
    }

    /// I11: what is on hold is what open disputes hold.
    fn on_hold(&mut self) {
        let hold = Account::DisputeHold.to_string();
        let mut held = std::mem::take(&mut self.held);
        for (book, _) in self.sums.keys().filter(|(_, account)| *account == hold) {
            held.entry(book.clone()).or_default();
        }
        for (book, held) in held {
            let key = (book, hold.clone());
            let booked = -self.sums.get(&key).copied().unwrap_or(0);
            if booked != held {
                let name = format!("account {hold} of {}", key.0);
                let message = format!("{booked} is on hold, open disputes hold {held}");
                self.find("I11", name, message);
            }
        }
    }

    /// I12: who owes has no reserve left; and every reserve is what its rows say (I16).
    fn owing(&mut self) {
        let mut rows = std::mem::take(&mut self.reserves);
        let mut wrong = Vec::new();
        for ((book, name), sum) in &self.sums {
            let Ok(Account::Contributor {
                party,
                sub: Sub::Reserve,
            }) = name.parse()
            else {
                continue;
            };
            let Ok(Book { currency, .. }) = book.parse() else {
                continue;
            };
            let held = -sum;
            let key = (book.clone(), Account::available(party).to_string());
            let owing = self.sums.get(&key).copied().unwrap_or(0);
            let row = format!("account {name} of {book}");
            if held < 0 || (owing > 0 && held != 0) {
                let message = format!("it holds {held} while {owing} is owed");
                wrong.push(("I12", row.clone(), message));
            }
            let said = rows.remove(&(party, currency.to_string())).unwrap_or(0);
            if said != held {
                wrong.push(("I16", row, format!("it holds {held}, its rows say {said}")));
            }
        }
        for ((party, currency), said) in rows {
            if said != 0 {
                let row = format!("account {} in {currency}", Account::reserve(party));
                wrong.push(("I16", row, format!("it holds 0, its rows say {said}")));
            }
        }
        for (invariant, row, message) in wrong {
            self.find(invariant, row, message);
        }
    }
}

fn available(name: &str) -> Option<Uuid> {
    match name.parse() {
        Ok(Account::Contributor {
            party,
            sub: Sub::Available,
        }) => Some(party),
        _ => None,
    }
}
