//! Who watches. A request for anything below a stream's folder counts from when it comes until its
//! reply is over: a map is asked, and a number goes up and down. Paths of no stream cost a look
//! into a map that is most often empty.

use super::{
    config::Stream,
    state::{State, Status},
    switching::{Choice, NoQuality, Standing, Switch},
};
use crate::live::MediaPath;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout_at};

/// The streams, as those see them who watch. As many as are configured.
#[derive(Debug, Default)]
pub struct Demand {
    seats: HashMap<String, Arc<Seat>>,
    /// In the order of the configuration.
    order: Vec<Arc<Seat>>,
}

/// A stream's audience, and what it is told.
#[derive(Debug)]
pub(super) struct Seat {
    watching: AtomicUsize,
    /// When the last one left.
    left: Mutex<Instant>,
    /// Somebody came first, or left last.
    changed: Notify,
    status: Mutex<Status>,
    /// `None` where players choose.
    switch: Option<Arc<Switch>>,
}

/// One who watches. Dropping it leaves.
#[derive(Debug)]
pub struct Watching(Arc<Seat>);

impl Demand {
    /// Nobody watches any of these yet.
    pub fn new(streams: &[Stream]) -> Self {
        let order: Vec<Arc<Seat>> = streams.iter().map(Seat::new).map(Arc::new).collect();
        let key = |seat: &Arc<Seat>| (seat.status().key.clone(), seat.clone());
        Self { seats: order.iter().map(key).collect(), order }
    }

    /// Somebody asks for this path, which is decoded and has no slash at its start. `None` when it
    /// lies below no stream's folder.
    pub fn watch(&self, path: &str) -> Option<Watching> {
        if self.seats.is_empty() {
            return None;
        }
        let seat = self.seats.get(path.split_once('/')?.0)?.clone();
        if seat.watching.fetch_add(1, SeqCst) == 0 {
            seat.changed.notify_one();
        }
        Some(Watching(seat))
    }

    /// What a request for this path is answered from, where that is for the server to say.
    pub fn choose(&self, path: &MediaPath) -> Option<Choice> {
        let (switch, name) = self.switch_at(path)?;
        switch.choose(name)
    }

    /// Whether the server chooses the qualities of the stream to which a path belongs.
    pub fn is_switched(&self, path: &MediaPath) -> bool {
        self.switch_at(path).is_some()
    }

    /// The file that stands for this one in what is made of all of a stream's segments.
    pub fn stand_in(&self, path: &MediaPath) -> Option<MediaPath> {
        let (switch, name) = self.switch_at(path)?;
        switch.stand_in(name)
    }

    /// The switch of the stream below whose folder a path lies, and the path from there on.
    fn switch_at<'a>(&self, path: &'a MediaPath) -> Option<(&Arc<Switch>, &'a str)> {
        if self.seats.is_empty() {
            return None;
        }
        let (key, name) = path.as_str().split_once('/')?;
        Some((self.seats.get(key)?.switch.as_ref()?, name))
    }

    /// How the qualities of a stream stand.
    ///
    /// # Errors
    /// When the server does not switch them, or there is no such stream.
    pub fn standing(&self, key: &str) -> Result<Standing, NoSwitch> {
        Ok(self.switch(key)?.standing())
    }

    /// Has all who watch a stream be given one quality, by its place (0 is the best) or its bitrate,
    /// until `None` lifts it.
    ///
    /// # Errors
    /// When the server does not switch them, or there is no such stream; inside, when there is no
    /// such quality.
    pub fn force(&self, key: &str, wanted: Option<u64>) -> Result<Result<(), NoQuality>, NoSwitch> {
        Ok(self.switch(key)?.force(wanted))
    }

    fn switch(&self, key: &str) -> Result<&Switch, NoSwitch> {
        let seat = self.seats.get(key).ok_or(NoSwitch::Unknown)?;
        seat.switch.as_deref().ok_or(NoSwitch::Client)
    }

    /// How all are doing, in the order of the configuration.
    pub fn statuses(&self) -> Vec<Status> {
        let status = |seat: &Arc<Seat>| Status {
            watching: seat.watching.load(SeqCst),
            switching: seat.switch.as_ref().map(|switch| switch.standing()),
            ..seat.status().clone()
        };
        self.order.iter().map(status).collect()
    }

    pub(super) fn seats(&self) -> &[Arc<Seat>] {
        &self.order
    }
}

