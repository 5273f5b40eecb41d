//! Sealed files, in a local folder or an S3-compatible store.

/// Handle of the store; cheap to clone.
#[derive(Clone)]
pub struct Blobs {}
