//! Pushes: what a person wants of them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::AppError;

/// The days of the week, from Monday on.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A set of days of the week: a bit for each, Monday's is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
pub struct Weekdays(i64);

impl Weekdays {
    /// These days, numbered from 0 for Monday. Other numbers are ignored.
    #[must_use]
    pub fn new(days: impl IntoIterator<Item = usize>) -> Self {
        Self(days.into_iter().filter(|day| *day < WEEKDAYS.len()).fold(0, |set, day| set | 1 << day))
    }

    /// Whether a day is among them.
    #[must_use]
    pub const fn contains(self, day: usize) -> bool {
        day < WEEKDAYS.len() && self.0 & (1 << day) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A time of the day, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
pub struct Minute(i64);

impl Minute {
    /// The time of this hour and minute; `None` if a day has no such time.
    #[must_use]
    pub const fn new(hour: i64, minute: i64) -> Option<Self> {
        if 0 <= hour && hour < 24 && 0 <= minute && minute < 60 { Some(Self(hour * 60 + minute)) } else { None }
    }

    /// The time as `07:30`, the value of a field for times.
    #[must_use]
    pub fn text(self) -> String {
        format!("{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Parses `07:30`, with seconds or without, as browsers submit it.
impl FromStr for Minute {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let invalid = || AppError::invalid("quiet_from", "Enter times of the day, like 22:00.");
        let mut parts = text.trim().split(':').map(|part| {
            let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { part.parse().ok() } else { None }
        });
        let (Some(Some(hour)), Some(Some(minute))) = (parts.next(), parts.next()) else { return Err(invalid()) };
        let has_seconds = matches!(parts.next(), None | Some(Some(0..=59)));
        let time = Self::new(hour, minute).filter(|_| has_seconds && parts.next().is_none());
        time.ok_or_else(invalid)
    }
}

/// The hours of the week in which nothing is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct QuietHours {
    /// When it becomes quiet.
    #[cfg_attr(feature = "ssr", sqlx(rename = "quiet_from"))]
    pub from: Minute,
    /// When that ends: on the next day, if it is the earlier time.
    #[cfg_attr(feature = "ssr", sqlx(rename = "quiet_to"))]
    pub to: Minute,
    /// The days on which it becomes quiet at that time.
    #[cfg_attr(feature = "ssr", sqlx(rename = "quiet_nights"))]
    pub nights: Weekdays,
    /// The days that are quiet as a whole.
    #[cfg_attr(feature = "ssr", sqlx(rename = "quiet_days"))]
    pub days: Weekdays,
}

/// No quiet hours; the times are a suggestion.
impl Default for QuietHours {
    fn default() -> Self {
        Self { from: Minute(22 * 60), to: Minute(7 * 60), nights: Weekdays::default(), days: Weekdays::default() }
    }
}

impl QuietHours {
    /// Whether it is quiet at this minute of this day of the week (0 is Monday).
    #[must_use]
    pub fn contain(&self, day: usize, minute: Minute) -> bool {
        let Self { from, to, nights, days } = *self;
        let before = (day + WEEKDAYS.len() - 1) % WEEKDAYS.len();
        let in_night = if from < to {
            nights.contains(day) && (from..to).contains(&minute)
        } else {
            nights.contains(day) && minute >= from || nights.contains(before) && minute < to
        };
        days.contains(day) || in_night
    }
}

/// What a person wants of pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct PushSettings {
    /// Pushes say who wrote and where, but not what.
    pub names_only: bool,
    /// Nothing is pushed before this time, in milliseconds since the epoch.
    pub paused_until: Option<i64>,
    /// The hours in which nothing is pushed.
    #[cfg_attr(feature = "ssr", sqlx(flatten))]
    pub quiet: QuietHours,
    /// The name of the zone of those times in the IANA database.
    pub time_zone: String,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self { names_only: false, paused_until: None, quiet: QuietHours::default(), time_zone: "UTC".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: usize = 0;
    const TUESDAY: usize = 1;
    const SUNDAY: usize = 6;

    fn at(text: &str) -> Minute {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_as_browsers_submit_them() {
        for (text, shown) in [("22:00", "22:00"), ("7:05", "07:05"), (" 00:00 ", "00:00"), ("23:59:59", "23:59")] {
            assert_eq!(at(text).text(), shown);
        }
        for text in
            ["", "22", "24:00", "12:60", "-1:00", "+1:00", "1:2:3:4", "12:00:60", "12:x", "1234:00", "12.00", "١٢:٠٠"]
        {
            assert!(text.parse::<Minute>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_quiet_night_ends_in_the_next_morning() {
        let quiet = QuietHours { nights: Weekdays::new([SUNDAY]), ..QuietHours::default() };
        for (day, time, is_quiet) in [
            (SUNDAY, "21:59", false),
            (SUNDAY, "22:00", true),
            (SUNDAY, "06:00", false),
            (MONDAY, "00:00", true),
            (MONDAY, "06:59", true),
            (MONDAY, "07:00", false),
            (MONDAY, "23:00", false),
            (TUESDAY, "01:00", false),
        ] {
            assert_eq!(quiet.contain(day, at(time)), is_quiet, "{day} {time}");
        }
    }

    #[test]
    fn quiet_hours_of_a_day_and_whole_days() {
        let noon = QuietHours {
            from: at("12:00"),
            to: at("13:00"),
            nights: Weekdays::new([MONDAY]),
            days: Weekdays::new([SUNDAY, 7, 64]),
        };
        for (day, time, is_quiet) in [
            (MONDAY, "11:59", false),
            (MONDAY, "12:00", true),
            (MONDAY, "13:00", false),
            (TUESDAY, "12:30", false),
            (SUNDAY, "00:00", true),
            (SUNDAY, "23:59", true),
        ] {
            assert_eq!(noon.contain(day, at(time)), is_quiet, "{day} {time}");
        }
        assert!(!QuietHours::default().contain(MONDAY, at("23:00")), "none by default");
        let all_night = QuietHours { from: at("10:00"), to: at("10:00"), ..noon };
        assert!(all_night.contain(MONDAY, at("10:00")) && all_night.contain(TUESDAY, at("09:59")), "a whole day");
    }
}
