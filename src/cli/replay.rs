//! The command line of `lldash-replay`.

use super::{file, values};
use crate::replay::{self, Config, Error, ErrorKind, Found, Progress, WriteMode};
use crate::shutdown::{self, Shutdown};
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use log::{debug, info};
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The exit code for wrong usage and bad input.
const BAD_INPUT: u8 = 2;

/// Imitates a live segmenter: a recording's segments appear in a folder, each at its time.
///
/// Everything that is no segment is copied first and at once. Then, after the startup delay, the
/// segments follow in their order. Names, durations and numbers are read from the recording's MPD
/// or HLS playlist unless they are given.
#[derive(Debug, Parser)]
#[command(name = "lldash-replay", version, max_term_width = 100)]
struct Args {
    /// Folder to read the recording from: segments with an MPD or an HLS playlist
    #[arg(short, long, value_name = "DIR", env = "LLDASH_REPLAY_INPUT")]
    input: PathBuf,

    /// Folder to write to; it is emptied first, after asking
    #[arg(short, long, value_name = "DIR", env = "LLDASH_REPLAY_OUTPUT")]
    output: PathBuf,

    /// Time before the first segment, such as 10, 5s or 200ms
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration, env = "LLDASH_REPLAY_STARTUP_DELAY")]
    startup_delay: Duration,

    /// Pace of the segments [default: as recorded, or 5 s if nothing tells it]
    #[arg(short = 'd', long, value_name = "TIME", value_parser = values::duration, env = "LLDASH_REPLAY_SEGMENT_DURATION")]
    segment_duration: Option<Duration>,

    /// Names of the segments, with $Number$ or $Time$, and * for any text [default: as the
    /// manifests say, or segment-$Number$.*.m4s without any]
    #[arg(short = 't', long, value_name = "TEMPLATE", env = "LLDASH_REPLAY_SEGMENT_TEMPLATE")]
    segment_template: Option<String>,

    /// $Number$ of the first segment [default: the first that is there]
    #[arg(short = 'n', long, value_name = "NUMBER", env = "LLDASH_REPLAY_START_NUMBER")]
    start_number: Option<u64>,

    /// Make manifests live: the MPD a dynamic low-latency one, playlists growing
    #[arg(long, value_parser = FalseyValueParser::new(), env = "LLDASH_REPLAY_DYNAMIC")]
    dynamic: bool,

    /// Copy manifests as they are (the default, except with --loop)
    #[arg(long, value_parser = FalseyValueParser::new(), env = "LLDASH_REPLAY_STATIC")]
    r#static: bool,

    /// Let segments grow chunk by chunk (moof and mdat), each chunk when its last frame is due
    #[arg(long, value_parser = FalseyValueParser::new(), env = "LLDASH_REPLAY_CHUNKED")]
    chunked: bool,

    /// How files are written: rename (they appear whole), tmp (NAME.tmp grows, then is renamed)
    /// or inplace (the final name grows) [default: rename, with --chunked tmp]
    #[arg(long, value_name = "HOW", env = "LLDASH_REPLAY_WRITE")]
    write: Option<WriteMode>,

    /// Go on for ever, with numbers and time stamps that run on; manifests become live
    #[arg(long = "loop", value_parser = FalseyValueParser::new(), env = "LLDASH_REPLAY_LOOP")]
    looped: bool,

    /// How many times as fast as recorded; live manifests are only true at 1
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = values::positive, env = "LLDASH_REPLAY_SPEED")]
    speed: f64,

    /// Media that is there at once at the start, so that players have what to play
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration, env = "LLDASH_REPLAY_HISTORY")]
    history: Duration,

    /// How long old segments are kept with --loop (timeShiftBufferDepth), at least three segments
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = values::duration, env = "LLDASH_REPLAY_WINDOW")]
    window: Duration,

    /// URL of the clock that live MPDs name (http-xsdate); empty keeps the recording's own
    #[arg(
        long,
        value_name = "URL",
        default_value = "/ldash/time",
        env = "LLDASH_REPLAY_UTC_TIMING"
    )]
    utc_timing: String,

    /// Read options from this TOML file; its keys are the names of the options
    #[arg(long, value_name = "FILE", env = "LLDASH_REPLAY_CONFIG")]
    config: Option<PathBuf>,

    /// Empty the output folder without asking
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "LLDASH_REPLAY_FORCE")]
    force: bool,

    /// Tell of each file on standard error; twice: in detail
    #[arg(short, long, action = clap::ArgAction::Count, env = "LLDASH_REPLAY_VERBOSE")]
    verbose: u8,
}

