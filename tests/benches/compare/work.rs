//! What is measured, with what figures, and what lldash is to reach.

use super::{
    Outcome, gets, held,
    push::{self, Way},
    report::{Key, Sheet, median, percentile},
    servers::Kind,
};
use clap::ValueEnum;
use std::time::Duration;

/// The works, by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Name {
    /// 64 KiB renamed into place
    Appear,
    /// 8 KiB appended every 50 ms
    Grow,
    /// The same pushed by PUT
    Push,
    /// Finished files, from memory
    Memory,
    /// Finished files, from disk
    Disk,
    /// Requests that wait
    Held,
    /// Followers beside slow ones
    Slow,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub rounds: usize,
    /// Crowds, each with how many files appear in a round.
    crowds: &'static [(usize, usize)],
    chunks: usize,
    sizes: &'static [usize],
    time: Duration,
    held: held::Plan,
    followers: usize,
}

const KIB: usize = 1024;

impl Scale {
    /// Under ten minutes.
    pub fn usual() -> Self {
        let held = held::Plan {
            clients: 2000,
            names: 200,
            wait: Duration::from_secs(8),
            idle: Duration::from_secs(2),
        };
        Self {
            rounds: 5,
            crowds: &[(1, 40), (100, 20), (1000, 10)],
            chunks: 40,
            sizes: &[4 * KIB, 64 * KIB, 1024 * KIB],
            time: Duration::from_secs(1),
            held,
            followers: 1000,
        }
    }

    /// The same with 10 000 held requests.
    pub fn full() -> Self {
        let usual = Self::usual();
        let wait = Duration::from_secs(20);
        let held = held::Plan { clients: 10_000, names: 1000, wait, ..usual.held };
        Self { held, ..usual }
    }

    /// Under a minute.
    pub fn quick() -> Self {
        let usual = Self::usual();
        let (wait, idle) = (Duration::from_secs(6), Duration::from_secs(1));
        Self {
            rounds: 2,
            crowds: &[(1, 10), (1000, 4)],
            sizes: &[64 * KIB, 1024 * KIB],
            time: Duration::from_millis(300),
            held: held::Plan { wait, idle, ..usual.held },
            chunks: 20,
            ..usual
        }
    }
}

impl Name {
    /// All of them.
    pub fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    /// One round: each server, one after the other.
    pub fn run(self, scale: &Scale, round: usize, sheet: &mut Sheet) -> Outcome<()> {
        match self {
            Self::Appear => scale.crowds.iter().try_for_each(|(clients, files)| {
                for kind in in_turn([Kind::Floor, Kind::Lldash], round) {
                    let pushed = push::appear(kind, *clients, *files)?;
                    add_pushed(sheet, "appear, 64 KiB", kind.name(), *clients, &pushed);
                }
                Ok(())
            }),
            Self::Grow => grow_all(sheet, scale, round, ("grow, 8 KiB / 50 ms", Way::Written)),
            Self::Push => grow_all(sheet, scale, round, ("push, 8 KiB / 50 ms", Way::Pushed)),
            Self::Memory => scale.sizes.iter().try_for_each(|bytes| {
                let all = [Kind::Floor, Kind::Nginx, Kind::ActixFiles, Kind::Lldash];
                for kind in in_turn(all, round) {
                    let got = gets::measure(kind, *bytes, scale.time, &[])?;
                    add_got(sheet, "GET from memory", kind.name(), *bytes, &got);
                }
                Ok(())
            }),
            Self::Disk => {
                for kind in in_turn([Kind::Nginx, Kind::Lldash], round) {
                    let bytes = 1024 * KIB;
                    let got = gets::measure(kind, bytes, scale.time, &["--memory", "0"])?;
                    add_got(sheet, "GET from disk", kind.name(), bytes, &got);
                }
                Ok(())
            }
            Self::Held => add_held(sheet, &scale.held),
            Self::Slow => {
                for way in in_turn([Way::Written, Way::BesideSlow], round) {
                    let is_slow = way == Way::BesideSlow;
                    let column = if is_slow { Kind::Lldash.name() } else { "without" };
                    let pushed = push::grow(Kind::Lldash, scale.followers, scale.chunks, way)?;
                    let work = "grow beside two slow clients";
                    add_pushed(sheet, work, column, scale.followers, &pushed);
                }
                Ok(())
            }
        }
    }
}

/// A file grows before the floor's clients, and before ours.
fn grow_all(
    sheet: &mut Sheet,
    scale: &Scale,
    round: usize,
    (work, way): (&'static str, Way),
) -> Outcome<()> {
    for (clients, _) in scale.crowds {
        for kind in in_turn([Kind::Floor, Kind::Lldash], round) {
            let pushed = push::grow(kind, *clients, scale.chunks, way)?;
            add_pushed(sheet, work, kind.name(), *clients, &pushed);
        }
    }
    Ok(())
}

/// Every other round the other way round: nobody always comes first.
fn in_turn<T, const N: usize>(mut all: [T; N], round: usize) -> [T; N] {
    if round.is_multiple_of(2) {
        all.reverse();
    }
    all
}

fn clients(number: usize) -> String {
    if number == 1 { "1 client".to_owned() } else { format!("{number} clients") }
}

fn add_pushed(
    sheet: &mut Sheet,
    work: &'static str,
    column: &'static str,
    number: usize,
    pushed: &push::Pushed,
) {
    let mut add = |measure, unit, value| {
        sheet.add(Key::new(work, clients(number), measure, unit), column, value);
    };
    add("median", "ms", median(&pushed.latencies));
    add("p99", "ms", percentile(&pushed.latencies, 99));
    add("slowest", "ms", percentile(&pushed.latencies, 100));
    add("CPU per client and event", "µs", pushed.cpu);
    // What the server takes for itself meanwhile would be most of a small crowd's.
    if number >= 1000 {
        add("memory per client", "KiB", pushed.memory);
    }
}

fn add_got(
    sheet: &mut Sheet,
    work: &'static str,
    column: &'static str,
    bytes: usize,
    got: &gets::Got,
) {
    let size = if bytes < 1024 * KIB {
        format!("{} KiB", bytes / KIB)
    } else {
        format!("{} MiB", bytes / KIB / KIB)
    };
    sheet.add(Key::new(work, size.clone(), "requests", "/s"), column, got.rate);
    sheet.add(Key::new(work, size, "CPU per GB", "s"), column, got.cpu);
}

fn add_held(sheet: &mut Sheet, plan: &held::Plan) -> Outcome<()> {
    let held = held::measure(plan)?;
    let size = format!("{} on {} names", plan.clients, plan.names);
    let mut add = |measure, unit, value| {
        sheet.add(Key::new("held", size.clone(), measure, unit), Kind::Lldash.name(), value);
    };
    add("memory per client", "KiB", held.memory);
    add("CPU while nothing happens", "ms/s", held.idle);
    add("CPU when one file appears", "ms", held.appear);
    add("time-outs late, median", "ms", median(&held.lateness));
    add("time-outs late, p99", "ms", percentile(&held.lateness, 99));
    add("time-outs late, slowest", "ms", percentile(&held.lateness, 100));
    Ok(())
}
