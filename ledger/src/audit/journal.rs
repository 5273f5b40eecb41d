//! Invariants of entries, postings and balances: I1–I4, I16, I18, I19.

use super::{AccountRow, Audit, EntryRow, PostingRow};
use crate::account::Account;
use crate::entry::{BodyParts, Book, Kind, entry_hash};
use crate::json::Hash;
use std::collections::BTreeMap;

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash)
}

impl Audit {
    /// One entry with its postings, in (book, seq) order.
    pub fn entry(&mut self, row: &EntryRow, postings: &[PostingRow]) {
        let name = format!("entry {} of {}", row.seq, row.book);
        let sum: i128 = postings.iter().map(|p| i128::from(p.amount)).sum();
        if sum != 0 || postings.len() < 2 {
            let message = format!("its {} postings sum to {sum}, not 0", postings.len());
            self.find("I1", &name, message);
        }
        if let Some(line) = postings.iter().find(|p| p.amount == 0) {
            self.find("I1", &name, format!("line {} posts 0", line.line));
        }
        if let Some((line, number)) = postings.iter().zip(0..).find(|(p, n)| p.line != *n) {
            let message = format!("its line {number} is numbered {}", line.line);
            self.find("I3", &name, message);
        }
        self.chain(row, postings, &name);
        self.one_book(row, postings, &name);
        self.period(row, &name);
        self.add_up(row, postings);
        self.paid_out(row, postings, &name);
        self.written_down(row);
    }

    /// I3: dense numbers, unbroken hashes, all recomputed.
    fn chain(&mut self, row: &EntryRow, postings: &[PostingRow], name: &str) {
        let last = self.head.take().filter(|(book, ..)| *book == row.book);
        let (seq, head) = last.map_or((0, Some(Hash::ZERO)), |(_, seq, head)| (seq, head));
        if seq.checked_add(1) != Some(row.seq) {
            self.find(
                "I3",
                name,
                format!("it follows number {seq}: numbers must be dense from 1"),
            );
        } else if head != hash(&row.prev_hash) {
            self.find(
                "I3",
                name,
                "its prev_hash is not the leaf hash of the entry before",
            );
        }
        match self.recompute(row, postings) {
            Err(message) => self.find("I3", name, message),
            Ok((body, leaf)) => {
                if hash(&row.body_hash) != Some(body) {
                    self.find(
                        "I3",
                        name,
                        format!("its rows hash to {body}, body_hash says otherwise"),
                    );
                }
                if hash(&row.leaf_hash) != Some(leaf) {
                    self.find(
                        "I3",
                        name,
                        format!("its leaf hashes to {leaf}, leaf_hash says otherwise"),
                    );
                }
            }
        }
        self.head = Some((row.book.clone(), row.seq, hash(&row.leaf_hash)));
    }

    fn recompute(&self, row: &EntryRow, postings: &[PostingRow]) -> Result<(Hash, Hash), String> {
        let metadata: BTreeMap<String, String> = serde_json::from_str(&row.metadata)
            .map_err(|e| format!("its metadata is no object of texts: {e}"))?;
        let parts = BodyParts {
            id: row.id,
            kind: &row.kind,
            book: &row.book,
            period: &row.period,
            event_time: row.event_time,
            source: &row.source,
            idem_key: &row.idem_key,
            metadata: &metadata,
        };
        let secret = row
            .salt
            .as_slice()
            .try_into()
            .map_err(|_| "its salt is not 16 bytes")?;
        let lines = postings.iter().map(|p| (p.account.as_str(), p.amount));
        let body = parts.body(secret, lines);
        let prev = hash(&row.prev_hash).ok_or("its prev_hash is not 32 bytes")?;
        let seq = u64::try_from(row.seq).map_err(|_| "its number is negative")?;
        Ok((Hash::of(&[&body]), entry_hash(prev, seq, secret, &body)))
    }

