//! What an encoder wrote goes, and nothing else.

use super::*;
use crate::cmaf::testing::{chunk, init, moof};
use tempfile::TempDir;

const RUN: u64 = 1_795_281_000_123;

fn workspace(source: Source) -> (TempDir, Workspace) {
    let root = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new(root.path(), "cam", source);
    (root, workspace)
}

fn put(workspace: &Workspace, name: &str, bytes: &[u8]) {
    let path = workspace.folder().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
}

fn names(workspace: &Workspace) -> Vec<String> {
    let files = workspace.files(MAX_OTHERS).expect("readable");
    files.iter().map(|path| path.to_str().expect("text").to_owned()).collect()
}

#[test]
fn streams_a_folder_that_was_made_for_one_goes_with_it() {
    let (root, mut workspace) = workspace(Source::Test);
    workspace.open().expect("made");
    workspace.open().expect("twice is once");
    put(&workspace, &format!("{RUN}-0-00001.m4s"), b"x");
    put(&workspace, &format!("{RUN}-init-0.m4s"), b"x");
    workspace.publish("<MPD/>").expect("shown");
    workspace.empty().expect("emptied");
    assert_eq!(fs::read_dir(root.path()).expect("there").count(), 0);
}

#[test]
fn streams_what_others_wrote_stays() {
    for source in [Source::Test, Source::Command] {
        let (root, mut workspace) = workspace(source);
        let theirs = ["notes.txt", "0-00001.m4s", "old/1795281000-x.m4s"];
        theirs.iter().for_each(|name| put(&workspace, name, b"theirs"));
        workspace.open().expect("there");
        put(&workspace, &format!("{RUN}-0-00001.m4s"), b"x");
        put(&workspace, &format!("{RUN}-0-00002.m4s.tmp"), b"x");
        put(&workspace, ".manifest.mpd", b"x");
        if source == Source::Command {
            put(&workspace, "deep/er/1.ts", b"x");
        }
        // The server is killed, and started again.
        let mut next = Workspace::new(root.path(), "cam", source);
        next.recover().expect("emptied");
        assert_eq!(names(&next), ["0-00001.m4s", "notes.txt", "old/1795281000-x.m4s"]);
        assert!(!next.folder().join("deep").exists());
    }
}

#[test]
fn streams_a_folder_with_anothers_manifest_is_not_taken() {
    let (_root, mut workspace) = workspace(Source::Test);
    put(&workspace, MANIFEST, b"theirs");
    let error = workspace.open().expect_err("it is theirs").to_string();
    assert!(error.contains("somebody else's"), "{error}");
    workspace.empty().expect("nothing to do");
    assert_eq!(names(&workspace), [MANIFEST]);
}

#[cfg(unix)]
#[test]
fn streams_a_link_is_no_folder() {
    let (root, mut workspace) = workspace(Source::Test);
    std::os::unix::fs::symlink("/", root.path().join("cam")).expect("a link");
    assert!(workspace.open().is_err());
}

/// A name, the chunks' times, and how many bytes of the end are missing.
type Segment<'a> = (&'a str, &'a [u64], usize);

/// A track of 1000 ticks a second, whose chunks have two samples of 100.
fn track(workspace: &Workspace, track: &str, names: &[Segment<'_>]) {
    put(workspace, &format!("{RUN}-init-{track}.m4s"), &init(1, 1000, *b"vide", 100));
    for (name, times, torn) in names {
        let chunks = times.iter().map(|time| chunk(&moof(1, 1, *time, &[9, 9], None), &[9, 9]));
        let bytes: Vec<u8> = chunks.flatten().collect();
        put(workspace, &format!("{RUN}-{track}-{name}"), &bytes[..bytes.len() - torn]);
    }
}

fn finished(tracks: &[(&str, &[Segment<'_>])]) -> (Option<u128>, Vec<String>) {
    let (_root, mut workspace) = workspace(Source::Test);
    workspace.open().expect("made");
    for (name, files) in tracks {
        track(&workspace, name, files);
    }
    let end = workspace.finish(RUN).map(|end| end.as_millis());
    let segments = names(&workspace).into_iter().filter(|name| track_of(name, RUN).is_some());
    let prefix = format!("{RUN}-");
    (end, segments.map(|name| name.trim_start_matches(&prefix).to_owned()).collect())
}

#[test]
fn streams_a_half_segment_becomes_a_whole_shorter_one() {
    let whole = ("00001.m4s", &[0, 200][..], 0);
    let video = [whole, ("00002.m4s.tmp", &[400, 600], 0)];
    let audio = [whole, ("00002.m4s.tmp", &[400], 0)];
    let names = ["0-00001.m4s", "0-00002.m4s", "1-00001.m4s", "1-00002.m4s"];
    let wanted = (Some(800), names.map(str::to_owned).to_vec());
    assert_eq!(finished(&[("0", &video), ("1", &audio)]), wanted);
}

#[test]
fn streams_a_torn_segment_goes_and_its_track_ends_before_it() {
    let video = [("00001.m4s", &[0, 200][..], 0), ("00002.m4s.tmp", &[400, 600], 5)];
    assert_eq!(finished(&[("0", &video)]), (Some(400), vec!["0-00001.m4s".to_owned()]));
    let other = [("00001.m4s", &[0, 200][..], 0), ("00002.m4s.tmp", &[400, 600], 0)];
    assert_eq!(finished(&[("0", &video), ("1", &other)]).0, Some(400), "the shortest ends all");
    let empty = [("00001.m4s", &[0][..], 0), ("00002.m4s.tmp", &[], 0)];
    assert_eq!(finished(&[("0", &empty)]), (Some(200), vec!["0-00001.m4s".to_owned()]));
    // Only its first box has come: its readers miss nothing.
    let (_root, mut workspace) = workspace(Source::Test);
    workspace.open().expect("made");
    track(&workspace, "0", &[("00001.m4s", &[0][..], 0)]);
    put(&workspace, &format!("{RUN}-0-00002.m4s.tmp"), b"\0\0\0\x0cstypmsdh");
    assert_eq!(workspace.finish(RUN), Some(Duration::from_millis(200)));
    assert!(workspace.folder().join(format!("{RUN}-0-00002.m4s")).exists());
    assert_eq!(finished(&[("0", &[])]).0, None);
}
