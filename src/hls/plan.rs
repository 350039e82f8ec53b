//! What an MPD says, as far as HLS needs it.

use crate::{
    live::MediaPath,
    mpd::{self, Addressing, Kind, Mpd, Pattern, Period, Representation, Template, Timing, Values},
};
use std::{
    fmt,
    path::Path,
    time::{Duration, SystemTime},
};

/// Why there is no HLS for an MPD: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// No presentation has more renditions.
const MAX_RENDITIONS: usize = 64;

/// So much is listed when the MPD does not say how long segments are kept.
const WINDOW: Duration = Duration::from_secs(120);

/// What an MPD says of its last Period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) is_static: bool,
    /// The wall clock's time of the Period's start.
    pub(super) start: Option<SystemTime>,
    /// How much is listed.
    pub(super) window: Duration,
    /// How long segments may be.
    pub(super) longest: Duration,
    pub(super) renditions: Vec<Rendition>,
}

/// One representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendition {
    /// Its name in URLs.
    pub(super) name: String,
    pub(super) is_video: bool,
    pub(super) representation: Representation,
    pub(super) init: MediaPath,
    /// Paths of its segments.
    pub(super) media: Pattern,
    pub(super) naming: Naming,
    /// Ticks per second of the template.
    pub(super) timescale: u64,
    /// How long a segment is, nominally, in ticks; never 0.
    pub(super) ticks: u64,
    /// Media time of the Period's start.
    pub(super) offset: Duration,
    /// When the MPD says that segments start, in ticks.
    pub(super) times: Vec<u64>,
}

/// How a rendition's segments are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// By `$Number$`, from this one on.
    Number(u64),
    /// By `$Time$`.
    Time,
}

impl Plan {
    /// Reads the MPD that lies at `path`.
    ///
    /// # Errors
    /// When it lacks something; says what.
    pub fn read(text: &str, path: &MediaPath) -> Result<Self, Refusal> {
        let mpd = mpd::read(text).map_err(|error| Refusal(error.to_string()))?;
        let period = mpd.periods.last().ok_or_else(|| Refusal("it has no Period".into()))?;
        let mut renditions = Vec::new();
        for representation in &period.representations {
            if is_played(representation) {
                renditions.push(Rendition::read(representation, path)?);
            }
        }
        if renditions.is_empty() {
            return Err(Refusal("it has neither video nor audio".into()));
        }
        if renditions.len() > MAX_RENDITIONS {
            return Err(Refusal(format!("it has more than {MAX_RENDITIONS} Representations")));
        }
        name(&mut renditions);
        Ok(Self::of(&mpd, period, renditions))
    }

    fn of(mpd: &Mpd, period: &Period, renditions: Vec<Rendition>) -> Self {
        let is_static = mpd.kind == Kind::Static;
        let nominal = renditions.iter().map(Rendition::nominal).max().unwrap_or_default();
        Self {
            is_static,
            start: mpd.availability_start.and_then(|start| start.checked_add(period.start)),
            window: if is_static { Duration::MAX } else { mpd.window.unwrap_or(WINDOW) },
            longest: nominal.max(mpd.max_segment.unwrap_or_default()),
            renditions,
        }
    }

    /// Whether the packager goes on where it was: the same presentation, of the same renditions.
    pub(super) fn continues(&self, before: &Self) -> bool {
        self.start == before.start && self.has_renditions_of(before)
    }

    pub(super) fn has_renditions_of(&self, other: &Self) -> bool {
        let names = |plan: &Self| -> Vec<(String, MediaPath)> {
            let named = |one: &Rendition| (one.name.clone(), one.init.clone());
            plan.renditions.iter().map(named).collect()
        };
        names(self) == names(other)
    }
}

fn is_played(representation: &Representation) -> bool {
    let codecs = &representation.codecs;
    let is_text = codecs.starts_with("stpp") || codecs.starts_with("wvtt");
    matches!(representation.content.as_str(), "video" | "audio" | "application" | "")
        && !is_text
        && (representation.content != "application" || !codecs.is_empty())
}