/// Why the qualities of a stream are not the server's to switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSwitch {
    /// There is no such stream.
    Unknown,
    /// Its players choose.
    Client,
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Before the number: whoever sees nobody finds the time right.
        *self.0.left() = Instant::now();
        if self.0.watching.fetch_sub(1, SeqCst) == 1 {
            self.0.changed.notify_one();
        }
    }
}

impl Seat {
    fn new(stream: &Stream) -> Self {
        let status = Status {
            name: stream.name.clone(),
            key: stream.key.clone(),
            source: stream.source.name(),
            state: State::Idle,
            watching: 0,
            starts: 0,
            failures: 0,
            failure: None,
            switching: None,
        };
        Self {
            switch: Switch::of(stream),
            watching: AtomicUsize::new(0),
            left: Mutex::new(Instant::now()),
            changed: Notify::new(),
            status: Mutex::new(status),
        }
    }

    fn left(&self) -> MutexGuard<'_, Instant> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is told of it, to be changed by its supervisor.
    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its qualities, where the server switches them.
    pub(super) fn switch(&self) -> Option<&Arc<Switch>> {
        self.switch.as_ref()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watching.load(SeqCst) > 0
    }

    /// Resolves when somebody watches. For one task at a time. Cancel safe.
    pub(super) async fn watched(&self) {
        while !self.is_watched() {
            self.changed.notified().await;
        }
    }

    /// Resolves when nobody has watched for so long. For one task at a time. Cancel safe.
    pub(super) async fn abandoned(&self, linger: Duration) {
        loop {
            let over = *self.left() + linger;
            if self.is_watched() {
                self.changed.notified().await;
            } else if timeout_at(over.into(), self.changed.notified()).await.is_err() {
                // One may have come and gone without having been told of yet.
                if !self.is_watched() && *self.left() + linger <= Instant::now() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn demand() -> Demand {
        let text = "[[stream]]\nkey = \"cam\"\nsource = \"test\"\n";
        Demand::new(&super::super::config::read(text).expect("valid"))
    }

    #[tokio::test(flavor = "current_thread")]
    async fn streams_are_watched_by_what_lies_below_their_folder_and_nothing_else() {
        let demand = demand();
        for path in ["cam", "camera/x", "x/cam/y", "", "CAM/x"] {
            assert!(demand.watch(path).is_none(), "{path}");
        }
        let seat = demand.seats()[0].clone();
        assert!(seat.watched().now_or_never().is_none());
        let one = demand.watch("cam/manifest.mpd");
        let two = demand.watch("cam/");
        assert_eq!(demand.statuses()[0].watching, 2);
        assert!(seat.watched().now_or_never().is_some());
        drop((one, two));
        assert!(seat.watched().now_or_never().is_none());
        assert!(Demand::default().watch("cam/x").is_none());
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn streams_are_abandoned_when_the_last_one_has_left_for_so_long() {
        let demand = demand();
        let seat = demand.seats()[0].clone();
        let second = Duration::from_secs(1);
        let watching = demand.watch("cam/x");
        let abandoned = seat.abandoned(second);
        tokio::pin!(abandoned);
        assert!((&mut abandoned).now_or_never().is_none());
        tokio::time::advance(9 * second).await;
        assert!((&mut abandoned).now_or_never().is_none(), "a reply under way is watching");
        drop(watching);
        assert!((&mut abandoned).now_or_never().is_none(), "it lingers");
    }
}
