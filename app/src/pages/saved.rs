//! The messages that a person keeps for later, and the form of a note and a reminder.

use campfire::model::{Kept, Saved, SavedNote, paths};
use leptos::prelude::*;

use super::search::found_html;
use crate::components::form::{FormState, LongField, Problem};
use crate::components::local_time::LocalTime;
use crate::components::sheet::{Section, Sheet};

/// A page of the messages that a person keeps.
#[component]
pub fn SavedPage(
    /// The messages, the last one first.
    saved: Vec<Saved>,
    /// Whether these are the ones that are done.
    is_done: bool,
    /// The path of the next page.
    next: Option<String>,
) -> impl IntoView {
    let is_empty = saved.is_empty();
    let rows = saved.into_iter().map(|saved| view! { <Row saved/> }).collect_view();
    let current = |is_current: bool| is_current.then_some("page");
    view! {
        <Sheet title="Saved for later" back=paths::HOME>
            <nav class="choice" aria-label="Saved messages">
                <a href=paths::SAVED aria-current=current(!is_done)>"To do"</a>
                <a href=paths::SAVED_DONE aria-current=current(is_done)>"Done"</a>
            </nav>
            {is_empty.then(|| view! {
                <p class="empty">
                    {if is_done { "Nothing is done yet." } else { "Nothing is saved. Save a message by its menu, or by S when it is selected. Only you see what you save." }}
                </p>
            })}
            <ul class="kept-list">{rows}</ul>
            <p class="list__more"><a href=paths::SCHEDULED>"Messages to be sent later"</a></p>
            {next.map(|next| view! { <p class="list__more"><a class="button button--plain" href=next>"Older ones"</a></p> })}
        </Sheet>
    }
}

/// A kept message with its note, its reminder and its forms.
#[component]
fn Row(saved: Saved) -> impl IntoView {
    let Saved { id, kept, note, remind_at, reminded_at, is_done } = saved;
    let path = paths::saved(id);
    view! {
        <li class="kept-item">
            <KeptMessage kept/>
            {(!note.is_empty()).then(|| view! { <p class="kept__note" dir="auto">{note}</p> })}
            <div class="kept__row">
                <p class="kept__about">
                    {remind_at.map(|at_ms| view! { "Reminder: "<LocalTime at_ms/>". " })}
                    {reminded_at.map(|at_ms| view! { "You were reminded: "<LocalTime at_ms/>"." })}
                </p>
                <form method="post" action=path.clone()>
                    <input type="hidden" name="done" value=(!is_done).to_string()/>
                    <button class="button--quiet">{if is_done { "Not done" } else { "Done" }}</button>
                </form>
                <a class="button--quiet" href=path.clone()>"Note and reminder"</a>
                <form method="post" action=path>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button--quiet">"Remove"</button>
                </form>
            </div>
        </li>
    }
}

/// What a person may see of a message that they keep.
#[component]
fn KeptMessage(kept: Kept) -> impl IntoView {
    match kept {
        Kept::Message(message, room_name) => {
            view! { <div inner_html=found_html(&message, &room_name)></div> }.into_any()
        }
        Kept::Deleted => view! { <p class="kept__gone">"This message was deleted."</p> }.into_any(),
        Kept::Lost => view! { <p class="kept__gone">"You are no longer in the room of this message."</p> }.into_any(),
    }
}

/// The form of a note and a reminder.
#[component]
pub fn SaveForm(
    /// The path that the form is submitted to.
    action: String,
    /// The path that the back arrow leads to.
    back: String,
    /// The message.
    kept: Kept,
    /// When a reminder is to come, in milliseconds since the epoch.
    remind_at: Option<i64>,
    /// The name of the zone that the times are of.
    zone: String,
    /// The values: `note`, and `at`, a date and a time.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get("at").map(str::to_owned);
    let invalid = reason.is_some().then_some("true");
    view! {
        <Sheet title="Save for later" back>
            <div class="kept-item"><KeptMessage kept/></div>
            <Section title="Note and reminder">
                <form method="post" action=action>
                    <input type="hidden" name="zone" value=zone.clone()/>
                    <Problem state=state.clone()/>
                    <LongField name="note" label="Note" rows=2 maxlength=SavedNote::MAX_CHARS hint="Only you see it." state=state.clone()/>
                    <fieldset class="moments">
                        <legend>"Remind me"</legend>
                        {remind_at.map(|at_ms| view! { <p class="field__note">"A reminder is to come: "<LocalTime at_ms/></p> })}
                        <p class="moments__row">
                            <label class="visually-hidden" for="at">"Date and time"</label>
                            <input id="at" name="at" type="datetime-local" value=state.value("at") aria-invalid=invalid aria-describedby="at-note"/>
                            // The first button of the form: what the Enter key presses.
                            <button class="button button--plain" name="when" value="at">"At this time"</button>
                        </p>
                        <p class="moments__row">
                            <button class="button button--plain" name="when" value="hour">"In an hour"</button>
                            <button class="button button--plain" name="when" value="tomorrow">"Tomorrow at 9:00"</button>
                            {remind_at.map(|_| view! { <button class="button button--plain" name="when" value="never">"No reminder"</button> })}
                        </p>
                        {match reason {
                            Some(reason) => view! { <p class="field__note field__note--wrong" id="at-note">{reason}</p> }.into_any(),
                            None => view! { <p class="field__note" id="at-note">"Times are those of "<bdi>{zone}</bdi>". It comes to your devices that take notifications."</p> }.into_any(),
                        }}
                    </fieldset>
                    <button class="button" name="when" value="keep">"Save"</button>
                </form>
            </Section>
        </Sheet>
    }
}
