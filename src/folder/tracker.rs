//! What is known of the folder, and what each change means. Each rule comes from a packager that
//! writes so; the tests replay their operations.

use super::{
    Config, RENAME_GRACE,
    closing::Closing,
    dirs::Dirs,
    growing::{Growing, Progress, READ_BYTES},
    inbox::{Event, Inbox, Task},
    lease::{self, writer_of},
    loader::Loader,
    root::{Found, Opened, Root},
    rules,
    watcher::Watcher,
};
use crate::live::{Library, MediaPath, Role, Rules, Verdict, under_side_name};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// The folder's thread: everything that it knows.
pub(super) struct Tracker {
    pub(super) root: Arc<Root>,
    pub(super) library: Arc<Library>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) loader: Loader,
    pub(super) watcher: Option<Watcher>,
    pub(super) dirs: Dirs,
    /// Files that are being written, by their relative paths on disk: as many as are open.
    pub(super) growing: HashMap<PathBuf, Growing>,
    /// Manifests that are gone or empty, and when that is final.
    pub(super) gone: HashMap<MediaPath, Instant>,
    /// Requests that wait for a finished file to be read.
    pub(super) loading: HashMap<MediaPath, Vec<oneshot::Sender<super::Answer>>>,
    pub(super) rules: Rules,
    /// Files that are to be asked about again, since their close was told of too early.
    pub(super) closing: Closing,
    /// No deadline passes before this.
    wake_at: Option<Instant>,
    pub(super) buffer: Box<[u8]>,
}

