//! From an accepted connection to [`entry`]: what `actix_web::HttpServer` does, and beyond it an
//! answer to `Expect: 100-continue` that may be a refusal.

use super::{
    Site,
    access_log::{End, Intake, Line},
    connection,
    ingest::{self, Paced},
    routes::entry,
};
use actix_http::{HttpService, Request, Response, body::BoxBody};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{App, dev::AppConfig, error::DispatchError, rt::net::TcpStream};
use std::{
    future::ready,
    sync::Arc,
    time::{Duration, Instant},
};

/// What connections share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long idle connections are kept.
    pub keep_alive: Duration,
    /// Whether encoders may push on these connections.
    pub takes_uploads: bool,
}

/// A client must have sent its first request's head within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that is being ended waits so long for its client.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A head does not wait for its body in actix's buffer: the connection's [`Wire`] keeps it.
///
/// [`Wire`]: super::wire::Wire
const WRITE_BUFFER_BYTES: usize = 1;

/// Serves connections. `stopping` resolves when the server begins to stop.
pub fn service<S, F>(
    site: &Arc<Site>,
    settings: &Settings,
    stopping: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
+ use<S, F>
where
    F: Fn() -> S + 'static,
    S: Future<Output = ()> + 'static,
{
    let (asked, takes_uploads) = (site.clone(), settings.takes_uploads);
    let metrics = site.metrics.clone();
    let site = site.clone();
    let app = App::new().default_service(fn_service(move |request| entry(site.clone(), request)));
    let http = HttpService::build()
        .graceful_shutdown_signal(stopping)
        .keep_alive(settings.keep_alive)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        // Else a request that is held outlives its client.
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .on_connect_ext(|paced: &Paced, data: &mut actix_http::Extensions| {
            data.insert(paced.wire().outlet());
            data.insert(paced.door());
        })
        .expect(fn_service(move |request| expect(asked.clone(), request)))
        .h1(map_config(app, |()| AppConfig::default()));
    let paced = fn_service(move |stream: TcpStream| {
        let (wire, address) = connection::accept(stream);
        ready(Ok((Paced::new(wire, metrics.connected(), takes_uploads), address)))
    });
    paced.and_then(http)
}

/// Answers `Expect: 100-continue` (RFC 9110, section 10.1.1): the request goes on, or is refused
/// before its body is sent.
async fn expect(site: Arc<Site>, request: Request) -> Result<Request, Response<BoxBody>> {
    let since = Instant::now();
    let mut line = Line::new(request.head().peer_addr, request.method(), request.uri(), since);
    line.iter_mut().for_each(|line| line.takes(Intake::new(since)));
    match ingest::expect(&site, &request).await {
        Ok(()) => {
            line.iter_mut().for_each(Line::passed_on);
            Ok(request)
        }
        Err(failure) => {
            let response = failure.response();
            site.metrics.request(request.method().as_str(), response.status().as_u16());
            line.iter_mut().for_each(|line| {
                line.answered(&response);
                line.log(0, None, End::Done);
            });
            let mut response: Response<BoxBody> = response.into();
            // Whether the body follows nobody knows: nothing behind it could be understood.
            response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
            Err(response)
        }
    }
}
