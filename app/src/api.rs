//! The server functions: typed calls of the browser. Each authorises, calls one operation, and stops.

use campfire::AppResult;
use campfire::model::{Anchor, ClientMessageId, Message, MessageId, Posted, RoomId};
use campfire::protocol::{MessagePage, RoomPage};
use leptos::prelude::*;
use server_fn::codec::Json;

/// What a page of the room shows.
#[server(endpoint = "rooms/page", input = Json)]
pub async fn load_room(room_id: RoomId, anchor: Anchor) -> AppResult<RoomPage> {
    use crate::server::{answer, member_of, ops, remember_room, state};
    answer(async move {
        let page = ops::messages::room_page(&state(), &member_of(room_id).await?, anchor).await?;
        remember_room(room_id);
        Ok(page)
    })
    .await
}

/// The messages just before one.
#[server(endpoint = "messages/before", input = Json)]
pub async fn messages_before(room_id: RoomId, message_id: MessageId) -> AppResult<MessagePage> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move { ops::messages::page_before(&state(), &member_of(room_id).await?, message_id).await }).await
}

/// The messages just after one.
#[server(endpoint = "messages/after", input = Json)]
pub async fn messages_after(room_id: RoomId, message_id: MessageId) -> AppResult<MessagePage> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move { ops::messages::page_after(&state(), &member_of(room_id).await?, message_id).await }).await
}

/// Posts `body` in the room, once however often it is asked for.
#[server(endpoint = "messages/post", input = Json)]
pub async fn post_message(room_id: RoomId, client_message_id: ClientMessageId, body: String) -> AppResult<Posted> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        let member = member_of(room_id).await?;
        ops::messages::post(&state(), &member, client_message_id, body.parse()?).await
    })
    .await
}

/// What the author of a message typed.
#[server(endpoint = "messages/source", input = Json)]
pub async fn message_source(room_id: RoomId, message_id: MessageId) -> AppResult<String> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move {
        let (_, source) = ops::messages::source(&state(), &member_of(room_id).await?, message_id).await?;
        Ok(source)
    })
    .await
}

/// Gives a message another body.
#[server(endpoint = "messages/edit", input = Json)]
pub async fn edit_message(room_id: RoomId, message_id: MessageId, body: String) -> AppResult<Message> {
    use crate::server::{answer, member_of, ops, state};
    answer(async move { ops::messages::edit(&state(), &member_of(room_id).await?, message_id, body.parse()?).await })
        .await
}

/// Whether the session still lives: an error says that it does not.
#[server(endpoint = "session/check", input = Json)]
pub async fn check_session() -> AppResult<()> {
    use crate::server::{answer, current_user};
    answer(async { current_user().map(drop) }).await
}
