//! What is written when.

use super::*;
use crate::replay::testing::track;
use proptest::prelude::*;

fn seconds(tenths: u64) -> Duration {
    Duration::from_millis(tenths * 100)
}

fn dues(schedule: Schedule<'_>, count: usize) -> Vec<(u64, usize, u64, usize)> {
    let told = |step: Step| {
        (
            u64::try_from(step.due.as_millis() / 100).expect("short"),
            step.track,
            step.lap,
            step.segment,
        )
    };
    schedule.take(count).map(told).collect()
}

#[test]
fn whole_segments_come_at_their_end() {
    let tracks = [track(&[20, 20]), track(&[15, 25])];
    let wanted = [(15, 1, 0, 0), (20, 0, 0, 0), (40, 0, 0, 1), (40, 1, 0, 1)];
    assert_eq!(dues(Schedule::new(&tracks, None, false), 9), wanted);
}

#[test]
fn chunks_come_when_their_last_frame_is_there() {
    let mut only = track(&[20]);
    let chunk = |bytes, end| crate::replay::recording::Chunk { bytes, end: seconds(end) };
    only.segments[0].chunks = vec![chunk(0..4, 5), chunk(4..8, 10), chunk(8..9, 20)];
    let steps: Vec<_> = Schedule::new(std::slice::from_ref(&only), None, true).collect();
    let told: Vec<_> = steps.iter().map(|step| (step.due, step.first, step.last)).collect();
    let wanted =
        [(seconds(5), true, false), (seconds(10), false, false), (seconds(20), false, true)];
    assert_eq!(told, wanted);
}

#[test]
fn a_loop_goes_on_where_the_lap_ends() {
    let tracks = [track(&[20, 20]), track(&[20, 21, 1])];
    let looped = Loop { length: Ticks::new(4, 1), media: Ticks::new(4, 1), counts: vec![2, 2] };
    let wanted = [
        (20, 0, 0, 0),
        (20, 1, 0, 0),
        (40, 0, 0, 1),
        (41, 1, 0, 1),
        (60, 0, 1, 0),
        (60, 1, 1, 0),
        (80, 0, 1, 1),
    ];
    assert_eq!(dues(Schedule::new(&tracks, Some(&looped), false), 7), wanted);
}

proptest! {
    #[test]
    fn is_sorted_and_complete(
        lengths in proptest::collection::vec(proptest::collection::vec(1..50_u64, 1..6), 1..4),
        chunked: bool,
    ) {
        let tracks: Vec<_> = lengths.iter().map(|lengths| track(lengths)).collect();
        let steps: Vec<_> = Schedule::new(&tracks, None, chunked).collect();
        prop_assert!(steps.is_sorted_by_key(|step| step.due));
        prop_assert_eq!(steps.len(), lengths.iter().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn the_thousandth_lap_is_as_punctual_as_the_first(ticks in 1..100_000_u64, timescale in 1..100_000_u64) {
        let tracks = [track(&[10])];
        let length = Ticks::new(ticks, timescale);
        let looped = Loop { length, media: length, counts: vec![1] };
        let step = Schedule::new(&tracks, Some(&looped), false).nth(1000).expect("endless");
        prop_assert_eq!(step.due, seconds(10) + looped.length.times(1000));
    }
}
