//! Blocking reload of playlists that a packager wrote itself (draft-pantos-hls-rfc8216bis, section
//! 6.2.5.2): the request is held until the file lists what is asked for. Directives count where
//! the playlist, as it is shown, says CAN-BLOCK-RELOAD=YES, and nowhere else.

use super::{
    access_log::Shown,
    failure::Failure,
    headers::max_age,
    holds::Hold,
    quest::{Lookup, Quest, forget_headers},
};
use crate::{
    folder::Answer,
    live::{File, Manifest, MediaPath, Role},
    m3u8::{Decision, Directives, Live, Malformed},
};
use actix_web::{HttpResponse, dev::ServiceRequest, http::header};
use std::{
    ptr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;

/// What a request asks of a playlist.
pub(super) struct Reload {
    asked: Result<Directives, Malformed>,
}

impl Reload {
    /// `None` if it asks nothing, or the path is no playlist's.
    pub(super) fn parse(path: &MediaPath, query: Option<&str>) -> Option<Self> {
        let query = query.filter(|_| path.role() == Role::Manifest(Manifest::M3u8))?;
        let asked = Directives::parse(query);
        let asks_nothing = asked.is_ok_and(|asked| !asked.is_blocking());
        (!asks_nothing).then_some(Self { asked })
    }

    fn decide(&self, live: Option<&Live>) -> Decision {
        match (live, &self.asked) {
            (None, _) => Decision::Serve,
            (Some(_), Err(malformed)) => Decision::Refuse(*malformed),
            (Some(live), Ok(asked)) => asked.decide(&live.edge),
        }
    }

    /// What was found, when it has what is asked for. `asked`: the client waits no longer.
    pub(super) async fn wait(
        &self,
        quest: &Quest<'_>,
        http: &mut ServiceRequest,
        asked: Option<Duration>,
        found: Lookup,
    ) -> Lookup {
        let Lookup { answer: Ok(Answer::Live(file)), held, .. } = found else { return found };
        let site = quest.site;
        let live = site.manifests.view(&file).live;
        let target = match (self.decide(live.as_ref()), live) {
            (Decision::Refuse(malformed), _) => {
                return Lookup::new(Err(Failure::malformed(malformed.0)), held);
            }
            (Decision::Wait, Some(live)) => live.target,
            _ => return Lookup::new(Ok(Answer::Live(file)), held),
        };
        let address = http.peer_addr().map(|address| address.ip());
        let Some(hold) = site.holds.enter(&site.library, quest.path, address) else {
            return Lookup::new(Err(Failure::TooManyHeld), held);
        };
        log::debug!("{} is held", Shown(http.uri()));
        forget_headers(http);
        let since = Instant::now();
        // Longer than three target durations is no waiting for the next segment any more.
        let patience = asked.map_or(target * 3, |asked| asked.min(target * 3));
        let mut shutdown = site.shutdown.clone();
        let answer = tokio::select! {
            answer = timeout_at((since + patience).into(), self.held(quest, hold, file)) => {
                answer.unwrap_or(Err(Failure::Blocked))
            }
            () = shutdown.stopped() => Err(Failure::Stopping),
        };
        Lookup::new(answer, Some(held.unwrap_or_default() + since.elapsed()))
    }

    /// Waits for one generation of the playlist after the other.
    async fn held(
        &self,
        quest: &Quest<'_>,
        mut hold: Hold,
        mut refused: Arc<File>,
    ) -> Result<Answer, Failure> {
        loop {
            let news = hold.wait.until(|file| !ptr::eq(&raw const *refused, file)).await;
            let file = match news {
                Some(file) => file,
                None => match quest.look(true).await {
                    Answer::Live(file) => file,
                    // Gone, or about to be written again.
                    Answer::Absent => continue,
                    other => return Ok(other),
                },
            };
            match self.decide(quest.site.manifests.view(&file).live.as_ref()) {
                Decision::Serve => return Ok(Answer::Live(file)),
                Decision::Refuse(malformed) => return Err(Failure::malformed(malformed.0)),
                Decision::Wait => refused = file,
            }
        }
    }
}

/// The answer to a blocking reload says the same for ever, so that it may be kept for long.
pub(super) fn cached(mut response: HttpResponse, live: Option<Live>) -> HttpResponse {
    if let Some(live) = live {
        response.headers_mut().insert(header::CACHE_CONTROL, max_age(live.target * 6));
    }
    response
}
