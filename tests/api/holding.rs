//! Heading "Holding".

use crate::helpers::{End, LONG, Server, chunk, until};
use std::{fs, io::Write, net::Shutdown, thread};

/// With this a request that would be held gets 503: what gets another answer gets it at once.
const NO_HOLDING: [&str; 2] = ["--max-held", "0"];

const MPD: &[u8] = b"<MPD><Period/></MPD>";

#[test]
fn holding_until_the_first_bytes_are_there() {
    for method in ["GET", "HEAD"] {
        let mut server = Server::start(&[]);
        let pending = server.request(method, "/1.m4s", &[]);
        server.held("/1.m4s");
        let mut file = server.create("1.m4s");
        server.settle();
        file.write_all(&chunk(100)).expect("written");
        let mut response = pending.response();
        assert_eq!(response.status, 200, "{method}");
        if method == "GET" {
            assert_eq!(response.read(100), chunk(100), "while it is still open");
        }
    }
}

#[test]
fn holding_answers_everyone_who_waits_for_a_name() {
    let mut server = Server::start(&[]);
    let waiting: Vec<_> = (0..50).map(|_| server.request("GET", "/1.m4s", &[])).collect();
    (0..50).for_each(|_| server.held("/1.m4s"));
    server.write("1.m4s", &chunk(100));
    for pending in waiting {
        let mut response = pending.response();
        assert_eq!((response.status, response.body()), (200, chunk(100)));
    }
}

#[test]
fn holding_a_manifest_until_it_is_whole() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/live.mpd", &[]);
    server.held("/live.mpd");
    let mut file = server.create("live.mpd");
    file.write_all(&MPD[..9]).expect("written");
    server.settle();
    file.write_all(&MPD[9..]).expect("written");
    drop(file);
    let mut response = pending.response();
    assert_eq!(response.header("content-length"), Some("20"));
    assert_eq!(response.body(), MPD);
}

#[test]
fn holding_for_folders_that_do_not_exist_yet() {
    let mut server = Server::start(&[]);
    let media = server.request("GET", "/a/b/c/1.m4s", &[]);
    server.held("/a/b/c/1.m4s");
    let manifest = server.request("GET", "/a/b/live.mpd", &[]);
    server.held("/a/b/live.mpd");
    server.write("a/b/c/1.m4s", &chunk(100));
    assert_eq!(media.response().body(), chunk(100));
    server.write("a/b/live.mpd", MPD);
    assert_eq!(manifest.response().body(), MPD);
}

#[test]
fn holding_loses_no_wake_up() {
    let server = Server::start(&[]);
    for number in 0..300 {
        let name = format!("new-{number}/1.m4s");
        let pending = server.request("GET", &format!("/{name}"), &[]);
        server.write(&name, &chunk(100));
        let mut response = pending.response();
        assert_eq!((response.status, response.body()), (200, chunk(100)), "{name}");
    }
}

#[test]
fn holding_ends_with_404_that_nobody_stores() {
    let server = Server::start(&["--default-wait", "100ms"]);
    for (path, headers) in [
        ("/1.m4s", vec![]),
        ("/no/such/folder/1.m4s", vec![("X-Wait-Timeout", "100")]),
        ("/page.html", vec![("X-Wait-Timeout", "100")]),
        ("/page.html?wait=100", vec![]),
        ("/live.mpd", vec![("X-Wait-Timeout", "100")]),
    ] {
        let mut response = server.get_with(path, &headers);
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let held = response.header("server-timing").expect("it was held");
        assert!(held.starts_with("wait;dur=1"), "{held}");
        assert_eq!(response.header("vary"), None);
        assert_eq!(response.text(), "it did not appear within 100ms\n");
    }
}

#[test]
fn holding_tells_how_long_a_request_was_held() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/live.mpd", &[LONG]);
    server.held("/live.mpd");
    server.write("live.mpd", MPD);
    let response = pending.response();
    let held = response.header("server-timing").and_then(|held| held.strip_prefix("wait;dur="));
    assert!(held.is_some_and(|millis| millis.parse::<f64>().is_ok()), "{held:?}");
    assert_eq!(response.header("vary"), Some("Accept-Encoding"), "none on a waiting header");
    assert_eq!(server.get("/live.mpd").header("server-timing"), None);
}

#[test]
fn holding_zero_does_not_wait() {
    let server = Server::start(&NO_HOLDING);
    assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    assert_eq!(server.get_with("/1.m4s", &[("Prefer", "wait=0")]).status, 404);
    assert_eq!(server.get("/1.m4s?wait=0").status, 404);
}

