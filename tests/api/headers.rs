//! Heading "Headers on everything".

use crate::helpers::{LONG, Pending, Response, Server, chunk};
use flate2::read::GzDecoder;
use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
};

fn without_etag(server: &mut Server, name: &str, bytes: &[u8]) -> Response {
    server.write(name, bytes);
    server.settle();
    server.get(&format!("/{name}"))
}

#[test]
fn headers_types() {
    for memory in ["256MiB", "0"] {
        let server = Server::start(&["--memory", memory]);
        for (extension, wanted) in [
            ("mpd", "application/dash+xml"),
            ("m3u8", "application/vnd.apple.mpegurl"),
            ("m4s", "video/iso.segment"),
            ("m4s.3", "video/iso.segment"),
            ("mp4", "video/mp4"),
            ("cmfv", "video/mp4"),
            ("m4v", "video/mp4"),
            ("cmfa", "audio/mp4"),
            ("m4a", "audio/mp4"),
            ("cmft", "application/mp4"),
            ("cmfm", "application/mp4"),
            ("ts", "video/mp2t"),
            ("webm", "video/webm"),
        ] {
            server.write(&format!("1.{extension}"), b"contents");
            let response = server.get(&format!("/1.{extension}"));
            assert_eq!(response.header("content-type"), Some(wanted), "{extension}, {memory}");
        }
        server.write("1.vtt", b"WEBVTT");
        let vtt = server.get("/1.vtt");
        assert!(vtt.header("content-type").is_some_and(|known| known.starts_with("text/vtt")));
    }
}

#[test]
fn headers_let_pages_of_any_origin_read() {
    let mut server = Server::start(&["--max-held", "0"]);
    server.write("1.m4s", &chunk(100));
    let mut growing = server.create("2.m4s");
    growing.write_all(&chunk(100)).expect("written");
    for (path, status) in [
        ("/1.m4s", 200),
        ("/2.m4s", 200),
        ("/", 200),
        ("/ldash/time", 200),
        ("/none", 404),
        ("/none.m4s", 503),
        ("/%00", 400),
    ] {
        let response = server.get_with(path, &[("Origin", "https://a.example")]);
        assert_eq!(response.status, status, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(response.header("timing-allow-origin"), Some("*"), "{path}");
        let exposed = response.header("access-control-expose-headers").expect("exposed");
        for name in [
            "Date",
            "Age",
            "ETag",
            "Content-Length",
            "Content-Range",
            "Server-Timing",
            "CMSD-Static",
            "CMSD-Dynamic",
        ] {
            assert!(exposed.split(", ").any(|known| known == name), "{name} in {exposed}");
        }
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
    server.logged("GET /%00");
}

#[test]
fn headers_let_pages_of_listed_origins_read() {
    let origins = ["--cors-origin", "https://a.example", "--cors-origin", "https://b.example"];
    let server = Server::start(&origins);
    server.write("1.m4s", &chunk(100));
    for (origin, allowed) in [
        ("https://a.example", Some("https://a.example")),
        ("https://b.example", Some("https://b.example")),
        ("https://c.example", None),
        ("null", None),
    ] {
        let response = server.get_with("/1.m4s", &[("Origin", origin)]);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("access-control-allow-origin"), allowed);
        assert_eq!(response.header("timing-allow-origin"), allowed);
        assert_eq!(response.header("vary"), Some("Origin"), "caches must keep them apart");
    }
}

#[test]
fn headers_of_a_preflight() {
    let server = Server::start(&["--max-held", "0"]);
    let asked = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "x-wait-timeout, cmcd-request"),
        LONG,
    ];
    let response = server.request("OPTIONS", "/none.m4s", &asked).response();
    assert_eq!(response.status, 204);
    assert_eq!(response.header("content-length").unwrap_or("0"), "0");
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        response.header("access-control-allow-headers"),
        Some("x-wait-timeout, cmcd-request")
    );
    let methods = response.header("access-control-allow-methods").expect("allowed");
    assert!(methods.contains("GET") && methods.contains("HEAD"), "{methods}");
    let seconds = response.header("access-control-max-age").and_then(|age| age.parse().ok());
    assert!(seconds.is_some_and(|seconds: u32| seconds > 0));
}

