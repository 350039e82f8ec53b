//! Files that are compiled in.

use bytes::Bytes;

/// The type and contents of a file under `/ldash/assets/`.
pub fn asset(_name: &str) -> Option<(&'static str, Bytes)> {
    None
}
