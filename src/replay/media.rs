//! Looking into media files: where their chunks lie, and which times they hold.

use super::recording::{Media, TrackMedia};
use crate::cmaf::{self, Fragment, Init, Splitter};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// A `moof` larger than this is not looked into.
const MAX_MOOF: u64 = 16 << 20;

/// What a look into a segment has found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The file's length in bytes.
    pub(super) len: u64,
    /// Chunks with the end of their last frame in ticks; empty when the file is no CMAF.
    pub(super) chunks: Vec<(Range<u64>, u64)>,
    /// Times as a whole, if they are known.
    pub(super) media: Option<Media>,
}

/// Reads an initialization segment; `None` when it is none.
pub(super) fn init(path: &Path) -> io::Result<Option<Init>> {
    let parsed = Init::parse(&std::fs::read(path)?).ok();
    Ok(parsed.filter(|init| !init.tracks.is_empty()))
}

/// Looks at a segment's boxes, skipping the media data. What is no CMAF has no chunks.
pub(super) fn scan(path: &Path, init: Option<&Init>) -> io::Result<Scan> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let opaque = Scan { len, chunks: Vec::new(), media: None };
    let Some(init) = init else { return Ok(opaque) };
    let mut walk = Walk { init, splitter: Splitter::default(), fragments: Vec::new() };
    let mut at = 0;
    while at < len {
        file.seek(SeekFrom::Start(at))?;
        match walk.take_box(&mut file, len - at)? {
            Some(size) => at += size,
            None => return Ok(opaque),
        }
    }
    Ok(walk.finish(len).unwrap_or(opaque))
}

struct Walk<'a> {
    init: &'a Init,
    splitter: Splitter,
    fragments: Vec<Fragment>,
}

impl Walk<'_> {
    /// Reads the box at the file's position; its size, or `None` when it is no sound one.
    fn take_box(&mut self, file: &mut File, rest: u64) -> io::Result<Option<u64>> {
        let mut head = Vec::with_capacity(16);
        file.by_ref().take(16).read_to_end(&mut head)?;
        let Ok(Some(header)) = cmaf::header(&head) else { return Ok(None) };
        let size = header.size.unwrap_or(rest);
        if size > rest {
            return Ok(None);
        }
        if header.kind == *b"moof" {
            if size > MAX_MOOF {
                return Ok(None);
            }
            file.by_ref().take(size.saturating_sub(head.len() as u64)).read_to_end(&mut head)?;
            head.truncate(usize::try_from(size).unwrap_or(usize::MAX));
            let Ok(fragment) = Fragment::parse(&head, self.init) else { return Ok(None) };
            self.fragments.push(fragment);
        }
        self.splitter.push(header.kind, size);
        Ok(Some(size))
    }

    /// What the fragments say of each track.
    fn tracks(&self) -> Vec<TrackMedia> {
        let of = |id: u32| {
            let mut runs = self.fragments.iter().filter_map(|found| found.run(id));
            let first = runs.next()?;
            let constant = runs.all(|run| run.sample_duration == first.sample_duration);
            let sample = first.sample_duration.filter(|_| constant);
            Some(TrackMedia { id, start: first.start, sample })
        };
        self.init.tracks.iter().filter_map(|track| of(track.id)).collect()
    }

    /// `None` when the fragments have no times, or are not one to a chunk.
    fn finish(self, len: u64) -> Option<Scan> {
        let main = self.init.main_track()?.id;
        let tracks = self.tracks();
        let chunks = self.splitter.finish();
        let runs: Vec<_> = self.fragments.iter().filter_map(|found| found.run(main)).collect();
        let (first, last) = (*runs.first()?, *runs.last()?);
        // In multiplexed media a chunk may lack the main track: it comes with the one before.
        let mut end = first.start;
        let mut timed = Vec::with_capacity(chunks.len());
        for (range, fragment) in chunks.into_iter().zip(&self.fragments) {
            end = fragment.run(main).map_or(end, cmaf::Run::end);
            timed.push((range, end));
        }
        (timed.last()?.0.end == len).then_some(())?;
        let sequence = (self.fragments.first()?.sequence, self.fragments.last()?.sequence);
        let media = Media { start: first.start, end: last.end(), sequence, tracks };
        Some(Scan { len, chunks: timed, media: Some(media) })
    }
}
