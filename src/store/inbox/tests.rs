//! Tests of inboxes.

use super::*;
use crate::model::{Involvement, Message};
use crate::store;
use crate::testing::{self, World};

fn occurrence(message: &Message) -> Occurrence<'static> {
    let Message { id, room_id, creator_id, created_at, .. } = *message;
    Occurrence { room_id, message_id: id, actor_id: Some(creator_id), content: "", at: created_at }
}

/// A message that is in nobody's inbox.
async fn message(world: &World) -> Message {
    world.post(&world.ada, world.all_talk.id, "hello").await
}

async fn put(world: &World, of: Occurrence<'static>, receivers: &[(UserId, Cause)]) -> Vec<UserId> {
    let receivers = receivers.to_vec();
    world.state.db.write(async move |tx| Ok(insert(tx.db(), &of, &receivers).await?)).await.unwrap()
}

async fn entries(world: &World, user_id: UserId) -> Vec<InboxEntry> {
    page_before(world.state.db.reader(), user_id, None, 100).await.unwrap()
}

/// The causes of a user's entries, newest first, and whether each is unread.
async fn causes(world: &World, user_id: UserId) -> Vec<(Cause, bool)> {
    entries(world, user_id).await.into_iter().map(|entry| (entry.cause, entry.unread)).collect()
}

async fn counts(world: &World, user_id: UserId) -> (u32, u32) {
    let count = count(world.state.db.reader(), user_id).await.unwrap();
    assert_eq!(list_counts(world.state.db.reader(), &[user_id]).await.unwrap(), [(user_id, count)]);
    (count.unread, count.badge)
}

async fn deliver(world: &World, user_id: UserId, cause: Cause, delivery: Delivery) {
    let set = async move |tx: &mut store::Tx| Ok(set_delivery(tx.db(), user_id, cause, delivery).await?);
    world.state.db.write(set).await.unwrap();
}

#[tokio::test]
async fn the_default_in_sql_is_that_of_the_model() {
    let world = testing::world().await;
    for cause in Cause::ALL {
        let found = find_delivery(world.state.db.reader(), world.bob.id, cause).await.unwrap();
        assert_eq!(found, cause.default_delivery(), "{cause:?}");
        deliver(&world, world.bob.id, cause, Delivery::Off).await;
        assert_eq!(find_delivery(world.state.db.reader(), world.bob.id, cause).await.unwrap(), Delivery::Off);
    }
    assert_eq!(list_settings(world.state.db.reader(), world.bob.id).await.unwrap().len(), Cause::ALL.len());
}

#[tokio::test]
async fn a_message_is_one_entry_with_the_first_cause_that_is_not_off() {
    let world = testing::world().await;
    let (ada, bob, cleo) = (world.ada.id, world.bob.id, world.cleo.id);
    deliver(&world, cleo, Cause::Mention, Delivery::Off).await;
    let message = message(&world).await;
    let all = [
        (ada, Cause::Mention),
        (bob, Cause::Mention),
        (cleo, Cause::Mention),
        (bob, Cause::Answer),
        (cleo, Cause::Answer),
        (UserId(99), Cause::Answer),
    ];
    let mut got = put(&world, occurrence(&message), &all).await;
    got.sort_unstable();
    assert_eq!(got, [bob, cleo], "not its author, and nobody who does not exist");
    assert_eq!(causes(&world, bob).await, [(Cause::Mention, true)]);
    assert_eq!(causes(&world, cleo).await, [(Cause::Answer, true)]);
    assert!(put(&world, occurrence(&message), &all).await.is_empty(), "again");
    assert_eq!(entries(&world, bob).await[0].actor.as_ref().unwrap().name, "Ada");
    assert_eq!((counts(&world, ada).await, counts(&world, bob).await), ((0, 0), (1, 1)));
}

