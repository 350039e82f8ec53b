//! The text of media playlists.

use super::*;
use crate::hls::timeline::tests::{grow, opening, timeline, whole};

fn text(timeline: &Timeline, skips: bool) -> String {
    let report = Report { name: "a".into(), msn: 3, part: Some(1) };
    media(timeline, &Frame { name: "v", target: 2, reports: vec![report], skips })
}

fn lines(text: &str, tag: &str) -> usize {
    text.lines().filter(|line| line.starts_with(tag)).count()
}

#[test]
fn a_live_one() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=2);
    grow(&mut timeline, opening(3, 0), Duration::from_secs(6), 6);
    let wanted = r#"#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.50000
#EXT-X-PART-INF:PART-TARGET=0.50000
#EXT-X-MEDIA-SEQUENCE:1
#EXT-X-MAP:URI="../init.mp4?0"
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:42.000Z
#EXT-X-PART:DURATION=0.50000,URI="v/1.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.50000,URI="v/1.1.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/1.2.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/1.3.m4s"
#EXTINF:2.00000,
../1.m4s
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:44.000Z
#EXT-X-PART:DURATION=0.50000,URI="v/2.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.50000,URI="v/2.1.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/2.2.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/2.3.m4s"
#EXTINF:2.00000,
../2.m4s
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:46.000Z
#EXT-X-PART:DURATION=0.50000,URI="v/3.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="v/3.1.m4s"
#EXT-X-RENDITION-REPORT:URI="a.m3u8",LAST-MSN=3,LAST-PART=1
"#;
    assert_eq!(text(&timeline, false), wanted);
}

#[test]
fn one_that_was_started_anew_with_a_gap() {
    let mut timeline = timeline();
    whole(&mut timeline, 5..=5);
    timeline.miss(opening(6, 0));
    grow(&mut timeline, opening(1, 1), Duration::ZERO, 20);
    timeline.finish(200, true);
    timeline.end();
    let all = text(&timeline, false);
    let end = all.split_once("../5.m4s\n").expect("the first").1;
    let wanted = r#"#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:52.000Z
#EXT-X-GAP
#EXTINF:2.00000,
../6.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../init.mp4?1"
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:40.000Z
#EXT-X-PART:DURATION=0.50000,URI="v/7.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.50000,URI="v/7.1.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/7.2.m4s"
#EXT-X-PART:DURATION=0.50000,URI="v/7.3.m4s"
#EXTINF:2.00000,
../1.m4s
#EXT-X-ENDLIST
"#;
    assert_eq!(end, wanted);
}

#[test]
fn a_delta_update_leaves_out_what_is_older_than_the_boundary() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=10);
    let all = text(&timeline, true);
    // 20 s, of which 12 are never left out.
    assert!(all.contains("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"), "{all}");
    assert_eq!(lines(&all, "#EXTINF"), 7);
    assert_eq!(lines(&all, "#EXT-X-MAP"), 0, "the one before still applies");
    let mut short = super::super::timeline::tests::timeline();
    whole(&mut short, 1..=3);
    assert_eq!(text(&short, true), text(&short, false), "nothing to leave out");
}

#[test]
fn parts_are_listed_near_the_end_only() {
    let mut timeline = timeline();
    whole(&mut timeline, 1..=10);
    assert_eq!(lines(&text(&timeline, false), "#EXT-X-PART:"), 3 * 4);
}

#[test]
fn a_plain_one_says_nothing_of_parts() {
    let mut timeline = timeline();
    timeline.begin(opening(1, 0));
    timeline.finish(1000, true);
    let all = text(&timeline, false);
    assert!(all.contains("CAN-BLOCK-RELOAD=YES"), "{all}");
    assert!(!all.contains("PART-") && !all.contains("HINT"), "{all}");
}

#[test]
fn the_target_is_never_shorter_than_a_part() {
    assert_eq!(up(Duration::from_nanos(166_667_200)), "0.16667");
    assert_eq!(up(Duration::from_nanos(200_000_000)), "0.20000");
    assert_eq!(seconds(Duration::from_nanos(166_666_800)), "0.16667");
}