impl Args {
    /// Of `--dynamic` and `--static` one is left: the later flag, and a flag before a variable.
    fn from_matches(matches: &ArgMatches) -> Self {
        let mut args = Self::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
        let rank = |name: &str| {
            let flag = matches.value_source(name) == Some(ValueSource::CommandLine);
            (flag, if flag { matches.index_of(name) } else { None })
        };
        if args.dynamic && args.r#static {
            args.dynamic = rank("dynamic") > rank("static");
            args.r#static = !args.dynamic;
        }
        args
    }

    fn settings(&self) -> Config {
        let usual = if self.chunked { WriteMode::Tmp } else { WriteMode::Rename };
        Config {
            force: self.force,
            startup_delay: self.startup_delay,
            segment_duration: self.segment_duration,
            segment_template: self.segment_template.clone(),
            start_number: self.start_number,
            dynamic: self.dynamic,
            chunked: self.chunked,
            write: self.write.unwrap_or(usual),
            looped: self.looped,
            speed: self.speed,
            history: self.history,
            window: self.window,
            utc_timing: self.utc_timing.clone(),
            ..Config::new(&self.input, &self.output)
        }
    }
}

/// Runs the program; its exit code is 0 when the replay is done or was stopped, 2 for wrong usage
/// and bad input, 1 for what fails on the way.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let matches = file::matches(Args::command(), &arguments, "LLDASH_REPLAY_CONFIG", &[]);
    let args = Args::from_matches(&matches.unwrap_or_else(|error| error.exit()));
    let level = ["warn", "info", "debug"][usize::from(args.verbose.min(2))];
    env_logger::Builder::new().parse_filters(level).format_target(false).init();
    match start(&args) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("lldash-replay: {error}"));
            ExitCode::from(if error.kind() == ErrorKind::Failed { 1 } else { BAD_INPUT })
        }
    }
}

/// A line on standard error. That it cannot be told cannot be told either.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn start(args: &Args) -> Result<ExitCode, Error> {
    if args.looped && args.r#static {
        say("lldash-replay: cannot loop with --static: a loop has no end, so its manifest is live");
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let mut config = args.settings();
    // Bad input is told of before anyone is asked to give up a folder.
    if !config.force && replay::check(&config)? == Found::Full {
        match ask(&config.output) {
            Some(true) => config.force = true,
            Some(false) => {
                say("lldash-replay: nothing was changed");
                return Ok(ExitCode::FAILURE);
            }
            // Nobody is there to ask: the replay itself refuses.
            None => {}
        }
    }
    let mut view = View::new(&config, args.verbose > 0);
    replay::run(&config, signals(), |progress| view.show(progress))?;
    view.done();
    Ok(ExitCode::SUCCESS)
}

/// Whether the folder may be emptied; `None` when there is no answer.
fn ask(output: &Path) -> Option<bool> {
    let mut out = io::stderr();
    let asked = write!(out, "{} is not empty. Delete everything in it? [y/N] ", output.display());
    let _ = asked.and_then(|()| out.flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer).unwrap_or(0);
    if read == 0 {
        say("");
        return None;
    }
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Stops at Ctrl-C and at SIGTERM. Without signals, which would be odd, it goes on to the end.
fn signals() -> Shutdown {
    let (trigger, shutdown) = shutdown::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        std::mem::forget(trigger);
        return shutdown;
    };
    let guard = runtime.enter();
    // They are registered here, so that none is missed before the thread runs.
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    #[cfg(unix)]
    let interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            #[cfg(unix)]
            if let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        });
        trigger.stop();
    });
    shutdown
}

