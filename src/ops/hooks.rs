//! Incoming hooks: other programs post in a room as a bot, in the formats that they speak already.
//!
//! The address of a hook is its permission: it posts in one room, and reads nothing.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::access::{Administrator, CurrentHook, Guess};
use crate::model::{ClientMessageId, Draft, RoomId, RoomKind, User, UserId, is_blank};
use crate::state::AppState;
use crate::store::hooks::NewHook;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::accounts::random_letters;
use super::messages;
use super::permissions::write_as;

pub use crate::store::hooks::Hook;

/// The number of characters of a token: letters and digits, some 142 bits of entropy.
const TOKEN_CHARS: usize = 24;

/// Maximum number of hooks of a bot.
const MAX_HOOKS: i64 = 50;

/// Longest secret of GitHub, in bytes.
const MAX_SECRET_BYTES: usize = 200;

/// The payload of an incoming hook.
#[derive(Clone, Debug, PartialEq)]
pub enum Alert {
    /// A text, as Markdown.
    Text(String),
    /// JSON in the form of Slack's messages.
    Slack(Value),
}

/// The hooks of a bot. Of rooms that the administrator is not in, the name is left out.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of_bot(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<Vec<Hook>> {
    let mut hooks = store::hooks::list_of_bot(state.db.reader(), bot_id).await?;
    let rooms = store::memberships::list_rooms(state.db.reader(), administrator.user().id).await?;
    for hook in &mut hooks {
        if !rooms.iter().any(|(room_id, _)| *room_id == hook.room_id) {
            "a room that you are not in".clone_into(&mut hook.room_name);
        }
    }
    Ok(hooks)
}

/// The hooks of a room that the administrator is in.
///
/// # Errors
/// `NotFound` for other rooms.
pub async fn list_of_room(state: &AppState, administrator: &Administrator, room_id: RoomId) -> AppResult<Vec<Hook>> {
    require_room(state, administrator, room_id).await?;
    Ok(store::hooks::list_of_room(state.db.reader(), room_id).await?)
}

/// Removes a hook of a room that the administrator is in. Its address stops working at once.
///
/// # Errors
/// As [`remove`], and `NotFound` for other rooms.
pub async fn remove_of_room(
    state: &AppState,
    administrator: &Administrator,
    room_id: RoomId,
    hook_id: i64,
) -> AppResult<()> {
    require_room(state, administrator, room_id).await?;
    let bot_id = store::hooks::find_bot(state.db.reader(), hook_id, room_id).await?.ok_or(AppError::NotFound)?;
    remove(state, administrator, bot_id, hook_id).await
}

async fn require_room(state: &AppState, administrator: &Administrator, room_id: RoomId) -> AppResult<()> {
    let found = store::memberships::find(state.db.reader(), administrator.user().id, room_id).await?;
    found.filter(|(room, _)| room.kind != RoomKind::Direct).map(drop).ok_or(AppError::NotFound)
}

/// Makes a hook, and returns its token, which is shown this once.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot, `Invalid` for a room that not both
/// of them are in, and above the maximum.
pub async fn create(
    state: &AppState,
    administrator: &Administrator,
    bot_id: UserId,
    room_id: RoomId,
    github_secret: &str,
) -> AppResult<String> {
    if github_secret.len() > MAX_SECRET_BYTES {
        return Err(AppError::invalid("github_secret", "This has at most 200 characters."));
    }
    let token = random_letters(TOKEN_CHARS);
    let new = NewHook {
        bot_id,
        room_id,
        creator_id: administrator.user().id,
        token_hash: hash(&token),
        github_secret: github_secret.trim().to_owned(),
    };
    let create = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        store::bots::find(tx.db(), bot_id).await?.ok_or(AppError::NotFound)?;
        let not_there = || AppError::invalid("room_id", "Choose a room that both you and the bot are in.");
        let found = store::memberships::find(tx.db(), bot_id, room_id).await?;
        found.filter(|(room, _)| room.kind != RoomKind::Direct).ok_or_else(not_there)?;
        store::memberships::find(tx.db(), user.id, room_id).await?.ok_or_else(not_there)?;
        if store::hooks::count_of_bot(tx.db(), bot_id).await? >= MAX_HOOKS {
            return Err(AppError::invalid("room_id", "A bot has at most 50 hooks. Remove one first."));
        }
        let now_ms = tx.now_ms();
        Ok(store::hooks::insert(tx.db(), &new, now_ms).await?)
    };
    write_as(state, administrator, create).await?;
    Ok(token)
}

