//! What waits for the thread that writes: requests tell of themselves and go on.

use super::seen::Seen;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many requests wait, of a few hundred bytes each, and of 9 KiB at most; what comes when there
/// are more is lost, and counted.
const MAX_WAITING: usize = 8192;

/// They wait so long for others, to be written together, unless there are [`MANY`].
const GATHERING: Duration = Duration::from_millis(100);

/// So many are taken at once: a crowd leaves more within the time of gathering than may wait.
const MANY: usize = MAX_WAITING / 2;

/// One side tells, the other takes.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when the first one comes, when there are many, and at the end.
    changed: Condvar,
    gathering: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), gathering: GATHERING }
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Seen>,
    lost: u64,
    is_ending: bool,
    has_ended: bool,
}

/// What has come.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) seen: Vec<Seen>,
    pub(super) lost: u64,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is over. Waits for nobody.
    pub(super) fn add(&self, seen: Seen) {
        let mut state = self.state();
        if state.waiting.len() >= MAX_WAITING || state.is_ending {
            state.lost += 1;
            return;
        }
        state.waiting.push(seen);
        let is_news = [1, MANY].contains(&state.waiting.len());
        drop(state);
        if is_news {
            self.changed.notify_all();
        }
    }

    /// Waits until something has come, a moment more for what comes with it, and no longer than
    /// until then. Blocks.
    pub(super) fn next(&self, until: Option<Instant>) -> Batch {
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.is_ending;
        let state = self.state();
        let waited = match until {
            None => self.changed.wait_while(state, is_idle),
            Some(until) => {
                let rest = until.saturating_duration_since(Instant::now());
                let waited = self.changed.wait_timeout_while(state, rest, is_idle);
                waited
                    .map(|(state, _)| state)
                    .map_err(|error| PoisonError::new(error.into_inner().0))
            }
        };
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.waiting.is_empty() {
            let is_gathering = |state: &mut State| state.waiting.len() < MANY && !state.is_ending;
            let gathered = self.changed.wait_timeout_while(state, self.gathering, is_gathering);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        Batch {
            seen: std::mem::take(&mut state.waiting),
            lost: std::mem::take(&mut state.lost),
            is_last: state.is_ending,
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.state().is_ending = true;
        self.changed.notify_all();
    }

    /// All has been written.
    pub(super) fn ended(&self) {
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    /// Waits until all has been written, or so long.
    pub(super) fn wait_for_end(&self, patience: Duration) {
        let is_waiting = |state: &mut State| !state.has_ended;
        let _ = self.changed.wait_timeout_while(self.state(), patience, is_waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        live::MediaPath,
        viewers::{Settings, Viewers, What},
    };
    use std::{sync::Arc, thread, time::SystemTime};

    fn seen() -> Seen {
        let what = What::File(MediaPath::at_root("1.m4s"));
        Seen::new(what, Instant::now(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn stats_that_come_too_fast_are_lost_and_counted() {
        let queue = Queue::default();
        (0..MAX_WAITING + 3).for_each(|_| queue.add(seen()));
        let batch = queue.next(None);
        assert_eq!((batch.seen.len(), batch.lost, batch.is_last), (MAX_WAITING, 3, false));
        queue.add(seen());
        queue.end();
        queue.add(seen());
        let batch = queue.next(None);
        assert_eq!((batch.seen.len(), batch.lost, batch.is_last), (1, 1, true));
    }

    #[test]
    fn stats_wake_the_thread_that_waits_for_them() {
        let queue = Arc::new(Queue::default());
        assert!(queue.next(Some(Instant::now())).seen.is_empty(), "the time was up");
        let waits = queue.clone();
        let thread = thread::spawn(move || waits.next(None).seen.len());
        queue.add(seen());
        assert_eq!(thread.join().expect("it wakes"), 1);
    }

    #[test]
    fn stats_of_a_crowd_are_taken_as_soon_as_there_are_many() {
        let gathering = Duration::from_secs(3600);
        let queue = Arc::new(Queue { gathering, ..Queue::default() });
        let waits = queue.clone();
        let thread = thread::spawn(move || waits.next(None).seen.len());
        (0..MANY).for_each(|_| queue.add(seen()));
        assert_eq!(thread.join().expect("it wakes"), MANY);
    }

    #[test]
    fn stats_are_all_written_when_their_writing_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let served = tempfile::tempdir().expect("a folder");
        let settings = Settings { path: folder.path().join("x.csv"), max_bytes: 1 << 30 };
        let (viewers, writing) = Viewers::start(&settings, &[served.path()]).expect("started");
        (0..5000).for_each(|_| viewers.note(seen()));
        drop(writing);
        let text = std::fs::read_to_string(&settings.path).expect("text");
        assert_eq!(text.lines().count(), 5001);
        let visits = std::fs::read_to_string(folder.path().join("x.summary.csv")).expect("text");
        assert_eq!(visits.lines().count(), 2);
    }
}
