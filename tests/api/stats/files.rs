//! The files: what is there already, what cannot be written, what grows too large.

use super::{Watched, lines};
use crate::{
    helpers::{Server, put, segment, small::Small, until},
    process::refused,
};
use std::fs;

#[test]
fn stats_are_added_to_a_file_with_the_same_columns() {
    let mut watched = Watched::start(&["--ingest"]);
    put(watched.server.address, "/1.m4s", &segment(1, 1000));
    watched.server.get("/1.m4s").body();
    assert_eq!(watched.stop().len(), 1);
    let mut again = Watched::over(watched.folder, &["--ingest"]);
    put(again.server.address, "/2.m4s", &segment(1, 1000));
    again.server.get("/2.m4s").body();
    assert_eq!(again.stop().len(), 2);
    let names: Vec<_> = again.rows().into_iter().map(|mut row| row.remove("segment")).collect();
    assert_eq!(names, [Some("1.m4s".to_owned()), Some("2.m4s".to_owned())]);
}

#[test]
fn stats_that_cannot_be_written_are_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = tempfile::tempdir().expect("a folder");
    let refusal = |path: &std::path::Path| {
        let (path, served) = (path.to_str().expect("text"), served.path().to_str().expect("text"));
        let (code, error) = refused(&["-p", "0", "--stats", path, served]);
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains(path), "{error}");
        error
    };
    let other = folder.path().join("other.csv");
    fs::write(&other, "a,b\n1,2\n").expect("written");
    let error = refusal(&other);
    assert!(error.contains("other columns; move it away, or name another file"), "{error}");
    assert_eq!(fs::read(&other).expect("there"), b"a,b\n1,2\n");
    assert!(refusal(&folder.path().join("none/x.csv")).contains("make it first"));
    assert!(refusal(folder.path()).contains("it is a folder"));
    assert!(refusal(&served.path().join("x.csv")).contains("in a folder that is served"));
    let watched = Watched::start(&[]);
    assert!(refusal(&watched.file("x.csv")).contains("another lldash writes it"));
}

#[test]
fn stats_are_not_where_links_of_the_folder_lead() {
    let (folder, served) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let refusal = |path: &std::path::Path, options: &[&str]| {
        let (path, served) = (path.to_str().expect("text"), served.path().to_str().expect("text"));
        let own = ["-p", "0", "--stats", path, served];
        let (code, error) = refused(&[options, &own].concat());
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains("in a folder that is served"), "{error}");
    };
    let allowed = folder.path().join("allowed");
    fs::create_dir(&allowed).expect("made");
    refusal(&allowed.join("x.csv"), &["--allow-link", allowed.to_str().expect("text")]);
    for (link, target) in [("x.csv", "x"), ("y.summary.csv", "y")] {
        let link = folder.path().join(link);
        std::os::unix::fs::symlink(served.path().join(target), &link).expect("linked");
    }
    // Whether there is something at a link's end or not.
    for _ in 0..2 {
        refusal(&folder.path().join("x.csv"), &[]);
        refusal(&folder.path().join("y.csv"), &[]);
    }
}

#[test]
fn stats_that_are_full_are_put_aside() {
    let watched = Watched::start(&["--ingest", "--stats-size", "2KiB"]);
    put(watched.server.address, "/1.m4s", &segment(1, 100));
    // Each after the one before was written: a batch is written at once.
    for count in 1.. {
        let row = format!("CMCD=d%3D{count}");
        watched.server.get(&format!("/1.m4s?{row}")).body();
        until(|| {
            let rows = watched.rows();
            rows.last().is_some_and(|row| row["cmcd_d"] == count.to_string()).then_some(())
        });
        if watched.rows().len() == 1 && count > 1 && watched.file("x.1.csv").exists() {
            break;
        }
    }
    let before = lines(&watched.file("x.1.csv"));
    assert_eq!(before[0]["cmcd_d"], "1");
    for name in ["x.csv", "x.1.csv"] {
        assert!(fs::metadata(watched.file(name)).expect("there").len() <= 2048, "{name}");
    }
}

#[test]
fn stats_that_were_taken_away_are_begun_anew() {
    let watched = Watched::start(&["--ingest"]);
    for name in ["1.m4s", "2.m4s"] {
        put(watched.server.address, &format!("/{name}"), &segment(1, 100));
        watched.server.get(&format!("/{name}")).body();
        until(|| watched.file("x.csv").exists().then_some(()));
        watched.row(name);
        fs::rename(watched.file("x.csv"), watched.file(name)).expect("renamed");
    }
    assert_eq!(lines(&watched.file("1.m4s")).len(), 1);
    assert_eq!(lines(&watched.file("2.m4s")).len(), 1);
}

#[test]
fn stats_on_a_full_disk_are_lost_and_nothing_else() {
    let Some(small) = Small::mount() else { return };
    let path = small.path().join("x.csv");
    let mut server = Server::start(&["--ingest", "--stats", path.to_str().expect("text")]);
    put(server.address, "/1.m4s", &segment(1, 100));
    let get = |server: &Server| assert_eq!(server.get("/1.m4s").body().len(), 100);
    get(&server);
    until(|| (lines(&path).len() == 1).then_some(()));
    let filler = small.path().join("filler");
    let _ = fs::write(&filler, vec![0; 2 << 20]);
    // What the file's last page has room for is written still.
    let warned = "x.csv: the disk is full; lines are lost until it can be written";
    let lost = |server: &Server| {
        let text = server.get("/ldash/metrics").text();
        let line =
            text.lines().find_map(|line| line.strip_prefix("lldash_viewer_lost_rows_total "));
        line.and_then(|count| count.parse::<u64>().ok()).expect("a number")
    };
    until(|| {
        get(&server);
        (lost(&server) > 3).then_some(())
    });
    assert!(server.logged("lines are lost").contains(warned));
    lines(&path);
    fs::remove_file(&filler).expect("removed");
    let before = lines(&path).len();
    until(|| {
        get(&server);
        (lines(&path).len() > before).then_some(())
    });
    let between = server.log_until("is written again; ");
    assert!(!between.iter().any(|line| line.contains(warned)), "said once");
}
