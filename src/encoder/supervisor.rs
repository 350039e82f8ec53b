//! The life of one stream: its encoder is started when somebody watches, watched over, started again
//! when it fails, and stopped when everybody has left.

use super::{
    Means,
    arguments::plan,
    config::{Source, Stream},
    demand::Seat,
    periods::Timeline,
    process::Process,
    sight::Sight,
    state::{RECOVERED, State, backoff},
    workspace::Workspace,
};
use crate::{clock, shutdown::Shutdown};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::spawn_blocking,
    time::{sleep_until, timeout},
};

/// So long may it take until there is a manifest, unless three segments are longer.
const START_PATIENCE: Duration = Duration::from_secs(15);

/// An encoder that writes nothing for so many segments hangs.
pub(super) const SILENT_SEGMENTS: u32 = 3;

/// After so many failures in a row nothing of the last run is kept for those who still watch.
const PATIENT_FAILURES: u32 = 2;

/// One stream's supervisor.
pub(super) struct Supervisor {
    pub(super) stream: Stream,
    pub(super) seat: Arc<Seat>,
    means: Arc<Means>,
    shutdown: Shutdown,
    /// `None` while the disk works.
    workspace: Option<Workspace>,
    pub(super) timeline: Timeline,
    /// The manifest as it was last shown, without its time.
    pub(super) shown: String,
    pub(super) run: u64,
    /// In a row.
    failures: u32,
    next_try: Option<Instant>,
    /// That its qualities share one init has been seen of this run.
    pub(super) is_proved: bool,
    /// Its disk was, when it failed.
    is_full: bool,
}

/// Why an encoder runs no longer.
enum End {
    /// Nobody watches.
    Left,
    /// The server stops.
    Stopped,
    Failed(String),
}

impl Supervisor {
    pub(super) fn new(
        means: &Arc<Means>,
        stream: Stream,
        seat: Arc<Seat>,
        shutdown: Shutdown,
    ) -> Self {
        let workspace = Workspace::new(&means.root, &stream.key, stream.source);
        Self {
            stream,
            seat,
            means: means.clone(),
            shutdown,
            workspace: Some(workspace),
            timeline: Timeline::default(),
            shown: String::new(),
            run: 0,
            failures: 0,
            next_try: None,
            is_proved: false,
            is_full: false,
        }
    }

    /// Works until the server stops; then nothing runs, and the folder is empty.
    pub(super) async fn run(mut self) {
        let recovered = self.disk(Workspace::recover).await;
        self.tell(recovered, "cannot remove what an earlier run left");
        while self.is_wanted().await {
            self.session().await;
            self.close().await;
        }
    }

