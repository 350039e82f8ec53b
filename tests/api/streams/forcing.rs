//! `/ldash/streams/{key}/quality`: who may force a quality, which there are, and what it does.

use super::{
    SMALL, is, serve, stream,
    switching::{Cam, quality, switched},
    told, told_when,
};
use crate::helpers::{LONG, Response, Server, until};
use std::{io::BufRead, net::SocketAddr};

const URL: &str = "/ldash/streams/cam/quality";
const TOKEN: (&str, &str) = ("Authorization", "Bearer s3cret");
const OPTIONS: [&str; 3] = ["--ingest", "--ingest-token", "s3cret"];

fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{lines}");
    crate::helpers::send(address, format!("{head}\r\n{body}").as_bytes(), false).response()
}

fn put(server: &Server, body: &str) -> Response {
    send(server.address, "PUT", URL, &[TOKEN], body)
}

#[test]
fn streams_are_given_the_quality_that_is_forced_until_it_is_lifted() {
    let mut cam = Cam::start("", &OPTIONS);
    cam.begun(5);
    assert_eq!(quality(&cam.server.get(&cam.path(2))), 2);
    for (body, rank, bitrate) in [("0", 0, 900_000), ("250k", 1, 250_000), ("0.9M\n", 0, 900_000)] {
        let mut answer = put(&cam.server, body);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        assert!(answer.text().contains(&format!("\"forced\":{bitrate}")));
        assert_eq!(cam.told()["forced"], bitrate);
        assert_eq!(told(&cam.server, "cam")["switching"]["forced"], bitrate);
        let mut late = cam.server.get(&cam.path(2));
        assert_eq!(quality(&late), rank, "{body:?}");
        assert!(late.body() == cam.written(rank, 2));
        let next = cam.told()["newest"].as_u64().expect("a number") + 2;
        let mut held = cam.server.get_with(&cam.path(next), &[LONG]);
        assert_eq!(quality(&held), rank, "{body:?}");
        assert!(held.body() == cam.written(rank, next));
    }
    let page = cam.server.get("/ldash/").text();
    assert!(page.contains("<small>live, all at 900 kbit/s</small>"), "{page}");
    let metrics = cam.server.get("/ldash/metrics").text();
    for wanted in [
        "lldash_switching_forced{stream=\"cam\",bitrate=\"900000\"} 1",
        "lldash_switching_forced{stream=\"cam\",bitrate=\"60000\"} 0",
        "lldash_switching_segments_total{stream=\"cam\",bitrate=\"250000\"} 2",
        "lldash_switching_segments_total{stream=\"cam\",bitrate=\"60000\"} 1",
    ] {
        assert!(metrics.contains(wanted), "{wanted} in {metrics}");
    }
    for _ in 0..2 {
        let answer = send(cam.server.address, "DELETE", URL, &[TOKEN], "");
        assert_eq!(answer.status, 200);
        assert!(cam.told()["forced"].is_null());
    }
    assert_eq!(quality(&cam.server.get(&cam.path(2))), 2);
    cam.server.logged("segment 2 of run");
    cam.server.logged("bit/s, forced, ");
}

#[test]
fn streams_keep_what_is_forced_while_their_encoder_stops() {
    let text = switched("").replace("linger = 60", "linger = 0.2");
    let server = serve(&text, &OPTIONS);
    assert_eq!(put(&server, "1").status, 200, "before anybody watches");
    for starts in [1, 2] {
        let held = server.request("GET", "/cam/never.m4s", &[LONG]);
        told_when(&server, "cam", is("live"));
        drop(held);
        let idle = told_when(&server, "cam", is("idle"));
        assert_eq!(
            (&idle["starts"], &idle["switching"]["forced"]),
            (&starts.into(), &250_000.into())
        );
        assert!(idle["switching"]["newest"].is_null(), "{idle}");
    }
}

#[test]
fn streams_qualities_are_forced_by_those_who_may_push_alone() {
    let two = switched("") + &stream("plain", SMALL);
    let server = serve(&two, &OPTIONS);
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut response = send(server.address, method, path, headers, body);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        (response.status, response.text())
    };
    let wrong = ("Authorization", "Bearer wrong");
    for (method, body) in [("PUT", "0"), ("DELETE", ""), ("PUT", "nonsense")] {
        assert_eq!(ask(method, URL, &[], body).0, 401);
        let (status, text) = ask(method, URL, &[wrong], body);
        assert_eq!(
            (status, text.as_str()),
            (401, "the token, or the user and the password, is wrong\n")
        );
    }
    let known =
        "name one of its qualities, by its number or bitrate: 0 (900000), 1 (250000), 2 (60000)\n";
    for body in ["3", "", "best", "901k", "0.5", "\"0\""] {
        assert_eq!(ask("PUT", URL, &[TOKEN], body), (400, known.to_owned()), "{body:?}");
    }
    let long = "0".repeat(65);
    assert_eq!(ask("PUT", URL, &[TOKEN], &long).0, 413);
    assert_eq!(ask("PUT", URL, &[TOKEN], &"9".repeat(1_000_000)).0, 413, "and is read to its end");
    assert_eq!(ask("POST", URL, &[TOKEN], "0").0, 405);
    for (path, wanted) in [
        ("/ldash/streams/none/quality", "there is no stream \"none\" in the configuration\n"),
        (
            "/ldash/streams/plain/quality",
            "players choose the quality of \"plain\": it has no switching = \"server\"\n",
        ),
    ] {
        for (method, headers, body) in
            [("GET", &[][..], ""), ("PUT", &[TOKEN][..], "0"), ("DELETE", &[TOKEN][..], "")]
        {
            assert_eq!(ask(method, path, headers, body), (404, wanted.to_owned()), "{method}");
        }
    }
    // Nothing of all this has changed anything; nobody was watching.
    let told = told(&server, "cam");
    assert!(told["switching"]["forced"].is_null() && told["state"] == "idle", "{told}");
    let head = server.request("HEAD", URL, &[]).response();
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    let preflight =
        server.request("OPTIONS", URL, &[("Access-Control-Request-Method", "PUT")]).response();
    let methods = preflight.header("access-control-allow-methods").expect("methods");
    assert!(methods.contains("PUT") && !methods.contains("POST"), "{methods}");
    // One that asks before it sends gets the refusal instead.
    let expect = [("Expect", "100-continue")];
    assert_eq!(send(server.address, "PUT", URL, &expect, "").status, 401);
    let head = format!(
        "PUT {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n{}: {}\r\n\r\n",
        TOKEN.0, TOKEN.1
    );
    let mut line = String::new();
    server.raw(head.as_bytes(), false).stream.read_line(&mut line).expect("a line");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
}

#[test]
fn streams_qualities_are_as_safe_as_the_folder_without_a_credential() {
    let closed = serve(&switched(""), &[]);
    let mut refused = send(closed.address, "PUT", URL, &[], "0");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(refused.text(), "nothing may be written here; see --ingest\n");
    assert_eq!(closed.get(URL).status, 200, "reading is free");
    let local = serve(&switched(""), &["--ingest"]);
    let page = [("Origin", "http://a.example")];
    assert_eq!(send(local.address, "PUT", URL, &page, "0").status, 403, "no web page may");
    assert_eq!(send(local.address, "PUT", URL, &[], "0").status, 200);
    let other = serve(&switched(""), &["--ingest", "--ingest-listen", "127.0.0.1:0"]);
    assert_eq!(
        send(other.address, "PUT", URL, &[], "0").status,
        405,
        "pushing has its own address"
    );
    until(|| told(&other, "cam")["switching"]["forced"].is_null().then_some(()));
}
