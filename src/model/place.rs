//! Places: the URLs of the chat itself, parsed once for the server's handlers and for the browser's navigation.
//!
//! Pages of forms (settings, search, sign-in) are not places: their URLs are always answered by the server.

use serde::{Deserialize, Serialize};

use super::{MessageId, RoomId, paths};

/// Which messages of a room a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those around a message, which is marked.
    Around(MessageId),
    /// Those just before a message.
    Before(MessageId),
}

/// A URL of the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`, rendered for someone who is in no room. Everybody else is redirected from there to a room.
    NoRoom,
    /// `/rooms/4`, `/rooms/4/@41` or `/rooms/4?before=41`.
    Room {
        /// The room.
        room_id: RoomId,
        /// The messages to show.
        anchor: Anchor,
    },
    /// `/rooms/4/threads/41`, `/rooms/4/threads/41/@50` or `/rooms/4/threads/41?before=50`.
    Thread {
        /// The room.
        room_id: RoomId,
        /// The root of the thread.
        root_id: MessageId,
        /// The messages to show.
        anchor: Anchor,
    },
}

impl Place {
    /// Parses a path with its query, as a request line or `location.pathname + location.search` has it.
    ///
    /// `None` for anything that is not a page of the chat, a trailing slash included: the server answers that with 404,
    /// or with a page of its own. Query parameters other than `before` are ignored, and so is a `before` that is no id.
    #[must_use]
    pub fn parse(path_and_query: &str) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        if path == "/" {
            return Some(Self::NoRoom);
        }
        let room = path.strip_prefix("/rooms/")?;
        let (room_id, rest) = room.split_once('/').map_or((room, None), |(room_id, rest)| (room_id, Some(rest)));
        let (root_id, at) = match rest.and_then(|rest| rest.strip_prefix("threads/")) {
            Some(thread) => match thread.split_once('/') {
                Some((root_id, at)) => (Some(root_id.parse().ok()?), Some(at)),
                None => (Some(thread.parse().ok()?), None),
            },
            None => (None, rest),
        };
        let anchor = match at {
            Some(at) => {
                // Some programs percent-encode the sign when a link is copied through them.
                let message_id = at.strip_prefix('@').or_else(|| at.strip_prefix("%40"))?;
                Anchor::Around(message_id.parse().ok()?)
            }
            None => before(query).map_or(Anchor::Newest, Anchor::Before),
        };
        Some(Self::of(room_id.parse().ok()?, root_id, anchor))
    }

    /// The page of a room, or of a thread in it.
    #[must_use]
    pub const fn of(room_id: RoomId, thread: Option<MessageId>, anchor: Anchor) -> Self {
        match thread {
            Some(root_id) => Self::Thread { room_id, root_id, anchor },
            None => Self::Room { room_id, anchor },
        }
    }

    /// The canonical path and query: `parse` gives the same place back.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::NoRoom => paths::HOME.to_owned(),
            Self::Room { room_id, anchor: Anchor::Newest } => paths::room(room_id),
            Self::Room { room_id, anchor: Anchor::Around(message_id) } => paths::message(room_id, message_id),
            Self::Room { room_id, anchor: Anchor::Before(message_id) } => paths::room_before(room_id, message_id),
            Self::Thread { room_id, root_id, anchor } => {
                let thread = paths::thread(room_id, root_id);
                match anchor {
                    Anchor::Newest => thread,
                    Anchor::Around(message_id) => thread + "/@" + &message_id.to_string(),
                    Anchor::Before(message_id) => thread + "?before=" + &message_id.to_string(),
                }
            }
        }
    }

    /// The room, if the place is in one.
    #[must_use]
    pub const fn room_id(self) -> Option<RoomId> {
        match self {
            Self::NoRoom => None,
            Self::Room { room_id, .. } | Self::Thread { room_id, .. } => Some(room_id),
        }
    }

    /// The root of the thread, if the place is one.
    #[must_use]
    pub const fn thread(self) -> Option<MessageId> {
        if let Self::Thread { root_id, .. } = self { Some(root_id) } else { None }
    }

    /// The messages that it shows, if it is in a room.
    #[must_use]
    pub const fn anchor(self) -> Option<Anchor> {
        match self {
            Self::NoRoom => None,
            Self::Room { anchor, .. } | Self::Thread { anchor, .. } => Some(anchor),
        }
    }
}

