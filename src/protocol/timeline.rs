//! The browser's state of the room in view: a contiguous range of its messages, updated by events.
//!
//! A plain type, so that gaps, repeated events and late arrivals are tested without a browser.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Anchor, Involvement, Message, MessageId, Place, Room, RoomId, ThreadHead};
use crate::protocol::{Cursor, ServerEvent};

/// The data of a room's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPage {
    /// The room.
    pub room: Room,
    /// The viewer's involvement in it.
    pub involvement: Involvement,
    /// The messages, and the position in the log they were read at.
    pub timeline: Timeline,
    /// The message in the page's URL.
    pub target: Option<MessageId>,
    /// The first message of another user after the last one that the viewer had read.
    pub first_unread: Option<MessageId>,
    /// For the page of a thread: what it shows beside the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadHead>,
}

/// How many messages remain after trimming.
const MAX_MESSAGES: usize = 300;

/// How many messages above [`MAX_MESSAGES`] a timeline may have before it is trimmed, so that not every new message trims
/// one.
const TRIM_MARGIN: usize = 20;

/// A range of a room's messages without gaps, oldest first; or of a thread's, which begin with its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The room.
    pub room_id: RoomId,
    /// The root of the thread whose messages these are; `None` for those of the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// The messages, ordered by id. Shared, so that a cached page is sent without copying it.
    pub messages: Arc<Vec<Message>>,
    /// There are older messages before the first one.
    pub has_older: bool,
    /// There are newer messages after the last one.
    pub has_newer: bool,
    /// The position in the log up to which the range is complete.
    pub cursor: Cursor,
    /// Messages removed while the room was in view. A late response or event must not insert them again.
    #[serde(skip)]
    pub removed: BTreeSet<MessageId>,
    /// What is shown of the room's pins, as HTML; empty without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pins_html: String,
    /// The number of the event that changed the pins last while the room was in view.
    #[serde(skip)]
    pub pins_seq: i64,
}

impl Timeline {
    /// Applies an event. Events of other rooms, repeated events and older states change nothing.
    ///
    /// Returns whether a message changed, or the pins.
    pub fn apply(&mut self, event: &ServerEvent) -> bool {
        let changed = match event {
            ServerEvent::MessagePosted { message, .. } | ServerEvent::MessageEdited { message, .. } => {
                if message.room_id != self.room_id {
                    return false;
                }
                // A thread has the messages of the room that it has already: its root, and answers that the room shows.
                if self.thread.is_some() { self.take_in(message) } else { self.upsert(message) }
            }
            ServerEvent::ThreadAnswer { root_id, message, .. } => {
                if message.room_id != self.room_id {
                    return false;
                }
                // A room receives the answers that it shows by other events.
                self.thread == Some(*root_id) && self.upsert(message)
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
            ServerEvent::MessageExtended { seq, room_id, message_id, extras_html, .. } => {
                if *room_id != self.room_id {
                    return false;
                }
                self.extend(*message_id, *seq, extras_html)
            }
            ServerEvent::PinsChanged { seq, room_id, pins_html, .. } => {
                if *room_id != self.room_id {
                    return false;
                }
                let is_late = *seq < self.pins_seq;
                if !is_late {
                    self.pins_seq = *seq;
                    self.pins_html.clone_from(pins_html);
                }
                !is_late
            }
            ServerEvent::ReplyChanged { room_id, message_id, reply_html } => {
                if *room_id == self.room_id {
                    self.change_reply(*message_id, reply_html);
                }
                return false;
            }
            ServerEvent::CaughtUp { room_id, cursor } => {
                if *room_id == self.room_id {
                    self.cursor = cursor.clone();
                }
                return false;
            }
            _ => return false,
        };
        if let Some((seq, at)) = event.position()
            && seq > self.cursor.seq
        {
            self.cursor.seq = seq;
            self.cursor.at = at;
        }
        changed
    }

    /// Inserts a message in order, or merges it with the state already present. Returns whether anything changed.
    ///
    /// A message beyond an end that has more messages is left out: inserting it would hide the gap.
    pub fn upsert(&mut self, message: &Message) -> bool {
        if self.removed.contains(&message.id) {
            return false;
        }
        match self.messages.binary_search_by_key(&message.id, |known| known.id) {
            Ok(index) => self.messages_mut()[index].take_in(message),
            Err(0) if self.has_older && !self.messages.is_empty() => false,
            Err(index) if index == self.messages.len() && self.has_newer => false,
            Err(index) => {
                self.messages_mut().insert(index, message.clone());
                true
            }
        }
    }

    /// Merges a message with the state already present, if it is.
    fn take_in(&mut self, message: &Message) -> bool {
        let Ok(index) = self.messages.binary_search_by_key(&message.id, |known| known.id) else { return false };
        self.messages_mut()[index].take_in(message)
    }

    /// The path of the page that shows these messages at an anchor.
    #[must_use]
    pub fn path(&self, anchor: Anchor) -> String {
        Place::of(self.room_id, self.thread, anchor).path()
    }

    /// Inserts a page of older messages at the start.
    pub fn prepend(&mut self, older: MessagePage) {
        self.has_older = older.has_more;
        let first = self.messages.first().map(|first| first.id);
        let mut older = older.messages;
        older.retain(|message| !self.removed.contains(&message.id) && first.is_none_or(|first| message.id < first));
        self.messages_mut().splice(..0, older);
    }

    /// Appends a page of newer messages.
    pub fn append(&mut self, newer: MessagePage) {
        self.has_newer = newer.has_more;
        let last = self.messages.last().map(|last| last.id);
        let mut newer = newer.messages;
        newer.retain(|message| !self.removed.contains(&message.id) && last.is_none_or(|last| message.id > last));
        self.messages_mut().append(&mut newer);
    }

    /// Whether there are enough messages that some should be trimmed.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.messages.len() > MAX_MESSAGES + TRIM_MARGIN
    }

