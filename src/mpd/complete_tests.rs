//! What is added stands where the schema wants it, and nothing else changes.

use super::*;
use proptest::prelude::*;

/// With what no editor should touch.
const BARE: &str = r#"<?xml version='1.0'?>
<!-- > made by hand -->
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" x:y='1'  type="dynamic"
     xmlns:x="urn:x">
  <ProgramInformation/>
  <x:Period>not ours</x:Period>
  <Period id="&gt;0" start="PT0S">
    <AdaptationSet><SegmentTemplate media="a>b$Number$" duration="2" />
      <Representation id="1"/>&#xe4;
    </AdaptationSet>
  </Period>
  <SupplementalProperty schemeIdUri="urn:x"></SupplementalProperty>
  <LeapSecondInformation availabilityStartLeapOffset="1"/>
  <x:any/>
</MPD>
<!-- the end -->"#;

fn additions(text: &str) -> Additions {
    let document = Document::parse(text).expect("an MPD");
    let at = document.model().ok().and_then(|mpd| {
        let representation = mpd.representations().next().cloned();
        match representation.map(|found| found.addressing) {
            Some(crate::mpd::Addressing::Template(template)) => Some(template.at),
            _ => None,
        }
    });
    Additions {
        clock: Some(Clock { url: "../ldash/time?a&b".into(), replaces: false }),
        offsets: at.into_iter().map(|at| (at, Some(Duration::from_millis(1967)))).collect(),
        latency: Some(Duration::from_secs(1)),
    }
}

fn completed(text: &str) -> String {
    Document::parse(text).expect("an MPD").complete(&additions(text))
}

#[test]
fn what_is_added_stands_where_the_schema_wants_it() {
    let added = [
        (
            "  <Period id",
            "  <ServiceDescription id=\"0\"><Latency target=\"1000\"/>\
             <PlaybackRate min=\"0.96\" max=\"1.04\"/></ServiceDescription>\n  <Period id",
        ),
        (
            "duration=\"2\" />",
            "duration=\"2\" availabilityTimeOffset=\"1.967\" \
             availabilityTimeComplete=\"false\" />",
        ),
        (
            "</SupplementalProperty>",
            "</SupplementalProperty>\n  <UTCTiming \
             schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" \
             value=\"../ldash/time?a&amp;b\"/>",
        ),
    ];
    let wanted = added.iter().fold(BARE.to_owned(), |text, (old, new)| text.replace(old, new));
    assert_eq!(completed(BARE), wanted);
    let document = Document::parse(&wanted).expect("an MPD");
    let again = Additions { offsets: BTreeMap::new(), ..additions(&wanted) };
    assert_eq!(document.complete(&again), wanted, "once is enough");
}

#[test]
fn an_offset_that_is_there_is_only_said_to_be_of_incomplete_segments() {
    let text =
        "<MPD><SegmentTemplate media='>'\navailabilityTimeOffset='1'></SegmentTemplate></MPD>";
    let offsets = [("<MPD>".len(), None)].into_iter().collect();
    let document = Document::parse(text).expect("an MPD");
    let whole = document.complete(&Additions { offsets, ..Additions::default() });
    assert_eq!(whole, text.replace("'1'", "'1' availabilityTimeComplete=\"false\""));
}

#[test]
fn prefixes_and_byte_order_marks_are_kept() {
    let text = "\u{feff}<d:MPD type=\"dynamic\"><d:Period/></d:MPD>";
    let text = completed(text);
    assert!(text.starts_with("\u{feff}<d:MPD type=\"dynamic\"><d:ServiceDescription id"), "{text}");
    assert!(text.contains("<d:Latency target=\"1000\"/>"), "{text}");
    assert!(text.contains("<d:Period/><d:UTCTiming schemeIdUri"), "{text}");
}

#[test]
fn a_description_without_a_latency_gets_it() {
    let described = |inside: &str| {
        let text = completed(&format!("<MPD>{inside}<Period/></MPD>"));
        let end = text.find("<Period").expect("one");
        text["<MPD>".len()..end].to_owned()
    };
    let latency = "<Latency target=\"1000\"/>";
    let rate = "<PlaybackRate min=\"0.96\" max=\"1.04\"/>";
    assert_eq!(
        described("<ServiceDescription id=\"0\">\n</ServiceDescription>"),
        format!("<ServiceDescription id=\"0\">{latency}{rate}\n</ServiceDescription>")
    );
    assert_eq!(
        described("<ServiceDescription/>"),
        format!("<ServiceDescription>{latency}{rate}</ServiceDescription>")
    );
    let own = "<PlaybackRate max=\"1.1\"/>";
    assert_eq!(
        described(&format!("<ServiceDescription><Scope/>{own}</ServiceDescription>")),
        format!("<ServiceDescription><Scope/>{latency}{own}</ServiceDescription>")
    );
    let told = "<ServiceDescription><Latency target=\"3000\"/></ServiceDescription>";
    assert_eq!(described(told), told);
}

#[test]
fn a_clock_that_is_there_stays_unless_it_is_to_go() {
    let text =
        "<MPD><Period/>\n<UTCTiming value=\"a\"/>\n<UTCTiming value=\"b\"></UTCTiming></MPD>";
    let with = |url: &str, replaces| {
        let clock = Some(Clock { url: url.into(), replaces });
        let document = Document::parse(text).expect("an MPD");
        document.complete(&Additions { clock, ..Additions::default() })
    };
    assert_eq!(with("c", false), text);
    let ours = format!("<UTCTiming schemeIdUri=\"{XSDATE}\" value=\"c\"/>");
    assert_eq!(with("c", true), format!("<MPD><Period/>\n{ours}</MPD>"));
    assert_eq!(with("b", true), "<MPD><Period/>\n<UTCTiming value=\"b\"></UTCTiming></MPD>");
}

#[test]
fn what_is_no_mpd_is_refused() {
    for text in ["", "<a/>", "<MPD>", "<MPD></a>", "no XML"] {
        assert!(Document::parse(text).is_err(), "{text}");
    }
}

/// Whether `whole` is `text` with pieces put in.
fn is_within(text: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    text.chars().all(|wanted| rest.any(|found| found == wanted))
}

proptest! {
    #[test]
    fn nothing_is_lost_whatever_the_mpd(pieces in proptest::collection::vec(0..18_usize, 0..24)) {
        const PIECES: [&str; 18] = [
            "<Period>", "</Period>", "<Period/>", "<AdaptationSet>", "</AdaptationSet>",
            "<SegmentTemplate media='>$Number$' duration='2'/>", "<Representation id='\"'/>",
            "<UTCTiming value='x'/>", "<ServiceDescription>", "</ServiceDescription>",
            "<Latency/>", "<!-- <Period> -->", "<x:Period/>", "\u{e4}&amp;", "<![CDATA[<MPD>]]>",
            "\r\n\t", "<Metrics/>", "<BaseURL>a/</BaseURL>",
        ];
        let inside: String = pieces.iter().map(|at| PIECES[*at]).collect();
        let text = format!("<MPD type='dynamic'>{inside}</MPD>");
        if Document::parse(&text).is_ok() {
            let whole = completed(&text);
            prop_assert!(is_within(&text, &whole), "{} in {}", text, whole);
            prop_assert!(Document::parse(&whole).is_ok(), "{}", whole);
        }
    }

    #[test]
    fn never_panics(text: String) {
        let _ = Document::parse(&text);
        let text = format!("<MPD>{text}</MPD>");
        if let Ok(document) = Document::parse(&text) {
            let _ = document.complete(&additions(&text));
        }
    }
}
