//! Playlists that a packager wrote itself: live ones announce that they can be waited for.

use super::{MAX_BYTES, View};
use crate::{
    live::{File, Library, MediaPath},
    m3u8::{Live, announced},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, SystemTime},
};

/// Playlists of which an edited version is kept; beyond, one of them is made again when it is
/// asked for.
const MAX_SHOWN: usize = 256;

/// All playlists as they are shown.
#[derive(Debug, Default)]
pub(super) struct Playlists {
    /// At most [`MAX_SHOWN`].
    shown: Mutex<HashMap<MediaPath, Shown>>,
}

/// A playlist as it is shown: read once for each generation.
#[derive(Debug)]
struct Shown {
    original: Weak<File>,
    /// `None`: the original.
    edited: Option<Arc<File>>,
    live: Option<Live>,
}

impl Playlists {
    fn shown(&self) -> MutexGuard<'_, HashMap<MediaPath, Shown>> {
        // Every change is complete before anything could panic.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A playlist as it is shown. `is_edited`: it announces blocking reload, if it is live.
    pub(super) fn view(&self, library: &Library, file: &Arc<File>, is_edited: bool) -> View {
        let mut shown = self.shown();
        let known = shown.get(file.path());
        if let Some(known) = known.filter(|known| known.original.as_ptr() == Arc::as_ptr(file)) {
            return known.view(file);
        }
        let new = Shown::new(library, file, is_edited);
        let view = new.view(file);
        shown.insert(file.path().clone(), new);
        if shown.len() > MAX_SHOWN {
            shown.retain(|_, known| known.original.strong_count() > 0);
            let other = shown.keys().find(|other| *other != file.path()).cloned();
            other.filter(|_| shown.len() > MAX_SHOWN).map(|other| shown.remove(&other));
        }
        view
    }
}

impl Shown {
    fn new(library: &Library, file: &Arc<File>, is_edited: bool) -> Self {
        let original = Arc::downgrade(file);
        let bytes = file.whole().filter(|bytes| bytes.len() <= MAX_BYTES);
        let text = bytes.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let new = text.filter(|_| is_edited).and_then(announced);
        let live = new.as_deref().or(text).and_then(Live::read);
        let written = file.finished().map(|finished| finished.modified);
        let written = written.unwrap_or(SystemTime::UNIX_EPOCH);
        let edited = new.map(|text| library.variant(file.path().clone(), text.into(), written));
        Self { original, edited, live }
    }

    fn view(&self, original: &Arc<File>) -> View {
        let file = self.edited.as_ref().unwrap_or(original).clone();
        View { file, patience: Duration::ZERO, live: self.live.filter(|live| live.blocks) }
    }
}
