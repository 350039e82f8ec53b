//! What broke in other servers, measured; each is a test for us. The headings are the contract's.

use crate::helpers::{End, LONG, Server, chunk, segment, until, write_alone};
use std::{fs, io::Write, thread};

#[test]
fn holding_through_the_pause_between_open_and_write_gives_nobody_an_empty_200() {
    let mut server = Server::start(&[]);
    for number in 0..20 {
        let path = format!("/{number}.m4s");
        let waiting: Vec<_> = (0..20).map(|_| server.request("GET", &path, &[])).collect();
        (0..20).for_each(|_| server.held(&path));
        let mut file = server.create(&path[1..]);
        // The server has seen the empty file, and others ask while it is empty.
        server.settle();
        let later: Vec<_> = (0..20).map(|_| server.request("GET", &path, &[])).collect();
        (0..20).for_each(|_| server.held(&path));
        file.write_all(&chunk(100)).expect("written");
        drop(file);
        for pending in waiting.into_iter().chain(later) {
            let mut response = pending.response();
            assert_eq!((response.status, response.rest()), (200, (chunk(100), End::Clean)));
        }
    }
}

#[test]
fn growing_is_not_taken_for_whole_because_it_exists() {
    let server = Server::start(&[]);
    for number in 0..200 {
        let path = format!("/{number}.m4s");
        let mut file = server.create(&path[1..]);
        file.write_all(&segment(1, 5000)[..1000]).expect("written");
        let pending = server.request("GET", &path, &[]);
        file.write_all(&segment(1, 5000)[1000..]).expect("written");
        let mut between = server.get(&path);
        drop(file);
        assert_eq!(pending.response().rest(), (segment(1, 5000), End::Clean), "{path}");
        assert_eq!(between.rest(), (segment(1, 5000), End::Clean), "{path}");
    }
}

#[test]
fn growing_keeps_its_tail() {
    let server = Server::start(&["--memory", "1MiB"]);
    thread::scope(|scope| {
        for client in 0..4 {
            let address = server.address;
            scope.spawn(move || {
                for number in 0..50 {
                    let mut response = crate::helpers::get(address, &format!("/{number}.m4s"));
                    let (body, end) = response.rest();
                    assert_eq!((body.len(), end), (40_000 + number, End::Clean), "{client}");
                }
            });
        }
        for number in 0..50 {
            let mut file = server.create(&format!("{number}.m4s"));
            // The last bytes come in the moment of the close.
            for piece in segment(7, 40_000 + number).chunks(3999) {
                file.write_all(piece).expect("written");
            }
        }
    });
}

#[test]
fn finished_in_a_rename_race_is_one_file_or_the_other() {
    for memory in ["256MiB", "0"] {
        let server = Server::start(&["--memory", memory]);
        // Not segments, whose end is known: any bytes, with lengths that differ.
        let bytes = |byte: u8| vec![byte; 3000 + usize::from(byte) * 50];
        server.write("x.bin", &bytes(0));
        let (address, path) = (server.address, server.path("x.bin"));
        thread::scope(|scope| {
            let reader = scope.spawn(move || {
                for _ in 0..600 {
                    let mut response = crate::helpers::get(address, "/x.bin");
                    let (body, end) = response.rest();
                    assert_eq!((response.status, end), (200, End::Clean));
                    assert_eq!(body, bytes(body[0]));
                }
            });
            let mut number = 0;
            while !reader.is_finished() {
                number = (number + 1) % 60;
                write_alone(&path.with_extension("new"), &bytes(number));
                fs::rename(path.with_extension("new"), &path).expect("renamed");
            }
        });
    }
}

#[test]
fn growing_stalled_uploads_end_cut_for_everyone() {
    let server = Server::start(&["--stall-timeout", "200ms"]);
    let mut files = Vec::new();
    let mut responses = Vec::new();
    for number in 0..30 {
        let mut file = server.create(&format!("{number}.m4s"));
        file.write_all(&chunk(100)).expect("written");
        responses.push(server.get(&format!("/{number}.m4s")));
        files.push(file);
    }
    for response in &mut responses {
        assert_eq!(response.rest(), (chunk(100), End::Cut));
    }
}

#[test]
fn finished_after_a_rename_is_never_stale() {
    let mut server = Server::start(&[]);
    for number in 0..50 {
        let text = format!("<MPD>{number}</MPD>");
        server.write("new", text.as_bytes());
        fs::rename(server.path("new"), server.path("live.mpd")).expect("renamed");
        server.settle();
        assert_eq!(server.get("/live.mpd").text(), text);
    }
}

#[test]
fn growing_under_its_side_name_is_whole_however_the_request_falls() {
    let server = Server::start(&[]);
    thread::scope(|scope| {
        let address = server.address;
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(move || {
                    for number in 0..150 {
                        let mut response = crate::helpers::get(address, &format!("/{number}.m4s"));
                        let (body, end) = response.rest();
                        assert_eq!(response.status, 200);
                        assert_eq!((body, end), (segment(3, 20_000), End::Clean), "{number}");
                    }
                })
            })
            .collect();
        for number in 0..150 {
            let (side, name) = (format!("{number}.m4s.tmp"), format!("{number}.m4s"));
            let mut file = server.create(&side);
            for piece in segment(3, 20_000).chunks(7000) {
                file.write_all(piece).expect("written");
            }
            drop(file);
            fs::rename(server.path(&side), server.path(&name)).expect("renamed");
        }
        for reader in readers {
            reader.join().expect("no panic");
        }
    });
}

#[test]
fn watching_a_hard_link_to_what_is_whole() {
    let mut server = Server::start(&[]);
    server.write("other", &chunk(100));
    let pending = server.request("GET", "/1.m4s", &[LONG]);
    server.held("/1.m4s");
    fs::hard_link(server.path("other"), server.path("1.m4s")).expect("linked");
    assert_eq!(pending.response().rest(), (chunk(100), End::Clean));
}

#[test]
fn finished_large_file_is_not_taken_for_growing_again() {
    for memory in ["256MiB", "0"] {
        let mut server = Server::start(&["--memory", memory, "--stall-timeout", "200ms"]);
        // More than is read in one turn: what is put back comes behind the close.
        let mut file = server.create("1.m4s");
        file.write_all(&segment(1, 20 << 20)).expect("written");
        drop(file);
        server.settle();
        until(|| server.get("/1.m4s").header("etag").map(drop));
        server.settle();
        let mut response = server.get("/1.m4s");
        assert!(response.header("etag").is_some(), "{memory}");
        assert!(response.body() == segment(1, 20 << 20));
    }
}
