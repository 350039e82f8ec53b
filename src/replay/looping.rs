//! Finding the lap of a loop, and how far later laps lie behind. Pure.

use super::recording::{Ticks, Track};
use super::schedule::Loop;
use std::time::Duration;

/// The longest lap that all tracks can make with whole segments; the reason if there is none.
pub(crate) fn find_loop(tracks: &[Track]) -> Result<Loop, String> {
    let main = tracks.iter().position(|track| track.video).unwrap_or(0);
    let Some(reference) = tracks.get(main) else { return Err("it has no segments".into()) };
    let whole = whole_segments(reference);
    for count in (1..=whole).rev() {
        let (first, last) = (&reference.segments[0], &reference.segments[count - 1]);
        let lap = last.end.saturating_sub(first.start);
        let counts: Option<Vec<_>> =
            tracks.iter().map(|track| fitting(track, first.start, lap)).collect();
        if let Some(mut counts) = counts {
            counts[main] = count;
            let media = media_length(reference, count);
            // Times of the presentation are rounded: the media tell the length exactly.
            let paced = media.duration().abs_diff(lap) > Duration::from_micros(1);
            let length = if paced { Ticks::from_duration(lap) } else { media };
            return Ok(Loop { length, media, counts });
        }
    }
    Err("its tracks share no point in time at which all of them start a segment".into())
}

/// All segments but a last one that is cut short: it would leave a hole where numbers tell times.
fn whole_segments(track: &Track) -> usize {
    let lengths = || track.segments.iter().map(|segment| segment.end.saturating_sub(segment.start));
    let longest = lengths().max().unwrap_or_default();
    let short = lengths().next_back().is_some_and(|last| last < longest * 3 / 4);
    track.segments.len() - usize::from(short && track.segments.len() > 1)
}

/// The exact length of a track's first segments.
fn media_length(track: &Track, count: usize) -> Ticks {
    let (first, last) = (&track.segments[0], &track.segments[count - 1]);
    match (track.timescale(), first.media, last.media) {
        (Some(timescale), Some(from), Some(to)) if to.end > from.start => {
            Ticks::new(to.end - from.start, u64::from(timescale))
        }
        _ => Ticks::from_duration(last.end.saturating_sub(first.start)),
    }
}

/// How many segments of a track fill a lap; `None` when they end far from its end.
fn fitting(track: &Track, origin: Duration, lap: Duration) -> Option<usize> {
    let first = &track.segments[0];
    let usual = first.end.saturating_sub(first.start);
    let edge = origin + lap.saturating_sub(usual / 4);
    let count = track.segments.iter().take_while(|segment| segment.start < edge).count();
    let end = track.segments[count.checked_sub(1)?].end.saturating_sub(origin);
    (end.abs_diff(lap) < usual / 4).then_some(count)
}

/// How far a lap of a track lies behind the recording, in ticks of the track.
///
/// Audio moves by whole frames, so that frame follows frame; rounding each lap anew keeps it
/// within half a frame of the picture for ever.
pub(crate) fn lap_offset(track: &Track, length: Ticks, lap: u64) -> u64 {
    let timescale = u64::from(track.timescale().unwrap_or(1));
    let exact = length.times_in(lap, timescale);
    let frame = frame(track);
    (exact + frame / 2) / frame * frame
}

/// Length of an audio frame in ticks; 1 for other media.
pub(crate) fn frame(track: &Track) -> u64 {
    let sample = track.segments.first().and_then(|segment| segment.media?.sample);
    match sample {
        Some(sample) if !track.video && sample > 0 => u64::from(sample),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::{Init, TrackInfo};
    use crate::replay::recording::Media;
    use crate::replay::testing::track;
    use proptest::prelude::*;

    #[test]
    fn a_last_segment_that_is_cut_short_is_left_out() {
        let looped = find_loop(&[track(&[20, 20, 11])]).expect("a loop");
        assert_eq!((looped.length.duration(), looped.counts), (Duration::from_secs(4), vec![2]));
    }

    #[test]
    fn a_frame_that_hangs_over_is_left_out() {
        let tracks = [track(&[20, 20]), track(&[20, 21, 1])];
        assert_eq!(find_loop(&tracks).expect("a loop").counts, [2, 2]);
    }

    #[test]
    fn tracks_with_other_lengths_meet_where_they_can() {
        let looped = find_loop(&[track(&[20, 20, 20]), track(&[40, 40])]).expect("a loop");
        assert_eq!(looped.counts, [2, 1]);
        assert!(find_loop(&[track(&[20, 20]), track(&[30])]).is_err());
    }

    fn audio(frame: u32) -> Track {
        let mut audio = track(&[20]);
        audio.video = false;
        let media = Media { start: 0, end: 96_000, sample: Some(frame), sequence: (1, 4) };
        audio.segments[0].media = Some(media);
        let info = TrackInfo { id: 1, timescale: 48_000, handler: *b"soun", default_duration: 0 };
        audio.init = Some(Init { tracks: vec![info] });
        audio
    }

    proptest! {
        #[test]
        fn audio_moves_by_whole_frames_and_never_drifts(frame in 1..3000_u32, lap in 0..1_000_000_u64) {
            let offset = lap_offset(&audio(frame), Ticks::new(2, 1), lap);
            prop_assert_eq!(offset % u64::from(frame), 0);
            prop_assert!(offset.abs_diff(lap * 96_000) <= u64::from(frame) / 2);
        }
    }
}