/// Names for URLs: the identifiers, where they can be.
fn name(renditions: &mut [Rendition]) {
    let is_plain = |id: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !id.is_empty() && id != "main" && id.len() <= 64 && id.chars().all(fits)
    };
    let ids: Vec<String> = renditions.iter().map(|one| one.representation.id.clone()).collect();
    let is_unique = |id: &String| ids.iter().filter(|other| *other == id).count() == 1;
    let are_names = ids.iter().all(|id| is_plain(id) && is_unique(id));
    for (index, rendition) in renditions.iter_mut().enumerate() {
        rendition.name = if are_names { ids[index].clone() } else { format!("r{index}") };
    }
}

impl Rendition {
    fn read(representation: &Representation, mpd: &MediaPath) -> Result<Self, Refusal> {
        let id = &representation.id;
        let refuse = |what: &str| Refusal(format!("its Representation {id} {what}"));
        let Addressing::Template(template) = &representation.addressing else {
            return Err(refuse("lists its segments, which cannot grow: use a SegmentTemplate"));
        };
        let folder = mpd.as_str().rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let base = format!("{}{}", folder.unwrap_or_default(), representation.base);
        let pattern = |template: &str| {
            let template = template.trim_start_matches("./");
            let filled =
                Pattern::new(template).for_representation(id, representation.bandwidth).decoded();
            filled.with_prefix(&base)
        };
        let media = pattern(&template.media);
        let naming = match (media.has_number(), media.has_time()) {
            (true, _) => Naming::Number(template.start_number),
            (false, true) => Naming::Time,
            (false, false) => return Err(refuse("has neither $Number$ nor $Time$ in its names")),
        };
        let init = template.initialization.as_deref().ok_or_else(|| refuse("has no init"))?;
        let init = pattern(init).expand(&Values::default());
        let outside = || refuse("has names that lead out of the folder");
        let (ticks, times) = timing(template);
        Ok(Self {
            name: String::new(),
            is_video: is_video(representation),
            representation: representation.clone(),
            init: MediaPath::from_disk(Path::new(&init)).ok_or_else(outside)?,
            media,
            naming,
            timescale: template.timescale,
            ticks,
            offset: ticks_to_time(template.presentation_time_offset, template.timescale),
            times,
        })
    }

    /// How long a segment is.
    pub(super) fn nominal(&self) -> Duration {
        ticks_to_time(self.ticks, self.timescale)
    }

    /// The path of a segment, by its number or its time.
    pub(super) fn path(&self, value: u64) -> Option<MediaPath> {
        let values = Values { number: value, time: value, ..Values::default() };
        MediaPath::from_disk(Path::new(&self.media.expand(&values)))
    }

    /// The number or time that a path tells, if it is one of a segment that the MPD permits.
    pub(super) fn value(&self, path: &MediaPath) -> Option<u64> {
        let found = self.media.matches(path.as_str())?;
        match self.naming {
            Naming::Number(first) => found.number.filter(|number| *number >= first),
            Naming::Time => found.time,
        }
    }

    /// The place of a segment among its kind: neighbours differ by 1, and the first is 1 or later.
    pub(super) fn number(&self, value: u64) -> u64 {
        match self.naming {
            Naming::Number(0) => value.saturating_add(1),
            Naming::Number(_) => value,
            Naming::Time => value.saturating_add(self.ticks / 2) / self.ticks + 1,
        }
    }
}

fn is_video(representation: &Representation) -> bool {
    const AUDIO: [&str; 6] = ["mp4a", "ac-3", "ec-3", "ac-4", "Opus", "fLaC"];
    match representation.content.as_str() {
        "video" => true,
        "audio" => false,
        _ => !AUDIO.iter().any(|codec| {
            representation.codecs.to_ascii_lowercase().starts_with(&codec.to_ascii_lowercase())
        }),
    }
}

/// How long segments are: of a timeline, what is most common (the median).
fn timing(template: &Template) -> (u64, Vec<u64>) {
    match &template.timing {
        Timing::Fixed(ticks) => (*ticks, Vec::new()),
        Timing::Timeline(entries) => {
            let mut lengths: Vec<u64> = entries.iter().map(|entry| entry.duration).collect();
            lengths.sort_unstable();
            let median = lengths.get(lengths.len() / 2).copied();
            let times = entries.iter().map(|entry| entry.time).collect();
            (median.unwrap_or(template.timescale * 2).max(1), times)
        }
    }
}

/// Ticks as time; more than fit are as many as fit.
pub(super) fn ticks_to_time(ticks: u64, timescale: u64) -> Duration {
    mpd::from_nanos(u128::from(ticks) * 1_000_000_000 / u128::from(timescale.max(1)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
