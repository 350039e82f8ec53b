//! The text of multivariant playlists.

use super::*;
use crate::live::MediaPath;

fn plan(sets: &[(&str, &[&str])]) -> Plan {
    let mut inner = String::new();
    for (attributes, representations) in sets {
        inner += &format!(
            r#"<AdaptationSet {attributes}><SegmentTemplate media="$RepresentationID$-$Number$.m4s"
            initialization="$RepresentationID$.mp4" duration="2"/>"#
        );
        for one in *representations {
            inner += &format!("<Representation {one}/>");
        }
        inner += "</AdaptationSet>";
    }
    let text = format!(r#"<MPD type="dynamic"><Period>{inner}</Period></MPD>"#);
    Plan::read(&text, &MediaPath::at_root("x.mpd")).expect("good")
}

const VIDEO: (&str, &[&str]) = (
    r#"contentType="video" frameRate="30000/1001""#,
    &[
        r#"id="hi" bandwidth="800000" codecs="avc1.64001f" width="1280" height="720""#,
        r#"id="lo" bandwidth="200000" codecs="avc1.64000d" width="320" height="180""#,
    ],
);

#[test]
fn video_with_audio_in_two_languages() {
    let audio = |lang, id| {
        (
            format!("contentType='audio' lang='{lang}'"),
            format!("id='{id}' bandwidth='64000' codecs='mp4a.40.2'"),
        )
    };
    let (en, de) = (audio("en", "a1"), audio("de", "a2"));
    let plan = plan(&[VIDEO, (&en.0, &[&en.1]), (&de.0, &[&de.1])]);
    let wanted = r#"#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio0",NAME="en 1",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="a1.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio0",NAME="de 2",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,URI="a2.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=864000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio0"
hi.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=264000,CODECS="avc1.64000d,mp4a.40.2",RESOLUTION=320x180,FRAME-RATE=29.970,AUDIO="audio0"
lo.m3u8
"#;
    assert_eq!(render(&plan, true, &[0; 4]), wanted);
}

#[test]
fn each_quality_of_the_sound_is_a_group() {
    let audio =
        ("contentType='audio'", &["id='a1' bandwidth='64000'", "id='a2' bandwidth='128000'"][..]);
    let text = render(&plan(&[VIDEO, audio]), false, &[0; 4]);
    assert!(
        text.contains(
            r#"GROUP-ID="audio0",NAME="audio 1",DEFAULT=YES,AUTOSELECT=YES,URI="a2.m3u8""#
        ),
        "{text}"
    );
    assert!(
        text.contains(
            r#"GROUP-ID="audio1",NAME="audio 1",DEFAULT=YES,AUTOSELECT=YES,URI="a1.m3u8""#
        ),
        "{text}"
    );
    assert_eq!(text.matches("#EXT-X-STREAM-INF").count(), 4);
    assert!(
        !text.contains("CODECS") && !text.contains("INDEPENDENT"),
        "half a list is a false one: {text}"
    );
}

#[test]
fn sound_alone_and_pictures_alone() {
    let audio = ("contentType='audio'", &["id='a' bandwidth='64000' codecs='mp4a.40.2'"][..]);
    let text = render(&plan(&[audio]), false, &[0]);
    assert!(
        text.ends_with("#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\na.m3u8\n"),
        "{text}"
    );
    let text = render(&plan(&[VIDEO]), false, &[0; 2]);
    assert!(!text.contains("AUDIO") && text.contains("BANDWIDTH=800000,"), "{text}");
}

#[test]
fn what_the_mpd_does_not_tell_is_measured() {
    let text = render(&plan(&[("contentType='video'", &["id='v'"])]), false, &[123_456]);
    assert!(text.contains("BANDWIDTH=123456\n"), "{text}");
}

#[test]
fn names_cannot_break_out_of_their_quotes() {
    let evil =
        ("contentType='audio' lang='a&quot;,X=&quot;&#10;#EXT'", &["id='a' bandwidth='1'"][..]);
    let text = render(&plan(&[VIDEO, evil]), false, &[0; 3]);
    assert!(text.contains(r#"LANGUAGE="a,X=#EXT""#), "{text}");
}
