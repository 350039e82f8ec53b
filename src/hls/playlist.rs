//! A media playlist's text (draft-pantos-hls-rfc8216bis, section 4.4).

use super::{
    segment::{Segment, State},
    timeline::{Choice, Timeline},
};
use std::{
    fmt::{self, Write},
    time::Duration,
};

/// What a playlist says beside its own timeline.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The rendition's name in URLs.
    pub(super) name: &'a str,
    /// TARGETDURATION in seconds.
    pub(super) target: u64,
    /// The other renditions.
    pub(super) reports: Vec<Report>,
    /// Older segments are left out (EXT-X-SKIP).
    pub(super) skips: bool,
}

/// Where another rendition's playlist ends (EXT-X-RENDITION-REPORT).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) msn: u64,
    pub(super) part: Option<u64>,
}

impl Report {
    /// `None` as long as nothing is listed.
    pub(super) fn of(name: &str, timeline: &Timeline) -> Option<Self> {
        let last = timeline.last()?;
        let part = (last.parts.len() as u64).checked_sub(1);
        let part = part.filter(|_| matches!(timeline.choice(), Choice::Parts(_)));
        Some(Self { name: name.to_owned(), msn: last.msn, part })
    }
}

/// So much of the end is never left out, in target durations (CAN-SKIP-UNTIL).
const SKIP_BOUNDARY: u64 = 6;

/// Parts are listed up to this distance from the end, in target durations.
const PARTS_LISTED: u64 = 3;

/// The whole text.
pub(super) fn media(timeline: &Timeline, frame: &Frame<'_>) -> String {
    let mut text = String::with_capacity(4096);
    // Writing to a string does not fail.
    let _ = Writer { text: &mut text, timeline, frame }.all();
    text
}

struct Writer<'a> {
    text: &'a mut String,
    timeline: &'a Timeline,
    frame: &'a Frame<'a>,
}

impl Writer<'_> {
    fn all(&mut self) -> fmt::Result {
        self.head()?;
        let total: Duration = self.timeline.listed().map(|segment| segment.duration).sum();
        let skipped = if self.frame.skips { self.skipped(total) } else { 0 };
        if skipped > 0 {
            writeln!(self.text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")?;
        }
        let parts_from = total.saturating_sub(self.targets(PARTS_LISTED));
        let (mut at, mut map) = (Duration::ZERO, None);
        for (index, segment) in self.timeline.listed().enumerate() {
            at += segment.duration;
            let is_new_map = map.replace(&segment.map) != Some(&segment.map);
            if index >= skipped {
                let is_mapped = is_new_map && (index > 0 || skipped == 0);
                self.segment(segment, is_mapped, at > parts_from)?;
            }
        }
        self.tail()
    }

    fn targets(&self, count: u64) -> Duration {
        Duration::from_secs(self.frame.target * count)
    }

    /// How many segments lie before the skip boundary.
    fn skipped(&self, total: Duration) -> usize {
        let boundary = total.saturating_sub(self.targets(SKIP_BOUNDARY));
        let mut at = Duration::ZERO;
        let is_old = |segment: &&Segment| {
            at += segment.duration;
            at < boundary
        };
        self.timeline.listed().take_while(is_old).count()
    }

    fn head(&mut self) -> fmt::Result {
        let (target, timeline) = (self.frame.target, self.timeline);
        writeln!(self.text, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{target}")?;
        let skip = target * SKIP_BOUNDARY;
        write!(self.text, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={skip}.0")?;
        match timeline.choice() {
            Choice::Parts(parts) => {
                let (target, back) = (up(parts.target), up(parts.target * 3));
                writeln!(self.text, ",PART-HOLD-BACK={back}")?;
                writeln!(self.text, "#EXT-X-PART-INF:PART-TARGET={target}")?;
            }
            Choice::Plain | Choice::Pending => self.text.push('\n'),
        }
        let first = timeline.listed().next().map_or(1, |segment| segment.msn);
        writeln!(self.text, "#EXT-X-MEDIA-SEQUENCE:{first}")?;
        if timeline.discontinuities > 0 {
            let count = timeline.discontinuities;
            writeln!(self.text, "#EXT-X-DISCONTINUITY-SEQUENCE:{count}")?;
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment, is_mapped: bool, with_parts: bool) -> fmt::Result {
        if segment.is_discontinuous {
            writeln!(self.text, "#EXT-X-DISCONTINUITY")?;
        }
        if is_mapped {
            writeln!(self.text, "#EXT-X-MAP:URI=\"{}\"", segment.map)?;
        }
        if let Some(wall) = segment.wall {
            let wall = humantime::format_rfc3339_millis(wall);
            writeln!(self.text, "#EXT-X-PROGRAM-DATE-TIME:{wall}")?;
        }
        if with_parts && matches!(self.timeline.choice(), Choice::Parts(_)) {
            self.parts(segment)?;
        }
        if segment.state == State::Gap {
            writeln!(self.text, "#EXT-X-GAP")?;
        }
        match segment.state {
            State::Open => Ok(()),
            State::Whole | State::Gap => {
                writeln!(self.text, "#EXTINF:{},\n{}", seconds(segment.duration), segment.uri)
            }
        }
    }

    fn parts(&mut self, segment: &Segment) -> fmt::Result {
        let (name, msn) = (self.frame.name, segment.msn);
        for (index, part) in segment.parts.iter().enumerate() {
            let (duration, uri) = (seconds(part.duration), part_uri(name, msn, index));
            write!(self.text, "#EXT-X-PART:DURATION={duration},URI=\"{uri}\"")?;
            self.text.push_str(match (part.is_gap, part.is_independent) {
                (true, _) => ",GAP=YES\n",
                (false, true) => ",INDEPENDENT=YES\n",
                (false, false) => "\n",
            });
        }
        Ok(())
    }

    fn tail(&mut self) -> fmt::Result {
        if self.timeline.is_ended {
            return writeln!(self.text, "#EXT-X-ENDLIST");
        }
        if let Some((msn, index)) = self.timeline.hint() {
            let uri = part_uri(self.frame.name, msn, index);
            writeln!(self.text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\"")?;
        }
        for Report { name, msn, part } in &self.frame.reports {
            write!(self.text, "#EXT-X-RENDITION-REPORT:URI=\"{name}.m3u8\",LAST-MSN={msn}")?;
            match part {
                Some(part) => writeln!(self.text, ",LAST-PART={part}")?,
                None => self.text.push('\n'),
            }
        }
        Ok(())
    }
}

fn part_uri(name: &str, msn: u64, index: usize) -> String {
    format!("{name}/{msn}.{index}.m4s")
}

/// Seconds, to the ten-thousandth of a millisecond.
fn seconds(duration: Duration) -> String {
    format!("{:.5}", duration.as_secs_f64())
}

/// The same, never less.
fn up(duration: Duration) -> String {
    let steps = duration.as_nanos().saturating_sub(1000).div_ceil(10_000);
    format!("{}.{:05}", steps / 100_000, steps % 100_000)
}

#[cfg(test)]
#[path = "playlist_tests.rs"]
mod tests;
