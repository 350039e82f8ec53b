//! Heading "Ingest": who may push, and where.

use crate::{
    helpers::{Pending, Push, Server, chunk, get, put},
    process::refused,
};
use std::{fs, io::BufRead, net::SocketAddr};

/// Pushes with these headers; the answer's status.
fn push(address: SocketAddr, headers: &[(&str, &str)]) -> u16 {
    let mut push = Push::start_with(address, "PUT", "/1.m4s", headers);
    push.chunk(&chunk(100));
    let status = push.end();
    push.begin("PUT", "/none.m4s", headers);
    let probe = push.end();
    assert_eq!(probe == 200, status < 300, "the connection goes on, and a probe tells the same");
    status
}

#[test]
fn ingest_with_a_token() {
    let mut server = Server::start(&["--ingest", "--ingest-token", "s3cret"]);
    let address = server.address;
    let with = |value: &str| push(address, &[("Authorization", value)]);
    assert_eq!(push(address, &[]), 401);
    for wrong in ["Bearer s3cre", "Bearer s3crets", "Bearer", "Basic s3cret", "s3cret", "Bearer "] {
        assert_eq!(with(wrong), 401, "{wrong}");
    }
    assert_eq!(with("Basic dXNlcjp3cm9uZw=="), 401, "user:wrong");
    assert!(!server.path("1.m4s").exists());
    assert_eq!(with("Bearer s3cret"), 201);
    assert_eq!(with("bearer  s3cret"), 204);
    assert_eq!(with("Basic dXNlcjpzM2NyZXQ="), 204, "user:s3cret");
    let page = [("Authorization", "Bearer s3cret"), ("Origin", "http://a.example")];
    assert_eq!(push(address, &page), 204, "a page that knows the token");
    let mut response = put(address, "/1.m4s", &chunk(100));
    let challenges = response.headers.iter().filter(|(name, _)| name == "www-authenticate");
    let challenges: Vec<_> = challenges.map(|(_, value)| value.as_str()).collect();
    // ffmpeg reads one scheme of a line, its first.
    assert_eq!(challenges, ["Basic realm=\"uploads\"", "Bearer realm=\"uploads\""]);
    assert_eq!(response.text(), "uploads need a token, or a user and a password\n");
    let delete = server.request("DELETE", "/1.m4s", &[]).response();
    assert_eq!(delete.status, 401);
    assert_eq!(server.get("/1.m4s").body(), chunk(100), "reading needs none");
    let log = server.log_until("DELETE /1.m4s");
    assert!(!log.iter().any(|line| line.contains("s3cret")), "{log:#?}");
}

