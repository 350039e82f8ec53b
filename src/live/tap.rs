//! Those who take what comes in the thread that brings it: no other thread has to wake up, which
//! costs more than to send a chunk.

use bytes::Bytes;
use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    task::Waker,
    thread,
};

/// Somebody who takes a growing file's bytes at once.
pub trait Tap: Send + Sync {
    /// One who has read up to `position` is given what comes behind it. Answers whether it was
    /// not among those who are given something before. Called while the file is locked.
    fn enroll(&self, position: u64) -> bool;

    /// Bytes came behind `position`. Answers whether all of them were taken, so that the next
    /// ones may be given too; else whoever is behind it was woken and reads for itself. Does not
    /// block.
    fn take(&self, position: u64, bytes: &Bytes) -> bool;

    /// Wakes whoever is behind it; it is given nothing more.
    fn wake(&self);
}

/// One who reads a file.
pub(super) enum Reader<'a> {
    Task(&'a Waker),
    Tap(&'a Arc<dyn Tap>),
}

impl Reader<'_> {
    /// It has read up to there. Answers who is to be told of more, unless that is known.
    pub(super) fn waits_at(&self, position: u64) -> Option<Waiter> {
        match *self {
            Self::Task(waker) => Some(Waiter::Task(waker.clone())),
            Self::Tap(tap) => tap.enroll(position).then(|| Waiter::Tap(tap.clone())),
        }
    }
}

/// One who waits for a file to grow.
pub(super) enum Waiter {
    Task(Waker),
    Tap(Arc<dyn Tap>),
}

impl Waiter {
    pub(super) fn wake(&self) {
        match self {
            Self::Task(waker) => waker.wake_by_ref(),
            Self::Tap(tap) => tap.wake(),
        }
    }
}

/// So many are served by the thread that brings the bytes, if there are not more.
const FEW: usize = 256;

/// How many of a crowd are served by the thread that brings the bytes. The others wake up, which
/// costs them half as much again, but so they are served by all cores at once.
fn share(crowd: usize) -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));
    crowd.min(FEW) + crowd.saturating_sub(FEW) / *CORES
}

/// Hands out what came behind `position`: first all wake up who must, and while they do so, the
/// others are served. Answers who is to be given the next bytes too.
pub(super) fn hand_out(
    mut parked: Vec<Option<Waiter>>,
    position: u64,
    bytes: &Bytes,
) -> Vec<Option<Waiter>> {
    let (mut taps, share) = (0, share(parked.len()));
    parked.retain(|place| match place {
        Some(Waiter::Tap(_)) if taps < share => {
            taps += 1;
            true
        }
        Some(waiter) => {
            waiter.wake();
            false
        }
        None => false,
    });
    parked.retain(|place| matches!(place, Some(Waiter::Tap(tap)) if tap.take(position, bytes)));
    parked
}
