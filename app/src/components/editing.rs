//! Editing a message in the composer, in place of a new one.

use campfire::AppError;
use campfire::model::{Draft, MessageId, RoomId};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::HtmlTextAreaElement;

use crate::{api, browser};

/// The composer's text field, and which message is edited in it, if any.
#[derive(Clone, Copy)]
pub struct Editing {
    pub message_id: RwSignal<Option<MessageId>>,
    pub field: NodeRef<html::Textarea>,
    /// What was being written when editing began.
    set_aside: RwSignal<String>,
    /// Why the text cannot be taken.
    pub problem: RwSignal<Option<String>>,
}

impl Editing {
    /// Nothing is edited.
    #[must_use]
    pub fn new() -> Self {
        Self {
            message_id: RwSignal::new(None),
            field: NodeRef::new(),
            set_aside: RwSignal::default(),
            problem: RwSignal::new(None),
        }
    }

    /// Puts a message's source into the composer.
    pub fn begin(self, room_id: RoomId, message_id: MessageId) {
        spawn_local(async move {
            match api::message_source(room_id, message_id).await {
                // One may be in another room by now.
                Ok(_) if !self.is_in(room_id) => {}
                Ok(source) => {
                    if self.message_id.get_untracked().is_none() {
                        self.set_aside.set(self.text());
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

    /// Gives the message that is edited another body.
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

    /// Puts back what was being written before.
    pub fn end(self) {
        if self.message_id.get_untracked().is_some() {
            self.message_id.set(None);
            self.write(&self.set_aside.get_untracked());
        }
        self.problem.set(None);
    }

    /// What the field holds.
    pub fn text(self) -> String {
        self.field.get_untracked().map(|field| field.value()).unwrap_or_default()
    }

    /// Fills the field, which takes the focus.
    pub fn write(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            grow(&field);
            let _ = field.focus();
        }
    }

    /// Whether the composer still belongs to this room, and to this page at all.
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

/// Makes the field as high as its text: the style sheet lays a copy of the text beneath it.
pub fn grow(field: &HtmlTextAreaElement) {
    if let Some(parent) = field.parent_element() {
        let _ = parent.set_attribute("data-text", &field.value());
    }
}
