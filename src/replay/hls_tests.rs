//! Playlists that become live ones.

use super::*;
use proptest::prelude::*;
use std::time::UNIX_EPOCH;

const RECORDED: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:4\n\
#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n\
#EXTINF:2.000000,\ns4.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:1999-01-01T00:00:00Z\n\
#EXTINF:1.5,title\ns5.m4s\n#EXT-X-ENDLIST\n";

fn listed(entry: usize, uri: &str, discontinuity: bool) -> Listed {
    Listed { entry, uri: uri.into(), discontinuity, captured: UNIX_EPOCH }
}

#[test]
fn a_live_playlist_lists_what_is_there() {
    let playlist = Playlist::parse(RECORDED).expect("valid").expect("a media playlist");
    assert_eq!(playlist.entries[1].map.as_deref(), Some("init.mp4"));
    assert_eq!(playlist.entries[1].duration, Duration::from_millis(1500));
    let segments = [listed(0, "s4.m4s", false), listed(1, "s5.m4s", false)];
    let made = render(&playlist, Head::default(), segments.iter());
    let wanted = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:2\n\
#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-MAP:URI=\"init.mp4\"\n\
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.000000,\ns4.m4s\n#EXT-X-DISCONTINUITY\n\
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:1.500000,title\ns5.m4s\n";
    assert_eq!(made, wanted);
}

#[test]
fn a_window_keeps_map_and_counts_what_is_gone() {
    let playlist = Playlist::parse(RECORDED).expect("valid").expect("a media playlist");
    let head = Head { gone: 3, discontinuities_gone: 2, ended: true };
    let made = render(&playlist, head, [listed(0, "s7.m4s", true)].iter());
    assert!(made.contains("#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n"), "{made}");
    assert!(made.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init.mp4\"\n"), "{made}");
    assert!(made.ends_with("s7.m4s\n#EXT-X-ENDLIST\n"), "{made}");
}

#[test]
fn refuses_what_it_cannot_replay() {
    assert!(Playlist::parse("#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@0\na.ts\n").is_err());
    assert!(Playlist::parse("<html>").is_err());
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n";
    assert_eq!(Playlist::parse(master), Ok(None));
}

#[test]
fn keys_follow_each_other() {
    let text = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"1\"\n#EXTINF:1,\na.ts\n#EXTINF:1,\nb.ts\n\
#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nc.ts\n";
    let playlist = Playlist::parse(text).expect("valid").expect("a media playlist");
    let states: Vec<_> = playlist.entries.iter().map(|entry| entry.state.concat()).collect();
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"1\"";
    assert_eq!(states, [key, key, "#EXT-X-KEY:METHOD=NONE"]);
}

proptest! {
    #[test]
    fn never_panics(text: String) {
        let _ = Playlist::parse(&format!("#EXTM3U\n{text}"));
    }
}
