//! When which piece of which segment is written. Pure: times are counted from the presentation's
//! start, so nothing adds up and nothing drifts.

use super::recording::{Ticks, Track};
use std::time::Duration;

/// How a recording is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loop {
    /// Length of one lap by the clock.
    pub(crate) length: Ticks,
    /// Length of one lap as the media count it: the same, unless segments are paced anew.
    pub(crate) media: Ticks,
    /// How many segments of each track belong to a lap.
    pub(crate) counts: Vec<usize>,
}

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// When, counted from the presentation's start.
    pub(crate) due: Duration,
    pub(crate) track: usize,
    /// How often the recording has been played in full.
    pub(crate) lap: u64,
    /// Place of the segment within its track.
    pub(crate) segment: usize,
    /// First chunk that is written, and the one after the last.
    pub(crate) chunks: (usize, usize),
    /// Whether the segment starts with it.
    pub(crate) first: bool,
    /// Whether the segment is whole with it.
    pub(crate) last: bool,
}

/// All writes in their order; without end when it loops.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    tracks: &'a [Track],
    looped: Option<&'a Loop>,
    chunked: bool,
    /// The next step of each track.
    lanes: Vec<Option<Step>>,
}

impl<'a> Schedule<'a> {
    /// Whole segments at their end, or `chunked`, each chunk at its own.
    pub(crate) fn new(tracks: &'a [Track], looped: Option<&'a Loop>, chunked: bool) -> Self {
        let mut schedule = Self { tracks, looped, chunked, lanes: Vec::new() };
        schedule.lanes = (0..tracks.len()).map(|track| schedule.step(track, 0, 0, 0)).collect();
        schedule
    }

    /// When the next write is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.lanes.iter().flatten().map(|step| step.due).min()
    }

    fn count(&self, track: usize) -> usize {
        match self.looped {
            Some(looped) => looped.counts[track],
            None => self.tracks[track].segments.len(),
        }
    }

    fn step(&self, track: usize, lap: u64, segment: usize, chunk: usize) -> Option<Step> {
        if segment >= self.count(track) {
            return None;
        }
        let chunks = &self.tracks[track].segments[segment].chunks;
        let end = if self.chunked { chunk + 1 } else { chunks.len() };
        // A file is written from its start on, whatever its boxes say of their times.
        let latest = chunks[..end].iter().map(|chunk| chunk.end).max().unwrap_or_default();
        let offset = self.looped.map_or(Duration::ZERO, |looped| looped.length.times(lap));
        Some(Step {
            due: latest + offset,
            track,
            lap,
            segment,
            chunks: (chunk, end),
            first: chunk == 0,
            last: end == chunks.len(),
        })
    }

    fn after(&self, step: &Step) -> Option<Step> {
        if !step.last {
            return self.step(step.track, step.lap, step.segment, step.chunks.1);
        }
        let next = self.step(step.track, step.lap, step.segment + 1, 0);
        next.or_else(|| self.looped.and_then(|_| self.step(step.track, step.lap + 1, 0, 0)))
    }
}

impl Iterator for Schedule<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let step = *self.lanes.iter().flatten().min_by_key(|step| (step.due, step.track))?;
        self.lanes[step.track] = self.after(&step);
        Some(step)
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
