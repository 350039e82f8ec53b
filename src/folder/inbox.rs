//! What the folder's thread has to do, in the order in which it came.

use super::{
    answer::{Loaded, Look},
    bell::Bell,
    upload::is_own_name,
    watcher::Watcher,
};
use crate::live::{MediaPath, Stamp};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
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

/// What a watch has told.
#[derive(Debug)]
pub(super) enum Notice {
    Event(Event),
    /// Some events were lost.
    Rescan,
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
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    bell: Bell,
    /// The name of the watch that fills it.
    watch: Mutex<&'static str>,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    /// Looks and what was loaded: bounded by the requests that wait for them.
    others: VecDeque<Task>,
    rescan: bool,
    /// So many of the events are as new as what the watch was last read for.
    fresh: usize,
    /// The folder's thread sleeps, or is about to.
    is_asleep: bool,
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
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { queue: Mutex::default(), bell: Bell::new()?, watch: Mutex::default() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another watch fills it from now on.
    pub(super) fn filled_by(&self, watch: &'static str) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
    }

    /// The name of the watch that fills it.
    pub(super) fn watch_name(&self) -> &'static str {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event.
    pub(super) fn event(&self, event: Event) {
        self.tell(|queue| queue.event(event));
    }

    /// Everything is to be looked at again.
    pub(super) fn rescan(&self) {
        self.tell(|queue| queue.rescan = true);
    }

    /// Adds anything else.
    pub(super) fn push(&self, task: Task) {
        self.tell(|queue| queue.others.push_back(task));
    }

    fn tell(&self, add: impl FnOnce(&mut Queue)) {
        let mut queue = self.queue();
        if queue.is_closed {
            return;
        }
        add(&mut queue);
        let was_asleep = std::mem::take(&mut queue.is_asleep);
        drop(queue);
        if was_asleep {
            self.bell.ring();
        }
    }

    /// Nobody works any more: what is asked from now on gets no answer.
    pub(super) fn close(&self) {
        *self.queue() = Queue { is_closed: true, ..Queue::default() };
    }

    /// Whether somebody works.
    pub(super) fn is_open(&self) -> bool {
        !self.queue().is_closed
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let queue = self.queue();
        queue.events.is_empty() && queue.others.is_empty() && !queue.rescan
    }

    /// The next thing to do; `None` at the deadline, which comes before everything. Reads the
    /// watch, if that is not done elsewhere. Blocks.
    pub(super) fn next(
        &self,
        mut watcher: Option<&mut Watcher>,
        deadline: Option<Instant>,
    ) -> Option<Task> {
        let mut is_told = false;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let mut queue = self.queue();
            if let Some(watcher) = &mut watcher
                && (is_told || queue.is_stale())
            {
                // Nobody waits for the lock meanwhile.
                drop(queue);
                let told = watcher.read();
                queue = self.queue();
                queue.take(told);
            }
            if let Some(task) = queue.pop() {
                return Some(task);
            }
            queue.is_asleep = true;
            drop(queue);
            is_told = self.bell.sleep(watcher.as_deref(), left);
            self.queue().is_asleep = false;
        }
    }
}

impl Queue {
    /// Adds an event, unless the last one says the same already, or it tells of our own writing.
    fn event(&mut self, event: Event) {
        if is_own_name(event.path()) {
            return;
        }
        if self.events.len() >= MAX_EVENTS {
            self.rescan = true;
        } else if self.events.back() != Some(&event) {
            self.events.push_back(event);
        }
    }

    /// Whether the watch may have told of something that comes before what is next.
    fn is_stale(&self) -> bool {
        self.fresh == 0 && !(self.events.is_empty() && self.others.is_empty())
    }

    fn take(&mut self, told: impl Iterator<Item = Notice>) {
        for notice in told {
            match notice {
                Notice::Event(event) => self.event(event),
                Notice::Rescan => self.rescan = true,
            }
        }
        self.fresh = self.events.len();
    }

    fn pop(&mut self) -> Option<Task> {
        if self.turns < TURNS || self.others.is_empty() {
            if let Some(event) = self.events.pop_front() {
                self.turns += 1;
                self.fresh = self.fresh.saturating_sub(1);
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
        let inbox = Inbox::new().expect("an inbox");
        for number in 0..=MAX_EVENTS {
            inbox.event(Event::Touched(number.to_string().into()));
        }
        for _ in 0..MAX_EVENTS {
            assert!(matches!(inbox.next(None, None), Some(Task::Event(_))));
        }
        assert!(matches!(inbox.next(None, None), Some(Task::Rescan)));
        assert!(inbox.queue().pop().is_none());
    }

    #[test]
    fn watching_changes_have_their_turn_before_questions() {
        let inbox = Inbox::new().expect("an inbox");
        inbox.push(Task::Stop);
        for number in 0..=TURNS {
            inbox.event(Event::Touched(number.to_string().into()));
        }
        for _ in 0..TURNS {
            assert!(matches!(inbox.next(None, None), Some(Task::Event(_))));
        }
        assert!(matches!(inbox.next(None, None), Some(Task::Stop)), "but not for ever");
        assert!(matches!(inbox.next(None, None), Some(Task::Event(_))));
    }

    #[test]
    fn ingest_its_own_writing_is_no_event_however_it_is_told() {
        let own = || Event::Touched("/x/.lldash-upload-1-1".into());
        let inbox = Inbox::new().expect("an inbox");
        inbox.event(own());
        inbox.queue().take([Notice::Event(own())].into_iter());
        assert!(inbox.queue().pop().is_none());
    }

    #[test]
    fn watching_many_writes_are_one_event() {
        let inbox = Inbox::new().expect("an inbox");
        for _ in 0..300 {
            inbox.event(Event::Touched("1.ts".into()));
        }
        assert!(inbox.next(None, None).is_some());
        assert!(inbox.queue().pop().is_none());
    }
}
