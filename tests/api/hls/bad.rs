//! Bad input harms nothing but itself.

use super::stage::{MAIN, Stage, VIDEO, mpd, segment};

#[test]
fn hls_an_mpd_without_what_is_needed_says_so() {
    let stage = Stage::new(1, &[]);
    let bare = mpd("dynamic", 0);
    for (from, to, wanted) in [
        (" initialization=\"init.mp4\"", "", "its Representation v has no init"),
        ("$Number$", "x", "its Representation v has neither $Number$ nor $Time$ in its names"),
        ("contentType=\"video\"", "contentType=\"image\"", "it has neither video nor audio"),
        ("duration=\"2000\"", "", "a SegmentTemplate has no duration and no SegmentTimeline"),
    ] {
        stage.replace("live.mpd", bare.replace(from, to).as_bytes());
        stage.server.finished("/tv/live.mpd");
        let (status, text) = crate::helpers::until(|| {
            let answer = stage.refusal(MAIN);
            answer.1.contains(wanted).then_some(answer)
        });
        assert_eq!((status, &*text), (404, &*format!("there is no HLS for this MPD: {wanted}\n")));
    }
    assert_eq!(stage.refusal("/ldash/hls/tv/none.m3u8/main.m3u8").0, 404);
}

#[test]
fn hls_boxes_that_lie_harm_nothing_but_themselves() {
    let stage = Stage::new(3, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let mut lying = segment(0, 4);
    let at = lying.windows(4).position(|kind| kind == b"trun").expect("one");
    // As many samples as can be.
    lying[at + 8..at + 12].copy_from_slice(&[0xff; 4]);
    stage.replace("4.m4s", &lying);
    let mut late = segment(0, 5);
    let at = late.windows(4).position(|kind| kind == b"tfdt").expect("one");
    // The end of time.
    late[at + 8..at + 16].copy_from_slice(&[0x7f; 8]);
    stage.replace("5.m4s", &late);
    stage.replace("6.m4s", b"\0\0\0\x08free");
    // The times that were lost show in the dates: not all rules can hold.
    let list = |msn: u64| {
        let text = stage.server.get(&format!("{VIDEO}?_HLS_msn={msn}")).text();
        super::list::List::parse(&text).unwrap_or_else(|reason| panic!("{reason}: {text}"))
    };
    list(5);
    stage.whole(7);
    list(7);
    stage.whole(8);
    let list = list(8);
    assert_eq!(list.segments.len(), 8);
    assert_eq!(list.segments[7].parts.len(), 5);
    assert!(!list.segments[7].is_discontinuous);
}

#[test]
fn hls_a_segment_that_breaks_off_is_a_gap_with_the_parts_that_came() {
    let stage = Stage::new(3, &["--hls-part", "200ms"]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let mut growing = stage.open(4);
    growing.grow(4);
    stage.list(&format!("{VIDEO}?_HLS_msn=4&_HLS_part=3"));
    growing.tear(50);
    drop(growing);
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    assert!(list.segments[3].is_gap);
    let gaps: Vec<bool> = list.segments[3].parts.iter().map(|part| part.is_gap).collect();
    assert_eq!(gaps, [[false; 4].as_slice(), &[true; 6]].concat());
    assert_eq!(stage.server.get("/ldash/hls/tv/live.mpd/v/4.3.m4s").status, 200);
    stage.whole(5);
    assert!(!stage.list(&format!("{VIDEO}?_HLS_msn=5")).segments[4].is_gap);
}
