//! One generation of one file: its bytes, read once for all clients, and how it ended.
//!
//! A [`Writer`](super::Writer) appends, any number of [`Follower`](super::Follower)s read, each at
//! its own position. Bytes are in memory until the [`Window`](super::window::Window) takes them away;
//! from then on they are read again from where they came ([`Source`]), and compared with a hash,
//! so that no reply ever mixes two generations.

use super::{
    index::GrowingFile,
    parking::Parking,
    path::MediaPath,
    pieces::{Pieces, Run, join},
    source::{Source, Stamp},
    tag::Tag,
    tap::{Waiter, hand_out},
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

/// What is known of a file once it is finished.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its entity tag, from its contents.
    pub tag: Tag,
    /// When it was last modified.
    pub modified: SystemTime,
    /// The state of the disk that it shows.
    pub stamp: Stamp,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Bytes may still come.
    Growing,
    /// No more will come, and none is missing.
    Finished,
    /// No more will come, and some may be missing.
    Cut,
}

/// One generation of one file.
pub struct File {
    path: MediaPath,
    pub(super) source: Option<Arc<dyn Source>>,
    state: Mutex<State>,
    /// Once it is finished. That of one that came as a whole is made when it is first asked for.
    tag: OnceLock<Tag>,
    /// What whoever sends it keeps with it.
    note: OnceLock<Bytes>,
    /// Asked for since the window last looked.
    pub(super) touched: AtomicBool,
    /// When it was begun, by the library's clock.
    began: SystemTime,
    /// So many read it along.
    pub(super) followers: AtomicUsize,
    /// Told when this file goes, with the bytes that it still held.
    on_drop: Box<dyn Fn(u64) + Send + Sync>,
}

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) pieces: Pieces,
    /// All bytes of a finished file, while they are in memory.
    whole: Option<Bytes>,
    finished: Option<(SystemTime, Stamp)>,
    gzipped: Option<Bytes>,
    in_memory: u64,
    /// When bytes last came, by the library's clock.
    grown: SystemTime,
    pub(super) parking: Parking<Waiter>,
}

impl File {
    pub(super) fn new(
        path: MediaPath,
        source: Option<Arc<dyn Source>>,
        began: SystemTime,
        on_drop: Box<dyn Fn(u64) + Send + Sync>,
    ) -> Self {
        let state = State {
            phase: Phase::Growing,
            pieces: Pieces::default(),
            whole: None,
            finished: None,
            gzipped: None,
            in_memory: 0,
            grown: began,
            parking: Parking::default(),
        };
        let (state, tag, touched) = (Mutex::new(state), OnceLock::new(), AtomicBool::new(true));
        let (followers, note) = (AtomicUsize::new(0), OnceLock::new());
        Self { path, source, state, tag, note, touched, began, followers, on_drop }
    }

    /// One that is finished, with all its bytes.
    pub(super) fn with(
        self,
        whole: Bytes,
        finished: (SystemTime, Stamp),
        tag: Option<Tag>,
    ) -> Self {
        tag.map(|tag| self.tag.get_or_init(|| tag));
        let mut state = self.state();
        state.phase = Phase::Finished;
        state.pieces = Pieces::of(&whole);
        state.in_memory = whole.len() as u64;
        state.whole = Some(whole);
        state.finished = Some(finished);
        drop(state);
        self
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its path.
    pub fn path(&self) -> &MediaPath {
        &self.path
    }

    /// How far it has come, and its length in bytes so far.
    pub fn progress(&self) -> (Phase, u64) {
        let state = self.state();
        (state.phase, state.pieces.length())
    }

    /// How it stands, if it grows.
    pub(super) fn growth(&self) -> Option<GrowingFile> {
        let state = self.state();
        (state.phase == Phase::Growing).then(|| GrowingFile {
            path: self.path.clone(),
            length_bytes: state.pieces.length(),
            began: self.began,
            grown: state.grown,
            followers: self.followers.load(Ordering::Relaxed),
        })
    }

    /// Whether no more bytes will come, and none is missing.
    pub fn is_finished(&self) -> bool {
        self.progress().0 == Phase::Finished
    }

    /// Its tag and time, once it is finished.
    pub fn finished(&self) -> Option<Finished> {
        let state = self.state();
        let (modified, stamp) = state.finished?;
        let whole = state.whole.clone();
        drop(state);
        let tag = self.tag.get_or_init(|| Tag::of(&whole.unwrap_or_default())).clone();
        Some(Finished { tag, modified, stamp })
    }

    /// When it was last modified, once it is finished.
    pub fn complete(&self) -> Option<SystemTime> {
        self.state().finished.map(|(modified, _)| modified)
    }

    /// Lets go of what is not needed while all bytes are in memory.
    pub(super) fn settle(&self) {
        self.source.iter().for_each(|source| source.release());
    }

    /// All its bytes, if it is finished and they are in memory.
    pub fn whole(&self) -> Option<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        self.state().whole.clone()
    }

