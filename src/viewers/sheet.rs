//! A CSV file that grows up to a limit and is never torn.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// A file of lines below one that names the columns.
#[derive(Debug)]
pub(super) struct Sheet {
    path: PathBuf,
    head: Vec<u8>,
    file: File,
    /// So many bytes of it are whole lines; a pipe or a device has no length.
    length: Option<u64>,
    max_bytes: u64,
    /// It was put aside, and there is no new one yet.
    is_aside: bool,
}

impl Sheet {
    /// Opens a file to add lines to; it is made if it is not there.
    ///
    /// # Errors
    /// With the reason in words, and a remedy.
    pub(super) fn open(path: &Path, head: Vec<u8>, max_bytes: u64) -> Result<Self, String> {
        let told = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "its folder does not exist; make it first".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder; name a file".to_owned(),
            io::ErrorKind::StorageFull => "the disk is full; free some space".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "no permission to write it; see its owner and mode".to_owned()
            }
            _ => error.to_string(),
        };
        let (file, length) = begin(path, &head)
            .map_err(told)?
            .ok_or("it begins with other columns; move it away, or name another file".to_owned())?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err("another lldash writes it; name another file".to_owned());
        }
        Ok(Self { path: path.to_owned(), head, file, length, max_bytes, is_aside: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds whole lines. When they do not fit in, the file is put aside first, in place of the one
    /// that was put aside before.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is, and it can be tried again.
    pub(super) fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let is_full = |length: u64| {
            length.saturating_add(more) > self.max_bytes && length > self.head.len() as u64
        };
        if self.length.is_some_and(is_full) && !self.is_aside {
            fs::rename(&self.path, aside(&self.path))?;
            self.is_aside = true;
        }
        // Others may have taken it away, too.
        if self.is_aside || !self.path.exists() {
            self.begin_anew()?;
        }
        if let Err(error) = self.file.write_all(lines) {
            // Half a line would join the next one.
            if let Some(length) = self.length {
                let _ = self.file.set_len(length);
            }
            return Err(error);
        }
        self.length = self.length.map(|length| length + more);
        Ok(())
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        let begun = begin(&self.path, &self.head)?;
        let (file, length) = begun.ok_or_else(|| io::Error::other("it has other columns"))?;
        let _ = file.try_lock();
        (self.file, self.length, self.is_aside) = (file, length, false);
        Ok(())
    }
}

/// Opens it, with its head. `None` when it has another one.
fn begin(path: &Path, head: &[u8]) -> io::Result<Option<(File, Option<u64>)>> {
    let is_regular = fs::metadata(path).map_or(true, |it| it.is_file());
    // What is no file may have no one who reads it, or nothing that could be.
    let mut options = OpenOptions::new();
    let mut file = options.append(true).read(is_regular).create(true).open(path)?;
    if !is_regular {
        file.write_all(head)?;
        return Ok(Some((file, None)));
    }
    let mut old = Vec::new();
    (&file).take(head.len() as u64).read_to_end(&mut old)?;
    let mut length = file.metadata()?.len();
    if old.is_empty() {
        if let Err(error) = file.write_all(head) {
            let _ = file.set_len(0);
            return Err(error);
        }
        length = head.len() as u64;
    } else if old != head {
        return Ok(None);
    } else if !ends_in_a_line(&file, length)? {
        // What was written last broke off with its machine.
        file.write_all(b"\n")?;
        length += 1;
    }
    Ok(Some((file, Some(length))))
}

fn ends_in_a_line(mut file: &File, length: u64) -> io::Result<bool> {
    use io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(length.saturating_sub(1)))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// `FILE.1.csv` for `FILE.csv`.
fn aside(path: &Path) -> PathBuf {
    with_word(path, "1")
}

/// Puts a word before a path's extension.
pub(super) fn with_word(path: &Path, word: &str) -> PathBuf {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => path.with_extension(format!("{word}.{extension}")),
        None => path.with_extension(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"a,b\n";

    fn open(path: &Path, max_bytes: u64) -> Result<Sheet, String> {
        Sheet::open(path, HEAD.to_vec(), max_bytes)
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("text")
    }

    #[test]
    fn stats_files_are_gone_on_with_when_their_columns_are_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        open(&path, 100).expect("new").add(b"1,2\n").expect("written");
        fs::write(&path, "a,b\n1,2\n3").expect("written");
        open(&path, 100).expect("the same columns").add(b"4,5\n").expect("written");
        assert_eq!(text(&path), "a,b\n1,2\n3\n4,5\n");
        fs::write(&path, "a,c\n").expect("written");
        let refused = open(&path, 100).expect_err("others");
        assert!(refused.contains("other columns; move it away"), "{refused}");
        assert_eq!(text(&path), "a,c\n", "left as it was");
        let refused = open(&folder.path().join("none/x.csv"), 100).expect_err("no folder");
        assert!(refused.contains("make it first"), "{refused}");
        let refused = open(folder.path(), 100).expect_err("a folder");
        assert!(refused.contains("it is a folder"), "{refused}");
    }

    #[test]
    fn stats_files_that_are_full_are_put_aside_and_no_more_than_one_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let mut sheet = open(&path, 12).expect("new");
        for line in ["1,1\n", "2,2\n", "3,3\n", "4,4\n", "5,5\n"] {
            sheet.add(line.as_bytes()).expect("written");
        }
        assert_eq!(text(&path), "a,b\n5,5\n");
        assert_eq!(text(&folder.path().join("x.1.csv")), "a,b\n3,3\n4,4\n");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
        // More than fits in at once is written all the same.
        sheet.add(b"6,6666666666666666\n").expect("written");
        assert_eq!(text(&path), "a,b\n6,6666666666666666\n");
    }

    #[test]
    fn stats_files_have_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let first = open(&path, 100).expect("new");
        assert!(open(&path, 100).expect_err("it is taken").contains("another lldash"));
        drop(first);
        open(&path, 100).expect("free again");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn stats_devices_are_written_too() {
        open(Path::new("/dev/null"), 10).expect("open").add(b"1,2\n").expect("written");
        let full = open(Path::new("/dev/full"), 10).expect_err("nothing fits in");
        assert!(full.contains("the disk is full"), "{full}");
    }

    #[test]
    fn stats_names_beside_the_file() {
        let beside = |path: &str| with_word(Path::new(path), "summary");
        assert_eq!(beside("a/x.csv"), Path::new("a/x.summary.csv"));
        assert_eq!(beside("x"), Path::new("x.summary"));
    }
}
