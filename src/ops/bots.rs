//! Bots: what administrators do with them, and the check of their keys.
//!
//! A bot is a user without address, password and sessions. Whatever it does, it does by the operations of people, as a
//! member of its rooms ([`CurrentBot`] is a caller like a signed-in user).

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::access::{Administrator, CurrentBot, Guess, Member};
use crate::facts::Fact;
use crate::model::{BotKey, CommandWord, RoomId, Status, TOKEN_CHARS, User, UserId, UserName};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult, names};

use super::accounts::random_letters;
use super::avatars::{self, Received, record_pictures};
use super::permissions::write_as;
use super::users::{end_memberships, record_changed};
use super::{commands, webhooks};
use pictures::Crop;

/// Maximum number of active bots.
const MAX_BOTS: i64 = 100;

/// How many rooms of a bot are listed for an administrator.
const MAX_ROOMS_LISTED: i64 = 20;

/// Maximum number of bots to choose from.
const MAX_BOTS_CHOSEN: i64 = 500;

/// How many rooms of a bot can be chosen for a hook.
const MAX_ROOMS_CHOSEN: i64 = 500;

/// A bot for administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: BotKey,
}

impl From<store::bots::Bot> for Bot {
    fn from(store::bots::Bot { id, name, token }: store::bots::Bot) -> Self {
        Self { id, name, key: BotKey::new(id, token) }
    }
}

/// A bot with its open and closed rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotInRooms {
    /// The bot.
    pub bot: Bot,
    /// Those of its rooms that the administrator is in, too, by name; at most 20.
    pub rooms: Vec<(RoomId, String)>,
    /// How many others it is in.
    pub other_count: i64,
}

/// The fields of a bot that an administrator edits.
#[derive(Clone, Debug)]
pub struct BotForm {
    /// The name.
    pub name: UserName,
    /// The URL of its webhook, from [`webhooks::parse_url`]; `None` for no webhook.
    pub webhook_url: Option<String>,
    /// The words of its commands, from [`parse_words`](crate::model::parse_words).
    pub commands: Vec<CommandWord>,
}

/// The active bots, by name, with their rooms.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, administrator: &Administrator) -> AppResult<Vec<BotInRooms>> {
    let db = state.db.reader();
    let mut bots = Vec::new();
    for bot in store::bots::list(db).await? {
        let viewer_id = administrator.user().id;
        let rooms = store::bots::list_rooms_shared_with(db, bot.id, viewer_id, MAX_ROOMS_LISTED).await?;
        let listed_count = i64::try_from(rooms.len()).unwrap_or(0);
        let other_count = store::bots::count_rooms(db, bot.id).await? - listed_count;
        bots.push(BotInRooms { bot: bot.into(), rooms, other_count });
    }
    Ok(bots)
}

/// The open and closed rooms of a bot that the administrator is in, too: id and name, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn rooms(
    state: &AppState,
    administrator: &Administrator,
    bot_id: UserId,
) -> AppResult<Vec<(RoomId, String)>> {
    let viewer_id = administrator.user().id;
    Ok(store::bots::list_rooms_shared_with(state.db.reader(), bot_id, viewer_id, MAX_ROOMS_CHOSEN).await?)
}

/// The active bots in the member's room: id and name, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list_in_room(state: &AppState, _: &Administrator, member: &Member) -> AppResult<Vec<(UserId, String)>> {
    let bots = store::bots::list_in_room(state.db.reader(), member.room.id, MAX_BOTS_CHOSEN).await?;
    Ok(bots.into_iter().map(|bot| (bot.id, bot.name)).collect())
}

/// An active bot.
///
/// # Errors
/// `NotFound` when there is no active bot with this id.
pub async fn find(state: &AppState, _: &Administrator, bot_id: UserId) -> AppResult<Bot> {
    let found = store::bots::find(state.db.reader(), bot_id).await?;
    found.map(Bot::from).ok_or(AppError::NotFound)
}

