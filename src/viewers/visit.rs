//! One client's visit to one stream.

use super::{
    pace::{Beat, Pace},
    seen::{Ending, Seen, Segment},
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// So many representations of one visit are told apart; then the one that was asked for least
/// recently is forgotten.
const MAX_PACES: usize = 16;

/// Who watches what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) client: Client,
    pub(super) stream: Arc<str>,
}

/// A client: the session that its player names (CMCD `sid`), else its address and what it calls
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Session(Box<str>),
    Address(Option<IpAddr>, Box<str>),
}

/// What is known of a visit.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) key: Arc<Key>,
    pub(super) sums: Sums,
    /// When a request of it last ended.
    pub(super) touched: Instant,
    /// The one that was asked for last comes last.
    paces: Vec<(Box<str>, Pace)>,
}

/// A visit in one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// From where it was asked first.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub agent: String,
    /// The player's session.
    pub session: Option<String>,
    /// The folder of the segments.
    pub stream: Arc<str>,
    /// When it first asked.
    pub first: SystemTime,
    /// When it last asked.
    pub last: SystemTime,
    /// Requests.
    pub segments: u64,
    /// What was sent, in bytes.
    pub bytes: u64,
    /// The intervals that are known, in number and in all.
    pub intervals: (u32, Duration),
    /// The largest jitter of its representations at the end, in seconds.
    pub jitter_seconds: Option<f64>,
    /// Requests that were late.
    pub late: u64,
    /// Replies that did not come to their end.
    pub broken: u64,
    /// Requests before which the player ran out of media, as it says.
    pub starved: u64,
    /// The shortest buffer that the player told of, in milliseconds.
    pub least_buffer_ms: Option<u64>,
}

impl Visit {
    pub(super) fn new(key: Arc<Key>, seen: &Seen) -> Self {
        let session = match &key.client {
            Client::Session(session) => Some(session.to_string()),
            Client::Address(..) => None,
        };
        let sums = Sums {
            address: seen.address,
            agent: seen.agent.clone(),
            session,
            stream: key.stream.clone(),
            first: seen.at,
            last: seen.at,
            segments: 0,
            bytes: 0,
            intervals: (0, Duration::ZERO),
            jitter_seconds: None,
            late: 0,
            broken: 0,
            starved: 0,
            least_buffer_ms: None,
        };
        Self { key, sums, touched: seen.asked, paces: Vec::new() }
    }

    /// A request for this segment is over.
    pub(super) fn beat(
        &mut self,
        segment: &Segment,
        asked: Instant,
        lasts: Option<Duration>,
    ) -> Beat {
        let at = self.paces.iter().position(|(name, _)| **name == *segment.representation);
        let (name, mut pace) = match at {
            Some(at) => self.paces.remove(at),
            None => (segment.representation.as_str().into(), Pace::default()),
        };
        let beat = pace.note(segment.number, asked, lasts);
        if self.paces.len() == MAX_PACES {
            self.paces.remove(0);
        }
        self.paces.push((name, pace));
        beat
    }

    /// Adds it up.
    pub(super) fn add(&mut self, seen: &Seen, beat: &Beat, late: Option<u64>) {
        let jitters = self.paces.iter().filter_map(|(_, pace)| pace.jitter_seconds());
        let jitter = jitters.max_by(f64::total_cmp);
        let sums = &mut self.sums;
        (sums.first, sums.last) = (sums.first.min(seen.at), sums.last.max(seen.at));
        sums.segments += 1;
        sums.bytes += seen.bytes;
        if let Some(interval) = beat.interval {
            sums.intervals.0 += 1;
            sums.intervals.1 += interval;
        }
        sums.jitter_seconds = jitter;
        sums.late += u64::from(late.is_some_and(|late| late > 0));
        sums.broken += u64::from(seen.end != Ending::Done);
    }

    /// Adds what the player says.
    pub(super) fn hear(&mut self, has_starved: bool, buffer_ms: Option<u64>) {
        let sums = &mut self.sums;
        sums.starved += u64::from(has_starved);
        sums.least_buffer_ms = sums.least_buffer_ms.into_iter().chain(buffer_ms).min();
    }
}

impl Sums {
    /// The mean of the intervals that are known.
    pub fn mean_interval(&self) -> Option<Duration> {
        let (count, sum) = self.intervals;
        (count > 0).then(|| sum / count)
    }
}
