//! The hooks of a room.

use campfire::model::{RoomId, RoomKind, UserId, paths};
use leptos::prelude::*;

use crate::components::form::{Field, FormState};
use crate::components::sheet::{Danger, Section, Sheet};

use super::bots::CommandField;

/// A hook of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomHook {
    /// Its id.
    pub id: i64,
    /// The bot that it posts as.
    pub bot_id: UserId,
    /// The name of the bot.
    pub bot_name: String,
    /// The name of who made it.
    pub creator_name: String,
    /// Whether events of GitHub are checked by a secret.
    pub has_github_secret: bool,
}

/// The hooks of a room, and the form that makes one.
#[component]
pub fn RoomHooks(
    /// The room.
    room_id: RoomId,
    /// Its name.
    room_name: String,
    /// Its kind.
    kind: RoomKind,
    /// Its hooks, the oldest first.
    hooks: Vec<RoomHook>,
    /// The bots in the room: id and name.
    bots: Vec<(UserId, String)>,
    /// The URL of a hook that was just made.
    url: Option<String>,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get("room_id").map(str::to_owned);
    let has_hooks = !hooks.is_empty();
    view! {
        <Sheet title="Incoming hooks" back=paths::room_settings(kind, room_id)>
            <Section title="Other programs that post here">
                <p>
                    "A hook is an address at which another program posts in "<bdi>{room_name}</bdi>" as a bot, in the format that it speaks: a text or JSON with "<code>"text"</code>", with "<code>"/slack"</code>" at its end the format of Slack (Alertmanager, Grafana, Gitea, Uptime Kuma, Apprise), with "<code>"/github"</code>" the events of GitHub."
                </p>
                {url.map(|url| view! {
                    <CommandField id="hook-url".to_owned() label="Address, shown this once" command=url/>
                })}
                {if has_hooks {
                    view! {
                        <ul class="deliveries">
                            {hooks.into_iter().map(|hook| view! { <HookItem room_id hook/> }).collect_view()}
                        </ul>
                    }
                    .into_any()
                } else {
                    view! { <p class="field__note">"No program posts here by a hook."</p> }.into_any()
                }}
            </Section>
            <Section title="New hook">
                {if bots.is_empty() {
                    view! {
                        <p class="field__note">
                            "A hook posts as a bot, and no bot is in this room. "<a href=paths::BOTS>"Make one"</a>", or add one under “Who is in it”."
                        </p>
                    }
                    .into_any()
                } else {
                    view! {
                        <form method="post" action=paths::room_hooks(room_id)>
                            <p class="field">
                                <label for="bot_id">"Post as"</label>
                                <select id="bot_id" name="bot_id">
                                    {bots.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> }).collect_view()}
                                </select>
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
                    .into_any()
                }}
            </Section>
        </Sheet>
    }
}

#[component]
fn HookItem(room_id: RoomId, hook: RoomHook) -> impl IntoView {
    let RoomHook { id, bot_id, bot_name, creator_name, has_github_secret } = hook;
    view! {
        <li class="delivery">
            <p class="delivery__head">
                <span class="delivery__what">
                    "As "<a href=paths::edit_bot(bot_id)><bdi>{bot_name.clone()}</bdi></a>", made by "<bdi>{creator_name}</bdi>
                </span>
                {has_github_secret.then(|| view! { <span class="tag">"Secret of GitHub"</span> })}
            </p>
            <Danger summary="Remove…" action=paths::room_hook(room_id, id) button=format!("Remove the hook of {bot_name}")>
                <p>"Its address stops working at once, in every program that has it."</p>
            </Danger>
        </li>
    }
}
