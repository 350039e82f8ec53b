//! Heading "Limits".

use crate::helpers::{LONG, Pending, Push, Server, chunk, program, put, segment, until};
use socket2::{Domain, Socket, Type};
use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
};

#[test]
fn limits_connections_are_kept() {
    let mut server = Server::start(&["--default-wait", "100ms"]);
    server.write("1.m4s", &chunk(100));
    let mut file = server.create("2.m4s");
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    server.settle();
    let stream = TcpStream::connect(server.address).expect("a connection");
    let mut stream = BufReader::new(stream);
    for (path, status) in
        [("/1.m4s", 200), ("/none.m4s", 404), ("/2.m4s", 200), ("/%00", 400), ("/1.m4s", 200)]
    {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut response = Pending::over(stream, request.as_bytes(), false).response();
        assert_eq!(response.status, status, "{path}");
        response.body();
        stream = response.stream;
    }
    let asked = b"GET /1.m4s HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);
    let mut sent = &*asked;
    for _ in 0..3 {
        let mut response = Pending::over(stream, sent, false).response();
        assert_eq!(response.body(), chunk(100), "pipelined");
        (stream, sent) = (response.stream, &[]);
    }
}

#[test]
fn limits_requests_of_other_kinds_are_pipelined_behind_a_held_one() {
    let mut server = Server::start(&[]);
    server.write("2.m4s", &chunk(100));
    let asked = ["GET /1.m4s", "HEAD /2.m4s", "GET /none", "GET /2.m4s"];
    let asked = asked.map(|line| format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n")).concat();
    let held = server.raw(asked.as_bytes(), false);
    server.held("/1.m4s");
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(50)).expect("written");
    let mut response = held.response();
    assert_eq!(response.read(50), chunk(50));
    file.write_all(&chunk(60)).expect("written");
    drop(file);
    assert_eq!(response.body(), chunk(60));
    for (status, body, is_head) in [(200, 0, true), (404, 0, false), (200, 100, false)] {
        let mut next = Pending::over(response.stream, b"", is_head).response();
        assert_eq!(next.status, status);
        let bytes = next.body();
        assert!(bytes.len() == body || status == 404, "{}", bytes.len());
        response = next;
    }
}

#[test]
fn limits_open_files_are_raised_to_the_hard_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("sh");
    let line = "ulimit -Sn 64 && exec \"$0\" -p 0 \"$1\"";
    command.args(["-c", line]).arg(program().get_program()).arg(folder.path());
    let server = Server::spawn(command, folder);
    let limits = server.proc("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("known");
    let values: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(values[3], values[4], "{line}");
    assert_ne!(values[3], "64");
}

/// Sends a GET from another address of this machine.
fn get_from(address: [u8; 4], server: SocketAddr, path: &str) -> Pending {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((address, 0)).into()).expect("loopback is a /8");
    socket.connect(&server.into()).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    Pending::over(BufReader::new(socket.into()), request.as_bytes(), false)
}

#[test]
fn limits_of_held_requests_per_address() {
    let mut server = Server::start(&["--max-held-per-address", "2"]);
    let first = get_from([127, 0, 0, 1], server.address, "/1.m4s");
    server.held("/1.m4s");
    let _second = get_from([127, 0, 0, 1], server.address, "/2.m4s");
    server.held("/2.m4s");
    let third = get_from([127, 0, 0, 1], server.address, "/3.m4s").response();
    assert_eq!((third.status, third.header("retry-after")), (503, Some("1")));
    let other = get_from([127, 0, 0, 2], server.address, "/3.m4s");
    server.held("/3.m4s");
    server.write("1.m4s", &chunk(100));
    assert_eq!(first.response().body(), chunk(100));
    let again = get_from([127, 0, 0, 1], server.address, "/3.m4s");
    server.held("/3.m4s");
    server.write("3.m4s", &chunk(50));
    assert_eq!(other.response().body(), chunk(50));
    assert_eq!(again.response().body(), chunk(50));
}

#[test]
fn limits_of_memory_for_segments() {
    const BYTES: usize = 1 << 20;
    const FILES: u8 = 100;
    let mut server = Server::start(&["--memory", "8MiB"]);
    server.settle();
    let before = server.kib("VmRSS:");
    for number in 0..FILES {
        let mut file = server.create(&format!("{number}.m4s"));
        file.write_all(&segment(number, BYTES)).expect("written");
        drop(file);
        server.settle();
        assert!(server.get(&format!("/{number}.m4s")).body() == segment(number, BYTES));
    }
    let grown = server.kib("VmRSS:").saturating_sub(before) / 1024;
    assert!(grown < 50, "of {FILES} MiB that were served, {grown} MiB stay");
    for number in 0..FILES {
        let body = server.get(&format!("/{number}.m4s")).body();
        assert!(body == segment(number, BYTES), "from disk: {number}");
    }
}

