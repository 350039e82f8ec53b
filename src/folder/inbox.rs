//! What the folder's thread has to do, in the order in which it came.

use super::answer::{Loaded, Look};
use std::{
    collections::VecDeque,
    path::PathBuf,
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

/// Something to do.
#[derive(Debug)]
pub(super) enum Task {
    Event(Event),
    /// Events were lost, or something was mounted: look at everything again.
    Rescan,
    Look(Look),
    Loaded(Loaded),
    Stop,
}

/// The queue between those who notice and the folder's thread.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    tasks: VecDeque<Task>,
    events: usize,
    rescan: bool,
}

/// Beyond so many events the rest is dropped and everything is looked at again, which is no more
/// work. Looks and loads are bounded by the requests that wait for them.
const MAX_EVENTS: usize = 65_536;

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, unless the last one says the same already.
    pub(super) fn event(&self, event: Event) {
        let mut queue = self.queue();
        if matches!(queue.tasks.back(), Some(Task::Event(last)) if *last == event) {
            return;
        }
        if queue.events >= MAX_EVENTS {
            queue.rescan = true;
        } else {
            queue.events += 1;
            queue.tasks.push_back(Task::Event(event));
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
        self.queue().tasks.push_back(task);
        self.filled.notify_one();
    }

    /// The next thing to do; `None` at the deadline. Blocks.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Option<Task> {
        let mut queue = self.queue();
        loop {
            // What was dropped came after all that is queued.
            if let Some(task) = queue.tasks.pop_front() {
                queue.events -= usize::from(matches!(task, Task::Event(_)));
                return Some(task);
            }
            if std::mem::take(&mut queue.rescan) {
                return Some(Task::Rescan);
            }
            queue = match deadline {
                None => self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.checked_duration_since(Instant::now())?;
                    let waited = self.filled.wait_timeout(queue, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
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
        assert!(inbox.next(Some(Instant::now())).is_none());
    }

    #[test]
    fn watching_many_writes_are_one_event() {
        let inbox = Inbox::default();
        for _ in 0..300 {
            inbox.event(Event::Touched("1.ts".into()));
        }
        assert!(inbox.next(None).is_some());
        assert!(inbox.next(Some(Instant::now())).is_none());
    }
}
