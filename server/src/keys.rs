//! The node's secrets, outside the database.

/// Identity to open uploads, key to sign, secret to key fingerprints.
pub struct NodeKeys {}
