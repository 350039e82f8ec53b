//! Started by the first who watches, stopped when the last has left; for every source.

use super::{
    SMALL, command, is, is_clean, names, over, running, serve, stream, timed, told, told_when,
};
use crate::helpers::{End, LONG, Run, Server, until};
use std::{
    fs,
    process::{Command, Stdio},
};

/// The names of a run's first video segments, by what its manifest says.
fn segment(server: &Server, key: &str, number: u32) -> String {
    let manifest = server.get_with(&format!("/{key}/manifest.mpd"), &[LONG]).text();
    let media = manifest.split("media=\"").nth(1).and_then(|rest| rest.split('"').next());
    let media = media.unwrap_or_else(|| panic!("no media in {manifest}"));
    let media = media.replace("$RepresentationID$", "0");
    format!("/{key}/{}", media.replace("$Number%05d$", &format!("{number:05}")))
}

/// Watches a stream for two segments, each asked for before it is there.
fn watch(server: &Server, key: &str) {
    for number in [2, 3] {
        let path = segment(server, key, number);
        let mut response = server.get_with(&path, &[LONG]);
        assert_eq!(response.status, 200, "{path}");
        let (body, end) = response.rest();
        assert!(body.len() > 100 && end == End::Clean, "{path}: {} bytes, {end:?}", body.len());
    }
}

#[test]
fn streams_start_with_the_first_request_and_end_when_the_last_has_left() {
    let mut server = serve(&stream("cam", &format!("{SMALL}linger = 0.5\nname = \"A cam\"")), &[]);
    assert_eq!(told(&server, "cam")["state"], "idle");
    assert_eq!(server.get("/ldash/play/cam/manifest.mpd").status, 200);
    assert_eq!(server.get("/camera/1.txt").status, 404);
    assert!(is_clean(&server, "cam"), "the page is not the stream");
    let (response, _) =
        timed("manifest of an idle stream", || server.get_with("/cam/manifest.mpd", &[LONG]));
    assert_eq!(response.status, 200);
    assert!(response.header("server-timing").is_some(), "it was held");
    let encoder = running(&server, "ffmpeg ");
    assert_eq!(told_when(&server, "cam", is("live"))["name"], "A cam");
    watch(&server, "cam");
    encoder.ended();
    told_when(&server, "cam", is("idle"));
    assert!(is_clean(&server, "cam"), "{:?}", names(&server.path("cam")));
    server.logged("cam is live");
    // And once more.
    watch(&server, "cam");
    assert_eq!(told(&server, "cam")["starts"], 2);
    assert_eq!(told(&server, "cam")["failures"], 0);
}

#[test]
fn streams_are_watched_by_requests_that_are_held_and_by_replies_under_way() {
    let server = serve(&stream("cam", &format!("{SMALL}linger = 0")), &[]);
    // It never comes; whoever waits for it watches.
    let held = server.request("GET", "/cam/never.m4s", &[LONG]);
    told_when(&server, "cam", is("live"));
    assert_eq!(told(&server, "cam")["watching"], 1);
    let encoder = running(&server, "ffmpeg ");
    let path = segment(&server, "cam", 3);
    let reply = server.get_with(&path, &[LONG]);
    drop(held);
    let watching = told_when(&server, "cam", |encoder| encoder["watching"] == 1);
    assert_eq!(watching["state"], "live", "a reply is under way");
    assert!(!encoder.is_over());
    drop(reply);
    encoder.ended();
    told_when(&server, "cam", is("idle"));
    assert!(is_clean(&server, "cam"));
}

#[test]
fn streams_are_watched_over_hls_too() {
    let server = serve(&stream("cam", &format!("{SMALL}linger = 0.2")), &[]);
    for starts in [1, 2] {
        let held = server.request("GET", "/cam/never.m4s", &[LONG]);
        told_when(&server, "cam", is("live"));
        drop(held);
        let path = "/ldash/hls/cam/manifest.mpd/main.m3u8";
        let mut main = server.get_with(path, &[LONG]);
        let text = main.text();
        assert!(main.status == 200 && text.contains("#EXT-X-STREAM-INF"), "{text}");
        told_when(&server, "cam", is("idle"));
        assert_eq!(told(&server, "cam")["starts"], starts);
    }
}

#[test]
fn streams_that_are_not_on_demand_run_all_the_time() {
    let server = serve(&stream("cam", &format!("{SMALL}on_demand = false\nlinger = 0")), &[]);
    let encoder = running(&server, "ffmpeg ");
    told_when(&server, "cam", is("live"));
    watch(&server, "cam");
    told_when(&server, "cam", |encoder| encoder["watching"] == 0);
    assert!(!encoder.is_over() && told(&server, "cam")["starts"] == 1);
}

