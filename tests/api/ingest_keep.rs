//! Heading "Ingest": what came by uploads goes when its time has come, and nothing else ever does.

use crate::helpers::{End, Push, Server, chunk, mp4_box, put, segment, until};
use rustix::process::Signal;
use std::{fs, path::Path};

/// Waits until the server has removed a file.
fn gone(server: &Server, name: &str) {
    until(|| (!server.path(name).exists()).then_some(()));
}

/// Stops a server by a signal and starts another one over its folder.
fn restarted(mut server: Server, signal: Signal, options: &[&str]) -> Server {
    server.signal(signal);
    server.exit();
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().expect("a folder"));
    Server::over(folder, options)
}

fn upload(server: &Server, name: &str, bytes: &[u8]) {
    assert!(matches!(put(server.address, &format!("/{name}"), bytes).status, 201 | 204), "{name}");
}

#[test]
fn ingest_keep_removes_uploaded_media_and_nothing_else() {
    let server = Server::start(&["--ingest", "--keep", "300ms"]);
    server.write("film.m4s", &chunk(100));
    server.write("v/film.mp4", &chunk(100));
    let mut init = mp4_box(*b"ftyp", 24);
    init.extend(mp4_box(*b"moov", 100));
    let stay = ["init-1.m4s", "live.mpd", "main.m3u8", "1.key", "a/header.m4s", "photo.jpg"];
    for name in stay {
        upload(&server, name, if name == "a/header.m4s" { &init } else { b"#EXTM3U\n" });
    }
    // They come last: what stays longer than they do stays.
    for name in ["1.m4s", "v/1.ts", "w/x/1.m4s"] {
        upload(&server, name, &chunk(100));
    }
    for name in ["1.m4s", "v/1.ts", "w/x/1.m4s", "w/x", "w"] {
        gone(&server, name);
    }
    for name in stay.iter().chain(&["film.m4s", "v/film.mp4"]) {
        assert!(server.path(name).exists(), "{name}");
    }
    assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    assert!(server.folder.path().exists());
}

#[test]
fn ingest_keep_knows_what_earlier_runs_took() {
    for signal in [Signal::TERM, Signal::KILL] {
        let server = Server::start(&["--ingest"]);
        for name in ["1.m4s", "2.m4s", "v/%c3%bc%203.m4s", "removed.m4s", "init.m4s"] {
            upload(&server, name, &chunk(100));
        }
        assert_eq!(server.request("DELETE", "/removed.m4s", &[]).response().status, 200);
        assert!(server.path("v/\u{fc} 3.m4s").exists());
        server.write("film.m4s", &chunk(100));
        // Other programs put their own under names that came by uploads.
        server.write("2.m4s", &chunk(60));
        server.write("removed.m4s", &chunk(60));
        let server = restarted(server, signal, &["--ingest", "--keep", "1ms"]);
        gone(&server, "1.m4s");
        gone(&server, "v");
        for name in ["2.m4s", "film.m4s", "removed.m4s", "init.m4s"] {
            assert!(server.path(name).exists(), "{name}");
        }
    }
}

#[test]
fn ingest_keep_knows_what_came_before_runs_that_took_nothing() {
    let server = Server::start(&["--ingest"]);
    upload(&server, "1.m4s", &chunk(100));
    // A name like one of ours is not one of ours.
    server.write(".lldash-notes", b"x");
    let options = ["--ingest", "--keep", "1h"];
    let mut server = restarted(server, Signal::KILL, &options);
    for signal in [Signal::TERM, Signal::KILL] {
        // Its turn comes when litter has been cleared.
        assert_eq!(server.request("DELETE", "/none.m4s", &[]).response().status, 404);
        server = restarted(server, signal, &options);
    }
    let server = restarted(server, Signal::TERM, &["--ingest", "--keep", "1ms"]);
    gone(&server, "1.m4s");
    assert!(server.path(".lldash-notes").exists());
}

#[test]
fn ingest_keep_bytes_removes_the_oldest() {
    let server = Server::start(&["--ingest", "--keep-bytes", "2500"]);
    server.write("film.m4s", &chunk(9000));
    upload(&server, "live.mpd", &[b'x'; 9000]);
    for number in 0..6 {
        upload(&server, &format!("{number}.m4s"), &chunk(1000));
    }
    for number in 0..4 {
        gone(&server, &format!("{number}.m4s"));
    }
    // Written over, it is the newest, and counts once.
    upload(&server, "4.m4s", &chunk(900));
    upload(&server, "6.m4s", &chunk(1000));
    gone(&server, "5.m4s");
    for name in ["4.m4s", "6.m4s", "live.mpd", "film.m4s"] {
        assert!(server.path(name).exists(), "{name}");
    }
    let server = restarted(server, Signal::KILL, &["--ingest", "--keep-bytes", "1000"]);
    gone(&server, "4.m4s");
    assert!(server.path("6.m4s").exists());
}

