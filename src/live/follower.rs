//! Those who read a file along.

use super::{
    file::File,
    parking::Ticket,
    pieces::Evicted,
    source::Source,
    tap::{Reader, Tap},
};
use bytes::Bytes;
use std::{
    fmt, io,
    ops::Range,
    sync::Arc,
    task::{Context, Poll},
};
use xxhash_rust::xxh3::xxh3_64;

/// One client's place in a file. It reads only when polled: a slow client costs its position.
#[derive(Debug)]
pub struct Follower {
    pub(super) file: Arc<File>,
    position: u64,
    end: u64,
    pub(super) ticket: Option<Ticket>,
}

/// What a follower is given next.
#[derive(Debug)]
pub enum Step {
    /// The next bytes.
    Bytes(Bytes),
    /// The next bytes, no longer in memory.
    Stored(Stored),
    /// All has been read.
    End,
    /// The file broke off.
    Cut,
}

impl Follower {
    pub(super) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, position: range.start, end: range.end, ticket: None }
    }

    /// The next step; pending while the file has nothing new. Cancel safe.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.poll(&Reader::Task(cx.waker()))
    }

    /// The same, but what comes next is given to a tap.
    pub fn poll_tapped(&mut self, tap: &Arc<dyn Tap>) -> Poll<Step> {
        self.poll(&Reader::Tap(tap))
    }

    /// Its tap took what came up to there.
    pub fn skip_to(&mut self, position: u64) {
        self.position = self.position.max(position);
    }

    fn poll(&mut self, reader: &Reader<'_>) -> Poll<Step> {
        let Self { file, position, end, ticket } = self;
        file.poll_read(*position, *end, ticket, reader).map(|(step, length)| {
            *position += length;
            step
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.file.leave(self.ticket);
    }
}

/// Bytes that are to be read again.
pub struct Stored {
    source: Arc<dyn Source>,
    place: Evicted,
}

impl Stored {
    pub(super) fn new(source: Arc<dyn Source>, place: Evicted) -> Self {
        Self { source, place }
    }

    /// Reads them. Blocks.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer those that were first read: the disk shows
    /// another generation.
    pub fn read(self) -> io::Result<Bytes> {
        let Evicted { start, length, hash, part } = self.place;
        let bytes = self.source.read_at(start, length)?;
        if xxh3_64(&bytes) == hash {
            Ok(bytes.slice(part))
        } else {
            Err(io::Error::other("the file was written again"))
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({}+{})", self.place.start, self.place.length)
    }
}
