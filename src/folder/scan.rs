//! Folders come and go: each is watched first and looked at then, so that nothing falls between.

use super::{lease::HasWriter, root::Found, tracker::Tracker, watcher::WatchError};
use crate::live::{MediaPath, under_side_name};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often it is looked for a root that is gone.
const ROOT_INTERVAL: Duration = Duration::from_secs(1);

impl Tracker {
    /// Looks at everything again: events were lost, something was mounted, or the root went or
    /// came back.
    pub(super) fn rescan(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            self.dirs.all().iter().for_each(|real| watcher.unwatch(real));
        }
        self.dirs.remove(Path::new(""));
        self.told.remove(Path::new(""));
        self.told.set_blind(!self.rules.close_events);
        if self.root.reopen() {
            self.watch_above_root();
            self.enter(Path::new(""));
        } else {
            self.await_root();
        }
        self.forget_what_is_gone();
    }

    /// The root is held open, so that inotify does not tell of its removal; its parent's watch
    /// does.
    fn watch_above_root(&mut self) {
        let root = self.root.real();
        if let (Some(parent), Some(watcher)) = (root.parent(), &mut self.watcher)
            && watcher.has_close_events()
        {
            watcher.watch_above(parent);
        }
    }

    /// Watches where the root will come back.
    fn await_root(&mut self) {
        log::warn!("{} is gone; waiting for it", self.root.real().display());
        let root = self.root.real();
        let nearest = || root.ancestors().skip(1).find(|folder| folder.is_dir());
        let mut watched = None;
        // One may have come before its parent was watched.
        while nearest() != watched {
            watched = nearest();
            if let (Some(folder), Some(watcher)) = (watched, &mut self.watcher) {
                watcher.watch_above(folder);
            }
        }
        if self.root.reopen() {
            self.watch_above_root();
            return self.enter(Path::new(""));
        }
        self.wake_by(Instant::now() + ROOT_INTERVAL);
    }

    /// Looks whether a root that is gone came back: its watches may have gone with its parents.
    pub(super) fn pass_root(&mut self, now: Instant) {
        if self.dirs.contains(&self.root.real()) {
            return;
        }
        if self.root.reopen() {
            self.rescan();
        } else {
            self.wake_by(now + ROOT_INTERVAL);
        }
    }

    fn forget_what_is_gone(&mut self) {
        let growing: Vec<PathBuf> = self.growing.keys().cloned().collect();
        for relative in growing {
            if !matches!(self.root.find(&relative), Found::File(_)) {
                self.cut(&relative, "it is gone");
            }
        }
        for path in self.library.paths() {
            let grows = self.growing.values().any(|growing| growing.shown() == &path);
            let is_live = grows || self.uploads.is_live(&path);
            if !is_live && !matches!(self.root.find(path.as_path()), Found::File(_)) {
                self.library.forget(&path);
            }
        }
    }

    /// Watches a folder and all below it, and looks at what is there.
    pub(super) fn enter(&mut self, relative: &Path) {
        let mut todo = vec![relative.to_owned()];
        while let Some(relative) = todo.pop() {
            let Found::Folder(real) = self.root.find(&relative) else { continue };
            if !self.dirs.is_entered(&relative, &real) {
                continue;
            }
            if let Some(path) = MediaPath::from_disk(&relative) {
                // Whoever waits for a file of this name learns that it is a folder.
                self.library.nudge(&path);
            }
            if self.dirs.add(&real, &relative) {
                self.watch(&real);
            }
            self.told.add(&relative);
            todo.extend(self.list(&real, &relative));
        }
    }

    fn watch(&mut self, real: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        match watcher.watch(real) {
            Ok(()) => {}
            Err(WatchError::Limit) => self.watch_by_polling(),
            Err(WatchError::Other(error)) => {
                if real.is_dir() {
                    self.told.set_blind(true);
                }
                log::warn!("cannot watch {}: {error}", real.display());
            }
        }
    }

    fn watch_by_polling(&mut self) {
        match self.watcher.take().map(super::watcher::Watcher::into_polling) {
            Some(Ok(mut watcher)) => {
                for real in self.dirs.all() {
                    if let Err(error) = watcher.watch(&real) {
                        log::warn!("cannot watch {}: {error:?}", real.display());
                    }
                }
                self.rules.close_events = watcher.has_close_events();
                self.told.set_blind(!self.rules.close_events);
                self.watcher = Some(watcher);
                // What the one before was still to tell is lost.
                self.inbox.rescan();
            }
            Some(Err(error)) => log::error!("cannot watch the folder any more: {error}"),
            None => {}
        }
    }

    /// Looks at the files of a folder; answers the folders in it.
    fn list(&mut self, real: &Path, relative: &Path) -> Vec<PathBuf> {
        let entries = match real.read_dir() {
            Ok(entries) => entries,
            Err(error) => {
                log::warn!("cannot read {}: {error}", real.display());
                return Vec::new();
            }
        };
        let mut folders = Vec::new();
        for entry in entries.flatten() {
            let name = relative.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(name),
                Ok(kind) if kind.is_symlink() && real.join(entry.file_name()).is_dir() => {
                    folders.push(name);
                }
                Ok(kind) if kind.is_symlink() => {
                    self.note_link(&name);
                    self.examine(&name);
                }
                Ok(_) => self.examine(&name),
                Err(_) => {}
            }
        }
        folders
    }

    /// Opens what an event tells of. A link's target is watched first, and looked at then.
    pub(super) fn find_noting_links(&mut self, relative: &Path) -> Found {
        self.root.find_plain(relative).unwrap_or_else(|| {
            self.note_link(relative);
            self.root.find(relative)
        })
    }

    /// A link to a file elsewhere is watched where that file lies, or will lie.
    pub(super) fn note_link(&mut self, relative: &Path) {
        let folder = relative.parent().and_then(|parent| self.dirs.real(parent));
        let Some(link) = folder.zip(relative.file_name()).map(|(folder, name)| folder.join(name))
        else {
            return;
        };
        let is_link = link.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if !is_link || matches!(self.root.find(relative), Found::Folder(_)) {
            return;
        }
        let Some(real) = target(&link).filter(|real| self.root.permits(real)) else { return };
        self.dirs.add_link(&real, relative);
        if let Some(folder) = real.parent().filter(|folder| self.dirs.add_outside(folder)) {
            self.watch(folder);
        }
    }

    /// Looks at a file of which no event told, or not all events.
    fn examine(&mut self, relative: &Path) {
        if self.growing.contains_key(relative) {
            return self.examine_growing(relative);
        }
        let shown = MediaPath::from_disk(relative);
        match shown.as_ref().and_then(|shown| self.library.current(shown)) {
            Some(_) => self.closed_unseen(relative, false, None),
            None => {
                let side = if shown.is_none() { under_side_name(relative) } else { None };
                // From now on events tell of side names: one that grows already is taken up here.
                let growing = side.as_ref().filter(|_| self.rules.close_events);
                growing.into_iter().for_each(|shown| drop(self.look_aside(shown)));
                // Whoever waits looks by itself. What nobody waits for is looked at when it is
                // asked for: a folder may hold very many files.
                if let Some(wanted) = shown.or(side).filter(|path| self.library.is_wanted(path)) {
                    self.library.nudge(&wanted);
                }
            }
        }
    }

    fn examine_growing(&mut self, relative: &Path) {
        let Some(growing) = self.growing.get_mut(relative) else { return };
        let Found::File(opened) = self.root.find(relative) else { return };
        if opened.inode() != growing.inode() {
            self.cut(relative, "it was replaced");
            return self.touched(relative);
        }
        match self.writer_of(&opened.file) {
            HasWriter::Yes => self.touched(relative),
            HasWriter::No => self.closed(relative),
            HasWriter::Unknown => {
                self.growing.get_mut(relative).into_iter().for_each(|it| it.close_lost = true);
                self.touched(relative);
            }
        }
    }

    /// A folder has left its name: all below it is gone.
    pub(super) fn leave(&mut self, relative: &Path) {
        let is_folder = self.dirs.real(relative).is_some();
        let nameless = self.dirs.remove(relative);
        self.told.remove(relative);
        if !is_folder {
            return;
        }
        if let Some(watcher) = &mut self.watcher {
            nameless.iter().for_each(|real| watcher.unwatch(real));
        }
        let below = |path: &Path| path.starts_with(relative);
        let growing: Vec<PathBuf> =
            self.growing.keys().filter(|path| below(path)).cloned().collect();
        growing.iter().for_each(|path| self.cut(path, "its folder is gone"));
        let paths = self.library.paths();
        paths
            .iter()
            .filter(|path| below(path.as_path()) && !self.uploads.is_live(path))
            .for_each(|path| self.library.forget(path));
    }
}

/// The real path of what a link leads to, which need not be there yet if its folder is.
fn target(link: &Path) -> Option<PathBuf> {
    let ahead = || {
        let target = link.parent()?.join(link.read_link().ok()?);
        Some(target.parent()?.canonicalize().ok()?.join(target.file_name()?))
    };
    link.canonicalize().ok().or_else(ahead)
}
