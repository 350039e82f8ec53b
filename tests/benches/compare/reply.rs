//! What a client receives: each byte is compared with what was written.

/// How a server's bytes are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A file's bytes and nothing else: the floor's way.
    Raw,
    /// HTTP/1.1 (RFC 9112).
    Http,
}

/// One reply as it comes.
#[derive(Debug)]
pub struct Reply {
    /// The status, once the head is there; 0 before.
    pub status: u16,
    /// How many bytes of the body have come.
    pub body: usize,
    /// Whether it has ended, cleanly.
    pub is_done: bool,
    place: Place,
    head: Vec<u8>,
}

/// Where in a reply the next byte stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Raw,
    Head,
    /// In a body with a length: bytes to come.
    Sized(usize),
    /// In the line with a chunk's size, as read so far.
    ChunkSize(usize),
    /// In a chunk: bytes to come.
    Chunk(usize),
    /// In the line end behind a chunk, or behind the last one.
    ChunkEnd {
        is_last: bool,
    },
}

impl Reply {
    /// A reply of which nothing has come yet.
    pub fn new(framing: Framing) -> Self {
        let place = match framing {
            Framing::Raw => Place::Raw,
            Framing::Http => Place::Head,
        };
        Self { status: 0, body: 0, is_done: false, place, head: Vec::new() }
    }

    /// Waits for another reply on the same connection.
    pub fn again(&mut self, framing: Framing) {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        *self = Self { head, ..Self::new(framing) };
    }

    /// Takes the next bytes. The body of a 200 must be `expected`.
    pub fn take(&mut self, mut bytes: &[u8], expected: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.is_done {
                return Err(format!("{} bytes more than there should be", bytes.len()));
            }
            bytes = match self.place {
                Place::Raw => {
                    let rest = self.content(bytes, expected)?;
                    self.is_done = self.body == expected.len();
                    rest
                }
                Place::Head => self.head(bytes)?,
                Place::Sized(left) => {
                    let taken = left.min(bytes.len());
                    self.content(&bytes[..taken], expected)?;
                    self.sized(left - taken);
                    &bytes[taken..]
                }
                Place::Chunk(left) => {
                    let taken = left.min(bytes.len());
                    self.content(&bytes[..taken], expected)?;
                    self.place = match left - taken {
                        0 => Place::ChunkEnd { is_last: false },
                        left => Place::Chunk(left),
                    };
                    &bytes[taken..]
                }
                Place::ChunkSize(size) => self.chunk_size(size, bytes)?,
                Place::ChunkEnd { is_last } => {
                    if bytes[0] == b'\n' {
                        self.is_done = is_last;
                        self.place = Place::ChunkSize(0);
                    }
                    &bytes[1..]
                }
            };
        }
        Ok(())
    }

    /// Compares a part of the body.
    fn content<'a>(&mut self, bytes: &'a [u8], expected: &[u8]) -> Result<&'a [u8], String> {
        let end = self.body + bytes.len();
        let is_judged = matches!(self.place, Place::Raw) || self.status == 200;
        if is_judged && expected.get(self.body..end) != Some(bytes) {
            return Err(format!("wrong bytes between {} and {end}", self.body));
        }
        self.body = end;
        Ok(&[])
    }

    fn sized(&mut self, left: usize) {
        self.is_done = left == 0;
        self.place = Place::Sized(left);
    }

    fn chunk_size<'a>(&mut self, size: usize, bytes: &'a [u8]) -> Result<&'a [u8], String> {
        self.place = match bytes[0] {
            b'\r' => Place::ChunkSize(size),
            b'\n' if size == 0 => Place::ChunkEnd { is_last: true },
            b'\n' => Place::Chunk(size),
            byte => match char::from(byte).to_digit(16) {
                Some(digit) => Place::ChunkSize(size * 16 + digit as usize),
                None => return Err(format!("byte {byte} in a chunk's size")),
            },
        };
        Ok(&bytes[1..])
    }

    /// Takes what belongs to the head.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], String> {
        const END: &[u8] = b"\r\n\r\n";
        let before = self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(4096)]);
        let from = before.saturating_sub(END.len() - 1);
        let found = self.head[from..].windows(END.len()).position(|window| window == END);
        let Some(found) = found else {
            let taken = self.head.len() - before;
            return if self.head.len() > 16_384 {
                Err("a head without an end".to_owned())
            } else {
                Ok(&bytes[taken..])
            };
        };
        let end = from + found + END.len();
        self.head.truncate(end);
        self.read_head()?;
        Ok(&bytes[end - before..])
    }

    fn read_head(&mut self) -> Result<(), String> {
        let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        self.status = status.ok_or_else(|| format!("no status in {head:?}"))?;
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(known, _)| *known == name).map(|(_, value)| value.trim())
        };
        match value("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => self.sized(length),
            None if value("transfer-encoding") == Some("chunked") => {
                self.place = Place::ChunkSize(0);
            }
            None => return Err(format!("a body without framing: {head:?}")),
        }
        Ok(())
    }
}
