//! From a request's target to what answers it.

use super::{
    Site,
    access_log::{Intake, Line},
    cors,
    failure::Failure,
    hls, ingest,
    lease::Came,
    pages, player, quality,
    receipt::Receipt,
    sending::Sending,
    serve, status, switching,
    viewing::{Asker, Viewing},
    wire::Outlet,
};
use crate::{
    encoder::Watching,
    live::{MediaPath, PathError, Target},
    metrics::{Count, Metrics},
};
use actix_web::{
    Error, HttpResponse,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
};
use std::{sync::Arc, time::Instant};

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    /// A file of the folder.
    File(MediaPath),
    /// `/`: the folder's own index, else the list of streams.
    Root,
    /// The list of streams.
    Front,
    /// The server's time.
    Time,
    /// How it is doing, as JSON.
    Status,
    /// The same as Prometheus text.
    Metrics,
    /// Whether it lives.
    Health,
    /// The player's page, for the manifest under this path, if it names one.
    Play(Option<MediaPath>),
    /// LL-HLS from an MPD.
    Hls(hls::Target),
    /// The quality that a stream's viewers are given.
    Quality(String),
    /// One of our own files.
    Asset(String),
    /// Nothing that there is.
    Nothing,
}

impl Route {
    /// The prefix `/ldash/` is ours, whatever the folder holds.
    fn of(encoded: &str) -> Result<Self, Failure> {
        if let Some(ours) = encoded.strip_prefix("/ldash/") {
            return match ours.split_once('/') {
                None => Ok(match ours {
                    "" => Self::Front,
                    "time" => Self::Time,
                    "status" => Self::Status,
                    "metrics" => Self::Metrics,
                    "health" => Self::Health,
                    "play" => Self::Play(None),
                    _ => Self::Nothing,
                }),
                // The same as without, under the names that older tools use: the clock too, which
                // manifests name relative to themselves.
                Some(("download" | "upload", "ldash/time")) => Ok(Self::Time),
                Some(("download" | "upload", path)) => Self::of_folder(&format!("/{path}")),
                Some(("play", path)) => Self::of_player(path),
                Some(("hls", path)) => match hls::Target::parse(path)? {
                    Some(target) => Ok(Self::Hls(target)),
                    None => Ok(Self::Nothing),
                },
                Some(("streams", _)) => {
                    Ok(quality::stream_of(encoded).map_or(Self::Nothing, Self::Quality))
                }
                Some(("assets", name)) => Ok(Self::Asset(name.to_owned())),
                Some(_) => Ok(Self::Nothing),
            };
        }
        Self::of_folder(encoded)
    }

    /// The page takes what it plays from its address, which must be one that could be played.
    fn of_player(path: &str) -> Result<Self, Failure> {
        match Target::from_url(&format!("/{path}")) {
            Ok(Target::File(path)) => Ok(Self::Play(Some(path))),
            Ok(Target::Folder(None)) => Ok(Self::Play(None)),
            Ok(Target::Folder(Some(_))) | Err(PathError::Hidden) => Ok(Self::Nothing),
            Err(PathError::Malformed(reason)) => Err(Failure::malformed(reason)),
        }
    }

    fn of_folder(encoded: &str) -> Result<Self, Failure> {
        match Target::from_url(encoded) {
            Ok(Target::File(path)) if path.as_str() == "ldash" => Ok(Self::Front),
            Ok(Target::File(path)) => Ok(Self::File(path)),
            Ok(Target::Folder(Some(folder))) => Ok(Self::File(folder.join("index.html"))),
            Ok(Target::Folder(None)) => Ok(Self::Root),
            Err(PathError::Malformed(reason)) => Err(Failure::malformed(reason)),
            Err(PathError::Hidden) => Ok(Self::Nothing),
        }
    }
}

/// Answers a request, adds what every response has, and has it counted and logged.
pub async fn entry(site: Arc<Site>, mut request: ServiceRequest) -> Result<ServiceResponse, Error> {
    let came = request.request().conn_data().and_then(Outlet::came);
    let since = came.map_or_else(Instant::now, |Came { since, .. }| since);
    let mut line = Line::new(request.peer_addr(), request.method(), request.uri(), since);
    let intake = (!is_read(request.method())).then(|| Intake::new(since));
    if let (Some(line), Some(intake)) = (&mut line, &intake) {
        line.takes(intake.clone());
    }
    let unanswered = Unanswered(&site.metrics);
    let (mut watching, mut viewing) = (None, None);
    let answer = match intake {
        Some(intake) => Ok(Box::pin(ingest::answer(&site, &mut request, intake)).await),
        None => answer(&site, &mut request, since, &mut watching, &mut viewing).await,
    };
    let mut response = answer.unwrap_or_else(|failure| failure.response());
    std::mem::forget(unanswered);
    site.metrics.request(request.method().as_str(), response.status().as_u16());
    site.origins.allow(request.headers().get(header::ORIGIN), response.headers_mut());
    line.iter_mut().for_each(|line| line.answered(&response));
    let viewing = viewing.and_then(|viewing: Box<Viewing>| viewing.answered(&site, &response));
    let receipt = Receipt { site, since, line, viewing, _watching: watching };
    let response = Sending::wrap(&request, response, receipt);
    Ok(request.into_response(response))
}

/// The methods that bring nothing.
pub(super) fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// The file that a path asks for, if that is a part of the media.
pub(super) fn media(encoded: &str) -> Option<MediaPath> {
    match Route::of(encoded) {
        Ok(Route::File(path)) if !path.is_manifest() => Some(path),
        _ => None,
    }
}

/// A request that is dropped before it is answered was left by its client.
pub(super) struct Unanswered<'a>(pub(super) &'a Metrics);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.add(Count::Left, 1);
    }
}

