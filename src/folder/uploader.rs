//! The thread that writes uploads: one after the other, so that no two can disagree on a path.

use super::{
    beneath::{Dir, split},
    inbox::{Inbox, Task},
    keeper::{Keep, Keeper},
    lease::is_open_elsewhere,
    litter,
    nests::Nests,
    root::{Found, Opened, Root},
    spool::{Halt, Spool, WriteError},
    upload::{Done, PREFIX, Shown, Uploads},
};
use crate::live::{Library, MediaPath, Stamp};
use bytes::Bytes;
use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, SystemTime},
};
use tokio::sync::oneshot;

/// Something to be done on disk.
#[derive(Debug)]
pub(super) enum Job {
    /// What was handed over of an upload.
    Write {
        spool: Arc<Spool>,
    },
    /// What was handed over of all of them.
    WriteAll,
    Finish {
        spool: Arc<Spool>,
        shown: Shown,
        lifetime: Option<Duration>,
        reply: oneshot::Sender<Result<Done, WriteError>>,
    },
    Discard {
        spool: Arc<Spool>,
    },
    Remove {
        path: MediaPath,
        reply: oneshot::Sender<Result<bool, WriteError>>,
    },
    Stop,
}

/// Chunks that wait together are written so many bytes at once.
const WRITE_BYTES: usize = 64 * 1024;

/// What the thread knows.
pub(super) struct Uploader {
    root: Arc<Root>,
    library: Arc<Library>,
    inbox: Arc<Inbox>,
    uploads: Arc<Uploads>,
    /// Files that grow, by their uploads: as many as are under way.
    temps: HashMap<u64, Temp>,
    nests: Nests,
    next_name: u64,
    keeper: Keeper,
}

/// A file under a name of ours.
struct Temp {
    dir: Dir,
    folder: PathBuf,
    name: OsString,
    file: File,
}

impl Uploader {
    pub(super) fn new(
        root: Arc<Root>,
        library: Arc<Library>,
        inbox: Arc<Inbox>,
        uploads: Arc<Uploads>,
        keep: Keep,
    ) -> Self {
        let keeper = Keeper::new(root.clone(), keep);
        let nests = Nests::new(root.clone());
        Self { root, library, inbox, uploads, temps: HashMap::new(), nests, next_name: 0, keeper }
    }

    /// Works until it is told to stop; then what is not whole is removed.
    pub(super) fn run(mut self, todo: &mpsc::Receiver<Job>) {
        litter::clear(&self.root, Path::new(""));
        self.sweep();
        while let Some(job) = self.next(todo) {
            match job {
                Job::Write { spool } => self.write(&spool),
                Job::WriteAll => self.uploads.spools().iter().for_each(|spool| self.write(spool)),
                Job::Finish { spool, shown, lifetime, reply } => {
                    let result = self.finish(&spool, shown, lifetime);
                    // The client may have gone.
                    let _ = reply.send(result);
                    self.sweep();
                }
                Job::Discard { spool } => self.discard(&spool),
                Job::Remove { path, reply } => {
                    let _ = reply.send(self.remove(&path));
                }
                Job::Stop => break,
            }
        }
        for (_, temp) in std::mem::take(&mut self.temps) {
            let folder = temp.folder.clone();
            temp.remove();
            self.nests.left(&folder);
        }
    }

    /// The next job. Meanwhile goes what must.
    fn next(&mut self, todo: &mpsc::Receiver<Job>) -> Option<Job> {
        loop {
            match self.keeper.rest() {
                None => return todo.recv().ok(),
                Some(rest) => match todo.recv_timeout(rest) {
                    Ok(job) => return Some(job),
                    Err(mpsc::RecvTimeoutError::Timeout) => self.sweep(),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                },
            }
        }
    }

    /// Removes what has expired, and what is too much.
    fn sweep(&mut self) {
        for path in self.keeper.due() {
            if self.expire(&path) {
                self.keeper.went(&path);
            } else {
                self.keeper.postpone();
            }
        }
    }

