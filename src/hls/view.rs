//! What one request sees of a rendition.

use super::{
    asked::Asked,
    playlist::{self, Frame, Report},
    presentation::Presentation,
    track::{Bytes, Track},
};
use crate::{
    live::File,
    m3u8::{Decision, Directives, Malformed},
};
use std::{
    ops::Range,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;

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

/// A rendition as one request sees it.
#[derive(Debug)]
pub struct View {
    presentation: Arc<Presentation>,
    index: usize,
    changes: watch::Receiver<u64>,
}

impl View {
    pub(super) fn new(presentation: Arc<Presentation>, index: usize) -> Self {
        let changes = presentation.tracks[index].version.subscribe();
        Self { presentation, index, changes }
    }

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
        let decision = self.track().timeline().decide(directives);
        match decision {
            Decision::Serve => Ok(Media::Text(self.render(directives.skips()))),
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
