//! How a segment came: which chunks, and when.

use crate::cmaf::{self, Walker};
use std::time::{Duration, Instant};

/// So many steps are measured; a segment's chunks are much alike.
const MEASURED: usize = 3;

/// What is longer is no `moof` that tells of a chunk, in bytes.
const MAX_MOOF_BYTES: usize = 64 * 1024;

/// When so much time has passed since the first chunk, what came is no burst of a moment.
pub(super) const MOMENT: Duration = Duration::from_millis(50);

/// The `moof` boxes of chunks that became whole at once.
pub(super) type Step = Vec<Vec<u8>>;

/// What is known of how a segment came. Times stand in the boxes; they are read by those who know
/// the init.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arrival {
    /// How often chunks became whole.
    pub(super) steps: usize,
    /// The first steps; the very first is left out if it may have been waiting for us.
    pub(super) measured: Vec<Step>,
    /// The last chunk of the first step.
    pub(super) first: Vec<u8>,
    /// The last chunk of all.
    pub(super) last: Vec<u8>,
    /// From the first step to the last.
    pub(super) elapsed: Duration,
}

impl Arrival {
    /// Whether more than one chunk came, and not in one moment.
    pub(super) fn is_spread(&self) -> bool {
        self.steps >= 2 && self.elapsed >= MOMENT
    }
}

/// Follows a segment's bytes, cut anywhere. Holds no more than a `moof` beside what it tells.
#[derive(Debug, Default)]
pub(super) struct Growth {
    boxes: Boxes,
    began: Option<Instant>,
    arrival: Arrival,
}

impl Growth {
    /// Takes the next bytes; true if chunks became whole.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant) -> bool {
        let mut chunks = Step::new();
        self.boxes.push(bytes, &mut chunks);
        let Some(last) = chunks.last() else { return false };
        let arrival = &mut self.arrival;
        let began = *self.began.get_or_insert(now);
        arrival.elapsed = now.saturating_duration_since(began);
        arrival.last.clone_from(last);
        if arrival.steps == 0 {
            arrival.first.clone_from(last);
        }
        // Several at the start may have come before anybody looked.
        let is_late = arrival.steps == 0 && chunks.len() > 1;
        if !is_late && arrival.measured.len() < MEASURED {
            arrival.measured.push(chunks);
        }
        arrival.steps += 1;
        true
    }

    pub(super) fn arrival(&self) -> &Arrival {
        &self.arrival
    }
}

/// The `moof` boxes along the way.
#[derive(Debug, Default)]
struct Boxes {
    walker: Walker,
    /// A `moof` that is being read, or that waits for its `mdat`.
    moof: Vec<u8>,
    is_in_moof: bool,
}

impl Boxes {
    fn push(&mut self, bytes: &[u8], chunks: &mut Step) {
        let Self { walker, moof, is_in_moof } = self;
        walker.push(bytes, |step| match step {
            cmaf::Step::Bytes(kind, part) if kind == *b"moof" => {
                if !std::mem::replace(is_in_moof, true) {
                    moof.clear();
                }
                if moof.len() + part.len() <= MAX_MOOF_BYTES {
                    moof.extend_from_slice(part);
                }
            }
            cmaf::Step::Closed(kind, _) => {
                *is_in_moof = false;
                if kind == *b"mdat" {
                    chunks.extend((!moof.is_empty()).then(|| std::mem::take(moof)));
                }
            }
            cmaf::Step::Bytes(..) => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxed(kind: &cmaf::Kind, body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
        [&size[..], kind, body].concat()
    }

    fn chunk(mark: u8) -> Vec<u8> {
        [boxed(b"moof", &[mark; 5]), boxed(b"mdat", &[0; 9])].concat()
    }

    #[test]
    fn chunks_are_told_with_their_times() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut growth = Growth::default();
        let bytes = [boxed(b"styp", &[]), chunk(1), chunk(2), chunk(3), chunk(4)].concat();
        assert!(!growth.push(&bytes[..20], at(0)));
        assert!(growth.push(&bytes[20..40], at(10)), "the first chunk is whole");
        assert!(growth.push(&bytes[40..100], at(60)), "two at once");
        let arrival = growth.arrival();
        assert_eq!((arrival.steps, arrival.elapsed), (2, Duration::from_millis(50)));
        assert_eq!(arrival.first, boxed(b"moof", &[1; 5]));
        assert_eq!(arrival.last, boxed(b"moof", &[3; 5]));
        let sizes: Vec<usize> = arrival.measured.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 2]);
        assert!(arrival.is_spread());
    }

    #[test]
    fn what_was_there_before_anybody_looked_is_not_measured() {
        let mut growth = Growth::default();
        growth.push(&[chunk(1), chunk(2)].concat(), Instant::now());
        assert_eq!((growth.arrival().steps, growth.arrival().measured.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(cuts in proptest::collection::vec(1..40_usize, 0..9)) {
            let bytes = [chunk(1), boxed(b"free", &[]), chunk(2), chunk(3)].concat();
            let (now, mut growth, mut rest) = (Instant::now(), Growth::default(), &bytes[..]);
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                growth.push(head, now);
                rest = tail;
            }
            growth.push(rest, now);
            prop_assert_eq!(&growth.arrival().last, &boxed(b"moof", &[3; 5]));
        }

        #[test]
        fn never_panics(bytes: Vec<u8>) {
            Growth::default().push(&bytes, Instant::now());
        }
    }
}
