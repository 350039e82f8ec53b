//! The manifest as players need it: what a packager left out of a live one is added before it is
//! shown. The bytes on disk stay as they are.
//!
//! ```text
//! live::Writer ──bytes──▶ Growth ──Arrival──▶ Sightings ──Verdict──▶ Plan ──mpd::Additions──▶
//!                                                 └──nudge──▶ requests that wait for the manifest
//! ```
//!
//! Each segment that grows is seen by a `Growth`, which keeps its first `moof` boxes and the times
//! at which they came. Only when somebody asks for a manifest are they read, with its inits. The
//! edited version is a file of the library, made once for each generation of the manifest and each
//! change of what its own segments say, so that its tag, length, ranges and compressed form are its
//! own. A live playlist announces that it can be waited for; nothing else is added to it.

mod clock_url;
mod growth;
mod plan;
mod playlists;
mod shown;
mod sightings;
mod verdict;

use crate::{
    clock,
    cmaf::Init,
    live::{File, Library, Manifest, MediaPath, Role},
    m3u8::Live,
    mpd::{Document, Mpd},
};
use plan::{Ground, Plan, Series, plan, wanting};
use playlists::Playlists;
use shown::{Shelf, Shown};
use sightings::{Sight, Sightings};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use verdict::Verdict;

/// Longer ones are shown as they are, in bytes: reading them would keep other requests waiting.
const MAX_BYTES: usize = 4 << 20;

/// So many growing files are looked through for the segments of a manifest.
const MAX_GROWING: usize = 1000;

/// A manifest waits for its first chunk no longer than so many segments: a stream of which one
/// representation never comes is not held up again and again.
const PATIENCE_SEGMENTS: u32 = 2;

/// What is done with manifests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether anything is.
    pub is_on: bool,
    /// Where the server is for its clients, if inserted URLs are to be absolute.
    pub public_url: Option<String>,
    /// Whether the clock takes the place of those that a manifest names.
    pub replaces_clock: bool,
}

/// All manifests as they are shown.
#[derive(Debug)]
pub struct Manifests {
    settings: Settings,
    library: Arc<Library>,
    sightings: Arc<Sightings>,
    shown: Mutex<Shelf>,
    playlists: Playlists,
}

/// A manifest as it is shown.
#[derive(Debug, Clone)]
pub struct View {
    /// What is shown.
    pub file: Arc<File>,
    /// It is worth waiting so long for what would add to it.
    pub patience: Duration,
    /// Where a live playlist ends that announces blocking reload.
    pub live: Option<Live>,
}

