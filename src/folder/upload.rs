//! Uploads: bytes go to those who read them at once, from memory, and to the disk by a thread of
//! its own, which gives the file its name when it is whole.
//!
//! ```text
//! Upload::push ──Bytes──▶ live::Library ──▶ readers
//!             └──Write──▶ uploader's thread ──▶ .lldash-upload-… ──rename──▶ NAME
//! ```
//!
//! The folder's thread looks away from a path while an upload shows its bytes there, and knows
//! what the disk shows of it afterwards: our own events start no generation.

use super::{
    inbox::Inbox,
    keeper::Keep,
    root::Root,
    spool::{Halt, Spool, WriteError},
    uploader::{Job, Uploader},
};
use crate::live::{Library, MediaPath, Stamp, Writer};
use bytes::{Bytes, BytesMut};
use std::{
    collections::HashMap,
    fmt, io,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Bytes that were received and that the disk has not taken yet. When it is slower, nothing more
/// is read of what encoders send.
const HANDED_OVER_BYTES: usize = 64 * 1024 * 1024;

/// Counted for each chunk beside its bytes, so that very small ones are bounded too.
const CHUNK_BYTES: usize = 64;

/// All uploads. Those that are under way stand under their paths: as many as requests bring them.
pub struct Uploads {
    running: Mutex<HashMap<MediaPath, Arc<Spool>>>,
    root: Arc<Root>,
    library: Arc<Library>,
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    next_id: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How an upload ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing stood at its path before.
    Created,
    /// It replaced what stood there.
    Replaced,
}

impl Uploads {
    /// Uploads into a folder; where they are off, none ever begins.
    pub(super) fn start(
        root: Arc<Root>,
        library: Arc<Library>,
        inbox: &Arc<Inbox>,
        keep: Option<Keep>,
    ) -> io::Result<Arc<Self>> {
        // Bounded by `HANDED_OVER_BYTES`, and by the requests.
        let (jobs, todo) = mpsc::channel();
        let uploads = Arc::new(Self {
            running: Mutex::default(),
            root: root.clone(),
            library: library.clone(),
            jobs,
            room: Arc::new(Semaphore::new(HANDED_OVER_BYTES)),
            next_id: AtomicU64::new(0),
            thread: Mutex::default(),
        });
        if let Some(keep) = keep {
            let uploader = Uploader::new(root, library, inbox.clone(), uploads.clone(), keep);
            let thread = thread::Builder::new().name("uploader".to_owned());
            *uploads.thread() = Some(thread.spawn(move || uploader.run(&todo))?);
        }
        Ok(uploads)
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<MediaPath, Arc<Spool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An upload to a path, of a file that is to be removed after this time. Nothing changes
    /// before its first byte.
    pub fn upload(self: &Arc<Self>, path: MediaPath, lifetime: Option<Duration>) -> Upload {
        Upload { uploads: self.clone(), path, lifetime, begun: None }
    }

    /// Removes a file, and the folders that it leaves empty; false when there was none. What was
    /// being uploaded to the path is over, and was there. Once it was polled, it goes on without
    /// being awaited.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn remove(&self, path: MediaPath) -> Result<bool, WriteError> {
        let before = self.running().get(&path).cloned();
        let halted = before.filter(|spool| spool.halt(Halt::Removed));
        // Nobody is shown it any more, even before the one who receives it has noticed.
        halted.iter().for_each(|spool| self.over(spool));
        let (reply, answer) = oneshot::channel();
        let _ = self.jobs.send(Job::Remove { path, reply });
        let removed = answer.await.unwrap_or(Err(WriteError::Failed))?;
        Ok(removed || halted.is_some())
    }

    /// Removes what is not whole, and takes nothing more. Blocks.
    pub fn stop(&self) {
        let _ = self.jobs.send(Job::Stop);
        if let Some(Err(_)) = self.thread().take().map(JoinHandle::join) {
            log::error!("the thread that writes uploads has failed");
        }
    }

    /// Whether an upload to a path is under way.
    pub(super) fn is_running(&self, path: &MediaPath) -> bool {
        self.running().contains_key(path)
    }

    /// Whether clients see a path as an upload brings it: what the disk shows is old.
    pub(super) fn is_live(&self, path: &MediaPath) -> bool {
        !path.is_manifest() && self.running().contains_key(path)
    }

    /// Whether what the disk shows is known from its upload.
    pub(super) fn owns(&self, path: &MediaPath, stamp: Stamp) -> bool {
        let running = self.running();
        running.get(path).is_some_and(|spool| !path.is_manifest() || spool.is_shown_as(stamp))
    }

    /// Those that are under way.
    pub(super) fn spools(&self) -> Vec<Arc<Spool>> {
        self.running().values().cloned().collect()
    }

    /// An upload is over, unless another one has taken its place.
    pub(super) fn over(&self, spool: &Arc<Spool>) {
        let mut running = self.running();
        if running.get(&spool.path).is_some_and(|other| Arc::ptr_eq(other, spool)) {
            running.remove(&spool.path);
        }
    }

    /// The first byte has come: the newest upload wins.
    fn begin(self: &Arc<Self>, path: &MediaPath, first: Bytes) -> Begun {
        let (sender, halted) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (root, jobs) = (self.root.clone(), self.jobs.clone());
        let spool = Arc::new(Spool::new(id, path.clone(), root, jobs, sender));
        let mut running = self.running();
        let before = running.insert(path.clone(), spool.clone());
        // Under the lock: two that begin at once are shown in the order in which they stand here.
        let shown = if path.is_manifest() {
            Shown::Whole(BytesMut::from(&first[..]))
        } else {
            let writer = self.library.begin(path.clone(), Some(spool.clone()), first);
            Shown::Growing(Box::new(writer))
        };
        drop(running);
        if let Some(before) = before {
            before.halt(Halt::Superseded);
        }
        Begun { spool, shown, halted }
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uploads({} under way)", self.running().len())
    }
}

/// An upload. Dropping it before [`Upload::finish`] breaks it off: its readers are cut, the half
/// file goes, and what stood at its path stays.
#[derive(Debug)]
pub struct Upload {
    uploads: Arc<Uploads>,
    path: MediaPath,
    lifetime: Option<Duration>,
    /// From the first byte on.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    spool: Arc<Spool>,
    shown: Shown,
    halted: oneshot::Receiver<Halt>,
}

/// How clients see an upload.
#[derive(Debug)]
pub(super) enum Shown {
    /// Byte by byte.
    Growing(Box<Writer>),
    /// A manifest: when all of it is there.
    Whole(BytesMut),
}

impl Upload {
    /// Its path.
    pub fn path(&self) -> &MediaPath {
        &self.path
    }

    /// Whether it has bytes.
    pub fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Shows the next bytes to those who read along, and hands them over to the disk; pending
    /// while that is too far behind. Not cancel safe: dropped, it breaks off.
    pub async fn push(&mut self, bytes: Bytes) {
        match &mut self.begun {
            None => self.begun = Some(self.uploads.begin(&self.path, bytes.clone())),
            Some(Begun { shown: Shown::Growing(writer), .. }) => writer.append(bytes.clone()),
            Some(Begun { shown: Shown::Whole(whole), .. }) => whole.extend_from_slice(&bytes),
        }
        let Some(begun) = &self.begun else { return };
        let Some(room) = self.uploads.room_for(bytes.len() + CHUNK_BYTES).await else { return };
        if begun.spool.hand_over(bytes, room) {
            let _ = self.uploads.jobs.send(Job::Write { spool: begun.spool.clone() });
        }
    }

    /// Resolves when nothing more of it is wanted.
    pub fn poll_halted(&mut self, cx: &mut Context<'_>) -> Poll<Halt> {
        let Some(begun) = &mut self.begun else { return Poll::Pending };
        match Pin::new(&mut begun.halted).poll(cx) {
            Poll::Ready(Ok(halt)) => Poll::Ready(halt),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// All bytes came. Resolves when the file has its name, and those who read along have been
    /// told its end. Once it was polled, it goes on without being awaited.
    ///
    /// # Errors
    /// When the disk refused, or a newer one has taken its place.
    pub async fn finish(mut self) -> Result<Done, Halt> {
        let Some(mut begun) = self.begun.take() else { return Err(Halt::Superseded) };
        if !begun.spool.is_whole_now() {
            let halt = begun.halted.try_recv().unwrap_or(Halt::Superseded);
            self.uploads.discard(begun);
            return Err(halt);
        }
        let Begun { spool, shown, .. } = begun;
        let (reply, answer) = oneshot::channel();
        let lifetime = self.lifetime;
        let _ = self.uploads.jobs.send(Job::Finish { spool, shown, lifetime, reply });
        answer.await.unwrap_or(Err(WriteError::Failed)).map_err(Halt::Refused)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.uploads.discard(begun);
        }
    }
}

impl Uploads {
    async fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes.min(HANDED_OVER_BYTES)).unwrap_or(u32::MAX);
        match self.room.clone().try_acquire_many_owned(bytes) {
            Ok(room) => Some(room),
            Err(_) => {
                // Much of it may wait for more to be written with it.
                let _ = self.jobs.send(Job::WriteAll);
                // It is never closed.
                self.room.clone().acquire_many_owned(bytes).await.ok()
            }
        }
    }

    /// What broke off goes; what stood there before is shown again.
    fn discard(&self, begun: Begun) {
        begun.spool.end();
        self.over(&begun.spool);
        if let Shown::Growing(writer) = &begun.shown {
            self.library.forget_file(writer.file());
        }
        let _ = self.jobs.send(Job::Discard { spool: begun.spool });
    }
}

/// Whether this is a name that only we use.
pub(super) fn is_own_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".lldash-"))
}

/// What names begin with under which uploads grow.
pub(super) const PREFIX: &str = ".lldash-upload-";
