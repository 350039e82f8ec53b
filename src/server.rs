//! The composition root: builds the parts, wires them, stops them.

use crate::{
    clock,
    encoder::{self, Encoders},
    folder::{self, Folder, Uploads},
    hls::{self, Presentations},
    http::{self, Board, Holds, Ingest, Origins, Settings, Site, ingest::access::Credential},
    live::{Library, Patience},
    manifest::{self, Manifests},
    shutdown::{self, Trigger},
    tls::{Acceptor, Certificate},
    viewers::{self, Viewers, Writing},
};
use actix_web::dev::ServerHandle;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

/// An address to listen on; port 0 picks one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub address: SocketAddr,
    /// Whether clients must shake hands there.
    pub is_tls: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, is_tls } = self;
        write!(f, "{}://{address}/", if *is_tls { "https" } else { "http" })
    }
}

/// All that a server is built from.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Endpoint>,
    /// The certificate that is shown where TLS is spoken.
    pub tls: Option<Certificate>,
    /// The folder.
    pub folder: folder::Config,
    /// Whether and how encoders push.
    pub ingest: Option<IngestConfig>,
    /// What is done with manifests.
    pub manifests: manifest::Settings,
    /// So far behind is the clock that players ask.
    pub time_displacement: Duration,
    /// How LL-HLS is made.
    pub hls: hls::Settings,
    /// How long requests may wait.
    pub patience: Patience,
    /// How many may wait.
    pub max_held: usize,
    /// How many may wait of one address.
    pub max_held_per_address: Option<usize>,
    /// How much media is kept in memory, in bytes.
    pub memory_bytes: u64,
    /// For how long segments may be cached.
    pub segment_max_age: Duration,
    /// Pages of which origins may read.
    pub origins: Origins,
    /// How long transfers go on after the stop.
    pub drain: Duration,
    /// What is encoded while somebody watches.
    pub encoders: encoder::Settings,
    /// Whether and where it is written who watches how.
    pub stats: Option<viewers::Settings>,
}

/// How encoders push.
#[derive(Debug, Clone)]
pub struct IngestConfig {
    /// Where they do, and only there; empty: wherever the server listens.
    pub listen: Vec<Endpoint>,
    /// What they must bring.
    pub credential: Credential,
    /// Whether all the world may do without.
    pub is_open: bool,
    /// No upload is larger, in bytes.
    pub max_upload_bytes: u64,
}

/// Why a server does not start: one line that names the thing and the remedy.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// A server that takes connections.
pub struct Server {
    endpoints: Vec<Endpoint>,
    fingerprint: Option<String>,
    running: actix_web::dev::Server,
    handle: ServerHandle,
    trigger: Trigger,
    uploads: Arc<Uploads>,
    encoders: Encoders,
    stats: Option<Writing>,
}

/// Connections that wait to be accepted: a crowd that comes at once is not turned away.
const BACKLOG: i32 = 4096;

/// Idle connections are kept longer than edges keep them (60 s), so that it is the edge that
/// closes them and no request is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

impl Server {
    /// Watches the folder, listens, and takes connections as soon as [`Server::run`] is polled.
    ///
    /// # Errors
    /// When the folder or an address cannot be had.
    pub fn start(config: Config) -> Result<Self, StartError> {
        raise_open_files();
        let listeners = listeners(&config)?;
        let (tls, fingerprint) = tls(&config)?;
        let links = config.folder.allowed_links.iter().map(AsRef::as_ref);
        let served: Vec<_> = links.chain([config.folder.folder.as_path()]).collect();
        let stats = config.stats.as_ref();
        let stats = stats.map(|stats| Viewers::start(stats, &served)).transpose();
        let (viewers, stats) = stats.map_err(StartError)?.unzip();
        let library = Library::timed(config.memory_bytes, config.max_held, clock::now);
        // Before anything is read: it sees files grow from their first byte.
        let manifests = Manifests::new(config.manifests, &library);
        let folder = Folder::start(&config.folder, library.clone())
            .map_err(|error| folder_error(&config.folder, &error))?;
        let folder = Arc::new(folder);
        let uploads = folder.uploads().clone();
        let encoders = Encoders::start(config.encoders, &config.folder.folder)
            .map_err(|error| StartError(format!("cannot start encoders: {error}")))?;
        let demand = encoders.demand().clone();
        let files = Arc::new(http::hls::Disk { folder: folder.clone(), demand });
        let (trigger, shutdown) = shutdown::channel();
        let site = Arc::new(Site {
            hls: Presentations::new(library.clone(), files, config.hls),
            library,
            folder,
            manifests,
            demand: encoders.demand().clone(),
            time_displacement: config.time_displacement,
            ingest: config.ingest.map(|ingest| Ingest {
                credential: ingest.credential,
                max_upload_bytes: ingest.max_upload_bytes,
                stall_timeout: config.folder.stall_timeout,
            }),
            patience: config.patience,
            holds: Holds::new(config.max_held_per_address),
            segment_caching: http::max_age(config.segment_max_age),
            origins: config.origins,
            viewers,
            metrics: Arc::default(),
            board: Board::new(),
            shutdown,
        });
        let endpoints = listeners.iter().map(|listener| listener.endpoint).collect();
        let running = serve(&site, listeners, tls.as_ref(), config.drain)
            .map_err(|error| StartError(format!("cannot listen: {error}")))?;
        let handle = running.handle();
        Ok(Self { endpoints, fingerprint, running, handle, trigger, uploads, encoders, stats })
    }

