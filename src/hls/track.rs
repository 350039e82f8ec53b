//! A rendition's timeline as it is shared, and the texts made of it.

use super::timeline::Timeline;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// A rendition's timeline, and those who wait for it to change.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: String,
    timeline: Mutex<Timeline>,
    pub(super) version: watch::Sender<u64>,
    /// The newest playlist, and the newest delta update.
    pub(super) rendered: Mutex<[Rendered; 2]>,
}

/// A text, with the version of the timeline that it shows.
pub(super) type Rendered = Option<(u64, Arc<Bytes>)>;

impl Track {
    pub(super) fn new(name: String, timeline: Timeline) -> Self {
        let (timeline, version) = (Mutex::new(timeline), watch::Sender::new(0));
        Self { name, timeline, version, rendered: Mutex::default() }
    }

    /// Wakes those who wait, whatever has changed.
    pub(super) fn wake(&self) {
        self.version.send_modify(|version| *version = version.wrapping_add(1 << 63));
    }

    pub(super) fn timeline(&self) -> MutexGuard<'_, Timeline> {
        // A half made change would be of one rendition only.
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the timeline, and wakes those who wait if a playlist shows it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Timeline)) {
        let mut timeline = self.timeline();
        change(&mut timeline);
        let version = timeline.version();
        drop(timeline);
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
    }
}

/// A text that many are sent.
#[derive(Debug)]
pub struct Bytes {
    plain: bytes::Bytes,
    compressed: OnceLock<bytes::Bytes>,
}

impl Bytes {
    pub(super) fn new(text: String) -> Arc<Self> {
        Arc::new(Self { plain: text.into(), compressed: OnceLock::new() })
    }

    /// As it is.
    pub fn plain(&self) -> bytes::Bytes {
        self.plain.clone()
    }

    /// Compressed, once for all.
    pub fn compressed(&self, compress: impl FnOnce(&[u8]) -> bytes::Bytes) -> bytes::Bytes {
        self.compressed.get_or_init(|| compress(&self.plain)).clone()
    }
}
