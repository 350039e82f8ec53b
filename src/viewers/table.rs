//! Who watches what now: visits, and what each request adds to them. No clock: times are passed in.

use super::{
    cmcd::Cmcd,
    figures::Figures,
    pace::Production,
    seen::{Age, Seen, Segment, What},
    visit::{Client, Key, Sums, Visit},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

/// A client watches a stream for so long after its last request.
pub(super) const PRESENCE: Duration = Duration::from_secs(15);

/// A client that asks for nothing for so long has ended its visit.
pub(super) const VISIT: Duration = Duration::from_secs(60);

/// So many visits are known at one time; then the one that asked least recently ends.
const MAX_VISITS: usize = 10_000;

/// So many representations of a stream are told apart; then the one that was asked for least
/// recently is forgotten: each run of an encoder has names of its own.
const MAX_PRODUCTIONS: usize = 64;

/// No request is told to be later, in segments.
const MAX_LATE: f64 = 1e6;

/// All visits.
#[derive(Debug)]
pub(super) struct Table {
    numbers: HashMap<Arc<Key>, u64>,
    visits: HashMap<u64, Visit>,
    /// The visits by when they were touched.
    order: BTreeSet<(Instant, u64)>,
    /// As many as are visited.
    streams: HashMap<Arc<str>, Stream>,
    next: u64,
    /// Those that have ended since somebody took them.
    ended: Vec<Sums>,
    figures: Figures,
    max_visits: usize,
}

/// A stream that is watched.
#[derive(Debug, Default)]
struct Stream {
    /// Visits to it.
    visits: usize,
    /// Those of clients that watch it, and of some that did just now, by when they were touched.
    present: BTreeSet<(Instant, u64)>,
    /// The one that was asked for last comes last.
    productions: Vec<(String, Production)>,
}

/// What is written of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) seen: Seen,
    pub(super) segment: Segment,
    pub(super) interval: Option<Duration>,
    pub(super) jitter_seconds: Option<f64>,
    /// For how long the segment had been complete.
    pub(super) age: Option<Duration>,
    /// The same in segments.
    pub(super) late: Option<u64>,
    pub(super) clients: usize,
    pub(super) cmcd: Cmcd,
}

/// Who watches a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its folder.
    pub stream: Arc<str>,
    /// Clients that watch it now.
    pub clients: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(MAX_VISITS)
    }
}

impl Table {
    /// One that knows at most so many visits at one time.
    pub(super) fn new(max_visits: usize) -> Self {
        Self {
            numbers: HashMap::new(),
            visits: HashMap::new(),
            order: BTreeSet::new(),
            streams: HashMap::new(),
            next: 0,
            ended: Vec::new(),
            figures: Figures::default(),
            max_visits,
        }
    }

    /// A request is over; `None` when it was for no segment, as its player says.
    pub(super) fn note(&mut self, seen: Seen, now: Instant) -> Option<Row> {
        let headers = seen.cmcd_headers.iter().map(String::as_str);
        let cmcd = Cmcd::read(seen.query.as_deref(), headers);
        self.figures.malformed += cmcd.malformed + seen.cmcd_left_out;
        if cmcd.is_of_no_segment() {
            return None;
        }
        let segment = seen.what.segment();
        let number = self.visit(&seen, &segment, &cmcd, now);
        let lasts = cmcd.integer("d").filter(|lasts| *lasts > 0).map(Duration::from_millis);
        let stream = self.streams.entry(segment.stream.as_str().into()).or_default();
        let age = age(&seen);
        // Of a part the player says how long the part lasts.
        let is_part = matches!(seen.what, What::Part { .. });
        let said = lasts.filter(|_| !is_part).map(|it| it.as_secs_f64());
        let late = late(age, said.or(stream.duration(&segment, &seen)));
        let clients = stream.count_present(now);
        let visit = self.visits.get_mut(&number)?;
        let beat = visit.beat(&segment, seen.asked, lasts);
        visit.add(&seen, &beat, late);
        visit.hear(cmcd.has_starved(), cmcd.integer("bl"));
        let (interval, jitter_seconds) = (beat.interval, beat.jitter_seconds);
        let row = Row { seen, segment, interval, jitter_seconds, age, late, clients, cmcd };
        self.figures.add(&row);
        Some(row)
    }

