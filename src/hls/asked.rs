//! What a timeline answers to those who ask for a segment or a part.

use super::{
    segment::{Segment, State},
    timeline::{Choice, Timeline},
};
use crate::{
    live::File,
    m3u8::{Decision, Directives, Edge},
};
use std::{ops::Range, sync::Arc};

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

    /// What becomes of a request for the playlist now.
    pub(super) fn decide(&self, directives: &Directives) -> Decision {
        if self.is_ended {
            return Decision::Serve;
        }
        match self.edge().filter(|_| self.is_ready()) {
            Some(edge) => directives.decide(&edge),
            None => Decision::Wait,
        }
    }

    /// Where the playlist ends; `None` as long as nothing is listed.
    fn edge(&self) -> Option<Edge> {
        let mut listed = self.listed().rev();
        let (last, before) = (listed.next()?, listed.next());
        let count = |segment: &Segment| segment.parts.len() as u64;
        let part_target = match self.choice() {
            Choice::Parts(parts) => Some(parts.target),
            Choice::Plain | Choice::Pending => None,
        };
        Some(match last.state {
            State::Open => Edge {
                next: last.msn,
                last_parts: before.map_or(0, count),
                open_parts: count(last),
                part_target,
            },
            State::Whole | State::Gap => {
                Edge { next: last.msn + 1, last_parts: count(last), open_parts: 0, part_target }
            }
        })
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

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
