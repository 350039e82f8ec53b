//! Waiting and waking: the contract's heading "Holding", without disk or sockets.

use super::*;
use futures::FutureExt;

const STAMPED: (SystemTime, Stamp) = (SystemTime::UNIX_EPOCH, Stamp([0; 4]));

fn path(name: &'static str) -> MediaPath {
    MediaPath::at_root(name)
}

#[tokio::test]
async fn holding_only_those_who_wait_for_the_name_are_woken() {
    let library = Library::new(1 << 20, 10);
    let mut mine = library.wait(path("1.m4s")).expect("few wait");
    let mut other = library.wait(path("2.m4s")).expect("few wait");
    assert!(mine.until(|_| true).now_or_never().is_none());
    assert!(other.until(|_| true).now_or_never().is_none());
    let file = library.publish(path("1.m4s"), None, Bytes::from_static(b"x"), STAMPED, None);
    assert!(Arc::ptr_eq(&mine.until(|_| true).await.expect("it is there"), &file));
    assert!(other.until(|_| true).now_or_never().is_none());
}

#[test]
fn holding_a_client_that_leaves_frees_its_place() {
    let library = Library::new(1 << 20, 2);
    let waits: Vec<_> = (0..2).filter_map(|_| library.wait(path("1.m4s")).ok()).collect();
    assert_eq!(library.wait(path("2.m4s")).err(), Some(TooMany));
    drop(waits);
    assert_eq!(
        (library.waiting(), library.shelf().entries.len()),
        (0, 0),
        "nothing is left behind"
    );
    assert!(library.wait(path("2.m4s")).is_ok());
}

#[tokio::test]
async fn holding_names_that_never_come_leave_nothing_behind() {
    let library = Library::new(1 << 20, 20_000);
    for round in 0..10_000 {
        let path = MediaPath::at_root("x").join(&format!("{round}.m4s"));
        let mut wait = library.wait(path).expect("one waits");
        assert!(wait.until(|_| true).now_or_never().is_none());
    }
    assert_eq!(library.shelf().entries.len(), 0);
}

#[tokio::test]
async fn holding_for_what_is_too_large_looks_again() {
    let library = Library::new(1 << 20, 10);
    let mut wait = library.wait(path("1.m4s")).expect("few wait");
    library.nudge(&path("1.m4s"));
    assert_eq!(wait.until(|_| true).now_or_never().map(|file| file.is_none()), Some(true));
    assert!(wait.until(|_| true).now_or_never().is_none(), "once for each nudge");
}

#[test]
fn holding_for_what_one_has_not_found_others_do_not_look() {
    let library = Library::new(1 << 20, 10);
    let name = path("1.m4s");
    library.note_absent(&name);
    let wait = || library.wait(name.clone()).expect("few wait");
    let first = wait();
    assert!(!first.is_known_absent(), "nobody waited for what would have come");
    for told in [Library::nudge, Library::doubt] {
        library.note_absent(&name);
        assert!(wait().is_known_absent());
        told(&library, &name);
        assert!(!wait().is_known_absent());
    }
    library.note_absent(&name);
    let file = library.publish(name.clone(), None, Bytes::from_static(b"x"), STAMPED, None);
    assert!(!wait().is_known_absent());
    library.forget_file(&file);
    assert!(!wait().is_known_absent());
    library.note_absent(&name);
    drop(first);
    assert!(!wait().is_known_absent(), "nobody waited meanwhile");
}

#[test]
fn holding_for_what_came_while_one_looked_others_look() {
    let library = Library::new(1 << 20, 10);
    let name = path("1.m4s");
    let wait = || library.wait(name.clone()).expect("few wait");
    let first = wait();
    library.nudge(&name);
    first.note_absent();
    assert!(!wait().is_known_absent(), "it was too large to be put here");
    wait().note_absent();
    assert!(wait().is_known_absent());
}

#[tokio::test]
async fn holding_a_manifest_until_its_tag_has_changed() {
    let library = Library::new(1 << 20, 10);
    let manifest = path("x.mpd");
    let old = library.publish(manifest.clone(), None, Bytes::from_static(b"old"), STAMPED, None);
    let old_tag = old.finished().map(|finished| finished.tag);
    let mut wait = library.wait(manifest.clone()).expect("few wait");
    let changed = |file: &File| file.finished().map(|finished| finished.tag) != old_tag;
    assert!(wait.until(changed).now_or_never().is_none());
    library.publish(manifest.clone(), None, Bytes::from_static(b"old"), STAMPED, None);
    assert!(wait.until(changed).now_or_never().is_none(), "the same bytes have the same tag");
    library.publish(manifest, None, Bytes::from_static(b"new"), STAMPED, None);
    assert!(wait.until(changed).now_or_never().is_some());
}

#[test]
fn limits_memory_evicts_what_nobody_asked_for_first() {
    struct Nothing;
    impl Source for Nothing {
        fn read_at(&self, _: u64, _: usize) -> std::io::Result<Bytes> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }
    let library = Library::new(20_000, 10);
    let publish = |name| {
        let bytes = Bytes::from(vec![0; 3000]);
        library.publish(path(name), Some(Arc::new(Nothing)), bytes, STAMPED, None)
    };
    for name in ["1.m4s", "2.m4s", "3.m4s", "4.m4s"] {
        publish(name).take_touched();
    }
    library.current(&path("1.m4s")).map(|file| file.whole());
    publish("5.m4s");
    publish("6.m4s");
    assert!(library.current(&path("1.m4s")).is_some(), "it was asked for");
    assert!(library.current(&path("2.m4s")).is_none(), "it was not");
    assert!(library.memory_bytes() <= 20_000);
}
