//! What of an MPD a segmenter needs to know.

use std::time::{Duration, SystemTime};

/// MPD@type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything is there.
    Static,
    /// Segments appear with time.
    Dynamic,
}

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mpd {
    /// Whether segments appear with time.
    pub kind: Kind,
    /// MPD@mediaPresentationDuration.
    pub duration: Option<Duration>,
    /// MPD@availabilityStartTime: the wall clock's time of the presentation's start.
    pub availability_start: Option<SystemTime>,
    /// MPD@timeShiftBufferDepth: for how long segments are kept.
    pub window: Option<Duration>,
    /// MPD@maxSegmentDuration.
    pub max_segment: Option<Duration>,
    /// At least one.
    pub periods: Vec<Period>,
}

impl Mpd {
    /// All representations of all periods, in document order.
    pub fn representations(&self) -> impl Iterator<Item = &Representation> {
        self.periods.iter().flat_map(|period| &period.representations)
    }
}

/// A Period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// When it starts, counted from the presentation's start.
    pub start: Duration,
    /// How long it is, if that is known.
    pub duration: Option<Duration>,
    /// Those of all its adaptation sets, in document order.
    pub representations: Vec<Representation>,
}

/// A Representation, with what it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representation {
    /// `@id`, empty when it has none.
    pub id: String,
    /// `@bandwidth` in bit/s.
    pub bandwidth: u64,
    /// `video`, `audio`, `text`, … from contentType or mimeType; empty when neither says it.
    pub content: String,
    /// Which of the Period's AdaptationSets it is in, counted from 0.
    pub set: usize,
    /// `@codecs`; empty when it has none.
    pub codecs: String,
    /// `@width` and `@height` in pixels.
    pub resolution: Option<(u64, u64)>,
    /// `@frameRate` as it is written, such as `25` or `30000/1001`; empty when it has none.
    pub frame_rate: String,
    /// `@lang` of its AdaptationSet; empty when it has none.
    pub language: String,
    /// Audio channels (`urn:mpeg:dash:23003:3:audio_channel_configuration:2011`).
    pub channels: Option<u64>,
    /// Relative folder of its files, from all BaseURLs: empty, or with a slash at the end.
    pub base: String,
    /// How its segments are named.
    pub addressing: Addressing,
}

/// How segments are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressing {
    /// By a SegmentTemplate.
    Template(Template),
    /// One by one, in a SegmentList: the URLs, and their common duration if given.
    List {
        /// Media URLs in their order.
        media: Vec<String>,
        /// The initialization segment's URL.
        initialization: Option<String>,
        /// `@duration` over `@timescale`.
        duration: Option<Duration>,
    },
}

/// A SegmentTemplate, with what it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Which of the document's SegmentTemplate elements it is, counted from 0: the innermost.
    pub element: usize,
    /// Which of them holds the SegmentTimeline.
    pub timeline_element: Option<usize>,
    /// `@media`.
    pub media: String,
    /// `@initialization`.
    pub initialization: Option<String>,
    /// Ticks per second, never 0.
    pub timescale: u64,
    /// `@startNumber`, 1 when it is not given.
    pub start_number: u64,
    /// `@presentationTimeOffset` in ticks.
    pub presentation_time_offset: u64,
    /// How long the segments are.
    pub timing: Timing,
    /// How soon segments may be asked for, if the manifest says so.
    pub early: Option<Early>,
    /// Where the start tag of the innermost element begins in the document, in bytes.
    pub at: usize,
}

/// What a manifest says of how soon segments may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Early {
    /// `@availabilityTimeOffset`, with that of the BaseURL; as long as can be for `INF`.
    pub offset: Duration,
    /// Whether the innermost element says so itself.
    pub is_own: bool,
    /// `@availabilityTimeComplete`: whether they are whole then.
    pub is_complete: Option<bool>,
}

/// How long segments are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// `@duration` in ticks, never 0: all the same, nominally.
    Fixed(u64),
    /// A SegmentTimeline, written out.
    Timeline(Vec<Entry>),
}

/// One segment of a SegmentTimeline, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it starts.
    pub time: u64,
    /// How long it is.
    pub duration: u64,
}
