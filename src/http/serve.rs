//! The folder's paths: what is there is sent, what is not is waited for.

use super::{
    Site,
    access_log::Shown,
    conditional::{Conditions, Outcome},
    failure::Failure,
    gzip,
    headers::{SERVER_TIMING, waited},
    held::{Begun, Held, HeldReply},
    holds::Hold,
    plain::{PlainGet, Reply, Started},
    reload::{self, Reload},
    respond::{self, Request},
    wait::Wish,
};
use crate::{
    folder::Answer,
    live::{File, MediaPath},
    metrics::Count,
};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::header::{self, HeaderName, HeaderValue},
};
use std::{
    ptr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{timeout, timeout_at};

/// A file that is written again and again is looked at so often.
const MAX_LOOKS: u32 = 8;

/// The disk must answer within this time, or within that for which the client waits.
pub(super) const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// What a look-up came to, and how long it was held.
pub(super) struct Lookup {
    pub(super) answer: Result<Answer, Failure>,
    pub(super) held: Option<Duration>,
    /// The reply that was begun meanwhile, whatever the answer is.
    begun: Option<Begun>,
}

impl Lookup {
    pub(super) const fn new(answer: Result<Answer, Failure>, held: Option<Duration>) -> Self {
        Self { answer, held, begun: None }
    }
}

/// Whether the reply may be begun by another thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It goes out as it is.
    Final,
    /// Something is added to it, or it is looked at, before it goes.
    Draft,
}

/// What a request waits for.
pub(super) struct Quest<'a> {
    pub(super) site: &'a Arc<Site>,
    pub(super) path: &'a MediaPath,
    conditions: &'a Conditions,
    /// The client has a copy of a manifest, and waits for another one.
    for_change: bool,
    /// A manifest that lacks what its first chunk would tell is waited for.
    is_patient: bool,
    /// Nothing but the file decides on the reply.
    plain: Option<PlainGet>,
}

/// Answers a request for a path of the folder.
pub(super) async fn file(
    site: &Arc<Site>,
    http: &mut ServiceRequest,
    path: MediaPath,
) -> Result<HttpResponse, Failure> {
    reply(site, http, path, Form::Final).await
}

/// The same, when something is added to the response afterwards.
pub(super) async fn draft(
    site: &Arc<Site>,
    http: &mut ServiceRequest,
    path: MediaPath,
) -> Result<HttpResponse, Failure> {
    reply(site, http, path, Form::Draft).await
}

async fn reply(
    site: &Arc<Site>,
    http: &mut ServiceRequest,
    path: MediaPath,
    form: Form,
) -> Result<HttpResponse, Failure> {
    let wish = Wish::parse(http.headers(), http.uri().query())?;
    if is_scratch(site, &path) {
        return Err(Failure::Absent);
    }
    let wait = site.patience.wait(&path, wish.asked());
    let request = Request::parse(http.request());
    let is_asked = wish.asked().is_some() && !wait.is_zero();
    let for_change = is_asked && path.is_manifest() && request.conditions.names_copies();
    let is_final = form == Form::Final && !matches!(wish, Wish::Prefer(_));
    let quest = Quest {
        site,
        path: &path,
        conditions: &request.conditions,
        for_change,
        is_patient: !wait.is_zero() && site.manifests.concern(&path),
        plain: is_final.then(|| PlainGet::of(http, &request, &path)).flatten(),
    };
    let reload = Reload::parse(&path, http.uri().query());
    let mut lookup = quest.find(http, wait).await;
    if let Some(reload) = &reload {
        lookup = reload.wait(&quest, http, wish.asked().map(|_| wait), lookup).await;
    }
    if let Some(begun) = lookup.begun {
        site.metrics.held(begun.held());
        return Ok(begun.into_response());
    }
    if let (Some(plain), Ok(Answer::Live(file))) = (&quest.plain, &lookup.answer)
        && let Some(Reply { batch, rest }) = plain.whole(site, file, lookup.held)
    {
        lookup.held.iter().for_each(|held| site.metrics.held(*held));
        let started = Started { left: batch, sent: None };
        return Ok(rest.into_response(started, lookup.held));
    }
    let mut looks = 1;
    let response = loop {
        let response = match lookup.answer {
            Ok(Answer::Live(file)) => {
                let view = site.manifests.view(&file);
                let response = respond::live(site, &request, view.file).await;
                let live = view.live.filter(|_| reload.is_some());
                response.map(|response| reload::cached(response, live))
            }
            Ok(Answer::Stored(stored)) => respond::stored(site, &request, http, &path, stored),
            Ok(Answer::Folder) => Ok(to_folder(http)),
            Ok(Answer::Denied) => Err(Failure::Denied),
            Ok(Answer::Absent) if wait.is_zero() => Err(Failure::Absent),
            Ok(Answer::Absent) => {
                site.metrics.add(Count::TimedOut, 1);
                Err(Failure::TimedOut(wait))
            }
            Err(failure) => Err(failure),
        };
        if looks == MAX_LOOKS || !matches!(response, Err(Failure::Changed)) {
            break response;
        }
        looks += 1;
        let held = lookup.held;
        lookup = quest.find(http, Duration::ZERO).await;
        lookup.held = held;
    };
    let held = lookup.held;
    let mut response = response.unwrap_or_else(|failure| failure.response());
    if let Wish::Prefer(_) = wish {
        insert(&mut response, PREFERENCE_APPLIED, &format!("wait={}", wait.as_secs()));
    }
    if let Some(held) = held {
        site.metrics.held(held);
        response.headers_mut().insert(SERVER_TIMING, waited(held));
    }
    Ok(response)
}

