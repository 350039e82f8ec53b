//! The close of a file: what one who wrote leaves behind.

use super::{growing::Progress, inbox::Event, lease::HasWriter, root::Found, tracker::Tracker};
use crate::live::{MediaPath, Phase};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Files that were closed while somebody had them open for writing, or that are not settled yet,
/// and when to ask again: as many as were closed within some seconds.
#[derive(Debug, Default)]
pub(super) struct Closing(HashMap<PathBuf, Asked>);

/// When to ask again, and how long that is after the last time.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Instant,
    delay: Duration,
    /// An event told of the close.
    is_told: bool,
}

/// How soon it is asked again.
pub(super) const FIRST_DELAY: Duration = Duration::from_micros(100);
/// After that it is not asked again: one that is really still being written tells of its own
/// close.
const LAST_DELAY: Duration = Duration::from_secs(1);

impl Tracker {
    /// One who wrote has closed a file.
    pub(super) fn closed(&mut self, relative: &Path) {
        let before = self.closing.0.remove(relative);
        let Some(growing) = self.growing.get_mut(relative) else {
            return self.closed_unseen(relative, true, before.map(|asked| asked.delay));
        };
        // The last bytes may have come after the last event.
        let now = Instant::now();
        growing.waits_for_close = false;
        let progress = growing.read_on(&self.library, &mut self.buffer, now);
        growing.close_due = matches!(progress, Ok(Progress::More));
        match progress {
            Ok(Progress::More) => return self.again(relative, Event::Closed),
            Ok(Progress::Read { .. }) if growing.begins_as_before() => {}
            Ok(Progress::Read { .. } | Progress::Replaced) => {
                self.cut(relative, "it was written anew");
                return self.closed_unseen(relative, true, before.map(|asked| asked.delay));
            }
            Err(_) => return self.read_on(relative),
        }
        let is_empty = growing.live().is_none();
        if self.is_written_still(relative) {
            return self.ask_again(relative, true, before.map(|asked| asked.delay));
        }
        if is_empty {
            self.growing.remove(relative);
            return self.closed_empty(relative);
        }
        self.growing.get_mut(relative).into_iter().for_each(|growing| growing.closed(now));
        self.judge(relative, now);
    }

    fn is_written_still(&self, relative: &Path) -> bool {
        let growing = self.growing.get(relative);
        growing.is_some_and(|growing| self.writer_of(growing.file()) == HasWriter::Yes)
    }

    /// What was closed before something else came to its name is read to its end first: it was
    /// whole by then.
    pub(super) fn catch_up(&mut self, relative: &Path) {
        // Whoever closed it is counted out by now, or it is really still being written.
        let is_asked = self.closing.0.get(relative).is_some_and(|asked| asked.is_told);
        if is_asked && self.growing.contains_key(relative) {
            self.closed(relative);
        }
        while self.growing.get(relative).is_some_and(|growing| growing.close_due) {
            self.closed(relative);
        }
    }

    /// A final name that was closed without a byte counts as absent.
    pub(super) fn closed_empty(&mut self, relative: &Path) {
        if let Some(shown) = MediaPath::from_disk(relative) {
            self.library.forget(&shown);
            self.library.nudge(&shown);
        }
    }

    /// A file that is not known to grow was closed, if an event told so; else it may have been.
    pub(super) fn closed_unseen(
        &mut self,
        relative: &Path,
        is_told: bool,
        before: Option<Duration>,
    ) {
        let Some(shown) = MediaPath::from_disk(relative) else { return };
        self.library.doubt(&shown);
        let Found::File(opened) = self.root.find(relative) else { return };
        let is_manifest = shown.is_manifest();
        // A manifest that is written twice in one tick of the clock looks the same.
        let is_known = !is_manifest && self.is_known(&shown, &opened);
        if is_known || self.uploads.owns(&shown, opened.stamp) {
            return;
        }
        if let Some(side) = self.side_of(&shown, opened.inode()) {
            return self.renamed(&side, relative);
        }
        if self.writer_of(&opened.file) == HasWriter::Yes {
            self.ask_again(relative, is_told, before);
            let current = self.library.current(&shown);
            if current.is_some_and(|file| file.progress().0 == Phase::Cut) {
                // It has stalled, and whoever closed it was not the last.
                return;
            }
        }
        if is_manifest {
            self.manifest(&shown, opened, is_told);
        } else if !is_told && self.writer_of(&opened.file) == HasWriter::Unknown {
            self.follow_unseen(relative, shown, false, opened);
        } else {
            self.whole(relative, shown, opened, false);
        }
    }

    /// Somebody still has a file open for writing whose close was told of: perhaps the one who
    /// closes it, for Linux tells before it counts the writer out (`__fput` in fs/file_table.c).
    fn ask_again(&mut self, relative: &Path, is_told: bool, before: Option<Duration>) {
        if before.is_some_and(|before| before >= LAST_DELAY) {
            return;
        }
        let delay = before.map_or(FIRST_DELAY, |before| LAST_DELAY.min(before * 2));
        self.ask_after(relative, delay, is_told);
    }

    /// Looks at a file again after this time.
    pub(super) fn ask_after(&mut self, relative: &Path, delay: Duration, is_told: bool) {
        let at = Instant::now() + delay;
        self.closing.0.insert(relative.to_owned(), Asked { at, delay, is_told });
        self.wake_by(at);
    }

    /// It is known what has become of a file.
    pub(super) fn forget_closing(&mut self, relative: &Path) {
        self.closing.0.remove(relative);
    }

    /// Asks again about those whose time has come.
    pub(super) fn pass_closing(&mut self, now: Instant) {
        let asked: Vec<(PathBuf, Asked)> =
            self.closing.0.iter().map(|(path, asked)| (path.clone(), *asked)).collect();
        for (relative, Asked { at, delay, is_told }) in asked {
            if at > now {
                self.wake_by(at);
            } else if is_told {
                self.closed(&relative);
            } else {
                self.closing.0.remove(&relative);
                self.closed_unseen(&relative, false, Some(delay));
            }
        }
    }
}
