//! Writing without scripts: editing a message, and sending one again that could not be taken.

use leptos::prelude::*;

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

#[component]
fn Body(body: String, problem: Option<String>) -> impl IntoView {
    let invalid = problem.is_some().then_some("true");
    view! {
        <p class="field">
            <label for="body">"Message"</label>
            // A line break after the tag is not part of the text; one that is must be doubled.
            <textarea id="body" name="body" rows="8" dir="auto" required aria-invalid=invalid aria-describedby="body-note">
                {format!("\n{body}")}
            </textarea>
            <span class="field__note field__note--wrong" id="body-note">{problem}</span>
        </p>
    }
}
