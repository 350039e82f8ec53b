//! What packagers do, as data: operations on files, and between them what clients ask and see.
//! They are replayed in a real folder beside a real server.

use crate::{
    contents::styp,
    helpers::{End, Pending, Response, Server, send},
    polling::{Copies, Poller, shows},
};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::FileExt,
};

pub type Name = &'static str;

/// One step of a trace.
#[derive(Debug, Clone)]
pub enum Op {
    // What a packager does.
    Mkdir(Name),
    /// Opens a file; its descriptor goes by the file's name.
    Open(Name, How),
    /// Opens a file under a descriptor's name of its own.
    OpenAs(Name, Name, How),
    Write(Name, Vec<u8>),
    WriteAt(Name, u64, Vec<u8>),
    Close(Name),
    Rename(Name, Name),
    Link(Name, Name),
    Unlink(Name),

    // What a client sees; the first name is the client's.
    /// Asks for a file that is not ready, and is held.
    Asks(Name, Name),
    /// Asks for a file, and is shown it growing.
    Joins(Name, Name),
    /// These bytes come next.
    Reads(Name, Vec<u8>),
    /// No more come.
    Ends(Name, End),

    // What anybody sees.
    /// The manifest becomes this copy, for one who waits for a change.
    Shows(Name, Vec<u8>),
    /// The file becomes these bytes, finished; until then it is what it was.
    Serves(Name, Vec<u8>),
    /// The same, but what is cut until then may be of two states: it is written over in place.
    Settles(Name, Vec<u8>),
    /// The file becomes absent; until then it is what it was.
    Absent(Name),
    /// The file is waited for.
    Waits(Name),
    /// All that was done so far has been noticed.
    Noticed,
}

/// How a file is opened for writing; it is made if need be.
#[derive(Debug, Clone, Copy)]
pub enum How {
    Truncate,
    Append,
    Keep,
}

/// How changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    Auto,
    Notify,
    Poll,
}

impl Watch {
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Auto => &[],
            Self::Notify => &["--watch=notify"],
            // Long enough that no writer seems idle because the machine is busy.
            Self::Poll => &["--watch=poll", "--poll-interval=20ms", "--idle-finish=1500ms"],
        }
    }
}

/// A packager's way of writing.
pub struct Row {
    pub ops: Vec<Op>,
    /// What everybody gets who asks for these, whenever that is: all bytes and a clean end.
    pub files: Vec<(Name, Vec<u8>)>,
}

/// Replays a row. Clients ask for its files before the first step, between the steps, and after
/// the last; another asks for the manifest all the time.
pub fn replay(watch: Watch, row: &Row) {
    let mut stage = Stage::new(Server::start(watch.options()));
    let early: Vec<_> = row.files.iter().map(|(path, _)| stage.held(path)).collect();
    let copies = Copies::of(row);
    let poller = (!copies.all.is_empty()).then(|| Poller::start(stage.server.address, copies.path));
    let mut swarm = Vec::new();
    let step = row.ops.len().div_ceil(40);
    for (at, op) in row.ops.iter().enumerate() {
        stage.play(op);
        if at % step == 0 {
            swarm.extend(row.files.iter().map(|(path, _)| stage.ask(path)));
        }
    }
    stage.finish();
    let expected = row.files.iter().cycle();
    for (client, (path, bytes)) in early.into_iter().chain(swarm).zip(expected) {
        let (body, end) = ok(client.response(), path).rest();
        assert!(body == *bytes && end == End::Clean, "{path}: {} bytes, {end:?}", body.len());
    }
    for (path, bytes) in &row.files {
        stage.serves(path, bytes, true);
    }
    if let Some(poller) = poller {
        copies.check(&poller.stop());
    }
}

/// A server, those who write into its folder, and its clients.
struct Stage {
    server: Server,
    writers: HashMap<Name, File>,
    clients: HashMap<Name, Client>,
    /// What may be seen of a file until its next state is.
    known: HashMap<Name, Vec<Vec<u8>>>,
    /// What each client asked for, and has read: others may get a part of it, and be cut.
    seen: HashMap<Name, (Name, Vec<u8>)>,
    asked: usize,
}

enum Client {
    Held(Name, Pending),
    Served(Response),
}

/// Requests that are to be answered after all ask so.
pub const PATIENT: &str = "X-Wait-Timeout: 30000\r\n";
/// So often a state is asked for that is to come; each time is a request and its answer.
pub const TIMES: usize = 20_000;

impl Stage {
    fn new(server: Server) -> Self {
        let (writers, clients) = (HashMap::new(), HashMap::new());
        let (known, seen) = (HashMap::new(), HashMap::new());
        Self { server, writers, clients, known, seen, asked: 0 }
    }

    /// Asks for a path. Each request has a query of its own, by which the log tells it apart.
    fn ask(&mut self, path: &str) -> Pending {
        self.asked += 1;
        get(self.server.address, &format!("{path}?{}", self.asked), PATIENT)
    }

    /// Asks for a path and is held.
    fn held(&mut self, path: &str) -> Pending {
        let client = self.ask(path);
        self.server.held(&format!("/{path}?{}", self.asked));
        client
    }

