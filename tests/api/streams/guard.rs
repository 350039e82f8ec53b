//! No encoder outlives the server.

use super::{
    Process, SMALL, command, descendants, is, names, over, running, serve, stream, told_when,
};
use crate::helpers::{Server, until};
use rustix::process::Signal;

/// Five streams that run all the time, one of which hides a process of its own.
fn five() -> String {
    let keep = "on_demand = false";
    let hidden = "cd \"$LLDASH_DIR\"; setsid sh -c 'sleep 1001' & sleep 1002";
    let streams = ["a", "b", "c"].map(|key| stream(key, &format!("{SMALL}{keep}"))).concat();
    // These two write nothing: they are not given up before the test is over.
    let slow = format!("{keep}\nsegment_duration = 60");
    streams + &command("d", hidden, &slow) + &command("e", "sleep 1003", &slow)
}

fn all(server: &Server) -> Vec<Process> {
    ["a", "b", "c"].iter().for_each(|key| _ = told_when(server, key, is("live")));
    ["sleep 1001", "sleep 1002", "sleep 1003"].iter().for_each(|text| _ = running(server, text));
    let all = descendants(server.child.id());
    assert!(all.len() >= 5 + 6, "a guard each, and what they run: {all:?}");
    all
}

#[test]
fn streams_end_with_a_server_that_is_killed() {
    let mut server = serve(&five(), &[]);
    let all = all(&server);
    server.signal(Signal::KILL);
    server.exit();
    all.iter().for_each(Process::ended);
}

#[test]
fn streams_end_with_a_server_that_is_asked_to_end_and_leave_nothing() {
    let mut server = serve(&five(), &[]);
    let all = all(&server);
    server.signal(Signal::TERM);
    assert!(server.exit().success());
    assert!(all.iter().all(Process::is_over), "{all:?}");
    assert_eq!(names(server.folder.path()), [".lldash.toml"]);
}

#[test]
fn streams_end_with_their_guard_and_are_started_again() {
    let mut server = serve(&stream("cam", &format!("{SMALL}on_demand = false")), &[]);
    told_when(&server, "cam", is("live"));
    let encoder = running(&server, "ffmpeg ");
    let guard = descendants(server.child.id());
    let guard = guard.into_iter().find(|it| it.arguments().contains("encoder-guard cam"));
    guard.expect("a guard").signal(Signal::KILL);
    encoder.ended();
    server.logged("was killed together with its guard");
    told_when(&server, "cam", |encoder| encoder["state"] == "live" && encoder["starts"] == 2);
}

#[test]
fn streams_that_a_killed_server_left_are_removed_by_the_next() {
    let text = stream("cam", &format!("{SMALL}on_demand = false"));
    let mut server = serve(&text, &[]);
    told_when(&server, "cam", is("live"));
    let encoder = running(&server, "ffmpeg ");
    server.signal(Signal::KILL);
    server.exit();
    encoder.ended();
    assert!(names(&server.path("cam")).len() > 3);
    std::fs::write(server.path("cam/notes.txt"), "somebody else's").expect("written");
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().expect("a folder"));
    let next = over(folder, &stream("cam", SMALL), &[]);
    until(|| (names(&next.path("cam")) == ["notes.txt"]).then_some(()));
}
