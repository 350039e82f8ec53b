//! Bytes that clients wait for: files that appear, and files that grow.

use super::{
    Outcome,
    client::{Crowd, SAFETY},
    reply::Framing,
    servers::{Kind, Server},
    stage::{Stage, segment},
};
use socket2::{Domain, Socket, Type};
use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// The size of a file that appears, in bytes.
const APPEAR_BYTES: usize = 64 * 1024;
/// What is appended at once, in bytes, and how often.
const CHUNK_BYTES: usize = 8 * 1024;
const CHUNK_EVERY: Duration = Duration::from_millis(50);

/// What a round of one of these has shown.
#[derive(Default)]
pub struct Pushed {
    /// From right before the write, or the rename, to each client's last byte, in milliseconds.
    pub latencies: Vec<f64>,
    /// The server's CPU time for each client and event, in microseconds.
    pub cpu: f64,
    /// By how much the server's memory grew, for each client with its connection, in KiB.
    pub memory: f64,
}

fn start(kind: Kind, stage: &Stage, clients: usize) -> Outcome<(Server, Crowd, u64)> {
    let (server, framing) = match kind {
        Kind::Floor => (Server::floor_push(stage, clients)?, Framing::Raw),
        _ => (Server::lldash(stage, &[])?, Framing::Http),
    };
    let empty = server.resident()?;
    let crowd = Crowd::connect(&server, clients, framing)?;
    Ok((server, crowd, empty))
}

fn millis(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn cpu_each(cpu: Duration, clients: usize, events: usize) -> f64 {
    cpu.as_secs_f64() * 1e6 / (clients * events) as f64
}

/// Resident memory beyond that of the server before its clients came, for each of them, in KiB.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn memory_each(server: &Server, empty: u64, clients: usize) -> Outcome<f64> {
    Ok(server.resident()?.saturating_sub(empty) as f64 / 1024.0 / clients as f64)
}

/// Files are renamed into place, one after the other, while all clients wait for the next one.
pub fn appear(kind: Kind, clients: usize, files: usize) -> Outcome<Pushed> {
    let stage = Stage::new()?;
    let (server, mut crowd, empty) = start(kind, &stage, clients)?;
    let mut pushed = Pushed::default();
    let mut cpu = Duration::ZERO;
    // The first one warms up.
    for number in 0..=files {
        let (name, bytes) = (format!("s{number}.m4s"), segment(APPEAR_BYTES, number));
        crowd.request_all(&format!("/{name}"))?;
        crowd.settle(&server, &[])?;
        let before = server.cpu()?;
        let stamp = stage.rename_in(&name, &bytes)?;
        crowd.finish(&bytes, &name, |received| {
            if number > 0 && received.reply.body == bytes.len() && received.before < bytes.len() {
                pushed.latencies.push(millis(stamp, received.at));
            }
        })?;
        crowd.settle(&server, &[])?;
        if number > 0 {
            cpu += server.cpu()? - before;
        }
    }
    pushed.cpu = cpu_each(cpu, clients, files);
    pushed.memory = memory_each(&server, empty, clients)?;
    Ok(pushed)
}

/// How a file grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is written under its final name.
    Written,
    /// The same, while two clients take next to nothing: one that reads nothing at all, and one
    /// that reads a byte a second.
    BesideSlow,
    /// An encoder pushes it by PUT; half of the clients ask when it has begun.
    Pushed,
}

/// Where its bytes go.
enum Sink {
    File(File),
    /// Bare bytes, to the floor.
    Raw(TcpStream),
    /// The chunks of a PUT.
    Put(TcpStream),
}

/// A file that grows, and its contents.
struct Growing {
    sink: Sink,
    bytes: Vec<u8>,
    /// When each chunk was written, right before.
    stamps: Vec<Instant>,
}

impl Growing {
    fn append(&mut self) -> Outcome<()> {
        let start = self.stamps.len() * CHUNK_BYTES;
        let bytes = &self.bytes[start..start + CHUNK_BYTES];
        let framed = [format!("{CHUNK_BYTES:x}\r\n").as_bytes(), bytes, b"\r\n"].concat();
        self.stamps.push(Instant::now());
        match &mut self.sink {
            Sink::File(file) => file.write_all(bytes)?,
            Sink::Raw(stream) => stream.write_all(bytes)?,
            Sink::Put(stream) => stream.write_all(&framed)?,
        }
        Ok(())
    }

    /// Nothing more comes.
    fn close(self) -> Outcome<Vec<u8>> {
        if let Sink::Put(mut stream) = self.sink {
            stream.write_all(b"0\r\n\r\n")?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            if &answer != b"HTTP/1.1 201" {
                let answer = String::from_utf8_lossy(&answer).into_owned();
                return Err(format!("lldash: a PUT is answered with {answer}").into());
            }
        }
        Ok(self.bytes)
    }
}

