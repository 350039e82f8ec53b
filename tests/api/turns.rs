//! What is asked on one connection, one after the other, whoever answers it: headings "Holding",
//! "Finished files" and "Limits".

use crate::helpers::{End, LONG, Pending, Response, Server, chunk, segment, send};
use std::{
    fs::{self, File},
    io::{BufReader, Read, Write},
    net::TcpStream,
};

/// A request, line by line.
pub fn request(method: &str, path: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
}

/// A connection that stays.
pub struct Talk(Option<BufReader<TcpStream>>);

impl Talk {
    fn with(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).expect("a connection");
        Self(Some(BufReader::new(stream)))
    }

    fn pending(&mut self, method: &str, path: &str, lines: &[&str]) -> Pending {
        let stream = self.0.take().expect("nothing is under way");
        Pending::over(stream, request(method, path, lines).as_bytes(), method == "HEAD")
    }

    /// The body of a response, after which the connection is used again.
    fn body(&mut self, mut response: Response) -> Vec<u8> {
        let body = response.body();
        self.0 = Some(response.stream);
        body
    }

    /// A request and its whole response: status, body.
    fn ask(&mut self, method: &str, path: &str, lines: &[&str]) -> (u16, Vec<u8>) {
        let response = self.pending(method, path, lines).response();
        (response.status, self.body(response))
    }

    /// The socket, after the last response.
    fn stream(self) -> TcpStream {
        self.0.expect("nothing is under way").into_inner()
    }
}

#[test]
fn finished_files_and_all_else_take_turns_on_a_connection() {
    let mut server = Server::start(&[]);
    let text = "WEBVTT\n".repeat(99);
    server.write("1.m4s", &chunk(5000));
    server.write("1.vtt", text.as_bytes());
    server.write("empty.txt", b"");
    let tag = server.finished("/1.m4s");
    let known = format!("If-None-Match: {tag}");
    let mut talk = Talk::with(&server);
    for round in 0..3 {
        for (method, path, lines, status) in [
            ("GET", "/1.m4s", &[&*known][..], 304),
            ("HEAD", "/1.m4s", &[], 200),
            ("GET", "/1.m4s", &["Range: bytes=2-5"], 206),
            ("GET", "/none.txt", &[], 404),
            ("OPTIONS", "/1.m4s", &[], 204),
            ("GET", "/1.vtt", &["Accept-Encoding: gzip"], 200),
            ("GET", "/empty.txt", &[], 200),
            ("GET", "/ldash/time", &[], 200),
            ("GET", "/none.m4s", &["X-Wait-Timeout: 20"], 404),
            ("GET", "/1.m4s", &["X-Wait-Timeout: soon"], 400),
        ] {
            assert_eq!(talk.ask(method, path, lines).0, status, "{method} {path} {lines:?}");
            assert_eq!(talk.ask("GET", "/1.m4s", &[]), (200, chunk(5000)), "behind {path}");
        }
        assert_eq!(talk.ask("GET", "/1.vtt", &[]), (200, text.clone().into_bytes()));
        // One that is held, in between.
        let (name, path) = (format!("held-{round}.m4s"), format!("/held-{round}.m4s"));
        let pending = talk.pending("GET", &path, &[]);
        server.held(&path);
        server.write("side", &chunk(700));
        fs::rename(server.path("side"), server.path(&name)).expect("renamed");
        let response = pending.response();
        assert_eq!((response.status, talk.body(response)), (200, chunk(700)));
        // And one that grows.
        let mut growing = server.create(&format!("grown-{round}.m4s"));
        growing.write_all(&chunk(100)).expect("written");
        let mut response = talk.pending("GET", &format!("/grown-{round}.m4s"), &[]).response();
        assert_eq!(response.read(100), chunk(100));
        growing.write_all(&chunk(50)).expect("written");
        drop(growing);
        assert_eq!(talk.body(response), chunk(50));
    }
}

