//! The close of a file: what one who wrote leaves behind.

use super::{
    RENAME_GRACE,
    growing::Progress,
    inbox::Event,
    lease::{self, writer_of},
    root::Found,
    tracker::Tracker,
};
use crate::live::{MediaPath, Role};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Files that were closed while somebody had them open for writing, and when to ask again who
/// has: as many as are open.
#[derive(Debug, Default)]
pub(super) struct Closing(HashMap<PathBuf, Asked>);

/// When to ask again, and how long that is after the last time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    at: Instant,
    delay: Duration,
}

const FIRST_DELAY: Duration = Duration::from_millis(1);
/// One that is really still being written tells of its own close.
const LAST_DELAY: Duration = Duration::from_secs(1);

impl Tracker {
    /// One who wrote has closed a file.
    pub(super) fn closed(&mut self, relative: &Path) {
        let asked = self.closing.0.remove(relative);
        let Some(growing) = self.growing.get_mut(relative) else {
            return self.closed_unseen(relative, asked);
        };
        // The last bytes may have come after the last event.
        let now = Instant::now();
        let progress = growing.read_on(&self.library, &mut self.buffer, now);
        growing.close_due = matches!(progress, Ok(Progress::More));
        match progress {
            Ok(Progress::More) => return self.again(relative, Event::Closed),
            Ok(Progress::Read { .. }) => {}
            Ok(Progress::Replaced) | Err(_) => return self.read_on(relative),
        }
        if writer_of(growing.file()) == lease::Writer::Some {
            return self.ask_again(relative, asked);
        }
        if growing.live().is_none() {
            self.growing.remove(relative);
            return self.closed_empty(relative);
        }
        growing.closed(now);
        self.wake_by(now + RENAME_GRACE);
        self.judge(relative, now);
    }

    /// What was closed before something else came to its name is read to its end first: it was
    /// whole by then.
    pub(super) fn catch_up(&mut self, relative: &Path) {
        while self.growing.get(relative).is_some_and(|growing| growing.close_due) {
            self.closed(relative);
        }
    }

    /// A final name that was closed without a byte counts as absent.
    fn closed_empty(&mut self, relative: &Path) {
        if let Some(shown) = MediaPath::from_disk(relative) {
            self.library.forget(&shown);
            self.library.nudge(&shown);
        }
    }

    /// One who wrote has closed a file that is not known to grow.
    pub(super) fn closed_unseen(&mut self, relative: &Path, asked: Option<Asked>) {
        let Some(shown) = MediaPath::from_disk(relative) else { return };
        let Found::File(opened) = self.root.find(relative) else { return };
        let is_manifest = matches!(shown.role(), Role::Manifest(_));
        // A manifest that is written twice in one tick of the clock looks the same.
        if !is_manifest && self.is_known(&shown, &opened) {
            return;
        }
        if self.rules.close_events && writer_of(&opened.file) == lease::Writer::Some {
            self.ask_again(relative, asked);
        }
        if is_manifest {
            self.manifest(&shown, opened);
        } else {
            self.whole(relative, shown, opened, false);
        }
    }

    /// Somebody still has a file open for writing whose close was told of: perhaps the one who
    /// closes it, for Linux tells before it counts the writer out (`__fput` in fs/file_table.c).
    fn ask_again(&mut self, relative: &Path, asked: Option<Asked>) {
        let delay = asked.map_or(FIRST_DELAY, |asked| LAST_DELAY.min(asked.delay * 2));
        let at = Instant::now() + delay;
        self.closing.0.insert(relative.to_owned(), Asked { at, delay });
        self.wake_by(at);
    }

    /// Asks again about those whose time has come.
    pub(super) fn pass_closing(&mut self, now: Instant) {
        let asked: Vec<(PathBuf, Instant)> =
            self.closing.0.iter().map(|(path, asked)| (path.clone(), asked.at)).collect();
        for (relative, at) in asked {
            if at <= now {
                self.closed(&relative);
            } else {
                self.wake_by(at);
            }
        }
    }
}
