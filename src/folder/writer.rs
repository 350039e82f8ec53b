//! Writing files so that nobody takes half a file for a whole one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Under which name a file grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteMode {
    /// A hidden scratch name; the whole file appears by a rename.
    #[default]
    Rename,
    /// `NAME.tmp`, renamed when it is whole, as ffmpeg does.
    Tmp,
    /// The final name, as shaka-packager does.
    Inplace,
}

impl FromStr for WriteMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "rename" => Ok(Self::Rename),
            "tmp" => Ok(Self::Tmp),
            "inplace" => Ok(Self::Inplace),
            _ => Err("rename, tmp or inplace is wanted"),
        }
    }
}

impl WriteMode {
    /// The name that a file grows under.
    fn growing_name(self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default();
        let (before, after) = match self {
            Self::Rename => (".", ".part"),
            Self::Tmp => ("", ".tmp"),
            Self::Inplace => ("", ""),
        };
        let mut made = std::ffi::OsString::from(before);
        made.push(name);
        made.push(after);
        path.with_file_name(made)
    }
}

/// A file that is being written. Dropping it before [`Growing::finish`] removes the half file.
#[derive(Debug)]
pub struct Growing {
    /// `None` once it is finished.
    file: Option<File>,
    growing: PathBuf,
    path: PathBuf,
}

impl Growing {
    /// Makes the file, empty, and the folders above it. An older one of the same name stays until
    /// the rename, except with [`WriteMode::Inplace`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(path: &Path, mode: WriteMode) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let growing = mode.growing_name(path);
        let file = Some(File::create(&growing)?);
        Ok(Self { file, growing, path: path.to_path_buf() })
    }

    /// Appends, at once and unbuffered.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        }
    }

    /// Closes the file and gives it its final name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> io::Result<()> {
        drop(self.file.take());
        let renamed = match self.growing == self.path {
            true => Ok(()),
            false => fs::rename(&self.growing, &self.path),
        };
        if renamed.is_err() {
            remove(&self.growing);
        }
        renamed
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            remove(&self.growing);
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        log::warn!("cannot remove {}: {error}", path.display());
    }
}

/// Copies a file of any size; the copy appears, or replaces an older one, whole.
///
/// # Errors
/// When the disk refuses; the older one stays then.
pub fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = Growing::create(to, WriteMode::Rename)?;
    if let Some(file) = &mut copy.file {
        io::copy(&mut source, file)?;
    }
    copy.finish()
}

/// Writes a file that appears, or replaces an older one, whole.
///
/// # Errors
/// When the disk refuses; the older one stays then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Growing::create(path, WriteMode::Rename)?;
    file.write(bytes)?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn grows_under_the_name_of_its_mode_and_ends_under_its_own() {
        let modes = [
            (WriteMode::Rename, ".a.m4s.part"),
            (WriteMode::Tmp, "a.m4s.tmp"),
            (WriteMode::Inplace, "a.m4s"),
        ];
        for (mode, growing) in modes {
            let root = tempfile::tempdir().expect("a folder");
            let path = root.path().join("v/a.m4s");
            let mut file = Growing::create(&path, mode).expect("created");
            file.write(b"one").expect("written");
            assert_eq!(names(&root.path().join("v")), [growing]);
            assert_eq!(fs::read(root.path().join("v").join(growing)).expect("there"), b"one");
            file.write(b"two").expect("written");
            file.finish().expect("finished");
            assert_eq!(names(&root.path().join("v")), ["a.m4s"]);
            assert_eq!(fs::read(path).expect("there"), b"onetwo");
        }
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_the_old_one_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a.mpd");
        write_whole(&path, b"old").expect("written");
        let mut file = Growing::create(&path, WriteMode::Tmp).expect("created");
        file.write(b"half").expect("written");
        drop(file);
        assert_eq!(names(root.path()), ["a.mpd"]);
        assert_eq!(fs::read(&path).expect("there"), b"old");
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_that_leaves_no_scratch() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a.mpd");
        fs::create_dir_all(path.join("full")).expect("made");
        assert!(write_whole(&path, b"new").is_err());
        assert_eq!(names(root.path()), ["a.mpd"]);
    }
}
