//! Which manifests lie in the folder, and when media last came to each folder below it.
//!
//! Asked for by people who look, not by players: what was learnt of a folder is kept, and one that
//! did not change is not read again.

use super::{
    Folder,
    on_disk::read_whole,
    root::{Found, Opened},
};
use crate::{
    clock,
    live::{MediaPath, Role, Stamp, under_side_name},
};
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// So many folders are looked at, those first that lie least deep.
const MAX_FOLDERS: usize = 20_000;

/// So many manifests are noted.
const MAX_MANIFESTS: usize = 1000;

/// So many files of one folder are looked at.
const MAX_FILES: usize = 20_000;

/// A folder's time may stand still for so long while names come: file systems count in ticks.
const TICK: Duration = Duration::from_secs(2);

/// What is known of the folder, for the next [`Folder::survey`] and for those who ask.
#[derive(Debug, Default)]
pub struct Survey {
    /// By path below the root.
    folders: HashMap<PathBuf, Seen>,
    /// Other paths, by links, to folders that are known: at most [`MAX_FOLDERS`].
    others: HashMap<PathBuf, PathBuf>,
}

#[derive(Debug)]
struct Seen {
    modified: SystemTime,
    manifests: Vec<MediaPath>,
    /// The newest segment, and when it was written.
    newest: Option<(PathBuf, SystemTime)>,
    /// Folders in it, relative to the root.
    below: Vec<PathBuf>,
    /// Links in it that may lead to folders.
    links: Vec<PathBuf>,
}

/// What is still to be looked at: no more than the disk has, of [`MAX_FILES`] for each folder.
#[derive(Default)]
struct Todo {
    folders: VecDeque<PathBuf>,
    links: VecDeque<PathBuf>,
}

impl Todo {
    fn next(&mut self) -> Option<PathBuf> {
        self.folders.pop_front().or_else(|| self.links.pop_front())
    }
}

impl Survey {
    /// The manifests, by name.
    pub fn manifests(&self) -> Vec<MediaPath> {
        let all = self.folders.values().flat_map(|seen| &seen.manifests);
        let mut all: Vec<MediaPath> = all.cloned().collect();
        all.sort();
        all.truncate(MAX_MANIFESTS);
        all
    }

    /// When a segment last came to a folder, which is named relative to the root.
    pub fn newest(&self, folder: &Path) -> Option<SystemTime> {
        let folder = self.others.get(folder).map_or(folder, PathBuf::as_path);
        self.folders.get(folder)?.newest.as_ref().map(|(_, written)| *written)
    }
}

impl Folder {
    /// Looks at all folders; `last` is what was known before. Blocks.
    pub fn survey(&self, mut last: Survey) -> Survey {
        let mut survey = Survey::default();
        let mut visited: HashMap<PathBuf, PathBuf> = HashMap::new();
        // Links after all folders: what is there by both ways goes by its own name.
        let mut todo = Todo { folders: VecDeque::from([PathBuf::new()]), ..Todo::default() };
        while let Some(relative) = todo.next().filter(|_| survey.folders.len() < MAX_FOLDERS) {
            let Found::Folder(real) = self.glance.root.find(&relative) else { continue };
            if let Some(known) = visited.get(&real) {
                if survey.others.len() < MAX_FOLDERS {
                    survey.others.insert(relative, known.clone());
                }
                continue;
            }
            let Some(seen) = seen(&real, &relative, last.folders.remove(&relative)) else {
                continue;
            };
            visited.insert(real, relative.clone());
            todo.folders.extend(seen.below.iter().cloned());
            todo.links.extend(seen.links.iter().cloned());
            survey.folders.insert(relative, seen);
        }
        survey
    }

    /// A manifest as the disk shows it. Blocks.
    pub fn manifest(&self, path: &MediaPath) -> Option<ManifestFile> {
        match self.glance.root.find(path.as_path()) {
            Found::File(opened) => Some(ManifestFile(opened)),
            _ => None,
        }
    }
}

/// A manifest on disk, open.
#[derive(Debug)]
pub struct ManifestFile(Opened);

impl ManifestFile {
    /// Its state on disk.
    pub fn stamp(&self) -> Stamp {
        self.0.stamp
    }

    /// When it was written.
    pub fn modified(&self) -> SystemTime {
        self.0.modified
    }

    /// Its bytes; `None` if there are more than `most`, or they cannot be read. Blocks.
    pub fn read(&self, most: usize) -> Option<Bytes> {
        let length = usize::try_from(self.0.length).ok().filter(|length| *length <= most)?;
        read_whole(&self.0.file, length).ok().map(Bytes::from)
    }
}

