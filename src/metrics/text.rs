//! Prometheus' text format, version 0.0.4.

use super::{Distribution, Snapshot};
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

    /// A sample of the family.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            self.escape(value);
            self.0.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// A label's value may hold anything.
    fn escape(&mut self, value: &str) {
        for letter in value.chars() {
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                letter => self.0.push(letter),
            }
        }
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

    /// One histogram of a family of them, told apart by its labels.
    pub fn distribution(&mut self, name: &str, labels: &[(&str, &str)], values: &Distribution) {
        let bucket = format!("{name}_bucket");
        let bounds = values.cumulative().map(|(bound, count)| (bound.to_string(), count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), values.count())]) {
            self.sample(&bucket, &[labels, &[("le", &bound)]].concat(), count);
        }
        self.sample(&format!("{name}_sum"), labels, values.sum());
        self.sample(&format!("{name}_count"), labels, values.count());
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
    fn histograms_are_told_apart_by_labels_of_any_text() {
        let (mut text, mut values) = (Text::default(), Distribution::new(&[0.5]));
        values.observe(0.25);
        values.observe(2.0);
        text.distribution("x", &[("a", "\"b\\\n")], &values);
        let label = "a=\"\\\"b\\\\\\n\"";
        let wanted = format!(
            "x_bucket{{{label},le=\"0.5\"}} 1\nx_bucket{{{label},le=\"+Inf\"}} 2\n\
             x_sum{{{label}}} 2.25\nx_count{{{label}}} 2\n"
        );
        assert_eq!(text.finish(), wanted);
    }

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