#[tokio::test]
async fn outsiders_bots_and_people_who_have_hidden_the_room_get_no_entry() {
    let world = testing::world().await;
    let room = world.open_closed_room("Room", &[&world.bob]).await;
    let message = world.post(&world.ada, room.id, "hello").await;
    let everybody = [(world.bob.id, Cause::Mention), (world.cleo.id, Cause::Mention)];
    let hide = world.member(&world.bob, room.id).await;
    crate::ops::memberships::set_involvement(&world.state, &hide, Involvement::Invisible).await.unwrap();
    assert!(put(&world, occurrence(&message), &everybody).await.is_empty());
    let reminder = [(world.bob.id, Cause::Reminder), (world.cleo.id, Cause::Reminder)];
    let of = Occurrence { actor_id: None, content: "later", ..occurrence(&message) };
    assert_eq!(put(&world, of, &reminder).await, [world.bob.id], "a reminder was wanted");
    assert_eq!(entries(&world, world.bob.id).await[0].content, "later");

    let mut other = world.other_connection().await;
    sqlx::query("UPDATE users SET role = 2 WHERE id = $1").bind(world.cleo.id).execute(&mut other).await.unwrap();
    let message = self::message(&world).await;
    assert!(put(&world, occurrence(&message), &[(world.cleo.id, Cause::Mention)]).await.is_empty());
}

#[tokio::test]
async fn the_badge_counts_what_notifies_also_after_the_choice_changed() {
    let world = testing::world().await;
    let bob = world.bob.id;
    let message = message(&world).await;
    let boost = |content| Occurrence { content, ..occurrence(&message) };
    put(&world, occurrence(&message), &[(bob, Cause::Answer)]).await;
    put(&world, boost("👍"), &[(bob, Cause::Boost)]).await;
    put(&world, boost("🎉"), &[(bob, Cause::Boost)]).await;
    assert!(put(&world, boost("👍"), &[(bob, Cause::Boost)]).await.is_empty(), "the same boost");
    assert_eq!(counts(&world, bob).await, (3, 1));
    deliver(&world, bob, Cause::Boost, Delivery::Notify).await;
    assert_eq!(counts(&world, bob).await, (3, 3));
    deliver(&world, bob, Cause::Answer, Delivery::Quiet).await;
    assert_eq!(counts(&world, bob).await, (3, 2));
    deliver(&world, bob, Cause::Boost, Delivery::Off).await;
    assert_eq!(counts(&world, bob).await, (3, 0), "what is there stays");
    assert!(put(&world, boost("👏"), &[(bob, Cause::Boost)]).await.is_empty());
}

#[tokio::test]
async fn a_ping_is_one_entry_until_it_is_read() {
    let world = testing::world().await;
    let (state, bob) = (&world.state, world.bob.id);
    let room = crate::ops::rooms::ping(state, &world.ada, vec![bob, world.cleo.id]).await.unwrap();
    let first = world.post(&world.ada, room.id, "one").await;
    let second = world.post(&world.ada, room.id, "two").await;
    assert_eq!(causes(&world, bob).await, [(Cause::Ping, true)]);
    let entry = entries(&world, bob).await.remove(0);
    assert_eq!(
        (entry.message_id, entry.room_name.as_str(), entry.room_kind),
        (first.id, "Ada, Cleo", RoomKind::Direct)
    );
    assert!(causes(&world, world.ada.id).await.is_empty(), "not of oneself");

    crate::ops::memberships::mark_read(state, &testing::current(&world.bob), room.id, second.id).await.unwrap();
    assert_eq!((causes(&world, bob).await, counts(&world, bob).await), (vec![(Cause::Ping, false)], (0, 0)));
    world.post(&world.ada, room.id, "three").await;
    assert_eq!(causes(&world, bob).await, [(Cause::Ping, true), (Cause::Ping, false)]);

    let member = world.member(&world.bob, room.id).await;
    crate::ops::memberships::set_involvement(state, &member, Involvement::Nothing).await.unwrap();
    world.post(&world.bob, room.id, "answered").await;
    assert_eq!(counts(&world, bob).await, (0, 0), "posting reads");
    world.post(&world.ada, room.id, "four").await;
    assert_eq!(causes(&world, bob).await.len(), 2, "it is muted");
    world.post(&world.ada, room.id, "@Bob").await;
    assert_eq!(causes(&world, bob).await[0], (Cause::Mention, true), "but a mention is one");
}

#[tokio::test]
async fn an_unread_ping_moves_on_when_its_message_is_removed() {
    let world = testing::world().await;
    let bob = world.bob.id;
    let room = crate::ops::rooms::ping(&world.state, &world.ada, vec![bob]).await.unwrap();
    let first = world.post(&world.ada, room.id, "one").await;
    let second = world.post(&world.ada, room.id, "two").await;
    let member = world.member(&world.ada, room.id).await;
    crate::ops::messages::remove(&world.state, &member, first.id).await.unwrap();
    let entry = entries(&world, bob).await.remove(0);
    assert_eq!((entry.message_id, entry.text.as_str(), entry.unread), (second.id, "two", true));
    crate::ops::messages::remove(&world.state, &member, second.id).await.unwrap();
    assert!(entries(&world, bob).await.is_empty());
    assert_eq!(counts(&world, bob).await, (0, 0));
}

