//! The packager is another user: the system does not tell the server who writes.

use crate::{
    helpers::{End, LONG, Server, chunk},
    programs::as_nobody,
};
use std::{
    fs,
    io::{Seek, Write},
    os::unix::fs::PermissionsExt,
};

/// A server as nobody, over a folder of ours.
fn server() -> Option<Server> {
    let mut command = as_nobody()?;
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    command.args(["-p", "0"]).arg(folder.path());
    Some(Server::spawn(command, folder))
}

#[test]
fn growing_files_of_another_user_end_as_they_should() {
    let Some(mut server) = server() else { return };
    for (name, side_name) in [("1.m4s", "1.m4s"), ("2.m4s", "2.m4s.tmp")] {
        let pending = server.request("GET", &format!("/{name}"), &[LONG]);
        server.held(&format!("/{name}"));
        let mut file = server.create(side_name);
        file.write_all(&chunk(100)).expect("written");
        let mut response = pending.response();
        assert_eq!(response.read(100), chunk(100));
        file.write_all(&chunk(50)).expect("written");
        assert_eq!(response.read(50), chunk(50));
        drop(file);
        if name != side_name {
            fs::rename(server.path(side_name), server.path(name)).expect("renamed");
        }
        assert_eq!(response.rest(), (vec![], End::Clean));
        server.finished(&format!("/{name}"));
    }
}

#[test]
fn growing_file_of_another_user_that_is_written_over_is_shown_as_it_is_then() {
    let Some(server) = server() else { return };
    let (old, new) = (chunk(3000), [chunk(100), chunk(2900)].concat());
    let mut file = server.create("1.m4s");
    file.write_all(&old).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(old.len()), old);
    file.rewind().expect("it can");
    file.write_all(&new).expect("written");
    drop(file);
    assert_eq!(response.rest().1, End::Cut);
    server.finished("/1.m4s");
    assert!(server.get("/1.m4s").body() == new);
}

#[test]
fn finished_files_of_another_user_are_finished_at_once() {
    let Some(server) = server() else { return };
    for (name, length) in [("1.m4s", 1000), ("big.m4s", 6 << 20)] {
        server.write(".prepared", &chunk(length));
        fs::rename(server.path(".prepared"), server.path(name)).expect("renamed");
        assert!(server.get_with(&format!("/{name}"), &[LONG]).body() == chunk(length));
    }
}

#[test]
fn holding_until_a_manifest_of_another_user_is_whole() {
    let Some(mut server) = server() else { return };
    let mut file = server.create("live.mpd");
    file.write_all(b"<MPD><Per").expect("written");
    let pending = server.request("GET", "/live.mpd", &[LONG]);
    server.held("/live.mpd");
    file.write_all(b"iod/></MPD>\n").expect("written");
    drop(file);
    assert_eq!(pending.response().text(), "<MPD><Period/></MPD>\n");
}
