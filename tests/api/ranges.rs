//! Headings "Growing files" and "Finished files": ranges.

use crate::helpers::{End, Response, Server, chunk, noise};
use std::{fs::File, io::Write};

/// A server on which the first 100 bytes of `1.m4s` are written and known.
fn grown() -> (Server, File) {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    assert_eq!(server.get("/1.m4s").read(100), chunk(100));
    (server, file)
}

fn ranged(server: &Server, range: &str) -> Response {
    server.get_with("/1.m4s", &[("Range", range)])
}

fn all() -> Vec<u8> {
    [chunk(100), chunk(50)].concat()
}

#[test]
fn growing_ranges_that_are_ignored() {
    let (server, mut file) = grown();
    let tag = [("Range", "bytes=10-20"), ("If-Range", "\"x\"")];
    let date = [("Range", "bytes=10-"), ("If-Range", "Tue, 01 Jan 2030 00:00:00 GMT")];
    let mut ignored: Vec<Response> = ["bytes=0-", "bytes=-10", "bytes=1-2,4-5", "lines=1-2"]
        .iter()
        .map(|range| ranged(&server, range))
        .chain([server.get_with("/1.m4s", &tag), server.get_with("/1.m4s", &date)])
        .collect();
    for response in &mut ignored {
        assert_eq!((response.status, response.header("content-range")), (200, None));
        assert_eq!(response.read(100), chunk(100));
    }
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    for response in &mut ignored {
        assert_eq!(response.rest(), (chunk(50), End::Clean));
    }
}

#[test]
fn growing_range_without_an_end_waits_for_the_finished_file() {
    let (server, mut file) = grown();
    let range = [("Range", "bytes=60-")];
    let pending = server.request("GET", "/1.m4s", &range);
    let beyond = server.request("GET", "/1.m4s", &[("Range", "bytes=150-")]);
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    let mut response = pending.response();
    assert_eq!((response.status, response.header("content-length")), (206, Some("90")));
    assert_eq!(response.header("content-range"), Some("bytes 60-149/150"));
    assert!(response.header("etag").is_some(), "exact, as of any finished file");
    assert_eq!(response.body(), all()[60..]);
    let beyond = beyond.response();
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */150")));
}

#[test]
fn growing_open_range_of_rfc_8673_streams_until_done() {
    let (server, mut file) = grown();
    for last in ["9007199254740991", "100000000000"] {
        let mut response = ranged(&server, &format!("bytes=60-{last}"));
        assert_eq!(response.status, 206);
        let range = format!("bytes 60-{last}/*");
        assert_eq!(response.header("content-range"), Some(&*range));
        assert_eq!(response.header("content-length"), None);
        assert_eq!(response.read(40), chunk(100)[60..], "at once");
    }
    let mut from_start = ranged(&server, "bytes=0-9007199254740991");
    assert_eq!(from_start.read(100), chunk(100));
    let later = server.request("GET", "/1.m4s", &[("Range", "bytes=120-9007199254740991")]);
    file.write_all(&chunk(50)).expect("written");
    assert_eq!(from_start.read(50), chunk(50));
    let mut later = later.response();
    assert_eq!((later.status, later.read(30)), (206, all()[120..].to_vec()));
    drop(file);
    assert_eq!(from_start.rest(), (vec![], End::Clean));
    assert_eq!(later.rest(), (vec![], End::Clean));
    let mut finished = ranged(&server, "bytes=60-9007199254740991");
    assert_eq!(finished.header("content-range"), Some("bytes 60-149/150"), "it is finished now");
    assert_eq!(finished.body(), all()[60..]);
}

#[test]
fn growing_closed_range_waits_for_its_last_byte() {
    let (server, mut file) = grown();
    let mut there = ranged(&server, "bytes=10-99");
    assert_eq!((there.status, there.header("content-length")), (206, Some("90")));
    assert_eq!(there.header("content-range"), Some("bytes 10-99/*"));
    assert_eq!(there.body(), chunk(100)[10..], "the file is still open");
    let pending = server.request("GET", "/1.m4s", &[("Range", "bytes=90-119")]);
    let too_far = server.request("GET", "/1.m4s", &[("Range", "bytes=90-99999999999")]);
    let beyond = server.request("GET", "/1.m4s", &[("Range", "bytes=200-300")]);
    file.write_all(&chunk(50)).expect("written");
    let mut waited = pending.response();
    assert_eq!(waited.header("content-range"), Some("bytes 90-119/*"));
    assert_eq!(waited.body(), all()[90..120], "the file is still open");
    drop(file);
    let mut too_far = too_far.response();
    assert_eq!(too_far.header("content-range"), Some("bytes 90-149/150"), "it is finished");
    assert_eq!(too_far.body(), all()[90..]);
    let beyond = beyond.response();
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */150")));
}

