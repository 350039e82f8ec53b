//! A rendition's segments and parts, in the order of their media sequence numbers.
//!
//! The first number comes from the packager's names; from there on each segment has the next one,
//! whatever the packager does: missing segments are gaps, and where it started anew, or its times
//! jump, there is a discontinuity.

use super::{
    cutter::{Cutter, PartTarget, Piece},
    segment::{Segment, State},
};
use crate::live::File;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// No playlist lists more segments.
const MAX_LISTED: usize = 2000;

/// What is known of a segment before its first byte.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    /// Its place among the packager's names: neighbours differ by 1.
    pub(super) number: u64,
    pub(super) uri: String,
    pub(super) map: Arc<str>,
    pub(super) file: Option<Arc<File>>,
    /// Changes when the packager was started anew, or its init changed.
    pub(super) era: u64,
}

/// How parts are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// No segment has been seen from its start to its end.
    Pending,
    /// Segments come as a whole.
    Plain,
    Parts(PartTarget),
}

/// The segments of one rendition.
#[derive(Debug)]
pub(super) struct Timeline {
    /// How long segments are by the MPD.
    nominal: Duration,
    /// The longest part that is wished for.
    wished: Duration,
    /// How much is listed.
    window: Duration,
    /// The listed ones, and before them those whose parts may still be asked for.
    pub(super) segments: VecDeque<Segment>,
    first_listed: usize,
    /// EXT-X-DISCONTINUITY-SEQUENCE.
    pub(super) discontinuities: u64,
    choice: Choice,
    cutter: Option<Cutter>,
    pending: Option<Opening>,
    era: u64,
    /// All that was there at the start has been read.
    is_live: bool,
    pub(super) is_ended: bool,
    version: u64,
}

impl Timeline {
    pub(super) fn new(nominal: Duration, wished: Duration, window: Duration) -> Self {
        Self {
            nominal,
            wished,
            window,
            segments: VecDeque::new(),
            first_listed: 0,
            discontinuities: 0,
            choice: Choice::Pending,
            cutter: None,
            pending: None,
            era: 0,
            is_live: false,
            is_ended: false,
            version: 0,
        }
    }

