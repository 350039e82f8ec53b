//! inotify, read by the folder's own thread: no other stands between a change and what it means.

use super::inbox::{Event, Notice};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};
use std::{
    collections::HashMap,
    ffi::OsStr,
    io,
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Watches on folders, and what they have told.
#[derive(Debug)]
pub(super) struct Inotify {
    handle: OwnedFd,
    buffer: Box<[MaybeUninit<u8>]>,
    places: Places,
    /// The folder above the root.
    above: Option<PathBuf>,
    told: Vec<Notice>,
}

/// The watched folders; one may have several paths. As many as there are on disk.
#[derive(Debug, Default)]
struct Places {
    paths: HashMap<i32, Vec<PathBuf>>,
    watches: HashMap<PathBuf, Watched>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    watch: i32,
    /// It is not only watched as the folder above the root.
    is_whole: bool,
}

/// So much is read at once: some hundred events. The kernel keeps the others, up to
/// `fs.inotify.max_queued_events`, and says so when it has dropped some.
const BUFFER_BYTES: usize = 16 * 1024;

/// What comes to a folder, what leaves it, and its own end.
const COMING: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// The same, and what is written. No opens and no closes of those who only read: our own would be
/// among them.
const WHOLE: WatchFlags = COMING.union(WatchFlags::MODIFY).union(WatchFlags::CLOSE_WRITE);

impl Inotify {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            handle: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            buffer: vec![MaybeUninit::uninit(); BUFFER_BYTES].into(),
            places: Places::default(),
            above: None,
            told: Vec::new(),
        })
    }

    /// Can be read when there is something.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Watches a folder; one that is watched already is watched anew.
    pub(super) fn watch(&mut self, path: &Path) -> io::Result<()> {
        self.remove(path);
        self.add(path, WHOLE, true)
    }

    /// Watches a folder no longer.
    pub(super) fn unwatch(&mut self, path: &Path) {
        self.remove(path);
        if self.above.as_deref() == Some(path) {
            self.add_above(path);
        }
    }

    /// Watches what comes to a folder above the root and what leaves it, instead of the one
    /// before.
    pub(super) fn watch_above(&mut self, path: &Path) {
        let before = self.above.take();
        if let Some(before) = before.filter(|before| !self.places.is_whole(before)) {
            self.remove(&before);
        }
        self.above = Some(path.to_owned());
        if !self.places.is_whole(path) {
            self.add_above(path);
        }
    }

    fn add_above(&mut self, path: &Path) {
        // The same folder may be watched as a whole under another path.
        if let Err(error) = self.add(path, COMING | WatchFlags::MASK_ADD, false) {
            log::debug!("cannot watch {}: {error}", path.display());
        }
    }

    fn add(&mut self, path: &Path, flags: WatchFlags, is_whole: bool) -> io::Result<()> {
        let watch = inotify::add_watch(&self.handle, path, flags)?;
        self.places.add(path, Watched { watch, is_whole });
        Ok(())
    }

    fn remove(&mut self, path: &Path) {
        if let Some(watch) = self.places.remove(path) {
            // It has gone by itself when the folder has.
            let _ = inotify::remove_watch(&self.handle, watch);
        }
    }

    /// What was told since the last time, as far as one read(2) takes it. Never blocks.
    pub(super) fn read(&mut self) -> std::vec::Drain<'_, Notice> {
        let mut left = Vec::new();
        let mut reader = inotify::Reader::new(&self.handle, &mut self.buffer);
        loop {
            match reader.next() {
                Ok(event) => self.places.take(&event, &mut self.told, &mut left),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => {
                    log::error!("cannot read what inotify tells: {error}");
                    self.told.push(Notice::Rescan);
                    break;
                }
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        for watch in left {
            let _ = inotify::remove_watch(&self.handle, watch);
        }
        self.told.drain(..)
    }
}

impl Places {
    fn is_whole(&self, path: &Path) -> bool {
        self.watches.get(path).is_some_and(|watched| watched.is_whole)
    }

    fn add(&mut self, path: &Path, watched: Watched) {
        self.watches.insert(path.to_owned(), watched);
        let paths = self.paths.entry(watched.watch).or_default();
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }

    /// Removes a path; answers its watch if nothing else is watched by it.
    fn remove(&mut self, path: &Path) -> Option<i32> {
        let watch = self.watches.remove(path)?.watch;
        let paths = self.paths.get_mut(&watch)?;
        paths.retain(|known| known != path);
        paths.is_empty().then(|| self.paths.remove(&watch)).map(|_| watch)
    }

