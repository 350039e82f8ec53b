//! What lies in the output folder: listed in manifests, removed when it is too old.

use super::Config;
use super::error::{At, Error};
use super::files::folder_of;
use super::hls::{self, Listed, Playlist};
use super::input::{Document, Recording};
use super::manifest::{Facts, Slot, longest_piece, target_latency};
use super::schedule::{Loop, Step};
use crate::clock;
use crate::folder::writer::write_whole;
use crate::mpd::{self, Live, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, SystemTime};

/// What is escaped in URIs that are made here: all but what RFC 3986 calls unreserved, and `/`.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A segment in the output folder.
#[derive(Debug, Clone)]
struct Item {
    slot: Slot,
    name: String,
    /// When it ends, counted from the presentation's start.
    end: Duration,
    /// Whether it is whole.
    whole: bool,
}

/// Segments of one track, oldest first. In a loop those older than the window leave it, so it
/// holds no more than the window does.
#[derive(Debug, Default)]
struct Row {
    items: VecDeque<Item>,
    gone: u64,
    discontinuities_gone: u64,
    /// Segments that manifests no longer list, until they are removed.
    retired: VecDeque<Item>,
}

/// The output folder of a live replay.
#[derive(Debug)]
pub(super) struct Shelf<'a> {
    config: &'a Config,
    recording: &'a Recording,
    looped: Option<&'a Loop>,
    /// How long old segments stay listed in a loop.
    window: Duration,
    /// The wall clock's time of the presentation's start.
    zero: SystemTime,
    published: SystemTime,
    rows: Vec<Row>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(
        config: &'a Config,
        recording: &'a Recording,
        looped: Option<&'a Loop>,
        zero: SystemTime,
    ) -> Self {
        let rows = recording.tracks.iter().map(|_| Row::default()).collect();
        // With fewer than three segments players have nothing to hold on to.
        let window = config.window.max(longest_piece(&recording.tracks, false) * 3);
        Self { config, recording, looped, window, zero, published: SystemTime::UNIX_EPOCH, rows }
    }

    fn facts(&self) -> Facts<'a> {
        facts(self.config, self.recording, self.looped)
    }

    /// The path of a step's segment below the output folder.
    pub(super) fn name(&self, step: &Step) -> String {
        let track = &self.recording.tracks[step.track];
        if step.lap == 0 {
            return track.segments[step.segment].source.clone();
        }
        let slot = Slot { segment: step.segment, lap: step.lap };
        let template = self.template(step.track);
        let time = template.map_or(0, |template| self.facts().time(step.track, slot, template));
        track.naming.name(self.facts().number(step.track, slot), time)
    }

    /// The template of a track in its MPD, if it has one.
    fn template(&self, track: usize) -> Option<&'a Template> {
        let mut uses = self.recording.documents.iter().filter_map(|document| match document {
            Document::Mpd { uses, .. } => uses.iter().find(|(used, _)| *used == track),
            Document::Playlist { .. } => None,
        });
        uses.next().map(|(_, template)| template)
    }

    /// Writes the manifests that can be there before any segment; their paths.
    pub(super) fn open(&mut self) -> Result<Vec<String>, Error> {
        self.rewrite(None, |document| matches!(document, Document::Mpd { .. }))
    }

    /// Takes note of a segment that starts to appear, or is whole, and corrects the manifests.
    pub(super) fn note(&mut self, step: &Step, name: &str) -> Result<(), Error> {
        if step.first {
            let slot = Slot { segment: step.segment, lap: step.lap };
            let offset = self.looped.map_or(Duration::ZERO, |looped| looped.length.times(step.lap));
            let end = self.recording.tracks[step.track].segments[step.segment].end + offset;
            let item = Item { slot, name: name.to_string(), end, whole: false };
            self.rows[step.track].items.push_back(item);
        }
        if let Some(item) = self.rows[step.track].items.back_mut() {
            item.whole |= step.last;
        }
        self.retire(step);
        let facts = self.facts();
        let listed = if facts.growing { step.first } else { step.last };
        self.rewrite(None, |document| match document {
            Document::Mpd { uses, .. } => listed && lists(&facts, uses, step.track),
            Document::Playlist { track, .. } => step.last && *track == step.track,
        })?;
        self.remove_old(step)
    }

    /// Writes the last versions of all manifests.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        let video = self.recording.tracks.iter().any(|track| track.video);
        let rows = self.rows.iter().zip(&self.recording.tracks);
        // Audio hangs over by part of a frame: that must not promise another segment.
        let paced = rows.filter(|(_, track)| track.video || !video);
        let ends = paced.filter_map(|(row, _)| row.items.back()).map(|item| item.end);
        let end = ends.max().unwrap_or_default();
        self.rewrite(Some(end), |_| true).map(drop)
    }

    /// Takes off the lists what is older than the window.
    fn retire(&mut self, step: &Step) {
        let edge = step.due.saturating_sub(self.window);
        let old = |item: &Item| self.looped.is_some() && item.whole && item.end < edge;
        while self.rows[step.track].items.front().is_some_and(old) {
            let Some(item) = self.rows[step.track].items.pop_front() else { break };
            let cut = self.recording.documents.iter().any(|document| match document {
                Document::Playlist { playlist, entries, track, .. } => {
                    *track == step.track && {
                        let listed = self.listed("", playlist, entries, *track, &item);
                        hls::is_discontinuity(playlist, &listed)
                    }
                }
                Document::Mpd { .. } => false,
            });
            let row = &mut self.rows[step.track];
            row.gone += 1;
            row.discontinuities_gone += u64::from(cut);
            row.retired.push_back(item);
        }
    }

    /// Removes what has been off the lists for two segments: requests may be under way.
    fn remove_old(&mut self, step: &Step) -> Result<(), Error> {
        let grace = longest_piece(&self.recording.tracks, false) * 2;
        let edge = step.due.saturating_sub(self.window + grace);
        let retired = &mut self.rows[step.track].retired;
        while retired.front().is_some_and(|item| item.end < edge) {
            let Some(item) = retired.pop_front() else { break };
            let path = self.config.output.join(&item.name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::writing(&path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the documents that are picked; their paths.
    fn rewrite(
        &mut self,
        ended: Option<Duration>,
        pick: impl Fn(&Document) -> bool,
    ) -> Result<Vec<String>, Error> {
        let recording = self.recording;
        let mut written = Vec::new();
        for document in recording.documents.iter().filter(|document| pick(document)) {
            let text = match document {
                Document::Mpd { text, uses, .. } => self.mpd(text, uses, ended)?,
                Document::Playlist { name, playlist, entries, track } => {
                    self.playlist(name, playlist, entries, *track, ended.is_some())
                }
            };
            let path = self.config.output.join(document.name());
            write_whole(&path, text.as_bytes()).writing(path)?;
            written.push(document.name().to_string());
        }
        Ok(written)
    }

    fn mpd(
        &mut self,
        text: &str,
        uses: &[(usize, Template)],
        ended: Option<Duration>,
    ) -> Result<String, Error> {
        let facts = self.facts();
        let listed = |track: usize| {
            let there = |item: &&Item| item.whole || facts.growing;
            self.rows[track].items.iter().filter(there).map(|item| item.slot).collect()
        };
        let tracks = &self.recording.tracks;
        let pieces = longest_piece(tracks, false).max(Duration::from_secs(1));
        // It has to grow from version to version, however fast they follow.
        let published = clock::now().max(self.published + Duration::from_millis(1));
        let live = Live {
            availability_start: self.zero + lateness(&facts, self.recording),
            publish: published,
            update_period: self.config.segment_duration.unwrap_or(pieces),
            window: self.looped.map(|_| self.window),
            target_latency: target_latency(tracks, facts.growing),
            utc_timing: self.config.utc_timing.clone(),
            ended,
            templates: facts.edits(uses, &listed),
        };
        let made = mpd::make_live(text, &live);
        self.published = published;
        made.map_err(|why| Error::failed(format!("cannot edit the MPD: {why}")))
    }

    fn playlist(
        &self,
        name: &str,
        playlist: &Playlist,
        entries: &[usize],
        track: usize,
        ended: bool,
    ) -> String {
        let row = &self.rows[track];
        let items = row.items.iter().filter(|item| item.whole);
        let listed: Vec<_> =
            items.map(|item| self.listed(name, playlist, entries, track, item)).collect();
        let gone = row.gone + entries.first().map_or(0, |first| *first as u64);
        let head = hls::Head { gone, discontinuities_gone: row.discontinuities_gone, ended };
        hls::render(playlist, head, listed.iter())
    }

    fn listed(
        &self,
        name: &str,
        playlist: &Playlist,
        entries: &[usize],
        track: usize,
        item: &Item,
    ) -> Listed {
        let entry = entries[item.slot.segment];
        let found = &self.recording.tracks[track];
        let uri = match item.slot.lap {
            0 => playlist.entries[entry].uri.clone(),
            _ => relative(folder_of(name), &item.name),
        };
        let segment = &found.segments[item.slot.segment];
        let captured = item.end.saturating_sub(segment.end.saturating_sub(segment.start));
        let again = item.slot.lap > 0 && item.slot.segment == 0;
        Listed {
            entry,
            uri,
            // Time stamps that are not rewritten start anew.
            discontinuity: again && found.init.is_none(),
            captured: self.zero + captured,
        }
    }
}

/// What the manifests of a replay depend on.
pub(super) fn facts<'a>(
    config: &Config,
    recording: &'a Recording,
    looped: Option<&'a Loop>,
) -> Facts<'a> {
    let growing = config.chunked && config.write != super::WriteMode::Rename;
    let one_period = recording.periods == 1;
    Facts { tracks: &recording.tracks, looped, origin: recording.origin, one_period, growing }
}

/// How much later the MPDs have to say that all starts, so that they promise nothing too early.
fn lateness(facts: &Facts<'_>, recording: &Recording) -> Duration {
    let late = recording.documents.iter().map(|document| match document {
        Document::Mpd { uses, .. } => facts.lateness(uses),
        Document::Playlist { .. } => Duration::ZERO,
    });
    let micros = late.max().unwrap_or_default().as_nanos().div_ceil(1000);
    // To the millisecond, as dates are written, and up.
    Duration::from_millis(u64::try_from(micros.div_ceil(1000)).unwrap_or(0))
}

/// Whether an MPD lists the segments of that track one by one.
fn lists(facts: &Facts<'_>, uses: &[(usize, Template)], track: usize) -> bool {
    uses.iter().any(|used| used.0 == track && facts.is_listed(used))
}

/// The URI of a path as seen from a folder.
fn relative(folder: &str, path: &str) -> String {
    let shared = folder.split_inclusive('/').zip(path.split_inclusive('/'));
    let shared: usize = shared.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum();
    let up = "../".repeat(folder[shared..].matches('/').count());
    format!("{up}{}", utf8_percent_encode(&path[shared..], ESCAPED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_relative_to_the_playlist() {
        assert_eq!(relative("", "a/b 1.ts"), "a/b%201.ts");
        assert_eq!(relative("a/", "a/b.ts"), "b.ts");
        assert_eq!(relative("a/b/", "a/c/d.ts"), "../c/d.ts");
    }
}
