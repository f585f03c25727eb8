//! What a browser keeps of the room in view: a stretch of its messages, brought up to date by events.
//!
//! A plain type, so that every rule about gaps, repeats and late arrivals is tested without a browser.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Involvement, Message, MessageId, Room, RoomId};
use crate::protocol::{Cursor, ServerEvent};

/// What a page of a room is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPage {
    pub room: Room,
    /// How much the reader wants to hear of it.
    pub involvement: Involvement,
    pub timeline: Timeline,
    /// The message that the page was opened at.
    pub target: Option<MessageId>,
    /// The first message that somebody else wrote after what the reader had read before.
    pub first_unread: Option<MessageId>,
}

/// How many messages a page keeps, and how many more it takes before it lets go of some.
const KEPT: (usize, usize) = (300, 20);

/// A stretch of messages without holes, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    pub room_id: RoomId,
    /// Shared, so that who hands a page on does not copy it.
    pub messages: Arc<Vec<Message>>,
    /// There are messages before the first one here.
    pub has_older: bool,
    /// There are messages after the last one here.
    pub has_newer: bool,
    /// All events up to here are in this stretch.
    pub cursor: Cursor,
    /// What was removed while this was in view: a late answer must not bring it back.
    #[serde(skip)]
    pub removed: BTreeSet<MessageId>,
}

impl Timeline {
    /// Takes in what happened. Frames about other rooms, and frames seen before, change nothing.
    ///
    /// Returns whether anything on the screen changed.
    pub fn apply(&mut self, frame: &ServerEvent) -> bool {
        let changed = match frame {
            ServerEvent::MessagePosted { message, .. } | ServerEvent::MessageEdited { message, .. } => {
                if message.room_id != self.room_id {
                    return false;
                }
                self.upsert(message)
            }
            ServerEvent::MessageRemoved { room_id, message_id, .. } => {
                if *room_id != self.room_id {
                    return false;
                }
                self.remove(*message_id)
            }
            ServerEvent::MessageBoosted { seq, room_id, message_id, boosts_html, .. } => {
                if *room_id != self.room_id {
                    return false;
                }
                self.boost(*message_id, *seq, boosts_html)
            }
            ServerEvent::CaughtUp { room_id, cursor } => {
                if *room_id == self.room_id {
                    self.cursor = cursor.clone();
                }
                return false;
            }
            _ => return false,
        };
        if let Some((seq, at)) = frame.position()
            && seq > self.cursor.seq
        {
            (self.cursor.seq, self.cursor.at) = (seq, at);
        }
        changed
    }

    /// Puts the message where it belongs, or replaces an older revision of it.
    ///
    /// One beyond either end is left out when more messages lie between: inserting it would hide the gap.
    pub fn upsert(&mut self, message: &Message) -> bool {
        if self.removed.contains(&message.id) {
            return false;
        }
        match self.messages.binary_search_by_key(&message.id, |known| known.id) {
            Ok(index) => self.known()[index].take_in(message),
            Err(0) if self.has_older && !self.messages.is_empty() => false,
            Err(index) if index == self.messages.len() && self.has_newer => false,
            Err(index) => {
                self.known().insert(index, message.clone());
                true
            }
        }
    }

    /// Puts an older page before the first message.
    pub fn prepend(&mut self, older: MessagePage) {
        self.has_older = older.has_more;
        let first = self.messages.first().map(|first| first.id);
        let mut older = older.messages;
        older.retain(|message| !self.removed.contains(&message.id) && first.is_none_or(|first| message.id < first));
        self.known().splice(..0, older);
    }

    /// Puts a newer page after the last message.
    pub fn append(&mut self, newer: MessagePage) {
        self.has_newer = newer.has_more;
        let last = self.messages.last().map(|last| last.id);
        let mut newer = newer.messages;
        newer.retain(|message| !self.removed.contains(&message.id) && last.is_none_or(|last| message.id > last));
        self.known().append(&mut newer);
    }

