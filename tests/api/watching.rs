//! Heading "Watching".

use crate::{
    helpers::{End, LONG, Run, Server, chunk, program, segment, until},
    process::unshared,
};
use rustix::process::Signal;
use std::{fs, io::Write, path::PathBuf, process::Command};

const NO_WAIT: [(&str, &str); 1] = [("X-Wait-Timeout", "0")];

#[test]
fn watching_new_folders_and_what_lies_in_them() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/a/b/1.m4s", &[]);
    server.held("/a/b/1.m4s");
    fs::create_dir_all(server.path("outside/b")).expect("made");
    fs::write(server.path("outside/b/1.m4s"), chunk(100)).expect("written");
    fs::rename(server.path("outside"), server.path("a")).expect("renamed");
    assert_eq!(pending.response().body(), chunk(100), "a whole tree came by rename");
    let pending = server.request("GET", "/a/b/2.m4s", &[]);
    server.held("/a/b/2.m4s");
    server.write("a/b/2.m4s", &chunk(50));
    assert_eq!(pending.response().body(), chunk(50));
}

#[test]
fn watching_a_folder_that_is_removed_and_made_anew() {
    let mut server = Server::start(&[]);
    for byte in 1..6 {
        let pending = server.request("GET", "/live/v/1.m4s", &[]);
        server.held("/live/v/1.m4s");
        server.write("live/v/1.m4s", &segment(byte, 100));
        assert_eq!(pending.response().body(), segment(byte, 100));
        fs::remove_dir_all(server.path("live")).expect("removed");
        server.settle();
        assert_eq!(server.get_with("/live/v/1.m4s", &NO_WAIT).status, 404);
    }
}

#[test]
fn watching_a_root_that_is_removed_and_made_anew() {
    let looking = ["--watch", "poll", "--poll-interval", "20ms", "--idle-finish", "100ms"];
    for options in [&[][..], &["--watch", "notify"], &looking] {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("deep/root");
        fs::create_dir_all(&root).expect("made");
        let mut command = program();
        command.args(["-p", "0"]).args(options).arg(&root);
        let mut server = Server::spawn(command, place);
        server.write("deep/root/1.m4s", &segment(1, 100));
        assert_eq!(server.get("/1.m4s").body(), segment(1, 100));
        for byte in 2..5 {
            let path = format!("/v/{byte}.m4s");
            let held = server.request("GET", &path, &[]);
            server.held(&path);
            fs::remove_dir_all(&root).expect("removed");
            until(|| (server.get_with("/1.m4s", &NO_WAIT).status == 404).then_some(()));
            fs::create_dir(&root).expect("made");
            server.write(&format!("deep/root{path}"), &segment(byte, 100));
            assert_eq!(held.response().body(), segment(byte, 100), "{options:?}");
            server.write("deep/root/1.m4s", &segment(byte, 100));
            until(|| (server.get("/1.m4s").body() == segment(byte, 100)).then_some(()));
        }
    }
}

#[test]
fn watching_a_root_whose_parents_are_removed_too() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("deep/root");
    fs::create_dir_all(&root).expect("made");
    let mut command = program();
    command.args(["-p", "0"]).arg(&root);
    let mut server = Server::spawn(command, place);
    let held = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    fs::remove_dir_all(server.path("deep")).expect("removed");
    server.logged("is gone; waiting for it");
    server.write("deep/root/1.m4s", &chunk(100));
    assert_eq!(held.response().body(), chunk(100));
}

