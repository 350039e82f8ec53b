//! Parts from chunks: whole chunks, as many as fit, and no tiny rest at a segment's end.
//!
//! A part is not longer than the part target, and not shorter than 85 % of it, but for the last
//! one of its segment (EXT-X-PART). What is told cannot be taken back, so a tiny rest is avoided
//! beforehand: from how long segments are, parts are cut evenly, shorter within what the rule
//! permits; and a rest that still fits joins the part that is open.

use std::{ops::Range, time::Duration};

/// A chunk on the presentation's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its bytes in the segment.
    pub(super) range: Range<u64>,
    /// Its media time.
    pub(super) start: Duration,
    pub(super) duration: Duration,
    /// Whether a player can begin with it.
    pub(super) is_independent: bool,
}

/// A run of whole chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) range: Range<u64>,
    pub(super) duration: Duration,
    pub(super) is_independent: bool,
    /// It never came.
    pub(super) is_gap: bool,
}

/// How long parts are; chosen once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartTarget {
    /// PART-TARGET.
    pub(super) target: Duration,
    /// The longest chunk of the segment by which it was chosen.
    chunk: Duration,
}

/// Times are rounded to nanoseconds: a sum may be off by a few.
const ROUNDING: Duration = Duration::from_micros(1);

/// A segment that broke off is filled up to so many parts.
const MAX_FILLED: usize = 1000;

impl PartTarget {
    /// From the chunks of a segment, and the longest part that is wished for. `None`: it has no
    /// chunks that would make parts.
    ///
    /// Where a run of whole chunks cannot come within 85 % of the wish, the longest run that does
    /// not exceed it is the target.
    pub(super) fn choose(pieces: &[Piece], wished: Duration) -> Option<Self> {
        let chunk = pieces.iter().map(|piece| piece.duration).max().filter(|_| pieces.len() > 1)?;
        if chunk.is_zero() || chunk >= wished {
            return Some(Self { target: chunk.max(ROUNDING), chunk });
        }
        let run = chunk * run_length(chunk, wished);
        let target = if run + ROUNDING >= least(wished) { wished } else { run };
        Some(Self { target, chunk })
    }

    /// Parts for what a segment that broke off lacks.
    pub(super) fn fill(&self, mut rest: Duration, parts: &mut Vec<Cut>) {
        let at = parts.last().map_or(0, |part| part.range.end);
        while rest > ROUNDING && parts.len() < MAX_FILLED {
            let duration = rest.min(self.target);
            parts.push(Cut { range: at..at, duration, is_independent: false, is_gap: true });
            rest -= duration;
        }
    }

    fn most(&self) -> Duration {
        self.target + ROUNDING
    }

    /// The length of even parts for a segment that is so long.
    fn step(&self, segment: Duration) -> Duration {
        let chunk = self.chunk.max(ROUNDING);
        let longest = chunk * run_length(chunk, self.target).max(1);
        let shortest = chunk * round_up(least(self.target), chunk);
        let parts = round_up(segment, longest).max(1);
        (segment / parts).clamp(shortest.min(longest), longest)
    }
}

/// The shortest part that is not the last (85 %).
fn least(target: Duration) -> Duration {
    target * 17 / 20
}

/// How many chunks fit.
fn run_length(chunk: Duration, into: Duration) -> u32 {
    let count = (into + ROUNDING).as_nanos() / chunk.as_nanos().max(1);
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// How many steps are needed.
fn round_up(length: Duration, step: Duration) -> u32 {
    let count = length.saturating_sub(ROUNDING).as_nanos().div_ceil(step.as_nanos().max(1));
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Cuts one segment.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    target: PartTarget,
    /// How long the segment will be, as far as is known.
    expected: Duration,
    step: Duration,
    /// How many parts are closed.
    closed: u32,
    elapsed: Duration,
    open: Option<Cut>,
}

impl Cutter {
    pub(super) fn new(target: PartTarget, expected: Duration) -> Self {
        let step = target.step(expected);
        Self { target, expected, step, closed: 0, elapsed: Duration::ZERO, open: None }
    }

    /// Takes the next chunk; adds the parts that are complete with it.
    pub(super) fn push(&mut self, piece: &Piece, parts: &mut Vec<Cut>) {
        let is_full = |open: &Cut| open.duration + piece.duration > self.target.most();
        if self.open.as_ref().is_some_and(is_full) {
            self.close(parts);
        }
        self.elapsed += piece.duration;
        match &mut self.open {
            Some(open) => {
                open.range.end = piece.range.end;
                open.duration += piece.duration;
            }
            None => {
                self.open = Some(Cut {
                    range: piece.range.clone(),
                    duration: piece.duration,
                    is_independent: piece.is_independent,
                    is_gap: false,
                });
            }
        }
        if self.is_complete() {
            self.close(parts);
        }
    }

    /// The segment has ended, after so many bytes; adds what is left.
    pub(super) fn finish(&mut self, bytes: u64, parts: &mut Vec<Cut>) {
        if let Some(open) = &mut self.open {
            open.range.end = open.range.end.max(bytes);
        }
        self.close(parts);
    }

    fn close(&mut self, parts: &mut Vec<Cut>) {
        self.closed += u32::from(self.open.is_some());
        parts.extend(self.open.take());
    }

    fn is_complete(&self) -> bool {
        let Some(open) = &self.open else { return false };
        let target = &self.target;
        if open.duration + ROUNDING < least(target.target) {
            return false;
        }
        let rest = self.expected.saturating_sub(self.elapsed);
        if rest > ROUNDING && open.duration + rest <= target.most() {
            // The rest of the segment fits in.
            return false;
        }
        let is_full = open.duration + target.chunk > target.most();
        let boundary = self.step * (self.closed + 1);
        is_full || self.elapsed + target.chunk / 2 >= boundary
    }
}

#[cfg(test)]
#[path = "cutter_tests.rs"]
mod tests;
