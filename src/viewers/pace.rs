//! How regularly a client asks for the segments of a representation, and how long these last.

use std::time::{Duration, Instant, SystemTime};

/// One client's requests for one representation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    latest: Option<Instant>,
    number: Option<u64>,
    /// By how much the number grew the last time.
    step: Option<u64>,
    interval: Option<Duration>,
    jitter_seconds: Option<f64>,
}

/// What a request adds to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Beat {
    /// Since the one before; `None` for the first, for one that was asked before another that
    /// ended sooner, and for one that does not follow the one before.
    pub(super) interval: Option<Duration>,
    /// The jitter now, in seconds; `None` until there is something to compare with.
    pub(super) jitter_seconds: Option<f64>,
}

impl Pace {
    /// A request for the segment of that number was asked then. `lasts`: the segment's duration, if
    /// the player says it.
    ///
    /// The jitter is that of RFC 3550, section 6.4.1: `J += (|D| - J) / 16`, where D is the
    /// interval less what it should have been. That is the duration of the segment, or else the
    /// interval before: segments last equally long.
    pub(super) fn note(
        &mut self,
        number: Option<u64>,
        asked: Instant,
        lasts: Option<Duration>,
    ) -> Beat {
        let untold = Beat { interval: None, jitter_seconds: self.jitter_seconds };
        if self.latest.is_some_and(|latest| asked < latest) {
            return untold;
        }
        let before = self.latest.replace(asked);
        let is_next = self.is_next(number);
        let Some(before) = before.filter(|_| is_next) else { return untold };
        let interval = asked.saturating_duration_since(before);
        let expected = lasts.or(self.interval.replace(interval));
        if let Some(expected) = expected {
            let jitter = self.jitter_seconds.unwrap_or_default();
            let difference = interval.abs_diff(expected).as_secs_f64();
            self.jitter_seconds = Some(jitter + (difference - jitter) / 16.0);
        }
        Beat { interval: Some(interval), jitter_seconds: self.jitter_seconds }
    }

    /// Whether nothing lies between the segment before and that of this number: a player that was
    /// away, on another quality, was not slow. Of numbers that are times the step before tells.
    fn is_next(&mut self, number: Option<u64>) -> bool {
        let before = std::mem::replace(&mut self.number, number);
        let Some((number, before)) = number.zip(before) else { return true };
        let Some(step) = number.checked_sub(before) else { return false };
        if step == 0 {
            return true;
        }
        match self.step.replace(step) {
            Some(usual) => step < usual.saturating_mul(2),
            None => step == 1 || step > MAX_STEPS,
        }
    }

    /// The jitter so far, in seconds.
    pub(super) fn jitter_seconds(&self) -> Option<f64> {
        self.jitter_seconds
    }
}

/// How fast the segments of a representation come: their duration, from the times at which they
/// were complete.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Production {
    latest: Option<(Option<u64>, SystemTime)>,
    seconds: Option<f64>,
}

/// Numbers that are farther apart are times: then each segment is taken for the next one.
const MAX_STEPS: u64 = 64;

/// A duration outside of this is that of no live segment, in seconds: files were copied.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.05..=60.0;

impl Production {
    /// A segment was complete then.
    pub(super) fn note(&mut self, number: Option<u64>, complete: SystemTime) {
        let before = self.latest.replace((number, complete));
        let Some((before, then)) = before.filter(|(before, _)| *before != number) else { return };
        let steps = number.zip(before).map_or(1, |(number, before)| number.abs_diff(before));
        let steps = if steps > MAX_STEPS { 1 } else { steps };
        let apart = complete.duration_since(then).unwrap_or_else(|early| early.duration());
        let seconds = apart.as_secs_f64() / f64::from(u32::try_from(steps).unwrap_or(1));
        if PLAUSIBLE.contains(&seconds) {
            let known = self.seconds.unwrap_or(seconds);
            self.seconds = Some(known + (seconds - known) / 4.0);
        }
    }

    /// How long a segment lasts, in seconds, once two were seen.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut note =
            |at, lasts: Option<u64>| pace.note(None, start + millis(at), lasts.map(millis));
        assert_eq!(note(0, None), Beat::default());
        let second = note(2000, None);
        assert_eq!(second, Beat { interval: Some(millis(2000)), jitter_seconds: None });
        // 160 ms more than the interval before; a sixteenth of it.
        let third = note(4160, None);
        assert_eq!(third.interval, Some(millis(2160)));
        assert!((third.jitter_seconds.expect("known") - 0.01).abs() < 1e-9);
        // The player says 2 s: 2.32 s are 320 ms too long, as 1.68 s would be too short.
        let fourth = note(6480, Some(2000)).jitter_seconds.expect("known");
        assert!((fourth - (0.01 + (0.32 - 0.01) / 16.0)).abs() < 1e-9);
        let fifth = note(8160, Some(2000)).jitter_seconds.expect("known");
        assert!((fifth - (fourth + (0.32 - fourth) / 16.0)).abs() < 1e-9);
    }

    #[test]
    fn jitter_of_one_who_is_regular_is_none() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let beats = (0..9).map(|at| pace.note(None, start + millis(at * 500), None));
        assert_eq!(beats.last().and_then(|beat| beat.jitter_seconds), Some(0.0));
    }

    #[test]
    fn intervals_of_requests_that_overlap_are_not_told() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.note(Some(2), start + millis(100), None);
        assert_eq!(pace.note(Some(1), start, None).interval, None);
        assert_eq!(pace.note(Some(3), start + millis(300), None).interval, Some(millis(200)));
    }

    #[test]
    fn intervals_are_those_of_segments_that_follow_each_other() {
        for unit in [1, 90_000, 2] {
            let (mut pace, start) = (Pace::default(), Instant::now());
            let mut note = |number: u64| {
                let beat =
                    pace.note(Some(100 + number * unit), start + millis(number * 1000), None);
                (beat.interval, beat.jitter_seconds)
            };
            let known = (unit != 2).then(|| millis(1000));
            assert_eq!((note(1), note(2)), ((None, None), (known, None)));
            note(3);
            let second = (Some(millis(1000)), Some(0.0));
            assert_eq!(note(4), second);
            // It was away, and comes back.
            assert_eq!(note(8), (None, Some(0.0)));
            assert_eq!(note(9), second);
            assert_eq!(note(10), second);
        }
        // It goes back, and asks for the same once more.
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut note = |number, at| pace.note(Some(number), start + millis(at), None).interval;
        assert_eq!((note(7, 0), note(5, 100), note(5, 300)), (None, None, Some(millis(200))));
    }

    #[test]
    fn segments_last_as_long_as_they_come_apart() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let mut production = Production::default();
        production.note(Some(7), at(10_000));
        assert_eq!(production.seconds(), None);
        // The same again says nothing; one three later says a third.
        production.note(Some(7), at(10_000));
        production.note(Some(10), at(16_000));
        assert_eq!(production.seconds(), Some(2.0));
        // Numbers that are times; copies of files; what has no number.
        let mut by_time = Production::default();
        by_time.note(Some(90_000), at(1000));
        by_time.note(Some(180_000), at(2000));
        by_time.note(Some(270_000), at(2001));
        assert_eq!(by_time.seconds(), Some(1.0));
        by_time.note(Some(360_000), at(3_001));
        assert_eq!(by_time.seconds(), Some(1.0));
    }
}
