//! Reads of the API: messages, boosts, rooms and users with all that their objects contain.

use std::collections::HashMap;

use crate::access::{Caller, Member};
use crate::model::{Answer, BoostContent, Involvement, Message, MessageId, Posted, Role, RoomId, RoomKind, UserId};
use crate::state::AppState;
use crate::store;
use crate::store::messages::MAX_PAGE_BYTES;
use crate::store::users::SeenUser;
use crate::{AppError, AppResult};

use super::{avatars, boosts};

/// How many users a page has.
pub const USERS_PAGE_SIZE: i64 = 100;

/// A user as programs see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUser {
    /// The id of the user.
    pub id: UserId,
    /// The name shown to others.
    pub name: String,
    /// The user's permissions in the account.
    pub role: Role,
    /// The path of the user's picture.
    pub avatar_path: String,
}

/// A message as programs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiMessage {
    /// The message.
    pub message: Message,
    /// Its body without markup; of a message of files alone, their names.
    pub plain_text: String,
    /// Its author.
    pub creator: ApiUser,
    /// Where it stands, if it is an answer in a thread.
    pub answer: Option<Answer>,
}

/// The part of a room's messages that a program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest ones.
    Newest,
    /// Those just before a message.
    Before(MessageId),
    /// Those just after a message.
    After(MessageId),
}

/// A page of a room's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiPage {
    /// The messages, oldest first.
    pub messages: Vec<ApiMessage>,
    /// Whether there are further ones in the direction of the range.
    pub has_more: bool,
    /// How many messages the room has.
    pub total_count: i64,
}

/// A boost as programs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBoost {
    /// Its id.
    pub id: i64,
    /// Its content.
    pub content: BoostContent,
    /// When it was added, in milliseconds since the epoch.
    pub created_at: i64,
    /// The booster.
    pub booster: ApiUser,
}

/// A room as programs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRoom {
    /// Its id.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name; of a direct room, the names of its other members.
    pub name: String,
    /// How much of it the user follows.
    pub involvement: Involvement,
}

/// The text of a script that may post HTML, as Markdown: what has no element of HTML is left as it is.
#[must_use]
pub fn markdown_of_script(text: String) -> String {
    if alerts::html::is_html(&text) { alerts::html::to_markdown(&text) } else { text }
}

/// A page of the member's room.
///
/// # Errors
/// `NotFound` when the message of the range is not in the room.
pub async fn page(state: &AppState, member: &Member, range: Range) -> AppResult<ApiPage> {
    let room_id = member.room.id;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    if let Range::Before(message_id) | Range::After(message_id) = range
        && store::messages::find_room(&mut *db, message_id).await? != Some(room_id)
    {
        return Err(AppError::NotFound);
    }
    let page = match range {
        Range::Newest => store::messages::page_before(&mut *db, room_id, MessageId(i64::MAX)).await?,
        Range::Before(message_id) => store::messages::page_before(&mut *db, room_id, message_id).await?,
        Range::After(message_id) => store::messages::page_after(&mut *db, room_id, message_id, MAX_PAGE_BYTES).await?,
    };
    let total_count = store::messages::count(&mut *db, room_id).await?;
    reader.release();
    Ok(ApiPage { messages: described(state, page.messages).await?, has_more: page.has_more, total_count })
}

