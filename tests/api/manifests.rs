//! Headings "Finished files" and "Growing files": manifests.

use crate::helpers::{LONG, Server, until};
use std::{
    fs::{self, File},
    io::Write,
    thread,
};

const OLD: &str = "<MPD>old</MPD>";
const NEW: &str = "<MPD>new</MPD>";

/// A server that has shown a manifest.
fn started(name: &str, text: &str) -> Server {
    let mut server = Server::start(&[]);
    server.write(name, text.as_bytes());
    server.settle();
    assert_eq!(server.get(&format!("/{name}")).text(), text);
    server
}

#[test]
fn finished_manifest_is_served_through_truncation() {
    for (name, old, new) in [
        ("live.mpd", OLD, NEW),
        ("live.m3u8", "#EXTM3U\n#EXTINF:2\n1.ts\n", "#EXTM3U\n#EXTINF:2\n2.ts\n#EXTINF:2\n3.ts\n"),
    ] {
        let mut server = started(name, old);
        let path = format!("/{name}");
        let mut file = File::create(server.path(name)).expect("truncated");
        server.settle();
        assert_eq!(server.get(&path).text(), old, "while it is empty");
        file.write_all(&new.as_bytes()[..9]).expect("written");
        server.settle();
        assert_eq!(server.get(&path).text(), old, "while it is half");
        file.write_all(&new.as_bytes()[9..]).expect("written");
        server.settle();
        assert_eq!(server.get(&path).text(), old, "while it is open");
        drop(file);
        server.settle();
        assert_eq!(server.get(&path).text(), new);
    }
}

#[test]
fn finished_manifest_is_served_through_a_gap() {
    let mut server = started("live.mpd", OLD);
    fs::remove_file(server.path("live.mpd")).expect("removed");
    // Less than a second later, however slow the machine is: it is answered from memory.
    let text = server.get("/live.mpd").text();
    server.write("live.mpd", NEW.as_bytes());
    assert_eq!(text, OLD);
    server.settle();
    assert_eq!(server.get("/live.mpd").text(), NEW);
    fs::rename(server.path("live.mpd"), server.path("old")).expect("renamed");
    let text = server.get("/live.mpd").text();
    server.write("live.mpd", OLD.as_bytes());
    assert_eq!(text, NEW);
    server.settle();
    assert_eq!(server.get("/live.mpd").text(), OLD);
}

#[test]
fn finished_manifest_that_is_deleted_and_not_replaced_is_absent() {
    let server = started("live.mpd", OLD);
    fs::remove_file(server.path("live.mpd")).expect("removed");
    let no_wait = [("X-Wait-Timeout", "0")];
    until(|| (server.get_with("/live.mpd", &no_wait).status == 404).then_some(()));
    let server = started("live.mpd", OLD);
    drop(File::create(server.path("live.mpd")).expect("truncated"));
    until(|| (server.get_with("/live.mpd", &no_wait).status == 404).then_some(()));
}

#[test]
fn finished_manifest_that_came_back_stays() {
    let mut server = started("live.mpd", OLD);
    fs::remove_file(server.path("live.mpd")).expect("removed");
    server.write("live.mpd", NEW.as_bytes());
    // Another one, whose removal is later noticed as final, tells that the time is over.
    server.write("other.mpd", OLD.as_bytes());
    server.settle();
    fs::remove_file(server.path("other.mpd")).expect("removed");
    until(|| {
        (server.get_with("/other.mpd", &[("X-Wait-Timeout", "0")]).status == 404).then_some(())
    });
    assert_eq!(server.get("/live.mpd").text(), NEW);
}

#[test]
fn finished_manifest_without_an_end_is_served_as_it_is_if_none_was_good_before() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/live.mpd", &[LONG]);
    server.held("/live.mpd");
    server.write("live.mpd", b"<MPD>");
    assert_eq!(pending.response().text(), "<MPD>");
    let mut server = started("live.mpd", OLD);
    server.write("live.mpd", b"<MPD>");
    server.settle();
    assert_eq!(server.get("/live.mpd").text(), OLD, "the last good copy");
}

#[test]
fn finished_manifest_replaced_by_rename_changes_at_once() {
    let mut server = started("live.mpd", OLD);
    server.write("live.mpd.tmp", NEW.as_bytes());
    server.settle();
    assert_eq!(server.get("/live.mpd").text(), OLD);
    fs::rename(server.path("live.mpd.tmp"), server.path("live.mpd")).expect("renamed");
    server.settle();
    assert_eq!(server.get("/live.mpd").text(), NEW);
}

#[test]
fn growing_manifest_is_never_shown() {
    let mut server = Server::start(&["--default-wait", "100ms"]);
    let mut file = server.create("live.mpd");
    file.write_all(OLD.as_bytes()).expect("written");
    let _side = server.create("other.mpd.tmp").write_all(OLD.as_bytes());
    server.settle();
    assert_eq!(server.get("/live.mpd").status, 404, "it is still open");
    assert_eq!(server.get("/other.mpd").status, 404, "nor under a side name");
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = File::create(folder.path().join("live.mpd")).expect("made");
    file.write_all(OLD.as_bytes()).expect("written");
    let server = Server::over(folder, &[]);
    let pending = server.request("GET", "/live.mpd", &[]);
    drop(file);
    assert_eq!(pending.response().text(), OLD, "found open at the start");
}

#[test]
fn finished_manifests_rewritten_in_place_are_never_torn() {
    let server = started("live.mpd", OLD);
    let path = server.path("live.mpd");
    let address = server.address;
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            (0..400).map(|_| crate::helpers::get(address, "/live.mpd").text()).collect::<Vec<_>>()
        });
        let mut number = 0;
        while !reader.is_finished() {
            number += 1;
            let text = format!("<MPD>{}</MPD>", "x".repeat(number % 500));
            fs::write(&path, text).expect("written");
        }
        for text in reader.join().expect("no panic") {
            assert!(text.starts_with("<MPD>") && text.ends_with("</MPD>"), "{text}");
        }
    });
}
