//! Reading a recording: its manifests, its files, and the times in them.

use super::Config;
use super::draft::{self, Draft};
use super::error::{At, Error};
use super::files::{Files, folder_of, resolve};
use super::hls::Playlist;
use super::media;
use super::recording::Track;
use super::timing::{self, Timing};
use crate::cmaf::Init;
use crate::mpd::{self, Found, Mpd, Pattern, Template};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Segment names when neither a manifest nor an option tells them.
const DEFAULT_TEMPLATE: &str = "segment-$Number$.*.m4s";

/// Segment duration when neither a manifest nor an option tells it.
const DEFAULT_DURATION: Duration = Duration::from_secs(5);

/// A recording, ready to be replayed.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) files: Files,
    pub(super) tracks: Vec<Track>,
    pub(super) documents: Vec<Document>,
    /// Everything that is no segment, manifests last.
    pub(super) others: Vec<String>,
    /// How far into the recorded presentation its first segment starts.
    pub(super) origin: Duration,
    /// The most Periods that an MPD of it has.
    pub(super) periods: usize,
    /// Whether an MPD of it names segments one by one.
    pub(super) lists: bool,
}

/// A manifest that a live replay edits.
#[derive(Debug)]
pub(super) enum Document {
    /// An MPD: its text, and which track each of its templates tells of.
    Mpd { name: String, text: String, uses: Vec<(usize, Template)> },
    /// A media playlist and its track.
    /// For each segment of the track `entries` says which one of the playlist it is.
    Playlist { name: String, playlist: Playlist, track: usize, entries: Vec<usize> },
}

impl Document {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Mpd { name, .. } | Self::Playlist { name, .. } => name,
        }
    }
}

/// Reads the recording that the configuration names.
pub(super) fn read(config: &Config) -> Result<Recording, Error> {
    let files = Files::list(&config.input)?;
    let mut reader = Reader {
        files: &files,
        config,
        drafts: Vec::new(),
        known: HashMap::new(),
        documents: Vec::new(),
        periods: 1,
        lists: false,
    };
    reader.read_mpds()?;
    reader.read_playlists()?;
    reader.apply_template()?;
    let Reader { mut drafts, mut documents, periods, lists, .. } = reader;
    let all: BTreeSet<String> = sources(&drafts);
    for draft in &mut drafts {
        let first = config.start_number.unwrap_or(0);
        draft.segments.retain(|segment| segment.number >= first);
    }
    drop_empty(&mut drafts, &mut documents);
    if drafts.is_empty() {
        let number = config.start_number.unwrap_or(0);
        let path = config.input.display();
        return Err(Error::bad(format!(
            "cannot replay {path}: it has no segment from number {number} on"
        )));
    }
    let starts = drafts.iter().filter_map(|draft| draft.segments.first());
    let origin = starts.map(|segment| segment.start).min().unwrap_or_default();
    let tracks = drafts.into_iter().map(|draft| finish(&files, config, draft, origin));
    let tracks = tracks.collect::<Result<Vec<_>, _>>()?;
    documents.retain_mut(|document| match document {
        Document::Playlist { name, playlist, track, entries } => {
            *entries = places(name, playlist, &tracks[*track]);
            entries.len() == tracks[*track].segments.len()
        }
        Document::Mpd { .. } => true,
    });
    let others = others(&files, &all);
    Ok(Recording { tracks, documents, others, origin, periods, lists, files })
}

fn sources(drafts: &[Draft]) -> BTreeSet<String> {
    let segments = drafts.iter().flat_map(|draft| &draft.segments);
    segments.map(|segment| segment.source.clone()).collect()
}

/// What is no segment; manifests last, so that what they name is there before them.
fn others(files: &Files, segments: &BTreeSet<String>) -> Vec<String> {
    let mut others: Vec<_> = files.names.difference(segments).cloned().collect();
    others.sort_by_key(|name| name.ends_with(".mpd") || name.ends_with(".m3u8"));
    others
}

