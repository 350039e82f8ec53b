//! Folders that uploads made, and in which nothing stands yet that is whole: they go with the last
//! upload that comes to nothing.

use super::root::Root;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Such folders.
#[derive(Debug)]
pub(super) struct Nests {
    root: Arc<Root>,
    /// Up to [`MAX_NESTS`].
    made: HashSet<PathBuf>,
}

/// Beyond so many folders that wait for their first file, empty ones stay.
const MAX_NESTS: usize = 10_000;

impl Nests {
    pub(super) fn new(root: Arc<Root>) -> Self {
        Self { root, made: HashSet::new() }
    }

    /// An upload made a folder.
    pub(super) fn made(&mut self, folder: &Path) {
        if self.made.len() < MAX_NESTS {
            self.made.insert(folder.to_owned());
        }
    }

    /// A whole file stands in a folder: it is no nest any more, nor are those above it.
    pub(super) fn used(&mut self, folder: &Path) {
        if !self.made.is_empty() {
            folder.ancestors().for_each(|folder| drop(self.made.take(folder)));
        }
    }

    /// An upload into a folder came to nothing.
    pub(super) fn left(&mut self, folder: &Path) {
        for folder in folder.ancestors() {
            // One in which something lies stays until that goes.
            if !self.made.contains(folder) || self.root.remove_folder(folder).is_err() {
                return;
            }
            self.made.remove(folder);
        }
    }
}
