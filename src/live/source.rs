//! Where the bytes of a file came from.

use bytes::Bytes;
use std::io;

/// Where bytes can be read again that are no longer in memory.
pub trait Source: Send + Sync {
    /// Reads exactly `length` bytes at `offset`. Blocks.
    ///
    /// # Errors
    /// When they cannot be read, or are not all there.
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes>;

    /// Makes sure that it can be read from now on, whatever becomes of its name; false when that
    /// is no longer possible.
    fn pin(&self) -> bool {
        true
    }

    /// All bytes are in memory: what [`Source::pin`] holds may be let go.
    fn release(&self) {}
}

/// Tells one state of a file on disk from another; made by whoever looks at the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp(pub [u64; 4]);
