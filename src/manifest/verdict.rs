//! Whether a segment came in chunks, and how long they are.

use super::{
    growth::{Arrival, Step},
    sightings::Sight,
};
use crate::cmaf::{Fragment, Init};
use std::time::Duration;

/// How a representation's segments come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In chunks that are so long, as they are made.
    Chunks(Duration),
    /// As a whole, or in some way that cannot be told.
    Whole,
}

impl Verdict {
    /// Judges by how the newest segments came: one that comes at once does not yet make them
    /// whole. An encoder, or a network, that stopped for a moment would else take the offset away
    /// from all who open the manifest then.
    pub(super) fn of_sight(sight: &Sight, init: Option<&Init>) -> Self {
        let newest = Self::of(&sight.newest, init);
        let before = sight.before.as_ref().filter(|_| newest == Self::Whole);
        before.map_or(newest, |before| Self::of(before, init))
    }

    /// Of chunks, those that were longer before.
    pub(super) fn longest(self, before: Option<Duration>) -> Self {
        match self {
            Self::Chunks(chunk) => Self::Chunks(chunk.max(before.unwrap_or_default())),
            Self::Whole => Self::Whole,
        }
    }

    /// Judges by how one segment came. What came at once was not made at once: chunks count only
    /// if they took at least half as long to come as they are long.
    pub(super) fn of(arrival: &Arrival, init: Option<&Init>) -> Self {
        let spread = init.filter(|_| arrival.is_spread());
        spread.and_then(|init| chunks(arrival, init)).map_or(Self::Whole, Self::Chunks)
    }
}

fn chunks(arrival: &Arrival, init: &Init) -> Option<Duration> {
    let track = init.main_track()?;
    let run = |moof: &[u8]| Fragment::parse(moof, init).ok()?.run(track.id).copied();
    let (first, last) = (run(&arrival.first)?, run(&arrival.last)?);
    let media = last.end().saturating_sub(first.end());
    let is_live = media > 0 && arrival.elapsed * 2 >= time(media, track.timescale);
    let length = |step: &Step| step.iter().map(|moof| Some(run(moof)?.duration)).sum();
    let lengths: Option<Vec<u64>> = arrival.measured.iter().map(length).collect();
    let longest = lengths?.into_iter().max().filter(|length| is_live && *length > 0)?;
    Some(time(longest, track.timescale))
}

/// So many ticks, rounded up to a millisecond.
fn time(ticks: u64, timescale: u32) -> Duration {
    let millis = (u128::from(ticks) * 1000).div_ceil(u128::from(timescale));
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::TrackInfo;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
        [&size[..], &kind, body].concat()
    }

    /// A chunk of one sample of 10 ticks.
    fn moof(start: u32) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
        let tfhd = boxed(*b"tfhd", &words(&[0x08, 1, 10]));
        let tfdt = boxed(*b"tfdt", &words(&[0, start]));
        let trun = boxed(*b"trun", &words(&[0, 1]));
        boxed(*b"moof", &boxed(*b"traf", &[tfhd, tfdt, trun].concat()))
    }

    fn init() -> Init {
        let track = TrackInfo {
            id: 1,
            timescale: 100,
            handler: *b"vide",
            default_duration: 0,
            default_flags: 0,
        };
        Init { tracks: vec![track] }
    }

    /// Three chunks of a tenth of a second each, within this time.
    fn arrival(elapsed: u64) -> Arrival {
        Arrival {
            steps: 3,
            measured: vec![vec![moof(0)], vec![moof(10)], vec![moof(20)]],
            first: moof(0),
            last: moof(20),
            elapsed: Duration::from_millis(elapsed),
        }
    }

    #[test]
    fn chunks_that_come_as_they_are_made_count() {
        let chunks = Verdict::Chunks(Duration::from_millis(100));
        assert_eq!(Verdict::of(&arrival(200), Some(&init())), chunks);
        assert_eq!(Verdict::of(&arrival(100), Some(&init())), chunks, "the encoder was late");
        assert_eq!(Verdict::of(&arrival(99), Some(&init())), Verdict::Whole, "a burst");
        assert_eq!(Verdict::of(&arrival(200), None), Verdict::Whole, "nobody knows the ticks");
    }

    #[test]
    fn one_burst_between_chunks_changes_nothing_and_two_do() {
        let [spread, burst] = [arrival(200), arrival(9)].map(std::sync::Arc::new);
        let judged = |newest: &std::sync::Arc<Arrival>,
                      before: Option<&std::sync::Arc<Arrival>>| {
            let sight = Sight { newest: newest.clone(), before: before.cloned(), at: 1 };
            Verdict::of_sight(&sight, Some(&init()))
        };
        let chunks = Verdict::Chunks(Duration::from_millis(100));
        assert_eq!(judged(&burst, Some(&spread)), chunks);
        assert_eq!(judged(&spread, Some(&burst)), chunks);
        assert_eq!(judged(&burst, Some(&burst)), Verdict::Whole);
        assert_eq!(judged(&burst, None), Verdict::Whole);
    }

    #[test]
    fn the_longest_step_counts() {
        let mut uneven = arrival(200);
        uneven.measured = vec![vec![moof(0)], vec![moof(10), moof(20)]];
        let verdict = Verdict::of(&uneven, Some(&init()));
        assert_eq!(verdict, Verdict::Chunks(Duration::from_millis(200)));
        uneven.measured = vec![vec![b"no moof".to_vec()]];
        assert_eq!(Verdict::of(&uneven, Some(&init())), Verdict::Whole);
    }
}
