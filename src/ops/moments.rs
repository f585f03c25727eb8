//! Moments that people choose, in words or as a date and a time of their zone.
//!
//! A wall time that a change of the clocks leaves out is as much later as the clocks jump; of one that there is twice it is
//! the first.

use crate::search::Zone;
use crate::{AppError, AppResult};

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// How far ahead a moment may be, in milliseconds: 366 days.
const MAX_AHEAD_MS: i64 = 366 * 24 * HOUR_MS;

/// The hour of "tomorrow" and "Monday".
const MORNING_HOUR: i8 = 9;

/// The moment that a form names, in milliseconds since the epoch: `hour`, `tomorrow` and `monday` by themselves, or `at` with
/// a date and a time like `2026-11-27T09:00`.
///
/// # Errors
/// `Invalid` with the field `at` for what is no such moment, for one that is over, and for one that is more than a year ahead.
pub fn resolve(when: &str, at: &str, zone: &Zone, now_ms: i64) -> AppResult<i64> {
    let invalid = |reason: &str| AppError::invalid("at", reason);
    let moment = match when {
        "hour" => Some(now_ms + HOUR_MS),
        "tomorrow" => zone.tomorrow_at(MORNING_HOUR, now_ms),
        "monday" => zone.monday_at(MORNING_HOUR, now_ms),
        _ => zone.local(at),
    };
    let moment = moment.ok_or_else(|| invalid("Choose a date and a time, like 2026-11-27T09:00."))?;
    if moment <= now_ms {
        return Err(invalid("That time is over. Choose a later one."));
    }
    if moment > now_ms + MAX_AHEAD_MS {
        return Err(invalid("That is more than a year ahead. Choose an earlier time."));
    }
    Ok(moment)
}

/// The moment that a form names like [`resolve`], or `present` if the form has the time that it showed of it: a field has
/// no seconds, and says of an hour that there is twice not which one it is.
///
/// # Errors
/// Those of [`resolve`].
pub fn resolve_anew(when: &str, at: &str, zone: &Zone, now_ms: i64, present: Option<i64>) -> AppResult<i64> {
    let present = present.filter(|present| *present > now_ms && when == "at");
    match present.filter(|present| zone.field(*present).as_deref() == Some(at)) {
        Some(present) => Ok(present),
        None => resolve(when, at, zone, now_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::utc_timestamp;

    /// 2023-11-14, a Tuesday, 22:13:20 UTC.
    const NOW_MS: i64 = 1_700_000_000_000;

    fn resolved(zone: &str, when: &str, at: &str) -> Result<String, String> {
        let zone = Zone::named(zone).unwrap();
        resolve(when, at, &zone, NOW_MS).map(utc_timestamp).map_err(|error| error.to_string())
    }

    #[test]
    fn moments_are_those_of_the_zone() {
        for (zone, when, at, moment) in [
            ("UTC", "hour", "", "2023-11-14T23:13:20Z"),
            ("UTC", "tomorrow", "", "2023-11-15T09:00:00Z"),
            ("Asia/Kathmandu", "tomorrow", "", "2023-11-15T03:15:00Z"),
            ("UTC", "monday", "", "2023-11-20T09:00:00Z"),
            ("Pacific/Kiritimati", "monday", "", "2023-11-19T19:00:00Z"),
            ("Europe/Berlin", "at", "2024-02-29T18:30", "2024-02-29T17:30:00Z"),
            ("Europe/Berlin", "at", "2024-02-29T18:30:00", "2024-02-29T17:30:00Z"),
            // The clocks go from 2:00 to 3:00.
            ("Europe/Berlin", "at", "2024-03-31T02:30", "2024-03-31T01:30:00Z"),
            ("America/New_York", "at", "2024-03-10T02:30", "2024-03-10T07:30:00Z"),
            // They go from 3:00 back to 2:00: the first 2:30 is still in summer time.
            ("Europe/Berlin", "at", "2024-10-27T02:30", "2024-10-27T00:30:00Z"),
            ("America/New_York", "at", "2024-11-03T01:30", "2024-11-03T05:30:00Z"),
        ] {
            assert_eq!(resolved(zone, when, at).as_deref(), Ok(moment), "{zone} {when} {at}");
        }
    }

    #[test]
    fn the_same_moment_in_a_field_is_the_wall_time_that_it_will_have() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let at = resolve("at", "2024-03-31T02:30", &berlin, NOW_MS).unwrap();
        assert_eq!(berlin.field(at).as_deref(), Some("2024-03-31T03:30"));
        assert_eq!(berlin.words(at).as_deref(), Some("Sun 31 Mar 2024, 03:30"));
    }

    #[test]
    fn a_moment_that_was_not_changed_stays() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // The second 2:30, and some seconds.
        let present = 1_729_992_600_000 + 7_000;
        assert_eq!(utc_timestamp(present), "2024-10-27T01:30:07Z");
        let anew = |at| resolve_anew("at", at, &berlin, NOW_MS, Some(present)).unwrap();
        assert_eq!(anew("2024-10-27T02:30"), present);
        assert_eq!(utc_timestamp(anew("2024-10-27T02:31")), "2024-10-27T00:31:00Z");
        let hour = resolve_anew("hour", "2024-10-27T02:30", &berlin, NOW_MS, Some(present));
        assert_eq!(hour, Ok(NOW_MS + HOUR_MS));
        let is_over = resolve_anew("at", "2024-10-27T02:30", &berlin, present, Some(present));
        assert!(is_over.unwrap_err().to_string().contains("over"));
    }

    #[test]
    fn what_is_no_moment_ahead_within_a_year_is_refused() {
        for (at, reason) in [
            ("", "Choose"),
            ("tomorrow", "Choose"),
            ("2024-02-30T09:00", "Choose"),
            ("2024-01-01", "Choose"),
            ("2024-01-01T25:00", "Choose"),
            ("2023-11-14T22:13", "over"),
            ("0001-01-01T00:00", "over"),
            ("2024-12-31T09:00", "year"),
            ("2100-01-01T00:00", "year"),
            ("9999-12-31T23:59", "Choose"),
            ("99999-01-01T00:00", "Choose"),
            (&"2".repeat(10_000), "Choose"),
        ] {
            let refused = resolved("UTC", "at", at).unwrap_err();
            assert!(refused.contains(reason), "{at}: {refused}");
        }
    }
}