/// Removes a hook. Its address stops working at once.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` when it is not there.
pub async fn remove(state: &AppState, administrator: &Administrator, bot_id: UserId, hook_id: i64) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        if store::hooks::remove(tx.db(), hook_id, bot_id).await? { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, administrator, remove).await
}

/// The hook with this token.
///
/// # Errors
/// `NotFound` for a token of none, or of a bot that is not active any more; `TooManyTries` after too many wrong ones from
/// this network, and when the bot posts too fast.
pub async fn authenticate(state: &AppState, token: &str, from: IpAddr) -> AppResult<CurrentHook> {
    let found = store::hooks::find(state.db.reader(), &hash(token)).await?;
    let user = match &found {
        Some(hook) => store::users::find(state.db.reader(), hook.bot_id).await?,
        None => None,
    };
    // Who has a token that cannot be guessed does not wait for those who guess beside them.
    let (Some(hook), Some(user)) = (found, user) else {
        let guess = Guess::KeyFrom(from);
        state.guesses.check(guess)?;
        state.guesses.failed(guess);
        return Err(AppError::NotFound);
    };
    state.bot_posts.take(user.id)?;
    Ok(CurrentHook { user, hook_id: hook.id, room_id: hook.room_id, github_secret: hook.github_secret })
}

/// Posts what was sent to a hook. It triggers no webhook: others choose the words, like the title of an issue.
///
/// # Errors
/// `Invalid` for a blank text, `NotFound` when the bot is not in the room any more.
pub async fn post(state: &AppState, hook: &CurrentHook, alert: Alert) -> AppResult<()> {
    let markdown = match alert {
        // Cut like the other forms: an alert must not be lost for its length.
        Alert::Text(text) => alerts::cut(text),
        // Large ones take milliseconds, which is too long for the thread of a request.
        Alert::Slack(json) => state.renderings.turn().await?.run(move || alerts::slack::to_message(&json)).await?,
    };
    post_markdown(state, hook, &markdown).await
}

/// Posts an event of GitHub. One that is not shown is accepted all the same.
///
/// # Errors
/// `Forbidden` when the hook has a secret and the signature is not by it, and as [`post`].
pub async fn post_github(
    state: &AppState,
    hook: &CurrentHook,
    event: &str,
    signature: Option<&str>,
    body: Vec<u8>,
) -> AppResult<()> {
    if !hook.github_secret.is_empty() && !is_signed(&hook.github_secret, signature, &body) {
        return Err(AppError::Forbidden);
    }
    let malformed =
        || AppError::Malformed("An event of GitHub is JSON: choose the content type application/json.".into());
    let event = event.to_owned();
    let convert = move || {
        let payload: Value = serde_json::from_slice(&body)?;
        serde_json::Result::Ok(alerts::github::to_message(&event, &payload))
    };
    match state.renderings.turn().await?.run(convert).await?.map_err(|_| malformed())? {
        Some(markdown) => post_markdown(state, hook, &markdown).await,
        None => Ok(()),
    }
}

async fn post_markdown(state: &AppState, hook: &CurrentHook, markdown: &str) -> AppResult<()> {
    if is_blank(markdown) {
        return Err(AppError::invalid("body", "There is nothing to post."));
    }
    let member = state.members.find(hook, hook.room_id).await?;
    let random = uuid::Uuid::new_v4();
    let id = ClientMessageId::v7(state.clock.now_ms().unsigned_abs(), std::array::from_fn(|at| random.as_bytes()[at]));
    let draft: Draft = markdown.replace('\0', "").parse()?;
    messages::post_quietly(state, &member, id, draft).await.map(drop)
}

