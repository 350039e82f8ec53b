//! The live edge from names and times of a folder.

use super::*;
use crate::{hls::plan::Plan, live::MediaPath};

fn rendition(media: &str) -> Rendition {
    let text = format!(
        r#"<MPD type="dynamic"><Period><AdaptationSet contentType="video"><SegmentTemplate media="{media}"
        initialization="i.mp4" duration="2"/><Representation id="v"/></AdaptationSet></Period></MPD>"#
    );
    let plan = Plan::read(&text, &MediaPath::at_root("x.mpd")).expect("good");
    plan.renditions[0].clone()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Files by name, and when they were written.
fn listed(files: &[(u64, u64)]) -> Vec<Listed> {
    let file = |(name, seconds): &(u64, u64)| Listed {
        path: rendition("$Number$.m4s").path(*name).expect("a path"),
        modified: at(*seconds),
    };
    files.iter().map(file).collect()
}

#[test]
fn begins_with_the_newest_segments() {
    let all: Vec<(u64, u64)> = (1..100).map(|number| (number, number * 2)).collect();
    let first = |files: &[Listed], is_all| first(&rendition("$Number$.m4s"), files, None, is_all);
    assert_eq!(first(&listed(&all), false), Some(99 - 8));
    assert_eq!(first(&listed(&all), true), Some(1));
    assert_eq!(first(&listed(&[(3, 6), (5, 10), (6, 12)]), false), Some(5), "4 is missing");
    assert_eq!(first(&[], false), None);
}

#[test]
fn what_an_earlier_run_has_left_is_not_taken() {
    // Started anew at 100 s: 1 and 2 are new, 3 to 5 are old.
    let files = listed(&[(1, 102), (2, 104), (3, 46), (4, 48), (5, 50)]);
    let one = rendition("$Number$.m4s");
    assert_eq!(first(&one, &files, None, false), Some(1));
    assert_eq!(first(&one, &files, Some(at(50)), false), Some(1));
    assert_eq!(newest(&one, &files, at(50)), Some(2));
    assert_eq!(newest(&one, &files, at(104)), None);
}

#[test]
fn a_file_that_is_a_segment_older_than_the_one_before_is_an_old_one() {
    let nominal = Duration::from_secs(2);
    assert!(is_later(at(100), at(99), nominal));
    assert!(!is_later(at(100), at(98), nominal));
}

#[test]
fn uploads_that_end_in_another_order_are_taken() {
    let files = listed(&[(7, 100), (8, 103), (9, 102)]);
    assert_eq!(first(&rendition("$Number$.m4s"), &files, None, false), Some(7));
}

#[test]
fn the_next_one_is_the_next_number_or_where_this_one_ends() {
    assert_eq!(candidates(&rendition("$Number$.m4s"), 7, Some(99)), [8, 9, 10, 11]);
    assert_eq!(candidates(&rendition("$Time$.m4s"), 7, Some(10)), [10]);
    let told = Rendition { times: vec![5, 7, 9, 11], ..rendition("$Time$.m4s") };
    assert_eq!(candidates(&told, 7, Some(10)), [10, 9]);
}