/// Takes tracks without segments away, and corrects the documents' numbers of tracks.
fn drop_empty(drafts: &mut Vec<Draft>, documents: &mut Vec<Document>) {
    let mut place = Vec::new();
    let mut kept = 0;
    for draft in drafts.iter() {
        place.push((!draft.segments.is_empty()).then_some(kept));
        kept += usize::from(!draft.segments.is_empty());
    }
    drafts.retain(|draft| !draft.segments.is_empty());
    documents.retain_mut(|document| match document {
        Document::Mpd { uses, .. } => {
            let moved =
                uses.drain(..).filter_map(|(track, template)| Some((place[track]?, template)));
            *uses = moved.collect();
            true
        }
        Document::Playlist { track, .. } => {
            let moved = place[*track];
            *track = moved.unwrap_or_default();
            moved.is_some()
        }
    });
}

/// Which entry of a playlist each segment of its track is.
fn places(name: &str, playlist: &Playlist, track: &Track) -> Vec<usize> {
    let folder = folder_of(name);
    let sources = playlist.entries.iter().enumerate();
    let place: HashMap<_, _> =
        sources.filter_map(|(index, entry)| Some((resolve(folder, &entry.uri)?, index))).collect();
    track.segments.iter().filter_map(|segment| place.get(&segment.source).copied()).collect()
}

struct Reader<'a> {
    files: &'a Files,
    config: &'a Config,
    drafts: Vec<Draft>,
    /// Which draft a file belongs to.
    known: HashMap<String, usize>,
    documents: Vec<Document>,
    periods: usize,
    lists: bool,
}

