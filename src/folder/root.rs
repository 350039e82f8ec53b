//! Opening files below the folder, and never outside of it.
//!
//! On Linux `openat2` keeps every look-up beneath the folder (or beneath an allowed target of a
//! link), in one system call that no race can trick. Elsewhere the path is resolved, checked,
//! and opened.

use super::place::Place;
use crate::live::Stamp;
use std::{
    collections::HashSet,
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// The folder, and the places that links inside it may lead to.
#[derive(Debug)]
pub(super) struct Root {
    /// As it was given: it may be a link, or be made anew.
    given: PathBuf,
    base: Mutex<Arc<Place>>,
    allowed: Vec<Place>,
    /// Links that were warned of, up to [`MAX_WARNINGS`].
    warned: Mutex<HashSet<PathBuf>>,
}

const MAX_WARNINGS: usize = 1000;

/// A regular file, open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
    pub(super) stamp: Stamp,
}

/// What an attempt to open found.
#[derive(Debug)]
pub(super) enum Found {
    File(Opened),
    Folder(PathBuf),
    /// Nothing that may be served.
    Absent,
    /// It is there, and the system does not let it be read.
    Denied,
}

impl Root {
    /// Holds the folder open.
    ///
    /// # Errors
    /// When one of the folders cannot be opened.
    pub(super) fn open(given: &Path, allowed: &[PathBuf]) -> io::Result<Self> {
        let open = |path: &PathBuf| {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("--allow-link {}: {error}", path.display()))
            };
            Place::open(path).map_err(named)
        };
        let allowed = allowed.iter().map(open).collect::<io::Result<_>>()?;
        let base = Mutex::new(Arc::new(Place::open(given)?));
        Ok(Self { given: given.to_owned(), base, allowed, warned: Mutex::default() })
    }

    /// The folder's real path.
    pub(super) fn real(&self) -> PathBuf {
        self.base().real.clone()
    }

    pub(super) fn base(&self) -> Arc<Place> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the folder that is held open is the one that stands at its path, or none does.
    pub(super) fn stands(&self) -> bool {
        self.base().stands()
    }

    /// Looks again where the folder is: it may have been made anew, or something mounted over it.
    /// False when there is none.
    pub(super) fn reopen(&self) -> bool {
        let Ok(place) = Place::open(&self.given) else { return false };
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(place);
        true
    }

    /// Opens what stands at `relative`; `None` where that leads over a link, or may do so.
    pub(super) fn find_plain(&self, relative: &Path) -> Option<Found> {
        let base = self.base();
        match base.open_plain(relative) {
            Ok(file) => found(file, || base.real.join(relative).canonicalize()).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Found::Absent),
            Err(_) => None,
        }
    }

    /// Opens what stands at `relative`.
    pub(super) fn find(&self, relative: &Path) -> Found {
        match self.try_find(relative) {
            Ok(found) => found,
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => Found::Denied,
                _ if is_resource_limit(&error) => {
                    log::error!("cannot open {}: {error}", relative.display());
                    Found::Denied
                }
                _ => Found::Absent,
            },
        }
    }

    fn try_find(&self, relative: &Path) -> io::Result<Found> {
        let base = self.base();
        let (file, real) = match base.open_beneath(relative) {
            Ok(file) => (file, None),
            Err(error) if leads_out(&error) => {
                let real = base.real.join(relative).canonicalize()?;
                let Some((place, rest)) = self.place_of(&base, &real) else {
                    self.warn(relative, &real);
                    return Ok(Found::Absent);
                };
                (place.open_beneath(rest)?, Some(real.clone()))
            }
            Err(error) => return Err(error),
        };
        found(file, || real.map_or_else(|| base.real.join(relative).canonicalize(), Ok))
    }

    /// Whether a link may lead to this real path.
    pub(super) fn permits(&self, real: &Path) -> bool {
        self.place_of(&self.base(), real).is_some()
    }

    /// The place that a real path lies in, and its path there.
    pub(super) fn place_of<'a>(
        &'a self,
        base: &'a Place,
        real: &'a Path,
    ) -> Option<(&'a Place, &'a Path)> {
        let mut places = std::iter::once(base).chain(&self.allowed);
        places.find_map(|place| Some((place, real.strip_prefix(&place.real).ok()?)))
    }

    /// The first part of a path that leads out.
    fn link_out<'a>(&self, relative: &'a Path) -> Option<&'a Path> {
        let base = self.base();
        let leads_out = |part: &Path| {
            let real = base.real.join(part).canonicalize();
            real.is_ok_and(|real| self.place_of(&base, &real).is_none())
        };
        relative.ancestors().filter(|part| leads_out(part)).last()
    }

    /// Says once of each link that it leads out.
    fn warn(&self, relative: &Path, real: &Path) {
        let link = self.link_out(relative).unwrap_or(relative);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && warned.insert(link.to_owned()) {
            log::warn!(
                "{} leads out of the folder to {} and is not served; --allow-link permits it",
                link.display(),
                real.display()
            );
        }
    }
}

/// What an open file is; a folder lies at its real path.
fn found(file: File, real: impl FnOnce() -> io::Result<PathBuf>) -> io::Result<Found> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(Found::Folder(real()?));
    }
    if !metadata.is_file() {
        return Ok(Found::Absent);
    }
    Ok(Found::File(Opened::new(file, &metadata)?))
}

impl Opened {
    fn new(file: File, metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?;
        let stamp = stamp(metadata, modified);
        Ok(Self { length: metadata.len(), modified, stamp, file })
    }

    /// The same file as it is now.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(super) fn again(file: &File) -> io::Result<(u64, SystemTime, Stamp)> {
        let metadata = file.metadata()?;
        let modified = metadata.modified()?;
        Ok((metadata.len(), modified, stamp(&metadata, modified)))
    }

    /// What stays the same while a file grows or is renamed.
    pub(super) fn inode(&self) -> [u64; 2] {
        [self.stamp.0[0], self.stamp.0[1]]
    }
}

fn stamp(metadata: &Metadata, modified: SystemTime) -> Stamp {
    let since_epoch = crate::clock::since_epoch(modified).as_nanos();
    let modified = u64::try_from(since_epoch).unwrap_or(u64::MAX);
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        [metadata.dev(), metadata.ino()]
    };
    // Elsewhere a file is told from its successor by when it was made.
    #[cfg(not(unix))]
    let inode = {
        let created = metadata.created().map(crate::clock::since_epoch).unwrap_or_default();
        [0, u64::try_from(created.as_nanos()).unwrap_or(u64::MAX)]
    };
    Stamp([inode[0], inode[1], metadata.len(), modified])
}

fn leads_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::CrossesDevices
}

/// Out of descriptors or memory: not the file's fault.
fn is_resource_limit(error: &io::Error) -> bool {
    #[cfg(unix)]
    let limits = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOMEM];
    #[cfg(unix)]
    return limits.iter().any(|limit| error.raw_os_error() == Some(limit.raw_os_error()));
    #[cfg(not(unix))]
    return error.kind() == io::ErrorKind::OutOfMemory;
}