impl Manifests {
    /// Has manifests edited from now on, by what the library shows of growing segments.
    pub fn new(settings: Settings, library: &Arc<Library>) -> Self {
        let sightings = Sightings::new(library, settings.is_on);
        Self {
            settings,
            library: library.clone(),
            sightings,
            shown: Mutex::default(),
            playlists: Playlists::default(),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shelf> {
        // Every change is complete before anything could panic.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a path's file may lack what is seen of its segments.
    pub fn concern(&self, path: &MediaPath) -> bool {
        self.settings.is_on && path.role() == Role::Manifest(Manifest::Mpd)
    }

    /// A file as it is shown: a manifest with what was left out, anything else as it is. Not to be
    /// asked while the library is locked.
    pub fn view(&self, file: &Arc<File>) -> View {
        if file.path().role() == Role::Manifest(Manifest::M3u8) {
            return self.playlists.view(&self.library, file, self.settings.is_on);
        }
        let as_it_is = || View { file: file.clone(), patience: Duration::ZERO, live: None };
        if !self.concern(file.path()) {
            return as_it_is();
        }
        if let Some(view) = self.known(file) {
            return view;
        }
        // Before anything is looked at, so that no change is missed.
        self.sightings.watch(file.path());
        let version = self.sightings.version();
        let Some(bytes) = file.whole().filter(|bytes| bytes.len() <= MAX_BYTES) else {
            return as_it_is();
        };
        let document = std::str::from_utf8(&bytes).ok().and_then(|text| {
            Document::parse(text).ok().filter(Document::is_dynamic).map(|document| (text, document))
        });
        let before = self.shown().get(file.path()).map(|shown| shown.chunks.clone());
        let before = before.unwrap_or_default();
        let (plan, text) = document.map_or_else(Default::default, |(text, document)| {
            let judge = |series: &Series<'_>| {
                let sight = self.sightings.newest(|path| series.holds(path))?;
                Some(self.judge(&sight, series.init().as_ref()))
            };
            let plan = plan(file.path(), &document, &self.settings, judge, &before);
            let new = document.complete(&plan.additions);
            (plan, Some(new).filter(|new| new != text))
        });
        self.keep(file, version, plan, text)
    }

    /// Inits that [`Manifests::view`] would ask the library for in vain: they are better read from
    /// disk before.
    pub fn unread_inits(&self, file: &Arc<File>) -> Vec<MediaPath> {
        if !self.concern(file.path()) || self.known(file).is_some() {
            return Vec::new();
        }
        let Some(bytes) = file.whole().filter(|bytes| bytes.len() <= MAX_BYTES) else {
            return Vec::new();
        };
        let Some(mpd) = model(&bytes) else { return Vec::new() };
        let unread = wanting(file.path(), &mpd).into_iter().filter_map(|series| {
            let sight = self.sightings.newest(|path| series.holds(path))?;
            let mut arrivals = [Some(sight.newest), sight.before].into_iter().flatten();
            let init = series.init().filter(|_| arrivals.any(|arrival| arrival.is_spread()))?;
            self.library.current(&init).is_none().then_some(init)
        });
        unread.collect()
    }

    fn judge(&self, sight: &Sight, init: Option<&MediaPath>) -> Verdict {
        let init = init.and_then(|path| self.library.current(path)?.whole());
        let init = init.and_then(|bytes| Init::parse(&bytes).ok());
        Verdict::of_sight(sight, init.as_ref())
    }

    /// What is shown of this generation, if what was seen since says nothing else.
    fn known(&self, file: &Arc<File>) -> Option<View> {
        let version = self.sightings.version();
        let mut shown = self.shown();
        let known = shown.get_mut(file.path())?;
        if known.original.as_ptr() != Arc::as_ptr(file) {
            return None;
        }
        if known.version != version {
            known.grounds.iter_mut().all(|ground| self.holds(ground)).then_some(())?;
            known.version = version;
        }
        Some(known.view(file))
    }

    /// Whether a series still comes as it did. Without its init nobody can tell: it may be there by
    /// now.
    fn holds(&self, ground: &mut Ground) -> bool {
        let sight = self.sightings.newest(|path| ground.holds(path));
        let at = sight.as_ref().map_or(0, |sight| sight.at);
        if at == ground.at && at > 0 {
            return true;
        }
        let is_unread = |init: &MediaPath| self.library.current(init).is_none();
        if sight.is_some() && ground.init.as_ref().is_some_and(is_unread) {
            return false;
        }
        let holds = ground.bears(sight.map(|sight| self.judge(&sight, ground.init.as_ref())));
        ground.at = if holds { at } else { ground.at };
        holds
    }

    /// Whether segments of a manifest are being written, of those that nobody has seen yet.
    fn grows(&self, plan: &Plan) -> bool {
        let is_its_own = |path| plan.grounds.iter().any(|ground| ground.holds(path));
        plan.missing.is_some()
            && self.library.overview(MAX_GROWING).growing.iter().any(|file| is_its_own(&file.path))
    }

    /// Keeps what was made of a manifest, and shows it, whatever is seen meanwhile.
    fn keep(&self, file: &Arc<File>, version: u64, plan: Plan, text: Option<String>) -> View {
        let grows = self.grows(&plan);
        let mut shown = self.shown();
        let before = shown.remove(file.path());
        let original = Arc::downgrade(file);
        let is_same = before.as_ref().is_some_and(|before| before.original.ptr_eq(&original));
        let old = before.as_ref().and_then(|before| before.edited.clone());
        let is_unchanged = |old: &Arc<File>, text: &str| {
            is_same && old.whole().is_some_and(|bytes| bytes == text.as_bytes())
        };
        let edited = text.map(|text| match old {
            Some(old) if is_unchanged(&old, &text) => old,
            _ => {
                let written = file.finished().map(|finished| finished.modified);
                let modified = written.filter(|_| !is_same).unwrap_or_else(clock::now);
                self.library.variant(file.path().clone(), text.into(), modified)
            }
        });
        // While it goes on missing, it is not waited for again.
        let since = before.filter(|before| before.missing.is_some() && plan.missing.is_some());
        let since = since.map_or_else(Instant::now, |before| before.since);
        let Plan { chunks, missing, grounds, .. } = plan;
        let new = Shown { original, version, edited, chunks, grounds, missing, since, grows };
        let view = new.view(file);
        if shown.insert(file.path(), new) {
            self.sightings.retain(|path| shown.holds(path));
        }
        view
    }
}

fn model(bytes: &[u8]) -> Option<Mpd> {
    let document = Document::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    document.model().ok().filter(|_| document.is_dynamic())
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