fn before(query: &str) -> Option<MessageId> {
    query.split('&').find_map(|pair| pair.strip_prefix("before=")).and_then(|id| id.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn room(anchor: Anchor) -> Place {
        Place::Room { room_id: RoomId(4), anchor }
    }

    const fn thread(anchor: Anchor) -> Place {
        Place::Thread { room_id: RoomId(4), root_id: MessageId(41), anchor }
    }

    #[test]
    fn a_place_is_parsed_back_from_its_path() {
        for (place, path) in [
            (Place::NoRoom, "/"),
            (room(Anchor::Newest), "/rooms/4"),
            (room(Anchor::Around(MessageId(41))), "/rooms/4/@41"),
            (room(Anchor::Before(MessageId(41))), "/rooms/4?before=41"),
            (thread(Anchor::Newest), "/rooms/4/threads/41"),
            (thread(Anchor::Around(MessageId(50))), "/rooms/4/threads/41/@50"),
            (thread(Anchor::Before(MessageId(50))), "/rooms/4/threads/41?before=50"),
        ] {
            assert_eq!(place.path(), path);
            assert_eq!(Place::parse(path), Some(place), "{path}");
        }
    }

    #[test]
    fn other_parameters_of_the_query_change_nothing() {
        assert_eq!(Place::parse("/?notice=saved"), Some(Place::NoRoom));
        assert_eq!(Place::parse("/rooms/4?notice=saved"), Some(room(Anchor::Newest)));
        assert_eq!(Place::parse("/rooms/4?plain=1&before=41"), Some(room(Anchor::Before(MessageId(41)))));
        assert_eq!(Place::parse("/rooms/4/@41?before=7"), Some(room(Anchor::Around(MessageId(41)))));
        for query in ["", "before", "before=", "before=x", "before=-1", "before=0", "notbefore=41"] {
            assert_eq!(Place::parse(&format!("/rooms/4?{query}")), Some(room(Anchor::Newest)), "{query}");
        }
    }

    #[test]
    fn an_encoded_at_sign_leads_to_the_same_message() {
        assert_eq!(Place::parse("/rooms/4/%4041"), Some(room(Anchor::Around(MessageId(41)))));
    }

    #[test]
    fn every_other_path_is_no_place() {
        for path in [
            "",
            "?before=41",
            "rooms/4",
            "//",
            "/rooms",
            "/rooms/",
            "/rooms/4/",
            "/rooms/4/@41/",
            "/rooms/4//@41",
            "/rooms//@41",
            "/rooms/0",
            "/rooms/-4",
            "/rooms/x",
            "/rooms/99999999999999999999",
            "/rooms/4/41",
            "/rooms/4/@",
            "/rooms/4/@x",
            "/rooms/4/@0",
            "/rooms/4/messages",
            "/rooms/4/threads",
            "/rooms/4/threads/",
            "/rooms/4/threads/x",
            "/rooms/4/threads/41/",
            "/rooms/4/threads/41/50",
            "/rooms/4/threads/41/@50/",
            "/rooms/4/threads/41/follow",
            "/rooms/x/threads/41",
            "/rooms/4/involvement",
            "/rooms/opens/new",
            "/rooms/directs/4/edit",
            "/Rooms/4",
            "/users/4",
            "/searches",
            "https://evil.example/rooms/4",
        ] {
            assert_eq!(Place::parse(path), None, "{path:?}");
        }
    }

    #[test]
    fn only_a_room_has_a_room() {
        assert_eq!(Place::NoRoom.room_id(), None);
        assert_eq!(room(Anchor::Around(MessageId(41))).room_id(), Some(RoomId(4)));
        assert_eq!(
            (thread(Anchor::Newest).thread(), thread(Anchor::Newest).room_id()),
            (Some(MessageId(41)), Some(RoomId(4)))
        );
        assert_eq!(room(Anchor::Newest).thread(), None);
    }
}
