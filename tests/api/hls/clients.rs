//! Real packagers write, real clients read: ffmpeg's LL-DASH folder and a replay as LL-HLS.

use super::{
    packager::Packager,
    walk::{Walk, renditions},
};
use crate::{
    ffmpeg::{Ffmpeg, LOW_LATENCY},
    helpers::{Server, get, until},
    ingest_packagers::shaka,
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// Segments that are walked along: more for a longer look.
fn length() -> u64 {
    std::env::var("LLDASH_HLS_SEGMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Walks along all renditions; what they have seen, none of which breaks a rule.
fn walk(server: &Server, base: &str) {
    let mut main = get(server.address, &format!("{base}main.m3u8"));
    let text = main.text();
    assert_eq!(main.status, 200, "{text}");
    let (address, segments) = (server.address, length());
    let all = renditions(&text);
    let walks: Vec<_> = all
        .iter()
        .map(|name| {
            let (walk, name) = (Walk::new(address, base, name, &all), name.clone());
            thread::spawn(move || (name, walk.run(segments)))
        })
        .collect();
    for walk in walks {
        let (name, seen) = walk.join().expect("it walks to the end");
        assert!(seen.broken.is_empty(), "{:#?}", seen.broken);
        assert!(seen.playlists > 4 && seen.parts > 4, "{name}: {seen:?}");
        assert!(seen.segments > 0, "{name}: no segment was followed part by part: {seen:?}");
    }
}

#[test]
fn hls_ffmpeg_writes_and_every_playlist_keeps_the_rules() {
    let server = Server::start(&["--hls-part", "200ms"]);
    let seconds = format!("-t={}", length() + 4);
    let ffmpeg = Ffmpeg::start(server.path("live.mpd"), &[LOW_LATENCY, &[&seconds]].concat());
    walk(&server, "/ldash/hls/live.mpd/");
    drop(ffmpeg);
}

/// By `$Time$`, and a SegmentTimeline: the first file of sound has another name than the MPD says.
#[test]
fn hls_ffmpeg_names_segments_by_their_times_and_the_rules_are_kept() {
    let server = Server::start(&["--hls-part", "200ms"]);
    let seconds = format!("-t={}", length() + 4);
    let muxer = [
        "-f=dash",
        "-streaming=1",
        "-frag_type=every_frame",
        "-use_timeline=1",
        "-seg_duration=1",
        "-media_seg_name=chunk-$RepresentationID$-$Time$.m4s",
        &seconds,
    ];
    let ffmpeg = Ffmpeg::start(server.path("live.mpd"), &muxer);
    walk(&server, "/ldash/hls/live.mpd/");
    drop(ffmpeg);
}

#[test]
fn hls_ffmpeg_writes_video_alone_or_audio_alone_and_the_rules_are_kept() {
    for alone in ["-map=0:v", "-map=1:a"] {
        let server = Server::start(&["--hls-part", "200ms"]);
        let seconds = format!("-t={}", length() + 4);
        let options = [LOW_LATENCY, &[alone, &seconds]].concat();
        let ffmpeg = Ffmpeg::start(server.path("live.mpd"), &options);
        walk(&server, "/ldash/hls/live.mpd/");
        drop(ffmpeg);
    }
}

/// By `$Time$` and a SegmentTimeline, several fragments in each segment, which comes at once.
#[test]
fn hls_shaka_packager_writes_and_the_rules_are_kept() {
    let Some(shaka) = shaka() else { return };
    let server = Server::start(&["--hls-part", "200ms"]);
    fs::create_dir(server.path("tv")).expect("made");
    let to = server.path("tv").display().to_string();
    let stream =
        format!("stream=video,init_segment={to}/init.mp4,segment_template={to}/v$Time$.m4s");
    let options = [
        "--segment_duration=1",
        "--fragment_duration=0.2",
        "--fragment_sap_aligned=false",
        "--mpd_output",
    ];
    let _packager = Packager::start(shaka, &stream, &options, &format!("{to}/live.mpd"));
    walk(&server, "/ldash/hls/tv/live.mpd/");
}

#[test]
fn hls_a_replay_of_three_renditions_keeps_the_rules() {
    let server = Server::start(&[]);
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/segments-in");
    let mut replay = Command::new(env!("CARGO_BIN_EXE_lldash-replay"))
        .args(["--chunked", "--dynamic", "-i"])
        .arg(recording)
        .arg("-o")
        .arg(server.path("live"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    walk(&server, "/ldash/hls/live/manifest.mpd/");
    replay.kill().expect("killed");
    replay.wait().expect("gone");
}

/// A stream that ends is a list that ends, and ffmpeg reads it as HLS, parts ignored.
#[test]
fn hls_ffmpeg_reads_what_ffmpeg_wrote() {
    let server = Server::start(&[]);
    let ffmpeg = Ffmpeg::start(server.path("live.mpd"), LOW_LATENCY);
    let url = format!("http://{}/ldash/hls/live.mpd/main.m3u8", server.address);
    until(|| (server.get("/ldash/hls/live.mpd/main.m3u8").status == 200).then_some(()));
    let probed = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-show_entries"])
        .args(["stream=codec_name,nb_read_packets", "-of", "csv=p=0", &url])
        .stdin(Stdio::null())
        .output()
        .expect("ffprobe; run scripts/test");
    ffmpeg.exit();
    let (said, wrong) =
        (String::from_utf8_lossy(&probed.stdout), String::from_utf8_lossy(&probed.stderr));
    assert!(probed.status.success() && wrong.trim().is_empty(), "{wrong}");
    let packets = |codec: &str| -> u32 {
        let line = said.lines().find(|line| line.starts_with(codec)).expect("it is read");
        line.trim_end_matches(',')
            .rsplit(',')
            .next()
            .and_then(|count| count.parse().ok())
            .expect("a count")
    };
    // Four seconds, of which the first may have gone before it asked.
    assert!(packets("h264") >= 50 && packets("aac") >= 80, "{said}");
}

/// One recorded segment in one fragment: init and segment.
pub fn remuxed(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("in.mp4"), folder.path().join("out.mp4"));
    std::fs::write(&from, bytes).expect("written");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-copyts", "-i"])
        .arg(&from)
        .args(["-c", "copy", "-movflags", "empty_moov+default_base_moof+frag_custom"])
        .args(["-fflags", "+bitexact"])
        .arg(&to)
        .status()
        .expect("ffmpeg; run scripts/test");
    assert!(status.success());
    let bytes = std::fs::read(&to).expect("written");
    let at = bytes.windows(4).position(|kind| kind == b"moof").expect("a fragment") - 4;
    let end = bytes.windows(4).position(|kind| kind == b"mfra").map_or(bytes.len(), |at| at - 4);
    (bytes[..at].to_vec(), bytes[at..end].to_vec())
}
