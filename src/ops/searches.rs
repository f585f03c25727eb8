//! Searching all of one's rooms.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::SqliteConnection;

use crate::AppResult;
use crate::access::CurrentUser;
use crate::model::{Message, MessageId, RoomId, User, UserId};
use crate::search::Query;
use crate::state::AppState;
use crate::store::searches::{MOST_FOUND, Table, Within};
use crate::store::{self, Tx};

/// So many rooms the index is asked about by name at once.
const FEW_ROOMS: usize = 3;

/// A search may be about so many people at once.
const MOST_AUTHORS: usize = 50;

/// With more rooms than this the index is not asked about them by name: the question would be longer than its answer.
const MOST_ROOMS: usize = 500;

/// Who is in that many rooms sees most of what is found: so many of the newest matches are looked at instead.
const LOOKED_AT_BY_MANY: i64 = 5_000;

/// How many of the newest matches in all rooms are looked at before one's own rooms are asked about by name.
const LOOKED_AT: i64 = 300;

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResults {
    /// The newest matches, oldest first, each with the name of its room.
    pub messages: Vec<(Message, String)>,
    /// The words to mark in them.
    pub terms: Vec<String>,
    /// What the person should know about the search, as sentences.
    pub remarks: Vec<String>,
    /// There are older matches.
    pub has_more: bool,
}

/// Searches the rooms of `user`: whole words first, and parts of words when those are too few.
///
/// # Errors
/// `Invalid` for a search that is too long.
pub async fn search(state: &AppState, current: &CurrentUser, text: &str) -> AppResult<SearchResults> {
    let mut query = Query::parse(text)?;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let own_rooms = store::memberships::list_involvements(&mut *db, current.user.id).await?;
    let authors = authors(db, &current.user, &mut query).await?;
    let rooms = rooms(&own_rooms, &mut query);
    let mut found = SearchResults { terms: query.terms.clone(), ..SearchResults::default() };
    if !query.is_blank() && !query.impossible {
        let ids = matching(db, &mut query, &rooms, &authors).await?;
        found.has_more = is_full(ids.len());
        let names: HashMap<RoomId, String> = own_rooms.into_iter().map(|(id, _, name, _)| (id, name)).collect();
        let messages = store::messages::list(&mut *db, &ids).await?;
        // The index knew the rooms; the memberships are what counts.
        let named = messages.into_iter().filter_map(|message| {
            let room = names.get(&message.room_id)?.clone();
            Some((message, room))
        });
        found.messages = named.collect();
    }
    reader.release();
    found.remarks = query.remarks;
    Ok(found)
}

/// Keeps a search among the person's last ones.
///
/// # Errors
/// `Invalid` for a search that is too long.
pub async fn remember(state: &AppState, current: &CurrentUser, text: &str) -> AppResult<()> {
    if Query::parse(text)?.is_blank() {
        return Ok(());
    }
    let (user_id, text) = (current.user.id, text.to_owned());
    let remember = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(store::searches::remember(tx.db(), user_id, &text, now_ms).await?)
    };
    state.db.write(remember).await
}

/// Forgets the person's searches.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(state: &AppState, current: &CurrentUser) -> AppResult<()> {
    let user_id = current.user.id;
    let forget = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        Ok(store::searches::remove_all(tx.db(), user_id).await?)
    };
    state.db.write(forget).await
}

/// The person's recent searches, the last one first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_recent(state: &AppState, current: &CurrentUser) -> AppResult<Vec<String>> {
    Ok(store::searches::list(state.db.reader(), current.user.id).await?)
}

/// Who may have written it; nobody in particular without a filter.
async fn authors(db: &mut SqliteConnection, user: &User, query: &mut Query) -> AppResult<Vec<UserId>> {
    let mut authors = Vec::new();
    for name in query.from.clone() {
        if name.eq_ignore_ascii_case("me") {
            authors.push(user.id);
            continue;
        }
        let called = store::users::list_called(&mut *db, &name).await?;
        if called.is_empty() {
            query.refuse(format!("Nobody here is called “{name}”."));
        }
        authors.extend(called);
    }
    authors.sort_unstable();
    authors.dedup();
    if authors.len() > MOST_AUTHORS {
        query.refuse(format!("More than {MOST_AUTHORS} people are called like that. Write more of the name."));
    }
    Ok(authors)
}

