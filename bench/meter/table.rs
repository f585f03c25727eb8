//! The table that all parts print rows of. `bin/bench` prints its header:
//!
//! `| Workload | Figure | Beside it | Budget | Met |`

use std::fmt;
use std::time::Duration;

/// The limit of a figure, and whether it is met.
#[derive(Clone, Debug)]
pub struct Budget {
    text: String,
    met: bool,
}

impl Budget {
    /// `text` is printed, like `≤ 5 ms p99`.
    pub fn new(text: impl Into<String>, met: bool) -> Self {
        Self { text: text.into(), met }
    }

    /// Both budgets: met if each of them is.
    pub fn and(self, other: Self) -> Self {
        Self { text: format!("{}, {}", self.text, other.text), met: self.met && other.met }
    }
}

/// Prints one row immediately, so that a long run shows its progress.
pub fn print_row(workload: &str, figure: &str, beside: &str, budget: Option<&Budget>) {
    let (text, met) = match budget {
        None => ("", ""),
        Some(budget) => (budget.text.as_str(), if budget.met { "yes" } else { "no" }),
    };
    println!("| {workload} | {figure} | {beside} | {text} | {met} |");
}

/// Prints one row of times: the median with the range.
pub fn print_times(workload: &str, times: &[Duration], beside: &str) {
    let times_ms: Vec<_> = times.iter().copied().map(in_milliseconds).collect();
    print_row(workload, &median_and_range(&times_ms, 2, " ms"), beside, None);
}

/// The median of all rounds with their range, like `12,766/s (10,842–13,680)`.
pub fn median_and_range(values: &[f64], decimals: usize, unit: &str) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let least = sorted[0];
    let most = sorted[sorted.len() - 1];
    format!("{}{unit} ({}–{})", number(median(values), decimals), number(least, decimals), number(most, decimals))
}

/// The median; of an even number of values, the lower of the two middle ones.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// The percentile in thousandths. `sorted` is not empty.
fn percentile(sorted: &[Duration], of_thousand: usize) -> Duration {
    let rank = (sorted.len() * of_thousand).div_ceil(1_000);
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The median and the 99th percentile of times in any order.
pub fn p50_and_p99(times: &[Duration]) -> (Duration, Duration) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    (percentile(&sorted, 500), percentile(&sorted, 990))
}

/// A time in milliseconds, like `1.23 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{} ms", number(in_milliseconds(time), 2))
}

/// A time in milliseconds, as a number.
pub fn in_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A size in mebibytes, like `48.3 MiB`.
pub fn mebibytes(bytes: f64) -> String {
    format!("{} MiB", number(in_mebibytes(bytes), 1))
}

/// A size in mebibytes, as a number.
pub const fn in_mebibytes(bytes: f64) -> f64 {
    bytes / (1_024.0 * 1_024.0)
}

/// A count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "a figure")]
pub const fn real(count: u64) -> f64 {
    count as f64
}

/// A number with commas between its thousands, like `1,234.5`.
pub fn number(value: f64, decimals: usize) -> impl fmt::Display {
    let text = format!("{value:.decimals$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}
