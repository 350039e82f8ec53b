//! Chunks and segments that are edited, against boxes that the tests build.

use super::*;
use crate::cmaf::testing::{chunk, emsg, init, moof, moof_v0, sidx};
use proptest::prelude::*;

fn moved(chunk: &[u8], init: &Init, offset: u64, insert_prft: bool) -> Vec<u8> {
    let how = Shift {
        init,
        offset: &|_| offset,
        limit: &|_| u64::MAX,
        sequence: 10,
        ntp: &|_, time| time * 2,
        insert_prft,
    };
    shift(chunk, &how).expect("valid")
}

fn video() -> Init {
    Init::parse(&init(1, 1000, *b"vide", 40)).expect("valid")
}

fn boxes(data: &[u8]) -> Vec<BoxRef<'_>> {
    Boxes::new(data).collect::<Result<_, _>>().expect("valid boxes")
}

#[test]
fn moves_decode_time_and_sequence_and_nothing_else() {
    let before = chunk(&moof(3, 1, 500, &[4, 4], None), &[4, 4]);
    let after = moved(&before, &video(), 2000, false);
    let fragment = Fragment::parse(&after, &video()).expect("valid");
    assert_eq!((fragment.sequence, fragment.runs[0].start), (13, 2500));
    let differing = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert_eq!((after.len(), differing), (before.len(), 3));
}

#[test]
fn a_32_bit_decode_time_that_overflows_becomes_64_bits() {
    let before = chunk(&moof_v0(1, 1, u32::MAX - 5, &[4]), &[4]);
    let near = moved(&before, &video(), 5, false);
    assert_eq!(near.len(), before.len());
    let far = moved(&before, &video(), 6, false);
    assert_eq!(far.len(), before.len() + 4);
    let start = Fragment::parse(&far, &video()).expect("valid").runs[0].start;
    assert_eq!(start, 1 << 32);
    // The data offset points behind the mdat's header still.
    let at = data_offsets(&far).expect("valid")[0];
    assert_eq!(u32_at(&far, at).expect("there") as usize, far.len() - 4);
}

#[test]
fn moves_sidx_and_emsg_and_counts_an_inserted_prft() {
    let media = chunk(&moof(1, 1, 500, &[4], None), &[4]);
    let size = u32::try_from(media.len()).expect("small");
    let before = [sidx(1, 500, 250, size, 20), emsg(1000, 700), media].concat();
    // A sidx in front of the emsg does not describe exactly what follows: it is left out.
    assert_eq!(boxes(&moved(&before, &video(), 2000, true))[0].kind, *b"emsg");
    let tail = &before[boxes(&before)[1].range().end..];
    let before = [emsg(1000, 700), sidx(1, 500, 250, size, 20), tail.to_vec()].concat();
    let after = moved(&before, &video(), 2000, true);
    let found = boxes(&after);
    let kinds: Vec<_> = found.iter().map(|b| b.kind).collect();
    assert_eq!(kinds, [*b"emsg", *b"sidx", *b"prft", *b"moof", *b"mdat"]);
    assert_eq!(u64_at(found[0].body, 8), Ok(2700));
    assert_eq!(u64_at(found[1].body, 12), Ok(1250));
    assert_eq!(u32_at(found[1].body, 32), Ok(size + 32));
}

#[test]
fn a_prft_tells_the_present() {
    let media = chunk(&moof(1, 1, 500, &[4], None), &[4]);
    let inserted = moved(&media, &video(), 2000, true);
    assert_eq!(u64_at(boxes(&inserted)[0].body, 8), Ok(5000));
    let again = moved(&inserted, &video(), 2000, true);
    let found = boxes(&again);
    assert_eq!((u64_at(found[0].body, 8), u64_at(found[0].body, 16)), (Ok(9000), Ok(4500)));
    assert_eq!(found.len(), 3);
}

#[test]
fn what_is_no_fragment_stays() {
    let data = make(*b"free", b"anything");
    assert_eq!(moved(&data, &video(), 9, true), data);
}

proptest! {
    #[test]
    fn moving_twice_is_moving_by_the_sum(a in 0..1_u64 << 40, b in 0..1_u64 << 40, time: u32) {
        let before = chunk(&moof_v0(1, 1, time, &[3, 1]), &[3, 1]);
        let twice = moved(&moved(&before, &video(), a, false), &video(), b, false);
        let once = moved(&moved(&before, &video(), a + b, false), &video(), 0, false);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn never_panics(data: Vec<u8>, at: prop::sample::Index, value: u8) {
        let media = chunk(&moof(1, 1, 500, &[4], None), &[4]);
        let mut bytes = [sidx(1, 500, 250, 99, 20), emsg(1000, 700), media].concat();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let init = video();
        let how = Shift {
            init: &init,
            offset: &|_| u64::MAX,
            limit: &|_| 600,
            sequence: u32::MAX,
            ntp: &|_, _| 0,
            insert_prft: true,
        };
        let _ = shift(&bytes, &how);
        let _ = shift(&data, &how);
    }
}
