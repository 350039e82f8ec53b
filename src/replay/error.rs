//! Why a replay cannot start, or cannot go on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for, or the recording, is wrong: asking again will not help.
    BadInput,
    /// The output folder is not empty, and nobody has said that it may be emptied.
    NotEmpty,
    /// Something failed on the way, such as a full disk.
    Failed,
}

/// One line that says what cannot be done and why.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
}

impl Error {
    /// What kind of fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadInput, message: message.into(), source: None }
    }

    pub(crate) fn not_empty(path: &Path) -> Self {
        let message = format!("cannot use {}: it is not empty; --force empties it", path.display());
        Self { kind: ErrorKind::NotEmpty, message, source: None }
    }

    /// A recording that cannot be read, with the reason in plain words.
    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        let message = format!("cannot read {}: {}", path.display(), plain(&source));
        Self { kind: ErrorKind::BadInput, message, source: Some(source) }
    }

    /// An output folder that cannot be made or emptied.
    pub(crate) fn output(path: &Path, source: io::Error) -> Self {
        Self { kind: ErrorKind::BadInput, ..Self::writing(path, source) }
    }

    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        let message = format!("cannot write {}: {}", path.display(), plain(&source));
        Self { kind: ErrorKind::Failed, message, source: Some(source) }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, message: message.into(), source: None }
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::NotADirectory => "it is a file, not a folder".into(),
        io::ErrorKind::PermissionDenied => "no permission".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _ => error.to_string(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// Says which path an I/O error belongs to.
pub(crate) trait At<T> {
    /// A failed read of a recording.
    fn reading(self, path: impl Into<PathBuf>) -> Result<T, Error>;
    /// A failed write of the output.
    fn writing(self, path: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn reading(self, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|source| Error::reading(&path.into(), source))
    }

    fn writing(self, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|source| Error::writing(&path.into(), source))
    }
}
