//! Streams whose qualities the server switches: one is offered, and each segment comes from the one
//! that its request is in time for. With the real ffmpeg.

use super::{names, serve, stream, told, told_when};
use crate::helpers::{End, LONG, Response, Server, h2::Http2, program, until};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

/// Three qualities in an order of their own: representations 1, 2 and 0 are the best, the next one
/// and the lowest.
pub(super) fn switched(rest: &str) -> String {
    let one = |rate| format!("{{ width = 160, bitrate = \"{rate}\", preset = \"ultrafast\" }}");
    let qualities = ["60k", "900k", "250k"].map(one).join(", ");
    let text = format!(
        "source = \"test\"\nswitching = \"server\"\nqualities = [{qualities}]\nlinger = 60\n{rest}"
    );
    stream("cam", &text)
}

/// The bitrates by their rank, as `CMSD-Static` tells them, and ffmpeg's representations of them.
const RATES: [&str; 3] = ["ot=v,br=900", "ot=v,br=250", "ot=v,br=60"];
const REPRESENTATIONS: [usize; 3] = [1, 2, 0];

/// A stream that runs, and the number of its run.
pub(super) struct Cam {
    pub(super) server: Server,
    pub(super) run: String,
}

impl Cam {
    pub(super) fn start(rest: &str, options: &[&str]) -> Self {
        let server = serve(&switched(rest), options);
        let manifest = server.get_with("/cam/manifest.mpd", &[LONG]).text();
        let media = manifest.split("media=\"").nth(1).expect("media");
        Self { run: media[..13].to_owned(), server }
    }

    /// The segment as the manifest names it.
    pub(super) fn path(&self, number: u64) -> String {
        format!("/cam/{}-1-{number:05}.m4s", self.run)
    }

    /// What is written of it on disk; one quality ends a moment after another.
    pub(super) fn written(&self, rank: usize, number: u64) -> Vec<u8> {
        until(|| fs::read(self.server.path(&self.name(rank, number))).ok())
    }

    fn name(&self, rank: usize, number: u64) -> String {
        format!("cam/{}-{}-{number:05}.m4s", self.run, REPRESENTATIONS[rank])
    }

    pub(super) fn told(&self) -> Value {
        let text = self.server.get("/ldash/streams/cam/quality").text();
        serde_json::from_str(&text).expect("JSON")
    }

    fn newest(&self) -> u64 {
        self.told()["newest"].as_u64().unwrap_or_default()
    }

    /// Waits until a segment has begun.
    pub(super) fn begun(&self, number: u64) {
        until(|| {
            let encoder = told(&self.server, "cam");
            assert_eq!(encoder["failures"], 0, "{encoder}");
            (encoder["switching"]["newest"].as_u64() >= Some(number)).then_some(())
        });
    }

    /// Asks for a segment that is so late from the beginning of the request to its answer.
    fn late(&self, late: u64, method: &str, headers: &[(&str, &str)]) -> (u64, Response) {
        self.begun(late + 1);
        until(|| {
            let newest = self.newest();
            let number = newest - late;
            let response = self.server.request(method, &self.path(number), headers).response();
            (self.newest() == newest).then_some((number, response))
        })
    }
}

pub(super) fn quality(response: &Response) -> usize {
    let told = response.header("cmsd-static").expect("its bitrate");
    RATES.iter().position(|rate| *rate == told).expect("one of them")
}

fn is_uncached(response: &Response) -> bool {
    response.header("cache-control") == Some("no-store")
        && response.header("last-modified").is_none()
}

#[test]
fn streams_switched_by_the_server_offer_one_picture_and_send_each_what_it_is_in_time_for() {
    let cam = Cam::start("", &[]);
    let manifest = cam.server.get("/cam/manifest.mpd").text();
    assert_eq!(manifest.matches("contentType=\"video\"").count(), 1, "{manifest}");
    assert_eq!(manifest.matches("<Representation ").count(), 2, "one picture, a sound: {manifest}");
    assert!(manifest.contains("<Representation id=\"1\"") && manifest.contains("\"900000\""));
    for (late, rank) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2)] {
        let (number, mut response) = cam.late(late, "GET", &[]);
        assert_eq!((response.status, quality(&response)), (200, rank), "{late} late");
        assert!(is_uncached(&response), "{:?}", response.headers);
        let (body, end) = response.rest();
        assert_eq!(end, End::Clean);
        assert!(body == cam.written(rank, number), "{late} late: its very bytes");
    }
    // What is still to come is asked on time, and held.
    let number = cam.newest() + 2;
    let mut response = cam.server.get_with(&cam.path(number), &[LONG]);
    assert!(response.header("server-timing").is_some(), "{:?}", response.headers);
    assert!(is_uncached(&response));
    assert_eq!(quality(&response), 0);
    assert!(response.body() == cam.written(0, number));
    // An init is that of all of them, and other names are those of files.
    let init = cam.server.get(&format!("/cam/{}-init-1.m4s", cam.run));
    assert_eq!(init.header("cache-control"), Some("max-age=0, s-maxage=1"));
    let mut named = cam.server.get(&format!("/{}", cam.name(2, 1)));
    assert_eq!((named.status, named.header("cache-control")), (200, Some("max-age=60")));
    assert!(named.body() == cam.written(2, 1));
    let sound = cam.server.get(&format!("/cam/{}-3-00001.m4s", cam.run));
    assert_eq!((sound.status, sound.header("cmsd-static")), (200, None));
    let told = cam.told();
    let served = |rank: usize| told["qualities"][rank]["served"].as_u64();
    assert!((0..3).all(|rank| served(rank) >= Some(1)), "{told}");
}

