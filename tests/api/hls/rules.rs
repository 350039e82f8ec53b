//! The rules of draft-pantos-hls-rfc8216bis for one media playlist, and for one after another.
//! Each violation names its clause.

use super::list::{List, Segment, required};

/// Decimals are rounded to 5 places.
const ROUNDING: f64 = 0.000_02;

/// What a playlist breaks.
pub fn check(list: &List) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, clause: &str| {
        if !holds {
            broken.push(clause.to_owned());
        }
    };
    rule(list.version >= 9 || list.skipped == 0, "4.4.5.2: EXT-X-SKIP needs version 9");
    rule(list.version >= 6, "7: EXT-X-MAP needs version 6");
    rule(list.target > 0, "4.4.3.1: no TARGETDURATION");
    rule(list.first > 0, "players stall at media sequence 0");
    let target = list.target as f64;
    for segment in &list.segments {
        rule(segment.duration.round() <= target, "4.4.3.1: EXTINF exceeds TARGETDURATION");
    }
    let blocks = required(&list.control, "CAN-BLOCK-RELOAD");
    rule(blocks.is_ok_and(|value| value == "YES"), "4.4.3.8: no CAN-BLOCK-RELOAD");
    let skip = list.control("CAN-SKIP-UNTIL");
    rule(
        skip.is_some_and(|skip| skip >= 6.0 * target),
        "4.4.3.8: CAN-SKIP-UNTIL is below 6 targets",
    );
    let hold_back = list.control("HOLD-BACK");
    rule(
        hold_back.is_none_or(|back| back >= 3.0 * target),
        "4.4.3.8: HOLD-BACK is below 3 targets",
    );
    if list.skipped == 0 {
        let has_map = list.segments.first().unwrap_or(&list.open).map.is_some();
        rule(has_map, "4.4.4.5: no EXT-X-MAP before the first segment");
    } else {
        let kept = list.seconds();
        rule(
            kept >= skip.unwrap_or(0.0) - ROUNDING,
            "4.4.5.2: more is left out than the boundary permits",
        );
    }
    rule(list.hints.len() <= 1, "4.4.5.3: more than one hint");
    rule(list.hints.is_empty() || !list.is_ended, "4.4.5.3: a hint at the end");
    for segment in list.segments.iter().chain([&list.open]) {
        let is_shown = !segment.uri.is_empty() || !segment.parts.is_empty();
        rule(!is_shown || segment.wall.is_some(), "6.2.1: no PROGRAM-DATE-TIME");
    }
    broken.extend(clock(list));
    match list.part_target {
        Some(target) => broken.extend(parts(list, target)),
        None => {
            let has_parts = list.segments.iter().any(|segment| !segment.parts.is_empty());
            if has_parts || !list.open.parts.is_empty() || !list.hints.is_empty() {
                broken.push("4.4.3.7: parts without PART-INF".into());
            }
        }
    }
    broken
}

/// Each segment's date follows from the one before, unless there is a discontinuity.
fn clock(list: &List) -> Option<String> {
    let walls = list.segments.iter().chain((!list.open.parts.is_empty()).then_some(&list.open));
    let all: Vec<&Segment> = walls.collect();
    let is_off = |pair: &[&Segment]| {
        let due = pair[0].wall.zip(pair[1].wall).map(|(a, b)| b - a - pair[0].duration);
        !pair[1].is_discontinuous && due.is_some_and(|off| off.abs() > 0.05)
    };
    all.windows(2).any(is_off).then(|| "4.4.4.6: dates do not follow the durations".into())
}

fn parts(list: &List, target: f64) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, clause: String| {
        if !holds {
            broken.push(clause);
        }
    };
    let back = list.control("PART-HOLD-BACK").unwrap_or(0.0);
    rule(back >= 3.0 * target - ROUNDING, "4.4.3.8: PART-HOLD-BACK is below 3 part targets".into());
    rule(list.is_ended != (list.hints.len() == 1), "4.4.5.3: no hint".into());
    let mut end = list.seconds();
    for segment in list.segments.iter().chain([&list.open]) {
        let is_open = segment.uri.is_empty();
        for (at, part) in segment.parts.iter().enumerate() {
            let is_last = at + 1 == segment.parts.len() && !is_open;
            let is_short = part.duration < 0.85 * target - ROUNDING;
            let may_be_short = is_last || part.is_gap;
            rule(
                part.duration <= target + ROUNDING,
                format!("4.4.4.9: {part:?} exceeds PART-TARGET"),
            );
            rule(!is_short || may_be_short, format!("4.4.4.9: {part:?} is below 85 %"));
        }
        let sum: f64 = segment.parts.iter().map(|part| part.duration).sum();
        let is_whole =
            is_open || segment.parts.is_empty() || (sum - segment.duration).abs() < 0.001;
        rule(
            is_whole,
            format!("4.4.4.9: parts of {sum} s make a segment of {} s", segment.duration),
        );
        let is_old = end - segment.duration > 3.0 * list.target as f64 + segment.duration;
        rule(!is_old || segment.parts.is_empty(), "6.2.2: old parts are still listed".into());
        end -= segment.duration;
    }
    broken
}

