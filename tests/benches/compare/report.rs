//! The figures: gathered by round, shown as one table.

use super::servers::Kind;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, thread};

/// What a row of the table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    work: &'static str,
    size: String,
    measure: &'static str,
    unit: &'static str,
}

impl Key {
    /// A work, its crowd or size, what is measured, in what unit.
    pub fn new(
        work: &'static str,
        size: String,
        measure: &'static str,
        unit: &'static str,
    ) -> Self {
        Self { work, size, measure, unit }
    }
}

/// All figures, in the order in which they came.
#[derive(Debug, Default)]
pub struct Sheet {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    key: Key,
    /// For each server, a figure for each round.
    figures: BTreeMap<&'static str, Vec<f64>>,
}

/// What lldash is to reach.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// At most so many times another's figure.
    AtMost(f64, &'static str),
    /// At least so many times another's figure.
    AtLeast(f64, &'static str),
    /// A figure below this one, in the row's unit.
    Below(f64),
    /// Compared, but not judged.
    Beside(&'static str),
}

impl Key {
    fn goal(&self) -> Option<Goal> {
        let nginx = Kind::Nginx.name();
        let floor = Kind::Floor.name();
        Some(match (self.work, self.measure, &*self.size) {
            ("GET from memory", "requests", "4 KiB") => Goal::AtLeast(1.0, nginx),
            ("GET from memory", "requests", "64 KiB") => Goal::AtLeast(1.2, nginx),
            ("GET from memory", "requests", _) => Goal::AtLeast(1.6, nginx),
            ("GET from memory", ..) => Goal::AtMost(0.7, nginx),
            ("GET from disk", "requests", _) => Goal::AtLeast(1.0, nginx),
            ("GET from disk", ..) => Goal::Beside(nginx),
            ("held", "memory per client", _) => Goal::Below(16.0),
            // "No CPU": what a housekeeping timer or two would cost.
            ("held", "CPU while nothing happens", _) => Goal::Below(1.0),
            ("held", "time-outs late, median", _) => Goal::Below(20.0),
            ("held", ..) | (_, "memory per client", _) => return None,
            // "Does not change": the same but for what two runs differ by.
            ("grow beside two slow clients", "median", _) => Goal::AtMost(1.1, "without"),
            ("grow beside two slow clients", ..) => Goal::Beside("without"),
            (_, "median" | "CPU per client and event", _) => Goal::AtMost(1.5, floor),
            _ => Goal::Beside(floor),
        })
    }
}

/// The middle of some figures, or of the two in the middle; 0 for none.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = |at: usize| sorted.get(at).copied().unwrap_or_default();
    f64::midpoint(middle(sorted.len() / 2), middle(sorted.len().saturating_sub(1) / 2))
}

/// The smallest figure that is not exceeded by this many percent of them; 0 for none.
pub fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

impl Row {
    fn median(&self, server: &str) -> Option<f64> {
        self.figures.get(server).map(|figures| median(figures))
    }

    /// How lldash stands to another: the median of the rounds' ratios.
    fn ratio(&self, other: &str) -> Option<f64> {
        let (own, other) = (self.figures.get(Kind::Lldash.name())?, self.figures.get(other)?);
        let ratios: Vec<f64> = own.iter().zip(other).map(|(own, other)| own / other).collect();
        Some(median(&ratios))
    }

    /// The ratio with the name of the other, the goal, and whether it is reached.
    fn judged(&self) -> (Option<(f64, &'static str)>, String, Option<bool>) {
        let (other, goal, is_met): (_, _, Box<dyn Fn(f64) -> bool>) = match self.key.goal() {
            None => return (None, String::new(), None),
            Some(Goal::Below(limit)) => {
                let own = self.median(Kind::Lldash.name());
                return (None, format!("< {limit} {}", self.key.unit), own.map(|own| own < limit));
            }
            Some(Goal::Beside(other)) => {
                return (self.ratio(other).map(|ratio| (ratio, other)), String::new(), None);
            }
            Some(Goal::AtMost(times, other)) => {
                (other, format!("≤ {times}"), Box::new(move |ratio| ratio <= times))
            }
            Some(Goal::AtLeast(times, other)) => {
                (other, format!("≥ {times}"), Box::new(move |ratio| ratio >= times))
            }
        };
        let ratio = self.ratio(other);
        (ratio.map(|ratio| (ratio, other)), goal, ratio.map(is_met))
    }
}

const COLUMNS: [&str; 4] = ["floor", "nginx", "actix-files", "lldash"];

impl Sheet {
    /// Takes a server's figure of the next round.
    pub fn add(&mut self, key: Key, server: &'static str, value: f64) {
        let at = self.rows.iter().position(|row| row.key == key).unwrap_or_else(|| {
            self.rows.push(Row { key, figures: BTreeMap::new() });
            self.rows.len() - 1
        });
        self.rows[at].figures.entry(server).or_default().push(value);
    }

    /// The table as Markdown, its columns aligned.
    pub fn table(&self) -> String {
        let heads = ["work", "size", "measure"].into_iter().chain(COLUMNS);
        let heads = heads.chain(["lldash is", "reach", "reached"]).map(str::to_owned);
        let mut lines: Vec<Vec<String>> = vec![heads.collect()];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max();
        let widths: Vec<usize> = (0..lines[0].len()).map(|at| width(at).unwrap_or(0)).collect();
        lines.insert(1, widths.iter().map(|width| "-".repeat(*width)).collect());
        let render = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        lines.iter().map(render).collect::<Vec<_>>().join("\n")
    }

    /// The same for programs, with each round's figures.
    pub fn json(&self, machine: &Machine, rounds: usize) -> Value {
        let row = |row: &Row| {
            let (ratio, goal, is_met) = row.judged();
            let medians: BTreeMap<_, _> =
                row.figures.iter().map(|(server, figures)| (server, median(figures))).collect();
            json!({
                "work": row.key.work, "size": row.key.size, "measure": row.key.measure,
                "unit": row.key.unit, "rounds": row.figures, "medians": medians,
                "ratio": ratio.map(|(ratio, _)| ratio), "to": ratio.map(|(_, other)| other),
                "reach": goal, "reached": is_met,
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({ "date": machine.date, "machine": machine.name, "cores": machine.cores,
            "kernel": machine.kernel, "load": machine.load, "rounds": rounds, "rows": rows })
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let Key { work, size, measure, unit } = &self.key;
        let (ratio, goal, is_met) = self.judged();
        let mut cells = vec![(*work).to_owned(), size.clone(), format!("{measure}, {unit}")];
        cells.extend(COLUMNS.map(|server| self.median(server).map_or(String::new(), figure)));
        cells.push(ratio.map_or(String::new(), |(ratio, to)| format!("{ratio:.2} × {to}")));
        cells.push(goal);
        cells.push(is_met.map_or("", |is_met| if is_met { "yes" } else { "no" }).to_owned());
        cells
    }
}

/// A figure with three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Where and when it was measured.
#[derive(Debug)]
pub struct Machine {
    date: String,
    name: String,
    cores: usize,
    kernel: String,
    /// The load average of the last minute before.
    load: String,
}

impl Machine {
    /// This one, now.
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            date: humantime::format_rfc3339_seconds(lldash::clock::now()).to_string(),
            name: model.unwrap_or("unknown").trim_start_matches(['\t', ' ', ':']).to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// All of it in one line.
    pub fn line(&self, rounds: usize) -> String {
        let Self { date, name, cores, kernel, load } = self;
        format!(
            "{date}, {cores} cores of {name}, Linux {kernel}, load before {load}; \
             medians of {rounds} rounds."
        )
    }
}
