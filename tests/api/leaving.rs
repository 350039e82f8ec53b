//! Clients that leave, or take back their half of a connection, before they are answered: headings
//! "Holding", "Finished files" and "Ingest".

use crate::{
    helpers::{Server, chunk, segment},
    turns::request,
};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

/// Sends all at once, and leaves or takes back its half.
fn send_and_go(server: &Server, bytes: &str, how: Shutdown) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    stream.write_all(bytes.as_bytes()).expect("sent");
    stream.shutdown(how).expect("shut");
    stream
}

#[test]
fn holding_ends_when_the_client_leaves_or_takes_back_its_half() {
    let mut server = Server::start(&[]);
    for (round, how) in [Shutdown::Both, Shutdown::Write].into_iter().enumerate() {
        let path = format!("/{round}.m4s");
        let mut stream = TcpStream::connect(server.address).expect("a connection");
        stream.write_all(request("GET", &path, &[]).as_bytes()).expect("sent");
        server.held(&path);
        stream.shutdown(how).expect("shut");
        let line = server.logged(&format!("GET {path} "));
        assert!(line.contains(" - 0 bytes, held ") && line.contains(" left "), "{line}");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("an end");
        assert_eq!(rest, b"");
    }
}

#[test]
fn ingest_behind_any_other_request_is_taken_though_its_client_hangs_up() {
    let mut server = Server::start(&["--ingest"]);
    server.write("1.m4s", &chunk(64));
    server.write("large.m4s", &segment(1, 8 << 20));
    server.finished("/1.m4s");
    server.finished("/large.m4s");
    let mut number = 0;
    for (method, path) in [
        ("GET", "/1.m4s"),
        ("HEAD", "/1.m4s"),
        ("OPTIONS", "/1.m4s"),
        ("GET", "/none.txt"),
        ("GET", "/ldash/time"),
        ("GET", "/large.m4s"),
        ("GET", "/growing.m4s"),
        ("GET", "/held.m4s"),
        ("GET", "/held.mpd"),
    ] {
        for how in [Shutdown::Both, Shutdown::Write] {
            number += 1;
            let mut growing = server.create("growing.m4s");
            growing.write_all(&chunk(100)).expect("written");
            let name = format!("/pushed-{number}.m4s");
            let put = request("PUT", &name, &["Content-Length: 9"]) + "123456789";
            let all = request(method, path, &["X-Wait-Timeout: 20"]) + &put;
            let mut stream = send_and_go(&server, &all, how);
            drop(growing);
            // One that has left reads nothing.
            let _ = stream.read_to_end(&mut Vec::new());
            let line = server.logged(&format!("PUT {name} "));
            assert!(line.contains(" 201 took 9 bytes"), "behind {method} {path}: {line}");
        }
    }
}

#[test]
fn ingest_and_all_before_it_is_answered_in_order_to_who_takes_back_its_half() {
    let server = Server::start(&["--ingest"]);
    let large = segment(1, 16 << 20);
    server.write("large.m4s", &large);
    server.write("1.m4s", &chunk(64));
    server.finished("/large.m4s");
    server.finished("/1.m4s");
    // One is answered by the desk, the other is lent.
    for (number, line) in ["Accept: */*", "If-None-Match: \"x\""].into_iter().enumerate() {
        let put = request("PUT", &format!("/{number}.txt"), &["Content-Length: 9"]) + "123456789";
        let first = request("GET", "/large.m4s", &[line]);
        let all = first + &request("GET", "/1.m4s", &[]) + &request("HEAD", "/1.m4s", &[]) + &put;
        let mut stream = send_and_go(&server, &all, Shutdown::Write);
        let mut taken = Vec::new();
        stream.read_to_end(&mut taken).expect("an end");
        let end = taken.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        assert!(taken[end..].starts_with(&large), "{line}");
        let rest = String::from_utf8_lossy(&taken[end + large.len()..]);
        let statuses = rest.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]);
        assert_eq!(statuses.collect::<Vec<_>>(), ["200", "200", "201"], "{line}");
    }
}

#[test]
fn finished_files_that_were_asked_for_together_are_sent_to_who_asks_for_no_more() {
    let server = Server::start(&[]);
    server.write("1.m4s", &chunk(64));
    server.finished("/1.m4s");
    for methods in [&["HEAD"; 2][..], &["OPTIONS"; 5], &["GET", "HEAD", "GET"], &["GET"; 3]] {
        let all: String = methods.iter().map(|method| request(method, "/1.m4s", &[])).collect();
        for _ in 0..10 {
            let mut taken = String::new();
            let mut stream = send_and_go(&server, &all, Shutdown::Write);
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).expect("an end");
            taken += &String::from_utf8_lossy(&bytes);
            assert_eq!(taken.matches("HTTP/1.1 20").count(), methods.len(), "{methods:?}");
        }
    }
}