/// Makes a bot, which is a member of every open room.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `Invalid` when there are 100 bots.
pub async fn create(state: &AppState, administrator: &Administrator, form: BotForm) -> AppResult<UserId> {
    let token = random_letters(TOKEN_CHARS);
    let create = async move |tx: &mut Tx, _: User| {
        if store::bots::count(tx.db()).await? >= MAX_BOTS {
            return Err(AppError::invalid("name", "There are 100 bots, the most. Remove one first."));
        }
        let now_ms = tx.now_ms();
        let user_id = store::bots::insert(tx.db(), &form.name, &token, now_ms).await?;
        names::store(tx, user_id, &form.name).await?;
        webhooks::store_url(tx, user_id, form.webhook_url.as_deref()).await?;
        commands::store_words(tx, user_id, &form.commands).await?;
        let room_ids = store::memberships::grant_open_rooms(tx.db(), user_id, now_ms).await?;
        tx.record(Fact::UserJoined { user_id, room_ids }).await?;
        // The sheet of pictures also says who is a bot.
        store::avatars::note_change(tx.db(), user_id).await?;
        Ok((user_id, record_pictures(tx).await?))
    };
    let (user_id, account) = write_as(state, administrator, create).await?;
    state.note_account(&account);
    Ok(user_id)
}

/// Changes a bot.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot.
pub async fn update(state: &AppState, administrator: &Administrator, bot_id: UserId, form: BotForm) -> AppResult<()> {
    let update = async move |tx: &mut Tx, _: User| {
        let bot = require_bot(tx, bot_id).await?;
        webhooks::store_url(tx, bot_id, form.webhook_url.as_deref()).await?;
        commands::store_words(tx, bot_id, &form.commands).await?;
        if bot.name == form.name.as_str() {
            tx.changes_nothing_visible();
            return Ok(());
        }
        names::store(tx, bot_id, &form.name).await?;
        record_changed(tx, bot_id).await
    };
    write_as(state, administrator, update).await
}

