//! Manifests of a replay as it goes on.

use super::*;
use crate::replay::recording::Chunk;
use crate::replay::testing::track;

fn template(media: &str, timing: Timing) -> Template {
    Template {
        element: 3,
        timeline_element: matches!(timing, Timing::Timeline(_)).then_some(2),
        media: media.into(),
        initialization: None,
        timescale: 10,
        start_number: 1,
        presentation_time_offset: 0,
        timing,
        early: None,
        at: 0,
    }
}

fn facts<'a>(tracks: &'a [Track], looped: Option<&'a Loop>, growing: bool) -> Facts<'a> {
    Facts { tracks, looped, origin: Duration::ZERO, one_period: true, growing }
}

fn nothing(_: usize) -> Vec<Slot> {
    Vec::new()
}

/// Chunks of a tenth of a second.
fn chunked(mut track: Track) -> Track {
    for segment in &mut track.segments {
        let count = (segment.end - segment.start).as_millis() / 100;
        let end = |n: u32| segment.start + Duration::from_millis(100) * (n + 1);
        let count = u32::try_from(count).expect("short");
        segment.chunks = (0..count).map(|n| Chunk { bytes: 0..1, end: end(n) }).collect();
    }
    track
}

#[test]
fn the_offset_is_segment_less_chunk_and_never_too_early() {
    let uses = [(0, template("$Number$", Timing::Fixed(20)))];
    let offset = |track: Track| {
        let tracks = [chunked(track)];
        facts(&tracks, None, true).edits(&uses, &nothing)[&3].availability_time_offset
    };
    assert_eq!(offset(track(&[20, 20])), Some(Duration::from_millis(1900)));
    // The second segment starts 0.2 s later than its number says.
    assert_eq!(offset(track(&[22, 18])), Some(Duration::from_millis(1700)));
}

#[test]
fn whole_segments_that_end_late_move_the_start() {
    let uses = [(0, template("$Number$", Timing::Fixed(20)))];
    let tracks = [track(&[22, 18])];
    let facts = facts(&tracks, None, false);
    assert_eq!(facts.lateness(&uses), Duration::from_millis(200));
    assert_eq!(facts.edits(&uses, &nothing)[&3], TemplateEdit::default());
}

#[test]
fn a_regular_timeline_with_numbers_becomes_a_duration() {
    let entries = vec![Entry { time: 0, duration: 20 }; 2];
    let uses = [(0, template("$Number$", Timing::Timeline(entries)))];
    let tracks = [track(&[20, 20, 7])];
    let edits = facts(&tracks, None, false).edits(&uses, &nothing);
    assert_eq!(edits[&2].timeline, TimelineEdit::Remove);
    assert_eq!(edits[&3].duration, Some((2000, 1000)));
}

#[test]
fn a_timeline_with_times_slides() {
    let entries = vec![Entry { time: 0, duration: 20 }; 2];
    let uses = [(0, template("$Time$", Timing::Timeline(entries)))];
    let tracks = [track(&[20, 21])];
    let length = Ticks::new(4, 1);
    let looped = Loop { length, media: length, counts: vec![2] };
    let facts = facts(&tracks, Some(&looped), false);
    let listed = |_| vec![Slot { segment: 1, lap: 0 }, Slot { segment: 0, lap: 1 }];
    let edit = &facts.edits(&uses, &listed)[&2];
    // The second would reach a tenth into the next lap.
    let wanted = vec![Entry { time: 20, duration: 20 }, Entry { time: 40, duration: 20 }];
    assert_eq!(edit.timeline, TimelineEdit::Replace(wanted));
    assert_eq!(edit.start_number, Some(2));
}

#[test]
fn a_recording_that_starts_late_keeps_numbers_and_times_true() {
    let mut late = track(&[20, 20]);
    for segment in &mut late.segments {
        segment.number += 4;
    }
    let uses = [(0, template("$Number$", Timing::Fixed(20)))];
    let tracks = [late];
    let facts = Facts { origin: Duration::from_secs(8), ..facts(&tracks, None, false) };
    let edit = &facts.edits(&uses, &nothing)[&3];
    assert_eq!((edit.start_number, edit.presentation_time_offset), (Some(5), Some(80)));
}

#[test]
fn a_loop_that_is_not_as_long_as_the_numbers_say_corrects_the_duration() {
    let uses = [(0, template("$Number$", Timing::Fixed(20)))];
    let tracks = [track(&[20, 20])];
    let length = Ticks::new(4004, 1000);
    let looped = Loop { length, media: length, counts: vec![2] };
    let edit = &facts(&tracks, Some(&looped), false).edits(&uses, &nothing)[&3];
    let (ticks, timescale) = edit.duration.expect("corrected");
    assert_eq!(ticks * 1000, 2002 * timescale);
}
