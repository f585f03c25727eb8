//! The pages of bots: the list with commands to copy, and the forms that make and change one.

use campfire::model::{RoomId, UserId, paths};
use leptos::prelude::*;

use crate::components::form::{Field, FormState, Problem};
use crate::components::hooks::{HookForm, HookFormats, HookItem};
use crate::components::picture_form::PictureForm;
use crate::components::sheet::{Avatar, Danger, Section, Sheet};
use crate::pages::deliveries::{Deliveries, DeliveryRow};

/// A bot in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBot {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// Its rooms.
    pub rooms: Vec<BotRoom>,
    /// How many rooms it is in beside those.
    pub other_count: i64,
}

/// A room of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotRoom {
    /// The room.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// The URL that the bot posts to.
    pub url: String,
}

/// The bots of the account, for administrators.
#[component]
pub fn BotsPage(
    /// The bots, by name.
    bots: Vec<ListedBot>,
) -> impl IntoView {
    let is_empty = bots.is_empty();
    view! {
        <Sheet title="Bots" back=paths::ACCOUNT_SETTINGS>
            <Section title="Programs that talk here">
                <p>
                    "A bot is a program that posts messages: a deployment, an alert, a script. Its key is its password: whoever has it reads and writes in the rooms that the bot is in."
                </p>
                <p class="bot__links">
                    <a class="button" href=paths::NEW_BOT>"New bot"</a>
                    <a class="button button--plain" href=paths::DELIVERIES>"Deliveries and jobs"</a>
                </p>
            </Section>
            {is_empty.then(|| view! { <p class="empty">"No bots yet."</p> })}
            {bots.into_iter().map(|bot| view! { <BotCard bot/> }).collect_view()}
        </Sheet>
    }
}

/// A bot with its commands.
#[component]
fn BotCard(bot: ListedBot) -> impl IntoView {
    let ListedBot { id, name, rooms, other_count } = bot;
    let is_nowhere = rooms.is_empty();
    // One room is as good an example as twenty: the others are opened.
    let is_open = rooms.len() <= 1;
    let lines = rooms.into_iter().map(move |room| view! { <RoomCommands bot_id=id room is_open/> }).collect_view();
    let others = match other_count {
        0 => None,
        1 => Some("It is in 1 other room, too.".to_owned()),
        count => Some(format!("It is in {count} other rooms, too.")),
    };
    view! {
        <section class="section bot">
            <h2 class="bot__name">
                <Avatar id name=name.clone()/>
                <bdi>{name.clone()}</bdi>
                <a class="button button--plain" href=paths::bot_guide(id) aria-label=format!("What {name} can do")>"API"</a>
                <a class="button button--plain" href=paths::edit_bot(id) aria-label=format!("Change {name}")>"Change"</a>
            </h2>
            {is_nowhere.then(|| view! { <p>"It is in no room that you are in. Add it in the settings of a room."</p> })}
            {lines}
            {others.map(|others| view! { <p class="field__note">{others}</p> })}
        </section>
    }
}

/// The commands with which a bot posts in a room.
#[component]
fn RoomCommands(bot_id: UserId, room: BotRoom, is_open: bool) -> impl IntoView {
    let BotRoom { id, name, url } = room;
    view! {
        <details class="bot__room" open=is_open>
            <summary>"In "<bdi>{name}</bdi></summary>
            <CommandField
                id=format!("text-{bot_id}-{id}")
                label="Post a text"
                command=format!("curl -d 'Hello!' {url}")
            />
            <CommandField
                id=format!("file-{bot_id}-{id}")
                label="Post a file"
                command=format!("curl -F attachment=@picture.png {url}")
            />
        </details>
    }
}

/// A command in a read-only field, with a button to copy it.
#[component]
pub fn CommandField(
    /// The id of the field.
    id: String,
    /// The text of its label.
    label: &'static str,
    /// The command.
    command: String,
) -> impl IntoView {
    view! {
        <div class="link-field">
            <label for=id.clone()>{label}</label>
            <div class="link-field__row">
                <input id=id.clone() type="text" class="link-field__code" readonly spellcheck="false" value=command data-selects=""/>
                // Hidden until a script shows it: it does not work without scripts.
                <button class="button button--plain" type="button" data-copies=id hidden>"Copy"</button>
            </div>
        </div>
    }
}

