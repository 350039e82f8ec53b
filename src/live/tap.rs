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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{File, Follower, Library, MediaPath, Stamp, Step, Writer};
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        task::Poll,
        time::SystemTime,
    };

    /// Takes what it is given, until it has had enough.
    #[derive(Default)]
    struct Glass {
        is_full: AtomicBool,
        is_enrolled: AtomicBool,
        taken: Mutex<Vec<(u64, Bytes)>>,
        woken: AtomicUsize,
    }

    impl Glass {
        fn taken(&self) -> Vec<(u64, Bytes)> {
            std::mem::take(&mut self.taken.lock().expect("not poisoned"))
        }

        fn woken(&self) -> usize {
            self.woken.swap(0, Ordering::Relaxed)
        }
    }

    impl Tap for Glass {
        fn enroll(&self, _position: u64) -> bool {
            !self.is_enrolled.swap(true, Ordering::Relaxed)
        }

        fn take(&self, position: u64, bytes: &Bytes) -> bool {
            if self.is_full.load(Ordering::Relaxed) {
                self.wake();
                return false;
            }
            self.taken.lock().expect("not poisoned").push((position, bytes.clone()));
            true
        }

        fn wake(&self) {
            self.is_enrolled.store(false, Ordering::Relaxed);
            self.woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn begin() -> (Writer, Arc<File>) {
        let library = Library::new(1 << 20, 10);
        let writer = library.begin(MediaPath::at_root("1.m4s"), None, Bytes::from_static(b"abc"));
        let file = writer.file().clone();
        (writer, file)
    }

    fn tapped(file: &Arc<File>) -> (Follower, Arc<Glass>) {
        let (mut follower, glass) = (file.follow(3..u64::MAX), Arc::new(Glass::default()));
        let tap: Arc<dyn Tap> = glass.clone();
        assert!(follower.poll_tapped(&tap).is_pending());
        (follower, glass)
    }

    #[test]
    fn growing_bytes_are_taken_by_the_thread_that_brings_them() {
        let (mut writer, file) = begin();
        let (mut follower, glass) = tapped(&file);
        writer.append(Bytes::from_static(b"de"));
        writer.append(Bytes::from_static(b"f"));
        let taken = [(3, Bytes::from_static(b"de")), (5, Bytes::from_static(b"f"))];
        assert_eq!((glass.taken(), glass.woken()), (taken.to_vec(), 0));
        // Awake for another reason, it finds nothing new, and is given what comes once.
        follower.skip_to(6);
        let tap: Arc<dyn Tap> = glass.clone();
        assert!(follower.poll_tapped(&tap).is_pending());
        writer.append(Bytes::from_static(b"g"));
        assert_eq!((glass.taken().len(), glass.woken()), (1, 0));
        writer.finish(SystemTime::UNIX_EPOCH, Stamp::default());
        assert_eq!((glass.taken().len(), glass.woken()), (0, 1));
        follower.skip_to(7);
        assert!(matches!(follower.poll_tapped(&tap), Poll::Ready(Step::End)));
    }

    #[test]
    fn growing_one_that_has_enough_reads_for_itself() {
        let (mut writer, file) = begin();
        let (mut follower, glass) = tapped(&file);
        glass.is_full.store(true, Ordering::Relaxed);
        writer.append(Bytes::from_static(b"d"));
        writer.append(Bytes::from_static(b"e"));
        assert_eq!((glass.taken().len(), glass.woken()), (0, 1), "told once");
        let tap: Arc<dyn Tap> = glass.clone();
        let Poll::Ready(Step::Bytes(bytes)) = follower.poll_tapped(&tap) else {
            panic!("there are bytes")
        };
        assert_eq!(bytes, "de");
    }

    #[test]
    fn growing_a_crowd_is_shared_among_the_cores() {
        let (mut writer, file) = begin();
        let crowd: Vec<_> = (0..FEW + 100).map(|_| tapped(&file)).collect();
        writer.append(Bytes::from_static(b"d"));
        let taken = crowd.iter().filter(|(_, glass)| !glass.taken().is_empty()).count();
        let woken = crowd.iter().filter(|(_, glass)| glass.woken() == 1).count();
        assert_eq!((taken, woken), (share(crowd.len()), crowd.len() - share(crowd.len())));
    }
}
