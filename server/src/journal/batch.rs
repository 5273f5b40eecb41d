//! The state of one transaction: what is loaded before planning, changed while planning,
//! and written at the end.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use ledger::account::Account;
use ledger::entry::{self, Book, Chain, Draft, Kind as EntryKind};
use ledger::json::{self, Hash};
use ledger::money::{Currency, Money};
use ledger::period::Period;
use ledger::pool::Pool;
use schema::columns::{Key, When};
use schema::db::Db;
use uuid::Uuid;

use super::command::{At, Command, Request, Work, key_conflict};
use super::invoices::Documents;
use super::plan;
use crate::error::{Fault, Kind};
use crate::store::checkpoints::LeafRow;
use crate::store::disputes::{self, DisputeRow, MoveRow};
use crate::store::journal::{self as rows, AccountRow, AnswerRow, EntryRow, PostingRow};
use crate::store::orders::{self, LicenceRow, OrderRow, RefundRow};
use crate::store::outbox::{self, OutboxRow};
use crate::store::payments::{self, ObjectRow, PaymentRow};
use crate::store::pools::{self, PoolRow};
use crate::store::reserves::{self, ReserveRow};
use crate::store::{jobs, periods};

/// From this many names on, all accounts of the book are read instead.
const MANY_ACCOUNTS: usize = 50_000;

/// A pool's key.
pub(super) type PoolKey = (Uuid, i32, Currency);

/// An account while planning.
#[derive(Debug, Clone, Copy)]
struct Slot {
    id: i64,
    balance: i64,
    stored: bool,
    changed: bool,
}

/// State of one transaction.
pub(super) struct Batch {
    node: Uuid,
    recorded_at: DateTime<Utc>,
    heads: HashMap<Currency, Chain>,
    /// Places in `slots`: an entry with a million lines looks each account up once.
    accounts: HashMap<(Currency, Account), usize>,
    slots: Vec<Slot>,
    next_account: i64,
    pools: HashMap<PoolKey, (Pool, bool)>,
    known: HashMap<(Uuid, String), (Vec<u8>, Vec<Uuid>)>,
    closed: HashSet<String>,
    /// The first period that takes entries, as far as anybody asked for a closed one.
    open_from: Period,
    pub(super) orders: HashMap<Key, OrderRow>,
    pub(super) disputes: HashMap<Key, DisputeRow>,
    pub(super) reserves: HashMap<(Uuid, Currency), Vec<ReserveRow>>,
    /// Payments that are booked, or that paid an order which is touched.
    pub(super) payments: HashMap<Key, PaymentRow>,
    /// Objects of the provider.
    pub(super) objects: HashMap<String, ObjectRow>,
    /// What refunds have given back of an order, where a report asks.
    refunds: HashMap<Key, i64>,
    /// Invoices and credit notes.
    pub(super) documents: Documents,
    pub(super) new: NewRows,
}

/// Rows to be written.
#[derive(Default)]
pub(super) struct NewRows {
    entries: Vec<EntryRow>,
    postings: Vec<PostingRow>,
    answers: Vec<AnswerRow>,
    leaves: Vec<LeafRow>,
    pub(super) orders: Vec<OrderRow>,
    pub(super) licences: Vec<LicenceRow>,
    pub(super) refunds: Vec<RefundRow>,
    pub(super) disputes: Vec<Key>,
    pub(super) decided: BTreeSet<Key>,
    pub(super) moves: Vec<MoveRow>,
    pub(super) drawn: BTreeSet<Key>,
    pub(super) refunded: BTreeSet<Key>,
    pub(super) revocations: Vec<(Key, When, String)>,
    /// What the provider has to be told, with its job.
    pub(super) outbox: Vec<OutboxRow>,
    payments: BTreeSet<Key>,
    objects: BTreeSet<String>,
}

/// An entry to be booked.
pub(super) struct Booking<'a> {
    pub(super) id: Uuid,
    pub(super) kind: EntryKind,
    pub(super) currency: Currency,
    pub(super) at: At,
    pub(super) request: &'a Request,
    /// The entry's key; the request's own when the request makes one entry only.
    pub(super) key: String,
    pub(super) links: Vec<(&'static str, String)>,
    pub(super) lines: Vec<(Account, i64)>,
    pub(super) salt: [u8; 16],
}