/// Where it may be: the rooms of the person that the search names, or all of them.
fn rooms(
    own_rooms: &[(RoomId, crate::model::RoomKind, String, crate::model::Involvement)],
    query: &mut Query,
) -> Vec<RoomId> {
    let mut rooms = Vec::new();
    for name in query.rooms.clone() {
        let wanted = name.to_lowercase();
        let exactly: Vec<_> =
            own_rooms.iter().filter(|room| room.2.to_lowercase() == wanted).map(|room| room.0).collect();
        let nearly = own_rooms.iter().filter(|room| room.2.to_lowercase().contains(&wanted)).map(|room| room.0);
        let named = if exactly.is_empty() { nearly.collect() } else { exactly };
        if named.is_empty() {
            query.refuse(format!("You are in no room called “{name}”."));
        }
        rooms.extend(named);
    }
    rooms.sort_unstable();
    rooms.dedup();
    if query.rooms.is_empty() { own_rooms.iter().map(|room| room.0).collect() } else { rooms }
}

/// The newest matches, in no order.
async fn matching(
    db: &mut SqliteConnection,
    query: &mut Query,
    rooms: &[RoomId],
    authors: &[UserId],
) -> AppResult<Vec<MessageId>> {
    let from = match query.after {
        Some(at_ms) => store::searches::first_since(&mut *db, at_ms).await?,
        None => MessageId(0),
    };
    let to = match query.before {
        Some(at_ms) => store::searches::first_since(&mut *db, at_ms).await?,
        None => MessageId(i64::MAX),
    };
    let mut found = BTreeSet::new();
    for table in [Table::Words, Table::Parts] {
        if is_full(found.len()) || rooms.is_empty() {
            break;
        }
        match newest_in(db, table, query, (rooms, authors), (from, to)).await? {
            Some(ids) => found.extend(ids),
            None => {
                query.remarks.push("The search took too long and was cut short. Add a word, a room or a day.".into())
            }
        }
    }
    let most = usize::try_from(MOST_FOUND).expect("a hundred fits");
    Ok(found.into_iter().rev().take(most).collect())
}

/// The newest matches of one table; nothing when it took too long.
///
/// What is found in all rooms mostly is in one's own: so the newest matches anywhere are looked at first, which needs
/// no list of rooms. Only when too few of those are one's own is the table asked about the rooms themselves.
async fn newest_in(
    db: &mut SqliteConnection,
    table: Table,
    query: &Query,
    (rooms, authors): (&[RoomId], &[UserId]),
    (from, to): (MessageId, MessageId),
) -> AppResult<Option<Vec<MessageId>>> {
    let question = |rooms| match table {
        Table::Words => query.words_match(rooms, authors),
        Table::Parts => query.parts_match(rooms, authors),
    };
    let own: HashSet<RoomId> = rooms.iter().copied().collect();
    let in_own = |found: Vec<(MessageId, RoomId)>| -> Vec<MessageId> {
        found.into_iter().filter(|(_, room_id)| own.contains(room_id)).map(|(id, _)| id).collect()
    };
    if rooms.len() > FEW_ROOMS
        && let Some(question) = question(None)
    {
        let many = rooms.len() > MOST_ROOMS;
        let limit = if many { LOOKED_AT_BY_MANY } else { LOOKED_AT };
        let within = Within { from, to, limit };
        let Some(found) = store::searches::find(db, table, &question, within).await? else { return Ok(None) };
        let all = i64::try_from(found.len()).is_ok_and(|count| count < limit);
        let found = in_own(found);
        if all || many || is_full(found.len()) {
            return Ok(Some(found));
        }
    }
    let Some(question) = question(Some(rooms)) else { return Ok(Some(Vec::new())) };
    let within = Within { from, to, limit: MOST_FOUND };
    Ok(store::searches::find(db, table, &question, within).await?.map(in_own))
}

