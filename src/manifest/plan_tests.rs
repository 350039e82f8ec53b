//! Which manifests get what.

use super::*;

const ON: Settings = Settings { is_on: true, public_url: None, replaces_clock: false };

/// Segments of two seconds: video in its own template, two audio representations in one.
fn mpd(video: &str) -> String {
    format!(
        "<MPD type=\"dynamic\"><Period><AdaptationSet contentType=\"video\">\
         <Representation id=\"v\">{video}</Representation></AdaptationSet>\
         <AdaptationSet contentType=\"audio\"><SegmentTemplate media=\"$RepresentationID$-\
         $Number$.m4s\" initialization=\"i-$RepresentationID$.mp4\" duration=\"2\"/>\
         <Representation id=\"a\"/><Representation id=\"b\"/></AdaptationSet></Period></MPD>"
    )
}

const NUMBERED: &str = "<SegmentTemplate media=\"v/$Number%03d$.m4s\" duration=\"2\"/>";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The plan, if these are the verdicts on the segments `v/001.m4s`, `a-1.m4s` and `b-1.m4s`.
fn planned(text: &str, verdicts: [Option<Verdict>; 3]) -> Plan {
    let manifest = MediaPath::at_root("live/x.mpd");
    let judge = |series: &Series<'_>| {
        let paths = ["live/v/001.m4s", "live/a-1.m4s", "live/b-1.m4s"].map(MediaPath::at_root);
        verdicts[paths.iter().position(|path| series.holds(path)).expect("one of them")]
    };
    let document = Document::parse(text).expect("an MPD");
    plan(&manifest, &document, &ON, judge, &Chunks::new())
}

fn chunks(length: u64) -> Option<Verdict> {
    Some(Verdict::Chunks(millis(length)))
}

fn offsets(plan: &Plan) -> Vec<Duration> {
    plan.additions.offsets.values().copied().flatten().collect()
}

#[test]
fn offsets_are_segment_less_chunk_and_the_latest_of_those_that_share() {
    let plan = planned(&mpd(NUMBERED), [chunks(40), chunks(22), chunks(100)]);
    assert_eq!(offsets(&plan), [millis(1960), millis(1900)]);
    assert_eq!(plan.additions.latency, Some(millis(1000)));
    assert_eq!(plan.missing, None);
    let plan = planned(&mpd(NUMBERED), [chunks(500), chunks(22), chunks(22)]);
    assert_eq!(plan.additions.latency, Some(millis(1500)), "three chunks");
}

#[test]
fn what_comes_as_a_whole_gets_neither_offset_nor_latency() {
    let whole = Some(Verdict::Whole);
    let plan = planned(&mpd(NUMBERED), [chunks(40), chunks(22), whole]);
    assert_eq!(offsets(&plan), [millis(1960)], "one of the audio is not early");
    assert_eq!(plan.additions.latency, None);
    let plan = planned(&mpd(NUMBERED), [chunks(1900), whole, whole]);
    assert!(offsets(&plan).is_empty(), "a chunk that is nearly all");
    assert_eq!(plan.additions.clock.expect("one").url, "../ldash/time");
}

#[test]
fn what_was_not_seen_is_missing() {
    let plan = planned(&mpd(NUMBERED), [chunks(40), None, chunks(22)]);
    assert_eq!(plan.missing, Some(millis(2000)));
    assert_eq!(offsets(&plan), [millis(1960)]);
}

#[test]
fn texts_and_pages_of_pictures_are_not_waited_for() {
    for content in ["text", "image", "application"] {
        let other = format!(
            "</Representation></AdaptationSet><AdaptationSet contentType=\"{content}\">\
             <Representation id=\"t\"><SegmentTemplate media=\"t/$Number$.x\" duration=\"99\"/>"
        );
        let text = mpd(&format!("{NUMBERED}{other}"));
        let document = Document::parse(&text).expect("an MPD");
        let other = MediaPath::at_root("live/t/1.x");
        let judge = |series: &Series<'_>| chunks(40).filter(|_| !series.holds(&other));
        let plan = plan(&MediaPath::at_root("live/x.mpd"), &document, &ON, judge, &Chunks::new());
        assert_eq!((plan.missing, plan.additions.latency), (None, Some(millis(1000))), "{content}");
    }
}

