//! A file's bytes as they came: runs that are in memory, or that are to be read again.

use bytes::{Bytes, BytesMut};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// All bytes that came, in order.
#[derive(Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    length: u64,
}

/// What one read brought, or a slice of the whole.
struct Piece {
    start: u64,
    length: usize,
    place: Place,
}

enum Place {
    Memory(Bytes),
    /// Where they came from; with their hash, to know them again.
    Disk(u64),
}

/// A run of bytes, from a position on.
pub(super) enum Run {
    Memory(Bytes),
    Disk(Evicted),
}

/// Bytes that are no longer in memory: the `part` of `length` bytes at `start` that have this
/// hash.
pub(super) struct Evicted {
    pub(super) start: u64,
    pub(super) length: usize,
    pub(super) hash: u64,
    pub(super) part: Range<usize>,
}

/// Pieces are not longer, in bytes: one that is read from disk again is read as a whole.
const PIECE_BYTES: usize = 32 * 1024;

/// Shorter pieces are laid together with what follows, in bytes: a packager may write very few at
/// a time, and each piece costs.
const SHORT_BYTES: usize = 8 * 1024;

impl Pieces {
    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes: in pieces if they are many, laid together with those before if they are few.
    pub(super) fn push(&mut self, mut bytes: Bytes) {
        while bytes.len() > PIECE_BYTES {
            self.push_piece(bytes.split_to(PIECE_BYTES));
        }
        self.push_piece(bytes);
    }

    fn push_piece(&mut self, bytes: Bytes) {
        let (start, length) = (self.length, bytes.len());
        self.length += length as u64;
        if let Some(last) = self.pieces.last_mut()
            && let Place::Memory(before) = &last.place
            && before.len() + length <= SHORT_BYTES
        {
            last.place = Place::Memory([&before[..], &bytes].concat().into());
            last.length += length;
        } else {
            self.pieces.push(Piece { start, length, place: Place::Memory(bytes) });
        }
    }

    /// All bytes, if they are in memory.
    pub(super) fn in_memory(&self) -> Option<Vec<Bytes>> {
        let memory = |piece: &Piece| match &piece.place {
            Place::Memory(bytes) => Some(bytes.clone()),
            Place::Disk(_) => None,
        };
        self.pieces.iter().map(memory).collect()
    }

    /// The same bytes as slices of one run.
    pub(super) fn of(whole: &Bytes) -> Self {
        let piece = |start: usize| {
            let bytes = whole.slice(start..whole.len().min(start + PIECE_BYTES));
            Piece { start: start as u64, length: bytes.len(), place: Place::Memory(bytes) }
        };
        let pieces = (0..whole.len()).step_by(PIECE_BYTES).map(piece).collect();
        Self { pieces, length: whole.len() as u64 }
    }

    /// Lets the bytes go, but for the last `keep` pieces; answers how many.
    pub(super) fn evict(&mut self, keep: usize) -> u64 {
        let evicted = self.pieces.len().saturating_sub(keep);
        self.pieces[..evicted].iter_mut().map(Piece::evict).sum()
    }

    /// What is at a position that has been reached, up to `end` at most; and its length.
    pub(super) fn read(&self, position: u64, end: u64) -> (Run, u64) {
        let at = self.pieces.partition_point(|piece| piece.start <= position) - 1;
        let piece = &self.pieces[at];
        let part = piece.part(position..end);
        let length = part.len() as u64;
        let run = match &piece.place {
            Place::Memory(bytes) => Run::Memory(bytes.slice(part)),
            Place::Disk(hash) => {
                let (start, length, hash) = (piece.start, piece.length, *hash);
                Run::Disk(Evicted { start, length, hash, part })
            }
        };
        (run, length)
    }
}

impl Piece {
    /// Which of its own bytes lie in `range`, which begins inside it.
    fn part(&self, range: Range<u64>) -> Range<usize> {
        let within =
            |at: u64| usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.length);
        within(range.start)..within(range.end)
    }

    fn evict(&mut self) -> u64 {
        let Place::Memory(bytes) = &self.place else { return 0 };
        let (freed, hash) = (bytes.len() as u64, xxh3_64(bytes));
        self.place = Place::Disk(hash);
        freed
    }
}

/// Lays runs together; one alone is not copied.
pub(super) fn join(mut runs: Vec<Bytes>) -> Bytes {
    match runs.pop() {
        None => Bytes::new(),
        Some(only) if runs.is_empty() => only,
        Some(last) => {
            runs.push(last);
            let mut whole = BytesMut::with_capacity(runs.iter().map(Bytes::len).sum());
            runs.iter().for_each(|run| whole.extend_from_slice(run));
            whole.freeze()
        }
    }
}
