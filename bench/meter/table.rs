//! The one table that all parts print rows of. `bin/bench` prints its header:
//!
//! `| Workload | Figure | Beside it | Budget | Met |`

#![allow(dead_code, reason = "each program prints with a part of this")]

use std::fmt;
use std::time::Duration;

/// What a figure may be at most, and whether it is.
#[derive(Clone, Debug)]
pub struct Budget {
    text: String,
    met: bool,
}

impl Budget {
    /// `text` is what is printed, like `≤ 5 ms p99`; `met` is what came of it.
    pub fn new(text: impl Into<String>, met: bool) -> Self {
        Self { text: text.into(), met }
    }

    /// Both budgets at once: it is met when each of them is.
    pub fn and(self, other: Self) -> Self {
        Self { text: format!("{}, {}", self.text, other.text), met: self.met && other.met }
    }
}

/// Prints one row at once, so that a long run shows how far it is.
pub fn print_row(workload: &str, figure: &str, beside: &str, budget: Option<&Budget>) {
    let (text, met) = match budget {
        None => ("", ""),
        Some(budget) => (budget.text.as_str(), if budget.met { "yes" } else { "no" }),
    };
    println!("| {workload} | {figure} | {beside} | {text} | {met} |");
}

/// The median of all rounds with their range, like `12,766/s (10,842–13,680)`.
pub fn median_and_range(values: &[f64], decimals: usize, unit: &str) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    format!("{}{unit} ({}–{})", number(median(values), decimals), number(least, decimals), number(most, decimals))
}

/// The middle one of all rounds; the lower of two middle ones.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// The least time that so many of a thousand do not exceed. `sorted` holds at least one.
pub fn percentile(sorted: &[Duration], of_thousand: usize) -> Duration {
    let rank = (sorted.len() * of_thousand).div_ceil(1_000);
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// A time in milliseconds, like `1.23 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{} ms", number(time.as_secs_f64() * 1_000.0, 2))
}

/// A size in mebibytes, like `48.3 MiB`.
pub fn mebibytes(bytes: f64) -> String {
    format!("{} MiB", number(bytes / (1_024.0 * 1_024.0), 1))
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
