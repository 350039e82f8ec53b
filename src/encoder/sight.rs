//! A look at a stream's folder while its encoder runs: whether anything is written, and when there
//! is a manifest. Events, not looks: notify tells.

use super::arguments::RAW_MANIFEST;
use notify::{
    Config, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, EventKind, ModifyKind},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::Notify;

/// What is seen of a folder. Dropping it ends the look.
pub(super) struct Sight {
    _watcher: RecommendedWatcher,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Writes of media so far.
    writes: AtomicU64,
    manifest: Notify,
}

impl Sight {
    /// Looks at a folder, and at what lies below it. `is_own` tells what we write there ourselves;
    /// `come` is told the names that are new.
    ///
    /// # Errors
    /// When the system has no more watches.
    pub(super) fn of(
        folder: &Path,
        is_ffmpeg: bool,
        is_own: impl Fn(&str) -> bool + Send + 'static,
        come: impl Fn(&str) + Send + 'static,
    ) -> notify::Result<Self> {
        let seen = Arc::new(Seen::default());
        let noted = seen.clone();
        let handler = move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                noted.note(&event, is_ffmpeg, &is_own);
                new_names(&event).for_each(&come);
            }
        };
        let events = EventKindMask::CREATE
            | EventKindMask::MODIFY_DATA
            | EventKindMask::MODIFY_NAME
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(events).with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(Self { _watcher: watcher, seen })
    }

    /// How often media was written so far.
    pub(super) fn writes(&self) -> u64 {
        self.seen.writes.load(Relaxed)
    }

    /// Resolves when a manifest was written since this was last asked. Cancel safe.
    pub(super) async fn manifest(&self) {
        self.seen.manifest.notified().await;
    }
}

/// Names that stand for something new, or for something else.
fn new_names(event: &Event) -> impl Iterator<Item = &str> {
    let is_new =
        matches!(event.kind, EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)));
    let names = event.paths.iter().filter_map(|path| path.file_name()?.to_str());
    names.filter(move |_| is_new)
}

impl Seen {
    fn note(&self, event: &Event, is_ffmpeg: bool, is_own: &impl Fn(&str) -> bool) {
        let names = event.paths.iter().filter_map(|path| path.file_name()?.to_str());
        for name in names.filter(|name| !is_own(name)) {
            let is_manifest = match is_ffmpeg {
                true => name == RAW_MANIFEST,
                false => name.ends_with(".mpd") || name.ends_with(".m3u8"),
            };
            // On a full disk ffmpeg goes on to make files, and to rename them: only bytes count.
            let has_bytes =
                matches!(event.kind, EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any));
            let is_media = !is_manifest && !name.starts_with(RAW_MANIFEST);
            self.writes.fetch_add(u64::from(has_bytes && is_media), Relaxed);
            let is_whole = matches!(
                event.kind,
                EventKind::Access(AccessKind::Close(_)) | EventKind::Modify(ModifyKind::Name(_))
            );
            // Systems that tell less tell at least that it was written.
            if is_manifest && (is_whole || !cfg!(target_os = "linux")) {
                self.manifest.notify_one();
            }
        }
    }
}