#[tokio::test]
async fn reading_a_room_reads_its_entries_but_no_boosts_of_messages_that_were_not_shown() {
    let world = testing::world().await;
    let (state, bob, room_id) = (&world.state, world.bob.id, world.all_talk.id);
    let own = world.post(&world.bob, room_id, "mine").await;
    let ada = world.member(&world.ada, room_id).await;
    crate::ops::boosts::boost(state, &ada, own.id, "👍".parse().unwrap()).await.unwrap();
    let mention = world.post(&world.ada, room_id, "@Bob").await;
    let later = world.post(&world.ada, room_id, "@Bob again").await;
    let marked = async |up_to| {
        let mark =
            async move |tx: &mut store::Tx| Ok(store::memberships::mark_read(tx.db(), bob, room_id, up_to).await?);
        state.db.write(mark).await.unwrap()
    };
    let read = marked(mention.id).await;
    assert_eq!((read.position, read.inbox), (Some(mention.id), true));
    assert_eq!(counts(&world, bob).await, (2, 1), "the later mention and the boost");
    assert_eq!(marked(mention.id).await, store::memberships::MarkedRead::default(), "again");
    let shown = async |first, last| {
        let mark = async move |tx: &mut store::Tx| Ok(mark_shown(tx.db(), bob, room_id, (first, last)).await?);
        state.db.write(mark).await.unwrap()
    };
    assert_eq!(shown(mention.id, later.id).await, 1);
    assert_eq!(causes(&world, bob).await, [(Cause::Mention, false), (Cause::Mention, false), (Cause::Boost, true)]);
    assert_eq!((shown(own.id, own.id).await, shown(own.id, own.id).await), (1, 0));

    let member = world.member(&world.bob, room_id).await;
    marked(later.id).await;
    crate::ops::memberships::mark_unread(state, &member, later.id).await.unwrap();
    assert_eq!(causes(&world, bob).await, [(Cause::Mention, true), (Cause::Mention, false), (Cause::Boost, false)]);
    let newest = entries(&world, bob).await[0].id;
    let all = async move |tx: &mut store::Tx| Ok(mark_all_read(tx.db(), bob, newest - 1).await?);
    assert_eq!(state.db.write(all).await, Ok(0), "what came after the page stays unread");
    let all = async move |tx: &mut store::Tx| Ok(mark_all_read(tx.db(), bob, newest).await?);
    assert_eq!(state.db.write(all).await, Ok(1));
}

#[tokio::test]
async fn a_reminder_is_read_when_its_own_message_is_opened() {
    let world = testing::world().await;
    let bob = world.bob.id;
    let message = message(&world).await;
    let of = Occurrence { actor_id: None, ..occurrence(&message) };
    put(&world, of, &[(bob, Cause::Reminder)]).await;
    let (room_id, id) = (message.room_id, message.id);
    let shown = async |first| {
        let mark = async move |tx: &mut store::Tx| Ok(mark_shown(tx.db(), bob, room_id, (first, id)).await?);
        world.state.db.write(mark).await.unwrap()
    };
    assert_eq!(shown(MessageId(id.0 - 1)).await, 0, "it came while the room was open");
    assert_eq!(shown(id).await, 1);
}

