//! Numbers, gaps, discontinuities; who is served what.

use super::*;
use crate::{
    hls::{asked::Asked, segment::MAX_PIECES},
    m3u8::{Decision, Directives},
};

const FRAME: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

pub(in crate::hls) fn timeline() -> Timeline {
    let mut timeline = Timeline::new(2 * SECOND, Duration::from_millis(500), 60 * SECOND);
    timeline.go_live();
    timeline
}

pub(in crate::hls) fn opening(number: u64, era: u64) -> Opening {
    Opening {
        number,
        uri: format!("../{number}.m4s"),
        map: format!("../init.mp4?{era}").into(),
        file: None,
        era,
    }
}

fn piece(start: Duration, at: u32) -> Piece {
    Piece {
        range: u64::from(at) * 10..u64::from(at + 1) * 10,
        start: start + FRAME * at,
        duration: FRAME,
        is_independent: at == 0,
    }
}

/// The wall clock's time of media time 0.
fn zero() -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + 1000 * SECOND)
}

/// A segment of so many chunks of 0.1 s, which begins at a media time.
pub(in crate::hls) fn grow(timeline: &mut Timeline, opening: Opening, start: Duration, count: u32) {
    timeline.begin(opening);
    (0..count).for_each(|at| timeline.push(piece(start, at), zero()));
}

/// Segments of 2 s, at their places.
pub(in crate::hls) fn whole(timeline: &mut Timeline, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let start = 2 * SECOND * u32::try_from(number).expect("small");
        grow(timeline, opening(number, 0), start, 20);
        timeline.finish(200, true);
    }
}

/// Whether a reload that waits for a segment, or a part of it, is answered.
fn has(timeline: &Timeline, msn: u64, part: Option<u64>) -> bool {
    let part = part.map(|part| format!("&_HLS_part={part}")).unwrap_or_default();
    let directives = Directives::parse(&format!("_HLS_msn={msn}{part}")).expect("directives");
    timeline.decide(&directives) == Decision::Serve
}

fn numbers(timeline: &Timeline) -> Vec<u64> {
    timeline.listed().map(|segment| segment.msn).collect()
}

#[test]
fn numbers_are_the_packagers() {
    let mut timeline = timeline();
    whole(&mut timeline, 57..=59);
    assert_eq!(numbers(&timeline), [57, 58, 59]);
    assert!(timeline.listed().all(|segment| !segment.is_discontinuous));
    assert_eq!(timeline.hint(), Some((60, 0)));
}

#[test]
fn nothing_is_told_before_a_segment_is_whole() {
    let mut timeline = timeline();
    grow(&mut timeline, opening(1, 0), SECOND, 12);
    assert!(!timeline.is_ready() && timeline.hint().is_none());
    timeline.finish(120, true);
    assert!(timeline.is_ready());
    assert_eq!(timeline.last().map(|segment| segment.parts.len()), Some(3));
}

#[test]
fn nothing_is_told_before_all_that_is_there_has_been_read() {
    let mut timeline = Timeline::new(2 * SECOND, FRAME, 60 * SECOND);
    whole(&mut timeline, 1..=3);
    assert!(!timeline.is_ready());
    timeline.go_live();
    assert!(timeline.is_ready());
}

#[test]
fn a_part_is_told_when_it_is_complete_and_not_before() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=1);
    let before = timeline.version();
    grow(&mut timeline, opening(2, 0), 4 * SECOND, 4);
    assert_eq!(timeline.version(), before);
    assert_eq!(timeline.hint(), Some((2, 0)));
    assert!(!has(&timeline, 2, Some(0)) && has(&timeline, 1, Some(3)));
    timeline.push(piece(4 * SECOND, 4), zero());
    assert!(timeline.version() > before);
    assert_eq!(timeline.hint(), Some((2, 1)));
    assert!(has(&timeline, 2, Some(0)) && !has(&timeline, 2, Some(1)) && !has(&timeline, 2, None));
    assert!(has(&timeline, 1, Some(99)), "the first part of the next");
}

#[test]
fn a_part_past_the_last_one_is_the_first_of_the_next() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=1);
    assert!(!has(&timeline, 1, Some(4)));
    grow(&mut timeline, opening(2, 0), 4 * SECOND, 5);
    assert!(has(&timeline, 1, Some(4)));
}

#[test]
fn missing_segments_are_gaps() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=1);
    timeline.miss(opening(2, 0));
    whole(&mut timeline, 3..=3);
    assert_eq!(numbers(&timeline), [1, 2, 3]);
    let states: Vec<State> = timeline.listed().map(|segment| segment.state).collect();
    assert_eq!(states, [State::Whole, State::Gap, State::Whole]);
    assert!(timeline.listed().all(|segment| !segment.is_discontinuous));
}

