//! Which quality a segment comes from, where the server decides (`switching = "server"`).
//!
//! The manifest offers the best quality alone. A request for one of its segments is answered with
//! the same segment of the quality that the client's lateness calls for, which the request tells by
//! itself: the newest segment that has begun, or one that is still to come, is asked on time. What
//! one client is given depends on no other, and nothing is remembered of any.
//!
//! ```text
//! ffmpeg ──names of files──▶ sight ──seen──▶ Runs ──late──▶ Choice ──paths──▶ http
//! PUT …/quality ──force──▶ Runs                    LL-HLS ──stand_in──▶ a path
//! ```

use super::config::{Stream, Switching};
use crate::live::MediaPath;
use serde::Serialize;
use std::{
    cmp::Reverse,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// One of a stream's qualities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rung {
    /// ffmpeg's number of the representation: where it stands in the configuration.
    pub(super) representation: usize,
    pub(super) bitrate: u64,
    width: u64,
}

/// A stream's qualities by their bitrates, the best first, if the server switches them.
pub(super) fn ladder(stream: &Stream) -> Option<Vec<Rung>> {
    if stream.switching != Switching::Server {
        return None;
    }
    let qualities = stream.qualities.iter().enumerate();
    let rung = |(representation, quality): (usize, &super::config::Quality)| Rung {
        representation,
        bitrate: quality.bitrate,
        width: quality.width,
    };
    let mut rungs: Vec<Rung> = qualities.map(rung).collect();
    rungs.sort_by_key(|rung| Reverse(rung.bitrate));
    Some(rungs)
}

/// A segment of a run, as its name tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    run: u64,
    representation: usize,
    number: u64,
}

impl Segment {
    /// `None` for names of other files, and for other ways to write the same numbers.
    fn parse(name: &str) -> Option<Self> {
        let mut numbers = name.strip_suffix(".m4s")?.splitn(3, '-');
        let run = numbers.next()?.parse().ok()?;
        let representation = numbers.next()?.parse().ok()?;
        let number = numbers.next()?.parse().ok()?;
        let segment = Self { run, representation, number };
        (segment.name() == name).then_some(segment)
    }

    fn name(&self) -> String {
        format!("{}-{}-{:05}.m4s", self.run, self.representation, self.number)
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    run: u64,
    /// The number of the newest segment that has begun; 0 before the first.
    newest: u64,
}

/// The run that goes on, and the one before it, in which players may still be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Runs {
    current: Option<Progress>,
    past: Option<Progress>,
    /// The quality that all are given, as its place on the ladder.
    forced: Option<usize>,
}

impl Runs {
    fn begins(&mut self, run: u64) {
        self.past = self.current.replace(Progress { run, newest: 0 });
    }

    fn seen(&mut self, run: u64, number: u64) {
        if let Some(current) = self.current.as_mut().filter(|current| current.run == run) {
            current.newest = current.newest.max(number);
        }
    }

    /// How many segments have begun since the one that is asked for; `None` when its run is over.
    fn late(&self, run: u64, number: u64) -> Option<u64> {
        let current = self.current?;
        if current.run == run {
            return Some(current.newest.saturating_sub(number));
        }
        let past = self.past.filter(|past| past.run == run)?;
        Some(past.newest.saturating_sub(number).saturating_add(current.newest))
    }
}

/// One lower for each segment that a client is late, down to the lowest.
fn rank(late: u64, qualities: usize) -> usize {
    usize::try_from(late).unwrap_or(usize::MAX).min(qualities.saturating_sub(1))
}

/// A stream whose qualities the server switches.
#[derive(Debug)]
pub(super) struct Switch {
    key: String,
    /// The best first.
    rungs: Vec<Rung>,
    runs: Mutex<Runs>,
    /// What was sent of each, as the rungs stand.
    served: Vec<AtomicU64>,
}

/// How a stream stands: its qualities, and the one that is forced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The bitrate that all are given, until it is lifted.
    pub forced: Option<u64>,
    /// The number of the newest segment that has begun.
    pub newest: Option<u64>,
    /// The best first.
    pub qualities: Vec<Served>,
}

/// A quality, and how often it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Its place: 0 is the best.
    pub rank: usize,
    /// In pixels.
    pub width: u64,
    /// Bits a second.
    pub bitrate: u64,
    /// Segments that were sent of it.
    pub served: u64,
}