/// Gives a bot another key. The one before stops working at once.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot.
pub async fn reset_key(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<()> {
    let token = random_letters(TOKEN_CHARS);
    let reset = async move |tx: &mut Tx, _: User| {
        require_bot(tx, bot_id).await?;
        store::bots::update_token(tx.db(), bot_id, &token).await?;
        tx.changes_nothing_visible();
        Ok(())
    };
    write_as(state, administrator, reset).await
}

/// Removes a bot from the account. Its key is dead at once; its messages and pings stay.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot.
pub async fn deactivate(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<()> {
    let deactivate = async move |tx: &mut Tx, _: User| {
        require_bot(tx, bot_id).await?;
        end_memberships(tx, bot_id).await?;
        webhooks::store_url(tx, bot_id, None).await?;
        commands::store_words(tx, bot_id, &[]).await?;
        let now_ms = tx.now_ms();
        store::users::update_status(tx.db(), bot_id, Status::Deactivated, now_ms).await?;
        Ok(tx.record(Fact::UserDeactivated { user_id: bot_id }).await?)
    };
    write_as(state, administrator, deactivate).await
}

/// The words of a bot's commands, sorted.
///
/// # Errors
/// When the database does not answer.
pub async fn command_words(state: &AppState, _: &Administrator, bot_id: UserId) -> AppResult<Vec<String>> {
    Ok(store::commands::list_of_bot(state.db.reader(), bot_id).await?)
}

/// Whether a bot has a picture.
///
/// # Errors
/// When the database does not answer.
pub async fn has_picture(state: &AppState, _: &Administrator, bot_id: UserId) -> AppResult<bool> {
    Ok(store::avatars::exists(state.db.reader(), bot_id).await?)
}

/// Changes a bot's picture to the part of another one, or to all of it.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot, `Invalid` when it is not a picture
/// that can be shown.
pub async fn set_picture(
    state: &AppState,
    administrator: &Administrator,
    bot_id: UserId,
    received: Received,
    crop: Option<Crop>,
) -> AppResult<()> {
    // Decoding costs more than a write.
    state.writes.take(administrator.user().id)?;
    find(state, administrator, bot_id).await?;
    let picture = avatars::shrink_avatar(state, &received, crop).await?;
    let set = async move |tx: &mut Tx, _: User| {
        require_bot(tx, bot_id).await?;
        store::avatars::set(tx.db(), bot_id, &picture).await?;
        record_pictures(tx).await
    };
    let account = write_as(state, administrator, set).await?;
    state.note_account(&account);
    Ok(())
}

/// Removes a bot's picture.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for anybody but an active bot.
pub async fn remove_picture(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, _: User| {
        require_bot(tx, bot_id).await?;
        store::avatars::remove(tx.db(), bot_id).await?;
        record_pictures(tx).await
    };
    let account = write_as(state, administrator, remove).await?;
    state.note_account(&account);
    Ok(())
}

async fn require_bot(tx: &mut Tx, bot_id: UserId) -> AppResult<Bot> {
    store::bots::find(tx.db(), bot_id).await?.map(Bot::from).ok_or(AppError::NotFound)
}

/// The bot whose key this is.
///
/// Wrong keys are counted: those for a bot by bot and network, so that a program with an old key does not lock the other
/// bots of its network out; all others by network. The right key never waits, so that it does not lock out its own bot
/// either: with 71 bits, a key cannot be guessed at any rate.
///
/// # Errors
/// `SignedOut` for a key that is not valid, `TooManyTries` after too many wrong ones.
pub async fn authenticate(state: &AppState, key: &str, from: IpAddr) -> AppResult<CurrentBot> {
    let key = key.parse::<BotKey>().ok();
    let found = match &key {
        Some(key) => store::bots::find_keyed(state.db.reader(), key.bot_id).await?,
        None => None,
    };
    let guess = found.as_ref().map_or(Guess::KeyFrom(from), |bot| Guess::BotKey(from, bot.user.id));
    match (key, found) {
        (Some(key), Some(bot)) if is_same(key.token(), &bot.token) => {
            Ok(CurrentBot { user: bot.user, key_number: bot.key_number })
        }
        _ => {
            state.guesses.check(guess)?;
            state.guesses.failed(guess);
            Err(AppError::SignedOut)
        }
    }
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.iter().zip(other.iter()).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

/// Counts a request of a bot that changes something.
///
/// # Errors
/// `TooManyTries` when there were too many.
pub fn take_post(state: &AppState, bot: &CurrentBot) -> AppResult<()> {
    state.bot_posts.take(bot.user.id)
}

/// Counts a request of a bot that reads.
///
/// # Errors
/// `TooManyTries` when there were too many.
pub fn take_read(state: &AppState, bot: &CurrentBot) -> AppResult<()> {
    state.bot_reads.take(bot.user.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::model::{ClientMessageId, Role};
    use crate::ops::{bots, messages};
    use crate::testing::{self, LOCAL, as_administrator};

    fn form(name: &str) -> BotForm {
        BotForm { name: name.parse().unwrap(), webhook_url: None, commands: Vec::new() }
    }

    #[tokio::test]
    async fn a_bot_is_made_with_a_key_in_every_open_room_and_known_by_it_until_the_key_is_reset() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = as_administrator(&world.ada);
        let bot_id = create(state, &ada, form("Deploys")).await.unwrap();
        assert_eq!(state.picture_versions().avatars, 1, "the sheet has another bot");
        let bot = find(state, &ada, bot_id).await.unwrap();
        assert_eq!((bot.name.as_str(), bot.key.token().len()), ("Deploys", TOKEN_CHARS));
        let old = bot.key.to_string();
        let current = authenticate(state, &old, LOCAL).await.unwrap();
        assert_eq!((current.user().role, current.key_number), (Role::Bot, 1));
        let member = state.members.find(&current, world.all_talk.id).await.unwrap();
        reset_key(state, &ada, bot_id).await.unwrap();
        assert_eq!(authenticate(state, &old, LOCAL).await, Err(AppError::SignedOut));
        let id = ClientMessageId::v7(1, [1; 10]);
        let late = messages::post(state, &member, id, "late".parse().unwrap()).await;
        assert_eq!(late, Err(AppError::SignedOut), "a request that had the old key");
        let late = messages::remove(state, &member, crate::model::MessageId(1)).await;
        assert_eq!(late, Err(AppError::SignedOut));

        let key = find(state, &ada, bot_id).await.unwrap().key.to_string();
        let listed = bots::list(state, &ada).await.unwrap();
        assert_eq!((listed[0].rooms.len(), listed[0].other_count), (1, 0));
        deactivate(state, &ada, bot_id).await.unwrap();
        assert_eq!(authenticate(state, &key, LOCAL).await, Err(AppError::SignedOut));
        assert_eq!(find(state, &ada, bot_id).await, Err(AppError::NotFound));
        assert_eq!(reset_key(state, &ada, bot_id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn only_administrators_change_bots_and_only_bots_are_changed() {
        let world = testing::world().await;
        let state = &world.state;
        let pretender = as_administrator(&world.bob);
        assert_eq!(create(state, &pretender, form("Deploys")).await, Err(AppError::Forbidden));
        let ada = as_administrator(&world.ada);
        let cleo = world.cleo.id;
        assert_eq!(update(state, &ada, cleo, form("Deploys")).await, Err(AppError::NotFound));
        assert_eq!(deactivate(state, &ada, cleo).await, Err(AppError::NotFound));
        assert_eq!(remove_picture(state, &ada, cleo).await, Err(AppError::NotFound));
        let bot_id = create(state, &ada, form("Ada")).await.unwrap();
        assert_eq!(find(state, &ada, bot_id).await.unwrap().name, "Ada (2)", "a bot does not pose as a person");
        update(state, &ada, bot_id, form("Deploys")).await.unwrap();
        assert_eq!(find(state, &ada, bot_id).await.unwrap().name, "Deploys");
    }

    #[tokio::test]
    async fn keys_that_are_wrong_have_to_wait_and_keep_nobody_out() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = as_administrator(&world.ada);
        let one = create(state, &ada, form("One")).await.unwrap();
        let other = create(state, &ada, form("Other")).await.unwrap();
        let key_of = async |bot_id| find(state, &ada, bot_id).await.unwrap().key.to_string();
        let (key, other_key) = (key_of(one).await, key_of(other).await);
        let wrong = format!("{one}-{}", "x".repeat(TOKEN_CHARS));
        for _ in 0..10 {
            assert_eq!(authenticate(state, &wrong, LOCAL).await, Err(AppError::SignedOut));
        }
        assert!(matches!(authenticate(state, &wrong, LOCAL).await, Err(AppError::TooManyTries(_))));
        assert!(authenticate(state, &key, LOCAL).await.is_ok(), "another program has the right one");
        assert!(authenticate(state, &other_key, LOCAL).await.is_ok());
        let elsewhere = "203.0.113.9".parse().unwrap();
        assert!(authenticate(state, &key, elsewhere).await.is_ok());
        for _ in 0..10 {
            let key = format!("{}-", world.ada.id);
            assert_eq!(authenticate(state, &key, LOCAL).await, Err(AppError::SignedOut), "a person");
        }
        assert!(matches!(authenticate(state, "99-abc", LOCAL).await, Err(AppError::TooManyTries(_))));
        assert!(authenticate(state, &other_key, LOCAL).await.is_ok());
    }

    #[test]
    fn secrets_are_compared_as_a_whole() {
        assert!(is_same("Ab3dEf6hIj9k", "Ab3dEf6hIj9k"));
        for other in ["", "Ab3dEf6hIj9", "Ab3dEf6hIj9K", "xb3dEf6hIj9k"] {
            assert!(!is_same("Ab3dEf6hIj9k", other));
        }
    }
}
