//! What can go wrong for a caller, sorted by what the caller can do next.

use std::fmt;

/// What the caller can do about a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mend the request: it cannot be read (400).
    Malformed,
    /// Sign in, or renew the token (401).
    Unauthenticated,
    /// Ask for more rights, or read the named clause (403).
    Forbidden,
    /// Check the address: unknown and foreign objects look the same (404).
    Missing,
    /// Look at the present state and decide again (409).
    Conflict,
    /// Nothing: an own right has ended (410).
    Gone,
    /// Send less (413).
    TooLarge,
    /// Ask for a range inside the file, which has that many bytes (416).
    OutOfRange(u64),
    /// Mend the named field or file (422).
    Invalid,
    /// Wait that many seconds (429).
    Throttled(u32),
    /// Pay or top up (402).
    Unpaid,
    /// Try again later; what was acknowledged is kept (503).
    Unavailable,
    /// Free space on the node, then try again (507).
    Full,
    /// Report the request id (500).
    Internal,
}

/// An answer that is not the wanted one: kind, stable code, and words for the caller.
#[derive(Debug)]
pub struct Fault {
    /// What the caller can do.
    pub kind: Kind,
    /// Stable code for programs.
    pub code: &'static str,
    /// What happened, what was kept, what to do.
    pub detail: String,
    /// The licence clause or request field concerned.
    pub clause: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault with its words.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
            clause: None,
            source: None,
        }
    }

    /// The one answer for an unknown and for a foreign object.
    #[must_use]
    pub fn missing() -> Self {
        Self::new(
            Kind::Missing,
            "not_found",
            "There is nothing here, or it is not yours to see.",
        )
    }

    /// A value of the request that cannot be accepted.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "invalid", detail).about(field)
    }

    /// The present state does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, detail)
    }

    /// Something the caller cannot mend; the cause goes to the log, not to the caller.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(cause.into()),
            ..Self::new(
                Kind::Internal,
                "internal",
                "The node failed to answer. Nothing was changed unless an earlier answer said so; \
                 the request id names this failure in the node's log.",
            )
        }
    }

    /// Names the clause or field concerned.
    #[must_use]
    pub fn about(mut self, clause: &str) -> Self {
        self.clause = Some(clause.to_owned());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// HTTP status of the kind.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind {
            Kind::Malformed => 400,
            Kind::Unauthenticated => 401,
            Kind::Unpaid => 402,
            Kind::Forbidden => 403,
            Kind::Missing => 404,
            Kind::Conflict => 409,
            Kind::Gone => 410,
            Kind::TooLarge => 413,
            Kind::OutOfRange(_) => 416,
            Kind::Invalid => 422,
            Kind::Throttled(_) => 429,
            Kind::Internal => 500,
            Kind::Unavailable => 503,
            Kind::Full => 507,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|cause| cause.as_ref() as _)
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as K, Error as E};
        match &error {
            E::NotFound => Self::missing(),
            E::DatabaseError(K::ClosedConnection, _) => unavailable().because(error),
            E::DatabaseError(_, info) if disk_full(info.message()) => Self::new(
                Kind::Full,
                "disk_full",
                "The node's disk is full; nothing of this request was kept. The operator has to free space.",
            )
            .because(error),
            E::DatabaseError(_, info) if read_only(info.message()) => unavailable().because(error),
            _ => Self::internal(error),
        }
    }
}

impl From<diesel::r2d2::PoolError> for Fault {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        unavailable().because(error)
    }
}

fn unavailable() -> Fault {
    Fault::new(
        Kind::Unavailable,
        "database_unavailable",
        "The node's database does not answer. What was acknowledged is kept; try again in a moment.",
    )
}

fn disk_full(message: &str) -> bool {
    message.contains("disk is full") || message.contains("No space left")
}

fn read_only(message: &str) -> bool {
    message.contains("readonly database") || message.contains("read-only transaction")
}
