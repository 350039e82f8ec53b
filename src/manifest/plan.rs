//! What a manifest lacks, from what was seen of its segments.

use super::{Settings, clock_url::clock_url, verdict::Verdict};
use crate::{
    live::MediaPath,
    mpd::{
        Additions, Addressing, Clock, Document, Early, Mpd, Pattern, Period, Representation,
        Template, Timing, Values, from_nanos,
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Players aim at this latency if the manifest does not tell one.
const TARGET_LATENCY: Duration = Duration::from_secs(1);

/// Below so many chunks of latency players stall.
const LATENCY_CHUNKS: u32 = 3;

/// Chunks by which segments come, by the names of the segments.
pub(super) type Chunks = BTreeMap<String, Duration>;

/// What is to be done with a manifest.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) additions: Additions,
    /// What the offsets were made from.
    pub(super) chunks: Chunks,
    /// Segments were not seen yet that would say more; how long one of them is.
    pub(super) missing: Option<Duration>,
    /// What it rests on.
    pub(super) grounds: Vec<Ground>,
}

/// How one series came when a plan was made.
#[derive(Debug)]
pub(super) struct Ground {
    folder: String,
    names: Pattern,
    pub(super) init: Option<MediaPath>,
    verdict: Option<Verdict>,
    /// The sight that was judged last, see [`Sight::at`](super::sightings::Sight); 0 at first.
    pub(super) at: u64,
}

impl Ground {
    fn of(series: &Series<'_>, verdict: Option<Verdict>) -> Self {
        let (folder, names) = (series.folder.to_owned(), series.names.clone());
        Self { folder, names, init: series.init(), verdict, at: 0 }
    }

    /// Whether this is one of the series' segments.
    pub(super) fn holds(&self, path: &MediaPath) -> bool {
        let name = path.as_str().strip_prefix(&*self.folder);
        name.is_some_and(|name| self.names.matches(name).is_some())
    }

    /// Whether the plan would be the same: chunks only get longer.
    pub(super) fn bears(&self, verdict: Option<Verdict>) -> bool {
        match (self.verdict, verdict) {
            (Some(Verdict::Chunks(was)), Some(Verdict::Chunks(now))) => now <= was,
            (was, now) => was == now,
        }
    }
}

/// A representation's segments that a manifest names by number, all of the same length.
pub(super) struct Series<'a> {
    folder: &'a str,
    names: Pattern,
    representation: &'a Representation,
    template: &'a Template,
    /// Of a segment.
    duration: Duration,
}

impl<'a> Series<'a> {
    /// `None` for a SegmentTimeline, which lists what is there already: an offset moves nothing
    /// (and a list names its segments one by one); and for names that lead elsewhere.
    fn of(manifest: &'a MediaPath, representation: &'a Representation) -> Option<Self> {
        let Addressing::Template(template) = &representation.addressing else { return None };
        let Timing::Fixed(ticks) = template.timing else { return None };
        let media = template.media.trim_start_matches("./");
        let leads_elsewhere = [":", "..", "?"].iter().any(|part| media.contains(part));
        if leads_elsewhere || media.starts_with('/') {
            return None;
        }
        let folder = manifest.as_str().rfind('/').map_or("", |at| &manifest.as_str()[..=at]);
        let names = Pattern::new(media)
            .for_representation(&representation.id, representation.bandwidth)
            .with_prefix(&representation.base)
            .decoded();
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(template.timescale);
        Some(Self { folder, names, representation, template, duration: from_nanos(nanos) })
    }

    /// Whether this is one of its segments.
    pub(super) fn holds(&self, path: &MediaPath) -> bool {
        let name = path.as_str().strip_prefix(self.folder);
        name.is_some_and(|name| self.names.matches(name).is_some())
    }

    /// Its initialization segment.
    pub(super) fn init(&self) -> Option<MediaPath> {
        let Representation { id, bandwidth, base, .. } = self.representation;
        let name = self.template.initialization.as_deref()?.trim_start_matches("./");
        let values = Values { id, bandwidth: *bandwidth, ..Values::default() };
        let name = Pattern::new(name).with_prefix(base).decoded().expand(&values);
        MediaPath::from_disk(format!("{}{name}", self.folder).as_ref())
    }

    fn name(&self) -> String {
        self.names.expand(&Values::default())
    }

