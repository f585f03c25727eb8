//! The composer: where messages are written, and edited.
//!
//! A form that works without any script. With it, what is written goes through the outbox and never leaves the page,
//! and a message is edited in the same place, so that there is one text field to know.

use campfire::AppError;
use campfire::model::{Draft, MessageId, RoomId, UserId, paths};
use campfire::timeline::Timeline;
use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::Icon;
use crate::live::Live;
use crate::outbox::Outbox;
use crate::{api, browser, live, use_frame};

/// Which message the composer edits, if any.
#[derive(Clone, Copy)]
pub struct Editing {
    message_id: RwSignal<Option<MessageId>>,
    field: NodeRef<html::Textarea>,
    /// What was being written when editing began.
    set_aside: RwSignal<String>,
    problem: RwSignal<Option<String>>,
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

    /// Whether the composer still belongs to this room, and to this page at all.
    fn is_in(self, room_id: RoomId) -> bool {
        let field = self.field.try_get_untracked().flatten();
        field.is_some_and(|field| browser::is_shown(&field, room_id))
    }

    /// Puts back what was being written before.
    fn end(self) {
        if self.message_id.get_untracked().is_some() {
            self.message_id.set(None);
            self.write(&self.set_aside.get_untracked());
        }
        self.problem.set(None);
    }

    fn text(self) -> String {
        self.field.get_untracked().map(|field| field.value()).unwrap_or_default()
    }

    fn write(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            grow(&field);
            let _ = field.focus();
        }
    }
}

impl Default for Editing {
    fn default() -> Self {
        Self::new()
    }
}

/// Where messages are written.
#[component]
pub fn Composer(timeline: RwSignal<Timeline>, editing: Editing) -> impl IntoView {
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let viewer_id = use_frame().with_value(|frame| frame.viewer.id);
    let outbox = expect_context::<Outbox>();
    let Editing { message_id, field, problem, .. } = editing;
    let form = NodeRef::<html::Form>::new();
    let draft_key = format!("campfire:draft:{viewer_id}:{room_id}");
    let draft_key = StoredValue::new(draft_key);
    let seq = timeline.with_untracked(|timeline| timeline.cursor.seq);

    // What was typed before the page was taken over, or in this room before, is still there.
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            let moved = browser::moved_in(&field, room_id);
            if moved {
                message_id.set(None);
                problem.set(None);
            }
            if moved || field.value().is_empty() {
                field.set_value(&stored_draft(draft_key));
            }
            grow(&field);
            if !browser::is_touch() {
                let _ = field.focus();
            }
        }
    });

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = editing.text();
        match text.parse::<Draft>() {
            // Nothing to send is nothing to complain about.
            Err(_) if text.trim().is_empty() => {}
            Err(error) => problem.set(Some(error.to_string())),
            Ok(draft) => match message_id.get_untracked() {
                Some(message_id) => save(editing, room_id, message_id, draft),
                None => {
                    problem.set(None);
                    live::typing(false);
                    outbox.push(room_id, draft.as_str().to_owned());
                    if timeline.with_untracked(|timeline| timeline.has_newer) {
                        // Whoever writes wants to see it: the way down loads the newest messages.
                        browser::click(".jump--down");
                    }
                    editing.write("");
                    keep_draft(draft_key, "");
                }
            },
        }
    };
    let key = move |event: KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        let asked = event.ctrl_key() || event.meta_key();
        match event.key().as_str() {
            // Where fingers write, Enter makes a line and Shift+Enter sends.
            "Enter" if asked || event.shift_key() == browser::is_touch() => {
                event.prevent_default();
                if let Some(form) = form.get_untracked() {
                    let _ = form.request_submit();
                }
            }
            "Escape" => editing.end(),
            "ArrowUp" if editing.text().is_empty() => {
                if let Some(message_id) = timeline.with_untracked(|timeline| last_own(timeline, viewer_id)) {
                    event.prevent_default();
                    editing.begin(room_id, message_id);
                }
            }
            _ => {}
        }
    };
    let input = move |_| {
        if let Some(field) = field.get_untracked() {
            grow(&field);
            if message_id.get_untracked().is_none() {
                let text = field.value();
                live::typing(!text.trim().is_empty());
                keep_draft(draft_key, &text);
            }
        }
        if problem.with_untracked(Option::is_some) {
            problem.set(None);
        }
    };

    let live = expect_context::<Live>();
    let typing = move || {
        live.scene
            .with(|scene| writers(&scene.typing.iter().map(|(person, _)| person.name.clone()).collect::<Vec<_>>()))
    };

    view! {
        <form class="composer" method="post" action=paths::messages(room_id) node_ref=form on:submit=submit>
            <p class="composer__mode" hidden=move || message_id.get().is_none()>
                "Editing a message"
                <button type="button" class="button--quiet" on:click=move |_| editing.end()>"Cancel"</button>
            </p>
            <p class="composer__problem" id="composer-problem" role="alert">{move || problem.get()}</p>
            // Tells the server, where no script does, that a form sent twice is one message.
            <input type="hidden" name="seq" value=seq/>
            <p class="composer__typing" aria-live="off">{typing}</p>
            <div class="composer__row">
                <button class="button--icon composer__format" type="button" aria-label="Formatting" title="Formatting" aria-pressed="false">
                    {Icon::Format.view()}
                </button>
                <div class="composer__grow">
                    <textarea
                        name="body"
                        rows="1"
                        dir="auto"
                        data-completes="message"
                        data-room=room_id.to_string()
                        placeholder="Write a message"
                        aria-label="Write a message"
                        aria-describedby="composer-problem"
                        enterkeyhint="enter"
                        required
                        node_ref=field
                        on:keydown=key
                        on:input=input
                    ></textarea>
                </div>
                <button class="button--icon composer__send" aria-label="Send">{Icon::Send.view()}</button>
            </div>
        </form>
    }
}

/// Who else writes, in words.
fn writers(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is writing…"),
        [one, two] => format!("{one} and {two} are writing…"),
        [one, two, three] => format!("{one}, {two} and {three} are writing…"),
        _ => "Several people are writing…".to_owned(),
    }
}

fn save(editing: Editing, room_id: RoomId, message_id: MessageId, draft: Draft) {
    spawn_local(async move {
        match api::edit_message(room_id, message_id, draft.as_str().to_owned()).await {
            _ if !editing.is_in(room_id) => {}
            Ok(_) => editing.end(),
            Err(AppError::NotFound) => {
                editing.message_id.set(None);
                editing
                    .problem
                    .set(Some("That message was deleted meanwhile. Send your text as a new one?".to_owned()));
            }
            Err(error) => editing.problem.set(Some(format!("The change was not saved. {error}"))),
        }
    });
}

fn last_own(timeline: &Timeline, viewer_id: UserId) -> Option<MessageId> {
    let own = timeline.messages.iter().rev().find(|message| message.creator_id == viewer_id);
    own.filter(|_| !timeline.has_newer).map(|message| message.id)
}

/// Makes the field as high as its text: the style sheet lays a copy of the text beneath it.
fn grow(field: &web_sys::HtmlTextAreaElement) {
    if let Some(parent) = field.parent_element() {
        let _ = parent.set_attribute("data-text", &field.value());
    }
}

fn stored_draft(key: StoredValue<String>) -> String {
    browser::storage().and_then(|storage| storage.get_item(&key.get_value()).ok().flatten()).unwrap_or_default()
}

fn keep_draft(key: StoredValue<String>, text: &str) {
    if let Some(storage) = browser::storage() {
        let key = key.get_value();
        let _ = if text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, text) };
    }
}
