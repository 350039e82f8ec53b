//! One generation of one file: its bytes, read once for all clients, and how it ended.
//!
//! A [`Writer`](super::Writer) appends, any number of [`Follower`]s read, each at its own
//! position. Bytes are in memory until the [`Window`](super::window::Window) takes them away;
//! from then on they are read again from where they came ([`Source`]), and compared with a hash,
//! so that no reply ever mixes two generations.

use super::{
    parking::{Parking, Ticket, wake},
    path::MediaPath,
};
use bytes::{Bytes, BytesMut};
use std::{
    future::poll_fn,
    io,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};
use xxhash_rust::xxh3::xxh3_64;

/// Where bytes can be read again that are no longer in memory.
pub trait Source: Send + Sync {
    /// Reads exactly `length` bytes at `offset`. Blocks.
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

/// A strong entity tag (RFC 9110, section 8.8.3), with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub Arc<str>);

/// What is known of a file once it is finished.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its entity tag, from its contents.
    pub tag: Tag,
    /// When it was last modified.
    pub modified: SystemTime,
    /// The state of the disk that it shows.
    pub stamp: Stamp,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Bytes may still come.
    Growing,
    /// No more will come, and none is missing.
    Finished,
    /// No more will come, and some may be missing.
    Cut,
}

/// One generation of one file.
pub struct File {
    path: MediaPath,
    source: Option<Arc<dyn Source>>,
    state: Mutex<State>,
    /// Asked for since the window last looked.
    touched: AtomicBool,
    /// Told when this file goes, with the bytes that it still held.
    on_drop: Box<dyn Fn(u64) + Send + Sync>,
}

struct State {
    phase: Phase,
    length: u64,
    pieces: Vec<Piece>,
    /// All bytes of a finished file, while they are in memory.
    whole: Option<Bytes>,
    finished: Option<Finished>,
    gzipped: Option<Bytes>,
    in_memory: u64,
    parking: Parking,
}

/// A run of bytes; what one read brought, or a slice of the whole.
struct Piece {
    start: u64,
    length: usize,
    place: Place,
}

/// Where a piece's bytes are.
enum Place {
    Memory(Bytes),
    /// Where they came from; with their hash, to know them again.
    Disk(u64),
}

/// Pieces of a finished file, and the steps of its followers, are not longer, in bytes: a client
/// that takes nothing holds no more.
const PIECE_BYTES: usize = 32 * 1024;

/// Shorter pieces are laid together with what follows, in bytes: a packager may write very few at
/// a time, and each piece costs.
const SHORT_BYTES: usize = 8 * 1024;

impl File {
    pub(super) fn new(
        path: MediaPath,
        source: Option<Arc<dyn Source>>,
        on_drop: Box<dyn Fn(u64) + Send + Sync>,
    ) -> Self {
        let state = State {
            phase: Phase::Growing,
            length: 0,
            pieces: Vec::new(),
            whole: None,
            finished: None,
            gzipped: None,
            in_memory: 0,
            parking: Parking::default(),
        };
        let touched = AtomicBool::new(true);
        Self { path, source, state: Mutex::new(state), touched, on_drop }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its path.
    pub fn path(&self) -> &MediaPath {
        &self.path
    }

    /// How far it has come, and its length in bytes so far.
    pub fn progress(&self) -> (Phase, u64) {
        let state = self.state();
        (state.phase, state.length)
    }

    /// Whether no more bytes will come, and none is missing.
    pub fn is_finished(&self) -> bool {
        self.progress().0 == Phase::Finished
    }

    /// Its tag and time, once it is finished.
    pub fn finished(&self) -> Option<Finished> {
        self.state().finished.clone()
    }

    /// All its bytes, if it is finished and they are in memory.
    pub fn whole(&self) -> Option<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        self.state().whole.clone()
    }

