//! What is counted for Prometheus, by stream.

use super::{
    seen::Ending,
    table::{Row, Watched},
};
use crate::metrics::{Distribution, Kind, Text};
use std::{collections::BTreeMap, sync::Arc};

/// So many streams have series of their own; all others share one, whose name no folder has.
const MAX_STREAMS: usize = 50;

/// The stream that all others share.
const OTHERS: &str = "others";

/// Upper bounds: seconds between requests, and those of jitter and of a segment's age.
const INTERVALS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0];
const JITTERS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
const AGES: &[f64] = &[0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 30.0, 60.0];
/// Bytes of a segment.
const BYTES: &[f64] = &[1e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8];
/// Seconds of buffer.
const BUFFERS: &[f64] = &[0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0];
/// Bytes a second.
const RATES: &[f64] = &[3e4, 6e4, 1.25e5, 2.5e5, 5e5, 1e6, 2e6, 4e6, 8e6, 1.6e7, 6.4e7, 1.28e8];

/// All that is counted, since the start.
#[derive(Debug, Default)]
pub(super) struct Figures {
    streams: BTreeMap<Arc<str>, OfStream>,
    /// Pairs of CMCD that made no sense.
    pub(super) malformed: u64,
}

#[derive(Debug)]
struct OfStream {
    intervals: Distribution,
    jitters: Distribution,
    bytes: Distribution,
    ages: Distribution,
    buffers: Distribution,
    rates: Distribution,
    late: u64,
    broken: u64,
    starved: u64,
}

impl OfStream {
    fn new() -> Self {
        Self {
            intervals: Distribution::new(INTERVALS),
            jitters: Distribution::new(JITTERS),
            bytes: Distribution::new(BYTES),
            ages: Distribution::new(AGES),
            buffers: Distribution::new(BUFFERS),
            rates: Distribution::new(RATES),
            late: 0,
            broken: 0,
            starved: 0,
        }
    }
}

/// A histogram by stream: its name, what it tells, and where it is kept.
type Histogram = (&'static str, &'static str, fn(&OfStream) -> &Distribution);

const HISTOGRAMS: [Histogram; 6] = [
    (
        "lldash_viewer_request_interval_seconds",
        "Between a client's requests for segments of one representation.",
        |it| &it.intervals,
    ),
    (
        "lldash_viewer_request_jitter_seconds",
        "The jitter of that (RFC 3550, section 6.4.1), at each request.",
        |it| &it.jitters,
    ),
    ("lldash_viewer_segment_bytes", "What was sent of a segment.", |it| &it.bytes),
    (
        "lldash_viewer_segment_age_seconds",
        "For how long a segment had been complete when it was asked for.",
        |it| &it.ages,
    ),
    ("lldash_viewer_buffer_seconds", "The buffer that a player tells of (CMCD bl).", |it| {
        &it.buffers
    }),
    (
        "lldash_viewer_throughput_bytes_per_second",
        "The throughput that a player measured (CMCD mtp).",
        |it| &it.rates,
    ),
];

type Counter = (&'static str, &'static str, fn(&OfStream) -> u64);

const COUNTERS: [Counter; 3] = [
    (
        "lldash_viewer_late_requests_total",
        "Requests for segments that had been complete for longer than they last.",
        |it| it.late,
    ),
    (
        "lldash_viewer_broken_replies_total",
        "Segments that were cut, or whose client left before it had all.",
        |it| it.broken,
    ),
    (
        "lldash_viewer_starved_total",
        "Requests before which a player ran out of media, as it says (CMCD bs).",
        |it| it.starved,
    ),
];

impl Figures {
    /// Adds a request.
    pub(super) fn add(&mut self, row: &Row) {
        let of = self.of(&row.segment.stream);
        let observe = |into: &mut Distribution, value: Option<f64>| {
            value.into_iter().for_each(|value| into.observe(value));
        };
        observe(&mut of.intervals, row.interval.map(|it| it.as_secs_f64()));
        // It is told at each request that has an interval.
        observe(&mut of.jitters, row.jitter_seconds.filter(|_| row.interval.is_some()));
        observe(&mut of.bytes, Some(float(row.seen.bytes)));
        observe(&mut of.ages, row.age.map(|it| it.as_secs_f64()));
        observe(&mut of.buffers, row.cmcd.integer("bl").map(|ms| float(ms) / 1000.0));
        observe(&mut of.rates, row.cmcd.integer("mtp").map(|kbits| float(kbits) * 125.0));
        of.late += u64::from(row.late.is_some_and(|late| late > 0));
        of.broken += u64::from(row.seen.end != Ending::Done);
        of.starved += u64::from(row.cmcd.has_starved());
    }

    fn of(&mut self, stream: &str) -> &mut OfStream {
        let is_known = self.streams.contains_key(stream);
        let own = self.streams.len() - usize::from(self.streams.contains_key(OTHERS));
        let name = if is_known || own < MAX_STREAMS { stream } else { OTHERS };
        self.streams.entry(name.into()).or_insert_with(OfStream::new)
    }

    /// Writes all of it.
    pub(super) fn write(&self, text: &mut Text, watched: &[Watched]) {
        let name = "lldash_viewers";
        text.family(name, Kind::Gauge, "Clients that watch, by the folder of the segments.");
        for stream in self.streams.keys() {
            let is_it = |it: &&Watched| match &**stream {
                OTHERS => !self.streams.contains_key(&it.stream),
                _ => it.stream == *stream,
            };
            let clients: usize = watched.iter().filter(is_it).map(|it| it.clients).sum();
            text.sample(name, &[("stream", stream)], clients);
        }
        for (name, help, of) in HISTOGRAMS {
            text.family(name, Kind::Histogram, help);
            for (stream, figures) in &self.streams {
                text.distribution(name, &[("stream", stream)], of(figures));
            }
        }
        for (name, help, of) in COUNTERS {
            text.family(name, Kind::Counter, help);
            for (stream, figures) in &self.streams {
                text.sample(name, &[("stream", stream)], of(figures));
            }
        }
        let help = "What players said of themselves and made no sense (CMCD).";
        text.single("lldash_viewer_cmcd_malformed_total", Kind::Counter, help, self.malformed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
fn float(number: u64) -> f64 {
    number as f64
}
