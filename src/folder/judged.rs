//! Finished files that are too large for memory, as they were found: who asks for one that is as it
//! was opens it for himself, and whether it is whole need not be read again.

use crate::live::{MediaPath, Stamp};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// Whether files are whole, and in which state they were when that was found.
#[derive(Debug, Default)]
pub(super) struct Judged(RwLock<HashMap<MediaPath, (Stamp, bool)>>);

/// So many are remembered; then all are forgotten, and found again as they are asked for.
const MAX_JUDGED: usize = 4096;

impl Judged {
    /// A file in this state is whole, or is not.
    pub(super) fn note(&self, path: MediaPath, stamp: Stamp, whole: bool) {
        let mut files = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= MAX_JUDGED {
            files.clear();
        }
        files.insert(path, (stamp, whole));
    }

    /// The last that was noted of a path.
    pub(super) fn get(&self, path: &MediaPath) -> Option<(Stamp, bool)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_files_on_disk_are_forgotten_before_they_are_too_many() {
        let judged = Judged::default();
        let path = |number: usize| MediaPath::at_root("x").join(&number.to_string());
        for number in 0..=MAX_JUDGED {
            judged.note(path(number), Stamp::default(), true);
        }
        assert_eq!(judged.get(&path(0)), None);
        assert_eq!(judged.get(&path(MAX_JUDGED)), Some((Stamp::default(), true)));
        assert_eq!(judged.0.read().map(|files| files.len()).ok(), Some(1));
    }
}
