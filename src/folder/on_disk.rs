//! Files on disk as [`Source`]s, and reads at an offset.

use super::root::{Found, Root};
use crate::live::{Container, Source, Stamp, Tail};
use bytes::Bytes;
#[cfg(unix)]
use rustix::buffer::spare_capacity;
use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// A file's bytes on disk. Its descriptor is held while bytes must be read from it; a file that
/// is in memory as a whole needs none.
#[derive(Debug)]
pub(super) struct OnDisk {
    root: Arc<Root>,
    relative: PathBuf,
    inode: [u64; 2],
    file: Mutex<Option<Arc<File>>>,
}

impl OnDisk {
    pub(super) fn new(root: Arc<Root>, relative: PathBuf, file: Arc<File>, stamp: Stamp) -> Self {
        let inode = [stamp.0[0], stamp.0[1]];
        Self { root, relative, inode, file: Mutex::new(Some(file)) }
    }

    /// The same, opened when it is needed.
    pub(super) fn closed(root: Arc<Root>, relative: PathBuf, inode: [u64; 2]) -> Self {
        Self { root, relative, inode, file: Mutex::default() }
    }

    /// The same file under another name.
    pub(super) fn renamed(&self, relative: PathBuf) -> Self {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { root: self.root.clone(), relative, inode: self.inode, file: Mutex::new(file) }
    }

    fn file(&self) -> Option<Arc<File>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none()
            && let Found::File(opened) = self.root.find(&self.relative)
            && opened.inode() == self.inode
        {
            *file = Some(Arc::new(opened.file));
        }
        file.clone()
    }
}

impl Source for OnDisk {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let file = self.file().ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; length];
        let mut read = 0;
        while read < length {
            match read_at(&file, &mut bytes[read..], offset + read as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        Ok(bytes.into())
    }

    fn pin(&self) -> bool {
        self.file().is_some()
    }

    fn release(&self) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Reads some bytes at an offset; none at the end.
#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    retry(|| std::os::unix::fs::FileExt::read_at(file, buffer, offset))
}

/// Reads some bytes at an offset; none at the end.
#[cfg(windows)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    retry(|| std::os::windows::fs::FileExt::seek_read(file, buffer, offset))
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads the first `length` bytes; fewer when the file has become shorter.
pub(super) fn read_whole(file: &File, length: usize) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), file, length)
}

/// The same, into room that is there already if it suffices.
#[cfg(unix)]
pub(super) fn read_into(mut bytes: Vec<u8>, file: &File, length: usize) -> io::Result<Vec<u8>> {
    bytes.clear();
    // Not zeroed first: each pass over the bytes counts.
    bytes.reserve_exact(length);
    while bytes.len() < length {
        let offset = bytes.len() as u64;
        if retry(|| Ok(rustix::io::pread(file, spare_capacity(&mut bytes), offset)?))? == 0 {
            break;
        }
    }
    bytes.truncate(length);
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// The same, into room that is there already if it suffices.
#[cfg(not(unix))]
pub(super) fn read_into(mut bytes: Vec<u8>, file: &File, length: usize) -> io::Result<Vec<u8>> {
    bytes.clear();
    bytes.resize(length, 0);
    let mut read = 0;
    while read < length {
        match read_at(file, &mut bytes[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Whether a file of this length ends where one of its kind may, reading no more than its boxes'
/// headers.
pub(super) fn is_whole(file: &File, length: u64, container: Container) -> io::Result<bool> {
    let mut tail = Tail::new(container);
    let mut offset = 0;
    let mut header = [0; 16];
    while offset < length {
        let skipped = tail.skippable().min(length - offset);
        tail.skip(skipped);
        offset += skipped;
        let wanted = header.len().min(usize::try_from(length - offset).unwrap_or(usize::MAX));
        let read = read_at(file, &mut header[..wanted], offset)?;
        if read == 0 {
            break;
        }
        // Byte by byte: a box without contents is followed by the next header.
        for byte in &header[..read] {
            tail.push(std::slice::from_ref(byte));
            offset += 1;
            if tail.skippable() > 0 {
                break;
            }
        }
    }
    Ok(tail.is_whole())
}
