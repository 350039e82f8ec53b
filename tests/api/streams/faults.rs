//! Encoders that fail: each is noticed, told with its reason, and started again.

use super::{
    SMALL, command, descendants, is, is_clean, names, over, running, serve, stream, told, told_when,
};
use crate::{
    helpers::{End, LONG, Server, until},
    process::unshared,
};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

/// A stream that runs all the time, and is live.
fn live(rest: &str) -> Server {
    let server = serve(&stream("cam", &format!("{SMALL}on_demand = false\n{rest}")), &[]);
    told_when(&server, "cam", is("live"));
    server
}

fn again(server: &Server, failures: u64) -> Value {
    told_when(server, "cam", |encoder| {
        encoder["state"] == "live" && encoder["failures"].as_u64() >= Some(failures)
    })
}

/// The periods of the manifest that is shown.
fn periods(server: &Server) -> (Vec<String>, String) {
    let manifest = server.get_with("/cam/manifest.mpd", &[LONG]).text();
    let tags = manifest.match_indices("<Period ").map(|(at, _)| &manifest[at..]);
    let tags = tags.map(|tag| tag[..tag.find('>').expect("a tag")].to_owned()).collect();
    (tags, manifest)
}

#[test]
fn streams_whose_ffmpeg_is_killed_go_on_in_a_new_period_on_the_same_timeline() {
    let mut server = live("");
    let (before, manifest) = periods(&server);
    assert_eq!(before.len(), 1);
    let began =
        |text: &str| text.split("availabilityStartTime=\"").nth(1).map(|it| it[..24].to_owned());
    let media =
        manifest.split("media=\"").nth(1).and_then(|it| it.split('"').next()).expect("media");
    let name = |number| media.replace("$RepresentationID$", "0").replace("$Number%05d$", number);
    // In the middle of the second segment, which somebody reads.
    let mut reply = server.get_with(&format!("/cam/{}", name("00002")), &[LONG]);
    let mut body = reply.read(1000);
    running(&server, "ffmpeg ").signal(Signal::KILL);
    let (more, end) = reply.rest();
    body.extend(more);
    assert_eq!(end, End::Clean, "what came is a whole, shorter segment");
    server.logged("ffmpeg was ended by signal 9");
    assert_eq!(again(&server, 1)["starts"], 2);
    let (after, manifest_after) = periods(&server);
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after[0].starts_with(&format!("{} duration=\"PT", before[0])), "{after:?}");
    assert!(!after[1].contains("start=\"PT0S\""), "{after:?}");
    assert_eq!(began(&manifest), began(&manifest_after));
    // What players may still ask for is there, and is what they were sent.
    let mut whole = server.get(&format!("/cam/{}", name("00002")));
    assert_eq!((whole.status, whole.rest().0.len()), (200, body.len()));
    assert_eq!(server.get(&format!("/cam/{}", name("00001"))).status, 200);
}

#[test]
fn streams_whose_ffmpeg_is_stopped_are_noticed_ended_and_started_again() {
    let mut server = live("");
    let encoder = running(&server, "ffmpeg ");
    encoder.signal(Signal::STOP);
    server.logged("ffmpeg has written nothing for 3s");
    encoder.ended();
    again(&server, 1);
}

#[test]
fn streams_that_fail_at_once_are_told_and_tried_less_and_less_often() {
    let line = "echo rtsp://user:secret-word@camera/1 failed; echo it is cold >&2; exit 7";
    let mut server = serve(&command("cam", line, "linger = 0.2"), &[]);
    let held = server.request("GET", "/cam/manifest.mpd", &[("X-Wait-Timeout", "1800")]);
    let said = told_when(&server, "cam", |encoder| encoder["failures"].as_u64() >= Some(2));
    let reason = said["failure"].as_str().expect("a reason");
    let wanted = "its program ended with code 7: rtsp://***@camera/1 failed; it is cold";
    assert_eq!(reason, wanted);
    let lines = server.log_until("it is started again in 500ms");
    assert!(
        lines.iter().any(|line| line.contains("cam: rtsp://***@camera/1 failed")),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.contains("secret-word")), "{lines:#?}");
    assert_eq!(held.response().status, 404);
    // Nobody watches: it is not tried again, and nothing is left of it.
    let idle = told_when(&server, "cam", is("idle"));
    assert!(idle["next_try_seconds"].is_null() && !idle["failure"].is_null(), "{idle}");
    assert!(is_clean(&server, "cam"));
}

#[test]
fn streams_that_do_not_end_when_asked_are_killed_with_all_that_they_started() {
    // Deaf, and with a grandchild in a session of its own.
    let line = "trap \"\" TERM; setsid sleep 1000 & cd \"$LLDASH_DIR\"; echo x > a.mpd; \
                while true; do echo x >> 1.m4s; sleep 0.5; done";
    let server = serve(&command("cam", line, "linger = 0.2"), &[]);
    drop(server.request("GET", "/cam/never.m4s", &[("X-Wait-Timeout", "1000")]).response());
    let sleeper = running(&server, "sleep 1000");
    sleeper.ended();
    told_when(&server, "cam", is("idle"));
    assert!(is_clean(&server, "cam"), "{:?}", descendants(server.child.id()));
}

#[test]
fn streams_that_fill_the_disk_fail_with_the_reason_and_recover() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).expect("made");
    let config = folder.path().join("lldash.toml");
    let rest = "source = \"test\"\non_demand = false\naudio = false\n\
                qualities = [{ width = 640, bitrate = \"8M\", preset = \"ultrafast\" }]";
    fs::write(&config, stream("cam", rest)).expect("written");
    let before = format!("mount -t tmpfs -o size=2m tmpfs {}", disk.display());
    let options = format!("--config {}", config.display());
    let Some(command) = unshared("--mount", &before, &disk, &options) else { return };
    let mut server = Server::spawn(command, folder);
    let lines = server.log_until("it is started again in");
    assert!(lines.last().is_some_and(|line| line.contains("the disk is full")), "{lines:#?}");
    let failed = until(|| Some(told(&server, "cam")).filter(|it| !it["failure"].is_null()));
    let reason = failed["failure"].as_str().expect("a reason");
    assert!(reason.contains("the disk is full"), "{reason}");
    // It made room, and is live again, until the disk is full once more.
    server.logged("cam is live");
    assert!(told(&server, "cam")["failures"].as_u64() >= Some(1));
}

#[test]
fn streams_leave_what_is_somebody_elses_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("cam")).expect("made");
    fs::write(folder.path().join("cam/manifest.mpd"), "<MPD></MPD>").expect("written");
    let server = over(folder, &stream("cam", &format!("{SMALL}on_demand = false")), &[]);
    let failed = told_when(&server, "cam", is("failed"));
    let reason = failed["failure"].as_str().expect("a reason");
    assert!(reason.contains("manifest.mpd is somebody else's"), "{reason}");
    assert_eq!(names(&server.path("cam")), ["manifest.mpd"]);
}
