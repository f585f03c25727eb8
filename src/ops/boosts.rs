//! Adding boosts to messages, and removing them.

use crate::access::Member;
use crate::facts::Fact;
use crate::model::{BoostContent, MessageId, RoomId};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::inbox;
use super::permissions::write_as;

/// Maximum number of boosts by one user under one message.
const MAX_PER_USER: i64 = 20;

/// Adds a boost to a message of the member's room. The same boost again changes nothing.
///
/// # Errors
/// `NotFound` when the message is gone or in another room, or the membership ended; `Invalid` above the maximum.
pub async fn boost(state: &AppState, member: &Member, message_id: MessageId, content: BoostContent) -> AppResult<()> {
    let boost = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        require_message(tx, room_id, message_id).await?;
        let now_ms = tx.now_ms();
        if !store::boosts::insert(tx.db(), message_id, user_id, &content, now_ms).await? {
            tx.changes_nothing_visible();
            return Ok(());
        }
        if store::boosts::count_of(tx.db(), message_id, user_id).await? > MAX_PER_USER {
            return Err(AppError::invalid("content", "That is enough under one message. Take a boost back first."));
        }
        tx.record(Fact::MessageBoosted { room_id, message_id }).await?;
        inbox::insert_boost(tx, &member, message_id, &content).await
    };
    write_as(state, member, boost).await
}

/// Removes the member's boost. Does nothing if there is none.
///
/// # Errors
/// `NotFound` when the message is gone or in another room, or the membership ended.
pub async fn unboost(state: &AppState, member: &Member, message_id: MessageId, content: BoostContent) -> AppResult<()> {
    let unboost = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        require_message(tx, room_id, message_id).await?;
        if store::boosts::remove(tx.db(), message_id, user_id, &content).await? {
            tx.record(Fact::MessageBoosted { room_id, message_id }).await?;
            inbox::remove_boost(tx, user_id, message_id, &content).await?;
        } else {
            tx.changes_nothing_visible();
        }
        Ok(())
    };
    write_as(state, member, unboost).await
}

/// Removes the member's boost with this id.
///
/// # Errors
/// `NotFound` for another user's boost, and as [`unboost`].
pub async fn unboost_by_id(state: &AppState, member: &Member, message_id: MessageId, boost_id: i64) -> AppResult<()> {
    let own = store::boosts::find_own(state.db.reader(), boost_id, message_id, member.user.id).await?;
    unboost(state, member, message_id, own.ok_or(AppError::NotFound)?).await
}

async fn require_message(tx: &mut Tx, room_id: RoomId, message_id: MessageId) -> AppResult<()> {
    let found = store::messages::find_room(tx.db(), message_id).await?;
    found.filter(|found| *found == room_id).map(drop).ok_or(AppError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;
    use crate::testing;

    fn content(text: &str) -> BoostContent {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn boosts_with_the_same_content_are_grouped_and_can_be_removed() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "hello").await;
        let bob = world.member(&world.bob, room_id).await;
        let cleo = world.member(&world.cleo, room_id).await;
        let stored =
            async || store::messages::find(world.state.db.reader(), room_id, message.id).await.unwrap().unwrap();
        boost(&world.state, &bob, message.id, content("👍")).await.unwrap();
        let first = stored().await;
        boost(&world.state, &bob, message.id, content("👍")).await.unwrap();
        assert_eq!(stored().await, first, "the same boost again changes nothing");
        boost(&world.state, &cleo, message.id, content("👍")).await.unwrap();
        let both = stored().await;
        assert!(
            both.boosts_seq > first.boosts_seq && both.boosts_html.contains("👍, 2: Bob, Cleo"),
            "{}",
            both.boosts_html
        );
        unboost(&world.state, &bob, message.id, content("👍")).await.unwrap();
        assert!(stored().await.boosts_html.contains("👍, 1: Cleo"));
        unboost(&world.state, &bob, message.id, content("👍")).await.unwrap();
        unboost(&world.state, &cleo, message.id, content("👍")).await.unwrap();
        let none = stored().await;
        assert!(none.boosts_html.is_empty() && none.boosts_seq > both.boosts_seq);
        assert_eq!(none.revision, 1, "a boost is not an edit");
    }

    #[tokio::test]
    async fn only_messages_of_the_members_room_can_be_boosted() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "hello").await;
        let other = world.open_closed_room("Other", &[&world.bob]).await;
        let elsewhere = world.member(&world.bob, other.id).await;
        assert_eq!(boost(&world.state, &elsewhere, message.id, content("x")).await, Err(AppError::NotFound));
        let ada = world.member(&world.ada, room_id).await;
        ops::messages::remove(&world.state, &ada, message.id).await.unwrap();
        assert_eq!(boost(&world.state, &ada, message.id, content("x")).await, Err(AppError::NotFound));
        assert_eq!(unboost(&world.state, &ada, message.id, content("x")).await, Err(AppError::NotFound));

        let secret = world.post(&world.ada, other.id, "secret").await;
        ops::memberships::leave(&world.state, &elsewhere).await.unwrap();
        assert_eq!(boost(&world.state, &elsewhere, secret.id, content("x")).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_user_can_add_a_limited_number_of_boosts_to_a_message() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "hello").await;
        let ada = world.member(&world.ada, world.all_talk.id).await;
        for number in 0..MAX_PER_USER {
            boost(&world.state, &ada, message.id, content(&format!("{number}"))).await.unwrap();
        }
        assert!(matches!(boost(&world.state, &ada, message.id, content("more")).await, Err(AppError::Invalid(_))));
        assert_eq!(boost(&world.state, &ada, message.id, content("1")).await, Ok(()), "one that exists already");
        let count = store::boosts::count_of(world.state.db.reader(), message.id, world.ada.id).await.unwrap();
        assert_eq!(count, MAX_PER_USER);
    }
}
