//! A party looks at itself.

use schema::wire::PartyView;

use crate::auth::Actor;

/// The party as it sees itself.
#[must_use]
pub fn show(who: &Actor) -> PartyView {
    who.view()
}
