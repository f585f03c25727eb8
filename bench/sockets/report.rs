//! Rows of the one table that all measurements print.

use std::time::Duration;

/// What design asks for, in words, and whether the figure keeps it.
pub type Budget = (&'static str, bool);

/// Prints one row.
pub fn row(workload: &str, figure: &str, beside: &str, budget: Option<Budget>) {
    let (budget, met) = match budget {
        Some((budget, true)) => (budget, "yes"),
        Some((budget, false)) => (budget, "no"),
        None => ("", ""),
    };
    println!("| {workload} | {figure} | {beside} | {budget} | {met} |");
}

/// The middle one of the rounds with its unit, and their range.
pub fn figure(rounds: &[f64], unit: &str, text: impl Fn(f64) -> String) -> String {
    let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{}{unit} ({}–{})", text(median(rounds)), text(least), text(most))
}

/// The middle one.
pub fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The time that half of them, and the one that 99 of 100 took at most, in milliseconds.
pub fn p50_and_p99_ms(times: &[Duration]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    (ms(sorted[sorted.len() / 2]), ms(sorted[sorted.len() * 99 / 100]))
}

/// Milliseconds.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A number with one decimal.
pub fn tenths(number: f64) -> String {
    format!("{number:.1}")
}

/// A number with two decimals.
pub fn hundredths(number: f64) -> String {
    format!("{number:.2}")
}

/// Bytes as megabytes, of which one is 1,024 KB.
pub fn megabytes(bytes: f64) -> f64 {
    bytes / (1_024.0 * 1_024.0)
}

/// A number with commas between its thousands.
pub fn count_text(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "a figure")]
pub fn number(count: u64) -> f64 {
    count as f64
}