#[test]
fn headers_for_caches() {
    let mut server = Server::start(&[]);
    for (name, wanted) in [
        ("live.mpd", "max-age=0, s-maxage=1"),
        ("live.m3u8", "max-age=0, s-maxage=1"),
        ("init-0.m4s", "max-age=0, s-maxage=1"),
        ("v/video.init", "max-age=0, s-maxage=1"),
        ("chunk-1.m4s", "max-age=60"),
        ("1.ts", "max-age=60"),
    ] {
        let response = without_etag(&mut server, name, &chunk(100));
        assert_eq!(response.header("cache-control"), Some(wanted), "{name}");
        let headers = [("If-None-Match", response.header("etag").expect("finished"))];
        let unchanged = server.get_with(&format!("/{name}"), &headers);
        assert_eq!((unchanged.status, unchanged.header("cache-control")), (304, Some(wanted)));
    }
    let mut growing = server.create("chunk-2.m4s");
    growing.write_all(&chunk(100)).expect("written");
    assert_eq!(server.get("/chunk-2.m4s").header("cache-control"), Some("max-age=60"));
    for (path, status) in [("/none.html", 404), ("/%00", 400)] {
        let response = server.get(path);
        assert_eq!((response.status, response.header("cache-control")), (status, Some("no-store")));
    }
    let mut server = Server::start(&["--segment-max-age", "2h"]);
    let response = without_etag(&mut server, "chunk-1.m4s", &chunk(100));
    assert_eq!(response.header("cache-control"), Some("max-age=7200"));
}

#[test]
fn headers_and_gzip_of_text() {
    let mut server = Server::start(&[]);
    let text = format!("<MPD>{}</MPD>", "segment ".repeat(200));
    let gzip = [("Accept-Encoding", "br, gzip;q=0.8")];
    for name in ["live.mpd", "x.html", "x.vtt"] {
        let plain = without_etag(&mut server, name, text.as_bytes());
        let path = format!("/{name}");
        let mut compressed = server.get_with(&path, &gzip);
        assert_eq!(compressed.header("content-encoding"), Some("gzip"), "{name}");
        for response in [&plain, &compressed] {
            assert_eq!(response.header("vary"), Some("Accept-Encoding"), "{name}");
        }
        let (tag, plain_tag) = (compressed.header("etag"), plain.header("etag"));
        assert!(tag.is_some() && tag != plain_tag, "a tag of its own: {tag:?}");
        let tag = tag.map(str::to_owned).expect("some");
        let body = compressed.body();
        assert!(body.len() < text.len());
        let mut unpacked = String::new();
        GzDecoder::new(&*body).read_to_string(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, text);
        let unchanged = server.get_with(&path, &[gzip[0], ("If-None-Match", &tag)]);
        assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(&*tag)));
        assert_eq!(unchanged.header("vary"), Some("Accept-Encoding"));
        assert_eq!(
            server.get_with(&path, &[("If-None-Match", &tag)]).status,
            200,
            "it is not that"
        );
        let refused = server.get_with(&path, &[("Accept-Encoding", "gzip;q=0, identity")]);
        assert_eq!(refused.header("content-encoding"), None);
        let head = server.request("HEAD", &path, &gzip).response();
        let length = body.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length));
        let mut part = server.get_with(&path, &[gzip[0], ("Range", "bytes=0-4")]);
        assert_eq!((part.status, part.header("content-encoding")), (206, None));
        assert_eq!(part.body(), b"<MPD>");
    }
    let media = without_etag(&mut server, "1.m4s", &chunk(2000));
    assert_eq!(media.header("vary"), None);
    let media = server.get_with("/1.m4s", &gzip);
    assert_eq!(media.header("content-encoding"), None, "it is compressed already");
}

/// RFC 9110, section 9.3.2: what stood behind the head would be taken for the next response.
#[test]
fn headers_of_a_head_request_are_all_that_is_sent() {
    let server = Server::start(&["--default-wait", "0"]);
    server.write("1.m4s", &chunk(100));
    server.write("live.mpd", b"<MPD/>");
    server.finished("/1.m4s");
    let mut stream = BufReader::new(TcpStream::connect(server.address).expect("a connection"));
    let paths = [
        "/1.m4s",
        "/none.m4s",
        "/live.mpd",
        "/.hidden",
        "/%2F",
        "/ldash/time",
        "/ldash/health",
        "/",
        "/ldash/assets/none",
        "/ldash/",
    ];
    for path in paths {
        for method in ["HEAD", "GET"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            let is_head = method == "HEAD";
            let mut response = Pending::over(stream, request.as_bytes(), is_head).response();
            let length = response.header("content-length").map(str::to_owned);
            let body = response.body();
            assert_eq!(length, server.get(path).header("content-length").map(str::to_owned));
            assert_eq!(body.is_empty(), is_head, "{method} {path}");
            stream = response.stream;
        }
    }
}

#[test]
fn headers_of_our_own_files_let_browsers_keep_them() {
    let server = Server::start(&[]);
    let clock = "/ldash/assets/clock.js";
    let tag = server.get(clock).header("etag").expect("a tag").to_owned();
    assert_eq!(server.get_with(clock, &[("If-None-Match", &tag)]).status, 304);
    let gzip = [("Accept-Encoding", "gzip"), ("If-None-Match", &*tag)];
    assert_eq!(server.get_with(clock, &gzip).status, 200, "it has a tag of its own");
}
