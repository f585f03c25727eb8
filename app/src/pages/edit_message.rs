//! Writing without scripts: editing a message, and sending one again that could not be taken.

use campfire::error::FieldErrors;
use leptos::prelude::*;

use crate::components::form::{FormState, LongField};

use super::entrance::Card;

/// The form for a message of one's own.
#[component]
pub fn EditMessage(path: String, room_path: String, body: String, problem: Option<String>) -> impl IntoView {
    view! {
        <Card title="Edit message" lead="">
            <form method="post" action=path.clone()>
                <input type="hidden" name="_method" value="put"/>
                <Body body problem/>
                <div class="card__buttons">
                    <button class="button">"Save"</button>
                    <a class="button button--plain" href=room_path>"Cancel"</a>
                </div>
            </form>
            <form method="post" action=path>
                <input type="hidden" name="_method" value="delete"/>
                <button class="button button--danger">"Delete for everyone"</button>
            </form>
        </Card>
    }
}

/// A message that was not taken, with what was typed.
#[component]
pub fn NotSent(room_path: String, seq: String, body: String, problem: String) -> impl IntoView {
    view! {
        <Card title="Not sent yet" lead="">
            <form method="post" action=format!("{room_path}/messages")>
                <input type="hidden" name="seq" value=seq/>
                <Body body problem=Some(problem)/>
                <div class="card__buttons">
                    <button class="button">"Send"</button>
                    <a class="button button--plain" href=room_path.clone()>"Back to the room"</a>
                </div>
            </form>
        </Card>
    }
}

/// An answer that begins with what it answers.
#[component]
pub fn Reply(room_path: String, seq: String, body: String) -> impl IntoView {
    view! {
        <Card title="Reply" lead="">
            <form method="post" action=format!("{room_path}/messages")>
                <input type="hidden" name="seq" value=seq/>
                <Body body problem=None/>
                <div class="card__buttons">
                    <button class="button">"Send"</button>
                    <a class="button button--plain" href=room_path.clone()>"Cancel"</a>
                </div>
            </form>
        </Card>
    }
}

/// The words of a message, and what is wrong with them.
#[component]
fn Body(body: String, problem: Option<String>) -> impl IntoView {
    let mut errors = FieldErrors::default();
    if let Some(problem) = problem {
        errors.add("body", problem);
    }
    let state = FormState { values: vec![("body", body)], errors };
    view! { <LongField name="body" label="Message" rows=8 required=true state/> }
}
