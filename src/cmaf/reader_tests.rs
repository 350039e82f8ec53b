//! Chunks from bytes: of real packagers' layouts, of bytes cut anywhere, of lies.

use super::*;
use crate::cmaf::{
    boxes::make,
    testing::{chunk, emsg, init, moof, sidx},
};
use proptest::prelude::*;

fn video() -> Arc<Init> {
    Arc::new(Init::parse(&init(1, 90_000, *b"vide", 3000)).expect("valid"))
}

/// `styp`, then three chunks: with a `prft`, with an `emsg` and a `sidx`, bare.
fn segment() -> Vec<u8> {
    let frames = |number, time| chunk(&moof(number, 1, time, &[10, 20], None), &[10, 20]);
    [
        make(*b"styp", b"msdh\0\0\0\0msdhlmsg"),
        prft::prft(1, 7 << 32, 90_000, 24),
        frames(1, 90_000),
        emsg(90_000, 5),
        sidx(1, 90_000, 0, 9, 9),
        frames(2, 96_000),
        frames(3, 102_000),
    ]
    .concat()
}

fn read(bytes: &[u8], cuts: &[usize]) -> (Vec<Chunk>, ChunkReader) {
    let (mut reader, mut chunks, mut rest) = (ChunkReader::new(video()), Vec::new(), bytes);
    for cut in cuts {
        let (head, tail) = rest.split_at((*cut).min(rest.len()));
        reader.push(head, &mut chunks);
        rest = tail;
    }
    reader.push(rest, &mut chunks);
    (chunks, reader)
}

#[test]
fn chunks_lie_side_by_side_and_cover_the_segment() {
    let bytes = segment();
    let (chunks, reader) = read(&bytes, &[]);
    let starts: Vec<u64> = chunks.iter().map(|chunk| chunk.start).collect();
    assert_eq!(starts, [90_000, 96_000, 102_000]);
    assert!(chunks.iter().all(|chunk| chunk.duration == 6000));
    assert_eq!((chunks[0].offset, chunks[2].end()), (0, bytes.len() as u64));
    assert!(chunks.windows(2).all(|pair| pair[0].end() == pair[1].offset));
    let reference = Reference { ntp: 7 << 32, media_time: 90_000 };
    assert_eq!(chunks[0].reference, Some(reference));
    assert_eq!(chunks[1].reference, None);
    assert!(reader.is_last() && !reader.is_broken());
}

/// A `moof` with one sample, whose flags stand where `place` says.
fn flagged(place: &str, flags: u32) -> Vec<u8> {
    let word = |word: u32| word.to_be_bytes().to_vec();
    let tfhd_flags = if place == "tfhd" { 0x02_003a } else { 0x02_0000 };
    let mut tfhd = [word(tfhd_flags), word(1)].concat();
    if place == "tfhd" {
        tfhd.extend([word(1), word(3000), word(9), word(flags)].concat());
    }
    let (trun_flags, rest) = match place {
        "first" => (0x005, [word(0), word(flags)].concat()),
        "sample" => (0x701, [word(0), word(3000), word(9), word(flags)].concat()),
        _ => (0x001, word(0)),
    };
    let trun = [word(trun_flags), word(1), rest].concat();
    let tfdt = [word(0), word(0)].concat();
    let traf = [make(*b"tfhd", &tfhd), make(*b"tfdt", &tfdt), make(*b"trun", &trun)].concat();
    [make(*b"moof", &make(*b"traf", &traf)), make(*b"mdat", &[0; 9])].concat()
}

#[test]
fn independence_is_read_wherever_it_stands() {
    for place in ["first", "sample", "tfhd"] {
        for (flags, wanted) in [(0x0200_0000, true), (0x0101_0000, false), (0, true)] {
            let (chunks, _) = read(&flagged(place, flags), &[]);
            assert_eq!(chunks[0].is_independent, wanted, "{place} {flags:x}");
        }
    }
    assert!(read(&flagged("trex", 0), &[]).0[0].is_independent);
}

#[test]
fn what_has_no_times_is_broken() {
    let bytes = [make(*b"moof", b"nonsense"), make(*b"mdat", b"")].concat();
    assert!(read(&bytes, &[]).1.is_broken());
    assert!(read(b"\0\0\0\0mdat", &[]).1.is_broken(), "a box without an end");
    assert!(read(b"\0\0\0\x03mdat", &[]).1.is_broken());
}

#[test]
fn memory_is_bounded_whatever_a_box_says() {
    let mut reader = ChunkReader::new(video());
    reader.push(b"\xff\xff\xff\xffmoof", &mut Vec::new());
    for _ in 0..40 {
        reader.push(&[0; 100_000], &mut Vec::new());
    }
    assert!(reader.kept.capacity() <= 2 * MAX_BOX_BYTES);
}

proptest! {
    #[test]
    fn cuts_make_no_difference(cuts in proptest::collection::vec(1..40_usize, 0..40)) {
        let bytes = segment();
        prop_assert_eq!(read(&bytes, &cuts).0, read(&bytes, &[]).0);
    }

    #[test]
    fn never_panics(bytes: Vec<u8>, at in 0..500_usize, value: u8) {
        read(&bytes, &[]);
        let mut bytes = segment();
        let at = at % bytes.len();
        bytes[at] = value;
        read(&bytes, &[]);
    }
}
