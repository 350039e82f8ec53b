//! What wakes the folder's thread: others who ring, and the watch that it reads itself.

use super::watcher::Watcher;
use std::{io, time::Duration};

/// Rung by others when there is something to do.
#[derive(Debug)]
pub(super) struct Bell(system::Bell);

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        system::Bell::new().map(Self)
    }

    /// Wakes the one who sleeps, or the next one who is about to.
    pub(super) fn ring(&self) {
        self.0.ring();
    }

    /// Sleeps until it is rung, the watch has something to read, or the time is up; it may also
    /// end for no reason. Whether the watch has something.
    pub(super) fn sleep(&self, watcher: Option<&Watcher>, time: Option<Duration>) -> bool {
        self.0.sleep(watcher, time)
    }
}

/// An eventfd, so that one call waits for it and for inotify.
#[cfg(target_os = "linux")]
mod system {
    use super::{Duration, Watcher, io};
    use rustix::{
        event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
        fd::OwnedFd,
    };

    #[derive(Debug)]
    pub(super) struct Bell(OwnedFd);

    impl Bell {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
        }

        pub(super) fn ring(&self) {
            // It fails only when it has been rung 2^64 times.
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }

        pub(super) fn sleep(&self, watcher: Option<&Watcher>, time: Option<Duration>) -> bool {
            let time = time.and_then(|time| Timespec::try_from(time).ok());
            let watch = watcher.and_then(Watcher::handle);
            let bell = PollFd::new(&self.0, PollFlags::IN);
            let mut both = [
                bell.clone(),
                watch.map_or(bell, |it| PollFd::from_borrowed_fd(it, PollFlags::IN)),
            ];
            let count = 1 + usize::from(watch.is_some());
            if poll(&mut both[..count], time.as_ref()).is_err() {
                // A signal came.
                return false;
            }
            let [is_rung, is_told] = both.map(|it| !it.revents().is_empty());
            if is_rung {
                let _ = rustix::io::read(&self.0, &mut [0; 8]);
            }
            is_told && watch.is_some()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Duration, Watcher, io};
    use std::sync::{Condvar, Mutex, PoisonError};

    #[derive(Debug, Default)]
    pub(super) struct Bell {
        is_rung: Mutex<bool>,
        rung: Condvar,
    }

    impl Bell {
        #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self::default())
        }

        pub(super) fn ring(&self) {
            *self.is_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.rung.notify_one();
        }

        pub(super) fn sleep(&self, _watcher: Option<&Watcher>, time: Option<Duration>) -> bool {
            let is_rung = self.is_rung.lock().unwrap_or_else(PoisonError::into_inner);
            let time = time.unwrap_or(Duration::MAX);
            let waited = self.rung.wait_timeout_while(is_rung, time, |is_rung| !*is_rung);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
            false
        }
    }
}