/// Answers a request that reads. `watching`: what it asks for is encoded for it until its reply is
/// over. `viewing`: who watches how is told of it then.
async fn answer(
    site: &Arc<Site>,
    request: &mut ServiceRequest,
    since: Instant,
    watching: &mut Option<Watching>,
    viewing: &mut Option<Box<Viewing>>,
) -> Result<HttpResponse, Failure> {
    if request.method() == Method::OPTIONS {
        return Ok(cors::options(request.headers(), ingest::methods(site, request)));
    }
    match Route::of(request.uri().path())? {
        Route::File(path) => {
            *watching = site.demand.watch(path.as_str());
            *viewing = Viewing::of_file(site, &Asker::of(request), &path, since);
            switching::file(site, request, path).await
        }
        Route::Root => Box::pin(root(site, request)).await,
        Route::Hls(target) => {
            *watching = site.demand.watch(target.mpd().as_str());
            *viewing = Viewing::of_part(site, &Asker::of(request), &target, since);
            Box::pin(hls::answer(site, request, &target)).await
        }
        Route::Front => Ok(Box::pin(pages::front(site, request.uri().path())).await),
        Route::Play(path) => Ok(player::page(site, request.uri().path(), path.as_ref())),
        Route::Time => Ok(time(site)),
        Route::Status => Ok(Box::pin(status::json(site)).await),
        Route::Metrics => Ok(status::metrics(site)),
        Route::Health => health(site.folder.is_alive()),
        Route::Quality(key) => quality::tell(site, &key),
        Route::Asset(name) => {
            Box::pin(pages::asset(&name, request.headers())).await.ok_or(Failure::Absent)
        }
        Route::Nothing => Err(Failure::Absent),
    }
}

/// Alive while the folder is watched.
fn health(is_watched: bool) -> Result<HttpResponse, Failure> {
    if !is_watched {
        return Err(Failure::Unwatched);
    }
    Ok(uncached("text/plain; charset=utf-8").body("ok\n"))
}

async fn root(site: &Arc<Site>, request: &mut ServiceRequest) -> Result<HttpResponse, Failure> {
    let index = MediaPath::at_root("index.html");
    let response = serve::file(site, request, index).await?;
    let is_absent = response.status() == actix_web::http::StatusCode::NOT_FOUND;
    Ok(if is_absent { pages::front(site, request.uri().path()).await } else { response })
}

/// The time as xs:dateTime with milliseconds, for UTCTiming's `http-xsdate` and, by its `Date`,
/// `http-head` (ISO/IEC 23009-1, section 5.8.4.11); both late by the displacement.
fn time(site: &Site) -> HttpResponse {
    let now = site.now();
    let mut response = uncached("text/plain; charset=utf-8");
    response.insert_header((header::DATE, httpdate::fmt_http_date(now)));
    response.body(humantime::format_rfc3339_millis(now).to_string())
}

/// A response that nobody keeps.
pub(super) fn uncached(content_type: &'static str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, content_type));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_health_is_that_of_the_watch() {
        assert_eq!(health(true).map(|response| response.status().as_u16()), Ok(200));
        let failed = health(false).expect_err("it is not watched").response();
        assert_eq!(failed.status().as_u16(), 503);
    }

    #[test]
    fn urls_every_route() {
        let file = |name| Ok(Route::File(MediaPath::at_root(name)));
        assert_eq!(Route::of("/x.mpd"), file("x.mpd"));
        assert_eq!(Route::of("/ldash/download/x.mpd"), file("x.mpd"));
        assert_eq!(Route::of("/"), Ok(Route::Root));
        assert_eq!(Route::of("/ldash/"), Ok(Route::Front));
        assert_eq!(Route::of("/ldash"), Ok(Route::Front));
        assert_eq!(Route::of("/ldash/time"), Ok(Route::Time));
        assert_eq!(Route::of("/ldash/download/ldash/time"), Ok(Route::Time));
        assert_eq!(Route::of("/ldash/health"), Ok(Route::Health));
        assert_eq!(Route::of("/ldash/status"), Ok(Route::Status));
        assert_eq!(Route::of("/ldash/metrics"), Ok(Route::Metrics));
        let named = |name| Some(MediaPath::at_root(name));
        for (play, path) in [
            ("/ldash/play", None),
            ("/ldash/play/", None),
            ("/ldash/play/a/x.mpd", named("a/x.mpd")),
            ("/ldash/play/a%20b", named("a b")),
        ] {
            assert_eq!(Route::of(play), Ok(Route::Play(path)), "{play}");
        }
        assert_eq!(Route::of("/ldash/play/a/"), Ok(Route::Nothing));
        assert_eq!(Route::of("/ldash/play/.git/x"), Ok(Route::Nothing));
        assert!(Route::of("/ldash/play/a%2Fb").is_err());
        assert!(Route::of("/ldash/play/../x").is_err());
        assert_eq!(Route::of("/ldash/assets/dash.js"), Ok(Route::Asset("dash.js".into())));
        let quality = Ok(Route::Quality("cam".to_owned()));
        assert_eq!(Route::of("/ldash/streams/cam/quality"), quality);
        assert_eq!(Route::of("/ldash/streams/cam"), Ok(Route::Nothing));
        assert_eq!(Route::of("/ldash/none"), Ok(Route::Nothing));
        assert_eq!(Route::of("/ldash/none/x"), Ok(Route::Nothing));
        assert_eq!(Route::of("/.git/x"), Ok(Route::Nothing));
        assert_eq!(
            Route::of("/dir/"),
            Ok(Route::File(MediaPath::at_root("dir").join("index.html")))
        );
        assert!(Route::of("/ldash/download/../x").is_err());
        assert!(Route::of("/a%2Fb").is_err());
    }
}
