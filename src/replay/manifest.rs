//! What a live MPD has to say of the tracks, so that it is true. Pure.

use super::looping::lap_offset;
use super::recording::{NANOS, Segment, Ticks, Track};
use super::schedule::Loop;
use crate::mpd::{Entry, Pattern, Template, TemplateEdit, TimelineEdit, Timing, from_nanos};
use std::collections::BTreeMap;
use std::time::Duration;

/// A segment that a manifest lists: its place in the track, and its lap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) segment: usize,
    pub(crate) lap: u64,
}

/// What the edits of an MPD depend on.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) tracks: &'a [Track],
    pub(crate) looped: Option<&'a Loop>,
    /// How far into the recorded presentation the replay starts.
    pub(crate) origin: Duration,
    /// Whether the MPD has one Period, so that numbers count from its start.
    pub(crate) one_period: bool,
    /// Whether segments can be read while they grow.
    pub(crate) growing: bool,
}

impl Facts<'_> {
    fn count(&self, track: usize) -> usize {
        self.looped.map_or(self.tracks[track].segments.len(), |looped| looped.counts[track])
    }

    /// The number of a segment in its lap.
    pub(crate) fn number(&self, track: usize, slot: Slot) -> u64 {
        let segments = &self.tracks[track].segments;
        let stride = segments[self.count(track) - 1].number - segments[0].number + 1;
        segments[slot.segment].number + slot.lap * stride
    }

    /// The time of a segment in its lap, in ticks of its template.
    pub(crate) fn time(&self, track: usize, slot: Slot, template: &Template) -> u64 {
        let timescale = template.timescale;
        if matches!(template.timing, Timing::Fixed(_)) {
            let place = slot.lap * self.count(track) as u64 + slot.segment as u64;
            let first = self.tracks[track].segments[0].time;
            return first + self.each(track, template).times_in(place, timescale);
        }
        let found = &self.tracks[track];
        let media = u64::from(found.timescale().unwrap_or(1));
        let offset = self.looped.map_or(0, |looped| match found.timescale() {
            Some(_) => {
                let offset = lap_offset(found, looped.media, slot.lap);
                Ticks::new(offset, media).times_in(1, timescale)
            }
            None => looped.media.times_in(slot.lap, timescale),
        });
        found.segments[slot.segment].time + offset
    }

    /// The length by which numbers tell times: `None` when only a SegmentTimeline can tell them.
    fn numbered(&self, track: usize, template: &Template) -> Option<Ticks> {
        if !Pattern::new(&template.media).has_number() {
            return matches!(template.timing, Timing::Fixed(_)).then(|| self.each(track, template));
        }
        let each = self.each(track, template);
        let nominal = |place: usize| each.times(place as u64);
        let within = |(place, segment): (usize, &Segment)| {
            let first = self.tracks[track].segments[0].start;
            segment.start.saturating_sub(first).abs_diff(nominal(place)) <= each.duration() / 4
        };
        let segments = &self.tracks[track].segments[..self.count(track)];
        let regular = segments.iter().enumerate().all(within);
        (regular || matches!(template.timing, Timing::Fixed(_))).then_some(each)
    }

    fn each(&self, track: usize, template: &Template) -> Ticks {
        let count = self.count(track) as u64;
        if let Some(looped) = self.looped {
            return Ticks::new(looped.media.count, looped.media.timescale * count);
        }
        match &template.timing {
            Timing::Fixed(duration) => Ticks::new(*duration, template.timescale),
            Timing::Timeline(_) => {
                let segments = &self.tracks[track].segments;
                let last = &segments[segments.len() - 1];
                // The last one may be cut short: the others tell.
                match last.time.checked_sub(segments[0].time) {
                    Some(total) if total > 0 => {
                        Ticks::new(total, template.timescale * (segments.len() as u64 - 1))
                    }
                    _ => Ticks::new(last.ticks, template.timescale),
                }
            }
        }
    }

    /// How much earlier than at its nominal end a segment can be asked for, in nanoseconds;
    /// negative when it comes later than that.
    fn slack(&self, track: usize, each: Option<Ticks>) -> i128 {
        let segments = &self.tracks[track].segments[..self.count(track)];
        let zero = segments[0].number;
        let lead = |segment: &Segment| {
            let there = if self.growing { segment.chunks[0].end } else { segment.end };
            let skipped = segments[0].start;
            let nominal = each.map_or(segment.end, |each| {
                // The presentation's start belongs to the first number, to within a segment.
                let whole = if skipped > each.duration() / 2 { skipped } else { Duration::ZERO };
                whole + each.times(segment.number - zero + 1)
            });
            nominal.as_nanos().cast_signed() - there.as_nanos().cast_signed()
        };
        segments.iter().map(lead).min().unwrap_or(0)
    }

    /// How much later than the manifest's arithmetic says the latest segment comes.
    pub(crate) fn lateness(&self, uses: &[(usize, Template)]) -> Duration {
        let slack = |(track, template): &(usize, Template)| {
            self.slack(*track, self.numbered(*track, template))
        };
        let least = uses.iter().map(slack).min().unwrap_or(0).min(0);
        from_nanos(least.unsigned_abs())
    }

    /// Whether a track's segments have to be listed one by one.
    pub(crate) fn is_listed(&self, (track, template): &(usize, Template)) -> bool {
        self.numbered(*track, template).is_none()
    }

    /// Edits of all templates of an MPD; `listed` are the segments of each track that it may list.
    pub(crate) fn edits(
        &self,
        uses: &[(usize, Template)],
        listed: &dyn Fn(usize) -> Vec<Slot>,
    ) -> BTreeMap<usize, TemplateEdit> {
        let mut edits: BTreeMap<usize, TemplateEdit> = BTreeMap::new();
        for (track, template) in uses {
            let each = self.numbered(*track, template);
            let mut edit = match each {
                Some(each) => self.by_number(*track, template, each),
                None => self.by_timeline(*track, template, &listed(*track)),
            };
            let early = from_nanos(self.slack(*track, each).max(0).unsigned_abs());
            let early = Some(early).filter(|early| self.growing && early.as_millis() > 0);
            edit.availability_time_offset = early;
            let place = match each {
                Some(_) => template.element,
                None => template.timeline_element.unwrap_or(template.element),
            };
            if !self.one_period {
                (edit.start_number, edit.presentation_time_offset) = (None, None);
            }
            merge(edits.entry(place), edit);
            if let (Some(_), Some(timeline)) = (each, template.timeline_element) {
                edits.entry(timeline).or_default().timeline = TimelineEdit::Remove;
            }
        }
        edits
    }

    /// `presentationTimeOffset` that makes the replay's first moment the presentation's first.
    fn presentation_offset(&self, template: &Template, timescale: u64) -> Option<u64> {
        let scale = |ticks: u64| Ticks::new(ticks, template.timescale).times_in(1, timescale);
        let origin = Ticks::from_duration(self.origin).times_in(1, timescale);
        let offset = scale(template.presentation_time_offset) + origin;
        let same = offset == template.presentation_time_offset && timescale == template.timescale;
        (!same).then_some(offset)
    }

    fn by_number(&self, track: usize, template: &Template, each: Ticks) -> TemplateEdit {
        let first = &self.tracks[track].segments[0];
        let skipped = first.start.as_nanos() + each.duration().as_nanos() / 2;
        let skipped = skipped / each.duration().as_nanos().max(1);
        let number = first.number.saturating_sub(u64::try_from(skipped).unwrap_or(0));
        let same = matches!(template.timing, Timing::Fixed(ticks)
            if u128::from(ticks) * u128::from(each.timescale)
                == u128::from(each.count) * u128::from(template.timescale));
        let each = reduce(each);
        let timescale = if same { template.timescale } else { each.timescale };
        TemplateEdit {
            start_number: (number != template.start_number).then_some(number),
            presentation_time_offset: self.presentation_offset(template, timescale),
            duration: (!same).then_some((each.count, each.timescale)),
            ..TemplateEdit::default()
        }
    }

    fn by_timeline(&self, track: usize, template: &Template, listed: &[Slot]) -> TemplateEdit {
        let first = [Slot { segment: 0, lap: 0 }];
        // An MPD that is published before its first segment tells of that one.
        let listed = if listed.is_empty() { &first[..] } else { listed };
        let entry = |slot: &Slot| Entry {
            time: self.time(track, *slot, template),
            duration: self.tracks[track].segments[slot.segment].ticks,
        };
        let mut entries: Vec<_> = listed.iter().map(entry).collect();
        for index in 1..entries.len() {
            // Where laps join, a frame may have been left out.
            let gap = entries[index].time.saturating_sub(entries[index - 1].time);
            entries[index - 1].duration = entries[index - 1].duration.min(gap);
        }
        let number = self.number(track, listed[0]);
        TemplateEdit {
            start_number: (number != template.start_number).then_some(number),
            presentation_time_offset: self.presentation_offset(template, template.timescale),
            timeline: TimelineEdit::Replace(entries),
            ..TemplateEdit::default()
        }
    }
}

