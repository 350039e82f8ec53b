//! The command line: the comparison, and the servers of our own that it starts.

use super::{
    Outcome, floor,
    report::{self, Sheet},
    servers, work,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Compares lldash with the floor, nginx and actix-files, side by side.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench compare --")]
struct Options {
    /// Fewer rounds, crowds and sizes: under a minute
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// 10 000 held requests instead of 2000
    #[arg(long)]
    full: bool,

    /// Only this work; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<work::Name>,

    /// Rounds of which medians are taken [default: 5, or 2 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,

    /// Where the table is written as JSON
    #[arg(long, value_name = "FILE", default_value = "target/bench.json")]
    json: PathBuf,

    /// What cargo passes to benches
    #[arg(long, hide = true)]
    bench: bool,

    #[command(subcommand)]
    server: Option<Server>,
}

/// A server of ours, in a process of its own.
#[derive(Debug, Subcommand)]
enum Server {
    /// Sends each new byte of a folder to all of its clients
    #[command(hide = true)]
    FloorPush { clients: usize, folder: PathBuf },
    /// Sends what its first client sends to all others
    #[command(hide = true)]
    FloorRelay { clients: usize },
    /// Sends one response of this many bytes to each request
    #[command(hide = true)]
    FloorGet { clients: usize, bytes: usize },
    /// The plain actix-files server
    #[command(hide = true)]
    ActixFiles { folder: PathBuf },
}

/// Does what the command line says.
pub fn run() -> Outcome<()> {
    let options = Options::parse();
    match options.server {
        Some(Server::FloorPush { clients, folder }) => floor::push(clients, &folder),
        Some(Server::FloorRelay { clients }) => floor::relay(clients),
        Some(Server::FloorGet { clients, bytes }) => floor::get(clients, bytes),
        Some(Server::ActixFiles { folder }) => servers::actix_files(folder),
        // `cargo test --benches` runs it too, to see that it starts.
        None if !options.bench => Ok(()),
        None => compare(&options),
    }
}

/// Shows progress, where standard error is a terminal.
fn say(text: &str) {
    use std::io::Write;
    let mut terminal = std::io::stderr();
    if rustix::termios::isatty(&terminal) {
        let _ = write!(terminal, "\r\x1b[K{text}");
    }
}

fn compare(options: &Options) -> Outcome<()> {
    use std::io::Write;
    raise_open_files()?;
    let scale = match (options.quick, options.full) {
        (true, _) => work::Scale::quick(),
        (_, true) => work::Scale::full(),
        _ => work::Scale::usual(),
    };
    let rounds = options.rounds.map_or(scale.rounds, usize::from);
    let machine = report::Machine::this();
    let mut sheet = Sheet::default();
    let works = if options.only.is_empty() { work::Name::all() } else { options.only.clone() };
    for name in works {
        for round in 1..=rounds {
            say(&format!("{name:?}, round {round} of {rounds}"));
            name.run(&scale, round, &mut sheet)?;
        }
    }
    say("");
    let mut output = std::io::stdout();
    writeln!(output, "{}\n\n{}", machine.line(rounds), sheet.table())?;
    if let Some(folder) = options.json.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.json, format!("{:#}\n", sheet.json(&machine, rounds)))
        .map_err(|error| format!("cannot write {}: {error}", options.json.display()))?;
    Ok(())
}

/// Each client takes a descriptor here, and another one in the server, which inherits the limit.
fn raise_open_files() -> Outcome<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .map_err(|error| format!("cannot raise the limit of open files: {error}").into())
}