    /// Its bytes as gzip, kept for the next who asks; `compress` runs at most once at a time
    /// for each that asks while there are none.
    pub fn gzipped(&self, compress: impl FnOnce(&[u8]) -> Bytes) -> Option<Bytes> {
        if let Some(gzipped) = self.state().gzipped.clone() {
            return Some(gzipped);
        }
        let gzipped = compress(&self.whole()?);
        self.state().gzipped = Some(gzipped.clone());
        Some(gzipped)
    }

    /// Resolves when the file has `length` bytes or no more will come. Cancel safe.
    pub async fn reached(self: &Arc<Self>, length: u64) -> Phase {
        let mut follower = self.follow(0..u64::MAX);
        poll_fn(|cx| {
            let mut state = follower.file.state();
            if state.phase != Phase::Growing || state.length >= length {
                return Poll::Ready(state.phase);
            }
            state.parking.park(&mut follower.ticket, cx.waker());
            Poll::Pending
        })
        .await
    }

    /// Reads along from the start of `range` to its end, or to the file's.
    pub fn follow(self: &Arc<Self>, range: Range<u64>) -> Follower {
        self.touched.store(true, Ordering::Relaxed);
        Follower { file: self.clone(), position: range.start, end: range.end, ticket: None }
    }

    /// Adds bytes; answers how many are in memory then.
    pub(super) fn append(&self, bytes: Bytes) -> u64 {
        let mut state = self.state();
        let (start, length) = (state.length, bytes.len());
        state.length += length as u64;
        state.in_memory += length as u64;
        state.add(Piece { start, length, place: Place::Memory(bytes) });
        let held = state.in_memory;
        let parked = state.parking.take();
        drop(state);
        wake(parked);
        held
    }

    /// Ends the file, unless it has ended. Those who follow it are woken first, then the bytes
    /// are laid together for those who come later.
    pub(super) fn end(&self, finished: Option<Finished>) {
        let mut state = self.state();
        if state.phase != Phase::Growing {
            return;
        }
        state.phase = if finished.is_some() { Phase::Finished } else { Phase::Cut };
        state.finished = finished;
        let parked = state.parking.take();
        drop(state);
        wake(parked);
        self.join();
    }

