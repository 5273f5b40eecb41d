//! Who is asking, and what they may do: one typed layer for every entrance.
//!
//! | question | answered by |
//! |---|---|
//! | whose credential is this? | [`identify`], through the extractors [`Signed`] and [`MaybeSigned`] |
//! | may they? | [`rights`]: facts about an object in, a [`rights::Right`] or a fault out |
//! | is the password right? | [`password`] |
//! | what do we keep of a secret? | [`secret`]: its SHA-256, never the secret |
//! | how often may they guess? | [`throttle`] |
//! | did another site send this? | [`cross_site`] |
//!
//! Absent on purpose: a role table in the database, and any check of a right outside [`rights`].

pub mod cross_site;
pub mod identify;
pub mod password;
pub mod rights;
pub mod secret;
pub mod throttle;

pub use identify::{MaybeSigned, SESSION_COOKIE, Signed, ended_cookie, session_cookie};

use schema::wire::PartyView;
use uuid::Uuid;

/// What proved who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A sign-in with a password, as cookie or bearer.
    Session(Uuid),
    /// A bearer token made for a program.
    Token(Uuid),
}

/// A signed-in party. Only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the attribute closes a type to other crates, this field to other modules"
)]
pub struct Actor {
    /// The party.
    pub party: Uuid,
    /// Its short unique name.
    pub handle: String,
    /// The name others see.
    pub display_name: String,
    /// Its e-mail address.
    pub email: String,
    /// Whether it runs the node.
    pub operator: bool,
    /// What proved it.
    pub credential: Credential,
    sealed: (),
}

impl Actor {
    fn new(party: crate::store::parties::PartyRow, credential: Credential) -> Self {
        Self {
            party: party.id.into(),
            handle: party.handle,
            display_name: party.display_name,
            email: party.email,
            operator: party.operator,
            credential,
            sealed: (),
        }
    }

    /// The party as it sees itself.
    #[must_use]
    pub fn view(&self) -> PartyView {
        PartyView {
            id: self.party,
            handle: self.handle.clone(),
            display_name: self.display_name.clone(),
            email: Some(self.email.clone()),
            operator: self.operator,
        }
    }

    /// An actor without a credential, for tests of flows.
    #[cfg(test)]
    #[must_use]
    pub fn for_test(party: Uuid, operator: bool) -> Self {
        Self {
            party,
            handle: format!("party-{party}"),
            display_name: "Party".to_owned(),
            email: format!("{party}@example.org"),
            operator,
            credential: Credential::Session(party),
            sealed: (),
        }
    }
}
