//! Times of sources.

/// A time in UTC like `2025-11-02 13:45:06.123456`, in milliseconds since the epoch; `None` for what is none.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z').trim_end_matches(" UTC");
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut date = date.split('-').map(|part| number(part, 4));
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !is_time || date.next().is_some() || time.next().is_some() {
        return None;
    }
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    let milliseconds = number(&milliseconds, 3)?;
    Some((((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + milliseconds)
}

fn number(digits: &str, max_len: usize) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.len() <= max_len && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// The days since the epoch: `days_from_civil` of <https://howardhinnant.github.io/date_algorithms.html>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rails_are_read_with_milliseconds() {
        assert_eq!(parse("1970-01-01 00:00:00"), Some(0));
        assert_eq!(parse("2024-02-29 12:34:56.789123"), Some(1_709_210_096_789));
        assert_eq!(parse("2024-02-29T12:34:56.7Z"), Some(1_709_210_096_700));
        for text in [
            "",
            "now",
            "2024-02-29",
            "2024-13-01 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:00:00",
            "x-1-1 0:0:0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
