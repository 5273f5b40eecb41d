//! A journal in memory that applies whole commands: the oracle the SQL store is
//! compared with, and the smallest complete ledger.
//!
//! [`Journal::apply`] is all or nothing. Ids, time and salt come in a [`Stamp`].
//! A command is applied once per (source, key): the same command again answers
//! with the entry it made and changes nothing, another command is a conflict (I4).
//! What is compared is the command, not the entry: the legs of a refund depend on
//! what was refunded before, so the same refund sent twice would plan two entries.
//!
//! ```
//! use ledger::{account::{Account, Label}, book::{Command, Journal, Outcome, Stamp}, money::Currency};
//! use uuid::Uuid;
//! let mut journal = Journal::new(Uuid::from_u128(1));
//! let from = Account::Bank(Label::new("main")?);
//! let command = Command::TopUp { party: Uuid::from_u128(2), amount: "20.00 EUR".parse()?, from };
//! let stamp = Stamp { entry_id: Uuid::from_u128(3), at: "2026-11-24T10:00:00Z".parse()?,
//!     period: "2026-11".parse()?, salt: [0; 16] };
//! assert_eq!(journal.apply("desk", "slip-1", &command, stamp.clone())?, Outcome::Recorded(0));
//! assert_eq!(journal.apply("desk", "slip-1", &command, stamp)?, Outcome::Repeated(0));
//! assert_eq!(journal.balance(Currency::EUR, &Account::Wallet(Uuid::from_u128(2))), -2000);
//! assert!(journal.rows().findings().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod rows;
#[cfg(test)]
pub(crate) mod tests;

pub use rows::Rows;

use crate::account::{Account, Label};
use crate::entry::{Book, Chain, Draft, Entry, EntryError, Kind, Link};
use crate::epoch::Epoch;
use crate::json::{Hash, canonical_plain};
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::plan::{FeePlan, Legs, PlanError, split_sale};
use crate::pool::Pool;
use crate::refund::{RefundError, take_back};
use crate::rules::{self, Lines, SaleAccounts};
use crate::settle::{SettleError, Settlement, settle_pool};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Why a command was not applied; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// I4.
    #[error(
        "source {source_name:?} already used the key {key:?} for another request: use a new key"
    )]
    IdempotencyConflict {
        /// The source.
        source_name: String,
        /// Its key.
        key: String,
    },
    /// The wallet cannot pay.
    #[error("the wallet holds {has} minor units, {needs} are needed: top up first")]
    InsufficientFunds {
        /// Minor units in the wallet.
        has: i64,
        /// Minor units asked.
        needs: i64,
    },
    /// Points buy nothing, and only positive amounts move.
    #[error(
        "{0} cannot be paid: amounts of money are at least one minor unit, points are no money"
    )]
    NotPayable(Money),
    /// No frozen shares under this name.
    #[error("revision {0} has no epoch {1}")]
    UnknownEpoch(Uuid, u32),
    /// An epoch is never edited.
    #[error(
        "epoch {1} of revision {0} is frozen with other shares: a re-scored revision makes a new epoch"
    )]
    EpochFrozen(Uuid, u32),
    /// Unknown order.
    #[error("there is no order {0}")]
    UnknownOrder(Uuid),
    /// An order id is used once.
    #[error("order {0} exists already")]
    OrderExists(Uuid),
    /// I19.
    #[error("account {0} would leave the 64-bit range")]
    Overflow(Account),
    /// The sale cannot be cut.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing can be given back.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// The pool cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The entry is not balanced or keyed.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// What the node adds to a command.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Id of the entry.
    pub entry_id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The open period it is booked in.
    pub period: Period,
    /// 16 random bytes.
    pub salt: [u8; 16],
}