/// Guide to the API for one bot, with example commands that contain its key.
#[component]
pub fn BotGuidePage(
    /// The bot.
    id: UserId,
    /// Its name.
    name: String,
    /// Its key.
    key: String,
    /// The site's public origin.
    origin: String,
    /// A room that the bot is in: id and name. The examples post there.
    room: Option<(RoomId, String)>,
) -> impl IntoView {
    let (room_id, room_name) = room.unwrap_or((RoomId(1), "a room".to_owned()));
    let messages = [&origin, paths::api_messages(room_id).as_str()].concat();
    let bearer = format!("-H 'Authorization: Bearer {key}'");
    let examples = [
        ("Post", format!("curl {bearer} --json '{{\"body\":\"Deployed **41**\"}}' {messages}")),
        (
            "Post exactly once: send the same id again if no answer came",
            format!(
                "curl {bearer} --json '{{\"body\":\"Deployed\",\"client_message_id\":\"01920000-0001-7fff-bfff-ffffffffffff\"}}' {messages}"
            ),
        ),
        ("Read the newest messages", format!("curl {bearer} {messages}")),
        (
            "Edit an own message",
            format!("curl {bearer} -X PUT --json '{{\"body\":\"Deployed 42\"}}' {messages}/MESSAGE"),
        ),
        ("Delete an own message", format!("curl {bearer} -X DELETE {messages}/MESSAGE")),
        ("Boost a message", format!("curl {bearer} -d '🎉' {messages}/MESSAGE/boosts")),
        (
            "Send a file, then post its key",
            format!("curl {bearer} --data-binary @report.pdf '{origin}{}?name=report.pdf'", paths::API_FILES),
        ),
        ("Follow what happens", format!("curl -N {bearer} {origin}{}", paths::API_EVENTS)),
        ("List the rooms", format!("curl {bearer} {origin}{}", paths::API_ROOMS)),
        ("List the people", format!("curl {bearer} {origin}{}", paths::API_USERS)),
    ];
    let examples = examples.into_iter().enumerate().map(|(number, (label, command))| {
        view! { <CommandField id=format!("example-{id}-{number}") label command/> }
    });
    let examples: Vec<_> = examples.collect();
    view! {
        <Sheet title=format!("API for {name}") back=paths::BOTS>
            <Section title="What a program can do">
                <p>
                    "The key goes into the header "<code>"Authorization"</code>". Texts are Markdown; "<code>"@Name"</code>" mentions a member of the room. Failures are JSON with "<code>"error"</code>" and "<code>"message"</code>". "
                    "After 60 posts at once there is one a second: an answer of 429 says in "<code>"Retry-After"</code>" how long to wait."
                </p>
                <p>"The examples post in "<bdi>{room_name}</bdi>" as "<bdi>{name}</bdi>"."</p>
                {examples}
                <p><a href=paths::API_DESCRIPTION rel="external">"Description for tools (OpenAPI)"</a></p>
            </Section>
        </Sheet>
    }
}

/// The fields of a bot.
#[component]
fn BotFields(state: FormState) -> impl IntoView {
    view! {
        <Problem state=state.clone()/>
        <Field name="name" label="Name" autocomplete="off" autofocus=true state=state.clone()/>
        <Field
            name="webhook_url"
            label="Webhook URL"
            kind="url"
            autocomplete="off"
            required=false
            hint="Called when somebody mentions the bot, or writes in a ping with it. Services inside of your own network can be reached. Blank for none."
            state=state.clone()
        />
        <Field
            name="commands"
            label="Slash commands"
            autocomplete="off"
            required=false
            hint="Up to 10 words, like: deploy status. In its rooms, “/deploy staging” goes to the webhook, and what it answers is posted."
            state
        />
    }
}

/// The form that makes a bot.
#[component]
pub fn NewBotPage(
    /// Whether the installation stores no files.
    text_only: bool,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get("avatar").map(str::to_owned);
    let note_class = if reason.is_some() { "field__note field__note--wrong" } else { "field__note" };
    let note = reason
        .unwrap_or_else(|| "JPEG, PNG, GIF or WebP, at most 25 MB. Without one, it is shown as a robot.".to_owned());
    view! {
        <Sheet title="New bot" back=paths::BOTS>
            <Section title="Bot">
                <p>"It is in every open room at once. It gets a key, and the commands that post with it."</p>
                <form method="post" action=paths::BOTS enctype=(!text_only).then_some("multipart/form-data")>
                    <BotFields state/>
                    {(!text_only).then(|| view! {
                        <p class="field">
                            <label for="avatar">"Picture"</label>
                            <input id="avatar" name="avatar" type="file" accept="image/jpeg,image/png,image/gif,image/webp" aria-describedby="avatar-note"/>
                            <span class=note_class id="avatar-note">{note}</span>
                        </p>
                    })}
                    <button class="button">"Make the bot"</button>
                </form>
            </Section>
        </Sheet>
    }
}

/// The webhook of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCard {
    /// Whether its target has said that it is gone.
    pub is_off: bool,
    /// The secret that signs deliveries, right after it was made.
    pub secret: Option<String>,
    /// The latest deliveries.
    pub deliveries: Vec<DeliveryRow>,
}

