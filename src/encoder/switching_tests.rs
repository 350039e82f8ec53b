//! The decision, and what is told of it.

use super::*;
use crate::encoder::config::read;

const RUN: u64 = 1_700_000_000_000;

/// Qualities in an order of their own: the best is representation 1, the lowest 2.
fn switch() -> Arc<Switch> {
    let rates = ["400k", "1200k", "150k"];
    let rates = rates.map(|rate| format!("{{width = 160, bitrate = \"{rate}\"}}")).join(", ");
    let text = format!(
        "[[stream]]\nkey = \"cam\"\nsource = \"test\"\nswitching = \"server\"\nqualities = [{rates}]"
    );
    Switch::of(&read(&text).expect("valid")[0]).expect("it switches")
}

fn name(run: u64, number: u64) -> String {
    format!("{run}-1-{number:05}.m4s")
}

/// The bitrates of the files that may answer, in their order.
fn rates(switch: &Arc<Switch>, run: u64, number: u64) -> Vec<u64> {
    let choice = switch.choose(&name(run, number)).expect("a choice");
    choice.candidates().map(|(rank, _)| choice.told(rank)).collect()
}

#[test]
fn streams_one_lower_for_each_segment_late_and_never_below_the_lowest() {
    let switch = switch();
    switch.begins(RUN);
    assert_eq!(rates(&switch, RUN, 1)[0], 1_200_000, "nothing has begun");
    for number in 1..=9 {
        switch.seen(&format!("{}.tmp", name(RUN, number)));
    }
    for (number, wanted) in [
        (10, 1_200_000),
        (99, 1_200_000),
        (9, 1_200_000),
        (8, 400_000),
        (7, 150_000),
        (6, 150_000),
        (1, 150_000),
    ] {
        assert_eq!(rates(&switch, RUN, number)[0], wanted, "{number}");
    }
    // What is seen of other files, of other runs, and again, tells nothing of the newest.
    for other in [
        name(RUN + 1, 90),
        format!("{RUN}-0-00090.m4s"),
        format!("{RUN}-1-90.m4s"),
        format!("{RUN}-init-1.m4s"),
        name(RUN, 3),
    ] {
        switch.seen(&other);
    }
    assert_eq!(switch.standing().newest, Some(9));
}

#[test]
fn streams_offer_the_best_alone_and_answer_with_the_same_segment_of_another() {
    let switch = switch();
    switch.begins(RUN);
    switch.seen(&name(RUN, 5));
    let choice = switch.choose(&name(RUN, 4)).expect("a choice");
    assert!(choice.is_late());
    let paths: Vec<String> = choice.candidates().map(|(_, path)| path.to_string()).collect();
    let of = |representation: u64| format!("cam/{RUN}-{representation}-00004.m4s");
    assert_eq!(paths, [of(0), of(2), of(1)], "rather a lower one than a better one");
    for other in [
        format!("{RUN}-0-00004.m4s"),
        format!("{RUN}-3-00004.m4s"),
        format!("{RUN}-1-4.m4s"),
        format!("{RUN}-1-00004.m4s.tmp"),
        format!("{RUN}-1-00004.mp4"),
        format!("+{RUN}-1-00004.m4s"),
        format!("{RUN}-init-1.m4s"),
        "manifest.mpd".to_owned(),
        name(RUN - 1, 4),
    ] {
        assert!(switch.choose(&other).is_none(), "{other}");
    }
}

#[test]
fn streams_count_on_from_the_run_before() {
    let switch = switch();
    switch.begins(RUN);
    switch.seen(&name(RUN, 5));
    switch.begins(RUN + 1);
    assert_eq!(rates(&switch, RUN, 5)[0], 1_200_000, "nothing newer has begun");
    switch.seen(&name(RUN + 1, 1));
    assert_eq!(rates(&switch, RUN, 5)[0], 400_000);
    assert_eq!(rates(&switch, RUN, 4)[0], 150_000);
    assert_eq!(rates(&switch, RUN + 1, 1)[0], 1_200_000);
    switch.clear();
    assert!(switch.choose(&name(RUN + 1, 1)).is_none());
}

#[test]
fn streams_give_all_what_is_forced_until_it_is_lifted() {
    let switch = switch();
    switch.begins(RUN);
    switch.seen(&name(RUN, 5));
    assert_eq!(switch.stand_in(&name(RUN, 6)), None);
    for wanted in [1, 400_000] {
        assert_eq!(switch.force(Some(wanted)), Ok(()));
        assert_eq!(switch.standing().forced, Some(400_000));
        assert_eq!(rates(&switch, RUN, 6), [400_000, 150_000, 1_200_000]);
        assert_eq!(rates(&switch, RUN, 1)[0], 400_000);
    }
    let path = switch.stand_in(&name(RUN, 6)).expect("another");
    assert_eq!(path.as_str(), format!("cam/{RUN}-0-00006.m4s"));
    assert_eq!(switch.stand_in("1-init-1.m4s"), None);
    let known = NoQuality(vec![1_200_000, 400_000, 150_000]);
    for wanted in [3, 399_999, u64::MAX] {
        assert_eq!(switch.force(Some(wanted)), Err(known.clone()));
    }
    switch.clear();
    assert_eq!(switch.standing().forced, Some(400_000), "a restart lifts nothing");
    assert_eq!(switch.force(None), Ok(()));
    switch.begins(RUN);
    assert_eq!(rates(&switch, RUN, 6)[0], 1_200_000);
}

#[test]
fn streams_tell_how_often_each_quality_was_sent() {
    let switch = switch();
    switch.begins(RUN);
    let choice = switch.choose(&name(RUN, 1)).expect("a choice");
    choice.served(0);
    choice.served(2);
    choice.served(2);
    let told = switch.standing().qualities;
    let told: Vec<_> = told.iter().map(|it| (it.rank, it.bitrate, it.served)).collect();
    assert_eq!(told, [(0, 1_200_000, 1), (1, 400_000, 0), (2, 150_000, 2)]);
}

#[test]
fn streams_whose_players_choose_are_left_alone() {
    let text = "[[stream]]\nkey = \"cam\"\nsource = \"test\"\nswitching = \"client\"\n";
    assert!(Switch::of(&read(text).expect("valid")[0]).is_none());
}
