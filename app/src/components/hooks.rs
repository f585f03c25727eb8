//! Incoming hooks on the pages of their bot and of their room: what they are, one in a list, and the form that makes one.

use leptos::prelude::*;

use crate::components::form::{Field, FormState};
use crate::components::sheet::Danger;

/// The formats that a hook takes, as the rest of a sentence.
#[component]
pub fn HookFormats() -> impl IntoView {
    view! {
        "a text or JSON with "<code>"text"</code>", with "<code>"/slack"</code>" at its end the format of Slack (Alertmanager, Grafana, Gitea, Uptime Kuma, Apprise), with "<code>"/github"</code>" the events of GitHub."
    }
}

/// A hook in a list, with the form that removes it.
#[component]
pub fn HookItem(
    /// Where it posts, or as whom.
    #[prop(into)]
    what: AnyView,
    /// The name of who made it.
    creator_name: String,
    /// Whether events of GitHub are checked by a secret.
    has_github_secret: bool,
    /// The path of the hook.
    action: String,
    /// The text of the button that removes it.
    button: String,
) -> impl IntoView {
    view! {
        <li class="delivery">
            <p class="delivery__head">
                <span class="delivery__what">{what}", made by "<bdi>{creator_name}</bdi></span>
                {has_github_secret.then(|| view! { <span class="tag">"Secret of GitHub"</span> })}
            </p>
            <Danger summary="Remove…" action button>
                <p>"Its address stops working at once, in every program that has it."</p>
            </Danger>
        </li>
    }
}

/// The form that makes a hook.
#[component]
pub fn HookForm(
    /// The path that makes one.
    action: String,
    /// The name of the field with the room or bot.
    name: &'static str,
    /// The label of that field.
    label: &'static str,
    /// The choices: value and text.
    choices: Vec<(String, String)>,
    /// The values and errors of the form; what is wrong with the choice is at `room_id`.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get("room_id").map(str::to_owned);
    let choices = choices.into_iter().map(|(value, text)| view! { <option value=value>{text}</option> });
    view! {
        <form method="post" action=action>
            <p class="field">
                <label for=name>{label}</label>
                <select id=name name=name>{choices.collect_view()}</select>
                {reason.map(|reason| view! { <span class="field__note field__note--wrong">{reason}</span> })}
            </p>
            <Field
                name="github_secret"
                label="Secret of GitHub"
                autocomplete="off"
                required=false
                hint="The one entered at GitHub, so that only its events are taken. Blank to take all."
                state
            />
            <button class="button button--plain">"Make a hook"</button>
        </form>
    }
}
