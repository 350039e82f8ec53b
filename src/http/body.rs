//! Bodies of files: in memory, growing, and on disk.

#[cfg(target_os = "linux")]
use super::disk::Blocks;
use super::lane::Junction;
use crate::{
    folder::Witness,
    live::{Follower, Step, Tap},
};
#[cfg(not(target_os = "linux"))]
use actix_web::body::BoxBody;
use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodySize, MessageBody},
    web,
};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// A file as it grows, or a part of it. It reads only when polled: a client that takes nothing
/// costs its place in the file.
pub(super) struct Following {
    follower: Follower,
    /// The body's length in bytes, where it is known beforehand.
    length: Option<u64>,
    /// Bytes that are being read from disk.
    reading: Option<LocalBoxFuture<'static, io::Result<Bytes>>>,
    /// Where bytes may go without being read here.
    junction: Junction,
}

impl Following {
    pub(super) fn new(follower: Follower, length: Option<u64>) -> Self {
        Self { follower, length, reading: None, junction: Junction::default() }
    }

    /// Where its bytes may go without being read here.
    pub(super) fn junction(&self) -> Junction {
        self.junction.clone()
    }

    /// The response that has this body, and tells whoever sends it of the junction.
    pub(super) fn response(self, builder: &mut HttpResponseBuilder) -> HttpResponse {
        let junction = self.junction();
        let mut response = builder.body(self);
        response.extensions_mut().insert(junction);
        response
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Some(lane) = self.junction.lane() else { return self.follower.poll_next(cx) };
        self.follower.skip_to(lane.position());
        let tap: Arc<dyn Tap> = lane.clone();
        self.follower.poll_tapped(&tap)
    }
}

impl MessageBody for Following {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.length.map_or(BodySize::Stream, BodySize::Sized)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(reading) = &mut this.reading {
                let read = ready!(reading.poll_unpin(cx));
                this.reading = None;
                return match read {
                    Ok(bytes) => Poll::Ready(Some(Ok(bytes))),
                    Err(error) => {
                        log::debug!("a reply is cut: {error}");
                        Poll::Ready(Some(Err(error)))
                    }
                };
            }
            match ready!(this.poll_step(cx)) {
                Step::Bytes(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Step::End => return Poll::Ready(None),
                Step::Cut => return Poll::Ready(Some(Err(broken_off()))),
                Step::Stored(stored) => {
                    let read = web::block(move || stored.read());
                    let read = async { read.await.map_err(io::Error::other)? };
                    this.reading = Some(read.boxed_local());
                }
            }
        }
    }
}

fn broken_off() -> io::Error {
    io::Error::other("the file broke off")
}

/// A finished file that is read from disk while it may be written again: then it is cut.
pub(super) struct Stored {
    reader: Reader,
    witness: Witness,
    length: u64,
    /// Its end is missing: it is cut there.
    is_torn: bool,
}

/// Who reads from disk.
pub(super) enum Reader {
    #[cfg(target_os = "linux")]
    Blocks(Blocks),
    #[cfg(not(target_os = "linux"))]
    ActixFiles(BoxBody),
}

impl Reader {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Blocks(blocks) => {
                blocks.poll_next(cx).map(|next| next.map(|block| block.map_err(Into::into)))
            }
            #[cfg(not(target_os = "linux"))]
            Self::ActixFiles(body) => Pin::new(body).poll_next(cx),
        }
    }
}

type BodyError = Box<dyn std::error::Error>;

impl Stored {
    pub(super) fn new(reader: Reader, length: u64, witness: Witness, is_torn: bool) -> Self {
        Self { reader, witness, length, is_torn }
    }
}

impl MessageBody for Stored {
    type Error = BodyError;

    fn size(&self) -> BodySize {
        if self.is_torn { BodySize::Stream } else { BodySize::Sized(self.length) }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(this.reader.poll_next(cx));
        let is_cut = match &next {
            None => this.is_torn,
            // Asked after the read: bytes that were written before it would show by now.
            Some(Ok(_)) => !this.witness.is_unchanged(),
            Some(Err(_)) => false,
        };
        Poll::Ready(if is_cut { Some(Err(broken_off().into())) } else { next })
    }
}

/// No body: the answer to HEAD, which has the length of a GET, or none for a file that grows.
pub(super) struct Head(pub(super) Option<u64>);

impl Head {
    /// What is left of another body.
    pub(super) fn of(body: &impl MessageBody) -> Self {
        Self(match body.size() {
            BodySize::None => Some(0),
            BodySize::Sized(length) => Some(length),
            BodySize::Stream => None,
        })
    }
}

impl MessageBody for Head {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.0.map_or(BodySize::Stream, BodySize::Sized)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
