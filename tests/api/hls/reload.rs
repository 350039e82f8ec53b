//! Blocking reloads, parts that are hinted, delta updates, and every refusal (section 6.2.5).

use super::{
    list::List,
    stage::{MAIN, Stage, VIDEO, segment},
};
use crate::helpers::End;

const PARTS: &[&str] = &["--hls-part", "200ms"];

#[test]
fn hls_a_folder_is_played_from_its_newest_segments() {
    let stage = Stage::new(4, PARTS);
    let mut response = stage.server.get(MAIN);
    assert_eq!(response.header("content-type"), Some("application/vnd.apple.mpegurl"));
    let main = response.text();
    assert!(main.ends_with(
        "#EXT-X-STREAM-INF:BANDWIDTH=184612,CODECS=\"avc1.4d401e\",RESOLUTION=640x360,FRAME-RATE=25.000\nv.m3u8\n"
    ), "{main}");
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    assert_eq!((list.first, list.segments.len(), list.target), (1, 4, 2));
    assert_eq!(list.part_target, Some(0.2));
    let last = list.segments.last().expect("one");
    assert_eq!(last.uri, "../../../../tv/4.m4s");
    assert_eq!(
        last.map.as_deref().or(list.segments[0].map.as_deref()),
        Some("../../../../tv/init.mp4")
    );
    assert_eq!(last.parts.len(), 10);
    assert!(last.parts[0].is_independent);
    assert_eq!(list.hint().as_deref(), Some("v/5.0.m4s"));
}

#[test]
fn hls_a_reload_is_held_until_its_part_is_complete() {
    let mut stage = Stage::new(3, PARTS);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let path = format!("{VIDEO}?_HLS_msn=4&_HLS_part=1");
    let pending = stage.server.request("GET", &path, &[]);
    stage.server.held(&path);
    let mut growing = stage.open(4);
    growing.grow(1);
    // This one is answered before the other: the first part alone does not answer both.
    let first = stage.list(&format!("{VIDEO}?_HLS_msn=4&_HLS_part=0"));
    assert_eq!(first.open.parts.len(), 1);
    growing.grow(1);
    let mut response = pending.response();
    assert!(response.header("server-timing").is_some_and(|value| value.starts_with("wait;dur=")));
    assert_eq!(response.header("cache-control"), Some("max-age=12"));
    let list = List::parse(&response.text()).expect("a playlist");
    assert_eq!((list.next(), list.open.parts.len()), (4, 2));
    growing.finish();
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    assert_eq!((list.next(), list.segments[3].parts.len()), (5, 10));
}

