//! One file that is being written: read on as it grows, and finished or cut.

use super::{
    loader::container,
    on_disk::{OnDisk, read_at},
    root::{Opened, Root},
};
use crate::live::{Growth, Library, MediaPath, Role, Rules, Source, Stamp, Tail, Verdict, Writer};
use bytes::{Bytes, BytesMut};
use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

/// A file that is being written, and how far it has been read.
#[derive(Debug)]
pub(super) struct Growing {
    /// The path under which clients see it.
    shown: MediaPath,
    file: Arc<File>,
    source: Arc<OnDisk>,
    inode: [u64; 2],
    offset: u64,
    /// The last bytes that were read: read again each time, to notice that the file was
    /// truncated and written anew in between.
    overlap: Vec<u8>,
    /// Room for what is read next.
    slab: BytesMut,
    /// The first bytes, which are looked at again before it is said to be finished.
    head: Vec<u8>,
    /// The state of the disk before the last read: what is written after it is another state.
    state: (SystemTime, Stamp),
    tail: Tail,
    /// From the first byte on.
    writer: Option<Writer>,
    growth: Growth,
    /// It was closed, and its last bytes are still to be read.
    pub(super) close_due: bool,
    /// It is being written over: nothing of it is read before it is closed.
    pub(super) waits_for_close: bool,
    /// Its close may have gone unnoticed.
    pub(super) close_lost: bool,
}

/// What reading on found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// All there is has been read; whether there was anything new.
    Read { grew: bool },
    /// There is more: others have their turn first.
    More,
    /// It is not what was read before: truncated, or truncated and written anew.
    Replaced,
}

const OVERLAP_BYTES: usize = 64;
const HEAD_BYTES: usize = 256;
const SLAB_BYTES: std::ops::Range<u64> = 4096..65_536;
/// So much is read at a time.
pub(super) const READ_BYTES: usize = 256 * 1024;
/// So many reads are one turn.
const READS: usize = 32;

impl Growing {
    /// Takes up an open file, of which nothing has been read yet.
    pub(super) fn new(
        shown: MediaPath,
        side_name: bool,
        relative: PathBuf,
        root: Arc<Root>,
        opened: Opened,
        now: Instant,
    ) -> Self {
        let container = container(&shown);
        let inode = opened.inode();
        let file = Arc::new(opened.file);
        // A side name is gone by the time that bytes are wanted again: what is asked for then
        // stands under the name that is shown.
        let named = if side_name { shown.as_path().to_owned() } else { relative };
        let source = Arc::new(OnDisk::new(root, named, file.clone(), opened.stamp));
        let growth = Growth {
            side_name,
            last_growth: now,
            closed: None,
            whole: false,
            succeeded: false,
            init: false,
        };
        Self {
            shown,
            file,
            source,
            inode,
            offset: 0,
            overlap: Vec::new(),
            slab: BytesMut::new(),
            head: Vec::new(),
            state: (opened.modified, opened.stamp),
            tail: Tail::new(container),
            writer: None,
            growth,
            close_due: false,
            waits_for_close: false,
            close_lost: false,
        }
    }

    pub(super) fn shown(&self) -> &MediaPath {
        &self.shown
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Copies what was read to where it stays: few large allocations, not one for each read.
    fn keep(&mut self, new: &[u8]) -> Bytes {
        if self.slab.capacity() < new.len() {
            // As large as the file so far, within bounds: what stays unused is never much.
            let size = self.offset.clamp(SLAB_BYTES.start, SLAB_BYTES.end);
            let size = usize::try_from(size).unwrap_or_default().max(new.len());
            self.slab = BytesMut::with_capacity(size);
        }
        self.slab.extend_from_slice(new);
        self.slab.split().freeze()
    }

    /// How many bytes have been read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.offset
    }

    pub(super) fn inode(&self) -> [u64; 2] {
        self.inode
    }

    pub(super) fn is_side_name(&self) -> bool {
        self.growth.side_name
    }

    /// Whether it has bytes, so that clients see it.
    pub(super) fn live(&self) -> Option<&Arc<crate::live::File>> {
        self.writer.as_ref().map(Writer::file)
    }