#[test]
fn streams_of_a_file_go_round_and_round() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".short.mp4");
    let line = "-y -loglevel error -f lavfi -i testsrc2=size=160x90:rate=24 -f lavfi -i sine -t 1 \
                -c:v libx264 -preset ultrafast -c:a aac";
    let made = Command::new("ffmpeg")
        .args(line.split_whitespace())
        .arg(&file)
        .stdin(Stdio::null())
        .run()
        .expect("ffmpeg");
    assert!(made.success());
    let qualities =
        "qualities = [{ width = 160, bitrate = 90000 }, { width = 80, bitrate = 50000 }]";
    let text = format!("source = \"file\"\ninput = \"{}\"\n{qualities}\n", file.display());
    let server = over(folder, &stream("cam", &text), &[]);
    watch(&server, "cam");
    let manifest = server.get("/cam/manifest.mpd").text();
    assert_eq!(
        manifest.matches("<Representation ").count(),
        3,
        "two pictures, a sound: {manifest}"
    );
}

#[test]
fn streams_of_any_program_are_served_and_what_it_wrote_goes() {
    // A packager of one's own: ffmpeg, as it happens, with names of its own.
    let line = "exec ffmpeg -loglevel error -re -f lavfi -i testsrc2=size=160x90:rate=24 -c:v libx264 \
                -preset ultrafast -g 24 -f dash -ldash 1 -streaming 1 -seg_duration 1 -use_timeline 0 \
                \"$LLDASH_DIR/manifest.mpd\"";
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("own")).expect("made");
    fs::write(folder.path().join("own/notes.txt"), "somebody else's").expect("written");
    let server = over(folder, &command("own", line, "linger = 0.5"), &[]);
    assert_eq!(server.get_with("/own/chunk-stream0-00002.m4s", &[LONG]).rest().1, End::Clean);
    told_when(&server, "own", is("live"));
    running(&server, "ffmpeg ").ended();
    told_when(&server, "own", is("idle"));
    assert_eq!(names(&server.path("own")), ["notes.txt"]);
}

/// Without a camera, as ffmpeg says it; with one, as it is.
#[test]
fn streams_of_a_camera_of_this_machine() {
    let server = serve(&stream("cam", "source = \"webcam\"\n"), &[]);
    let _held = server.request("GET", "/cam/manifest.mpd", &[LONG]);
    let said = told_when(&server, "cam", |encoder| {
        encoder["state"] != "starting" && encoder["state"] != "idle"
    });
    if !std::path::Path::new("/dev/video0").exists() {
        assert_eq!(said["state"], "failed");
        let reason = said["failure"].as_str().expect("a reason");
        assert!(reason.contains("/dev/video0: No such file"), "{reason}");
    }
}

#[test]
fn streams_are_shown_on_the_front_page_and_counted() {
    let text = stream("cam", &format!("{SMALL}name = \"Front <door>\""));
    let server = serve(&(text + &command("bad", "echo no luck; exit 3", "")), &[]);
    let _held = server.request("GET", "/bad/x.mpd", &[LONG]);
    let failed = told_when(&server, "bad", is("failed"));
    assert_eq!(failed["failure"], "its program ended with code 3: no luck");
    assert!(failed["next_try_seconds"].as_f64().is_some());
    let page = server.get("/ldash/").text();
    assert!(
        page.contains("Front &lt;door&gt;</a>") && page.contains("<small>idle</small>"),
        "{page}"
    );
    assert!(page.contains(": its program ended with code 3: no luck</small>"), "{page}");
    let metrics = until(|| {
        let metrics = server.get("/ldash/metrics").text();
        metrics
            .contains("lldash_encoder_state{stream=\"bad\",state=\"failed\"} 1")
            .then_some(metrics)
    });
    for wanted in [
        "lldash_encoder_state{stream=\"cam\",state=\"idle\"} 1",
        "lldash_encoder_state{stream=\"cam\",state=\"live\"} 0",
        "lldash_encoder_watching{stream=\"bad\"} 1",
        "lldash_encoder_starts_total{stream=\"cam\"} 0",
    ] {
        assert!(metrics.contains(wanted), "{wanted} in {metrics}");
    }
    assert!(!metrics.contains("lldash_encoder_failures_total{stream=\"bad\"} 0"), "{metrics}");
}
