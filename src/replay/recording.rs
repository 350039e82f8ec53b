//! A recording as the replay sees it: tracks of timed segments. Pure data.

use crate::cmaf::Init;
use crate::mpd::{Pattern, Values, from_nanos};
use std::ops::Range;
use std::time::Duration;

/// Nanoseconds in a second.
pub(crate) const NANOS: u128 = 1_000_000_000;

/// An exact time: ticks of a timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks {
    pub(crate) count: u64,
    /// Ticks per second, never 0.
    pub(crate) timescale: u64,
}

impl Ticks {
    pub(crate) fn new(count: u64, timescale: u64) -> Self {
        Self { count, timescale: timescale.max(1) }
    }

    /// Nanoseconds count ticks too.
    pub(crate) fn from_duration(time: Duration) -> Self {
        Self::new(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), 1_000_000_000)
    }

    /// As many times as long, rounded down to the nanosecond.
    pub(crate) fn times(self, factor: u64) -> Duration {
        let ticks = u128::from(self.count) * u128::from(factor);
        from_nanos(ticks * NANOS / u128::from(self.timescale))
    }

    /// As many times as long, in ticks of another timescale, rounded to the nearest.
    pub(crate) fn times_in(self, factor: u64, timescale: u64) -> u64 {
        let wide = u128::from(self.count) * u128::from(factor) * u128::from(timescale);
        let from = u128::from(self.timescale);
        u64::try_from((wide + from / 2) / from).unwrap_or(u64::MAX)
    }

    pub(crate) fn duration(self) -> Duration {
        self.times(1)
    }
}

/// One rendition: its segments, and how those of later laps are called.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) naming: Naming,
    /// What its initialization segment says; `None` when its container is not known.
    pub(crate) init: Option<Init>,
    /// Whether it paces the loop.
    pub(crate) video: bool,
    /// In order of time, at least one.
    pub(crate) segments: Vec<Segment>,
}

impl Track {
    /// Ticks per second of the track that paces the segments, if the container is known.
    pub(crate) fn timescale(&self) -> Option<u32> {
        self.init.as_ref()?.main_track().map(|track| track.timescale)
    }

    /// What the boxes of the first segment say of one of its tracks.
    pub(crate) fn media_of(&self, id: u32) -> Option<TrackMedia> {
        let media = self.segments.first()?.media.as_ref()?;
        media.tracks.iter().find(|track| track.id == id).copied()
    }

    /// When the last segment ends.
    pub(crate) fn end(&self) -> Duration {
        self.segments.last().map(|last| last.end).unwrap_or_default()
    }
}

/// One media segment of the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Its path in the recording, with forward slashes.
    pub(crate) source: String,
    /// Its number, as names and manifests count.
    pub(crate) number: u64,
    /// Its start as the manifest counts it, in the manifest's ticks.
    pub(crate) time: u64,
    /// Its length in the manifest's ticks.
    pub(crate) ticks: u64,
    /// When it starts, counted from the start of the presentation.
    pub(crate) start: Duration,
    /// When it ends.
    pub(crate) end: Duration,
    /// Its chunks in their order, at least one; together they are the file.
    pub(crate) chunks: Vec<Chunk>,
    /// What its boxes say, if they do.
    pub(crate) media: Option<Media>,
    /// In a loop: what follows its own bytes, from the start of another file: that file, and how
    /// many bytes of it.
    pub(crate) tail: Option<(String, u64)>,
}

/// What a segment's boxes say of the track that paces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    /// Decode time of the first sample, in ticks.
    pub(crate) start: u64,
    /// Decode time after the last sample.
    pub(crate) end: u64,
    /// First and last sequence number.
    pub(crate) sequence: (u32, u32),
    /// All tracks of the segment, that one too.
    pub(crate) tracks: Vec<TrackMedia>,
}