impl Batch {
    /// Whose books these are.
    pub(super) fn node(&self) -> Uuid {
        self.node
    }

    /// Reads everything the commands can touch.
    pub(super) fn load(
        db: &mut Db,
        node: Uuid,
        recorded_at: DateTime<Utc>,
        commands: &[&Command],
    ) -> Result<Self, Fault> {
        let mut batch = Self {
            node,
            recorded_at,
            heads: HashMap::new(),
            accounts: HashMap::new(),
            slots: Vec::new(),
            next_account: rows::last_account(db)? + 1,
            pools: HashMap::new(),
            known: HashMap::new(),
            closed: HashSet::new(),
            open_from: Period::of(recorded_at),
            orders: HashMap::new(),
            disputes: HashMap::new(),
            reserves: HashMap::new(),
            payments: HashMap::new(),
            objects: HashMap::new(),
            refunds: HashMap::new(),
            documents: Documents::load(db, recorded_at, &[])?,
            new: NewRows::default(),
        };
        batch.load_keys(db, commands)?;
        batch.load_payments(db, commands)?;
        batch.load_orders(db, commands)?;
        batch.load_reserves(db, commands)?;
        let periods: BTreeSet<String> = commands.iter().map(|c| c.at.period.to_string()).collect();
        for period in periods {
            if !periods::open(db, &period, recorded_at)? {
                batch.closed.insert(period);
                batch.open_from = periods::open_from(db, batch.open_from)?;
            }
        }
        let mut accounts: HashMap<Currency, HashSet<Account>> = HashMap::new();
        for command in commands {
            let touched = plan::touches(&batch, &command.work)?;
            if let Some(touched) = touched {
                if let Some(pool) = touched.pool {
                    batch.load_pool(db, pool)?;
                }
                accounts
                    .entry(touched.currency)
                    .or_default()
                    .extend(touched.accounts);
            }
        }
        for (currency, names) in accounts {
            batch.load_accounts(db, currency, names)?;
        }
        Ok(batch)
    }

    fn load_keys(&mut self, db: &mut Db, commands: &[&Command]) -> Result<(), Fault> {
        let sources: Vec<String> = commands.iter().map(|c| c.request.source()).collect();
        let mut parties = HashMap::with_capacity(commands.len());
        let mut pairs = Vec::with_capacity(commands.len());
        for (command, source) in commands.iter().zip(&sources) {
            parties.insert(source.as_str(), command.request.party);
            pairs.push((source.as_str(), command.request.key.as_str()));
        }
        for row in rows::keys(db, &pairs)? {
            if let Some(party) = parties.get(row.source.as_str()) {
                self.known
                    .insert((*party, row.idem_key), (row.request_hash, vec![row.id.0]));
            }
        }
        let pairs: Vec<(Uuid, &str)> = commands
            .iter()
            .map(|c| (c.request.party, c.request.key.as_str()))
            .collect();
        for row in rows::answers(db, &pairs)? {
            let ids = row.ids()?;
            self.known.insert(
                (row.party_id.0, row.key().to_owned()),
                (row.request_hash, ids),
            );
        }
        Ok(())
    }

