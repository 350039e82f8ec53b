//! The one who writes a file as it grows.

use super::{
    file::{File, Finished},
    library::Library,
    onlooker::Witness,
    source::Stamp,
    tag::Tagger,
};
use bytes::Bytes;
use std::{sync::Arc, time::SystemTime};

/// The one who writes a generation. Dropping it without [`Writer::finish`] cuts the file: what
/// was not said to be whole is not.
pub struct Writer {
    file: Arc<File>,
    library: Arc<Library>,
    tagger: Tagger,
    witness: Option<Box<dyn Witness>>,
}

impl Writer {
    pub(super) fn new(file: Arc<File>, library: Arc<Library>) -> Self {
        Self { file, library, tagger: Tagger::default(), witness: None }
    }

    /// Lets one see how it grows on, who is told of the bytes that it begins with.
    pub(super) fn show_to(&mut self, witness: Option<Box<dyn Witness>>, first: &[u8]) {
        self.witness = witness;
        self.witness.iter_mut().for_each(|witness| witness.grown(first));
    }

    /// The file that is written.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Adds bytes, and wakes those who follow.
    pub fn append(&mut self, bytes: Bytes) {
        let length = bytes.len() as u64;
        let hashed = bytes.clone();
        // Those who follow come first.
        let held = self.file.append(bytes, self.library.now());
        self.tagger.push(&hashed);
        self.witness.iter_mut().for_each(|witness| witness.grown(&hashed));
        if held > self.library.window.share_bytes() {
            self.library.window.returned(self.file.evict());
        }
        self.library.charge(length);
    }

    /// All bytes are there. The tag is a hash of them.
    pub fn finish(self, modified: SystemTime, stamp: Stamp) {
        self.file.end(Some(Finished { tag: self.tagger.tag(), modified, stamp }));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.file.end(None);
        let is_whole = self.file.is_finished();
        self.witness.iter_mut().for_each(|witness| witness.ended(is_whole));
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({:?})", self.file)
    }
}
