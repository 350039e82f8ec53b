//! Heading "Finished files": generations, conditions, empty files.

use crate::helpers::{End, Server, chunk, noise, segment};
use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

/// In memory, and from disk.
const MEMORY: [&str; 2] = ["256MiB", "0"];

/// More than two sockets' buffers hold, in bytes.
const BIG: usize = 24 << 20;

#[test]
fn finished_files_have_validators_and_head_is_like_get() {
    for memory in MEMORY {
        let server = Server::start(&["--memory", memory]);
        for (name, bytes) in
            [("1.m4s", chunk(100)), ("big.m4v", segment(1, 5 << 20)), ("x.html", vec![b'x'; 999])]
        {
            server.write(name, &bytes);
            server.finished(&format!("/{name}"));
            let mut get = server.get(&format!("/{name}"));
            let head = server.request("HEAD", &format!("/{name}"), &[]).response();
            assert_eq!((get.status, head.status), (200, 200));
            let tag = get.header("etag").expect("a tag");
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 8, "strong: {tag}");
            let modified = get.header("last-modified").expect("a time");
            let on_disk = fs::metadata(server.path(name)).expect("there").modified();
            assert_eq!(modified, httpdate::fmt_http_date(on_disk.expect("known")));
            let length = bytes.len().to_string();
            assert_eq!(get.header("content-length"), Some(&*length), "{name}, {memory}");
            let comparable = |(name, _): &&(String, String)| name != "date";
            let headers: Vec<_> = get.headers.iter().filter(comparable).collect();
            let of_head: Vec<_> = head.headers.iter().filter(comparable).collect();
            let (mut headers, mut of_head) = (headers, of_head);
            headers.sort();
            of_head.sort();
            assert_eq!(headers, of_head, "{name}, {memory}");
            assert!(get.body() == bytes);
        }
    }
}

/// RFC 9110, section 8.8.2: a time that does not tell versions apart, or is still to come.
#[test]
fn finished_files_tell_a_time_only_when_it_is_over() {
    let server = Server::start(&[]);
    let date = |path: &str, name| server.get(path).header(name).map(str::to_owned);
    for (name, at, is_told) in [("old", 1_000_000_000, true), ("new", 4_000_000_000, false)] {
        for end in ["mpd", "m4s"] {
            let file = format!("{name}.{end}");
            server.write(&format!("{file}.part"), &chunk(100));
            let part = server.path(&format!("{file}.part"));
            let time = UNIX_EPOCH + Duration::from_secs(at);
            fs::File::options()
                .write(true)
                .open(&part)
                .expect("there")
                .set_modified(time)
                .expect("set");
            fs::rename(&part, server.path(&file)).expect("moved");
            server.finished(&format!("/{file}"));
        }
        assert_eq!(date(&format!("/{name}.mpd"), "last-modified").is_some(), is_told, "{name}");
        let modified = date(&format!("/{name}.m4s"), "last-modified").expect("a time");
        let told = date(&format!("/{name}.m4s"), "date").expect("a date");
        let [modified, told] =
            [modified, told].map(|it| httpdate::parse_http_date(&it).expect("one"));
        assert!(modified <= told, "{name}");
    }
}

