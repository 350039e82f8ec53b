//! A server in a process of its own, over a folder of its own, and a client.

mod children;
mod client;
pub mod h2;
mod push;
pub mod small;

pub use children::{Run, write_alone};
pub use client::{End, Pending, Response, send};
pub use push::{Push, put};

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Nothing here takes so long: a safety net against hanging, not a measure.
const SAFETY: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills it.
pub struct Server {
    pub address: SocketAddr,
    pub child: Child,
    pub folder: TempDir,
    /// What it has said on standard output after its first line.
    pub output: BufReader<ChildStdout>,
    /// Lines of its log that were not asked for yet.
    log: Mutex<mpsc::Receiver<String>>,
    settled: usize,
}

impl Server {
    /// Starts the server over a new folder, with more options.
    pub fn start(options: &[&str]) -> Self {
        Self::over(tempfile::tempdir().expect("a folder"), options)
    }

    /// Starts the server over a folder that may hold something.
    pub fn over(folder: TempDir, options: &[&str]) -> Self {
        let mut command = program();
        command.args(["-p", "0"]).args(options).arg(folder.path());
        Self::spawn(command, folder)
    }

    /// Starts the server with options that say where it listens.
    pub fn start_at(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program();
        command.args(options).arg(folder.path());
        Self::spawn(command, folder)
    }

    /// Starts a command that runs the server in its end.
    pub fn spawn(mut command: Command, folder: TempDir) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("RUST_LOG", "debug,actix_http=off,actix_server=warn,mio=off");
        let mut child = command.start().expect("the server starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        output.read_line(&mut line).expect("a line");
        let address = line.trim().split_once("://").map_or("", |(_, rest)| rest);
        let address = address.trim_end_matches('/');
        let address = address.parse().unwrap_or_else(|_| panic!("no URL but {line:?}"));
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        // Read all the time: a pipe that is full would stop the server.
        let (lines, log) = mpsc::channel();
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        Self { address, child, folder, output, log: Mutex::new(log), settled: 0 }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a file, and the folders in which it lies.
    pub fn create(&self, name: &str) -> File {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        File::create(path).expect("made")
    }

    /// Writes a file as a whole and closes it.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        self.create(name).write_all(bytes).expect("written");
    }

    /// Sends a GET and reads the head of its response.
    pub fn get(&self, path: &str) -> Response {
        get(self.address, path)
    }

    /// Waits until a file that was written and closed is known to be finished; its tag.
    pub fn finished(&self, path: &str) -> String {
        until(|| self.get(path).header("etag").map(str::to_owned))
    }

    /// Sends a GET with headers and reads the head of its response.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.request("GET", path, headers).response()
    }

    /// Sends a request; the response may come later.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Pending {
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let is_head = method == "HEAD";
        self.raw(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n").as_bytes(), is_head)
    }

    /// Sends these very bytes.
    pub fn raw(&self, bytes: &[u8], is_head: bool) -> Pending {
        send(self.address, bytes, is_head)
    }

    /// Reads the log until a line that holds `text`; answers it.
    pub fn logged(&mut self, text: &str) -> String {
        self.log_until(text).pop().expect("that line")
    }

    /// All lines of the log up to the first that holds `text`.
    pub fn log_until(&mut self, text: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains(text)) {
            match self.log.get_mut().expect("whole").recv_timeout(SAFETY) {
                Ok(line) => lines.push(line),
                Err(_) => panic!("the log says nothing of {text:?} but {lines:#?}"),
            }
        }
        lines
    }

    /// Returns when the server has taken note of all that was done in the folder so far: a file
    /// that is made now is noticed after that.
    pub fn settle(&mut self) {
        self.settled += 1;
        let name = format!("/settled-{}.m4s", self.settled);
        let pending = self.request("GET", &name, &[LONG]);
        self.held(&name);
        self.write(&name[1..], &chunk(32));
        assert_eq!(pending.response().status, 200);
    }

    /// Returns when the request for `path` is being held: it is registered, and the disk has been
    /// looked at.
    pub fn held(&mut self, path: &str) {
        self.logged(&format!("{path} is held"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's program. Its requests wait longer than any test takes, unless a flag says less.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lldash"));
    command.env("LLDASH_DEFAULT_WAIT", "30s");
    command
}

/// Sends a GET and reads the head of its response.
pub fn get(address: SocketAddr, path: &str) -> Response {
    let stream = TcpStream::connect(address).expect("a connection");
    let bytes = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    Pending::over(BufReader::new(stream), bytes.as_bytes(), false).response()
}

/// A header with which a request waits longer than any test takes.
pub const LONG: (&str, &str) = ("X-Wait-Timeout", "30000");

/// Repeats an attempt until it gives something, for changes of which nothing tells.
pub fn until<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SAFETY;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "it does not happen");
        thread::yield_now();
    }
}

/// A chunk of a segment: `moof` and `mdat`, in all of this many bytes.
pub fn chunk(bytes: usize) -> Vec<u8> {
    let half = bytes / 2;
    [mp4_box(*b"moof", half), mp4_box(*b"mdat", bytes - half)].concat()
}

/// A whole segment of this many bytes, all of whose payload is the same byte.
pub fn segment(byte: u8, bytes: usize) -> Vec<u8> {
    let size = u32::try_from(bytes).expect("small").to_be_bytes();
    [&size[..], b"mdat", &vec![byte; bytes - 8]].concat()
}

/// A string of random-looking but repeatable bytes.
pub fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A box of this many bytes in all.
pub fn mp4_box(kind: [u8; 4], bytes: usize) -> Vec<u8> {
    let size = u32::try_from(bytes).expect("small").to_be_bytes();
    let contents = (0..bytes - 8).map(|at| u8::try_from(at % 251).expect("small"));
    size.into_iter().chain(kind).chain(contents).collect()
}
