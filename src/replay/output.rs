//! The output folder: what must never be emptied, and emptying the rest.

use super::error::{At, Error};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What is there before a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or an empty folder.
    Free,
    /// A folder with something in it.
    Full,
}

/// Looks at an output folder without touching it; refuses one that must not be emptied.
pub(super) fn check(input: &Path, output: &Path) -> Result<Found, Error> {
    let refuse = |why: &str| Error::bad(format!("cannot use {}: {why}", output.display()));
    let real_input = fs::canonicalize(input).reading(input)?;
    let real = resolve(output).map_err(|source| Error::output(output, source))?;
    if let Some(why) = forbidden(&real_input, &real, &homes()) {
        return Err(refuse(why));
    }
    match fs::metadata(&real) {
        Ok(about) if !about.is_dir() => Err(refuse("it is a file, not a folder")),
        Ok(_) => {
            let mut entries =
                fs::read_dir(&real).map_err(|source| Error::output(output, source))?;
            Ok(if entries.next().is_some() { Found::Full } else { Found::Free })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Free),
        Err(error) => Err(Error::output(output, error)),
    }
}

/// Why a folder must not be emptied. Paths are absolute and free of links.
fn forbidden(input: &Path, output: &Path, homes: &[PathBuf]) -> Option<&'static str> {
    if output.parent().is_none() {
        return Some("it is the root of the file system");
    }
    if homes.iter().any(|home| home.starts_with(output)) {
        return Some("it is a home folder, or one is in it");
    }
    if output.parent().is_some_and(|parent| ["/home", "/Users"].iter().any(|p| parent == *p)) {
        return Some("it is a home folder");
    }
    if output == input {
        return Some("it is the folder of the recording");
    }
    if input.starts_with(output) {
        return Some("the recording lies in it");
    }
    output.starts_with(input).then_some("it lies in the folder of the recording")
}

fn homes() -> Vec<PathBuf> {
    let set = ["HOME", "USERPROFILE"].iter().filter_map(std::env::var_os).map(PathBuf::from);
    let real = set.filter(|home| home.is_absolute() && home.parent().is_some());
    let real = real.map(|home| fs::canonicalize(&home).unwrap_or(home));
    real.chain([PathBuf::from("/root")]).collect()
}

/// The absolute path free of links; what does not exist yet is taken as it is written.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            other => real.push(other),
        }
        if let Ok(known) = fs::canonicalize(&real) {
            real = known;
        }
    }
    Ok(real)
}

/// Makes the folder if need be, and removes what is in it. The folder itself stays, since a
/// server may be watching it; links are removed, not followed.
pub(super) fn empty(output: &Path) -> Result<(), Error> {
    fs::create_dir_all(output).map_err(|source| Error::output(output, source))?;
    for entry in fs::read_dir(output).map_err(|source| Error::output(output, source))? {
        let entry = entry.writing(output)?;
        let path = entry.path();
        let removed = match entry.file_type().writing(&path)?.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.writing(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_must_not_be_emptied() {
        let why = |output: &str| {
            forbidden(Path::new("/data/in"), Path::new(output), &[PathBuf::from("/users/ada")])
        };
        for bad in ["/", "/users/ada", "/users", "/home/bob", "/data/in", "/data", "/data/in/x/y"] {
            assert!(why(bad).is_some(), "{bad}");
        }
        for good in ["/data/out", "/users/ada/out", "/data/in2", "/home/bob/live"] {
            assert_eq!(why(good), None, "{good}");
        }
    }

    #[test]
    fn sees_through_links_and_dots() {
        let root = tempfile::tempdir().expect("a folder");
        let input = root.path().join("in");
        fs::create_dir(&input).expect("made");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&input, root.path().join("link")).expect("linked");
            assert!(check(&input, &root.path().join("link/below")).is_err());
        }
        assert!(check(&input, &root.path().join("none/../in")).is_err());
        assert_eq!(check(&input, &root.path().join("out")).expect("free"), Found::Free);
    }

    #[test]
    fn empties_but_keeps_the_folder_and_what_links_lead_to() {
        let root = tempfile::tempdir().expect("a folder");
        let (output, kept) = (root.path().join("out"), root.path().join("kept"));
        for folder in [&output.join("a/b"), &kept] {
            fs::create_dir_all(folder).expect("made");
            fs::write(folder.join("file"), "x").expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(&kept, output.join("link")).expect("linked");
        assert_eq!(check(&root.path().join("kept"), &output).expect("full"), Found::Full);
        empty(&output).expect("emptied");
        assert_eq!(fs::read_dir(&output).expect("there").count(), 0);
        assert!(kept.join("file").exists());
    }
}
