//! The command line of `lldash`.

use super::{
    file,
    ingest::IngestOptions,
    streams,
    tls::{Listen, TlsOptions, listen},
    values::{duration, public_url, size},
};
use crate::{encoder, folder, hls, http::Origins, live::Patience, manifest, server, viewers};
use clap::{
    ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum,
    builder::BoolishValueParser, error::ErrorKind, parser::ValueSource,
};
use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Serves a folder of live media: requests for what is not there yet are held until it is, and
/// files are streamed while they are written.
#[derive(Debug, Parser)]
#[command(name = "lldash", version, max_term_width = 100)]
struct Options {
    /// The folder that a packager writes and that is served
    #[arg(value_name = "DIR", env = "LLDASH_DIR")]
    dir: Option<PathBuf>,

    /// Serve a live stream made from the built-in recording; needs no folder
    #[arg(long, env = "LLDASH_DEMO", value_parser = BoolishValueParser::new())]
    demo: bool,

    /// Read options from this TOML file; its keys are the names of the options. Each [[stream]] in
    /// it is a stream that ffmpeg, or any program, makes while somebody watches: see the README
    #[arg(long, value_name = "FILE", env = CONFIG)]
    config: Option<PathBuf>,

    /// Listen here; may be given more than once; port 0 picks one; https:// before it wants TLS,
    /// http:// does not [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", env = "LLDASH_LISTEN", value_delimiter = ',',
          value_parser = listen)]
    listen: Vec<Listen>,

    /// Listen on this port of 127.0.0.1
    #[arg(short, long, value_name = "PORT", env = "LLDASH_PORT")]
    port: Option<u16>,

    /// Hold no request longer
    #[arg(long, value_name = "TIME", env = "LLDASH_MAX_WAIT", default_value = "30s",
          value_parser = duration)]
    max_wait: Duration,

    /// Hold requests for media and manifests that do not say for how long; 0 turns it off
    #[arg(long, value_name = "TIME", env = "LLDASH_DEFAULT_WAIT", default_value = "5s",
          value_parser = duration)]
    default_wait: Duration,

    /// Hold names with this extension like media; may be given more than once
    #[arg(long, value_name = "EXT", env = "LLDASH_HOLD_EXT", value_delimiter = ',')]
    hold_ext: Vec<String>,

    /// Let at most so many requests wait; more get 503
    #[arg(long, value_name = "N", env = "LLDASH_MAX_HELD", default_value = "20000")]
    max_held: usize,

    /// Let at most so many requests of one address wait
    #[arg(long, value_name = "N", env = "LLDASH_MAX_HELD_PER_ADDRESS")]
    max_held_per_address: Option<usize>,

    /// Keep at most so much media in memory; the rest is read from disk
    #[arg(long, value_name = "SIZE", env = "LLDASH_MEMORY", default_value = "256MiB",
          value_parser = size)]
    memory: u64,

    /// Cut a growing file whose writer keeps it open and is silent for so long
    #[arg(long, value_name = "TIME", env = "LLDASH_STALL_TIMEOUT", default_value = "10s",
          value_parser = duration)]
    stall_timeout: Duration,

    /// Where nothing tells when a file is closed: finish it when it has not grown for so long
    #[arg(long, value_name = "TIME", env = "LLDASH_IDLE_FINISH", default_value = "10s",
          value_parser = duration)]
    idle_finish: Duration,

    /// Notice changes by events where the file system has them, by the same through the notify
    /// crate, or always by looking
    #[arg(long, value_name = "HOW", env = "LLDASH_WATCH", default_value = "auto")]
    watch: Watch,

    /// How often to look, when changes are noticed by looking
    #[arg(long, value_name = "TIME", env = "LLDASH_POLL_INTERVAL", default_value = "200ms",
          value_parser = duration)]
    poll_interval: Duration,

    /// Add to live manifests what their packager left out and players need. MPDs: UTCTiming, a
    /// target latency, availabilityTimeOffset where segments are seen to grow in chunks. Playlists:
    /// that a reload may wait for the next segment (CAN-BLOCK-RELOAD)
    #[arg(long, value_name = "on|off", env = "LLDASH_PATCH_MPD", default_value = "on",
          action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    patch_mpd: bool,

    /// Where clients reach this server, a path prefix included: URLs that are added to MPDs are
    /// absolute then, else relative to the MPD
    #[arg(long, value_name = "URL", env = "LLDASH_PUBLIC_URL", value_parser = public_url)]
    public_url: Option<String>,

    /// Let the clock at /ldash/time be so far behind, and name it in all live MPDs, so that players
    /// ask later
    #[arg(long, value_name = "TIME", env = "LLDASH_TIME_DISPLACEMENT", default_value = "0",
          value_parser = duration)]
    time_displacement: Duration,

    /// Follow links that lead below this folder; may be given more than once
    #[arg(long, value_name = "PATH", env = "LLDASH_ALLOW_LINK", value_delimiter = ',')]
    allow_link: Vec<PathBuf>,

    /// Let pages of this origin read, instead of all; may be given more than once
    #[arg(long, value_name = "ORIGIN", env = "LLDASH_CORS_ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<String>,

    /// For how long segments may be cached
    #[arg(long, value_name = "TIME", env = "LLDASH_SEGMENT_MAX_AGE", default_value = "60s",
          value_parser = duration)]
    segment_max_age: Duration,

    /// When stopped, let transfers go on for so long
    #[arg(long, value_name = "TIME", env = "LLDASH_DRAIN", default_value = "5s",
          value_parser = duration)]
    drain: Duration,

    /// Make no part of LL-HLS longer, where the packager's chunks permit
    #[arg(long, value_name = "TIME", env = "LLDASH_HLS_PART", default_value = "500ms",
          value_parser = duration)]
    hls_part: Duration,

    /// Write who watches how to this file, as CSV: a line for each request for a segment, with what
    /// its player says of itself (CMCD). A line for each visit goes to NAME.summary.csv beside it;
    /// Prometheus gets histograms. Clients' addresses are in them
    #[arg(long, value_name = "FILE", env = "LLDASH_STATS")]
    stats: Option<PathBuf>,

    /// Put a file of statistics aside, as NAME.1.csv, before it grows larger
    #[arg(long, value_name = "SIZE", env = "LLDASH_STATS_SIZE", default_value = "64MiB",
          value_parser = size)]
    stats_size: u64,

    #[command(flatten)]
    ingest: IngestOptions,

    #[command(flatten)]
    tls: TlsOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Watch {
    Auto,
    Notify,
    Poll,
}