/// What the user sees: a bar on a terminal, or a line for each file if that is wanted.
struct View {
    bar: ProgressBar,
    looped: bool,
    output: PathBuf,
    written: u64,
}

impl View {
    fn new(config: &Config, verbose: bool) -> Self {
        let visible = io::stderr().is_terminal() && !verbose;
        let bar = if visible { ProgressBar::no_length() } else { ProgressBar::hidden() };
        Self { bar, looped: config.looped, output: config.output.clone(), written: 0 }
    }

    fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Read { segments, length } => self.begin(segments, length),
            Progress::Copied { name } => debug!("{name} copied"),
            Progress::Waiting { delay } => {
                info!("everything that is no segment is there; segments in {delay:?}");
                self.bar.set_message("waiting");
            }
            Progress::Segment { name, written, position, late } => {
                info!(
                    "{name} at {:.3} s, {:.1} ms late",
                    position.as_secs_f64(),
                    late.as_secs_f64() * 1e3
                );
                self.written = written;
                self.bar.set_position(written);
                self.bar.set_message(format!("{:.1} s  {name}", position.as_secs_f64()));
            }
        }
    }

    fn begin(&mut self, segments: u64, length: Duration) {
        info!("{segments} segments of {:.3} s in all", length.as_secs_f64());
        let template = match self.looped {
            true => "{spinner} {pos} segments  {wide_msg}",
            false => "[{bar:30}] {pos}/{len} segments  {wide_msg}",
        };
        if !self.looped {
            self.bar.set_length(segments);
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
    }

    fn done(&self) {
        self.bar.finish_and_clear();
        // A closed pipe is no reason to fail now.
        let _ = writeln!(io::stdout(), "{} segments in {}", self.written, self.output.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Config {
        let all = ["lldash-replay", "-i", "in", "-o", "out"].iter().chain(args);
        let matches = Args::command().try_get_matches_from(all).expect("valid");
        Args::from_matches(&matches).settings()
    }

    #[test]
    fn every_option_has_help_and_a_variable() {
        let command = Args::command();
        command.clone().debug_assert();
        for option in command.get_arguments() {
            assert!(option.get_help().is_some(), "{option}");
            let name = option.get_id().as_str().replace("looped", "loop").to_uppercase();
            let variable = option.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(variable, Some(format!("LLDASH_REPLAY_{name}")), "{option}");
        }
    }

    #[test]
    fn defaults_are_those_of_a_plain_segmenter() {
        let plain = config(&[]);
        assert!(!plain.dynamic && !plain.chunked && !plain.looped && !plain.force);
        assert_eq!((plain.write, plain.startup_delay), (WriteMode::Rename, Duration::ZERO));
        assert_eq!(config(&["--chunked"]).write, WriteMode::Tmp);
        assert_eq!(config(&["--chunked", "--write", "inplace"]).write, WriteMode::Inplace);
    }

    #[test]
    fn the_later_of_dynamic_and_static_wins() {
        assert!(config(&["--static", "--dynamic"]).dynamic);
        assert!(!config(&["--dynamic", "--static"]).dynamic);
    }

    #[test]
    fn short_options_are_those_of_generate_segments() {
        let given = config(&["-d", "2", "-t", "s$Number$", "-n", "4", "-f", "-v"]);
        assert_eq!(given.segment_duration, Some(Duration::from_secs(2)));
        assert_eq!(given.segment_template.as_deref(), Some("s$Number$"));
        assert_eq!((given.start_number, given.force), (Some(4), true));
    }
}
