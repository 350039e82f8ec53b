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

/// As many segments as there are elsewhere, nothing is edited again for them.
#[test]
fn segments_of_other_streams_change_nothing() {
    let library = Library::new(1 << 20, 9);
    let settings = Settings { is_on: true, public_url: None, replaces_clock: false };
    let manifests = Manifests::new(settings, &library);
    let state = (SystemTime::UNIX_EPOCH, Stamp::default());
    let file = library.publish(MediaPath::at_root("x.mpd"), None, TEXT.into(), state, None);
    // Each plan has a list of its own.
    let plan = || {
        manifests.view(&file);
        let shown = manifests.shown();
        shown.get(file.path()).expect("kept").grounds.as_ptr().addr()
    };
    let note = |name| manifests.sightings.note(&MediaPath::at_root(name), &Arrival::default());
    let first = plan();
    note("other-1.m4s");
    note("1.m4s.7");
    assert_eq!(plan(), first, "of another stream");
    note("1.m4s");
    let is_bearing = |shown: &mut Shown| shown.grounds.iter_mut().all(|it| manifests.holds(it));
    let asked = || manifests.shown().get_mut(file.path()).map(is_bearing);
    assert_eq!([asked(), asked()], [Some(false); 2], "whoever asks");
    let second = plan();
    assert_ne!(second, first, "the first of its own");
    note("2.m4s");
    note("3.m4s");
    assert_eq!(plan(), second, "they come as they did");
}

/// After a restart of the server nobody may write the manifest again for minutes.
#[test]
fn an_old_manifest_waits_for_a_segment_that_is_being_written() {
    let library = Library::new(1 << 20, 9);
    let settings = Settings { is_on: true, public_url: None, replaces_clock: false };
    let manifests = Manifests::new(settings, &library);
    let state = (SystemTime::UNIX_EPOCH, Stamp::default());
    let publish = || library.publish(MediaPath::at_root("x.mpd"), None, TEXT.into(), state, None);
    assert_eq!(manifests.view(&publish()).patience, Duration::ZERO, "nobody writes anything");
    let _segment = library.begin(MediaPath::at_root("7.m4s"), None, "bytes".into());
    assert!(manifests.view(&publish()).patience > Duration::ZERO);
}
