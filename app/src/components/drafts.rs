//! Text of the composer that is not sent or saved yet, kept in the browser's storage per user and room: the words of a
//! new message, what it replies to, and the change of an existing one.
//!
//! It belongs to its tab (`sessionStorage`), so that two tabs of a room do not overwrite or send each other's words. The
//! words of a new message are also kept for tabs that are opened later (`localStorage`): those written last, until they
//! are sent.

use campfire::model::{MessageId, RoomId, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::browser;
use crate::outbox::Reply;

/// The unsent text and the unsaved edit of a user in one room, or in one thread of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drafts {
    viewer_id: UserId,
    room_id: RoomId,
    thread: Option<MessageId>,
}

/// A change of a message that is not saved yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsavedEdit {
    /// The message.
    pub message_id: MessageId,
    /// Its text when editing began.
    pub source: String,
    /// Its text as it is to be.
    pub text: String,
}

impl Drafts {
    /// The drafts of this user in this room, or in the thread with the root `thread`.
    pub const fn new(viewer_id: UserId, room_id: RoomId, thread: Option<MessageId>) -> Self {
        Self { viewer_id, room_id, thread }
    }

    /// The key of the room (`4`) or thread (`4/41`), as a part of keys in the browser's storage.
    pub fn owner(self) -> String {
        let room_id = self.room_id.to_string();
        match self.thread {
            Some(root_id) => [room_id, root_id.to_string()].join("/"),
            None => room_id,
        }
    }

    /// The room.
    pub const fn room_id(self) -> RoomId {
        self.room_id
    }

    /// The words of a new message: those of this tab if it has had any, otherwise those that any tab wrote last.
    pub fn load(self) -> String {
        let key = self.words_key();
        let own = browser::session_storage().and_then(|tab| read(&tab, &key));
        own.or_else(|| read(&browser::storage()?, &key)).unwrap_or_default()
    }

    /// Keeps the words of a new message; empty once they are sent.
    pub fn save(self, text: &str) {
        let key = self.words_key();
        let before = self.load();
        if let Some(tab) = browser::session_storage() {
            let _ = tab.set_item(&key, text);
        }
        let Some(all) = browser::storage() else { return };
        if !text.is_empty() {
            let _ = all.set_item(&key, text);
        } else if read(&all, &key).is_some_and(|kept| kept == before) {
            // Words that another tab has written meanwhile stay.
            let _ = all.remove_item(&key);
        }
    }

    /// The key under which both storages of the browser keep the words of a new message.
    pub fn words_key(self) -> String {
        self.key("draft")
    }

    /// The change of a message that this tab has not saved.
    pub fn load_edit(self) -> Option<UnsavedEdit> {
        self.load_json("edit")
    }

    /// Keeps the change of a message; `None` once it is saved or discarded.
    pub fn save_edit(self, edit: Option<&UnsavedEdit>) {
        self.save_json("edit", edit);
    }

    /// The message that the new one of this tab replies to.
    pub fn load_reply(self) -> Option<Reply> {
        self.load_json("reply")
    }

    /// Keeps what the new message replies to; `None` once it is sent or no reply any more.
    pub fn save_reply(self, reply: Option<&Reply>) {
        self.save_json("reply", reply);
    }

    fn load_json<T: DeserializeOwned>(self, kind: &str) -> Option<T> {
        serde_json::from_str(&read(&browser::session_storage()?, &self.key(kind))?).ok()
    }

    fn save_json<T: Serialize>(self, kind: &str, value: Option<&T>) {
        let Some(tab) = browser::session_storage() else { return };
        let key = self.key(kind);
        let _ = match value.and_then(|value| serde_json::to_string(value).ok()) {
            Some(json) => tab.set_item(&key, &json),
            None => tab.remove_item(&key),
        };
    }

    fn key(self, kind: &str) -> String {
        format!("campfire:{kind}:{}:{}", self.viewer_id, self.owner())
    }
}

fn read(storage: &Storage, key: &str) -> Option<String> {
    storage.get_item(key).ok().flatten()
}
