//! From a stream's configuration to the program that makes it: pure, and tested as text.
//!
//! Why ffmpeg is told what it is told:
//! - `-tune zerolatency`: each frame leaves at once, without B-frames or lookahead.
//! - `-g` and no scene cuts: every segment begins with an intra frame, and is as long as the last.
//! - `-ldash -streaming`: a segment is written while it is made, and the manifest says so.
//! - `-use_timeline 0`: `$Number$`; players know the next name without asking for the manifest.
//! - names that begin with the run's number: those of an earlier run never come back.
//! - where the server switches, `stitchable` and one level: x264 writes nothing into its parameter
//!   sets that hangs on a quality's rate (the level does, and the range of motion by it); `open-gop=0`:
//!   with x265 too, nothing reaches over a segment's beginning.
//! - `-update_period 1`: players learn within a second that a new run has begun.

use super::{
    check::frames,
    config::{Quality, Source, Stream, Switching},
    picture, secret,
    tools::Abilities,
};
use std::{ffi::OsString, path::Path, time::Duration};

/// ffmpeg's own manifest, which is never shown.
pub const RAW_MANIFEST: &str = ".manifest.mpd";

/// What tells a program where to write.
pub const FOLDER_VARIABLE: &str = "LLDASH_DIR";

/// The time that the manifest offers behind the live edge.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Segments that stay on disk beyond the window, for those who are late.
const EXTRA_SEGMENTS: u64 = 5;

/// A program to be run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables beyond those of the server.
    pub variables: Vec<(String, OsString)>,
    /// What it reads on standard input: what must not be seen among its arguments.
    pub input: Option<String>,
}

