//! HTTP/2 (RFC 9113), with what a held request needs: a client that leaves a stream frees its
//! place at once, which the dispatcher of actix-http notices only at the next byte.
//!
//! ```text
//! connection ──accept──▶ task of a stream ──Request──▶ the same routes as HTTP/1.1
//!                                         ◀──body──── Sending ──DATA──▶ flow control ──▶ client
//! ```

mod message;
mod stream;

use super::{Site, connection::GREETING_TIMEOUT, failure::Failure, ingest::Door, routes, service};
use actix_http::Request;
use actix_service::Service;
use actix_web::{HttpResponse, body::BoxBody, dev::ServiceResponse, http::header, rt};
use bytes::Bytes;
use h2::{
    RecvStream,
    server::{Builder, Connection, SendResponse},
};
use std::{cell::Cell, future::poll_fn, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout, timeout_at},
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
    site: Arc<Site>,
    app: Rc<S>,
    peer: Option<SocketAddr>,
    door: Rc<Door>,
    /// When a request last came or ended.
    used: Cell<Instant>,
}

impl<S> Shared<S> {
    pub(super) fn new(
        site: Arc<Site>,
        app: Rc<S>,
        (peer, door): (Option<SocketAddr>, Rc<Door>),
    ) -> Self {
        Self { site, app, peer, door, used: Cell::new(Instant::now()) }
    }
}

/// A request under way.
struct UnderWay<S>(Rc<Shared<S>>);

impl<S> UnderWay<S> {
    fn new(shared: &Rc<Shared<S>>) -> Self {
        shared.used.set(Instant::now());
        Self(shared.clone())
    }
}

impl<S> Drop for UnderWay<S> {
    fn drop(&mut self) {
        self.0.used.set(Instant::now());
    }
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
        let idle = shared.used.get() + keep_alive;
        let next = tokio::select! {
            () = &mut stopping, if !is_ending => {
                is_ending = true;
                connection.graceful_shutdown();
                continue;
            }
            next = timeout_at(idle, connection.accept()) => next,
        };
        match next {
            Ok(Some(Ok(asked))) => drop(rt::spawn(answer(UnderWay::new(&shared), asked))),
            Ok(Some(Err(error))) => return Err(io::Error::other(error)),
            Ok(None) => return Ok(()),
            // It was idle since, or is not yet: each request under way has its share.
            Err(_) if shared.used.get() + keep_alive > Instant::now() => {}
            Err(_) if Rc::strong_count(&shared) > 1 => shared.used.set(Instant::now()),
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
    under_way: UnderWay<S>,
    (request, mut reply): (http::Request<RecvStream>, SendResponse<Bytes>),
) where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
{
    let shared = &under_way.0;
    let is_head = request.method() == http::Method::HEAD;
    let response = match admit(shared, request, &mut reply).await {
        Ok(request) => {
            let brings = !routes::is_read(request.method());
            let response = tokio::select! {
                response = shared.app.call(request) => response.map(|it| it.into_parts().1),
                // An upload of which all has come is taken all the same; one that breaks off tells.
                _ = poll_fn(|cx| reply.poll_reset(cx)), if !brings => return,
            };
            response.unwrap_or_else(|error| error.error_response())
        }
        Err(refusal) => refusal,
    };
    if let Err(error) = stream::send(response, &mut reply, is_head).await {
        log::debug!("a stream ends: {error}");
    }
}

/// The request as the routes know it, or the refusal. One that asks before it sends its body is
/// told to go on (RFC 9110, section 10.1.1).
async fn admit<S>(
    shared: &Shared<S>,
    asked: http::Request<RecvStream>,
    reply: &mut SendResponse<Bytes>,
) -> Result<Request, HttpResponse> {
    let request = message::request(asked, shared.peer, shared.door.clone());
    let malformed = || Failure::malformed("the path is not percent-encoded").response();
    let request = request.ok_or_else(malformed)?;
    let expects = request.head().headers().get(header::EXPECT);
    if expects.is_none_or(|expects| !expects.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Ok(request);
    }
    let request = service::expect(&shared.site, request).await?;
    let mut go_on = http::Response::new(());
    *go_on.status_mut() = http::StatusCode::CONTINUE;
    if let Err(error) = reply.send_informational(go_on) {
        log::debug!("a client that asks before it sends is not told to: {error}");
    }
    Ok(request)
}
