//! Files come to a name, and leave it.

use super::{RENAME_GRACE, growing::Progress, inbox::Event, root::Found, tracker::Tracker};
use crate::live::{MediaPath, Role, Stamp};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

impl Tracker {
    /// Something was renamed to this name.
    pub(super) fn arrived(&mut self, relative: &Path) {
        let Some(shown) = MediaPath::from_disk(relative) else { return self.touched(relative) };
        self.library.doubt(&shown);
        let opened = match self.find_noting_links(relative) {
            Found::File(opened) => opened,
            Found::Folder(_) => return self.enter(relative),
            Found::Absent | Found::Denied => return,
        };
        if self.uploads.owns(&shown, opened.stamp) || self.is_known(&shown, &opened) {
            // An upload got its name; it is shown already.
            return self.cut(relative, "it was replaced");
        }
        if shown.is_manifest() {
            return self.manifest(&shown, opened, true);
        }
        self.catch_up(relative);
        if let Some(side) = self.side_of(&shown, opened.inode()) {
            return self.renamed(&side, relative);
        }
        if self.growing.get(relative).is_some_and(|growing| growing.inode() == opened.inode()) {
            return self.read_on(relative);
        }
        self.cut(relative, "it was replaced");
        self.whole(relative, shown, opened, true);
    }

    /// The side name under which this very file has been growing, and which it has no longer.
    pub(super) fn side_of(&self, shown: &MediaPath, inode: [u64; 2]) -> Option<PathBuf> {
        let mut sides = self.growing.iter().filter(|(_, growing)| {
            growing.is_side_name() && growing.shown() == shown && growing.inode() == inode
        });
        // One that has both names by a link is still being written.
        let has_left = |side: &Path| match self.root.find(side) {
            Found::File(opened) => opened.inode() != inode,
            Found::Folder(_) | Found::Absent | Found::Denied => true,
        };
        sides.find(|(side, _)| has_left(side)).map(|(side, _)| side.clone())
    }

    /// A side name was renamed to the name under which it is shown: it is finished.
    pub(super) fn renamed(&mut self, side: &Path, relative: &Path) {
        let Some(growing) = self.growing.get_mut(side) else { return };
        match growing.read_on(&self.library, &mut self.buffer, Instant::now()) {
            Ok(Progress::Read { .. }) if growing.begins_as_before() => {}
            Ok(Progress::More) => return self.again(relative, Event::Arrived),
            Ok(Progress::Read { .. } | Progress::Replaced) | Err(_) => {
                return self.cut(side, "it was written anew");
            }
        }
        if relative != side {
            self.cut(relative, "it was replaced");
        }
        self.finish(side);
    }

    /// A file left this name: it was removed, or renamed.
    pub(super) fn left(&mut self, relative: &Path, renamed: bool) {
        self.catch_up(relative);
        if self.growing.contains_key(relative) {
            return self.growing_left(relative, renamed);
        }
        let Some(shown) = MediaPath::from_disk(relative) else { return };
        self.leave(relative);
        if self.uploads.is_live(&shown) {
            return;
        }
        match shown.role() {
            Role::Manifest(_) => self.manifest_gone(shown),
            _ => self.forget_ended(&shown),
        }
    }

    fn growing_left(&mut self, relative: &Path, renamed: bool) {
        let Some(growing) = self.growing.get_mut(relative) else { return };
        // The new name's event follows; without close events, a removal may be half a rename.
        if growing.is_side_name() && (renamed || !self.rules.close_events) {
            let now = Instant::now();
            growing.closed(now);
            return self.wake_by(now + RENAME_GRACE);
        }
        let inode = growing.inode();
        if matches!(self.root.find(relative), Found::File(opened) if opened.inode() == inode) {
            // The event tells of another file that had this name before.
            return;
        }
        self.cut(relative, "it was removed");
    }

    /// An upload was finished. Whatever else happened to its path meanwhile was not looked at.
    pub(super) fn uploaded(&mut self, path: MediaPath, stamp: Stamp) {
        self.gone.remove(&path);
        let shown = self.library.current(&path).and_then(|file| file.finished());
        if !self.uploads.is_live(&path)
            && let Found::File(opened) = self.root.find(path.as_path())
            && shown.is_some_and(|shown| shown.stamp != opened.stamp)
        {
            return self.arrived(path.as_path());
        }
        self.settled.note(path, stamp);
    }

    /// Forgets what stood under a name that is gone. One that grows under a side name stays: it
    /// is to take this name.
    fn forget_ended(&mut self, shown: &MediaPath) {
        let Some(file) = self.library.current(shown) else { return };
        let is_it = |live: &Arc<_>| Arc::ptr_eq(live, &file);
        if !self.growing.values().any(|growing| growing.live().is_some_and(is_it)) {
            self.library.forget_file(&file);
        }
    }
}
