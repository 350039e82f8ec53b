//! One task for each rendition, like a client inside: it waits for the next segment, follows its
//! bytes, and tells the timeline of its chunks.

use super::{
    plan::{Naming, Rendition},
    presentation::Era,
    presentations::Files,
    reading::{Reading, read_whole},
    search,
    timeline::{Opening, Timeline},
    track::Track,
};
use crate::{
    cmaf::Init,
    live::{File, Library, MediaPath, Phase, Step},
};
use bytes::Bytes;
use futures::future::select_all;
use std::{future::poll_fn, sync::Arc, time::SystemTime};
use tokio::{sync::watch, task::spawn_blocking, time::timeout};

/// More segments in a row are not missing: the packager counts from elsewhere.
const MAX_MISSING: u64 = 16;

/// After a segment that calls itself the last one (brand `lmsg`), so many segments' time is left
/// for the MPD to say otherwise: a new Period, or a new start.
const LAST_PATIENCE: u32 = 2;

/// So often may an MPD be written while the next segment does not come: then it is looked for
/// under other names.
const MAX_UPDATES: u32 = 2;

pub(super) struct Feeder {
    pub(super) index: usize,
    pub(super) library: Arc<Library>,
    pub(super) files: Arc<dyn Files>,
    pub(super) eras: watch::Receiver<Arc<Era>>,
    pub(super) track: Arc<Track>,
    /// What playlists put before the packager's paths.
    pub(super) prefix: String,
    pub(super) init: Option<Known>,
    /// The packager's start that it follows.
    pub(super) era: u64,
    /// Counts inits and restarts.
    pub(super) generation: u64,
    /// When the last segment was written.
    pub(super) modified: Option<SystemTime>,
}

/// The init in use.
pub(super) struct Known {
    file: Arc<File>,
    bytes: Bytes,
    init: Arc<Init>,
}

/// A segment that was followed.
struct Place {
    value: u64,
    number: u64,
    /// Where it ended, in ticks of the template as names tell them.
    end: Option<u64>,
    /// It called itself the last one.
    is_last: bool,
}

enum Next {
    Segment(u64, Arc<File>),
    /// The packager was started anew.
    Anew,
    End,
}

/// Nobody wants it any more.
struct Gone;

impl Feeder {
    /// Runs until the presentation ends.
    pub(super) async fn run(mut self) {
        let mut at = None;
        while let Ok(next) = self.next(at.as_ref()).await {
            at = match next {
                Next::Segment(value, file) => {
                    let era = self.era_now();
                    match self.take_init(&era).await {
                        Ok(true) => self.follow(&era, at.as_ref(), value, file).await,
                        Ok(false) => None,
                        Err(Gone) => return,
                    }
                }
                Next::Anew => {
                    self.generation += 1;
                    None
                }
                Next::End => {
                    self.track.change(Timeline::end);
                    return;
                }
            };
        }
    }

    fn era_now(&mut self) -> Arc<Era> {
        self.eras.borrow_and_update().clone()
    }

