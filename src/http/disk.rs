//! Finished files read from disk, a block at a time.
//!
//! What the system has in its cache is taken at once, without a thread in between; only what the
//! disk itself must be asked for is read by a thread that may wait (preadv2(2), `RWF_NOWAIT`).

use actix_web::web;
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::{
    cell::RefCell,
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// So much is read at once, in bytes.
const BLOCK_BYTES: usize = 256 * 1024;

/// So many blocks are kept by a thread for the next who reads.
const SPARE_BLOCKS: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Room for what is read, and how much that is. It is neither had anew nor zeroed each time, and
/// what was used last is still in the processor's cache.
struct Block {
    room: Vec<u8>,
    length: usize,
}

impl Block {
    /// For at most so many bytes.
    fn of(length: usize) -> Self {
        let mut room = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if room.len() < length {
            room.resize(BLOCK_BYTES, 0);
        }
        Self { room, length }
    }

    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.room[..self.length]
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.room[..self.length]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.room);
        // A thread that ends keeps nothing.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_BLOCKS {
                spare.push(room);
            }
        });
    }
}

/// Reads a range of a file.
pub(super) struct Blocks {
    file: Arc<File>,
    rest: Range<u64>,
    waiting: Option<LocalBoxFuture<'static, io::Result<Block>>>,
}

impl Blocks {
    pub(super) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, rest: range, waiting: None }
    }

    /// The next block; `None` at the end. A file that ends too early is an error.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(waiting) = &mut self.waiting {
            let read = ready!(waiting.poll_unpin(cx));
            self.waiting = None;
            return Poll::Ready(Some(read.and_then(|block| self.took(block))));
        }
        let left = self.rest.end - self.rest.start;
        if left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        let mut block = Block::of(length);
        match read_cached(&self.file, block.as_mut(), self.rest.start) {
            Ok(read @ 1..) => {
                block.length = read;
                Poll::Ready(Some(self.took(block)))
            }
            // Some kernels read nothing where they would have to wait.
            Ok(0) | Err(_) => {
                self.waiting = Some(self.read_waiting(block));
                self.poll_next(cx)
            }
        }
    }

    fn took(&mut self, block: Block) -> io::Result<Bytes> {
        if block.length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.start += block.length as u64;
        Ok(Bytes::from_owner(block))
    }

    fn read_waiting(&self, mut block: Block) -> LocalBoxFuture<'static, io::Result<Block>> {
        let (file, at) = (self.file.clone(), self.rest.start);
        let read = web::block(move || {
            block.length = file.read_at(block.as_mut(), at)?;
            Ok(block)
        });
        async { read.await.map_err(io::Error::other)? }.boxed_local()
    }
}

/// Reads what can be had without waiting; an error where nothing can, or the system does not know
/// of this.
fn read_cached(file: &File, block: &mut [u8], at: u64) -> Result<usize, Errno> {
    preadv2(file, &mut [IoSliceMut::new(block)], at, ReadWriteFlags::NOWAIT)
}
