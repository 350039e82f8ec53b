//! How much happens in a second, from what was counted when somebody asked before: nothing ticks.

use crate::metrics::{Count, Metrics};
use serde::Serialize;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Rates are those of so long a time, where somebody asked at its start; else since the last time
/// that somebody did.
const WINDOW: Duration = Duration::from_secs(5);

/// Samples lie so far apart at least: [`WINDOW`] holds ten of them, and there are two more at most.
const APART: Duration = Duration::from_millis(500);

/// What was counted until some moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    at: Instant,
    requests: u64,
    sent_bytes: u64,
    received_bytes: u64,
}

/// What was counted before.
#[derive(Debug)]
pub(super) struct Rates(VecDeque<Sample>);

/// What happens in a second.
#[derive(Debug, Serialize, PartialEq)]
pub(super) struct Rate {
    requests_per_second: f64,
    sent_bytes_per_second: f64,
    received_bytes_per_second: f64,
    /// The time over which this was counted.
    window_seconds: f64,
}

impl Rates {
    /// Nothing was counted before `now`.
    pub(super) fn new(now: Instant) -> Self {
        let sample = Sample { at: now, requests: 0, sent_bytes: 0, received_bytes: 0 };
        Self(VecDeque::from([sample]))
    }

    /// The rates now.
    pub(super) fn now(&mut self, metrics: &Metrics, now: Instant) -> Rate {
        self.take(Sample {
            at: now,
            requests: metrics.total_requests(),
            sent_bytes: metrics.total(Count::SentBytes),
            received_bytes: metrics.total(Count::ReceivedBytes),
        })
    }

    fn take(&mut self, now: Sample) -> Rate {
        let age = |sample: &Sample| now.at.saturating_duration_since(sample.at);
        while self.0.get(1).is_some_and(|next| age(next) >= WINDOW) {
            self.0.pop_front();
        }
        let base = self.0.front().copied().unwrap_or(now);
        if self.0.back().is_none_or(|last| age(last) >= APART) {
            self.0.push_back(now);
        }
        // Two who ask at once: what is counted between them is no rate.
        let seconds = age(&base).as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let rate = |now: u64, base: u64| now.saturating_sub(base) as f64 / seconds;
        Rate {
            requests_per_second: rate(now.requests, base.requests),
            sent_bytes_per_second: rate(now.sent_bytes, base.sent_bytes),
            received_bytes_per_second: rate(now.received_bytes, base.received_bytes),
            window_seconds: seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let mut ask = |millis, requests| {
            let at = start + Duration::from_millis(millis);
            let rate = rates.take(Sample { at, requests, sent_bytes: 0, received_bytes: 0 });
            assert!(rates.0.len() <= 12);
            (rate.requests_per_second, rate.window_seconds)
        };
        assert_eq!(ask(2000, 10), (5.0, 2.0));
        assert_eq!(ask(60_000, 126), (2.0, 58.0), "since somebody asked");
        for millis in (60_100..70_000).step_by(100) {
            ask(millis, 126);
        }
        assert_eq!(ask(70_000, 126).0, 0.0, "it is over");
    }
}
