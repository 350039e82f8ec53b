//! One upload on its way to the disk: where its bytes can be read again, and what becomes of it.

use super::{on_disk::OnDisk, root::Root, uploader::Job};
use crate::live::{MediaPath, Source, Stamp};
use bytes::Bytes;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Why an upload is not taken any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// A newer one came to its path.
    Superseded,
    /// Its path was removed meanwhile.
    Removed,
    /// The disk refused.
    Refused(WriteError),
}

/// Why the disk does not take a file, or does not remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// A folder stands where the file should be.
    Folder,
    /// A file stands where a folder should be.
    FileAbove,
    /// The system does not permit it.
    Denied,
    /// No room is left.
    Full,
    /// The path leads out of the folder.
    Outside,
    /// Anything else, which the log tells.
    Failed,
}

impl From<&io::Error> for WriteError {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::IsADirectory | Kind::DirectoryNotEmpty => Self::Folder,
            Kind::NotADirectory | Kind::AlreadyExists => Self::FileAbove,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied,
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::Full,
            Kind::CrossesDevices => Self::Outside,
            _ => Self::Failed,
        }
    }
}

/// An upload, shared by the one who receives it, the thread that writes it, and those who read it.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) id: u64,
    pub(super) path: MediaPath,
    root: Arc<Root>,
    /// Where the thread that writes is told of what is to be done.
    jobs: mpsc::Sender<Job>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    fate: Fate,
    /// From the moment in which the disk has it.
    on_disk: Option<Arc<OnDisk>>,
    /// Bytes were let go in memory before the disk had any.
    is_pinned: bool,
    backlog: Backlog,
    /// The memory did not keep all: the disk gets each chunk at once.
    is_read_again: bool,
    written_bytes: u64,
    failure: Option<WriteError>,
    /// What the disk shows when it is whole, known before its name is.
    stamp: Option<Stamp>,
}

/// What was handed over to the thread that writes, with the room that it takes.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) chunks: Vec<Bytes>,
    pub(super) length: usize,
    room: Option<OwnedSemaphorePermit>,
    /// The thread knows that there is something.
    is_told: bool,
}

/// So much waits in memory before the disk is told of it, in bytes: to wake up the thread that
/// writes for each chunk costs more than to send it on, and a file that is not whole is of no use
/// on the disk.
const BACKLOG_BYTES: usize = 128 * 1024;

#[derive(Debug)]
enum Fate {
    /// More bytes may come; the one who receives them can be told to stop.
    Running(oneshot::Sender<Halt>),
    /// All bytes came: it will be finished whatever else comes.
    Whole,
    Over,
}

impl Spool {
    pub(super) fn new(
        id: u64,
        path: MediaPath,
        root: Arc<Root>,
        jobs: mpsc::Sender<Job>,
        halt: oneshot::Sender<Halt>,
    ) -> Self {
        let state = State {
            fate: Fate::Running(halt),
            on_disk: None,
            is_pinned: false,
            backlog: Backlog::default(),
            is_read_again: false,
            written_bytes: 0,
            failure: None,
            stamp: None,
        };
        Self { id, path, root, jobs, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it, unless all its bytes are there; true when it was running until now.
    pub(super) fn halt(&self, halt: Halt) -> bool {
        let mut state = self.state();
        if let Halt::Refused(error) = halt {
            state.failure.get_or_insert(error);
        }
        self.changed.notify_all();
        if !matches!(state.fate, Fate::Running(_)) {
            return false;
        }
        if let Fate::Running(sender) = std::mem::replace(&mut state.fate, Fate::Over) {
            // What nobody wants takes no room.
            state.backlog = Backlog::default();
            let _ = sender.send(halt);
        }
        true
    }

    /// All bytes came; false when it is over already.
    pub(super) fn is_whole_now(&self) -> bool {
        let mut state = self.state();
        let is_running = matches!(state.fate, Fate::Running(_));
        if is_running {
            state.fate = Fate::Whole;
        }
        is_running
    }

    /// Nobody wants it any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        (state.fate, state.backlog) = (Fate::Over, Backlog::default());
        drop(state);
        self.changed.notify_all();
    }

    /// Whether its bytes are still to be written.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.state();
        !matches!(state.fate, Fate::Over) && state.failure.is_none()
    }

    pub(super) fn failure(&self) -> Option<WriteError> {
        self.state().failure
    }

    /// It grows under this name from now on.
    pub(super) fn opened(&self, relative: PathBuf, inode: [u64; 2]) {
        let on_disk = Arc::new(OnDisk::closed(self.root.clone(), relative, inode));
        let mut state = self.state();
        if state.is_pinned {
            on_disk.pin();
        }
        state.on_disk = Some(on_disk);
    }

    /// Leaves bytes to the thread that writes; true when it is to be told of them: of the first
    /// ones, which the disk may refuse, and of many.
    pub(super) fn hand_over(&self, bytes: Bytes, room: OwnedSemaphorePermit) -> bool {
        let mut state = self.state();
        if matches!(state.fate, Fate::Over) {
            return false;
        }
        let is_urgent = state.on_disk.is_none() || state.is_read_again;
        let backlog = &mut state.backlog;
        backlog.length += bytes.len();
        backlog.chunks.push(bytes);
        match &mut backlog.room {
            Some(taken) => taken.merge(room),
            none => *none = Some(room),
        }
        let is_due = is_urgent || backlog.length >= BACKLOG_BYTES;
        is_due && !std::mem::replace(&mut backlog.is_told, true)
    }

    /// What was handed over since the last time.
    pub(super) fn take_over(&self) -> Backlog {
        std::mem::take(&mut self.state().backlog)
    }

    pub(super) fn wrote(&self, bytes: usize) {
        self.state().written_bytes += bytes as u64;
        self.changed.notify_all();
    }

    /// It is about to get its name.
    pub(super) fn closes_as(&self, stamp: Stamp) {
        self.state().stamp = Some(stamp);
    }

    /// It has its name.
    pub(super) fn renamed(&self) {
        let mut state = self.state();
        if let Some(on_disk) = &state.on_disk {
            let renamed = on_disk.renamed(self.path.as_path().to_owned());
            state.on_disk = Some(Arc::new(renamed));
        }
        state.fate = Fate::Over;
    }

    /// Whether the disk shows this upload.
    pub(super) fn is_shown_as(&self, stamp: Stamp) -> bool {
        self.state().stamp == Some(stamp)
    }
}

impl Source for Spool {
    /// What has not been written yet is waited for.
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut state = self.state();
        let end = offset + length as u64;
        if state.written_bytes < end && !std::mem::replace(&mut state.is_read_again, true) {
            let _ = self.jobs.send(Job::WriteAll);
        }
        while state.written_bytes < end {
            if matches!(state.fate, Fate::Over) || state.failure.is_some() {
                return Err(io::Error::other("the upload broke off"));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let on_disk = state.on_disk.clone().ok_or(io::ErrorKind::NotFound)?;
        drop(state);
        on_disk.read_at(offset, length)
    }

    fn pin(&self) -> bool {
        let mut state = self.state();
        state.is_pinned = true;
        match &state.on_disk {
            Some(on_disk) => on_disk.pin(),
            None => state.failure.is_none() && !matches!(state.fate, Fate::Over),
        }
    }

    fn release(&self) {
        let mut state = self.state();
        state.is_pinned = false;
        state.on_disk.iter().for_each(|on_disk| on_disk.release());
    }
}