    /// Changes with everything that a playlist shows.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn choice(&self) -> Choice {
        self.choice
    }

    /// Whether a playlist can be made of it: half of what is there would be an old one.
    pub(super) fn is_ready(&self) -> bool {
        (self.is_live && self.choice != Choice::Pending) || self.is_ended
    }

    /// What was there at the start has been read.
    pub(super) fn go_live(&mut self) {
        self.version += u64::from(!self.is_live);
        self.is_live = true;
    }

    /// The segments of the playlist.
    pub(super) fn listed(&self) -> impl DoubleEndedIterator<Item = &Segment> + Clone {
        self.segments.range(self.first_listed..).filter(|segment| segment.is_visible())
    }

    /// What TARGETDURATION must be at least, in seconds: every EXTINF, rounded, is not longer.
    pub(super) fn target_seconds(&self) -> u64 {
        let nominal = self.nominal.saturating_sub(Duration::from_millis(1)).as_secs() + 1;
        let longest = self.segments.iter().map(|segment| segment.duration).max();
        let longest = longest.unwrap_or_default() + Duration::from_millis(500);
        nominal.max(longest.as_secs())
    }

    /// The last segment of which anything is listed.
    pub(super) fn last(&self) -> Option<&Segment> {
        self.listed().next_back()
    }

    /// Bits per second of the densest segment, as far as parts tell; 0 when nothing does.
    pub(super) fn rate(&self) -> u64 {
        let rate = |segment: &Segment| {
            let bits = segment.parts.last()?.range.end.checked_mul(8_000_000)?;
            bits.checked_div(u64::try_from(segment.duration.as_micros()).ok()?)
        };
        self.listed().filter_map(rate).max().unwrap_or(0)
    }

    /// A segment that should have come did not.
    pub(super) fn miss(&mut self, opening: Opening) {
        let Some(last) = self.segments.back() else { return };
        let wall = last.wall.map(|wall| wall + last.duration);
        let mut gap = self.segment(opening, last.end(), wall, false);
        gap.state = State::Gap;
        gap.duration = self.nominal;
        self.add(gap);
        self.version += 1;
    }

    /// The next segment begins; it is listed with its first part.
    pub(super) fn begin(&mut self, opening: Opening) {
        self.pending = Some(opening);
    }

    /// The next chunk of the segment that has begun. `zero`: the wall clock's time of media time 0.
    pub(super) fn push(&mut self, piece: Piece, zero: Option<SystemTime>) {
        if let Some(opening) = self.pending.take() {
            self.open(opening, &piece, zero);
        }
        let Some(segment) = self.segments.back_mut() else { return };
        segment.duration += piece.duration;
        match &mut self.cutter {
            Some(cutter) => {
                let before = segment.parts.len();
                cutter.push(&piece, &mut segment.parts);
                self.version += u64::from(segment.parts.len() > before);
            }
            None if self.choice == Choice::Pending => segment.keep(piece),
            None => {}
        }
    }

    fn open(&mut self, opening: Opening, piece: &Piece, zero: Option<SystemTime>) {
        let mut wall = zero.and_then(|zero| zero.checked_add(piece.start));
        let mut is_discontinuous = false;
        if let Some(last) = self.segments.back() {
            let is_new = opening.era != self.era;
            let slack = if last.state == State::Gap { self.nominal } else { self.nominal / 2 };
            let jumps = last.end().abs_diff(piece.start) > slack;
            is_discontinuous = is_new || jumps || opening.number != last.number.saturating_add(1);
            if !is_new {
                // Whatever the times do, the clock goes on.
                let since = piece.start.checked_sub(last.start).filter(|_| !jumps);
                wall = last.wall.map(|wall| wall + since.unwrap_or(last.duration));
            }
        }
        self.era = opening.era;
        let wall = wall.filter(|wall| is_plausible(*wall));
        let mut segment = self.segment(opening, piece.start, wall, is_discontinuous);
        segment.is_independent = piece.is_independent;
        self.cutter = match self.choice {
            Choice::Parts(target) => Some(Cutter::new(target, self.expected())),
            Choice::Pending | Choice::Plain => None,
        };
        self.add(segment);
    }

    fn segment(
        &self,
        opening: Opening,
        start: Duration,
        wall: Option<SystemTime>,
        is_discontinuous: bool,
    ) -> Segment {
        let Opening { number, uri, map, file, .. } = opening;
        Segment {
            // A player that begins with 0 stalls.
            msn: self.segments.back().map_or(number.max(1), |last| last.msn + 1),
            number,
            uri,
            map,
            start,
            duration: Duration::ZERO,
            parts: Vec::new(),
            state: State::Open,
            is_discontinuous,
            is_independent: false,
            wall,
            file,
            pieces: Vec::new(),
        }
    }

    fn add(&mut self, segment: Segment) {
        self.segments.push_back(segment);
        self.trim();
    }

    /// How long the next segment will be: audio's vary by a frame, and the longest counts.
    fn expected(&self) -> Duration {
        let whole = self.segments.iter().filter(|segment| segment.state == State::Whole);
        // The first one may be short: what was encoded before sound began is cut off.
        whole.map(|segment| segment.duration).fold(self.nominal, Duration::max)
    }

    /// The segment that has begun is over, after so many bytes. `is_whole`: none is missing.
    pub(super) fn finish(&mut self, bytes: u64, is_whole: bool) {
        self.version += 1;
        if let Some(opening) = self.pending.take() {
            return self.finish_unread(opening, is_whole);
        }
        if self.segments.back().is_none_or(|last| last.state != State::Open) {
            return;
        }
        if self.choice == Choice::Pending && is_whole {
            self.choose(bytes);
        }
        let Some(last) = self.segments.back_mut() else { return };
        last.state = if is_whole { State::Whole } else { State::Gap };
        if let Some(mut cutter) = self.cutter.take() {
            cutter.finish(bytes, &mut last.parts);
        }
        if !is_whole {
            let rest = self.nominal.saturating_sub(last.duration);
            if let Choice::Parts(target) = self.choice {
                target.fill(rest, &mut last.parts);
            }
            last.duration += rest;
        }
        last.pieces = Vec::new();
        self.trim();
    }

    /// One of which no chunk could be read: it is listed as long as it should be.
    fn finish_unread(&mut self, opening: Opening, is_whole: bool) {
        let start = self.segments.back().map_or(Duration::ZERO, Segment::end);
        let wall = self.segments.back().and_then(|last| Some(last.wall? + last.duration));
        let follows = self.segments.back().is_none_or(|last| last.number + 1 == opening.number);
        let is_new = !self.segments.is_empty() && (opening.era != self.era || !follows);
        self.era = opening.era;
        let mut segment = self.segment(opening, start, wall, is_new);
        segment.duration = self.nominal;
        segment.state = if is_whole { State::Whole } else { State::Gap };
        self.add(segment);
        if self.choice == Choice::Pending && is_whole {
            self.choice = Choice::Plain;
        }
    }

    /// Decides by the first whole segment, and cuts it.
    fn choose(&mut self, bytes: u64) {
        let Some(last) = self.segments.back_mut() else { return };
        let Some(target) = PartTarget::choose(&last.pieces, self.wished) else {
            self.choice = Choice::Plain;
            return;
        };
        self.choice = Choice::Parts(target);
        let mut cutter = Cutter::new(target, last.duration);
        last.pieces.iter().for_each(|piece| cutter.push(piece, &mut last.parts));
        cutter.finish(bytes, &mut last.parts);
    }

    /// No more segments come.
    pub(super) fn end(&mut self) {
        self.version += u64::from(!self.is_ended);
        self.is_ended = true;
    }

    /// Takes from the list what is older than the window, and lets go of what nobody may ask for.
    fn trim(&mut self) {
        let target = Duration::from_secs(self.target_seconds());
        let window = self.window.max(target * 4);
        let (mut age, mut first) = (Duration::ZERO, self.first_listed);
        let count = self.segments.len();
        for (at, segment) in self.segments.iter_mut().enumerate().rev() {
            // Its parts are listed for three target durations and stay for three more.
            if age > target * 7 {
                segment.file = None;
                segment.parts = Vec::new();
            }
            if age > window || count - at > MAX_LISTED {
                first = first.max(at + 1);
            }
            age += segment.duration;
        }
        let gone = self.segments.range(self.first_listed..first);
        self.discontinuities += gone.filter(|segment| segment.is_discontinuous).count() as u64;
        self.first_listed = first;
        while self.first_listed > 0
            && self.segments.front().is_some_and(|segment| segment.file.is_none())
        {
            self.segments.pop_front();
            self.first_listed -= 1;
        }
    }
}

/// Whether a clock can have shown this time: 1970 to 2400 or so.
fn is_plausible(wall: SystemTime) -> bool {
    const SPAN: Duration = Duration::from_secs(430 * 365 * 86_400);
    wall.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since < SPAN)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
pub(super) mod tests;
