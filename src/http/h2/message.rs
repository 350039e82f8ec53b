//! Heads of messages: those of HTTP/2 become those that the routes know, and back.

use super::super::ingest::Door;
use crate::clock;
use actix_http::{BoxedPayloadStream, Payload, Request, ResponseHead, error::PayloadError};
use actix_web::{
    HttpMessage,
    body::BodySize,
    http::{
        Method, StatusCode, Uri, Version,
        header::{self, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use futures::Stream;
use h2::RecvStream;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

/// What the routes are asked; `None` when they could not be. What HTTP/1.1 has in its first line and `Host` is where they look
/// for it (RFC 9113, section 8.3.1).
pub(super) fn request(
    asked: http::Request<RecvStream>,
    peer: Option<SocketAddr>,
    door: Rc<Door>,
) -> Option<Request> {
    let (parts, body) = asked.into_parts();
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        let payload: BoxedPayloadStream = Box::pin(Incoming(body));
        Payload::Stream { payload }
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.version = Version::HTTP_2;
    head.peer_addr = peer;
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    head.uri = target.parse::<Uri>().ok()?;
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            head.headers.append(name, value);
        }
    }
    if let Some(host) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        head.headers.insert(header::HOST, host);
    }
    request.extensions_mut().insert(door);
    Some(request)
}

/// What a client is told. `size`: that of the body, which HTTP/2 frames for itself.
pub(super) fn response(head: &ResponseHead, size: BodySize) -> http::Response<()> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(head.status.as_u16()).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in head.headers.iter().filter(|(name, _)| !is_of_the_connection(name)) {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    let has_length = ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&head.status);
    if let BodySize::Sized(length) = size
        && has_length
    {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    if let Ok(date) = httpdate::fmt_http_date(clock::now()).try_into() {
        headers.entry(http::header::DATE).or_insert(date);
    }
    response
}

/// What HTTP/2 has no place for (RFC 9113, section 8.2.2).
fn is_of_the_connection(name: &HeaderName) -> bool {
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::CONTENT_LENGTH]
        .contains(name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str())
}

/// The body of an upload. More is let come as it is read.
struct Incoming(RecvStream);

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self(stream) = self.get_mut();
        let broken = |error: h2::Error| PayloadError::Incomplete(Some(io::Error::other(error)));
        Poll::Ready(match ready!(stream.poll_data(cx)) {
            None => None,
            Some(Err(error)) => Some(Err(broken(error))),
            Some(Ok(bytes)) => {
                let released = stream.flow_control().release_capacity(bytes.len());
                Some(released.map(|()| bytes).map_err(broken))
            }
        })
    }
}
