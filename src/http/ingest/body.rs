//! A request's body, taken to its end.

use super::super::access_log::Intake;
use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::Payload,
};
use bytes::Bytes;
use futures::StreamExt;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::sleep_until;

/// What is left of a body that is not wanted is read up to this length, in bytes, so that its
/// client, which may not listen before it has sent all, gets the answer on a connection that goes
/// on. Beyond it the connection ends.
const DRAINED_BYTES: u64 = 256 * 1024 * 1024;

/// The same of the time in which nothing comes.
const DRAIN_SILENCE: Duration = Duration::from_secs(60);

/// A body.
pub(super) struct Body {
    payload: Payload,
    is_over: bool,
    /// Where it is told what has come.
    intake: Rc<Intake>,
}

/// What comes next.
pub(super) enum Arrival<T> {
    Bytes(Bytes),
    /// Its last byte has come.
    End,
    /// The client is gone, or broke the framing.
    Broken,
    /// Nothing came for too long.
    Stalled,
    /// What else was waited for.
    Other(T),
}

impl Body {
    pub(super) fn new(payload: Payload, intake: Rc<Intake>) -> Self {
        Self { payload, is_over: false, intake }
    }

    /// Waits for what comes next, or for something else. Bytes that are there come first.
    pub(super) async fn next<T>(
        &mut self,
        patience: Duration,
        mut other: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Arrival<T> {
        let mut deadline = pin!(None);
        poll_fn(|cx| {
            if let Poll::Ready(arrival) = self.poll(cx) {
                return Poll::Ready(arrival);
            }
            if let Poll::Ready(other) = other(cx) {
                return Poll::Ready(Arrival::Other(other));
            }
            if deadline.is_none() {
                deadline.set(Some(sleep_until((Instant::now() + patience).into())));
            }
            let silence = deadline.as_mut().as_pin_mut().map(|sleep| sleep.poll(cx));
            if silence.is_some_and(|silence| silence.is_ready()) {
                return Poll::Ready(Arrival::Stalled);
            }
            Poll::Pending
        })
        .await
    }

    fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<Arrival<T>> {
        if self.is_over {
            return Poll::Ready(Arrival::End);
        }
        self.payload.poll_next_unpin(cx).map(|next| match next {
            Some(Ok(bytes)) => {
                self.intake.took(bytes.len());
                Arrival::Bytes(bytes)
            }
            Some(Err(_)) => {
                self.is_over = true;
                Arrival::Broken
            }
            None => {
                self.is_over = true;
                Arrival::End
            }
        })
    }

    /// Reads what is left, so that the response finds its client; if that is too much, the
    /// connection ends behind the response.
    pub(super) async fn drained(mut self, response: HttpResponse) -> HttpResponse {
        let mut bytes = 0;
        while bytes <= DRAINED_BYTES {
            match self.next(DRAIN_SILENCE, |_| Poll::<()>::Pending).await {
                Arrival::Bytes(more) => bytes += more.len() as u64,
                Arrival::End | Arrival::Broken => return response,
                Arrival::Stalled | Arrival::Other(()) => break,
            }
        }
        let payload = self.payload;
        response.map_body(|_, inner| Unread { inner, _payload: payload }.boxed())
    }
}

/// A response to a request of which not all was read: actix ends a connection whose request's
/// body is still held when the response has been sent.
struct Unread {
    inner: BoxBody,
    _payload: Payload,
}

impl MessageBody for Unread {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        // A response without a body would be over before the body is asked.
        match self.inner.size() {
            BodySize::Sized(0) | BodySize::None => BodySize::Stream,
            size => size,
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().inner).poll_next(cx)
    }
}
