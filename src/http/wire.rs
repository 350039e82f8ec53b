//! A connection's socket, shared by actix and the body that is being sent.
//!
//! actix copies what it sends into a buffer of its own. That is right for heads; the bytes of a
//! segment are the same for every client and are written as they lie in memory. So the [`Wire`]
//! keeps a head back when a body of ours follows, and the body writes both through its [`Outlet`],
//! in one call; or drops it, if the reply has a head of its own.
//!
//! ```text
//! actix ──head──▶ Wire ──kept head──▶ Outlet ──writev──▶ socket
//!                        body ──shared bytes──▶
//! ```

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice, Read},
    net::Shutdown,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// The socket as actix sees it.
#[derive(Debug)]
pub(super) struct Wire(Rc<RefCell<Socket>>);

/// The socket as a body sees it.
#[derive(Debug, Clone)]
pub(super) struct Outlet(Rc<RefCell<Socket>>);

#[derive(Debug)]
struct Socket {
    /// Shared with threads that bring bytes.
    stream: Arc<TcpStream>,
    /// actix has nothing left to write of what was answered before. That goes for a request that
    /// is being answered: actix has one answered at a time.
    is_free: Cell<bool>,
    /// A body follows the head that actix writes next.
    keeps_head: bool,
    head: Vec<u8>,
    /// So much is read at once, in bytes: little before much comes, for the room is zeroed first.
    read_bytes: Cell<usize>,
}

/// A request fits in, in bytes.
const REQUEST_BYTES: usize = 1024;

impl Wire {
    /// A connection that was accepted.
    pub(super) fn new(stream: TcpStream) -> Self {
        let stream = Arc::new(stream);
        Self(Rc::new(RefCell::new(Socket {
            stream,
            is_free: Cell::new(true),
            keeps_head: false,
            head: Vec::new(),
            read_bytes: Cell::new(REQUEST_BYTES),
        })))
    }

    /// The socket itself.
    pub(super) fn stream(&self) -> Arc<TcpStream> {
        self.0.borrow().stream.clone()
    }

    /// Where the bodies of this connection write.
    pub(super) fn outlet(&self) -> Outlet {
        Outlet(self.0.clone())
    }
}

impl Outlet {
    /// Whether nothing is on its way that was answered before, and nothing will be until the request
    /// is answered that is now.
    pub(super) fn is_free(&self) -> bool {
        self.0.borrow().is_free.get()
    }

    /// Something is answered, by whatever way it goes.
    pub(super) fn occupy(&self) {
        self.0.borrow().is_free.set(false);
    }

    /// From now on what actix writes is a head that is kept, until [`take_head`](Self::take_head).
    pub(super) fn keep_head(&self) {
        self.0.borrow_mut().keeps_head = true;
    }

    /// The head that was kept. actix writes the next one itself.
    pub(super) fn take_head(&self) -> Vec<u8> {
        let mut socket = self.0.borrow_mut();
        socket.keeps_head = false;
        std::mem::take(&mut socket.head)
    }

    /// Writes what the socket takes; pending when it takes nothing. Cancel safe.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow().poll_write(cx, slices)
    }

    /// The socket itself, for other threads.
    pub(super) fn stream(&self) -> Arc<TcpStream> {
        self.0.borrow().stream.clone()
    }
}

impl Socket {
    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let room = self.read_bytes.get().min(buffer.remaining());
            match self.read(buffer.initialize_unfilled_to(room)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result.map(|read| buffer.advance(read))),
            }
        }
    }

    /// Reads what is there. When that does not fill the buffer, the next one who asks sleeps at
    /// once, instead of asking the system in vain (epoll(7), question 9).
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut part = None;
        let result = self.stream.try_io(Interest::READABLE, || {
            let read = (&*SockRef::from(&*self.stream)).read(buffer)?;
            if cfg!(target_os = "linux") && (1..buffer.len()).contains(&read) {
                part = Some(read);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.read_bytes.set(buffer.len().max(REQUEST_BYTES) * 2);
            Ok(read)
        });
        part.map_or(result, Ok)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut socket = self.0.borrow_mut();
        if socket.keeps_head {
            socket.head.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        socket.poll_write(cx, &[IoSlice::new(bytes)])
    }

    /// actix comes here when it has written all that it had, or when that is kept.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow().is_free.set(true);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = SockRef::from(&*self.0.borrow().stream).shutdown(Shutdown::Write);
        Poll::Ready(match shut {
            // The client was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}
