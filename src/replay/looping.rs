//! Finding the lap of a loop, and how far later laps lie behind. Pure.

use super::recording::{Chunk, Ticks, Track};
use super::schedule::Loop;
use crate::cmaf::{Init, TrackInfo};
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
    match (track.timescale(), &first.media, &last.media) {
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

/// Fills the lap of tracks whose last segment ends before it does, with the first chunks of the
/// segment that follows in the recording: audio is not cut where video is.
pub(crate) fn fill_up(tracks: &mut [Track], looped: &Loop) {
    let start = tracks.iter().find(|track| track.video).or(tracks.first());
    let start = start.map(|track| track.segments[0].start).unwrap_or_default();
    let end = start + looped.media.duration();
    for (track, count) in tracks.iter_mut().zip(&looped.counts) {
        let (lap, rest) = track.segments.split_at_mut(*count);
        let (Some(last), Some(next)) = (lap.last_mut(), rest.first()) else { continue };
        if track.video || next.media.is_none() || next.start >= end || last.end > next.start {
            continue;
        }
        let len = last.chunks.last().map_or(0, |chunk| chunk.bytes.end);
        let starts = std::iter::once(next.start).chain(next.chunks.iter().map(|chunk| chunk.end));
        let wanted = next.chunks.iter().zip(starts).take_while(|(_, start)| *start < end);
        let moved = |(chunk, _): (&Chunk, Duration)| Chunk {
            bytes: chunk.bytes.start + len..chunk.bytes.end + len,
            end: chunk.end.min(end),
        };
        let added: Vec<_> = wanted.map(moved).collect();
        let Some(bytes) = added.last().map(|chunk| chunk.bytes.end - len) else { continue };
        if let Some(media) = &mut last.media {
            let more = u32::try_from(added.len()).unwrap_or(0);
            media.sequence.1 = media.sequence.1.wrapping_add(more);
        }
        last.chunks.extend(added);
        last.end = end;
        last.tail = Some((next.source.clone(), bytes));
    }
}

/// How far a lap lies behind the recording, in ticks of the track that paces the segments.
pub(crate) fn lap_offset(track: &Track, length: Ticks, lap: u64) -> u64 {
    let main = track.init.as_ref().and_then(Init::main_track);
    main.map_or(0, |main| offset_of(track, main, length, lap))
}

/// How far a lap lies behind the recording, in ticks of one of the tracks in the segments.
///
/// Audio moves by whole frames, so that frame follows frame; rounding each lap anew keeps it
/// within half a frame of the picture for ever.
pub(crate) fn offset_of(track: &Track, info: &TrackInfo, length: Ticks, lap: u64) -> u64 {
    let exact = length.times_in(lap, u64::from(info.timescale));
    let sample = track.media_of(info.id).and_then(|media| media.sample);
    let frame = match sample {
        Some(sample) if info.handler == *b"soun" => u64::from(sample.max(1)),
        _ => 1,
    };
    (exact + frame / 2) / frame * frame
}

/// Decode time in the recording, in ticks of the track, from which on audio frames would overlap
/// those of the next lap; the end of time for other tracks.
pub(crate) fn limit_of(track: &Track, info: &TrackInfo, length: Ticks, lap: u64) -> u64 {
    match track.media_of(info.id) {
        Some(media) if info.handler == *b"soun" => {
            let next = offset_of(track, info, length, lap + 1);
            media.start + (next - offset_of(track, info, length, lap))
        }
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::recording::{Media, TrackMedia};
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

    #[test]
    fn a_lap_that_audio_does_not_fill_borrows_from_what_follows() {
        let mut tracks = [track(&[20, 20, 5]), track(&[20, 19, 6])];
        tracks[1].video = false;
        for segment in &mut tracks[1].segments {
            let media = Media { start: 0, end: 0, sequence: (1, 1), tracks: vec![] };
            segment.media = Some(media);
        }
        let looped = find_loop(&tracks).expect("a loop");
        fill_up(&mut tracks, &looped);
        let last = &tracks[1].segments[1];
        assert_eq!(last.tail, Some(("s3.m4s".to_string(), 10)));
        let end = Duration::from_secs(4);
        assert_eq!(last.chunks[1], Chunk { bytes: 10..20, end });
        assert_eq!(tracks[0].segments[1].tail, None);
    }

    fn audio(frame: u32) -> Track {
        let mut audio = track(&[20]);
        audio.video = false;
        let tracks = vec![TrackMedia { id: 1, start: 0, sample: Some(frame) }];
        let media = Media { start: 0, end: 96_000, sequence: (1, 4), tracks };
        audio.segments[0].media = Some(media);
        let info = TrackInfo {
            id: 1,
            timescale: 48_000,
            handler: *b"soun",
            default_duration: 0,
            default_flags: 0,
        };
        audio.init = Some(Init { tracks: vec![info] });
        audio
    }

    proptest! {
        #[test]
        fn audio_moves_by_whole_frames_and_never_drifts(frame in 1..3000_u32, lap in 0..1_000_000_u64) {
            let offset = lap_offset(&audio(frame), Ticks::new(2, 1), lap);
            prop_assert_eq!(offset % u64::from(frame), 0);
            prop_assert!(offset.abs_diff(lap * 96_000) <= u64::from(frame) / 2);
            // Whole frames up to the limit end where the next lap starts.
            let audio = audio(frame);
            let info = audio.init.as_ref().and_then(Init::main_track).expect("a track");
            let limit = limit_of(&audio, info, Ticks::new(2, 1), lap);
            prop_assert_eq!(offset + limit, lap_offset(&audio, Ticks::new(2, 1), lap + 1));
        }
    }
}
