//! Reading a recording: its manifests, its files, and the times in them.

use super::Config;
use super::draft::{self, Draft, DraftSegment};
use super::error::{At, Error};
use super::files::{Files, folder_of, resolve};
use super::hls::Playlist;
use super::media::{self, Scan};
use super::recording::{Chunk, NANOS, Segment, Track};
use crate::cmaf::Init;
use crate::mpd::{self, Found, Mpd, Pattern, Template, from_nanos};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::time::Duration;

/// Segment names when neither a manifest nor an option tells them.
const DEFAULT_TEMPLATE: &str = "segment-$Number$.*.m4s";

/// Segment duration when neither a manifest nor an option tells it.
const DEFAULT_DURATION: Duration = Duration::from_secs(5);

/// About how long the pieces are that an MPEG transport stream is cut into.
const PIECE: Duration = Duration::from_millis(200);

/// Bytes of a transport stream's packet: pieces are cut between packets.
const PACKET: u64 = 188;

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
    };
    reader.read_mpds()?;
    reader.read_playlists()?;
    reader.apply_template()?;
    let Reader { mut drafts, mut documents, periods, .. } = reader;
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
    Ok(Recording { tracks, documents, others, origin, periods, files })
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
                uses.extend(self.add(draft).map(|track| (track, template)));
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
        let each = each.unwrap_or(DEFAULT_DURATION);
        for draft in draft::of_names(self.files, names, first, each) {
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
    let mut finisher =
        Finisher { init: init.as_ref(), timescale: draft.timescale, anchor: None, origin };
    let mut segments = Vec::with_capacity(draft.segments.len());
    for (index, segment) in (0..).zip(draft.segments) {
        let path = files.path(&segment.source);
        let scan = media::scan(&path, init.as_ref()).reading(path)?;
        let mut segment = finisher.finish(segment, &scan);
        if let Some(each) = config.segment_duration {
            repace(&mut segment, each * index, each);
        }
        segments.push(segment);
    }
    let handler = init.as_ref().and_then(Init::main_track).map(|track| track.handler);
    let video = handler.map_or(draft.video, |handler| handler == *b"vide");
    Ok(Track { naming: draft.naming, init, video, segments })
}

/// Spreads a segment over another span of time.
fn repace(segment: &mut Segment, start: Duration, each: Duration) {
    let old = segment.end.saturating_sub(segment.start).as_secs_f64().max(1e-9);
    for chunk in &mut segment.chunks {
        let share = chunk.end.saturating_sub(segment.start).as_secs_f64() / old;
        chunk.end = start + each.mul_f64(share.clamp(0.0, 1.0));
    }
    (segment.start, segment.end) = (start, start + each);
}

/// Turns the media's own times into times of the presentation.
struct Finisher<'a> {
    init: Option<&'a Init>,
    timescale: Option<u64>,
    /// A decode time in ticks, and the presentation time in nanoseconds that it belongs to.
    anchor: Option<(i128, i128)>,
    origin: Duration,
}

impl Finisher<'_> {
    fn finish(&mut self, draft: DraftSegment, scan: &Scan) -> Segment {
        let nominal = [draft.start, draft.end].map(|time| time.saturating_sub(self.origin));
        let timescale = self.init.and_then(Init::main_track).map(|track| track.timescale);
        let times = timescale.zip(scan.media).and_then(|(timescale, media)| {
            let place = self.anchor(&draft, media.start, timescale);
            let time = |ticks: u64| since(place, ticks, timescale);
            let start = time(media.start);
            // Times that contradict the manifest's start anew somewhere: those do not count.
            let tolerance = (nominal[1].saturating_sub(nominal[0])).max(Duration::from_secs(1));
            let sound = start.abs_diff(nominal[0]) <= tolerance;
            let chunk =
                |(bytes, end): &(Range<u64>, u64)| Chunk { bytes: bytes.clone(), end: time(*end) };
            sound.then(|| (start, time(media.end), scan.chunks.iter().map(chunk).collect()))
        });
        let transport = draft.source.ends_with(".ts");
        let (start, end, chunks) =
            times.unwrap_or_else(|| (nominal[0], nominal[1], pieces(scan.len, nominal, transport)));
        let DraftSegment { source, number, time, ticks, .. } = draft;
        Segment { source, number, time, ticks, start, end, chunks, media: scan.media }
    }

    /// The first segment ties the media's times to the presentation's: as the manifest says if
    /// the media agrees to within a segment, else so that the segment starts when it should.
    fn anchor(&mut self, draft: &DraftSegment, decode: u64, timescale: u32) -> (i128, i128) {
        let start = draft.start.saturating_sub(self.origin).as_nanos().cast_signed();
        *self.anchor.get_or_insert_with(|| {
            let said = self.timescale.map(|from| {
                let ticks =
                    u128::from(draft.time) * u128::from(timescale) / u128::from(from.max(1));
                ticks.cast_signed()
            });
            let length = draft.end.saturating_sub(draft.start).as_nanos();
            let tolerance = (length * u128::from(timescale) / NANOS).cast_signed();
            let decode = i128::from(decode);
            let agreed = said.filter(|said| (said - decode).abs() <= tolerance);
            (agreed.unwrap_or(decode), start)
        })
    }
}

/// The presentation time of a decode time.
fn since((tick, nanos): (i128, i128), ticks: u64, timescale: u32) -> Duration {
    let distance = (i128::from(ticks) - tick) * NANOS.cast_signed() / i128::from(timescale);
    from_nanos(u128::try_from(nanos + distance).unwrap_or(0))
}

/// A file of which only the length is known, in one piece; a transport stream in several, at
/// even pace.
fn pieces(len: u64, [start, end]: [Duration; 2], transport: bool) -> Vec<Chunk> {
    let span = end.saturating_sub(start);
    let wanted = u64::try_from(span.as_nanos().div_ceil(PIECE.as_nanos())).unwrap_or(1);
    let count = if transport { wanted.min(len / PACKET).max(1) } else { 1 };
    let cut = |index: u64| if index == count { len } else { len * index / count / PACKET * PACKET };
    let chunk = |index: u64| {
        let share = from_nanos(span.as_nanos() * u128::from(index + 1) / u128::from(count));
        Chunk { bytes: cut(index)..cut(index + 1), end: start + share }
    };
    (0..count).map(chunk).collect()
}
