//! From the media's own times to times of the presentation. Pure.

use super::draft::{Draft, DraftSegment};
use super::media::Scan;
use super::recording::{Chunk, NANOS, Segment};
use crate::cmaf::Init;
use crate::mpd::from_nanos;
use std::ops::Range;
use std::time::Duration;

/// About how long the pieces are that an MPEG transport stream is cut into.
const PIECE: Duration = Duration::from_millis(200);

/// Bytes of a transport stream's packet: pieces are cut between packets.
const PACKET: u64 = 188;

/// Spreads a segment over another span of time.
pub(super) fn repace(segment: &mut Segment, start: Duration, each: Duration) {
    let old = segment.end.saturating_sub(segment.start).as_secs_f64().max(1e-9);
    for chunk in &mut segment.chunks {
        let share = chunk.end.saturating_sub(segment.start).as_secs_f64() / old;
        chunk.end = start + each.mul_f64(share.clamp(0.0, 1.0));
    }
    (segment.start, segment.end) = (start, start + each);
}

/// Turns the media's own times into times of the presentation.
#[derive(Debug)]
pub(super) struct Timing<'a> {
    init: Option<&'a Init>,
    timescale: Option<u64>,
    /// A decode time in ticks, and the presentation time in nanoseconds that it belongs to.
    anchor: Option<(i128, i128)>,
    origin: Duration,
    /// Whether the manifest's times are no more than a guess.
    guessed: bool,
}

impl<'a> Timing<'a> {
    /// For the segments of one draft, in their order; `origin` is how far into the recorded
    /// presentation the replay starts.
    pub(super) fn new(init: Option<&'a Init>, draft: &Draft, origin: Duration) -> Self {
        Self { init, timescale: draft.timescale, guessed: draft.guessed, anchor: None, origin }
    }

    /// A segment with the times that its boxes tell, or else with those of the manifest.
    pub(super) fn time(&mut self, draft: DraftSegment, scan: &Scan) -> Segment {
        let nominal = [draft.start, draft.end].map(|time| time.saturating_sub(self.origin));
        let timescale = self.init.and_then(Init::main_track).map(|track| track.timescale);
        let times = timescale.zip(scan.media.as_ref()).and_then(|(timescale, media)| {
            let place = self.anchor(&draft, media.start, timescale);
            let time = |ticks: u64| since(place, ticks, timescale);
            let start = time(media.start);
            // Times that contradict the manifest's start anew somewhere: those do not count.
            let tolerance = (nominal[1].saturating_sub(nominal[0])).max(Duration::from_secs(1));
            let sound = self.guessed || start.abs_diff(nominal[0]) <= tolerance;
            let chunk =
                |(bytes, end): &(Range<u64>, u64)| Chunk { bytes: bytes.clone(), end: time(*end) };
            sound.then(|| (start, time(media.end), scan.chunks.iter().map(chunk).collect()))
        });
        let transport = draft.source.ends_with(".ts");
        let (start, end, chunks) =
            times.unwrap_or_else(|| (nominal[0], nominal[1], pieces(scan.len, nominal, transport)));
        let DraftSegment { source, number, time, ticks, .. } = draft;
        Segment {
            source,
            number,
            time,
            ticks,
            start,
            end,
            chunks,
            media: scan.media.clone(),
            tail: None,
        }
    }

    /// The first segment ties the media's times to the presentation's: as the manifest says if
    /// the media agrees to within a segment, else so that the segment starts when it should.
    fn anchor(&mut self, draft: &DraftSegment, decode: u64, timescale: u32) -> (i128, i128) {
        let start = draft.start.saturating_sub(self.origin).as_nanos().cast_signed();
        *self.anchor.get_or_insert_with(|| {
            let said = self.timescale.map(|from| {
                let ticks =
                    u128::from(draft.time) * u128::from(timescale) / u128::from(from.max(1));
                ticks.cast_signed()
            });
            let length = draft.end.saturating_sub(draft.start).as_nanos();
            let tolerance = (length * u128::from(timescale) / NANOS).cast_signed();
            let decode = i128::from(decode);
            let agreed = said.filter(|said| (said - decode).abs() <= tolerance);
            (agreed.unwrap_or(decode), start)
        })
    }
}

/// The presentation time of a decode time.
fn since((tick, nanos): (i128, i128), ticks: u64, timescale: u32) -> Duration {
    let distance = (i128::from(ticks) - tick) * NANOS.cast_signed() / i128::from(timescale);
    from_nanos(u128::try_from(nanos + distance).unwrap_or(0))
}

