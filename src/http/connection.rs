//! What is set on each connection, and which protocol it speaks.

use super::{h2::PREFACE, wire::Wire};
use crate::tls::{self, Acceptor};
use actix_web::rt::net::TcpStream;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use tokio_rustls::server::TlsStream;

/// A client that takes no byte for so long is dropped.
pub(super) const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A client must have begun to speak, and to agree on a key, within this time.
pub(super) const GREETING_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection's bytes, in the clear.
#[derive(Debug)]
pub(super) enum Io {
    Plain(Wire),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io {
    /// Tells the client at once that what was read has come: a sender that gathers small writes
    /// until then (RFC 896, as ffmpeg does) would wait for the system's delayed acknowledgement,
    /// 40 ms on Linux, with what follows a request's head or a chunk's size.
    #[cfg(target_os = "linux")]
    pub(super) fn acknowledge(&self) {
        let acknowledged = match self {
            Self::Plain(wire) => SockRef::from(&*wire.stream()).set_tcp_quickack(true),
            Self::Tls(stream) => SockRef::from(stream.get_ref().0).set_tcp_quickack(true),
        };
        if let Err(error) = acknowledged {
            log::debug!("acknowledgements are delayed: {error}");
        }
    }

    /// Not everywhere can it be asked for.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn acknowledge(&self) {}
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Prepares a connection that was accepted, and finds out what its client speaks. By TLS it says
/// so in its handshake; else HTTP/2 is known by how it begins (RFC 9113, sections 3.2 and 3.3).
///
/// # Errors
/// When it does not shake hands.
pub(super) async fn greet(stream: TcpStream, tls: Option<&Acceptor>) -> io::Result<(Io, Protocol)> {
    if let Err(error) = stream.set_nodelay(true).and_then(|()| drop_unread(&stream)) {
        log::debug!("cannot prepare a connection: {error}");
    }
    let Some(tls) = tls else {
        let protocol = known_by_its_beginning(&stream).await?;
        return Ok((Io::Plain(Wire::new(stream)), protocol));
    };
    let stream = Box::pin(timeout(GREETING_TIMEOUT, tls.accept(stream))).await??;
    let protocol = if tls::chose_http2(&stream) { Protocol::Http2 } else { Protocol::Http1 };
    Ok((Io::Tls(Box::new(stream)), protocol))
}

/// Looks at what comes first without taking it.
async fn known_by_its_beginning(stream: &TcpStream) -> io::Result<Protocol> {
    let mut start = [0; PREFACE.len()];
    // One that says nothing is waited for as HTTP/1.1 does.
    let seen = timeout(GREETING_TIMEOUT, stream.peek(&mut start)).await.unwrap_or(Ok(0))?;
    // No method of HTTP/1.1 begins like this.
    let is_http2 = seen >= b"PRI ".len() && PREFACE.starts_with(&start[..seen]);
    Ok(if is_http2 { Protocol::Http2 } else { Protocol::Http1 })
}

pub(super) fn peer(stream: &TcpStream) -> Option<SocketAddr> {
    stream.peer_addr().ok()
}

/// A client that takes nothing is dropped by the system, where it knows how (tcp(7),
/// `TCP_USER_TIMEOUT`; it counts closed windows too).
#[cfg(target_os = "linux")]
fn drop_unread(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT))
}

#[cfg(not(target_os = "linux"))]
fn drop_unread(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
