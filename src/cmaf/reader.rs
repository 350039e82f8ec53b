//! A segment's chunks, told as their bytes arrive: where they lie, when they play, whether a
//! player can begin with them.
//!
//! ```text
//! bytes, cut anywhere ──▶ Walker ──moof, prft, styp──▶ ChunkReader ──Chunk at the end of its mdat──▶
//! ```
//!
//! Held are the small boxes of one chunk, up to [`MAX_BOX_BYTES`] each, and nothing of the media.

use super::{
    boxes::{Boxes, Kind},
    independent::is_independent,
    prft,
    times::{Fragment, Init},
    walk::{Step, Walker},
};
use std::sync::Arc;

/// A `moof` that is longer tells of no chunk, in bytes: it would be one of many hours.
const MAX_BOX_BYTES: usize = 1 << 20;

/// A `moof` with its `mdat`, and what leads up to them (`styp`, `prft`, `emsg`, `sidx`, …).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it begins in the segment, in bytes: where the one before it ends.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Decode time of the main track's first sample, in ticks of that track.
    pub start: u64,
    /// Duration of the main track's samples, in ticks.
    pub duration: u64,
    /// Whether the main track's first sample needs no other.
    pub is_independent: bool,
    /// The producer's clock.
    pub reference: Option<Reference>,
}

impl Chunk {
    /// Where the next one begins, in bytes.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// What a `prft` says (clause 8.16.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The NTP time stamp: seconds, then fractions of 2⁻³² s.
    pub ntp: u64,
    /// The media time that it belongs to, in ticks of its track.
    pub media_time: u64,
}

/// Reads one segment. Never panics, whatever the bytes.
#[derive(Debug)]
pub struct ChunkReader {
    init: Arc<Init>,
    walker: Walker,
    /// What is kept of the box that is open.
    kept: Vec<u8>,
    found: Found,
    /// Where the chunk begins that comes next.
    offset: u64,
    is_last: bool,
    is_broken: bool,
}

/// What has been found of the chunk that comes next.
#[derive(Debug, Default)]
struct Found {
    /// Of the main track: start, duration, independence.
    times: Option<(u64, u64, bool)>,
    reference: Option<Reference>,
}

impl ChunkReader {
    /// For a segment that goes with this init.
    pub fn new(init: Arc<Init>) -> Self {
        Self {
            init,
            walker: Walker::default(),
            kept: Vec::new(),
            found: Found::default(),
            offset: 0,
            is_last: false,
            is_broken: false,
        }
    }

    /// Takes the next bytes; adds the chunks that they complete.
    pub fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) {
        let Self { init, walker, kept, found, offset, is_last, is_broken } = self;
        walker.push(bytes, |step| match step {
            Step::Bytes(kind, part) => {
                if is_kept(kind) && kept.len() + part.len() <= MAX_BOX_BYTES {
                    kept.extend_from_slice(part);
                }
            }
            Step::Closed(kind, end) => {
                match &kind {
                    b"styp" => *is_last |= has_brand(kept, *b"lmsg"),
                    b"prft" => found.reference = reference(kept, init),
                    b"moof" => found.times = times(kept, init),
                    b"mdat" => match (found.times.take(), found.reference.take()) {
                        (Some((start, duration, is_independent)), reference) => {
                            let length = end - *offset;
                            chunks.push(Chunk {
                                offset: std::mem::replace(offset, end),
                                length,
                                start,
                                duration,
                                is_independent,
                                reference,
                            });
                        }
                        (None, _) => *is_broken = true,
                    },
                    _ => {}
                }
                kept.clear();
            }
        });
        self.is_broken |= self.walker.is_over();
    }

    /// Whether some of it could not be understood: it tells nothing more that could be relied on.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether it calls itself the last one of its track (brand `lmsg`, ISO/IEC 23009-1, 6.3.4.2).
    pub fn is_last(&self) -> bool {
        self.is_last
    }
}

fn is_kept(kind: Kind) -> bool {
    matches!(&kind, b"styp" | b"prft" | b"moof")
}

/// Among the compatible brands of a `styp` (clause 8.16.2), or its major one.
fn has_brand(styp: &[u8], brand: Kind) -> bool {
    let body = styp.get(8..).unwrap_or_default();
    // The minor version stands where a brand would.
    body.chunks_exact(4).enumerate().any(|(at, found)| at != 1 && found == brand)
}

/// Of the main track: its times are those that chunks are told in.
fn reference(prft: &[u8], init: &Init) -> Option<Reference> {
    let found = Boxes::new(prft).next()?.ok()?;
    let (track, ntp, time) = prft::reference(found.body).ok()?;
    let main = init.main_track()?;
    let from = init.track(track)?.timescale;
    let scaled = u128::from(time) * u128::from(main.timescale) / u128::from(from.max(1));
    Some(Reference { ntp, media_time: u64::try_from(scaled).ok()? })
}

fn times(moof: &[u8], init: &Init) -> Option<(u64, u64, bool)> {
    let fragment = Fragment::parse(moof, init).ok()?;
    let main = init.main_track()?;
    let run = fragment.run(main.id)?;
    let is_independent = main.handler != *b"vide" || is_independent(moof, main);
    Some((run.start, run.duration, is_independent))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
