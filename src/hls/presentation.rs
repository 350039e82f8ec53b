//! One MPD as LL-HLS: its renditions, those who wait for them, and the tasks that feed them.

use super::{
    feeder::Feeder,
    multivariant,
    plan::{Plan, Rendition},
    playlist::{self, Frame, Report},
    presentations::Files,
    reload::{Decision, Directives, Malformed},
    segment::State,
    timeline::{Asked, Timeline},
};
use crate::live::{File, Library, MediaPath};
use std::{
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
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

/// A rendition's timeline, and those who wait for it to change.
#[derive(Debug)]
pub(super) struct Track {
    name: String,
    timeline: Mutex<Timeline>,
    version: watch::Sender<u64>,
    /// The newest playlist, and the newest delta update.
    rendered: Mutex<[Rendered; 2]>,
}

/// A text, with the version of the timeline that it shows.
type Rendered = Option<(u64, Arc<Bytes>)>;

impl Track {
    fn timeline(&self) -> MutexGuard<'_, Timeline> {
        // A half made change would be of one rendition only.
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the timeline, and wakes those who wait if a playlist shows it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Timeline)) {
        let mut timeline = self.timeline();
        change(&mut timeline);
        let version = timeline.version();
        drop(timeline);
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
    }
}

/// A text that many are sent.
#[derive(Debug)]
pub struct Bytes {
    plain: bytes::Bytes,
    compressed: OnceLock<bytes::Bytes>,
}

impl Bytes {
    fn new(text: String) -> Arc<Self> {
        Arc::new(Self { plain: text.into(), compressed: OnceLock::new() })
    }

    /// As it is.
    pub fn plain(&self) -> bytes::Bytes {
        self.plain.clone()
    }

    /// Compressed, once for all.
    pub fn compressed(&self, compress: impl FnOnce(&[u8]) -> bytes::Bytes) -> bytes::Bytes {
        self.compressed.get_or_init(|| compress(&self.plain)).clone()
    }
}

/// One MPD as LL-HLS.
#[derive(Debug)]
pub struct Presentation {
    path: MediaPath,
    library: Arc<Library>,
    tracks: Vec<Arc<Track>>,
    era: watch::Sender<Arc<Era>>,
    /// TARGETDURATION in seconds, which never changes.
    target: OnceLock<u64>,
    touched: Mutex<Instant>,
    is_over: AtomicBool,
}

/// What becomes of a request for a playlist.
#[derive(Debug)]
pub enum Media {
    /// It is sent.
    Text(Arc<Bytes>),
    /// It waits for [`View::changed`].
    Pending,
    /// There is none.
    Nothing,
}

/// What becomes of a request for a part.
#[derive(Debug)]
pub enum Part {
    /// These bytes of the file.
    There(Arc<File>, Range<u64>),
    /// It waits for [`View::changed`].
    Pending,
    /// It is neither listed nor hinted.
    Nothing,
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
            Arc::new(Track {
                name: rendition.name.clone(),
                timeline: Mutex::new(timeline),
                version: watch::Sender::new(0),
                rendered: Mutex::default(),
            })
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
            track.version.send_modify(|version| *version = version.wrapping_add(1 << 63));
        }
    }

    /// The MPD that comes after this one; `None` when it is gone.
    async fn next_mpd(&self, files: &Arc<dyn Files>, mpd: &Arc<File>) -> Option<Arc<File>> {
        let is_other = |file: &File| !std::ptr::eq(&raw const **mpd, file);
        let Ok(mut wait) = self.library.wait(self.path.clone()) else {
            // No place to wait: it may be tried again by the next who asks.
            return std::future::pending().await;
        };
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

    /// Takes a new version of the MPD; false when it is about other renditions.
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
        if !plan.has_renditions_of(&before.plan) {
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
        let changes = self.tracks[index].version.subscribe();
        Some(View { presentation: self.clone(), index, changes })
    }

    /// TARGETDURATION, chosen when it is first shown.
    fn target(&self) -> u64 {
        *self.target.get_or_init(|| self.target_so_far())
    }

    fn target_so_far(&self) -> u64 {
        let longest = self.era.borrow().plan.longest;
        let by_mpd = longest.saturating_sub(Duration::from_millis(1)).as_secs() + 1;
        let seen = self.tracks.iter().map(|track| track.timeline().target_seconds());
        seen.max().unwrap_or(0).max(by_mpd)
    }
}

/// A rendition as one request sees it.
#[derive(Debug)]
pub struct View {
    presentation: Arc<Presentation>,
    index: usize,
    changes: watch::Receiver<u64>,
}

impl View {
    fn track(&self) -> &Arc<Track> {
        &self.presentation.tracks[self.index]
    }

    /// What becomes of a request for the playlist now.
    ///
    /// # Errors
    /// When it asks for what is too far ahead.
    pub fn playlist(&mut self, directives: &Directives) -> Result<Media, Malformed> {
        // From here on, changes are told.
        self.changes.borrow_and_update();
        if self.presentation.is_over.load(Ordering::Relaxed) {
            return Ok(Media::Nothing);
        }
        let decision = directives.decide(&self.track().timeline());
        match decision {
            Decision::Serve => Ok(Media::Text(self.render(directives.skips))),
            Decision::Wait => Ok(Media::Pending),
            Decision::Refuse(reason) => Err(reason),
        }
    }

    /// The text, made once for each version of the timeline.
    fn render(&self, skips: bool) -> Arc<Bytes> {
        let (presentation, track) = (&self.presentation, self.track());
        let target = presentation.target();
        let others = presentation.tracks.iter().filter(|other| !Arc::ptr_eq(other, track));
        let report = |other: &Arc<Track>| Report::of(&other.name, &other.timeline());
        let reports = others.filter_map(report).collect();
        let timeline = track.timeline();
        let version = timeline.version();
        let mut rendered = track.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut rendered[usize::from(skips)];
        if let Some((_, bytes)) = place.as_ref().filter(|(known, _)| *known == version) {
            return bytes.clone();
        }
        let frame = Frame { name: &track.name, target, reports, skips };
        let bytes = Bytes::new(playlist::media(&timeline, &frame));
        *place = Some((version, bytes.clone()));
        bytes
    }

    /// What becomes of a request for a part now.
    pub fn part(&mut self, msn: u64, index: usize) -> Part {
        self.changes.borrow_and_update();
        if self.presentation.is_over.load(Ordering::Relaxed) {
            return Part::Nothing;
        }
        match self.track().timeline().part(msn, index) {
            Asked::There(file, range) => Part::There(file, range),
            Asked::Hinted => Part::Pending,
            Asked::Nothing => Part::Nothing,
        }
    }

    /// Resolves when anything has changed since it was last asked. Cancel safe.
    pub async fn changed(&mut self) {
        // The sender lives as long as the presentation, which this holds.
        let _ = self.changes.changed().await;
    }

    /// No request is blocked for longer.
    pub fn patience(&self) -> Duration {
        let target = self.presentation.target.get().copied();
        Duration::from_secs(3 * target.unwrap_or_else(|| self.presentation.target_so_far()))
    }

    /// For how long the answer to a blocking reload may be cached.
    pub fn caching(&self) -> Duration {
        Duration::from_secs(6 * self.presentation.target())
    }

    /// Whether a playlist can be made of it.
    pub fn is_ready(&self) -> bool {
        self.track().timeline().is_ready()
    }
}
