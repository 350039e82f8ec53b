//! Heading "Ingest": what goes wrong with uploads, made to happen.

use crate::helpers::{End, LONG, Push, Server, chunk, put, segment, small::Small, until};
use rustix::process::Signal;
use std::{fs, os::unix::fs::PermissionsExt};

fn server() -> Server {
    Server::start(&["--ingest"])
}

/// Our own half files in a folder.
pub fn litter(server: &Server, folder: &str) -> usize {
    let entries = fs::read_dir(server.path(folder)).expect("a folder").flatten();
    entries.filter(|it| it.file_name().to_string_lossy().starts_with(".lldash-upload-")).count()
}

pub fn is_clean(server: &Server, folder: &str) {
    until(|| (litter(server, folder) == 0).then_some(()));
}

#[test]
fn ingest_broken_off_readers_are_cut_and_the_old_file_stays() {
    for name in ["1.m4s", "live.mpd"] {
        let mut server = server();
        let path = format!("/{name}");
        let old = if name == "1.m4s" { segment(1, 500) } else { b"<MPD>old</MPD>".to_vec() };
        assert_eq!(put(server.address, &path, &old).status, 201);
        let tag = server.get(&path).header("etag").map(str::to_owned);
        let mut push = Push::start(server.address, &path);
        push.chunk(&chunk(100));
        server.logged(&format!("{name} received 100 bytes"));
        let reader = (name == "1.m4s").then(|| {
            let mut reader = server.get(&path);
            assert_eq!(reader.read(100), chunk(100));
            reader
        });
        // Its readers have it before the disk does, where it has a name of ours.
        until(|| (litter(&server, "") == 1).then_some(()));
        drop(push);
        if let Some(mut reader) = reader {
            assert_eq!(reader.rest(), (vec![], End::Cut));
        }
        server.logged("broke off after 100 bytes");
        is_clean(&server, "");
        let mut again = server.get(&path);
        assert_eq!(again.header("etag").map(str::to_owned), tag, "{name}");
        assert!(again.body() == old);
    }
}

#[test]
fn ingest_broken_off_where_nothing_was_leaves_nothing() {
    let mut server = server();
    let waiting = server.request("GET", "/a/2.m4s", &[LONG]);
    server.held("/a/2.m4s");
    // With a length that is not reached.
    let head = b"PUT /a/1.m4s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n";
    let upload = server.raw(&[&head[..], &chunk(100)].concat(), false);
    server.logged("a/1.m4s received 100 bytes");
    let mut reader = server.get("/a/1.m4s");
    assert_eq!(reader.read(100), chunk(100));
    drop(upload);
    assert_eq!(reader.rest(), (vec![], End::Cut));
    until(|| (!server.path("a").exists()).then_some(()));
    assert_eq!(server.get_with("/a/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    assert_eq!(put(server.address, "/a/2.m4s", &chunk(100)).status, 201);
    assert_eq!(waiting.response().body(), chunk(100));
}

#[test]
fn ingest_server_killed_in_the_middle_of_an_upload() {
    let mut server = server();
    assert_eq!(put(server.address, "/v/1.m4s", &segment(1, 500)).status, 201);
    server.write("v/.lldash-upload-note.txt/x", b"a folder of that name is not ours");
    server.write("v/.other", b"nor is this");
    let mut push = Push::start(server.address, "/v/1.m4s");
    push.chunk(&chunk(100));
    server.logged("v/1.m4s received 100 bytes");
    let mut reader = server.get("/v/1.m4s");
    assert_eq!(reader.read(100), chunk(100));
    until(|| (litter(&server, "v") == 2).then_some(()));
    server.signal(Signal::KILL);
    assert_eq!(reader.rest(), (vec![], End::Cut));
    server.exit();
    assert_eq!(litter(&server, "v"), 2, "what was being written lies there");
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().expect("a folder"));
    drop(server);
    let server = Server::over(folder, &["--ingest"]);
    until(|| (litter(&server, "v") == 1).then_some(()));
    assert!(server.path("v/.lldash-upload-note.txt/x").exists());
    assert!(server.path("v/.other").exists());
    assert!(server.get("/v/1.m4s").body() == segment(1, 500), "the old one");
    assert_eq!(put(server.address, "/v/1.m4s", &segment(2, 600)).status, 204);
}

#[test]
fn ingest_start_leaves_what_another_server_is_writing() {
    let first = server();
    let mut push = Push::start(first.address, "/1.m4s");
    push.chunk(&chunk(100));
    until(|| (litter(&first, "") == 1).then_some(()));
    let mut command = crate::helpers::program();
    command.args(["-p", "0", "--ingest"]).arg(first.folder.path());
    let second = Server::spawn(command, tempfile::tempdir().expect("a folder"));
    assert_eq!(put(second.address, "/2.m4s", &chunk(50)).status, 201, "it has cleared up by now");
    push.chunk(&chunk(50));
    assert_eq!(push.end(), 201);
    assert_eq!(fs::read(first.path("1.m4s")).expect("there").len(), 150);
}

#[test]
fn ingest_without_ingest_nothing_is_cleared() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".lldash-upload-1-1"), b"x").expect("written");
    let mut server = Server::over(folder, &[]);
    server.settle();
    assert_eq!(litter(&server, ""), 1);
}