/// What nginx-rtmp prepares under another name: a scratch name while the real one is written.
fn is_scratch(site: &Site, path: &MediaPath) -> bool {
    let cooked = path.cooked().and_then(|cooked| site.library.current(&cooked));
    cooked.is_some_and(|cooked| !cooked.is_finished())
}

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

fn insert(response: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Gives back a third of what a held request costs. Nothing but `Origin` is asked for later: the
/// wish, conditions and ranges have been read.
pub(super) fn forget_headers(http: &mut ServiceRequest) {
    let headers = std::mem::take(http.headers_mut());
    if let Some(origin) = headers.get(header::ORIGIN) {
        http.headers_mut().insert(header::ORIGIN, origin.clone());
    }
}

/// A folder's own address ends with a slash (308: the method stays).
fn to_folder(http: &ServiceRequest) -> HttpResponse {
    let query = http.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // Repeated slashes at its start would name another host.
    let path = http.uri().path().trim_start_matches('/');
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, format!("/{path}/{query}")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
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
            self.site.folder.look(init, false).await;
        }
    }

    fn is_known(&self, file: &File) -> bool {
        let Some(finished) = file.finished() else { return false };
        let judge = |tag| self.conditions.judge(Some(tag), Some(finished.modified));
        [judge(&finished.tag), judge(&gzip::tag(&finished.tag))].contains(&Outcome::NotModified)
    }

    async fn find(&self, http: &mut ServiceRequest, wait: Duration) -> Lookup {
        let since = Instant::now();
        let current = self.site.library.current(self.path);
        if let Some(file) = &current {
            self.prepare(file).await;
        }
        if let Some(file) = current.filter(|file| self.accepts(file)) {
            return Lookup::new(Ok(Answer::Live(file)), None);
        }
        // Registered before the disk is looked at: no wake-up is lost.
        let address = http.peer_addr().map(|address| address.ip());
        let mut hold = if wait.is_zero() {
            None
        } else {
            self.site.holds.enter(&self.site.library, self.path, address)
        };
        let mut shutdown = self.site.shutdown.clone();
        let is_held = hold.is_some();
        let is_known = hold.as_ref().is_some_and(|hold| {
            hold.wait.is_known_absent() || self.site.folder.is_absent(&hold.wait)
        });
        let look = timeout_at((since + wait.max(LOOK_TIMEOUT)).into(), self.look(is_held));
        let answer = tokio::select! {
            answer = look, if !is_known => answer.map_err(|_| Failure::Busy),
            () = shutdown.stopped() => Err(Failure::Stopping),
            () = std::future::ready(()), if is_known => Ok(Answer::Absent),
        };
        if wait.is_zero() || !matches!(&answer, Ok(answer) if !self.is_answer(answer)) {
            return Lookup::new(answer, None);
        }
        let Some(hold) = &mut hold else {
            let is_there = matches!(answer, Ok(Answer::Live(_))) && !self.for_change;
            let answer = if is_there { answer } else { Err(Failure::TooManyHeld) };
            return Lookup::new(answer, None);
        };
        let refused = match answer {
            Ok(Answer::Live(file)) => Some(file),
            _ => None,
        };
        log::debug!("{} is held", Shown(http.uri()));
        let plain = self.plain.clone();
        let reply = plain.and_then(|plain| HeldReply::new(self.site, http, plain, since));
        forget_headers(http);
        let held = async {
            tokio::select! {
                answer = self.held(hold, refused, reply.as_ref()) => Ok(answer),
                () = shutdown.stopped() => Err(Failure::Stopping),
            }
        };
        let answer = match timeout_at((since + wait).into(), held).await {
            Ok(answer) => answer,
            // A manifest that has not changed is answered with a 304, one that lacks something as
            // it is.
            Err(_) if self.for_change || self.is_patient => Ok(self.unchanged()),
            Err(_) => Ok(Answer::Absent),
        };
        Lookup { answer, held: Some(since.elapsed()), begun: reply.and_then(Held::decide) }
    }

    /// What the client waited to change.
    fn unchanged(&self) -> Answer {
        self.site.library.current(self.path).map_or(Answer::Absent, Answer::Live)
    }

    pub(super) async fn look(&self, is_held: bool) -> Answer {
        let answer = self.site.folder.look(self.path.clone(), is_held).await;
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
    async fn held(
        &self,
        hold: &mut Hold,
        mut refused: Option<Arc<File>>,
        reply: Option<&Held>,
    ) -> Answer {
        let recipient = reply.map(Held::recipient);
        loop {
            let is_refused =
                |file: &File| refused.iter().any(|old| ptr::eq(&raw const **old, file));
            let patience = self.patience(refused.as_ref());
            let news = hold.wait.given(recipient.as_ref(), |file| !is_refused(file));
            let news = timeout(patience, news).await;
            if reply.is_some_and(Held::is_begun) {
                // Nothing is asked any more.
                return Answer::Absent;
            }
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
