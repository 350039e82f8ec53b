//! Finished files read from disk, a block at a time.
//!
//! What the system has in its cache is taken at once, without a thread in between; only what the
//! disk itself must be asked for is read by a thread that may wait (preadv2(2), `RWF_NOWAIT`).

use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, future::LocalBoxFuture};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// So much is read at once, in bytes.
const BLOCK_BYTES: usize = 256 * 1024;

/// Reads a range of a file.
pub(super) struct Blocks {
    file: Arc<File>,
    rest: Range<u64>,
    /// Used again and again, when what was read into it has been sent.
    buffer: BytesMut,
    waiting: Option<LocalBoxFuture<'static, io::Result<BytesMut>>>,
}

impl Blocks {
    pub(super) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, rest: range, buffer: BytesMut::new(), waiting: None }
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
        let mut block = std::mem::take(&mut self.buffer);
        block.resize(length, 0);
        match read_cached(&self.file, &mut block, self.rest.start) {
            Ok(read @ 1..) => {
                block.truncate(read);
                Poll::Ready(Some(self.took(block)))
            }
            // Some kernels read nothing where they would have to wait.
            Ok(0) | Err(_) => {
                self.waiting = Some(self.read_waiting(block));
                self.poll_next(cx)
            }
        }
    }

    fn took(&mut self, mut block: BytesMut) -> io::Result<Bytes> {
        if block.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.start += block.len() as u64;
        let bytes = block.split().freeze();
        self.buffer = block;
        Ok(bytes)
    }

    fn read_waiting(&self, mut block: BytesMut) -> LocalBoxFuture<'static, io::Result<BytesMut>> {
        let (file, at) = (self.file.clone(), self.rest.start);
        let read = web::block(move || {
            let read = file.read_at(&mut block, at)?;
            block.truncate(read);
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
