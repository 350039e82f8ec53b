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
        let file = begin(path, &head).map_err(told)?;
        Ok(Self { path: path.to_owned(), head, file, max_bytes, is_aside: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds whole lines. When they do not fit in, the file is put aside first, in place of the one
    /// that was put aside before. Others may do so too: they take it away and leave a new one or
    /// none, or copy it and empty it.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is, and it can be tried again.
    pub(super) fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_aside || !is_at(&self.path, &self.file) {
            self.begin_anew()?;
        }
        let mut length = self.file.metadata()?.len();
        let head = self.head.len() as u64;
        if length > head && length.saturating_add(lines.len() as u64) > self.max_bytes {
            fs::rename(&self.path, aside(&self.path))?;
            self.is_aside = true;
            self.begin_anew()?;
            length = self.file.metadata()?.len();
        }
        if length == 0 {
            append(&self.file, &self.head, 0)?;
            length = head;
        }
        append(&self.file, lines, length)
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.file = begin(&self.path, &self.head)?;
        self.is_aside = false;
        Ok(())
    }
}

/// Opens it, with its head, for one writer alone.
fn begin(path: &Path, head: &[u8]) -> io::Result<File> {
    // To open a pipe waits for one who reads it; and none of the others has a length.
    if fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        return Err(io::Error::other("it is no regular file; name one, or a name that is free"));
    }
    let file = options().open(path)?;
    // Before anything of it is changed: what looks torn may be what another one is writing.
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(io::Error::other("another lldash writes it; name another file"));
    }
    let mut old = Vec::new();
    (&file).take(head.len() as u64).read_to_end(&mut old)?;
    let length = file.metadata()?.len();
    if old.is_empty() {
        append(&file, head, 0)?;
    } else if old != head {
        let reason = "it begins with other columns; move it away, or name another file";
        return Err(io::Error::other(reason));
    } else if !ends_in_a_line(&file, length)? {
        // What was written last broke off with its machine.
        append(&file, b"\n", length)?;
    }
    Ok(file)
}

/// It tells of people: a new one is for its owner alone.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether this is the file of that name still.
#[cfg(unix)]
fn is_at(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |it: fs::Metadata| (it.dev(), it.ino());
    let named = fs::metadata(path).map(place);
    named.is_ok_and(|named| file.metadata().is_ok_and(|it| place(it) == named))
}

#[cfg(not(unix))]
fn is_at(path: &Path, _: &File) -> bool {
    path.exists()
}

/// Adds all of it to a file of that length, or nothing: half a line would join the next one.
fn append(mut file: &File, bytes: &[u8], length: u64) -> io::Result<()> {
    file.write_all(bytes).inspect_err(|_| {
        let _ = file.set_len(length);
    })
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

    #[test]
    fn stats_files_that_others_replace_or_empty_are_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, old) = (folder.path().join("x.csv"), folder.path().join("old"));
        let mut sheet = open(&path, 16).expect("new");
        sheet.add(b"1,2\n").expect("written");
        fs::rename(&path, &old).expect("renamed");
        fs::write(&path, "").expect("written");
        sheet.add(b"3,4\n").expect("written");
        assert_eq!((text(&old), text(&path)), ("a,b\n1,2\n".into(), "a,b\n3,4\n".into()));
        sheet.add(b"5,6\n").expect("written");
        // Emptied in its place it has its head again, and all of its room.
        File::options().write(true).open(&path).expect("there").set_len(0).expect("emptied");
        sheet.add(b"7,8\n").expect("written");
        sheet.add(b"9,0\n").expect("written");
        assert_eq!(text(&path), "a,b\n7,8\n9,0\n");
        assert!(!aside(&path).exists());
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "others\n").expect("written");
        sheet.add(b"1,2\n").expect_err("it has other columns");
        assert_eq!(text(&path), "others\n", "left as it was");
    }

    #[test]
    fn stats_files_of_another_writer_are_not_repaired() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        let _first = open(&path, 100).expect("new");
        fs::write(&path, "a,b\n1,").expect("written");
        open(&path, 100).expect_err("it is taken");
        assert_eq!(text(&path), "a,b\n1,");
    }

    #[cfg(unix)]
    #[test]
    fn stats_files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        open(&path, 100).expect("new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn stats_are_written_to_no_pipe_and_no_device() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        for path in [&*pipe, Path::new("/dev/null")] {
            let refused = open(path, 100).expect_err("it has no length");
            assert!(refused.contains("no regular file; name one"), "{refused}");
        }
    }

    #[test]
    fn stats_names_beside_the_file() {
        let beside = |path: &str| with_word(Path::new(path), "summary");
        assert_eq!(beside("a/x.csv"), Path::new("a/x.summary.csv"));
        assert_eq!(beside("x"), Path::new("x.summary"));
    }
}
