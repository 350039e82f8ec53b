//! A folder that is held open, and look-ups that stay beneath it.

#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// A folder, resolved and held open.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) real: PathBuf,
    #[cfg(target_os = "linux")]
    handle: OwnedFd,
}

impl Place {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let real = path.canonicalize()?;
        if !real.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"));
        }
        // Reading it is what permission is needed for; a handle alone would not tell.
        real.read_dir()?;
        #[cfg(target_os = "linux")]
        let handle = {
            use rustix::fs::{Mode, OFlags, open};
            open(&real, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?
        };
        Ok(Self {
            real,
            #[cfg(target_os = "linux")]
            handle,
        })
    }

    /// Whether no other folder has taken its path.
    #[cfg(target_os = "linux")]
    pub(super) fn stands(&self) -> bool {
        use rustix::fs::{fstat, stat};
        let (own, other) = (fstat(&self.handle), stat(&self.real));
        own.ok()
            .zip(other.ok())
            .is_none_or(|(own, other)| (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino))
    }

    /// It is looked up by its path each time.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn stands(&self) -> bool {
        true
    }

    #[cfg(target_os = "linux")]
    pub(super) fn open_beneath(&self, relative: &Path) -> io::Result<File> {
        use rustix::io::Errno;
        match self.open_at(relative, read_flags()) {
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.open_resolved(relative),
            opened => Ok(opened?.into()),
        }
    }

    /// Opens what lies here; links are followed as far as they stay here.
    #[cfg(target_os = "linux")]
    pub(super) fn open_at(
        &self,
        relative: &Path,
        flags: rustix::fs::OFlags,
    ) -> rustix::io::Result<OwnedFd> {
        for _ in 0..RACES {
            match self.open_by(relative, flags, rustix::fs::ResolveFlags::empty()) {
                // A rename elsewhere raced with the look-up of `..` in a link.
                Err(rustix::io::Errno::AGAIN) => {}
                opened => return opened,
            }
        }
        Err(rustix::io::Errno::AGAIN)
    }

    /// Opens what lies here without any link.
    #[cfg(target_os = "linux")]
    pub(super) fn open_plain(&self, relative: &Path) -> io::Result<File> {
        let links = rustix::fs::ResolveFlags::NO_SYMLINKS;
        Ok(self.open_by(relative, read_flags(), links)?.into())
    }

    #[cfg(target_os = "linux")]
    fn open_by(
        &self,
        relative: &Path,
        flags: rustix::fs::OFlags,
        links: rustix::fs::ResolveFlags,
    ) -> rustix::io::Result<OwnedFd> {
        use rustix::fs::{Mode, ResolveFlags, openat2};
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | links;
        openat2(&self.handle, relative, flags, Mode::empty(), resolve)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_beneath(&self, relative: &Path) -> io::Result<File> {
        self.open_resolved(relative)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_plain(&self, _relative: &Path) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Resolves, checks, opens. Between the check and the opening, one who may write to the
    /// folder could put a link: the reason why Linux has a better way.
    fn open_resolved(&self, relative: &Path) -> io::Result<File> {
        let real = self.real.join(relative).canonicalize()?;
        let Ok(rest) = real.strip_prefix(&self.real) else {
            return Err(io::Error::new(
                io::ErrorKind::CrossesDevices,
                "it leads out of the folder",
            ));
        };
        let folded = |path: &Path| path.to_string_lossy().to_lowercase();
        if rest != relative && relative != Path::new(".") && folded(rest) == folded(relative) {
            // A file system that folds cases found another name.
            return Err(io::ErrorKind::NotFound.into());
        }
        open_regular(&real)
    }
}

/// NONBLOCK: a FIFO must not block the open.
#[cfg(target_os = "linux")]
fn read_flags() -> rustix::fs::OFlags {
    use rustix::fs::OFlags;
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK
}

#[cfg(unix)]
fn open_regular(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
    std::fs::OpenOptions::new().read(true).custom_flags(nonblock.cast_signed()).open(path)
}

#[cfg(windows)]
fn open_regular(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    /// Without it a folder cannot be opened.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    std::fs::OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

#[cfg(target_os = "linux")]
const RACES: usize = 8;
