//! Heading "Ingest": how encoders use their connections: pipelined, many at once, hung up at once.

use crate::{
    helpers::{End, LONG, Push, chunk, noise, segment, until},
    ingest_uploads::{names, server, shown},
};
use std::{fs, thread};

#[test]
fn ingest_pipelined_uploads_arrive_though_no_answer_is_read() {
    let mut server = server();
    let early = server.request("GET", "/3.m4s", &[LONG]);
    server.held("/3.m4s");
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(100));
    push.last();
    push.begin("PUT", "/2.m4s", &[]);
    push.chunk(&segment(2, 100_000));
    push.last();
    push.begin("DELETE", "/1.m4s", &[]);
    push.last();
    push.begin("PUT", "/3.m4s", &[]);
    push.chunk(&chunk(60));
    let mut early = early.response();
    assert_eq!(early.read(60), chunk(60), "while it arrives");
    push.chunk(&chunk(40));
    push.last();
    assert_eq!(early.rest(), (chunk(40), End::Clean));
    for status in [201, 201, 200, 201] {
        assert_eq!(push.answer().0, status);
    }
    assert_eq!(shown(&server, ""), ["2.m4s", "3.m4s"]);
    assert_eq!(server.get("/2.m4s").body(), segment(2, 100_000));
}

/// ffmpeg sends all it has and hangs up at once.
#[test]
fn ingest_takes_what_came_before_a_client_hung_up() {
    let server = server();
    for round in 0..100 {
        let mut push = Push::start(server.address, &format!("/{round}-0.m4s"));
        let mut bytes = Vec::new();
        for file in 0..6 {
            if file > 0 {
                let head = format!(
                    "PUT /{round}-{file}.m4s HTTP/1.1\r\nHost: x\r\n\
                     Transfer-Encoding: chunked\r\n\r\n"
                );
                bytes.extend(head.into_bytes());
            }
            let body = segment(file, 5000 + usize::from(file));
            bytes.extend(format!("{:x}\r\n", body.len()).into_bytes());
            bytes.extend([&body[..], b"\r\n0\r\n\r\n"].concat());
        }
        push.send(&bytes);
        push.hang_up();
        drop(push);
        for file in 0..6 {
            let path = format!("/{round}-{file}.m4s");
            let mut response = server.get(&path);
            assert_eq!(response.status, 200, "{path}");
            assert!(response.body() == segment(file, 5000 + usize::from(file)), "{path}");
            let on_disk = || fs::read(server.path(&path[1..])).ok();
            assert_eq!(until(on_disk).len(), 5000 + usize::from(file));
        }
    }
}

#[test]
fn ingest_of_a_large_file_whose_client_hangs_up_is_whole() {
    let server = server();
    for number in 0..20 {
        let bytes = segment(number, 3 << 20);
        let mut push = Push::start(server.address, &format!("/{number}.m4s"));
        push.chunk(&bytes);
        push.last();
        drop(push);
        let (body, end) = server.get(&format!("/{number}.m4s")).rest();
        assert!(end == End::Clean && body == bytes, "{number}: {} bytes, {end:?}", body.len());
    }
}

#[test]
fn ingest_concurrent_uploads_on_many_connections() {
    let server = server();
    let address = server.address;
    thread::scope(|scope| {
        for stream in 0..20u8 {
            scope.spawn(move || {
                let mut push = Push::start(address, &format!("/s{stream}/0.m4s"));
                for number in 0..20u8 {
                    let bytes = noise(stream ^ number, 20_000);
                    let path = format!("/s{stream}/{number}.m4s");
                    if number > 0 {
                        push.begin("PUT", &path, &[]);
                    }
                    let reader = thread::spawn(move || crate::helpers::get(address, &path).rest());
                    bytes.chunks(7000).for_each(|bytes| push.chunk(bytes));
                    assert_eq!(push.end(), 201);
                    let (body, end) = reader.join().expect("no panic");
                    assert!(end == End::Clean && body == bytes, "{stream} {number}");
                }
            });
        }
    });
}

#[test]
fn ingest_of_ten_thousand_small_files() {
    let server = server();
    let address = server.address;
    thread::scope(|scope| {
        for stream in 0..4u8 {
            scope.spawn(move || {
                let mut push = Push::start(address, &format!("/{stream}/0.m4s"));
                for number in 0..2500 {
                    if number > 0 {
                        push.begin("PUT", &format!("/{stream}/{number}.m4s"), &[]);
                    }
                    push.chunk(&chunk(100 + number % 50));
                    push.last();
                    // Answers are read late, as few as the pipeline lets wait.
                    if number >= 10 {
                        assert_eq!(push.answer().0, 201);
                    }
                }
                (0..10).for_each(|_| assert_eq!(push.answer().0, 201));
            });
        }
    });
    for stream in 0..4u8 {
        assert_eq!(names(&server, &stream.to_string()).len(), 2500);
        let body = server.get(&format!("/{stream}/1234.m4s")).body();
        assert_eq!(body, chunk(100 + 1234 % 50));
    }
}

/// RFC 1945, section 7.2.2.
#[test]
fn ingest_by_http_10_without_a_length_is_refused_and_not_taken_for_a_probe() {
    let server = server();
    for method in ["PUT", "POST"] {
        let request = |lines| format!("{method} /1.m4s HTTP/1.0\r\nHost: x\r\n{lines}\r\nabc");
        assert_eq!(server.raw(request("").as_bytes(), false).response().status, 400, "{method}");
        assert_eq!(shown(&server, ""), [""; 0]);
        let pending = server.raw(request("Content-Length: 3\r\n").as_bytes(), false);
        assert_eq!(pending.response().status, 201, "{method}");
        assert_eq!(server.request("DELETE", "/1.m4s", &[]).response().status, 200);
    }
}