#[test]
fn ingest_stopped_server_leaves_no_half_file() {
    let mut server = Server::start(&["--ingest", "--drain", "0"]);
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(100));
    until(|| (litter(&server, "") == 1).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.exit().code(), Some(0));
    assert_eq!(litter(&server, ""), 0);
    assert!(!server.path("1.m4s").exists());
}

#[test]
fn ingest_stopped_server_lets_uploads_finish() {
    let mut server = Server::start(&["--ingest", "--drain", "60s"]);
    let held = server.request("GET", "/2.m4s", &[LONG]);
    server.held("/2.m4s");
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(100));
    let mut reader = server.get("/1.m4s");
    assert_eq!(reader.read(100), chunk(100));
    server.signal(Signal::TERM);
    assert_eq!(held.response().status, 503);
    push.chunk(&chunk(50));
    assert_eq!(push.end(), 201);
    assert_eq!(reader.rest(), (chunk(50), End::Clean));
    drop((push, reader));
    assert_eq!(server.exit().code(), Some(0));
    assert_eq!(fs::read(server.path("1.m4s")).expect("there").len(), 150);
}

#[test]
fn ingest_disk_full_is_507_and_frees_what_was_written() {
    let Some(small) = Small::mount() else { return };
    let mut command = crate::helpers::program();
    command.args(["-p", "0", "--ingest"]).arg(small.path());
    let server = Server::spawn(command, tempfile::tempdir().expect("a folder"));
    assert_eq!(put(server.address, "/1.m4s", &segment(1, 500_000)).status, 201);
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&segment(2, 2_000_000)[..300_000]);
    let mut reader = until(|| Some(server.get("/1.m4s")).filter(|it| it.header("etag").is_none()));
    push.chunk(&segment(2, 2_000_000)[300_000..]);
    assert_eq!(reader.rest().1, End::Cut);
    let is_kept = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(".lldash-kept");
    let names = || {
        let entries = fs::read_dir(small.path()).expect("there").flatten();
        entries.filter(|entry| !is_kept(&entry.file_name())).count()
    };
    until(|| (names() == 1).then_some(()));
    push.last();
    assert_eq!(push.answer(), (507, "the disk is full\n".to_owned()));
    // The same connection goes on, and there is room again.
    push.begin("PUT", "/2.m4s", &[]);
    push.chunk(&segment(3, 400_000));
    assert_eq!(push.end(), 201);
    assert!(server.get("/1.m4s").body() == segment(1, 500_000), "the old one stays");
    assert_eq!(names(), 2);
}

#[test]
fn ingest_of_what_is_too_large_is_413() {
    let server = Server::start(&["--ingest", "--max-upload", "1000"]);
    assert_eq!(put(server.address, "/1.m4s", &chunk(1000)).status, 201);
    let mut response = put(server.address, "/1.m4s", &chunk(1001));
    assert_eq!(
        (response.status, response.text()),
        (413, "no more than 1000 bytes are taken\n".into())
    );
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(600));
    let mut reader = until(|| Some(server.get("/1.m4s")).filter(|it| it.header("etag").is_none()));
    push.chunk(&chunk(600));
    assert_eq!(reader.rest().1, End::Cut);
    push.chunk(&chunk(60));
    assert_eq!(push.end(), 413, "drained, then answered");
    push.begin("PUT", "/2.m4s", &[]);
    push.chunk(&chunk(60));
    assert_eq!(push.end(), 201, "and the connection kept");
    assert_eq!(server.get("/1.m4s").body(), chunk(1000));
    is_clean(&server, "");
}

