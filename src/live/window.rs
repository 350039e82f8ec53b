//! Which files keep their bytes in memory, up to a limit.
//!
//! Files stand in a queue. When the limit is passed, the first in it that nobody has asked for
//! since its last turn gives its bytes back; growing ones, whose bytes are wanted most, come last.

use super::file::{File, Phase};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

/// Charged for each file beside its bytes, so that small files are bounded too.
const FILE_BYTES: i64 = 1024;

/// The bytes in memory and those who hold them.
#[derive(Debug)]
pub(super) struct Window {
    limit_bytes: i64,
    /// May be below zero for a moment, while one gives back what another has yet to charge.
    used_bytes: AtomicI64,
    queue: Mutex<VecDeque<Weak<File>>>,
}

impl Window {
    pub(super) fn new(limit_bytes: u64) -> Arc<Self> {
        let (limit_bytes, used_bytes) = (signed(limit_bytes), AtomicI64::new(0));
        Arc::new(Self { limit_bytes, used_bytes, queue: Mutex::default() })
    }

    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes.try_into().unwrap_or(0)
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Relaxed).try_into().unwrap_or(0)
    }

    /// The most that one growing file may hold, in bytes: one long recording does not push out
    /// what all others need.
    pub(super) fn share_bytes(&self) -> u64 {
        (self.limit_bytes / 4).try_into().unwrap_or(0)
    }

    /// Takes a file into the account; what it holds is given back with [`Window::gone`].
    pub(super) fn enter(&self, file: &Arc<File>) {
        self.used_bytes.fetch_add(FILE_BYTES, Relaxed);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // Places of files that are gone: at most as many as those that live stay in the queue.
        if queue.len() == queue.capacity() {
            queue.retain(|file| file.strong_count() > 0);
        }
        queue.push_back(Arc::downgrade(file));
    }

    /// A file that held so many bytes is gone.
    pub(super) fn gone(&self, bytes: u64) {
        self.used_bytes.fetch_sub(signed(bytes) + FILE_BYTES, Relaxed);
    }

    /// A growing file gave back so many bytes by itself.
    pub(super) fn returned(&self, bytes: u64) {
        self.used_bytes.fetch_sub(signed(bytes), Relaxed);
    }

    /// Adds bytes to the account; answers the finished files that gave theirs back for it.
    pub(super) fn charge(&self, bytes: u64) -> Vec<Arc<File>> {
        let bytes = signed(bytes);
        let used = self.used_bytes.fetch_add(bytes, Relaxed) + bytes;
        if used <= self.limit_bytes { Vec::new() } else { self.make_room() }
    }

    fn make_room(&self) -> Vec<Arc<File>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut evicted, mut growing) = (Vec::new(), Vec::new());
        // Twice round: the first may only find that every file has been asked for.
        let places = queue.len();
        for turn in 0..places * 2 {
            let is_first = turn < places;
            if self.used_bytes.load(Relaxed) <= self.limit_bytes {
                break;
            }
            let Some(place) = queue.pop_front() else { break };
            let Some(file) = place.upgrade() else { continue };
            if file.progress().0 == Phase::Growing {
                queue.push_back(place);
                growing.push(file);
            } else if file.take_touched() || (is_first && file.path().is_manifest()) {
                // A manifest's last good copy is served through truncation and gaps: it stays
                // while others can go.
                queue.push_back(place);
            } else {
                // What is gone from the disk gives nothing back here, but when its last reader
                // lets it go.
                self.returned(file.evict());
                evicted.push(file);
            }
        }
        for file in growing {
            if self.used_bytes.load(Relaxed) > self.limit_bytes {
                self.returned(file.evict());
            }
        }
        evicted
    }
}

fn signed(bytes: u64) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX / 4)
}
