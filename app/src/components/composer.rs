//! The composer: the form in which messages are written and edited.
//!
//! Without scripts it is a plain form. With them, messages are sent through the outbox without leaving the page, and
//! existing messages are edited in the same text field.

use campfire::model::{Draft, MessageId, RoomId, UserId, paths};
use campfire::protocol::Timeline;
use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;

use super::drafts::UnsentText;
use super::editing::{Editing, grow};
use super::icon::Icon;
use super::jumps;
use crate::live::Live;
use crate::outbox::Outbox;
use crate::{browser, live, use_layout};

/// The form that writes and edits messages.
#[component]
pub fn Composer(
    /// The messages of the room in view.
    timeline: RwSignal<Timeline>,
    /// The text field, and the message that is edited in it.
    editing: Editing,
) -> impl IntoView {
    let composing = use_composing(timeline, editing);
    let Composing { room_id, form, .. } = composing;
    let Editing { message_id, problem, .. } = editing;
    let seq = timeline.with_untracked(|timeline| timeline.cursor.seq);

    view! {
        <form
            class="composer"
            method="post"
            action=paths::messages(room_id)
            node_ref=form
            on:submit=move |event| composing.submit(&event)
        >
            <p class="composer__mode" hidden=move || message_id.get().is_none()>
                "Editing a message"
                <button type="button" class="button--quiet" on:click=move |_| editing.end()>"Cancel"</button>
            </p>
            <p class="composer__problem" id="composer-problem" role="alert">{move || problem.get()}</p>
            // Makes the form idempotent without scripts: the server derives the message's id from it.
            <input type="hidden" name="seq" value=seq/>
            <Typing/>
            <div class="composer__row">
                <button class="button--icon composer__format" type="button" aria-label="Formatting" title="Formatting" aria-pressed="false">
                    {Icon::Format.view()}
                </button>
                <TextField composing/>
                <button class="button--icon composer__send" aria-label="Send">{Icon::Send.view()}</button>
            </div>
        </form>
    }
}

/// The text field, which grows with its text.
#[component]
fn TextField(composing: Composing) -> impl IntoView {
    view! {
        <div class="composer__grow">
            <textarea
                name="body"
                rows="1"
                dir="auto"
                data-completes="message"
                data-room=composing.room_id.to_string()
                placeholder="Write a message"
                aria-label="Write a message"
                aria-describedby="composer-problem"
                enterkeyhint="enter"
                required
                node_ref=composing.editing.field
                on:keydown=move |event| composing.key_pressed(&event)
                on:input=move |_| composing.text_changed()
            ></textarea>
        </div>
    }
}

/// The typing indicator: the other people who type in the room.
#[component]
fn Typing() -> impl IntoView {
    let live = expect_context::<Live>();
    let text = move || {
        live.inbox(|inbox| {
            let names: Vec<_> = inbox.typing.iter().map(|typist| typist.person.name.as_str()).collect();
            typing_text(&names)
        })
    };
    view! { <p class="composer__typing" aria-live="off">{text}</p> }
}

/// The state that the composer's handlers work with.
#[derive(Clone, Copy)]
struct Composing {
    room_id: RoomId,
    viewer_id: UserId,
    timeline: RwSignal<Timeline>,
    editing: Editing,
    outbox: Outbox,
    unsent: UnsentText,
    form: NodeRef<html::Form>,
}

/// The composer's state for this room. In the browser an effect fills the field with the room's unsent text.
fn use_composing(timeline: RwSignal<Timeline>, editing: Editing) -> Composing {
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let viewer_id = use_layout().with_value(|layout| layout.viewer.id);
    let outbox = expect_context();
    let unsent = UnsentText::new(viewer_id, room_id);
    Effect::new(move |_| {
        let Some(field) = editing.field.get() else { return };
        let is_reused = browser::assign_room(&field, room_id);
        if is_reused {
            editing.message_id.set(None);
            editing.problem.set(None);
        }
        // Text typed before hydration is kept.
        if is_reused || field.value().is_empty() {
            field.set_value(&unsent.load());
        }
        grow(&field);
        if !browser::is_touch() {
            let _ = field.focus();
        }
    });
    Composing { room_id, viewer_id, timeline, editing, outbox, unsent, form: NodeRef::new() }
}

impl Composing {
    fn submit(self, event: &SubmitEvent) {
        event.prevent_default();
        let text = self.editing.text();
        match (text.parse::<Draft>(), self.editing.message_id.get_untracked()) {
            // An empty field is no error.
            (Err(_), _) if text.trim().is_empty() => {}
            (Err(error), _) => self.editing.problem.set(Some(error.to_string())),
            (Ok(draft), Some(message_id)) => self.editing.save(self.room_id, message_id, draft),
            (Ok(draft), None) => self.send(&draft),
        }
    }

    fn send(self, draft: &Draft) {
        self.editing.problem.set(None);
        live::report_typing(false);
        self.outbox.push(self.room_id, draft.as_str().to_owned());
        if self.timeline.with_untracked(|timeline| timeline.has_newer) {
            // The link to the newest messages loads them, so that the new one is shown.
            browser::click(jumps::TO_NEWEST);
        }
        self.editing.write("");
        self.unsent.save("");
    }

    fn key_pressed(self, event: &KeyboardEvent) {
        if event.is_composing() {
            return;
        }
        let has_modifier = event.ctrl_key() || event.meta_key();
        match event.key().as_str() {
            // On touch devices Enter inserts a line break and Shift+Enter sends.
            "Enter" if has_modifier || event.shift_key() == browser::is_touch() => {
                event.prevent_default();
                if let Some(form) = self.form.get_untracked() {
                    let _ = form.request_submit();
                }
            }
            "Escape" => self.editing.end(),
            "ArrowUp" if self.editing.text().is_empty() => {
                let last_own = self.timeline.with_untracked(|timeline| last_own(timeline, self.viewer_id));
                if let Some(message_id) = last_own {
                    event.prevent_default();
                    self.editing.begin(self.room_id, message_id);
                }
            }
            _ => {}
        }
    }

    fn text_changed(self) {
        let Editing { message_id, field, problem, .. } = self.editing;
        if let Some(field) = field.get_untracked() {
            grow(&field);
            if message_id.get_untracked().is_none() {
                let text = field.value();
                live::report_typing(!text.trim().is_empty());
                self.unsent.save(&text);
            }
        }
        if problem.with_untracked(Option::is_some) {
            problem.set(None);
        }
    }
}

/// The text that names the people who type.
fn typing_text(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is writing…"),
        [one, two] => format!("{one} and {two} are writing…"),
        [one, two, three] => format!("{one}, {two} and {three} are writing…"),
        _ => "Several people are writing…".to_owned(),
    }
}

/// The viewer's newest message, if the newest messages are loaded.
fn last_own(timeline: &Timeline, viewer_id: UserId) -> Option<MessageId> {
    let own = timeline.messages.iter().rev().find(|message| message.creator_id == viewer_id);
    own.filter(|_| !timeline.has_newer).map(|message| message.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_three_typists_are_named() {
        assert_eq!(typing_text(&[]), "");
        assert_eq!(typing_text(&["Ada"]), "Ada is writing…");
        assert_eq!(typing_text(&["Ada", "Bob"]), "Ada and Bob are writing…");
        assert_eq!(typing_text(&["Ada", "Bob", "Cleo"]), "Ada, Bob and Cleo are writing…");
        assert_eq!(typing_text(&["Ada", "Bob", "Cleo", "Dan"]), "Several people are writing…");
    }
}
