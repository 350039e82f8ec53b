//! Answers to requests for what the library does not have, and files that came as a whole.

use super::{
    Answer,
    answer::{Loaded, Look, StoredFile},
    closing::FIRST_DELAY,
    lease::HasWriter,
    loader::{container, ends_well},
    on_disk::{OnDisk, read_into},
    root::{Found, Opened},
    tracker::Tracker,
};
use crate::live::{File, MediaPath, Role, Tag};
use bytes::Bytes;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::oneshot;

/// Files that come as a whole are read at once when they are not larger, in bytes: their clients
/// wait already, or come soon.
const EAGER_BYTES: u64 = 4 * 1024 * 1024;

impl Tracker {
    /// Answers a request.
    pub(super) fn look(&mut self, look: Look) {
        let Look { path, is_held, reply } = look;
        if reply.is_closed() {
            // It left while it waited for its turn.
            return;
        }
        if let Some(file) = self.library.current(&path) {
            return answer(reply, Answer::Live(file));
        }
        // When both names miss, the side name may just have become the other. An event tells one
        // who waits of that.
        let is_told = is_held && self.told.tells_of(&path);
        for is_last in [is_told, true] {
            let plain = self.root.find_plain(path.as_path());
            let is_told = is_told && plain.is_some();
            match plain.unwrap_or_else(|| self.root.find(path.as_path())) {
                Found::File(opened) => return self.look_at(path, opened, reply),
                Found::Folder(_) => return answer(reply, Answer::Folder),
                Found::Denied => return answer(reply, Answer::Denied),
                Found::Absent if is_told => {
                    // Its side names too: those that grow are known.
                    self.library.note_absent(&path);
                    break;
                }
                Found::Absent => {
                    if let Some(file) = self.look_aside(&path) {
                        return answer(reply, Answer::Live(file));
                    }
                }
            }
            if is_last {
                break;
            }
        }
        answer(reply, Answer::Absent);
    }

    fn look_at(&mut self, path: MediaPath, opened: Opened, reply: oneshot::Sender<Answer>) {
        if self.growing.contains_key(path.as_path()) {
            // It has no byte yet.
            return answer(reply, Answer::Absent);
        }
        if path.is_manifest() {
            self.manifest(&path, opened, false);
            return answer(reply, self.current(&path));
        }
        if opened.length == 0 {
            let is_ready = path.role() == Role::Other && !self.is_written(&path, &opened);
            if !is_ready {
                return answer(reply, Answer::Absent);
            }
        } else if self.is_written(&path, &opened) {
            let relative = path.as_path().to_owned();
            self.follow_unseen(&relative, path.clone(), false, opened);
            return answer(reply, self.current(&path));
        }
        if let Some(waiting) = self.loading.get_mut(&path) {
            waiting.push(reply);
        } else {
            self.loading.insert(path.clone(), vec![reply]);
            let in_memory = opened.length <= self.library.largest_bytes();
            self.loader.load(path, opened, in_memory);
        }
    }

    fn current(&self, path: &MediaPath) -> Answer {
        self.library.current(path).map_or(Answer::Absent, Answer::Live)
    }

    /// A file that grows under a side name, found without an event. One that nobody writes is
    /// what a crash has left.
    pub(super) fn look_aside(&mut self, path: &MediaPath) -> Option<Arc<File>> {
        for extension in [".tmp", ".gftmp"] {
            let side = PathBuf::from(format!("{path}{extension}"));
            if self.growing.contains_key(&side) || path.is_manifest() {
                continue;
            }
            if let Found::File(opened) = self.root.find(&side)
                && self.is_written(path, &opened)
            {
                self.follow_unseen(&side, path.clone(), true, opened);
            }
        }
        self.library.current(path)
    }

    /// Follows a file of which no event has told. When nobody knows who writes it, its close
    /// may be past.
    pub(super) fn follow_unseen(
        &mut self,
        relative: &Path,
        shown: MediaPath,
        side_name: bool,
        opened: Opened,
    ) {
        let close_lost = self.writer_of(&opened.file) == HasWriter::Unknown;
        self.follow(relative, shown, side_name, opened);
        self.growing.get_mut(relative).into_iter().for_each(|it| it.close_lost = close_lost);
    }

    /// Whether a file is still being written that no event has told of. Where the system does
    /// not tell, it is taken to be if it is the newest of its pattern and was written just now.
    fn is_written(&self, path: &MediaPath, opened: &Opened) -> bool {
        match self.writer_of(&opened.file) {
            HasWriter::Yes => true,
            HasWriter::No if self.rules.close_events => false,
            HasWriter::No | HasWriter::Unknown => {
                Self::age(opened) < self.rules.stall_timeout
                    && self.is_newest(path)
                    && !self.settled.contains(path, opened.stamp)
            }
        }
    }

