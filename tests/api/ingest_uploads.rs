//! Heading "Ingest": what is pushed is read while it arrives, and stands in the folder when it is
//! whole.

use crate::helpers::{End, LONG, Push, Server, chunk, put, segment, until};
use std::{fs, io::Write};

pub fn server() -> Server {
    Server::start(&["--ingest"])
}

/// The names of all that lies in the folder, hidden ones too.
pub fn names(server: &Server, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(server.path(folder)).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The same without our journal, which is hidden.
pub fn shown(server: &Server, folder: &str) -> Vec<String> {
    let mut names = names(server, folder);
    names.retain(|name| !name.starts_with(".lldash-kept"));
    names
}

#[test]
fn ingest_is_read_byte_by_byte_while_it_arrives() {
    read_along(server());
}

#[test]
fn ingest_is_read_byte_by_byte_where_the_folder_is_polled() {
    read_along(Server::start(&["--ingest", "--watch", "poll", "--poll-interval", "20ms"]));
}

fn read_along(mut server: Server) {
    let early = server.request("GET", "/live/1.m4s", &[LONG]);
    server.held("/live/1.m4s");
    let mut push = Push::start(server.address, "/live/1.m4s");
    push.chunk(&chunk(100));
    let mut early = early.response();
    assert_eq!(early.header("transfer-encoding"), Some("chunked"));
    assert_eq!((early.header("content-length"), early.header("etag")), (None, None));
    assert_eq!(early.read(100), chunk(100));
    let mut late = server.get("/ldash/download/live/1.m4s");
    assert_eq!(late.read(100), chunk(100));
    push.chunk(&chunk(50));
    assert_eq!((early.read(50), late.read(50)), (chunk(50), chunk(50)), "before the end");
    assert!(!server.path("live/1.m4s").exists(), "no other program sees half a file");
    assert_eq!(push.end(), 201);
    assert_eq!(early.rest(), (vec![], End::Clean));
    assert_eq!(late.rest(), (vec![], End::Clean));
    let whole = [chunk(100), chunk(50)].concat();
    assert_eq!(fs::read(server.path("live/1.m4s")).expect("there"), whole);
    let mut after = server.get("/live/1.m4s");
    assert_eq!(after.header("content-length"), Some("150"));
    assert!(after.header("etag").is_some());
    assert_eq!(after.body(), whole);
    assert_eq!(shown(&server, "live"), ["1.m4s"], "and nothing else");
    let tag = after.header("etag").map(str::to_owned);
    server.settle();
    assert_eq!(server.get("/live/1.m4s").header("etag").map(str::to_owned), tag);
}

#[test]
fn ingest_answers_created_then_replaced() {
    let server = server();
    for (method, path) in [("PUT", "/a.m4s"), ("POST", "/ldash/upload/b.m4s")] {
        for (bytes, status) in [(chunk(100), 201), (chunk(60), 204)] {
            let mut push = Push::start_with(server.address, method, path, &[]);
            push.chunk(&bytes);
            assert_eq!(push.end(), status, "{path}");
            assert_eq!(server.get(path).body(), bytes);
        }
    }
    assert_eq!(put(server.address, "/c/d/e.m4s", &chunk(100)).status, 201, "with a length");
    assert_eq!(server.get("/c/d/e.m4s").body(), chunk(100));
}

#[test]
fn ingest_of_an_empty_body_is_a_probe() {
    let server = server();
    server.write("1.m4s", &chunk(100));
    for path in ["/1.m4s", "/none.m4s", "/none/none.mpd"] {
        assert_eq!(put(server.address, path, b"").status, 200);
        assert_eq!(Push::start(server.address, path).end(), 200);
    }
    assert_eq!(shown(&server, ""), ["1.m4s"]);
    assert_eq!(server.get("/1.m4s").body(), chunk(100));
}

#[test]
fn ingest_goes_over_what_the_encoder_says_and_nothing_else() {
    let server = server();
    let write = |method, bytes: &[u8], condition: (&str, &str)| {
        let mut push = Push::start_with(server.address, method, "/x.m4s", &[condition]);
        if !bytes.is_empty() {
            push.chunk(bytes);
        }
        push.end()
    };
    assert_eq!(write("PUT", &chunk(50), ("If-Match", "*")), 412, "there is none");
    assert_eq!(write("PUT", &chunk(50), ("If-None-Match", "*")), 201);
    assert_eq!(write("PUT", &chunk(60), ("If-None-Match", "*")), 412);
    assert_eq!(server.get("/x.m4s").body(), chunk(50));
    let tag = server.get("/x.m4s").header("etag").expect("it is finished").to_owned();
    let other = ("If-Match", "\"other\"");
    assert_eq!(write("PUT", &chunk(60), other), 412);
    assert_eq!(write("DELETE", b"", other), 412);
    assert_eq!(write("PUT", &chunk(70), ("If-Match", &tag)), 204);
    assert_eq!(write("PUT", &chunk(80), ("If-Match", &tag)), 412, "that was another one");
    let old = ("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT");
    assert_eq!(write("DELETE", b"", old), 412);
    let is_for_reads = ("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT");
    assert_eq!(server.get("/x.m4s").body(), chunk(70));
    assert_eq!(write("DELETE", b"", is_for_reads), 200);
}

#[test]
fn ingest_takes_any_content_type() {
    let server = server();
    for kind in ["application/octet-stream", "*", "video/mp4", "text/plain; charset=x", "?"] {
        let headers = [("Content-Type", kind), ("Icy-MetaData", "1")];
        let mut push = Push::start_with(server.address, "POST", "/1.m4s", &headers);
        push.chunk(&chunk(100));
        assert!(matches!(push.end(), 201 | 204), "{kind}");
    }
}

#[test]
fn ingest_manifests_change_whole() {
    let mut server = server();
    let (old, new) = ("<MPD>1</MPD>", "<MPD>two</MPD>");
    assert_eq!(put(server.address, "/live.mpd", old.as_bytes()).status, 201);
    let tag = server.get("/live.mpd").header("etag").expect("a tag").to_owned();
    let polled = server.request("GET", "/live.mpd", &[LONG, ("If-None-Match", &tag)]);
    server.held("/live.mpd");
    let mut push = Push::start(server.address, "/live.mpd");
    push.chunk(&new.as_bytes()[..5]);
    server.logged("live.mpd received 5 bytes");
    assert_eq!(server.get("/live.mpd").text(), old);
    push.chunk(&new.as_bytes()[5..]);
    server.logged("live.mpd received 9 bytes");
    assert_eq!(server.get("/live.mpd").text(), old, "its last chunk has not come");
    assert_eq!(push.end(), 204);
    assert_eq!(server.get("/live.mpd").text(), new);
    assert_eq!(polled.response().text(), new, "who waited for a change");
}

#[test]
fn ingest_newest_upload_to_a_path_wins() {
    let server = server();
    assert_eq!(put(server.address, "/1.m4s", &segment(0, 500)).status, 201);
    let mut first = Push::start(server.address, "/1.m4s");
    first.chunk(&segment(1, 1000)[..400]);
    let mut of_first =
        until(|| Some(server.get("/1.m4s")).filter(|it| it.header("etag").is_none()));
    assert_eq!(of_first.read(400), segment(1, 1000)[..400]);
    let mut second = Push::start(server.address, "/1.m4s");
    second.chunk(&segment(2, 900)[..300]);
    assert_eq!(of_first.rest(), (vec![], End::Cut), "nobody reads a mixture");
    let mut of_second = server.get("/1.m4s");
    assert_eq!(of_second.read(300), segment(2, 900)[..300]);
    first.chunk(&segment(1, 1000)[400..]);
    assert_eq!(first.end(), 204, "drained");
    second.chunk(&segment(2, 900)[300..]);
    assert_eq!(second.end(), 204);
    assert_eq!(of_second.rest(), (segment(2, 900)[300..].to_vec(), End::Clean));
    assert_eq!(fs::read(server.path("1.m4s")).expect("there"), segment(2, 900));
    assert_eq!(server.get("/1.m4s").body(), segment(2, 900));
    assert_eq!(shown(&server, ""), ["1.m4s"]);
}

#[test]
fn ingest_removes_files_and_the_folders_that_they_leave_empty() {
    let server = server();
    for path in ["/a/b/1.m4s", "/a/2.m4s", "/3.m4s"] {
        assert_eq!(put(server.address, path, &chunk(100)).status, 201);
    }
    server.write("own.m4s", &chunk(50));
    let delete = |path: &str| {
        let mut push = Push::start_with(server.address, "DELETE", path, &[]);
        push.end()
    };
    assert_eq!(delete("/a/b/1.m4s"), 200, "chunked and empty, as ffmpeg does");
    assert_eq!(server.get_with("/a/b/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
    assert_eq!(shown(&server, "a"), ["2.m4s"], "the empty folder went");
    assert_eq!(delete("/a/b/1.m4s"), 404);
    assert_eq!(delete("/a"), 409);
    assert_eq!(server.request("DELETE", "/a/2.m4s", &[]).response().status, 200);
    assert_eq!(server.request("DELETE", "/3.m4s", &[]).response().status, 200);
    assert_eq!(delete("/own.m4s"), 200);
    assert!(shown(&server, "").is_empty(), "the root stays");
    assert_eq!(put(server.address, "/a/b/1.m4s", &chunk(100)).status, 201, "and is made anew");
    assert_eq!(server.get("/a/b/1.m4s").body(), chunk(100));
}

#[test]
fn ingest_removal_of_a_file_that_is_read_cuts_nobody() {
    for memory in ["256MiB", "0"] {
        let server = Server::start(&["--ingest", "--memory", memory]);
        let bytes = segment(1, 24 << 20);
        assert_eq!(put(server.address, "/1.m4s", &bytes).status, 201);
        let mut reader = server.get("/1.m4s");
        reader.read(1000);
        assert_eq!(server.request("DELETE", "/1.m4s", &[]).response().status, 200);
        assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
        let (rest, end) = reader.rest();
        assert!(end == End::Clean && rest == bytes[1000..], "{memory}");
    }
}

#[test]
fn ingest_removal_of_a_file_that_arrives_ends_it() {
    let mut server = server();
    for (name, old) in [("1.m4s", false), ("live.mpd", false), ("1.m4s", true), ("live.mpd", true)]
    {
        let path = format!("/{name}");
        if old {
            assert_eq!(put(server.address, &path, &chunk(60)).status, 201);
        }
        let mut push = Push::start(server.address, &path);
        push.chunk(&chunk(100));
        server.logged(&format!("{name} received 100 bytes"));
        let reader = (name == "1.m4s").then(|| {
            let mut reader = server.get(&path);
            assert_eq!(reader.read(100), chunk(100));
            reader
        });
        assert_eq!(server.request("DELETE", &path, &[]).response().status, 200, "{name} {old}");
        assert_eq!(server.get_with(&path, &[("X-Wait-Timeout", "0")]).status, 404);
        if let Some(mut reader) = reader {
            assert_eq!(reader.rest(), (vec![], End::Cut));
        }
        push.chunk(&chunk(50));
        push.last();
        let gone = "it was deleted while it was uploaded\n".to_owned();
        assert_eq!(push.answer(), (409, gone), "there is no such file");
        push.begin("DELETE", &path, &[]);
        assert_eq!(push.end(), 404, "the connection goes on");
        until(|| shown(&server, "").is_empty().then_some(()));
    }
}

/// The watch tells of our own writes too: they start no second generation.
#[test]
fn ingest_own_events_change_nothing_and_those_of_others_are_noticed() {
    let mut server = server();
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&chunk(100));
    let mut reader = server.get("/1.m4s");
    // All events of the upload so far were dealt with.
    server.settle();
    push.chunk(&chunk(50));
    assert_eq!(reader.read(150), [chunk(100), chunk(50)].concat());
    assert_eq!(push.end(), 201);
    assert_eq!(reader.rest(), (vec![], End::Clean));
    let tag = server.get("/1.m4s").header("etag").map(str::to_owned);
    server.settle();
    assert_eq!(server.get("/1.m4s").header("etag").map(str::to_owned), tag);
    // Another program replaces it, then writes over it.
    server.write(".new", &chunk(70));
    fs::rename(server.path(".new"), server.path("1.m4s")).expect("renamed");
    server.settle();
    assert_eq!(server.get("/1.m4s").body(), chunk(70));
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(80)).expect("written");
    drop(file);
    server.settle();
    assert_eq!(server.get("/1.m4s").body(), chunk(80));
    fs::remove_file(server.path("1.m4s")).expect("removed");
    server.settle();
    assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
}

/// The watch's echo of an upload is not worth a look at the file.
#[cfg(target_os = "linux")]
#[test]
fn ingest_is_not_read_again_from_disk() {
    const BYTES: usize = 3 << 20;
    let mut server = server();
    let read_bytes = |server: &Server| -> usize {
        let text = server.proc("io");
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("Linux");
        line.parse().expect("a number")
    };
    server.settle();
    let before = read_bytes(&server);
    for number in 0..4 {
        assert_eq!(put(server.address, "/1.m4s", &segment(number, BYTES)).status / 100, 2);
        assert_eq!(put(server.address, "/live.mpd", &vec![number; BYTES]).status / 100, 2);
        server.settle();
        assert_eq!(server.get("/1.m4s").body().len(), BYTES);
        assert_eq!(server.get("/live.mpd").body().len(), BYTES);
    }
    let read = read_bytes(&server) - before;
    assert!(read < BYTES / 2, "{read} bytes were read");
}

#[test]
fn ingest_of_what_is_larger_than_memory_is_read_from_disk_while_it_grows() {
    let server = Server::start(&["--ingest", "--memory", "4MiB"]);
    let bytes = segment(3, 24 << 20);
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&bytes[..1000]);
    let mut slow = server.get("/1.m4s");
    for piece in bytes[1000..].chunks(1 << 20) {
        push.chunk(piece);
    }
    let mut late = server.get("/1.m4s");
    assert!(late.read(20 << 20) == bytes[..20 << 20]);
    assert_eq!(push.end(), 201);
    for reader in [&mut slow, &mut late] {
        let (rest, end) = reader.rest();
        assert!(end == End::Clean && bytes.ends_with(&rest));
    }
    assert!(server.get("/1.m4s").body() == bytes, "and when it is finished");
}

#[test]
fn ingest_is_off_unless_asked_for() {
    let server = Server::start(&[]);
    for method in ["PUT", "POST", "DELETE"] {
        let mut push = Push::start_with(server.address, method, "/1.m4s", &[]);
        push.chunk(&chunk(100));
        push.last();
        assert_eq!(push.answer().0, 405);
        push.begin(method, "/1.m4s", &[]);
        assert_eq!(push.end(), 405, "the connection goes on");
    }
    assert!(names(&server, "").is_empty());
}