#[test]
fn limits_of_memory_hold_for_uploads_in_very_small_chunks() {
    const BYTES: usize = 2 << 20;
    let server = Server::start(&["--ingest"]);
    let mut push = Push::start(server.address, "/1.m4s");
    let before = server.kib("VmRSS:");
    let chunks = b"1\r\nx\r\n".repeat(BYTES / 128);
    (0..128).for_each(|_| push.send(&chunks));
    // Whoever sends little does not wait until all of those are on disk, one by one.
    assert_eq!(put(server.address, "/2.m4s", &chunk(100)).status, 201);
    assert_eq!(push.end(), 201);
    let grown = server.kib("VmHWM:").saturating_sub(before) / 1024;
    assert!(grown < 24, "of {} MiB, {grown} MiB were in memory", BYTES >> 20);
    assert!(server.get("/1.m4s").body() == [b'x'; BYTES]);
}

#[test]
fn limits_of_memory_hold_for_growing_files_and_slow_clients() {
    const CHUNKS: usize = 120;
    const BYTES: usize = 1 << 20;
    let mut server = Server::start(&["--memory", "4MiB"]);
    let mut file = server.create("1.m4s");
    file.write_all(&segment(0, BYTES)).expect("written");
    server.settle();
    let mut slow: Vec<_> = (0..3).map(|_| server.get("/1.m4s")).collect();
    let before = server.kib("VmRSS:");
    for _ in 1..CHUNKS {
        file.write_all(&segment(0, BYTES)).expect("written");
    }
    drop(file);
    server.settle();
    let grown = server.kib("VmHWM:").saturating_sub(before) / 1024;
    assert!(grown < 60, "of {CHUNKS} MiB, {grown} MiB were in memory");
    let body = slow.pop().expect("one").body();
    assert_eq!(body.len(), CHUNKS * BYTES);
    assert!(body.chunks(BYTES).all(|chunk| chunk == segment(0, BYTES)), "and all is right");
}

#[test]
fn limits_names_that_never_come_leave_nothing() {
    let mut server = Server::start(&[]);
    server.settle();
    let ask = |server: &Server, names: std::ops::Range<usize>| {
        let stream = TcpStream::connect(server.address).expect("a connection");
        let mut stream = BufReader::new(stream);
        for number in names {
            let request = format!(
                "GET /folder-{number}/{number}.m4s HTTP/1.1\r\nHost: x\r\nX-Wait-Timeout: 1\r\n\r\n"
            );
            let mut response = Pending::over(stream, request.as_bytes(), false).response();
            assert_eq!(response.status, 404);
            response.body();
            stream = response.stream;
        }
    };
    ask(&server, 0..1000);
    let (memory, descriptors) = (server.kib("VmRSS:"), server.descriptors());
    ask(&server, 1000..11_000);
    let grown = server.kib("VmRSS:").saturating_sub(memory);
    assert!(grown < 1024, "{grown} KiB more after ten thousand names");
    assert!(server.descriptors() <= descriptors + 2);
}

#[test]
fn limits_clients_that_left_leave_nothing() {
    let mut server = Server::start(&[]);
    server.settle();
    let descriptors = server.descriptors();
    let held: Vec<_> = (0..200).map(|n| server.request("GET", &format!("/{n}.m4s"), &[])).collect();
    (0..200).for_each(|_| server.held(".m4s"));
    drop(held);
    until(|| (server.descriptors() <= descriptors).then_some(()));
}

#[test]
fn limits_of_processor_time_when_nothing_happens() {
    let mut server = Server::start(&[]);
    server.settle();
    let held = server.request("GET", "/none.m4s", &[("X-Wait-Timeout", "2000")]);
    let _others: Vec<_> = (0..50).map(|_| server.request("GET", "/x.m4s", &[LONG])).collect();
    (0..50).for_each(|_| server.held("/x.m4s"));
    let before = server.ticks();
    assert_eq!(held.response().status, 404);
    let used = server.ticks() - before;
    assert!(used <= 10, "{used} of some 200 ticks while requests were held");
}
