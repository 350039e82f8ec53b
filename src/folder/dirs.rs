//! Which folders are watched, and the names under which clients know them: a link makes a folder
//! known under two.

use crate::live::MediaPath;
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The watched folders by their real paths, and links to files. As many as there are on disk.
#[derive(Debug, Default)]
pub(super) struct Dirs {
    names: HashMap<PathBuf, Vec<PathBuf>>,
    reals: HashMap<PathBuf, PathBuf>,
    /// The names of links, by the real files that they lead to.
    links: HashMap<PathBuf, Vec<PathBuf>>,
    /// Real folders that are watched only because links lead to files in them.
    outside: HashSet<PathBuf>,
}

impl Dirs {
    /// Adds a name of a real folder; true when the folder had none before.
    pub(super) fn add(&mut self, real: &Path, relative: &Path) -> bool {
        self.reals.insert(relative.to_owned(), real.to_owned());
        let names = self.names.entry(real.to_owned()).or_default();
        if !names.iter().any(|name| name == relative) {
            names.push(relative.to_owned());
        }
        names.len() == 1
    }

    /// Adds a link to a real file.
    pub(super) fn add_link(&mut self, real: &Path, relative: &Path) {
        let links = self.links.entry(real.to_owned()).or_default();
        if !links.iter().any(|link| link == relative) {
            links.push(relative.to_owned());
        }
    }

    /// The names, relative to the root, of something that lies directly in a watched folder.
    pub(super) fn names(&self, real: &Path) -> Vec<PathBuf> {
        let folder = real.parent().and_then(|folder| self.names.get(folder));
        let (folders, links) = (folder.into_iter().flatten(), self.links.get(real));
        let direct = folders.filter_map(|folder| Some(folder.join(real.file_name()?)));
        direct.chain(links.into_iter().flatten().cloned()).collect()
    }

    /// The real folder that has a name.
    pub(super) fn real(&self, relative: &Path) -> Option<&PathBuf> {
        self.reals.get(relative)
    }

    /// Whether it is watched.
    pub(super) fn contains(&self, real: &Path) -> bool {
        self.names.contains_key(real)
    }

    /// All real folders.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        self.names.keys().chain(&self.outside).cloned().collect()
    }

    /// Forgets the names at and below one; answers the real folders that have none left.
    pub(super) fn remove(&mut self, relative: &Path) -> Vec<PathBuf> {
        for links in self.links.values_mut() {
            links.retain(|link| !link.starts_with(relative));
        }
        self.links.retain(|_, links| !links.is_empty());
        if relative.as_os_str().is_empty() {
            self.outside.clear();
        }
        if !self.reals.contains_key(relative) {
            return Vec::new();
        }
        self.reals.retain(|name, _| !name.starts_with(relative));
        let mut nameless = Vec::new();
        self.names.retain(|real, names| {
            names.retain(|name| !name.starts_with(relative));
            if names.is_empty() {
                nameless.push(real.clone());
            }
            !names.is_empty()
        });
        nameless
    }

    /// Adds a folder that is watched for the sake of a link; true when it was not watched before.
    pub(super) fn add_outside(&mut self, real: &Path) -> bool {
        !self.names.contains_key(real) && self.outside.insert(real.to_owned())
    }

    /// Whether a folder of this name is entered: not hidden ones, and no link that leads back to
    /// a folder in which it lies.
    pub(super) fn is_entered(&self, relative: &Path, real: &Path) -> bool {
        let is_root = relative.as_os_str().is_empty();
        let mut above = relative.ancestors().skip(1).filter_map(|name| self.reals.get(name));
        (is_root || MediaPath::from_disk(relative).is_some()) && above.all(|above| above != real)
    }
}
