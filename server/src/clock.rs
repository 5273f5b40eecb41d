//! Time and identifiers, injected so that a whole market can be replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

/// Where the present comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands still until told to move; for the demo's story and for tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    /// The present, to the microsecond: what both databases can hold.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            // The one place that reads the machine's clock.
            #[expect(clippy::disallowed_methods)]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Moves a manual clock on; the machine's clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Manual(micros) = self {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// Where identifiers come from.
#[derive(Clone, Debug)]
pub enum Ids {
    /// UUIDv7 with the machine's randomness.
    Random,
    /// UUIDv7 whose random part is a hash of a seed and a counter.
    Seeded {
        /// Distinguishes runs.
        seed: u64,
        /// How many were given.
        count: Arc<AtomicU64>,
    },
}

impl Ids {
    /// Identifiers that repeat for the same seed and order.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded {
            seed,
            count: Arc::new(AtomicU64::new(0)),
        }
    }

    /// A new identifier, ordered by `now`.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        match self {
            Self::Random => {
                #[expect(clippy::disallowed_methods)]
                let noise = Uuid::new_v4();
                let mut tail = [0; 10];
                tail.copy_from_slice(&noise.as_bytes()[..10]);
                uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
            }
            Self::Seeded { seed, count } => {
                let n = count.fetch_add(1, Ordering::SeqCst);
                let hash = digest(&SHA256, &[seed.to_be_bytes(), n.to_be_bytes()].concat());
                let mut tail = [0; 10];
                tail.copy_from_slice(&hash.as_ref()[..10]);
                // Counter first: identifiers of one millisecond keep the order they were given in.
                tail[..4].copy_from_slice(&(n as u32).to_be_bytes());
                uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
            }
        }
    }
}
