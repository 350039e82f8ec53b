//! What waits and what grows, found without looking at every file.

use super::{file::File, path::MediaPath};
use std::{
    cmp::Reverse,
    collections::HashSet,
    sync::{Arc, Weak},
    time::SystemTime,
};

/// Kept beside the library's files, under the same lock.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Paths that somebody waits for: as many as requests wait.
    wanted: HashSet<MediaPath>,
    /// Files that grew when they were put here: at most twice as many as those that still grow.
    pub(super) growing: Vec<Weak<File>>,
}

/// What waits and what grows at one moment.
#[derive(Debug, Default)]
pub struct Overview {
    /// Paths with the number of requests that wait for each: those that most wait for come first.
    pub held: Vec<(MediaPath, usize)>,
    /// How many paths are waited for, named or not.
    pub held_paths: usize,
    /// Files that grow, the newest first.
    pub growing: Vec<GrowingFile>,
    /// How many files grow, named or not.
    pub growing_files: usize,
}

/// A file that grows, at one moment.
#[derive(Debug, Clone)]
pub struct GrowingFile {
    /// Its path.
    pub path: MediaPath,
    /// Its length in bytes so far.
    pub length_bytes: u64,
    /// When it was begun, by the library's clock.
    pub began: SystemTime,
    /// When bytes last came, by the library's clock.
    pub grown: SystemTime,
    /// How many read it along, or wait for its end.
    pub followers: usize,
}

/// Of so many paths that are waited for, those that most wait for are chosen.
const MAX_COMPARED: usize = 1000;

impl Index {
    /// Somebody waits for a path, the first one.
    pub(super) fn wanted(&mut self, path: &MediaPath) {
        self.wanted.insert(path.clone());
    }

    /// Nobody waits for a path any more.
    pub(super) fn unwanted(&mut self, path: &MediaPath) {
        self.wanted.remove(path);
    }

    /// A file was put under its path.
    pub(super) fn put(&mut self, file: &Arc<File>) {
        if file.growth().is_none() {
            return;
        }
        if self.growing.len() == self.growing.capacity() {
            self.growing.retain(|file| growth(file).is_some());
            self.growing.reserve(self.growing.len());
        }
        self.growing.push(Arc::downgrade(file));
    }

    /// At most `max` of each.
    pub(super) fn overview(&self, max: usize, waiting: impl Fn(&MediaPath) -> usize) -> Overview {
        let compared = self.wanted.iter().take(if max == 0 { 0 } else { MAX_COMPARED });
        let mut held: Vec<_> = compared.map(|path| (path.clone(), waiting(path))).collect();
        held.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        held.truncate(max);
        let mut files: Vec<_> = self.growing.iter().rev().filter_map(growth).collect();
        let growing_files = files.len();
        files.truncate(max);
        Overview { held, held_paths: self.wanted.len(), growing: files, growing_files }
    }
}

fn growth(file: &Weak<File>) -> Option<GrowingFile> {
    file.upgrade()?.growth()
}

#[cfg(test)]
mod tests {
    use crate::live::{Library, MediaPath, Stamp};
    use bytes::Bytes;
    use std::time::{Duration, SystemTime};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn those_that_most_wait_for_come_first_and_go_with_the_last() {
        let library = Library::new(1 << 20, 99);
        let wait = |name| library.wait(MediaPath::at_root(name)).expect("a place");
        let (one, two) = (wait("1.m4s"), [wait("2.m4s"), wait("2.m4s")]);
        let overview = library.overview(1);
        assert_eq!(overview.held, [(MediaPath::at_root("2.m4s"), 2)]);
        assert_eq!(overview.held_paths, 2);
        drop(two);
        assert_eq!(library.overview(9).held, [(MediaPath::at_root("1.m4s"), 1)]);
        drop(one);
        assert_eq!(library.overview(9).held_paths, 0);
    }

    #[test]
    fn growing_files_are_shown_with_those_who_follow_until_they_end() {
        let library = Library::timed(1 << 20, 99, || NOW + Duration::from_secs(7));
        let begin = |name| library.begin(MediaPath::at_root(name), None, Bytes::from_static(b"ab"));
        let (one, two) = (begin("1.m4s"), begin("2.m4s"));
        let follower = two.file().follow(0..9);
        let seen = library.overview(1);
        assert_eq!((seen.growing.len(), seen.growing_files), (1, 2));
        let seen = &seen.growing[0];
        assert_eq!((seen.path.as_str(), seen.length_bytes, seen.followers), ("2.m4s", 2, 1));
        assert_eq!((seen.began, seen.grown), (NOW + Duration::from_secs(7), seen.began));
        drop(follower);
        assert_eq!(library.overview(9).growing[0].followers, 0);
        two.finish(NOW, Stamp::default());
        drop(one);
        assert_eq!(library.overview(9).growing_files, 0);
    }

    #[test]
    fn files_that_ended_do_not_gather() {
        let library = Library::new(1 << 20, 99);
        for _ in 0..1000 {
            drop(library.begin(MediaPath::at_root("1.m4s"), None, Bytes::from_static(b"ab")));
        }
        assert!(library.shelf().index.growing.len() < 20);
    }
}
