//! ffmpeg and shaka packager write playlists; clients wait for each segment by name.

use super::packager::Packager;
use crate::{
    ffmpeg::Ffmpeg,
    helpers::{Server, get},
    ingest_packagers::shaka,
};
use std::{fs, net::SocketAddr, thread};

/// What a client has seen of a playlist.
struct Seen {
    /// Reloads that were answered with what they waited for.
    blocked: u64,
    /// The last text.
    text: String,
}

/// Asks for each next segment before it is listed, until the playlist ends, or so many have come.
fn follow(address: SocketAddr, path: &str, most: u64) -> Seen {
    let (mut seen, mut next) = (Seen { blocked: 0, text: String::new() }, None);
    loop {
        let query = next.map(|msn| format!("?_HLS_msn={msn}")).unwrap_or_default();
        let mut response = get(address, &format!("{path}{query}"));
        let text = response.text();
        assert_eq!(response.status, 200, "{path}{query}: {text}");
        let tag = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let first: u64 =
            tag("#EXT-X-MEDIA-SEQUENCE:").and_then(|first| first.parse().ok()).unwrap_or(0);
        let segments = text.lines().filter(|line| !line.starts_with('#')).count() as u64;
        let is_ended = text.contains("#EXT-X-ENDLIST");
        let last = first + segments;
        if let Some(msn) = next {
            assert!(last > msn || is_ended, "{path}{query} without it: {text}");
            seen.blocked += u64::from(last > msn);
        }
        if is_ended || seen.blocked >= most {
            return Seen { text, ..seen };
        }
        assert!(text.contains("CAN-BLOCK-RELOAD=YES"), "{text}");
        // What is listed is there.
        if let Some(name) = text.lines().rfind(|line| !line.starts_with('#')) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut segment = get(address, &format!("{folder}/{name}"));
            assert_eq!(segment.status, 200);
            assert!(!segment.body().is_empty());
        }
        next = Some(last);
    }
}

#[test]
fn written_playlists_of_ffmpeg_are_followed_segment_by_segment() {
    for muxer in [
        &["-f=hls", "-hls_time=1", "-hls_list_size=3"][..],
        &["-f=hls", "-hls_time=1", "-hls_segment_type=fmp4", "-hls_flags=temp_file"],
    ] {
        let server = Server::start(&[]);
        let address = server.address;
        let client = thread::spawn(move || follow(address, "/live.m3u8", u64::MAX));
        let ffmpeg = Ffmpeg::start(server.path("live.m3u8"), muxer);
        let seen = client.join().expect("it ends");
        ffmpeg.exit();
        assert!(seen.blocked >= 2, "{muxer:?}: {} reloads", seen.blocked);
        let left = fs::read_to_string(server.path("live.m3u8")).expect("text");
        assert_eq!(seen.text, left);
    }
}

#[test]
fn written_playlists_of_shaka_packager_are_followed_segment_by_segment() {
    let Some(shaka) = shaka() else { return };
    let server = Server::start(&[]);
    fs::create_dir(server.path("tv")).expect("made");
    let to = server.path("tv").display().to_string();
    let stream = format!("stream=video,segment_template={to}/v$Number$.ts,playlist_name=v.m3u8");
    let options =
        ["--segment_duration=1", "--hls_playlist_type=LIVE", "--hls_master_playlist_output"];
    let _packager = Packager::start(shaka, &stream, &options, &format!("{to}/main.m3u8"));
    let seen = follow(server.address, "/tv/v.m3u8", 2);
    assert_eq!(seen.blocked, 2);
    let main = server.get("/tv/main.m3u8").text();
    let left = fs::read_to_string(server.path("tv/main.m3u8")).expect("text");
    assert!(main == left && main.contains("v.m3u8"), "{main}");
}
