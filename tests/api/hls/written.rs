//! Playlists that a packager wrote itself can be waited for (section 6.2.5.2), and say so.

use crate::helpers::{Pending, Server, until};
use std::{fs, io::Read};

const PATH: &str = "/tv/live.m3u8";
const CONTROL: &str = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n";

/// As ffmpeg writes it: segments `first` to `last` of a second.
fn list(first: u64, last: u64) -> String {
    let segments = (first..=last).map(|at| format!("#EXTINF:1.000000,\nlive{at}.m4s\n"));
    let segments: String = segments.collect();
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n{segments}"
    )
}

fn announced(text: &str) -> String {
    let target = "TARGETDURATION:1\n";
    text.replace(target, &format!("{target}{CONTROL}"))
}

/// As GPAC writes it: two segments of two parts, and so many parts of the third.
fn parts(count: usize) -> String {
    let part = |name: &str| format!("#EXT-X-PART:DURATION=0.5,URI=\"{name}\"\n");
    let segment = |at: u64| {
        let parts = part(&format!("s{at}.m4s.1")) + &part(&format!("s{at}.m4s.2"));
        format!("{parts}#EXTINF:1,\ns{at}.m4s\n")
    };
    let open: String = (1..=count).map(|at| part(&format!("s3.m4s.{at}"))).collect();
    format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
         #EXT-X-MEDIA-SEQUENCE:1\n{}{}{open}",
        segment(1),
        segment(2)
    )
}

struct Stage(Server);

impl Stage {
    fn new(text: &str, options: &[&str]) -> Self {
        let stage = Self(Server::start(options));
        stage.0.write("tv/live.m3u8", text.as_bytes());
        stage
    }

    /// Writes the playlist aside and renames it.
    fn replace(&self, text: &str) {
        self.0.write("tv/live.m3u8.tmp", text.as_bytes());
        let path = |name| self.0.path("tv").join(name);
        fs::rename(path("live.m3u8.tmp"), path("live.m3u8")).expect("renamed");
    }

    fn held(&mut self, query: &str) -> Pending {
        let path = format!("{PATH}?{query}");
        let pending = self.0.request("GET", &path, &[]);
        self.0.held(&path);
        pending
    }

    fn ask(&self, query: &str) -> (u16, String) {
        let mut response = self.0.get(&format!("{PATH}?{query}"));
        (response.status, String::from_utf8_lossy(&response.body()).into_owned())
    }
}

#[test]
fn written_playlists_announce_it_and_everything_told_is_of_the_edited_bytes() {
    let stage = Stage::new(&list(0, 40), &[]);
    let server = &stage.0;
    let wanted = announced(&list(0, 40));
    let mut whole = server.get(PATH);
    assert_eq!(whole.header("cache-control"), Some("max-age=0, s-maxage=1"));
    assert_eq!(whole.header("content-length"), Some(&*wanted.len().to_string()));
    let tag = whole.header("etag").expect("a tag").to_owned();
    // Not told before the second is over in which it might be written again.
    let modified = until(|| server.get(PATH).header("last-modified").map(str::to_owned));
    assert_eq!(whole.text(), wanted);
    assert_eq!(fs::read_to_string(server.path("tv/live.m3u8")).expect("text"), list(0, 40));
    let time = fs::metadata(server.path("tv/live.m3u8")).and_then(|found| found.modified());
    assert_eq!(modified, httpdate::fmt_http_date(time.expect("a time")));
    let head = server.request("HEAD", PATH, &[]).response();
    assert_eq!(head.header("etag"), Some(&*tag));
    assert_eq!(head.header("content-length"), Some(&*wanted.len().to_string()));
    let mut part = server.get_with(PATH, &[("Range", "bytes=50-99")]);
    let range = format!("bytes 50-99/{}", wanted.len());
    assert_eq!((part.status, part.header("content-range")), (206, Some(&*range)));
    assert_eq!(part.text(), wanted[50..100]);
    assert_eq!(server.get_with(PATH, &[("If-None-Match", &tag)]).status, 304);
    let mut gzipped = server.get_with(PATH, &[("Accept-Encoding", "gzip")]);
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));
    assert_eq!(gzipped.header("etag"), Some(&*format!("{}-gzip\"", tag.trim_end_matches('"'))));
    let mut text = String::new();
    let bytes = gzipped.body();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).expect("gzip");
    assert_eq!(text, wanted);
}

