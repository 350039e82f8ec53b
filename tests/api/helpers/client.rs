//! A client that sees every byte: how a body is framed, when its bytes come, and whether it ends
//! or breaks off.

use super::SAFETY;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// Sends these very bytes over a new connection.
pub fn send(address: SocketAddr, bytes: &[u8], is_head: bool) -> Pending {
    let stream = TcpStream::connect(address).expect("a connection");
    Pending::over(BufReader::new(stream), bytes, is_head)
}

/// A request that was sent.
pub struct Pending {
    pub stream: BufReader<TcpStream>,
    is_head: bool,
}

impl Pending {
    /// Sends bytes over a connection that may have been used before.
    pub fn over(stream: BufReader<TcpStream>, bytes: &[u8], is_head: bool) -> Self {
        let mut pending = Self { stream, is_head };
        pending.stream.get_ref().set_read_timeout(Some(SAFETY)).expect("set");
        pending.stream.get_mut().write_all(bytes).expect("sent");
        pending
    }

    /// Waits for the head of the response.
    pub fn response(mut self) -> Response {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a line in time");
            match line.trim_end() {
                "" if lines.is_empty() => panic!("the connection closed without a response"),
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).and_then(|status| status.parse().ok());
        let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let headers =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut response = Response {
            status: status.expect("a status"),
            headers,
            framing: Framing::None,
            buffer: Vec::new(),
            stream: self.stream,
        };
        response.framing = response.framed(self.is_head);
        response
    }
}

/// A response whose body is still being read.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    framing: Framing,
    buffer: Vec<u8>,
    pub stream: BufReader<TcpStream>,
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    None,
    Chunked,
    Sized(usize),
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should: with a last chunk, or with its length.
    Clean,
    /// The connection ended before.
    Cut,
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    fn framed(&self, is_head: bool) -> Framing {
        let length = self.header("content-length").and_then(|length| length.parse().ok());
        match (self.header("transfer-encoding"), length) {
            _ if is_head || matches!(self.status, 100 | 204 | 304) => Framing::None,
            (Some("chunked"), None) => Framing::Chunked,
            (None, Some(length)) => Framing::Sized(length),
            framing => panic!("a body framed by {framing:?}"),
        }
    }

    /// Waits for the next `length` bytes of the body.
    pub fn read(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            if let Some(end) = self.more() {
                panic!("the body ended, {end:?}, after {} of {length} bytes", self.buffer.len());
            }
        }
        self.buffer.drain(..length).collect()
    }

    /// Waits for the end of the body.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Some(end) = self.more() {
                return (std::mem::take(&mut self.buffer), end);
            }
        }
    }

    /// The whole body, which must end cleanly.
    pub fn body(&mut self) -> Vec<u8> {
        let (body, end) = self.rest();
        assert_eq!(end, End::Clean);
        body
    }

    /// The whole body as text.
    pub fn text(&mut self) -> String {
        String::from_utf8(self.body()).expect("text")
    }

    /// Reads on; the end when there is no more.
    fn more(&mut self) -> Option<End> {
        match self.framing {
            Framing::None | Framing::Sized(0) => Some(End::Clean),
            Framing::Sized(left) => {
                let mut bytes = vec![0; left.min(65_536)];
                let read = self.stream.read(&mut bytes).unwrap_or(0);
                self.buffer.extend_from_slice(&bytes[..read]);
                self.framing = Framing::Sized(left - read);
                (read == 0).then_some(End::Cut)
            }
            Framing::Chunked => self.chunk(),
        }
    }

    fn chunk(&mut self) -> Option<End> {
        let mut line = String::new();
        let size = match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => return Some(End::Cut),
            Ok(_) => usize::from_str_radix(line.trim(), 16).expect("a chunk's size"),
        };
        let mut bytes = vec![0; size + 2];
        if self.stream.read_exact(&mut bytes).is_err() {
            return Some(End::Cut);
        }
        self.buffer.extend_from_slice(&bytes[..size]);
        if size == 0 {
            self.framing = Framing::None;
            return Some(End::Clean);
        }
        None
    }
}
