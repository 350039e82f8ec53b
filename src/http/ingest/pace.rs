//! Requests one at a time: what a client sends behind an upload is kept back until the upload is
//! answered.
//!
//! Encoders pipeline: they send file after file and never wait. actix-http takes the body of the
//! request behind for an unread rest of the one that it answers, and closes the connection; when
//! the client hangs up while an answer is due, or takes no answer, what it sent behind is lost.
//! Here neither can happen, for actix sees the next request, and the end, only when they are due.
//! So it is with what comes before the first upload, where the desk reads; see [`Lease`].
//!
//! [`Lease`]: super::super::lease::Lease

use super::{
    super::{connection::Io, wire::Outlet},
    framing::Framing,
};
use bytes::{Buf, BytesMut};
use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection.
pub struct Paced {
    io: Io,
    /// `None` where nobody may push.
    framing: Option<Framing>,
    /// What came behind an upload that is not answered yet: no more than was read at once.
    ahead: BytesMut,
    /// The client takes no answers any more. What it sent before is taken all the same.
    is_deaf: bool,
    door: Rc<Door>,
}

/// What requests know of their connection.
#[derive(Debug, Default)]
pub struct Door {
    takes_uploads: bool,
    is_due: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl std::fmt::Debug for Paced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Paced({:?})", self.io)
    }
}

impl Paced {
    /// A connection that was accepted.
    pub(in crate::http) fn new(io: Io, takes_uploads: bool) -> Self {
        let framing = takes_uploads.then(Framing::default);
        let door = Door::new(takes_uploads);
        Self { io, framing, ahead: BytesMut::new(), is_deaf: false, door }
    }

    /// Where bodies are written past actix, if nothing stands between us and the socket.
    pub(in crate::http) fn outlet(&self) -> Option<Outlet> {
        match &self.io {
            Io::Plain(wire) => Some(wire.outlet()),
            Io::Tls(_) => None,
        }
    }

    /// For the requests that come over it.
    pub fn door(&self) -> Rc<Door> {
        self.door.clone()
    }
}

impl Door {
    /// That of a connection that was accepted.
    pub(in crate::http) fn new(takes_uploads: bool) -> Rc<Self> {
        Rc::new(Self { takes_uploads, ..Self::default() })
    }

    /// Whether encoders may push here.
    pub(super) fn takes_uploads(&self) -> bool {
        self.takes_uploads
    }

    /// The answer to an upload is there: what is behind it may come.
    pub(super) fn answered(&self) {
        self.is_due.set(false);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(framing) = &mut this.framing else {
            return Pin::new(&mut this.io).poll_read(cx, buffer);
        };
        if this.door.is_due.get() {
            this.door.reader.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if this.ahead.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
            this.io.acknowledge();
        } else {
            let length = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead[..length]);
            this.ahead.advance(length);
        }
        let new = &buffer.filled()[before..];
        if let Some(end) = framing.end_of_write(new) {
            this.door.is_due.set(true);
            if end < new.len() {
                let later = std::mem::take(&mut this.ahead);
                this.ahead.extend_from_slice(&new[end..]);
                this.ahead.extend_from_slice(&later);
                buffer.set_filled(before + end);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_deaf {
            return Poll::Ready(Ok(bytes.len()));
        }
        match ready!(Pin::new(&mut this.io).poll_write(cx, bytes)) {
            Err(_) if this.framing.is_some() => {
                this.is_deaf = true;
                Poll::Ready(Ok(bytes.len()))
            }
            result => Poll::Ready(result),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