const NAME: &str = "grow.m4s";

/// Starts a server, its clients, and what makes the file grow.
fn begin(
    kind: Kind,
    stage: &Stage,
    clients: usize,
    way: Way,
) -> Outcome<(Server, Crowd, Option<Sink>, u64)> {
    if way != Way::Pushed {
        let (server, crowd, empty) = start(kind, stage, clients)?;
        // Made when the clients wait for it.
        return Ok((server, crowd, None, empty));
    }
    let (server, framing) = match kind {
        Kind::Floor => (Server::floor_relay(stage, clients)?, Framing::Raw),
        _ => (Server::lldash(stage, &["--ingest"])?, Framing::Http),
    };
    let mut encoder = TcpStream::connect(server.address)?;
    encoder.set_nodelay(true)?;
    let empty = server.resident()?;
    let crowd = Crowd::connect(&server, clients, framing)?;
    if kind == Kind::Floor {
        return Ok((server, crowd, Some(Sink::Raw(encoder)), empty));
    }
    let head = format!("PUT /{NAME} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    encoder.write_all(head.as_bytes())?;
    Ok((server, crowd, Some(Sink::Put(encoder)), empty))
}

/// A file grows by a chunk at a time, while all clients follow it.
pub fn grow(kind: Kind, clients: usize, chunks: usize, way: Way) -> Outcome<Pushed> {
    let stage = Stage::new()?;
    let (server, mut crowd, encoder, empty) = begin(kind, &stage, clients, way)?;
    let others = if way == Way::BesideSlow { 2 } else { 0 };
    let ask = |_| Slow::ask(&server, NAME);
    let mut others = (0..others).map(ask).collect::<Outcome<Vec<_>>>()?;
    let before = if way == Way::Pushed { clients.div_ceil(2) } else { clients };
    let path = format!("/{NAME}");
    (0..before).try_for_each(|client| crowd.request(client, &path, ""))?;
    crowd.settle(&server, &[])?;
    let bytes: Vec<u8> = (0..=chunks).flat_map(|seed| segment(CHUNK_BYTES, seed)).collect();
    let sink = match encoder {
        Some(encoder) => encoder,
        None => Sink::File(File::create(stage.served().join(NAME))?),
    };
    let mut growing = Growing { sink, bytes, stamps: Vec::new() };
    // The first chunk warms up: it brings the heads of the responses.
    growing.append()?;
    (before..clients).try_for_each(|client| crowd.request(client, &path, ""))?;
    crowd.settle(&server, &growing.bytes)?;
    let cpu = server.cpu()?;
    let mut pushed = Pushed::default();
    let begin = Instant::now();
    for chunk in 1..=chunks {
        growing.append()?;
        let next = begin + CHUNK_EVERY * u32::try_from(chunk)?;
        follow(&mut crowd, &growing, next, &mut pushed.latencies)?;
        if let Some(drip) = others.get_mut(0).filter(|_| chunk % 20 == 0) {
            drip.read_byte()?;
        }
    }
    let limit = Instant::now() + SAFETY;
    while pushed.latencies.len() < clients * chunks && Instant::now() < limit {
        let soon = Instant::now() + CHUNK_EVERY;
        follow(&mut crowd, &growing, soon, &mut pushed.latencies)?;
    }
    crowd.settle(&server, &growing.bytes)?;
    pushed.cpu = cpu_each(server.cpu()? - cpu, clients, chunks);
    pushed.memory = memory_each(&server, empty, clients)?;
    let bytes = growing.close()?;
    crowd.finish(&bytes, "the end of the file", |_| ())?;
    Ok(pushed)
}

/// Receives until `until`, and notes how late each chunk's last byte came.
fn follow(
    crowd: &mut Crowd,
    growing: &Growing,
    until: Instant,
    latencies: &mut Vec<f64>,
) -> Outcome<()> {
    crowd.receive(until, &growing.bytes, |received| {
        let ended = received.before / CHUNK_BYTES..received.reply.body / CHUNK_BYTES;
        let stamps = growing.stamps.get(ended).unwrap_or_default();
        latencies.extend(stamps.iter().map(|stamp| millis(*stamp, received.at)));
    })
}

/// A client that takes next to nothing: its socket holds little, and so does the server's for it.
struct Slow(Socket);

impl Slow {
    fn ask(server: &Server, name: &str) -> Outcome<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(1)?;
        // Small segments keep the server's send buffer small too.
        socket.set_tcp_mss(536)?;
        socket.connect(&server.address.into())?;
        socket.send(format!("GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        Ok(Self(socket))
    }

    fn read_byte(&mut self) -> Outcome<()> {
        match self.0.read(&mut [0])? {
            0 => Err("the client that reads a byte a second was dropped".into()),
            _ => Ok(()),
        }
    }
}
