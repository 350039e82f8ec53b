//! What is known of the folder, and what each change means. Each rule comes from a packager that
//! writes so; the tests replay their operations.

use super::{
    Config,
    closing::Closing,
    dirs::Dirs,
    glance::Told,
    growing::{Growing, Progress, READ_BYTES},
    inbox::{Event, Inbox, Task},
    lease::{self, HasWriter},
    loader::Loader,
    root::{Found, Opened, Root},
    rules,
    settled::Settled,
    spare::Spare,
    upload::Uploads,
    watcher::{Watcher, silent_file_system},
};
use crate::live::{Library, MediaPath, Phase, Rules, under_side_name};
use std::{
    collections::HashMap,
    fs::File,
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
    /// Files that are to be asked about again, since their close was told of too early.
    pub(super) closing: Closing,
    /// Files that were seen to be closed.
    pub(super) settled: Settled,
    /// Requests that wait for a finished file to be read.
    pub(super) loading: HashMap<MediaPath, Vec<oneshot::Sender<super::Answer>>>,
    pub(super) rules: Rules,
    /// Of which folders events tell all.
    pub(super) told: Arc<Told>,
    pub(super) uploads: Arc<Uploads>,
    /// Leases tell nothing: other hosts may write.
    is_shared: bool,
    /// No deadline passes before this.
    pub(super) wake_at: Option<Instant>,
    pub(super) buffer: Box<[u8]>,
    pub(super) spare: Spare,
}

/// Whoever still asks when the thread is over gets no answer, and knows it.
struct CloseInbox(Arc<Inbox>);

impl Drop for CloseInbox {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Tracker {
    pub(super) fn new(
        config: &Config,
        root: Arc<Root>,
        library: Arc<Library>,
        told: Arc<Told>,
        inbox: Arc<Inbox>,
        uploads: Arc<Uploads>,
    ) -> io::Result<Self> {
        let real = root.real();
        let watcher = Watcher::new(config.watch, config.poll_interval, &real, inbox.clone())?;
        Ok(Self {
            rules: rules(config, watcher.has_close_events()),
            is_shared: silent_file_system(&real).is_some(),
            loader: Loader::start(&inbox)?,
            root,
            library,
            inbox,
            watcher: Some(watcher),
            dirs: Dirs::default(),
            growing: HashMap::new(),
            gone: HashMap::new(),
            closing: Closing::default(),
            settled: Settled::default(),
            loading: HashMap::new(),
            told,
            uploads,
            wake_at: None,
            buffer: vec![0; READ_BYTES].into(),
            spare: Spare::default(),
        })
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        let _close = CloseInbox(self.inbox.clone());
        loop {
            match self.inbox.next(self.watcher.as_mut(), self.wake_at) {
                None => self.pass_deadlines(Instant::now()),
                Some(Task::Event(event)) => self.take(&event),
                Some(Task::Rescan) => self.rescan(),
                Some(Task::Look(look)) => self.look(look),
                Some(Task::Loaded(loaded)) => self.loaded(loaded),
                Some(Task::Uploaded(path, stamp)) => self.uploaded(path, stamp),
                Some(Task::Stop) => return,
            }
            if self.spare.is_short() && self.inbox.is_empty() {
                self.spare.make();
            }
        }
    }

