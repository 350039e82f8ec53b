//! Section 6.2.5.2: who is served, who waits, who is refused.

use super::*;
use crate::{
    hls::timeline::tests::{grow, opening, timeline, whole},
    m3u8::Directives,
};
use proptest::prelude::*;
use std::time::Duration;

/// Segments 10 to 12, and two parts of 13; parts of 0.5 s.
fn live() -> Timeline {
    let mut timeline = timeline();
    whole(&mut timeline, 10..=12);
    grow(&mut timeline, opening(13, 0), Duration::from_secs(26), 11);
    timeline
}

fn decide(timeline: &Timeline, query: &str) -> Decision {
    match Directives::parse(query) {
        Ok(directives) => timeline.decide(&directives),
        Err(malformed) => Decision::Refuse(malformed),
    }
}

#[test]
fn blocks_until_it_is_listed() {
    let timeline = live();
    for (query, wanted) in [
        ("", Decision::Serve),
        ("_HLS_msn=12", Decision::Serve),
        ("_HLS_msn=1", Decision::Serve),
        ("_HLS_msn=13", Decision::Wait),
        ("_HLS_msn=15", Decision::Wait),
        ("_HLS_msn=13&_HLS_part=1", Decision::Serve),
        ("_HLS_msn=13&_HLS_part=2", Decision::Wait),
        ("_HLS_msn=12&_HLS_part=3", Decision::Serve),
        ("_HLS_msn=12&_HLS_part=4", Decision::Serve),
        ("_HLS_msn=14&_HLS_part=0", Decision::Wait),
        ("x=y&_HLS_msn=13&_HLS_other=1", Decision::Wait),
    ] {
        assert_eq!(decide(&timeline, query), wanted, "{query}");
    }
}

#[test]
fn refuses_what_is_malformed_or_too_far_ahead() {
    let timeline = live();
    for query in [
        "_HLS_part=1",
        "_HLS_msn=",
        "_HLS_msn=-1",
        "_HLS_msn=1x",
        "_HLS_msn=99999999999999999999",
        "_HLS_msn=13&_HLS_part=x",
        "_HLS_msn=16",
        "_HLS_msn=18446744073709551615&_HLS_part=18446744073709551615",
        "_HLS_msn=13&_HLS_part=9",
        "_HLS_msn=14&_HLS_part=7",
    ] {
        assert!(matches!(decide(&timeline, query), Decision::Refuse(_)), "{query}");
    }
    // 3 s of parts of 0.5 s.
    assert_eq!(decide(&timeline, "_HLS_msn=13&_HLS_part=8"), Decision::Wait);
}

#[test]
fn directives_are_ignored_when_the_list_has_ended() {
    let mut timeline = live();
    timeline.finish(110, true);
    timeline.end();
    assert_eq!(decide(&timeline, "_HLS_msn=99"), Decision::Serve);
}

#[test]
fn waits_for_the_first_segment() {
    let mut timeline = timeline();
    assert_eq!(decide(&timeline, ""), Decision::Wait);
    grow(&mut timeline, opening(1, 0), Duration::ZERO, 5);
    assert_eq!(decide(&timeline, "_HLS_msn=9"), Decision::Wait);
}

proptest! {
    #[test]
    fn never_panics(query in "(_HLS_msn|_HLS_part|_HLS_skip|[a-z]|=|&|[0-9]{1,20})*", msn: u64, part: u64) {
        let timeline = live();
        decide(&timeline, &query);
        decide(&timeline, &format!("_HLS_msn={msn}&_HLS_part={part}"));
    }
}