#[test]
fn holding_malformed_or_repeated_header_is_400_even_if_the_file_exists() {
    let server = Server::start(&[]);
    server.write("1.m4s", &chunk(100));
    for malformed in ["", "-1", "+5", "2.5", "1e3", "soon", "5s", "0x10", "100, 200"] {
        let mut response = server.get_with("/1.m4s", &[("X-Wait-Timeout", malformed)]);
        assert_eq!(response.status, 400, "{malformed:?}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let text = response.text();
        assert!(text.contains("X-Wait-Timeout") && text.contains(malformed), "{text}");
    }
    let repeated = [("X-Wait-Timeout", "1"), ("X-Wait-Timeout", "1")];
    let mut response = server.get_with("/1.m4s", &repeated);
    assert_eq!(response.status, 400);
    assert!(response.text().contains("more than once"));
}

#[test]
fn holding_is_capped() {
    let server = Server::start(&["--max-wait", "1s"]);
    let header = [("X-Wait-Timeout", "99999999999999999999999")];
    assert_eq!(server.get_with("/1.m4s", &header).text(), "it did not appear within 1s\n");
    let response = server.get_with("/1.m4s", &[("Prefer", "wait=3600")]);
    assert_eq!((response.status, response.header("preference-applied")), (404, Some("wait=1")));
}

#[test]
fn holding_by_preference_is_answered_with_preference_applied() {
    let mut server = Server::start(&[]);
    let prefer = [("Prefer", "respond-async, wait=20")];
    let pending = server.request("GET", "/page.html", &prefer);
    server.held("/page.html");
    server.write("page.html", b"hello");
    let mut response = pending.response();
    assert_eq!(response.header("preference-applied"), Some("wait=20"));
    assert_eq!(response.body(), b"hello");
    let response = server.get_with("/page.html", &[("Prefer", "wait=9999")]);
    assert_eq!(response.header("preference-applied"), Some("wait=30"), "the capped value");
    let ignored = server.get_with("/page.html", &[("Prefer", "wait=soon")]);
    assert_eq!((ignored.status, ignored.header("preference-applied")), (200, None));
}

#[test]
fn holding_by_query_needs_no_header() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/page.html?a=b&wait=20000", &[]);
    server.held("/page.html?a=b&wait=20000");
    server.write("page.html", b"hello");
    assert_eq!(pending.response().body(), b"hello");
}

#[test]
fn holding_header_wins_over_prefer_and_prefer_over_the_query() {
    let server = Server::start(&NO_HOLDING);
    let status = |path, headers: &[(&str, &str)]| server.get_with(path, headers).status;
    let (no, yes) = (404, 503);
    assert_eq!(status("/x?wait=9", &[("X-Wait-Timeout", "0"), ("Prefer", "wait=9")]), no);
    assert_eq!(status("/x?wait=0", &[("X-Wait-Timeout", "9"), ("Prefer", "wait=0")]), yes);
    assert_eq!(status("/x?wait=9", &[("Prefer", "wait=0")]), no);
    assert_eq!(status("/x?wait=0", &[("Prefer", "wait=9")]), yes);
    assert_eq!(status("/x?wait=9", &[]), yes);
    // Malformed ones are ignored.
    assert_eq!(status("/x?wait=9s", &[("Prefer", "wait=soon")]), no);
    assert_eq!(status("/x?wait=9", &[("Prefer", "wait=soon")]), yes);
    assert_eq!(status("/x.m4s?wait=9s", &[("Prefer", "wait=")]), yes, "as by default");
}

#[test]
fn holding_unasked_is_for_names_of_media_and_manifests() {
    let server = Server::start(&[&NO_HOLDING[..], &["--hold-ext", "json"]].concat());
    for extension in [
        "mpd", "m3u8", "m4s", "mp4", "m4v", "m4a", "cmfv", "cmfa", "cmft", "cmfm", "ts", "aac",
        "webm", "vtt", "init", "dash", "key", "m4s.3", "ts.12", "json",
    ] {
        assert_eq!(server.get(&format!("/1.{extension}")).status, 503, "{extension}");
    }
    for name in ["1.html", "1.txt", "1.M4S", "m4s", "1.m4s.x", "1.xml", "1.3", "folder/"] {
        assert_eq!(server.get(&format!("/{name}")).status, 404, "{name}");
    }
    let server = Server::start(&["--max-held", "0", "--default-wait", "0"]);
    assert_eq!(server.get("/1.m4s").status, 404, "0 turns it off");
    assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "1")]).status, 503, "if asked");
}