/// Whether the value of `X-Hub-Signature-256` is that of the body by this secret.
fn is_signed(secret: &str, signature: Option<&str>, body: &[u8]) -> bool {
    let Some(digits) = signature.and_then(|signature| signature.strip_prefix("sha256=")) else { return false };
    let Some(given) = from_hex(digits) else { return false };
    let mut signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    signer.update(body);
    signer.verify_slice(&given).is_ok()
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::bots::{self, BotForm};
    use crate::testing::{self, LOCAL, as_administrator};

    #[test]
    fn a_signature_of_github_is_checked() {
        // The example of GitHub's documentation.
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(secret, Some(signature), body));
        assert!(!is_signed("other", Some(signature), body) && !is_signed(secret, Some(signature), b"Hello"));
        for wrong in [None, Some(""), Some("sha256="), Some("sha1=757107ea"), Some(&signature[..70]), Some("sha256=é")]
        {
            assert!(!is_signed(secret, wrong, body), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_hook_posts_as_its_bot_until_it_is_removed() {
        let world = testing::world().await;
        let (state, ada) = (&world.state, as_administrator(&world.ada));
        let form = BotForm { name: "Alerts".parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let bot_id = bots::create(state, &ada, form).await.unwrap();
        let token = create(state, &ada, bot_id, world.all_talk.id, "").await.unwrap();
        let secret = world.open_closed_room("Secret", &[]).await;
        let elsewhere = create(state, &ada, bot_id, secret.id, "").await;
        assert!(matches!(elsewhere, Err(AppError::Invalid(_))), "the bot is not in it");
        let hook = authenticate(state, &token, LOCAL).await.unwrap();
        post(state, &hook, Alert::Text("*up*".into())).await.unwrap();
        let page = world.newest_page(world.all_talk.id).await;
        assert_eq!((page.messages[0].creator_id, page.messages[0].body_html.contains("<em>up")), (bot_id, true));
        assert_eq!(authenticate(state, "x", LOCAL).await, Err(AppError::NotFound));
        remove(state, &ada, bot_id, hook.hook_id).await.unwrap();
        assert_eq!(authenticate(state, &token, LOCAL).await, Err(AppError::NotFound));
        let late = post(state, &hook, Alert::Text("late".into())).await;
        assert_eq!(late, Err(AppError::SignedOut), "a request that had been let in before");
        assert_eq!(remove(state, &ada, bot_id, hook.hook_id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_hook_triggers_no_webhook_and_converts_on_the_threads_for_long_messages() {
        let world = testing::world().await;
        let (state, ada) = (&world.state, as_administrator(&world.ada));
        let alerts = BotForm { name: "Alerts".parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let bot_id = bots::create(state, &ada, alerts).await.unwrap();
        let url = Some("http://127.0.0.1:1/".to_owned());
        bots::create(state, &ada, BotForm { name: "Deploy".parse().unwrap(), webhook_url: url, commands: Vec::new() })
            .await
            .unwrap();
        let token = create(state, &ada, bot_id, world.all_talk.id, "").await.unwrap();
        let hook = authenticate(state, &token, LOCAL).await.unwrap();

        let held = [state.renderings.turn().await.unwrap(), state.renderings.turn().await.unwrap()];
        let slack = Alert::Slack(serde_json::json!({"text": "@Deploy ship prod"}));
        let mut posted = std::pin::pin!(post(state, &hook, slack));
        let mut posted_github = std::pin::pin!(post_github(state, &hook, "ping", None, b"{}".to_vec()));
        let pause = std::time::Duration::from_millis(200);
        assert!(tokio::time::timeout(pause, &mut posted).await.is_err(), "it waits for its turn");
        assert!(tokio::time::timeout(pause, &mut posted_github).await.is_err());
        drop(held);
        posted.await.unwrap();
        posted_github.await.unwrap();
        post(state, &hook, Alert::Text("@Deploy ship prod".into())).await.unwrap();
        assert_eq!(world.newest_page(world.all_talk.id).await.messages.len(), 3);
        let deliveries: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM deliveries").fetch_one(state.db.reader()).await.unwrap();
        assert_eq!(deliveries, 0);
    }
}