#[test]
fn streams_switched_by_the_server_never_take_one_quality_for_another() {
    let cam = Cam::start("", &[]);
    let (number, tag) = until(|| {
        let (number, response) = cam.late(1, "GET", &[]);
        // It ends a moment after the next one has begun.
        let tag = response.header("etag")?.to_owned();
        assert_eq!(quality(&response), 1);
        Some((number, tag))
    });
    cam.begun(number + 2);
    let ask = |headers: &[(&str, &str)]| cam.server.get_with(&cam.path(number), headers);
    let mut lower = ask(&[("If-None-Match", &tag)]);
    assert_eq!((lower.status, quality(&lower)), (200, 2));
    let length = lower.body().len();
    let own = lower.header("etag").expect("a tag").to_owned();
    assert_ne!(tag, own);
    let same = ask(&[("If-None-Match", &own)]);
    assert_eq!((same.status, same.header("cache-control")), (304, Some("no-store")));
    let later = "Fri, 31 Dec 2100 00:00:00 GMT";
    for (name, value, status) in [
        ("If-Modified-Since", later, 200),
        ("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("If-Match", &*tag, 412),
        ("If-Match", &own, 200),
    ] {
        assert_eq!(ask(&[(name, value)]).status, status, "{name}: {value}");
    }
    let range = ("Range", "bytes=10-19");
    for (condition, status) in [(&*own, 206), (&tag, 200), (later, 200)] {
        let mut response = ask(&[range, ("If-Range", condition)]);
        assert_eq!((response.status, quality(&response)), (status, 2), "{condition}");
        assert!(is_uncached(&response));
        let body = response.body();
        assert_eq!(body.len(), if status == 206 { 10 } else { length });
    }
    let head = cam.server.request("HEAD", &cam.path(number), &[]).response();
    assert_eq!(head.header("content-length"), Some(&*length.to_string()));
    assert!(is_uncached(&head) && quality(&head) == 2);
    let never = cam.server.get_with(&cam.path(number + 900), &[("X-Wait-Timeout", "0")]);
    assert_eq!((never.status, never.header("cache-control")), (404, Some("no-store")));
}

#[test]
fn streams_switched_by_the_server_send_another_quality_rather_than_none() {
    let cam = Cam::start("", &[]);
    cam.begun(5);
    let gone = |rank| fs::remove_file(cam.server.path(&cam.name(rank, 1))).expect("removed");
    let sent = |wanted| {
        until(|| {
            let response = cam.server.get_with(&cam.path(1), &[("X-Wait-Timeout", "0")]);
            (response.status == 200 && quality(&response) == wanted).then_some(())
        });
    };
    sent(2);
    gone(2);
    sent(1);
    gone(1);
    sent(0);
    gone(0);
    until(|| {
        (cam.server.get_with(&cam.path(1), &[("X-Wait-Timeout", "0")]).status == 404).then_some(())
    });
}

#[test]
fn streams_switched_by_the_server_are_so_below_the_names_of_older_tools_and_by_http2() {
    let cam = Cam::start("", &[]);
    cam.begun(4);
    let older = cam.server.get(&format!("/ldash/download{}", cam.path(1)));
    assert_eq!((older.status, quality(&older)), (200, 2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = Http2::plain(cam.server.address).await;
        let answer = client.ask("GET", &cam.path(1)).await.await.expect("an answer");
        assert_eq!(answer.headers()["cmsd-static"], RATES[2]);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let answer = client.ask("GET", &cam.path(900)).await;
        let soon = client.ask("GET", &cam.path(cam.newest() + 2)).await.await.expect("an answer");
        assert_eq!(soon.headers()["cmsd-static"], RATES[0]);
        drop(answer);
    });
}

/// All frames of segments of these qualities, one after the other, behind the one init.
fn decoded(init: &[u8], segments: &[Vec<u8>]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mixed.mp4");
    fs::write(&file, [init, &segments.concat()].concat()).expect("written");
    let line = "-hide_banner -nostdin -v warning -xerror -i";
    let mut command = Command::new("ffmpeg");
    command.args(line.split(' ')).arg(&file);
    command.args(["-map", "0:v", "-f", "framemd5", "-"]).stdin(Stdio::null());
    let output = command.output().expect("ffmpeg");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.is_empty(), "{words}");
    let frames = String::from_utf8_lossy(&output.stdout).into_owned();
    frames.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn streams_segments_of_all_qualities_are_decoded_after_the_one_init() {
    let x265 = |rate| {
        format!(
            "{{ width = 160, bitrate = \"{rate}\", codec = \"libx265\", preset = \"ultrafast\" }}"
        )
    };
    let x265 = ["60k", "900k", "250k"].map(x265).join(", ");
    for codec in ["libx264", "libx265"] {
        let text = switched("audio = false\n");
        let text = match codec {
            "libx264" => text,
            _ => text.replace(
                text.lines().find(|line| line.starts_with("qualities")).expect("that line"),
                &format!("qualities = [{x265}]"),
            ),
        };
        let server = serve(&text, &[]);
        let manifest = server.get_with("/cam/manifest.mpd", &[LONG]).text();
        let media = manifest.split("media=\"").nth(1).expect("media");
        let cam = Cam { run: media[..13].to_owned(), server };
        cam.begun(6);
        let init = cam.server.get(&format!("/cam/{}-init-1.m4s", cam.run)).body();
        let ranks = [0, 2, 1, 0, 1];
        let mixed = (1..).zip(ranks).map(|(number, rank)| cam.written(rank, number));
        let mixed: Vec<Vec<u8>> = mixed.collect();
        assert_eq!(decoded(&init, &mixed), 24 * ranks.len(), "{codec}");
        // By the server's own choice.
        let (number, mut lower) = cam.late(1, "GET", &[]);
        let lower = [lower.body(), cam.server.get(&cam.path(number + 1)).body()];
        assert_eq!(decoded(&init, &lower), 48, "{codec}");
    }
}

/// One ffmpeg for the trial, and another one for the stream.
#[test]
fn streams_whose_inits_turn_out_to_differ_have_failed_for_that_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join(".bin");
    fs::create_dir(&bin).expect("made");
    let line = "#!/bin/bash\ncase \"$*\" in *\"-i color=\"*) ;; *.mpd) \
                set -- \"${@:1:$#-1}\" -coder:v:0 1 \"${@: -1}\" ;; esac\n\
                PATH=${PATH#*:} exec ffmpeg \"$@\"\n";
    fs::write(bin.join("ffmpeg"), line).expect("written");
    fs::set_permissions(bin.join("ffmpeg"), fs::Permissions::from_mode(0o755)).expect("set");
    let config = folder.path().join(".lldash.toml");
    fs::write(&config, switched("")).expect("written");
    let mut command = program();
    command.args(["-p", "0", "--config"]).arg(&config).arg(folder.path());
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}:{path}", bin.display()));
    let server = Server::spawn(command, folder);
    let _held = server.request("GET", "/cam/manifest.mpd", &[LONG]);
    let failed = told_when(&server, "cam", |encoder| encoder["failure"].is_string());
    let reason = failed["failure"].as_str().unwrap_or_default();
    let wanted = "the qualities with the bitrates 900000 and 60000 cannot share one init";
    assert!(reason.starts_with(wanted), "{reason}");
    assert_eq!(failed["starts"], failed["failures"]);
    assert!(!server.path("cam/manifest.mpd").exists(), "nothing was shown");
}