/// The program that makes a stream, as run number `run`, into a folder.
pub fn plan(stream: &Stream, abilities: &Abilities, run: u64, folder: &Path) -> Plan {
    if stream.source == Source::Command {
        return command(stream, folder);
    }
    let (inputs, secret) = inputs(stream);
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |texts: &[&str]| arguments.extend(texts.iter().map(OsString::from));
    add(&["-hide_banner", "-loglevel", "warning", "-nostats", "-y"]);
    if secret.is_none() {
        add(&["-nostdin"]);
    }
    let texts = [inputs, pictures(stream, abilities), sound(stream), output(stream, run)].concat();
    add(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    arguments.push(folder.join(RAW_MANIFEST).into());
    Plan { program: "ffmpeg".into(), arguments, variables: Vec::new(), input: secret }
}

/// Arguments that encode a moment of nothing as a stream is encoded, into a folder: so its inits
/// are seen before anything starts. They are those of run 0.
pub(super) fn trial(stream: &Stream, folder: &Path) -> Vec<OsString> {
    const FRAMES: f64 = 3.0;
    let stream = Stream { source: Source::File, audio: None, ..stream.clone() };
    let (width, fps) = (widest(&stream), stream.fps);
    let picture = format!("color=size={width}x{}:rate={fps}", width * 9 / 32 * 2);
    let seconds = (FRAMES / fps).to_string();
    let before = ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-t", &seconds];
    let input = ["-f", "lavfi", "-i", &picture];
    let texts = [owned(&before), owned(&input), pictures(&stream, &Abilities::default())];
    let texts = texts.into_iter().flatten().chain(output(&stream, 0));
    texts.map(OsString::from).chain([folder.join(RAW_MANIFEST).into()]).collect()
}

/// The name of an init.
pub(super) fn init_name(run: u64, representation: &str) -> String {
    format!("{run}-init-{representation}.m4s")
}

fn command(stream: &Stream, folder: &Path) -> Plan {
    let line = stream.input.clone().unwrap_or_default();
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    Plan {
        program: shell.into(),
        arguments: vec![flag.into(), line.into()],
        variables: vec![(FOLDER_VARIABLE.to_owned(), folder.into())],
        input: None,
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The inputs, and what is to be written to ffmpeg's standard input: a list that names the URL with
/// its credentials, which an argument would show to every user of the machine.
fn inputs(stream: &Stream) -> (Vec<String>, Option<String>) {
    let input = stream.input.as_deref().unwrap_or(DEVICE);
    let (fps, width) = (stream.fps.to_string(), widest(stream));
    match stream.source {
        Source::Test | Source::Command => {
            let picture = picture::source(width, stream.fps);
            let mut inputs = owned(&["-re", "-f", "lavfi", "-i", &picture]);
            if stream.audio.is_some() {
                let note = "sine=frequency=220:beep_factor=4:sample_rate=48000";
                inputs.extend(owned(&["-re", "-f", "lavfi", "-i", note]));
            }
            (inputs, None)
        }
        Source::File => (owned(&["-re", "-stream_loop", "-1", "-i", input]), None),
        Source::Rtsp if secret::is_in(input) => {
            let list = format!(
                "ffconcat version 1.0\nfile '{input}'\noption rtsp_transport tcp\n\
                 option fflags nobuffer\noption timeout {TIMEOUT_MICROS}\n"
            );
            let known = "pipe,rtsp,rtp,tcp,udp,tls,crypto";
            let inputs = ["-fflags", "nobuffer", "-protocol_whitelist", known, "-safe", "0"];
            (owned(&[&inputs[..], &["-f", "concat", "-i", "pipe:0"]].concat()), Some(list))
        }
        Source::Rtsp => {
            let quick = ["-fflags", "nobuffer", "-flags", "low_delay", "-timeout", TIMEOUT_MICROS];
            (owned(&[&quick[..], &["-rtsp_transport", "tcp", "-i", input]].concat()), None)
        }
        Source::Webcam => {
            let size = format!("{width}x{}", picture::height(width));
            let options = ["-f", CAMERAS, "-framerate", &fps, "-video_size", &size, "-i", input];
            (owned(&options), None)
        }
    }
}

/// A camera that is cut off is silent for no longer, in microseconds.
const TIMEOUT_MICROS: &str = "5000000";

/// The camera of this machine, and what reads it.
const DEVICE: &str = if cfg!(target_os = "macos") { "0" } else { "/dev/video0" };
const CAMERAS: &str = if cfg!(target_os = "macos") { "avfoundation" } else { "v4l2" };

fn widest(stream: &Stream) -> u64 {
    stream.qualities.iter().map(|quality| quality.width).max().unwrap_or_default()
}

/// The filters, and an encoder for each picture.
fn pictures(stream: &Stream, abilities: &Abilities) -> Vec<String> {
    let count = stream.qualities.len();
    let mut graph = match stream.source {
        Source::Test => picture::clock(&stream.key, widest(stream), abilities),
        _ => format!("[0:v:0]fps={},format=yuv420p", stream.fps),
    };
    graph.push_str(&format!(",split={count}"));
    (0..count).for_each(|at| graph.push_str(&format!("[q{at}]")));
    for (at, quality) in stream.qualities.iter().enumerate() {
        graph.push_str(&format!(";[q{at}]scale={}:-2:flags=bicubic[v{at}]", quality.width));
    }
    let mut options = owned(&["-filter_complex_threads", "1", "-filter_complex", &graph]);
    for (at, quality) in stream.qualities.iter().enumerate() {
        options.extend(picture(at, quality));
        if stream.switching == Switching::Server {
            options.extend(alike(stream, at, quality));
        }
    }
    let gop = stream.gop.or_else(|| frames(stream)).unwrap_or_default().to_string();
    options.extend(owned(&["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]));
    options
}

/// The encoder of one picture.
fn picture(at: usize, quality: &Quality) -> Vec<String> {
    let rate = quality.bitrate.to_string();
    let option = |name: &str| format!("-{name}:v:{at}");
    let mut options = owned(&["-map", &format!("[v{at}]"), &option("c"), &quality.codec]);
    for name in ["b", "maxrate", "bufsize"] {
        options.extend([option(name), rate.clone()]);
    }
    if let Some(preset) = &quality.preset {
        options.extend([option("preset"), preset.clone()]);
    }
    match &*quality.codec {
        "libx264" => {
            options.extend(owned(&[&option("tune"), "zerolatency", &option("profile"), "high"]));
        }
        "libx265" => {
            options.extend(owned(&[&option("tune"), "zerolatency", &option("tag"), "hvc1"]));
        }
        _ => {}
    }
    options
}

/// What makes the qualities' parameter sets the same, where encoders have such a thing.
fn alike(stream: &Stream, at: usize, quality: &Quality) -> Vec<String> {
    let option = |name: &str| format!("-{name}:v:{at}");
    match &*quality.codec {
        "libx264" => {
            let level = level(stream);
            owned(&[&option("x264-params"), "stitchable=1", &option("level"), level])
        }
        "libx265" => owned(&[&option("x265-params"), "open-gop=0"]),
        _ => Vec::new(),
    }
}

/// The level of H.264 that does for all of a stream's pictures (ITU-T H.264, table A-1, High profile):
/// macroblocks a second and of a frame, bits a second. Every decoder knows the first one; the
/// pictures are taken to be as wide as most are.
fn level(stream: &Stream) -> &'static str {
    const LEVELS: [(&str, u64, u64, u64); 9] = [
        ("3.1", 108_000, 3600, 17_500_000),
        ("3.2", 216_000, 5120, 25_000_000),
        ("4.1", 245_760, 8192, 62_500_000),
        ("4.2", 522_240, 8704, 62_500_000),
        ("5", 589_824, 22_080, 168_750_000),
        ("5.1", 983_040, 36_864, 300_000_000),
        ("5.2", 2_073_600, 36_864, 300_000_000),
        ("6", 4_177_920, 139_264, 300_000_000),
        ("6.1", 8_355_840, 139_264, 600_000_000),
    ];
    const MOST: &str = "6.2";
    let width = widest(stream);
    let blocks = width.div_ceil(16) * (width * 9 / 16).div_ceil(16);
    let most = stream.qualities.iter().map(|quality| quality.bitrate).max().unwrap_or_default();
    // No picture has so many blocks that a float could not count them.
    let rate = Duration::from_secs(blocks).mul_f64(stream.fps).as_secs();
    let fits = |(_, rates, sizes, bits): &&(&str, u64, u64, u64)| {
        rate <= *rates && blocks <= *sizes && most <= *bits
    };
    LEVELS.iter().find(fits).map_or(MOST, |(level, ..)| level)
}

/// The sound: the input's own, if it has any; a soft note for the test pattern.
fn sound(stream: &Stream) -> Vec<String> {
    let Some(rate) = stream.audio else { return Vec::new() };
    let rate = rate.to_string();
    // What is made up is stamped 50 ms ahead: the muxer keeps each picture back until the sound
    // has come as far, and AAC comes 40 ms late.
    let map: &[&str] = match stream.source {
        Source::Test => &["-map", "1:a", "-af", "asetpts=PTS+0.05/TB"],
        _ => &["-map", "0:a:0?"],
    };
    let encoder = ["-c:a", "aac", "-b:a", &rate, "-ar", "48000"];
    owned(&[map, &encoder].concat())
}

/// The muxer.
fn output(stream: &Stream, run: u64) -> Vec<String> {
    let segment = stream.segment.as_secs_f64();
    let window = WINDOW.div_duration_f64(stream.segment).ceil().max(3.0);
    let seconds = segment.to_string();
    let (target, window) = (stream.target.as_secs_f64().to_string(), format!("{window}"));
    let init = init_name(run, "$RepresentationID$");
    let media = format!("{run}-$RepresentationID$-$Number%05d$.m4s");
    let sets = match stream.audio {
        Some(_) => "id=0,streams=v id=1,streams=a",
        None => "id=0,streams=v",
    };
    let mut options = owned(&["-f", "dash", "-ldash", "1", "-streaming", "1"]);
    options.extend(owned(&["-seg_duration", &seconds]));
    if stream.chunk.is_zero() {
        options.extend(owned(&["-frag_type", "every_frame"]));
    } else {
        let chunk = stream.chunk.as_secs_f64().to_string();
        options.extend(owned(&["-frag_type", "duration", "-frag_duration", &chunk]));
    }
    let extra = EXTRA_SEGMENTS.to_string();
    options.extend(owned(&["-use_template", "1", "-use_timeline", "0", "-write_prft", "1"]));
    options.extend(owned(&["-utc_timing_url", "../ldash/time", "-target_latency", &target]));
    options.extend(owned(&["-update_period", "1", "-window_size", &window]));
    options.extend(owned(&["-extra_window_size", &extra, "-adaptation_sets", sets]));
    options.extend(owned(&["-init_seg_name", &init, "-media_seg_name", &media]));
    options.extend(stream.extra_args.iter().cloned());
    options
}

/// The options of ffmpeg's DASH muxer that are used: a version without one of them is too old.
pub const MUXER_OPTIONS: [&str; 10] = [
    "ldash",
    "streaming",
    "seg_duration",
    "frag_type",
    "frag_duration",
    "write_prft",
    "utc_timing_url",
    "target_latency",
    "update_period",
    "extra_window_size",
];

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