    fn is_newest(&self, path: &MediaPath) -> bool {
        let folder = path.as_path().parent().unwrap_or(Path::new(""));
        let entries = self.dirs.real(folder).and_then(|real| real.read_dir().ok());
        let names =
            entries.into_iter().flatten().flatten().map(|entry| folder.join(entry.file_name()));
        let others = names.filter_map(|name| {
            MediaPath::from_disk(&name).or_else(|| crate::live::under_side_name(&name))
        });
        let is_later = |other: MediaPath| {
            path.sequence().zip(other.sequence()).is_some_and(|(own, other)| own.is_before(&other))
        };
        !others.into_iter().any(is_later)
    }

    /// A finished file has been read.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        let Loaded { path, opened, bytes, whole } = loaded;
        let waiting = self.loading.remove(&path).unwrap_or_default();
        let is_same =
            matches!(self.root.find(path.as_path()), Found::File(now) if now.stamp == opened.stamp);
        if !is_same || self.library.current(&path).is_some() {
            // It changed meanwhile.
            let look = |reply| Look { path: path.clone(), is_held: false, reply };
            let looks = waiting.into_iter().map(look);
            return looks.for_each(|look| self.look(look));
        }
        match bytes {
            Ok(Some((bytes, tag))) => {
                let (shown, contents) = (path.clone(), (bytes, Some(tag)));
                let file = self.put(path.as_path(), shown, opened, contents, whole);
                waiting.into_iter().for_each(|reply| answer(reply, Answer::Live(file.clone())));
            }
            Ok(None) => self.hand_out(&path, opened, whole, waiting),
            Err(error) => {
                log::error!("cannot read {path}: {error}");
                waiting.into_iter().for_each(|reply| answer(reply, Answer::Denied));
            }
        }
    }

    /// Gives each request a descriptor of its own, as long as it is this file that stands there.
    fn hand_out(
        &mut self,
        path: &MediaPath,
        opened: Opened,
        whole: bool,
        waiting: Vec<oneshot::Sender<Answer>>,
    ) {
        let (stamp, mut first) = (opened.stamp, Some(opened));
        self.told.judged.note(path.clone(), stamp, whole);
        for reply in waiting {
            let own = first.take().or_else(|| match self.root.find(path.as_path()) {
                Found::File(opened) if opened.stamp == stamp => Some(opened),
                _ => None,
            });
            match own {
                Some(opened) => answer(reply, Answer::Stored(StoredFile::new(opened, whole))),
                None => self.look(Look { path: path.clone(), is_held: false, reply }),
            }
        }
    }

    /// A file that came as a whole: it was renamed, or written and closed before it was looked
    /// at. What was renamed is whole; else its end must say so.
    pub(super) fn whole(
        &mut self,
        relative: &Path,
        shown: MediaPath,
        opened: Opened,
        renamed: bool,
    ) {
        if self.writer_of(&opened.file) == HasWriter::Yes {
            self.follow(relative, shown, false, opened);
            return self.ask_after(relative, FIRST_DELAY, true);
        }
        self.settled.note(shown.clone(), opened.stamp);
        if opened.length == 0 || opened.length > EAGER_BYTES.min(self.library.largest_bytes()) {
            self.library.forget(&shown);
            self.library.nudge(&shown);
            if opened.length > 0 {
                // That it came so is all that is told of it.
                self.library.show_whole(&shown, &[]);
            }
            return;
        }
        let length = usize::try_from(opened.length).unwrap_or(usize::MAX);
        let read = read_into(self.spare.take(length), &opened.file, length);
        match read.and_then(|bytes| Ok((bytes, Opened::again(&opened.file)?.2))) {
            Ok((bytes, stamp)) if stamp == opened.stamp => {
                let whole = renamed || ends_well(container(&shown), &bytes);
                let bytes = Bytes::from(bytes);
                self.put(relative, shown.clone(), opened, (bytes.clone(), None), whole);
                // Those who wait come first.
                self.library.show_whole(&shown, &bytes);
            }
            // Written meanwhile: its events follow.
            Ok(_) => self.library.forget(&shown),
            Err(error) => log::error!("cannot read {shown}: {error}"),
        }
    }

    /// Puts a file that was read as a whole into the library; cut, when its end is missing.
    pub(super) fn put(
        &self,
        relative: &Path,
        shown: MediaPath,
        opened: Opened,
        (bytes, tag): (Bytes, Option<Tag>),
        whole: bool,
    ) -> Arc<File> {
        let Opened { file, modified, stamp, .. } = opened;
        let source =
            Arc::new(OnDisk::new(self.root.clone(), relative.to_owned(), Arc::new(file), stamp));
        if whole {
            return self.library.publish(shown, Some(source), bytes, (modified, stamp), tag);
        }
        log::info!("{shown} ends in the middle: it is cut there");
        self.library.begin(shown, Some(source), bytes).file().clone()
    }
}

/// The request may have gone.
fn answer(reply: oneshot::Sender<Answer>, answer: Answer) {
    let _ = reply.send(answer);
}