    fn play(&mut self, op: &Op) {
        match op {
            Op::Asks(name, path) => {
                let client = Client::Held(path, self.held(path));
                self.seen.insert(name, (path, Vec::new()));
                self.clients.insert(name, client);
            }
            Op::Joins(name, path) => {
                let client = Client::Served(self.join(path));
                self.seen.insert(name, (path, Vec::new()));
                self.clients.insert(name, client);
            }
            Op::Reads(name, bytes) => {
                let read = self.client(name).read(bytes.len());
                assert!(read == *bytes, "{name} reads other bytes");
                self.seen.entry(name).and_modify(|(_, seen)| seen.extend(read));
            }
            Op::Ends(name, end) => {
                let (rest, ended) = self.client(name).rest();
                assert_eq!((rest.len(), ended), (0, *end), "{name}");
                self.clients.remove(name);
            }
            Op::Shows(path, bytes) => shows(self.server.address, path, bytes),
            Op::Serves(path, bytes) => self.serves(path, bytes, true),
            Op::Settles(path, bytes) => self.serves(path, bytes, false),
            Op::Absent(path) => self.absent(path),
            Op::Waits(path) => drop(self.held(path)),
            Op::Noticed => self.noticed(),
            _ => self.write(op),
        }
    }

    fn write(&mut self, op: &Op) {
        let at = |name: &str| self.server.path(name);
        match op {
            Op::Mkdir(name) => fs::create_dir(at(name)).expect("made"),
            Op::Open(name, how) | Op::OpenAs(name, _, how) => {
                let path = at(if let Op::OpenAs(_, path, _) = op { path } else { name });
                let mut options = OpenOptions::new();
                options.create(true).write(true);
                match how {
                    How::Truncate => options.truncate(true),
                    How::Append => options.append(true),
                    How::Keep => options.truncate(false),
                };
                let file = options.open(path).expect("opened");
                assert!(self.writers.insert(name, file).is_none(), "{name} is open");
            }
            Op::Write(name, bytes) => (&self.writers[name]).write_all(bytes).expect("written"),
            Op::WriteAt(name, offset, bytes) => {
                self.writers[name].write_all_at(bytes, *offset).expect("written");
            }
            Op::Close(name) => drop(self.writers.remove(name).expect("it is open")),
            Op::Rename(from, to) => fs::rename(at(from), at(to)).expect("renamed"),
            Op::Link(from, to) => fs::hard_link(at(from), at(to)).expect("linked"),
            Op::Unlink(name) => fs::remove_file(at(name)).expect("removed"),
            _ => unreachable!("{op:?} is the clients'"),
        }
    }

    fn client(&mut self, name: Name) -> &mut Response {
        let mut client = self.clients.remove(name).expect("it has asked");
        if let Client::Held(path, pending) = client {
            client = Client::Served(ok(pending.response(), path));
        }
        match self.clients.entry(name).insert_entry(client).into_mut() {
            Client::Served(response) => response,
            Client::Held(..) => unreachable!("it was answered"),
        }
    }

    /// Asks until the file is shown growing.
    fn join(&mut self, path: Name) -> Response {
        for _ in 0..TIMES {
            let mut response = ok(self.ask(path).response(), path);
            if response.header("transfer-encoding").is_some() {
                return response;
            }
            let body = response.body();
            self.check_known(path, &body, End::Clean, &[]);
        }
        panic!("{path} is never shown growing");
    }

    fn serves(&mut self, path: Name, bytes: &[u8], checks_cuts: bool) {
        for _ in 0..TIMES {
            let mut response = ok(self.ask(path).response(), path);
            let is_finished = response.header("etag").is_some();
            let (body, end) = response.rest();
            if is_finished && body == bytes && end == End::Clean {
                self.known.entry(path).or_default().push(body);
                return;
            }
            if checks_cuts || end == End::Clean {
                self.check_known(path, &body, end, bytes);
            }
        }
        panic!("{path} never becomes what it should");
    }

    /// What is served before the next state comes is one of those before, never a mixture.
    fn check_known(&self, path: Name, body: &[u8], end: End, next: &[u8]) {
        let known = self.known.get(path).into_iter().flatten().map(Vec::as_slice);
        let seen = self.seen.values().filter(|(seen, _)| *seen == path).map(|(_, seen)| &seen[..]);
        let mut states = known.chain([next]);
        let is_known = match end {
            End::Clean => states.any(|state| state == body),
            End::Cut => states.chain(seen).any(|state| state.starts_with(body)),
        };
        assert!(is_known, "{path} was never so: {} bytes, {end:?}", body.len());
    }

    fn absent(&mut self, path: Name) {
        for _ in 0..TIMES {
            let mut response = get(self.server.address, path, "X-Wait-Timeout: 0\r\n").response();
            if response.status == 404 {
                return;
            }
            let (body, end) = response.rest();
            self.check_known(path, &body, end, &[]);
        }
        panic!("{path} never goes away");
    }

    /// What is made after a request for it was held is found by the watch alone. One look may
    /// find a file and yet have passed over those before it; the next one may not.
    fn noticed(&mut self) {
        for _ in 0..2 {
            let name = format!("noticed-{}.m4s", self.asked);
            let client = self.held(&name);
            self.server.write(&name, &styp());
            assert_eq!(client.response().read(24), styp());
        }
    }

    fn finish(&self) {
        assert!(self.clients.is_empty(), "some clients' ends were not looked at");
        assert!(self.writers.is_empty(), "some files were left open");
    }
}

/// Asks for a path, with lines of headers.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> Pending {
    send(address, format!("GET /{path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes(), false)
}

/// A response with status 200.
pub fn ok(response: Response, path: &str) -> Response {
    assert_eq!(response.status, 200, "{path}");
    response
}
