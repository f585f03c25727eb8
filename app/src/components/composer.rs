//! The composer: where messages are written, and edited.
//!
//! A form that works without any script. With it, what is written goes through the outbox and never leaves the page,
//! and a message is edited in the same place, so that there is one text field to know.

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

/// Where messages are written.
#[component]
pub fn Composer(timeline: RwSignal<Timeline>, editing: Editing) -> impl IntoView {
    let composing = use_composing(timeline, editing);
    let Composing { room_id, form, .. } = composing;
    let Editing { message_id, field, problem, .. } = editing;
    let seq = timeline.with_untracked(|timeline| timeline.cursor.seq);
    let live = expect_context::<Live>();
    let typing = move || {
        live.inbox(|inbox| {
            let names: Vec<_> = inbox.typing.iter().map(|typist| typist.person.name.as_str()).collect();
            typing_text(&names)
        })
    };

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
                        on:keydown=move |event| composing.key_pressed(&event)
                        on:input=move |_| composing.text_changed()
                    ></textarea>
                </div>
                <button class="button--icon composer__send" aria-label="Send">{Icon::Send.view()}</button>
            </div>
        </form>
    }
}

/// What the composer's handlers work with.
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

/// A composer for this room, with what was typed in it before. On the server it is empty.
fn use_composing(timeline: RwSignal<Timeline>, editing: Editing) -> Composing {
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let viewer_id = use_layout().with_value(|layout| layout.viewer.id);
    let (outbox, unsent) = (expect_context(), UnsentText::new(viewer_id, room_id));
    Effect::new(move |_| {
        let Some(field) = editing.field.get() else { return };
        let moved = browser::assign_room(&field, room_id);
        if moved {
            editing.message_id.set(None);
            editing.problem.set(None);
        }
        // What was typed before the page was taken over is still there.
        if moved || field.value().is_empty() {
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
            // Nothing to send is nothing to complain about.
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
            // Whoever writes wants to see it: the way down loads the newest messages.
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
            // Where fingers write, Enter makes a line and Shift+Enter sends.
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

/// Who else writes, in words.
fn typing_text(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is writing…"),
        [one, two] => format!("{one} and {two} are writing…"),
        [one, two, three] => format!("{one}, {two} and {three} are writing…"),
        _ => "Several people are writing…".to_owned(),
    }
}

/// The viewer's newest message, if it is among those loaded.
fn last_own(timeline: &Timeline, viewer_id: UserId) -> Option<MessageId> {
    let own = timeline.messages.iter().rev().find(|message| message.creator_id == viewer_id);
    own.filter(|_| !timeline.has_newer).map(|message| message.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_three_who_write_are_named() {
        assert_eq!(typing_text(&[]), "");
        assert_eq!(typing_text(&["Ada"]), "Ada is writing…");
        assert_eq!(typing_text(&["Ada", "Bob"]), "Ada and Bob are writing…");
        assert_eq!(typing_text(&["Ada", "Bob", "Cleo"]), "Ada, Bob and Cleo are writing…");
        assert_eq!(typing_text(&["Ada", "Bob", "Cleo", "Dan"]), "Several people are writing…");
    }
}
