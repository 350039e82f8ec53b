//! Wakes a thread after a while. On Linux the thread sleeps through the while, and is woken once:
//! a condition would wake it to sleep again until the time is up, which costs more than the line
//! that it writes.

pub(super) use system::Alarm;

#[cfg(target_os = "linux")]
mod system {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::{io, os::fd::OwnedFd, time::Duration};

    /// A timer of the system.
    #[derive(Debug)]
    pub(in super::super) struct Alarm(OwnedFd);

    impl Alarm {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
        }

        /// Ends the sleep, now or to come, after this time; zero counts as a nanosecond.
        pub(in super::super) fn set(&self, delay: Duration) {
            let delay = delay.max(Duration::from_nanos(1));
            let value = Timespec::try_from(delay).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
            // It fails for times that are none.
            let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once);
        }

        /// Sleeps until it is set and the time is up.
        pub(in super::super) fn sleep(&self) {
            // Whoever is woken too early, by a signal, finds little to do.
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{
        io,
        sync::{Condvar, Mutex, PoisonError},
        time::{Duration, Instant},
    };

    /// The time at which the sleep ends, once it is set.
    #[derive(Debug)]
    pub(in super::super) struct Alarm(Mutex<Option<Instant>>, Condvar);

    impl Alarm {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(Mutex::default(), Condvar::new()))
        }

        /// Ends the sleep, now or to come, after this time.
        pub(in super::super) fn set(&self, delay: Duration) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + delay);
            self.1.notify_one();
        }

        /// Sleeps until it is set and the time is up.
        pub(in super::super) fn sleep(&self) {
            let mut end = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            while let left = end.map(|end| end.saturating_duration_since(Instant::now()))
                && left != Some(Duration::ZERO)
            {
                let left = left.unwrap_or(Duration::MAX);
                end = self.1.wait_timeout(end, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            *end = None;
        }
    }
}
