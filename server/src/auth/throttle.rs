//! Slows guessing of passwords: per account and address together, per account, per address.
//!
//! Each failure beyond a free number doubles the wait. Account and address together are strict;
//! the account alone is lenient, so that a stranger cannot lock its owner out for long; the
//! address alone stops one machine that tries many accounts. An hour without a failure forgets.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use schema::db::Db;

use crate::error::{Fault, Kind};
use crate::store::throttle::{self, ThrottleRow};

/// After this long without a failure a name starts afresh.
const MEMORY: TimeDelta = TimeDelta::hours(1);
/// After this long it is deleted; later than needed, so that the deletion meets nobody's row.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Free failures, and the longest wait in seconds after them.
#[derive(Debug, Clone, Copy)]
struct Patience {
    free: i32,
    longest: i64,
    /// Whether a success forgets the failures, or only takes its own attempt back.
    forgiving: bool,
}

const PAIR: Patience = Patience {
    free: 5,
    longest: 900,
    forgiving: true,
};
const ACCOUNT: Patience = Patience {
    free: 30,
    longest: 60,
    forgiving: false,
};
const ADDRESS: Patience = Patience {
    free: 50,
    longest: 300,
    forgiving: false,
};

/// One attempt to sign in.
#[derive(Debug, Clone)]
pub struct Attempt {
    // Always in this order of kinds: rows are locked in it.
    names: Vec<(String, Patience)>,
}

impl Attempt {
    /// An attempt on an account from an address.
    #[must_use]
    pub fn new(email: &str, peer: Option<IpAddr>) -> Self {
        let account = hex::encode(&digest(&SHA256, email.as_bytes()).as_ref()[..16]);
        let mut names = vec![(format!("account {account}"), ACCOUNT)];
        if let Some(address) = peer.map(network) {
            names.push((format!("account {account} from {address}"), PAIR));
            names.push((format!("from {address}"), ADDRESS));
        }
        Self { names }
    }

    /// Counts the attempt as failed until it [succeeds](Self::succeed).
    ///
    /// # Errors
    /// `throttled` with the seconds to wait; then nothing is counted.
    pub fn begin(&self, db: &mut Db, now: DateTime<Utc>) -> Result<(), Fault> {
        for (name, patience) in &self.names {
            let row = patience.count(throttle::lock(db, name, now)?, now)?;
            throttle::set(db, &row)?;
        }
        Ok(())
    }

    /// Forgets the failures of this account from this address, and takes back what
    /// [`begin`](Self::begin) counted under the other names.
    ///
    /// # Errors
    /// The database's own.
    pub fn succeed(&self, db: &mut Db, now: DateTime<Utc>) -> Result<(), Fault> {
        for (name, patience) in &self.names {
            let mut row = throttle::lock(db, name, now)?;
            row.failures = if patience.forgiving {
                0
            } else {
                (row.failures - 1).max(0)
            };
            row.blocked_until = now.into();
            throttle::set(db, &row)?;
        }
        throttle::forget_before(db, now - KEPT)
    }
}

impl Patience {
    fn count(self, mut row: ThrottleRow, now: DateTime<Utc>) -> Result<ThrottleRow, Fault> {
        let until: DateTime<Utc> = row.blocked_until.into();
        if until > now {
            return Err(throttled((until - now).num_seconds() + 1));
        }
        if now - until >= MEMORY {
            row.failures = 0;
        }
        row.failures = row.failures.saturating_add(1);
        row.blocked_until = (now + TimeDelta::seconds(self.wait(row.failures))).into();
        Ok(row)
    }

    /// Seconds to wait after that many failures.
    fn wait(self, failures: i32) -> i64 {
        match u32::try_from(failures - self.free) {
            Ok(beyond @ 0..=20) => (1_i64 << beyond).min(self.longest),
            Ok(_) => self.longest,
            Err(_) => 0,
        }
    }
}

/// The address for IPv4, its /64 network for IPv6: one customer of a provider has a whole one.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn throttled(seconds: i64) -> Fault {
    let seconds = u32::try_from(seconds.max(1)).unwrap_or(u32::MAX);
    let words = format!("Too many failed sign-ins. Try again in {seconds} s.");
    Fault::new(Kind::Throttled(seconds), "throttled", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_after_the_free_failures_up_to_the_longest() {
        let waits: Vec<i64> = (1..=8).map(|failures| PAIR.wait(failures)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(PAIR.wait(14), 512);
        assert_eq!(PAIR.wait(15), 900);
        assert_eq!(PAIR.wait(i32::MAX), 900);
        assert_eq!(ACCOUNT.wait(i32::MAX), 60);
    }

    #[test]
    fn an_hour_of_peace_forgets_and_a_block_counts_nothing() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut row = ThrottleRow {
            name: "x".to_owned(),
            failures: 0,
            blocked_until: start.into(),
        };
        for _ in 0..5 {
            row = PAIR.count(row, start).unwrap();
        }
        assert_eq!(
            PAIR.count(row.clone(), start).unwrap_err().kind,
            Kind::Throttled(2)
        );
        let later = PAIR
            .count(row.clone(), start + TimeDelta::seconds(1))
            .unwrap();
        assert_eq!(later.failures, 6);
        assert_eq!(
            PAIR.count(row, start + TimeDelta::hours(2))
                .unwrap()
                .failures,
            1
        );
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        let one = |text: &str| network(text.parse().unwrap());
        assert_eq!(one("2001:db8:1:2::5"), one("2001:db8:1:2:ffff::9"));
        assert_ne!(one("2001:db8:1:2::5"), one("2001:db8:1:3::5"));
        assert_eq!(one("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
