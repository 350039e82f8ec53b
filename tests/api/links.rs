//! Heading "URLs": links, and that nothing outside of the folder is ever opened.

use crate::helpers::{LONG, Server, chunk, program, segment};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    sync::atomic::{AtomicUsize, Ordering},
};

const NO_HOLDING: [&str; 2] = ["--max-held", "0"];

#[test]
fn urls_inside_a_folder_that_is_a_link() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let link = place.path().join("link");
    symlink(folder.path(), &link).expect("linked");
    let mut command = program();
    command.args(["-p", "0"]).arg(&link);
    let mut server = Server::spawn(command, folder);
    let pending = server.request("GET", "/a/1.m4s", &[]);
    server.held("/a/1.m4s");
    server.write("a/1.m4s", &chunk(100));
    assert_eq!(pending.response().body(), chunk(100));
}

#[test]
fn urls_through_links_inside_are_followed_and_watched() {
    let mut server = Server::start(&[]);
    server.write("real/old.m4s", &chunk(50));
    symlink("real", server.path("folder")).expect("linked");
    symlink("real/1.m4s", server.path("file.m4s")).expect("linked");
    fs::create_dir(server.path("deep")).expect("made");
    symlink("../real", server.path("deep/up")).expect("linked");
    symlink(server.path("real"), server.path("absolute")).expect("linked");
    server.settle();
    for path in ["/folder/old.m4s", "/deep/up/old.m4s", "/absolute/old.m4s"] {
        assert_eq!(server.get(path).body(), chunk(50), "{path}");
    }
    let paths = ["/folder/1.m4s", "/file.m4s", "/deep/up/1.m4s", "/absolute/1.m4s", "/real/1.m4s"];
    let held = paths.map(|path| {
        let pending = server.request("GET", path, &[]);
        server.held(path);
        (path, pending)
    });
    let mut file = server.create("real/1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut growing = held.map(|(path, pending)| (path, pending.response()));
    for (path, response) in &mut growing {
        assert_eq!(response.read(100), chunk(100), "{path}");
    }
    file.write_all(&chunk(50)).expect("written");
    for (path, response) in &mut growing {
        assert_eq!(response.read(50), chunk(50), "{path}");
    }
    drop(file);
    for (path, response) in &mut growing {
        assert_eq!(response.body(), b"", "{path}");
    }
}

#[test]
fn urls_through_links_that_lead_out_are_404_with_one_warning_each() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::create_dir(outside.path().join("d")).expect("made");
    fs::write(outside.path().join("d/1.m4s"), chunk(100)).expect("written");
    let mut server = Server::start(&NO_HOLDING);
    symlink(outside.path().join("d"), server.path("folder")).expect("linked");
    symlink(outside.path().join("d/1.m4s"), server.path("file.m4s")).expect("linked");
    let up = "../".repeat(20);
    symlink(format!("{up}etc/passwd"), server.path("up.txt")).expect("linked");
    symlink("/proc/self/root/etc/passwd", server.path("magic.txt")).expect("linked");
    symlink("/proc/self/fd/0", server.path("input.txt")).expect("linked");
    symlink("/proc/self/cwd", server.path("cwd")).expect("linked");
    symlink("loop", server.path("loop")).expect("linked");
    for path in [
        "/folder/1.m4s",
        "/folder/2.m4s",
        "/file.m4s",
        "/up.txt",
        "/magic.txt",
        "/input.txt",
        "/cwd/Cargo.toml",
    ] {
        for _ in 0..2 {
            let status = server.get_with(path, &[("X-Wait-Timeout", "0")]).status;
            assert_eq!(status, 404, "{path}");
        }
    }
    assert_eq!(server.get_with("/loop", &[("X-Wait-Timeout", "0")]).status, 404);
    let lines = server.log_until("GET /loop");
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("WARN")).collect();
    for link in ["folder", "file.m4s", "up.txt", "magic.txt", "cwd"] {
        let of_it = warnings.iter().filter(|line| line.contains(&format!(" {link} leads out ")));
        assert_eq!(of_it.count(), 1, "{link}: {warnings:#?}");
    }
    assert!(warnings.iter().all(|line| line.contains("--allow-link")), "{warnings:?}");
}

