//! A body on its way: gathered, framed, written, counted, and logged when it is done or dropped.

use super::{
    access_log::{self, Line},
    batch::Batch,
    body::{Following, Head},
    lane::{Junction, Lane, Progress},
    plain::{Reply, Started},
    receipt::{Receipt, Report},
    wire::Outlet,
};
use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceRequest,
    http::{
        ConnectionType, Method, Version,
        header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING},
    },
};
use bytes::Bytes;
use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// A response's body as it is sent.
pub(super) struct Sending {
    inner: Inner,
    way: Way,
    report: Report,
    _over: Over,
}

/// The body, and how it ends as far as is known.
struct Inner {
    body: BoxBody,
    end: End,
}

#[derive(Debug)]
enum End {
    /// More may come.
    Open,
    Done,
    /// It broke off, which is told when all that came before it has been sent.
    Cut(Option<Box<dyn Error>>),
}

/// How bytes reach the client.
enum Way {
    /// Straight to the socket.
    Socket(Direct),
    /// Through actix, where something stands between us and the socket, in steps.
    Actix(Rest),
}

/// What was read of a body and not yet given to actix.
#[derive(Default)]
struct Rest {
    bytes: Bytes,
    /// Nothing comes after it.
    is_last: bool,
}

struct Direct {
    outlet: Outlet,
    is_chunked: bool,
    /// The short way, which a file that grows has.
    lane: Option<Arc<Lane>>,
    /// `None` before actix has written the head.
    batch: Option<Batch>,
}

/// What actix copies at once, in bytes: a client that takes nothing costs so much and no more.
const STEP_BYTES: usize = 32 * 1024;

type Next = Poll<Option<Result<Bytes, Box<dyn Error>>>>;

impl Sending {
    /// Takes over a response's body, and its framing where it is written straight to the socket.
    pub(super) fn wrap(
        request: &ServiceRequest,
        mut response: HttpResponse,
        receipt: Receipt,
    ) -> HttpResponse {
        let is_empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
        let chunks = receipt.line.as_ref().and_then(Line::chunks);
        let outlet = request.conn_data::<Outlet>();
        if receipt.site.shutdown.is_stopped() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let over = Over(outlet.cloned());
        let way = match outlet.filter(|_| !is_empty).cloned() {
            Some(outlet) => {
                outlet.keep_head();
                let is_chunked = frame(request, &mut response);
                let junction = response.extensions_mut().remove::<Junction>();
                let junction = junction.filter(|_| is_chunked);
                let (metrics, chunks) = (&receipt.site.metrics, chunks.clone());
                let lane = junction.map(|it| it.open(outlet.stream(), metrics, chunks));
                Way::Socket(Direct { outlet, is_chunked, lane, batch: None })
            }
            None => Way::Actix(Rest::default()),
        };
        let end = if is_empty { access_log::End::Done } else { access_log::End::Left };
        let report = Report::new(receipt, chunks, end);
        let is_head = !is_empty && request.method() == Method::HEAD;
        response.map_body(|_, body| {
            // actix leaves out what it writes itself.
            let body = if is_head { Head::of(&body).boxed() } else { body };
            Self { inner: Inner { body, end: End::Open }, way, report, _over: over }.boxed()
        })
    }

    /// Goes on with a reply that has a head of its own.
    pub(super) fn of(outlet: Outlet, started: Started, receipt: Receipt) -> Self {
        let chunks = receipt.line.as_ref().and_then(Line::chunks);
        let Started { left: Reply { batch, growth }, sent } = started;
        let is_chunked = growth.is_some();
        let (inner, lane) = match growth {
            Some(follower) => {
                let (stream, metrics) = (outlet.stream(), &receipt.site.metrics);
                let body = Following::new(follower, None);
                let lane = body.junction().open(stream, metrics, chunks.clone());
                (Inner { body: body.boxed(), end: End::Open }, Some(lane))
            }
            None => (Inner { body: BoxBody::new(()), end: End::Done }, None),
        };
        let mut report = Report::new(receipt, chunks, access_log::End::Left);
        report.started(sent);
        let way = Way::Socket(Direct { outlet, is_chunked, lane, batch: Some(batch) });
        Self { inner, way, report, _over: Over(None) }
    }

    /// Whether all of it has been sent.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.report.end, access_log::End::Done)
    }
}

/// Tells the connection when a response is over.
struct Over(Option<Outlet>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.iter().for_each(Outlet::over);
    }
}