    /// Notes what an event tells, and the watches that are of no use after it.
    fn take(&mut self, event: &inotify::Event<'_>, told: &mut Vec<Notice>, left: &mut Vec<i32>) {
        let flags = event.events();
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            return told.push(Notice::Rescan);
        }
        if flags.contains(ReadFlags::IGNORED) {
            for path in self.paths.remove(&event.wd()).into_iter().flatten() {
                self.watches.remove(&path);
            }
            return;
        }
        // One of a watch that was taken away meanwhile.
        let Some(paths) = self.paths.get(&event.wd()) else { return };
        let Some(meaning) = meaning(flags) else { return };
        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
        let named = |path: &PathBuf| name.map_or_else(|| path.clone(), |name| path.join(name));
        let has_left = ReadFlags::MOVED_FROM | ReadFlags::DELETE;
        if flags.contains(ReadFlags::ISDIR) && flags.intersects(has_left) {
            // What its own watch still tells belongs to another name by now.
            let gone: Vec<PathBuf> = paths.iter().map(named).collect();
            left.extend(gone.iter().filter_map(|path| self.remove(path)));
            told.extend(gone.into_iter().map(|path| Notice::Event(meaning(path))));
        } else {
            told.extend(paths.iter().map(|path| Notice::Event(meaning(named(path)))));
        }
    }
}

/// Makes the event of a path.
type Meaning = fn(PathBuf) -> Event;

fn meaning(flags: ReadFlags) -> Option<Meaning> {
    let meanings: [(ReadFlags, Meaning); 5] = [
        (ReadFlags::CREATE | ReadFlags::MODIFY, Event::Touched),
        (ReadFlags::CLOSE_WRITE, Event::Closed),
        (ReadFlags::MOVED_TO, Event::Arrived),
        (ReadFlags::MOVED_FROM | ReadFlags::MOVE_SELF, Event::Moved),
        (ReadFlags::DELETE | ReadFlags::DELETE_SELF | ReadFlags::UNMOUNT, Event::Removed),
    ];
    meanings.into_iter().find(|(among, _)| flags.intersects(*among)).map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(inotify: &mut Inotify, folder: &Path) -> Vec<String> {
        let name = |path: &Path| path.strip_prefix(folder).expect("below").display().to_string();
        let line = |notice| match notice {
            Notice::Rescan => "rescan".to_owned(),
            Notice::Event(Event::Touched(path)) => format!("touched {}", name(&path)),
            Notice::Event(Event::Closed(path)) => format!("closed {}", name(&path)),
            Notice::Event(Event::Arrived(path)) => format!("arrived {}", name(&path)),
            Notice::Event(Event::Moved(path)) => format!("moved {}", name(&path)),
            Notice::Event(Event::Removed(path)) => format!("removed {}", name(&path)),
        };
        inotify.read().map(line).collect()
    }

    fn folder() -> (tempfile::TempDir, Inotify) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("a")).expect("made");
        let mut inotify = Inotify::new().expect("inotify");
        inotify.watch(folder.path()).expect("watched");
        inotify.watch(&folder.path().join("a")).expect("watched");
        (folder, inotify)
    }

    #[test]
    fn watching_tells_what_writers_do_and_not_what_readers_do() {
        let (folder, mut inotify) = folder();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a/1.tmp"), "x").expect("written");
        fs::read(path("a/1.tmp")).expect("read");
        fs::rename(path("a/1.tmp"), path("a/1")).expect("renamed");
        fs::remove_file(path("a/1")).expect("removed");
        let expected = [
            "touched a/1.tmp",
            "touched a/1.tmp",
            "closed a/1.tmp",
            "moved a/1.tmp",
            "arrived a/1",
            "removed a/1",
        ];
        assert_eq!(told(&mut inotify, folder.path()), expected);
        assert!(told(&mut inotify, folder.path()).is_empty());
    }

    #[test]
    fn watching_a_folder_that_goes_and_comes_back_ends_with_its_coming() {
        let (folder, mut inotify) = folder();
        let path = |name: &str| folder.path().join(name);
        fs::rename(path("a"), path("b")).expect("renamed");
        fs::rename(path("b"), path("a")).expect("renamed");
        let told = told(&mut inotify, folder.path());
        // Its own watch told that it moved, last of all; but of which name?
        assert_eq!(told, ["moved a", "arrived b", "moved b", "arrived a"]);
        assert_eq!(inotify.places.watches.len(), 1, "it is to be watched anew");
    }

    #[test]
    fn watching_a_folder_that_is_removed_forgets_it() {
        let (folder, mut inotify) = folder();
        fs::remove_dir(folder.path().join("a")).expect("removed");
        assert_eq!(told(&mut inotify, folder.path()), ["removed a", "removed a"]);
        assert_eq!((inotify.places.watches.len(), inotify.places.paths.len()), (1, 1));
    }

    #[test]
    fn watching_a_folder_above_tells_nothing_of_what_is_written() {
        let (folder, mut inotify) = folder();
        let path = |name: &str| folder.path().join(name);
        inotify.unwatch(folder.path());
        inotify.watch_above(folder.path());
        fs::write(path("1"), "x").expect("written");
        assert_eq!(told(&mut inotify, folder.path()), ["touched 1"]);
        inotify.watch_above(&path("a"));
        fs::write(path("2"), "x").expect("written");
        fs::write(path("a/1"), "x").expect("written");
        let whole = ["touched a/1", "touched a/1", "closed a/1"];
        assert_eq!(told(&mut inotify, folder.path()), whole, "it is watched as a whole too");
        inotify.unwatch(&path("a"));
        fs::write(path("a/1"), "x").expect("written");
        fs::remove_file(path("a/1")).expect("removed");
        assert_eq!(told(&mut inotify, folder.path()), ["removed a/1"]);
    }
}
