//! All files, under their paths, and those who wait for one that is not there.
//!
//! A path's entry exists while a file stands under it or somebody waits for it: what clients ask
//! for never makes the map grow beyond the number of requests that wait.

use super::{
    file::{File, Finished, Source, Stamp, Tag},
    parking::{Parking, Ticket, wake},
    path::MediaPath,
    window::Window,
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::SystemTime,
};
use xxhash_rust::xxh3::Xxh3;

/// All files that are known: growing ones, manifests, and finished ones that are in memory.
#[derive(Debug)]
pub struct Library {
    shelf: Mutex<HashMap<MediaPath, Entry>>,
    window: Arc<Window>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

#[derive(Debug, Default)]
struct Entry {
    file: Option<Arc<File>>,
    parking: Parking,
    waiting: usize,
    nudges: u64,
}

/// More requests wait than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Library {
    /// An empty library that keeps at most `memory_bytes` of media in memory and lets at most
    /// `max_waiting` wait.
    pub fn new(memory_bytes: u64, max_waiting: usize) -> Arc<Self> {
        Arc::new(Self {
            shelf: Mutex::default(),
            window: Window::new(memory_bytes),
            waiting: AtomicUsize::new(0),
            max_waiting,
        })
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<MediaPath, Entry>> {
        // Every change of the shelf is complete before anything could panic.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that stands under a path now: it has bytes, or is a finished empty one.
    pub fn current(&self, path: &MediaPath) -> Option<Arc<File>> {
        self.shelf().get(path)?.file.clone()
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
        let mut writer = self.prepare(path, source);
        writer.append(first);
        self.put(writer.file.clone());
        writer
    }

    /// The largest file that is kept in memory, in bytes.
    pub fn largest_bytes(&self) -> u64 {
        self.window.share_bytes()
    }

    /// Puts a finished file under a path at once; it replaces what stood there.
    pub fn publish(
        self: &Arc<Self>,
        path: MediaPath,
        source: Option<Arc<dyn Source>>,
        bytes: Bytes,
        (modified, stamp): (SystemTime, Stamp),
    ) -> Arc<File> {
        let mut writer = self.prepare(path, source);
        let file = writer.file.clone();
        if !bytes.is_empty() {
            writer.append(bytes);
        }
        writer.finish(modified, stamp);
        self.put(file.clone());
        file
    }

    fn prepare(self: &Arc<Self>, path: MediaPath, source: Option<Arc<dyn Source>>) -> Writer {
        let window = self.window.clone();
        let file = File::new(path, source, Box::new(move |bytes| window.gone(bytes)));
        let file = Arc::new(file);
        self.window.enter(&file);
        Writer { file, library: self.clone(), hasher: Xxh3::new() }
    }

    fn put(&self, file: Arc<File>) {
        let mut shelf = self.shelf();
        let entry = shelf.entry(file.path().clone()).or_default();
        let replaced = entry.file.replace(file);
        let parked = entry.parking.take();
        drop(shelf);
        // Its last owner may be here: then it gives its bytes back, outside of the lock.
        drop(replaced);
        wake(parked);
    }

    /// Those who wait for a path shall look at the disk again: what came is too large to be
    /// put here.
    pub fn nudge(&self, path: &MediaPath) {
        let parked = self.shelf().get_mut(path).map(|entry| {
            entry.nudges += 1;
            entry.parking.take()
        });
        wake(parked.unwrap_or_default());
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
        let Some(entry) = shelf.get_mut(path) else { return };
        if !entry.file.as_ref().is_some_and(condition) {
            return;
        }
        let forgotten = entry.file.take();
        // One that was just woken for it has to look at the disk instead.
        entry.nudges += 1;
        let parked = entry.parking.take();
        if entry.waiting == 0 {
            shelf.remove(path);
        }
        drop(shelf);
        drop(forgotten);
        wake(parked);
    }

    /// The paths under which a file stands.
    pub fn paths(&self) -> Vec<MediaPath> {
        let shelf = self.shelf();
        shelf
            .iter()
            .filter(|(_, entry)| entry.file.is_some())
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Whether anybody reads along what stands under a path. One who was given all of it at once
    /// does not.
    pub fn is_read(&self, path: &MediaPath) -> bool {
        let shelf = self.shelf();
        let file = shelf.get(path).and_then(|entry| entry.file.as_ref());
        file.is_some_and(|file| Arc::strong_count(file) > 1)
    }

    /// Whether anybody waits for a path.
    pub fn is_wanted(&self, path: &MediaPath) -> bool {
        self.shelf().get(path).is_some_and(|entry| entry.waiting > 0)
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
        let mut shelf = self.shelf();
        let entry = shelf.entry(path.clone()).or_default();
        entry.waiting += 1;
        Ok(Wait { library: self.clone(), path, ticket: None, nudges: entry.nudges })
    }

    fn charge(&self, bytes: u64) {
        for file in self.window.charge(bytes) {
            self.forget_file(&file);
        }
    }
}

/// One who waits. Dropping it frees its place.
#[derive(Debug)]
pub struct Wait {
    library: Arc<Library>,
    path: MediaPath,
    ticket: Option<Ticket>,
    nudges: u64,
}

impl Wait {
    /// Resolves with the path's file as soon as there is one that is accepted, or with `None`
    /// when the disk is to be looked at again. Cancel safe.
    pub async fn until(&mut self, accept: impl Fn(&File) -> bool) -> Option<Arc<File>> {
        poll_fn(|cx| {
            let mut shelf = self.library.shelf();
            let entry = shelf.entry(self.path.clone()).or_default();
            if let Some(file) = entry.file.as_ref().filter(|file| accept(file)) {
                return Poll::Ready(Some(file.clone()));
            }
            if std::mem::replace(&mut self.nudges, entry.nudges) != entry.nudges {
                return Poll::Ready(None);
            }
            entry.parking.park(&mut self.ticket, cx.waker());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.library.waiting.fetch_sub(1, Ordering::Relaxed);
        let mut shelf = self.library.shelf();
        if let Some(entry) = shelf.get_mut(&self.path) {
            entry.waiting -= 1;
            entry.parking.leave(self.ticket);
            if entry.waiting == 0 && entry.file.is_none() {
                shelf.remove(&self.path);
            }
        }
    }
}

/// The one who writes a generation. Dropping it without [`Writer::finish`] cuts the file: what
/// was not said to be whole is not.
pub struct Writer {
    file: Arc<File>,
    library: Arc<Library>,
    hasher: Xxh3,
}

impl Writer {
    /// The file that is written.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Adds bytes, and wakes those who follow.
    pub fn append(&mut self, bytes: Bytes) {
        let length = bytes.len() as u64;
        let hashed = bytes.clone();
        // Those who follow come first.
        let held = self.file.append(bytes);
        self.hasher.update(&hashed);
        if held > self.library.window.share_bytes() {
            self.library.window.returned(self.file.evict());
        }
        self.library.charge(length);
    }

    /// All bytes are there. The tag is a hash of them.
    pub fn finish(self, modified: SystemTime, stamp: Stamp) {
        let tag = Tag(format!("\"{:032x}\"", self.hasher.digest128()).into());
        self.file.end(Some(Finished { tag, modified, stamp }));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.file.end(None);
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({:?})", self.file)
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