/// What the program is to do.
#[derive(Debug)]
pub struct Command {
    /// How to serve; the folder is empty for the demo, which makes one.
    pub server: server::Config,
    /// Whether to show the built-in recording.
    pub is_demo: bool,
}

/// Reads the command line. Exits when it asks for help, or cannot be understood (status 2).
pub fn parse() -> Command {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    read(&arguments).unwrap_or_else(|error| error.exit())
}

fn read(arguments: &[OsString]) -> Result<Command, clap::Error> {
    let others = [encoder::config::TABLE];
    let matches = file::matches(Options::command(), arguments, CONFIG, &others)?;
    let mut options = Options::from_arg_matches(&matches)?;
    match stronger(&matches, "listen", "port")? {
        Some("listen") => options.port = None,
        _ => options.listen.retain(|_| options.port.is_none()),
    }
    match stronger(&matches, "dir", "demo")? {
        Some("dir") => options.demo = false,
        Some(_) => {}
        None => {
            let missing = "name the folder to serve, or give --demo to see it work without one";
            return Err(Options::command().error(ErrorKind::MissingRequiredArgument, missing));
        }
    }
    if let Some(reason) = options.ingest.contradiction(&matches) {
        return Err(Options::command().error(ErrorKind::ArgumentConflict, reason));
    }
    let listen: Vec<_> = options.listen.iter().chain(options.ingest.listen()).collect();
    if let Some(reason) = options.tls.contradiction(&listen) {
        return Err(Options::command().error(ErrorKind::ArgumentConflict, reason));
    }
    let settings = streams::read(arguments, CONFIG)
        .map_err(|reason| Options::command().error(ErrorKind::InvalidValue, reason))?;
    let mut command = Command::from(options);
    command.server.encoders = settings;
    Ok(command)
}

