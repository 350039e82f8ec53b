//! What is kept of manifests that were edited.

use super::{PATIENCE_SEGMENTS, View, plan::Chunks, plan::Ground};
use crate::{
    clock,
    live::{File, MediaPath},
};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

/// Manifests of which an edited version is kept; beyond, one of them is made again when it is
/// asked for.
const MAX_SHOWN: usize = 4096;

/// What the edited versions hold in all, in bytes, or little more.
const MAX_BYTES: usize = 64 << 20;

/// About what is held for each series of a manifest, in bytes.
const GROUND_BYTES: usize = 512;

/// A manifest as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) original: Weak<File>,
    /// Of the sightings that it is known to be right for.
    pub(super) version: u64,
    /// `None`: the original.
    pub(super) edited: Option<Arc<File>>,
    pub(super) chunks: Chunks,
    pub(super) grounds: Vec<Ground>,
    pub(super) missing: Option<Duration>,
    /// Since when something is missing.
    pub(super) since: Instant,
    /// What is missing is being written now.
    pub(super) grows: bool,
}

impl Shown {
    pub(super) fn view(&self, original: &Arc<File>) -> View {
        let file = self.edited.as_ref().unwrap_or(original).clone();
        View { file, patience: self.patience(original), live: None }
    }

    /// None if nothing is missing, or it has been waited for long enough, or the manifest is so
    /// old that nobody writes it, nor its segments.
    fn patience(&self, file: &File) -> Duration {
        let all = self.missing.unwrap_or_default().saturating_mul(PATIENCE_SEGMENTS);
        let left = all.saturating_sub(self.since.elapsed());
        if self.grows {
            return left;
        }
        let written = file.finished().map(|finished| finished.modified);
        let age = written.and_then(|written| clock::now().duration_since(written).ok());
        left.min(all.saturating_sub(age.unwrap_or_default()))
    }

    fn bytes(&self) -> usize {
        let text = self.edited.as_ref().and_then(|file| file.whole()).map_or(0, |text| text.len());
        text + self.grounds.len() * GROUND_BYTES
    }
}

/// All that are kept.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    shown: HashMap<MediaPath, Shown>,
    bytes: usize,
}

impl Shelf {
    pub(super) fn get(&self, path: &MediaPath) -> Option<&Shown> {
        self.shown.get(path)
    }

    pub(super) fn get_mut(&mut self, path: &MediaPath) -> Option<&mut Shown> {
        self.shown.get_mut(path)
    }

    pub(super) fn holds(&self, path: &MediaPath) -> bool {
        self.shown.contains_key(path)
    }

    pub(super) fn remove(&mut self, path: &MediaPath) -> Option<Shown> {
        let shown = self.shown.remove(path)?;
        self.bytes -= shown.bytes();
        Some(shown)
    }

    /// Keeps one; true if others had to go for it.
    pub(super) fn insert(&mut self, path: &MediaPath, shown: Shown) -> bool {
        self.remove(path);
        self.bytes += shown.bytes();
        self.shown.insert(path.clone(), shown);
        let is_full = |shelf: &Self| shelf.shown.len() > MAX_SHOWN || shelf.bytes > MAX_BYTES;
        if !is_full(self) {
            return false;
        }
        self.shown.retain(|_, known| known.original.strong_count() > 0);
        self.bytes = self.shown.values().map(Shown::bytes).sum();
        while is_full(self) {
            let other = self.shown.keys().find(|other| *other != path).cloned();
            let Some(other) = other else { break };
            self.remove(&other);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Library, Stamp};
    use std::time::SystemTime;

    fn shown(original: &Arc<File>, edited: Option<Arc<File>>) -> Shown {
        Shown {
            original: Arc::downgrade(original),
            version: 0,
            edited,
            chunks: Chunks::new(),
            grounds: Vec::new(),
            missing: None,
            since: Instant::now(),
            grows: false,
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_bytes() {
        let library = Library::new(1 << 30, 9);
        let state = (SystemTime::UNIX_EPOCH, Stamp::default());
        let file = |name, text: Vec<u8>| {
            library.publish(MediaPath::at_root(name), None, text.into(), state, None)
        };
        let path = |at: usize| MediaPath::from_disk(format!("{at}.mpd").as_ref()).expect("a path");
        let (original, mut shelf) = (file("x.mpd", vec![b'x']), Shelf::default());
        for at in 0..MAX_SHOWN + 3 {
            shelf.insert(&path(at), shown(&original, None));
        }
        assert_eq!(shelf.shown.len(), MAX_SHOWN);
        assert!(shelf.holds(&path(MAX_SHOWN + 2)), "the newest stays");
        let large = file("large.mpd", vec![b'x'; MAX_BYTES / 2 + 1]);
        for at in 0..3 {
            assert!(shelf.insert(&path(at), shown(&original, Some(large.clone()))) || at == 0);
        }
        assert!(shelf.bytes <= MAX_BYTES && shelf.holds(&path(2)), "{}", shelf.bytes);
        let held: usize = shelf.shown.values().map(Shown::bytes).sum();
        assert_eq!(shelf.bytes, held);
    }
}