    /// Removes the oldest messages above the maximum, if [`is_long`](Self::is_long).
    pub fn trim_older(&mut self) {
        if self.is_long() {
            let surplus = self.messages.len() - MAX_MESSAGES;
            self.messages_mut().drain(..surplus);
            self.has_older = true;
        }
    }

    /// Removes the newest messages above the maximum, if [`is_long`](Self::is_long).
    pub fn trim_newer(&mut self) {
        if self.is_long() {
            self.messages_mut().truncate(MAX_MESSAGES);
            self.has_newer = true;
        }
    }

    /// The newest message of the room; `None` if it is not in the range or the room is empty.
    #[must_use]
    pub fn newest(&self) -> Option<MessageId> {
        if self.has_newer { None } else { self.messages.last().map(|message| message.id) }
    }

    /// The messages for writing; copies them if they are shared.
    fn messages_mut(&mut self) -> &mut Vec<Message> {
        Arc::make_mut(&mut self.messages)
    }

    /// Changes the line above the answers to a message. The rows of the page are changed by what received the event, since
    /// the data embedded in a page does not say what its messages answer.
    fn change_reply(&mut self, message_id: MessageId, reply_html: &str) {
        for answer in self.messages_mut().iter_mut().filter(|known| known.reply_to == Some(message_id)) {
            reply_html.clone_into(&mut answer.reply_html);
        }
    }

    fn extend(&mut self, message_id: MessageId, seq: i64, extras_html: &str) -> bool {
        let Ok(index) = self.messages.binary_search_by_key(&message_id, |known| known.id) else { return false };
        if self.messages[index].extras_seq >= seq {
            return false;
        }
        let known = &mut self.messages_mut()[index];
        known.extras_html = extras_html.to_owned();
        known.extras_seq = seq;
        true
    }

    fn boost(&mut self, message_id: MessageId, seq: i64, boosts_html: &str) -> bool {
        let Ok(index) = self.messages.binary_search_by_key(&message_id, |known| known.id) else { return false };
        if self.messages[index].boosts_seq >= seq {
            return false;
        }
        let known = &mut self.messages_mut()[index];
        known.boosts_html = boosts_html.to_owned();
        known.boosts_seq = seq;
        true
    }

    fn remove(&mut self, message_id: MessageId) -> bool {
        self.removed.insert(message_id);
        match self.messages.binary_search_by_key(&message_id, |known| known.id) {
            Ok(index) => {
                self.messages_mut().remove(index);
                true
            }
            Err(_) => false,
        }
    }
}

