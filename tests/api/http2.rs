//! All that the contract promises, by HTTP/2 and by TLS.

use crate::helpers::{
    Server, chunk, get,
    h2::{Answer, Http2, body, certify, handshake, read, start_tls},
    noise, program, segment, until,
};
use futures::future::join_all;
use std::{
    future::poll_fn,
    io::{BufRead, Write},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn http2_by_prior_knowledge_and_by_tls() {
    let keys = tempfile::tempdir().expect("a folder");
    let certificate = certify(keys.path());
    let plain = Server::start(&[]);
    let tls = start_tls(&certificate, &[]);
    for server in [&plain, &tls] {
        server.write("1.m4s", &noise(1, 300_000));
    }
    let clients =
        [Http2::plain(plain.address).await, Http2::tls(tls.address, &certificate[0]).await];
    for client in clients {
        let answer = client.ask("GET", "/1.m4s").await.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "max-age=60");
        assert!(answer.headers().contains_key("date"));
        assert!(body(answer.into_body()).await.expect("all") == noise(1, 300_000));
        let answer = client.ask("HEAD", "/1.m4s").await.await.expect("an answer");
        assert_eq!(answer.headers()["content-length"], "300000");
        assert!(body(answer.into_body()).await.expect("nothing").is_empty());
        let answer = client.ask("GET", "/.none.m4s").await.await.expect("an answer");
        assert_eq!(answer.status(), 404);
        // Which is no path (RFC 3986, section 3.3), whatever the library thinks of it.
        let answer = client.ask("GET", "/vid\u{e9}o.m4s").await.await.expect("an answer");
        assert_eq!(answer.status(), 400);
        let answer = client.ask("DELETE", "/1.m4s").await.await.expect("an answer");
        assert_eq!(answer.status(), 405);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_by_tls() {
    let keys = tempfile::tempdir().expect("a folder");
    let certificate = certify(keys.path());
    let server = start_tls(&certificate, &[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut stream = handshake(server.address, &certificate[0], &[]).await.expect("trusted");
    stream.write_all(b"GET /1.m4s HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(&chunk(100)) {
        head.push(stream.read_u8().await.expect("more"));
    }
    file.write_all(&chunk(200)).expect("written");
    drop(file);
    let rest = [b"\r\nC8\r\n", &chunk(200)[..], b"\r\n0\r\n\r\n"].concat();
    let mut read = vec![0; rest.len()];
    stream.read_exact(&mut read).await.expect("all");
    assert!(read == rest, "{}", String::from_utf8_lossy(&read));
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_growing_files_are_followed_and_cut() {
    let server = Server::start(&[]);
    let client = Http2::plain(server.address).await;
    let waiting = client.ask("GET", "/1.m4s").await;
    let mut file = server.create("1.m4s");
    file.write_all(&segment(1, 1000)).expect("written");
    let answer = waiting.await.expect("an answer");
    assert!(!answer.headers().contains_key("content-length"));
    let mut whole = answer.into_body();
    assert!(read(&mut whole, 1000).await == segment(1, 1000));
    file.write_all(&segment(2, 500)).expect("written");
    assert!(read(&mut whole, 500).await == segment(2, 500));
    drop(file);
    assert_eq!(body(whole).await.expect("its end").len(), 0);

    let mut file = server.create("2.m4s");
    file.write_all(&segment(1, 1000)[..700]).expect("written");
    let mut cut = client.ask("GET", "/2.m4s").await.await.expect("an answer").into_body();
    assert_eq!(read(&mut cut, 700).await.len(), 700);
    drop(file);
    let error = body(cut).await.expect_err("it is not whole");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    // The connection goes on.
    server.write("3.m4s", &chunk(100));
    let answer = client.ask("GET", "/3.m4s").await.await.expect("an answer");
    assert_eq!(body(answer.into_body()).await.expect("all"), chunk(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_a_client_that_leaves_a_stream_frees_its_place() {
    let server = Server::start(&["--max-held", "1"]);
    let client = Http2::plain(server.address).await;
    let held = |count: &str| {
        let count = format!("\nlldash_held_requests {count}\n");
        until(|| server.get("/ldash/metrics").text().contains(&count).then_some(()));
    };
    let left = client.ask("GET", "/1.m4s").await;
    held("1");
    drop(left);
    held("0");
    // And one that leaves with its connection.
    let alone = Http2::plain(server.address).await;
    let left = alone.ask("GET", "/1.m4s").await;
    held("1");
    drop((left, alone));
    held("0");
    let waiting = client.ask("GET", "/1.m4s").await;
    held("1");
    server.write("1.m4s", &chunk(100));
    assert_eq!(waiting.await.expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_a_thousand_wait_on_ten_connections() {
    let server = Server::start(&[]);
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let client = Http2::plain(server.address).await;
        for _ in 0..100 {
            waiting.push(client.ask("GET", "/1.m4s").await);
        }
    }
    until(|| {
        server.get("/ldash/metrics").text().contains("\nlldash_held_requests 1000\n").then_some(())
    });
    server.write("1.m4s", &noise(1, 64 << 10));
    // All at once: they share their connections' windows.
    let read = |answer: Answer| async {
        body(answer.await.expect("an answer").into_body()).await.expect("all")
    };
    for bytes in join_all(waiting.into_iter().map(read)).await {
        assert!(bytes == noise(1, 64 << 10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_uploads_are_read_while_they_arrive() {
    let server = Server::start(&["--ingest"]);
    let client = Http2::plain(server.address).await;
    let (answer, mut upload) = client.push("/1.m4s").await;
    upload.send_data(chunk(100).into(), false).expect("sent");
    let mut reader = client.ask("GET", "/1.m4s").await.await.expect("an answer").into_body();
    assert_eq!(read(&mut reader, 100).await, chunk(100));
    upload.send_data(chunk(200).into(), true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 201);
    assert_eq!(body(reader).await.expect("all"), chunk(200));

    let (_answer, mut upload) = client.push("/1.m4s").await;
    upload.send_data(chunk(300).into(), false).expect("sent");
    let mut reader = client.ask("GET", "/1.m4s").await.await.expect("an answer").into_body();
    assert_eq!(read(&mut reader, 300).await, chunk(300));
    upload.send_reset(h2::Reason::CANCEL);
    assert!(body(reader).await.is_err(), "its readers are cut");
    let old = [chunk(100), chunk(200)].concat();
    assert_eq!(
        until(|| (server.get("/1.m4s").status == 200).then(|| server.get("/1.m4s").body())),
        old
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_refuses_instead_of_asking_for_the_body() {
    let server = Server::start(&["--ingest", "--ingest-token", "t", "--max-upload", "1000"]);
    server.write("folder/x", b"x");
    let client = Http2::plain(server.address).await;
    let token = ("authorization", "Bearer t");
    let expects = ("expect", "100-Continue");
    for (path, headers, status) in [
        ("/1.m4s", vec![expects], 401),
        ("/.x", vec![expects, token], 404),
        ("/a%2Fb", vec![expects, token], 400),
        ("/folder", vec![expects, token], 409),
        ("/1.m4s", vec![expects, token, ("content-length", "10000")], 413),
    ] {
        let (mut answer, _upload) = client.send_with("PUT", path, false, &headers).await;
        assert!(poll_fn(|cx| answer.poll_informational(cx)).await.is_none(), "{path}");
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        let said = body(answer.into_body()).await.expect("a line");
        assert_eq!(String::from_utf8_lossy(&said).lines().count(), 1);
    }
    let (mut answer, mut upload) =
        client.send_with("PUT", "/1.m4s", false, &[expects, token]).await;
    let first = poll_fn(|cx| answer.poll_informational(cx)).await.expect("one").expect("a head");
    assert_eq!(first.status(), 100);
    upload.send_data(chunk(100).into(), true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 201);
    assert_eq!(server.get("/1.m4s").body(), chunk(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_the_stop_ends_what_is_held_and_lets_the_rest_end() {
    let mut server = Server::start(&[]);
    let client = Http2::plain(server.address).await;
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut growing = client.ask("GET", "/1.m4s").await.await.expect("an answer").into_body();
    assert_eq!(read(&mut growing, 100).await, chunk(100));
    let held = client.ask("GET", "/2.m4s").await;
    server.held("/2.m4s");
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert_eq!(held.await.expect("an answer").status(), 503);
    file.write_all(&chunk(200)).expect("written");
    drop(file);
    assert_eq!(body(growing).await.expect("its end"), chunk(200));
    assert!(server.child.wait().expect("its end").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_a_new_certificate_is_shown_and_no_connection_is_dropped() {
    let keys = tempfile::tempdir().expect("a folder");
    let files = certify(keys.path());
    let mut server = start_tls(&files, &[]);
    let (address, trusted) = (server.address, keys.path().join("old.pem"));
    std::fs::copy(&files[0], &trusted).expect("copied");
    server.write("1.m4s", &chunk(100));
    let client = Http2::tls(address, &trusted).await;
    // Half of a pair changes nothing.
    std::fs::write(&files[1], "half a key").expect("written");
    let old = trusted.clone();
    let knocking = tokio::spawn(async move {
        loop {
            handshake(address, &old, &[b"h2"]).await.expect("the old one stays");
        }
    });
    server.logged("the old certificate stays");
    knocking.abort();
    assert!(knocking.await.expect_err("it never ends").is_cancelled());
    certify(keys.path());
    while handshake(address, &files[0], &[b"h2"]).await.is_err() {}
    assert!(handshake(address, &trusted, &[b"h2"]).await.is_err(), "the old one is gone");
    let answer = client.ask("GET", "/1.m4s").await.await.expect("the connection stands");
    assert_eq!(body(answer.into_body()).await.expect("all"), chunk(100));
}

#[test]
fn tls_that_cannot_be_is_said_in_one_line() {
    let keys = tempfile::tempdir().expect("a folder");
    let files = certify(keys.path()).map(|path| path.to_str().expect("a name").to_owned());
    let none = keys.path().join("none.pem").to_str().expect("a name").to_owned();
    for (cert, key, reason) in [
        (&none, &files[1], "cannot read"),
        (&files[0], &none, "cannot read"),
        (&files[1], &files[1], "holds no certificate as PEM"),
        (&files[0], &files[0], "holds no private key as PEM"),
    ] {
        let output = program()
            .args(["-p", "0", "--tls-cert", cert, "--tls-key", key])
            .arg(keys.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn tls_self_signed_tells_its_fingerprint_and_plain_addresses_stay() {
    let both = ["--listen", "https://127.0.0.1:0", "--listen", "http://127.0.0.1:0"];
    let mut server = Server::start_at(&[&["--tls-self-signed"][..], &both].concat());
    let said = server.logged("SHA-256");
    let fingerprint = said.rsplit(' ').next().expect("a word");
    assert_eq!(fingerprint.split(':').filter(|pair| pair.len() == 2).count(), 32, "{said}");
    let mut line = String::new();
    server.output.read_line(&mut line).expect("a line");
    let plain = line.trim().strip_prefix("http://").expect("a URL").trim_end_matches('/');
    server.write("1.m4s", &chunk(100));
    assert_eq!(get(plain.parse().expect("an address"), "/1.m4s").body(), chunk(100));
}
