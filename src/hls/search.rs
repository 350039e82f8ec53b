//! Where a rendition's live edge is: from the names that there are, never from a clock. Packagers
//! do not always count as their MPD says, and leave old files behind when they are started anew.

use super::{
    plan::{Naming, Rendition},
    presentations::Listed,
};
use crate::live::File;
use std::time::{Duration, SystemTime};

/// So many segments ahead are waited for: all but the last of them may be missing.
const AHEAD: u64 = 4;

/// So many segments that are there already are listed at the start.
const HISTORY: usize = 8;

/// The segment with which to begin: from there on, names lead to the newest. `after`: older files
/// are of an earlier run.
pub(super) fn first(
    rendition: &Rendition,
    listed: &[Listed],
    after: Option<SystemTime>,
    is_all: bool,
) -> Option<u64> {
    let mut known: Vec<(u64, SystemTime)> = listed
        .iter()
        .filter(|one| after.is_none_or(|after| one.modified > after))
        .filter_map(|one| Some((rendition.value(&one.path)?, one.modified)))
        .collect();
    known.sort_unstable();
    known.dedup_by_key(|(value, _)| *value);
    let newest = (0..known.len()).max_by_key(|at| (known[*at].1, *at))?;
    let most = if is_all { usize::MAX } else { HISTORY };
    let mut first = newest;
    while first > 0 && newest - first < most {
        let (before, then) = (known[first - 1], known[first]);
        if !follows(rendition, before.0, then.0) || !is_later(before.1, then.1, rendition.nominal())
        {
            break;
        }
        first -= 1;
    }
    Some(known[first].0)
}

/// The newest by the clock of the disk, if it is newer than `after`.
pub(super) fn newest(rendition: &Rendition, listed: &[Listed], after: SystemTime) -> Option<u64> {
    let known = listed.iter().filter(|one| one.modified > after);
    let known = known.filter_map(|one| Some((one.modified, rendition.value(&one.path)?)));
    known.max().map(|(_, value)| value)
}

/// Whether no segment is missing in between.
fn follows(rendition: &Rendition, before: u64, then: u64) -> bool {
    match rendition.naming {
        Naming::Number(_) => before + 1 == then,
        Naming::Time => then - before < rendition.ticks * 2,
    }
}

/// Whether a file is not one that an earlier run has left where the next one belongs. Uploads may
/// end in another order than they began, by less than a segment.
fn is_later(before: SystemTime, then: SystemTime, nominal: Duration) -> bool {
    then.checked_add(nominal * 9 / 10).is_none_or(|then| then >= before)
}

/// The same of a file that may still be written.
pub(super) fn is_fresh(file: &File, after: Option<SystemTime>, nominal: Duration) -> bool {
    let modified = file.finished().map(|finished| finished.modified);
    modified.zip(after).is_none_or(|(modified, after)| is_later(after, modified, nominal))
}

/// Those after this segment, the most likely first. `end`: where it ended, in ticks of the template.
pub(super) fn candidates(rendition: &Rendition, value: u64, end: Option<u64>) -> Vec<u64> {
    match rendition.naming {
        Naming::Number(_) => (1..=AHEAD).map(|ahead| value.saturating_add(ahead)).collect(),
        Naming::Time => {
            let predicted = end.unwrap_or(value.saturating_add(rendition.ticks));
            let half = rendition.ticks / 2;
            let told = rendition.times.iter().copied().find(|time| *time > value + half);
            let mut values: Vec<u64> = std::iter::once(predicted).chain(told).collect();
            values.dedup();
            values
        }
    }
}

/// The first ones, when nothing is there yet.
pub(super) fn expected(rendition: &Rendition) -> Vec<u64> {
    match rendition.naming {
        Naming::Number(first) => vec![first, first.saturating_add(1)],
        Naming::Time => {
            let last = rendition.times.iter().rev().take(2).copied();
            let start = rendition.offset.as_nanos() * u128::from(rendition.timescale);
            let start = u64::try_from(start / 1_000_000_000).unwrap_or(0);
            last.chain([start]).collect()
        }
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