#[tokio::test]
async fn entries_go_with_their_mention_boost_message_and_membership() {
    let world = testing::world().await;
    let (state, bob) = (&world.state, world.bob.id);
    let room = world.open_closed_room("Room", &[&world.bob]).await;
    let (ada, as_bob) = (world.member(&world.ada, room.id).await, world.member(&world.bob, room.id).await);
    let mention = world.post(&world.ada, room.id, "@Bob").await;
    let kept = world.post(&world.ada, room.id, "@Bob, stay").await;
    let own = world.post(&world.bob, room.id, "mine").await;
    let thumb = || "👍".parse().unwrap();
    crate::ops::boosts::boost(state, &ada, own.id, thumb()).await.unwrap();
    crate::ops::boosts::boost(state, &as_bob, own.id, thumb()).await.unwrap();
    assert_eq!(causes(&world, bob).await.len(), 3, "none of his own boost");
    crate::ops::boosts::unboost(state, &ada, own.id, thumb()).await.unwrap();
    crate::ops::messages::edit(state, &ada, mention.id, "nobody".parse().unwrap()).await.unwrap();
    let left: Vec<_> = entries(&world, bob).await.into_iter().map(|entry| entry.message_id).collect();
    assert_eq!(left, [kept.id]);
    crate::ops::messages::edit(state, &ada, mention.id, "@Bob after all".parse().unwrap()).await.unwrap();
    crate::ops::messages::edit(state, &ada, mention.id, "@Bob after all!".parse().unwrap()).await.unwrap();
    let entry = entries(&world, bob).await.remove(0);
    assert_eq!((entry.message_id, entry.text.as_str()), (mention.id, "@Bob after all!"));
    crate::ops::messages::remove(state, &ada, kept.id).await.unwrap();
    assert_eq!((entries(&world, bob).await.len(), counts(&world, bob).await), (1, (1, 1)));
    crate::ops::memberships::leave(state, &as_bob).await.unwrap();
    assert_eq!((entries(&world, bob).await.len(), counts(&world, bob).await), (0, (0, 0)));
}

#[tokio::test]
async fn an_edit_that_takes_a_mention_away_does_not_bring_back_what_was_pruned() {
    let world = testing::world().await;
    let (state, bob) = (&world.state, world.bob.id);
    let message = world.post(&world.ada, world.all_talk.id, "@Bob and @Cleo").await;
    let prune_all = async |tx: &mut store::Tx| Ok(prune(tx.db(), i64::MAX, 1).await?);
    assert_eq!(state.db.write(prune_all).await.unwrap().len(), 1, "no more than a batch");
    assert_eq!(state.db.write(prune_all).await.unwrap().len(), 1);
    assert_eq!(state.db.write(prune_all).await.unwrap().len(), 0);
    let ada = world.member(&world.ada, world.all_talk.id).await;
    crate::ops::messages::edit(state, &ada, message.id, "@Bob".parse().unwrap()).await.unwrap();
    assert!(entries(&world, bob).await.is_empty());
    let newer = world.post(&world.ada, world.all_talk.id, "@Bob").await;
    let keep = newer.created_at;
    assert!(state.db.write(async move |tx| Ok(prune(tx.db(), keep, 10).await?)).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_oldest_entries_go_beyond_the_maximum_and_pages_follow_each_other() {
    let world = testing::world().await;
    let bob = world.bob.id;
    let mut posted = Vec::new();
    for number in 0..6 {
        posted.push(world.post(&world.ada, world.all_talk.id, &format!("@Bob {number}")).await.id);
    }
    world.state.db.write(async move |tx| Ok(trim(tx.db(), bob, 5).await?)).await.unwrap();
    let page = async |before, limit| {
        let page = page_before(world.state.db.reader(), bob, before, limit).await.unwrap();
        page.into_iter().map(|entry| (entry.id, entry.message_id)).collect::<Vec<_>>()
    };
    let first = page(None, 3).await;
    let second = page(Some(first[2].0), 3).await;
    let ids: Vec<_> = first.iter().chain(&second).map(|(_, id)| *id).rev().collect();
    assert_eq!(ids, posted[1..]);
    assert!(page(Some(second[1].0), 3).await.is_empty());
}

#[tokio::test]
async fn counts_end_at_a_hundred_and_entries_at_their_maximum() {
    let world = testing::world_in_memory().await;
    let bob = world.bob.id;
    let message = message(&world).await;
    let fill = async move |tx: &mut store::Tx| {
        for number in 0..MAX_ENTRIES + 300 {
            let content = number.to_string();
            let of = Occurrence { content: &content, ..occurrence(&message) };
            insert(tx.db(), &of, &[(bob, Cause::Boost)]).await?;
        }
        Ok(())
    };
    world.state.db.write(fill).await.unwrap();
    assert_eq!(counts(&world, bob).await, (InboxCount::MAX, 0));
    let stored: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM inbox").fetch_one(world.state.db.reader()).await.unwrap();
    assert!((MAX_ENTRIES..MAX_ENTRIES + TRIM_EVERY).contains(&stored), "{stored}");
    assert_eq!(entries(&world, bob).await[0].content, (MAX_ENTRIES + 299).to_string());
}
