//! HTTP/2 (RFC 9113), with what a held request needs: a client that leaves a stream frees its
//! place at once, which the dispatcher of actix-http notices only at the next byte.
//!
//! ```text
//! connection ──accept──▶ task of a stream ──Request──▶ the same routes as HTTP/1.1
//!                                         ◀──body──── Sending ──DATA──▶ flow control ──▶ client
//! ```

mod message;
mod stream;

use super::{connection::GREETING_TIMEOUT, failure::Failure, ingest::Door, routes};
use crate::metrics::Open;
use actix_http::Request;
use actix_service::Service;
use actix_web::{body::BoxBody, dev::ServiceResponse, rt};
use bytes::Bytes;
use h2::{
    RecvStream,
    server::{Builder, Connection, SendResponse},
};
use std::{future::poll_fn, io, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

/// What a client sends before all else (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// So many requests of one connection are answered at one time.
const MAX_STREAMS: u32 = 256;

/// So much of one upload, and of all of a connection, is on the way unasked, in bytes.
const WINDOW_BYTES: [u32; 2] = [1 << 20, 4 << 20];

/// So much of each response waits for the socket, in bytes.
const SEND_BYTES: usize = 64 * 1024;

/// A request's head is not larger, in bytes.
const MAX_HEAD_BYTES: u32 = 16 * 1024;

/// What all requests of a connection share.
pub(super) struct Shared<S> {
    pub(super) app: Rc<S>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) door: Rc<Door>,
    /// It is counted while it is open.
    pub(super) _open: Open,
}

/// Serves a connection until its client leaves, it is idle for too long, or the server stops: then
/// what is under way goes on to its end.
pub(super) async fn serve<S, T>(
    io: T,
    shared: Shared<S>,
    keep_alive: Duration,
    stopping: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error> + 'static,
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut stopping = std::pin::pin!(stopping);
    let mut connection: Connection<T, Bytes> = tokio::select! {
        shaken = timeout(GREETING_TIMEOUT, builder().handshake(io)) => {
            shaken?.map_err(io::Error::other)?
        }
        () = &mut stopping => return Ok(()),
    };
    let shared = Rc::new(shared);
    let mut is_ending = false;
    loop {
        let next = tokio::select! {
            () = &mut stopping, if !is_ending => {
                is_ending = true;
                connection.graceful_shutdown();
                continue;
            }
            next = timeout(keep_alive, connection.accept()) => next,
        };
        match next {
            Ok(Some(Ok(asked))) => drop(rt::spawn(answer(shared.clone(), asked))),
            Ok(Some(Err(error))) => return Err(io::Error::other(error)),
            Ok(None) => return Ok(()),
            // Each stream has its own share.
            Err(_) if Rc::strong_count(&shared) > 1 => {}
            Err(_) if is_ending => return Ok(()),
            Err(_) => {
                is_ending = true;
                connection.graceful_shutdown();
            }
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .initial_window_size(WINDOW_BYTES[0])
        .initial_connection_window_size(WINDOW_BYTES[1])
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buffer_size(SEND_BYTES);
    builder
}

/// Answers a request. Dropped when the client resets its stream, or leaves.
async fn answer<S>(
    shared: Rc<Shared<S>>,
    (request, mut reply): (http::Request<RecvStream>, SendResponse<Bytes>),
) where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
{
    let is_head = request.method() == http::Method::HEAD;
    let response = match message::request(request, shared.peer, shared.door.clone()) {
        Some(request) => {
            let brings = !routes::is_read(request.method());
            tokio::select! {
                response = shared.app.call(request) => response.map(|it| it.into_parts().1),
                // An upload of which all has come is taken all the same; one that breaks off tells.
                _ = poll_fn(|cx| reply.poll_reset(cx)), if !brings => return,
            }
        }
        None => Ok(Failure::malformed("the path is not percent-encoded").response()),
    };
    let response = response.unwrap_or_else(|error| error.error_response());
    if let Err(error) = stream::send(response, &mut reply, is_head).await {
        log::debug!("a stream ends: {error}");
    }
}
