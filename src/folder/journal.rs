//! What came by uploads, remembered across restarts: lines in a hidden file at the root.
//!
//! `+ CAME EXPIRES INODE LENGTH MODIFIED PATH` says that a file came, `- PATH` that it went.
//! Times are milliseconds since the Unix epoch (`MODIFIED`: nanoseconds), `EXPIRES` may be `-`. A
//! last line that a crash has torn is no line.

use super::{
    beneath::Dir,
    keeper::{Identity, Kept},
    root::{Found, Opened, Root},
};
use crate::{
    clock::since_epoch,
    live::{MediaPath, Stamp},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const NAME: &str = ".lldash-kept";
/// As it is written anew.
pub(super) const NEW_NAME: &str = ".lldash-kept-new";

/// It is written anew when it has so many lines more than files.
const SPARE_LINES: usize = 1000;

/// The file; `None` before there is anything to say.
#[derive(Debug)]
pub(super) struct Journal {
    root: Arc<Root>,
    file: Option<File>,
    lines: usize,
}

impl Journal {
    /// Reads what an earlier run wrote.
    pub(super) fn open(root: Arc<Root>) -> (Self, HashMap<MediaPath, Kept>) {
        let mut bytes = Vec::new();
        if let Found::File(mut opened) = root.find(Path::new(NAME))
            && let Err(error) = opened.file.read_to_end(&mut bytes)
        {
            log::warn!("cannot read {NAME}: {error}");
        }
        let mut kept = HashMap::new();
        let mut skipped = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { continue };
            match str::from_utf8(line).ok().and_then(parse) {
                Some((path, Some(file))) => drop(kept.insert(path, file)),
                Some((path, None)) => drop(kept.remove(&path)),
                None => skipped += 1,
            }
        }
        if skipped > 0 {
            log::warn!("{NAME} has {skipped} lines that make no sense: what they told of stays");
        }
        // It is written anew with the first change.
        (Self { root, file: None, lines: 0 }, kept)
    }

    /// A file came, or went.
    pub(super) fn note<'a>(
        &mut self,
        path: &MediaPath,
        file: Option<&Kept>,
        all: impl ExactSizeIterator<Item = (&'a MediaPath, &'a Kept)>,
    ) {
        let stands = self.stands();
        let result = match &mut self.file {
            Some(journal)
                if stands
                    && (1..all.len() + SPARE_LINES).contains(&self.lines)
                    && all.len() > 0 =>
            {
                self.lines += 1;
                journal.write_all(line(path, file).as_bytes())
            }
            _ => self.rewrite(all),
        };
        if let Err(error) = result {
            // Behind half a line nothing would be understood: the next change writes all anew.
            self.file = None;
            log::warn!("cannot write {NAME}: {error}; after a restart some files may stay");
        }
    }

    /// Whether what is written to is what a restart would read: the folder may have been made anew.
    fn stands(&self) -> bool {
        let own = self.file.as_ref().and_then(|file| Opened::again(file).ok());
        let Found::File(opened) = self.root.find(Path::new(NAME)) else { return false };
        own.is_some_and(|(_, _, Stamp([device, inode, ..]))| opened.inode() == [device, inode])
    }

    fn rewrite<'a>(
        &mut self,
        all: impl ExactSizeIterator<Item = (&'a MediaPath, &'a Kept)>,
    ) -> io::Result<()> {
        let dir: Dir = self.root.dir(Path::new(""))?;
        self.file = None;
        self.lines = all.len();
        if self.lines == 0 {
            let _ = dir.remove(OsStr::new(NAME));
            return Ok(());
        }
        let _ = dir.remove(OsStr::new(NEW_NAME));
        let mut new = dir.create(OsStr::new(NEW_NAME))?;
        let text: String = all.map(|(path, file)| line(path, Some(file))).collect();
        new.write_all(text.as_bytes())?;
        dir.rename(OsStr::new(NEW_NAME), OsStr::new(NAME))?;
        self.file = Some(new);
        Ok(())
    }
}

fn line(path: &MediaPath, file: Option<&Kept>) -> String {
    let path = utf8_percent_encode(path.as_str(), NON_ALPHANUMERIC);
    let Some(Kept { came, expires, identity }) = file else { return format!("- {path}\n") };
    let millis = |time: SystemTime| since_epoch(time).as_millis();
    let expires = expires.map_or("-".to_owned(), |expires| millis(expires).to_string());
    let Identity([inode, length, modified]) = identity;
    format!("+ {} {expires} {inode} {length} {modified} {path}\n", millis(*came))
}

fn parse(line: &str) -> Option<(MediaPath, Option<Kept>)> {
    let words: Vec<&str> = line.split(' ').collect();
    let path = percent_decode_str(words.last()?).decode_utf8().ok()?;
    let path = MediaPath::from_disk(Path::new(&*path))?;
    let time = |word: &str| UNIX_EPOCH.checked_add(Duration::from_millis(word.parse().ok()?));
    match words[..] {
        ["-", _] => Some((path, None)),
        ["+", came, expires, inode, length, modified, _] => {
            let numbers = [inode.parse().ok()?, length.parse().ok()?, modified.parse().ok()?];
            let expires = if expires == "-" { None } else { Some(time(expires)?) };
            let kept = Kept { came: time(came)?, expires, identity: Identity(numbers) };
            Some((path, Some(kept)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three files are noted, and all three are known afterwards, though `harm` is done after the first.
    #[cfg(target_os = "linux")]
    fn knows_all_after(harm: impl Fn(&mut Journal, &Root, &Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Arc::new(Root::open(folder.path(), &[]).expect("a root"));
        let kept = Kept { came: UNIX_EPOCH, expires: None, identity: Identity([1, 2, 3]) };
        let (mut journal, mut all) = Journal::open(root.clone());
        for name in ["1.m4s", "2.m4s", "3.m4s"] {
            let path = MediaPath::at_root(name);
            all.insert(path.clone(), kept.clone());
            journal.note(&path, Some(&kept), all.iter());
            if name == "1.m4s" {
                harm(&mut journal, &root, folder.path());
            }
        }
        assert_eq!(Journal::open(root).1, all);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ingest_journal_that_could_not_be_written_is_written_anew() {
        knows_all_after(|journal, _, _| {
            journal.file = File::options().write(true).open("/dev/full").ok();
            assert!(journal.file.is_some());
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ingest_journal_that_went_with_its_folder_is_written_anew() {
        knows_all_after(|_, root, folder| {
            std::fs::remove_dir_all(folder).expect("removed");
            std::fs::create_dir(folder).expect("made");
            assert!(root.reopen());
        });
    }

    #[test]
    fn ingest_journal_lines_are_read_as_they_were_written() {
        let path = MediaPath::from_disk(Path::new("a b/ü\n1.m4s")).expect("a path");
        let came = UNIX_EPOCH + Duration::from_millis(1_234_567);
        for expires in [None, Some(came)] {
            let kept = Kept { came, expires, identity: Identity([1, 2, u64::MAX]) };
            let line = line(&path, Some(&kept));
            assert_eq!(line.lines().count(), 1);
            assert_eq!(parse(line.trim_end()), Some((path.clone(), Some(kept))));
        }
        assert_eq!(parse(line(&path, None).trim_end()), Some((path, None)));
        for bad in ["", "+", "- ", "+ 1 2 3 x", "+ a - 1 2 3 x", "- ..%2Fx", "? x"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