/// A file of which only the length is known, in one piece; a transport stream in several, at
/// even pace.
fn pieces(len: u64, [start, end]: [Duration; 2], transport: bool) -> Vec<Chunk> {
    let span = end.saturating_sub(start);
    let wanted = u64::try_from(span.as_nanos().div_ceil(PIECE.as_nanos())).unwrap_or(1);
    let count = if transport { wanted.min(len / PACKET).max(1) } else { 1 };
    let cut = |index: u64| if index == count { len } else { len * index / count / PACKET * PACKET };
    let chunk = |index: u64| {
        let share = from_nanos(span.as_nanos() * u128::from(index + 1) / u128::from(count));
        Chunk { bytes: cut(index)..cut(index + 1), end: start + share }
    };
    (0..count).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::TrackInfo;
    use crate::replay::recording::{Media, Naming};
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn init() -> Init {
        let info = TrackInfo {
            id: 1,
            timescale: 1000,
            handler: *b"vide",
            default_duration: 0,
            default_flags: 0,
        };
        Init { tracks: vec![info] }
    }

    /// A segment of 2 s that starts at a manifest's time in ticks of a tenth of a second.
    fn segment(time: u64) -> DraftSegment {
        let start = Duration::from_millis(time * 100);
        let source = "1.m4s".to_string();
        DraftSegment { source, number: 1, time, ticks: 20, start, end: start + 2 * SECOND }
    }

    fn draft(guessed: bool) -> Draft {
        let naming = Naming::of_names(&["1.m4s"]).0;
        Draft { segments: vec![], init: None, naming, video: true, timescale: Some(10), guessed }
    }

    /// Two chunks of 1 s from a decode time in milliseconds on.
    fn scan(start: u64) -> Scan {
        let media = Media { start, end: start + 2000, sequence: (1, 2), tracks: vec![] };
        let chunks = vec![(0..10, start + 1000), (10..20, start + 2000)];
        Scan { len: 20, chunks, media: Some(media) }
    }

    fn ends(segment: &Segment) -> Vec<u128> {
        segment.chunks.iter().map(|chunk| chunk.end.as_millis()).collect()
    }

    #[test]
    fn a_manifest_that_agrees_is_believed() {
        let init = init();
        let mut timing = Timing::new(Some(&init), &draft(false), Duration::ZERO);
        // 20 ms late by the manifest: late it stays.
        assert_eq!(ends(&timing.time(segment(0), &scan(20))), [1020, 2020]);
        assert_eq!(ends(&timing.time(segment(20), &scan(2000))), [3000, 4000]);
    }

    #[test]
    fn media_that_count_from_elsewhere_start_when_they_should() {
        let init = init();
        let mut timing = Timing::new(Some(&init), &draft(false), SECOND);
        assert_eq!(ends(&timing.time(segment(10), &scan(90_000))), [1000, 2000]);
        assert_eq!(ends(&timing.time(segment(30), &scan(92_000))), [3000, 4000]);
        // Time stamps that start anew count no more: the manifest does.
        assert_eq!(ends(&timing.time(segment(50), &scan(0))), [6000]);
    }

    #[test]
    fn a_guess_yields_to_the_media() {
        let init = init();
        let mut timing = Timing::new(Some(&init), &draft(true), Duration::ZERO);
        timing.time(segment(0), &scan(0));
        assert_eq!(ends(&timing.time(segment(50), &scan(2000))), [3000, 4000]);
    }

    #[test]
    fn another_pace_stretches_the_chunks() {
        let init = init();
        let mut timing = Timing::new(Some(&init), &draft(false), Duration::ZERO);
        let mut timed = timing.time(segment(0), &scan(0));
        repace(&mut timed, 10 * SECOND, 4 * SECOND);
        assert_eq!((ends(&timed), timed.end), (vec![12_000, 14_000], 14 * SECOND));
    }

    proptest! {
        #[test]
        fn pieces_of_a_transport_stream_are_whole_packets(packets in 0..500_u64, tail in 0..188_u64) {
            let len = packets * PACKET + tail;
            let pieces = pieces(len, [SECOND, 3 * SECOND], true);
            prop_assert_eq!((pieces[0].bytes.start, pieces[pieces.len() - 1].bytes.end), (0, len));
            let joined = |pair: &[Chunk]| pair[0].bytes.end == pair[1].bytes.start;
            prop_assert!(pieces.windows(2).all(joined));
            let (_, rest) = pieces.split_last().expect("at least one");
            let cut = rest.len().max(1);
            prop_assert!(pieces[..cut].iter().all(|p| p.bytes.end % PACKET == 0 || p.bytes.end == len));
            prop_assert_eq!(pieces[pieces.len() - 1].end, 3 * SECOND);
        }
    }
}