fn is_full(count: usize) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= MOST_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;
    use crate::testing::{self, World};

    async fn hits(world: &World, user: &User, query: &str) -> Vec<i64> {
        let found = search(&world.state, &testing::current(user), query).await.unwrap();
        found.messages.into_iter().map(|(message, _)| message.id.0).collect()
    }

    #[tokio::test]
    async fn words_parts_and_other_writing_are_found() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for words in [
            "two eels swim",
            "the café opens",
            "let handle_request = 1;",
            "明日は東京に行く",
            "so hot 🔥🔥",
            "a NOT b",
            "see \\*this\\* --> that",
        ] {
            ids.push(world.post(&world.ada, room_id, words).await.id.0);
        }
        let ada = &world.ada;
        for (query, index) in [
            ("eel", 0),
            ("EELS two", 0),
            ("cafe", 1),
            ("handle_re", 2),
            ("ndle_req", 2),
            ("東京", 3),
            ("京に", 3),
            ("🔥", 4),
            ("NOT", 5),
            ("-->", 6),
            ("*this*", 6),
            ("\"two eels\"", 0),
        ] {
            assert_eq!(hits(&world, ada, query).await, [ids[index]], "{query}");
        }
        for query in ["\"eels two\"", "eel cafe", "AND eels", "'; DROP TABLE messages; --", "\"", "*", "", "🦊"] {
            assert!(hits(&world, ada, query).await.is_empty(), "{query}");
        }
    }

    #[tokio::test]
    async fn filters_narrow_what_is_found() {
        let world = testing::world().await;
        let room = world.open_closed_room("Design", &[&world.bob]).await;
        world.state.clock.advance(1_732_000_000_000 - world.state.clock.now_ms());
        let plain = world.post(&world.ada, world.all_talk.id, "fish").await.id.0;
        let link = world.post(&world.bob, room.id, "fish https://a.example").await.id.0;
        world.state.clock.advance(24 * 60 * 60 * 1_000);
        let code = world.post(&world.ada, room.id, "fish `code`").await.id.0;
        let ada = &world.ada;
        for (query, wanted) in [
            ("fish", vec![plain, link, code]),
            ("fish from:bob", vec![link]),
            ("from:me", vec![plain, code]),
            ("in:design", vec![link, code]),
            ("fish in:\"all talk\" from:ada", vec![plain]),
            ("has:link", vec![link]),
            ("fish has:code", vec![code]),
            ("fish before:2024-11-20", vec![plain, link]),
            ("after:2024-11-19", vec![code]),
            ("fish after:2030-01-01", vec![]),
            ("before:1990-01-01", vec![]),
        ] {
            assert_eq!(hits(&world, ada, query).await, wanted, "{query}");
        }
        for query in ["from:nobody fish", "in:nowhere fish", "fish before:2024-02-31"] {
            let found = search(&world.state, &testing::current(ada), query).await.unwrap();
            assert!(found.messages.is_empty() && found.remarks.len() == 1, "{query}");
        }
        assert_eq!(hits(&world, ada, "to:fish").await, [0; 0]);
        assert_eq!(search(&world.state, &testing::current(ada), "to:fish").await.unwrap().remarks.len(), 1);
    }

    #[tokio::test]
    async fn only_ones_own_rooms_are_searched() {
        let world = testing::world().await;
        let room = world.open_closed_room("Secret", &[&world.bob]).await;
        let id = world.post(&world.ada, room.id, "the password is walrus").await.id.0;
        assert_eq!(hits(&world, &world.bob, "walrus").await, [id]);
        assert!(hits(&world, &world.cleo, "walrus").await.is_empty());
        assert!(hits(&world, &world.cleo, "alru").await.is_empty());
        assert!(hits(&world, &world.cleo, "walrus in:secret").await.is_empty());
        let bob = world.member(&world.bob, room.id).await;
        ops::memberships::leave(&world.state, &bob).await.unwrap();
        assert!(hits(&world, &world.bob, "walrus").await.is_empty(), "not after leaving");
    }

    #[tokio::test]
    async fn the_newest_hundred_are_shown_oldest_first() {
        let world = testing::world().await;
        let mut ids = Vec::new();
        for number in 0..105 {
            ids.push(world.post(&world.ada, world.all_talk.id, &format!("walrus {number}")).await.id.0);
        }
        let found = search(&world.state, &testing::current(&world.bob), "walrus").await.unwrap();
        assert_eq!(found.messages.iter().map(|(message, _)| message.id.0).collect::<Vec<_>>(), ids[5..]);
        assert!(found.has_more);
    }

    #[tokio::test]
    async fn edits_and_removals_are_followed() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "walrus").await;
        let ada = world.member(&world.ada, room_id).await;
        ops::messages::edit(&world.state, &ada, message.id, "penguin https://a.example".parse().unwrap())
            .await
            .unwrap();
        assert!(hits(&world, &world.ada, "walrus").await.is_empty());
        assert!(hits(&world, &world.ada, "alru").await.is_empty());
        assert_eq!(hits(&world, &world.ada, "engui has:link").await, [message.id.0]);
        ops::messages::remove(&world.state, &ada, message.id).await.unwrap();
        assert!(hits(&world, &world.ada, "penguin").await.is_empty());
    }

    #[tokio::test]
    async fn somebody_in_very_many_rooms_can_search() {
        let world = testing::world().await;
        let mut last = None;
        for number in 0..400 {
            let room = world.open_closed_room(&format!("Room {number}"), &[]).await;
            last = Some(room.id);
        }
        let id = world.post(&world.ada, last.unwrap(), "walrus").await.id.0;
        assert_eq!(hits(&world, &world.ada, "walrus").await, [id]);
        assert_eq!(hits(&world, &world.ada, "alru").await, [id]);
    }
}
