//! Renders stored messages anew after an update has changed the renderer: newest first, in batches with pauses, so that
//! nobody waits for an archive of millions.
//!
//! It is no edit: revision and time stay, nobody is told, and pages get the new HTML when they are next loaded. How far it
//! got is stored with each batch, so that it goes on after a restart.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use sqlx::types::Json;

use super::Next;
use crate::AppResult;
use crate::clock;
use crate::facts::Fact;
use crate::model::{Draft, FileForm, MessageId, Person, RoomId};
use crate::richtext::{self, Mention, Names, RENDER_VERSION, Rendered};
use crate::state::AppState;
use crate::store::Tx;
use crate::store::renderings::{self, StoredRendering};

/// How many messages one write changes at most: a few milliseconds for those that wait behind it.
const BATCH_SIZE: i64 = 32;

/// After each batch, the job pauses this many times as long as the batch took.
const PAUSE_FACTOR: u32 = 2;

/// The longest pause: a step has to end before its lease does.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A message whose rendering has changed.
struct Changed {
    stored: StoredRendering,
    rendered: Rendered,
    mentioned_before: Vec<Mention>,
}

/// Renders one batch.
pub(super) async fn step(state: &AppState) -> AppResult<Next> {
    let started = clock::monotonic();
    let Some(before) = renderings::position(state.db.reader(), RENDER_VERSION).await? else { return Ok(Next::Done) };
    let batch = renderings::list_before(state.db.reader(), before, BATCH_SIZE).await?;
    let oldest = batch.last().map(|stored| stored.id);
    let (changed, same) = render(state, batch).await?;
    let write = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let mut room_ids = BTreeSet::new();
        let mut user_ids = BTreeSet::new();
        for Changed { stored, rendered, mentioned_before } in &changed {
            if !renderings::replace(tx.db(), stored, &rendered.body).await? {
                continue;
            }
            room_ids.insert(stored.room_id);
            let ids = |mentions: &[Mention]| mentions.iter().map(|mention| mention.user_id).collect::<BTreeSet<_>>();
            let (old, new) = (ids(mentioned_before), ids(&rendered.mentions));
            if old != new {
                renderings::replace_mentions(tx.db(), stored.room_id, stored.id, &rendered.mentions).await?;
                user_ids.extend(old.symmetric_difference(&new));
            }
        }
        renderings::confirm(tx.db(), RENDER_VERSION, &same).await?;
        renderings::advance(tx.db(), RENDER_VERSION, oldest).await?;
        if !room_ids.is_empty() {
            tx.record(Fact::MessagesRendered { room_ids, user_ids }).await?;
        }
        Ok(())
    };
    state.db.write(write).await?;
    if oldest.is_none() {
        return Ok(Next::Done);
    }
    tokio::time::sleep((started.elapsed() * PAUSE_FACTOR).min(MAX_PAUSE)).await;
    Ok(Next::Continue)
}

/// Renders a batch. Returns what has changed, and the messages that look the same.
async fn render(state: &AppState, batch: Vec<StoredRendering>) -> AppResult<(Vec<Changed>, Vec<MessageId>)> {
    let ids: Vec<_> = batch.iter().map(|stored| stored.id).collect();
    let mut mentions = renderings::list_mentions(state.db.reader(), &ids).await?;
    let mut members: HashMap<RoomId, Vec<(Person, i64)>> = HashMap::new();
    for stored in batch.iter().filter(|stored| stored.body.source.contains('@')) {
        if let Entry::Vacant(entry) = members.entry(stored.room_id) {
            entry.insert(renderings::list_members(state.db.reader(), stored.room_id).await?);
        }
    }
    let work = move || {
        let mut changed = Vec::new();
        let mut same = Vec::new();
        for stored in batch.into_iter().filter(|stored| stored.body.render_version < RENDER_VERSION) {
            let mentioned_before = mentions.remove(&stored.id).unwrap_or_default();
            let members = members.get(&stored.room_id).map_or(&[][..], Vec::as_slice);
            // A message must not keep all others from being rendered.
            let rendered =
                std::panic::catch_unwind(AssertUnwindSafe(|| render_one(&stored, members, &mentioned_before)));
            match rendered.ok().flatten() {
                Some(rendered)
                    if rendered.body != in_this_version(&stored) || rendered.mentions != mentioned_before =>
                {
                    changed.push(Changed { stored, rendered, mentioned_before });
                }
                _ => same.push(stored.id),
            }
        }
        (changed, same)
    };
    state.renderings.turn().await?.run(work).await
}

