//! A connection's socket, shared by the desk, by actix and by the body that is being sent.
//!
//! The desk reads first. What it does not answer is lent to actix: one request, until it is
//! answered, or all that comes from now on. actix copies what it sends into a buffer of its own.
//! That is right for heads; the bytes of a segment are the same for every client and are written as
//! they lie in memory. So the [`Wire`] keeps a head back when a body of ours follows, and the body
//! writes both through its [`Outlet`], in one call.
//!
//! ```text
//! socket ──▶ Desk ──inbox──▶ actix ──head──▶ Wire ──kept head──▶ Outlet ──writev──▶ socket
//!                                                   body ──shared bytes──▶
//! ```

use super::lease::{Came, Lease};
use actix_web::rt::net::TcpStream;
use bytes::{Buf, BytesMut};
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

/// The socket as the desk and actix see it.
#[derive(Debug, Clone)]
pub(super) struct Wire(Rc<RefCell<Socket>>);

/// The socket as a body sees it.
#[derive(Debug, Clone)]
pub(super) struct Outlet(Rc<RefCell<Socket>>);

#[derive(Debug)]
struct Socket {
    /// Shared with threads that bring bytes.
    stream: Arc<TcpStream>,
    lease: Lease,
    /// What the desk has read, and nobody has taken yet.
    ahead: BytesMut,
    /// Nothing comes behind that.
    is_ended: bool,
    /// What its client has pushed is taken though it has left.
    takes_uploads: bool,
    /// What actix is to read next.
    inbox: BytesMut,
    /// A body follows the head that actix writes next.
    keeps_head: bool,
    head: Vec<u8>,
    /// So much is read at once, in bytes: little before much comes, for the room is zeroed first.
    read_bytes: Cell<usize>,
}

/// A request fits in, in bytes.
const REQUEST_BYTES: usize = 1024;

/// The desk reads so much at once, in bytes.
const DESK_BYTES: usize = 16 * 1024;

/// When so much is kept of what a client sends before it has been answered, in bytes, nothing more
/// is read; nor is it seen then that it leaves.
const AHEAD_BYTES: usize = 128 * 1024;

thread_local! {
    /// Where the desk reads to. What stays is copied: a connection that is idle has no buffer.
    static DESK: RefCell<Box<[u8]>> = RefCell::new(vec![0; DESK_BYTES].into());
}

impl Wire {
    /// A connection that was accepted.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Rc::new(RefCell::new(Socket {
            stream: Arc::new(stream),
            lease: Lease::Connection,
            ahead: BytesMut::new(),
            is_ended: false,
            takes_uploads: false,
            inbox: BytesMut::new(),
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

    /// Encoders push over it.
    pub(super) fn take_uploads(&self) {
        self.0.borrow_mut().takes_uploads = true;
    }

    /// Looks at what has been read and not yet taken; `None` if that is nothing.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let socket = self.0.borrow();
        (!socket.ahead.is_empty()).then(|| look(&socket.ahead))
    }

    /// Takes so many bytes of what has been read.
    pub(super) fn take(&self, length: usize) -> BytesMut {
        let mut socket = self.0.borrow_mut();
        if length == socket.ahead.len() {
            return std::mem::take(&mut socket.ahead);
        }
        let taken = BytesMut::from(&socket.ahead[..length]);
        socket.ahead.advance(length);
        taken
    }

    /// Reads what is there; answers how many bytes, 0 at the end. Cancel safe.
    pub(super) fn poll_fill(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_fill(cx)
    }

    /// Resolves when the client is gone, or takes back its half. What it sends meanwhile is kept
    /// for later; where encoders push, nobody is gone before that has been taken. Cancel safe.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.borrow_mut().poll_gone(cx)
    }

    /// Whether something has been read that nobody has taken yet.
    pub(super) fn has_more(&self) -> bool {
        !self.0.borrow().ahead.is_empty()
    }

    /// Lends actix a request, with nothing behind it.
    pub(super) fn lend(&self, request: BytesMut, came: Came) {
        let mut socket = self.0.borrow_mut();
        socket.inbox = request;
        socket.lease = Lease::of(came);
    }

    /// Lends actix the connection, for good.
    pub(super) fn give_up(&self) {
        let mut socket = self.0.borrow_mut();
        socket.inbox = std::mem::take(&mut socket.ahead);
        socket.lease = Lease::Connection;
    }

    /// Ends the connection. What has come is taken: were it left unread, the system would reset the
    /// connection, and the end of a reply might be lost.
    pub(super) fn end(&self) {
        self.shut();
        let stream = self.stream();
        DESK.with_borrow_mut(|buffer| {
            let mut left = AHEAD_BYTES / DESK_BYTES;
            while left > 0 && matches!(stream.try_read(buffer), Ok(1..)) {
                left -= 1;
            }
        });
    }

    /// Nothing more is sent: what was sent last may be a part of a reply.
    pub(super) fn shut(&self) {
        // The client may have been faster.
        let _ = SockRef::from(&*self.0.borrow().stream).shutdown(Shutdown::Write);
    }

    /// Whether the request that was lent has been answered, and its answer written.
    pub(super) fn is_back(&self) -> bool {
        self.0.borrow().lease.is_back()
    }
}

impl Outlet {
    /// When the request came that is answered, if the desk has seen it before.
    pub(super) fn came(&self) -> Option<Came> {
        match self.0.borrow().lease {
            Lease::Request { came, .. } => Some(came),
            Lease::Connection => None,
        }
    }

    /// The response is over: actix has nothing more to write of it than it has.
    pub(super) fn over(&self) {
        self.0.borrow_mut().lease.over();
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

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        DESK.with_borrow_mut(|buffer| {
            let read = ready!(self.poll_into(cx, buffer))?;
            self.ahead.extend_from_slice(&buffer[..read]);
            Poll::Ready(Ok(read))
        })
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.is_ended {
            if self.ahead.len() >= AHEAD_BYTES {
                return Poll::Pending;
            }
            self.is_ended = !matches!(ready!(self.poll_fill(cx)), Ok(1..));
        }
        // What is under way ends by itself, and then comes what was pushed behind it.
        if self.takes_uploads && !self.ahead.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// For actix.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.inbox.is_empty() {
            let length = self.inbox.len().min(buffer.remaining());
            buffer.put_slice(&self.inbox[..length]);
            self.inbox.advance(length);
            return Poll::Ready(Ok(()));
        }
        if self.lease.is_request() {
            return self.poll_end(cx).map(Ok);
        }
        let room = self.read_bytes.get().min(buffer.remaining());
        let read = ready!(self.poll_into(cx, buffer.initialize_unfilled_to(room)))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }

    /// For actix, when it has read the request that it was lent.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_gone(cx));
        if self.lease.ends(!self.ahead.is_empty()) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_into(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
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
        self.0.borrow_mut().poll_read(cx, buffer)
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
        self.0.borrow_mut().lease.flushed();
        Poll::Ready(Ok(()))
    }

    /// What was only lent is not for actix to end.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.0.borrow().lease.is_request() {
            self.shut();
        }
        Poll::Ready(Ok(()))
    }
}