#[test]
fn holding_lets_manifests_be_polled_long() {
    let mut server = Server::start(&[]);
    server.write("live.mpd", MPD);
    let tag = server.get("/live.mpd").header("etag").expect("finished").to_owned();
    let known = ("If-None-Match", &*tag);
    let pending = server.request("GET", "/live.mpd", &[LONG, known]);
    server.held("/live.mpd");
    server.write("live.mpd", b"<MPD>new</MPD>");
    let mut response = pending.response();
    assert_eq!((response.status, response.text()), (200, "<MPD>new</MPD>".to_owned()));
    let tag = response.header("etag").expect("finished").to_owned();

    let known = ("If-None-Match", &*tag);
    let unchanged = server.get_with("/live.mpd", &[known, ("X-Wait-Timeout", "100")]);
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(&*tag)));
    assert!(unchanged.header("server-timing").is_some(), "it was held");
    let written_again = server.request("GET", "/live.mpd?wait=500", &[known]);
    server.held("/live.mpd?wait=500");
    server.write("live.mpd", b"<MPD>new</MPD>");
    assert_eq!(written_again.response().status, 304, "the same again is no change");
    let other = server.get_with("/live.mpd", &[("If-None-Match", "\"other\""), LONG]);
    assert_eq!((other.status, other.header("server-timing")), (200, None));
}

#[test]
fn holding_polls_a_compressed_manifest_by_its_own_tag() {
    let mut server = Server::start(&[]);
    server.write("live.mpd", format!("<MPD>{}</MPD>", "x".repeat(999)).as_bytes());
    let gzip = ("Accept-Encoding", "gzip");
    let response = server.get_with("/live.mpd", &[gzip]);
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    let known = ("If-None-Match", response.header("etag").expect("finished"));
    let pending = server.request("GET", "/live.mpd", &[LONG, gzip, known]);
    server.held("/live.mpd");
    server.write("live.mpd", MPD);
    assert_eq!(pending.response().body(), MPD);
}

#[test]
fn holding_answers_304_at_once_without_a_wait_for_stars_and_for_other_files() {
    let server = Server::start(&NO_HOLDING);
    server.write("live.mpd", MPD);
    server.write("1.m4s", &chunk(100));
    for (path, headers) in [
        ("/live.mpd", vec![]),
        ("/live.mpd", vec![("X-Wait-Timeout", "0")]),
        ("/1.m4s", vec![LONG]),
    ] {
        let tag = server.get(path).header("etag").expect("finished").to_owned();
        let known = [headers, vec![("If-None-Match", &*tag)]].concat();
        assert_eq!(server.get_with(path, &known).status, 304, "{path}");
    }
    let star = [("If-None-Match", "*"), LONG];
    assert_eq!(server.get_with("/live.mpd", &star).status, 304);
}

#[test]
fn holding_gives_the_place_of_a_client_that_left_to_another() {
    let mut server = Server::start(&["--max-held", "1"]);
    let first = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    assert_eq!(server.get("/2.m4s").status, 503);
    drop(first);
    // The next is answered at once as long as the place is taken; then it is held.
    let mut second = until(|| {
        let mut second = server.request("GET", "/2.m4s", &[("X-Wait-Timeout", "300")]).response();
        (second.status == 404).then(|| second.body())
    });
    second.clear();
    let closed = server.request("GET", "/3.m4s", &[]);
    server.held("/3.m4s");
    closed.stream.get_ref().shutdown(Shutdown::Both).expect("closed");
    until(|| (server.get_with("/4.m4s", &[("X-Wait-Timeout", "300")]).status == 404).then_some(()));
}

#[test]
fn holding_more_than_may_is_503_with_retry_after() {
    let mut server = Server::start(&["--max-held", "1"]);
    let first = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    let second = server.get("/1.m4s");
    assert_eq!((second.status, second.header("retry-after")), (503, Some("1")));
    assert_eq!(second.header("cache-control"), Some("no-store"));
    server.write("there.m4s", &chunk(100));
    assert_eq!(server.get("/there.m4s").status, 200, "what is there needs no place");
    server.write("1.m4s", &chunk(100));
    assert_eq!(first.response().body(), chunk(100), "the first is not disturbed");
}

#[test]
fn holding_is_not_for_options() {
    let server = Server::start(&NO_HOLDING);
    let options = server.request("OPTIONS", "/1.m4s", &[LONG]).response();
    assert_eq!(options.status, 204);
}

#[test]
fn holding_while_a_file_is_made_again_and_again() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    for _ in 0..20 {
        drop(server.create("1.m4s"));
        fs::remove_file(server.path("1.m4s")).expect("removed");
    }
    server.write("1.m4s.tmp", &chunk(100));
    fs::rename(server.path("1.m4s.tmp"), server.path("1.m4s")).expect("renamed");
    let mut response = pending.response();
    assert_eq!(response.rest(), (chunk(100), End::Clean));
}

#[test]
fn holding_many_clients_on_many_names() {
    let server = Server::start(&[]);
    thread::scope(|scope| {
        for client in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for number in 0..40 {
                    let path = format!("/{number}.m4s");
                    assert_eq!(server.get(&path).body(), chunk(100 + number), "{client}, {path}");
                }
            });
        }
        for number in 0..40 {
            server.write(&format!("{number}.m4s"), &chunk(100 + number));
        }
    });
}