#[test]
fn urls_through_links_that_are_allowed() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::create_dir(outside.path().join("d")).expect("made");
    fs::write(outside.path().join("d/old.m4s"), chunk(50)).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    symlink(outside.path().join("d"), folder.path().join("folder")).expect("linked");
    symlink(outside.path().join("d/1.m4s"), folder.path().join("file.m4s")).expect("linked");
    let up = "../".repeat(20);
    let real = outside.path().canonicalize().expect("there");
    let relative = format!("{up}{}", real.join("d").strip_prefix("/").expect("absolute").display());
    symlink(relative, folder.path().join("up")).expect("linked");
    let allowed = outside.path().to_str().expect("text").to_owned();
    let mut server = Server::over(folder, &["--allow-link", &allowed]);
    assert_eq!(server.get("/folder/old.m4s").body(), chunk(50));
    assert_eq!(server.get("/up/old.m4s").body(), chunk(50));
    let held = ["/folder/1.m4s", "/file.m4s", "/up/1.m4s"].map(|path| {
        let pending = server.request("GET", path, &[]);
        server.held(path);
        (path, pending)
    });
    fs::write(outside.path().join("d/1.m4s"), chunk(100)).expect("written");
    for (path, pending) in held {
        assert_eq!(pending.response().body(), chunk(100), "{path}");
    }
    symlink("/etc/passwd", outside.path().join("d/passwd.txt")).expect("linked");
    assert_eq!(server.get("/folder/passwd.txt").status, 404, "and from there no further");
}

#[test]
fn urls_through_links_that_turn() {
    let mut server = Server::start(&[]);
    for (name, byte) in [("a", 1), ("b", 2)] {
        server.write(&format!("{name}/1.m4s"), &segment(byte, 100));
    }
    symlink("a", server.path("now")).expect("linked");
    server.settle();
    assert_eq!(server.get("/now/1.m4s").body(), segment(1, 100));
    symlink("b", server.path("next")).expect("linked");
    fs::rename(server.path("next"), server.path("now")).expect("renamed");
    server.settle();
    assert_eq!(server.get("/now/1.m4s").body(), segment(2, 100), "another folder");
    let pending = server.request("GET", "/now/2.m4s", &[]);
    server.held("/now/2.m4s");
    server.write("b/2.m4s", &chunk(100));
    assert_eq!(pending.response().body(), chunk(100), "which is watched");
}

#[test]
fn urls_lead_nowhere_outside_even_in_a_race() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("x.txt"), "outside").expect("written");
    let server = Server::start(&["--memory", "0"]);
    server.write("d/x.txt", b"inside!");
    symlink(outside.path(), server.path("link")).expect("linked");
    let (one, other) = (server.path("d"), server.path("link"));
    let (address, read) = (server.address, AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..500 {
                read.fetch_add(1, Ordering::Relaxed);
                let mut response = crate::helpers::get(address, "/d/x.txt");
                let text = response.text();
                assert!(response.status != 200 || text == "inside!", "{text}");
            }
        });
        let mut exchanged = 0;
        while !reader.is_finished() {
            // Not so often that the server does nothing but take note of it.
            if exchanged > read.load(Ordering::Relaxed) * 20 {
                std::thread::yield_now();
                continue;
            }
            exchanged += 1;
            renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).expect("exchanged");
        }
    });
}

#[test]
fn urls_of_pipes_and_other_things_are_404_and_block_nobody() {
    let server = Server::start(&[]);
    mknodat(CWD, server.path("pipe.m4s"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .expect("made");
    let _socket = std::os::unix::net::UnixListener::bind(server.path("s.m4s")).expect("made");
    let no_wait = [("X-Wait-Timeout", "0")];
    assert_eq!(server.get_with("/pipe.m4s", &no_wait).status, 404);
    assert_eq!(server.get_with("/s.m4s", &no_wait).status, 404);
    server.write("1.m4s", &chunk(100));
    assert_eq!(server.get_with("/1.m4s", &[LONG]).body(), chunk(100));
}