/// What somebody asks the ledger to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Confirmed money for a wallet.
    TopUp {
        /// Whose wallet.
        party: Uuid,
        /// How much.
        amount: Money,
        /// `Assets:PSP:…` or `Assets:Bank:…`.
        from: Account,
    },
    /// A sale out of a wallet to a frozen epoch.
    Purchase {
        /// New order id.
        order: Uuid,
        /// Whose wallet pays.
        buyer: Uuid,
        /// The revision sold.
        revision: Uuid,
        /// Its epoch.
        epoch: u32,
        /// Gross.
        price: Money,
        /// Rates.
        plan: FeePlan,
        /// Where sales tax is owed.
        tax: String,
    },
    /// Part or all of a sale back into the wallet.
    Refund {
        /// The order.
        order: Uuid,
        /// Minor units of the order's currency.
        #[serde(with = "crate::json::exact")]
        amount: i64,
    },
    /// One pool into its contributors.
    Settle {
        /// Revision.
        revision: Uuid,
        /// Epoch.
        epoch: u32,
        /// Currency.
        currency: Currency,
    },
}

/// What [`Journal::apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new entry, by its place in [`Journal::entries`].
    Recorded(usize),
    /// The command had been applied before, as this entry.
    Repeated(usize),
    /// The pool has not moved since it was settled: no entry.
    Unmoved,
}

/// A written entry.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it says.
    pub entry: Entry,
    /// Where it stands in its book's chain.
    pub link: Link,
    /// The salt of its leaf.
    pub salt: [u8; 16],
    /// For a settlement: the contributor lines.
    pub settlement: Option<Settlement<Uuid>>,
}

/// Totals of an order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its accounts, for refunds.
    pub accounts: SaleAccounts,
    /// Currency of all figures.
    pub currency: Currency,
    /// How it was cut.
    pub legs: Legs,
    /// Running total given back.
    pub refunded: i64,
}

/// The journal of one node and everything derived from it.
#[derive(Debug, Clone)]
pub struct Journal {
    node: Uuid,
    entries: Vec<Recorded>,
    chains: BTreeMap<Book, Chain>,
    balances: BTreeMap<(Book, Account), i64>,
    keys: BTreeMap<(String, String), (Hash, usize)>,
    epochs: BTreeMap<(Uuid, u32), Epoch<Uuid>>,
    pools: BTreeMap<(Uuid, u32, Currency), Pool>,
    carries: BTreeMap<(Uuid, Currency), i64>,
    orders: BTreeMap<Uuid, Order>,
}

/// A planned entry and what changes with it.
struct Plan {
    kind: Kind,
    currency: Currency,
    lines: Lines,
    link: (&'static str, String),
    change: Change,
}

enum Change {
    None,
    Sale(Uuid, Box<Order>),
    GiveBack(Uuid, i64, Legs),
    Settled(Uuid, u32, Settlement<Uuid>),
}

impl Journal {
    /// An empty journal.
    pub fn new(node: Uuid) -> Journal {
        Journal {
            node,
            entries: Vec::new(),
            chains: BTreeMap::new(),
            balances: BTreeMap::new(),
            keys: BTreeMap::new(),
            epochs: BTreeMap::new(),
            pools: BTreeMap::new(),
            carries: BTreeMap::new(),
            orders: BTreeMap::new(),
        }
    }

    /// Registers frozen shares. The same epoch again is no change.
    ///
    /// # Errors
    /// Other shares under the same name.
    pub fn freeze(
        &mut self,
        revision: Uuid,
        number: u32,
        epoch: Epoch<Uuid>,
    ) -> Result<(), BookError> {
        match self.epochs.get(&(revision, number)) {
            Some(known) if *known != epoch => Err(BookError::EpochFrozen(revision, number)),
            _ => {
                self.epochs.insert((revision, number), epoch);
                Ok(())
            }
        }
    }

