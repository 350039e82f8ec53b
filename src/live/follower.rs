//! Those who read a file along.

use super::{
    file::{File, Phase},
    parking::Ticket,
    pieces::{Evicted, Run},
    source::Source,
    tap::{Reader, Tap, Waiter},
};
use bytes::Bytes;
use std::{
    fmt,
    future::poll_fn,
    io,
    ops::Range,
    sync::{Arc, atomic::Ordering},
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

impl File {
    /// Resolves when the file has `length` bytes or no more will come. Cancel safe.
    pub async fn reached(self: &Arc<Self>, length: u64) -> Phase {
        let mut follower = self.follow(0..u64::MAX);
        poll_fn(|cx| {
            let mut state = follower.file.state();
            if state.phase != Phase::Growing || state.pieces.length() >= length {
                return Poll::Ready(state.phase);
            }
            state.parking.park(&mut follower.ticket, Waiter::Task(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Reads along from the start of `range` to its end, or to the file's.
    pub fn follow(self: &Arc<Self>, range: Range<u64>) -> Follower {
        self.touched.store(true, Ordering::Relaxed);
        self.followers.fetch_add(1, Ordering::Relaxed);
        Follower::new(self.clone(), range)
    }

    /// What is at a follower's position, and its length in bytes.
    pub(super) fn poll_read(
        &self,
        position: u64,
        end: u64,
        ticket: &mut Option<Ticket>,
        reader: &Reader<'_>,
    ) -> Poll<(Step, u64)> {
        let mut state = self.state();
        if position >= end {
            return Poll::Ready((Step::End, 0));
        }
        if position < state.pieces.length() {
            let (run, length) = state.pieces.read(position, end);
            let step = match (run, &self.source) {
                (Run::Memory(bytes), _) => Step::Bytes(bytes),
                (Run::Disk(place), Some(source)) => {
                    Step::Stored(Stored::new(source.clone(), place))
                }
                (Run::Disk(_), None) => Step::Cut,
            };
            return Poll::Ready((step, length));
        }
        match state.phase {
            Phase::Finished => Poll::Ready((Step::End, 0)),
            Phase::Cut => Poll::Ready((Step::Cut, 0)),
            Phase::Growing => {
                if let Some(waiter) = reader.waits_at(position) {
                    state.parking.park(ticket, waiter);
                }
                Poll::Pending
            }
        }
    }

    /// A follower leaves.
    pub(super) fn leave(&self, ticket: Option<Ticket>) {
        self.followers.fetch_sub(1, Ordering::Relaxed);
        self.state().parking.leave(ticket);
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