/// A page of messages before or after a known one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// There are more messages in the same direction.
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
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        }
    }

    fn timeline(ids: &[i64], has_older: bool, has_newer: bool) -> Timeline {
        Timeline {
            room_id: ROOM,
            thread: None,
            messages: Arc::new(ids.iter().map(|id| message(*id, 1)).collect()),
            has_older,
            has_newer,
            cursor: Cursor { epoch: "e".into(), seq: 10, at: 10 },
            removed: BTreeSet::new(),
            pins_html: String::new(),
            pins_seq: 0,
        }
    }

    fn posted(seq: i64, message: Message) -> ServerEvent {
        ServerEvent::MessagePosted { seq, at: seq, message }
    }

    fn ids(timeline: &Timeline) -> Vec<i64> {
        timeline.messages.iter().map(|message| message.id.0).collect()
    }

    #[test]
    fn a_repeated_event_changes_nothing() {
        let mut timeline = timeline(&[1, 2], false, false);
        assert!(timeline.apply(&posted(11, message(3, 1))));
        assert!(!timeline.apply(&posted(11, message(3, 1))));
        assert_eq!(ids(&timeline), [1, 2, 3]);
        assert_eq!(timeline.cursor.seq, 11);
    }

    #[test]
    fn a_late_message_is_inserted_in_order() {
        let mut timeline = timeline(&[1, 3], false, false);
        assert!(timeline.apply(&posted(11, message(2, 1))));
        assert_eq!(ids(&timeline), [1, 2, 3]);
    }

    #[test]
    fn an_older_revision_does_not_overwrite_an_edit() {
        let mut timeline = timeline(&[1], false, false);
        let edited = ServerEvent::MessageEdited { seq: 12, at: 12, message: message(1, 3) };
        assert!(timeline.apply(&edited));
        let late = ServerEvent::MessageEdited { seq: 11, at: 11, message: message(1, 2) };
        assert!(!timeline.apply(&late));
        assert_eq!(timeline.messages[0].revision, 3);
        assert_eq!(timeline.cursor.seq, 12);
    }

    #[test]
    fn a_removed_message_is_not_inserted_again() {
        let mut timeline = timeline(&[1, 2], false, false);
        let removed = ServerEvent::MessageRemoved { seq: 11, at: 11, room_id: ROOM, message_id: MessageId(1) };
        assert!(timeline.apply(&removed));
        assert!(!timeline.apply(&removed));
        assert!(!timeline.apply(&posted(9, message(1, 1))), "the response to its post is late");
        timeline.prepend(MessagePage { messages: vec![message(1, 1)], has_more: false });
        assert_eq!(ids(&timeline), [2]);
    }

    #[test]
    fn messages_beyond_a_gap_are_left_out() {
        let mut timeline = timeline(&[5, 6], true, true);
        assert!(!timeline.apply(&posted(11, message(9, 1))));
        assert!(!timeline.apply(&posted(12, message(2, 1))));
        assert_eq!(ids(&timeline), [5, 6]);
        assert_eq!(timeline.newest(), None);
    }

    #[test]
    fn the_first_message_of_an_empty_room_is_inserted() {
        let mut timeline = timeline(&[], false, false);
        assert!(timeline.apply(&posted(11, message(1, 1))));
        assert_eq!(timeline.newest(), Some(MessageId(1)));
    }

    #[test]
    fn events_of_other_rooms_change_nothing() {
        let mut timeline = timeline(&[1], false, false);
        let mut elsewhere = message(2, 1);
        elsewhere.room_id = RoomId(2);
        assert!(!timeline.apply(&posted(11, elsewhere)));
        assert_eq!(timeline.cursor.seq, 10);
    }

    #[test]
    fn boosts_and_edits_can_arrive_in_any_order() {
        let boosted = |seq, html: &str| ServerEvent::MessageBoosted {
            seq,
            at: seq,
            room_id: ROOM,
            message_id: MessageId(1),
            boosts_html: html.to_owned(),
        };
        let mut timeline = timeline(&[1], false, false);
        assert!(timeline.apply(&boosted(12, "two")));
        assert!(!timeline.apply(&boosted(11, "one")), "an older state is late");
        let edited = ServerEvent::MessageEdited { seq: 13, at: 13, message: message(1, 2) };
        assert!(timeline.apply(&edited), "an edit whose message has older boosts");
        assert_eq!(timeline.messages[0].boosts_html, "two");
        assert_eq!(timeline.messages[0].revision, 2);
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
    fn a_late_state_of_the_pins_changes_nothing() {
        let pinned = |seq, html: &str| ServerEvent::PinsChanged { seq, at: seq, room_id: ROOM, pins_html: html.into() };
        let mut timeline = timeline(&[1], false, false);
        assert!(timeline.apply(&pinned(12, "two")));
        assert!(!timeline.apply(&pinned(10, "what a catch-up read before it")));
        assert_eq!((timeline.pins_html.as_str(), timeline.cursor.seq), ("two", 12));
        assert!(timeline.apply(&pinned(13, "")) && timeline.pins_html.is_empty());
        let elsewhere = ServerEvent::PinsChanged { seq: 14, at: 14, room_id: RoomId(2), pins_html: "x".into() };
        assert!(!timeline.apply(&elsewhere) && timeline.pins_html.is_empty());
    }

    #[test]
    fn a_long_timeline_is_trimmed_at_either_end() {
        let many: Vec<i64> = (1..=321).collect();
        let mut read_down = timeline(&many, false, false);
        read_down.trim_older();
        assert_eq!(read_down.messages.len(), 300);
        assert_eq!(read_down.messages[0].id, MessageId(22));
        assert!(read_down.has_older);
        let mut read_up = timeline(&many, true, false);
        read_up.trim_newer();
        assert_eq!(read_up.messages.len(), 300);
        assert!(read_up.has_newer);
        assert_eq!(read_up.newest(), None);
        let mut short = timeline(&many[..320], false, false);
        short.trim_newer();
        short.trim_older();
        assert!(!short.has_newer && !short.has_older);
    }

    #[test]
    fn a_room_ignores_answers_and_a_thread_takes_those_of_its_own() {
        let answer = |root_id, id, revision| ServerEvent::ThreadAnswer {
            seq: 10 + id,
            at: 10 + id,
            root_id: MessageId(root_id),
            is_new: revision == 1,
            message: message(id, revision),
        };
        let mut room = timeline(&[1, 2], false, false);
        assert!(!room.apply(&answer(1, 3, 1)));
        assert_eq!((ids(&room), room.cursor.seq), (vec![1, 2], 13), "the room knows up to where it is complete");
        let mut thread = Timeline { thread: Some(MessageId(1)), ..timeline(&[1], false, false) };
        assert!(thread.apply(&answer(1, 3, 1)) && thread.apply(&answer(1, 3, 2)) && !thread.apply(&answer(1, 3, 1)));
        assert!(!thread.apply(&answer(2, 4, 1)), "the answer of another thread");
        assert!(!thread.apply(&posted(15, message(5, 1))), "a message of the room");
        let edited = ServerEvent::MessageEdited { seq: 16, at: 16, message: message(1, 2) };
        assert!(thread.apply(&edited), "its root");
        assert_eq!((ids(&thread), thread.messages[0].revision), (vec![1, 3], 2));
        let removed = ServerEvent::MessageRemoved { seq: 17, at: 17, room_id: ROOM, message_id: MessageId(3) };
        assert!(thread.apply(&removed) && !thread.apply(&answer(1, 3, 1)));
        assert_eq!(ids(&thread), [1]);
        assert_eq!(thread.path(Anchor::Around(MessageId(3))), "/rooms/1/threads/1/@3");
    }

    #[test]
    fn overlapping_pages_are_joined_without_duplicates() {
        let mut timeline = timeline(&[5, 6], true, true);
        timeline.prepend(MessagePage { messages: vec![message(3, 1), message(4, 1), message(5, 1)], has_more: false });
        timeline.append(MessagePage { messages: vec![message(6, 1), message(7, 1)], has_more: false });
        assert_eq!(ids(&timeline), [3, 4, 5, 6, 7]);
        assert!(!timeline.has_older && !timeline.has_newer);
    }
}