    /// The visit's number; it is touched.
    fn visit(&mut self, seen: &Seen, segment: &Segment, cmcd: &Cmcd, now: Instant) -> u64 {
        let client = match cmcd.value("sid") {
            Some(session) => Client::Session(session.into()),
            None => Client::Address(seen.address, seen.agent.as_str().into()),
        };
        let key = Arc::new(Key { client, stream: segment.stream.as_str().into() });
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.begin(key, seen),
        };
        if let Some(visit) = self.visits.get_mut(&number) {
            let (before, after) = ((visit.touched, number), (now, number));
            visit.touched = now;
            let stream = self.streams.entry(visit.key.stream.clone()).or_default();
            for order in [&mut self.order, &mut stream.present] {
                order.remove(&before);
                order.insert(after);
            }
        }
        number
    }

    fn begin(&mut self, key: Arc<Key>, seen: &Seen) -> u64 {
        while self.visits.len() >= self.max_visits {
            let Some((_, oldest)) = self.order.first() else { break };
            self.end(*oldest);
        }
        self.next += 1;
        self.streams.entry(key.stream.clone()).or_default().visits += 1;
        self.numbers.insert(key.clone(), self.next);
        self.visits.insert(self.next, Visit::new(key, seen));
        self.next
    }

    fn end(&mut self, number: u64) {
        let Some(visit) = self.visits.remove(&number) else { return };
        self.numbers.remove(&visit.key);
        let place = (visit.touched, number);
        self.order.remove(&place);
        if let Some(stream) = self.streams.get_mut(&visit.key.stream) {
            stream.present.remove(&place);
            stream.visits -= 1;
            if stream.visits == 0 {
                self.streams.remove(&visit.key.stream);
            }
        }
        self.ended.push(visit.sums);
    }

    /// Ends the visits of those who have asked for nothing for long.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((touched, number)) = self.order.first().copied() {
            if now.saturating_duration_since(touched) < VISIT {
                break;
            }
            self.end(number);
        }
    }

    /// Ends them all, in the order in which they last asked.
    pub(super) fn close(&mut self) {
        while let Some((_, number)) = self.order.first().copied() {
            self.end(number);
        }
    }

    /// When the next visit ends, unless its client asks again.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.order.first().map(|(touched, _)| *touched + VISIT)
    }

    /// Visits that have ended since this was asked.
    pub(super) fn take_ended(&mut self) -> Vec<Sums> {
        std::mem::take(&mut self.ended)
    }

    /// Who watches now: at most `max` streams, those with most clients first.
    pub(super) fn watched(&self, now: Instant, max: usize) -> Vec<Watched> {
        let all = self.streams.iter();
        let all = all.map(|(stream, it)| (it.present(now), stream.clone()));
        let mut all: Vec<_> = all.filter(|(clients, _)| *clients > 0).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        all.truncate(max);
        all.into_iter().map(|(clients, stream)| Watched { stream, clients }).collect()
    }

    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }
}

impl Stream {
    /// How many clients watch it.
    fn present(&self, now: Instant) -> usize {
        let gone = self.present.iter().take_while(|(touched, _)| is_gone(*touched, now));
        self.present.len() - gone.count()
    }

    /// The same, once those who do not are forgotten: each is looked at once.
    fn count_present(&mut self, now: Instant) -> usize {
        while self.present.first().is_some_and(|(touched, _)| is_gone(*touched, now)) {
            self.present.pop_first();
        }
        self.present.len()
    }

    /// How long the segment lasts, in seconds, as far as is known; learns from this one.
    fn duration(&mut self, segment: &Segment, seen: &Seen) -> Option<f64> {
        let at = self.productions.iter().rposition(|(name, _)| *name == segment.representation);
        let (name, mut production) = match at {
            Some(at) => self.productions.remove(at),
            None => (segment.representation.clone(), Production::default()),
        };
        let complete = seen.complete.into_iter();
        complete.for_each(|complete| production.note(segment.number, complete));
        if self.productions.len() == MAX_PRODUCTIONS {
            self.productions.remove(0);
        }
        self.productions.push((name, production));
        production.seconds()
    }
}

fn is_gone(touched: Instant, now: Instant) -> bool {
    now.saturating_duration_since(touched) >= PRESENCE
}

fn age(seen: &Seen) -> Option<Duration> {
    match seen.age {
        Age::Young => Some(Duration::ZERO),
        Age::Since(complete) => Some(seen.at.duration_since(complete).unwrap_or_default()),
        Age::Unknown => None,
    }
}

/// How many whole segments' time it had been complete when it was asked for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
fn late(age: Option<Duration>, lasts_seconds: Option<f64>) -> Option<u64> {
    let age = age?;
    if age.is_zero() {
        return Some(0);
    }
    let late = age.as_secs_f64() / lasts_seconds?;
    Some(late.clamp(0.0, MAX_LATE) as u64)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
