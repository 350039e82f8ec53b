//! From an accepted connection to the [`Desk`], and to [`entry`]: what `actix_web::HttpServer` does,
//! and beyond it an answer to `Expect: 100-continue` that may be a refusal.

use super::{
    Site,
    access_log::{End, Intake, Line},
    connection::{self, Io, Protocol},
    desk::Desk,
    h2,
    ingest::{self, Door, Paced},
    routes::entry,
};
use crate::tls::Acceptor;
use actix_http::{HttpService, Request, Response, body::BoxBody};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::{
    App, Error, HttpResponse,
    dev::{AppConfig, ServiceResponse},
    error::DispatchError,
    rt::net::TcpStream,
};
use std::{
    future::pending,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
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
    /// They are encrypted.
    pub tls: Option<Acceptor>,
}

/// A client must have sent its first request's head within this time.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

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
    F: Fn() -> S + Clone + 'static,
    S: Future<Output = ()> + 'static,
{
    let http1 = Rc::new(http1(site, settings, stopping.clone()));
    let http2 = Rc::new(app(site));
    let (site, settings) = (site.clone(), settings.clone());
    fn_factory(move || {
        let (http1, http2, stopping) = (http1.clone(), http2.clone(), stopping.clone());
        let (site, settings) = (site.clone(), settings.clone());
        async move {
            let http1 = Rc::new(http1.new_service(()).await?);
            let http2 = Rc::new(http2.new_service(()).await?);
            Ok(fn_service(move |stream| {
                let site = site.clone();
                let (http1, http2, stopping) = (http1.clone(), http2.clone(), stopping());
                let Settings { keep_alive, takes_uploads, tls } = settings.clone();
                let open = site.metrics.connected();
                // Else each of the services around it has room for it too.
                Box::pin(async move {
                    let _open = open;
                    let peer = connection::peer(&stream);
                    let mut stopping = pin!(stopping);
                    let greeted = tokio::select! {
                        greeted = connection::greet(stream, tls.as_ref()) => greeted,
                        // One that has said nothing is not waited for.
                        () = &mut stopping => return Ok(()),
                    };
                    let served = match greeted {
                        Ok((Io::Plain(wire), Protocol::Http1)) => {
                            let desk = Desk::new(site, wire, peer, (keep_alive, takes_uploads));
                            return desk.serve(&*http1).await;
                        }
                        Ok((io, Protocol::Http1)) => {
                            return http1.call((Paced::new(io, takes_uploads), peer)).await;
                        }
                        Ok((io, Protocol::Http2)) => {
                            let door = Door::new(takes_uploads);
                            let shared = h2::Shared::new(site, http2, (peer, door));
                            Box::pin(h2::serve(io, shared, keep_alive, stopping)).await
                        }
                        Err(error) => Err(error),
                    };
                    // Its client knows.
                    if let Err(error) = served {
                        log::debug!("a connection of {peer:?} ends: {error}");
                    }
                    Ok(())
                })
            }))
        }
    })
}

/// The routes.
fn app(
    site: &Arc<Site>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = ServiceResponse<BoxBody>,
    Error = Error,
    InitError = (),
> + use<> {
    let site = site.clone();
    let app = App::new().default_service(fn_service(move |request| entry(site.clone(), request)));
    map_config(app, |()| AppConfig::default())
}

/// HTTP/1.1.
fn http1<S, F>(
    site: &Arc<Site>,
    settings: &Settings,
    stopping: F,
) -> impl ServiceFactory<
    (Paced, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<S, F>
where
    F: Fn() -> S + 'static,
    S: Future<Output = ()> + 'static,
{
    let (asked, shutdown) = (site.clone(), site.shutdown.clone());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            // What was held until the stop is lent for its last answer.
            let (is_late, stopping) = (shutdown.is_stopped(), stopping());
            async move { if is_late { pending().await } else { stopping.await } }
        })
        .keep_alive(settings.keep_alive)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        // Else a request that is held outlives its client.
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .on_connect_ext(|paced: &Paced, data: &mut actix_http::Extensions| {
            if let Some(outlet) = paced.outlet() {
                data.insert(outlet);
            }
            data.insert(paced.door());
        })
        .expect(fn_service(move |request| {
            let asked = asked.clone();
            async move {
                expect(&asked, request).await.map_err(|response| {
                    let mut response: Response<BoxBody> = response.into();
                    // Whether the body follows nobody knows: nothing behind it could be understood.
                    response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
                    response
                })
            }
        }))
        .h1(app(site))
}

/// Answers `Expect: 100-continue` (RFC 9110, section 10.1.1): the request goes on, or is refused
/// before its body is sent.
///
/// # Errors
/// With the refusal, which is logged and counted.
pub(super) async fn expect(site: &Site, request: Request) -> Result<Request, HttpResponse> {
    let since = Instant::now();
    let mut line = Line::new(request.head().peer_addr, request.method(), request.uri(), since);
    line.iter_mut().for_each(|line| line.takes(Intake::new(since)));
    match ingest::expect(site, &request).await {
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
            Err(response)
        }
    }
}
