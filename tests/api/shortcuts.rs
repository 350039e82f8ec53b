//! Replies that go a short way say the same as others, in the same order: headings "Holding" and
//! "Headers on everything".

use crate::helpers::{LONG, Pending, Response, Server, chunk};
use std::{fs, io::Write};

/// What a response says, but for what changes from one to the next.
fn said(response: &Response) -> Vec<(String, String)> {
    const OWN: [&str; 3] = ["date", "connection", "server-timing"];
    let headers = response.headers.iter();
    let mut said: Vec<_> = headers.filter(|(name, _)| !OWN.contains(&&**name)).cloned().collect();
    said.sort();
    said
}

#[test]
fn headers_are_the_same_whatever_way_a_reply_goes() {
    // The head of the first is rendered once for the file, that of the second for the request.
    const WAYS: [(&str, &str); 2] = [("Connection", "keep-alive"), ("Connection", "close")];
    let listed = ["--cors-origin", "https://a.example"];
    for (options, origin) in [
        (&[][..], "https://a.example"),
        (&listed, "https://a.example"),
        (&listed, "https://b.example"),
    ] {
        let mut server = Server::start(options);
        let origin = ("Origin", origin);
        for name in ["1.m4s", "2.mp4", "3.vtt", "4.bin"] {
            let pending = WAYS.map(|way| {
                let pending = server.request("GET", &format!("/{name}"), &[way, origin, LONG]);
                server.held(&format!("/{name}"));
                pending
            });
            server.write("side", &chunk(400));
            fs::rename(server.path("side"), server.path(name)).expect("renamed");
            let [first, second] = pending.map(Pending::response);
            for held in [&first, &second] {
                let timing = held.header("server-timing").expect("it was held");
                assert!(timing.starts_with("wait;dur="), "{timing}");
                assert!(held.header("date").is_some());
            }
            assert_eq!(said(&first), said(&second), "{name} that was waited for");
            server.finished(&format!("/{name}"));
            let [mut first, mut second] =
                WAYS.map(|way| server.get_with(&format!("/{name}"), &[way, origin]));
            assert_eq!(said(&first), said(&second), "{name}");
            assert_eq!((first.body(), second.body()), (chunk(400), chunk(400)), "{name}");
        }
        let pending = WAYS.map(|way| {
            let pending = server.request("GET", "/5.m4s", &[way, origin, LONG]);
            server.held("/5.m4s");
            pending
        });
        let mut growing = server.create("5.m4s");
        growing.write_all(&chunk(400)).expect("written");
        let [mut first, mut second] = pending.map(Pending::response);
        assert_eq!(said(&first), said(&second), "growing");
        growing.write_all(&chunk(200)).expect("written");
        drop(growing);
        let all = [chunk(400), chunk(200)].concat();
        assert_eq!((first.body(), second.body()), (all.clone(), all), "growing");
    }
}

#[test]
fn holding_keeps_the_order_of_what_was_asked_on_one_connection() {
    let mut server = Server::start(&[]);
    server.write("known.m4s", &chunk(64));
    let tag = server.finished("/known.m4s");
    for (round, (path, lines, status)) in [
        ("/none.txt", String::new(), 404),
        ("/known.m4s", format!("If-None-Match: {tag}\r\n"), 304),
        ("/known.m4s", String::new(), 200),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("/{round}.m4s");
        let ask =
            |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        // The second comes before the first is answered, and is held.
        let both = ask(path, &lines) + &ask(&name, "");
        let pending = server.raw(both.as_bytes(), false);
        server.held(&name);
        server.write(&name[1..], &chunk(5000));
        let mut first = pending.response();
        assert_eq!(first.status, status);
        first.body();
        let mut second = Pending::over(first.stream, b"", false).response();
        assert_eq!((second.status, second.body()), (200, chunk(5000)), "{path}");
        // And the connection is good for more.
        let again = ask("/known.m4s", "");
        let mut third = Pending::over(second.stream, again.as_bytes(), false).response();
        assert_eq!((third.status, third.body()), (200, chunk(64)));
    }
}

#[test]
fn headers_of_each_reply_go_out_with_it_when_requests_are_pipelined() {
    let server = Server::start(&[]);
    server.write("known.m4s", &chunk(64));
    server.write("empty.txt", b"");
    fs::create_dir(server.path("folder")).expect("made");
    let tag = server.finished("/known.m4s");
    let known = format!("If-None-Match: {tag}\r\n");
    for (method, path, lines, statuses) in [
        ("GET", "/known.m4s", &*known, &[304, 200][..]),
        ("OPTIONS", "/known.m4s", "", &[204, 200]),
        ("GET", "/folder", "", &[308, 200]),
        ("GET", "/empty.txt", "", &[200, 200]),
        ("GET", "/none.txt", "", &[404, 200]),
        ("GET", "/known.m4s", "Range: bytes=99-\r\n", &[416, 200]),
        ("GET", "/known.m4s", "", &[200, 200]),
        ("HEAD", "/known.m4s", "", &[200, 200]),
        ("GET", "/known.m4s", "Expect: 100-continue\r\n", &[100, 200, 200]),
    ] {
        let first = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        let both = first + "GET /known.m4s HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut pending = server.raw(both.as_bytes(), method == "HEAD");
        for (at, status) in statuses.iter().enumerate() {
            let mut response = pending.response();
            assert_eq!(response.status, *status, "{at} of {method} {path} {lines}");
            let body = response.body();
            if at + 1 == statuses.len() {
                assert_eq!(body, chunk(64), "{method} {path} {lines}");
            }
            pending = Pending::over(response.stream, b"", false);
        }
    }
}
