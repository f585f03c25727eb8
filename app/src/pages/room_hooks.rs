//! The hooks of a room.

use campfire::model::{RoomId, RoomKind, UserId, paths};
use leptos::prelude::*;

use crate::components::form::FormState;
use crate::components::hooks::{HookForm, HookFormats, HookItem};
use crate::components::sheet::{Section, Sheet};

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
    let has_hooks = !hooks.is_empty();
    view! {
        <Sheet title="Incoming hooks" back=paths::room_settings(kind, room_id)>
            <Section title="Other programs that post here">
                <p>
                    "A hook is an address at which another program posts in "<bdi>{room_name}</bdi>" as a bot, in the format that it speaks: "<HookFormats/>
                </p>
                {url.map(|url| view! {
                    <CommandField id="hook-url".to_owned() label="Address, shown this once" command=url/>
                })}
                {if has_hooks {
                    view! {
                        <ul class="deliveries">
                            {hooks.into_iter().map(|hook| view! { <HookOfRoom room_id hook/> }).collect_view()}
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
                        <HookForm action=paths::room_hooks(room_id) name="bot_id" label="Post as" choices=bots.into_iter().map(|(id, name)| (id.to_string(), name)).collect() state/>
                    }
                    .into_any()
                }}
            </Section>
        </Sheet>
    }
}

#[component]
fn HookOfRoom(room_id: RoomId, hook: RoomHook) -> impl IntoView {
    let RoomHook { id, bot_id, bot_name, creator_name, has_github_secret } = hook;
    let button = format!("Remove the hook of {bot_name}");
    let what = view! { "As "<a href=paths::edit_bot(bot_id)><bdi>{bot_name}</bdi></a> }.into_any();
    view! { <HookItem what creator_name has_github_secret action=paths::room_hook(room_id, id) button/> }
}