/// The stored body with the current version.
fn in_this_version(stored: &StoredRendering) -> richtext::Body {
    richtext::Body { render_version: RENDER_VERSION, ..stored.body.clone() }
}

/// Renders a message. It can mention whom it mentions already, and whoever was a member of its room when it was posted.
/// `None` for a source that would not be accepted any more: it stays as it is.
fn render_one(stored: &StoredRendering, members: &[(Person, i64)], mentioned: &[Mention]) -> Option<Rendered> {
    let Json(files) = &stored.files;
    let draft =
        if files.is_empty() { stored.body.source.parse() } else { Draft::beside_files(&stored.body.source) }.ok()?;
    let present =
        members.iter().filter(|(_, joined_at)| *joined_at <= stored.created_at).map(|(person, _)| person.clone());
    let known = mentioned.iter().map(|Mention { user_id, name }| Person { id: *user_id, name: name.clone() });
    let mut rendered = richtext::render(&draft, &Names::new(present.chain(known).collect()));
    // Leading blank lines, which drafts do not have, stay in what was typed.
    rendered.body.source.clone_from(&stored.body.source);
    rendered.body = rendered.body.beside_files(files.iter().map(|(name, kind)| (name.as_str(), FileForm::of(kind))));
    Some(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::testing::TestClient;
    use crate::model::{Anchor, Job};
    use crate::ops::{memberships, messages, searches};
    use crate::search::Zone;
    use crate::testing::World;
    use crate::{jobs, store, testing};

    /// Makes all messages look as an older version might have left them.
    async fn age(world: &World) {
        let age = async |tx: &mut Tx| {
            sqlx::query(
                "UPDATE messages SET body_html = '<p>old</p>', body_text = 'old', search_words = NULL, search_parts = NULL,
                                     search_marks = '', render_version = 2",
            )
            .execute(tx.db())
            .await?;
            sqlx::query("DELETE FROM renderings").execute(tx.db()).await?;
            Ok(())
        };
        world.state.db.write(age).await.unwrap();
    }

    /// What the start of a new version does.
    async fn start(world: &World) {
        let start = async |tx: &mut Tx| {
            renderings::begin(tx.db(), RENDER_VERSION).await?;
            Ok(tx.enqueue(&Job::Render).await?)
        };
        world.state.db.write(start).await.unwrap();
    }

    async fn outdated_count(world: &World) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM messages WHERE render_version < $1")
            .bind(RENDER_VERSION)
            .fetch_one(world.state.db.reader())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn old_messages_are_rendered_anew_without_an_edit() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        for number in 0..BATCH_SIZE * 2 {
            world.post(&world.bob, room_id, &format!("number {number}")).await;
        }
        let message = world.post(&world.ada, room_id, "hi @Bob, **salamanders** at https://a.example").await;
        let (ada, bob) = (world.member(&world.ada, room_id).await, testing::current(&world.bob));
        let shown = async || messages::room_page(&world.state, &ada, Anchor::Newest).await.unwrap().timeline;
        age(&world).await;
        assert_eq!(shown().await.messages.last().unwrap().body_html, "<p>old</p>");
        let mut client = TestClient::connect(&world.state.live, world.bob.id.0, &[room_id]);
        assert!(client.focus(room_id));
        let cursor = shown().await.cursor;

        start(&world).await;
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!(outdated_count(&world).await, 0);
        let after = shown().await;
        assert_eq!(after.messages.last(), Some(&message), "same revision and time");
        assert_eq!(after.cursor, cursor, "no event");
        assert_eq!(client.receive(), None, "nobody is told");
        let found = searches::search(&world.state, &bob, "salamander has:link", &Zone::UTC).await.unwrap();
        assert_eq!(found.messages.iter().map(|(found, _)| found.id).collect::<Vec<_>>(), [message.id]);
        assert!(searches::search(&world.state, &bob, "old", &Zone::UTC).await.unwrap().messages.is_empty());
        assert_eq!(renderings::position(world.state.db.reader(), RENDER_VERSION).await.unwrap(), None);
    }

    #[tokio::test]
    async fn mentions_follow_the_new_rendering() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob, &world.cleo]).await;
        let kept = world.post(&world.ada, room.id, "hi @Cleo").await;
        let called = world.post(&world.ada, room.id, "> quoted\n@Bob please look").await;
        let not_called = world.post(&world.ada, room.id, "https://a.example/@Bob").await;
        let ids = [kept.id, called.id, not_called.id];
        let bob_id = world.bob.id;
        let change = async move |tx: &mut Tx| {
            store::mentions::remove_all_of(tx.db(), called.id).await?;
            let wrong = Mention { user_id: bob_id, name: "Bob".into() };
            store::mentions::replace(tx.db(), room.id, not_called.id, &[wrong]).await?;
            Ok(())
        };
        world.state.db.write(change).await.unwrap();
        memberships::leave(&world.state, &world.member(&world.cleo, room.id).await).await.unwrap();
        age(&world).await;
        start(&world).await;
        jobs::run_due(&world.state).await.unwrap();
        let mentions = renderings::list_mentions(world.state.db.reader(), &ids).await.unwrap();
        let mentioned =
            |id| mentions.get(&id).map(|mentions| mentions.iter().map(|mention| mention.user_id).collect::<Vec<_>>());
        assert_eq!(mentioned(kept.id), Some(vec![world.cleo.id]), "a former member");
        assert_eq!(mentioned(called.id), Some(vec![world.bob.id]));
        assert_eq!(mentioned(not_called.id), None);
        assert_eq!(
            world.sidebar(world.bob.id).await.iter().find(|listed| listed.id == room.id).unwrap().mention_count,
            1
        );
    }

    #[tokio::test]
    async fn who_joined_later_is_not_mentioned_in_old_messages() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        let message = world.post(&world.ada, room.id, "@Bob should join").await;
        world.state.clock.advance(1_000);
        let ada = world.member(&world.ada, room.id).await;
        let audience = crate::ops::rooms::Audience::Chosen(vec![world.ada.id, world.bob.id]);
        crate::ops::rooms::change(&world.state, &ada, "Room".parse().unwrap(), audience).await.unwrap();
        age(&world).await;
        start(&world).await;
        jobs::run_due(&world.state).await.unwrap();
        let stored = store::messages::find(world.state.db.reader(), room.id, message.id).await.unwrap().unwrap();
        assert_eq!(stored, message);
    }

    #[tokio::test]
    async fn it_goes_on_where_it_was_stopped_and_leaves_edits_alone() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let first = world.post(&world.ada, room_id, "first").await;
        for number in 0..BATCH_SIZE {
            world.post(&world.bob, room_id, &format!("number {number}")).await;
        }
        age(&world).await;
        start(&world).await;
        assert_eq!(step(&world.state).await, Ok(Next::Continue));
        assert_eq!(outdated_count(&world).await, 1, "the newest come first");

        // The process ends here. Meanwhile somebody edits a message that was read for the next batch.
        let batch = renderings::list_before(world.state.db.reader(), MessageId(first.id.0 + 1), 1).await.unwrap();
        let ada = world.member(&world.ada, room_id).await;
        let edited = messages::edit(&world.state, &ada, first.id, "edited".parse().unwrap()).await.unwrap();
        let body = in_this_version(&batch[0]);
        let late = async move |tx: &mut Tx| Ok(renderings::replace(tx.db(), &batch[0], &body).await?);
        assert_eq!(world.state.db.write(late).await, Ok(false));
        start(&world).await;
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!(outdated_count(&world).await, 0);
        let stored = store::messages::find(world.state.db.reader(), room_id, first.id).await.unwrap().unwrap();
        assert_eq!(stored, edited);
        assert_eq!(step(&world.state).await, Ok(Next::Done));
    }
}
