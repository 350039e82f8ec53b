//! When the time of a growing file or a missing manifest has come.

use super::{growing::Progress, inbox::Event, root::Found, tracker::Tracker};
use crate::live::Verdict;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How soon, and how late, a file is asked about again that may just be closing.
const SOONEST: Duration = Duration::from_millis(1);
const LATEST: Duration = Duration::from_millis(250);

/// A close that was told while somebody still had the file open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closing {
    since: Instant,
    /// When it was found open the last time.
    asked: Instant,
}

impl Closing {
    fn at(now: Instant) -> Self {
        Self { since: now, asked: now }
    }
}

impl Tracker {
    /// Something is to be done by then.
    pub(super) fn wake_by(&mut self, deadline: Instant) {
        self.wake_at = Some(self.wake_at.map_or(deadline, |wake_at| wake_at.min(deadline)));
    }

    pub(super) fn pass_deadlines(&mut self, now: Instant) {
        self.wake_at = None;
        let growing: Vec<PathBuf> = self.growing.keys().cloned().collect();
        growing.iter().for_each(|relative| self.judge(relative, now));
        self.pass_closings();
        self.pass_manifests(now);
    }

    /// A close was told, and yet somebody has the file open. It may be another writer, whose
    /// close will be told too. But the kernel tells of a close before it is done, and ext4 writes
    /// a file to disk in between that was truncated before: so the file is asked about again.
    pub(super) fn still_open(&mut self, relative: &Path) {
        let now = Instant::now();
        let closing = self.closing.entry(relative.to_owned()).or_insert(Closing::at(now));
        closing.asked = now;
        let deadline = now + (now - closing.since).clamp(SOONEST, LATEST);
        self.wake_by(deadline);
    }

    fn pass_closings(&mut self) {
        for (relative, before) in self.closing.clone() {
            self.closed(&relative);
            if self.closing.get(&relative) == Some(&before) {
                self.closing.remove(&relative);
            }
        }
    }

    /// Finishes or cuts a file whose time has come.
    pub(super) fn judge(&mut self, relative: &Path, now: Instant) {
        let Some(growing) = self.growing.get(relative) else { return };
        let verdict = growing.judge(&self.rules, now);
        let is_sure = verdict == Some(Verdict::Finished) && self.rules.close_events;
        match verdict {
            None => {}
            Some(Verdict::Until(deadline)) => self.wake_by(deadline),
            Some(_) if !is_sure && self.has_changed(relative, now) => {}
            Some(Verdict::Finished) => self.finish(relative),
            Some(Verdict::Cut) => {
                self.cut(relative, "its writer closed it too early or fell silent");
            }
        }
    }

    /// Looks once more: events may be late, and where there are none, the last write, or a file
    /// that came and went between two looks, goes unnoticed. True when it was not as it was known, and that has been dealt with.
    fn has_changed(&mut self, relative: &Path, now: Instant) -> bool {
        let Some(growing) = self.growing.get_mut(relative) else { return true };
        let named = if growing.is_side_name() { growing.shown().as_path() } else { relative };
        let inode = growing.inode();
        let stands = matches!(self.root.find(named), Found::File(now) if now.inode() == inode);
        if growing.is_side_name() && stands {
            let named = named.to_owned();
            self.renamed(relative, &named);
            return true;
        }
        if !growing.is_side_name() && !stands {
            self.cut(relative, "it was removed");
            self.touched(relative);
            return true;
        }
        match growing.read_on(&self.library, &mut self.buffer, now) {
            Ok(Progress::Read { grew: false }) => return false,
            Ok(Progress::Read { grew: true }) => self.judge(relative, now),
            Ok(Progress::More) => self.again(relative, Event::Touched),
            Ok(Progress::Replaced) | Err(_) => self.read_on(relative),
        }
        true
    }
}
