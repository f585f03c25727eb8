//! Posting, editing, removing and reading messages.

mod edit;
mod history;
mod page;
mod post;
mod read;
mod render;

pub use edit::{edit, remove};
pub use history::{are_edits_shown, history, show_edits};
pub use page::{page_after, page_before, room_page};
pub(super) use post::{find_posted, post_absent, post_quietly, send_quietly};
pub use post::{post, post_with_files};
pub use read::{find, member_of_room_of, source};
pub use render::preview;
pub(super) use render::render_note;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Anchor, ClientMessageId, Draft, MessageId, Posted};
    use crate::ops::memberships::{leave, mark_read, mark_unread};
    use crate::store::{self, Tx};
    use crate::{AppError, testing};

    fn id(number: u64) -> ClientMessageId {
        ClientMessageId::v7(number, [0; 10])
    }

    /// Posts and changes of the membership race a thousand times; the event log has the order of the commits.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_message_is_never_stored_after_its_creators_membership_ended() {
        use crate::ops::rooms::{self, Audience};
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let ada = world.member(&world.ada, room.id).await;
        let bob = world.member(&world.bob, room.id).await;
        let mut refused_count = 0;
        let mut stored_count = 0;
        for round in 0..1_000_u64 {
            let chosen = if round % 2 == 0 { vec![ada.user.id] } else { vec![ada.user.id, bob.user.id] };
            let change = async {
                for _ in 0..round % 3 {
                    tokio::task::yield_now().await;
                }
                rooms::change(&world.state, &ada, "Room".parse().unwrap(), Audience::Chosen(chosen)).await.unwrap();
            };
            let id = ClientMessageId::v7(round, [1; 10]);
            let post = async {
                for _ in 0..round / 3 % 3 {
                    tokio::task::yield_now().await;
                }
                post(&world.state, &bob, id, "hello".parse().unwrap()).await
            };
            match tokio::join!(change, post).1 {
                Ok(Posted::Stored(_)) => stored_count += 1,
                Err(AppError::NotFound) => refused_count += 1,
                other => panic!("{other:?}"),
            }
        }
        let log: Vec<(String, Option<i64>)> = sqlx::query_as(
            "SELECT kind, user_id FROM events WHERE room_id = $1 AND kind <> 'room_changed' ORDER BY seq",
        )
        .bind(room.id)
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        let mut is_member = false;
        let mut posted_count = 0;
        for (kind, user_id) in log {
            match (kind.as_str(), user_id) {
                ("membership_granted", Some(id)) if id == bob.user.id.0 => is_member = true,
                ("membership_revoked", Some(id)) if id == bob.user.id.0 => is_member = false,
                ("message_posted", _) => {
                    assert!(is_member, "a message of a user who was not a member");
                    posted_count += 1;
                }
                _ => {}
            }
        }
        assert_eq!(posted_count, stored_count);
        assert!(stored_count > 100 && refused_count > 100, "{stored_count} stored, {refused_count} refused");
    }

    #[tokio::test]
    async fn a_retry_returns_the_stored_message() {
        let world = testing::world().await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let send = async |words: &str| post(&world.state, &member, id(1), words.parse().unwrap()).await;
        let first = send("hello").await.unwrap();
        assert_eq!(send("hello").await.unwrap(), first);
        assert!(matches!(send("other words").await, Err(AppError::Conflict(_))));

        let many = futures::future::join_all((0..10).map(|_| send("hello"))).await;
        assert!(many.into_iter().all(|again| again.as_ref() == Ok(&first)));
        let page = world.newest_page(world.all_talk.id).await;
        assert_eq!(page.messages.len(), 1);
    }

    #[tokio::test]
    async fn a_mention_shows_the_users_current_name() {
        let world = testing::world().await;
        let state = &world.state;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "hi @bob").await;
        assert!(message.body_html.contains(">@Bob</a>"), "{}", message.body_html);
        let bob_id = world.bob.id;
        let rename = async move |tx: &mut Tx| {
            sqlx::query("UPDATE users SET name = 'Robert' WHERE id = $1").bind(bob_id).execute(tx.db()).await?;
            Ok(())
        };
        state.db.write(rename).await.unwrap();
        let ada = world.member(&world.ada, room_id).await;
        let shown = || async { room_page(state, &ada, Anchor::Newest).await.unwrap().timeline.messages[0].clone() };
        assert!(shown().await.body_html.contains(">@Robert</a>"));
        let edited = edit(state, &ada, message.id, "hi @bob, again".parse().unwrap()).await.unwrap();
        assert!(edited.body_html.contains(">@Robert</a>, again"), "the old name still works in this message");
        assert!(!world.post(&world.ada, room_id, "hi @bob").await.body_html.contains("mention"), "and in no other");
    }

    #[tokio::test]
    async fn only_members_of_the_room_can_be_mentioned() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let ada = world.member(&world.ada, room.id).await;
        let message = world.post(&world.ada, room.id, "@Bob and @Cleo").await;
        assert!(message.body_html.contains(">@Bob</a> and @Cleo"), "{}", message.body_html);
        let bob = world.member(&world.bob, room.id).await;
        leave(&world.state, &bob).await.unwrap();
        assert!(!world.post(&world.ada, room.id, "@Bob").await.body_html.contains("mention"));
        let edited = edit(&world.state, &ada, message.id, "@Bob, @Cleo".parse().unwrap()).await.unwrap();
        assert!(!edited.body_html.contains("mention"), "a former member is no longer mentioned");
    }

    #[tokio::test]
    async fn a_read_message_can_be_marked_as_unread() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(world.post(&world.ada, room_id, &format!("{number}")).await.id);
        }
        mark_read(&world.state, &testing::current(&world.bob), room_id, ids[2]).await.unwrap();
        let bob = world.member(&world.bob, room_id).await;
        mark_unread(&world.state, &bob, ids[1]).await.unwrap();
        let page = room_page(&world.state, &bob, Anchor::Newest).await.unwrap();
        assert_eq!(page.first_unread, Some(ids[1]));
        assert!(world.sidebar(world.bob.id).await[0].unread);
        assert_eq!(mark_unread(&world.state, &bob, MessageId(99)).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_client_message_id_is_unique_per_creator_across_rooms() {
        let world = testing::world().await;
        let ada = world.member(&world.ada, world.all_talk.id).await;
        let bob = world.member(&world.bob, world.all_talk.id).await;
        let draft = || "hello".parse::<Draft>().unwrap();
        post(&world.state, &ada, id(1), draft()).await.unwrap();
        assert!(matches!(post(&world.state, &bob, id(1), draft()).await, Ok(Posted::Stored(_))));
        let other = world.open_closed_room("Other", &[]).await;
        let elsewhere = world.member(&world.ada, other.id).await;
        assert!(matches!(post(&world.state, &elsewhere, id(1), draft()).await, Err(AppError::Conflict(_))));
    }

    #[tokio::test]
    async fn a_late_retry_neither_reverts_an_edit_nor_restores_a_removed_message() {
        let world = testing::world().await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let send = async || post(&world.state, &member, id(1), "hello".parse().unwrap()).await.unwrap();
        let Posted::Stored(message) = send().await else { panic!("stored") };
        let edited = edit(&world.state, &member, message.id, "goodbye".parse().unwrap()).await.unwrap();
        assert_eq!(edited.revision, 2);
        assert_eq!(send().await, Posted::Stored(edited));
        remove(&world.state, &member, message.id).await.unwrap();
        assert_eq!(send().await, Posted::Removed(message.id));
        assert!(matches!(post(&world.state, &member, id(1), "x".parse().unwrap()).await, Err(AppError::Conflict(_))));
    }

    #[tokio::test]
    async fn only_the_creator_or_an_administrator_edits_and_removes_a_message() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let of_bob = world.post(&world.bob, room_id, "bob's").await;
        let ada = world.member(&world.ada, room_id).await;
        let cleo = world.member(&world.cleo, room_id).await;
        let draft = || "changed".parse::<Draft>().unwrap();
        assert_eq!(edit(&world.state, &cleo, of_bob.id, draft()).await, Err(AppError::Forbidden));
        assert_eq!(remove(&world.state, &cleo, of_bob.id).await, Err(AppError::Forbidden));
        assert_eq!(source(&world.state, &cleo, of_bob.id).await, Err(AppError::Forbidden));
        assert_eq!(edit(&world.state, &ada, of_bob.id, draft()).await.unwrap().body_html, "<p>changed</p>");
        remove(&world.state, &ada, of_bob.id).await.unwrap();
        assert_eq!(remove(&world.state, &ada, of_bob.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_message_is_not_found_through_another_room() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "hello").await;
        let other = world.open_closed_room("Other", &[]).await;
        let elsewhere = world.member(&world.ada, other.id).await;
        assert_eq!(remove(&world.state, &elsewhere, message.id).await, Err(AppError::NotFound));
        assert_eq!(source(&world.state, &elsewhere, message.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn an_ended_membership_cannot_post() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let bob = world.member(&world.bob, room.id).await;
        let ada = world.member(&world.ada, room.id).await;
        super::super::rooms::change(
            &world.state,
            &ada,
            "Room".parse().unwrap(),
            super::super::rooms::Audience::Chosen(vec![world.ada.id]),
        )
        .await
        .unwrap();
        assert_eq!(post(&world.state, &bob, id(1), "hello".parse().unwrap()).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn an_edit_without_changes_appends_no_event() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "hello").await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let before = store::events::room_cursor(world.state.db.reader(), message.room_id).await.unwrap();
        assert_eq!(edit(&world.state, &member, message.id, "hello".parse().unwrap()).await, Ok(message.clone()));
        assert_eq!(store::events::room_cursor(world.state.db.reader(), message.room_id).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_page_around_a_message_has_forty_messages_on_each_side() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for number in 0..100 {
            ids.push(world.post(&world.ada, room_id, &format!("{number}")).await.id);
        }
        let member = world.member(&world.ada, room_id).await;
        let around = room_page(&world.state, &member, Anchor::Around(ids[50])).await.unwrap();
        assert_eq!(around.target, Some(ids[50]));
        let shown: Vec<_> = around.timeline.messages.iter().map(|message| message.id).collect();
        assert_eq!(shown, ids[10..=90]);
        assert!(around.timeline.has_older && around.timeline.has_newer);

        let first = room_page(&world.state, &member, Anchor::Around(ids[0])).await.unwrap();
        assert_eq!(first.timeline.messages.len(), 41);
        assert!(!first.timeline.has_older);
        let unknown = room_page(&world.state, &member, Anchor::Around(MessageId(9_999))).await.unwrap();
        assert_eq!((unknown.target, unknown.timeline.messages.len(), unknown.timeline.has_newer), (None, 40, false));

        remove(&world.state, &member, ids[50]).await.unwrap();
        let gone = room_page(&world.state, &member, Anchor::Around(ids[50])).await.unwrap();
        assert_eq!(gone.target, None);
        let shown: Vec<_> = gone.timeline.messages.iter().map(|message| message.id).collect();
        assert_eq!(shown, [&ids[10..50], &ids[51..=90]].concat(), "the messages around its place");
        assert!(gone.timeline.has_older && gone.timeline.has_newer);
    }

    #[tokio::test]
    async fn a_page_has_the_client_message_ids_of_the_readers_own_messages_only() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let own = world.post(&world.ada, room_id, "mine").await;
        world.post(&world.bob, room_id, "yours").await;
        let member = world.member(&world.ada, room_id).await;
        let page = room_page(&world.state, &member, Anchor::Newest).await.unwrap();
        let shown: Vec<_> = page.timeline.messages.iter().map(|message| &message.client_message_id).collect();
        assert!(own.client_message_id.is_some());
        assert_eq!(shown, [&own.client_message_id, &None]);
    }
}
