//! Heading "Growing files": bytes as they come, and how a file ends.

use crate::helpers::{End, LONG, Pending, Server, chunk, mp4_box, segment, until};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    thread,
};

#[test]
fn growing_bytes_leave_as_soon_as_they_can_be_read() {
    let server = Server::start(&[]);
    let mut file = server.create("live/1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/live/1.m4s");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.header("etag"), None);
    assert_eq!(response.header("last-modified"), None);
    assert_eq!(response.read(100), chunk(100));
    file.write_all(&chunk(50)).expect("written");
    assert_eq!(response.read(50), chunk(50), "before the file is closed");
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Clean));
}

#[test]
fn growing_a_late_client_gets_what_is_there_then_follows() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    let mut clients = Vec::new();
    let mut written = Vec::new();
    for length in 20..60 {
        clients.push(server.request("GET", "/1.m4s", &[]));
        file.write_all(&chunk(length)).expect("written");
        written.extend(chunk(length));
    }
    let mut clients: Vec<_> = clients.into_iter().map(Pending::response).collect();
    let mut late = server.get("/1.m4s");
    assert_eq!(late.read(written.len()), written, "what is there");
    file.write_all(&chunk(70)).expect("written");
    assert_eq!(late.read(70), chunk(70), "then what comes");
    drop(file);
    written.extend(chunk(70));
    assert_eq!(late.rest(), (vec![], End::Clean));
    for client in &mut clients {
        assert_eq!(client.rest(), (written.clone(), End::Clean));
    }
}

#[test]
fn growing_head_answers_at_once_without_a_length() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let response = server.request("HEAD", "/1.m4s", &[]).response();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("video/iso.segment"));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.header("etag"), None);
}

#[test]
fn growing_http_10_waits_for_the_finished_file_and_gets_its_length() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    server.get("/1.m4s").read(100);
    let pending = server.raw(b"GET /1.m4s HTTP/1.0\r\nHost: x\r\n\r\n", false);
    let head = server.raw(b"HEAD /1.m4s HTTP/1.0\r\nHost: x\r\n\r\n", true);
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    let mut response = pending.response();
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.header("content-length"), Some("150"));
    assert_eq!(response.rest(), ([chunk(100), chunk(50)].concat(), End::Clean));
    assert_eq!(head.response().header("content-length"), Some("150"));
}

#[test]
fn growing_http_10_gets_no_file_that_broke_off() {
    let mut server = Server::start(&["--stall-timeout", "200ms"]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let pending = server.raw(b"GET /1.m4s HTTP/1.0\r\nHost: x\r\n\r\n", false);
    server.logged("1.m4s is cut");
    assert_eq!(pending.response().status, 503);
}

#[test]
fn growing_a_half_box_at_the_close_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)[..90]).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(90), chunk(100)[..90]);
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Cut));
    let mut late = server.get("/1.m4s");
    assert_eq!((late.status, late.rest()), (200, (chunk(100)[..90].to_vec(), End::Cut)));
}

#[test]
fn growing_transport_streams_end_after_whole_packets() {
    let server = Server::start(&[]);
    for (name, bytes, end) in [("1.ts", 376, End::Clean), ("2.ts", 375, End::Cut)] {
        let mut file = server.create(name);
        let packets = vec![0x47; bytes];
        file.write_all(&packets).expect("written");
        let mut response = server.get(&format!("/{name}"));
        assert_eq!(response.read(bytes), packets);
        drop(file);
        assert_eq!(response.rest(), (vec![], end), "{name}");
    }
}

#[test]
fn growing_goes_on_while_another_writer_has_the_file() {
    let mut server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    let second = OpenOptions::new().append(true).open(server.path("1.m4s")).expect("opened");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(100), chunk(100));
    drop(second);
    server.settle();
    file.write_all(&chunk(50)).expect("written");
    assert_eq!(response.read(50), chunk(50), "the first still writes");
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Clean));
}

#[test]
fn growing_under_a_side_name_ends_at_the_rename() {
    for side in ["1.m4s.tmp", "1.m4s.gftmp"] {
        let mut server = Server::start(&[]);
        let pending = server.request("GET", "/1.m4s", &[]);
        server.held("/1.m4s");
        let mut file = server.create(side);
        file.write_all(&chunk(100)).expect("written");
        let mut response = pending.response();
        assert_eq!(response.read(100), chunk(100), "{side}");
        assert_eq!(server.get("/1.m4s").read(100), chunk(100), "a late client");
        file.write_all(&chunk(50)).expect("written");
        assert_eq!(response.read(50), chunk(50));
        drop(file);
        server.settle();
        let mut after_close = server.get("/1.m4s");
        assert_eq!(after_close.read(150).len(), 150);
        fs::rename(server.path(side), server.path("1.m4s")).expect("renamed");
        assert_eq!(response.rest(), (vec![], End::Clean));
        assert_eq!(after_close.rest(), (vec![], End::Clean));
        let finished = server.get("/1.m4s");
        assert_eq!(finished.header("content-length"), Some("150"));
        assert_eq!(server.get_with(&format!("/{side}"), &[LONG]).status, 404);
    }
}

#[test]
fn growing_under_a_side_name_that_is_not_renamed_is_cut() {
    let mut server = Server::start(&[]);
    let mut file = server.create("1.m4s.tmp");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/1.m4s");
    drop(file);
    assert_eq!(response.rest(), (chunk(100), End::Cut));
    let pending = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    server.write("1.m4s", &chunk(50));
    assert_eq!(pending.response().rest(), (chunk(50), End::Clean), "another takes its place");
}

#[test]
fn growing_under_a_side_name_that_is_removed_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s.tmp");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(100), chunk(100));
    drop(file);
    fs::remove_file(server.path("1.m4s.tmp")).expect("removed");
    assert_eq!(response.rest(), (vec![], End::Cut));
}