#[test]
fn a_segment_that_broke_off_is_a_gap_with_the_parts_that_came() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=1);
    grow(&mut timeline, opening(2, 0), 4 * SECOND, 7);
    timeline.finish(70, false);
    let last = timeline.last().expect("one");
    // 0.7 s came; the rest up to 2 s is filled.
    assert_eq!((last.state, last.duration), (State::Gap, 2 * SECOND));
    let gaps: Vec<bool> = last.parts.iter().map(|part| part.is_gap).collect();
    assert_eq!(gaps, [false, false, true, true, true]);
    assert!(matches!(timeline.part(2, 3), Asked::Nothing));
    whole(&mut timeline, 3..=3);
    assert!(!timeline.last().expect("one").is_discontinuous);
}

#[test]
fn a_packager_that_is_started_anew_makes_a_discontinuity() {
    let mut timeline = timeline();
    whole(&mut timeline, 7..=8);
    grow(&mut timeline, opening(1, 1), Duration::ZERO, 20);
    timeline.finish(200, true);
    assert_eq!(numbers(&timeline), [7, 8, 9]);
    let last = timeline.last().expect("one");
    assert!(last.is_discontinuous && last.map.ends_with("?1"));
    grow(&mut timeline, opening(2, 1), 2 * SECOND, 20);
    assert!(!timeline.last().expect("one").is_discontinuous);
}

#[test]
fn times_that_jump_make_a_discontinuity_and_leave_the_clock_alone() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=1);
    grow(&mut timeline, opening(2, 0), 5000 * SECOND, 20);
    let segments: Vec<&Segment> = timeline.listed().collect();
    assert!(segments[1].is_discontinuous);
    assert_eq!(segments[1].wall, segments[0].wall.map(|wall| wall + segments[0].duration));
}

#[test]
fn a_clock_that_cannot_be_is_not_shown() {
    let mut timeline = timeline();
    timeline.begin(opening(1, 0));
    let early = SystemTime::UNIX_EPOCH.checked_sub(9000 * SECOND);
    timeline.push(piece(Duration::ZERO, 0), early);
    timeline.finish(10, true);
    assert_eq!(timeline.last().and_then(|segment| segment.wall), None);
}

#[test]
fn old_segments_leave_the_list_and_their_discontinuities_are_counted() {
    let mut timeline = Timeline::new(2 * SECOND, Duration::from_millis(500), 6 * SECOND);
    whole(&mut timeline, 1..=2);
    grow(&mut timeline, opening(9, 1), Duration::ZERO, 20);
    timeline.finish(200, true);
    for number in 10..30 {
        let start = 2 * SECOND * u32::try_from(number - 9).expect("small");
        grow(&mut timeline, opening(number, 1), start, 20);
        timeline.finish(200, true);
    }
    let listed = numbers(&timeline);
    assert_eq!(listed.last(), Some(&23));
    assert!((4..=6).contains(&listed.len()), "three target durations and more: {listed:?}");
    assert_eq!(timeline.discontinuities, 1);
    assert!(timeline.segments.len() <= 12, "{}", timeline.segments.len());
}

#[test]
fn one_chunk_for_each_segment_gives_plain_hls() {
    let mut timeline = timeline();
    timeline.begin(opening(1, 0));
    timeline.push(Piece { duration: 2 * SECOND, ..piece(SECOND, 0) }, None);
    timeline.finish(10, true);
    assert_eq!((timeline.choice(), timeline.hint()), (Choice::Plain, None));
    assert!(has(&timeline, 1, None) && has(&timeline, 1, Some(0)) && !has(&timeline, 2, None));
}

#[test]
fn what_cannot_be_read_is_listed_as_long_as_it_should_be() {
    let mut timeline = timeline();
    timeline.begin(opening(4, 0));
    timeline.finish(1000, true);
    assert_eq!(timeline.last().map(|one| (one.msn, one.duration)), Some((4, 2 * SECOND)));
}

#[test]
fn chunks_that_wait_for_a_decision_are_bounded() {
    let mut timeline = timeline();
    timeline.begin(opening(1, 0));
    for _ in 0..MAX_PIECES + 100 {
        timeline.push(Piece { duration: Duration::ZERO, ..piece(SECOND, 0) }, None);
    }
    assert_eq!(timeline.segments[0].pieces.len(), MAX_PIECES);
}

#[test]
fn the_first_number_is_not_0() {
    let mut timeline = timeline();
    whole(&mut timeline, 0..=1);
    assert_eq!(numbers(&timeline), [1, 2]);
}

#[test]
fn a_short_first_segment_does_not_say_how_long_others_are() {
    let mut timeline = Timeline::new(2 * SECOND, FRAME * 8, 60 * SECOND);
    timeline.go_live();
    for (number, chunks) in [(1, 15), (2, 20)] {
        grow(&mut timeline, opening(number, 0), Duration::ZERO, chunks);
        timeline.finish(200, true);
    }
    let last = timeline.last().expect("it is listed");
    let lengths: Vec<Duration> = last.parts.iter().map(|part| part.duration).collect();
    assert_eq!(lengths, [FRAME * 7, FRAME * 7, FRAME * 6]);
}