/// A message of the member's room.
///
/// # Errors
/// `NotFound` when it is not there.
pub async fn message(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<ApiMessage> {
    let message = super::messages::find(state, member, message_id).await?;
    described(state, vec![message]).await?.pop().ok_or(AppError::NotFound)
}

/// The message that a program posted.
///
/// # Errors
/// `Conflict` when it was posted by an earlier request and removed since.
pub async fn posted(state: &AppState, posted: Posted) -> AppResult<ApiMessage> {
    match posted {
        Posted::Stored(message) => described(state, vec![message]).await?.pop().ok_or(AppError::NotFound),
        Posted::Removed(_) => Err(AppError::Conflict("This message was posted before and removed since.".into())),
    }
}

/// Messages with their plain texts and authors.
pub(super) async fn described(state: &AppState, messages: Vec<Message>) -> AppResult<Vec<ApiMessage>> {
    let db = state.db.reader();
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    let mut texts: HashMap<_, _> = store::messages::list_texts(db, &ids).await?.into_iter().collect();
    for (message_id, name) in store::files::list_names(db, &ids).await? {
        let text = texts.entry(message_id).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(name.as_str());
    }
    let answers: HashMap<_, _> = store::threads::list_answers(db, &ids).await?.into_iter().collect();
    let creator_ids: Vec<_> = messages.iter().map(|message| message.creator_id).collect();
    let creators = users(state, &creator_ids).await?;
    let described = messages.into_iter().filter_map(|message| {
        let creator = creators.get(&message.creator_id)?.clone();
        let answer = answers.get(&message.id).copied();
        Some(ApiMessage { plain_text: texts.remove(&message.id).unwrap_or_default(), creator, message, answer })
    });
    Ok(described.collect())
}

/// Adds a boost of the member, and describes it. The same boost again is the one that is there.
///
/// # Errors
/// As [`boosts::boost`].
pub async fn boost(
    state: &AppState,
    member: &Member,
    message_id: MessageId,
    content: BoostContent,
) -> AppResult<ApiBoost> {
    boosts::boost(state, member, message_id, content.clone()).await?;
    let user_id = member.user.id;
    let found = store::boosts::find(state.db.reader(), message_id, user_id, &content).await?;
    let (id, created_at) = found.ok_or(AppError::NotFound)?;
    let booster = users(state, &[user_id]).await?.remove(&user_id).ok_or(AppError::NotFound)?;
    Ok(ApiBoost { id, content, created_at, booster })
}

/// The caller's rooms: shared ones by name, then direct ones, the latest first.
///
/// # Errors
/// When the database does not answer.
pub async fn rooms<C: Caller>(state: &AppState, caller: &C) -> AppResult<Vec<ApiRoom>> {
    let rooms = store::memberships::list_involvements(state.db.reader(), caller.user().id).await?;
    Ok(rooms.into_iter().map(|(id, kind, name, involvement)| ApiRoom { id, kind, name, involvement }).collect())
}

/// Up to [`USERS_PAGE_SIZE`] active users with ids above `after`, by id, and whether there are further ones: of the
/// member's room, or of the account.
///
/// # Errors
/// When the database does not answer.
pub async fn users_after<C: Caller>(
    state: &AppState,
    _: &C,
    room: Option<&Member>,
    after: UserId,
) -> AppResult<(Vec<ApiUser>, bool)> {
    let room_id = room.map(|member| member.room.id);
    let limit = USERS_PAGE_SIZE + 1;
    let mut seen = store::users::list_seen_after(state.db.reader(), room_id, after, limit).await?;
    let has_more = i64::try_from(seen.len()).is_ok_and(|count| count == limit);
    if has_more {
        seen.pop();
    }
    Ok((with_pictures(state, seen).await?, has_more))
}

/// These users, of any status.
async fn users(state: &AppState, user_ids: &[UserId]) -> AppResult<HashMap<UserId, ApiUser>> {
    let seen = store::users::list_seen(state.db.reader(), user_ids).await?;
    Ok(with_pictures(state, seen).await?.into_iter().map(|user| (user.id, user)).collect())
}

async fn with_pictures(state: &AppState, seen: Vec<SeenUser>) -> AppResult<Vec<ApiUser>> {
    let versions: Vec<_> = seen.iter().map(|user| (user.id, user.avatar_version)).collect();
    let paths = avatars::paths_of(state, versions).await?;
    let described = seen.into_iter().zip(paths).map(|(user, avatar_path)| {
        let SeenUser { id, name, role, .. } = user;
        ApiUser { id, name, role, avatar_path }
    });
    Ok(described.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_page_ends_at_a_message_of_the_room_alone() {
        let world = testing::world().await;
        let room = world.open_closed_room("Other", &[]).await;
        let elsewhere = world.post(&world.ada, room.id, "elsewhere").await;
        let first = world.post(&world.ada, world.all_talk.id, "*one*").await;
        let second = world.post(&world.bob, world.all_talk.id, "two").await;
        let member = world.member(&world.cleo, world.all_talk.id).await;
        let texts = async |range| -> AppResult<Vec<String>> {
            let page = page(&world.state, &member, range).await?;
            assert_eq!((page.total_count, page.has_more), (2, false));
            Ok(page.messages.into_iter().map(|found| format!("{}: {}", found.creator.name, found.plain_text)).collect())
        };
        assert_eq!(texts(Range::Newest).await.unwrap(), ["Ada: one", "Bob: two"]);
        assert_eq!(texts(Range::Before(second.id)).await.unwrap(), ["Ada: one"]);
        assert_eq!(texts(Range::After(first.id)).await.unwrap(), ["Bob: two"]);
        assert_eq!(texts(Range::Before(elsewhere.id)).await, Err(AppError::NotFound));
        assert_eq!(message(&world.state, &member, elsewhere.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn users_are_listed_of_the_account_or_of_a_room() {
        let world = testing::world().await;
        let room = world.open_closed_room("Other", &[&world.cleo]).await;
        let member = world.member(&world.cleo, room.id).await;
        let names = async |room: Option<&Member>, after| {
            let (users, has_more) = users_after(&world.state, &world.cleo, room, after).await.unwrap();
            assert!(!has_more && users.iter().all(|user| user.avatar_path.starts_with("/users/")));
            users.into_iter().map(|user| user.name).collect::<Vec<_>>()
        };
        assert_eq!(names(None, UserId(0)).await, ["Ada", "Bob", "Cleo"]);
        assert_eq!(names(Some(&member), UserId(0)).await, ["Ada", "Cleo"]);
        assert_eq!(names(None, world.bob.id).await, ["Cleo"]);
        assert_eq!(rooms(&world.state, &world.cleo).await.unwrap().len(), 2);
    }
}