    /// Applies a command once.
    ///
    /// # Errors
    /// See [`BookError`]; the journal is unchanged then.
    pub fn apply(
        &mut self,
        source: &str,
        key: &str,
        command: &Command,
        stamp: Stamp,
    ) -> Result<Outcome, BookError> {
        let request = Hash::of(&[&canonical_plain(command)]);
        let keyed = (source.to_string(), key.to_string());
        match self.keys.get(&keyed) {
            Some((known, place)) if *known == request => return Ok(Outcome::Repeated(*place)),
            Some(_) => {
                let (source_name, key) = keyed;
                return Err(BookError::IdempotencyConflict { source_name, key });
            }
            None => {}
        }
        let Some(plan) = self.plan(command)? else {
            return Ok(Outcome::Unmoved);
        };
        let book = Book {
            node: self.node,
            currency: plan.currency,
        };
        let mut draft = Draft {
            id: stamp.entry_id,
            kind: plan.kind,
            book,
            period: stamp.period,
            event_time: stamp.at,
            source: keyed.0.clone(),
            idem_key: keyed.1.clone(),
            metadata: BTreeMap::from([(plan.link.0.to_string(), plan.link.1)]),
            postings: Vec::new(),
        };
        for (account, minor) in plan.lines {
            draft.post(account, minor);
        }
        let entry = draft.balance()?;
        let balances = self.new_balances(&entry)?;
        let settlement = self.change(plan.change, plan.currency)?;
        self.balances.extend(balances);
        let link = self
            .chains
            .entry(book)
            .or_default()
            .append(&entry.body(), &stamp.salt);
        self.entries.push(Recorded {
            entry,
            link,
            salt: stamp.salt,
            settlement,
        });
        let place = self.entries.len() - 1;
        self.keys.insert(keyed, (request, place));
        Ok(Outcome::Recorded(place))
    }

    fn plan(&self, command: &Command) -> Result<Option<Plan>, BookError> {
        match command {
            Command::TopUp {
                party,
                amount,
                from,
            } => {
                payable(*amount)?;
                let lines = rules::top_up(from.clone(), *party, amount.minor);
                let link = ("party", party.to_string());
                let (kind, currency) = (Kind::TopUp, amount.currency);
                Ok(Some(Plan {
                    kind,
                    currency,
                    lines,
                    link,
                    change: Change::None,
                }))
            }
            Command::Purchase { .. } => self.plan_purchase(command).map(Some),
            Command::Refund { order, amount } => {
                let known = self
                    .orders
                    .get(order)
                    .ok_or(BookError::UnknownOrder(*order))?;
                let part = take_back(known.legs, known.refunded, *amount)?;
                let lines = rules::refund(&known.accounts, part);
                let link = ("order", order.to_string());
                let change = Change::GiveBack(*order, *amount, part);
                let (kind, currency) = (Kind::Refund, known.currency);
                Ok(Some(Plan {
                    kind,
                    currency,
                    lines,
                    link,
                    change,
                }))
            }
            Command::Settle {
                revision,
                epoch,
                currency,
            } => {
                let (revision, epoch, currency) = (*revision, *epoch, *currency);
                let missing = BookError::UnknownEpoch(revision, epoch);
                let shares = self.epochs.get(&(revision, epoch)).ok_or(missing)?;
                let pool = self.pool(revision, epoch, currency);
                let delta = pool.delta()?;
                if delta == 0 {
                    return Ok(None);
                }
                let settled = settle_pool(delta, shares, |party| self.carry(*party, currency))?;
                let lines = rules::settlement(revision, epoch, &settled);
                let link = ("epoch", format!("{revision}/{epoch}"));
                let change = Change::Settled(revision, epoch, settled);
                Ok(Some(Plan {
                    kind: Kind::Settlement,
                    currency,
                    lines,
                    link,
                    change,
                }))
            }
        }
    }