#[test]
fn streams_switched_by_the_server_play_by_hls_too() {
    let cam = Cam::start("", &["--ingest", "--hls-part", "200ms"]);
    let list = "/ldash/hls/cam/manifest.mpd";
    let main = cam.server.get_with(&format!("{list}/main.m3u8"), &[LONG]).text();
    assert_eq!(main.matches("#EXT-X-STREAM-INF").count(), 1, "{main}");
    let playlist = |query: &str| cam.server.get(&format!("{list}/1.m3u8{query}")).text();
    let part_of = |text: &str, number: u64| {
        let name = format!("1/{number}.0.m4s");
        assert!(text.contains(&name), "{name} in {text}");
        let mut part = cam.server.get(&format!("{list}/{name}"));
        assert_eq!((part.status, part.header("cache-control")), (200, Some("no-store")));
        part.body()
    };
    let number = cam.newest() + 1;
    let text = playlist(&format!("?_HLS_msn={number}&_HLS_part=1"));
    let part = part_of(&text, number);
    cam.begun(number + 1);
    assert!(cam.written(0, number).starts_with(&part), "parts are of the best quality");
    // A whole segment that is late is a lower one.
    cam.begun(number + 3);
    assert_eq!(quality(&cam.server.get(&cam.path(number))), 2);
    // All parts of what begins from now on are of what is forced.
    let body = "PUT /ldash/streams/cam/quality HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2";
    assert_eq!(cam.server.raw(body.as_bytes(), false).response().status, 200);
    let number = cam.newest() + 2;
    // As far ahead as may be asked for.
    playlist(&format!("?_HLS_msn={}", number - 1));
    let text = playlist(&format!("?_HLS_msn={number}&_HLS_part=1"));
    let part = part_of(&text, number);
    cam.begun(number + 1);
    assert!(cam.written(2, number).starts_with(&part), "{:?}", names(&cam.server.path("cam")));
    assert!(!cam.written(0, number).starts_with(&part));
}
