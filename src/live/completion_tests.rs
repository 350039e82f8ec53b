//! The contract's heading "Growing files": who ends cleanly and who is cut.

use super::*;
use proptest::prelude::*;

fn mp4(kind: &[u8; 4], payload: usize) -> Vec<u8> {
    let size = u32::try_from(payload + 8).expect("small");
    [&size.to_be_bytes()[..], kind, &vec![0; payload]].concat()
}

fn whole(container: Container, bytes: &[u8]) -> bool {
    let mut tail = Tail::new(container);
    tail.push(bytes);
    tail.is_whole()
}

#[test]
fn growing_a_file_ends_after_a_whole_box() {
    let segment = [mp4(b"styp", 16), mp4(b"moof", 40), mp4(b"mdat", 100)].concat();
    assert!(whole(Container::Boxes, &segment));
    for end in 1..segment.len() {
        assert!(!whole(Container::Boxes, &segment[..end]), "{end} bytes");
    }
    assert!(whole(Container::Boxes, &[mp4(b"ftyp", 8), mp4(b"moov", 30)].concat()));
}

#[test]
fn growing_large_and_open_boxes() {
    let mut large = [&1u32.to_be_bytes()[..], b"mdat", &24u64.to_be_bytes(), &[0; 8]].concat();
    assert!(whole(Container::Boxes, &large));
    large.pop();
    assert!(!whole(Container::Boxes, &large));
    let open = [&0u32.to_be_bytes()[..], b"mdat", &[0; 99]].concat();
    assert!(whole(Container::Boxes, &open));
}

#[test]
fn growing_what_is_no_box_may_end_anywhere() {
    assert!(whole(Container::Boxes, &[0x93; 33]), "an encrypted segment");
    assert!(
        !whole(Container::Boxes, &[mp4(b"mdat", 9), vec![0; 9]].concat()),
        "garbage at the end"
    );
    assert!(whole(Container::Plain, &[1; 7]));
}

#[test]
fn growing_transport_streams_end_after_whole_packets() {
    let packets = [[0x47; 188], [0x47; 188]].concat();
    assert!(whole(Container::Ts, &packets));
    assert!(!whole(Container::Ts, &packets[..200]));
    assert!(whole(Container::Ts, &[0x12; 32]), "encrypted");
}

const SECOND: Duration = Duration::from_secs(1);

fn rules(close_events: bool) -> Rules {
    Rules {
        stall_timeout: 10 * SECOND,
        idle_finish: 10 * SECOND,
        rename_grace: SECOND,
        close_events,
    }
}

fn growth(at: Instant) -> Growth {
    Growth {
        side_name: false,
        last_growth: at,
        closed: None,
        whole: true,
        succeeded: false,
        init: false,
    }
}

#[test]
fn growing_closed_under_its_final_name() {
    let now = Instant::now();
    let closed = Growth { closed: Some(now), ..growth(now) };
    assert_eq!(rules(true).judge(&closed, now), Verdict::Finished);
    assert_eq!(rules(true).judge(&Growth { whole: false, ..closed }, now), Verdict::Cut);
}

#[test]
fn growing_side_name_not_renamed_is_cut() {
    let now = Instant::now();
    let side = Growth { side_name: true, ..growth(now) };
    assert_eq!(rules(true).judge(&side, now), Verdict::Until(now + 10 * SECOND));
    let closed = Growth { closed: Some(now), ..side };
    assert_eq!(rules(true).judge(&closed, now), Verdict::Until(now + SECOND));
    assert_eq!(rules(true).judge(&closed, now + SECOND), Verdict::Cut);
}

#[test]
fn growing_silent_writer_is_cut() {
    let now = Instant::now();
    assert_eq!(rules(true).judge(&growth(now), now), Verdict::Until(now + 10 * SECOND));
    assert_eq!(rules(true).judge(&growth(now), now + 10 * SECOND), Verdict::Cut);
}

#[test]
fn growing_without_close_events() {
    let (now, rules) = (Instant::now(), rules(false));
    let quiet = growth(now);
    assert_eq!(rules.judge(&quiet, now), Verdict::Until(now + 10 * SECOND));
    assert_eq!(rules.judge(&quiet, now + 10 * SECOND), Verdict::Finished);
    let torn = Growth { whole: false, ..quiet };
    assert_eq!(rules.judge(&torn, now + 10 * SECOND), Verdict::Cut);
    assert_eq!(rules.judge(&Growth { succeeded: true, ..quiet }, now), Verdict::Finished);
    assert_eq!(rules.judge(&Growth { init: true, ..quiet }, now), Verdict::Finished);
    let waiting = rules.judge(&Growth { succeeded: true, ..torn }, now);
    assert_eq!(waiting, Verdict::Until(now + 10 * SECOND), "its tail may still come");
}

proptest! {
    #[test]
    fn tail_does_not_depend_on_the_cuts(
        kinds in prop::collection::vec((0usize..5, 0usize..40), 1..6),
        junk in prop::collection::vec(any::<u8>(), 0..12),
        step in 1usize..50,
    ) {
        let names: [&[u8; 4]; 5] = [b"styp", b"moof", b"mdat", b"moov", b"free"];
        let mut bytes: Vec<u8> = kinds.iter().flat_map(|(k, n)| mp4(names[*k], *n)).collect();
        bytes.extend(junk);
        let mut tail = Tail::new(Container::Boxes);
        bytes.chunks(step).for_each(|piece| tail.push(piece));
        prop_assert_eq!(tail.is_whole(), whole(Container::Boxes, &bytes));
        let mut skipping = Tail::new(Container::Boxes);
        let mut at = 0;
        while at < bytes.len() {
            let skip = usize::try_from(skipping.skippable()).unwrap_or(usize::MAX).min(bytes.len() - at);
            skipping.skip(skip as u64);
            at += skip;
            if skip == 0 { skipping.push(&bytes[at..at + 1]); at += 1; }
        }
        prop_assert_eq!(skipping.is_whole(), tail.is_whole());
    }

    #[test]
    fn tail_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        whole(Container::Boxes, &bytes);
        whole(Container::Ts, &bytes);
    }
}
