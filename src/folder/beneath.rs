//! Changes below the folder, and never outside of it: each is made in a folder that was opened
//! beneath the root, under a name that has no slash.

use super::{place::Place, root::Root};
use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// An open folder below the root.
#[derive(Debug)]
pub(super) struct Dir {
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
    #[cfg(not(unix))]
    real: PathBuf,
}

/// A path's folder and its name.
pub(super) fn split(relative: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = relative.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((relative.parent().unwrap_or(Path::new("")), name))
}

impl Root {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is not there, leads out, or is a file.
    pub(super) fn dir(&self, relative: &Path) -> io::Result<Dir> {
        let base = self.base();
        match base.dir(relative) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                // A link that may lead where it does (`--allow-link`).
                let real = base.real.join(relative).canonicalize()?;
                let (place, rest) = self.place_of(&base, &real).ok_or(error)?;
                place.dir(rest)
            }
            result => result,
        }
    }

    /// Opens a folder; makes it, and those above it, where they are missing, and tells which.
    ///
    /// # Errors
    /// When the disk refuses, or a file stands in the way.
    pub(super) fn make_dir(
        &self,
        relative: &Path,
        made: &mut impl FnMut(&Path),
    ) -> io::Result<Dir> {
        match self.dir(relative) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (above, name) = split(relative)?;
                match self.make_dir(above, made)?.make(name) {
                    Ok(()) => made(relative),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
                self.dir(relative)
            }
            result => result,
        }
    }

    /// Removes a folder and those above it, up to the root, as long as they are empty.
    pub(super) fn remove_empty(&self, relative: &Path) {
        let mut folders = relative.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
        let _ = folders.try_for_each(|folder| self.remove_folder(folder));
    }

    /// Removes a folder that is empty.
    ///
    /// # Errors
    /// When it is not, or the disk refuses.
    pub(super) fn remove_folder(&self, relative: &Path) -> io::Result<()> {
        let (above, name) = split(relative)?;
        self.dir(above)?.remove_folder(name)
    }
}

#[cfg(unix)]
impl Dir {
    /// Makes a file that must not be there yet, for writing.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, openat};
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// Makes a folder.
    pub(super) fn make(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.handle, name, rustix::fs::Mode::from_raw_mode(0o777))?)
    }

    /// Renames a file; one that has the new name already is replaced.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, rustix::fs::AtFlags::empty())?)
    }

    /// Removes an empty folder.
    fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, rustix::fs::AtFlags::REMOVEDIR)?)
    }
}

#[cfg(not(unix))]
impl Dir {
    /// Makes a file that must not be there yet, for writing.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        File::create_new(self.real.join(name))
    }

    /// Makes a folder.
    pub(super) fn make(&self, name: &OsStr) -> io::Result<()> {
        std::fs::create_dir(self.real.join(name))
    }

    /// Renames a file; one that has the new name already is replaced.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        std::fs::rename(self.real.join(from), self.real.join(to))
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_file(self.real.join(name))
    }

    /// Removes an empty folder.
    fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_dir(self.real.join(name))
    }
}

impl Place {
    #[cfg(target_os = "linux")]
    fn dir(&self, relative: &Path) -> io::Result<Dir> {
        use rustix::{fs::OFlags, io::Errno};
        match self.open_at(relative, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC) {
            Ok(handle) => Ok(Dir { handle }),
            Err(Errno::NOSYS | Errno::PERM) => Dir::open(&self.resolved(relative)?),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn dir(&self, relative: &Path) -> io::Result<Dir> {
        Dir::open(&self.resolved(relative)?)
    }

    /// Resolves and checks; see the reads for what this cannot prevent.
    fn resolved(&self, relative: &Path) -> io::Result<PathBuf> {
        let real = self.real.join(relative).canonicalize()?;
        if real.starts_with(&self.real) {
            Ok(real)
        } else {
            Err(io::ErrorKind::CrossesDevices.into())
        }
    }
}

impl Dir {
    #[cfg(unix)]
    fn open(real: &Path) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { handle: open(real, flags, Mode::empty())? })
    }

    #[cfg(not(unix))]
    fn open(real: &Path) -> io::Result<Self> {
        let is_folder = std::fs::metadata(real)?.is_dir();
        let real = real.to_owned();
        if is_folder { Ok(Self { real }) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }
}
