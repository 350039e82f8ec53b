//! Those who wait for a file, and what becomes of them when it is there: a task is woken; of those
//! who take it in the thread that brings it, some are given it at once, and the others are woken.

use super::file::File;
use std::{fmt, sync::Arc, task::Waker};

/// Somebody who waits for a file, and takes it in the thread that brings it.
pub trait Recipient: Send + Sync {
    /// Whoever is behind it has nothing else to do than to wait for the file, and is to be woken
    /// by this. Answers false if it has been given one already. Called while the library is locked.
    fn sleep(&self, waker: &Waker) -> bool;

    /// The file is there: takes of it what can be taken in a moment. It is woken then.
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

/// So many are given a file by the thread that brings it, at most. The others wake up meanwhile: a
/// head and a segment for each take so long that all cores do better.
const FEW: usize = 32;

/// So much is given in all, in bytes: what other files wait for is brought by the same thread.
const GIVEN_BYTES: u64 = 512 * 1024;

/// How many are given a file that has so many bytes now.
fn share(length: u64) -> usize {
    let share = usize::try_from(GIVEN_BYTES / length.max(1)).unwrap_or(FEW);
    share.clamp(1, FEW)
}

/// Hands out a file: first all wake up who must, and while they do so, the others are given it.
pub(super) fn hand_over(parked: Vec<Option<Waiting>>, file: &Arc<File>) {
    let (mut given, share) = (Vec::new(), share(file.progress().1));
    for waiting in parked.into_iter().flatten() {
        match waiting {
            Waiting::Recipient(recipient) if given.len() < share => given.push(recipient),
            waiting => waiting.wake(),
        }
    }
    for recipient in given {
        recipient.give(file);
        recipient.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Library, MediaPath, Stamp};
    use bytes::Bytes;
    use std::{
        pin::pin,
        sync::Mutex,
        task::{Context, Poll},
        time::SystemTime,
    };

    /// Notes what it is told, with its number.
    struct Guest(usize, Arc<Mutex<Vec<(usize, &'static str)>>>);

    impl Guest {
        fn note(&self, what: &'static str) {
            self.1.lock().expect("not poisoned").push((self.0, what));
        }
    }

    impl Recipient for Guest {
        fn sleep(&self, _waker: &Waker) -> bool {
            self.note("sleeps");
            self.0 != SATED
        }

        fn give(&self, file: &Arc<File>) {
            assert_eq!(file.whole().expect("whole"), "abc");
            self.note("is given");
        }

        fn wake(&self) {
            self.note("wakes");
        }
    }

    /// The number of one who has been given something before.
    const SATED: usize = usize::MAX;

    fn publish(library: &Arc<Library>) {
        let shown = (SystemTime::UNIX_EPOCH, Stamp::default());
        let path = MediaPath::at_root("1.m4s");
        library.publish(path, None, Bytes::from_static(b"abc"), shown, None);
    }

    /// So many wait; what is noted is answered once they sleep.
    fn crowd(count: usize, then: impl Fn(&Arc<Library>)) -> Vec<(usize, &'static str)> {
        let (library, notes) = (Library::new(1 << 20, count), Arc::new(Mutex::default()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut waits: Vec<_> = (0..count)
            .map(|number| {
                let guest: Arc<dyn Recipient> = Arc::new(Guest(number, notes.clone()));
                let mut wait = library.wait(MediaPath::at_root("1.m4s")).expect("a place");
                Box::pin(async move { wait.given(Some(&guest), |_| true).await.is_some() })
            })
            .collect();
        for wait in &mut waits {
            assert_eq!(wait.as_mut().poll(&mut cx), Poll::Pending);
        }
        let noted = || std::mem::take(&mut *notes.lock().expect("not poisoned"));
        assert_eq!(noted().len(), count, "all sleep");
        then(&library);
        noted()
    }

    #[test]
    fn holding_a_few_are_given_the_file_before_they_wake() {
        let noted = crowd(2, publish);
        assert_eq!(noted, [(0, "is given"), (0, "wakes"), (1, "is given"), (1, "wakes")]);
    }

    #[test]
    fn holding_of_a_crowd_most_wake_while_a_few_are_given_the_file() {
        let noted = crowd(FEW + 2, publish);
        assert_eq!(noted[..2], [(FEW, "wakes"), (FEW + 1, "wakes")]);
        let given = noted.iter().filter(|(_, what)| *what == "is given").count();
        let woken = noted.iter().filter(|(_, what)| *what == "wakes").count();
        assert_eq!((given, woken), (FEW, FEW + 2));
    }

    #[test]
    fn holding_the_larger_a_file_the_fewer_are_given_it() {
        assert_eq!([0, 1, 4096].map(share), [FEW; 3]);
        assert_eq!([64 << 10, 512 << 10, 99 << 20].map(share), [8, 1, 1]);
    }

    #[test]
    fn holding_one_that_has_been_given_something_does_not_sleep() {
        let (library, notes) = (Library::new(1 << 20, 1), Arc::new(Mutex::default()));
        let guest: Arc<dyn Recipient> = Arc::new(Guest(SATED, notes.clone()));
        let mut wait = library.wait(MediaPath::at_root("1.m4s")).expect("a place");
        let mut given = pin!(wait.given(Some(&guest), |_| true));
        let polled = given.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(None)));
    }

    #[test]
    fn holding_those_who_are_to_look_again_are_given_nothing() {
        let noted = crowd(1, |library| library.nudge(&MediaPath::at_root("1.m4s")));
        assert_eq!(noted, [(0, "wakes")]);
    }
}
