//! Section 6.2.5: who is served, who waits, who is refused.

use super::*;
use Decision::{Serve, Wait};

const REFUSED: Decision = Decision::Refuse(Malformed(""));

/// Segments up to 12, the last one in 4 parts of 0.5 s, and two parts of 13.
const PARTS: Edge =
    Edge { next: 13, last_parts: 4, open_parts: 2, part_target: Some(Duration::from_millis(500)) };

/// Segments 0 to 12.
const PLAIN: Edge = Edge { next: 13, last_parts: 0, open_parts: 0, part_target: None };

fn decide(edge: &Edge, query: &str) -> Decision {
    match Directives::parse(query).map(|directives| directives.decide(edge)) {
        Ok(Decision::Refuse(_)) | Err(_) => REFUSED,
        Ok(decision) => decision,
    }
}

#[test]
fn parts_and_segments_are_waited_for() {
    for (query, parts, plain) in [
        ("", Serve, Serve),
        ("_HLS_msn=0", Serve, Serve),
        ("_HLS_msn=12", Serve, Serve),
        ("_HLS_msn=13", Wait, Wait),
        ("_HLS_msn=14", Wait, Wait),
        ("_HLS_msn=15", Wait, REFUSED),
        ("_HLS_msn=16", REFUSED, REFUSED),
        ("_HLS_msn=12&_HLS_part=3", Serve, Wait),
        // Beyond the last part of a complete segment: the first of the next.
        ("_HLS_msn=12&_HLS_part=9", Serve, Wait),
        ("_HLS_msn=13&_HLS_part=1", Serve, Wait),
        ("_HLS_msn=13&_HLS_part=2", Wait, Wait),
        ("_HLS_msn=13&_HLS_part=8", Wait, Wait),
        ("_HLS_msn=13&_HLS_part=9", REFUSED, Wait),
        ("_HLS_part=1", REFUSED, REFUSED),
        ("_HLS_msn=", REFUSED, REFUSED),
    ] {
        assert_eq!(decide(&PARTS, query), parts, "{query}");
        assert_eq!(decide(&PLAIN, query), plain, "{query}");
    }
}

#[test]
fn an_empty_list_waits_for_its_first_segment() {
    let empty = Edge::default();
    assert_eq!(decide(&empty, "_HLS_msn=0"), Wait);
    assert_eq!(decide(&empty, "_HLS_msn=1"), Wait);
    assert_eq!(decide(&empty, "_HLS_msn=2"), REFUSED);
    let last = u64::MAX;
    assert_eq!(
        decide(&Edge { next: last, ..PARTS }, &format!("_HLS_msn={last}&_HLS_part=2")),
        Wait
    );
}

#[test]
fn skips_when_it_is_asked_to() {
    let skips = |query| Directives::parse(query).map(|directives| directives.skips());
    assert_eq!(skips("_HLS_skip=YES"), Ok(true));
    assert_eq!(skips("_HLS_skip=v2"), Ok(true));
    assert_eq!(skips("_HLS_skip=NO"), Ok(false));
}