    /// Reads what is new, and notes the state of the disk, after which it may be finished.
    ///
    /// # Errors
    /// When the disk fails: what was read so far stands.
    pub(super) fn read_on(
        &mut self,
        library: &Arc<Library>,
        buffer: &mut [u8],
        now: Instant,
    ) -> io::Result<Progress> {
        let (_, modified, stamp) = Opened::again(&self.file)?;
        let progress = self.read_more(library, buffer, now);
        if !self.waits_for_close {
            self.state = (modified, stamp);
        }
        progress
    }

    /// Reads what is new of a file that will be read once more before it ends.
    ///
    /// # Errors
    /// When the disk fails: what was read so far stands.
    pub(super) fn read_more(
        &mut self,
        library: &Arc<Library>,
        buffer: &mut [u8],
        now: Instant,
    ) -> io::Result<Progress> {
        if self.waits_for_close {
            self.growth.last_growth = now;
            return Ok(Progress::Read { grew: false });
        }
        let mut grew = false;
        for _ in 0..READS {
            let known = self.overlap.len();
            let read = read_at(&self.file, buffer, self.offset - known as u64)?;
            if buffer.get(..known.min(read)) != Some(&self.overlap) {
                return Ok(Progress::Replaced);
            }
            if read == known {
                return Ok(Progress::Read { grew });
            }
            grew = true;
            self.take(library, &buffer[known..read], now);
            if read < buffer.len() {
                return Ok(Progress::Read { grew });
            }
        }
        Ok(Progress::More)
    }

    fn take(&mut self, library: &Arc<Library>, new: &[u8], now: Instant) {
        let bytes = self.keep(new);
        match &mut self.writer {
            Some(writer) => writer.append(bytes),
            none => {
                let source: Arc<dyn Source> = self.source.clone();
                *none = Some(library.begin(self.shown.clone(), Some(source), bytes));
            }
        }
        self.tail.push(new);
        let head = new.len().min(HEAD_BYTES.saturating_sub(self.head.len()));
        self.head.extend_from_slice(&new[..head]);
        self.offset += new.len() as u64;
        self.overlap.extend_from_slice(&new[new.len().saturating_sub(OVERLAP_BYTES)..]);
        self.overlap.drain(..self.overlap.len().saturating_sub(OVERLAP_BYTES));
        self.growth.last_growth = now;
        self.growth.closed = None;
        self.growth.whole = self.tail.is_whole();
        self.growth.init = self.tail.ends_with_moov() && is_init(&self.shown);
    }

    /// Whether the file still begins as it did. One that was truncated and written anew may end
    /// alike: streams are padded with the same bytes.
    pub(super) fn begins_as_before(&self) -> bool {
        let mut head = [0; HEAD_BYTES];
        let known = self.head.len();
        let read = read_at(&self.file, &mut head[..known], 0);
        read.is_ok_and(|read| head[..read] == self.head)
    }

    /// Whether its writer has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.growth.closed.is_some()
    }

    /// When it last grew.
    pub(super) fn last_growth(&self) -> Instant {
        self.growth.last_growth
    }

    /// Its writer has closed it, or its side name went away.
    pub(super) fn closed(&mut self, now: Instant) {
        self.growth.closed.get_or_insert(now);
    }

    /// A later segment of its pattern has bytes, when `path` is one.
    pub(super) fn note_successor(&mut self, path: &MediaPath) {
        let later = self.shown.sequence().zip(path.sequence());
        self.growth.succeeded |= later.is_some_and(|(own, other)| own.is_before(&other));
    }

    /// What becomes of it; `None` while it has no bytes, which nobody waits to end.
    pub(super) fn judge(&self, rules: &Rules, now: Instant) -> Option<Verdict> {
        let close_events = rules.close_events && !self.close_lost;
        self.writer.is_some().then(|| Rules { close_events, ..*rules }.judge(&self.growth, now))
    }

    /// Says that it is complete; answers the state of the disk that is shown.
    pub(super) fn finish(self) -> Stamp {
        let (modified, stamp) = self.state;
        if let Some(writer) = self.writer {
            log::debug!("{} is finished with {} bytes", self.shown, self.offset);
            writer.finish(modified, stamp);
        }
        stamp
    }
}

fn is_init(path: &MediaPath) -> bool {
    matches!(path.role(), Role::Media { init: true, .. })
}
