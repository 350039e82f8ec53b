//! Those who wait for a file, and what becomes of them when it is there: a task is woken; one who
//! takes it in the thread that brings it is given it at once.

use super::file::File;
use std::{fmt, sync::Arc, task::Waker};

/// Somebody who waits for a file, and takes it in the thread that brings it.
pub trait Recipient: Send + Sync {
    /// Whoever is behind it has nothing else to do than to wait for the file, and is to be woken
    /// by this. Called while the library is locked.
    fn sleep(&self, waker: &Waker);

    /// The file is there: takes of it what can be taken without blocking. It is woken afterwards.
    fn give(&self, file: &Arc<File>);

    /// Wakes whoever is behind it.
    fn wake(&self);
}

/// One who waits for a file.
pub(super) enum Waiting {
    Task(Waker),
    Recipient(Arc<dyn Recipient>),
}

impl Waiting {
    fn wake(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::Recipient(recipient) => recipient.wake(),
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task(_) => "Task",
            Self::Recipient(_) => "Recipient",
        })
    }
}

/// Wakes all: what they wait for is not here.
pub(super) fn wake(parked: Vec<Option<Waiting>>) {
    parked.into_iter().flatten().for_each(Waiting::wake);
}

/// So many are given a file by the thread that brings it. The others wake up meanwhile: a whole
/// segment for each takes so long that all cores do better.
const FEW: usize = 32;

/// Hands out a file: first all wake up who must, and while they do so, the others are given it.
pub(super) fn hand_over(parked: Vec<Option<Waiting>>, file: &Arc<File>) {
    let mut given = Vec::new();
    for waiting in parked.into_iter().flatten() {
        match waiting {
            Waiting::Recipient(recipient) if given.len() < FEW => given.push(recipient),
            waiting => waiting.wake(),
        }
    }
    given.iter().for_each(|recipient| recipient.give(file));
    given.iter().for_each(|recipient| recipient.wake());
}
