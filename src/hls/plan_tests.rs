//! What is read of MPDs, and what is said of those that lack something.

use super::*;

fn mpd(inner: &str) -> String {
    format!(
        r#"<MPD type="dynamic" availabilityStartTime="1970-01-01T00:01:00Z" timeShiftBufferDepth="PT30S">
        <Period start="PT5S">{inner}</Period></MPD>"#
    )
}

fn read(inner: &str) -> Result<Plan, Refusal> {
    Plan::read(&mpd(inner), &MediaPath::at_root("tv").join("live.mpd"))
}

fn set(template: &str) -> String {
    format!(
        r#"<AdaptationSet contentType="video"><SegmentTemplate {template}/>
        <Representation id="v1" codecs="avc1" width="640" height="360"/></AdaptationSet>"#
    )
}

const NUMBERED: &str =
    r#"media="$RepresentationID$/$Number%05d$.m4s" initialization="$RepresentationID$/i.mp4""#;

#[test]
fn names_become_paths() {
    let plan = read(&set(&format!("{NUMBERED} timescale='1000' duration='1920'"))).expect("good");
    let one = &plan.renditions[0];
    assert_eq!((one.name.as_str(), one.init.as_str()), ("v1", "tv/v1/i.mp4"));
    let path = one.path(7).expect("a path");
    assert_eq!((path.as_str(), one.value(&path)), ("tv/v1/00007.m4s", Some(7)));
    assert_eq!(one.value(&one.path(0).expect("a path")), None, "below startNumber");
    assert_eq!(one.nominal(), Duration::from_millis(1920));
    assert_eq!(plan.start, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(65)));
    assert_eq!((plan.is_static, plan.window), (false, Duration::from_secs(30)));
}

#[test]
fn numbers_come_from_names_or_from_times() {
    let timed = r#"media="$Time$.m4s" initialization="i.mp4" timescale="1000" duration="2000""#;
    let plan = read(&set(timed)).expect("good");
    let numbers = [0, 2000, 3990, 6010].map(|time| plan.renditions[0].number(time));
    assert_eq!(numbers, [1, 2, 3, 4]);
    let plan = read(&set(&format!("{NUMBERED} duration='2' startNumber='0'"))).expect("good");
    assert_eq!(plan.renditions[0].number(0), 1, "a player that begins with 0 stalls");
    let plan = read(&set(&format!("{NUMBERED} duration='2'"))).expect("good");
    assert_eq!(plan.renditions[0].number(12), 12);
}

#[test]
fn says_what_is_missing() {
    let reason = |inner: &str| read(inner).expect_err("refused").0;
    for (template, wanted) in [
        (r#"media="$Number$.m4s" duration="2""#, "its Representation v1 has no init"),
        (
            r#"media="a.m4s" initialization="i" duration="2""#,
            "its Representation v1 has neither $Number$ nor $Time$ in its names",
        ),
        (
            r#"media="$Number$" initialization="../i" duration="2""#,
            "its Representation v1 has names that lead out of the folder",
        ),
        (
            r#"media="$Number$" initialization="i""#,
            "a SegmentTemplate has no duration and no SegmentTimeline",
        ),
    ] {
        assert_eq!(reason(&set(template)), wanted);
    }
    let text = r#"<AdaptationSet contentType="text"><SegmentTemplate media="$Number$" initialization="i" duration="2"/>
        <Representation id="t"/></AdaptationSet>"#;
    assert_eq!(reason(text), "it has neither video nor audio");
    let bare = r#"<AdaptationSet><Representation id="7"/></AdaptationSet>"#;
    assert!(reason(bare).contains("Representation 7 has no segments"));
    let path = MediaPath::at_root("x.mpd");
    assert!(Plan::read("hello", &path).expect_err("refused").0.starts_with("it is no XML"));
}

#[test]
fn names_in_urls_are_identifiers_where_they_can_be() {
    let named = |ids: [&str; 2]| {
        let sets = ids.map(|id| {
            set(&format!("{NUMBERED} duration='2'")).replace("\"v1\"", &format!("\"{id}\""))
        });
        let plan = read(&sets.concat()).expect("good");
        plan.renditions.iter().map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(["0", "a-1"]), ["0", "a-1"]);
    assert_eq!(named(["0", "0"]), ["r0", "r1"]);
    assert_eq!(named(["a b", "main"]), ["r0", "r1"]);
}

#[test]
fn a_packager_that_was_started_anew_is_told_by_its_clock() {
    let text = mpd(&set(&format!("{NUMBERED} duration='2'")));
    let path = MediaPath::at_root("x.mpd");
    let before = Plan::read(&text, &path).expect("good");
    let again = Plan::read(&text.replace("00:01:00", "00:02:00"), &path).expect("good");
    assert!(before.continues(&before) && !again.continues(&before));
    assert!(again.has_renditions_of(&before));
}