impl Tracker {
    pub(super) fn new(
        config: &Config,
        root: Arc<Root>,
        library: Arc<Library>,
        inbox: Arc<Inbox>,
    ) -> io::Result<Self> {
        let watcher =
            Watcher::new(config.watch, config.poll_interval, &root.real(), inbox.clone())?;
        Ok(Self {
            rules: rules(config, watcher.has_close_events()),
            loader: Loader::start(&inbox)?,
            root,
            library,
            inbox,
            watcher: Some(watcher),
            dirs: Dirs::default(),
            growing: HashMap::new(),
            gone: HashMap::new(),
            loading: HashMap::new(),
            closing: Closing::default(),
            wake_at: None,
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        loop {
            match self.inbox.next(self.wake_at) {
                None => self.pass_deadlines(Instant::now()),
                Some(Task::Event(event)) => self.take(event),
                Some(Task::Rescan) => self.rescan(),
                Some(Task::Look(look)) => self.look(look),
                Some(Task::Loaded(loaded)) => self.loaded(loaded),
                Some(Task::Stop) => return,
            }
        }
    }

    fn take(&mut self, event: Event) {
        log::trace!("{event:?}");
        let (Event::Touched(real)
        | Event::Closed(real)
        | Event::Arrived(real)
        | Event::Moved(real)
        | Event::Removed(real)) = &event;
        if self.is_root_lost(&event, real) {
            return self.rescan();
        }
        for relative in self.dirs.names(real) {
            match &event {
                Event::Touched(_) => self.touched(&relative),
                Event::Closed(_) => self.closed(&relative),
                Event::Arrived(_) => self.arrived(&relative),
                Event::Moved(_) => self.left(&relative, true),
                Event::Removed(_) => self.left(&relative, false),
            }
        }
    }

    /// The root itself went, or something came in the folder in which a lost root lay.
    fn is_root_lost(&self, event: &Event, real: &Path) -> bool {
        let is_gone = matches!(event, Event::Moved(_) | Event::Removed(_));
        let root = self.root.real();
        (is_gone && real == root) || (!self.dirs.contains(&root) && root.starts_with(real))
    }

    /// Something was made or written.
    pub(super) fn touched(&mut self, relative: &Path) {
        if self.growing.contains_key(relative) {
            return self.read_on(relative);
        }
        self.note_link(relative);
        let side = under_side_name(relative);
        let Some(shown) = side.clone().or_else(|| MediaPath::from_disk(relative)) else { return };
        if matches!(shown.role(), Role::Manifest(_)) && self.rules.close_events {
            // It is read when it is closed. It may be a folder of that name.
            return;
        }
        match self.root.find(relative) {
            Found::Folder(_) => self.enter(relative),
            Found::File(opened) if matches!(shown.role(), Role::Manifest(_)) => {
                self.manifest(&shown, opened);
            }
            Found::File(opened) if side.is_some() => self.follow(relative, shown, true, opened),
            Found::File(opened) if self.is_known(&shown, &opened) => {}
            // It was closed before this was told, or came as another name of what is whole.
            Found::File(opened) if self.is_closed(&opened) => {
                self.whole(relative, shown, opened, false);
            }
            // Polling tells of a rename as of a new file.
            Found::File(opened) => match self.side_of(&shown, &opened) {
                Some(side) => self.renamed(&side, relative),
                None => self.follow(relative, shown, false, opened),
            },
            Found::Absent | Found::Denied => {}
        }
    }

    /// Whether nobody writes a file whose close is told of.
    fn is_closed(&self, opened: &Opened) -> bool {
        self.rules.close_events && writer_of(&opened.file) == lease::Writer::None
    }

    /// Whether a file is already shown as it is on disk: the event tells of the past.
    pub(super) fn is_known(&self, shown: &MediaPath, opened: &Opened) -> bool {
        let finished = self.library.current(shown).and_then(|file| file.finished());
        finished.is_some_and(|finished| finished.stamp == opened.stamp)
    }

    /// Follows a file from its start.
    pub(super) fn follow(
        &mut self,
        relative: &Path,
        shown: MediaPath,
        side_name: bool,
        opened: Opened,
    ) {
        let (root, now) = (self.root.clone(), Instant::now());
        let growing = Growing::new(shown, side_name, relative.to_owned(), root, opened, now);
        self.growing.insert(relative.to_owned(), growing);
        self.read_on(relative);
    }

    /// Reads what is new of a file that grows.
    pub(super) fn read_on(&mut self, relative: &Path) {
        let now = Instant::now();
        let Some(growing) = self.growing.get_mut(relative) else { return };
        let had_bytes = growing.live().is_some();
        let progress = growing.read_on(&self.library, &mut self.buffer, now);
        let has_begun = !had_bytes && growing.live().is_some();
        match progress {
            Ok(Progress::Read { .. }) => {}
            Ok(Progress::More) => self.again(relative, Event::Touched),
            Ok(Progress::Replaced) => {
                self.cut(relative, "it was written anew");
                return self.touched(relative);
            }
            Err(error) => return self.cut(relative, &error.to_string()),
        }
        if has_begun {
            self.note_begin(relative, now);
        }
        if !self.rules.close_events {
            self.judge(relative, now);
        }
    }

    /// Puts an event back, behind those that wait.
    pub(super) fn again(&self, relative: &Path, event: impl Fn(PathBuf) -> Event) {
        if let Some((folder, name)) = relative.parent().zip(relative.file_name())
            && let Some(real) = self.dirs.real(folder)
        {
            self.inbox.event(event(real.join(name)));
        }
    }

    fn note_begin(&mut self, relative: &Path, now: Instant) {
        let Some(path) = self.growing.get(relative).map(|growing| growing.shown().clone()) else {
            return;
        };
        let earlier = self.growing.iter_mut().filter(|(other, _)| *other != relative);
        earlier.for_each(|(_, other)| other.note_successor(&path));
        if self.rules.close_events {
            self.judge(relative, now);
        } else {
            self.pass_deadlines(now);
        }
    }

    /// Drops a file that grows: what was not finished is cut.
    pub(super) fn cut(&mut self, relative: &Path, reason: &str) {
        let Some(growing) = self.growing.remove(relative) else { return };
        if let Some(file) = growing.live().cloned() {
            log::info!("{} is cut: {reason}", growing.shown());
            // What stood under a side name is litter from now on; what has the final name is
            // shown as it is, broken off.
            if growing.is_side_name() || !matches!(self.root.find(relative), Found::File(_)) {
                self.library.forget_file(&file);
            }
        }
    }

    /// Something was renamed to this name.
    pub(super) fn arrived(&mut self, relative: &Path) {
        let Some(shown) = MediaPath::from_disk(relative) else { return self.touched(relative) };
        let opened = match self.root.find(relative) {
            Found::File(opened) => opened,
            Found::Folder(_) => return self.enter(relative),
            Found::Absent | Found::Denied => return,
        };
        if matches!(shown.role(), Role::Manifest(_)) {
            return self.manifest(&shown, opened);
        }
        self.catch_up(relative);
        if let Some(side) = self.side_of(&shown, &opened) {
            return self.renamed(&side, relative);
        }
        if self.growing.get(relative).is_some_and(|growing| growing.inode() == opened.inode()) {
            return self.read_on(relative);
        }
        self.cut(relative, "it was replaced");
        self.whole(relative, shown, opened, true);
    }

    /// The side name under which a file grew that now has its final name.
    fn side_of(&self, shown: &MediaPath, opened: &Opened) -> Option<PathBuf> {
        let is_it = |growing: &Growing| {
            growing.is_side_name() && growing.shown() == shown && growing.inode() == opened.inode()
        };
        self.growing.iter().find(|(_, growing)| is_it(growing)).map(|(side, _)| side.clone())
    }

    /// A side name was renamed to the name under which it is shown: it is finished.
    fn renamed(&mut self, side: &Path, relative: &Path) {
        let Some(growing) = self.growing.get_mut(side) else { return };
        match growing.read_on(&self.library, &mut self.buffer, Instant::now()) {
            Ok(Progress::Read { .. }) => {}
            Ok(Progress::More) => return self.again(relative, Event::Arrived),
            Ok(Progress::Replaced) | Err(_) => return self.cut(side, "it cannot be read"),
        }
        if relative != side {
            self.cut(relative, "it was replaced");
        }
        self.finish(side);
    }

    fn finish(&mut self, relative: &Path) {
        let Some(growing) = self.growing.remove(relative) else { return };
        let (shown, is_empty) = (growing.shown().clone(), growing.live().is_none());
        if let Err(error) = growing.finish() {
            log::warn!("{shown} is cut: {error}");
        } else if is_empty {
            self.library.nudge(&shown);
        }
    }

    /// A file left this name: it was removed, or renamed.
    fn left(&mut self, relative: &Path, renamed: bool) {
        self.catch_up(relative);
        if self.growing.contains_key(relative) {
            self.growing_left(relative, renamed);
        } else if let Some(shown) = MediaPath::from_disk(relative) {
            self.leave(relative);
            match shown.role() {
                Role::Manifest(_) => self.manifest_gone(shown),
                // One that grows under a side name stays: it is to take this name.
                _ if self.library.current(&shown).is_some_and(|file| file.is_finished()) => {
                    self.library.forget(&shown);
                }
                _ => self.forget_cut(&shown),
            }
        }
    }

    fn growing_left(&mut self, relative: &Path, renamed: bool) {
        let Some(growing) = self.growing.get_mut(relative) else { return };
        // The new name's event follows; without close events, a removal may be half a rename.
        if growing.is_side_name() && (renamed || !self.rules.close_events) {
            let now = Instant::now();
            growing.closed(now);
            return self.wake_by(now + RENAME_GRACE);
        }
        let inode = growing.inode();
        if matches!(self.root.find(relative), Found::File(opened) if opened.inode() == inode) {
            // The event tells of another file that had this name before.
            return;
        }
        self.cut(relative, "it was removed");
    }

    /// Forgets what broke off under a name that is gone.
    fn forget_cut(&mut self, shown: &MediaPath) {
        let Some(file) = self.library.current(shown) else { return };
        if !self
            .growing
            .values()
            .any(|growing| growing.live().is_some_and(|live| Arc::ptr_eq(live, &file)))
        {
            self.library.forget_file(&file);
        }
    }

    /// Something is to be done by then.
    pub(super) fn wake_by(&mut self, deadline: Instant) {
        self.wake_at = Some(self.wake_at.map_or(deadline, |wake_at| wake_at.min(deadline)));
    }

    fn pass_deadlines(&mut self, now: Instant) {
        self.wake_at = None;
        let growing: Vec<PathBuf> = self.growing.keys().cloned().collect();
        growing.iter().for_each(|relative| self.judge(relative, now));
        self.pass_manifests(now);
        self.pass_closing(now);
    }

    /// Finishes or cuts a file whose time has come.
    pub(super) fn judge(&mut self, relative: &Path, now: Instant) {
        let Some(growing) = self.growing.get(relative) else { return };
        match growing.judge(&self.rules, now) {
            Some(Verdict::Finished) => self.finish(relative),
            Some(Verdict::Cut) => {
                self.cut(relative, "its writer closed it too early or fell silent")
            }
            Some(Verdict::Until(deadline)) => self.wake_by(deadline),
            None => {}
        }
    }

    /// How long ago a file was written; zero for times to come.
    pub(super) fn age(opened: &Opened) -> Duration {
        crate::clock::now().duration_since(opened.modified).unwrap_or_default()
    }
}