    /// Does something with the folder that may take its time.
    pub(super) async fn disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Workspace) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let Some(mut workspace) = self.workspace.take() else {
            return Err(io::Error::other("its folder is lost"));
        };
        let done = spawn_blocking(move || (work(&mut workspace), workspace)).await;
        let (result, workspace) = done.map_err(io::Error::other)?;
        self.workspace = Some(workspace);
        result
    }

    pub(super) fn tell(&self, result: io::Result<()>, what: &str) {
        if let Err(error) = result {
            log::warn!("{}: {what}: {error}", self.stream.key);
        }
    }

    fn set(&self, state: State) {
        self.seat.status().state = state;
    }

    /// Resolves when somebody watches; false when the server stops.
    async fn is_wanted(&mut self) -> bool {
        tokio::select! {
            () = self.shutdown.stopped() => false,
            () = self.seat.watched(), if self.stream.on_demand => true,
            () = std::future::ready(()), if !self.stream.on_demand => true,
        }
    }

    /// Has it run, again and again, until it is wanted no longer.
    async fn session(&mut self) {
        loop {
            if let Some(next_try) = self.next_try {
                self.set(State::Failed { next_try });
                if self.is_left_before(next_try).await {
                    return;
                }
            }
            let began = Instant::now();
            match self.life().await {
                End::Left | End::Stopped => {
                    self.failures = 0;
                    return;
                }
                End::Failed(reason) => self.failed(reason, began.elapsed()).await,
            }
        }
    }

    /// Waits for the next try; true when it is wanted no longer.
    async fn is_left_before(&mut self, next_try: Instant) -> bool {
        let linger = self.stream.linger;
        tokio::select! {
            () = self.shutdown.stopped() => true,
            () = self.seat.abandoned(linger), if self.stream.on_demand => true,
            () = sleep_until(next_try.into()) => false,
        }
    }

    async fn failed(&mut self, mut reason: String, lasted: Duration) {
        let is_live = self.seat.status().state == State::Live;
        if is_live && lasted >= RECOVERED {
            self.failures = 0;
        }
        self.failures += 1;
        if self.is_full {
            reason.push_str(": the disk is full");
        }
        let wait = backoff(self.failures);
        log::warn!("{}: {reason}; it is started again in {wait:?}", self.stream.key);
        let next_try = Instant::now() + wait;
        self.next_try = Some(next_try);
        if self.is_full || (self.failures >= PATIENT_FAILURES && !is_live) {
            self.timeline.clear();
            let emptied = self.disk(Workspace::empty).await;
            self.tell(emptied, "cannot empty its folder");
        }
        let mut status = self.seat.status();
        status.failures += 1;
        status.failure = Some(reason);
        status.state = State::Failed { next_try };
    }

    /// Nobody watches any more.
    async fn close(&mut self) {
        let emptied = self.disk(Workspace::empty).await;
        self.tell(emptied, "cannot empty its folder");
        self.timeline.clear();
        self.shown.clear();
        self.seat.switch().into_iter().for_each(|switch| switch.clear());
        self.set(State::Idle);
    }

    /// One life of the encoder.
    async fn life(&mut self) -> End {
        self.set(State::Starting);
        self.is_full = false;
        self.next_try = None;
        self.shown.clear();
        if let Err(error) = self.disk(Workspace::open).await {
            return End::Failed(format!("its folder cannot be used: {error}"));
        }
        self.run = next_run(self.run);
        self.is_proved = false;
        self.seat.switch().into_iter().for_each(|switch| switch.begins(self.run));
        let (sight, mut process) = match self.start().await {
            Ok(started) => started,
            Err(reason) => return End::Failed(reason),
        };
        let end = self.watch_over(&sight, &mut process).await;
        // What follows is no encoder's writing.
        drop(sight);
        let has_failed = matches!(end, End::Failed(_));
        if has_failed {
            process.log_tail();
            // Before anything is removed.
            let is_full = self.disk(|workspace| Ok(workspace.is_full())).await;
            self.is_full = is_full.unwrap_or(false);
        }
        process.stop(has_failed).await;
        if has_failed {
            self.keep_what_is_whole().await;
        }
        end
    }

    async fn start(&mut self) -> Result<(Sight, Process), String> {
        let Stream { key, source, input, .. } = &self.stream;
        let Some(workspace) = &self.workspace else { return Err("its folder is lost".to_owned()) };
        let folder = workspace.folder().to_owned();
        let own = Workspace::new(&self.means.root, key, *source);
        let is_ffmpeg = *source != Source::Command;
        let switch = self.seat.switch().cloned();
        let come = move |name: &str| switch.iter().for_each(|switch| switch.seen(name));
        let sight = Sight::of(&folder, is_ffmpeg, move |name| own.is_own(name), come)
            .map_err(|error| format!("its folder cannot be watched: {error}"))?;
        let plan = plan(&self.stream, &self.means.abilities, self.run, &folder);
        log::info!("{key}: its encoder is started");
        let process = Process::start(&self.means.guard, &plan, key, input.as_deref()).await;
        let process = process.map_err(|error| format!("no guard can be started: {error}"))?;
        self.seat.status().starts += 1;
        Ok((sight, process))
    }

    /// Until it ends, hangs, or is wanted no longer.
    async fn watch_over(&mut self, sight: &Sight, process: &mut Process) -> End {
        let patience = self.stream.segment * SILENT_SEGMENTS;
        let (mut since, mut writes) = (Instant::now(), sight.writes());
        let seat = self.seat.clone();
        loop {
            let is_live = seat.status().state == State::Live;
            let patience = if is_live { patience } else { patience.max(START_PATIENCE) };
            tokio::select! {
                () = self.shutdown.stopped() => return End::Stopped,
                () = seat.abandoned(self.stream.linger), if self.stream.on_demand => {
                    return End::Left;
                }
                words = process.ended() => return End::Failed(self.told(&words, process)),
                () = sight.manifest() => {
                    if let Err(reason) = self.show().await {
                        return End::Failed(reason);
                    }
                }
                () = sleep_until((since + patience).into()) => {
                    if sight.writes() == writes {
                        let words = format!("has written nothing for {patience:?}");
                        return End::Failed(self.told(&words, process));
                    }
                    (since, writes) = (Instant::now(), sight.writes());
                }
            }
        }
    }

    fn told(&self, words: &str, process: &Process) -> String {
        let program = if self.is_ffmpeg() { "ffmpeg" } else { "its program" };
        match process.last_words() {
            Some(last) => format!("{program} {words}: {last}"),
            None => format!("{program} {words}"),
        }
    }

    pub(super) fn is_ffmpeg(&self) -> bool {
        self.stream.source != Source::Command
    }
}

/// A number that no run of this stream has had, whatever the clock does: milliseconds since the
/// epoch.
fn next_run(last: u64) -> u64 {
    let millis = clock::since_epoch(clock::now()).as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX).max(last + 1)
}

/// Has all streams supervised until the server stops.
pub(super) async fn supervise(supervisors: Vec<Supervisor>) {
    /// The disk may hang; the server does not.
    const PATIENCE: Duration = Duration::from_secs(10);
    let mut shutdowns = supervisors.iter().map(|one| one.shutdown.clone());
    let Some(mut shutdown) = shutdowns.next() else { return };
    let mut tasks = tokio::task::JoinSet::new();
    for supervisor in supervisors {
        tasks.spawn(supervisor.run());
    }
    shutdown.stopped().await;
    if timeout(PATIENCE, tasks.join_all()).await.is_err() {
        log::error!("an encoder does not end; what it wrote stays until the next start");
    }
}
