//! A packager that is started anew, ends, counts otherwise, or leaves something out.

use super::stage::{MAIN, Stage, VIDEO, mpd, recorded, segment};
use crate::helpers::{Server, until};

fn uris(list: &super::list::List) -> Vec<&str> {
    list.segments.iter().filter_map(|segment| segment.uri.strip_prefix("../../../../tv/")).collect()
}

#[test]
fn hls_numbers_are_those_of_the_packager_whenever_the_server_was_started() {
    let stage = Stage::new(6, &[]);
    let first = stage.list(&format!("{VIDEO}?_HLS_msn=6"));
    assert_eq!((first.first, uris(&first).first()), (1, Some(&"1.m4s")));
    let path = stage.server.folder.path().to_owned();
    let mut second = crate::helpers::program();
    second.args(["-p", "0"]).arg(&path);
    let second = Server::spawn(second, tempfile::tempdir().expect("a folder"));
    let text = second.get(&format!("{VIDEO}?_HLS_msn=6")).text();
    assert_eq!(super::list::List::parse(&text), Ok(first));
}

#[test]
fn hls_a_packager_that_is_started_anew_goes_on_after_a_discontinuity() {
    let stage = Stage::new(0, &[]);
    // An earlier run, a minute ago.
    (1..=5).for_each(|number| stage.aged(number, number, 60 - 2 * number));
    let before = stage.list(&format!("{VIDEO}?_HLS_msn=5"));
    assert_eq!(before.segments.len(), 5);
    stage.whole(1);
    stage.mpd("dynamic", 7);
    let now = stage.list(&format!("{VIDEO}?_HLS_msn=6"));
    assert_eq!(uris(&now), ["1.m4s", "2.m4s", "3.m4s", "4.m4s", "5.m4s", "1.m4s"]);
    assert!(now.segments[5].is_discontinuous);
    assert_eq!(super::rules::check_after(&before, &now), [""; 0]);
    // What the earlier run has left is not what comes next.
    let mut growing = stage.open(2);
    growing.grow(5);
    let now = stage.list(&format!("{VIDEO}?_HLS_msn=7&_HLS_part=1"));
    assert_eq!(now.segments.len(), 6);
    growing.finish();
    let now = stage.list(&format!("{VIDEO}?_HLS_msn=7"));
    assert_eq!(uris(&now)[5..], ["1.m4s", "2.m4s"]);
    assert!(!now.segments[6].is_discontinuous);
}