    /// Lays the pieces of a finished file together, if all are in memory.
    fn join(&self) {
        let mut state = self.state();
        let pieces: Option<Vec<Bytes>> = match state.phase {
            Phase::Finished => state.pieces.iter().map(|piece| piece.memory().cloned()).collect(),
            Phase::Growing | Phase::Cut => None,
        };
        let Some(mut pieces) = pieces else { return };
        drop(state);
        let whole = match pieces.pop() {
            Some(only) if pieces.is_empty() => only,
            Some(last) => {
                pieces.push(last);
                let length = pieces.iter().map(Bytes::len).sum();
                let mut whole = BytesMut::with_capacity(length);
                pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
            None => Bytes::new(),
        };
        let pieces = slice(&whole);
        state = self.state();
        // The window may have taken the pieces away meanwhile.
        if state.pieces.iter().all(|piece| piece.memory().is_some()) {
            state.pieces = pieces;
            state.whole = Some(whole);
            self.source.iter().for_each(|source| source.release());
        }
    }

    /// Takes the bytes out of memory, of a growing file all but the newest; answers how many.
    /// Nothing is taken that could not be read again.
    pub(super) fn evict(&self) -> u64 {
        let mut state = self.state();
        if !self.source.as_ref().is_some_and(|source| source.pin()) {
            return 0;
        }
        let keep = usize::from(state.phase == Phase::Growing);
        let evicted = state.pieces.len().saturating_sub(keep);
        let freed = state.pieces[..evicted].iter_mut().map(Piece::evict).sum();
        state.whole = None;
        state.gzipped = None;
        state.in_memory -= freed;
        freed
    }

    pub(super) fn take_touched(&self) -> bool {
        self.touched.swap(false, Ordering::Relaxed)
    }

    fn stored(&self, piece: &Piece, hash: u64, part: Range<usize>) -> Step {
        let Some(source) = &self.source else { return Step::Cut };
        let (start, length) = (piece.start, piece.length);
        Step::Stored(Stored { source: source.clone(), start, length, hash, part })
    }
}

impl State {
    /// Adds a piece, laid together with the one before it if that is short.
    fn add(&mut self, piece: Piece) {
        if let Some(last) = self.pieces.last_mut()
            && let (Place::Memory(before), Place::Memory(new)) = (&last.place, &piece.place)
            && before.len() + new.len() <= SHORT_BYTES
        {
            last.place = Place::Memory([&before[..], new].concat().into());
            last.length += piece.length;
        } else {
            self.pieces.push(piece);
        }
    }
}

fn slice(whole: &Bytes) -> Vec<Piece> {
    let piece = |start: usize| {
        let bytes = whole.slice(start..whole.len().min(start + PIECE_BYTES));
        Piece { start: start as u64, length: bytes.len(), place: Place::Memory(bytes) }
    };
    (0..whole.len()).step_by(PIECE_BYTES).map(piece).collect()
}

impl Drop for File {
    fn drop(&mut self) {
        (self.on_drop)(self.state().in_memory);
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (phase, length) = self.progress();
        write!(f, "File({:?}, {phase:?}, {length} bytes)", self.path)
    }
}

/// One client's place in a file. It reads only when polled: a slow client costs its position.
#[derive(Debug)]
pub struct Follower {
    file: Arc<File>,
    position: u64,
    end: u64,
    ticket: Option<Ticket>,
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
    /// The next step; pending while the file has nothing new. Cancel safe.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let mut state = self.file.state();
        if self.position >= self.end {
            return Poll::Ready(Step::End);
        }
        if self.position >= state.length {
            return match state.phase {
                Phase::Finished => Poll::Ready(Step::End),
                Phase::Cut => Poll::Ready(Step::Cut),
                Phase::Growing => {
                    state.parking.park(&mut self.ticket, cx.waker());
                    Poll::Pending
                }
            };
        }
        let at = state.pieces.partition_point(|piece| piece.start <= self.position) - 1;
        let piece = &state.pieces[at];
        let part = piece.part(self.position..self.end);
        self.position = piece.start + part.end as u64;
        Poll::Ready(match &piece.place {
            Place::Memory(bytes) => Step::Bytes(bytes.slice(part)),
            Place::Disk(hash) => self.file.stored(piece, *hash, part),
        })
    }
}

impl Piece {
    /// Which of its own bytes lie in `range`, which begins inside it.
    fn part(&self, range: Range<u64>) -> Range<usize> {
        let within =
            |at: u64| usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.length);
        let (start, end) = (within(range.start), within(range.end));
        start..end.min(start + PIECE_BYTES)
    }

    fn memory(&self) -> Option<&Bytes> {
        match &self.place {
            Place::Memory(bytes) => Some(bytes),
            Place::Disk(_) => None,
        }
    }

    /// Lets the bytes go; answers how many.
    fn evict(&mut self) -> u64 {
        let Place::Memory(bytes) = &self.place else { return 0 };
        let (freed, hash) = (bytes.len() as u64, xxh3_64(bytes));
        self.place = Place::Disk(hash);
        freed
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.file.state().parking.leave(self.ticket);
    }
}

/// Bytes that are to be read again.
pub struct Stored {
    source: Arc<dyn Source>,
    start: u64,
    length: usize,
    hash: u64,
    part: Range<usize>,
}

impl Stored {
    /// Reads them. Blocks.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer those that were first read: the disk shows
    /// another generation.
    pub fn read(self) -> io::Result<Bytes> {
        let bytes = self.source.read_at(self.start, self.length)?;
        if xxh3_64(&bytes) == self.hash {
            Ok(bytes.slice(self.part))
        } else {
            Err(io::Error::other("the file was written again"))
        }
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stored({}+{})", self.start, self.length)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
