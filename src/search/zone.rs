//! Time zones: the days of a search are those of the person who searches.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The hour at which a night ends, for those who say "tomorrow".
const NIGHT_ENDS: i8 = 5;

/// A time zone, in which days begin.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of this name in the IANA database, like `Europe/Berlin`. The database is part of the executable.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// When a day begins and when it ends, in milliseconds since the epoch; `None` if the calendar has no such day.
    #[must_use]
    pub fn day(&self, year: i16, month: i8, day: i8) -> Option<(i64, i64)> {
        let date = Date::new(year, month, day).ok()?;
        let begins_at = self.begin_of(date)?;
        // The last day that the calendar knows has no next one.
        let ends_at = date.tomorrow().ok().and_then(|next| self.begin_of(next)).unwrap_or(begins_at + DAY_MS);
        Some((begins_at, ends_at))
    }

    /// The day of the week (0 is Monday), the hour and the minute at a time in milliseconds since the epoch; `None` for a time
    /// that the calendar does not have.
    #[must_use]
    pub fn weekday_and_time(&self, at_ms: i64) -> Option<(usize, i64, i64)> {
        let here = self.0.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        let day = usize::try_from(here.weekday().to_monday_zero_offset()).ok()?;
        Some((day, here.hour().into(), here.minute().into()))
    }

    /// This hour of the next day after a time, both in milliseconds since the epoch; before 5 o'clock, when for most people the
    /// day has not begun, that of the same day. `None` if the calendar has no such day.
    #[must_use]
    pub fn tomorrow_at(&self, hour: i8, at_ms: i64) -> Option<i64> {
        let here = self.0.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        let day = if here.hour() < NIGHT_ENDS { here.date() } else { here.date().tomorrow().ok()? };
        let then = day.at(hour, 0, 0, 0);
        Some(self.0.to_zoned_datetime(then).ok()?.timestamp().as_millisecond())
    }

    /// This hour of the next Monday after the day of a time, both in milliseconds since the epoch; of a night, the day is the one
    /// before. `None` if the calendar has no such day.
    #[must_use]
    pub fn monday_at(&self, hour: i8, at_ms: i64) -> Option<i64> {
        let here = self.0.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        let day = if here.hour() < NIGHT_ENDS { here.date().yesterday().ok()? } else { here.date() };
        let monday = day.nth_weekday(1, Weekday::Monday).ok()?;
        Some(self.0.to_zoned_datetime(monday.at(hour, 0, 0, 0)).ok()?.timestamp().as_millisecond())
    }

    /// A date and a time of day like `2026-11-27T09:00`, as browsers send them, in milliseconds since the epoch. A time that a
    /// change of the clocks leaves out is as much later as the clocks jump, and of one that there is twice it is the first.
    #[must_use]
    pub fn local(&self, text: &str) -> Option<i64> {
        let then: DateTime = text.contains('T').then(|| text.parse().ok())??;
        Some(self.0.to_zoned_datetime(then).ok()?.timestamp().as_millisecond())
    }

    /// A time in milliseconds since the epoch, as the value of a field: the inverse of [`local`](Self::local).
    #[must_use]
    pub fn field(&self, at_ms: i64) -> Option<String> {
        self.written("%Y-%m-%dT%H:%M", at_ms)
    }

    /// A time in milliseconds since the epoch, for people, like `Fri 27 Nov 2026, 09:00`.
    #[must_use]
    pub fn words(&self, at_ms: i64) -> Option<String> {
        self.written("%a %-d %b %Y, %H:%M", at_ms)
    }

    /// The name of the zone in the IANA database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn written(&self, format: &str, at_ms: i64) -> Option<String> {
        let here = self.0.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        Some(here.strftime(format).to_string())
    }

    /// Where clocks are set at midnight, the first moment of the day.
    fn begin_of(&self, date: Date) -> Option<i64> {
        Some(self.0.to_zoned_datetime(date.at(0, 0, 0, 0)).ok()?.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::utc_timestamp;

    fn day_of(zone: &str, year: i16, month: i8, day: i8) -> (String, String) {
        let (begins_at, ends_at) = Zone::named(zone).unwrap().day(year, month, day).unwrap();
        (utc_timestamp(begins_at), utc_timestamp(ends_at))
    }

    #[test]
    fn a_day_begins_and_ends_at_the_midnights_of_its_zone() {
        for (zone, begins_at, ends_at) in [
            ("UTC", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("Europe/Berlin", "2026-01-30T23:00:00Z", "2026-01-31T23:00:00Z"),
            ("Asia/Kathmandu", "2026-01-30T18:15:00Z", "2026-01-31T18:15:00Z"),
            ("America/Los_Angeles", "2026-01-31T08:00:00Z", "2026-02-01T08:00:00Z"),
            ("Pacific/Kiritimati", "2026-01-30T10:00:00Z", "2026-01-31T10:00:00Z"),
        ] {
            assert_eq!(day_of(zone, 2026, 1, 31), (begins_at.into(), ends_at.into()), "{zone}");
        }
    }

    #[test]
    fn a_day_on_which_clocks_change_has_its_own_length() {
        assert_eq!(
            day_of("Europe/Berlin", 2026, 3, 29),
            ("2026-03-28T23:00:00Z".into(), "2026-03-29T22:00:00Z".into())
        );
        // There, clocks go from midnight to one o'clock.
        assert_eq!(day_of("Africa/Cairo", 2026, 4, 24), ("2026-04-23T22:00:00Z".into(), "2026-04-24T21:00:00Z".into()));
    }

    #[test]
    fn the_day_of_the_week_and_the_hour_are_those_of_the_zone() {
        let at = |zone: &str, at_ms| Zone::named(zone).unwrap().weekday_and_time(at_ms);
        // 2023-11-14, a Tuesday, 22:13:20 UTC.
        assert_eq!(at("UTC", 1_700_000_000_000), Some((1, 22, 13)));
        assert_eq!(at("Asia/Kathmandu", 1_700_000_000_000), Some((2, 3, 58)));
        assert_eq!(at("UTC", i64::MAX), None);
        let next = |zone: &str, at_ms| utc_timestamp(Zone::named(zone).unwrap().tomorrow_at(8, at_ms).unwrap());
        assert_eq!(next("UTC", 1_700_000_000_000), "2023-11-15T08:00:00Z");
        assert_eq!(next("Asia/Kathmandu", 1_700_000_000_000), "2023-11-15T02:15:00Z", "in the night, today's");
        // 04:58 and 05:03 there.
        assert_eq!(next("Asia/Kathmandu", 1_700_003_600_000), "2023-11-15T02:15:00Z");
        assert_eq!(next("Asia/Kathmandu", 1_700_003_900_000), "2023-11-16T02:15:00Z");
        assert_eq!(Zone::UTC.tomorrow_at(8, i64::MAX), None);
    }

    #[test]
    fn unknown_zones_and_days_are_none() {
        for name in ["", "Europe/Nowhere", "../../etc/passwd", "Europe/Berlin\0", &"x".repeat(10_000)] {
            assert!(Zone::named(name).is_none(), "{name}");
        }
        for (year, month, day) in [(2026, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31), (2026, 1, 0)] {
            assert_eq!(Zone::UTC.day(year, month, day), None);
        }
        assert!(Zone::UTC.day(9999, 12, 30).is_some() && Zone::UTC.day(0, 1, 1).is_some());
    }
}
