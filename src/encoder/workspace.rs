//! A stream's folder: what its encoder wrote, and nothing else, goes again.
//!
//! What ffmpeg writes is known by its name: it begins with the run's number. What another program
//! writes is what was not there before it came. A hidden file remembers that, so that a server that
//! was killed finds what to remove when it starts again.

use super::{
    arguments::{RAW_MANIFEST, init_name},
    config::Source,
};
use crate::cmaf::{Boxes, Fragment, Init};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The manifest that is shown.
pub(super) const MANIFEST: &str = "manifest.mpd";
/// Where it is prepared.
const PREPARED: &str = ".lldash-manifest";
/// What remembers.
const MEMORY: &str = ".lldash-stream";
/// What its first line says of the folder, and of who writes there.
const MADE: &str = "made";
const FFMPEG: &str = "ffmpeg";
/// What ffmpeg gives a file that grows.
const GROWING: &str = ".tmp";

/// So many files that were there before are told from those of a program; more are refused.
const MAX_OTHERS: usize = 10_000;

/// The folder of a stream.
#[derive(Debug)]
pub(super) struct Workspace {
    folder: PathBuf,
    is_ffmpeg: bool,
    /// What was there before, if that matters.
    others: BTreeSet<PathBuf>,
    /// It was made for this stream.
    is_made: bool,
    is_open: bool,
}

impl Workspace {
    /// The folder `key` of `root`.
    pub(super) fn new(root: &Path, key: &str, source: Source) -> Self {
        Self {
            folder: root.join(key),
            is_ffmpeg: source != Source::Command,
            others: BTreeSet::new(),
            is_made: false,
            is_open: false,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a name is written by us, not by the encoder.
    pub(super) fn is_own(&self, name: &str) -> bool {
        name == MEMORY || name.starts_with(PREPARED) || (self.is_ffmpeg && name == MANIFEST)
    }

    /// Removes what an earlier server left, if anything.
    pub(super) fn recover(&mut self) -> io::Result<()> {
        let is_folder = fs::symlink_metadata(&self.folder).is_ok_and(|found| found.is_dir());
        if !is_folder {
            return Ok(());
        }
        let text = match fs::read_to_string(self.folder.join(MEMORY)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut lines = text.lines();
        let (made, writer) = lines.next().unwrap_or_default().split_once(' ').unwrap_or_default();
        // The configuration may have changed since.
        let is_ffmpeg = std::mem::replace(&mut self.is_ffmpeg, writer == FFMPEG);
        self.is_made = made == MADE;
        self.others = lines.map(PathBuf::from).collect();
        self.is_open = true;
        let emptied = self.empty();
        self.is_ffmpeg = is_ffmpeg;
        emptied
    }

    /// Makes the folder ready for an encoder. Twice is once.
    ///
    /// # Errors
    /// When something of others stands in the way, or the disk refuses.
    pub(super) fn open(&mut self) -> io::Result<()> {
        if self.is_open && self.folder.is_dir() {
            return Ok(());
        }
        self.is_made = match fs::symlink_metadata(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&self.folder)?;
                true
            }
            Err(error) => return Err(error),
            Ok(found) if !found.is_dir() => {
                return Err(io::Error::other("it is no folder; remove it, or choose another key"));
            }
            Ok(_) => false,
        };
        if self.is_ffmpeg && self.folder.join(MANIFEST).exists() {
            let reason = format!("{MANIFEST} is somebody else's; remove it, or choose another key");
            return Err(io::Error::other(reason));
        }
        self.others = if self.is_ffmpeg { BTreeSet::new() } else { self.files(MAX_OTHERS)? };
        let made = if self.is_made { MADE } else { "found" };
        let writer = if self.is_ffmpeg { FFMPEG } else { "others" };
        let mut memory = format!("{made} {writer}\n");
        for other in &self.others {
            // A name that is no text, or has lines, is not remembered, and so is not kept safe.
            let name = other.to_str().filter(|name| !name.contains('\n'));
            let name = name.ok_or_else(|| io::Error::other(format!("{other:?} is no text")))?;
            memory.push_str(name);
            memory.push('\n');
        }
        fs::write(self.folder.join(MEMORY), memory)?;
        self.is_open = true;
        Ok(())
    }

    /// All files below the folder, if they are no more than so many.
    fn files(&self, most: usize) -> io::Result<BTreeSet<PathBuf>> {
        let (mut files, mut todo) = (BTreeSet::new(), vec![PathBuf::new()]);
        while let Some(relative) = todo.pop() {
            for entry in fs::read_dir(self.folder.join(&relative))? {
                let entry = entry?;
                let path = relative.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    todo.push(path);
                } else {
                    files.insert(path);
                }
                if files.len() + todo.len() > most {
                    let reason = format!("there are more than {most} files in it");
                    return Err(io::Error::other(reason));
                }
            }
        }
        Ok(files)
    }

    /// Shows a manifest: whole, or not at all.
    pub(super) fn publish(&self, text: &str) -> io::Result<()> {
        let prepared = self.folder.join(PREPARED);
        fs::write(&prepared, text)?;
        fs::rename(prepared, self.folder.join(MANIFEST))
    }

    /// ffmpeg's own manifest.
    pub(super) fn raw_manifest(&self) -> Option<String> {
        fs::read_to_string(self.folder.join(RAW_MANIFEST)).ok()
    }

