//! One MPD as LL-HLS: its renditions, those who wait for them, and the tasks that feed them.

use super::{
    feeder::Feeder,
    multivariant,
    plan::{Plan, Rendition},
    presentations::Files,
    segment::State,
    timeline::Timeline,
    track::Track,
    view::View,
};
use crate::live::{File, Library, MediaPath};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// A presentation that nobody has asked for ends after so long.
const IDLE: Duration = Duration::from_secs(120);

/// What an MPD says, until the packager is started anew.
#[derive(Debug)]
pub(super) struct Era {
    /// Counts the packager's starts.
    pub(super) number: u64,
    pub(super) plan: Plan,
    /// The wall clock's time of media time 0, once for all renditions: they must agree.
    zero: Arc<OnceLock<Option<SystemTime>>>,
}

impl Era {
    /// What a producer has told, the first that does; else what the MPD says.
    pub(super) fn zero(
        &self,
        rendition: &Rendition,
        told: Option<SystemTime>,
    ) -> Option<SystemTime> {
        let by_mpd = || self.plan.start.and_then(|start| start.checked_sub(rendition.offset));
        *self.zero.get_or_init(|| told.or_else(by_mpd))
    }
}

/// One MPD as LL-HLS.
#[derive(Debug)]
pub struct Presentation {
    path: MediaPath,
    library: Arc<Library>,
    pub(super) tracks: Vec<Arc<Track>>,
    era: watch::Sender<Arc<Era>>,
    /// TARGETDURATION in seconds, which never changes.
    pub(super) target: OnceLock<u64>,
    touched: Mutex<Instant>,
    pub(super) is_over: AtomicBool,
}

impl Presentation {
    pub(super) fn new(
        plan: Plan,
        mpd: &Arc<File>,
        library: &Arc<Library>,
        part: Duration,
    ) -> Arc<Self> {
        let track = |rendition: &Rendition| {
            let timeline = Timeline::new(rendition.nominal(), part, plan.window);
            Arc::new(Track::new(rendition.name.clone(), timeline))
        };
        let tracks = plan.renditions.iter().map(track).collect();
        let era = Era { number: 0, plan, zero: Arc::default() };
        Arc::new(Self {
            path: mpd.path().clone(),
            library: library.clone(),
            tracks,
            era: watch::Sender::new(Arc::new(era)),
            target: OnceLock::new(),
            touched: Mutex::new(Instant::now()),
            is_over: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> &MediaPath {
        &self.path
    }

    /// Somebody asks for it.
    pub(super) fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle_at(&self) -> Instant {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) + IDLE
    }

    /// Feeds the renditions and follows the MPD, until it is gone or nobody asks any more.
    pub(super) async fn keep(&self, files: Arc<dyn Files>, mpd: Arc<File>) {
        // Ended with this task.
        let mut feeders = JoinSet::new();
        for (index, track) in self.tracks.iter().enumerate() {
            let feeder = Feeder {
                index,
                library: self.library.clone(),
                files: files.clone(),
                eras: self.era.subscribe(),
                track: track.clone(),
                prefix: "../".repeat(2 + self.path.as_str().split('/').count()),
                init: None,
                era: 0,
                generation: 0,
                modified: None,
            };
            feeders.spawn(feeder.run());
        }
        let mut mpd = mpd;
        loop {
            tokio::select! {
                () = sleep_until(self.idle_at()) => {
                    if Instant::now() >= self.idle_at() {
                        break;
                    }
                }
                next = self.next_mpd(&files, &mpd) => match next {
                    Some(next) if self.renew(&next) => mpd = next,
                    _ => break,
                }
            }
        }
        self.is_over.store(true, Ordering::Relaxed);
        for track in &self.tracks {
            track.wake();
        }
    }

    /// The MPD that comes after this one; `None` when it is gone.
    async fn next_mpd(&self, files: &Arc<dyn Files>, mpd: &Arc<File>) -> Option<Arc<File>> {
        let is_other = |file: &File| !std::ptr::eq(&raw const **mpd, file);
        let mut wait = self.library.attend(self.path.clone());
        loop {
            if let Some(file) = wait.until(is_other).await {
                return Some(file);
            }
            match files.look(self.path.clone(), true).await {
                Some(file) if is_other(&file) => return Some(file),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Takes a new version of the MPD; false when it is about other renditions, or about a stream
    /// that goes on after its end: what has ended stays so.
    fn renew(&self, mpd: &Arc<File>) -> bool {
        let Some(bytes) = mpd.whole() else { return true };
        let plan = match Plan::read(&String::from_utf8_lossy(&bytes), &self.path) {
            Ok(plan) => plan,
            Err(refusal) => {
                log::warn!("{} is no longer good for HLS: {refusal}", self.path);
                return true;
            }
        };
        let before = self.era.borrow().clone();
        let has_ended = self.tracks.iter().all(|track| track.timeline().is_ended);
        if !plan.has_renditions_of(&before.plan) || (has_ended && !plan.is_static) {
            return false;
        }
        let (number, zero) = match plan.continues(&before.plan) {
            true => (before.number, before.zero.clone()),
            false => (before.number + 1, Arc::default()),
        };
        self.era.send_replace(Arc::new(Era { number, plan, zero }));
        true
    }

    /// The multivariant playlist.
    pub fn main(&self) -> String {
        let era = self.era.borrow().clone();
        let is_independent = |track: &Arc<Track>| {
            let timeline = track.timeline();
            timeline.listed().all(|one| one.is_independent || one.state == State::Gap)
        };
        let rates: Vec<u64> = self.tracks.iter().map(|track| track.timeline().rate()).collect();
        multivariant::render(&era.plan, self.tracks.iter().all(is_independent), &rates)
    }

    /// The rendition of this name.
    pub fn rendition(self: &Arc<Self>, name: &str) -> Option<View> {
        let index = self.tracks.iter().position(|track| track.name == name)?;
        Some(View::new(self.clone(), index))
    }

    /// TARGETDURATION, chosen when it is first shown.
    pub(super) fn target(&self) -> u64 {
        *self.target.get_or_init(|| self.target_so_far())
    }

    pub(super) fn target_so_far(&self) -> u64 {
        let longest = self.era.borrow().plan.longest;
        let by_mpd = longest.saturating_sub(Duration::from_millis(1)).as_secs() + 1;
        let seen = self.tracks.iter().map(|track| track.timeline().target_seconds());
        seen.max().unwrap_or(0).max(by_mpd)
    }
}
