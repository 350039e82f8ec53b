//! The folder on disk: watched, opened, read.
//!
//! One thread owns what is known of the folder. It is told of changes by the watcher, reads the
//! files that grow, and hands their bytes to the [`Library`]; requests for what the library does
//! not have ask it to look. All decisions on what a file is are made there, one after the other,
//! so that no two can disagree.
//!
//! ```text
//! watcher ──Event──▶ inbox ──▶ tracker ──begin, append, finish──▶ live::Library
//! request ──Look───▶       ──▶         ──Answer──▶ request
//! loader  ──Loaded─▶
//! ```
//!
//! What is uploaded goes to the library at once, and to the disk by a thread of its own
//! ([`Uploads`]).

mod answer;
mod bell;
mod beneath;
mod closing;
mod dirs;
mod glance;
mod growing;
mod inbox;
#[cfg(target_os = "linux")]
mod inotify;
mod journal;
mod judge;
mod judged;
mod keeper;
mod lease;
mod list;
mod litter;
mod loader;
mod look;
mod manifest;
#[cfg(target_os = "linux")]
mod mounts;
mod nests;
mod on_disk;
mod place;
mod renames;
mod root;
mod scan;
mod settled;
mod spare;
mod spool;
mod survey;
mod tracker;
mod upload;
mod uploader;
mod watcher;
pub mod writer;

pub use answer::{Answer, StoredFile, Witness};
pub use keeper::Keep;
pub use manifest::MAX_MANIFEST_BYTES;
pub use spool::{Halt, WriteError};
pub use survey::{ManifestFile, Survey};
pub use upload::{Done, Upload, Uploads};
pub use watcher::Watch;

use crate::live::{Library, MediaPath, Rules, Wait};
use answer::Look;
use glance::{Glance, Told};
use inbox::{Inbox, Task};
use root::Root;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;
use tracker::Tracker;

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder. It may be a link.
    pub folder: PathBuf,
    /// Folders outside of it that links inside it may lead to.
    pub allowed_links: Vec<PathBuf>,
    /// How changes are noticed.
    pub watch: Watch,
    /// How often it is looked when nothing reports changes.
    pub poll_interval: Duration,
    /// A writer that keeps its file open and is silent for so long has failed.
    pub stall_timeout: Duration,
    /// Without close events, a file that has not grown for so long is over.
    pub idle_finish: Duration,
    /// Whether files may be uploaded, and what becomes of them.
    pub uploads: Option<Keep>,
}

/// A folder that is watched. Dropping it stops the watch.
#[derive(Debug)]
pub struct Folder {
    inbox: Arc<Inbox>,
    glance: Glance,
    uploads: Arc<Uploads>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Folder {
    /// Watches a folder and fills `library` from it. Returns when every folder below it is
    /// watched: what is written from then on is noticed.
    ///
    /// # Errors
    /// When the folder is not there, is not a folder, or may not be read.
    pub fn start(config: &Config, library: Arc<Library>) -> io::Result<Self> {
        let root = Arc::new(Root::open(&config.folder, &config.allowed_links)?);
        let inbox = Arc::new(Inbox::new()?);
        let uploads = Uploads::start(root.clone(), library.clone(), &inbox, config.uploads)?;
        let glance = Glance { root: root.clone(), told: Arc::new(Told::default()) };
        let (told, inbox_) = (glance.told.clone(), inbox.clone());
        let mut tracker = Tracker::new(config, root, library, told, inbox_, uploads.clone())?;
        tracker.rescan();
        #[cfg(target_os = "linux")]
        if let Err(error) = mounts::follow(Arc::downgrade(&inbox), tracker.root.real()) {
            log::debug!("cannot follow mounts: {error}");
        }
        let thread =
            thread::Builder::new().name("folder".to_owned()).spawn(move || tracker.run())?;
        Ok(Self { inbox, glance, uploads, thread: Mutex::new(Some(thread)) })
    }

    /// What stands at a path, on disk too. `is_held`: the one who asks waits for the path in the
    /// library already, and so misses nothing that comes later. Cancel safe.
    pub async fn look(&self, path: MediaPath, is_held: bool) -> Answer {
        if let Some(stored) = self.glance.stored(&path) {
            return Answer::Stored(stored);
        }
        let (reply, answer) = oneshot::channel();
        self.inbox.push(Task::Look(Look { path, is_held, reply }));
        // No answer comes when the folder is being stopped.
        answer.await.unwrap_or(Answer::Absent)
    }

    /// Whether nothing stands at the path that is waited for, and whatever comes will be told to
    /// the one who waits. False: it is not known, and is to be looked up.
    pub fn is_absent(&self, wait: &Wait) -> bool {
        self.glance.is_absent(wait)
    }

    /// Whether a finished file has stood at this path that is not in memory.
    pub fn may_be_stored(&self, path: &MediaPath) -> bool {
        self.glance.may_be_stored(path)
    }

    /// What is uploaded into it.
    pub fn uploads(&self) -> &Arc<Uploads> {
        &self.uploads
    }

    /// How changes are noticed: `inotify`, `notify` or `poll`.
    pub fn watch_name(&self) -> &'static str {
        self.inbox.watch_name()
    }

    /// Whether it is still being watched: false only after a failure.
    pub fn is_alive(&self) -> bool {
        self.inbox.is_open()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.uploads.stop();
        self.inbox.push(Task::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            log::error!("the folder's thread has failed");
        }
    }
}

fn rules(config: &Config, close_events: bool) -> Rules {
    Rules {
        stall_timeout: config.stall_timeout,
        idle_finish: config.idle_finish,
        rename_grace: RENAME_GRACE,
        close_events,
    }
}

/// A side name is renamed, and a manifest replaced, within this time, or never.
const RENAME_GRACE: Duration = Duration::from_secs(1);
