//! The manifest as players need it: what a packager left out is added, and nothing else changes.

use crate::{
    ffmpeg::{Ffmpeg, LOW_LATENCY},
    helpers::{LONG, Push, Server, until},
};
use std::fs;

/// Longer than the client waits for a line.
const FOR_EVER: (&str, &str) = ("X-Wait-Timeout", "3600000");
const HOUR: [&str; 2] = ["--max-wait", "1h"];

const CLOCK: &str = "urn:mpeg:dash:utc:http-xsdate:2014";

/// A live MPD of one video representation. Its segments are so long that no test waits for two:
/// only what is seen ends a wait.
const BARE: &str = "<MPD type=\"dynamic\">\n<Period>\n<AdaptationSet contentType=\"video\">\
    <SegmentTemplate media=\"v-$Number$.m4s\" initialization=\"init.mp4\" timescale=\"1000\" \
    duration=\"3600000\"/><Representation id=\"1\"/></AdaptationSet></Period>\n</MPD>\n";

/// With a clock, and nothing else.
fn timed(clock: &str) -> String {
    BARE.replace("</Period>", &format!("</Period>\n{}", utc_timing(clock)))
}

/// With all that its chunks of ten milliseconds tell.
fn completed(clock: &str) -> String {
    let latency = "<Latency target=\"1000\"/><PlaybackRate min=\"0.96\" max=\"1.04\"/>";
    timed(clock)
        .replace(
            "duration=\"3600000\"",
            "duration=\"3600000\" availabilityTimeOffset=\"3599.990\" \
             availabilityTimeComplete=\"false\"",
        )
        .replace(
            "<Period>",
            &format!("<ServiceDescription id=\"0\">{latency}</ServiceDescription>\n<Period>"),
        )
}

fn utc_timing(url: &str) -> String {
    format!("<UTCTiming schemeIdUri=\"{CLOCK}\" value=\"{url}\"/>")
}

fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
    [&size[..], &kind, body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// An init of one video track with a thousand ticks a second.
fn init() -> Vec<u8> {
    let tkhd = boxed(*b"tkhd", &words(&[0, 0, 0, 1]));
    let mdhd = boxed(*b"mdhd", &words(&[0, 0, 0, 1000, 0]));
    let hdlr = boxed(*b"hdlr", &[&words(&[0, 0])[..], b"vide"].concat());
    let mdia = boxed(*b"mdia", &[mdhd, hdlr].concat());
    boxed(*b"moov", &boxed(*b"trak", &[tkhd, mdia].concat()))
}

/// The chunk of that number: ten ticks.
fn chunk(number: u32) -> Vec<u8> {
    let tfhd = boxed(*b"tfhd", &words(&[0x08, 1, 10]));
    let tfdt = boxed(*b"tfdt", &words(&[0, number * 10]));
    let trun = boxed(*b"trun", &words(&[0, 1]));
    let moof = boxed(*b"moof", &boxed(*b"traf", &[tfhd, tfdt, trun].concat()));
    [moof, boxed(*b"mdat", &[7; 5])].concat()
}

/// Grows a segment, no faster than it would play, until the manifest is complete.
fn grow(server: &Server, segment: &str, manifest: &str) -> String {
    let mut push = Push::start(server.address, segment);
    let start = std::time::Instant::now();
    let mut number = 0;
    until(|| {
        if start.elapsed().as_millis() >= u128::from(number) * 10 {
            push.chunk(&chunk(number));
            number += 1;
        }
        let text = server.get_with(manifest, &[("X-Wait-Timeout", "0")]).text();
        text.contains("availabilityTimeOffset").then_some(text)
    })
}

#[test]
fn a_manifest_waits_for_its_first_chunk() {
    let mut server = Server::start(&[&["--ingest"], &HOUR[..]].concat());
    server.write("a/b/init.mp4", &init());
    server.write("a/b/live.mpd", BARE.as_bytes());
    server.settle();
    let pending = server.request("GET", "/a/b/live.mpd", &[FOR_EVER]);
    server.held("/a/b/live.mpd");
    let at_once = server.get_with("/a/b/live.mpd", &[("X-Wait-Timeout", "0")]).text();
    assert_eq!(at_once, timed("../../ldash/time"));
    grow(&server, "/a/b/v-1.m4s", "/a/b/live.mpd");
    let mut response = pending.response();
    assert_eq!(response.text(), completed("../../ldash/time"));
    assert_eq!(fs::read_to_string(server.path("a/b/live.mpd")).expect("text"), BARE);
    let time = server.get("/ldash/download/a/b/../../ldash/time");
    assert_eq!(time.status, 400, "dots are for clients to resolve");
    assert_eq!(server.get("/ldash/download/ldash/time").status, 200);
}

#[test]
fn everything_told_is_of_the_edited_bytes() {
    let server = Server::start(&["--ingest"]);
    server.write("init.mp4", &init());
    server.write("live.mpd", BARE.as_bytes());
    let text = grow(&server, "/v-1.m4s", "/live.mpd");
    assert_eq!(text, completed("ldash/time"));
    let mut whole = server.get("/live.mpd");
    let tag = whole.header("etag").expect("a tag").to_owned();
    assert_eq!(whole.header("content-length"), Some(&*text.len().to_string()));
    assert_eq!(whole.text(), text);
    let head = server.request("HEAD", "/live.mpd", &[]).response();
    assert_eq!(head.header("etag"), Some(&*tag));
    assert_eq!(head.header("content-length"), Some(&*text.len().to_string()));
    let mut part = server.get_with("/live.mpd", &[("Range", "bytes=-9")]);
    assert_eq!(part.header("content-range"), Some(&*range_of_last(9, text.len())));
    assert_eq!(part.text(), text[text.len() - 9..]);
    let same = [("If-None-Match", &*tag), ("X-Wait-Timeout", "0")];
    assert_eq!(server.get_with("/live.mpd", &same).status, 304);
    assert_eq!(server.get("/ldash/download/live.mpd").text(), text);
    let gzipped = server.get_with("/live.mpd", &[("Accept-Encoding", "gzip")]);
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));
    assert_eq!(gzipped.header("etag"), Some(&*format!("{}-gzip\"", tag.trim_end_matches('"'))));
}