#[test]
fn finished_preconditions() {
    for memory in MEMORY {
        let server = Server::start(&["--memory", memory]);
        server.write("1.m4s", &chunk(100));
        let tag = &*server.finished("/1.m4s");
        let modified = server.get("/1.m4s").header("last-modified").expect("finished").to_owned();
        let (modified, weak) = (&*modified, &*format!("W/{tag}"));
        let listed = &*format!("\"a,b\", {tag}");
        let (old, new) = ("Thu, 01 Jan 1998 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
        let (matches, none) = ("If-Match", "If-None-Match");
        let (since, unless) = ("If-Modified-Since", "If-Unmodified-Since");
        for (headers, status) in [
            (vec![(matches, tag)], 200),
            (vec![(matches, "*")], 200),
            (vec![(matches, listed)], 200),
            (vec![(matches, weak)], 412),
            (vec![(matches, "\"x\"")], 412),
            (vec![(matches, tag), (unless, old)], 200),
            (vec![(unless, old)], 412),
            (vec![(unless, modified)], 200),
            (vec![(unless, "soon")], 200),
            (vec![(none, tag)], 304),
            (vec![(none, weak)], 304),
            (vec![(none, listed)], 304),
            (vec![(none, "*")], 304),
            (vec![(none, "\"x\"")], 200),
            (vec![(none, "\"x\""), (since, new)], 200),
            (vec![(since, modified)], 304),
            (vec![(since, new)], 304),
            (vec![(since, old)], 200),
            (vec![(matches, "\"x\""), (none, tag)], 412),
            (vec![(unless, old), (none, tag)], 412),
            (vec![(none, tag), ("Range", "bytes=9000-")], 304),
            (vec![(matches, "\"x\""), ("Range", "bytes=9000-")], 412),
        ] {
            let response = server.get_with("/1.m4s", &headers);
            assert_eq!(response.status, status, "{headers:?}, {memory}");
            if status == 304 {
                assert_eq!(response.header("etag"), Some(tag));
                assert!(response.header("cache-control").is_some(), "RFC 9110, section 15.4.5");
            }
            let head = server.request("HEAD", "/1.m4s", &headers).response();
            assert_eq!(head.status, status, "HEAD, {headers:?}, {memory}");
        }
        for (validator, status) in
            [(tag, 206), (weak, 200), ("\"x\"", 200), (modified, 206), (old, 200), ("soon", 200)]
        {
            let headers = [("Range", "bytes=10-19"), ("If-Range", validator)];
            assert_eq!(server.get_with("/1.m4s", &headers).status, status, "{validator}, {memory}");
        }
    }
}

#[test]
fn finished_tag_is_not_from_size_and_time_alone() {
    for memory in MEMORY {
        let mut server = Server::start(&["--memory", memory]);
        server.write("1.m4s", &segment(1, 100));
        let first = server.finished("/1.m4s");
        let modified = fs::metadata(server.path("1.m4s")).expect("there").modified();
        let modified = modified.expect("known");
        server.write("other", &segment(2, 100));
        let other = fs::File::options().append(true).open(server.path("other")).expect("there");
        other.set_modified(modified).expect("set");
        drop(other);
        fs::rename(server.path("other"), server.path("1.m4s")).expect("renamed");
        server.settle();
        let mut response = server.get("/1.m4s");
        assert_ne!(response.header("etag"), Some(&*first), "{memory}");
        assert_eq!(response.body(), segment(2, 100));
    }
}

#[test]
fn finished_reply_goes_on_to_its_end_when_the_file_is_removed_or_replaced() {
    type Change = fn(&Server);
    let changes: [(&str, Change); 3] = [
        ("removed", |server| fs::remove_file(server.path("live/1.m4s")).expect("removed")),
        ("its folder removed", |server| fs::remove_dir_all(server.path("live")).expect("removed")),
        ("replaced", |server| {
            server.write("live/other", &segment(2, BIG + 5));
            let (other, name) = (server.path("live/other"), server.path("live/1.m4s"));
            fs::rename(other, name).expect("renamed");
        }),
    ];
    for memory in MEMORY {
        for (what, change) in changes {
            let mut server = Server::start(&["--memory", memory]);
            server.write("live/1.m4s", &segment(1, BIG));
            let mut response = server.get("/live/1.m4s");
            let mut body = response.read(1000);
            change(&server);
            server.settle();
            let (rest, end) = response.rest();
            body.extend(rest);
            assert!(body == segment(1, BIG) && end == End::Clean, "{what}, {memory}, {end:?}");
            let mut now = server.get_with("/live/1.m4s", &[("X-Wait-Timeout", "0")]);
            match what {
                "replaced" => assert!(now.body() == segment(2, BIG + 5), "{memory}"),
                _ => assert_eq!(now.status, 404, "{what}, {memory}"),
            }
        }
    }
}

#[test]
fn finished_file_that_grew_here_outlives_its_name_for_those_who_read_it() {
    for memory in MEMORY {
        let mut server = Server::start(&["--memory", memory]);
        let mut file = server.create("1.m4s");
        file.write_all(&segment(1, BIG)[..1000]).expect("written");
        let mut response = server.get("/1.m4s");
        assert_eq!(response.read(1000), segment(1, BIG)[..1000]);
        file.write_all(&segment(1, BIG)[1000..]).expect("written");
        drop(file);
        server.settle();
        fs::remove_file(server.path("1.m4s")).expect("removed");
        server.settle();
        let (rest, end) = response.rest();
        assert!(rest == segment(1, BIG)[1000..] && end == End::Clean, "{memory}, {end:?}");
    }
}

/// Whether these are bytes of one segment only, whole if it ended cleanly.
fn is_of_one(body: &[u8], end: End, bytes: &[u8]) -> bool {
    bytes.starts_with(body) && (end == End::Cut || body.len() == bytes.len())
}

#[test]
fn finished_file_rewritten_in_place_is_never_mixed_with_what_it_was() {
    for memory in MEMORY {
        let mut server = Server::start(&["--memory", memory]);
        server.write("1.m4s", &segment(1, BIG));
        let mut response = server.get("/1.m4s");
        let mut body = response.read(1000);
        let mut file =
            fs::OpenOptions::new().write(true).open(server.path("1.m4s")).expect("there");
        file.write_all(&segment(2, BIG)).expect("written");
        drop(file);
        server.settle();
        let (rest, end) = response.rest();
        body.extend(rest);
        assert!(is_of_one(&body, end, &segment(1, BIG)), "{memory}, {end:?} at {}", body.len());
        assert!(server.get("/1.m4s").body() == segment(2, BIG), "{memory}");
    }
}

#[test]
fn finished_files_rewritten_under_many_readers_are_never_mixed() {
    const BYTES: usize = 3 << 20;
    for (memory, by_rename) in [("256MiB", true), ("0", true), ("256MiB", false), ("0", false)] {
        let server = Server::start(&["--memory", memory]);
        let bytes = |byte: u8| segment(byte, BYTES + usize::from(byte) * 100);
        server.write("1.m4s", &bytes(0));
        let (address, path) = (server.address, server.path("1.m4s"));
        let write = |path: &Path, byte| crate::helpers::write_alone(path, &bytes(byte));
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..3)
                .map(|_| scope.spawn(move || (0..20).map(|_| read(address)).collect::<Vec<_>>()))
                .collect();
            for byte in 1..40 {
                if by_rename {
                    write(&path.with_extension("new"), byte);
                    fs::rename(path.with_extension("new"), &path).expect("renamed");
                } else {
                    write(&path, byte);
                }
            }
            for reader in readers {
                for (body, end) in reader.join().expect("no panic").iter().flatten() {
                    let byte = body.get(8).copied().unwrap_or_default();
                    let is_sound = is_of_one(body, *end, &bytes(byte));
                    assert!(is_sound, "{memory}, {by_rename}, {end:?} at {}", body.len());
                    assert!(!by_rename || *end == End::Clean, "{memory}");
                }
            }
        });
    }
}

