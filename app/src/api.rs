//! The server functions: typed calls from the browser. Each one authorises the caller and calls one operation.
//!
//! All fail with `SignedOut` without a live session, and those of a room with `NotFound` if the caller is not in it.

#![expect(missing_docs, reason = "the attribute makes a struct of each function's arguments")]
#![allow(clippy::too_many_arguments, reason = "the arguments of a call are the fields of its JSON")]

use campfire::AppResult;
use campfire::model::{Anchor, Answering, ClientMessageId, FileKey, Message, MessageId, Posted, RoomId, UserId};
use campfire::protocol::{Json, MessagePage, RoomPage};
use leptos::prelude::*;

/// The data of the page of a room, or of the thread with the root `thread`: the messages around `anchor`. Makes the room the
/// last one.
#[server(endpoint = "rooms/page", input = Json, output = Json)]
pub async fn load_room(
    room_id: RoomId,
    anchor: Anchor,
    #[server(default)] thread: Option<MessageId>,
) -> AppResult<RoomPage> {
    use crate::server::{answer, current_user, member_of, ops, remember_room, state};
    answer(async move {
        let member = member_of(room_id).await?;
        let page = match thread {
            Some(root_id) => ops::threads::page(&state(), &member, root_id, anchor).await?,
            None => ops::messages::room_page(&state(), &member, anchor).await?,
        };
        remember_room(room_id);
        // Opening a message by its link marks the inbox entries about it as read.
        if let Anchor::Around(message_id) = anchor {
            ops::inbox::mark_shown(&state(), &current_user()?, room_id, (message_id, message_id)).await?;
        }
        Ok(page)
    })
    .await
}

/// The page of messages of a room or thread just before a message.
#[server(endpoint = "messages/before", input = Json, output = Json)]
pub async fn messages_before(
    room_id: RoomId,
    message_id: MessageId,
    #[server(default)] thread: Option<MessageId>,
) -> AppResult<MessagePage> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        let member = member_of(room_id).await?;
        match thread {
            Some(root_id) => ops::threads::page_before(&state(), &member, root_id, message_id).await,
            None => ops::messages::page_before(&state(), &member, message_id).await,
        }
    })
    .await
}

/// The page of messages of a room or thread just after a message.
#[server(endpoint = "messages/after", input = Json, output = Json)]
pub async fn messages_after(
    room_id: RoomId,
    message_id: MessageId,
    #[server(default)] thread: Option<MessageId>,
) -> AppResult<MessagePage> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        let member = member_of(room_id).await?;
        match thread {
            Some(root_id) => ops::threads::page_after(&state(), &member, root_id, message_id).await,
            None => ops::messages::page_after(&state(), &member, message_id).await,
        }
    })
    .await
}

/// Posts `body` in the room, with complete uploads as its files, as an answer to `reply_to`, if to anything. Calls with the
/// same `client_message_id` store it once. A text like `/word` calls a bot instead, and is no message, unless `as_message` is
/// set. With `answering`, it is an answer in a thread.
/// Fails with `SignedOut` if another user than `person` is signed in: the browser may have kept what that one wrote.
#[server(endpoint = "messages/post", input = Json, output = Json)]
pub async fn post_message(
    room_id: RoomId,
    client_message_id: ClientMessageId,
    body: String,
    #[server(default)] files: Vec<FileKey>,
    #[server(default)] reply_to: Option<MessageId>,
    #[server(default)] as_message: bool,
    #[server(default)] person: Option<UserId>,
    #[server(default)] answering: Option<Answering>,
) -> AppResult<Option<Posted>> {
    use crate::server::{answer, is_caller, member_of, ops, state};
    answer(async move {
        is_caller(person)?;
        let member = member_of(room_id).await?;
        let answers = campfire::model::Answers { reply_to, thread: answering };
        ops::commands::send(&state(), &member, client_message_id, &body, files, answers, as_message).await
    })
    .await
}

/// The source text of a message, for editing.
#[server(endpoint = "messages/source", input = Json, output = Json)]
pub async fn message_source(room_id: RoomId, message_id: MessageId) -> AppResult<String> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        let (_, source) = ops::messages::source(&state(), &member_of(room_id).await?, message_id).await?;
        Ok(source)
    })
    .await
}

/// Replaces the body of a message.
#[server(endpoint = "messages/edit", input = Json, output = Json)]
pub async fn edit_message(room_id: RoomId, message_id: MessageId, body: String) -> AppResult<Message> {
    use campfire::model::Draft;

    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        ops::messages::edit(&state(), &member_of(room_id).await?, message_id, Draft::beside_files(&body)?).await
    })
    .await
}

/// Checks the session: fails with `SignedOut` if it has ended.
#[server(endpoint = "session/check", input = Json, output = Json)]
pub async fn check_session() -> AppResult<()> {
    use crate::server::{answer, current_user};
    answer(async { current_user().map(drop) }).await
}