fn range_of_last(bytes: usize, length: usize) -> String {
    format!("bytes {}-{}/{length}", length - bytes, length - 1)
}

#[test]
fn a_long_poll_is_answered_when_the_edited_manifest_changes() {
    let mut server = Server::start(&[&["--ingest"], &HOUR[..]].concat());
    server.write("init.mp4", &init());
    server.write("live.mpd", BARE.as_bytes());
    server.settle();
    let first = server.get_with("/live.mpd", &[("X-Wait-Timeout", "0")]);
    let tag = first.header("etag").expect("a tag").to_owned();
    let pending = server.request("GET", "/live.mpd", &[FOR_EVER, ("If-None-Match", &tag)]);
    server.held("/live.mpd");
    grow(&server, "/v-1.m4s", "/live.mpd");
    assert_eq!(pending.response().text(), completed("ldash/time"));
}

/// A segment that `put` brings with all its chunks in one moment ends the wait for the first chunk.
fn gets_no_offset(put: impl FnOnce(&Server, &[u8])) {
    let mut server = Server::start(&HOUR);
    server.write("init.mp4", &init());
    server.write("live.mpd", BARE.as_bytes());
    server.settle();
    let pending = server.request("GET", "/live.mpd", &[FOR_EVER]);
    server.held("/live.mpd");
    let all: Vec<u8> = (0..100).flat_map(chunk).collect();
    put(&server, &all);
    assert_eq!(pending.response().text(), timed("ldash/time"));
}

#[test]
fn what_comes_at_once_gets_no_offset() {
    gets_no_offset(|server, all| server.write("v-1.m4s", all));
}

#[test]
fn what_is_renamed_into_place_gets_no_offset() {
    gets_no_offset(|server, all| {
        server.write("scratch", all);
        fs::rename(server.path("scratch"), server.path("v-1.m4s")).expect("renamed");
    });
}

#[test]
fn a_manifest_that_nobody_writes_any_more_is_not_waited_for() {
    let mut server = Server::start(&[]);
    server.write("live.mpd", BARE.as_bytes());
    let old = std::time::SystemTime::UNIX_EPOCH;
    let file = fs::File::options().write(true).open(server.path("live.mpd")).expect("there");
    file.set_modified(old).expect("set");
    drop(file);
    server.settle();
    let response = server.get("/live.mpd");
    assert!(response.header("server-timing").is_none(), "it was not held");
}

