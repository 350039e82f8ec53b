//! The names in a folder.

use super::{Folder, root::Found};
use crate::live::{MediaPath, under_side_name};
use std::{path::Path, time::SystemTime};

/// No folder is listed beyond so many files.
const MAX_LISTED: usize = 100_000;

impl Folder {
    /// The files of a folder in it, by the names that they have or will have, and when each was
    /// last modified. Blocks.
    pub fn list(&self, folder: &Path) -> Vec<(MediaPath, SystemTime)> {
        let root = &self.glance.root;
        let real = match folder.as_os_str().is_empty() {
            true => root.real(),
            false => match root.find(folder) {
                Found::Folder(real) if root.permits(&real) => real,
                _ => return Vec::new(),
            },
        };
        let entries = real.read_dir().into_iter().flatten().flatten().take(MAX_LISTED);
        let known = entries.filter_map(|entry| {
            let name = folder.join(entry.file_name());
            let path = MediaPath::from_disk(&name).or_else(|| under_side_name(&name))?;
            Some((path, entry.metadata().ok()?.modified().ok()?))
        });
        known.collect()
    }
}