#[test]
fn endless_segments_are_no_trouble() {
    let endless = NUMBERED.replace("duration=\"2\"", &format!("duration=\"{}\"", u64::MAX));
    let plan = planned(&mpd(&endless), [chunks(40), chunks(22), chunks(22)]);
    assert_eq!(offsets(&plan).len(), 2);
    let said = "availabilityTimeOffset=\"1\" availabilityTimeComplete=\"false\"/>";
    let plan =
        planned(&mpd(&endless.replace("/>", &format!(" {said}"))), [None, chunks(9), chunks(9)]);
    assert_eq!(plan.additions.latency, Some(Duration::from_secs(u64::MAX - 1).saturating_mul(3)));
}

#[test]
fn what_the_packager_says_stands() {
    let said = |attributes: &str| mpd(&NUMBERED.replace("/>", &format!(" {attributes}/>")));
    let early = said("availabilityTimeOffset=\"1.5\" availabilityTimeComplete=\"false\"");
    let plan = planned(&early, [None, chunks(22), chunks(22)]);
    assert_eq!((offsets(&plan).len(), plan.missing), (1, None));
    assert_eq!(plan.additions.latency, Some(millis(1500)), "chunks of half a second");
    let plan = planned(&said("availabilityTimeOffset=\"INF\""), [None, chunks(22), chunks(22)]);
    assert_eq!(plan.additions.latency, None, "all is there");
    let half = said("availabilityTimeOffset=\"1.8\"");
    let plan = planned(&half, [chunks(200), chunks(22), chunks(22)]);
    let first = plan.additions.offsets.values().next();
    assert_eq!(first, Some(&None), "only that segments are incomplete");
    assert_eq!(plan.additions.latency, Some(millis(1000)));
    let plan = planned(&half, [Some(Verdict::Whole), chunks(22), chunks(22)]);
    assert_eq!((offsets(&plan).len(), plan.additions.latency), (1, None));
    let plan = planned(&said("availabilityTimeComplete=\"true\""), [None, chunks(9), chunks(9)]);
    assert_eq!(offsets(&plan).len(), 1);
}

#[test]
fn a_timeline_lists_what_is_there_already() {
    let listed = "<SegmentTemplate media=\"v/$Number%03d$.m4s\"><SegmentTimeline><S d=\"2\"/>\
                  </SegmentTimeline></SegmentTemplate>";
    let plan = planned(&mpd(listed), [None, chunks(22), chunks(22)]);
    assert_eq!((offsets(&plan).len(), plan.missing, plan.additions.latency), (1, None, None));
}

#[test]
fn chunks_only_get_longer() {
    let manifest = MediaPath::at_root("x.mpd");
    let text = mpd(NUMBERED);
    let document = Document::parse(&text).expect("an MPD");
    let with =
        |length, before: &Chunks| plan(&manifest, &document, &ON, |_| chunks(length), before);
    let first = with(100, &Chunks::new());
    let second = with(40, &first.chunks);
    assert_eq!(offsets(&second), [millis(1900); 2]);
    assert_eq!(second.chunks, first.chunks);
}

#[test]
fn inits_are_found() {
    let (manifest, text) = (MediaPath::at_root("live/x.mpd"), mpd(NUMBERED));
    let mpd = Document::parse(&text).expect("an MPD").model().expect("known");
    let inits: Vec<_> = wanting(&manifest, &mpd).iter().map(Series::init).collect();
    let named = |name| Some(MediaPath::at_root(name));
    assert_eq!(inits, [None, named("live/i-a.mp4"), named("live/i-b.mp4")]);
}
