//! The messages of a person that wait for their time, and the form that changes one.

use campfire::html::HtmlWriter;
use campfire::model::{MAX_BODY_CHARS, Scheduled, ScheduledState, paths};
use leptos::prelude::*;

use crate::components::form::{FormState, LongField, Problem};
use crate::components::local_time::LocalTime;
use crate::components::sheet::{Section, Sheet};

/// How much of a text the list shows, in characters. The style sheet cuts it after four lines.
const SHOWN_CHARS: usize = 500;

/// The list: what waits, in the order of its times, and what ended.
#[component]
pub fn ScheduledPage(
    /// The messages.
    scheduled: Vec<Scheduled>,
    /// Why the last form was refused.
    problem: Option<String>,
) -> impl IntoView {
    let is_waiting =
        |scheduled: &Scheduled| matches!(scheduled.state, ScheduledState::Waiting | ScheduledState::Sending);
    let (waiting, ended): (Vec<_>, Vec<_>) = scheduled.into_iter().partition(is_waiting);
    let is_empty = waiting.is_empty();
    let rows = |list: Vec<Scheduled>| list.into_iter().map(|scheduled| view! { <Row scheduled/> }).collect_view();
    let has_ended = !ended.is_empty();
    view! {
        <Sheet title="Messages to be sent later" back=paths::HOME>
            {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
            {is_empty.then(|| view! {
                <p class="empty">"Nothing waits. Write a message, then choose its time by the clock beside Send."</p>
            })}
            <ul class="kept-list" aria-label="Waiting">{rows(waiting)}</ul>
            {has_ended.then(|| view! {
                <h2>"Sent and not sent"</h2>
                <ul class="kept-list" aria-label="Sent and not sent">{rows(ended)}</ul>
            })}
        </Sheet>
    }
}

/// A message with its time, what became of it, and its forms.
#[component]
fn Row(scheduled: Scheduled) -> impl IntoView {
    let is_late = scheduled.is_late();
    let Scheduled { id, room_id, room_name, body, send_at, state } = scheduled;
    let path = paths::scheduled(id);
    let is_waiting = state == ScheduledState::Waiting;
    let is_ended = matches!(state, ScheduledState::Sent { .. } | ScheduledState::Failed { .. });
    let room = if room_name.is_empty() {
        view! { <span>"a room that you are not in"</span> }.into_any()
    } else {
        view! { <a href=paths::room(room_id)><bdi>{room_name}</bdi></a> }.into_any()
    };
    let text = (!body.is_empty()).then(|| view! { <p class="kept__text" dir="auto" inner_html=text_html(&body)></p> });
    let words = match state {
        ScheduledState::Waiting => view! { "To be sent "<LocalTime at_ms=send_at/>" in "{room} }.into_any(),
        ScheduledState::Sending => view! { "Being sent now in "{room} }.into_any(),
        ScheduledState::Sent { message_id, at_ms } => view! {
            <a href=paths::message(room_id, message_id)>"Sent"</a>" "<LocalTime at_ms/>" in "{room}
            {is_late.then(|| view! { ", late: Campfire was not running at its time, "<LocalTime at_ms=send_at/> })}
        }
        .into_any(),
        ScheduledState::Failed { reason } => view! {
            <strong class="kept__failed">"Not sent. "{reason}</strong>" Its time was "<LocalTime at_ms=send_at/>" in "{room}
        }
        .into_any(),
    };
    view! {
        <li class="kept-item">
            {text}
            <div class="kept__row">
                <p class="kept__about">{words}</p>
                {is_waiting.then(|| view! {
                    <a class="button--quiet" href=path.clone()>"Change"</a>
                    <form method="post" action=path.clone()>
                        <button class="button--quiet" name="when" value="now">"Send now"</button>
                    </form>
                })}
                {(is_waiting || is_ended).then(|| view! {
                    <form method="post" action=path>
                        <input type="hidden" name="_method" value="delete"/>
                        <button class="button--quiet">{if is_waiting { "Cancel" } else { "Remove" }}</button>
                    </form>
                })}
            </div>
        </li>
    }
}

/// The beginning of a text, as it was typed.
fn text_html(body: &str) -> String {
    let mut html = HtmlWriter::new();
    html.text(&body.chars().take(SHOWN_CHARS).collect::<String>());
    html.into_string()
}

/// The form of a text and its time.
#[component]
pub fn ScheduleForm(
    /// The path that the form is submitted to.
    action: String,
    /// The path that the back arrow leads to.
    back: String,
    /// The name of the room.
    room_name: String,
    /// Whether the message waits already.
    is_waiting: bool,
    /// Makes the form idempotent; empty for a message that waits already.
    client_message_id: String,
    /// Under which key the browser keeps the text, which is forgotten once the form is submitted.
    draft_key: Option<String>,
    /// Whether files were chosen beside the text.
    has_files: bool,
    /// The name of the zone that the times are of.
    zone: String,
    /// The values: `body`, and `at`, a date and a time.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get("at").map(str::to_owned);
    let invalid = reason.is_some().then_some("true");
    view! {
        <Sheet title="Send later" back>
            <Section title=format!("In {room_name}")>
                <form method="post" action=action data-clears-draft=draft_key>
                    <input type="hidden" name="zone" value=zone.clone()/>
                    <input type="hidden" name="client_message_id" value=client_message_id/>
                    <Problem state=state.clone()/>
                    <LongField name="body" label="Message" rows=4 maxlength=MAX_BODY_CHARS required=true state=state.clone()/>
                    {has_files.then(|| view! { <p class="field__note">"Files are not sent later: only the text is."</p> })}
                    <fieldset class="moments">
                        <legend>"When"</legend>
                        <p class="moments__row">
                            <label class="visually-hidden" for="at">"Date and time"</label>
                            <input id="at" name="at" type="datetime-local" value=state.value("at") aria-invalid=invalid aria-describedby="at-note"/>
                            // The first button of the form: what the Enter key presses.
                            <button class="button" name="when" value="at">{if is_waiting { "Save" } else { "At this time" }}</button>
                        </p>
                        <p class="moments__row">
                            <button class="button button--plain" name="when" value="hour">"In an hour"</button>
                            <button class="button button--plain" name="when" value="tomorrow">"Tomorrow at 9:00"</button>
                            <button class="button button--plain" name="when" value="monday">"Monday at 9:00"</button>
                        </p>
                        {match reason {
                            Some(reason) => view! { <p class="field__note field__note--wrong" id="at-note">{reason}</p> }.into_any(),
                            None => view! { <p class="field__note" id="at-note">"Times are those of "<bdi>{zone}</bdi>"."</p> }.into_any(),
                        }}
                    </fieldset>
                </form>
            </Section>
            <p><a href=paths::SCHEDULED>"All messages to be sent later"</a></p>
        </Sheet>
    }
}