    /// Whether there are so many messages that some may go.
    #[must_use]
    pub fn is_long(&self) -> bool {
        let (most, leeway) = KEPT;
        self.messages.len() > most + leeway
    }

    /// Lets go of the oldest messages when there are too many.
    pub fn trim_older(&mut self) {
        if self.is_long() {
            let surplus = self.messages.len() - KEPT.0;
            self.known().drain(..surplus);
            self.has_older = true;
        }
    }

    /// Lets go of the newest messages when there are too many.
    pub fn trim_newer(&mut self) {
        if self.is_long() {
            self.known().truncate(KEPT.0);
            self.has_newer = true;
        }
    }

    /// The newest message there is, as far as this stretch knows it.
    #[must_use]
    pub fn newest(&self) -> Option<MessageId> {
        if self.has_newer { None } else { self.messages.last().map(|message| message.id) }
    }

    /// The messages to change; of shared ones a copy of its own.
    fn known(&mut self) -> &mut Vec<Message> {
        Arc::make_mut(&mut self.messages)
    }

    fn boost(&mut self, message_id: MessageId, seq: i64, boosts_html: &str) -> bool {
        let Ok(index) = self.messages.binary_search_by_key(&message_id, |known| known.id) else { return false };
        if self.messages[index].boosts_seq >= seq {
            return false;
        }
        let known = &mut self.known()[index];
        (known.boosts_html, known.boosts_seq) = (boosts_html.to_owned(), seq);
        true
    }

    fn remove(&mut self, message_id: MessageId) -> bool {
        self.removed.insert(message_id);
        match self.messages.binary_search_by_key(&message_id, |known| known.id) {
            Ok(index) => {
                self.known().remove(index);
                true
            }
            Err(_) => false,
        }
    }
}