#[test]
fn growing_a_silent_writer_is_cut() {
    let server = Server::start(&["--stall-timeout", "200ms"]);
    for name in ["1.m4s", "2.m4s.tmp"] {
        let mut file = server.create(name);
        file.write_all(&chunk(100)).expect("written");
        let mut response = server.get(&format!("/{}", name.trim_end_matches(".tmp")));
        assert_eq!(response.rest(), (chunk(100), End::Cut), "{name}: whole boxes, still open");
    }
}

#[test]
fn growing_truncated_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(100), chunk(100));
    file.set_len(50).expect("truncated");
    assert_eq!(response.rest(), (vec![], End::Cut));
}

#[test]
fn growing_truncated_and_written_anew_is_cut_and_begins_again() {
    let mut server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&segment(1, 100)).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(100), segment(1, 100));
    let mut anew = server.create("1.m4s");
    anew.write_all(&segment(2, 200)).expect("written");
    assert_eq!(response.rest(), (vec![], End::Cut), "nothing of the other");
    drop((file, anew));
    server.settle();
    assert_eq!(server.get("/1.m4s").body(), segment(2, 200));
}

#[test]
fn growing_replaced_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&segment(1, 100)).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(100), segment(1, 100));
    server.write("other", &segment(2, 200));
    fs::rename(server.path("other"), server.path("1.m4s")).expect("renamed");
    assert_eq!(response.rest(), (vec![], End::Cut));
    assert_eq!(server.get("/1.m4s").body(), segment(2, 200));
}

#[test]
fn growing_removed_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("live/1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/live/1.m4s");
    assert_eq!(response.read(100), chunk(100));
    fs::remove_file(server.path("live/1.m4s")).expect("removed");
    assert_eq!(response.rest(), (vec![], End::Cut));
    assert_eq!(server.get_with("/live/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    let mut file = server.create("live/2.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/live/2.m4s");
    fs::remove_dir_all(server.path("live")).expect("removed");
    assert_eq!(response.rest(), (chunk(100), End::Cut), "with its folder");
}

#[test]
fn growing_found_at_the_start_while_someone_writes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = fs::File::create(folder.path().join("1.m4s")).expect("made");
    let mut side = fs::File::create(folder.path().join("2.m4s.tmp")).expect("made");
    file.write_all(&chunk(100)).expect("written");
    side.write_all(&chunk(100)).expect("written");
    fs::write(folder.path().join("3.m4s"), chunk(100)).expect("written");
    let server = Server::over(folder, &[]);
    for (path, writer) in [("/1.m4s", &mut file), ("/2.m4s", &mut side)] {
        let mut response = server.get(path);
        assert_eq!(response.header("content-length"), None, "{path}");
        assert_eq!(response.read(100), chunk(100));
        writer.write_all(&chunk(50)).expect("written");
        assert_eq!(response.read(50), chunk(50));
    }
    let mut response = server.get("/1.m4s");
    drop(file);
    assert_eq!(response.body().len(), 150);
    let finished = server.get("/3.m4s");
    assert_eq!(finished.header("content-length"), Some("100"), "the newest, but nobody has it");
}

#[test]
fn growing_left_behind_by_a_crash_is_never_served() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["1.m4s.tmp", "2.m4s.gftmp"] {
        fs::write(folder.path().join(name), chunk(100)).expect("written");
    }
    fs::write(folder.path().join("3.m4s"), &chunk(100)[..90]).expect("written");
    let server = Server::over(folder, &["--default-wait", "100ms"]);
    assert_eq!(server.get("/1.m4s").status, 404);
    assert_eq!(server.get("/2.m4s").status, 404);
    assert_eq!(server.get("/3.m4s").rest(), (chunk(100)[..90].to_vec(), End::Cut));
}

#[test]
fn growing_a_recycled_name_begins_again() {
    let mut server = Server::start(&[]);
    server.write("1.m4s", &segment(1, 100));
    server.settle();
    assert_eq!(server.get("/1.m4s").body(), segment(1, 100));
    let mut file = server.create("1.m4s");
    file.write_all(&segment(2, 200)[..150]).expect("written");
    server.settle();
    let mut response = server.get("/1.m4s");
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.read(150), segment(2, 200)[..150]);
    file.write_all(&segment(2, 200)[150..]).expect("written");
    drop(file);
    assert_eq!(response.rest(), (segment(2, 200)[150..].to_vec(), End::Clean));
}

#[test]
fn growing_a_slow_client_slows_nobody_else() {
    const CHUNKS: usize = 24;
    const BYTES: usize = 1 << 20;
    for memory in ["256MiB", "8MiB", "0"] {
        let server = Server::start(&["--memory", memory]);
        let mut file = server.create("1.m4s");
        file.write_all(&mp4_box(*b"moof", 100)).expect("written");
        let mut slow = server.get("/1.m4s");
        let quick = server.get("/1.m4s");
        let whole = thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let mut quick = quick;
                quick.rest()
            });
            for number in 0..CHUNKS {
                let byte = u8::try_from(number).expect("few");
                file.write_all(&segment(byte, BYTES)).expect("written");
            }
            drop(file);
            reader.join().expect("no panic")
        });
        assert_eq!((whole.0.len(), whole.1), (100 + CHUNKS * BYTES, End::Clean), "{memory}");
        assert!(slow.rest() == whole, "the same for the slow one, {memory}");
    }
}

#[test]
fn growing_without_a_reader_is_there_for_those_who_come_later() {
    let mut server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    server.settle();
    drop(file);
    let length = until(|| server.get("/1.m4s").header("content-length").map(str::to_owned));
    assert_eq!(length, "100");
}