/// The same time in the fewest ticks, but of at least a thousandth of a second.
fn reduce(time: Ticks) -> Ticks {
    let (mut a, mut b) = (time.count, time.timescale);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let factor = a.max(1);
    let timescale = time.timescale / factor;
    let back = 1000_u64.div_ceil(timescale.max(1));
    Ticks::new(time.count / factor * back, timescale * back)
}

/// One element may serve several representations: what holds for all of them is the least.
fn merge(entry: std::collections::btree_map::Entry<'_, usize, TemplateEdit>, edit: TemplateEdit) {
    use std::collections::btree_map::Entry::{Occupied, Vacant};
    match entry {
        Vacant(vacant) => drop(vacant.insert(edit)),
        Occupied(mut known) => {
            let known = known.get_mut();
            // None is less than any: then one of them cannot be asked for early.
            let offset = known.availability_time_offset.min(edit.availability_time_offset);
            known.availability_time_offset = offset;
        }
    }
}

/// The longest time between two pieces of a segment, over all tracks.
pub(crate) fn longest_piece(tracks: &[Track], chunked: bool) -> Duration {
    let segments = tracks.iter().flat_map(|track| &track.segments);
    let longest = |segment: &Segment| {
        if !chunked {
            return segment.end.saturating_sub(segment.start);
        }
        let starts = std::iter::once(segment.start).chain(segment.chunks.iter().map(|c| c.end));
        let pieces = segment.chunks.iter().zip(starts);
        pieces.map(|(chunk, start)| chunk.end.saturating_sub(start)).max().unwrap_or_default()
    };
    segments.map(longest).max().unwrap_or_default()
}

/// A latency that players can keep: two pieces and half a second.
pub(crate) fn target_latency(tracks: &[Track], chunked: bool) -> Duration {
    let wanted = longest_piece(tracks, chunked) * 2 + Duration::from_millis(500);
    Duration::from_millis(u64::try_from(wanted.as_nanos() * 1000 / NANOS).unwrap_or(5000))
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