    /// The bytes that came first, if it grows and they are in memory.
    pub fn beginning(&self) -> Option<Bytes> {
        let state = self.state();
        let is_begun = state.phase == Phase::Growing && state.pieces.length() > 0;
        let (run, _) = is_begun.then(|| state.pieces.read(0, u64::MAX))?;
        match run {
            Run::Memory(bytes) => Some(bytes),
            Run::Disk(_) => None,
        }
    }

    /// What whoever sends it has noted; else it is made, and kept if it says that it stays true.
    pub fn noted(&self, make: impl FnOnce() -> Option<(Bytes, bool)>) -> Option<Bytes> {
        if let Some(note) = self.note.get() {
            return Some(note.clone());
        }
        let (note, stays) = make()?;
        Some(if stays { self.note.get_or_init(|| note).clone() } else { note })
    }

    /// Its bytes as gzip, kept for the next who asks; `compress` runs at most once at a time
    /// for each that asks while there are none.
    pub fn gzipped(&self, compress: impl FnOnce(&[u8]) -> Bytes) -> Option<Bytes> {
        if let Some(gzipped) = self.state().gzipped.clone() {
            return Some(gzipped);
        }
        let gzipped = compress(&self.whole()?);
        self.state().gzipped = Some(gzipped.clone());
        Some(gzipped)
    }

    /// Adds bytes; answers how many are in memory then. Only one thread at a time does so.
    pub(super) fn append(&self, bytes: Bytes, now: SystemTime) -> u64 {
        let mut state = self.state();
        state.grown = now;
        state.in_memory += bytes.len() as u64;
        let (position, new) = (state.pieces.length(), bytes.clone());
        state.pieces.push(bytes);
        let held = state.in_memory;
        let parked = state.parking.take_often();
        drop(state);
        let kept = hand_out(parked, position, &new);
        if !kept.is_empty() {
            self.state().parking.put_back(kept);
        }
        held
    }

    /// Ends the file, unless it has ended. Those who follow it are woken first, then the bytes
    /// are laid together for those who come later.
    pub(super) fn end(&self, finished: Option<Finished>) {
        let mut state = self.state();
        if state.phase != Phase::Growing {
            return;
        }
        state.phase = if finished.is_some() { Phase::Finished } else { Phase::Cut };
        state.finished = finished.map(|Finished { tag, modified, stamp }| {
            self.tag.get_or_init(|| tag);
            (modified, stamp)
        });
        let parked = state.parking.take();
        drop(state);
        parked.iter().flatten().for_each(Waiter::wake);
        self.join();
    }

    /// Lays the pieces of a finished file together, if all are in memory.
    fn join(&self) {
        let state = self.state();
        if state.phase == Phase::Cut && state.pieces.in_memory().is_some() {
            self.settle();
            return;
        }
        let runs = state.pieces.in_memory().filter(|_| state.phase == Phase::Finished);
        drop(state);
        let Some(whole) = runs.map(join) else { return };
        let mut state = self.state();
        // The window may have taken the pieces away meanwhile.
        if state.pieces.in_memory().is_some() {
            state.pieces = Pieces::of(&whole);
            state.whole = Some(whole);
            self.settle();
        }
    }

    /// Takes the bytes out of memory, of a growing file all but the newest; answers how many.
    /// Nothing is taken that could not be read again.
    pub(super) fn evict(&self) -> u64 {
        // Made while its bytes are there.
        self.finished();
        let mut state = self.state();
        if !self.source.as_ref().is_some_and(|source| source.pin()) {
            return 0;
        }
        let keep = usize::from(state.phase == Phase::Growing);
        let freed = state.pieces.evict(keep);
        state.whole = None;
        state.gzipped = None;
        state.in_memory -= freed;
        freed
    }

    pub(super) fn take_touched(&self) -> bool {
        self.touched.swap(false, Ordering::Relaxed)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        (self.on_drop)(self.state().in_memory);
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (phase, length) = self.progress();
        write!(f, "File({:?}, {phase:?}, {length} bytes)", self.path)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