#[test]
fn what_is_no_live_mpd_stays_as_it_is() {
    let mut server = Server::start(&[]);
    let listed = BARE.replace("</Period>", &format!("</Period>{}", utc_timing("x")));
    for (name, text) in [
        ("static.mpd", BARE.replace("dynamic", "static")),
        ("broken.mpd", "<MPD type=\"dynamic\"><Period></MPD>".to_owned()),
        ("other.mpd", "<xml type=\"dynamic\"/>".to_owned()),
        ("live.m3u8", "#EXTM3U\n".to_owned()),
        ("timed.mpd", listed),
    ] {
        server.write(name, text.as_bytes());
        let path = format!("/{name}");
        server.settle();
        assert_eq!(server.get_with(&path, &[("X-Wait-Timeout", "0")]).text(), text, "{name}");
    }
}

#[test]
fn a_manifest_that_is_no_text_stays_as_it_is() {
    let server = Server::start(&[]);
    let bytes = [&b"<MPD type='dynamic'><Period/>\xff\xfe</MPD>"[..]].concat();
    server.write("live.mpd", &bytes);
    assert!(server.get("/live.mpd").body() == bytes);
}

#[test]
fn options_say_whether_and_how() {
    let shown = |options: &[&str], text: &str| {
        let mut server = Server::start(options);
        server.write("a/live.mpd", text.as_bytes());
        server.settle();
        server.get_with("/a/live.mpd", &[("X-Wait-Timeout", "0")]).text()
    };
    assert_eq!(shown(&["--patch-mpd", "off"], BARE), BARE);
    let public = ["--public-url", "https://h.example/p/"];
    assert_eq!(shown(&public, BARE), timed("https://h.example/p/ldash/time"));
    let foreign = timed("https://time.example/?iso");
    assert_eq!(shown(&[], &foreign), foreign);
    assert_eq!(shown(&["--time-displacement", "2.5"], &foreign), timed("../ldash/time"));
}

#[test]
fn the_clock_is_late_by_its_displacement() {
    let time = |options: &[&str]| {
        let server = Server::start(options);
        let mut response = server.get("/ldash/time");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let told = humantime::parse_rfc3339(&response.text()).expect("a date");
        let head = server.request("HEAD", "/ldash/time", &[]).response();
        let date = head.headers.iter().filter(|(name, _)| name == "date");
        let dates: Vec<_> = date.flat_map(|(_, value)| httpdate::parse_http_date(value)).collect();
        assert_eq!(dates.len(), 1);
        (told, dates[0])
    };
    let hour = std::time::Duration::from_secs(3600);
    let (told, head) = time(&[]);
    let (late, late_head) = time(&["--time-displacement", "7200"]);
    assert!(told - hour > late, "{told:?} {late:?}");
    assert!(head - hour > late_head, "{head:?} {late_head:?}");
}

/// ffmpeg without `-ldash` leaves out much; what it writes is completed, whether it writes into
/// the folder or pushes.
#[test]
fn ffmpeg_is_completed() {
    for is_pushed in [false, true] {
        let server = Server::start(if is_pushed { &["--ingest"] } else { &[] });
        let mut muxer = LOW_LATENCY.to_vec();
        muxer.retain(|option| !option.starts_with("-ldash") && !option.starts_with("-frag"));
        muxer.extend(["-frag_type=duration", "-frag_duration=0.2"]);
        let ffmpeg = if is_pushed {
            Ffmpeg::start(format!("http://{}/s/live.mpd", server.address), &muxer)
        } else {
            fs::create_dir(server.path("s")).expect("made");
            Ffmpeg::start(server.path("s/live.mpd"), &muxer)
        };
        let text = server.get_with("/s/live.mpd", &[LONG]).text();
        assert!(text.contains(&utc_timing("../ldash/time")), "{text}");
        let incomplete = text.matches("availabilityTimeComplete=\"false\"").count();
        assert_eq!(incomplete, 2, "audio and video: {text}");
        assert!(text.contains("<Latency target=\"1000\"/>"), "{text}");
        let without = text
            .replace(" availabilityTimeComplete=\"false\"", "")
            .replace("<Latency target=\"1000\"/><PlaybackRate min=\"0.96\" max=\"1.04\"/>", "")
            .replace(&format!("\n\t{}", utc_timing("../ldash/time")), "");
        assert!(
            !without.contains("UTCTiming") && without.contains("<ServiceDescription id=\"0\">\n")
        );
        ffmpeg.exit();
    }
}