#[test]
fn written_playlists_are_waited_for_until_the_segment_is_listed() {
    let mut stage = Stage::new(&list(0, 2), &[]);
    let (next, later) = (stage.held("_HLS_msn=3"), stage.held("_HLS_msn=4"));
    stage.replace(&list(0, 3));
    let mut response = next.response();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("max-age=6"));
    assert!(response.header("server-timing").is_some_and(|told| told.starts_with("wait;dur=")));
    assert_eq!(response.text(), announced(&list(0, 3)));
    // Truncated and written again in place: nothing is seen before it is whole.
    stage.0.write("tv/live.m3u8", list(1, 4).as_bytes());
    assert_eq!(later.response().text(), announced(&list(1, 4)));
    assert_eq!(stage.ask("_HLS_msn=4"), (200, announced(&list(1, 4))));
    assert_eq!(stage.ask("_HLS_msn=0"), (200, announced(&list(1, 4))), "a stale one");
    assert_eq!(stage.ask("x=y").1, announced(&list(1, 4)));
}

#[test]
fn written_playlists_that_are_not_there_yet_are_waited_for_twice() {
    let mut stage = Stage(Server::start(&[]));
    let pending = stage.held("_HLS_msn=1");
    stage.0.write("tv/live.m3u8", list(0, 0).as_bytes());
    stage.0.held(&format!("{PATH}?_HLS_msn=1"));
    stage.replace(&list(0, 1));
    assert_eq!(pending.response().text(), announced(&list(0, 1)));
}

#[test]
fn written_playlists_with_parts_are_waited_for_part_by_part() {
    let mut stage = Stage::new(&parts(0), &[]);
    let (first, second) =
        (stage.held("_HLS_msn=2&_HLS_part=2"), stage.held("_HLS_msn=3&_HLS_part=1"));
    stage.replace(&parts(1));
    let text = first.response().text();
    let control = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500\n";
    let target = "TARGETDURATION:1\n";
    assert_eq!(text, parts(1).replace(target, &format!("{target}{control}")));
    stage.replace(&parts(2));
    assert!(second.response().text().ends_with("URI=\"s3.m4s.2\"\n"));
}

#[test]
fn written_playlists_refuse_what_is_malformed_or_too_far_ahead() {
    let stage = Stage::new(&parts(1), &[]);
    for (query, wanted) in [
        ("_HLS_part=0", "_HLS_part without _HLS_msn\n"),
        ("_HLS_msn=x", "_HLS_msn is no integer\n"),
        ("_HLS_msn=6", "_HLS_msn is more than two segments ahead\n"),
        ("_HLS_msn=3&_HLS_part=8", "_HLS_part is beyond the advance part limit\n"),
    ] {
        assert_eq!(stage.ask(query), (400, wanted.into()), "{query}");
    }
}

#[test]
fn written_playlists_that_stand_still_are_said_to() {
    let stage = Stage::new(&list(0, 2), &[]);
    let response = stage.0.get(&format!("{PATH}?_HLS_msn=3"));
    assert_eq!(response.status, 503);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert!(response.header("server-timing").is_some());
    // A client that has less patience is told sooner.
    let response = stage.0.get_with(&format!("{PATH}?_HLS_msn=3"), &[("X-Wait-Timeout", "1")]);
    assert_eq!(response.status, 503);
}

#[test]
fn written_playlists_that_end_answer_all_who_wait() {
    let mut stage = Stage::new(&list(0, 2), &[]);
    let pending = stage.held("_HLS_msn=4");
    let ended = list(0, 3) + "#EXT-X-ENDLIST\n";
    stage.replace(&ended);
    let mut response = pending.response();
    assert_eq!(response.text(), ended);
    assert_eq!(response.header("cache-control"), Some("max-age=0, s-maxage=1"));
    assert_eq!(stage.ask("_HLS_msn=99&_HLS_part=x"), (200, ended), "directives are ignored");
}

#[test]
fn written_playlists_that_are_not_live_are_left_as_they_are() {
    let main = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n";
    let recorded = list(0, 2).replace("#EXT-X-MAP", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP");
    for text in [main, &*recorded, "#EXTM3U\n"] {
        let stage = Stage::new(text, &[]);
        assert_eq!(stage.ask("_HLS_msn=99"), (200, text.to_owned()));
    }
}

#[test]
fn written_playlists_are_left_as_they_are_when_edits_are_off() {
    let stage = Stage::new(&list(0, 2), &["--patch-mpd", "off"]);
    assert_eq!(stage.ask("_HLS_msn=3"), (200, list(0, 2)), "nothing was announced");
    // What the packager announces itself is kept.
    let own = announced(&list(0, 2));
    let mut stage = Stage::new(&own, &["--patch-mpd", "off"]);
    let pending = stage.held("_HLS_msn=3");
    stage.replace(&announced(&list(0, 3)));
    assert_eq!(pending.response().text(), announced(&list(0, 3)));
}

#[test]
fn written_playlists_count_as_held() {
    let mut stage = Stage::new(&list(0, 2), &["--max-held", "1"]);
    let pending = stage.held("_HLS_msn=3");
    let refused = stage.0.get(&format!("{PATH}?_HLS_msn=3"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    stage.replace(&list(0, 3));
    assert_eq!(pending.response().status, 200);
}
