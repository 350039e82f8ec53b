//! Heading "URLs": the status and the health of a server.

pub mod metrics;

use crate::helpers::{LONG, Push, Server, chunk, put, until};
use serde_json::Value;
use std::{fs, io::Write, thread};

/// A live manifest of one quality, whose segments lie beside it.
pub const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"><Period id="0"><AdaptationSet contentType="video">
<SegmentTemplate timescale="1" duration="2" media="chunk-$Number$.m4s"/>
<Representation id="v0" width="640" height="360" frameRate="30" bandwidth="800000" codecs="avc1.64001e"/>
</AdaptationSet></Period></MPD>"#;

fn status(server: &Server) -> Value {
    let mut response = server.get("/ldash/status");
    assert_eq!(response.status, 200);
    serde_json::from_str(&response.text()).expect("JSON")
}

/// Asks until the status is as it is waited for: it is told for a second.
fn status_when(server: &Server, is_so: impl Fn(&Value) -> bool) -> Value {
    until(|| Some(status(server)).filter(&is_so))
}

/// The path and the state of each stream.
fn states(status: &Value) -> Vec<(&str, &str)> {
    let streams = status["streams"].as_array().expect("a list").iter();
    streams
        .map(|stream| {
            let text = |name| stream[name].as_str().expect("text");
            (text("path"), text("state"))
        })
        .collect()
}

#[test]
fn urls_status_is_json_that_nobody_stores_and_every_page_may_read() {
    let server = Server::start(&["--memory", "1MiB"]);
    let response = server.get_with("/ldash/status", &[("Origin", "https://elsewhere.example")]);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let head = server.request("HEAD", "/ldash/status", &[]).response();
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    let status = status(&server);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["is_alive"], true);
    assert_eq!(status["ingest"], false);
    assert_eq!(status["memory"]["limit_bytes"], 1 << 20);
    assert_eq!(status["streams"], Value::Array(vec![]));
    assert!(status["now"].as_str() >= status["started"].as_str());
    assert!(status["now"].as_str().is_some_and(|now| now.ends_with('Z')));
    assert!(status["uptime_seconds"].as_f64() > Some(0.0));
    assert_eq!(server.request("PUT", "/ldash/status", &[]).response().status, 405);
}

#[cfg(target_os = "linux")]
#[test]
fn urls_status_tells_how_the_folder_is_watched() {
    for (option, watch) in [("auto", "inotify"), ("notify", "notify"), ("poll", "poll")] {
        let server = Server::start(&["--watch", option]);
        assert_eq!(status(&server)["watch"], watch);
    }
}

#[test]
fn urls_status_shows_held_requests_until_they_are_answered() {
    let mut server = Server::start(&[]);
    let path = "/live/chunk-5.m4s";
    let pending: Vec<_> = (0..3).map(|_| server.request("GET", path, &[LONG])).collect();
    (0..3).for_each(|_| server.held(path));
    let other = server.request("GET", "/a%20%22b%3C.m4s", &[LONG]);
    server.held("/a%20%22b%3C.m4s");
    let held = status(&server)["held"].take();
    assert_eq!(held["requests"], 4);
    let first = serde_json::json!({"path": "live/chunk-5.m4s", "requests": 3});
    let second = serde_json::json!({"path": "a \"b<.m4s", "requests": 1});
    assert_eq!(held["names"], Value::Array(vec![first, second]), "the most waited for first");
    server.write("live/chunk-5.m4s", &chunk(100));
    pending.into_iter().for_each(|pending| assert_eq!(pending.response().status, 200));
    drop(other);
    let status = status_when(&server, |status| status["held"]["requests"] == 0);
    assert_eq!(status["held"]["names"], Value::Array(vec![]));
}

#[test]
fn urls_status_shows_growing_files_with_their_followers() {
    let mut server = Server::start(&[]);
    let mut file = server.create("live/chunk-4.m4s");
    server.settle();
    file.write_all(&chunk(100)).expect("written");
    let mut followers: Vec<_> = (0..2).map(|_| server.get("/live/chunk-4.m4s")).collect();
    followers.iter_mut().for_each(|it| assert_eq!(it.read(100).len(), 100));
    let growing = status(&server)["growing"][0].take();
    assert_eq!(growing["path"], "live/chunk-4.m4s");
    assert_eq!((&growing["bytes"], &growing["followers"]), (&100.into(), &2.into()));
    assert!(growing["age_seconds"].as_f64() >= growing["silent_seconds"].as_f64());
    file.write_all(&chunk(50)).expect("written");
    followers.pop();
    status_when(&server, |status| {
        let growing = &status["growing"][0];
        growing["bytes"] == 150 && growing["followers"] == 1
    });
    drop(file);
    followers.iter_mut().for_each(|it| assert_eq!(it.body().len(), 50));
    assert_eq!(status(&server)["growing"], Value::Array(vec![]));
}