#[test]
fn finished_files_on_disk_are_what_stands_there_each_time() {
    let mut server = Server::start(&["--memory", "0"]);
    let (path, now) = (server.path("1.m4s"), ["X-Wait-Timeout: 0"]);
    let mut talk = Talk::with(&server);
    let mut tags = Vec::new();
    for (byte, bytes) in [(1, 400_000), (2, 400_000), (3, 900_000), (4, 70_000)] {
        if byte % 2 == 0 {
            server.write("1.m4s", &segment(byte, bytes));
        } else {
            server.write("side", &segment(byte, bytes));
            fs::rename(server.path("side"), &path).expect("renamed");
        }
        server.settle();
        // The first asks the folder's thread, the others look for themselves.
        for _ in 0..3 {
            let response = talk.pending("GET", "/1.m4s", &[]).response();
            tags.push(response.header("etag").expect("whole").to_owned());
            assert_eq!(response.status, 200);
            assert!(talk.body(response) == segment(byte, bytes), "{byte}");
            assert_eq!(talk.ask("GET", "/1.m4s", &["Range: bytes=9-10"]), (206, vec![byte; 2]));
        }
    }
    tags.dedup();
    assert_eq!(tags.len(), 4, "{tags:?}");
    // Its end is missing: that is not told of the new state which was found of the old one.
    File::options().write(true).open(&path).expect("opened").set_len(60_000).expect("cut");
    server.settle();
    let mut torn = server.get("/1.m4s");
    assert_eq!(torn.header("etag"), None);
    assert_eq!(torn.rest().1, End::Cut);
    fs::remove_file(&path).expect("removed");
    server.settle();
    assert_eq!(talk.ask("GET", "/1.m4s", &now).0, 404);
    fs::create_dir(&path).expect("made");
    assert_eq!(talk.ask("GET", "/1.m4s", &now).0, 308);
}

#[test]
fn holding_in_vain_is_told_and_the_connection_stays() {
    let mut server = Server::start(&[]);
    server.write("1.m4s", &chunk(64));
    server.finished("/1.m4s");
    let mut talk = Talk::with(&server);
    for _ in 0..2 {
        let response = talk.pending("GET", "/2.m4s", &["X-Wait-Timeout: 80"]).response();
        let timing = response.header("server-timing").expect("it was held").to_owned();
        let millis = timing.strip_prefix("wait;dur=").and_then(|held| held.parse::<f64>().ok());
        assert!(millis.is_some_and(|held| held >= 80.0), "not for nothing: {timing}");
        assert_eq!(response.status, 404);
        talk.body(response);
        let line = server.logged("GET /2.m4s 404");
        assert!(line.contains(&timing.replace("wait;dur=", "held ")), "{timing} in {line}");
        assert_eq!(talk.ask("GET", "/1.m4s", &[]), (200, chunk(64)));
    }
}

#[test]
fn holding_ends_with_whatever_comes() {
    let mut server = Server::start(&["--memory", "1MiB"]);
    let mut talk = Talk::with(&server);
    for (name, length) in [("1.txt", 0), ("2.m4s", 1), ("3.m4s", 40_000), ("4.m4s", 9 << 20)] {
        let long = format!("{}: {}", LONG.0, LONG.1);
        let pending = talk.pending("GET", &format!("/{name}"), &[&long]);
        server.held(&format!("/{name}"));
        let bytes = vec![7; length];
        server.write("side", &bytes);
        fs::rename(server.path("side"), server.path(name)).expect("renamed");
        let response = pending.response();
        assert_eq!(response.status, 200);
        assert!(response.header("server-timing").is_some(), "{name} was held");
        assert!(talk.body(response) == bytes, "{name}");
    }
}

