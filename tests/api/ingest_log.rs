//! Heading "Ingest": what the log and the counters tell of uploads.

use crate::helpers::{Push, Server, chunk, put};
use std::io::BufRead;

/// The access lines of a method, once a GET that came after them has been logged.
fn lines(server: &mut Server, method: &str) -> Vec<String> {
    assert_eq!(server.get("/ldash/health").text(), "ok\n");
    let mut lines = server.log_until("GET /ldash/health 200");
    lines.retain(|line| line.contains("lldash::access") && line.contains(&format!(" {method} ")));
    lines
}

#[test]
fn ingest_refused_before_the_body_comes_is_logged_and_counted_once() {
    let mut server = Server::start(&["--ingest", "--ingest-token", "t"]);
    let head = "PUT /1.m4s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n";
    let mut refusal = server.raw(format!("{head}\r\n").as_bytes(), false).response();
    assert_eq!((refusal.status, refusal.text().lines().count()), (401, 1));
    let logged = lines(&mut server, "PUT");
    assert_eq!(logged.len(), 1, "{logged:#?}");
    assert!(logged[0].contains("PUT /1.m4s 401 took 0 bytes, "), "{}", logged[0]);
    // One that goes on has one line, too.
    let head = format!("{head}Authorization: Bearer t\r\n\r\n");
    let mut pending = server.raw(format!("{head}abcd").as_bytes(), false);
    let mut interim = String::new();
    for _ in 0..2 {
        pending.stream.read_line(&mut interim).expect("a line");
    }
    assert!(interim.starts_with("HTTP/1.1 100 "), "{interim}");
    assert_eq!(pending.response().status, 201);
    server.logged("PUT /1.m4s 201 took 4 bytes, ");
    assert!(lines(&mut server, "PUT").is_empty());
    let metrics = server.get("/ldash/metrics").text();
    for code in ["401", "201"] {
        let line = format!("lldash_http_requests_total{{method=\"PUT\",code=\"{code}\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn ingest_log_tells_how_much_an_upload_brought() {
    let mut server = Server::start(&["--ingest", "--max-upload", "1000"]);
    put(server.address, "/big.m4s", &chunk(900));
    let mut push = Push::start(server.address, "/a%20b.m4s?x=1");
    push.chunk(&chunk(300));
    push.chunk(&chunk(200));
    assert_eq!(push.end(), 201);
    // What is refused is taken to its end all the same.
    push.begin("POST", "/big.m4s", &[]);
    push.chunk(&chunk(700));
    push.chunk(&chunk(800));
    assert_eq!(push.end(), 413);
    let puts = lines(&mut server, "PUT");
    let [big, spaced] = &puts[..] else { panic!("{puts:#?}") };
    assert!(big.contains(" PUT /big.m4s 201 took 900 bytes, first byte "), "{big}");
    assert!(big.contains(" ms, done ") && !big.contains("held"), "{big}");
    assert!(spaced.contains(" PUT /a%20b.m4s?x=1 201 took 500 bytes, first byte "), "{spaced}");
    push.begin("POST", "/big.m4s", &[]);
    push.chunk(&chunk(20));
    server.logged("/big.m4s received 20 bytes");
    drop(push);
    server.logged("POST /big.m4s 400 took 20 bytes, ");
    assert_eq!(server.request("DELETE", "/big.m4s", &[]).response().status, 200);
    server.logged("DELETE /big.m4s 200 took 0 bytes, first byte -, done ");
}

#[test]
fn ingest_log_names_what_comes_and_goes_in_the_same_way() {
    let mut server = Server::start(&["--ingest"]);
    let path = "/a%20b/1.m4s";
    put(server.address, path, &chunk(100));
    assert_eq!(server.get(path).body(), chunk(100));
    let lines = server.log_until("/a%20b/1.m4s sends 100 bytes at 0 ");
    assert!(lines.iter().any(|line| line.contains("] /a%20b/1.m4s received 100 bytes at 0 ")));
}
