//! Clean house: what came by uploads goes when its time has come, or when it is too much. Nothing
//! else ever goes: what another program wrote is not known here, and what another program wrote
//! over is known no longer.

use super::{
    journal::Journal,
    on_disk::read_at,
    root::{Found, Opened, Root},
};
use crate::{
    clock,
    live::{MediaPath, Role, Stamp},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How long, and how much, of what came by uploads is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Media go after this time.
    pub time: Option<Duration>,
    /// The oldest media go when there are more bytes.
    pub bytes: Option<u64>,
}

/// A file that came by an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) came: SystemTime,
    /// By what its upload said.
    pub(super) expires: Option<SystemTime>,
    pub(super) identity: Identity,
}

/// The same, and when it goes.
#[derive(Debug)]
struct Entry {
    kept: Kept,
    /// When its time has come.
    goes: Option<SystemTime>,
    /// Whether it goes when there is too much.
    is_media: bool,
}

/// A file's inode, length and time of modification: those of a [`Stamp`] that a restart of the
/// machine does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(pub(super) [u64; 3]);

impl From<Stamp> for Identity {
    fn from(Stamp([_, inode, length, modified]): Stamp) -> Self {
        Self([inode, length, modified])
    }
}

/// What came, and when it goes: as many as the disk holds.
#[derive(Debug)]
pub(super) struct Keeper {
    root: Arc<Root>,
    keep: Keep,
    files: HashMap<MediaPath, Entry>,
    by_time: BTreeSet<(SystemTime, MediaPath)>,
    by_age: BTreeSet<(SystemTime, MediaPath)>,
    /// Of media.
    bytes: u64,
    journal: Journal,
    /// Somebody reads what should have gone: it is tried again then.
    retry: Option<SystemTime>,
}

/// How soon it is looked again whether a file is still read.
const RETRY: Duration = Duration::from_secs(2);

impl Keeper {
    /// Knows what earlier runs took.
    pub(super) fn new(root: Arc<Root>, keep: Keep) -> Self {
        let (journal, known) = Journal::open(root.clone());
        let mut keeper = Self {
            root,
            keep,
            files: HashMap::new(),
            by_time: BTreeSet::new(),
            by_age: BTreeSet::new(),
            bytes: 0,
            journal,
            retry: None,
        };
        known.into_iter().for_each(|(path, kept)| keeper.enter(path, kept));
        keeper
    }

    /// A file has come, which is to live for so long if its upload said so.
    pub(super) fn came(&mut self, path: &MediaPath, stamp: Stamp, lifetime: Option<Duration>) {
        self.forget(path);
        let came = clock::now();
        let expires = lifetime.and_then(|lifetime| came.checked_add(lifetime));
        let kept = Kept { came, expires, identity: stamp.into() };
        self.enter(path.clone(), kept.clone());
        self.note(path, Some(&kept));
    }

    /// A file has gone.
    pub(super) fn went(&mut self, path: &MediaPath) {
        if self.forget(path) {
            self.note(path, None);
        }
    }

    fn note(&mut self, path: &MediaPath, kept: Option<&Kept>) {
        let all = self.files.iter().map(|(path, entry)| (path, &entry.kept));
        self.journal.note(path, kept, all);
    }

    fn enter(&mut self, path: MediaPath, kept: Kept) {
        // What is gone, or was written over by others, is not ours.
        let Some(opened) = self.find(&path, kept.identity) else { return };
        let is_media = is_media(&path, &opened);
        let is_kept_for_ever = path.is_manifest() || is_header(&path, &opened);
        let by_option = self.keep.time.filter(|_| is_media);
        let by_option = by_option.and_then(|time| kept.came.checked_add(time));
        let goes = kept.expires.or(by_option).filter(|_| !is_kept_for_ever);
        if let Some(goes) = goes {
            self.by_time.insert((goes, path.clone()));
        }
        if is_media {
            self.by_age.insert((kept.came, path.clone()));
            self.bytes += opened.length;
        }
        self.files.insert(path, Entry { kept, goes, is_media });
    }

    fn forget(&mut self, path: &MediaPath) -> bool {
        let Some(Entry { kept, goes, is_media }) = self.files.remove(path) else { return false };
        if let Some(goes) = goes {
            self.by_time.remove(&(goes, path.clone()));
        }
        if is_media {
            self.by_age.remove(&(kept.came, path.clone()));
            self.bytes -= kept.identity.0[1];
        }
        true
    }

    /// A file, if it is still the one that came.
    fn find(&self, path: &MediaPath, identity: Identity) -> Option<Opened> {
        match self.root.find(path.as_path()) {
            Found::File(opened) if Identity::from(opened.stamp) == identity => Some(opened),
            _ => None,
        }
    }

    /// The same, of a file that is known.
    pub(super) fn opened(&self, path: &MediaPath) -> Option<Opened> {
        self.find(path, self.files.get(path)?.kept.identity)
    }

    /// What is to go now, the oldest first.
    pub(super) fn due(&mut self) -> Vec<MediaPath> {
        let now = clock::now();
        self.retry = None;
        let timed = self.by_time.iter().take_while(|(goes, _)| *goes <= now);
        let mut due: Vec<MediaPath> = timed.map(|(_, path)| path.clone()).collect();
        let mut too_many = self.keep.bytes.map_or(0, |most| self.bytes.saturating_sub(most));
        for (_, path) in &self.by_age {
            if too_many == 0 {
                break;
            }
            let length = self.files.get(path).map_or(0, |entry| entry.kept.identity.0[1]);
            too_many = too_many.saturating_sub(length);
            if !due.contains(path) {
                due.push(path.clone());
            }
        }
        due
    }

    /// Something that is due cannot go yet.
    pub(super) fn postpone(&mut self) {
        self.retry = clock::now().checked_add(RETRY);
    }

    /// How long nothing is to be done.
    pub(super) fn rest(&self) -> Option<Duration> {
        let next = self.retry.or_else(|| self.by_time.first().map(|(goes, _)| *goes));
        next.map(|next| next.duration_since(clock::now()).unwrap_or_default())
    }
}

/// Whether a file is one of many that a stream leaves behind.
fn is_media(path: &MediaPath, opened: &Opened) -> bool {
    matches!(path.role(), Role::Media { .. }) && !is_header(path, opened)
}

/// Whether players load a file once and need it for all that follows: an init, by its name or by
/// its contents (a whole recording begins alike, and stays too), or a key.
fn is_header(path: &MediaPath, opened: &Opened) -> bool {
    let mut start = [0; 8];
    let length = read_at(&opened.file, &mut start, 0).unwrap_or(0);
    matches!(path.role(), Role::Media { init: true, .. })
        || path.name().ends_with(".key")
        || (length == start.len() && &start[4..] == b"ftyp")
        // EBML: WebM's header.
        || start.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
}