/// Frames a body as actix would (RFC 9112, section 6), but by headers of our own. Returns whether
/// it goes out in chunks.
fn frame(request: &ServiceRequest, response: &mut HttpResponse) -> bool {
    let size = response.body().size();
    let head = response.head_mut();
    head.no_chunking(true);
    match size {
        BodySize::Sized(length) => {
            head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        _ if request.version() >= Version::HTTP_11 => {
            head.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            return request.method() != Method::HEAD;
        }
        // The end of the connection ends it.
        _ => head.set_connection_type(ConnectionType::Close),
    }
    false
}

impl MessageBody for Sending {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match self.way {
            // To actix it is a stream of nothing.
            Way::Socket(_) => BodySize::Stream,
            Way::Actix(_) => self.inner.body.size(),
        }
    }

    /// An error closes the connection without a last chunk: nobody takes half a segment for a
    /// whole one (RFC 9112, section 8).
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        let Self { inner, way, report, .. } = self.get_mut();
        match way {
            Way::Socket(direct) => direct.poll(inner, report, cx),
            Way::Actix(rest) => inner.poll_step(rest, report, cx),
        }
    }
}

impl Direct {
    /// Sends all that there is, as the socket takes it; never yields bytes.
    fn poll(&mut self, inner: &mut Inner, report: &mut Report, cx: &mut Context<'_>) -> Next {
        if let Some(lane) = &self.lane {
            let Progress { sent, left } = lane.halt();
            report.bytes += sent as u64;
            if let Some(left) = left {
                self.batch = Some(left);
            }
        }
        let mut is_waiting = false;
        loop {
            if let Some(batch) = &mut self.batch {
                while !batch.is_done() {
                    let written = batch.rest(|slices| self.outlet.poll_write(cx, slices));
                    match ready!(written) {
                        Ok(bytes) if bytes > 0 => report.sent(batch.wrote(bytes)),
                        // The client is gone, and cannot be told.
                        _ => return Poll::Ready(None),
                    }
                }
                batch.clear();
            }
            match &mut inner.end {
                End::Open if is_waiting => {
                    self.lane.iter().for_each(|lane| lane.open(cx));
                    return Poll::Pending;
                }
                End::Open => is_waiting = self.gather(inner, cx),
                End::Done => {
                    report.end = access_log::End::Done;
                    return Poll::Ready(None);
                }
                End::Cut(error) => {
                    report.end = access_log::End::Cut;
                    return Poll::Ready(error.take().map(Err));
                }
            }
        }
    }

    /// Reads the body until the batch is full, or it has nothing more now: then `true`.
    fn gather(&mut self, inner: &mut Inner, cx: &mut Context<'_>) -> bool {
        let batch = self.batch.get_or_insert_with(|| Batch::with_head(self.outlet.take_head()));
        let mut is_waiting = false;
        while batch.has_room() && matches!(inner.end, End::Open) {
            match inner.poll(cx) {
                Poll::Ready(Some(bytes)) => batch.push(bytes),
                Poll::Ready(None) => {}
                Poll::Pending => {
                    is_waiting = true;
                    break;
                }
            }
        }
        if self.is_chunked {
            batch.close_chunk(matches!(inner.end, End::Done));
        }
        is_waiting
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Way::Socket(Direct { lane: Some(lane), .. }) = &self.way {
            // What went this way since the task slept is told too.
            self.report.bytes += lane.halt().sent as u64;
            lane.close();
        }
    }
}

impl Inner {
    /// The next bytes; `None` at the end, which is remembered.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let next = ready!(Pin::new(&mut self.body).poll_next(cx));
        self.end = match next {
            Some(Ok(bytes)) => return Poll::Ready(Some(bytes)),
            Some(Err(error)) => End::Cut(Some(error)),
            None => End::Done,
        };
        Poll::Ready(None)
    }

    /// The next bytes for actix to copy.
    fn poll_step(&mut self, rest: &mut Rest, report: &mut Report, cx: &mut Context<'_>) -> Next {
        if let End::Cut(error) = &mut self.end {
            report.end = access_log::End::Cut;
            return Poll::Ready(error.take().map(Err));
        }
        if rest.bytes.is_empty() {
            let size = self.body.size();
            match ready!(self.poll(cx)) {
                Some(bytes) => rest.bytes = bytes,
                None if matches!(self.end, End::Cut(_)) => {
                    // What was given before is sent first, which an error would throw away.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {
                    report.end = access_log::End::Done;
                    return Poll::Ready(None);
                }
            }
            let all = report.bytes + rest.bytes.len() as u64;
            rest.is_last = matches!(size, BodySize::Sized(size) if size == all);
        }
        let step = rest.bytes.split_to(rest.bytes.len().min(STEP_BYTES));
        if rest.is_last && rest.bytes.is_empty() {
            // actix does not ask for the end of a body whose length it knows.
            report.end = access_log::End::Done;
        }
        report.sent(step.len());
        Poll::Ready(Some(Ok(step)))
    }
}
