//! All files, under their paths, and those who wait for one that is not there.
//!
//! A path's entry exists while a file stands under it or somebody waits for it: what clients ask
//! for never makes the map grow beyond the number of requests that wait.

use super::{
    arrival::{hand_over, wake},
    file::File,
    index::Overview,
    onlooker::Onlooker,
    path::MediaPath,
    shelf::{Entry, Shelf},
    source::{Source, Stamp},
    tag::Tag,
    wait::Wait,
    window::Window,
    writer::Writer,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

/// All files that are known: growing ones, manifests, and finished ones that are in memory.
#[derive(Debug)]
pub struct Library {
    shelf: Mutex<Shelf>,
    pub(super) window: Arc<Window>,
    pub(super) waiting: AtomicUsize,
    max_waiting: usize,
    onlooker: OnceLock<Box<dyn Onlooker>>,
    clock: fn() -> SystemTime,
}

/// The tag of a file that is not longer, in bytes, is made sooner than those who wait for it are
/// awake; or by the first who is given it at once.
const QUICK_BYTES: u64 = 256 * 1024;

/// More requests wait than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Library {
    /// An empty library that keeps at most `memory_bytes` of media in memory and lets at most
    /// `max_waiting` wait.
    pub fn new(memory_bytes: u64, max_waiting: usize) -> Arc<Self> {
        Self::timed(memory_bytes, max_waiting, || SystemTime::UNIX_EPOCH)
    }

    /// The same with a clock, which tells when files began and when they last grew.
    pub fn timed(memory_bytes: u64, max_waiting: usize, clock: fn() -> SystemTime) -> Arc<Self> {
        Arc::new(Self {
            shelf: Mutex::default(),
            window: Window::new(memory_bytes),
            waiting: AtomicUsize::new(0),
            max_waiting,
            onlooker: OnceLock::new(),
            clock,
        })
    }

    /// From now on this one sees how files grow; the first that is given stays.
    pub fn show_to(&self, onlooker: Box<dyn Onlooker>) {
        let _ = self.onlooker.set(onlooker);
    }

    /// The time now, as its clock tells it.
    pub(super) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// What waits and what grows: at most `max` of each.
    pub fn overview(&self, max: usize) -> Overview {
        let shelf = self.shelf();
        let waiting = |path: &MediaPath| shelf.entries.get(path).map_or(0, |entry| entry.waiting);
        shelf.index.overview(max, waiting)
    }

    /// What media is kept in memory at most, in bytes.
    pub fn limit_bytes(&self) -> u64 {
        self.window.limit_bytes()
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Every change of the shelf is complete before anything could panic.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that stands under a path now: it has bytes, or is a finished empty one.
    pub fn current(&self, path: &MediaPath) -> Option<Arc<File>> {
        self.shelf().entries.get(path)?.file.clone()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Bytes of media in memory, as the limit counts them.
    pub fn memory_bytes(&self) -> u64 {
        self.window.used_bytes()
    }

    /// Starts a new generation of a path with its first bytes; it replaces what stood there.
    pub fn begin(
        self: &Arc<Self>,
        path: MediaPath,
        source: Option<Arc<dyn Source>>,
        first: Bytes,
    ) -> Writer {
        let witness = self.onlooker.get().and_then(|onlooker| onlooker.begins(&path));
        let seen = first.clone();
        let mut writer = self.prepare(path, source);
        writer.append(first);
        self.put(writer.file());
        writer.show_to(witness, &seen);
        writer
    }

    /// The largest file that is kept in memory, in bytes.
    pub fn largest_bytes(&self) -> u64 {
        self.window.share_bytes()
    }

    /// Puts a finished file under a path at once; it replaces what stood there. `tag`: if it is
    /// known already, [`Tag::of`] its bytes.
    pub fn publish(
        self: &Arc<Self>,
        path: MediaPath,
        source: Option<Arc<dyn Source>>,
        bytes: Bytes,
        (modified, stamp): (SystemTime, Stamp),
        tag: Option<Tag>,
    ) -> Arc<File> {
        let length = bytes.len() as u64;
        if length > self.largest_bytes() {
            let mut writer = self.prepare(path, source);
            let file = writer.file().clone();
            writer.append(bytes);
            writer.finish(modified, stamp);
            self.put(&file);
            return file;
        }
        self.charge(length);
        let is_quick = tag.is_none() && length <= QUICK_BYTES;
        let file = self.file(path, source).with(bytes, (modified, stamp), tag);
        let file = Arc::new(file);
        self.window.enter(&file);
        if !is_quick {
            file.finished();
        }
        self.put(&file);
        if is_quick {
            // Those who wait are waking up meanwhile.
            file.finished();
        }
        file.settle();
        file
    }

    /// Shows a file that came as a whole to the one who looks on, as one that grew in one step.
    pub fn show_whole(&self, path: &MediaPath, bytes: &[u8]) {
        let witness = self.onlooker.get().and_then(|onlooker| onlooker.begins(path));
        if let Some(mut witness) = witness {
            witness.grown(bytes);
            witness.ended(true);
        }
    }

    /// A finished file that is to be shown instead of the one that stands under the path.
    pub fn variant(&self, path: MediaPath, bytes: Bytes, modified: SystemTime) -> Arc<File> {
        self.charge(bytes.len() as u64);
        let file = self.file(path, None).with(bytes, (modified, Stamp::default()), None);
        let file = Arc::new(file);
        self.window.enter(&file);
        file
    }

    fn file(&self, path: MediaPath, source: Option<Arc<dyn Source>>) -> File {
        let window = self.window.clone();
        File::new(path, source, self.now(), Box::new(move |bytes| window.gone(bytes)))
    }

    fn prepare(self: &Arc<Self>, path: MediaPath, source: Option<Arc<dyn Source>>) -> Writer {
        let file = Arc::new(self.file(path, source));
        self.window.enter(&file);
        Writer::new(file, self.clone())
    }

    fn put(&self, file: &Arc<File>) {
        let mut shelf = self.shelf();
        shelf.index.put(file);
        let entry = shelf.entries.entry(file.path().clone()).or_default();
        entry.tell();
        let replaced = entry.file.replace(file.clone());
        let parked = entry.parking.take();
        drop(shelf);
        // Its last owner may be here: then it gives its bytes back, outside of the lock.
        drop(replaced);
        hand_over(parked, file);
    }

    /// Those who wait for a path shall look at the disk again: what came is too large to be
    /// put here.
    pub fn nudge(&self, path: &MediaPath) {
        let parked = self.shelf().entries.get_mut(path).map(|entry| {
            entry.nudges += 1;
            entry.tell();
            entry.parking.take()
        });
        wake(parked.unwrap_or_default());
    }

    /// Nothing stands under a path that somebody waits for, and whatever comes will be told of
    /// here: others who come to wait need not look.
    pub fn note_absent(&self, path: &MediaPath) {
        let mut shelf = self.shelf();
        if let Some(entry) = shelf.entries.get_mut(path).filter(|entry| entry.waiting > 0) {
            entry.is_absent = true;
        }
    }

    /// Something may have come under a path: whoever comes to wait for it looks.
    pub fn doubt(&self, path: &MediaPath) {
        self.shelf().entries.get_mut(path).into_iter().for_each(Entry::tell);
    }

    /// Nothing stands under the path any more. Replies under way go on.
    pub fn forget(&self, path: &MediaPath) {
        self.forget_if(path, |_| true);
    }

    /// The same, if what stands there is this very file.
    pub fn forget_file(&self, file: &Arc<File>) {
        self.forget_if(file.path(), |current| Arc::ptr_eq(current, file));
    }

    fn forget_if(&self, path: &MediaPath, condition: impl FnOnce(&Arc<File>) -> bool) {
        let mut shelf = self.shelf();
        let Some(entry) = shelf.entries.get_mut(path) else { return };
        if !entry.file.as_ref().is_some_and(condition) {
            return;
        }
        entry.tell();
        let forgotten = entry.file.take();
        // One that was just woken for it has to look at the disk instead.
        entry.nudges += 1;
        let parked = entry.parking.take();
        if entry.waiting == 0 {
            shelf.entries.remove(path);
        }
        drop(shelf);
        drop(forgotten);
        wake(parked);
    }

    /// The paths under which a file stands.
    pub fn paths(&self) -> Vec<MediaPath> {
        let shelf = self.shelf();
        shelf
            .entries
            .iter()
            .filter(|(_, entry)| entry.file.is_some())
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Whether anybody reads along what stands under a path. One who was given all of it at once
    /// does not.
    pub fn is_read(&self, path: &MediaPath) -> bool {
        let shelf = self.shelf();
        let file = shelf.entries.get(path).and_then(|entry| entry.file.as_ref());
        file.is_some_and(|file| Arc::strong_count(file) > 1)
    }

    /// Whether anybody waits for a path.
    pub fn is_wanted(&self, path: &MediaPath) -> bool {
        self.shelf().entries.get(path).is_some_and(|entry| entry.waiting > 0)
    }

    /// Registers one who waits for a path, before anybody looks whether it is there: so no
    /// wake-up is lost.
    ///
    /// # Errors
    /// When the limit of those who wait is reached.
    pub fn wait(self: &Arc<Self>, path: MediaPath) -> Result<Wait, TooMany> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.max_waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(TooMany);
        }
        Ok(self.enter(path, true))
    }

    /// The same for one of our own, who takes no client's place: whoever calls this sees to it
    /// that they are few.
    pub fn attend(self: &Arc<Self>, path: MediaPath) -> Wait {
        self.enter(path, false)
    }

    fn enter(self: &Arc<Self>, path: MediaPath, is_counted: bool) -> Wait {
        let mut shelf = self.shelf();
        let entry = shelf.entries.entry(path.clone()).or_default();
        entry.waiting += 1;
        let (is_first, told) = (entry.waiting == 1, (entry.nudges, entry.tidings));
        if is_first {
            shelf.index.wanted(&path);
        }
        Wait::new(self.clone(), path, told, is_counted)
    }

    pub(super) fn charge(&self, bytes: u64) {
        for file in self.window.charge(bytes) {
            self.forget_file(&file);
        }
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
