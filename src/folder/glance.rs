//! What a request sees by itself: most names that are waited for are not there yet, and the
//! folder's thread need not be woken twice to say so.

use super::{
    answer::StoredFile,
    judged::Judged,
    root::{Found, Root},
};
use crate::live::{MediaPath, Wait};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// What the folder's thread tells those who look for themselves.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The folders of which events tell all, by the names under which clients know them: as many as there are on disk.
    folders: RwLock<HashSet<PathBuf>>,
    is_blind: AtomicBool,
    /// What it found of files that are not in memory.
    pub(super) judged: Judged,
}

/// A look at the disk from any thread.
#[derive(Debug)]
pub(super) struct Glance {
    pub(super) root: Arc<Root>,
    pub(super) told: Arc<Told>,
}

impl Told {
    pub(super) fn add(&self, relative: &Path) {
        self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(relative.to_owned());
    }

    /// Forgets the folders at and below a name.
    pub(super) fn remove(&self, relative: &Path) {
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        folders.retain(|name| !name.starts_with(relative));
    }

    /// Whether some folder is not watched, or not everything is told of those that are.
    pub(super) fn set_blind(&self, is_blind: bool) {
        self.is_blind.store(is_blind, Ordering::Relaxed);
    }

    /// Whether events tell of everything in the folder in which a path lies.
    pub(super) fn tells_of(&self, path: &MediaPath) -> bool {
        let folder = path.as_path().parent().unwrap_or(Path::new(""));
        !self.is_blind.load(Ordering::Relaxed)
            && self.folders.read().unwrap_or_else(PoisonError::into_inner).contains(folder)
    }
}

impl Glance {
    /// Whether nothing stands at the path that is waited for, and whatever comes will be told
    /// to the one who waits. False: it is not known, and the folder's thread is to be asked.
    ///
    /// Its side names need no look: those that grow are known. A folder that is just being
    /// entered is listed after it was added here, and who waits for what is found there looks
    /// once more.
    pub(super) fn is_absent(&self, wait: &Wait) -> bool {
        let path = wait.path();
        let is_absent = self.told.tells_of(path)
            && matches!(self.root.find_plain(path.as_path()), Some(Found::Absent));
        if is_absent {
            wait.note_absent();
        }
        is_absent
    }

    /// Whether a file has stood at this path that is not in memory.
    pub(super) fn may_be_stored(&self, path: &MediaPath) -> bool {
        self.told.judged.get(path).is_some()
    }

    /// The file at this path, if it is not in memory and is as it was when it was found.
    pub(super) fn stored(&self, path: &MediaPath) -> Option<StoredFile> {
        let (stamp, whole) = self.told.judged.get(path)?;
        if !self.told.tells_of(path) {
            return None;
        }
        match self.root.find_plain(path.as_path())? {
            Found::File(opened) if opened.stamp == stamp => Some(StoredFile::new(opened, whole)),
            _ => None,
        }
    }
}
