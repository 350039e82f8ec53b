//! Static MPDs that become live ones.

use super::*;
use crate::mpd::{Addressing, Kind, Timing, read};
use std::time::UNIX_EPOCH;

fn live() -> Live {
    Live {
        availability_start: UNIX_EPOCH + Duration::from_millis(1500),
        publish: UNIX_EPOCH + Duration::from_secs(1),
        update_period: Duration::from_secs(2),
        window: Some(Duration::from_secs(30)),
        target_latency: Duration::from_millis(900),
        utc_timing: "/ldash/time".into(),
        ended: None,
        templates: BTreeMap::new(),
    }
}

const STATIC: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<!-- kept --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:q="urn:q"
	type="static" mediaPresentationDuration="PT6S"
	profiles="urn:mpeg:dash:profile:isoff-live:2011">
	<q:Unknown a='1'>&amp; <![CDATA[x]]></q:Unknown>
	<Location>http://elsewhere/</Location><UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="1999"/>
	<Period id="0" start="PT3S" duration="PT6S">
		<AdaptationSet><ProducerReferenceTime id="0"><UTCTiming/></ProducerReferenceTime>
			<SegmentTemplate timescale="10" duration="20" media="$Number$.m4s"></SegmentTemplate>
			<Representation id="1"/>
		</AdaptationSet>
	</Period>
</MPD>
"#;

#[test]
fn says_what_a_low_latency_manifest_has_to_say() {
    let edit = TemplateEdit {
        availability_time_offset: Some(Duration::from_millis(1960)),
        start_number: Some(5),
        ..TemplateEdit::default()
    };
    let live = Live { templates: BTreeMap::from([(0, edit)]), ..live() };
    let made = make_live(STATIC, &live).expect("valid");
    let wanted = r#"<?xml version="1.0" encoding="utf-8"?>
<!-- kept --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:q="urn:q"
	type="dynamic"
	profiles="urn:mpeg:dash:profile:isoff-live:2011" availabilityStartTime="1970-01-01T00:00:01.500Z" publishTime="1970-01-01T00:00:01.000Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT30S">
	<q:Unknown a='1'>&amp; <![CDATA[x]]></q:Unknown>
	
	<ServiceDescription id="0"><Latency target="900"/><PlaybackRate min="0.96" max="1.04"/></ServiceDescription>
	<Period id="0" start="PT0S">
		<AdaptationSet>
			<SegmentTemplate timescale="10" duration="20" media="$Number$.m4s" startNumber="5" availabilityTimeOffset="1.960" availabilityTimeComplete="false"></SegmentTemplate>
			<Representation id="1"/>
		</AdaptationSet>
	</Period>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/ldash/time"/>
</MPD>
"#;
    assert_eq!(made, wanted);
    assert_eq!(read(&made).expect("valid").kind, Kind::Dynamic);
}

#[test]
fn an_ended_one_tells_its_length_and_asks_for_no_update() {
    let live = Live { ended: Some(Duration::from_secs(6)), window: None, ..live() };
    let made = make_live(STATIC, &live).expect("valid");
    assert!(made.contains("mediaPresentationDuration=\"PT6S\""));
    assert!(!made.contains("minimumUpdatePeriod") && !made.contains("timeShiftBufferDepth"));
}

#[test]
fn fills_an_empty_service_description_and_leaves_a_full_one() {
    for empty in
        ["<ServiceDescription id='1'/>", "<ServiceDescription id='1'> </ServiceDescription>"]
    {
        let text = STATIC.replace("<Period", &format!("{empty}<Period"));
        let made = make_live(&text, &live()).expect("valid");
        assert_eq!(made.matches("<Latency target=\"900\"/>").count(), 1, "{made}");
        assert_eq!(made.matches("<ServiceDescription").count(), 1, "{made}");
    }
    let full = "<ServiceDescription><Latency target=\"5\"/></ServiceDescription><Period";
    let made = make_live(&STATIC.replace("<Period", full), &live()).expect("valid");
    assert_eq!(made.matches("<Latency").count(), 1);
}

#[test]
fn replaces_and_removes_timelines() {
    let timeline =
        "<SegmentTimeline>\n<S t=\"0\" d=\"20\" r=\"2\"/></SegmentTimeline></SegmentTemplate>";
    let text = STATIC.replace("</SegmentTemplate>", timeline).replace(" duration=\"20\"", "");
    let entry = |time| Entry { time, duration: 20 };
    let wanted = vec![entry(20), entry(40), entry(70)];
    let with = |timeline, duration| {
        let edit = TemplateEdit { timeline, duration, ..TemplateEdit::default() };
        let live = Live { templates: BTreeMap::from([(0, edit)]), ..live() };
        let made = make_live(&text, &live).expect("valid");
        let mpd = read(&made).expect("valid");
        let addressing = mpd.representations().next().expect("one").addressing.clone();
        let Addressing::Template(template) = addressing else { panic!("no template") };
        (template.timing, template.timescale)
    };
    let replaced = with(TimelineEdit::Replace(wanted.clone()), None);
    assert_eq!(replaced, (Timing::Timeline(wanted), 10));
    assert_eq!(
        with(TimelineEdit::Remove, Some((180_000, 90_000))),
        (Timing::Fixed(180_000), 90_000)
    );
}
