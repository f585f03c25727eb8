//! Editing an existing message in the composer, and replying to one.
//!
//! A change is kept until it is saved or discarded, also over a reload and visits to other rooms, and never sent as a new
//! message by itself. Whatever would end it asks first. A reply is a new message that names the one it answers.

use campfire::AppError;
use campfire::model::{Draft, MessageId};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::HtmlTextAreaElement;

use super::drafts::{Drafts, UnsavedEdit};
use crate::outbox::Reply;
use crate::{api, browser};

/// The composer's text field, and the message that is edited in it, if any.
#[derive(Clone, Copy)]
pub struct Editing {
    /// The edited message; `None` while a new one is written.
    pub message_id: RwSignal<Option<MessageId>>,
    /// The message that a new one replies to, if any.
    pub reply: RwSignal<Option<Reply>>,
    /// The text field.
    pub field: NodeRef<html::Textarea>,
    /// The text of the message when editing began.
    source: StoredValue<String>,
    /// The words of a new message that were in the field before, restored when editing ends.
    text_before: StoredValue<String>,
    /// The error message under the field.
    pub problem: RwSignal<Option<String>>,
}

impl Editing {
    /// A composer that edits no message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            message_id: RwSignal::new(None),
            reply: RwSignal::new(None),
            field: NodeRef::new(),
            source: StoredValue::default(),
            text_before: StoredValue::default(),
            problem: RwSignal::new(None),
        }
    }

    /// Fills the field with what is unsaved in a room: the change of a message, or else the words of a new one. `typed`
    /// are words that were typed before; they are kept.
    pub fn restore(self, drafts: Drafts, typed: &str) {
        let edit = drafts.load_edit();
        // A reload may fill the field with what it held when the page was left.
        let typed = Some(typed).filter(|typed| edit.as_ref().is_none_or(|edit| edit.text != *typed));
        let typed = typed.filter(|typed| !typed.is_empty());
        if let Some(typed) = typed {
            drafts.save(typed);
        }
        let draft = typed.map_or_else(|| drafts.load(), str::to_owned);
        self.problem.set(None);
        self.reply.set(drafts.load_reply());
        self.message_id.set(edit.as_ref().map(|edit| edit.message_id));
        match edit {
            Some(edit) => {
                self.text_before.set_value(draft);
                self.source.set_value(edit.source);
                self.fill(&edit.text);
            }
            None => {
                self.text_before.set_value(String::new());
                self.fill(&draft);
            }
        }
    }

    /// Loads a message's source into the field, unless another message is being changed and is not to be left.
    pub fn begin(self, drafts: Drafts, message_id: MessageId) {
        if !self.is_in(drafts) {
            return;
        }
        if self.message_id.get_untracked() == Some(message_id) {
            return self.focus();
        }
        if !self.discard(drafts) {
            return;
        }
        spawn_local(async move {
            match api::message_source(drafts.room_id(), message_id).await {
                // The user has navigated to another room, or edits another message meanwhile.
                Ok(_) if !self.is_in(drafts) || self.message_id.get_untracked().is_some() => {}
                Ok(source) => {
                    self.text_before.set_value(self.text());
                    self.message_id.set(Some(message_id));
                    self.write(&source);
                    self.source.set_value(source);
                    self.keep(drafts);
                }
                Err(error) => {
                    let _ = self.problem.try_set(Some(error.to_string()));
                }
            }
        });
    }

    /// Begins a reply to a message, unless another message is being changed and is not to be left.
    pub fn begin_reply(self, drafts: Drafts, message_id: MessageId) {
        if !self.is_in(drafts) || !self.discard(drafts) {
            return;
        }
        // Now, in the tap: browsers open an on-screen keyboard at no other time.
        self.focus();
        let (author, words) = browser::words_of(message_id);
        self.set_reply(drafts, Some(Reply { author, words, message_id }));
    }

    /// Makes the new message a reply, or none.
    pub fn set_reply(self, drafts: Drafts, reply: Option<Reply>) {
        drafts.save_reply(reply.as_ref());
        let _ = self.reply.try_set(reply);
    }

    /// Keeps the change in the field; does nothing while a new message is written.
    pub fn keep(self, drafts: Drafts) {
        if let Some(message_id) = self.message_id.get_untracked() {
            let edit = UnsavedEdit { message_id, source: self.source.get_value(), text: self.text() };
            drafts.save_edit(Some(&edit));
        }
    }

    /// Saves the edited message and ends editing.
    pub fn save(self, drafts: Drafts, message_id: MessageId, draft: Draft) {
        let typed = self.text();
        if browser::is_row_hidden(message_id) {
            return self.message_is_gone(drafts);
        }
        spawn_local(async move {
            let result = api::edit_message(drafts.room_id(), message_id, draft.as_str().to_owned()).await;
            let is_kept = drafts.load_edit().is_some_and(|kept| kept.message_id == message_id && kept.text == typed);
            if result.is_ok() && is_kept {
                drafts.save_edit(None);
            }
            if !self.is_in(drafts) || self.message_id.get_untracked() != Some(message_id) {
                return;
            }
            match result {
                // Changed again while the first change was being saved.
                Ok(_) if self.text() != typed => {
                    self.source.set_value(typed);
                    self.keep(drafts);
                }
                Ok(_) => self.end(drafts),
                Err(AppError::NotFound) => self.message_is_gone(drafts),
                Err(error) => self.problem.set(Some(format!("The change was not saved. {error}"))),
            }
        });
    }

    /// Turns the change of a message that does not exist any more into the words of a new one, and says so.
    fn message_is_gone(self, drafts: Drafts) {
        drafts.save_edit(None);
        drafts.save(&self.text());
        self.message_id.set(None);
        self.problem.set(Some("That message was deleted meanwhile. Send your text as a new one?".to_owned()));
    }

    /// Ends editing without saving, and asks first if there is a change. Returns whether no message is edited now.
    pub fn discard(self, drafts: Drafts) -> bool {
        let is_changed = self.message_id.get_untracked().is_some() && self.text() != self.source.get_value();
        let is_over = !is_changed || browser::confirm("Discard your change to this message?");
        if is_over {
            self.end(drafts);
        }
        is_over
    }

    /// Ends editing and restores the words that were in the field before.
    fn end(self, drafts: Drafts) {
        if self.message_id.get_untracked().is_some() {
            self.message_id.set(None);
            self.clear(drafts);
            drafts.save_edit(None);
        }
        self.problem.set(None);
    }

    /// Empties the field, except for words that were in it before a message was edited.
    pub fn clear(self, drafts: Drafts) {
        let text = self.text_before.try_update_value(std::mem::take).unwrap_or_default();
        self.write(&text);
        drafts.save(&text);
    }

    /// The text in the field.
    pub fn text(self) -> String {
        self.field.get_untracked().map(|field| field.value()).unwrap_or_default()
    }

    /// Replaces the text in the field and focuses it.
    fn write(self, text: &str) {
        self.fill(text);
        self.focus();
    }

    fn fill(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            grow(&field);
        }
    }

    /// Moves the focus to the field.
    pub fn focus(self) {
        if let Some(field) = self.field.get_untracked() {
            let _ = field.focus();
        }
    }

    /// Whether the composer still exists and belongs to the room.
    fn is_in(self, drafts: Drafts) -> bool {
        let field = self.field.try_get_untracked().flatten();
        field.is_some_and(|field| browser::belongs_to(&field, &drafts.owner()))
    }
}

impl Default for Editing {
    fn default() -> Self {
        Self::new()
    }
}

/// The class of the composer's row whose text has the whole width, with the buttons below it.
const TALL: &str = "composer__row--tall";

/// Makes the field as high as its text: an invisible copy of it lies in the same grid cell and sets the height. A text of
/// more than one line gets the width of the buttons beside it too, until it is empty again: with more width it may have
/// one line.
pub fn grow(field: &HtmlTextAreaElement) {
    let Some(copy) = field.next_element_sibling() else { return };
    let text = field.value();
    // The blank gives a last, empty line its height.
    copy.set_text_content(Some(&[&text, " "].concat()));
    let Ok(Some(row)) = field.closest(".composer__row") else { return };
    let classes = row.class_list();
    if text.is_empty() {
        let _ = classes.remove_1(TALL);
    } else if !classes.contains(TALL)
        && let Some(buttons) = row.last_element_child()
        && 4 * copy.scroll_height() > 5 * buttons.client_height()
    {
        let _ = classes.add_1(TALL);
    }
}
