//! Files that were seen to be closed. Where the system does not tell who writes, this is how a
//! file that was written just now is known to be finished.

use crate::live::{MediaPath, Stamp};
use std::collections::VecDeque;

/// The last files that were closed.
#[derive(Debug, Default)]
pub(super) struct Settled(VecDeque<(MediaPath, Stamp)>);

/// So many are remembered: those that were written longer ago than the time-outs are taken to be
/// finished anyway.
const MAX_SETTLED: usize = 1024;

impl Settled {
    /// This file was closed in this state.
    pub(super) fn note(&mut self, path: MediaPath, stamp: Stamp) {
        if self.0.len() == MAX_SETTLED {
            self.0.pop_front();
        }
        self.0.push_back((path, stamp));
    }

    /// Whether it was.
    pub(super) fn contains(&self, path: &MediaPath, stamp: Stamp) -> bool {
        self.0.iter().rev().any(|(closed, state)| closed == path && *state == stamp)
    }
}
