//! A response on its stream, as far as the client lets it come.

use super::message;
use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
};
use tokio::time::timeout;

use super::super::connection::UNREAD_TIMEOUT;

/// So much is asked for at once, in bytes.
const STEP_BYTES: usize = 64 * 1024;

/// Why not all was sent.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client does not want it, or has left.
    Left(h2::Error),
    /// It was reset by the client.
    Reset(Reason),
    /// It took nothing for too long.
    Unread,
    /// The body broke off.
    Cut(Box<dyn std::error::Error>),
}

impl From<h2::Error> for Ended {
    fn from(error: h2::Error) -> Self {
        Self::Left(error)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(error) => write!(f, "{error}"),
            Self::Reset(reason) => write!(f, "the client reset it: {reason}"),
            Self::Unread => f.write_str("the client takes nothing"),
            Self::Cut(error) => write!(f, "{error}"),
        }
    }
}

/// Sends a response. A body that breaks off is told by `RST_STREAM`: nobody takes half a segment
/// for a whole one (RFC 9113, section 8.1.1).
///
/// # Errors
/// When not all was sent.
pub(super) async fn send(
    response: HttpResponse,
    reply: &mut SendResponse<Bytes>,
    is_head: bool,
) -> Result<(), Ended> {
    let size = response.body().size();
    let is_empty = is_head || matches!(size, BodySize::None | BodySize::Sized(0));
    let head = message::response(response.head(), size);
    let mut stream = reply.send_response(head, is_empty)?;
    let mut body = pin!(response.into_body());
    if is_empty {
        // It notes that it was sent.
        poll_fn(|cx| body.as_mut().poll_next(cx)).await;
        return Ok(());
    }
    let sent = send_body(&mut stream, body).await;
    match &sent {
        Err(Ended::Cut(_)) => stream.send_reset(Reason::INTERNAL_ERROR),
        Err(Ended::Unread) => stream.send_reset(Reason::CANCEL),
        _ => {}
    }
    sent
}

async fn send_body(
    stream: &mut SendStream<Bytes>,
    mut body: Pin<&mut BoxBody>,
) -> Result<(), Ended> {
    loop {
        let next = tokio::select! {
            next = poll_fn(|cx| body.as_mut().poll_next(cx)) => next,
            reason = poll_fn(|cx| stream.poll_reset(cx)) => return Err(Ended::Reset(reason?)),
        };
        match next {
            None => break,
            Some(Err(error)) => return Err(Ended::Cut(error)),
            Some(Ok(bytes)) => send_bytes(stream, bytes).await?,
        }
    }
    stream.send_data(Bytes::new(), true)?;
    Ok(())
}

/// Gives the bytes away as the windows of stream and connection allow.
async fn send_bytes(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> Result<(), Ended> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len().min(STEP_BYTES));
        while stream.capacity() == 0 {
            let more = timeout(UNREAD_TIMEOUT, poll_fn(|cx| stream.poll_capacity(cx))).await;
            match more.map_err(|_| Ended::Unread)? {
                Some(more) => drop(more?),
                None => return Err(Ended::Reset(Reason::CANCEL)),
            }
        }
        let step = bytes.split_to(bytes.len().min(stream.capacity()));
        stream.send_data(step, false)?;
    }
    Ok(())
}
