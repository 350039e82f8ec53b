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

/// The newest segment of each pattern that was seen growing.
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
    arrival: Arc<Arrival>,
    /// Its place in time.
    at: u64,
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

    /// The newest arrival among those whose paths fit.
    pub(super) fn newest(&self, fits: impl Fn(&MediaPath) -> bool) -> Option<Arc<Arrival>> {
        let seen = self.seen();
        let fitting = seen.patterns.values().filter(|sighting| fits(&sighting.path));
        fitting.max_by_key(|sighting| sighting.at).map(|sighting| sighting.arrival.clone())
    }

    pub(super) fn note(&self, path: &MediaPath, arrival: &Arrival) {
        let Some(sequence) = path.sequence() else { return };
        let (before, after) = sequence.pattern();
        let key = (before.to_owned(), after.to_owned());
        let mut seen = self.seen();
        seen.count += 1;
        let at = seen.count;
        let sighting = Sighting { path: path.clone(), arrival: Arc::new(arrival.clone()), at };
        let before = seen.patterns.insert(key, sighting);
        if seen.patterns.len() > MAX_PATTERNS {
            seen.forget_oldest();
        }
        let was_spread = before.map(|before| before.arrival.is_spread());
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
        let oldest = self.patterns.iter().min_by_key(|(_, sighting)| sighting.at);
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
        let newest = || sightings.newest(|_| true).map(|arrival| arrival.is_spread());
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
    fn patterns_are_bounded_and_the_newest_counts() {
        let sightings = Sightings::default();
        for number in 0..MAX_PATTERNS + 9 {
            let path = MediaPath::from_disk(format!("s{number}/1.m4s").as_ref()).expect("a path");
            sightings.note(&path, &Arrival { steps: number, ..Arrival::default() });
        }
        assert_eq!(sightings.seen().patterns.len(), MAX_PATTERNS);
        let newest = sightings.newest(|_| true).expect("one");
        assert_eq!(newest.steps, MAX_PATTERNS + 8);
        assert!(sightings.newest(|path| path.as_str() == "s0/1.m4s").is_none());
        assert_eq!(sightings.version(), MAX_PATTERNS as u64 + 9);
    }
}
