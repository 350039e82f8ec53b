//! Heading "URLs": paths, methods, and what is ours.

use crate::helpers::{LONG, Server, chunk};
use std::fs;

/// With this a request that would be held gets 503: a 404 was given at once.
const NO_HOLDING: [&str; 2] = ["--max-held", "0"];

#[test]
fn urls_of_the_folder_are_read_only() {
    let server = Server::start(&[]);
    server.write("live/1.m4s", &chunk(100));
    server.write("a b/ü.txt", b"text");
    assert_eq!(server.get("/live/1.m4s").body(), chunk(100));
    assert_eq!(server.get("/a%20b/%C3%BC.txt").body(), b"text");
    for method in ["PUT", "POST", "DELETE", "PATCH"] {
        for path in ["/live/1.m4s", "/new.m4s", "/", "/ldash/upload/live/1.m4s"] {
            let headers = [("Content-Length", "0"), LONG];
            let response = server.request(method, path, &headers).response();
            assert_eq!(response.status, 405, "{method} {path}");
            assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
    }
    assert!(server.path("live/1.m4s").exists() && !server.path("new.m4s").exists());
}

#[test]
fn urls_of_older_tools_are_the_same_files() {
    let server = Server::start(&[]);
    server.write("live/1.m4s", &chunk(100));
    for path in ["/live/1.m4s", "/ldash/download/live/1.m4s", "/ldash/upload/live/1.m4s"] {
        assert_eq!(server.get(path).body(), chunk(100), "{path}");
    }
}

#[test]
fn urls_root_is_the_own_index_or_the_front_page() {
    let server = Server::start(&[]);
    server.write("live/x y.mpd", b"<MPD></MPD>");
    server.write("live/x.m4s", &chunk(100));
    for path in ["/", "/ldash/"] {
        let mut response = server.get(path);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        let text = response.text();
        assert!(text.contains("href=\"../../../live/x%20y.mpd\">live/x y.mpd</a>"), "{text}");
        assert!(text.contains("play</a>") && !text.contains("x.m4s"), "{text}");
    }
    server.write("index.html", b"mine");
    server.write("ldash/index.html", b"not this");
    assert_eq!(server.get("/").text(), "mine");
    assert_ne!(server.get("/ldash/").text(), "not this", "always the front page");
}

#[test]
fn urls_below_ldash_are_ours() {
    let server = Server::start(&NO_HOLDING);
    for name in ["ldash/time", "ldash/health", "ldash/x.m4s", "ldash/a/x.m4s"] {
        server.write(name, b"the folder's");
    }
    assert_ne!(server.get("/ldash/time").text(), "the folder's");
    assert_eq!(server.get("/ldash/health").text(), "ok\n");
    assert_eq!(server.get("/ldash/x.m4s").status, 404);
    assert_eq!(server.get("/ldash/a/x.m4s").status, 404);
}

#[test]
fn urls_time_is_for_utc_timing() {
    let server = Server::start(&[]);
    let mut response = server.get("/ldash/time");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let text = response.text();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z");
    let head = server.request("HEAD", "/ldash/time", &[]).response();
    assert_eq!((head.status, head.header("cache-control")), (200, Some("no-store")));
    let date = head.header("date").expect("for http-head");
    assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
}

#[test]
fn urls_are_decoded_once_and_match_by_case() {
    let server = Server::start(&NO_HOLDING);
    server.write("a%20b.txt", b"escaped");
    server.write("a b.txt", b"blank");
    server.write("Live/X.txt", b"upper");
    assert_eq!(server.get("/a%2520b.txt").text(), "escaped");
    assert_eq!(server.get("/a%20b.txt").text(), "blank");
    assert_eq!(server.get("/%4cive/X.txt").text(), "upper");
    for path in ["/live/X.txt", "/Live/x.txt", "/LIVE/X.TXT"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn urls_queries_never_select_the_file() {
    let server = Server::start(&NO_HOLDING);
    server.write("1.txt", b"this");
    server.write("1.txt?a=b", b"not this");
    assert_eq!(server.get("/1.txt?a=b").text(), "this");
    assert_eq!(server.get("/1.txt?../2.txt").text(), "this");
    assert_eq!(server.get("/1.txt%3Fa=b").text(), "not this", "a name, not a query");
}

#[test]
fn urls_that_cannot_be_paths_are_400() {
    let server = Server::start(&[]);
    server.write("a/b.m4s", b"x");
    for path in [
        "/a%00.m4s",
        "/a%5Cb.m4s",
        "/a/../a/b.m4s",
        "/a/./b.m4s",
        "/%2e%2e/b.m4s",
        "/a/%2E/b.m4s",
        "/..",
        "/a/..",
        "/a%2Fb.m4s",
        "/a%2fb.m4s",
        "/a%",
        "/a%2",
        "/a%zz.m4s",
        "/a%FF.m4s",
        "/%C3.m4s",
        "/ldash/download/../a/b.m4s",
        "/ldash/download/a%2Fb.m4s",
    ] {
        let mut response = server.get(path);
        assert_eq!(response.status, 400, "{path}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert!(response.text().ends_with('\n'), "a reason");
    }
    assert_eq!(
        server.raw(b"GET /a\\b.m4s HTTP/1.1\r\nHost: x\r\n\r\n", false).response().status,
        400
    );
}

#[test]
fn urls_of_hidden_and_scratch_names_are_404_at_once() {
    let server = Server::start(&NO_HOLDING);
    for name in [
        ".htpasswd",
        ".git/config.m4s",
        "a/.x.m4s",
        "1.m4s.tmp",
        "1.m4s.gftmp",
        "live.mpd.bak",
        "packager-tempfile-1.m4s",
        "tmp.d/.hidden/x.m4s",
    ] {
        server.write(name, b"secret");
        assert_eq!(server.get_with(&format!("/{name}"), &[LONG]).status, 404, "{name}");
        assert_eq!(server.get_with(&format!("/ldash/download/{name}"), &[LONG]).status, 404);
    }
    let long = "x".repeat(300);
    assert_eq!(
        server.get_with(&format!("/{long}.m4s"), &[LONG]).status,
        404,
        "too long for a disk"
    );
    server.write(".well-known/x.txt", b"shown");
    assert_eq!(server.get("/.well-known/x.txt").text(), "shown");
    assert_eq!(server.get("/").text().matches("secret").count(), 0);
}

#[test]
fn urls_of_folders_get_a_slash_and_their_index() {
    let server = Server::start(&NO_HOLDING);
    server.write("a/b/index.html", b"index");
    server.write("a/1.m4s", &chunk(100));
    server.write("name.m4s/1.m4s", &chunk(100));
    for (path, location) in [
        ("/a/b", "/a/b/"),
        ("/a/b?x=y", "/a/b/?x=y"),
        ("//a/b", "/a/b/"),
        ("/name.m4s", "/name.m4s/"),
    ] {
        let response = server.get(path);
        assert_eq!((response.status, response.header("location")), (308, Some(location)), "{path}");
    }
    assert_eq!(server.get("/a/b/").text(), "index");
    assert_eq!(server.request("HEAD", "/a/b/", &[]).response().header("content-length"), Some("5"));
    assert_eq!(server.get("/a/").status, 404, "no listing");
    assert_eq!(server.get("/none/").status, 404);
}

#[test]
fn urls_options_and_unknown_methods() {
    let server = Server::start(&[]);
    for path in ["/none.m4s", "/", "/ldash/time"] {
        let response = server.request("OPTIONS", path, &[]).response();
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    assert_eq!(server.request("OPTIONS", "*", &[]).response().status, 204);
}

#[test]
fn urls_of_what_is_no_longer_there() {
    let mut server = Server::start(&[]);
    server.write("a/1.m4s", &chunk(100));
    server.settle();
    assert_eq!(server.get("/a/1.m4s").status, 200);
    fs::rename(server.path("a"), server.path("b")).expect("renamed");
    server.settle();
    assert_eq!(server.get_with("/a/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    assert_eq!(server.get("/b/1.m4s").body(), chunk(100));
}
