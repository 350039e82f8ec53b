//! The watch on folders. On Linux the folder's thread reads inotify itself; notify's events
//! become ours where it is polled, and on other systems.

use super::inbox::{Event, Inbox, Notice};
#[cfg(target_os = "linux")]
use super::inotify::Inotify;
use notify::{
    Config, ErrorKind, EventKindMask, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _,
    WatcherKind,
    event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode},
};
use std::{error::Error, io, path::Path, sync::Arc, time::Duration};

/// How changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// By the system, where the folder's file system reports every change; else by looking.
    #[default]
    Auto,
    /// The same through notify, which has a thread of its own: what other systems have anyway.
    Notify,
    /// By looking again and again.
    Poll,
}

/// Watches single folders, not what lies below them.
pub(super) struct Watcher {
    backend: Backend,
    inbox: Arc<Inbox>,
    interval: Duration,
}

enum Backend {
    #[cfg(target_os = "linux")]
    Inotify(Inotify),
    Notify {
        watcher: RecommendedWatcher,
        /// Watches the folder above the root, in which only what comes and goes matters.
        above: Option<RecommendedWatcher>,
    },
    Poll(PollWatcher),
}

/// Why a folder is not watched.
#[derive(Debug)]
pub(super) enum WatchError {
    /// The system gives no more watches.
    Limit,
    /// It is not there, or may not be read.
    Other(Box<dyn Error>),
}

impl Watcher {
    /// Chooses the way for the file system that `root` lies on, and says so if it is polling.
    pub(super) fn new(
        watch: Watch,
        interval: Duration,
        root: &Path,
        inbox: Arc<Inbox>,
    ) -> io::Result<Self> {
        let reason = match watch {
            Watch::Poll => Some("as asked".to_owned()),
            Watch::Auto | Watch::Notify => silent_file_system(root)
                .map(|name| format!("{name} does not report what other hosts write")),
        };
        if let Some(reason) = reason {
            return Self::polling(interval, inbox, &reason);
        }
        match Self::by_system(watch, &inbox) {
            Ok(backend) => Ok(Self::over(backend, inbox, interval)),
            Err(error) => Self::polling(interval, inbox, &error.to_string()),
        }
    }

    fn by_system(watch: Watch, inbox: &Arc<Inbox>) -> Result<Backend, Box<dyn Error>> {
        #[cfg(target_os = "linux")]
        if watch == Watch::Auto {
            return Ok(Backend::Inotify(Inotify::new()?));
        }
        let _ = watch;
        let events = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_DATA
            | EventKindMask::MODIFY_NAME
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(events).with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler(inbox.clone()), config)?;
        Ok(Backend::Notify { watcher, above: None })
    }

    fn polling(interval: Duration, inbox: Arc<Inbox>, reason: &str) -> io::Result<Self> {
        log::warn!("the folder is looked at every {interval:?}: {reason}");
        let config = Config::default().with_poll_interval(interval).with_follow_symlinks(false);
        let watcher = PollWatcher::new(handler(inbox.clone()), config).map_err(io::Error::other)?;
        Ok(Self::over(Backend::Poll(watcher), inbox, interval))
    }

    fn over(backend: Backend, inbox: Arc<Inbox>, interval: Duration) -> Self {
        inbox.filled_by(match backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(_) => "inotify",
            Backend::Notify { .. } => "notify",
            Backend::Poll(_) => "poll",
        });
        Self { backend, inbox, interval }
    }

    /// The same by polling, after the system gave no more watches.
    pub(super) fn into_polling(self) -> io::Result<Self> {
        let reason = "no more inotify watches; sysctl fs.inotify.max_user_watches sets the limit";
        Self::polling(self.interval, self.inbox, reason)
    }

    /// Whether it tells when a file's last writer closes it.
    pub(super) fn has_close_events(&self) -> bool {
        match self.backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(_) => true,
            Backend::Notify { .. } => matches!(RecommendedWatcher::kind(), WatcherKind::Inotify),
            Backend::Poll(_) => false,
        }
    }

    /// What the folder's thread sleeps on, if it is to read the watch itself.
    #[cfg(target_os = "linux")]
    pub(super) fn handle(&self) -> Option<rustix::fd::BorrowedFd<'_>> {
        match &self.backend {
            Backend::Inotify(inotify) => Some(inotify.handle()),
            Backend::Notify { .. } | Backend::Poll(_) => None,
        }
    }

    /// What it has told; nothing where another thread takes that to the inbox.
    pub(super) fn read(&mut self) -> impl Iterator<Item = Notice> {
        let told = match &mut self.backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(inotify) => Some(inotify.read()),
            Backend::Notify { .. } | Backend::Poll(_) => None::<std::vec::Drain<'_, Notice>>,
        };
        told.into_iter().flatten()
    }

    /// Watches a folder. One that is watched already is watched anew: it may be another one
    /// under the same name.
    pub(super) fn watch(&mut self, real: &Path) -> Result<(), WatchError> {
        let backend: &mut dyn notify::Watcher = match &mut self.backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(inotify) => {
                return inotify.watch(real).map_err(|error| match error.kind() {
                    // ENOSPC, inotify_add_watch(2).
                    io::ErrorKind::StorageFull => WatchError::Limit,
                    _ => WatchError::Other(error.into()),
                });
            }
            Backend::Notify { watcher, .. } => watcher,
            Backend::Poll(watcher) => watcher,
        };
        let _ = backend.unwatch(real);
        backend.watch(real, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
            ErrorKind::MaxFilesWatch => WatchError::Limit,
            _ => WatchError::Other(error.into()),
        })
    }

    /// Watches what comes to a folder above the root and what leaves it, instead of the one
    /// before. Others may write there very much.
    pub(super) fn watch_above(&mut self, real: &Path) {
        match &mut self.backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(inotify) => inotify.watch_above(real),
            Backend::Notify { above, .. } => *above = watcher_above(real, &self.inbox),
            Backend::Poll(_) => {}
        }
    }

    /// Watches it no longer.
    pub(super) fn unwatch(&mut self, real: &Path) {
        let _ = match &mut self.backend {
            #[cfg(target_os = "linux")]
            Backend::Inotify(inotify) => {
                inotify.unwatch(real);
                Ok(())
            }
            Backend::Notify { watcher, .. } => watcher.unwatch(real),
            Backend::Poll(watcher) => watcher.unwatch(real),
        };
    }
}