    fn load_orders(&mut self, db: &mut Db, commands: &[&Command]) -> Result<(), Fault> {
        let reported: Vec<Key> = commands
            .iter()
            .filter_map(|c| match &c.work {
                Work::Provider(report) => self.payments.get(&report.payment()?)?.order_id,
                _ => None,
            })
            .collect();
        let known = commands.iter().filter_map(|c| c.work.order());
        let ids: Vec<Key> = known.chain(reported.iter().copied()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.orders = orders::by_ids(db, &ids)?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        self.disputes = disputes::of_orders(db, &ids)?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        self.documents = Documents::load(db, self.recorded_at, &ids)?;
        for row in payments::of_orders(db, &ids)? {
            self.payments.insert(row.id, row);
        }
        for id in reported {
            let total = orders::refunds(db, id.0)?
                .iter()
                .map(|row| row.amount)
                .sum();
            self.refunds.insert(id, total);
        }
        Ok(())
    }

    fn load_payments(&mut self, db: &mut Db, commands: &[&Command]) -> Result<(), Fault> {
        let (mut ids, mut objects) = (Vec::new(), Vec::new());
        for command in commands {
            match &command.work {
                Work::TopUp(work) => ids.extend(work.payment),
                Work::Purchase(work) => ids.extend(work.payment),
                Work::Provider(report) => {
                    ids.extend(report.payment());
                    objects.extend(report.object().map(str::to_owned));
                }
                _ => {}
            }
        }
        if !ids.is_empty() {
            let rows = payments::by_ids(db, &ids)?;
            self.payments = rows.into_iter().map(|row| (row.id, row)).collect();
        }
        if !objects.is_empty() {
            let rows = payments::objects(db, &objects)?;
            self.objects = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        Ok(())
    }

    /// Reads what is held of everybody who may have to give something back.
    fn load_reserves(&mut self, db: &mut Db, commands: &[&Command]) -> Result<(), Fault> {
        let owners: BTreeSet<Key> = commands
            .iter()
            .filter_map(|c| c.work.gives_back().map(|(owner, _)| Key(owner)))
            .collect();
        let owners: Vec<Key> = owners.into_iter().collect();
        for row in reserves::of_parties(db, &owners)? {
            let currency = row.currency.parse().map_err(Fault::internal)?;
            let payee = (row.party_id.0, currency);
            self.reserves.entry(payee).or_default().push(row);
        }
        Ok(())
    }

    pub(super) fn load_pool(&mut self, db: &mut Db, key: PoolKey) -> Result<(), Fault> {
        if self.pools.contains_key(&key) {
            return Ok(());
        }
        let row = pools::find(db, key.0, key.1, key.2.code())?;
        let pool = row.map_or(Pool::default(), |row| Pool {
            cumulative: row.cumulative,
            settled: row.settled,
        });
        self.pools.insert(key, (pool, false));
        Ok(())
    }

    /// Reads a book's head and these accounts of it.
    pub(super) fn load_accounts(
        &mut self,
        db: &mut Db,
        currency: Currency,
        wanted: HashSet<Account>,
    ) -> Result<(), Fault> {
        let book = currency.code();
        let head = match rows::head(db, book)? {
            None => Chain::default(),
            Some((seq, leaf)) => Chain {
                seq: u64::try_from(seq).map_err(Fault::internal)?,
                head: Hash(leaf.as_slice().try_into().map_err(Fault::internal)?),
            },
        };
        self.heads.insert(currency, head);
        let found = if wanted.len() > MANY_ACCOUNTS {
            rows::all_accounts(db, book)?
        } else {
            let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            rows::accounts(db, book, &names)?
        };
        for row in found {
            let account: Account = row.name.parse().map_err(Fault::internal)?;
            let slot = Slot {
                id: row.id,
                balance: row.balance,
                stored: true,
                changed: false,
            };
            self.accounts.insert((currency, account), self.slots.len());
            self.slots.push(slot);
        }
        Ok(())
    }

    /// What an earlier request under the same key has made.
    ///
    /// # Errors
    /// The key was used for something else, or the period is closed.
    pub(super) fn before(&self, command: &Command) -> Result<Option<Vec<Uuid>>, Fault> {
        let Request { party, key, hash } = &command.request;
        if let Some((known, ids)) = self.known.get(&(*party, key.clone())) {
            return if *known == hash.0 {
                Ok(Some(ids.clone()))
            } else {
                Err(key_conflict(key))
            };
        }
        let period = command.at.period.to_string();
        if self.closed.contains(&period) {
            return Err(super::closed(command.at.period, self.open_from));
        }
        Ok(None)
    }

    /// Remembers what a request has made, for repeats within the same transaction.
    pub(super) fn made(&mut self, request: &Request, ids: Vec<Uuid>) {
        let known = (request.hash.0.to_vec(), ids);
        self.known
            .insert((request.party, request.key.clone()), known);
    }

    /// Stores what a request has made where no single entry bears its key.
    pub(super) fn answer(&mut self, request: &Request, ids: &[Uuid]) -> Result<(), Fault> {
        let row = AnswerRow::new(
            request.party,
            &request.key,
            request.hash.0.to_vec(),
            ids,
            self.recorded_at,
        )?;
        self.new.answers.push(row);
        Ok(())
    }

    /// The balance of an account; 0 when it has none yet.
    pub(super) fn balance(&self, currency: Currency, account: &Account) -> i64 {
        self.accounts
            .get(&(currency, account.clone()))
            .and_then(|place| self.slots.get(*place))
            .map_or(0, |slot| slot.balance)
    }

    /// Currencies whose books are loaded, in order.
    pub(super) fn currencies(&self) -> Vec<Currency> {
        let mut loaded: Vec<Currency> = self.heads.keys().copied().collect();
        loaded.sort_unstable();
        loaded
    }

    /// A pool as it stands.
    pub(super) fn pool(&self, key: PoolKey) -> Pool {
        self.pools
            .get(&key)
            .map_or(Pool::default(), |(pool, _)| *pool)
    }

    /// Changes a pool.
    pub(super) fn set_pool(&mut self, key: PoolKey, pool: Pool) {
        self.pools.insert(key, (pool, true));
    }

    /// The card payment that paid an order; none when a wallet did.
    pub(super) fn paid_by(&self, order: Key) -> Option<&PaymentRow> {
        self.payments
            .values()
            .find(|row| row.order_id == Some(order))
    }

    /// What refunds have given back of an order.
    pub(super) fn refunds(&self, order: Key) -> i64 {
        self.refunds.get(&order).copied().unwrap_or(0)
    }

    /// Remembers a refund.
    pub(super) fn refunded(&mut self, order: OrderRow, minor: i64) {
        if let Some(total) = self.refunds.get_mut(&order.id) {
            *total += minor;
        }
        self.new.refunded.insert(order.id);
        self.orders.insert(order.id, order);
    }

    /// Changes what is booked of a payment.
    pub(super) fn set_payment(&mut self, row: PaymentRow) {
        self.new.payments.insert(row.id);
        self.payments.insert(row.id, row);
    }

    /// A payment has come; once for ever.
    pub(super) fn set_paid(
        &mut self,
        id: Key,
        now: DateTime<Utc>,
        order: Option<Key>,
    ) -> Result<(), Fault> {
        let mut row = self.payments.get(&id).cloned().ok_or_else(Fault::missing)?;
        "paid".clone_into(&mut row.state);
        row.paid_at = Some(now.into());
        row.order_id = order;
        self.set_payment(row);
        Ok(())
    }

    /// Changes what is booked of an object of the provider.
    pub(super) fn set_object(&mut self, row: ObjectRow) {
        self.new.objects.insert(row.id.clone());
        self.objects.insert(row.id.clone(), row);
    }

    /// Books an entry: balances, chain and rows. Nothing is changed when it is refused.
    ///
    /// # Errors
    /// An entry the ledger refuses, a balance beyond 64 bits (I19), a wallet below zero.
    pub(super) fn book(&mut self, booking: Booking<'_>) -> Result<i64, Fault> {
        let Booking {
            id,
            kind,
            currency,
            at,
            request,
            key,
            links,
            lines,
            salt,
        } = booking;
        let mut metadata: std::collections::BTreeMap<String, String> = links
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        metadata.insert("request".to_owned(), request.hash.to_string());
        metadata.insert("recorded_at".to_owned(), recorded(self.recorded_at));
        let mut draft = Draft {
            id,
            kind,
            book: Book {
                node: self.node,
                currency,
            },
            period: at.period,
            event_time: at.now,
            source: request.source(),
            idem_key: key,
            metadata,
            postings: Vec::with_capacity(lines.len()),
        };
        for (account, minor) in lines {
            draft.post(account, minor);
        }
        let entry = draft.balance().map_err(Fault::internal)?;
        let places = self.apply(currency, &entry.postings)?;
        let meta = json::canonical(&entry.metadata).map_err(Fault::internal)?;
        let body = entry.body(&salt);
        let link = self.heads.entry(currency).or_default().append(&body, &salt);
        if kind == EntryKind::Settlement {
            let leaf = entry::leaf(link.prev_hash, link.seq, &salt, &body);
            self.new.leaves.push(LeafRow {
                settlement_id: Key(id),
                leaf: String::from_utf8(leaf).map_err(Fault::internal)?,
            });
        }
        let seq = i64::try_from(link.seq).map_err(Fault::internal)?;
        self.push_postings(currency, seq, &entry.postings, &places)?;
        self.new.entries.push(EntryRow {
            book: currency.code().to_owned(),
            seq,
            id: Key(id),
            kind: kind.as_str().to_owned(),
            period: at.period.to_string(),
            event_time: at.now.into(),
            recorded_at: self.recorded_at.into(),
            source: entry.source.clone(),
            idem_key: entry.idem_key.clone(),
            request_hash: request.hash.0.to_vec(),
            meta: String::from_utf8(meta).map_err(Fault::internal)?,
            salt: salt.to_vec(),
            body_hash: link.body_hash.0.to_vec(),
            prev_hash: link.prev_hash.0.to_vec(),
            leaf_hash: link.leaf_hash.0.to_vec(),
        });
        Ok(seq)
    }

    /// Adds postings to balances, all or none; answers the places of their accounts.
    fn apply(
        &mut self,
        currency: Currency,
        postings: &[ledger::entry::Posting],
    ) -> Result<Vec<usize>, Fault> {
        let places: Vec<usize> = postings
            .iter()
            .map(|posting| self.place(currency, &posting.account))
            .collect();
        let mut refused = None;
        let mut done = 0;
        for (place, posting) in places.iter().zip(postings) {
            let slot = &mut self.slots[*place];
            match slot.balance.checked_add(posting.amount.minor) {
                Some(balance) => slot.balance = balance,
                None => {
                    refused = Some(too_large(&posting.account));
                    break;
                }
            }
            done += 1;
        }
        if refused.is_none() {
            refused = self.below_zero(currency, postings);
        }
        match refused {
            None => {
                for place in &places {
                    self.slots[*place].changed = true;
                }
                Ok(places)
            }
            Some(fault) => {
                for (place, posting) in places.iter().zip(postings).take(done) {
                    let slot = &mut self.slots[*place];
                    slot.balance = slot.balance.wrapping_sub(posting.amount.minor);
                }
                Err(fault)
            }
        }
    }

    /// Why postings that were added cannot stay: a wallet that would owe.
    fn below_zero(&self, currency: Currency, postings: &[ledger::entry::Posting]) -> Option<Fault> {
        let below = postings.iter().find(|p| {
            matches!(p.account, Account::Wallet(_)) && self.balance(currency, &p.account) > 0
        });
        below.map(|p| {
            Fault::new(
                Kind::Unpaid,
                "insufficient_funds",
                format!(
                    "{} holds {} and cannot give {}. Nothing was booked; fill the wallet first.",
                    p.account,
                    Money::new(
                        self.balance(currency, &p.account)
                            .saturating_neg()
                            .saturating_add(p.amount.minor),
                        currency
                    ),
                    p.amount
                ),
            )
        })
    }

    /// Where an account's slot is; a new account gets the next number.
    fn place(&mut self, currency: Currency, account: &Account) -> usize {
        *self
            .accounts
            .entry((currency, account.clone()))
            .or_insert_with(|| {
                self.slots.push(Slot {
                    id: self.next_account,
                    balance: 0,
                    stored: false,
                    changed: false,
                });
                self.next_account += 1;
                self.slots.len() - 1
            })
    }

    fn push_postings(
        &mut self,
        currency: Currency,
        seq: i64,
        postings: &[ledger::entry::Posting],
        places: &[usize],
    ) -> Result<(), Fault> {
        for (line, (posting, place)) in postings.iter().zip(places).enumerate() {
            self.new.postings.push(PostingRow {
                book: currency.code().to_owned(),
                seq,
                line: i32::try_from(line).map_err(Fault::internal)?,
                account_id: self.slots[*place].id,
                amount: posting.amount.minor,
            });
        }
        Ok(())
    }

    /// The leaves of the settlements that were booked; their rows come after the settlements'.
    pub(super) fn take_leaves(&mut self) -> Vec<LeafRow> {
        std::mem::take(&mut self.new.leaves)
    }

    /// Writes everything that was planned.
    pub(super) fn write(&mut self, db: &mut Db) -> Result<(), Fault> {
        let (mut fresh, mut balances) = (Vec::new(), Vec::new());
        for ((currency, account), place) in &self.accounts {
            let slot = self.slots[*place];
            if !slot.changed {
                continue;
            }
            if slot.stored {
                balances.push((slot.id, slot.balance));
            } else {
                fresh.push(AccountRow {
                    id: slot.id,
                    book: currency.code().to_owned(),
                    name: account.to_string(),
                    balance: slot.balance,
                });
            }
        }
        fresh.sort_unstable_by_key(|row| row.id);
        balances.sort_unstable();
        rows::insert_accounts(db, &fresh)?;
        rows::set_balances(db, &balances)?;
        rows::insert_entries(db, &self.new.entries)?;
        rows::insert_postings(db, &self.new.postings)?;
        rows::insert_answers(db, &self.new.answers)?;
        for ((revision, epoch, currency), (pool, _)) in
            self.pools.iter().filter(|(_, (_, changed))| *changed)
        {
            pools::put(
                db,
                &PoolRow {
                    revision_id: Key(*revision),
                    epoch: *epoch,
                    currency: currency.code().to_owned(),
                    cumulative: pool.cumulative,
                    settled: pool.settled,
                },
            )?;
        }
        orders::insert(db, &self.new.orders)?;
        orders::insert_licences(db, &self.new.licences)?;
        orders::insert_refunds(db, &self.new.refunds)?;
        self.documents.write(db)?;
        self.write_disputes(db)?;
        for row in self.reserves.values().flatten() {
            if self.new.drawn.contains(&row.id) {
                reserves::set_remaining(db, row.id, row.remaining)?;
            }
        }
        for id in &self.new.refunded {
            if let Some(order) = self.orders.get(id) {
                orders::set_refunded(db, order)?;
            }
        }
        for (order, at, reason) in &self.new.revocations {
            orders::revoke_licence(db, *order, *at, reason)?;
        }
        self.write_payments(db)
    }

    fn write_payments(&self, db: &mut Db) -> Result<(), Fault> {
        for id in &self.new.payments {
            if let Some(row) = self.payments.get(id) {
                payments::set_booked(db, row)?;
            }
        }
        for id in &self.new.objects {
            if let Some(row) = self.objects.get(id) {
                payments::set_object_booked(db, row)?;
            }
        }
        for row in &self.new.outbox {
            outbox::insert(db, row)?;
            let id = row.id.0;
            jobs::enqueue(db, id, outbox::JOB, &id.to_string(), self.recorded_at)?;
        }
        Ok(())
    }
}

/// How an entry binds the moment it was written.
pub(crate) fn recorded(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

impl Batch {
    fn write_disputes(&self, db: &mut Db) -> Result<(), Fault> {
        let ids = self.new.disputes.iter();
        let opened: Vec<DisputeRow> = ids
            .filter_map(|id| self.disputes.get(id).cloned())
            .collect();
        disputes::insert(db, &opened)?;
        disputes::insert_moves(db, &self.new.moves)?;
        for row in self
            .new
            .decided
            .iter()
            .filter_map(|id| self.disputes.get(id))
        {
            disputes::decide(db, row)?;
        }
        Ok(())
    }
}

fn too_large(account: &Account) -> Fault {
    Fault::new(
        Kind::Invalid,
        "amount_out_of_range",
        format!("The balance of {account} would leave the 64-bit range; nothing was booked."),
    )
}
