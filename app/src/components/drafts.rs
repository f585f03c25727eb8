//! What was typed into the composer and not sent: kept in the browser's storage, by person and room.

use campfire::model::{RoomId, UserId};
use leptos::prelude::*;

use crate::browser;

/// The place of one room's unsent text.
#[derive(Clone, Copy)]
pub struct UnsentText {
    key: StoredValue<String>,
}

impl UnsentText {
    pub fn new(viewer_id: UserId, room_id: RoomId) -> Self {
        Self { key: StoredValue::new(format!("campfire:draft:{viewer_id}:{room_id}")) }
    }

    /// The text; empty when there is none, or the browser forbids to store anything.
    pub fn load(self) -> String {
        browser::storage()
            .and_then(|storage| storage.get_item(&self.key.get_value()).ok().flatten())
            .unwrap_or_default()
    }

    /// Keeps the text, and nothing of an empty one.
    pub fn save(self, text: &str) {
        if let Some(storage) = browser::storage() {
            let key = self.key.get_value();
            let _ = if text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, text) };
        }
    }
}
