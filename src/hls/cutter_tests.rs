//! How segments are cut into parts.

use super::*;
use proptest::prelude::*;

/// `count` chunks of so many microseconds.
fn pieces(count: u32, micros: u64) -> Vec<Piece> {
    let chunk = Duration::from_micros(micros);
    let piece = |at: u32| Piece {
        range: u64::from(at) * 100..u64::from(at + 1) * 100,
        start: chunk * at,
        duration: chunk,
        is_independent: at == 0,
    };
    (0..count).map(piece).collect()
}

fn cut(target: PartTarget, expected: Duration, pieces: &[Piece]) -> Vec<Cut> {
    let (mut cutter, mut parts) = (Cutter::new(target, expected), Vec::new());
    pieces.iter().for_each(|piece| cutter.push(piece, &mut parts));
    cutter.finish(pieces.last().map_or(0, |piece| piece.range.end), &mut parts);
    parts
}

/// How many chunks are in each part of a segment of `count` chunks, when the wish is in
/// milliseconds and segments are that long.
fn counts(count: u32, micros: u64, wish: u64) -> (u64, Vec<u64>) {
    let pieces = pieces(count, micros);
    let target = PartTarget::choose(&pieces, Duration::from_millis(wish)).expect("parts");
    let parts = cut(target, Duration::from_micros(micros) * count, &pieces);
    let chunks = parts.iter().map(|part| (part.range.end - part.range.start) / 100).collect();
    (u64::try_from(target.target.as_micros()).expect("short"), chunks)
}

#[test]
fn parts_are_runs_of_frames() {
    assert_eq!(counts(50, 40_000, 200), (200_000, vec![5; 10]));
    assert_eq!(counts(60, 33_333, 500), (500_000, vec![15; 4]));
}

#[test]
fn a_chunk_that_is_longer_than_the_wish_is_a_part() {
    assert_eq!(counts(4, 500_000, 200), (500_000, vec![1; 4]));
}

#[test]
fn the_target_is_a_run_of_chunks_where_the_wish_cannot_be_met() {
    // 4 of 5 frames at 24 fps would be 83 % of 0.2 s.
    assert_eq!(counts(48, 41_667, 200), (166_668, vec![4; 12]));
    assert_eq!(counts(6, 300_000, 500), (300_000, vec![1; 6]));
}

#[test]
fn a_tiny_rest_is_spread_over_the_parts_before_it() {
    // 4 × 12 frames would leave 2.
    assert_eq!(counts(50, 40_000, 500), (500_000, vec![11, 11, 11, 11, 6]));
    // Audio at 44.1 kHz: 4 × 21 frames would leave 2.
    let (_, chunks) = counts(86, 23_220, 500);
    assert_eq!(chunks.iter().sum::<u64>(), 86);
    assert!(chunks.iter().all(|count| *count >= 8), "{chunks:?}");
}

#[test]
fn a_rest_that_fits_joins_the_part_before_it() {
    let mut all = pieces(11, 40_000);
    let target = PartTarget::choose(&all, Duration::from_millis(500)).expect("parts");
    let last = Piece { range: 1100..1110, duration: Duration::from_millis(20), ..all[10].clone() };
    all.push(last);
    let parts = cut(target, Duration::from_millis(460), &all);
    assert_eq!(parts.len(), 1, "{parts:?}");
}

#[test]
fn a_segment_of_one_chunk_has_no_parts() {
    assert_eq!(PartTarget::choose(&pieces(1, 2_000_000), Duration::from_millis(500)), None);
}

#[test]
fn trailing_bytes_go_with_the_last_part() {
    let pieces = pieces(7, 40_000);
    let target = PartTarget::choose(&pieces, Duration::from_millis(200)).expect("parts");
    let (mut cutter, mut parts) = (Cutter::new(target, Duration::from_secs(2)), Vec::new());
    pieces.iter().for_each(|piece| cutter.push(piece, &mut parts));
    cutter.finish(777, &mut parts);
    assert_eq!((parts[0].range.clone(), parts[1].range.clone()), (0..500, 500..777));
}

proptest! {
    /// EXT-X-PART: whatever the chunks, parts are contiguous and not longer than the target;
    /// all but the last reach 85 % where chunks are alike.
    #[test]
    fn parts_keep_the_rules(count in 2..200_u32, micros in 5_000..700_000_u64, wish in 100..1000_u64,
                            off in -2..3_i32) {
        let pieces = pieces(count, micros);
        let target = PartTarget::choose(&pieces, Duration::from_millis(wish)).expect("parts");
        let expected = Duration::from_micros(micros) * count.saturating_add_signed(off);
        let parts = cut(target, expected, &pieces);
        prop_assert_eq!(parts[0].range.start, 0);
        prop_assert_eq!(parts[parts.len() - 1].range.end, u64::from(count) * 100);
        prop_assert!(parts.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        for (at, part) in parts.iter().enumerate() {
            prop_assert!(part.duration <= target.most(), "{part:?} of {target:?}");
            let is_last = at + 1 == parts.len();
            prop_assert!(is_last || part.duration + ROUNDING >= least(target.target), "{parts:?}");
        }
    }

    /// Chunks of any lengths: never longer than the target, unless a chunk is.
    #[test]
    fn parts_of_uneven_chunks(lengths in proptest::collection::vec(0..400_000_u64, 2..80)) {
        let mut at = 0;
        let pieces: Vec<Piece> = lengths.iter().map(|micros| {
            at += 1;
            let duration = Duration::from_micros(*micros);
            Piece { range: at - 1..at, start: Duration::ZERO, duration, is_independent: false }
        }).collect();
        let target = PartTarget::choose(&pieces, Duration::from_millis(200)).expect("parts");
        let parts = cut(target, Duration::from_secs(2), &pieces);
        prop_assert!(parts.iter().all(|part| part.duration <= target.most()));
        let total: Duration = parts.iter().map(|part| part.duration).sum();
        prop_assert_eq!(total, Duration::from_micros(lengths.iter().sum()));
    }
}
