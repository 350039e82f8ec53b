//! An encoder that pushes: every byte when the test says so, and no answer awaited unasked.

use super::{Pending, Response};
use std::{
    io::{BufReader, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

/// A connection over which files are pushed in chunks.
pub struct Push(BufReader<TcpStream>);

impl Push {
    /// Connects, and begins with a file.
    pub fn start(address: SocketAddr, path: &str) -> Self {
        Self::start_with(address, "PUT", path, &[])
    }

    /// The same, with more headers.
    pub fn start_with(
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("set");
        let mut push = Self(BufReader::new(stream));
        push.begin(method, path, headers);
        push
    }

    /// Begins with another file, without waiting for any answer.
    pub fn begin(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{lines}\r\n"
            )
            .as_bytes(),
        );
    }

    /// Sends these very bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("sent");
    }

    /// Sends a chunk.
    pub fn chunk(&mut self, bytes: &[u8]) {
        let size = format!("{:x}\r\n", bytes.len());
        self.send(&[size.as_bytes(), bytes, b"\r\n"].concat());
    }

    /// Sends the last chunk.
    pub fn last(&mut self) {
        self.send(b"0\r\n\r\n");
    }

    /// Reads the answer to the file that has none yet; its body is empty, or text.
    pub fn answer(&mut self) -> (u16, String) {
        let stream = self.0.get_ref().try_clone().expect("a descriptor");
        let stream = std::mem::replace(&mut self.0, BufReader::new(stream));
        let mut response = Pending::over(stream, b"", false).response();
        let text = response.text();
        let status = response.status;
        self.0 = response.stream;
        (status, text)
    }

    /// Ends the file and reads the answer's status.
    pub fn end(&mut self) -> u16 {
        self.last();
        self.answer().0
    }

    /// Sends nothing more, but listens still.
    pub fn hang_up(&self) {
        self.0.get_ref().shutdown(Shutdown::Write).expect("it can");
    }
}

/// Uploads a whole file, with its length.
pub fn put(address: SocketAddr, path: &str, bytes: &[u8]) -> Response {
    let head = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", bytes.len());
    super::send(address, &[head.as_bytes(), bytes].concat(), false).response()
}
