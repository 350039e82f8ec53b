//! The shown manifest as text.

use super::*;

const TERMS: Terms =
    Terms { window: Duration::from_secs(10), segment: Duration::from_secs(1), offered: None };

/// As ffmpeg 5.1 writes it, cut short.
fn raw(began: &str, run: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<MPD xsi:schemaLocation=\"x\"\n\
         \ttype=\"dynamic\"\n\tminimumUpdatePeriod=\"PT1S\"\n\tavailabilityStartTime=\"{began}\"\n\
         \tpublishTime=\"{began}\"\n\ttimeShiftBufferDepth=\"PT0.0S\"\n\tminBufferTime=\"PT0.0S\">\n\
         \t<Period id=\"0\" start=\"PT0.0S\">\n\t\t<AdaptationSet id=\"0\" contentType=\"video\">\n\
         \t\t\t<Representation id=\"0\"><SegmentTemplate media=\"{run}-$Number$.m4s\"/>\
         </Representation>\n\t\t</AdaptationSet>\n\
         \t\t<AdaptationSet id=\"1\" contentType=\"audio\">\n\t\t</AdaptationSet>\n\t</Period>\n\
         \t<UTCTiming value=\"../ldash/time\"/>\n</MPD>\n"
    )
}

const FIRST: &str = "2026-01-01T00:00:00.500Z";

fn periods(shown: &str) -> Vec<String> {
    let tags = shown.match_indices("<Period ").map(|(at, _)| &shown[at..]);
    tags.map(|tag| tag[..=tag.find('>').expect("a tag")].to_owned()).collect()
}

#[test]
fn streams_a_first_run_is_one_period_from_zero() {
    let shown = Timeline::default().show(&raw(FIRST, 7), 7, TERMS).expect("shown");
    assert_eq!(periods(&shown), ["<Period id=\"7\" start=\"PT0S\">"]);
    for wanted in [
        "availabilityStartTime=\"2026-01-01T00:00:00.500Z\"",
        "timeShiftBufferDepth=\"PT10S\"",
        "minBufferTime=\"PT1S\"",
        "media=\"7-$Number$.m4s\"",
        "</Period>\n\t\n\t<UTCTiming",
    ] {
        assert!(shown.contains(wanted), "{wanted} in {shown}");
    }
    assert!(!shown.contains("contentType=\"audio\""), "an empty set is left out: {shown}");
    assert!(mpd::outline(&shown).is_ok());
}

#[test]
fn streams_a_restart_is_a_period_on_the_same_timeline() {
    let mut timeline = Timeline::default();
    timeline.show(&raw(FIRST, 7), 7, TERMS).expect("shown");
    timeline.ended(Some(Duration::from_millis(9_750)));
    assert_eq!(timeline.past_run(), Some(7));
    let shown = timeline.show(&raw("2026-01-01T00:00:11.000Z", 8), 8, TERMS).expect("shown");
    assert_eq!(
        periods(&shown),
        [
            "<Period id=\"7\" start=\"PT0S\" duration=\"PT9.75S\">",
            "<Period id=\"8\" start=\"PT10.5S\">"
        ]
    );
    assert!(shown.contains("7-$Number$.m4s") && shown.contains("8-$Number$.m4s"));
    assert!(shown.contains(&format!("availabilityStartTime=\"{FIRST}\"")), "{shown}");
    // When nobody can be in the first one any more, it goes.
    let began = "2026-01-01T00:00:11.000Z";
    let later = raw(began, 8)
        .replace(&format!("publishTime=\"{began}\""), "publishTime=\"2026-01-01T00:00:20.300Z\"");
    let shown = timeline.show(&later.replace("20.300Z", "20.200Z"), 8, TERMS).expect("shown");
    assert_eq!(periods(&shown).len(), 2);
    let shown = timeline.show(&later, 8, TERMS).expect("shown");
    assert_eq!(periods(&shown), ["<Period id=\"8\" start=\"PT10.5S\">"]);
    assert_eq!(timeline.past_run(), None);
    timeline.clear();
    let shown = timeline.show(&raw("2026-01-01T00:01:00.000Z", 10), 10, TERMS).expect("shown");
    assert_eq!(periods(&shown), ["<Period id=\"10\" start=\"PT0S\">"]);
}

#[test]
fn streams_a_run_without_media_leaves_no_period_and_a_clock_set_back_no_overlap() {
    let mut timeline = Timeline::default();
    timeline.show(&raw(FIRST, 7), 7, TERMS).expect("shown");
    timeline.ended(None);
    timeline.show(&raw("2026-01-01T00:00:02.500Z", 8), 8, TERMS).expect("shown");
    timeline.ended(Some(Duration::from_secs(5)));
    let shown = timeline.show(&raw("2026-01-01T00:00:04.500Z", 9), 9, TERMS).expect("shown");
    assert_eq!(
        periods(&shown),
        ["<Period id=\"8\" start=\"PT2S\" duration=\"PT5S\">", "<Period id=\"9\" start=\"PT7S\">"]
    );
}

#[test]
fn streams_a_manifest_that_has_ended_or_is_none_is_not_shown() {
    let ended = raw(FIRST, 7).replace("dynamic", "static");
    for bad in [&*ended, "", "<MPD type=\"dynamic\"", "<MPD \ntype=\"dynamic\" >"] {
        assert_eq!(Timeline::default().show(bad, 7, TERMS), None, "{bad}");
    }
}

#[test]
fn streams_that_the_server_switches_offer_one_picture_and_the_sound() {
    let one = |id: usize| {
        format!("\n\t\t\t<Representation id=\"{id}\"><SegmentTemplate/></Representation>")
    };
    let set = |inside: String| format!("<AdaptationSet id=\"0\">{inside}\n\t\t</AdaptationSet>");
    let contents = set([one(0), one(1), one(2)].concat()) + &set(one(3));
    for representation in 0..3 {
        let kept = without_others(&contents, Offered { representation, pictures: 3 });
        assert_eq!(kept, set(one(representation)) + &set(one(3)));
    }
}
