//! Tracks for tests.

use super::recording::{Chunk, Naming, Segment, Track};
use crate::mpd::Pattern;
use std::time::Duration;

/// A track of segments of these lengths in tenths of a second, numbered from 1.
pub(crate) fn track(tenths: &[u64]) -> Track {
    let mut at = 0;
    let mut segments = Vec::new();
    for (number, tenths) in (1..).zip(tenths) {
        let start = Duration::from_millis(at * 100);
        let end = start + Duration::from_millis(tenths * 100);
        segments.push(Segment {
            source: format!("s{number}.m4s"),
            number,
            time: at,
            ticks: *tenths,
            start,
            end,
            chunks: vec![Chunk { bytes: 0..10, end }],
            media: None,
            tail: None,
        });
        at += tenths;
    }
    let naming = Naming::Pattern(Pattern::new("s$Number$.m4s"));
    Track { naming, init: None, video: true, segments }
}
