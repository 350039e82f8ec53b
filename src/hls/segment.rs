//! One segment of a rendition's timeline.

use super::cutter::{Cut, Piece};
use crate::live::File;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A segment as a playlist lists it.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its media sequence number.
    pub(super) msn: u64,
    /// Its place among the packager's names.
    pub(super) number: u64,
    /// The packager's own file, as the playlist names it.
    pub(super) uri: String,
    /// The init that goes with it, as the playlist names it.
    pub(super) map: Arc<str>,
    /// Media time of its first chunk.
    pub(super) start: Duration,
    /// How long it is so far.
    pub(super) duration: Duration,
    pub(super) parts: Vec<Cut>,
    pub(super) state: State,
    /// EXT-X-DISCONTINUITY stands before it.
    pub(super) is_discontinuous: bool,
    /// Whether a player can begin with it.
    pub(super) is_independent: bool,
    /// The wall clock's time of its start.
    pub(super) wall: Option<SystemTime>,
    /// Where its parts' bytes are.
    pub(super) file: Option<Arc<File>>,
    /// Its chunks, as long as it is not known how parts are cut, up to [`MAX_PIECES`].
    pub(super) pieces: Vec<Piece>,
}

/// Beyond it, chunks count as one with the one before.
pub(super) const MAX_PIECES: usize = 20_000;

/// How far a segment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// More parts may come.
    Open,
    /// It is complete.
    Whole,
    /// It, or a part of it, never came (EXT-X-GAP).
    Gap,
}

impl Segment {
    /// Whether it stands in the playlist, or a part of it does.
    pub(super) fn is_visible(&self) -> bool {
        self.state != State::Open || !self.parts.is_empty()
    }

    pub(super) fn end(&self) -> Duration {
        self.start + self.duration
    }

    pub(super) fn keep(&mut self, piece: Piece) {
        let is_full = self.pieces.len() >= MAX_PIECES;
        match self.pieces.last_mut() {
            Some(last) if is_full => {
                last.range.end = piece.range.end;
                last.duration += piece.duration;
            }
            _ => self.pieces.push(piece),
        }
    }
}