/// What is in a folder; `before`, if that is still so.
fn seen(real: &Path, relative: &Path, before: Option<Seen>) -> Option<Seen> {
    let modified = fs::metadata(real).and_then(|it| it.modified()).ok()?;
    let is_old = clock::now().duration_since(modified).is_ok_and(|age| age > TICK);
    if let Some(mut before) = before.filter(|before| is_old && before.modified == modified) {
        // It may have grown.
        if let Some((name, time)) = &mut before.newest
            && let Ok(now) = fs::metadata(real.join(name)).and_then(|it| it.modified())
        {
            *time = now;
        }
        return Some(before);
    }
    let mut seen = Seen {
        modified,
        manifests: Vec::new(),
        newest: None,
        below: Vec::new(),
        links: Vec::new(),
    };
    for entry in fs::read_dir(real).ok()?.flatten().take(MAX_FILES) {
        seen.note(&entry, relative);
    }
    Some(seen)
}

impl Seen {
    fn note(&mut self, entry: &fs::DirEntry, folder: &Path) {
        let relative = folder.join(entry.file_name());
        let Some(path) = MediaPath::from_disk(&relative).or_else(|| under_side_name(&relative))
        else {
            return;
        };
        let Ok(kind) = entry.file_type() else { return };
        if kind.is_dir() {
            return self.below.push(relative);
        }
        if kind.is_symlink() && path.role() == Role::Other {
            return self.links.push(relative);
        }
        match path.role() {
            Role::Manifest(_) if self.manifests.len() < MAX_MANIFESTS => self.manifests.push(path),
            Role::Media { init: false, .. } => {
                let written = entry.metadata().and_then(|it| it.modified());
                let newest = self.newest.as_ref().map(|(_, newest)| *newest);
                if let Some(written) = written.ok().filter(|it| Some(*it) > newest) {
                    self.newest = Some((entry.file_name().into(), written));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        folder::{Config, Watch},
        live::Library,
    };

    fn folder(path: &Path) -> Folder {
        let config = Config {
            folder: path.to_owned(),
            allowed_links: Vec::new(),
            watch: Watch::Auto,
            poll_interval: Duration::from_millis(200),
            stall_timeout: Duration::from_secs(10),
            idle_finish: Duration::from_secs(10),
            uploads: None,
        };
        Folder::start(&config, Library::new(1 << 20, 9)).expect("a folder")
    }

    fn names(survey: &Survey) -> Vec<String> {
        survey.manifests().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn manifests_are_found_and_hidden_ones_are_not() {
        let disk = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(disk.path().join("a&b/c")).expect("made");
        for name in ["a&b/c/x.mpd", "y.m3u8", "z.m4s", "init.m4s", ".hidden.mpd"] {
            fs::write(disk.path().join(name), "x").expect("written");
        }
        let folder = folder(disk.path());
        let survey = folder.survey(Survey::default());
        assert_eq!(names(&survey), ["a&b/c/x.mpd", "y.m3u8"]);
        assert!(survey.newest(Path::new("")).is_some());
        assert_eq!(survey.newest(Path::new("a&b/c")), None);
        fs::remove_dir_all(disk.path().join("a&b")).expect("gone");
        fs::write(disk.path().join("b.mpd"), "x").expect("written");
        assert_eq!(names(&folder.survey(survey)), ["b.mpd", "y.m3u8"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_known_by_its_links_too_and_listed_by_its_own_name() {
        use std::os::unix::fs::symlink;
        let disk = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(disk.path().join("z/deep")).expect("made");
        symlink(disk.path().join("z/deep"), disk.path().join("a")).expect("linked");
        for name in ["z/deep/x.mpd", "z/deep/1.m4s"] {
            fs::write(disk.path().join(name), "x").expect("written");
        }
        let survey = folder(disk.path()).survey(Survey::default());
        assert_eq!(names(&survey), ["z/deep/x.mpd"]);
        let newest = survey.newest(Path::new("z/deep"));
        assert!(newest.is_some() && survey.newest(Path::new("a")) == newest);
    }

    #[test]
    fn many_folders_are_looked_at_and_shallow_ones_first() {
        let disk = tempfile::tempdir().expect("a folder");
        let many = disk.path().join("old");
        for number in 0..1500 {
            fs::create_dir_all(many.join(format!("{number}/x"))).expect("made");
        }
        fs::create_dir(disk.path().join("new")).expect("made");
        for name in ["new/x.mpd", "old/1400/x/y.mpd"] {
            fs::write(disk.path().join(name), "x").expect("written");
        }
        let folder = folder(disk.path());
        let survey = folder.survey(Survey::default());
        assert_eq!(names(&survey), ["new/x.mpd", "old/1400/x/y.mpd"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_never_outside() {
        use std::os::unix::fs::symlink;
        let (disk, outside) = (tempfile::tempdir(), tempfile::tempdir());
        let (disk, outside) = (disk.expect("a folder"), outside.expect("a folder"));
        fs::write(outside.path().join("o.mpd"), "x").expect("written");
        fs::create_dir(disk.path().join("in")).expect("made");
        fs::write(disk.path().join("in/i.mpd"), "x").expect("written");
        symlink(outside.path(), disk.path().join("out")).expect("linked");
        symlink(disk.path(), disk.path().join("in/again")).expect("linked");
        let survey = folder(disk.path()).survey(Survey::default());
        assert_eq!(names(&survey), ["in/i.mpd"]);
    }
}