#[test]
fn ingest_max_age_of_an_upload_is_its_lifetime() {
    for options in [&["--ingest"][..], &["--ingest", "--keep", "1h"]] {
        let mut server = Server::start(options);
        let with = |name: &str, value: &str| {
            let headers = [("Cache-Control", value)];
            let mut push = Push::start_with(server.address, "PUT", name, &headers);
            push.chunk(&chunk(100));
            assert_eq!(push.end(), 201);
        };
        with("/other.m4s", "max-age=3600");
        with("/zero.m4s", "max-age=0");
        with("/init.m4s", "max-age=1");
        with("/live.mpd", "max-age=1");
        with("/photo.jpg", "public, max-age=1");
        with("/1.m4s", "public, max-age=1");
        server.logged("1.m4s is to be removed after 1s, as its upload says");
        gone(&server, "1.m4s");
        gone(&server, "photo.jpg");
        for name in ["other.m4s", "zero.m4s", "init.m4s", "live.mpd"] {
            assert!(server.path(name).exists(), "{name}");
        }
    }
}

#[test]
fn ingest_keep_waits_for_those_who_read_and_write() {
    for memory in ["0", "4MiB"] {
        let mut server = Server::start(&["--ingest", "--keep", "200ms", "--memory", memory]);
        let bytes = segment(1, 24 << 20);
        upload(&server, "1.m4s", &bytes);
        let mut reader = server.get("/1.m4s");
        reader.read(1000);
        upload(&server, "2.m4s", &chunk(100));
        let mut push = Push::start(server.address, "/2.m4s");
        push.chunk(&chunk(50));
        upload(&server, "3.m4s", &chunk(100));
        server.logged("3.m4s has expired");
        assert!(server.path("1.m4s").exists(), "somebody reads it");
        assert!(server.path("2.m4s").exists(), "somebody writes it");
        let (rest, end) = reader.rest();
        assert!(end == End::Clean && rest == bytes[1000..]);
        drop(reader);
        gone(&server, "1.m4s");
        assert_eq!(push.end(), 204);
        gone(&server, "2.m4s");
    }
}

#[test]
fn ingest_journal_is_hidden_and_goes_with_the_last_file() {
    let server = Server::start(&["--ingest"]);
    upload(&server, "1.m4s", &chunk(100));
    let journal = server.path(".lldash-kept");
    until(|| journal.exists().then_some(()));
    assert_eq!(server.get("/.lldash-kept").status, 404);
    assert_eq!(put(server.address, "/.lldash-kept", b"x").status, 404);
    assert_eq!(server.request("DELETE", "/1.m4s", &[]).response().status, 200);
    until(|| (!journal.exists()).then_some(()));
    let server = restarted(server, Signal::KILL, &["--ingest", "--keep", "1ms"]);
    fs::write(server.path(".lldash-kept"), "nonsense\n+ 1 2\n\u{0}").expect("written");
    let server = restarted(server, Signal::KILL, &["--ingest", "--keep", "300ms"]);
    upload(&server, "1.m4s", &chunk(100));
    gone(&server, "1.m4s");
    assert!(Path::new(server.folder.path()).exists());
}

#[test]
fn ingest_journal_with_bad_bytes_is_read_as_far_as_it_makes_sense() {
    let server = Server::start(&["--ingest"]);
    for name in ["1.m4s", "2.m4s"] {
        upload(&server, name, &chunk(100));
    }
    let journal = server.path(".lldash-kept");
    let lines = until(|| fs::read(&journal).ok().filter(|lines| lines.len() > 20));
    server.signal(Signal::KILL);
    let bad = [&lines[..], b"+ \xff\n\xfe - \n", &lines, b"nonsense\n"].concat();
    fs::write(&journal, bad).expect("written");
    let mut server = restarted(server, Signal::KILL, &["--ingest", "--keep", "1ms"]);
    let log = server.log_until("1.m4s has expired");
    let warnings = log.iter().filter(|line| line.contains(".lldash-kept")).collect::<Vec<_>>();
    assert!(warnings.len() == 1 && warnings[0].contains("3 lines"), "{warnings:#?}");
    gone(&server, "1.m4s");
    gone(&server, "2.m4s");
}

/// What begins like a whole recording stays; a TS cannot be told from a segment.
#[test]
fn ingest_keep_leaves_recordings_that_say_that_they_are() {
    let server = Server::start(&["--ingest", "--keep", "300ms"]);
    let mut film = mp4_box(*b"ftyp", 24);
    film.extend(mp4_box(*b"moov", 100));
    upload(&server, "film.mp4", &film);
    upload(&server, "film.webm", b"\x1a\x45\xdf\xa3 and so on");
    upload(&server, "film.ts", &[0x47; 188]);
    gone(&server, "film.ts");
    assert!(server.path("film.mp4").exists() && server.path("film.webm").exists());
}