/// The variable that names the file.
const CONFIG: &str = "LLDASH_CONFIG";

/// Which of two options that exclude each other was given, or was given more directly: a flag
/// beats a variable, which beats the file.
fn stronger<'a>(
    matches: &ArgMatches,
    one: &'a str,
    other: &'a str,
) -> Result<Option<&'a str>, clap::Error> {
    let rank = |id| match matches.value_source(id) {
        Some(ValueSource::CommandLine) => 3,
        Some(ValueSource::EnvVariable) => 2,
        // A switch that is off is none; what is on by default comes from the file.
        Some(_) if matches.try_get_one::<bool>(id).is_ok_and(|on| on == Some(&false)) => 0,
        Some(_) => 1,
        None => 0,
    };
    match (rank(one), rank(other)) {
        (0, 0) => Ok(None),
        (3, 3) => {
            let conflict = format!("{one} and {other} exclude each other");
            Err(Options::command().error(ErrorKind::ArgumentConflict, conflict))
        }
        (first, second) => Ok(Some(if first > second { one } else { other })),
    }
}

const PORT: u16 = 8080;

impl From<Options> for Command {
    fn from(options: Options) -> Self {
        let local = |port| SocketAddr::from((IpAddr::from(Ipv4Addr::LOCALHOST), port));
        let mut listen = options.listen;
        if listen.is_empty() {
            listen = vec![Listen::at(local(options.port.unwrap_or(PORT)))];
        }
        let certificate = options.tls.certificate();
        let endpoint = |listen: &Listen| listen.endpoint(certificate.is_some());
        let folder = folder::Config {
            folder: options.dir.unwrap_or_default(),
            allowed_links: options.allow_link,
            watch: match options.watch {
                Watch::Auto => folder::Watch::Auto,
                Watch::Notify => folder::Watch::Notify,
                Watch::Poll => folder::Watch::Poll,
            },
            poll_interval: options.poll_interval,
            stall_timeout: options.stall_timeout,
            idle_finish: options.idle_finish,
            uploads: options.ingest.keep(),
        };
        let strip_dot = |extension: String| extension.trim_start_matches('.').to_owned();
        let patience = Patience {
            max_wait: options.max_wait,
            default_wait: options.default_wait,
            extensions: options.hold_ext.into_iter().map(strip_dot).collect(),
        };
        let origins = match options.cors_origin.as_slice() {
            [] => Origins::Any,
            [any] if any == "*" => Origins::Any,
            listed => Origins::Listed(listed.to_vec()),
        };
        let server = server::Config {
            listen: listen.iter().map(endpoint).collect(),
            ingest: options.ingest.config(endpoint),
            tls: certificate,
            folder,
            manifests: manifest::Settings {
                is_on: options.patch_mpd,
                public_url: options.public_url,
                replaces_clock: !options.time_displacement.is_zero(),
            },
            time_displacement: options.time_displacement,
            hls: hls::Settings { part: options.hls_part },
            patience,
            max_held: options.max_held,
            max_held_per_address: options.max_held_per_address,
            memory_bytes: options.memory,
            segment_max_age: options.segment_max_age,
            origins,
            drain: options.drain,
            encoders: encoder::Settings::default(),
            stats: options
                .stats
                .map(|path| viewers::Settings { path, max_bytes: options.stats_size }),
        };
        Self { server, is_demo: options.demo }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