/// A body, read in a hurry; `None` for a 404.
fn read(address: std::net::SocketAddr) -> Option<(Vec<u8>, End)> {
    let mut response = crate::helpers::get(address, "/1.m4s");
    assert!(matches!(response.status, 200 | 404), "{}", response.status);
    (response.status == 200).then(|| response.rest())
}

#[test]
fn finished_but_empty_media_and_manifests_count_as_absent() {
    let mut server = Server::start(&["--default-wait", "100ms"]);
    for name in ["1.m4s", "1.ts", "live.mpd", "live.m3u8", "x.html", "x.bin"] {
        drop(server.create(name));
    }
    server.settle();
    for path in ["/1.m4s", "/1.ts", "/live.mpd", "/live.m3u8"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    for path in ["/x.html", "/x.bin"] {
        let response = server.get(path);
        assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
        assert!(response.header("etag").is_some());
    }
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["1.m4s", "x.html"] {
        fs::write(folder.path().join(name), "").expect("made");
    }
    let server = Server::over(folder, &["--default-wait", "100ms"]);
    assert_eq!(server.get("/1.m4s").status, 404, "found at the start");
    assert_eq!(server.get("/x.html").body(), b"");
}

#[test]
fn finished_emptied_segment_is_absent() {
    let mut server = Server::start(&[]);
    server.write("1.m4s", &chunk(100));
    server.settle();
    assert_eq!(server.get("/1.m4s").status, 200);
    drop(server.create("1.m4s"));
    server.settle();
    assert_eq!(server.get_with("/1.m4s", &[("X-Wait-Timeout", "0")]).status, 404);
}

#[test]
fn finished_files_found_at_the_start_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [("a/1.m4s", chunk(100)), ("big.m4v", segment(1, 5 << 20)), ("x.bin", noise(1, 9))];
    fs::create_dir(folder.path().join("a")).expect("made");
    for (name, bytes) in &files {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    let server = Server::over(folder, &[]);
    for (name, bytes) in files {
        assert!(server.get(&format!("/{name}")).body() == bytes, "{name}");
    }
}
