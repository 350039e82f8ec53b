//! Imitating a live segmenter: a recording's segments appear in a folder, each at its time.
//!
//! [`run`] is all that a caller needs. What is read from disk becomes plain data (`input`, `draft`,
//! `media`); what is written when is computed from it (`schedule`, `looping`, `manifest`, `hls`:
//! no disk, no clock); `run` waits and writes.

mod draft;
mod error;
mod files;
mod hls;
mod input;
mod looping;
mod manifest;
mod media;
mod output;
mod recording;
mod run;
mod schedule;
mod shelf;
#[cfg(test)]
mod testing;
mod timing;

pub use crate::folder::writer::WriteMode;
pub use error::{Error, ErrorKind};
pub use output::Found;
pub use run::{check, run};

use std::path::PathBuf;
use std::time::Duration;

/// What is replayed, where to, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the recording.
    pub input: PathBuf,
    /// Folder that is written; made if need be.
    pub output: PathBuf,
    /// Whether the output folder may be emptied.
    pub force: bool,
    /// Time between everything that is no segment and the first segment.
    pub startup_delay: Duration,
    /// Pace of the segments; `None` takes it from the recording.
    pub segment_duration: Option<Duration>,
    /// Names of segments, with `$Number$` or `$Time$`, and `*` for any text; `None` takes them
    /// from the recording.
    pub segment_template: Option<String>,
    /// Number of the first segment that is replayed; `None` is the first that is there.
    pub start_number: Option<u64>,
    /// Whether manifests become live ones; a loop always makes them so.
    pub dynamic: bool,
    /// Whether segments grow chunk by chunk; else each appears at its end.
    pub chunked: bool,
    /// Under which names segments grow.
    pub write: WriteMode,
    /// Whether the recording is repeated until the stop.
    pub looped: bool,
    /// Media seconds per second, above 0. Live manifests are only true at 1.
    pub speed: f64,
    /// Media that is there at once when the replay starts, so that players have what to play.
    pub history: Duration,
    /// How long old segments are kept in a loop: at least three segments.
    pub window: Duration,
    /// URL of the clock that live MPDs name; empty leaves the recording's own.
    pub utc_timing: String,
}

impl Config {
    /// A live replay, once, of whole segments, with everything else read from the recording.
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            force: false,
            startup_delay: Duration::ZERO,
            segment_duration: None,
            segment_template: None,
            start_number: None,
            dynamic: true,
            chunked: false,
            write: WriteMode::Rename,
            looped: false,
            speed: 1.0,
            history: Duration::ZERO,
            window: Duration::from_secs(60),
            utc_timing: "/ldash/time".into(),
        }
    }

    fn is_live(&self) -> bool {
        self.dynamic || self.looped
    }

    fn check(&self) -> Result<(), Error> {
        if !self.speed.is_finite() || self.speed <= 0.0 {
            return Err(Error::bad(format!(
                "cannot replay at speed {}: give one above 0",
                self.speed
            )));
        }
        if self.segment_duration.is_some_and(|each| each.is_zero()) {
            return Err(Error::bad("cannot replay segments of no duration: give one above 0"));
        }
        Ok(())
    }
}

/// What has just happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The recording has been read.
    Read {
        /// Segments of one lap, over all tracks.
        segments: u64,
        /// Length of one lap.
        length: Duration,
    },
    /// A file that is no segment is there.
    Copied {
        /// Its path below the output folder.
        name: String,
    },
    /// All that is no segment is there: the segments follow after this time.
    Waiting {
        /// The startup delay.
        delay: Duration,
    },
    /// A segment is whole.
    Segment {
        /// Its path below the output folder.
        name: String,
        /// Segments that are whole by now.
        written: u64,
        /// How far the replay has come, counted from its start.
        position: Duration,
        /// How late it is.
        late: Duration,
    },
}
