//! The watch on folders: notify's events become ours.

use super::inbox::{Event, Inbox};
use notify::{
    Config, ErrorKind, EventKindMask, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _,
    WatcherKind,
    event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode},
};
use std::{io, path::Path, sync::Arc, time::Duration};

/// How changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// By the system, where the folder's file system reports every change; else by looking.
    #[default]
    Auto,
    /// By looking again and again.
    Poll,
}

/// Watches single folders, not what lies below them.
pub(super) struct Watcher {
    backend: Box<dyn notify::Watcher + Send>,
    /// Watches the folder above the root, in which only what comes and goes matters.
    above: Option<RecommendedWatcher>,
    inbox: Arc<Inbox>,
    interval: Duration,
    polls: bool,
}

/// Why a folder is not watched.
#[derive(Debug)]
pub(super) enum WatchError {
    /// The system gives no more watches.
    Limit,
    /// It is not there, or may not be read.
    Other(notify::Error),
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
            Watch::Auto => silent_file_system(root)
                .map(|name| format!("{name} does not report what other hosts write")),
        };
        if let Some(reason) = reason {
            return Self::polling(interval, inbox, &reason);
        }
        let events = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_DATA
            | EventKindMask::MODIFY_NAME
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(events).with_follow_symlinks(false);
        match RecommendedWatcher::new(handler(inbox.clone()), config) {
            Ok(backend) => {
                Ok(Self { backend: Box::new(backend), above: None, inbox, interval, polls: false })
            }
            Err(error) => Self::polling(interval, inbox, &error.to_string()),
        }
    }

    fn polling(interval: Duration, inbox: Arc<Inbox>, reason: &str) -> io::Result<Self> {
        log::warn!("the folder is looked at every {interval:?}: {reason}");
        let config = Config::default().with_poll_interval(interval).with_follow_symlinks(false);
        let backend = PollWatcher::new(handler(inbox.clone()), config).map_err(io::Error::other)?;
        Ok(Self { backend: Box::new(backend), above: None, inbox, interval, polls: true })
    }

    /// The same by polling, after the system gave no more watches.
    pub(super) fn into_polling(self) -> io::Result<Self> {
        let reason = "no more inotify watches; sysctl fs.inotify.max_user_watches sets the limit";
        Self::polling(self.interval, self.inbox, reason)
    }

    /// Whether it tells when a file's last writer closes it.
    pub(super) fn has_close_events(&self) -> bool {
        !self.polls && matches!(RecommendedWatcher::kind(), WatcherKind::Inotify)
    }

    /// Watches a folder. One that is watched already is watched anew: it may be another one
    /// under the same name.
    pub(super) fn watch(&mut self, real: &Path) -> Result<(), WatchError> {
        let _ = self.backend.unwatch(real);
        self.backend.watch(real, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
            ErrorKind::MaxFilesWatch => WatchError::Limit,
            _ => WatchError::Other(error),
        })
    }

    /// Watches what comes to a folder above the root and what leaves it, instead of the one
    /// before. Others may write there very much.
    pub(super) fn watch_above(&mut self, real: &Path) {
        let events = EventKindMask::CREATE | EventKindMask::REMOVE | EventKindMask::MODIFY_NAME;
        let config = Config::default().with_event_kinds(events).with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler(self.inbox.clone()), config);
        self.above = watcher.ok().filter(|_| !self.polls).and_then(|mut watcher| {
            watcher.watch(real, RecursiveMode::NonRecursive).ok()?;
            Some(watcher)
        });
    }

    /// Watches it no longer.
    pub(super) fn unwatch(&mut self, real: &Path) {
        let _ = self.backend.unwatch(real);
    }
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