#[test]
fn growing_ranges_of_a_file_that_breaks_off_are_no_206() {
    let (server, file) = grown();
    let pending = ["bytes=60-", "bytes=60-500"]
        .map(|range| server.request("GET", "/1.m4s", &[("Range", range)]));
    let mut open = ranged(&server, "bytes=60-9007199254740991");
    file.set_len(20).expect("truncated");
    for pending in pending {
        assert_eq!(pending.response().status, 503);
    }
    assert_eq!(open.rest().1, End::Cut);
}

#[test]
fn growing_head_ignores_ranges() {
    let (server, _file) = grown();
    let head = server.request("HEAD", "/1.m4s", &[("Range", "bytes=60-")]).response();
    assert_eq!((head.status, head.header("content-range")), (200, None));
}

/// In memory, from disk, and too long for both at once.
const FINISHED: [(&str, usize); 3] = [("256MiB", 1000), ("0", 1000), ("256MiB", 5 << 20)];

#[test]
fn finished_single_ranges() {
    for (memory, length) in FINISHED {
        let server = Server::start(&["--memory", memory]);
        let bytes = noise(1, length);
        server.write("1.m4v", &bytes);
        server.finished("/1.m4v");
        let last = length - 1;
        for (range, first, end) in [
            ("bytes=0-".to_owned(), 0, length),
            ("bytes=0-0".to_owned(), 0, 1),
            ("bytes=10-19".to_owned(), 10, 20),
            ("Bytes=990-".to_owned(), 990, length),
            (format!("bytes={last}-"), last, length),
            ("bytes=10-99999999".to_owned(), 10, length),
            ("bytes=-500".to_owned(), length - 500, length),
            ("bytes=-99999999".to_owned(), 0, length),
            ("bytes=900-9007199254740991".to_owned(), 900, length),
        ] {
            let mut response = server.get_with("/1.m4v", &[("Range", &range)]);
            assert_eq!(response.status, 206, "{range}");
            let known = format!("bytes {first}-{}/{length}", end - 1);
            assert_eq!(response.header("content-range"), Some(&*known), "{range}, {memory}");
            assert_eq!(response.header("accept-ranges"), Some("bytes"));
            assert!(response.body() == bytes[first..end], "{range}, {memory}");
        }
    }
}

#[test]
fn finished_ranges_without_a_byte_are_416() {
    for (memory, length) in FINISHED {
        let server = Server::start(&["--memory", memory]);
        server.write("1.m4v", &noise(1, length));
        for range in [&*format!("bytes={length}-"), "bytes=99999999-99999999", "bytes=-0"] {
            let response = server.get_with("/1.m4v", &[("Range", range)]);
            let known = format!("bytes */{length}");
            assert_eq!((response.status, response.header("content-range")), (416, Some(&*known)));
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn finished_several_or_malformed_ranges_are_200() {
    for (memory, length) in FINISHED {
        let server = Server::start(&["--memory", memory]);
        let bytes = noise(1, length);
        server.write("1.m4v", &bytes);
        server.finished("/1.m4v");
        for range in ["bytes=0-1,5-6", "bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=-", "0-1"] {
            let mut response = server.get_with("/1.m4v", &[("Range", range)]);
            assert_eq!((response.status, response.header("content-range")), (200, None), "{range}");
            assert!(response.body() == bytes);
        }
        let head = server.request("HEAD", "/1.m4v", &[("Range", "bytes=5-6")]).response();
        assert_eq!((head.status, head.header("content-range")), (200, None), "not for HEAD");
    }
}

/// Its end is missing, and nothing of it is sent as if it were whole.
#[test]
fn growing_torn_file_on_disk_is_cut_whatever_is_asked() {
    for memory in ["256MiB", "0"] {
        let server = Server::start(&["--memory", memory]);
        let torn = chunk(200_000)[..150_000].to_vec();
        server.write(".prepared", &torn);
        // A link, not a rename: what is renamed to its name is taken to be whole.
        std::fs::hard_link(server.path(".prepared"), server.path("1.m4s")).expect("linked");
        for range in ["bytes=0-", "bytes=-5", "lines=1-2"] {
            let mut response = server.get_with("/1.m4s", &[("Range", range)]);
            assert_eq!(
                (response.status, response.header("content-length")),
                (200, None),
                "{range}"
            );
            let (body, end) = response.rest();
            assert_eq!(end, End::Cut, "{range}, {memory}");
            assert!(torn.starts_with(&body));
        }
        let head = server.request("HEAD", "/1.m4s", &[]).response();
        assert_eq!((head.status, head.header("content-length")), (200, None));
        assert_eq!(head.header("etag"), None);
    }
}