    fn take(&mut self, event: &Event) {
        log::trace!("{event:?}");
        let real = event.path();
        if self.is_root_lost(event, real) {
            return self.rescan();
        }
        for relative in self.dirs.names(real) {
            match event {
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
        // Between two looks another one may have come to its name.
        let is_another = !self.rules.close_events && !self.root.stands();
        is_another
            || (is_gone && real == root)
            || (root.starts_with(real) && !self.dirs.contains(&root))
    }

    /// Who writes a file; nobody can tell where other hosts may.
    pub(super) fn writer_of(&self, file: &File) -> HasWriter {
        if self.is_shared { HasWriter::Unknown } else { lease::writer_of(file) }
    }

    /// Something was made or written.
    pub(super) fn touched(&mut self, relative: &Path) {
        if self.growing.contains_key(relative) {
            return self.read_on(relative);
        }
        let side = under_side_name(relative);
        let Some(shown) = side.clone().or_else(|| MediaPath::from_disk(relative)) else { return };
        self.library.doubt(&shown);
        match self.find_noting_links(relative) {
            Found::Folder(_) => self.enter(relative),
            Found::File(opened) if shown.is_manifest() => {
                // Where closes are told of, it is read then.
                if !self.rules.close_events {
                    self.manifest(&shown, opened, false);
                }
            }
            Found::File(opened) if side.is_some() => self.follow(relative, shown, true, opened),
            Found::File(opened) => self.take_up(relative, shown, opened),
            Found::Absent | Found::Denied => {}
        }
    }

    /// A file that was made or written under its final name: most often somebody writes it now.
    fn take_up(&mut self, relative: &Path, shown: MediaPath, opened: Opened) {
        if self.is_known(&shown, &opened) || self.uploads.owns(&shown, opened.stamp) {
            // The event tells of the past, or of an upload.
            return;
        }
        if let Some(side) = self.side_of(&shown, opened.inode()) {
            // Looking tells of no rename, but of a new name.
            return self.renamed(&side, relative);
        }
        if self.rules.close_events && self.writer_of(&opened.file) == HasWriter::No {
            // It was closed before this was told, or is another name of what is whole.
            return self.whole(relative, shown, opened, false);
        }
        if opened.length == 0 {
            // What was truncated is not ready, whatever it was before.
            let ended = |file: &Arc<_>| crate::live::File::progress(file).0 != Phase::Growing;
            self.library.current(&shown).filter(ended).iter().for_each(|file| {
                self.library.forget_file(file);
            });
        }
        self.follow(relative, shown, false, opened);
    }

    /// Whether a file is already shown as it is on disk.
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
        // Its state on disk matters when it ends, and only a close tells of that.
        let progress = if self.rules.close_events {
            growing.read_more(&self.library, &mut self.buffer, now)
        } else {
            growing.read_on(&self.library, &mut self.buffer, now)
        };
        let has_begun = !had_bytes && growing.live().is_some();
        match progress {
            Ok(Progress::Read { .. }) => {}
            Ok(Progress::More) => self.again(relative, Event::Touched),
            Ok(Progress::Replaced) => return self.written_anew(relative),
            Err(error) => return self.cut(relative, &error.to_string()),
        }
        if has_begun {
            self.note_begin(relative, now);
        }
        if !self.rules.close_events {
            self.judge(relative, now);
        }
    }

    /// A file that grows was written again from an earlier place. One that did not become shorter
    /// is being written over: what lies behind the writer is old, so it is shown when it is closed.
    pub(super) fn written_anew(&mut self, relative: &Path) {
        let Some(growing) = self.growing.get(relative) else { return };
        let (shown, side_name) = (growing.shown().clone(), growing.is_side_name());
        let read_bytes = growing.read_bytes();
        self.cut(relative, "it was written anew");
        match self.root.find(relative) {
            Found::File(opened)
                if opened.length >= read_bytes && self.writer_of(&opened.file) != HasWriter::No =>
            {
                let (root, now) = (self.root.clone(), Instant::now());
                let mut growing =
                    Growing::new(shown, side_name, relative.to_owned(), root, opened, now);
                growing.waits_for_close = true;
                self.library.forget(growing.shown());
                self.growing.insert(relative.to_owned(), growing);
                self.wake_by(now + self.rules.idle_finish);
            }
            _ => self.touched(relative),
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
        self.forget_closing(relative);
        if let Some(file) = growing.live().cloned() {
            log::info!("{} is cut: {reason}", growing.shown());
            // What stood under a side name is litter from now on; what has the final name is
            // shown as it is, broken off.
            if growing.is_side_name() || !matches!(self.root.find(relative), Found::File(_)) {
                self.library.forget_file(&file);
            }
        }
    }

    /// Says that a file that grows is complete.
    pub(super) fn finish(&mut self, relative: &Path) {
        let Some(growing) = self.growing.remove(relative) else { return };
        self.forget_closing(relative);
        let (shown, is_empty) = (growing.shown().clone(), growing.live().is_none());
        let stamp = growing.finish();
        if is_empty {
            self.library.nudge(&shown);
        }
        self.settled.note(shown, stamp);
    }

    /// How long ago a file was written; zero for times to come.
    pub(super) fn age(opened: &Opened) -> Duration {
        crate::clock::now().duration_since(opened.modified).unwrap_or_default()
    }
}
