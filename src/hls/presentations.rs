//! All presentations, by the path of their MPD.

use super::{
    plan::{Plan, Refusal},
    presentation::Presentation,
};
use crate::live::{File, Library, MediaPath};
use futures::future::BoxFuture;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// What the library does not have.
pub trait Files: fmt::Debug + Send + Sync {
    /// What stands at a path, on disk too. `is_held`: the one who asks waits for it already.
    fn look(&self, path: MediaPath, is_held: bool) -> BoxFuture<'_, Option<Arc<File>>>;

    /// The file whose bytes are those of a segment's that an MPD names.
    fn stand_in(&self, path: MediaPath) -> MediaPath {
        path
    }

    /// The files in a folder, also those that grow under a side name, by the name that they will
    /// have.
    fn list(&self, folder: String) -> BoxFuture<'_, Vec<Listed>>;
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path.
    pub path: MediaPath,
    /// When it was last modified.
    pub modified: SystemTime,
}

/// How presentations are made.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// No part is longer, where chunks permit.
    pub part: Duration,
}

/// Why there is no presentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOpened {
    /// There can be none of this MPD.
    Refused(Refusal),
    /// Too many others are being watched.
    Crowded,
}

impl From<Refusal> for NotOpened {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// At most so many at a time; beyond, those who ask for another are refused.
const MAX_PRESENTATIONS: usize = 64;

/// Those that somebody watches.
#[derive(Debug)]
pub struct Presentations {
    library: Arc<Library>,
    files: Arc<dyn Files>,
    settings: Settings,
    running: Mutex<HashMap<MediaPath, Arc<Presentation>>>,
}

impl Presentations {
    /// None yet.
    pub fn new(library: Arc<Library>, files: Arc<dyn Files>, settings: Settings) -> Arc<Self> {
        Arc::new(Self { library, files, settings, running: Mutex::default() })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<MediaPath, Arc<Presentation>>> {
        // Every change of the map is complete before anything could panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The presentation of an MPD that runs already.
    pub fn current(&self, path: &MediaPath) -> Option<Arc<Presentation>> {
        let found = self.running().get(path).cloned();
        found.inspect(|presentation| presentation.touch())
    }

    /// The presentation of an MPD; starts it, in a task of the runtime in which this is called.
    ///
    /// # Errors
    /// When there can be none; says why.
    pub fn open(self: &Arc<Self>, mpd: &Arc<File>) -> Result<Arc<Presentation>, NotOpened> {
        let path = mpd.path();
        if let Some(running) = self.current(path) {
            return Ok(running);
        }
        let bytes = mpd.whole().ok_or_else(|| Refusal("it is too large".into()))?;
        let plan = Plan::read(&String::from_utf8_lossy(&bytes), path)?;
        let mut running = self.running();
        if let Some(running) = running.get(path) {
            return Ok(running.clone());
        }
        if running.len() >= MAX_PRESENTATIONS {
            return Err(NotOpened::Crowded);
        }
        let presentation = Presentation::new(plan, mpd, &self.library, self.settings.part);
        running.insert(path.clone(), presentation.clone());
        let (all, files, mpd) = (self.clone(), self.files.clone(), mpd.clone());
        let kept = presentation.clone();
        tokio::spawn(async move {
            kept.keep(files, mpd).await;
            all.forget(&kept);
        });
        Ok(presentation)
    }

    fn forget(&self, presentation: &Arc<Presentation>) {
        let mut running = self.running();
        let path = presentation.path();
        if running.get(path).is_some_and(|current| Arc::ptr_eq(current, presentation)) {
            running.remove(path);
        }
    }
}
