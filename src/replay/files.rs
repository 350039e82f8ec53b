//! The files of a recording, by their relative paths.

use super::error::{At, Error};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders nested deeper than this are not looked into.
const MAX_DEPTH: usize = 16;

/// A recording's folder and all files in it.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: PathBuf,
    /// Relative paths with forward slashes.
    pub(super) names: BTreeSet<String>,
}

impl Files {
    /// Lists a folder and those below it. Links to folders are not followed.
    pub(super) fn list(root: &Path) -> Result<Self, Error> {
        let about = fs::metadata(root).reading(root)?;
        if !about.is_dir() {
            let path = root.display();
            return Err(Error::bad(format!(
                "cannot read {path}: it is a file, not a folder; give the folder that it lies in"
            )));
        }
        let mut files = Self { root: root.to_path_buf(), names: BTreeSet::new() };
        files.enter(root, "", 0)?;
        Ok(files)
    }

    fn enter(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        for entry in fs::read_dir(folder).reading(folder)? {
            let entry = entry.reading(folder)?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                log::warn!("{} is left out: its name is not UTF-8", path.display());
                continue;
            };
            let name = format!("{prefix}{name}");
            if entry.file_type().reading(&path)?.is_dir() {
                if depth < MAX_DEPTH {
                    self.enter(&path, &format!("{name}/"), depth + 1)?;
                }
            } else if fs::metadata(&path).is_ok_and(|about| about.is_file()) {
                self.names.insert(name);
            }
        }
        Ok(())
    }

    /// Where a file lies on disk.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The text of a manifest.
    pub(super) fn text(&self, name: &str) -> Result<String, Error> {
        let path = self.path(name);
        let bytes = fs::read(&path).reading(&path)?;
        String::from_utf8(bytes).map_err(|_| {
            Error::bad(format!("cannot use {}: it is no text in UTF-8", path.display()))
        })
    }

    /// The files whose names end in that, ignoring case.
    pub(super) fn ending(&self, suffix: &str) -> Vec<String> {
        let ends = |name: &&String| name.to_ascii_lowercase().ends_with(suffix);
        self.names.iter().filter(ends).cloned().collect()
    }
}

/// The folder of a relative path: empty, or with a slash at the end.
pub(super) fn folder_of(name: &str) -> &str {
    &name[..name.rfind('/').map_or(0, |slash| slash + 1)]
}

/// The relative path that a URL of a manifest in `folder` means; `None` when it leads elsewhere.
pub(super) fn resolve(folder: &str, url: &str) -> Option<String> {
    if url.contains("://") || url.starts_with('/') {
        return None;
    }
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let url = percent_encoding::percent_decode_str(url).decode_utf8().ok()?;
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(url.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_urls_within_the_recording() {
        assert_eq!(resolve("a/", "../b/c%20d.ts?x=1").as_deref(), Some("b/c d.ts"));
        assert_eq!(resolve("", "./x.m4s").as_deref(), Some("x.m4s"));
        for away in ["../x", "/x", "http://a/x"] {
            assert_eq!(resolve("", away), None, "{away}");
        }
    }
}
