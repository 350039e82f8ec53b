//! Those who wait for a file that is not there.

use super::{
    arrival::{Recipient, Waiting},
    file::File,
    library::Library,
    parking::Ticket,
    path::MediaPath,
};
use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

/// One who waits. Dropping it frees its place.
#[derive(Debug)]
pub struct Wait {
    library: Arc<Library>,
    path: MediaPath,
    ticket: Option<Ticket>,
    nudges: u64,
    /// Those at its beginning.
    tidings: u64,
    /// It takes a place among those that are limited.
    is_counted: bool,
}

impl Wait {
    /// For a path whose entry says so.
    pub(super) fn new(
        library: Arc<Library>,
        path: MediaPath,
        (nudges, tidings): (u64, u64),
        is_counted: bool,
    ) -> Self {
        Self { library, path, ticket: None, nudges, tidings, is_counted }
    }

    /// What it waits for.
    pub fn path(&self) -> &MediaPath {
        &self.path
    }

    /// The one who waits has looked since it began to, and nothing was there: others need not
    /// look, unless something was told meanwhile.
    pub fn note_absent(&self) {
        let mut shelf = self.library.shelf();
        let entry = shelf.entries.get_mut(&self.path);
        if let Some(entry) = entry.filter(|entry| entry.tidings == self.tidings) {
            entry.is_absent = true;
        }
    }

    /// Whether it is known that nothing is there, so that the disk need not be looked at.
    pub fn is_known_absent(&self) -> bool {
        let shelf = self.library.shelf();
        shelf.entries.get(&self.path).is_some_and(|entry| entry.is_absent && entry.file.is_none())
    }

    /// Resolves with the path's file as soon as there is one that is accepted, or with `None`
    /// when the disk is to be looked at again. Cancel safe.
    pub async fn until(&mut self, accept: impl Fn(&File) -> bool) -> Option<Arc<File>> {
        self.given(None, accept).await
    }

    /// The same, but when the file comes it may be given to a recipient first, whether it is
    /// accepted or not; `None` when that was done before.
    pub async fn given(
        &mut self,
        recipient: Option<&Arc<dyn Recipient>>,
        accept: impl Fn(&File) -> bool,
    ) -> Option<Arc<File>> {
        poll_fn(|cx| {
            let mut shelf = self.library.shelf();
            let entry = shelf.entries.entry(self.path.clone()).or_default();
            if let Some(file) = entry.file.as_ref().filter(|file| accept(file)) {
                return Poll::Ready(Some(file.clone()));
            }
            if std::mem::replace(&mut self.nudges, entry.nudges) != entry.nudges {
                return Poll::Ready(None);
            }
            let waiting = match recipient {
                Some(recipient) if !recipient.sleep(cx.waker()) => return Poll::Ready(None),
                Some(recipient) => Waiting::Recipient(recipient.clone()),
                None => Waiting::Task(cx.waker().clone()),
            };
            entry.parking.park(&mut self.ticket, waiting);
            Poll::Pending
        })
        .await
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.is_counted {
            self.library.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        let mut shelf = self.library.shelf();
        let Some(entry) = shelf.entries.get_mut(&self.path) else { return };
        entry.waiting -= 1;
        entry.parking.leave(self.ticket);
        if entry.waiting > 0 {
            return;
        }
        if entry.file.is_none() {
            shelf.entries.remove(&self.path);
        }
        shelf.index.unwanted(&self.path);
    }
}
