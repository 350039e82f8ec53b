//! The real ffmpeg writes, the server serves, and clients pull every segment at the live edge:
//! heading "Growing files". What they got is what ffmpeg left on disk.

use crate::{
    helpers::{End, Run, Server},
    polling::Poller,
    traces::{PATIENT, Watch, get},
};
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread,
};

/// A muxer, its manifest, and the files that clients pull, one after the other.
pub struct Case {
    pub muxer: &'static [&'static str],
    pub manifest: &'static str,
    /// One client follows each of these lists.
    pub streams: Vec<Vec<String>>,
}

const SECONDS: usize = 4;
pub const LOW_LATENCY: &[&str] = &[
    "-f=dash",
    "-ldash=1",
    "-streaming=1",
    "-frag_type=every_frame",
    "-use_timeline=0",
    "-seg_duration=1",
    "-extra_window_size=100",
];

/// Segments of a second as the DASH muxer names them: video and audio, from 1.
pub fn dash(muxer: &'static [&'static str]) -> Case {
    let stream = |stream| {
        let segments = (1..=SECONDS).map(|at| format!("chunk-stream{stream}-{at:05}.m4s"));
        std::iter::once(format!("init-stream{stream}.m4s")).chain(segments).collect()
    };
    Case { muxer, manifest: "live.mpd", streams: vec![stream(0), stream(1)] }
}

/// The same of the HLS muxer: both in one, from 0.
pub fn hls(muxer: &'static [&'static str], init: Option<&str>, extension: &str) -> Case {
    let segments = (0..SECONDS).map(|at| format!("live{at}.{extension}"));
    let stream = init.map(str::to_owned).into_iter().chain(segments).collect();
    Case { muxer, manifest: "live.m3u8", streams: vec![stream] }
}

#[test]
fn low_latency_dash() {
    assert!(pull(Watch::Auto, &dash(LOW_LATENCY)), "nothing was streamed while it grew");
}

#[test]
fn low_latency_dash_polled() {
    assert!(pull(Watch::Poll, &dash(LOW_LATENCY)), "nothing was streamed while it grew");
}

#[test]
fn plain_dash() {
    pull(Watch::Auto, &dash(&["-f=dash", "-seg_duration=1", "-extra_window_size=100"]));
}

#[test]
fn hls_fmp4() {
    let muxer = &["-f=hls", "-hls_segment_type=fmp4", "-hls_time=1", "-hls_list_size=0"];
    pull(Watch::Auto, &hls(muxer, Some("init.mp4"), "m4s"));
}

#[test]
fn hls_ts() {
    let muxer = &["-f=hls", "-hls_time=1", "-hls_list_size=0"];
    pull(Watch::Auto, &hls(muxer, None, "ts"));
}

/// A server that starts in the middle of a stream serves at once what is growing.
#[test]
fn started_in_the_middle() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut muxer = vec!["-progress=pipe:1", "-stats_period=0.1"];
    muxer.extend(LOW_LATENCY.iter().filter(|option| !option.starts_with("-seg_duration")));
    muxer.push("-seg_duration=2");
    let mut ffmpeg = Ffmpeg::start(folder.path().join("live.mpd"), &muxer);
    ffmpeg.has_written(2_300_000);
    let server = Server::over(folder, &[]);
    let growing = "chunk-stream0-00002.m4s";
    let mut response = get(server.address, growing, PATIENT).response();
    let side_name = server.path(&format!("{growing}.tmp"));
    assert_eq!(response.status, 200);
    assert!(response.header("content-length").is_none() || !side_name.exists());
    let (body, end) = response.rest();
    ffmpeg.exit();
    assert!(body == fs::read(server.path(growing)).expect("it is there"));
    assert_eq!(end, End::Clean);
}

const CLIENTS: usize = 3;

/// Pulls all while ffmpeg writes. Answers whether anything was served before it was finished.
fn pull(watch: Watch, case: &Case) -> bool {
    let server = Server::start(watch.options());
    let address = server.address;
    let poller = Poller::start(address, case.manifest);
    let mut clients = Vec::new();
    for stream in case.streams.iter().flat_map(|stream| [stream; CLIENTS]).cloned() {
        clients.push(thread::spawn(move || {
            let mut got = Vec::new();
            for path in stream {
                let mut response = get(address, &path, PATIENT).response();
                assert_eq!(response.status, 200, "{path}");
                let was_growing = response.header("content-length").is_none();
                got.push((path, was_growing, response.rest()));
            }
            got
        }));
    }
    let ffmpeg = Ffmpeg::start(server.path(case.manifest), case.muxer);
    let got: Vec<_> =
        clients.into_iter().flat_map(|client| client.join().expect("all came")).collect();
    ffmpeg.exit();
    let last = fs::read(server.path(case.manifest)).expect("it is there");
    let copies = poller.stop();
    copies.iter().for_each(|copy| assert_whole(copy));
    assert!(last.len() >= copies.last().map_or(0, Vec::len));
    let mut any_growing = false;
    for (path, was_growing, (body, end)) in got {
        let written = fs::read(server.path(&path)).expect("it is there");
        assert!(body == written, "{path}: {} bytes of {}", body.len(), written.len());
        assert_eq!(end, End::Clean, "{path}");
        any_growing |= was_growing;
    }
    any_growing
}

pub fn assert_whole(manifest: &[u8]) {
    let text = str::from_utf8(manifest).expect("text").trim_end();
    let is_mpd = text.starts_with("<?xml") && text.ends_with("</MPD>");
    assert!(is_mpd || text.starts_with("#EXTM3U"), "{text}");
}

/// A running ffmpeg. Dropping it kills it.
pub struct Ffmpeg(Child);

impl Ffmpeg {
    /// Writes a few seconds of a picture and a tone, as fast as they would come from a camera.
    pub fn start(output: impl AsRef<OsStr>, muxer: &[&str]) -> Self {
        let input = "-loglevel error -nostdin -re -f lavfi -i testsrc=size=160x90:rate=25 \
                     -f lavfi -i sine -c:v libx264 -preset ultrafast -tune zerolatency -g 25 \
                     -b:v 200k -c:a aac -b:a 32k";
        let mut command = Command::new("ffmpeg");
        command.args(input.split_whitespace()).args(["-t", &SECONDS.to_string()]);
        let options = muxer.iter().map(|option| option.split_once('=').expect("a value"));
        options.for_each(|(name, value)| {
            command.args([name, value]);
        });
        command
            .arg(output.as_ref())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.start();
        Self(child.unwrap_or_else(|error| panic!("ffmpeg: {error}; run scripts/test")))
    }

    /// Returns when it has come so far, in microseconds of media.
    fn has_written(&mut self, microseconds: u64) {
        let lines = BufReader::new(self.0.stdout.as_mut().expect("piped")).lines();
        let times = lines.map_while(Result::ok).filter_map(|line| {
            line.strip_prefix("out_time_us=").and_then(|time| time.trim().parse::<u64>().ok())
        });
        let reached = times.into_iter().find(|time| *time >= microseconds);
        assert!(reached.is_some(), "ffmpeg ended too early");
    }

    pub fn exit(mut self) {
        let mut errors = String::new();
        let mut stderr = self.0.stderr.take().expect("piped");
        // What it still tells of its progress is not read: it must not wait for that.
        drop(self.0.stdout.take());
        let _ = stderr.read_to_string(&mut errors);
        let status = self.0.wait().expect("it ends");
        assert!(status.success(), "ffmpeg: {errors}");
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
