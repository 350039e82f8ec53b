//! What is shown while more is seen.

use super::{growth::Arrival, *};
use crate::live::Stamp;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

const TEXT: &str = "<MPD type=\"dynamic\"><Period><AdaptationSet contentType=\"video\">\
    <SegmentTemplate media=\"$Number$.m4s\" duration=\"2\"/><Representation id=\"v\"/>\
    </AdaptationSet></Period></MPD>";

#[test]
fn what_is_seen_while_a_manifest_is_edited_does_not_leave_it_bare() {
    let library = Library::new(1 << 20, 9);
    let settings = Settings { is_on: true, public_url: None, replaces_clock: false };
    let manifests = Manifests::new(settings, &library);
    let state = (SystemTime::UNIX_EPOCH, Stamp::default());
    let path = MediaPath::at_root("x.mpd");
    let file = library.publish(path, None, TEXT.into(), state, None);
    let (segment, is_over) = (MediaPath::at_root("1.m4s"), AtomicBool::new(false));
    let shown: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                manifests.sightings.note(&segment, &Arrival::default());
            }
        });
        let shown = (0..1000).filter_map(|_| manifests.view(&file).file.whole()).collect();
        is_over.store(true, Ordering::Relaxed);
        shown
    });
    let is_edited = |text: &bytes::Bytes| String::from_utf8_lossy(text).contains("UTCTiming");
    assert_eq!(shown.iter().filter(|text| is_edited(text)).count(), 1000);
}
