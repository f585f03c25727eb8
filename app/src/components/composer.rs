//! The composer: the form in which messages are written and edited.
//!
//! Without scripts it is a plain form. With them, messages are sent through the outbox without leaving the page, and
//! existing messages are edited in the same text field.
//!
//! The field belongs to the room in the URL, also while the page of that room is still loading: what is typed then is
//! kept for that room, and can be sent once the page shows it.

use campfire::html::HtmlWriter;
use campfire::model::{Answering, Draft, MessageId, Place, RoomId, UserId, paths};
use campfire::protocol::Timeline;
use leptos::ev::{KeyboardEvent, MouseEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::attach::{self, Tray};
use super::drafts::Drafts;
use super::editing::{Editing, grow};
use super::icon::Icon;
use super::jumps;
use crate::live::Live;
use crate::outbox::Outbox;
use crate::uploads::{Destination, Uploads};
use crate::{browser, live, navigation, use_layout};

/// The form that writes and edits messages.
#[component]
pub fn Composer(
    /// The messages of the room in view.
    timeline: RwSignal<Timeline>,
    /// The text field, and the message that is edited in it.
    editing: Editing,
    /// Whether an answer in this thread is its first: the room shows it, too, unless the writer chooses otherwise.
    is_first_answer: bool,
    /// Whether nothing can be written here any more.
    #[prop(into)]
    is_lost: Signal<bool>,
) -> impl IntoView {
    let composing = use_composing(timeline, editing);
    let Composing { form, .. } = composing;
    let Editing { message_id, problem, .. } = editing;
    let edits = move || message_id.get().is_some();
    // The place outlives the composer: what follows it must not read what has been disposed of.
    let send = move || {
        let edited = message_id.try_get();
        let later = composing.shown_thread.is_none().then(|| composing.room_id());
        edited.map(|edited| send_html(edited.is_some(), later)).unwrap_or_default()
    };
    let seq = timeline.with_untracked(|timeline| timeline.cursor.seq);
    let shown_thread = composing.shown_thread;
    let thread = shown_thread.map(|root_id| thread_html(root_id, is_first_answer)).unwrap_or_default();
    let takes_files = use_layout().with_value(|layout| layout.takes_files);

    view! {
        <form
            class="composer"
            method="post"
            enctype=takes_files.then_some("multipart/form-data")
            action=move || paths::messages(composing.room_id())
            node_ref=form
            hidden=move || is_lost.try_get()
            on:submit=move |event| composing.submit(&event)
        >
            <p
                class="composer__mode"
                id="composer-mode"
                hidden=move || !edits()
                on:click=move |event| {
                    if browser::closest(&event, "button").is_some() {
                        composing.discard();
                    }
                }
                inner_html=MODE
            ></p>
            <Replying composing/>
            <p class="composer__problem" id="composer-problem" role="alert">{move || problem.get()}</p>
            // Makes the form idempotent without scripts: the server derives the message's id from it.
            <input type="hidden" name="seq" value=seq/>
            <div class="composer__thread" hidden=move || edits() || shown_thread.is_none() inner_html=thread></div>
            <Tray uploads=composing.uploads to=composing.destination() takes_files/>
            <div class="composer__row">
                <div
                    class="composer__buttons"
                    on:change=move |event| attach::chosen(&event, composing.uploads, composing.destination())
                    inner_html=tools_html(takes_files.then_some(composing.shown_room_id))
                ></div>
                <TextField composing/>
                <div class="composer__buttons" inner_html=send></div>
            </div>
            <Typing/>
        </form>
    }
}

/// The name of the switch that shows an answer in the room, too.
const IN_ROOM: &str = "[name=in_room]";

/// The root of the thread, as a field, and the switch that shows an answer in the room, too.
fn thread_html(root_id: MessageId, is_in_room: bool) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<input type="hidden" name="thread" value=""#).number(root_id.0);
    html.markup(r#""><label><input type="checkbox" name="in_room""#).markup(if is_in_room { " checked" } else { "" });
    html.markup("> Also show in the room</label>");
    html.into_string()
}

/// The banner over the field while a message is edited.
const MODE: &str = "Editing a message <button type=\"button\" class=\"button--quiet\">Cancel</button>";

/// The buttons before the field; `room_id` is that of the files to attach, if messages can have files.
fn tools_html(room_id: Option<RoomId>) -> String {
    let mut html = HtmlWriter::new();
    if let Some(room_id) = room_id {
        attach::push_attach(&mut html, room_id);
    }
    html.markup(
        r#"<button class="button--icon composer__format" type="button" aria-label="Formatting" title="Formatting""#,
    );
    html.markup(r#" aria-pressed="false">"#);
    Icon::Format.push(&mut html);
    html.markup("</button>");
    html.into_string()
}

/// The button that submits the form, and the one that leads to the page on which a time for a new message is chosen: it
/// submits the text to that page. Urlencoded, so that no files come along, which are not sent later. In a thread, which has
/// no room for `later`, answers are sent at once.
fn send_html(edits: bool, later: Option<RoomId>) -> String {
    let mut html = HtmlWriter::new();
    if edits {
        html.markup(r#"<button class="button">Save changes</button>"#);
    } else {
        html.markup(r#"<button class="button--icon composer__send" aria-label="Send" title="Send">"#);
        Icon::Send.push(&mut html);
        html.markup("</button>");
    }
    if let Some(room_id) = later.filter(|_| !edits) {
        html.markup(r#"<button class="button--icon composer__later" aria-label="Send later…" title="Send later…""#);
        html.markup(r#" formenctype="application/x-www-form-urlencoded" formaction=""#);
        html.raw(&paths::new_scheduled(room_id)).markup(r#"">"#);
        Icon::Clock.push(&mut html);
        html.markup("</button>");
    }
    html.into_string()
}

/// The message that the new one replies to, and the button that makes it no reply.
#[component]
fn Replying(composing: Composing) -> impl IntoView {
    let Editing { message_id, reply, .. } = composing.editing;
    let strip = move || {
        let mut html = HtmlWriter::new();
        reply.with(|reply| {
            if let Some(reply) = reply {
                html.markup(r#"<p role="status">Replying to <bdi><b>"#).text(&reply.author);
                html.markup("</b></bdi>: <bdi>").text(&reply.words);
                html.markup(r#"</bdi></p><button class="button--icon" type="button" aria-label="Cancel reply" title="Cancel reply">"#);
                Icon::Close.push(&mut html);
                html.markup("</button>");
            }
        });
        html.into_string()
    };
    let clicked = move |event: MouseEvent| {
        if browser::closest(&event, "button").is_some() {
            composing.editing.set_reply(composing.drafts(), None);
            composing.editing.focus();
        }
    };
    view! {
        <div
            class="composer__reply"
            hidden=move || message_id.get().is_some() || reply.with(Option::is_none)
            on:click=clicked
            inner_html=strip
        ></div>
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
                data-room=move || composing.room_id().to_string()
                placeholder="Write a message"
                aria-label="Write a message"
                aria-describedby="composer-mode composer-problem"
                enterkeyhint="enter"
                node_ref=composing.editing.field
                // While a message is edited, the browser must not restore the text after a reload as that of a new one.
                autocomplete=move || composing.editing.message_id.get().map(|_| "off")
                on:keydown=move |event| composing.key_pressed(&event)
                on:input=move |_| composing.text_changed()
            ></textarea>
            <div class="composer__copy" aria-hidden="true"></div>
        </div>
    }
}

/// The typing indicator: the other people who type in the room.
#[component]
fn Typing() -> impl IntoView {
    let live = expect_context::<Live>();
    let text = move || {
        live.viewer_state(|state| {
            let names: Vec<_> = state.typing.iter().map(|typist| typist.person.name.as_str()).collect();
            typing_text(&names)
        })
    };
    view! { <p class="composer__typing" aria-live="off">{text}</p> }
}

/// The state that the composer's handlers work with.
#[derive(Clone, Copy)]
struct Composing {
    /// The room in view.
    shown_room_id: RoomId,
    /// The root of the thread in view, if it is one.
    shown_thread: Option<MessageId>,
    viewer_id: UserId,
    place: RwSignal<Place>,
    timeline: RwSignal<Timeline>,
    editing: Editing,
    outbox: Outbox,
    live: Live,
    uploads: Uploads,
    form: NodeRef<html::Form>,
}

/// The composer's state for this room. In the browser an effect fills the field with the unsent text of the room.
fn use_composing(timeline: RwSignal<Timeline>, editing: Editing) -> Composing {
    let (shown_room_id, shown_thread) = timeline.with_untracked(|timeline| (timeline.room_id, timeline.thread));
    let composing = Composing {
        shown_room_id,
        shown_thread,
        viewer_id: use_layout().with_value(|layout| layout.viewer.id),
        place: navigation::use_place(),
        timeline,
        editing,
        outbox: expect_context(),
        live: expect_context(),
        uploads: expect_context(),
        form: NodeRef::new(),
    };
    let again = Trigger::new();
    Effect::new(move |_| {
        let owner = composing.tracked_drafts().owner();
        let Some(field) = editing.field.get().filter(|field| browser::is_in_document(field, again)) else { return };
        if !browser::belongs_to(&field, &owner) {
            // Text typed before hydration is kept.
            let is_of_other_room = browser::assign(&field, &owner);
            let typed = if is_of_other_room { String::new() } else { field.value() };
            editing.restore(composing.drafts(), &typed);
        }
        grow(&field);
        if !browser::is_touch() {
            let _ = field.focus();
        }
    });
    composing
}

impl Composing {
    /// The room that is written in: the one in the URL, whose page may be loading.
    fn room_id(self) -> RoomId {
        self.place.get().room_id().unwrap_or(self.shown_room_id)
    }

    /// The drafts of the room or thread in the URL. Reactive: tracks the URL.
    fn tracked_drafts(self) -> Drafts {
        let place = self.place.get();
        let thread = if place.room_id().is_some() { place.thread() } else { self.shown_thread };
        Drafts::new(self.viewer_id, self.room_id(), thread)
    }

    fn drafts(self) -> Drafts {
        untrack(move || self.tracked_drafts())
    }

    /// Where what is in view is sent to.
    fn destination(self) -> Destination {
        (self.shown_room_id, self.shown_thread)
    }

    fn is_loading(self) -> bool {
        self.drafts() != Drafts::new(self.viewer_id, self.shown_room_id, self.shown_thread)
    }

    /// How the text is sent into the thread in view. The switch goes off: further answers are shown in the thread alone.
    fn take_answering(self) -> Option<Answering> {
        let message_id = self.shown_thread?;
        let switch = self.form.get_untracked().and_then(|form| form.query_selector(IN_ROOM).ok()?);
        let switch: Option<HtmlInputElement> = switch.map(JsCast::unchecked_into);
        let in_room = switch.as_ref().is_some_and(HtmlInputElement::checked);
        if let Some(switch) = switch {
            switch.set_checked(false);
        }
        Some(Answering { message_id, in_room })
    }

    fn submit(self, event: &SubmitEvent) {
        // That button leads to a page, as without scripts.
        if event.submitter().is_some_and(|button| button.has_attribute("formaction")) {
            return;
        }
        event.prevent_default();
        // Nothing is sent to a room that is not in view yet.
        if self.is_loading() {
            return;
        }
        let edited = self.editing.message_id.get_untracked();
        let has_files = edited.is_some() || untrack(|| !self.uploads.of_tray(self.destination()).is_empty());
        let text = self.editing.text();
        // Whether an edited message has files is known to the server.
        let draft = if has_files { Draft::beside_files(&text) } else { text.parse::<Draft>() };
        match (draft, edited) {
            // An empty field is no error.
            (Err(_), _) if text.trim().is_empty() => {}
            (Err(error), _) => self.editing.problem.set(Some(error.to_string())),
            (Ok(draft), Some(message_id)) => self.editing.save(self.drafts(), message_id, draft),
            (Ok(draft), None) => self.send(&draft),
        }
    }

    fn send(self, draft: &Draft) {
        self.editing.problem.set(None);
        live::report_typing(false);
        let room_name = self.live.page.with_untracked(|page| page.title.clone());
        let files = self.uploads.take_tray(self.destination());
        let reply = self.editing.reply.get_untracked();
        let answering = self.take_answering();
        self.outbox.push(self.shown_room_id, answering, room_name, draft.as_str().to_owned(), files, reply);
        if self.timeline.with_untracked(|timeline| timeline.has_newer) {
            // The link to the newest messages loads them, so that the new one is shown.
            browser::click(jumps::TO_NEWEST);
        }
        self.editing.set_reply(self.drafts(), None);
        self.editing.clear(self.drafts());
    }

    fn discard(self) {
        self.editing.discard(self.drafts());
    }

    fn key_pressed(self, event: &KeyboardEvent) {
        if browser::is_composing(event) {
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
            "Escape" if self.editing.message_id.get_untracked().is_some() => self.discard(),
            "Escape" => self.editing.set_reply(self.drafts(), None),
            "ArrowUp" if self.editing.text().is_empty() && self.editing.message_id.get_untracked().is_none() => {
                let last_own = self.timeline.with_untracked(|timeline| last_own(timeline, self.viewer_id));
                if let Some(message_id) = last_own.filter(|_| !self.is_loading()) {
                    event.prevent_default();
                    self.editing.begin(self.drafts(), message_id);
                }
            }
            _ => {}
        }
    }

    fn text_changed(self) {
        let Editing { message_id, field, problem, .. } = self.editing;
        if let Some(field) = field.get_untracked() {
            grow(&field);
            if message_id.get_untracked().is_some() {
                self.editing.keep(self.drafts());
            } else {
                let text = field.value();
                if !self.is_loading() && self.shown_thread.is_none() {
                    live::report_typing(!text.trim().is_empty());
                }
                self.drafts().save(&text);
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

/// The viewer's newest message, if the newest messages are loaded. One that is being deleted is hidden already.
fn last_own(timeline: &Timeline, viewer_id: UserId) -> Option<MessageId> {
    let mut own = timeline.messages.iter().rev().filter(|message| message.creator_id == viewer_id);
    let own = own.find(|message| !browser::is_row_hidden(message.id));
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
