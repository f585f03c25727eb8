//! The text that Prometheus reads.

use std::fmt::Write;

use campfire::metrics::Distribution;

/// What a family of samples is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// A text that is being written. Writing to a string cannot fail, so results are dropped.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    name: &'static str,
}

impl Text {
    /// Begins a family; samples that follow are of it.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.name = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Writes a sample. Labels have no quotes, backslashes or line breaks: they are names of ours.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.line("", labels, &value.to_string());
    }

    /// Writes a histogram of numbers.
    pub fn histogram(&mut self, labels: &[(&str, &str)], distribution: &Distribution) {
        self.buckets(labels, distribution, |value| value.to_string());
    }

    /// Writes a histogram of microseconds, as seconds.
    pub fn durations(&mut self, labels: &[(&str, &str)], distribution: &Distribution) {
        self.buckets(labels, distribution, seconds);
    }

    fn buckets(&mut self, labels: &[(&str, &str)], distribution: &Distribution, shown: impl Fn(u64) -> String) {
        for (bound, count) in &distribution.up_to {
            self.bucket(labels, &shown(*bound), *count);
        }
        self.bucket(labels, "+Inf", distribution.count);
        self.line("_sum", labels, &shown(distribution.sum));
        self.line("_count", labels, &distribution.count.to_string());
    }

    fn bucket(&mut self, labels: &[(&str, &str)], bound: &str, count: u64) {
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
        self.line("_bucket", &labels, &count.to_string());
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: &str) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (index, (name, label)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"{label}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// Microseconds as seconds, without zeros at the end.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_seconds_and_ends_with_infinity() {
        let mut text = Text::default();
        text.family("a_seconds", Kind::Histogram, "Help.");
        let distribution = Distribution { up_to: vec![(100, 1), (1_000_000, 2)], count: 3, sum: 2_500_100 };
        text.durations(&[("route", "/")], &distribution);
        let expected = "\
# HELP a_seconds Help.
# TYPE a_seconds histogram
a_seconds_bucket{route=\"/\",le=\"0.0001\"} 1
a_seconds_bucket{route=\"/\",le=\"1\"} 2
a_seconds_bucket{route=\"/\",le=\"+Inf\"} 3
a_seconds_sum{route=\"/\"} 2.5001
a_seconds_count{route=\"/\"} 3
";
        assert_eq!(text.finish(), expected);
    }
}