impl Reader<'_> {
    fn read_mpds(&mut self) -> Result<(), Error> {
        for name in self.files.ending(".mpd") {
            let text = self.files.text(&name)?;
            let path = self.files.path(&name);
            let refuse = |why: &dyn std::fmt::Display| {
                Error::bad(format!("cannot use {}: {why}", path.display()))
            };
            let mpd = mpd::read(&text).map_err(|why| refuse(&why))?;
            self.periods = self.periods.max(mpd.periods.len());
            let uses = self.add_mpd(&name, &mpd)?;
            if uses.is_empty() && self.config.segment_template.is_none() {
                return Err(refuse(&"none of the segments that it tells of is there"));
            }
            let uses = uses.into_iter().filter_map(|(track, template)| Some((track, template?)));
            let uses = uses.collect();
            self.documents.push(Document::Mpd { name, text, uses });
        }
        Ok(())
    }

    /// The tracks of an MPD that have segments.
    fn add_mpd(&mut self, name: &str, mpd: &Mpd) -> Result<Vec<(usize, Option<Template>)>, Error> {
        let mut uses = Vec::new();
        for period in &mpd.periods {
            for found in &period.representations {
                let draft = draft::of_representation(self.files, folder_of(name), period, found)?;
                let template = match &found.addressing {
                    mpd::Addressing::Template(template) => Some(template.clone()),
                    mpd::Addressing::List { .. } => None,
                };
                self.lists |= template.is_none();
                match self.add(draft) {
                    Some(track) => uses.push((track, template)),
                    None => log::warn!("{name}: Representation {} has no segments here", found.id),
                }
            }
        }
        Ok(uses)
    }

    /// The place of a draft, which may be known from another manifest; `None` when it is empty.
    fn add(&mut self, draft: Draft) -> Option<usize> {
        draft.segments.first()?;
        let mut sources = draft.segments.iter().map(|segment| &segment.source);
        if let Some(known) = sources.find_map(|source| self.known.get(source)) {
            return Some(*known);
        }
        let place = self.drafts.len();
        let sources = draft.segments.iter().map(|segment| segment.source.clone());
        self.known.extend(sources.map(|source| (source, place)));
        self.drafts.push(draft);
        Some(place)
    }

    fn read_playlists(&mut self) -> Result<(), Error> {
        let beside_mpd = !self.documents.is_empty();
        for name in self.files.ending(".m3u8") {
            match Playlist::parse(&self.files.text(&name)?) {
                Ok(None) => {}
                Ok(Some(playlist)) => {
                    let draft = draft::of_playlist(self.files, &name, &playlist);
                    if let Some(track) = self.add(draft) {
                        let entries = Vec::new();
                        self.documents.push(Document::Playlist { name, playlist, track, entries });
                    }
                }
                Err(why) if beside_mpd => log::warn!("{name} is copied as it is: {why}"),
                Err(why) => {
                    let path = self.files.path(&name);
                    return Err(Error::bad(format!("cannot use {}: {why}", path.display())));
                }
            }
        }
        Ok(())
    }

    /// A template that is given says which files are segments, whatever manifests say.
    fn apply_template(&mut self) -> Result<(), Error> {
        let given = self.config.segment_template.as_deref();
        if given.is_none() && !self.drafts.is_empty() {
            return Ok(());
        }
        let template = given.unwrap_or(DEFAULT_TEMPLATE);
        let pattern = Pattern::glob(template);
        let path = self.config.input.display();
        if !pattern.has_number() && !pattern.has_time() {
            return Err(Error::bad(format!(
                "cannot use the template {template}: it has neither $Number$ nor $Time$"
            )));
        }
        let mut found = self.matching(&pattern, template.contains('/'));
        if found.is_empty() {
            return Err(Error::bad(match given {
                Some(_) => format!("cannot replay {path}: the template {template} matches no file"),
                None => format!(
                    "cannot replay {path}: it has no manifest with segments, and no file matches \
                     {template}; --segment-template tells how segments are called"
                ),
            }));
        }
        for draft in &mut self.drafts {
            draft.segments.retain(|segment| found.contains_key(&segment.source));
        }
        for source in self.known.keys() {
            found.remove(source);
        }
        self.add_unlisted(found);
        Ok(())
    }

    fn add_unlisted(&mut self, found: HashMap<String, Found>) {
        let each = self.config.segment_duration.or_else(|| self.usual_duration());
        let lowest = found.values().filter_map(|found| found.number.or(found.time)).min();
        let first = self.config.start_number.or(lowest).unwrap_or(0);
        let names = found.into_iter().collect();
        let guessed = each.is_none();
        let each = each.unwrap_or(DEFAULT_DURATION);
        for draft in draft::of_names(self.files, names, first, each, guessed) {
            self.add(draft);
        }
    }

    fn matching(&self, pattern: &Pattern, whole_path: bool) -> HashMap<String, Found> {
        let found = |name: &String| {
            let end = if whole_path { name } else { &name[folder_of(name).len()..] };
            Some((name.clone(), pattern.matches(end)?))
        };
        self.files.names.iter().filter_map(found).collect()
    }

    /// The duration of the segments that a manifest tells of.
    fn usual_duration(&self) -> Option<Duration> {
        let segment = self.drafts.iter().find_map(|draft| draft.segments.first())?;
        Some(segment.end.saturating_sub(segment.start))
    }
}

/// Looks into a draft's files.
fn finish(files: &Files, config: &Config, draft: Draft, origin: Duration) -> Result<Track, Error> {
    let init = match draft.init.as_ref().filter(|name| files.names.contains(*name)) {
        Some(name) => media::init(&files.path(name)).reading(files.path(name))?,
        None => None,
    };
    let mut timing = Timing::new(init.as_ref(), &draft, origin);
    let mut segments = Vec::with_capacity(draft.segments.len());
    for (index, segment) in (0..).zip(draft.segments) {
        let path = files.path(&segment.source);
        let scan = media::scan(&path, init.as_ref()).reading(path)?;
        let mut segment = timing.time(segment, &scan);
        if let Some(each) = config.segment_duration {
            timing::repace(&mut segment, each * index, each);
        }
        segments.push(segment);
    }
    let handler = init.as_ref().and_then(Init::main_track).map(|track| track.handler);
    let video = handler.map_or(draft.video, |handler| handler == *b"vide");
    Ok(Track { naming: draft.naming, init, video, segments })
}