/// What a playlist breaks beside the one that came before. Both are whole, not updates.
pub fn check_after(before: &List, now: &List) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, clause: &str| {
        if !holds {
            broken.push(clause.to_owned());
        }
    };
    rule(before.target == now.target, "6.2.1: TARGETDURATION has changed");
    rule(before.part_target == now.part_target, "6.2.1: PART-TARGET has changed");
    rule(before.first <= now.first, "4.4.3.2: the media sequence has gone back");
    rule(!before.is_ended || before == now, "4.4.3.4: it changes after its end");
    let removed = usize::try_from(now.first - before.first).expect("small");
    let gone = before.segments.iter().take(removed);
    let gone = gone.filter(|segment| segment.is_discontinuous).count() as u64;
    rule(
        now.discontinuities == before.discontinuities + gone,
        "4.4.3.3: the discontinuity sequence",
    );
    for (old, new) in before.segments.iter().skip(removed).zip(&now.segments) {
        let is_same = (&old.uri, old.duration, old.is_gap, old.is_discontinuous, old.wall)
            == (&new.uri, new.duration, new.is_gap, new.is_discontinuous, new.wall);
        rule(is_same, "6.2.1: a listed segment has changed");
        let keeps_parts = new.parts.is_empty() || new.parts == old.parts;
        rule(keeps_parts, "6.2.2: listed parts have changed");
    }
    let kept = now.segments.len() + removed;
    rule(kept >= before.segments.len(), "6.2.2: segments at the end are gone");
    if let Some(grown) =
        now.segments.get(before.segments.len() - removed.min(before.segments.len()))
    {
        let grows = grown.parts.starts_with(&before.open.parts);
        rule(
            grows || before.open.parts.is_empty(),
            "6.2.2: parts of the open segment have changed",
        );
    } else {
        let grows = now.open.parts.starts_with(&before.open.parts);
        rule(grows, "6.2.2: parts of the open segment are gone");
    }
    let listed = now.seconds();
    rule(removed == 0 || listed >= 3.0 * now.target as f64, "6.2.2: less than 3 targets are left");
    broken
}

/// A delta update, applied to the list that the client has, is the whole list (6.2.5.1).
pub fn merged(before: &List, update: &List) -> Result<List, String> {
    let skip = usize::try_from(update.skipped).expect("small");
    let from = usize::try_from(update.first.checked_sub(before.first).ok_or("it goes back")?);
    let from = from.expect("small");
    let mut segments: Vec<Segment> = before
        .segments
        .get(from..from + skip)
        .ok_or("4.4.5.2: it leaves out what the client does not have")?
        .to_vec();
    segments.extend(update.segments.iter().cloned());
    Ok(List { segments, skipped: 0, ..update.clone() })
}

#[test]
fn rules_that_are_broken_are_named() {
    let good = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.5\n\
        #EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MAP:URI=\"i\"\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXT-X-PART:DURATION=0.5,URI=\"0\"\n\
        #EXT-X-PART:DURATION=0.3,URI=\"1\"\n#EXTINF:0.8,\na\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2\"\n";
    let broken = |from: &str, to: &str| check(&List::parse(&good.replace(from, to)).expect("read"));
    assert_eq!(broken("", ""), [""; 0]);
    for (from, to, clause) in [
        ("DURATION:2", "DURATION:0", "4.4.3.1"),
        ("CAN-BLOCK-RELOAD=YES,", "", "4.4.3.8: no CAN"),
        ("UNTIL=12.0", "UNTIL=11.9", "CAN-SKIP-UNTIL"),
        ("BACK=1.5", "BACK=1.4", "PART-HOLD-BACK"),
        ("DURATION=0.5,URI=\"0\"", "DURATION=0.51,URI=\"0\"", "exceeds"),
        ("DURATION=0.5,URI=\"0\"", "DURATION=0.42,URI=\"0\"", "85 %"),
        ("EXTINF:0.8", "EXTINF:0.9", "parts of"),
        ("#EXT-X-MAP:URI=\"i\"\n", "", "EXT-X-MAP"),
        ("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2\"\n", "", "no hint"),
        ("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n", "", "6.2.1"),
        ("SEQUENCE:1", "SEQUENCE:0", "stall"),
    ] {
        let broken = broken(from, to);
        assert!(broken.iter().any(|broken| broken.contains(clause)), "{clause}: {broken:?}");
    }
}

#[test]
fn changes_that_must_not_be_are_named() {
    let list = |open: &str, target: u64| List {
        target,
        first: 5,
        segments: vec![Segment { uri: "a".into(), ..Segment::default() }],
        open: Segment { map: Some(open.into()), ..Segment::default() },
        ..List::default()
    };
    let before = list("", 2);
    assert_eq!(check_after(&before, &before), [""; 0]);
    assert!(!check_after(&before, &list("", 3)).is_empty());
    assert!(!check_after(&before, &List { segments: Vec::new(), ..before.clone() }).is_empty());
    assert!(!check_after(&List { is_ended: true, ..before.clone() }, &list("x", 2)).is_empty());
}
