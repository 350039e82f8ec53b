//! From a request's target to what answers it.

use super::{
    Site, access_log::Line, cors, failure::Failure, front, gzip, ingest, sending::Sending, serve,
};
use crate::{
    clock,
    live::{MediaPath, PathError, Target},
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
    /// Whether it lives.
    Health,
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
                    "health" => Self::Health,
                    _ => Self::Nothing,
                }),
                // The same as the folder's paths, under the names that older tools use.
                Some(("download" | "upload", path)) => Self::of_folder(&format!("/{path}")),
                Some(("play", _)) => Ok(Self::Asset("play.html".to_owned())),
                Some(("assets", name)) => Ok(Self::Asset(name.to_owned())),
                Some(_) => Ok(Self::Nothing),
            };
        }
        Self::of_folder(encoded)
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

/// Answers a request, adds what every response has, and has it logged.
pub async fn entry(site: Arc<Site>, mut request: ServiceRequest) -> Result<ServiceResponse, Error> {
    let mut line = Line::new(&request, Instant::now());
    let mut response =
        answer(&site, &mut request).await.unwrap_or_else(|failure| failure.response());
    site.origins.allow(request.headers(), response.headers_mut());
    line.iter_mut().for_each(|line| line.answered(&response));
    let response = Sending::wrap(&request, response, line);
    Ok(request.into_response(response))
}

async fn answer(site: &Site, request: &mut ServiceRequest) -> Result<HttpResponse, Failure> {
    let method = request.method();
    if method == Method::OPTIONS {
        return Ok(cors::options(request.headers(), ingest::methods(site, request)));
    }
    if method != Method::GET && method != Method::HEAD {
        return Ok(ingest::answer(site, request).await);
    }
    match Route::of(request.uri().path())? {
        Route::File(path) => serve::file(site, request, path).await,
        Route::Root => root(site, request).await,
        Route::Front => Ok(front::page(site).await),
        Route::Time => Ok(time()),
        Route::Health => health(site),
        Route::Asset(name) => {
            let takes_gzip = gzip::is_accepted(request.headers());
            front::asset(&name, takes_gzip).ok_or(Failure::Absent)
        }
        Route::Nothing => Err(Failure::Absent),
    }
}

/// Alive while the folder is watched.
fn health(site: &Site) -> Result<HttpResponse, Failure> {
    if !site.folder.is_alive() {
        return Err(Failure::Busy);
    }
    Ok(uncached("text/plain; charset=utf-8").body("ok\n"))
}

async fn root(site: &Site, request: &mut ServiceRequest) -> Result<HttpResponse, Failure> {
    let index = MediaPath::at_root("index.html");
    let response = serve::file(site, request, index).await?;
    let is_absent = response.status() == actix_web::http::StatusCode::NOT_FOUND;
    Ok(if is_absent { front::page(site).await } else { response })
}

/// The time as xs:dateTime with milliseconds, for UTCTiming's `http-xsdate` and, by its `Date`,
/// `http-head` (ISO/IEC 23009-1, section 5.8.4.11).
fn time() -> HttpResponse {
    let now = humantime::format_rfc3339_millis(clock::now()).to_string();
    uncached("text/plain; charset=utf-8").body(now)
}

fn uncached(content_type: &'static str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, content_type));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_every_route() {
        let file = |name| Ok(Route::File(MediaPath::at_root(name)));
        assert_eq!(Route::of("/x.mpd"), file("x.mpd"));
        assert_eq!(Route::of("/ldash/download/x.mpd"), file("x.mpd"));
        assert_eq!(Route::of("/"), Ok(Route::Root));
        assert_eq!(Route::of("/ldash/"), Ok(Route::Front));
        assert_eq!(Route::of("/ldash"), Ok(Route::Front));
        assert_eq!(Route::of("/ldash/time"), Ok(Route::Time));
        assert_eq!(Route::of("/ldash/health"), Ok(Route::Health));
        assert_eq!(Route::of("/ldash/assets/dash.js"), Ok(Route::Asset("dash.js".into())));
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