#[test]
fn hls_no_byte_of_a_part_goes_out_before_the_last_one_is_there() {
    let mut stage = Stage::new(3, PARTS);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    let path = "/ldash/hls/tv/live.mpd/v/4.0.m4s";
    let pending = stage.server.request("GET", path, &[]);
    stage.server.held(path);
    let mut growing = stage.open(4);
    growing.tear(100);
    // The file's own bytes go out at once; those of the part do not.
    let mut whole = stage.server.get("/tv/4.m4s");
    assert_eq!(whole.read(100), segment(0, 4)[..100]);
    pending.stream.get_ref().set_nonblocking(true).expect("set");
    let peeked = pending.stream.get_ref().peek(&mut [0; 1]);
    assert!(peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    pending.stream.get_ref().set_nonblocking(false).expect("set");
    growing.grow(1);
    let mut response = pending.response();
    let (body, end) = response.rest();
    assert_eq!((response.status, end), (200, End::Clean));
    assert_eq!(response.header("content-length"), Some(&*body.len().to_string()));
    growing.finish();
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=4"));
    let mut joined = Vec::new();
    for part in &list.segments[3].parts {
        joined.extend(stage.server.get(&format!("/ldash/hls/tv/live.mpd/{}", part.uri)).body());
    }
    assert!(joined == segment(0, 4), "parts are the segment");
    assert!(joined.starts_with(&body));
}

#[test]
fn hls_refusals() {
    let stage = Stage::new(3, PARTS);
    stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    for (query, wanted) in [
        ("_HLS_part=0", 400),
        ("_HLS_msn=x", 400),
        ("_HLS_msn=6", 400),
        ("_HLS_msn=4&_HLS_part=16", 400),
    ] {
        assert_eq!(stage.refusal(&format!("{VIDEO}?{query}")).0, wanted, "{query}");
    }
    for (path, wanted) in [
        ("v/4.1.m4s", 404),
        ("v/5.0.m4s", 404),
        ("v/3.10.m4s", 404),
        ("v/0.0.m4s", 404),
        ("v/3.x.m4s", 404),
        ("w.m3u8", 404),
        ("", 404),
        ("../main.m3u8", 400),
    ] {
        assert_eq!(stage.refusal(&format!("/ldash/hls/tv/live.mpd/{path}")).0, wanted, "{path}");
    }
    assert_eq!(stage.server.get(&format!("{VIDEO}?_HLS_msn=1")).status, 200, "a stale one");
}

#[test]
fn hls_a_stream_that_stands_still_is_said_to() {
    let stage = Stage::new(2, PARTS);
    stage.list(VIDEO);
    let response = stage.server.get(&format!("{VIDEO}?_HLS_msn=3"));
    assert_eq!(response.status, 503);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn hls_held_ones_end_when_the_server_stops_and_count_as_held() {
    let mut stage = Stage::new(2, &["--max-held", "3", "--hls-part", "200ms"]);
    stage.list(VIDEO);
    let path = format!("{VIDEO}?_HLS_msn=3");
    // The presentation itself, which waits too, takes no client's place.
    let held: Vec<_> = (0..3)
        .map(|_| {
            let pending = stage.server.request("GET", &path, &[]);
            stage.server.held(&path);
            pending
        })
        .collect();
    let (status, text) = stage.refusal(&path);
    assert_eq!(status, 503, "{text}");
    let pid = i32::try_from(stage.server.child.id()).expect("small");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("sent");
    for pending in held {
        assert_eq!(pending.response().status, 503);
    }
}

#[test]
fn hls_playlists_are_compressed_and_have_tags() {
    let stage = Stage::new(3, PARTS);
    stage.list(VIDEO);
    let mut response = stage.server.get_with(VIDEO, &[("Accept-Encoding", "gzip")]);
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(response.header("vary"), Some("Accept-Encoding"));
    assert_eq!(response.header("cache-control"), Some("max-age=0, s-maxage=1"));
    let tag = response.header("etag").expect("a tag").to_owned();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*response.body()), &mut text)
        .expect("gzip");
    assert_eq!(text, stage.server.get(VIDEO).text());
    let known = [("Accept-Encoding", "gzip"), ("If-None-Match", &*tag)];
    assert_eq!(stage.server.get_with(VIDEO, &known).status, 304);
}

#[test]
fn hls_a_delta_update_leaves_out_what_the_client_has() {
    let stage = Stage::new(10, PARTS);
    // Eight before the newest.
    let whole = stage.list(&format!("{VIDEO}?_HLS_msn=10"));
    assert_eq!((whole.first, whole.segments.len()), (2, 9));
    let update = stage.list(&format!("{VIDEO}?_HLS_msn=10&_HLS_skip=YES"));
    assert_eq!((update.skipped, update.segments.len()), (2, 7));
    assert_eq!(super::rules::merged(&whole, &update), Ok(whole));
}

#[test]
fn hls_one_chunk_for_each_segment_gives_plain_hls() {
    // No part is shorter than a chunk.
    let stage = Stage::new(0, &[]);
    for number in 1..=3 {
        let bytes = segment(0, number);
        let init = super::stage::recorded("init-0.m4s");
        let plain = super::clients::remuxed(&[&init[..], &bytes].concat());
        stage.replace("init.mp4", &plain.0);
        stage.replace(&format!("{number}.m4s"), &plain.1);
    }
    let list = stage.list(&format!("{VIDEO}?_HLS_msn=3"));
    assert_eq!((list.part_target, list.segments.len()), (None, 3));
    assert!(list.hints.is_empty());
}