fn watcher_above(real: &Path, inbox: &Arc<Inbox>) -> Option<RecommendedWatcher> {
    let events = EventKindMask::CREATE | EventKindMask::REMOVE | EventKindMask::MODIFY_NAME;
    let config = Config::default().with_event_kinds(events).with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(handler(inbox.clone()), config).ok()?;
    watcher.watch(real, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

fn handler(inbox: Arc<Inbox>) -> impl FnMut(notify::Result<notify::Event>) + Send + 'static {
    move |result| match result {
        Ok(event) if event.need_rescan() => inbox.rescan(),
        Ok(event) => take(&inbox, event),
        // One that came and went between two looks.
        Err(error) if is_gone(&error.kind) => {}
        Err(error) => {
            log::warn!("cannot watch: {error}");
            inbox.rescan();
        }
    }
}

fn is_gone(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn take(inbox: &Inbox, event: notify::Event) {
    let meaning = match event.kind {
        EventKind::Create(_)
        | EventKind::Modify(ModifyKind::Any | ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            Event::Touched
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Event::Closed,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Event::Arrived,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Event::Moved,
        EventKind::Remove(_) => Event::Removed,
        // Comes beside `From` and `To` where there are such; the only one elsewhere.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => {
            return;
        }
        EventKind::Modify(ModifyKind::Name(_)) => {
            event.paths.into_iter().for_each(|path| renamed(inbox, path));
            return;
        }
        EventKind::Any | EventKind::Other | EventKind::Modify(_) | EventKind::Access(_) => return,
    };
    event.paths.into_iter().map(meaning).for_each(|event| inbox.event(event));
}

/// A rename that does not say which of its ends this is: the disk knows.
fn renamed(inbox: &Inbox, path: std::path::PathBuf) {
    let is_there = path.symlink_metadata().is_ok();
    inbox.event(if is_there { Event::Arrived(path) } else { Event::Moved(path) });
}

/// The name of a file system on which other hosts write unseen, if `path` lies on one.
#[cfg(target_os = "linux")]
pub(super) fn silent_file_system(path: &Path) -> Option<&'static str> {
    // statfs(2)'s f_type; virtiofs calls itself FUSE.
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    match u32::try_from(kind & 0xffff_ffff).ok()? {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn silent_file_system(_path: &Path) -> Option<&'static str> {
    None
}