#[test]
fn urls_status_tells_streams_by_their_manifests() {
    let server = Server::start(&[]);
    server.write("live/a b/manifest.mpd", MPD.as_bytes());
    let waiting = status_when(&server, |status| !states(status).is_empty());
    let stream = &waiting["streams"][0];
    assert_eq!(stream["path"], "live/a b/manifest.mpd");
    assert_eq!(stream["kind"], "dash");
    assert_eq!(stream["url"], "/live/a%20b/manifest.mpd");
    assert_eq!(stream["play"], "/ldash/play/live/a%20b/manifest.mpd");
    assert_eq!(
        (&stream["state"], &stream["segment_age_seconds"]),
        (&"waiting".into(), &Value::Null)
    );
    let quality = serde_json::json!([{"id": "v0", "kind": "video", "width": 640, "height": 360,
        "frame_rate": "30", "bandwidth": 800_000, "codecs": "avc1.64001e"}]);
    assert_eq!(stream["qualities"], quality);
    server.write("live/a b/init-0.m4s", &chunk(100));
    server.write("live/a b/chunk-1.m4s", &chunk(100));
    let live = status_when(&server, |status| states(status)[0].1 == "live");
    assert!(live["streams"][0]["segment_age_seconds"].as_f64().is_some_and(|age| age >= 0.0));
    assert!(live["streams"][0]["manifest_age_seconds"].as_f64().is_some_and(|age| age >= 0.0));
    server.write("live/a b/manifest.mpd", MPD.replace("dynamic", "static").as_bytes());
    status_when(&server, |status| states(status)[0].1 == "ended");
    fs::remove_file(server.path("live/a b/manifest.mpd")).expect("removed");
    status_when(&server, |status| states(status).is_empty());
}

#[test]
fn urls_status_takes_a_stream_that_fell_silent_for_ended() {
    let server = Server::start(&[]);
    server.write("x.mpd", MPD.as_bytes());
    server.write("chunk-1.m4s", &chunk(100));
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    for name in ["x.mpd", "chunk-1.m4s"] {
        let file = fs::File::options().append(true).open(server.path(name)).expect("open");
        file.set_modified(long_ago).expect("set");
    }
    status_when(&server, |status| states(status) == [("x.mpd", "ended")]);
    let mut file = server.create("chunk-2.m4s");
    file.write_all(&chunk(100)).expect("written");
    status_when(&server, |status| states(status) == [("x.mpd", "live")]);
}

#[test]
fn urls_status_counts_a_multivariant_playlist_as_one_stream() {
    let server = Server::start(&[]);
    let master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"de\",URI=\"a/live.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=2x1,FRAME-RATE=25,CODECS=\"x\"\nv/live.m3u8\n";
    let media = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n";
    server.write("h/master.m3u8", master.as_bytes());
    server.write("h/v/live.m3u8", media.as_bytes());
    server.write("h/a/live.m3u8", media.as_bytes());
    server.write("lone.m3u8", media.as_bytes());
    let seen = status_when(&server, |status| states(status).len() == 2);
    assert_eq!(states(&seen), [("h/master.m3u8", "waiting"), ("lone.m3u8", "waiting")]);
    let stream = &seen["streams"][0];
    assert_eq!((&stream["kind"], &stream["qualities"][0]["id"]), (&"hls".into(), &"de".into()));
    assert_eq!(stream["qualities"][1]["height"], 1);
    server.write("h/v/1.m4s", &chunk(100));
    let live = status_when(&server, |status| states(status)[0].1 == "live");
    assert_eq!(states(&live), [("h/master.m3u8", "live"), ("lone.m3u8", "waiting")]);
    for name in ["h/v/live.m3u8", "h/a/live.m3u8"] {
        server.write(name, format!("{media}#EXT-X-ENDLIST\n").as_bytes());
    }
    status_when(&server, |status| states(status).contains(&("h/master.m3u8", "ended")));
}