    /// Removes a file whose time has come; false while somebody writes or reads it.
    fn expire(&self, path: &MediaPath) -> bool {
        if self.uploads.is_running(path) || self.library.is_read(path) {
            return false;
        }
        // One that others have put there is theirs.
        let Some(opened) = self.keeper.opened(path) else { return true };
        // What the library holds open.
        self.library.forget(path);
        if is_open_elsewhere(&opened.file) {
            return false;
        }
        drop(opened);
        log::info!("{path} has expired");
        match self.unlink(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("cannot remove {path}: {error}");
                false
            }
            _ => true,
        }
    }

    /// Writes all that was handed over; the room that it took is given back then.
    fn write(&mut self, spool: &Arc<Spool>) {
        let backlog = spool.take_over();
        if backlog.chunks.is_empty() || !spool.is_wanted() {
            return;
        }
        match self.try_write(spool, &backlog.chunks) {
            Ok(()) => spool.wrote(backlog.length),
            Err(error) => {
                // First what was written is freed, then it is said.
                self.discard(spool);
                spool.halt(Halt::Refused(refused(&spool.path, &error)));
            }
        }
    }

    fn try_write(&mut self, spool: &Arc<Spool>, chunks: &[Bytes]) -> io::Result<()> {
        if !self.temps.contains_key(&spool.id) {
            let temp = self.open(spool)?;
            self.temps.insert(spool.id, temp);
        }
        let temp = self.temps.get_mut(&spool.id).ok_or(io::ErrorKind::NotFound)?;
        if let [only] = chunks {
            return temp.file.write_all(only);
        }
        // Small ones are laid together.
        let mut file = BufWriter::with_capacity(WRITE_BYTES, &mut temp.file);
        chunks.iter().try_for_each(|chunk| file.write_all(chunk))?;
        file.flush()
    }

    fn open(&mut self, spool: &Spool) -> io::Result<Temp> {
        let relative = spool.path.as_path();
        if matches!(self.root.find(relative), Found::Folder(_)) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (folder, _) = split(relative)?;
        let nests = &mut self.nests;
        let dir = self.root.make_dir(folder, &mut |made| nests.made(made))?;
        loop {
            self.next_name += 1;
            let name = OsString::from(format!("{PREFIX}{}-{}", std::process::id(), self.next_name));
            match dir.create(&name) {
                Ok(file) => {
                    let temp = Temp { dir, folder: folder.to_owned(), name, file };
                    lock(&temp.file);
                    let inode = Opened::again(&temp.file)?.2;
                    spool.opened(folder.join(&temp.name), [inode.0[0], inode.0[1]]);
                    return Ok(temp);
                }
                // What another process left, which had our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives a whole file its name, then tells its readers that it is whole.
    fn finish(
        &mut self,
        spool: &Arc<Spool>,
        shown: Shown,
        lifetime: Option<Duration>,
    ) -> Result<Done, WriteError> {
        self.write(spool);
        let folder = spool.path.as_path().parent().unwrap_or(Path::new(""));
        match self.take_name(spool) {
            Ok((done, state)) => {
                self.nests.used(folder);
                self.publish(spool, shown, state);
                self.keeper.came(&spool.path, state.1, lifetime);
                Ok(done)
            }
            Err(error) => {
                self.nests.left(folder);
                spool.end();
                self.uploads.over(spool);
                // What stood there before is looked for again, before the readers are cut.
                if let Shown::Growing(writer) = &shown {
                    self.library.forget_file(writer.file());
                }
                Err(error)
            }
        }
    }

    fn take_name(&mut self, spool: &Spool) -> Result<(Done, (SystemTime, Stamp)), WriteError> {
        if let Some(error) = spool.failure() {
            return Err(error);
        }
        let path = &spool.path;
        let Some(temp) = self.temps.remove(&spool.id) else { return Err(WriteError::Failed) };
        let existed = !matches!(self.root.find(path.as_path()), Found::Absent);
        let state = temp.take_name(spool).map_err(|error| refused(path, &error))?;
        Ok((if existed { Done::Replaced } else { Done::Created }, state))
    }

    fn publish(&self, spool: &Arc<Spool>, shown: Shown, (modified, stamp): (SystemTime, Stamp)) {
        let path = &spool.path;
        match shown {
            Shown::Growing(writer) => writer.finish(modified, stamp),
            Shown::Whole(bytes) => {
                let source = Some(spool.clone() as _);
                self.library.publish(path.clone(), source, bytes.freeze(), (modified, stamp), None);
            }
        }
        self.uploads.over(spool);
        self.inbox.push(Task::Uploaded(path.clone(), stamp));
    }

    fn discard(&mut self, spool: &Spool) {
        if let Some(temp) = self.temps.remove(&spool.id) {
            temp.remove();
        }
        // It may have made folders and no file.
        self.nests.left(spool.path.as_path().parent().unwrap_or(Path::new("")));
    }

    fn remove(&mut self, path: &MediaPath) -> Result<bool, WriteError> {
        let removed = match self.root.find(path.as_path()) {
            Found::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
            _ => self.unlink(path),
        };
        if removed.is_ok() {
            self.keeper.went(path);
        }
        // What comes now is newer.
        if !self.uploads.is_live(path) {
            self.library.forget(path);
        }
        match removed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(refused(path, &error)),
        }
    }

    /// Removes a file, and the folders that it leaves empty.
    fn unlink(&self, path: &MediaPath) -> io::Result<()> {
        let (folder, name) = split(path.as_path())?;
        self.root.dir(folder)?.remove(name)?;
        self.root.remove_empty(folder);
        Ok(())
    }
}

impl Temp {
    fn remove(self) {
        let Self { dir, name, file, .. } = self;
        drop(file);
        if let Err(error) = dir.remove(&name) {
            log::warn!("cannot remove {}: {error}", name.display());
        }
    }

    /// Gives the file its name. Nobody has it open for writing by then.
    fn take_name(self, spool: &Spool) -> io::Result<(SystemTime, Stamp)> {
        let Self { dir, name, file, .. } = self;
        let state = Opened::again(&file);
        drop(file);
        let named = state.and_then(|(_, modified, stamp)| {
            let (_, wanted) = split(spool.path.as_path())?;
            // Its events may come before this returns.
            spool.closes_as(stamp);
            dir.rename(&name, wanted)?;
            spool.renamed();
            Ok((modified, stamp))
        });
        if named.is_err() {
            let _ = dir.remove(&name);
        }
        named
    }
}

fn refused(path: &MediaPath, error: &io::Error) -> WriteError {
    log::warn!("cannot write {path}: {error}");
    error.into()
}

/// Keeps another server over the same folder from taking the file for what a crash has left.
fn lock(file: &File) {
    let _ = file.try_lock();
}
