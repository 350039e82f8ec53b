//! Live playlists as packagers write them.

use super::*;

/// ffmpeg's.
const FFMPEG: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.000000,\nlive41.m4s\n\
    #EXTINF:2.000000,\nlive42.m4s\n";

/// One with parts, two of which are of the segment that is written.
const PARTS: &str = "#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n\
    #EXT-X-SERVER-CONTROL:HOLD-BACK=6.0,CAN-BLOCK-RELOAD=NO\r\n\
    #EXT-X-PART-INF:PART-TARGET=0.3334\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n\
    #EXT-X-PART:DURATION=0.3334,URI=\"1.m4s.1\"\r\n#EXTINF:2,\r\n1.m4s\r\n\
    #EXT-X-PART:DURATION=0.3334,URI=\"2.m4s.1\"\r\n#EXT-X-PART:DURATION=0.3334,URI=\"2.m4s.2\"\r\n";

#[test]
fn an_edge_is_where_the_last_segment_ends() {
    let live = Live::read(FFMPEG).expect("a live one");
    let edge = Edge { next: 43, ..Edge::default() };
    assert_eq!(live, Live { target: Duration::from_secs(2), edge, blocks: false });
    let live = Live::read(PARTS).expect("a live one");
    let part_target = Some(Duration::from_nanos(333_400_000));
    assert_eq!(live.edge, Edge { next: 2, last_parts: 1, open_parts: 2, part_target });
}

#[test]
fn what_is_not_live_is_left_alone() {
    let live = |from: &str, to: &str| announced(&FFMPEG.replace(from, to)).is_some();
    assert!(live("", "") && live("VERSION:7", "PLAYLIST-TYPE:EVENT"));
    assert!(!live("VERSION:7", "PLAYLIST-TYPE:VOD"));
    assert!(!live("#EXTINF:2.000000,\nlive42", "#EXT-X-ENDLIST\n#EXTINF:2.000000,\nlive42"));
    assert!(!live("VERSION:7", "STREAM-INF:BANDWIDTH=1\nx.m3u8"));
    assert!(!live("VERSION:7", "SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"));
    assert!(!live("#EXT-X-TARGETDURATION:2\n", ""));
    assert!(!live("DURATION:2", "DURATION:0") && !live("DURATION:2", "DURATION:86400"));
    assert!(!live("#EXTM3U", "#"));
}

#[test]
fn one_line_is_added() {
    let line = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n";
    let wanted = FFMPEG.replace("DURATION:2\n", &format!("DURATION:2\n{line}"));
    assert_eq!(announced(FFMPEG), Some(wanted));
}

#[test]
fn one_line_is_changed() {
    let wanted = PARTS.replace(
        "HOLD-BACK=6.0,CAN-BLOCK-RELOAD=NO",
        "CAN-BLOCK-RELOAD=YES,HOLD-BACK=6.0,PART-HOLD-BACK=1.001",
    );
    assert_eq!(announced(PARTS), Some(wanted));
}

#[test]
fn a_line_without_an_end_is_ended() {
    for end in ["", "\r", "\r\r"] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2{end}");
        let new = announced(&text).expect("a live one");
        assert_eq!(Live::read(&new).map(|live| live.blocks), Some(true), "{new:?}");
    }
}

#[test]
fn what_is_too_odd_to_be_edited_is_left_alone() {
    let odd = "#EXT-X-SERVER-CONTROL:A=\",CAN-BLOCK-RELOAD =NO\n";
    let text = FFMPEG.replace("#EXT-X-VERSION:7\n", odd);
    let new = announced(&text);
    assert!(new.is_none_or(|new| Live::read(&new).is_some_and(|live| live.blocks)));
}

#[test]
fn holding_of_a_playlist_whose_parts_are_endless_knows_no_parts() {
    for target in ["18446477403709551615", "1e300", "-1", "0", "inf", "NaN"] {
        let text = PARTS.replace("0.3334", target);
        assert_eq!(Live::read(&text).expect("live").edge.part_target, None, "{target}");
        assert!(announced(&text).is_some(), "{target}");
    }
}