    /// What is to be added if it comes in such chunks; those that are nearly as long as the
    /// segment gain nothing.
    fn offset(&self, chunk: Duration) -> Option<Addition> {
        let offset = self.duration.checked_sub(chunk)?;
        let is_missing = self.template.early.is_none();
        (offset.saturating_mul(4) >= self.duration).then_some(is_missing.then_some(offset))
    }

    /// Whether it is not said how soon its segments may be asked for, or not that they are
    /// incomplete then, as ffmpeg leaves it out without `-ldash`.
    fn is_wanting(&self) -> bool {
        let is_half = |early: Early| {
            early.is_own && early.is_complete.is_none() && early.offset < self.duration
        };
        self.template.early.is_none_or(is_half)
    }
}

/// See [`Additions::offsets`].
type Addition = Option<Duration>;

/// All series of a manifest in which an offset is missing.
pub(super) fn wanting<'a>(manifest: &'a MediaPath, mpd: &'a Mpd) -> Vec<Series<'a>> {
    let all = mpd.representations().filter_map(|found| Series::of(manifest, found));
    all.filter(Series::is_wanting).collect()
}

/// Makes the plan for a dynamic manifest. `judge` tells how a series comes, `before` is what the
/// last plan was made from: chunks only get longer, so that no offset is too early.
pub(super) fn plan(
    manifest: &MediaPath,
    document: &Document<'_>,
    settings: &Settings,
    judge: impl Fn(&Series<'_>) -> Option<Verdict>,
    before: &Chunks,
) -> Plan {
    let mut plan = Plan::default();
    let url = clock_url(manifest, document.base_urls(), settings.public_url.as_deref());
    plan.additions.clock = url.map(|url| Clock { url, replaces: settings.replaces_clock });
    let Ok(mpd) = document.model() else { return plan };
    let mut offsets: BTreeMap<usize, Option<Addition>> = BTreeMap::new();
    for series in wanting(manifest, &mpd) {
        let verdict = judge(&series);
        let is_awaited = is_played(series.representation) && is_last(&mpd, series.representation);
        if verdict.is_none() && is_awaited {
            plan.missing = plan.missing.max(Some(series.duration));
        }
        let verdict = verdict.map(|verdict| verdict.longest(before.get(&series.name()).copied()));
        let offset = match verdict {
            Some(Verdict::Chunks(chunk)) => {
                plan.chunks.insert(series.name(), chunk);
                series.offset(chunk)
            }
            Some(Verdict::Whole) | None => None,
        };
        plan.grounds.push(Ground::of(&series, verdict));
        // Those that share an element share the latest of their offsets, or have none.
        let shared = offsets.entry(series.template.at).or_insert(offset);
        *shared = (*shared).min(offset);
    }
    let told = offsets.into_iter().filter_map(|(at, offset)| Some((at, offset?)));
    plan.additions.offsets = told.collect();
    plan.additions.latency = latency(manifest, &mpd, &plan.additions.offsets);
    plan
}

/// Whether it is picture or sound, which come all the time: a text may come seldom, and of a page
/// of small pictures there is one in minutes.
fn is_played(representation: &Representation) -> bool {
    !["text", "image", "application"].contains(&&*representation.content)
}

fn is_last(mpd: &Mpd, representation: &Representation) -> bool {
    let last = mpd.periods.last().map_or(&[][..], |period| &period.representations);
    last.iter().any(|other| std::ptr::eq(other, representation))
}

/// The target for a manifest all of whose audio and video at the live edge comes in chunks: with
/// whole segments such a latency would be a stall, and players know better.
fn latency(manifest: &MediaPath, mpd: &Mpd, added: &BTreeMap<usize, Addition>) -> Option<Duration> {
    let Period { representations, .. } = mpd.periods.last()?;
    let media = representations.iter().filter(|found| is_played(found));
    let chunk = |found| {
        let series = Series::of(manifest, found)?;
        let Template { early, at, .. } = series.template;
        let is_incomplete = early.is_some_and(|early| early.is_complete == Some(false));
        let offset = match added.get(at) {
            Some(Some(offset)) => Some(*offset),
            Some(None) => early.map(|early| early.offset),
            None => early.filter(|_| is_incomplete).map(|early| early.offset),
        };
        Some(series.duration.saturating_sub(offset?))
    };
    let chunks: Option<Vec<Duration>> = media.map(chunk).collect();
    let longest = chunks?.into_iter().max()?;
    Some(TARGET_LATENCY.max(longest.saturating_mul(LATENCY_CHUNKS)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
