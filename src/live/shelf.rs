//! What stands under each path, and who waits for it.

use super::{arrival::Waiting, file::File, index::Index, parking::Parking, path::MediaPath};
use std::{collections::HashMap, sync::Arc};

/// All of it, under one lock.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) entries: HashMap<MediaPath, Entry>,
    pub(super) index: Index,
}

/// What stands under one path.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) file: Option<Arc<File>>,
    pub(super) parking: Parking<Waiting>,
    pub(super) waiting: usize,
    pub(super) nudges: u64,
    /// One who waits has learnt that nothing is there, and no event has told of it since.
    pub(super) is_absent: bool,
    /// How often it was told of while somebody waited.
    pub(super) tidings: u64,
}

impl Entry {
    /// Something has come, gone, or may have.
    pub(super) fn tell(&mut self) {
        self.is_absent = false;
        self.tidings += 1;
    }
}
