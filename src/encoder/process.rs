//! An encoder as its supervisor sees it: a guard that runs, says things and ends.

use super::{
    arguments::Plan,
    guard::{GUARD, STOP},
    secret::masked,
    tail::Tail,
};
use std::{io, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, Command},
    time::timeout,
};

/// One that is asked to end has so long to do so.
const GRACE: Duration = Duration::from_secs(3);

/// What it said before it ended is there already.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What is read at once of what it says, in bytes.
const READ_BYTES: usize = 4096;

/// A running encoder. Dropping it closes its guard's pipe, and so kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Closing it ends the encoder.
    line: Option<ChildStdin>,
    says: Option<ChildStderr>,
    tail: Tail,
    /// The guard's, and that of all that it starts.
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
    key: String,
    input: Option<String>,
}

impl Process {
    /// Starts an encoder below a guard, in a process group of its own. `input`: where its
    /// credentials are, which are not logged.
    pub(super) async fn start(
        guard: &Path,
        plan: &Plan,
        key: &str,
        input: Option<&str>,
    ) -> io::Result<Self> {
        let mut command = Command::new(guard);
        // The key is for those who look at the list of processes.
        command.arg(GUARD).arg(key);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let mut line = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut text = serde_json::to_vec(plan).map_err(io::Error::other)?;
        text.push(b'\n');
        line.write_all(&text).await?;
        let (key, input) = (key.to_owned(), input.map(str::to_owned));
        let says = child.stderr.take();
        Ok(Self {
            #[cfg(unix)]
            group: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
            line: Some(line),
            says,
            tail: Tail::default(),
            key,
            input,
        })
    }

    /// Resolves when it has ended, with what it came to; what it says meanwhile is read. Cancel
    /// safe.
    pub(super) async fn ended(&mut self) -> String {
        let mut buffer = [0; READ_BYTES];
        let status = loop {
            let Some(says) = &mut self.says else { break self.child.wait().await };
            tokio::select! {
                biased;
                read = says.read(&mut buffer) => match read {
                    Ok(bytes) if bytes > 0 => self.heard(&buffer[..bytes]),
                    _ => self.says = None,
                },
                // Others may hold the pipe.
                status = self.child.wait() => break status,
            }
        };
        self.end_group(status.as_ref().ok().copied());
        while let Some(says) = &mut self.says {
            match timeout(LAST_WORDS, says.read(&mut buffer)).await {
                Ok(Ok(bytes)) if bytes > 0 => self.heard(&buffer[..bytes]),
                _ => self.says = None,
            }
        }
        match status {
            Ok(status) => words(status.code()),
            Err(error) => format!("is lost: {error}"),
        }
    }

    fn heard(&mut self, bytes: &[u8]) {
        let (key, input) = (&self.key, self.input.as_deref());
        self.tail.take(bytes, |line| log::debug!("{key}: {}", masked(line, input)));
    }

    /// What it said last, without credentials.
    pub(super) fn last_words(&self) -> Option<String> {
        self.tail.summary().map(|text| masked(&text, self.input.as_deref()).into_owned())
    }

    /// Logs its last lines.
    pub(super) fn log_tail(&self) {
        for line in self.tail.lines() {
            log::warn!("{}: {}", self.key, masked(line, self.input.as_deref()));
        }
    }

    /// Asks it to end, and kills it when it does not. `at_once`: there is no use in asking.
    pub(super) async fn stop(mut self, at_once: bool) {
        if !at_once {
            if let Some(line) = &mut self.line {
                let _ = line.write_all(STOP).await;
            }
            if timeout(GRACE, self.ended()).await.is_ok() {
                return;
            }
        }
        // The pipe closes: the guard kills all that it has.
        self.line = None;
        if timeout(GRACE, self.ended()).await.is_err() {
            let _ = self.child.kill().await;
            self.end_group(None);
        }
    }

    /// A guard that was killed leaves the encoder's children behind.
    fn end_group(&self, status: Option<std::process::ExitStatus>) {
        #[cfg(unix)]
        if status.is_none_or(|status| status.code().is_none())
            && let Some(group) = self.group
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        let _ = status;
    }
}

/// What an exit code says.
fn words(code: Option<i32>) -> String {
    match code {
        Some(0) => "ended".to_owned(),
        Some(code @ 129..=192) => format!("was ended by signal {}", code - 128),
        Some(code) => format!("ended with code {code}"),
        None => "was killed together with its guard".to_owned(),
    }
}
