//! Prometheus' text format, version 0.0.4.

use super::Snapshot;
use std::fmt::{Display, Write};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It comes and goes.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// A text that is being written: families of metrics, one after the other.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// The type of the text.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text does not fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample of the family. Labels' values are ours and need no escapes.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{value}\"", if at == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// A family of a single sample.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A family that is one histogram, of seconds.
    pub fn histogram(&mut self, name: &str, help: &str, times: &Snapshot) {
        self.family(name, Kind::Histogram, help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in times.cumulative() {
            self.sample(&bucket, &[("le", &bound.as_secs_f64().to_string())], count);
        }
        self.sample(&bucket, &[("le", "+Inf")], times.count());
        self.sample(&format!("{name}_sum"), &[], times.sum().as_secs_f64());
        self.sample(&format!("{name}_count"), &[], times.count());
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_below_their_family() {
        let mut text = Text::default();
        text.family("x_total", Kind::Counter, "Things.");
        text.sample("x_total", &[("a", "1"), ("b", "2")], 3);
        text.single("y", Kind::Gauge, "Others.", 0.5);
        assert_eq!(
            text.finish(),
            "# HELP x_total Things.\n# TYPE x_total counter\nx_total{a=\"1\",b=\"2\"} 3\n\
             # HELP y Others.\n# TYPE y gauge\ny 0.5\n"
        );
    }
}