    /// Where it listens, in the order of the configuration.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The SHA-256 fingerprint of the certificate that was made at the start.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Serves until `stop` resolves, then ends held requests at once, lets transfers finish for
    /// the time of the configuration, and returns.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { mut running, handle, trigger, uploads, encoders, stats, .. } = self;
        tokio::select! {
            result = &mut running => return result,
            () = stop => {}
        }
        trigger.stop();
        let (result, ()) = futures::future::join(running, handle.stop(true)).await;
        uploads.stop();
        // What is still sent has been; nobody watches any more.
        drop(encoders);
        drop(stats);
        result
    }
}

/// One of the addresses, taken.
struct Listener {
    socket: TcpListener,
    endpoint: Endpoint,
    /// Whether encoders may push there.
    takes_uploads: bool,
}

fn listeners(config: &Config) -> Result<Vec<Listener>, StartError> {
    let ingest = config.ingest.as_ref();
    let own = ingest.map(|ingest| &*ingest.listen).unwrap_or_default();
    let takes_uploads = ingest.is_some() && own.is_empty();
    let shared = config.listen.iter().map(|endpoint| (*endpoint, takes_uploads));
    let all = shared.chain(own.iter().map(|endpoint| (*endpoint, true)));
    all.map(|(Endpoint { address, is_tls }, takes_uploads)| {
        let is_guarded = ingest.is_some_and(|ingest| ingest.credential.is_some() || ingest.is_open);
        if takes_uploads && !is_guarded && !address.ip().is_loopback() {
            return Err(StartError(format!(
                "cannot take uploads on {address}: whoever reaches it could write; give \
                 --ingest-token, --ingest-user and --ingest-password, an --ingest-listen on \
                 127.0.0.1, or --ingest-open"
            )));
        }
        let socket = listen(address)?;
        let endpoint = Endpoint { address: socket.local_addr().unwrap_or(address), is_tls };
        Ok(Listener { socket, endpoint, takes_uploads })
    })
    .collect()
}

/// The certificate that is shown, if there is one; and its fingerprint, if it was made now.
fn tls(config: &Config) -> Result<(Option<Acceptor>, Option<String>), StartError> {
    let Some(certificate) = &config.tls else { return Ok((None, None)) };
    let here = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let addresses = config.listen.iter().map(|endpoint| endpoint.address.ip());
    let named = addresses.filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let names = here.into_iter().chain(named.map(|ip| ip.to_string())).collect();
    let acceptor = Acceptor::new(certificate, names);
    let (acceptor, fingerprint) = acceptor.map_err(|error| StartError(error.to_string()))?;
    Ok((Some(acceptor), fingerprint))
}

fn serve(
    site: &Arc<Site>,
    listeners: Vec<Listener>,
    tls: Option<&Acceptor>,
    drain: Duration,
) -> io::Result<actix_web::dev::Server> {
    let mut server = actix_web::dev::Server::build()
        .disable_signals()
        .max_concurrent_connections(usize::MAX)
        .shutdown_timeout(drain.as_secs() + u64::from(drain.subsec_nanos() > 0));
    for Listener { socket, endpoint, takes_uploads } in listeners {
        let tls = tls.filter(|_| endpoint.is_tls).cloned();
        let settings = Settings { keep_alive: KEEP_ALIVE, takes_uploads, tls };
        let (site, stopping) = (site.clone(), server.graceful_shutdown_signal());
        let service = move || {
            let stopping = stopping.clone();
            let stopping = move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            };
            http::service(&site, &settings, stopping)
        };
        server = server.listen("http", socket, service)?;
    }
    Ok(server.run())
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let open = || {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        // Elsewhere this would let two servers have the same port.
        if cfg!(unix) {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    open().map_err(|error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program has the port; choose one with -p, or 0 for any"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege; choose another with -p"
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address",
            _ => return StartError(format!("cannot listen on {address}: {error}")),
        };
        StartError(format!("cannot listen on {address}: {remedy}"))
    })
}

fn folder_error(config: &folder::Config, error: &io::Error) -> StartError {
    let name = config.folder.display();
    if error.to_string().starts_with("--allow-link") {
        return StartError(format!("cannot serve {name}: {error}"));
    }
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist; make it first".to_owned(),
        io::ErrorKind::NotADirectory => "it is a file; name the folder in which it lies".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "no permission to read it; see its owner and mode".to_owned()
        }
        _ => error.to_string(),
    };
    StartError(format!("cannot serve {name}: {reason}"))
}

/// Each connection and each file that grows takes a descriptor.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // macOS takes no more, and refuses "infinite".
        let most = if cfg!(target_os = "macos") { Some(10_240) } else { limit.maximum };
        let raised = rustix::process::Rlimit { current: most, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            log::warn!("cannot raise the limit of open files: {error}");
        }
    }
}
