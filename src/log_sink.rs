//! Where the log goes: lines are gathered and written by a thread of their own, so that no request
//! waits for a terminal or a pipe that nobody reads.

mod alarm;

use crate::clock;
use alarm::Alarm;
use env_logger::fmt::Formatter;
use log::{Level, Record};
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    io::{self, IsTerminal, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// What is logged unless `RUST_LOG` says otherwise. A body that is cut is an error to actix; here
/// it is said once, in the access log.
const FILTER: &str = "info,actix_http=off,actix_server=warn";

/// Lines wait so long for others, to be written together.
const GATHERING: Duration = Duration::from_millis(5);

/// More than so many bytes do not wait: lines are lost then, and counted.
const MAX_BYTES: usize = 1 << 20;

/// The log. Dropping it writes what still waits.
#[derive(Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    alarm: Alarm,
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    lost: usize,
    is_ending: bool,
    has_ended: bool,
}

/// What env_logger writes to.
struct Sink(Arc<Shared>);

impl Log {
    /// Sends the log to standard error from now on.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::new()?);
        let writer = shared.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(io::stderr()))?;
        let is_terminal = io::stderr().is_terminal();
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(FILTER))
            .format(move |line, record| format(line, record, is_terminal))
            // Else each line is searched for what `format` does not write to a file.
            .write_style(env_logger::WriteStyle::Always)
            .target(env_logger::Target::Pipe(Box::new(Sink(shared.clone()))))
            .init();
        Ok(Self(shared))
    }
}

/// One line of the log; coloured for a terminal. Put together as text, which the standard library
/// formats much faster than what is written to a sink.
fn format(line: &mut Formatter, record: &Record<'_>, is_terminal: bool) -> io::Result<()> {
    thread_local!(static TEXT: RefCell<String> = const { RefCell::new(String::new()) });
    let put = |text: &mut String, line: &mut Formatter| {
        text.clear();
        head(text, line, record, is_terminal).map_err(io::Error::other)?;
        writeln!(text, "{}", record.args()).map_err(io::Error::other)?;
        line.write_all(text.as_bytes())
    };
    // What is logged may log while it is put into words.
    TEXT.with(|shared| match shared.try_borrow_mut() {
        Ok(mut text) => put(&mut text, line),
        Err(_) => put(&mut String::new(), line),
    })
}

fn head(
    text: &mut String,
    line: &Formatter,
    record: &Record<'_>,
    is_terminal: bool,
) -> fmt::Result {
    let time = humantime::format_rfc3339_millis(clock::now());
    let (level, target) = (record.level(), record.target());
    if is_terminal {
        let style = line.default_level_style(level);
        return write!(text, "[{time} {style}{level:<5}{style:#} {target}] ");
    }
    let level = match level {
        Level::Error => "ERROR",
        Level::Warn => "WARN ",
        Level::Info => "INFO ",
        Level::Debug => "DEBUG",
        Level::Trace => "TRACE",
    };
    write!(text, "[{time} ")?;
    [level, " ", target, "] "].iter().for_each(|part| text.push_str(part));
    Ok(())
}

impl Shared {
    fn new() -> io::Result<Self> {
        Ok(Self { queue: Mutex::default(), alarm: Alarm::new()?, emptied: Condvar::new() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut queue = self.queue();
        if queue.bytes.len() + line.len() > MAX_BYTES {
            queue.lost += 1;
            return;
        }
        let was_empty = queue.bytes.is_empty();
        queue.bytes.extend_from_slice(line);
        drop(queue);
        if was_empty {
            self.alarm.set(GATHERING);
        }
    }

    fn end(&self) {
        self.queue().is_ending = true;
        self.alarm.set(Duration::ZERO);
    }

    fn run(&self, mut output: impl Write) {
        loop {
            self.alarm.sleep();
            let mut queue = self.queue();
            let (bytes, lost) = (std::mem::take(&mut queue.bytes), std::mem::take(&mut queue.lost));
            let is_ending = queue.is_ending;
            drop(queue);
            // There is no other place to complain.
            let _ = output.write_all(&bytes);
            if lost > 0 {
                let _ = writeln!(output, "{lost} lines of the log are lost: nobody reads it");
            }
            if is_ending {
                self.queue().has_ended = true;
                return self.emptied.notify_all();
            }
        }
    }
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        /// A pipe that nobody reads does not keep the program from ending.
        const PATIENCE: Duration = Duration::from_secs(1);
        self.0.end();
        let waiting = |queue: &mut Queue| !queue.has_ended;
        let _ = self.0.emptied.wait_timeout_while(self.0.queue(), PATIENCE, waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A reader that takes nothing before it is told to.
    struct Stuck(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn programs_logs_wait_for_nobody_and_count_what_is_lost() {
        let shared = Arc::new(Shared::new().expect("a timer"));
        let ((go, gone), (sent, written)) = (mpsc::channel(), mpsc::channel());
        let writer = shared.clone();
        let thread = thread::spawn(move || writer.run(Stuck(gone, sent)));
        let line = vec![b'x'; MAX_BYTES / 2];
        // The first may be taken at once; of the rest only two fit.
        (0..9).for_each(|_| shared.add(&line));
        drop(go);
        shared.end();
        thread.join().expect("it ends");
        let all: Vec<u8> = written.iter().flatten().collect();
        let said = String::from_utf8_lossy(&all[all.len() - 60..]).into_owned();
        assert!(said.contains("lines of the log are lost"), "{said}");
    }
}