#[test]
fn hls_an_init_that_changes_is_another_one() {
    let stage = Stage::new(3, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let other = super::clients::remuxed(&[recorded("init-0.m4s"), segment(0, 4)].concat());
    stage.replace("init.mp4", &other.0);
    stage.server.finished("/tv/init.mp4");
    stage.whole(4);
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    assert!(list.segments[3].is_discontinuous);
    let map = list.segments[3].map.clone().expect("its own");
    assert_ne!(Some(&map), list.segments[0].map.as_ref());
    assert_eq!(stage.server.get(&map.replace("../../../../", "/")).body(), other.0);
}

#[test]
fn hls_a_missing_segment_is_a_gap() {
    let stage = Stage::new(3, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    stage.whole(5);
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=5"));
    assert_eq!(uris(&list), ["1.m4s", "2.m4s", "3.m4s", "4.m4s", "5.m4s"]);
    let gaps: Vec<bool> = list.segments.iter().map(|segment| segment.is_gap).collect();
    assert_eq!(gaps, [false, false, false, true, false]);
    assert!(!list.segments[4].is_discontinuous);
}

#[test]
fn hls_missing_segments_in_a_row_are_gaps() {
    let stage = Stage::new(3, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    stage.whole(7);
    stage.list(&format!("{VIDEO}?_HLS_msn=5"));
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=7"));
    let gaps: Vec<bool> = list.segments.iter().map(|segment| segment.is_gap).collect();
    assert_eq!(gaps, [false, false, false, true, true, true, false]);
}

#[test]
fn hls_many_missing_segments_are_found_when_the_mpd_tells_of_others() {
    let stage = Stage::new(1, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=1"));
    stage.whole(9);
    stage.mpd("dynamic", 0);
    stage.server.finished("/tv/live.mpd");
    stage.replace("live.mpd", format!("{}<!-- again -->", mpd("dynamic", 0)).as_bytes());
    let mut rewrites = 0;
    let list = until(|| {
        rewrites += 1;
        stage.replace("live.mpd", format!("{}<!-- {rewrites} -->", mpd("dynamic", 0)).as_bytes());
        let list = stage.list(VIDEO);
        (list.next() > 9).then_some(list)
    });
    assert_eq!(list.next(), 10);
    assert_eq!(list.segments.iter().filter(|segment| segment.is_gap).count(), 7);
}

#[test]
fn hls_the_list_ends_when_the_mpd_turns_static() {
    let mut stage = Stage::new(3, &[]);
    let before = stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let path = format!("{VIDEO}?_HLS_msn=5");
    let pending = stage.server.request("GET", &path, &[]);
    stage.server.held(&path);
    stage.whole(4);
    stage.mpd("static", 0);
    let list = super::list::List::parse(&pending.response().text()).expect("a playlist");
    assert!(list.is_ended && list.segments.len() == 4);
    assert_eq!(super::rules::check_after(&before, &list), [""; 0]);
    // Directives are ignored from now on.
    assert!(stage.list(&format!("{VIDEO}?_HLS_msn=99")).is_ended);
    assert_eq!(stage.refusal("/ldash/hls/tv/live.mpd/v/5.0.m4s").0, 404);
}

#[test]
fn hls_the_list_ends_after_a_segment_that_calls_itself_the_last() {
    let mut stage = Stage::new(3, &[]);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let path = format!("{VIDEO}?_HLS_msn=5");
    let pending = stage.server.request("GET", &path, &[]);
    stage.server.held(&path);
    let styp = b"\0\0\0\x18stypmsdh\0\0\0\0msdhlmsg";
    stage.replace("4.m4s", &[&styp[..], &segment(0, 4)].concat());
    let list = super::list::List::parse(&pending.response().text()).expect("a playlist");
    assert!(list.is_ended && list.segments.len() == 4);
}

#[test]
fn hls_a_stream_that_begins_again_after_its_end_is_another_list() {
    let stage = Stage::new(0, &[]);
    (1..=3).for_each(|number| stage.aged(number, number, 60 - 2 * number));
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    stage.mpd("static", 0);
    until(|| stage.list(VIDEO).is_ended.then_some(()));
    stage.whole(1);
    stage.mpd("dynamic", 9);
    let list = until(|| {
        let list = stage.list(VIDEO);
        (!list.is_ended).then_some(list)
    });
    assert_eq!(uris(&list).last(), Some(&"1.m4s"));
    stage.whole(2);
    let list = stage.list(&format!("{VIDEO}?_HLS_msn={}", list.next()));
    assert_eq!(uris(&list).last(), Some(&"2.m4s"));
}

#[test]
fn hls_of_a_recording_lists_everything() {
    let stage = Stage::new(10, &[]);
    stage.mpd("static", 0);
    stage.server.finished("/tv/live.mpd");
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=10"));
    assert!(list.is_ended && list.segments.len() == 10, "{}", list.segments.len());
}

#[test]
fn hls_segments_are_found_by_their_times() {
    let stage = Stage::new(0, &[]);
    for number in 1..=3 {
        stage.replace(&format!("{}.m4s", (number - 1) * 2000), &segment(0, number));
    }
    let timed = mpd("dynamic", 0).replace("$Number$", "$Time$");
    stage.replace("live.mpd", timed.as_bytes());
    stage.server.finished("/tv/live.mpd");
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    assert_eq!(uris(&list), ["0.m4s", "2000.m4s", "4000.m4s"]);
    stage.replace("6000.m4s", &segment(0, 4));
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    assert_eq!(uris(&list)[3..], ["6000.m4s"]);
}

#[test]
fn hls_a_presentation_that_is_not_there_yet_is_waited_for() {
    let mut stage = Stage { server: Server::start(&[]) };
    let pending = stage.server.request("GET", MAIN, &[]);
    stage.server.held(MAIN);
    stage.replace("init.mp4", &recorded("init-0.m4s"));
    stage.mpd("dynamic", 0);
    assert_eq!(pending.response().status, 200);
    let pending = stage.server.request("GET", VIDEO, &[]);
    stage.server.held(VIDEO);
    stage.whole(1);
    let mut response = pending.response();
    assert_eq!((response.status, response.text().matches("#EXTINF").count()), (200, 1));
}
