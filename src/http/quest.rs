//! What a request waits for: looked up, registered, looked at on disk, and waited for.

use super::{
    Site,
    access_log::Shown,
    conditional::{Conditions, Outcome},
    failure::Failure,
    gzip,
    holds::Hold,
    lease::Came,
    wire::Outlet,
};
use crate::{
    folder::Answer,
    live::{File, MediaPath},
};
use actix_web::{dev::ServiceRequest, http::header};
use std::{
    ptr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{timeout, timeout_at};

/// The disk must answer within this time, or within that for which the client waits.
pub(super) const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// What a look-up came to, and how long it was held.
pub(super) struct Lookup {
    pub(super) answer: Result<Answer, Failure>,
    pub(super) held: Option<Duration>,
}

impl Lookup {
    pub(super) const fn new(answer: Result<Answer, Failure>, held: Option<Duration>) -> Self {
        Self { answer, held }
    }
}

/// What a request waits for.
pub(super) struct Quest<'a> {
    pub(super) site: &'a Arc<Site>,
    pub(super) path: &'a MediaPath,
    pub(super) conditions: &'a Conditions,
    /// The client has a copy of a manifest, and waits for another one.
    pub(super) for_change: bool,
    /// A manifest that lacks what its first chunk would tell is waited for.
    pub(super) is_patient: bool,
}

/// Gives back a third of what a held request costs. Nothing but `Origin` is asked for later: the
/// wish, conditions and ranges have been read.
pub(super) fn forget_headers(http: &mut ServiceRequest) {
    let headers = std::mem::take(http.headers_mut());
    if let Some(origin) = headers.get(header::ORIGIN) {
        http.headers_mut().insert(header::ORIGIN, origin.clone());
    }
}

fn came(http: &ServiceRequest, now: Instant) -> Came {
    let came = http.request().conn_data().and_then(Outlet::came);
    came.unwrap_or(Came { since: now, was_held: false })
}

impl Quest<'_> {
    /// Whether this file is what the client waits for. Not to be asked while the library is
    /// locked.
    fn accepts(&self, file: &Arc<File>) -> bool {
        if !self.for_change && !self.is_patient {
            return true;
        }
        let view = self.site.manifests.view(file);
        let is_ready = view.patience.is_zero() || !self.is_patient;
        is_ready && !(self.for_change && self.is_known(&view.file))
    }

    /// How long it may take until a file is accepted that was not, without anything new.
    fn patience(&self, refused: Option<&Arc<File>>) -> Duration {
        let patience = |file| self.site.manifests.view(file).patience;
        let patience = refused.filter(|_| self.is_patient).map(patience);
        patience.filter(|patience| !patience.is_zero()).unwrap_or(self.site.patience.max_wait)
    }

    /// Has what is needed to show a manifest read from disk.
    async fn prepare(&self, file: &Arc<File>) {
        for init in self.site.manifests.unread_inits(file) {
            Box::pin(self.site.folder.look(init, false)).await;
        }
    }

    fn is_known(&self, file: &File) -> bool {
        let Some(finished) = file.finished() else { return false };
        let judge = |tag| self.conditions.judge(Some(tag), Some(finished.modified));
        [judge(&finished.tag), judge(&gzip::tag(&finished.tag))].contains(&Outcome::NotModified)
    }

    /// The answer now, or when it is there.
    pub(super) async fn find(&self, http: &mut ServiceRequest, wait: Duration) -> Lookup {
        let now = Instant::now();
        let Came { since, was_held } = came(http, now);
        let held = || was_held.then(|| since.elapsed());
        let current = self.site.library.current(self.path);
        if let Some(file) = &current {
            self.prepare(file).await;
        }
        if let Some(file) = current.filter(|file| self.accepts(file)) {
            return Lookup::new(Ok(Answer::Live(file)), held());
        }
        if was_held && since + wait <= now {
            // It has waited in vain.
            return Lookup::new(Ok(Answer::Absent), held());
        }
        // Registered before the disk is looked at: no wake-up is lost.
        let address = http.peer_addr().map(|address| address.ip());
        let enter = || self.site.holds.enter(&self.site.library, self.path, address);
        let mut hold = (!wait.is_zero()).then(enter).flatten();
        let mut shutdown = self.site.shutdown.clone();
        let is_held = hold.is_some();
        let may_be_stored = self.site.folder.may_be_stored(self.path);
        let is_known = hold.as_ref().filter(|_| !may_be_stored).is_some_and(|hold| {
            hold.wait.is_known_absent() || self.site.folder.is_absent(&hold.wait)
        });
        let deadline = (since + wait).max(now + LOOK_TIMEOUT);
        let answer = tokio::select! {
            answer = timeout_at(deadline.into(), self.look(is_held)), if !is_known => {
                answer.map_err(|_| Failure::Busy)
            }
            () = shutdown.stopped() => Err(Failure::Stopping),
            () = std::future::ready(()), if is_known => Ok(Answer::Absent),
        };
        if wait.is_zero() || !matches!(&answer, Ok(answer) if !self.is_answer(answer)) {
            return Lookup::new(answer, held());
        }
        let Some(hold) = &mut hold else {
            let is_there = matches!(answer, Ok(Answer::Live(_))) && !self.for_change;
            let answer = if is_there { answer } else { Err(Failure::TooManyHeld) };
            return Lookup::new(answer, held());
        };
        let refused = match answer {
            Ok(Answer::Live(file)) => Some(file),
            _ => None,
        };
        if !was_held {
            log::debug!("{} is held", Shown(http.uri()));
        }
        forget_headers(http);
        let deadline = (since + wait).into();
        let answer = tokio::select! {
            answer = timeout_at(deadline, self.held(hold, refused)) => match answer {
                Ok(answer) => Ok(answer),
                // A manifest that has not changed is answered with a 304, one that lacks something
                // as it is.
                Err(_) if self.for_change || self.is_patient => Ok(self.unchanged()),
                Err(_) => Ok(Answer::Absent),
            },
            () = shutdown.stopped() => Err(Failure::Stopping),
        };
        Lookup::new(answer, Some(since.elapsed()))
    }

    /// What the client waited to change.
    fn unchanged(&self) -> Answer {
        self.site.library.current(self.path).map_or(Answer::Absent, Answer::Live)
    }

    pub(super) async fn look(&self, is_held: bool) -> Answer {
        // Kept apart: whoever waits does not look.
        let answer = Box::pin(self.site.folder.look(self.path.clone(), is_held)).await;
        if let Answer::Live(file) = &answer {
            self.prepare(file).await;
        }
        answer
    }

    fn is_answer(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Live(file) => self.accepts(file),
            Answer::Absent => false,
            Answer::Stored(_) | Answer::Folder | Answer::Denied => true,
        }
    }

    /// Waits for what is not there, or is not as it was `refused`.
    async fn held(&self, hold: &mut Hold, mut refused: Option<Arc<File>>) -> Answer {
        loop {
            let is_refused =
                |file: &File| refused.iter().any(|old| ptr::eq(&raw const **old, file));
            let patience = self.patience(refused.as_ref());
            let news = timeout(patience, hold.wait.until(|file| !is_refused(file))).await;
            let answer = match news {
                Ok(Some(file)) => {
                    self.prepare(&file).await;
                    Answer::Live(file)
                }
                Ok(None) | Err(_) => self.look(true).await,
            };
            match answer {
                Answer::Live(file) if !self.accepts(&file) => refused = Some(file),
                Answer::Absent => refused = None,
                answer => return answer,
            }
        }
    }
}
