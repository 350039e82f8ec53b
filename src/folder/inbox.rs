//! What the folder's thread has to do, in the order in which it came.

use super::{
    answer::{Loaded, Look},
    upload::is_own_name,
};
use crate::live::{MediaPath, Stamp};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A change on disk. Paths are real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Made or written: look at it.
    Touched(PathBuf),
    /// One who wrote has closed it.
    Closed(PathBuf),
    /// It was renamed to this name.
    Arrived(PathBuf),
    /// It was renamed away from this name.
    Moved(PathBuf),
    /// It was removed.
    Removed(PathBuf),
}

impl Event {
    /// Where it was.
    pub(super) fn path(&self) -> &Path {
        let (Self::Touched(real)
        | Self::Closed(real)
        | Self::Arrived(real)
        | Self::Moved(real)
        | Self::Removed(real)) = self;
        real
    }
}

/// Something to do.
#[derive(Debug)]
pub(super) enum Task {
    Event(Event),
    /// Events were lost, or something was mounted: look at everything again.
    Rescan,
    Look(Look),
    Loaded(Loaded),
    /// An upload was finished, and this is how the disk shows it.
    Uploaded(MediaPath, Stamp),
    Stop,
}

/// The queue between those who notice and the folder's thread. Changes have their turn before
/// questions: live bytes wait for nobody.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    /// Looks and what was loaded: bounded by the requests that wait for them.
    others: VecDeque<Task>,
    rescan: bool,
    /// So many events have had their turn since the last of the others.
    turns: usize,
    is_closed: bool,
}

/// After so many events one of the others has its turn.
const TURNS: usize = 16;

/// Beyond so many events the rest is dropped and everything is looked at again, which is no more
/// work.
const MAX_EVENTS: usize = 65_536;

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, unless the last one says the same already, or it tells of our own writing.
    pub(super) fn event(&self, event: Event) {
        if is_own_name(event.path()) {
            return;
        }
        let mut queue = self.queue();
        if queue.is_closed || queue.events.back() == Some(&event) {
            return;
        }
        if queue.events.len() >= MAX_EVENTS {
            queue.rescan = true;
        } else {
            queue.events.push_back(event);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Everything is to be looked at again.
    pub(super) fn rescan(&self) {
        self.queue().rescan = true;
        self.filled.notify_one();
    }

    /// Adds anything else.
    pub(super) fn push(&self, task: Task) {
        let mut queue = self.queue();
        if !queue.is_closed {
            queue.others.push_back(task);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Nobody works any more: what is asked from now on gets no answer.
    pub(super) fn close(&self) {
        *self.queue() = Queue { is_closed: true, ..Queue::default() };
    }

    /// Whether somebody works.
    pub(super) fn is_open(&self) -> bool {
        !self.queue().is_closed
    }

    /// The next thing to do; `None` at the deadline, which comes before everything. Blocks.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Option<Task> {
        let mut queue = self.queue();
        loop {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            if let Some(task) = queue.pop() {
                return Some(task);
            }
            queue = match deadline {
                None => self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let waited = self.filled.wait_timeout(queue, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Task> {
        if self.turns < TURNS || self.others.is_empty() {
            if let Some(event) = self.events.pop_front() {
                self.turns += 1;
                return Some(Task::Event(event));
            }
            // What was dropped came after all that was queued.
            if std::mem::take(&mut self.rescan) {
                return Some(Task::Rescan);
            }
        }
        self.turns = 0;
        self.others.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watching_a_queue_that_is_full_makes_everything_be_looked_at() {
        let inbox = Inbox::default();
        for number in 0..=MAX_EVENTS {
            inbox.event(Event::Touched(number.to_string().into()));
        }
        for _ in 0..MAX_EVENTS {
            assert!(matches!(inbox.next(None), Some(Task::Event(_))));
        }
        assert!(matches!(inbox.next(None), Some(Task::Rescan)));
        assert!(inbox.queue().pop().is_none());
    }

    #[test]
    fn watching_changes_have_their_turn_before_questions() {
        let inbox = Inbox::default();
        inbox.push(Task::Stop);
        for number in 0..=TURNS {
            inbox.event(Event::Touched(number.to_string().into()));
        }
        for _ in 0..TURNS {
            assert!(matches!(inbox.next(None), Some(Task::Event(_))));
        }
        assert!(matches!(inbox.next(None), Some(Task::Stop)), "but not for ever");
        assert!(matches!(inbox.next(None), Some(Task::Event(_))));
    }

    #[test]
    fn watching_many_writes_are_one_event() {
        let inbox = Inbox::default();
        for _ in 0..300 {
            inbox.event(Event::Touched("1.ts".into()));
        }
        assert!(inbox.next(None).is_some());
        assert!(inbox.queue().pop().is_none());
    }
}
