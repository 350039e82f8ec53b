//! What is read of MPDs.

use super::*;
use proptest::prelude::*;

fn mpd(inner: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT6S"><Period>{inner}</Period></MPD>"#
    )
}

fn only_template(text: &str) -> Template {
    let mpd = read(text).expect("valid");
    match &mpd.representations().next().expect("one").addressing {
        Addressing::Template(template) => template.clone(),
        list @ Addressing::List { .. } => panic!("{list:?}"),
    }
}

#[test]
fn inherits_from_the_adaptation_set() {
    let text = mpd(r#"<AdaptationSet mimeType="video/mp4"><BaseURL>v/</BaseURL>
        <SegmentTemplate timescale="1000" startNumber="4" media="a"/>
        <Representation id="1" bandwidth="9"><SegmentTemplate duration="2000" media="$Number$.m4s"/></Representation>
        </AdaptationSet>"#);
    let mpd = read(&text).expect("valid");
    let found = mpd.representations().next().expect("one");
    assert_eq!((found.id.as_str(), found.bandwidth), ("1", 9));
    assert_eq!((found.content.as_str(), found.base.as_str()), ("video", "v/"));
    let template = only_template(&text);
    assert_eq!((template.element, template.timescale, template.start_number), (1, 1000, 4));
    assert_eq!((template.media.as_str(), template.timing), ("$Number$.m4s", Timing::Fixed(2000)));
}

#[test]
fn writes_a_timeline_out() {
    let text = mpd(
        r#"<AdaptationSet><SegmentTemplate timescale="10" media="$Time$.m4s"><SegmentTimeline>
        <S t="5" d="10" r="1"/><S d="15"/><S t="45" d="10" r="-1"/></SegmentTimeline></SegmentTemplate>
        <Representation/></AdaptationSet>"#,
    );
    let Timing::Timeline(entries) = only_template(&text).timing else { panic!("no timeline") };
    let times: Vec<_> = entries.iter().map(|entry| (entry.time, entry.duration)).collect();
    assert_eq!(times, [(5, 10), (15, 10), (25, 15), (45, 10), (55, 10)]);
}

/// A few bytes of a manifest that anybody may have written are not to cost megabytes.
#[test]
fn lists_of_segments_are_left_out_where_nobody_asks_for_them() {
    let text = mpd(r#"<AdaptationSet><SegmentTemplate media="$Time$.m4s"><SegmentTimeline>
        <S d="1" r="900000"/></SegmentTimeline></SegmentTemplate><Representation/></AdaptationSet>
        <AdaptationSet><SegmentList duration="1"><SegmentURL media="1"/></SegmentList><Representation/>
        </AdaptationSet>"#);
    let root = tree::parse(&text).expect("XML");
    let mpd = of_tree(&root, Segments::Left).expect("valid");
    let mut found = mpd.representations().map(|found| &found.addressing);
    let template = found.next();
    assert!(
        matches!(template, Some(Addressing::Template(Template { timing: Timing::Timeline(entries), .. })) if entries.is_empty()),
        "{template:?}"
    );
    assert!(matches!(found.next(), Some(Addressing::List { media, .. }) if media.is_empty()));
}

#[test]
fn what_is_copied_for_each_representation_is_bounded() {
    let set = |media: &str, count: usize| {
        let template = format!(r#"<SegmentTemplate duration="1" media="{media}"/>"#);
        mpd(&format!(
            "<AdaptationSet>{template}{}</AdaptationSet>",
            "<Representation/>".repeat(count)
        ))
    };
    assert!(read(&set("a", MAX_REPRESENTATIONS)).is_ok());
    assert!(read(&set("a", MAX_REPRESENTATIONS + 1)).is_err());
    assert!(read(&set(&"a".repeat(MAX_NAME_BYTES + 1), 1)).is_err());
}

#[test]
fn reads_a_segment_list() {
    let text = mpd(
        r#"<AdaptationSet><Representation><SegmentList duration="2"><Initialization sourceURL="i.mp4"/>
        <SegmentURL media="a.m4s"/><SegmentURL media="b.m4s"/></SegmentList></Representation></AdaptationSet>"#,
    );
    let mpd = read(&text).expect("valid");
    let wanted = Addressing::List {
        media: vec!["a.m4s".into(), "b.m4s".into()],
        initialization: Some("i.mp4".into()),
        duration: Some(Duration::from_secs(2)),
    };
    assert_eq!(mpd.representations().next().expect("one").addressing, wanted);
}

#[test]
fn endless_times_are_no_trouble() {
    let inner = "<AdaptationSet><SegmentTemplate media=\"a\" timescale=\"18446744073709551615\">\
                 <SegmentTimeline><S d=\"18446744073709551615\" r=\"-1\"/></SegmentTimeline>\
                 </SegmentTemplate><Representation/></AdaptationSet>";
    let period = format!("<Period duration=\"PT1.8e19S\">{inner}</Period>");
    let read = read(&format!("<MPD>{}</MPD>", period.repeat(3))).expect("valid");
    assert_eq!(read.periods[2].start, Duration::MAX);
}

#[test]
fn says_what_is_wrong() {
    let reason = |text: &str| read(text).expect_err("refused").to_string();
    for no_xml in ["hello", "", "<MPD", "<MPD><Period></MPD>", "<MPD><Period>"] {
        assert!(reason(no_xml).starts_with("it is no XML"), "{no_xml}: {}", reason(no_xml));
    }
    assert_eq!(reason("<html></html>"), "its root element is html, not MPD");
    assert_eq!(reason("<MPD/>"), "it has no Representation");
    let bare = reason(&mpd("<AdaptationSet><Representation id='7'/></AdaptationSet>"));
    assert!(bare.contains("Representation 7 has no segments"), "{bare}");
    let long = r#"<AdaptationSet><SegmentTemplate media="a"><SegmentTimeline><S d="1" r="9000000000"/></SegmentTimeline></SegmentTemplate><Representation/></AdaptationSet>"#;
    assert_eq!(reason(&mpd(long)), "its SegmentTimeline is too long");
    let away = "<BaseURL>http://x/</BaseURL><AdaptationSet/>";
    assert!(reason(&mpd(away)).contains("leads out of the folder"));
}

proptest! {
    #[test]
    fn never_panics(text: String) {
        let _ = read(&text);
        let _ = read(&mpd(&text));
    }
}
