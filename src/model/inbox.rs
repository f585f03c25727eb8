//! The inbox: what was said to a person, why it is there, and how the person wants to hear of it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::AppError;

/// Why an entry is in somebody's inbox. The names are stored, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A message mentions the person.
    Mention,
    /// A message answers one of the person's.
    Answer,
    /// Somebody boosted one of the person's messages.
    Boost,
    /// A message answers in a thread that the person follows.
    ThreadAnswer,
    /// A message in a direct room. While one of a room is unread, later ones are no entries of their own.
    Ping,
    /// The time has come of which the person wanted to be reminded.
    Reminder,
}

impl Cause {
    /// All causes, in the order of the settings. Of several that a message has for one person, the first is the entry's.
    pub const ALL: [Self; 6] =
        [Self::Mention, Self::Answer, Self::Ping, Self::ThreadAnswer, Self::Boost, Self::Reminder];

    /// The cause as it is stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Answer => "answer",
            Self::Boost => "boost",
            Self::ThreadAnswer => "thread_answer",
            Self::Ping => "ping",
            Self::Reminder => "reminder",
        }
    }

    /// How people hear of it unless they choose otherwise.
    #[must_use]
    pub const fn default_delivery(self) -> Delivery {
        match self {
            Self::Mention | Self::Answer | Self::Ping | Self::Reminder => Delivery::Notify,
            Self::Boost | Self::ThreadAnswer => Delivery::Quiet,
        }
    }
}

/// How a person wants to hear of what has a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Not at all.
    Off,
    /// It is in the inbox, and counted there.
    Quiet,
    /// It is also pushed, and counted on the app's icon.
    Notify,
}

impl Delivery {
    /// All, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Off, Self::Quiet, Self::Notify];

    /// The delivery as it is stored and transmitted.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Quiet => "quiet",
            Self::Notify => "notify",
        }
    }

    /// The label in a list of choices.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Quiet => "Quiet",
            Self::Notify => "Notify",
        }
    }
}

impl FromStr for Delivery {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let found = Self::ALL.into_iter().find(|delivery| delivery.word() == text);
        found.ok_or_else(|| AppError::invalid("delivery", "Choose off, quiet or notify."))
    }
}

/// How many unread entries an inbox has, up to [`InboxCount::MAX`]. In JSON both numbers as an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct InboxCount {
    /// All unread ones.
    pub unread: u32,
    /// Those among them of which the person is notified: the number on the app's icon.
    pub badge: u32,
}

impl From<(u32, u32)> for InboxCount {
    fn from((unread, badge): (u32, u32)) -> Self {
        Self { unread, badge }
    }
}

impl From<InboxCount> for (u32, u32) {
    fn from(InboxCount { unread, badge }: InboxCount) -> Self {
        (unread, badge)
    }
}

impl InboxCount {
    /// The highest count: more are not told apart.
    pub const MAX: u32 = 100;

    /// A count as it is shown.
    #[must_use]
    pub fn text(count: u32) -> String {
        if count < Self::MAX { count.to_string() } else { "99+".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_a_person_notifies_and_the_rest_is_quiet() {
        let notifying: Vec<_> =
            Cause::ALL.into_iter().filter(|cause| cause.default_delivery() == Delivery::Notify).collect();
        assert_eq!(notifying, [Cause::Mention, Cause::Answer, Cause::Ping, Cause::Reminder]);
    }

    #[test]
    fn deliveries_are_read_as_they_are_written() {
        for delivery in Delivery::ALL {
            assert_eq!(delivery.word().parse(), Ok(delivery));
        }
        assert!("loud".parse::<Delivery>().is_err() && "".parse::<Delivery>().is_err());
    }

    #[test]
    fn counts_end_at_a_hundred() {
        assert_eq!((InboxCount::text(99), InboxCount::text(100)), ("99".to_owned(), "99+".to_owned()));
    }
}