    fn plan_purchase(&self, command: &Command) -> Result<Plan, BookError> {
        let Command::Purchase {
            order,
            buyer,
            revision,
            epoch,
            price,
            plan,
            tax,
        } = command
        else {
            unreachable!("only called for purchases")
        };
        payable(*price)?;
        if !self.epochs.contains_key(&(*revision, *epoch)) {
            return Err(BookError::UnknownEpoch(*revision, *epoch));
        }
        if self.orders.contains_key(order) {
            return Err(BookError::OrderExists(*order));
        }
        let legs = split_sale(price.minor, plan)?;
        let payer = Account::Wallet(*buyer);
        let has = self.balance(price.currency, &payer).saturating_neg();
        if has < price.minor {
            return Err(BookError::InsufficientFunds {
                has,
                needs: price.minor,
            });
        }
        let tax = Label::new(tax.as_str()).map_err(EntryError::from)?;
        let owner = plan.commission.map(|c| c.party);
        let accounts = SaleAccounts {
            payer,
            revision: *revision,
            epoch: *epoch,
            tax,
            owner,
        };
        let lines = rules::purchase(&accounts, legs);
        let sale = Order {
            accounts,
            currency: price.currency,
            legs,
            refunded: 0,
        };
        Ok(Plan {
            kind: Kind::Purchase,
            currency: price.currency,
            lines,
            link: ("order", order.to_string()),
            change: Change::Sale(*order, Box::new(sale)),
        })
    }

    fn new_balances(&self, entry: &Entry) -> Result<BTreeMap<(Book, Account), i64>, BookError> {
        let mut changed: BTreeMap<(Book, Account), i64> = BTreeMap::new();
        for posting in &entry.postings {
            let key = (entry.book, posting.account.clone());
            let stored = self.balances.get(&key).copied().unwrap_or(0);
            let slot = changed.entry(key).or_insert(stored);
            let sum = slot
                .checked_add(posting.amount.minor)
                .filter(|s| *s != i64::MIN);
            *slot = sum.ok_or_else(|| BookError::Overflow(posting.account.clone()))?;
        }
        Ok(changed)
    }

    /// The one place state besides the journal changes; the pool check comes first.
    fn change(
        &mut self,
        change: Change,
        currency: Currency,
    ) -> Result<Option<Settlement<Uuid>>, BookError> {
        match change {
            Change::None => Ok(None),
            Change::Sale(id, order) => {
                let SaleAccounts {
                    revision, epoch, ..
                } = order.accounts;
                self.pools
                    .entry((revision, epoch, currency))
                    .or_default()
                    .add(order.legs.net)?;
                self.orders.insert(id, *order);
                Ok(None)
            }
            Change::GiveBack(id, amount, part) => {
                if let Some(order) = self.orders.get_mut(&id) {
                    let SaleAccounts {
                        revision, epoch, ..
                    } = order.accounts;
                    self.pools
                        .entry((revision, epoch, currency))
                        .or_default()
                        .add(-part.net)?;
                    order.refunded += amount;
                }
                Ok(None)
            }
            Change::Settled(revision, epoch, settled) => {
                let pool = self.pools.entry((revision, epoch, currency)).or_default();
                pool.settled = pool.cumulative;
                for line in &settled.lines {
                    self.carries
                        .insert((line.contributor, currency), line.carry_after);
                }
                Ok(Some(settled))
            }
        }
    }

    /// All entries in the order they were written.
    pub fn entries(&self) -> &[Recorded] {
        &self.entries
    }

    /// Balance of an account: + debit, − credit.
    pub fn balance(&self, currency: Currency, account: &Account) -> i64 {
        let book = Book {
            node: self.node,
            currency,
        };
        self.balances
            .get(&(book, account.clone()))
            .copied()
            .unwrap_or(0)
    }

    /// A pool; empty when nothing was sold.
    pub fn pool(&self, revision: Uuid, epoch: u32, currency: Currency) -> Pool {
        self.pools
            .get(&(revision, epoch, currency))
            .copied()
            .unwrap_or_default()
    }

    /// A contributor's residue in 1/D of a minor unit.
    pub fn carry(&self, party: Uuid, currency: Currency) -> i64 {
        self.carries.get(&(party, currency)).copied().unwrap_or(0)
    }

    /// An order's totals.
    pub fn order(&self, id: Uuid) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// Every pool in settling order.
    pub fn pools(&self) -> impl Iterator<Item = (&(Uuid, u32, Currency), &Pool)> {
        self.pools.iter()
    }
}

fn payable(amount: Money) -> Result<(), BookError> {
    match amount.minor > 0 && amount.currency != Currency::PTS {
        true => Ok(()),
        false => Err(BookError::NotPayable(amount)),
    }
}
