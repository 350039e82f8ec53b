//! The folder's paths: what is there is sent, what is not is waited for.

use super::{
    Site,
    failure::Failure,
    headers::{SERVER_TIMING, waited},
    quest::{Lookup, Quest},
    reload::{self, Reload},
    respond::{self, Request},
    wait::Wish,
};
use crate::{folder::Answer, live::MediaPath, metrics::Count};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::header::{self, HeaderName, HeaderValue},
};
use std::{sync::Arc, time::Duration};

/// A file that is written again and again is looked at so often.
const MAX_LOOKS: u32 = 8;

/// Answers a request for a path of the folder.
pub(super) async fn file(
    site: &Arc<Site>,
    http: &mut ServiceRequest,
    path: MediaPath,
) -> Result<HttpResponse, Failure> {
    let wish = Wish::parse(http.headers(), http.uri().query())?;
    if is_scratch(site, &path) {
        return Err(Failure::Absent);
    }
    let wait = site.patience.wait(&path, wish.asked());
    let request = Request::parse(http.request());
    let is_asked = wish.asked().is_some() && !wait.is_zero();
    let for_change = is_asked && path.is_manifest() && request.conditions.names_copies();
    let quest = Quest {
        site,
        path: &path,
        conditions: &request.conditions,
        for_change,
        is_patient: !wait.is_zero() && site.manifests.concern(&path),
    };
    let reload = Reload::parse(&path, http.uri().query());
    let mut lookup = quest.find(http, wait).await;
    if let Some(reload) = &reload {
        let asked = wish.asked().map(|_| wait);
        lookup = Box::pin(reload.wait(&quest, http, asked, lookup)).await;
    }
    let held = lookup.held;
    let has_reload = reload.is_some();
    let response = Box::pin(answer(&quest, http, (&request, has_reload), wait, lookup)).await;
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

/// The reply to any request. `has_reload`: it asked for what a playlist did not list yet.
async fn answer(
    quest: &Quest<'_>,
    http: &mut ServiceRequest,
    (request, has_reload): (&Request, bool),
    wait: Duration,
    mut lookup: Lookup,
) -> Result<HttpResponse, Failure> {
    let Quest { site, path, .. } = quest;
    let mut looks = 1;
    loop {
        let response = match lookup.answer {
            Ok(Answer::Live(file)) => {
                let view = site.manifests.view(&file);
                let response = respond::live(site, request, view.file).await;
                let live = view.live.filter(|_| has_reload);
                response.map(|response| reload::cached(response, live))
            }
            Ok(Answer::Stored(stored)) => respond::stored(site, request, http, path, stored),
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
            return response;
        }
        looks += 1;
        lookup = quest.find(http, Duration::ZERO).await;
    }
}

/// What nginx-rtmp prepares under another name: a scratch name while the real one is written.
pub(super) fn is_scratch(site: &Site, path: &MediaPath) -> bool {
    let cooked = path.cooked().and_then(|cooked| site.library.current(&cooked));
    cooked.is_some_and(|cooked| !cooked.is_finished())
}

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

fn insert(response: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
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
