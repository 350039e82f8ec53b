//! When the time of a growing file or a missing manifest has come.

use super::{growing::Progress, inbox::Event, root::Found, tracker::Tracker};
use crate::live::Verdict;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

impl Tracker {
    /// Something is to be done by then.
    pub(super) fn wake_by(&mut self, deadline: Instant) {
        self.wake_at = Some(self.wake_at.map_or(deadline, |wake_at| wake_at.min(deadline)));
    }

    /// Does what is due.
    pub(super) fn pass_deadlines(&mut self, now: Instant) {
        self.wake_at = None;
        let growing: Vec<PathBuf> = self.growing.keys().cloned().collect();
        growing.iter().for_each(|relative| self.judge(relative, now));
        self.pass_manifests(now);
        self.pass_closing(now);
        self.pass_root(now);
    }

    /// Finishes or cuts a file whose time has come.
    pub(super) fn judge(&mut self, relative: &Path, now: Instant) {
        let Some(growing) = self.growing.get(relative) else { return };
        match growing.judge(&self.rules, now) {
            None => self.judge_empty(relative, now),
            Some(Verdict::Until(deadline)) => self.wake_by(deadline),
            Some(_) if self.has_changed(relative, now) => {}
            Some(Verdict::Finished) => self.finish(relative),
            Some(Verdict::Cut) => {
                self.cut(relative, "its writer closed it too early or fell silent");
            }
        }
    }

    /// A file without a byte, where no close is told of: nobody waits for it to end, but it is
    /// not held open for ever.
    fn judge_empty(&mut self, relative: &Path, now: Instant) {
        let Some(growing) = self.growing.get(relative) else { return };
        if self.rules.close_events && !growing.close_lost {
            return;
        }
        let deadline = growing.last_growth() + self.rules.idle_finish;
        if now < deadline {
            return self.wake_by(deadline);
        }
        self.growing.remove(relative);
        self.closed_empty(relative);
    }

    /// Looks once more before a file ends without a close that tells of its last byte: it may
    /// have grown, or come and gone between two looks. True when it was not as it was known, and
    /// that has been dealt with.
    fn has_changed(&mut self, relative: &Path, now: Instant) -> bool {
        let Some(growing) = self.growing.get_mut(relative) else { return true };
        if growing.is_closed() && !growing.is_side_name() {
            return false;
        }
        let is_side_name = growing.is_side_name();
        let named = if is_side_name { growing.shown().as_path() } else { relative };
        let (named, inode) = (named.to_owned(), growing.inode());
        let stands = matches!(self.root.find(&named), Found::File(now) if now.inode() == inode);
        if is_side_name && stands {
            self.renamed(relative, &named);
            return true;
        }
        if !is_side_name && !stands {
            self.cut(relative, "it was removed");
            self.touched(relative);
            return true;
        }
        let Some(growing) = self.growing.get_mut(relative) else { return true };
        match growing.read_on(&self.library, &mut self.buffer, now) {
            Ok(Progress::Read { grew: false }) => return false,
            Ok(Progress::Read { grew: true }) => self.judge(relative, now),
            Ok(Progress::More) => {
                self.wake_by(now + self.rules.stall_timeout);
                self.again(relative, Event::Touched);
            }
            Ok(Progress::Replaced) | Err(_) => self.read_on(relative),
        }
        true
    }
}