#[test]
fn headers_of_a_request_may_come_in_pieces() {
    let server = Server::start(&[]);
    server.write("1.m4s", &chunk(64));
    server.finished("/1.m4s");
    let whole = request("GET", "/1.m4s", &[]);
    for cut in [1, 5, whole.len() / 2, whole.len() - 2, whole.len() - 1] {
        let (first, second) = whole.split_at(cut);
        let mut talk = Talk::with(&server);
        for _ in 0..2 {
            let mut stream = talk.0.take().expect("nothing is under way");
            stream.get_mut().set_nodelay(true).expect("set");
            stream.get_mut().write_all(first.as_bytes()).expect("sent");
            let response = Pending::over(stream, second.as_bytes(), false).response();
            assert_eq!((response.status, talk.body(response)), (200, chunk(64)), "{cut}");
        }
    }
}

#[test]
fn limits_all_that_is_asked_at_once_is_answered_in_order() {
    let mut server = Server::start(&[]);
    for file in 0..7 {
        server.write(&format!("{file}.m4s"), &chunk(64 + file));
    }
    server.finished("/6.m4s");
    // More than is kept of what comes before its turn.
    let all: String = (0..999).map(|at| request("GET", &format!("/{}.m4s", at % 7), &[])).collect();
    let all = request("GET", "/late.m4s", &[]) + &all;
    let mut pending = send(server.address, all.as_bytes(), false);
    server.held("/late.m4s");
    server.write("late.m4s", &chunk(2000));
    for at in 0..1000 {
        let mut response = pending.response();
        let wanted = if at == 0 { chunk(2000) } else { chunk(64 + (at - 1) % 7) };
        assert_eq!((response.status, response.body()), (200, wanted), "{at}");
        pending = Pending::over(response.stream, b"", false);
    }
}

#[test]
fn ingest_and_playing_share_a_connection() {
    let server = Server::start(&["--ingest"]);
    server.write("1.m4s", &chunk(64));
    server.finished("/1.m4s");
    let mut talk = Talk::with(&server);
    assert_eq!(talk.ask("GET", "/1.m4s", &[]), (200, chunk(64)));
    for name in ["/2.m4s", "/3.m4s"] {
        let text = request("PUT", name, &["Content-Length: 9"]) + "123456789";
        let put = Pending::over(talk.0.take().expect("there"), text.as_bytes(), false).response();
        assert_eq!(put.status, 201);
        talk.0 = Some(put.stream);
        assert_eq!(talk.ask("GET", name, &[]), (200, b"123456789".to_vec()));
    }
}

#[test]
fn limits_of_held_requests_do_not_refuse_one_that_has_waited() {
    let server = Server::start(&["--max-held-per-address", "2"]);
    std::thread::scope(|scope| {
        let ask = || {
            let mut talk = Talk::with(&server);
            for _ in 0..60 {
                let response = talk.pending("GET", "/1.m4s", &["X-Wait-Timeout: 2"]).response();
                let has_waited = response.header("server-timing").is_some();
                assert_eq!(response.status, if has_waited { 404 } else { 503 });
                talk.body(response);
            }
        };
        (0..8).for_each(|_| drop(scope.spawn(ask)));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn programs_that_end_say_so_to_who_waits_and_leave_who_does_not() {
    use rustix::process::Signal;
    let mut server = Server::start(&["--drain", "60s"]);
    server.write("1.m4s", &chunk(64));
    server.finished("/1.m4s");
    let mut idle = Talk::with(&server);
    assert_eq!(idle.ask("GET", "/1.m4s", &[]).0, 200);
    // Another request before it, which is not answered by the same.
    let mut talk = Talk::with(&server);
    assert_eq!(talk.ask("HEAD", "/1.m4s", &[]).0, 200);
    let held = talk.pending("GET", "/2.m4s", &[&format!("{}: {}", LONG.0, LONG.1)]);
    server.held("/2.m4s");
    server.signal(Signal::TERM);
    let held = held.response();
    assert_eq!((held.status, held.header("connection")), (503, Some("close")));
    talk.body(held);
    for talk in [idle, talk] {
        let mut rest = Vec::new();
        talk.stream().read_to_end(&mut rest).expect("an end");
        assert_eq!(rest, b"");
    }
    assert_eq!(server.exit().code(), Some(0));
}