impl Switch {
    pub(super) fn of(stream: &Stream) -> Option<Arc<Self>> {
        let rungs = ladder(stream)?;
        let served = rungs.iter().map(|_| AtomicU64::new(0)).collect();
        let (key, runs) = (stream.key.clone(), Mutex::default());
        Some(Arc::new(Self { key, rungs, runs, served }))
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        // Every change is one assignment.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An encoder is started, which writes this run.
    pub(super) fn begins(&self, run: u64) {
        self.runs().begins(run);
    }

    /// Nobody is in any run any more. What is forced stays.
    pub(super) fn clear(&self) {
        let mut runs = self.runs();
        *runs = Runs { forced: runs.forced, ..Runs::default() };
    }

    /// A file has come into the stream's folder, maybe under a side name.
    pub(super) fn seen(&self, name: &str) {
        let segment = Segment::parse(name.strip_suffix(".tmp").unwrap_or(name));
        if let Some(segment) = segment.filter(|segment| self.offers(segment)) {
            self.runs().seen(segment.run, segment.number);
        }
    }

    /// Whether the manifest names a segment.
    fn offers(&self, segment: &Segment) -> bool {
        self.rungs.first().is_some_and(|best| best.representation == segment.representation)
    }

    /// `name`: of a file of the stream's folder.
    pub(super) fn choose(self: &Arc<Self>, name: &str) -> Option<Choice> {
        let segment = Segment::parse(name).filter(|segment| self.offers(segment))?;
        let runs = *self.runs();
        let late = runs.late(segment.run, segment.number)?;
        let rank = runs.forced.unwrap_or_else(|| rank(late, self.rungs.len()));
        Some(Choice { switch: self.clone(), segment, late, is_forced: runs.forced.is_some(), rank })
    }

    /// What an offered segment is read from by those who take all of each: no lateness counts.
    pub(super) fn stand_in(&self, name: &str) -> Option<MediaPath> {
        let segment = Segment::parse(name).filter(|segment| self.offers(segment))?;
        let forced = self.runs().forced?;
        self.path(segment, forced)
    }

    fn path(&self, segment: Segment, rank: usize) -> Option<MediaPath> {
        let representation = self.rungs.get(rank)?.representation;
        let name = Segment { representation, ..segment }.name();
        MediaPath::from_disk(&Path::new(&self.key).join(name))
    }

    /// Has all be given one quality: a place on the ladder, or a bitrate. `None` lifts it.
    ///
    /// # Errors
    /// When there is no such quality.
    pub(super) fn force(&self, wanted: Option<u64>) -> Result<(), NoQuality> {
        let forced = wanted.map(|wanted| self.rank_of(wanted)).transpose()?;
        self.runs().forced = forced;
        match forced {
            Some(rank) => log::info!("{}: all are given {}", self.key, self.rungs[rank].bitrate),
            None => log::info!("{}: each is given what it is in time for", self.key),
        }
        Ok(())
    }

    /// No bitrate is as small as a place.
    fn rank_of(&self, wanted: u64) -> Result<usize, NoQuality> {
        let by_rank = usize::try_from(wanted).ok().filter(|rank| *rank < self.rungs.len());
        let by_rate = || self.rungs.iter().position(|rung| rung.bitrate == wanted);
        let known = || NoQuality(self.rungs.iter().map(|rung| rung.bitrate).collect());
        by_rank.or_else(by_rate).ok_or_else(known)
    }

    pub(super) fn standing(&self) -> Standing {
        let runs = *self.runs();
        let rungs = self.rungs.iter().zip(&self.served).enumerate();
        let qualities = rungs.map(|(rank, (rung, served))| Served {
            rank,
            width: rung.width,
            bitrate: rung.bitrate,
            served: served.load(Relaxed),
        });
        Standing {
            forced: runs.forced.map(|rank| self.rungs[rank].bitrate),
            newest: runs.current.map(|current| current.newest).filter(|newest| *newest > 0),
            qualities: qualities.collect(),
        }
    }
}

/// There is no such quality; the bitrates of those that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoQuality(pub Vec<u64>);

/// What a request for a segment is answered from.
#[derive(Debug)]
pub struct Choice {
    switch: Arc<Switch>,
    segment: Segment,
    late: u64,
    is_forced: bool,
    rank: usize,
}

impl Choice {
    /// Whether the segment is over, so that any quality that has it will do rather than none.
    pub fn is_late(&self) -> bool {
        self.late > 0
    }

    /// The files that may answer, the one that is called for first: then the lower ones, as the
    /// client is late, then the better ones.
    pub fn candidates(&self) -> impl Iterator<Item = (usize, MediaPath)> + '_ {
        let ranks = (self.rank..self.switch.rungs.len()).chain((0..self.rank).rev());
        ranks.filter_map(|rank| Some((rank, self.switch.path(self.segment, rank)?)))
    }

    /// Tells the log of what it came to; answers the quality's bitrate.
    pub fn told(&self, rank: usize) -> u64 {
        let Self { switch, segment, late, is_forced, .. } = self;
        let bitrate = switch.rungs[rank].bitrate;
        let why = if *is_forced { "forced" } else { "late" };
        log::debug!(
            "{}: segment {} of run {} comes at {bitrate} bit/s, {why}, {late} segments behind",
            switch.key,
            segment.number,
            segment.run,
        );
        bitrate
    }

    /// Counts it as sent.
    pub fn served(&self, rank: usize) {
        self.switch.served[rank].fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
#[path = "switching_tests.rs"]
mod tests;