#[test]
fn urls_status_bounds_its_lists() {
    let server = Server::start(&[]);
    for number in 0..1000 {
        server.write(&format!("s{number}.mpd"), MPD.as_bytes());
    }
    server.write("live/x.mpd", MPD.as_bytes());
    server.write("live/chunk-1.m4s", &chunk(100));
    let seen =
        status_when(&server, |status| states(status).first() == Some(&("live/x.mpd", "live")));
    assert_eq!(states(&seen).len(), 100, "and the live one is not among those left out");
    assert_eq!(seen["omitted"]["streams"], 900);
    let page = server.get("/ldash/").text();
    assert_eq!(page.matches("aria-label=\"play ").count(), 100);
    assert!(page.contains("and 900 more"), "{page}");
}

#[test]
fn urls_status_reads_manifests_that_are_none() {
    let server = Server::start(&[]);
    for (name, text) in [
        ("no.mpd", &b"<SmoothStreamingMedia/>"[..]),
        ("not.m3u8", b"1.ts"),
        ("binary.mpd", b"\xff\xfe\0"),
        ("outside.mpd", b"<MPD type=\"dynamic\"><BaseURL>../../../etc/</BaseURL><Period/></MPD>"),
        ("deep.mpd", "<MPD>".repeat(10_000).as_bytes()),
        ("large.mpd", format!("<MPD>{}</MPD>", " ".repeat(2 << 20)).as_bytes()),
    ] {
        server.write(name, text);
    }
    let seen = status_when(&server, |status| states(status).len() == 6);
    let streams = seen["streams"].as_array().expect("a list");
    assert!(streams.iter().all(|stream| stream["qualities"] == Value::Array(vec![])));
}

#[test]
fn urls_status_moves_with_what_happens() {
    let server = Server::start(&["--ingest"]);
    let before = status(&server);
    assert_eq!(before["ingest"], true);
    let pushed = put(server.address, "/1.m4s", &chunk(100));
    assert_eq!(pushed.status, 201);
    for _ in 0..10 {
        assert_eq!(server.get("/1.m4s").body().len(), 100);
    }
    assert_eq!(server.get_with("/none.m4s", &[("X-Wait-Timeout", "1")]).status, 404);
    let mut half = Push::start(server.address, "/half.m4s");
    half.chunk(&chunk(60));
    let mut follower = server.get("/half.m4s");
    assert_eq!(follower.read(60).len(), 60);
    drop(half);
    assert_eq!(follower.rest().1, crate::helpers::End::Cut);
    let after = status_when(&server, |status| status["totals"]["cut"] == 1);
    let totals = &after["totals"];
    let number = |value: &Value| value.as_f64().expect("a number");
    assert_eq!((&totals["received_bytes"], &totals["uploads"]), (&160.into(), &1.into()));
    assert_eq!(totals["timed_out"], 1);
    assert!(number(&totals["sent_bytes"]) >= 1060.0, "{totals}");
    assert!(number(&totals["requests"]) >= number(&before["totals"]["requests"]) + 13.0);
    assert!(number(&totals["connections"]) >= 1.0);
    for rate in ["requests_per_second", "sent_bytes_per_second", "received_bytes_per_second"] {
        assert!(number(&after["rates"][rate]) > 0.0, "{rate} in {after}");
    }
    assert!(number(&after["memory"]["kept_bytes"]) > 100.0);
}

#[test]
fn urls_status_counts_connections_while_they_are_open() {
    let server = Server::start(&[]);
    let open: Vec<_> = (0..5).map(|_| server.get("/ldash/time")).collect();
    status_when(&server, |status| status["totals"]["connections"].as_u64() >= Some(6));
    drop(open);
    let seen = status_when(&server, |status| status["totals"]["connections"] == 1);
    assert!(seen["totals"]["accepted"].as_u64() >= Some(7));
}

#[test]
fn urls_status_is_one_for_a_crowd_that_asks() {
    let server = Server::start(&[]);
    server.write("live/x.mpd", MPD.as_bytes());
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(states(&status(&server)), [("live/x.mpd", "waiting")]);
                    assert_eq!(server.get("/ldash/metrics").status, 200);
                    assert_eq!(server.get("/ldash/").status, 200);
                    // One who leaves at once takes nothing away from the others.
                    drop(server.request("GET", "/ldash/status", &[]));
                }
            });
        }
    });
}

#[test]
fn urls_health_tells_whether_the_folder_is_watched() {
    let server = Server::start(&[]);
    let mut response = server.get("/ldash/health");
    assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
    assert_eq!(response.text(), "ok\n");
    assert_eq!(server.request("HEAD", "/ldash/health", &[]).response().status, 200);
}