    /// I18: book, account and kind belong together.
    fn one_book(&mut self, row: &EntryRow, postings: &[PostingRow], name: &str) {
        let Ok(book) = row.book.parse::<Book>() else {
            return self.find("I18", name, "the name of its book cannot be read");
        };
        if row.kind.parse::<Kind>().is_err() {
            self.find("I18", name, format!("kind {:?} is unknown", row.kind));
        }
        for posting in postings {
            let line = posting.line;
            match posting.account.parse::<Account>() {
                Err(error) => self.find("I18", name, format!("line {line}: {error}")),
                Ok(account) if account.kind() != book.kind() => {
                    let message = format!("line {line} posts {account} in a {} book", book.kind());
                    self.find("I18", name, message);
                }
                Ok(_) if posting.account_book != row.book => {
                    let message = format!("line {line} posts to book {}", posting.account_book);
                    self.find("I18", name, message);
                }
                Ok(_) => {}
            }
        }
    }

    fn add_up(&mut self, row: &EntryRow, postings: &[PostingRow]) {
        let currency = row
            .book
            .parse::<Book>()
            .map(|b| b.currency.to_string())
            .ok();
        if let Some(currency) = &currency {
            self.books
                .entry(currency.clone())
                .or_default()
                .insert(row.book.clone());
        }
        for posting in postings {
            let key = (posting.account_book.clone(), posting.account.clone());
            *self.sums.entry(key).or_default() += i128::from(posting.amount);
            let closing = row.kind == Kind::AccountClosing.as_str();
            if row.kind != Kind::Settlement.as_str() && !closing {
                continue;
            }
            let account = posting.account.parse().ok();
            // A credit that draws a reserve in the same entry posts to both halves.
            if let (Some(Account::Contributor { party, .. }), Some(currency)) = (account, &currency)
            {
                let sums = match closing {
                    true => &mut self.paid_up,
                    false => &mut self.credited,
                };
                *sums.entry((party, currency.clone())).or_default() -= i128::from(posting.amount);
            }
        }
    }

    /// I4: equal (source, key) pairs must come one after the other. `entry` names
    /// the row, such as `17 of <book>`.
    pub fn key(&mut self, source: &str, idem_key: &str, entry: &str) {
        let same = |(s, k): &(String, String)| s == source && k == idem_key;
        if self.last_key.as_ref().is_some_and(same) {
            let message = format!("source {source:?} used the key {idem_key:?} before");
            self.find("I4", format!("entry {entry}"), message);
        } else {
            self.last_key = Some((source.into(), idem_key.into()));
        }
    }

    /// I16 and I19 of a cached balance.
    pub fn account(&mut self, row: &AccountRow) {
        let name = format!("account {} of {}", row.account, row.book);
        let key = (row.book.clone(), row.account.clone());
        let sum = self.sums.get(&key).copied().unwrap_or(0);
        if row.balance == i64::MIN {
            self.find("I19", &name, "its balance has reached −2^63");
        }
        if sum != i128::from(row.balance) {
            let message = format!(
                "its balance says {}, its postings sum to {sum}",
                row.balance
            );
            self.find("I16", &name, message);
        }
        self.accounts_seen.insert(key);
    }

    pub(super) fn finish_journal(&mut self) {
        let mut books: BTreeMap<String, i128> = BTreeMap::new();
        for ((book, account), sum) in std::mem::take(&mut self.sums) {
            let name = format!("account {account} of {book}");
            if sum.unsigned_abs() >= 1 << 63 {
                self.find(
                    "I19",
                    &name,
                    format!("its postings sum to {sum}, beyond 64 bits"),
                );
            }
            if sum != 0
                && !self
                    .accounts_seen
                    .contains(&(book.clone(), account.clone()))
            {
                self.find(
                    "I16",
                    &name,
                    format!("its postings sum to {sum}, but it has no balance row"),
                );
            }
            *books.entry(book.clone()).or_default() += sum;
            self.sums.insert((book, account), sum);
        }
        for (book, sum) in books.into_iter().filter(|(_, sum)| *sum != 0) {
            self.find(
                "I2",
                format!("book {book}"),
                format!("its trial balance is {sum}, not 0"),
            );
        }
    }
}
