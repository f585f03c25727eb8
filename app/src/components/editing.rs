//! Editing an existing message in the composer.

use campfire::AppError;
use campfire::model::{Draft, MessageId, RoomId};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::HtmlTextAreaElement;

use crate::{api, browser};

/// The composer's text field, and the message that is edited in it, if any.
#[derive(Clone, Copy)]
pub struct Editing {
    /// The edited message; `None` while a new one is written.
    pub message_id: RwSignal<Option<MessageId>>,
    /// The text field.
    pub field: NodeRef<html::Textarea>,
    /// The text of the field before editing began, restored when it ends.
    text_before: RwSignal<String>,
    /// The error message under the field.
    pub problem: RwSignal<Option<String>>,
}

impl Editing {
    /// A composer that edits no message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            message_id: RwSignal::new(None),
            field: NodeRef::new(),
            text_before: RwSignal::default(),
            problem: RwSignal::new(None),
        }
    }

    /// Loads a message's source into the field.
    pub fn begin(self, room_id: RoomId, message_id: MessageId) {
        spawn_local(async move {
            match api::message_source(room_id, message_id).await {
                // The user has navigated to another room meanwhile.
                Ok(_) if !self.is_in(room_id) => {}
                Ok(source) => {
                    if self.message_id.get_untracked().is_none() {
                        self.text_before.set(self.text());
                    }
                    self.message_id.set(Some(message_id));
                    self.write(&source);
                }
                Err(error) => {
                    let _ = self.problem.try_set(Some(error.to_string()));
                }
            }
        });
    }

    /// Saves the edited message and ends editing.
    pub fn save(self, room_id: RoomId, message_id: MessageId, draft: Draft) {
        spawn_local(async move {
            match api::edit_message(room_id, message_id, draft.as_str().to_owned()).await {
                _ if !self.is_in(room_id) => {}
                Ok(_) => self.end(),
                Err(AppError::NotFound) => {
                    self.message_id.set(None);
                    self.problem
                        .set(Some("That message was deleted meanwhile. Send your text as a new one?".to_owned()));
                }
                Err(error) => self.problem.set(Some(format!("The change was not saved. {error}"))),
            }
        });
    }

    /// Ends editing and restores the text that was in the field before.
    pub fn end(self) {
        if self.message_id.get_untracked().is_some() {
            self.message_id.set(None);
            self.write(&self.text_before.get_untracked());
        }
        self.problem.set(None);
    }

    /// The text in the field.
    pub fn text(self) -> String {
        self.field.get_untracked().map(|field| field.value()).unwrap_or_default()
    }

    /// Replaces the text in the field and focuses it.
    pub fn write(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            grow(&field);
            let _ = field.focus();
        }
    }

    /// Whether the composer still exists and belongs to this room.
    fn is_in(self, room_id: RoomId) -> bool {
        let field = self.field.try_get_untracked().flatten();
        field.is_some_and(|field| browser::belongs_to_room(&field, room_id))
    }
}

impl Default for Editing {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes the field as high as its text: the style sheet renders `data-text` in the same grid cell, which grows with it.
pub fn grow(field: &HtmlTextAreaElement) {
    if let Some(parent) = field.parent_element() {
        let _ = parent.set_attribute("data-text", &field.value());
    }
}
