//! What a timeline answers to those who ask for a segment or a part.

use super::{
    segment::{Segment, State},
    timeline::{Choice, Timeline},
};
use crate::live::File;
use std::{cmp::Ordering, ops::Range, sync::Arc};

/// What is known of a part that is asked for.
#[derive(Debug)]
pub(super) enum Asked {
    There(Arc<File>, Range<u64>),
    /// It is the next one.
    Hinted,
    /// Neither listed nor hinted.
    Nothing,
}

impl Timeline {
    /// The part that comes next: number and index.
    pub(super) fn hint(&self) -> Option<(u64, usize)> {
        let last = self.segments.back().filter(|_| !self.is_ended)?;
        matches!(self.choice(), Choice::Parts(_)).then(|| match last.state {
            State::Open => (last.msn, last.parts.len()),
            State::Whole | State::Gap => (last.msn + 1, 0),
        })
    }

    /// Whether the playlist has a segment, or a part of it, or what comes later (`_HLS_msn`,
    /// `_HLS_part`). A part beyond the last of a complete segment is the first of the next.
    pub(super) fn has(&self, msn: u64, part: Option<u64>) -> bool {
        let is_met = |segment: &Segment| match (segment.msn.cmp(&msn), part) {
            (Ordering::Less, _) => false,
            (Ordering::Equal, Some(part)) => {
                let count = segment.parts.len() as u64;
                part < count || (segment.state != State::Open && count == 0 && part == 0)
            }
            (Ordering::Greater, Some(_)) => true,
            (_, None) => segment.state != State::Open,
        };
        self.listed().rev().take_while(|segment| segment.msn >= msn).any(is_met)
    }

    /// What is known of a part.
    pub(super) fn part(&self, msn: u64, part: usize) -> Asked {
        if self.hint() == Some((msn, part)) {
            return Asked::Hinted;
        }
        let segment = self.segments.iter().rev().find(|segment| segment.msn == msn);
        let found = segment.and_then(|found| {
            let part = found.parts.get(part).filter(|part| !part.is_gap)?;
            Some((found.file.clone()?, part))
        });
        found.map_or(Asked::Nothing, |(file, part)| Asked::There(file, part.range.clone()))
    }
}
