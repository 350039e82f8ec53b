//! The floor: the least that a server must do, with epoll and inotify. It knows its clients
//! beforehand, and reads no HTTP.

use super::{Outcome, servers::announce, stage::segment};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
    fd::OwnedFd,
    fs::inotify::{self, ReadFlags, WatchFlags},
};
use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    mem::MaybeUninit,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::ffi::OsStrExt,
    path::Path,
    thread,
};

/// The most that is read of a file at once, in bytes.
const READ_BYTES: usize = 256 * 1024;
/// The mark of events of what bytes come from.
const SOURCE: u64 = u64::MAX;

/// Edges only: no event comes twice for the same bytes.
fn edges() -> EventFlags {
    EventFlags::IN | EventFlags::OUT | EventFlags::ET
}

struct Client {
    stream: TcpStream,
    /// How many of the current bytes it has been sent.
    sent: usize,
}

impl Client {
    fn accept(listener: &TcpListener) -> io::Result<Self> {
        let (stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, sent: 0 })
    }

    /// Sends what it has not been sent, as far as its socket takes it.
    fn send(&mut self, bytes: &[u8]) {
        while self.sent < bytes.len() {
            match self.stream.write(&bytes[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It has left.
                Err(_) => self.sent = bytes.len(),
            }
        }
    }

    /// Reads requests and ignores them; whether there was one.
    fn ignore(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 4096]), Ok(read) if read > 0)
    }
}

/// Waits for the new bytes of the newest file in `folder`, reads them once, and writes them to
/// all of its clients. Never returns.
pub fn push(clients: usize, folder: &Path) -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let mut watch = Watch { inotify: inotify::init(flags)?, folder, newest: None };
    let changes = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MODIFY;
    inotify::add_watch(&watch.inotify, folder, changes)?;
    epoll::add(&epoll, &watch.inotify, EventData::new_u64(SOURCE), EventFlags::IN)?;
    announce(listener.local_addr()?);
    let crowd = accept_all(&listener, &epoll, clients)?;
    send_all(&epoll, crowd, |bytes| {
        let is_new = watch.is_new_file()?;
        if is_new {
            bytes.clear();
        }
        watch.read(bytes)?;
        Ok(is_new)
    })
}

/// Reads what its first client sends once, and writes it to all others. Never returns.
pub fn relay(clients: usize) -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    announce(listener.local_addr()?);
    let mut encoder = Client::accept(&listener)?.stream;
    epoll::add(&epoll, &encoder, EventData::new_u64(SOURCE), EventFlags::IN)?;
    let crowd = accept_all(&listener, &epoll, clients)?;
    let mut buffer = vec![0; READ_BYTES];
    send_all(&epoll, crowd, |bytes| {
        match encoder.read(&mut buffer) {
            Ok(0) => return Err("the encoder has left".into()),
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(false)
    })
}

fn accept_all(listener: &TcpListener, epoll: &OwnedFd, clients: usize) -> Outcome<Vec<Client>> {
    let accept = |mark| {
        let client = Client::accept(listener)?;
        epoll::add(epoll, &client.stream, EventData::new_u64(mark as u64), edges())?;
        Ok(client)
    };
    (0..clients).map(accept).collect()
}

/// Writes what there is to all clients; `read` adds to it, and says whether it begins anew.
fn send_all(
    epoll: &OwnedFd,
    mut crowd: Vec<Client>,
    mut read: impl FnMut(&mut Vec<u8>) -> Outcome<bool>,
) -> Outcome<()> {
    let mut events = Vec::with_capacity(1024);
    let mut bytes = Vec::with_capacity(4 * READ_BYTES);
    loop {
        epoll::wait(epoll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            if event.data.u64() == SOURCE {
                if read(&mut bytes)? {
                    crowd.iter_mut().for_each(|client| client.sent = 0);
                }
                crowd.iter_mut().for_each(|client| client.send(&bytes));
                continue;
            }
            let client = &mut crowd[usize::try_from(event.data.u64())?];
            let flags = event.flags;
            if flags.contains(EventFlags::IN) {
                client.ignore();
            }
            client.send(&bytes);
        }
    }
}

struct Watch<'a> {
    inotify: OwnedFd,
    folder: &'a Path,
    newest: Option<File>,
}

impl Watch<'_> {
    /// Takes all events; whether a file has come.
    fn is_new_file(&mut self) -> Outcome<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut is_new = false;
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(is_new),
                Err(error) => return Err(error.into()),
            };
            if event.events().intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO)
                && let Some(name) = event.file_name()
            {
                let name = std::ffi::OsStr::from_bytes(name.to_bytes());
                self.newest = Some(File::open(self.folder.join(name))?);
                is_new = true;
            }
        }
    }

    /// Adds what is new of the newest file.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Outcome<()> {
        let Some(file) = &self.newest else { return Ok(()) };
        loop {
            bytes.reserve(READ_BYTES);
            let read = rustix::io::read(file, spare_capacity(bytes))?;
            if read < READ_BYTES {
                return Ok(());
            }
        }
    }
}

/// Answers whatever bytes each of its clients sends with one response, made beforehand, in two
/// threads. Never returns.
pub fn get(clients: usize, bytes: usize) -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    announce(listener.local_addr()?);
    let mut response = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
    response.extend(segment(bytes, 0));
    let accept = |_| Client::accept(&listener);
    let mut crowd = (0..clients).map(accept).collect::<io::Result<Vec<_>>>()?;
    crowd.iter_mut().for_each(|client| client.sent = response.len());
    let half = crowd.split_off(clients / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| answer(half, &response));
        answer(crowd, &response)?;
        other.join().map_err(|_| "the floor has failed")?
    })
}

fn answer(mut crowd: Vec<Client>, response: &[u8]) -> Outcome<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (mark, client) in crowd.iter().enumerate() {
        epoll::add(&epoll, &client.stream, EventData::new_u64(mark as u64), edges())?;
    }
    let mut events = Vec::with_capacity(1024);
    loop {
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            let client = &mut crowd[usize::try_from(event.data.u64())?];
            let flags = event.flags;
            if flags.contains(EventFlags::IN) && client.ignore() {
                client.sent = 0;
            }
            client.send(response);
        }
    }
}