/// The secret, the test and the latest deliveries of a webhook.
#[component]
fn Webhook(id: UserId, webhook: WebhookCard) -> impl IntoView {
    let WebhookCard { is_off, secret, deliveries } = webhook;
    let has_deliveries = !deliveries.is_empty();
    view! {
        <Section title="Webhook" id="webhook">
            {is_off.then(|| view! {
                <p class="card__problem" role="alert">"Its target said that it is gone, so it is switched off. Save the form above to switch it on again."</p>
            })}
            {secret.map(|secret| view! {
                <CommandField id="secret".to_owned() label="Signing secret, shown this once" command=secret/>
            })}
            <div class="bot__links">
                <form method="post" action=paths::webhook_test(id)>
                    <button class="button button--plain" disabled=is_off>"Send a test"</button>
                </form>
                <form method="post" action=paths::webhook_secret(id)>
                    <button class="button button--plain">"Make a new signing secret"</button>
                </form>
            </div>
            <p class="field__note">
                "Deliveries are signed as the Standard Webhooks specification says. A new secret is used from the next delivery on."
            </p>
            {has_deliveries.then(|| view! { <Deliveries rows=deliveries/> })}
        </Section>
    }
}

/// The hooks of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HooksCard {
    /// The hooks, the oldest first.
    pub hooks: Vec<HookRow>,
    /// The rooms in which one can be made: id and name.
    pub rooms: Vec<(RoomId, String)>,
    /// The URL of a hook that was just made.
    pub url: Option<String>,
}

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRow {
    /// Its id.
    pub id: i64,
    /// The name of its room.
    pub room_name: String,
    /// The name of who made it.
    pub creator_name: String,
    /// Whether events of GitHub are checked by a secret.
    pub has_github_secret: bool,
}

/// The hooks of a bot, and the form that makes one.
#[component]
fn Hooks(id: UserId, hooks: HooksCard, state: FormState) -> impl IntoView {
    let HooksCard { hooks, rooms, url } = hooks;
    let has_hooks = !hooks.is_empty();
    view! {
        <Section title="Incoming hooks" id="hooks">
            <p>
                "An address at which another program posts in one room as this bot, in the format that it speaks: "<HookFormats/>
            </p>
            {url.map(|url| view! {
                <CommandField id="hook-url".to_owned() label="Address, shown this once" command=url/>
            })}
            {has_hooks.then(|| view! {
                <ul class="deliveries">
                    {hooks.into_iter().map(|hook| view! { <HookOfBot bot_id=id hook/> }).collect_view()}
                </ul>
            })}
            {if rooms.is_empty() {
                view! { <p class="field__note">"The bot is in no room that you are in."</p> }.into_any()
            } else {
                view! {
                    <HookForm action=paths::bot_hooks(id) name="room_id" label="Room" choices=rooms.into_iter().map(|(id, name)| (id.to_string(), name)).collect() state/>
                }
                .into_any()
            }}
        </Section>
    }
}

#[component]
fn HookOfBot(bot_id: UserId, hook: HookRow) -> impl IntoView {
    let HookRow { id, room_name, creator_name, has_github_secret } = hook;
    let button = format!("Remove the hook in {room_name}");
    let what = view! { "In "<bdi>{room_name}</bdi> }.into_any();
    view! { <HookItem what creator_name has_github_secret action=paths::bot_hook(bot_id, id) button/> }
}

/// The forms that change a bot, its picture and its key, and the one that removes it.
#[component]
pub fn EditBotPage(
    /// The bot.
    id: UserId,
    /// Its name.
    name: String,
    /// Its webhook, if it has one.
    webhook: Option<WebhookCard>,
    /// Its hooks.
    hooks: HooksCard,
    /// Whether it has a picture of its own.
    has_picture: bool,
    /// Whether the installation stores no files.
    text_only: bool,
    /// The values and errors of the forms.
    state: FormState,
) -> impl IntoView {
    let (picture_name, picture_state) = (name.clone(), state.clone());
    let hooks_state = state.clone();
    let title = name.clone();
    view! {
        <Sheet title back=paths::BOTS>
            <Section title="Bot">
                <form method="post" action=paths::bot(id)>
                    <input type="hidden" name="_method" value="put"/>
                    <BotFields state/>
                    <button class="button">"Save"</button>
                </form>
            </Section>
            {webhook.map(|webhook| view! { <Webhook id webhook/> })}
            <Hooks id hooks state=hooks_state/>
            {(!text_only).then(|| view! {
                <Section title="Picture">
                    <div class="sheet__person">
                        <Avatar id name=picture_name class="avatar--large"/>
                        <PictureForm action=paths::bot_avatar(id) name="avatar" label="Picture of the bot" removable=has_picture round=true state=picture_state/>
                    </div>
                </Section>
            })}
            <Section title="Key">
                <Danger summary="Make a new key…" action=paths::bot_key(id) method="put" button="Make a new key">
                    <p>"The present key stops working at once, in every program that has it."</p>
                </Danger>
                <Danger summary=format!("Remove {name}…") action=paths::bot(id) button=format!("Remove {name} for good")>
                    <p>"Its key stops working at once, and it leaves all rooms. What it wrote stays. This cannot be undone."</p>
                </Danger>
            </Section>
        </Sheet>
    }
}
