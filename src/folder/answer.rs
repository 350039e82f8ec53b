//! What a request is told about a path.

use super::root::Opened;
use crate::live::{self, MediaPath, Stamp, Tag};
use bytes::Bytes;
use std::{fs, io, sync::Arc, time::SystemTime};
use tokio::sync::oneshot;

/// A question of a request.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) path: MediaPath,
    /// An event will tell it what it does not find.
    pub(super) is_held: bool,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What stands at a path.
#[derive(Debug)]
pub enum Answer {
    /// A file that is known: it grows, is broken off, or is finished and small enough for memory.
    Live(Arc<live::File>),
    /// A finished file, to be read from disk.
    Stored(StoredFile),
    /// A folder.
    Folder,
    /// Nothing, or nothing that is ready.
    Absent,
    /// Something that the system does not let be read.
    Denied,
}

/// A finished file on disk, open for one reader.
#[derive(Debug)]
pub struct StoredFile {
    /// Its bytes.
    pub file: fs::File,
    /// Its length in bytes when it was opened.
    pub length: u64,
    /// When it was last modified.
    pub modified: SystemTime,
    /// Its entity tag: from its device, inode, size and time of modification.
    pub tag: Tag,
    /// False when its last box is not whole, so that its writer must have been killed.
    pub whole: bool,
    stamp: Stamp,
}

impl StoredFile {
    pub(super) fn new(opened: Opened, whole: bool) -> Self {
        let [device, inode, length, modified] = opened.stamp.0;
        let tag = Tag(format!("\"{device:x}-{inode:x}-{length:x}-{modified:x}\"").into());
        let Opened { file, length, modified, stamp } = opened;
        Self { file, length, modified, tag, whole, stamp }
    }

    /// A witness of its state, for [`Witness::is_unchanged`].
    ///
    /// # Errors
    /// When the system has no more descriptors.
    pub fn witness(&self) -> io::Result<Witness> {
        Ok(Witness { file: Arc::new(self.file.try_clone()?), stamp: self.stamp })
    }
}

/// Knows whether a file has been written since it was opened.
#[derive(Debug)]
pub struct Witness {
    file: Arc<fs::File>,
    stamp: Stamp,
}

impl Witness {
    /// The file that it knows.
    pub fn file(&self) -> Arc<fs::File> {
        self.file.clone()
    }

    /// Whether it is still as it was.
    pub fn is_unchanged(&self) -> bool {
        Opened::again(&self.file).is_ok_and(|(_, _, stamp)| stamp == self.stamp)
    }
}

/// What the loader found of a finished file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) path: MediaPath,
    pub(super) opened: Opened,
    /// Its bytes, if it is to be kept in memory.
    pub(super) bytes: io::Result<Option<(Bytes, Tag)>>,
    pub(super) whole: bool,
}