#[test]
fn watching_after_the_queue_ran_over() {
    let mut server = Server::start(&["--default-wait", "60s", "--max-wait", "60s"]);
    server.write("old.m4s", &segment(1, 100));
    server.write("live.mpd", b"<MPD>old</MPD>");
    server.write("removed.m4s", &chunk(100));
    server.settle();
    for path in ["/old.m4s", "/live.mpd", "/removed.m4s"] {
        assert_eq!(server.get(path).status, 200);
    }
    let mut growing = server.create("growing.m4s");
    growing.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/growing.m4s");
    assert_eq!(response.read(100), chunk(100));
    let held = server.request("GET", "/new/1.m4s", &[]);
    server.held("/new/1.m4s");
    let manifest = server.request("GET", "/new/live.mpd", &[]);
    server.held("/new/live.mpd");

    server.signal(Signal::STOP);
    // fs.inotify.max_queued_events is 16384 unless someone has set it.
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux");
    let limit: usize = limit.trim().parse().expect("a number");
    for number in 0..=limit / 2 {
        drop(server.create(&format!("flood-{}", number % 100)));
    }
    server.write("new/1.m4s", &chunk(100));
    server.write("new/live.mpd", b"<MPD>1</MPD>");
    server.write("live.mpd", b"<MPD>new</MPD>");
    server.write("old.m4s", &segment(2, 200));
    fs::remove_file(server.path("removed.m4s")).expect("removed");
    growing.write_all(&chunk(50)).expect("written");
    drop(growing);
    server.signal(Signal::CONT);

    assert_eq!(held.response().body(), chunk(100));
    assert_eq!(manifest.response().body(), b"<MPD>1</MPD>");
    assert_eq!(response.rest(), (chunk(50), End::Clean));
    server.settle();
    assert_eq!(server.get("/live.mpd").body(), b"<MPD>new</MPD>");
    assert_eq!(server.get("/old.m4s").body(), segment(2, 200));
    assert_eq!(server.get_with("/removed.m4s", &NO_WAIT).status, 404);
    let pending = server.request("GET", "/new/2.m4s", &[]);
    server.held("/new/2.m4s");
    server.write("new/2.m4s", &chunk(100));
    assert_eq!(pending.response().body(), chunk(100), "a folder made meanwhile is watched");
}

#[test]
fn watching_by_looking_when_no_more_watches_are_given() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..8 {
        fs::create_dir(folder.path().join(number.to_string())).expect("made");
    }
    let limit = "echo 4 > /proc/sys/user/max_inotify_watches";
    let options = "--poll-interval 20ms --idle-finish 200ms";
    let Some(command) = unshared("-Ur", limit, folder.path(), options) else { return };
    let mut server = Server::spawn(command, folder);
    let held: Vec<_> = (0..8).map(|n| server.request("GET", &format!("/{n}/1.m4s"), &[])).collect();
    let lines: Vec<String> = (0..8).flat_map(|_| server.log_until("1.m4s is held")).collect();
    let said: Vec<_> = lines.iter().filter(|line| line.contains("looked at every")).collect();
    assert_eq!(said.len(), 1, "one line says so: {lines:#?}");
    assert!(said[0].contains("max_user_watches"), "{said:?}");
    for number in 0..8 {
        server.write(&format!("{number}/1.m4s"), &chunk(100));
    }
    for pending in held {
        assert_eq!(pending.response().rest(), (chunk(100), End::Clean));
    }
    server.write("new/folder/1.m4s", &chunk(100));
    assert_eq!(server.get_with("/new/folder/1.m4s", &[LONG]).body(), chunk(100));
}

#[test]
fn watching_by_looking_when_the_limit_comes_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let limit = "echo 4 > /proc/sys/user/max_inotify_watches";
    let options = "--poll-interval 20ms --idle-finish 200ms";
    let Some(command) = unshared("-Ur", limit, folder.path(), options) else { return };
    let mut server = Server::spawn(command, folder);
    let held = server.request("GET", "/7/1.m4s", &[]);
    server.held("/7/1.m4s");
    for number in 0..8 {
        fs::create_dir(server.path(&number.to_string())).expect("made");
    }
    server.logged("looked at every");
    server.write("7/1.m4s", &chunk(100));
    assert_eq!(held.response().rest(), (chunk(100), End::Clean));
}

#[test]
fn watching_a_folder_that_is_mounted_over() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("live")).expect("made");
    fs::write(folder.path().join("live/1.txt"), "below").expect("written");
    // A file beside tells the shell in the same namespace when to mount.
    let go = tempfile::tempdir().expect("a folder");
    let pipe = go.path().join("go");
    let made = Command::new("mkfifo").arg(&pipe).run().expect("it runs");
    assert!(made.success());
    let mount = format!(
        "(read what < {pipe}; mount -t tmpfs none \"$1\" && mkdir \"$1/live\" && \
         printf %s \"$what\" > \"$1/live/1.txt\"; read what < {pipe}; umount -l \"$1\") &\n true",
        pipe = pipe.display()
    );
    let Some(command) = unshared("-Urm", &mount, folder.path(), "") else { return };
    let mut server = Server::spawn(command, folder);
    assert_eq!(server.get("/live/1.txt").body(), b"below");
    let held = server.request("GET", "/live/2.m4s", &[]);
    server.held("/live/2.m4s");
    fs::write(&pipe, "mounted over it\n").expect("told");
    until(|| (server.get("/live/1.txt").body() == b"mounted over it").then_some(()));
    fs::write(&pipe, "end\n").expect("told");
    until(|| (server.get("/live/1.txt").body() == b"below").then_some(()));
    server.write("live/2.m4s", &chunk(100));
    assert_eq!(held.response().body(), chunk(100), "it is watched again");
}