#[test]
fn ingest_where_a_folder_stands_is_409() {
    let server = server();
    server.write("a/1.m4s", &chunk(100));
    server.write("b", b"a file");
    for (path, said) in [
        ("/a", "the path is a folder's; name a file in it\n"),
        ("/b/1.m4s", "a file stands where the path has a folder\n"),
        ("/b/c/1.m4s", "a file stands where the path has a folder\n"),
        ("/a/", "the path is a folder's; name a file in it\n"),
        ("/", "the path is a folder's; name a file in it\n"),
    ] {
        let mut push = Push::start(server.address, path);
        push.chunk(&chunk(100));
        push.last();
        let (status, text) = push.answer();
        assert_eq!((status, text.as_str()), (409, said), "{path}");
        push.begin("PUT", "/c.m4s", &[]);
        push.chunk(&chunk(100));
        assert!(matches!(push.end(), 201 | 204), "the connection is kept");
    }
    assert_eq!(fs::read(server.path("b")).expect("there"), b"a file");
}

#[test]
fn ingest_paths_that_are_never_served_are_never_written() {
    let server = server();
    let outside = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(outside.path(), server.path("out")).expect("linked");
    for (path, status) in [
        ("/.hidden", 404),
        ("/.lldash-upload-1-1", 404),
        ("/a/.git/x", 404),
        ("/x.tmp", 404),
        ("/ldash/time", 404),
        ("/ldash/assets/dash.js", 404),
        ("/ldash", 404),
        ("/out/1.m4s", 404),
        ("/../x", 400),
        ("/a/%2e%2e/%2e%2e/x", 400),
        ("/a%2Fb", 400),
        ("/%00", 400),
        ("/a%5cb", 400),
    ] {
        for method in ["PUT", "DELETE"] {
            let mut push = Push::start_with(server.address, method, path, &[]);
            push.chunk(&chunk(100));
            assert_eq!(push.end(), status, "{method} {path}");
        }
    }
    assert_eq!(fs::read_dir(outside.path()).expect("there").count(), 0);
    assert_eq!(fs::read_dir(server.folder.path()).expect("there").count(), 1, "the link");
}

#[test]
fn ingest_without_permission_is_403() {
    let Some(mut command) = crate::programs::as_nobody() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    command.args(["-p", "0", "--ingest"]).arg(folder.path());
    let server = Server::spawn(command, folder);
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(100));
    push.last();
    let refusal = "the server may not write there; see the permissions\n";
    assert_eq!(push.answer(), (403, refusal.to_owned()));
    server.write("2.m4s", &chunk(100));
    assert_eq!(server.request("DELETE", "/2.m4s", &[]).response().status, 403);
    assert_eq!(server.get("/2.m4s").body(), chunk(100));
}

#[test]
fn ingest_that_stalls_is_cut_and_what_comes_later_is_drained() {
    let mut server = Server::start(&["--ingest", "--stall-timeout", "200ms"]);
    assert_eq!(put(server.address, "/1.m4s", &segment(1, 500)).status, 201);
    // Silence before the first byte is none: encoders open files long before they fill them.
    let mut push = Push::start(server.address, "/1.m4s");
    let mut early = Push::start(server.address, "/2.m4s");
    push.chunk(&chunk(100));
    let mut reader = until(|| Some(server.get("/1.m4s")).filter(|it| it.header("etag").is_none()));
    assert_eq!(reader.rest(), (chunk(100), End::Cut));
    server.logged("1.m4s is cut: its encoder fell silent");
    is_clean(&server, "");
    assert!(server.get("/1.m4s").body() == segment(1, 500), "the old one stays");
    push.chunk(&chunk(100));
    assert_eq!(push.end(), 408);
    push.begin("PUT", "/1.m4s", &[]);
    push.chunk(&segment(2, 600));
    assert_eq!(push.end(), 204, "the next one is taken");
    early.chunk(&chunk(100));
    assert_eq!(early.end(), 201);
}

#[test]
fn ingest_of_parts_and_of_compressed_bodies_is_refused() {
    let server = server();
    for (header, status) in
        [(("Content-Range", "bytes 0-99/200"), 400), (("Content-Encoding", "gzip"), 415)]
    {
        let mut push = Push::start_with(server.address, "PUT", "/1.m4s", &[header]);
        push.chunk(&chunk(100));
        assert_eq!(push.end(), status);
    }
    assert_eq!(fs::read_dir(server.folder.path()).expect("there").count(), 0);
}
