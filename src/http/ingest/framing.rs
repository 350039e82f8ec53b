//! Where requests end in a stream of bytes (RFC 9112, sections 6 and 7), by the parser that
//! actix-http uses too. What makes no sense is left to actix-http, which refuses it.

use actix_web::http::Method;
use httparse::{EMPTY_HEADER, Request, Status};

/// How far a connection's bytes have come.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
    /// Whether the request changes something.
    is_write: bool,
}

#[derive(Debug)]
enum State {
    /// In a head, of which these bytes have come.
    Head(Vec<u8>),
    /// In a body of which so many bytes are still to come.
    Length(u64),
    /// In the line of a chunk's size, as far as it is read.
    Size(u64, Line),
    /// In a chunk, with the line's end behind it.
    Chunk(u64),
    /// In the lines behind the last chunk; whether the current one is empty so far.
    Trailer(bool),
    /// Not understood, or larger than actix-http takes.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Digits,
    Extension,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

/// As many headers as actix-http takes.
const MAX_HEADERS: usize = 96;
/// The longest head that it takes, in bytes.
const MAX_HEAD_BYTES: usize = 128 * 1024;

impl Framing {
    /// Takes the next bytes, up to the end of a request that writes, if that is among them:
    /// answers where. The bytes behind are to be given again.
    pub(super) fn end_of_write(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let (taken, is_end) = self.step(&bytes[at..]);
            at += taken;
            if is_end {
                self.state = State::default();
                if self.is_write {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Takes some bytes, at least one; answers how many, and whether the request ends there.
    fn step(&mut self, bytes: &[u8]) -> (usize, bool) {
        match &mut self.state {
            State::Head(_) => self.head(bytes),
            State::Lost => (bytes.len(), false),
            State::Length(left) => {
                let taken = take(left, bytes);
                (taken, *left == 0)
            }
            State::Chunk(left) => {
                let taken = take(left, bytes);
                if *left == 0 {
                    self.state = State::Size(0, Line::Digits);
                }
                (taken, false)
            }
            State::Size(size, line) => {
                match (bytes[0], char::from(bytes[0]).to_digit(16)) {
                    (b'\n', _) if *size == 0 => self.state = State::Trailer(true),
                    (b'\n', _) => self.state = State::Chunk(size.saturating_add(2)),
                    (_, Some(digit)) if *line == Line::Digits => {
                        *size = size.saturating_mul(16).saturating_add(digit.into());
                    }
                    _ => *line = Line::Extension,
                }
                (1, false)
            }
            State::Trailer(is_empty) => {
                let is_end = bytes[0] == b'\n' && *is_empty;
                *is_empty = bytes[0] == b'\n' || (bytes[0] == b'\r' && *is_empty);
                (1, is_end)
            }
        }
    }

    fn head(&mut self, bytes: &[u8]) -> (usize, bool) {
        let State::Head(head) = &mut self.state else { return (bytes.len(), false) };
        let before = head.len();
        head.extend_from_slice(bytes);
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        let length = match request.parse(head) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if head.len() < MAX_HEAD_BYTES => return (bytes.len(), false),
            Ok(Status::Partial) | Err(_) => {
                self.state = State::Lost;
                return (bytes.len(), false);
            }
        };
        let methods = [Method::PUT, Method::POST, Method::DELETE];
        self.is_write = methods.iter().any(|method| request.method == Some(method.as_str()));
        let state = body(&request);
        let is_end = matches!(state, State::Length(0));
        self.state = state;
        (length - before, is_end)
    }
}

fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= taken as u64;
    taken
}

/// What follows a head.
fn body(request: &Request<'_, '_>) -> State {
    let value = |name: &str| {
        let header = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        header.and_then(|header| str::from_utf8(header.value).ok()).map(str::trim)
    };
    if let Some(coding) = value("transfer-encoding") {
        let last = coding.rsplit(',').next().unwrap_or_default().trim();
        let is_chunked = last.eq_ignore_ascii_case("chunked");
        return if is_chunked { State::Size(0, Line::Digits) } else { State::Lost };
    }
    match value("content-length").map(str::parse) {
        None => State::Length(0),
        Some(Ok(length)) => State::Length(length),
        Some(Err(_)) => State::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// The requests that write, each with all that came before it since the last.
    fn split(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut framing = Framing::default();
        let (mut writes, mut current) = (Vec::new(), Vec::new());
        for part in bytes.chunks(step) {
            let mut part = part;
            while let Some(end) = framing.end_of_write(part) {
                current.extend_from_slice(&part[..end]);
                writes.push(std::mem::take(&mut current));
                part = &part[end..];
            }
            current.extend_from_slice(part);
        }
        writes.push(current);
        writes
    }

    #[test]
    fn ingest_requests_end_where_they_do_however_they_come() {
        let one = format!("{HEAD}5\r\nabc\r\n\r\n1;a=0\r\n0\r\nA\r\n0\r\n\r\n\r\n67\r\n0\r\n\r\n");
        let two = "DELETE /x HTTP/1.1\r\n\r\n".to_owned();
        let get = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
        let three = format!("{get}{get}POST /y HTTP/1.1\r\ncontent-length: 3\r\n\r\nPUT");
        let four = format!("{HEAD}0\r\nTrailer: x\r\n\r\n");
        let rest = format!("{get}PUT /z HTTP/1.1\r\n");
        let all = [&*one, &two, &three, &four, &rest].concat();
        for step in 1..all.len() {
            let writes = split(all.as_bytes(), step);
            let wanted = [&*one, &two, &three, &four, &rest].map(|text| text.as_bytes().to_vec());
            assert_eq!(writes, wanted, "{step} bytes at a time");
        }
    }

    #[test]
    fn ingest_what_is_not_understood_is_left_alone() {
        for malformed in ["PUT\r\n\r\nPUT / HTTP/1.1\r\n\r\n", "\x00\r\n\r\n"] {
            assert_eq!(split(malformed.as_bytes(), 3).len(), 1, "{malformed:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn ingest_any_bytes_are_taken(bytes: Vec<u8>, chunked: Vec<u8>, step in 1..50usize) {
            let chunked = [HEAD.as_bytes(), &chunked].concat();
            for bytes in [bytes, chunked] {
                proptest::prop_assert_eq!(split(&bytes, step).concat(), bytes);
            }
        }
    }
}