/// A server that looks by itself.
fn polling() -> Server {
    Server::start(&["--watch", "poll", "--poll-interval", "20ms", "--idle-finish", "300ms"])
}

#[test]
fn watching_by_looking_holds_and_follows() {
    let mut server = polling();
    assert!(server.logged("looked at every 20ms").contains("as asked"));
    let pending = server.request("GET", "/a/b/1.m4s", &[]);
    server.held("/a/b/1.m4s");
    let mut file = server.create("a/b/1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = pending.response();
    assert_eq!(response.read(100), chunk(100));
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    assert_eq!(response.rest(), (chunk(50), End::Clean), "after some time without growth");
    let pending = server.request("GET", "/live.mpd", &[]);
    server.held("/live.mpd");
    server.write("live.mpd", b"<MPD></MPD>");
    assert_eq!(pending.response().body(), b"<MPD></MPD>");
    server.write("live.mpd", b"<MPD>new</MPD>");
    until(|| (server.get("/live.mpd").body() == b"<MPD>new</MPD>").then_some(()));
    fs::remove_file(server.path("a/b/1.m4s")).expect("removed");
    until(|| (server.get_with("/a/b/1.m4s", &NO_WAIT).status == 404).then_some(()));
}

#[test]
fn growing_without_close_events_ends_with_a_later_segment() {
    let options = ["--watch", "poll", "--poll-interval", "20ms", "--idle-finish", "1h"];
    let mut server = Server::start(&options);
    for (one, next) in [("v/1.m4s", "v/2.m4s"), ("a-9.m4s", "a-10.m4s")] {
        let pending = server.request("GET", &format!("/{one}"), &[]);
        server.held(&format!("/{one}"));
        server.write(one, &chunk(100));
        let mut response = pending.response();
        assert_eq!(response.read(100), chunk(100));
        let _other = server.create("v/x.m4s").write_all(&chunk(100));
        server.write(next, &chunk(100));
        assert_eq!(response.rest(), (vec![], End::Clean), "{one}");
    }
}

#[test]
fn growing_without_close_events_and_without_growth_is_cut_if_its_last_box_is_half() {
    let mut server = polling();
    let pending = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    server.write("1.m4s", &chunk(100)[..90]);
    assert_eq!(pending.response().rest(), (chunk(100)[..90].to_vec(), End::Cut));
}

#[test]
fn growing_under_a_side_name_without_close_events() {
    let mut server = polling();
    let pending = server.request("GET", "/1.m4s", &[]);
    server.held("/1.m4s");
    let mut file = server.create("1.m4s.tmp");
    file.write_all(&chunk(100)).expect("written");
    let mut response = pending.response();
    assert_eq!(response.read(100), chunk(100));
    drop(file);
    fs::rename(server.path("1.m4s.tmp"), server.path("1.m4s")).expect("renamed");
    assert_eq!(response.rest(), (vec![], End::Clean));
}

#[test]
fn watching_many_folders_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths: Vec<PathBuf> = (0..300).map(|n| folder.path().join(format!("{n}/a/b"))).collect();
    paths.iter().for_each(|path| fs::create_dir_all(path).expect("made"));
    let mut server = Server::over(folder, &[]);
    let held: Vec<_> =
        (0..300).map(|n| server.request("GET", &format!("/{n}/a/b/1.m4s"), &[])).collect();
    (0..300).for_each(|_| server.held("1.m4s"));
    for number in 0..300 {
        server.write(&format!("{number}/a/b/1.m4s"), &chunk(100));
    }
    for pending in held {
        assert_eq!(pending.response().body(), chunk(100));
    }
}