/// What a segment's boxes say of one of its tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrackMedia {
    /// The track's identifier.
    pub(crate) id: u32,
    /// Decode time of its first sample, in ticks of its own.
    pub(crate) start: u64,
    /// The samples' common length in ticks, if they have one.
    pub(crate) sample: Option<u32>,
}

/// A piece of a segment that becomes available at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it lies in the file.
    pub(crate) bytes: Range<u64>,
    /// When its last frame ends, counted from the start of the presentation.
    pub(crate) end: Duration,
}

/// How segments are called in later laps of a loop.
#[derive(Debug, Clone)]
pub(crate) enum Naming {
    /// By number or time.
    Pattern(Pattern),
    /// A number that runs on is put between the name and what it ends in.
    Serial {
        /// All of the first segment's path before the last point.
        stem: String,
        /// The rest, with the point.
        extension: String,
    },
}

impl Naming {
    /// The path of a segment with that number and time.
    pub(crate) fn name(&self, number: u64, time: u64) -> String {
        match self {
            Self::Pattern(pattern) => pattern.expand(&Values { number, time, ..Values::default() }),
            Self::Serial { stem, extension } => format!("{stem}-{number}{extension}"),
        }
    }

    /// Finds out how names that carry no template count: a number that grows by one from name to
    /// name, or else none. Also the number of the first.
    pub(crate) fn of_names(names: &[&str]) -> (Self, Option<u64>) {
        let first = names.first().copied().unwrap_or_default();
        let (folder, file) = first.split_at(first.rfind('/').map_or(0, |slash| slash + 1));
        for (at, digits) in digit_runs(file).into_iter().rev() {
            let (before, after) = (&file[..at], &file[at + digits.len()..]);
            let width = if digits.starts_with('0') { digits.len() } else { 1 };
            // In a pattern a dollar sign has to be doubled.
            let literal = |text: &str| text.replace('$', "$$");
            let (before, after) = (literal(&format!("{folder}{before}")), literal(after));
            let pattern = Pattern::new(&format!("{before}$Number%0{width}d${after}"));
            let number = |name: &str| pattern.matches(name).and_then(|found| found.number);
            let Some(start) = number(first) else { continue };
            if names.iter().zip(start..).all(|(name, wanted)| number(name) == Some(wanted)) {
                return (Self::Pattern(pattern), Some(start));
            }
        }
        let dot = first.rfind('.').filter(|dot| *dot > folder.len()).unwrap_or(first.len());
        let (stem, extension) = first.split_at(dot);
        (Self::Serial { stem: stem.to_string(), extension: extension.to_string() }, None)
    }
}

/// The runs of digits in a name, and where they start.
fn digit_runs(name: &str) -> Vec<(usize, &str)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(skip) = name[at..].find(|c: char| c.is_ascii_digit()) {
        let rest = &name[at + skip..];
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        runs.push((at + skip, &rest[..len]));
        at += skip + len;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_how_names_count() {
        let (naming, start) = Naming::of_names(&["v/1080p-009.ts", "v/1080p-010.ts"]);
        assert_eq!((naming.name(1234, 0).as_str(), start), ("v/1080p-1234.ts", Some(9)));
        let (naming, start) = Naming::of_names(&["v$2.mp4s", "v$3.mp4s"]);
        assert_eq!((naming.name(4, 0).as_str(), start), ("v$4.mp4s", Some(2)));
        let (naming, start) = Naming::of_names(&["x/intro.ts", "x/main.ts"]);
        assert_eq!((naming.name(7, 0).as_str(), start), ("x/intro-7.ts", None));
    }

    proptest! {
        #[test]
        fn ticks_never_drift(count in 1..1_u64 << 30, timescale in 1..1_000_000_u64, laps in 0..1_000_000_u64) {
            let ticks = Ticks::new(count, timescale);
            prop_assert_eq!(ticks.times_in(laps, timescale), count * laps);
            let exact = u128::from(count) * u128::from(laps) * NANOS;
            let error = exact - ticks.times(laps).as_nanos() * u128::from(timescale);
            prop_assert!(error < u128::from(timescale));
        }
    }
}
