//! Unsent text of the composer, kept in the browser's storage per user and room.

use campfire::model::{RoomId, UserId};
use leptos::prelude::*;

use crate::browser;

/// The unsent text of one room.
#[derive(Clone, Copy)]
pub struct UnsentText {
    key: StoredValue<String>,
}

impl UnsentText {
    /// The text of this user in this room.
    pub fn new(viewer_id: UserId, room_id: RoomId) -> Self {
        Self { key: StoredValue::new(format!("campfire:draft:{viewer_id}:{room_id}")) }
    }

    /// The stored text; empty if there is none or the browser forbids storage.
    pub fn load(self) -> String {
        browser::storage()
            .and_then(|storage| storage.get_item(&self.key.get_value()).ok().flatten())
            .unwrap_or_default()
    }

    /// Stores the text, or removes it if it is empty.
    pub fn save(self, text: &str) {
        if let Some(storage) = browser::storage() {
            let key = self.key.get_value();
            let _ = if text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, text) };
        }
    }
}