/// Messages beside a known one, oldest first, and whether more lie beyond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    const ROOM: RoomId = RoomId(1);

    fn message(id: i64, revision: i64) -> Message {
        Message {
            id: MessageId(id),
            room_id: ROOM,
            creator_id: UserId(1),
            creator_name: "Ada".into(),
            client_message_id: None,
            body_html: format!("<p>{id}.{revision}</p>"),
            revision,
            created_at: id,
            boosts_html: String::new(),
            boosts_seq: 0,
        }
    }

    fn timeline(ids: &[i64], has_older: bool, has_newer: bool) -> Timeline {
        Timeline {
            room_id: ROOM,
            messages: Arc::new(ids.iter().map(|id| message(*id, 1)).collect()),
            has_older,
            has_newer,
            cursor: Cursor { epoch: "e".into(), seq: 10, at: 10 },
            removed: BTreeSet::new(),
        }
    }

    fn posted(seq: i64, message: Message) -> ServerEvent {
        ServerEvent::MessagePosted { seq, at: seq, message }
    }

    fn ids(timeline: &Timeline) -> Vec<i64> {
        timeline.messages.iter().map(|message| message.id.0).collect()
    }

    #[test]
    fn the_same_frame_twice_is_one_message() {
        let mut timeline = timeline(&[1, 2], false, false);
        assert!(timeline.apply(&posted(11, message(3, 1))));
        assert!(!timeline.apply(&posted(11, message(3, 1))));
        assert_eq!(ids(&timeline), [1, 2, 3]);
        assert_eq!(timeline.cursor.seq, 11);
    }

    #[test]
    fn a_late_message_stands_in_order() {
        let mut timeline = timeline(&[1, 3], false, false);
        assert!(timeline.apply(&posted(11, message(2, 1))));
        assert_eq!(ids(&timeline), [1, 2, 3]);
    }

    #[test]
    fn an_older_revision_does_not_undo_an_edit() {
        let mut timeline = timeline(&[1], false, false);
        let edited = ServerEvent::MessageEdited { seq: 12, at: 12, message: message(1, 3) };
        assert!(timeline.apply(&edited));
        let late = ServerEvent::MessageEdited { seq: 11, at: 11, message: message(1, 2) };
        assert!(!timeline.apply(&late));
        assert_eq!(timeline.messages[0].revision, 3);
        assert_eq!(timeline.cursor.seq, 12);
    }

    #[test]
    fn a_removal_takes_the_message_and_repeats_harmlessly() {
        let mut timeline = timeline(&[1, 2], false, false);
        let removed = ServerEvent::MessageRemoved { seq: 11, at: 11, room_id: ROOM, message_id: MessageId(1) };
        assert!(timeline.apply(&removed));
        assert!(!timeline.apply(&removed));
        assert!(!timeline.apply(&posted(9, message(1, 1))), "the answer to its post comes late");
        timeline.prepend(MessagePage { messages: vec![message(1, 1)], has_more: false });
        assert_eq!(ids(&timeline), [2]);
    }

    #[test]
    fn nothing_is_put_beyond_a_gap() {
        let mut timeline = timeline(&[5, 6], true, true);
        assert!(!timeline.apply(&posted(11, message(9, 1))));
        assert!(!timeline.apply(&posted(12, message(2, 1))));
        assert_eq!(ids(&timeline), [5, 6]);
        assert_eq!(timeline.newest(), None);
    }

    #[test]
    fn the_first_message_of_an_empty_room_is_taken() {
        let mut timeline = timeline(&[], false, false);
        assert!(timeline.apply(&posted(11, message(1, 1))));
        assert_eq!(timeline.newest(), Some(MessageId(1)));
    }

    #[test]
    fn other_rooms_change_nothing_here() {
        let mut timeline = timeline(&[1], false, false);
        let mut elsewhere = message(2, 1);
        elsewhere.room_id = RoomId(2);
        assert!(!timeline.apply(&posted(11, elsewhere)));
        assert_eq!(timeline.cursor.seq, 10);
    }

    #[test]
    fn boosts_and_edits_pass_each_other_without_harm() {
        let boosted = |seq, html: &str| ServerEvent::MessageBoosted {
            seq,
            at: seq,
            room_id: ROOM,
            message_id: MessageId(1),
            boosts_html: html.to_owned(),
        };
        let mut timeline = timeline(&[1], false, false);
        assert!(timeline.apply(&boosted(12, "two")));
        assert!(!timeline.apply(&boosted(11, "one")), "an older state comes late");
        let edited = ServerEvent::MessageEdited { seq: 13, at: 13, message: message(1, 2) };
        assert!(timeline.apply(&edited), "an edit that knows nothing of the boosts");
        assert_eq!((timeline.messages[0].boosts_html.as_str(), timeline.messages[0].revision), ("two", 2));
        assert!(timeline.apply(&boosted(14, "")));
        assert!(timeline.messages[0].boosts_html.is_empty());
        assert!(!timeline.apply(&ServerEvent::MessageBoosted {
            seq: 15,
            at: 15,
            room_id: ROOM,
            message_id: MessageId(9),
            boosts_html: String::new()
        }));
    }

    #[test]
    fn a_long_stretch_lets_go_of_its_far_end() {
        let many: Vec<i64> = (1..=321).collect();
        let mut read_down = timeline(&many, false, false);
        read_down.trim_older();
        assert_eq!(
            (read_down.messages.len(), read_down.messages[0].id, read_down.has_older),
            (300, MessageId(22), true)
        );
        let mut read_up = timeline(&many, true, false);
        read_up.trim_newer();
        assert_eq!((read_up.messages.len(), read_up.has_newer, read_up.newest()), (300, true, None));
        let mut short = timeline(&many[..320], false, false);
        short.trim_newer();
        short.trim_older();
        assert!(!short.has_newer && !short.has_older);
    }

    #[test]
    fn pages_join_without_doubles() {
        let mut timeline = timeline(&[5, 6], true, true);
        timeline.prepend(MessagePage { messages: vec![message(3, 1), message(4, 1), message(5, 1)], has_more: false });
        timeline.append(MessagePage { messages: vec![message(6, 1), message(7, 1)], has_more: false });
        assert_eq!(ids(&timeline), [3, 4, 5, 6, 7]);
        assert!(!timeline.has_older && !timeline.has_newer);
    }
}