#[test]
fn ingest_with_a_user_and_a_password() {
    let options = ["--ingest", "--ingest-user", "Aladdin", "--ingest-password", "open sesame"];
    let server = Server::start(&options);
    let with = |value: &str| push(server.address, &[("Authorization", value)]);
    // The example of RFC 7617, section 2.
    assert_eq!(with("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), 201);
    assert_eq!(with("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"), 401, "not what base64 is");
    assert_eq!(with("Basic QWxhZGRpbjpvcGVu"), 401, "Aladdin:open");
    assert_eq!(with("Bearer open sesame"), 401);
    assert_eq!(push(server.address, &[]), 401);
}

#[test]
fn ingest_without_a_credential_is_not_for_web_pages() {
    let server = Server::start(&["--ingest"]);
    for origin in ["http://a.example", "null", "http://127.0.0.1:8080"] {
        assert_eq!(push(server.address, &[("Origin", origin)]), 403, "{origin}");
        let delete = server.request("DELETE", "/1.m4s", &[("Origin", origin)]).response();
        assert_eq!(delete.status, 403);
    }
    assert_eq!(fs::read_dir(server.folder.path()).expect("there").count(), 0);
}

#[test]
fn ingest_without_a_credential_stays_on_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("text");
    for listen in [["--listen", "0.0.0.0:0"], ["--ingest-listen", "[::]:0"]] {
        let (code, error) = refused(&[&["--ingest"], &listen[..], &[folder]].concat());
        assert_eq!(code, Some(1));
        assert!(error.contains("--ingest-token") && error.contains("--ingest-open"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
    for guard in [&["--ingest-open"][..], &["--ingest-token", "x"]] {
        let options = [&["--listen", "0.0.0.0:0", "--ingest"], guard].concat();
        let mut server = Server::start_at(&options);
        server.address.set_ip([127, 0, 0, 1].into());
        assert_eq!(server.get("/ldash/health").status, 200);
    }
    let server =
        Server::start_at(&["--listen", "0.0.0.0:0", "--ingest", "--ingest-listen", "127.0.0.1:0"]);
    assert_eq!(server.get("/ldash/health").status, 200, "only readers come from elsewhere");
}

#[test]
fn ingest_at_an_address_of_its_own() {
    let options = ["--ingest", "--ingest-listen", "127.0.0.1:0", "--ingest-listen", "127.0.0.2:0"];
    let mut server = Server::start(&options);
    let mut listening = || {
        let mut line = String::new();
        server.output.read_line(&mut line).expect("a line");
        let url = line.trim().trim_start_matches("http://").trim_end_matches('/');
        url.parse::<SocketAddr>().expect("an address")
    };
    let (one, other) = (listening(), listening());
    let mut refusal = put(server.address, "/1.m4s", &chunk(100));
    assert_eq!((refusal.status, refusal.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let elsewhere = "nothing may be written here: uploads have an address of their own\n";
    assert_eq!(refusal.text(), elsewhere);
    assert_eq!(put(one, "/1.m4s", &chunk(100)).status, 201);
    assert_eq!(put(other, "/1.m4s", &chunk(60)).status, 204);
    assert_eq!(server.get("/1.m4s").body(), chunk(60));
    assert_eq!(get(one, "/1.m4s").body(), chunk(60), "reading works there too");
}

#[test]
fn ingest_of_other_methods_is_refused_by_their_own_words() {
    let reads = "GET, HEAD, OPTIONS";
    let all = "GET, HEAD, OPTIONS, PUT, POST, DELETE";
    for (options, allowed, text) in [
        (&["--ingest"][..], all, format!("this method is not known here, only {all}\n")),
        (&[], reads, format!("this method is not known here, only {reads}\n")),
    ] {
        let server = Server::start(options);
        for method in ["PATCH", "MKCOL"] {
            let mut response = server.request(method, "/1.m4s", &[]).response();
            assert_eq!((response.status, response.header("allow")), (405, Some(allowed)));
            assert_eq!(response.text(), text);
        }
    }
    let mut response = put(Server::start(&[]).address, "/1.m4s", &chunk(100));
    assert_eq!(response.text(), "nothing may be written here; see --ingest\n");
}

#[test]
fn ingest_options_that_make_no_sense_are_refused() {
    for (options, wanted) in [
        (&["--ingest-token", "x"][..], "without --ingest"),
        (&["--ingest", "--ingest-user", "x"], "need each other"),
        (&["--ingest", "--ingest-password", "x"], "need each other"),
        (&["--ingest", "--ingest-token", ""], "keeps nobody out"),
        (
            &["--ingest", "--ingest-token", "t", "--ingest-user", "u", "--ingest-password", "p"],
            "exclude each other",
        ),
    ] {
        let (code, error) = refused(&[options, &["/tmp"]].concat());
        assert_eq!(code, Some(2), "{options:?}");
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn ingest_preflights_of_pages_that_may_write() {
    let page = [("Origin", "http://a.example"), ("Access-Control-Request-Method", "PUT")];
    for (options, is_allowed) in
        [(&["--ingest", "--ingest-token", "t"][..], true), (&["--ingest"], false), (&[], false)]
    {
        let server = Server::start(options);
        let response = server.request("OPTIONS", "/1.m4s", &page).response();
        let methods = response.header("access-control-allow-methods").expect("methods");
        assert_eq!(methods.contains("PUT"), is_allowed, "{options:?}: {methods}");
        let plain = server.request("OPTIONS", "/1.m4s", &[]).response();
        let allowed = plain.header("allow").expect("methods");
        assert_eq!(allowed.contains("DELETE"), !options.is_empty());
    }
}

/// Sends a head that asks before its body; what comes first.
fn expecting(address: SocketAddr, lines: &str) -> (String, Pending) {
    let head = format!("PUT {lines}\r\nHost: x\r\nExpect: 100-continue\r\n\r\n");
    let mut pending = crate::helpers::send(address, head.as_bytes(), false);
    let first = String::from_utf8(pending.stream.fill_buf().expect("an answer").to_vec());
    (first.expect("text").lines().next().unwrap_or_default().to_owned(), pending)
}

#[test]
fn ingest_refuses_instead_of_asking_for_the_body() {
    let server = Server::start(&["--ingest", "--ingest-token", "t", "--max-upload", "1000"]);
    server.write("folder/x", b"x");
    let with = "Authorization: Bearer t\r\nContent-Length: 100";
    for (lines, status) in [
        ("/1.m4s HTTP/1.1\r\nContent-Length: 100".to_owned(), 401),
        ("/1.m4s HTTP/1.1\r\nTransfer-Encoding: chunked".to_owned(), 401),
        (format!("/.x HTTP/1.1\r\n{with}"), 404),
        (format!("/a%2Fb HTTP/1.1\r\n{with}"), 400),
        (format!("/folder HTTP/1.1\r\n{with}"), 409),
        (format!("/1.m4s HTTP/1.1\r\n{with}0000"), 413),
    ] {
        let (first, pending) = expecting(server.address, &lines);
        assert!(first.starts_with(&format!("HTTP/1.1 {status} ")), "{lines}: {first}");
        let mut response = pending.response();
        assert_eq!(response.header("connection"), Some("close"), "nobody knows what follows");
        assert_eq!(response.text().lines().count(), 1);
    }
    let (first, mut pending) = expecting(server.address, &format!("/1.m4s HTTP/1.1\r\n{with}"));
    assert_eq!(first, "HTTP/1.1 100 Continue");
    let mut skipped = String::new();
    (0..2).for_each(|_| drop(pending.stream.read_line(&mut skipped)));
    let response = Pending::over(pending.stream, &chunk(100), false).response();
    assert_eq!(response.status, 201);
    assert_eq!(server.get("/1.m4s").body(), chunk(100));
}
