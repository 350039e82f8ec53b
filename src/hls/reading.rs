//! A segment's bytes become pieces of the timeline; what boxes say is not believed blindly.

use super::{
    cutter::Piece,
    plan::{Rendition, ticks_to_time},
    presentation::Era,
    track::Track,
};
use crate::{
    cmaf::{self, Chunk, ChunkReader, Init},
    live::{File, Step},
};
use bytes::Bytes;
use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::task::spawn_blocking;

/// Longer ones are no inits, in bytes.
const MAX_INIT_BYTES: usize = 4 << 20;

/// No media time is later, and no chunk longer: boxes may say anything.
const MAX_TIME: Duration = Duration::from_secs(1 << 40);
const MAX_CHUNK: Duration = Duration::from_secs(600);

/// A segment on its way.
pub(super) struct Reading {
    pub(super) reader: ChunkReader,
    /// Of the init's main track.
    timescale: u64,
    pub(super) bytes: u64,
    /// The first chunk's start and the last one's end, in ticks.
    span: Option<(u64, u64)>,
    chunks: Vec<Chunk>,
}

impl Reading {
    pub(super) fn new(init: &Arc<Init>) -> Self {
        Self {
            reader: ChunkReader::new(init.clone()),
            timescale: init.main_track().map_or(1, |track| u64::from(track.timescale)),
            bytes: 0,
            span: None,
            chunks: Vec::new(),
        }
    }

    /// Takes the next bytes, and tells the timeline of the chunks that they complete.
    pub(super) fn take(&mut self, bytes: &[u8], era: &Era, rendition: &Rendition, track: &Track) {
        self.bytes += bytes.len() as u64;
        self.reader.push(bytes, &mut self.chunks);
        if self.chunks.is_empty() {
            return;
        }
        let chunks = std::mem::take(&mut self.chunks);
        track.change(|timeline| {
            for chunk in &chunks {
                let zero = era.zero(rendition, self.reference(chunk));
                timeline.push(self.piece(chunk), zero);
            }
        });
        let end = chunks.last().map_or(0, |chunk| chunk.start.saturating_add(chunk.duration));
        let start = self.span.map_or(chunks[0].start, |(start, _)| start);
        self.span = Some((start, end));
    }

    /// The chunk on the timeline. One that cannot be true is taken to be as long as nothing.
    fn piece(&self, chunk: &Chunk) -> Piece {
        let first = signed(chunk.start).max(0).unsigned_abs();
        let last = first.saturating_add(chunk.duration);
        let (start, end) =
            (ticks_to_time(first, self.timescale), ticks_to_time(last, self.timescale));
        let duration = end.saturating_sub(start);
        Piece {
            range: chunk.offset..chunk.end(),
            start: start.min(MAX_TIME),
            duration: if duration > MAX_CHUNK { Duration::ZERO } else { duration },
            is_independent: chunk.is_independent,
        }
    }

    /// The wall clock's time of media time 0, by the producer.
    fn reference(&self, chunk: &Chunk) -> Option<SystemTime> {
        let reference = chunk.reference?;
        let wall = SystemTime::UNIX_EPOCH + cmaf::since_epoch(reference.ntp)?;
        let time = signed(reference.media_time);
        let length = ticks_to_time(time.unsigned_abs(), self.timescale);
        if time < 0 { wall.checked_add(length) } else { wall.checked_sub(length) }
    }

    /// Where the segment of this name ended, as the next one's name tells it.
    pub(super) fn end(&self, rendition: &Rendition, value: u64) -> Option<u64> {
        let (start, end) = self.span?;
        let scale = |ticks: u64| {
            let scaled = u128::from(ticks) * u128::from(rendition.timescale)
                / u128::from(self.timescale.max(1));
            u64::try_from(scaled).ok()
        };
        value.checked_add(scale(end)?.saturating_sub(scale(start)?))
    }
}

/// ffmpeg's sound begins before its time 0, which the boxes have no sign to say.
fn signed(ticks: u64) -> i64 {
    ticks.cast_signed()
}

/// All bytes of a file, up to [`MAX_INIT_BYTES`].
pub(super) async fn read_whole(file: &Arc<File>) -> Bytes {
    let (mut all, mut follower) = (Vec::new(), file.follow(0..MAX_INIT_BYTES as u64));
    loop {
        match poll_fn(|cx| follower.poll_next(cx)).await {
            Step::Bytes(bytes) => all.extend_from_slice(&bytes),
            Step::Stored(stored) => match spawn_blocking(move || stored.read()).await {
                Ok(Ok(bytes)) => all.extend_from_slice(&bytes),
                _ => return all.into(),
            },
            Step::End | Step::Cut => return all.into(),
        }
    }
}