    fn rendition<'a>(&self, era: &'a Era) -> &'a Rendition {
        &era.plan.renditions[self.index]
    }

    async fn next(&mut self, at: Option<&Place>) -> Result<Next, Gone> {
        let mut updates = 0;
        loop {
            let era = self.era_now();
            if era.number != self.era {
                self.era = era.number;
                return Ok(Next::Anew);
            }
            let rendition = self.rendition(&era);
            let mut values = match at {
                Some(place) => search::candidates(rendition, place.value, place.end),
                None => search::expected(rendition),
            };
            if at.is_none() || updates >= MAX_UPDATES {
                values.splice(0..0, self.search(rendition, at, era.plan.is_static).await);
            }
            let found = self.any_of(rendition, &values, era.plan.is_static);
            let found = match at.filter(|place| place.is_last) {
                Some(_) => match timeout(rendition.nominal() * LAST_PATIENCE, found).await {
                    Ok(found) => found?,
                    Err(_) => return Ok(Next::End),
                },
                None => found.await?,
            };
            match found {
                Some((value, file)) => return Ok(Next::Segment(value, file)),
                None if era.plan.is_static => return Ok(Next::End),
                None => updates += 1,
            }
        }
    }

    /// What the folder's names tell.
    async fn search(&self, rendition: &Rendition, at: Option<&Place>, is_all: bool) -> Option<u64> {
        let any = rendition.path(0)?;
        let folder = any.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        let listed = self.files.list(folder.to_owned()).await;
        match (at, self.modified) {
            (Some(place), Some(after)) => {
                search::newest(rendition, &listed, after).filter(|value| *value != place.value)
            }
            (Some(_), None) => None,
            (None, after) => search::first(rendition, &listed, after, is_all),
        }
    }

    /// The first of these segments that is there; waits for one, unless `is_static`. `None`: the
    /// MPD has changed, or there is none.
    async fn any_of(
        &mut self,
        rendition: &Rendition,
        values: &[u64],
        is_static: bool,
    ) -> Result<Option<(u64, Arc<File>)>, Gone> {
        let path = |value: u64| Some((value, self.files.stand_in(rendition.path(value)?)));
        let paths: Vec<(u64, MediaPath)> = values.iter().filter_map(|value| path(*value)).collect();
        let (nominal, after) = (rendition.nominal(), self.modified);
        let is_fresh = |file: &File| search::is_fresh(file, after, nominal);
        // Registered before the disk is looked at: no wake-up is lost.
        let waits = paths.iter().map(|(_, path)| self.library.attend(path.clone()));
        let mut waits: Vec<_> = waits.collect();
        loop {
            for (value, path) in &paths {
                let found = self.files.look(path.clone(), !is_static).await;
                if let Some(file) = found.filter(|file| is_fresh(file)) {
                    return Ok(Some((*value, file)));
                }
            }
            if is_static {
                return Ok(None);
            }
            self.track.change(Timeline::go_live);
            if waits.is_empty() {
                return self.eras.changed().await.map(|()| None).map_err(|_| Gone);
            }
            let any = select_all(waits.iter_mut().map(|wait| Box::pin(wait.until(is_fresh))));
            tokio::select! {
                (file, at, _) = any => if let Some(file) = file {
                    return Ok(Some((paths[at].0, file)));
                },
                changed = self.eras.changed() => {
                    return changed.map(|()| None).map_err(|_| Gone);
                }
            }
        }
    }

    /// Has the init of this era; false when the packager was started anew meanwhile. An init that
    /// was written again, and is another, counts as a new start.
    async fn take_init(&mut self, era: &Era) -> Result<bool, Gone> {
        let path = &self.rendition(era).init;
        let current = self.library.current(path);
        if let Some(known) = &self.init
            && current.as_ref().is_none_or(|file| Arc::ptr_eq(file, &known.file))
        {
            return Ok(true);
        }
        let mut refused: Option<Arc<File>> = None;
        loop {
            let mut wait = self.library.attend(path.clone());
            let accepts =
                |file: &File| !refused.iter().any(|old| std::ptr::eq(&raw const **old, file));
            let found = self.files.look(path.clone(), true).await.filter(|file| accepts(file));
            let file = match found {
                Some(file) => Some(file),
                None => tokio::select! {
                    file = wait.until(accepts) => file,
                    changed = self.eras.changed() => {
                        changed.map_err(|_| Gone)?;
                        if self.era_now().number != era.number {
                            return Ok(false);
                        }
                        None
                    }
                },
            };
            let Some(file) = file else { continue };
            let bytes = read_whole(&file).await;
            match Init::parse(&bytes) {
                Ok(init) if init.main_track().is_some() => {
                    let is_other = self.init.as_ref().is_some_and(|known| known.bytes != bytes);
                    self.generation += u64::from(is_other);
                    self.init = Some(Known { file, bytes, init: Arc::new(init) });
                    return Ok(true);
                }
                _ => {
                    log::warn!("{path} is no init that could be understood");
                    refused = Some(file);
                }
            }
        }
    }

    /// Follows a segment to its end.
    async fn follow(
        &mut self,
        era: &Era,
        at: Option<&Place>,
        value: u64,
        file: Arc<File>,
    ) -> Option<Place> {
        let rendition = self.rendition(era);
        let number = self.place(rendition, at, value);
        let opening = self.opening(rendition, value, number, Some(file.clone()))?;
        self.track.change(|timeline| timeline.begin(opening));
        let known = self.init.as_ref()?;
        let mut reading = Reading::new(&known.init);
        let (phase, there) = file.progress();
        let mut follower = file.follow(0..u64::MAX);
        let is_whole = loop {
            if phase == Phase::Growing && reading.bytes >= there {
                self.track.change(Timeline::go_live);
            }
            tokio::select! {
                step = poll_fn(|cx| follower.poll_next(cx)) => {
                    let bytes = match step {
                        Step::Bytes(bytes) => bytes,
                        Step::Stored(stored) => match spawn_blocking(move || stored.read()).await {
                            Ok(Ok(bytes)) => bytes,
                            _ => break false,
                        },
                        Step::End => break true,
                        Step::Cut => break false,
                    };
                    reading.take(&bytes, era, rendition, &self.track);
                }
                changed = self.eras.changed() => {
                    if changed.is_err() || self.eras.borrow().number != era.number {
                        break false;
                    }
                }
            }
        };
        if reading.reader.is_broken() {
            log::info!("{} is not made of chunks that could be understood", file.path());
        }
        self.track.change(|timeline| timeline.finish(reading.bytes, is_whole));
        self.modified = file.finished().map(|finished| finished.modified).or(self.modified);
        let is_last = is_whole && reading.reader.is_last();
        Some(Place { value, number, end: reading.end(rendition, value), is_last })
    }

    /// The number of the segment that comes next, after those that are missing have been told.
    fn place(&self, rendition: &Rendition, at: Option<&Place>, value: u64) -> u64 {
        let Some(at) = at else { return rendition.number(value) };
        let (missing, step) = match rendition.naming {
            Naming::Number(_) => (value.wrapping_sub(at.value).wrapping_sub(1), 1),
            Naming::Time => {
                let next = at.end.unwrap_or(at.value.saturating_add(rendition.ticks));
                let late = value.saturating_add(rendition.ticks / 2).saturating_sub(next);
                let is_back = value < at.value;
                (if is_back { u64::MAX } else { late / rendition.ticks }, rendition.ticks)
            }
        };
        if missing > MAX_MISSING {
            // Any number that is not the next one tells of a jump.
            return at.number.wrapping_add(MAX_MISSING);
        }
        for one in 1..=missing {
            let lost = at.value.saturating_add(one.saturating_mul(step));
            if let Some(opening) = self.opening(rendition, lost, at.number + one, None) {
                self.track.change(|timeline| timeline.miss(opening));
            }
        }
        at.number + missing + 1
    }

    fn opening(
        &self,
        rendition: &Rendition,
        value: u64,
        number: u64,
        file: Option<Arc<File>>,
    ) -> Option<Opening> {
        let url = |path: &MediaPath| format!("{}{}", self.prefix, encode(path.as_str()));
        let mut map = url(&rendition.init);
        if self.generation > 0 {
            // Under the same name there is another one now: players must not keep the old.
            map = format!("{map}?v={}", self.generation);
        }
        let uri = url(&rendition.path(value)?);
        Some(Opening { number, uri, map: map.into(), file, era: self.generation })
    }
}

/// Percent-encodes all but what may stand in a path as it is (RFC 3986, section 3.3).
fn encode(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: AsciiSet =
        NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(path, &KEPT).to_string()
}
