//! The crowd: many clients in one thread, with one epoll.

use super::{
    Outcome,
    reply::{Framing, Reply},
    servers::{Kind, Server},
};
use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, EventData, EventFlags},
    },
    fd::OwnedFd,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// The most that is received at once, in bytes.
const RECEIVE_BYTES: usize = 256 * 1024;
/// No step of any work takes so long: a safety net, not a measure.
pub const SAFETY: Duration = Duration::from_secs(30);

/// Clients of one server, each with a connection of its own that is kept.
pub struct Crowd {
    server: Kind,
    framing: Framing,
    epoll: OwnedFd,
    clients: Vec<Client>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    /// How many replies are under way.
    pending: usize,
}

struct Client {
    stream: TcpStream,
    reply: Reply,
}

/// What one `recv(2)` has brought.
pub struct Received<'a> {
    pub client: usize,
    /// How many bytes of the body there were before.
    pub before: usize,
    pub reply: &'a Reply,
    /// Right after the call.
    pub at: Instant,
}

impl Crowd {
    /// Connects so many clients.
    pub fn connect(server: &Server, clients: usize, framing: Framing) -> Outcome<Self> {
        let mut crowd = Self {
            server: server.kind,
            framing,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            clients: Vec::with_capacity(clients),
            events: Vec::with_capacity(1024),
            buffer: vec![0; RECEIVE_BYTES],
            pending: 0,
        };
        for client in 0..clients {
            let stream = TcpStream::connect(server.address)
                .map_err(|error| format!("{}: client {client}: {error}", server.kind.name()))?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let mark = EventData::new_u64(client as u64);
            epoll::add(&crowd.epoll, &stream, mark, EventFlags::IN)?;
            let mut reply = Reply::new(framing);
            reply.is_done = true;
            crowd.clients.push(Client { stream, reply });
        }
        Ok(crowd)
    }

    /// How many replies are under way.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Sends a client's next request; `headers` end with a line end each.
    pub fn request(&mut self, client: usize, path: &str, headers: &str) -> Outcome<()> {
        let Client { stream, reply } = &mut self.clients[client];
        reply.again(self.framing);
        self.pending += 1;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream
            .write_all(request.as_bytes())
            .map_err(|error| format!("{}: cannot send: {error}", self.server.name()).into())
    }

    /// Sends the same request from all.
    pub fn request_all(&mut self, path: &str) -> Outcome<()> {
        (0..self.clients.len()).try_for_each(|client| self.request(client, path, ""))
    }

    /// Receives until the time is up, or every reply has ended. The body of each 200 must be
    /// `expected`, or begin it so far.
    pub fn receive(
        &mut self,
        until: Instant,
        expected: &[u8],
        mut seen: impl FnMut(Received<'_>),
    ) -> Outcome<()> {
        while self.pending > 0 && self.step(until, expected, &mut seen)? {}
        Ok(())
    }

    /// The same, but it is an error when the time is up: `what` says what was to come.
    pub fn finish(
        &mut self,
        expected: &[u8],
        what: &str,
        seen: impl FnMut(Received<'_>),
    ) -> Outcome<()> {
        self.receive(Instant::now() + SAFETY, expected, seen)?;
        let (server, late, all) = (self.server.name(), self.pending, self.clients.len());
        match late {
            0 => Ok(()),
            _ => Err(format!("{server}: {late} of {all} clients still lack {what}").into()),
        }
    }

    /// Receives what is there, or waits for it; false when the time is up.
    pub fn step(
        &mut self,
        until: Instant,
        expected: &[u8],
        seen: &mut impl FnMut(Received<'_>),
    ) -> Outcome<bool> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left)?;
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout))?;
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            self.take(usize::try_from(event.data.u64())?, expected, seen)?;
        }
        self.events = events;
        Ok(!left.is_zero())
    }

    fn take(
        &mut self,
        client: usize,
        expected: &[u8],
        seen: &mut impl FnMut(Received<'_>),
    ) -> Outcome<()> {
        let Client { stream, reply } = &mut self.clients[client];
        let fault = |text: &str| format!("{}: client {client}: {text}", self.server.name());
        let read = match stream.read(&mut self.buffer) {
            Ok(0) => return Err(fault("the connection was closed").into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(fault(&error.to_string()).into()),
        };
        let at = Instant::now();
        let before = reply.body;
        reply.take(&self.buffer[..read], expected).map_err(|error| fault(&error))?;
        self.pending -= usize::from(reply.is_done);
        seen(Received { client, before, reply, at });
        Ok(())
    }

    /// Returns when the server has nothing to do: it has used no CPU time for a while. Replies
    /// that go on may bring what is `expected`.
    pub fn settle(&mut self, server: &Server, expected: &[u8]) -> Outcome<()> {
        /// So much CPU time in so long is taken for none.
        const NOTHING: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(4));
        let limit = Instant::now() + Duration::from_secs(5);
        let (mut quiet, mut before) = (0, server.cpu()?);
        while quiet < 3 && Instant::now() < limit {
            let until = Instant::now() + NOTHING.1;
            while self.step(until, expected, &mut |_| ())? {}
            let now = server.cpu()?;
            quiet = if now - before <= NOTHING.0 { quiet + 1 } else { 0 };
            before = now;
        }
        Ok(())
    }
}
