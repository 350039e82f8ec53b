//! Entity tags of contents.

use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// A strong entity tag (RFC 9110, section 8.8.3), with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub Arc<str>);

impl Tag {
    /// The tag of these bytes: a hash of them.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(xxh3_128(bytes))
    }

    fn from_hash(hash: u128) -> Self {
        Self(format!("\"{hash:032x}\"").into())
    }
}

/// Makes the tag of bytes that come one after the other.
#[derive(Default)]
pub(super) struct Tagger(Xxh3);

impl Tagger {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn tag(&self) -> Tag {
        Tag::from_hash(self.0.digest128())
    }
}
