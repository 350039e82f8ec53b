//! Finished files are read from disk by threads of their own: a slow disk does not keep the
//! bytes of live files waiting.

use super::{
    answer::Loaded,
    inbox::{Inbox, Task},
    on_disk::{is_whole, read_whole},
    root::Opened,
};
use crate::live::{Container, MediaPath, Role, Tag, Tail};
use bytes::Bytes;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// The threads that read finished files.
#[derive(Debug)]
pub(super) struct Loader {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    path: MediaPath,
    opened: Opened,
    in_memory: bool,
}

const THREADS: usize = 4;

impl Loader {
    pub(super) fn start(inbox: &Arc<Inbox>) -> io::Result<Self> {
        // As many jobs as requests wait for them; one path is asked for once.
        let (jobs, todo) = mpsc::channel::<Job>();
        let todo = Arc::new(Mutex::new(todo));
        for _ in 0..THREADS {
            let (inbox, todo) = (inbox.clone(), todo.clone());
            thread::Builder::new().name("loader".to_owned()).spawn(move || {
                loop {
                    let job = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    inbox.push(Task::Loaded(load(job)));
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// Has a finished file read, into memory or only along its boxes.
    pub(super) fn load(&self, path: MediaPath, opened: Opened, in_memory: bool) {
        // The threads live as long as the sender.
        let _ = self.jobs.send(Job { path, opened, in_memory });
    }
}

fn load(Job { path, opened, in_memory }: Job) -> Loaded {
    let container = container(&path);
    if in_memory {
        let length = usize::try_from(opened.length).unwrap_or(usize::MAX);
        let bytes = read_whole(&opened.file, length).map(Bytes::from);
        let whole = bytes.as_ref().is_ok_and(|bytes| ends_well(container, bytes));
        let bytes = bytes.map(|bytes| Some((bytes.clone(), Tag::of(&bytes))));
        return Loaded { path, opened, bytes, whole };
    }
    match is_whole(&opened.file, opened.length, container) {
        Ok(whole) => Loaded { path, opened, bytes: Ok(None), whole },
        Err(error) => Loaded { path, opened, bytes: Err(error), whole: false },
    }
}

/// How the end of a file of this name is recognised.
pub(super) fn container(path: &MediaPath) -> Container {
    match path.role() {
        Role::Media { container, .. } => container,
        Role::Manifest(_) | Role::Other => Container::Plain,
    }
}

/// Whether these bytes end where a file of their kind may.
pub(super) fn ends_well(container: Container, bytes: &[u8]) -> bool {
    let mut tail = Tail::new(container);
    tail.push(bytes);
    tail.is_whole()
}