    /// Whether nothing can be written to its disk any more.
    pub(super) fn is_full(&self) -> bool {
        /// Less than a manifest and the beginning of a segment.
        #[cfg(unix)]
        const LEAST_BYTES: u64 = 64 * 1024;
        #[cfg(unix)]
        return rustix::fs::statvfs(&self.folder)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_BYTES);
        #[cfg(not(unix))]
        false
    }

    /// Makes whole what a run left half: a segment whose boxes are whole becomes a shorter last one,
    /// anything else goes. Answers how long the run's media is.
    pub(super) fn finish(&self, run: u64) -> Option<Duration> {
        let _ = fs::remove_file(self.folder.join(RAW_MANIFEST));
        let _ = fs::remove_file(self.folder.join(format!("{RAW_MANIFEST}{GROWING}")));
        let mut tracks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in self.names() {
            if let Some(track) = track_of(&name, run) {
                tracks.entry(track.to_owned()).or_default().push(name);
            }
        }
        let ends = tracks.into_iter().filter_map(|(track, names)| self.end_of(run, &track, names));
        let ends: Vec<Duration> = ends.collect();
        let (first, last) = (*ends.iter().min()?, *ends.iter().max()?);
        // A track that lost its last segment ends for all: it would be asked for.
        Some(if last - first < SAME_END { last } else { first })
    }

    /// The end of a track's media.
    fn end_of(&self, run: u64, track: &str, mut names: Vec<String>) -> Option<Duration> {
        let init = fs::read(self.folder.join(init_name(run, track))).ok()?;
        let init = Init::parse(&init).ok()?;
        names.sort();
        let mut end = None;
        for name in names.iter().rev() {
            let path = self.folder.join(name);
            let Some(whole) = name.strip_suffix(GROWING) else {
                return end.or_else(|| end_of_segment(&fs::read(path).ok()?, &init)?);
            };
            let found = fs::read(&path).ok().and_then(|bytes| end_of_segment(&bytes, &init));
            match found {
                Some(found) if fs::rename(&path, self.folder.join(whole)).is_ok() => {
                    end = end.or(found);
                }
                _ => _ = fs::remove_file(path),
            }
        }
        end
    }

    /// The init of a run's representation, if it has bytes yet.
    pub(super) fn init(&self, run: u64, representation: usize) -> Option<Vec<u8>> {
        let init = fs::read(self.folder.join(init_name(run, &representation.to_string())));
        init.ok().filter(|init| !init.is_empty())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// Removes the files of all runs but these.
    pub(super) fn keep_runs(&self, kept: &[u64]) {
        for name in self.names() {
            if run_of(&name).is_some_and(|run| !kept.contains(&run)) {
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
    }

    /// Removes all that the encoder wrote, and the folder if it was made for it.
    pub(super) fn empty(&mut self) -> io::Result<()> {
        if !self.is_open {
            return Ok(());
        }
        if self.is_ffmpeg {
            // First what others would look at.
            for name in [MANIFEST, PREPARED, RAW_MANIFEST, ".manifest.mpd.tmp"] {
                remove(&self.folder.join(name))?;
            }
            self.keep_runs(&[]);
        } else {
            for relative in self.files(usize::MAX)? {
                if !self.others.contains(&relative) && relative != Path::new(MEMORY) {
                    remove(&self.folder.join(&relative))?;
                    self.remove_folders(relative.parent());
                }
            }
        }
        remove(&self.folder.join(MEMORY))?;
        self.is_open = false;
        if self.is_made {
            // Others may have written into it since.
            let _ = fs::remove_dir(&self.folder);
        }
        Ok(())
    }

    /// Removes empty folders below the stream's own.
    fn remove_folders(&self, relative: Option<&Path>) {
        let mut folders = relative.into_iter().flat_map(Path::ancestors);
        let _ = folders.try_for_each(|folder| {
            if folder.as_os_str().is_empty() {
                return Ok(());
            }
            fs::remove_dir(self.folder.join(folder))
        });
    }
}

/// Ends that are not further apart are one: tracks are cut at their own frames.
const SAME_END: Duration = Duration::from_millis(300);

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Digits of a run's number: milliseconds since the Unix epoch, until the year 2286.
const RUN_DIGITS: usize = 13;

/// The run that a file's name tells of.
fn run_of(name: &str) -> Option<u64> {
    let (run, rest) = name.split_once('-')?;
    let is_media = rest.ends_with(".m4s") || rest.ends_with(".m4s.tmp");
    let is_run = run.len() == RUN_DIGITS && run.bytes().all(|byte| byte.is_ascii_digit());
    (is_run && is_media).then(|| run.parse().ok())?
}

/// The track that a segment of a run belongs to.
fn track_of(name: &str, run: u64) -> Option<&str> {
    let rest = name.strip_prefix(&run.to_string())?.strip_prefix('-')?;
    let (track, _) = rest.split_once('-')?;
    track.bytes().all(|byte| byte.is_ascii_digit()).then_some(track)
}

/// Where a segment's media ends, if it has any yet; `None` when it breaks off.
fn end_of_segment(bytes: &[u8], init: &Init) -> Option<Option<Duration>> {
    let mut end = None;
    let mut is_whole = !bytes.is_empty();
    for found in Boxes::new(bytes) {
        let found = found.ok()?;
        match &found.kind {
            b"moof" => {
                let fragment = Fragment::parse(found.bytes, init).ok()?;
                let run = fragment.runs.first()?;
                let scale = init.track(run.track)?.timescale;
                let nanos = u128::from(run.end()) * 1_000_000_000 / u128::from(scale);
                (end, is_whole) = (Some(crate::mpd::from_nanos(nanos)), false);
            }
            b"mdat" => is_whole = true,
            _ => {}
        }
    }
    is_whole.then_some(end)
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;
