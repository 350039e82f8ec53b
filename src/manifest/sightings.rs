//! What was seen of segments as they grew, by the pattern of their names.

use super::growth::{Arrival, Growth};
use crate::live::{Library, MediaPath, Onlooker, Role, Witness};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Patterns that are known at most; beyond, the one that was seen longest ago is forgotten.
const MAX_PATTERNS: usize = 1024;

/// How the newest segments of a pattern came.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) newest: Arc<Arrival>,
    /// The one before it, if it was seen.
    pub(super) before: Option<Arc<Arrival>>,
    /// Its place in time, from 1.
    pub(super) at: u64,
}

/// The newest segments of each pattern that was seen growing.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    seen: Mutex<Seen>,
    /// Grows with each change.
    version: AtomicU64,
    library: Weak<Library>,
}

#[derive(Debug, Default)]
struct Seen {
    patterns: HashMap<(String, String), Sighting>,
    /// Manifests that are looked at again when something new is seen: as many as are kept of
    /// edited ones.
    manifests: HashSet<MediaPath>,
    count: u64,
}

#[derive(Debug)]
struct Sighting {
    path: MediaPath,
    sight: Sight,
}

impl Sightings {
    /// Sees from now on how segments grow, if it `is_open`.
    pub(super) fn new(library: &Arc<Library>, is_open: bool) -> Arc<Self> {
        let sightings = Arc::new(Self { library: Arc::downgrade(library), ..Self::default() });
        if is_open {
            library.show_to(Box::new(Door(sightings.clone())));
        }
        sightings
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Every change is complete before anything could panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// From now on, requests for this manifest are woken when something new is seen.
    pub(super) fn watch(&self, manifest: &MediaPath) {
        self.seen().manifests.insert(manifest.clone());
    }

    /// Only manifests that this lets pass are still of interest.
    pub(super) fn retain(&self, is_kept: impl Fn(&MediaPath) -> bool) {
        self.seen().manifests.retain(is_kept);
    }

    /// The newest of those whose paths fit.
    pub(super) fn newest(&self, fits: impl Fn(&MediaPath) -> bool) -> Option<Sight> {
        let seen = self.seen();
        let fitting = seen.patterns.values().filter(|sighting| fits(&sighting.path));
        let sights = fitting.map(|sighting| &sighting.sight);
        sights.max_by_key(|sight| sight.at).cloned()
    }

    pub(super) fn note(&self, path: &MediaPath, arrival: &Arrival) {
        let Some(sequence) = path.sequence() else { return };
        let (before, after) = sequence.pattern();
        let key = (before.to_owned(), after.to_owned());
        let mut seen = self.seen();
        seen.count += 1;
        let at = seen.count;
        let last = seen.patterns.remove(&key);
        let was_spread = last.as_ref().map(|last| last.sight.newest.is_spread());
        // One is told of twice: as soon as it is seen to grow, and when it is whole.
        let before = last.and_then(|last| match last.path == *path {
            true => last.sight.before,
            false => Some(last.sight.newest),
        });
        let sight = Sight { newest: Arc::new(arrival.clone()), before, at };
        seen.patterns.insert(key, Sighting { path: path.clone(), sight });
        if seen.patterns.len() > MAX_PATTERNS {
            seen.forget_oldest();
        }
        let is_news = was_spread != Some(arrival.is_spread());
        let manifests = if is_news { seen.manifests.clone() } else { HashSet::new() };
        drop(seen);
        self.version.fetch_add(1, Ordering::Release);
        let Some(library) = self.library.upgrade() else { return };
        manifests.iter().for_each(|manifest| library.nudge(manifest));
    }
}

impl Seen {
    fn forget_oldest(&mut self) {
        let oldest = self.patterns.iter().min_by_key(|(_, sighting)| sighting.sight.at);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.patterns.remove(&key);
        }
    }
}

/// Where the library shows what grows.
#[derive(Debug)]
struct Door(Arc<Sightings>);

impl Onlooker for Door {
    fn begins(&self, path: &MediaPath) -> Option<Box<dyn Witness>> {
        let is_segment = matches!(path.role(), Role::Media { init: false, .. });
        let eye = || Eye {
            sightings: self.0.clone(),
            path: path.clone(),
            growth: Growth::default(),
            is_told: false,
        };
        is_segment.then(|| Box::new(eye()) as Box<dyn Witness>)
    }
}

/// Sees one segment grow.
#[derive(Debug)]
struct Eye {
    sightings: Arc<Sightings>,
    path: MediaPath,
    growth: Growth,
    is_told: bool,
}

impl Witness for Eye {
    fn grown(&mut self, bytes: &[u8]) {
        let is_step = self.growth.push(bytes, Instant::now());
        if is_step && !self.is_told && self.growth.arrival().is_spread() {
            self.is_told = true;
            self.sightings.note(&self.path, self.growth.arrival());
        }
    }

    /// One that breaks off at once tells nothing of how its like come.
    fn ended(&mut self, is_whole: bool) {
        let arrival = self.growth.arrival();
        if is_whole || arrival.is_spread() {
            self.sightings.note(&self.path, arrival);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_at_once_says_nothing() {
        let sightings = Arc::new(Sightings::default());
        let newest = || sightings.newest(|_| true).map(|sight| sight.newest.is_spread());
        let end = |is_whole| {
            let eye = Door(sightings.clone()).begins(&MediaPath::at_root("1.m4s"));
            eye.expect("a segment").ended(is_whole);
        };
        let elapsed = super::super::growth::MOMENT;
        let spread = Arrival { steps: 2, elapsed, ..Arrival::default() };
        sightings.note(&MediaPath::at_root("0.m4s"), &spread);
        end(false);
        assert_eq!(newest(), Some(true));
        end(true);
        assert_eq!(newest(), Some(false));
    }

    #[test]
    fn the_one_before_is_another_one() {
        let sightings = Sightings::default();
        let note = |name, steps| {
            let arrival = Arrival { steps, ..Arrival::default() };
            sightings.note(&MediaPath::at_root(name), &arrival);
            let Sight { newest, before, .. } = sightings.newest(|_| true).expect("one");
            (newest.steps, before.map(|before| before.steps))
        };
        assert_eq!(note("1.m4s", 2), (2, None));
        assert_eq!(note("1.m4s", 9), (9, None));
        assert_eq!(note("2.m4s", 1), (1, Some(9)));
        assert_eq!(note("2.m4s", 8), (8, Some(9)));
    }

    #[test]
    fn patterns_are_bounded_and_the_newest_counts() {
        let sightings = Sightings::default();
        for number in 0..MAX_PATTERNS + 9 {
            let path = MediaPath::from_disk(format!("s{number}/1.m4s").as_ref()).expect("a path");
            sightings.note(&path, &Arrival { steps: number, ..Arrival::default() });
        }
        assert_eq!(sightings.seen().patterns.len(), MAX_PATTERNS);
        let newest = sightings.newest(|_| true).expect("one");
        assert_eq!(newest.newest.steps, MAX_PATTERNS + 8);
        assert!(sightings.newest(|path| path.as_str() == "s0/1.m4s").is_none());
        assert_eq!(sightings.version(), MAX_PATTERNS as u64 + 9);
    }
}
