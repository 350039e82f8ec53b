//! One line for each request: status, bytes, time held, time to first byte, time in all. That of a
//! request that brings something tells of what it brought.

use super::headers::held_for;
use crate::viewers::cmcd;
use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, Uri},
};
use std::{
    cell::Cell,
    fmt,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

/// What is known of a request, put into words only when it is over. Dropped without a body, it
/// tells that the client left before it was answered.
pub(super) struct Line {
    address: Option<SocketAddr>,
    method: Method,
    /// As the client sent it, still encoded: no control characters.
    target: Uri,
    /// `None` before there is a response.
    status: Option<StatusCode>,
    held: Option<Duration>,
    /// What it brings, unless it only reads.
    intake: Option<Rc<Intake>>,
    since: Instant,
    is_logged: bool,
}

/// The same, to tell of each chunk that leaves for it.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    address: Option<SocketAddr>,
    target: Uri,
    since: Instant,
}

/// What has come of a request's body.
#[derive(Debug)]
pub(super) struct Intake {
    since: Instant,
    bytes: Cell<u64>,
    first_byte: Cell<Option<Duration>>,
}

impl Intake {
    /// Nothing yet of a request that came then.
    pub(super) fn new(since: Instant) -> Rc<Self> {
        Rc::new(Self { since, bytes: Cell::default(), first_byte: Cell::default() })
    }

    /// More has come.
    pub(super) fn took(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        if self.first_byte.get().is_none() {
            self.first_byte.set(Some(self.since.elapsed()));
        }
    }
}

/// Where the log tells of each chunk that comes and goes.
pub(super) const CHUNKS: &str = "lldash::chunks";

/// How a body ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The client left before all was sent.
    Left,
    Done,
    Cut,
}

/// Whether the log tells of each chunk.
fn tells_chunks() -> bool {
    log::log_enabled!(target: CHUNKS, log::Level::Debug)
}

impl Line {
    /// A request that has come; `None` when nobody reads the log.
    pub(super) fn new(
        address: Option<SocketAddr>,
        method: &Method,
        target: &Uri,
        since: Instant,
    ) -> Option<Self> {
        let is_read =
            log::log_enabled!(target: "lldash::access", log::Level::Info) || tells_chunks();
        if !is_read {
            return None;
        }
        Some(Self {
            address,
            method: method.clone(),
            target: target.clone(),
            status: None,
            held: None,
            intake: None,
            since,
            is_logged: false,
        })
    }

    /// It brings something.
    pub(super) fn takes(&mut self, intake: Rc<Intake>) {
        self.intake = Some(intake);
    }

    /// It goes on elsewhere, where it gets another line.
    pub(super) fn passed_on(&mut self) {
        self.is_logged = true;
    }

    /// It has a response.
    pub(super) fn answered(&mut self, response: &HttpResponse) {
        self.served(response.status(), held_for(response.headers()));
    }

    /// The same, after so long a time if it was held.
    pub(super) fn served(&mut self, status: StatusCode, held: Option<Duration>) {
        (self.status, self.held) = (Some(status), held);
    }

    /// What tells of each chunk that leaves, if the log wants to know.
    pub(super) fn chunks(&self) -> Option<Chunks> {
        let Self { address, ref target, since, .. } = *self;
        tells_chunks().then(|| Chunks { address, target: target.clone(), since })
    }

    /// Writes the line: so much of the body has been sent.
    pub(super) fn log(&mut self, bytes: u64, first_byte: Option<Duration>, end: End) {
        self.is_logged = true;
        if let Some(intake) = &self.intake {
            return log::info!(
                target: "lldash::access",
                "{} took {} bytes, first byte {}, {end} {} ms",
                Asked(self),
                Decimal(intake.bytes.get()),
                FirstByte(intake.first_byte.get()),
                Millis(self.since.elapsed()),
            );
        }
        log::info!(
            target: "lldash::access",
            "{} {} bytes, {}, first byte {}, {end} {} ms",
            Asked(self),
            Decimal(bytes),
            Held(self),
            FirstByte(first_byte),
            Millis(self.since.elapsed()),
        );
    }
}

impl Chunks {
    /// A chunk has left: what an encoder's chunk is followed to.
    pub(super) fn sent(&self, offset: u64, bytes: usize, at: Instant) {
        log::debug!(
            target: CHUNKS,
            "{} sends {bytes} bytes at {offset} after {} ms to {}",
            Shown(&self.target),
            Millis(at.duration_since(self.since)),
            Address(self.address),
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_logged {
            self.log(0, None, End::Left);
        }
    }
}

/// Who asked for what, and with which status it was answered.
struct Asked<'a>(&'a Line);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { address, method, target, status, .. } = self.0;
        let (address, method, target) = (Address(*address), method.as_str(), Shown(target));
        write!(f, "{address} {method} {target} {}", status.as_ref().map_or("-", StatusCode::as_str))
    }
}

/// A target, without the session that its player may name in the query.
pub(super) struct Shown<'a>(pub(super) &'a Uri);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.query().filter(|query| query.contains("CMCD=")) {
            Some(query) => write!(f, "{}?{}", self.0.path(), cmcd::without(query)),
            None => self.0.fmt(f),
        }
    }
}

/// A client's address, where it has one.
struct Address(Option<SocketAddr>);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(SocketAddr::V4(address)) => {
                let [first, rest @ ..] = address.ip().octets();
                Decimal(first).fmt(f)?;
                for octet in rest {
                    f.write_str(".")?;
                    Decimal(octet).fmt(f)?;
                }
                f.write_str(":")?;
                Decimal(address.port()).fmt(f)
            }
            Some(address) => address.fmt(f),
            None => Ok(()),
        }
    }
}

/// How long it was held.
struct Held<'a>(&'a Line);

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = match (self.0.status, self.0.held) {
            // Without an answer, it was held all the time.
            (None, _) => self.0.since.elapsed(),
            (Some(_), None) => return f.write_str("held 0 ms"),
            (Some(_), Some(held)) => held,
        };
        write!(f, "held {} ms", Millis(held))
    }
}

struct FirstByte(Option<Duration>);

impl fmt::Display for FirstByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(after) => write!(f, "{} ms", Millis(after)),
            None => f.write_str("-"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Cut => "cut",
            Self::Left => "left",
        })
    }
}

/// Milliseconds with three decimals; as integers, for floating point costs more than all else in
/// the line.
pub(super) struct Millis(pub(super) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs() * 1000 + u64::from(self.0.subsec_millis());
        // Always four digits, of which the first is not shown.
        let micros = 1000 + self.0.subsec_micros() % 1000;
        Decimal(millis).fmt(f)?;
        f.write_str(".")?;
        f.write_str(&itoa::Buffer::new().format(micros)[1..])
    }
}

/// An integer, without the standard library's padding, which takes longer than its digits.
struct Decimal<T>(T);

impl<T: itoa::Integer + Copy> fmt::Display for Decimal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(itoa::Buffer::new().format(self.0))
    }
}
