//! Searching the rooms of a user.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::SqliteConnection;

use crate::access::CurrentUser;
use crate::folding;
use crate::model::{Involvement, Message, MessageId, RoomId, RoomKind, User, UserId};
use crate::search::{Query, Zone};
use crate::state::AppState;
use crate::store::searches::{MAX_RESULTS, SearchRange, Table};
use crate::store::{self, Tx};
use crate::{AppError, AppResult, richtext};

use super::permissions::write_as;

/// Maximum number of authors that a search can match.
const MAX_AUTHORS: usize = 50;

/// Up to this number of rooms, the match expression lists the rooms at once, without a scan of all rooms first.
const MAX_ROOMS_WITHOUT_SCAN: usize = 3;

/// Maximum number of rooms that a match expression lists. With more, the expression would be too long, and only the scan
/// is used.
const MAX_ROOMS_IN_EXPRESSION: usize = 500;

/// Number of newest matches in all rooms that are scanned for those in the user's rooms.
const SCAN_LIMIT: i64 = 300;

/// The same for a user in more than [`MAX_ROOMS_IN_EXPRESSION`] rooms, for whom the scan is all there is. Most matches
/// are in such a user's rooms.
const SCAN_LIMIT_WITH_MANY_ROOMS: i64 = 5_000;

/// The longest body that a result shows whole, in bytes of HTML; of a longer one it shows an excerpt.
const MAX_WHOLE_BODY_BYTES: i64 = 1_024;

/// How many long messages are read at once for their excerpts: each may have 32,000 characters.
const EXCERPTS_AT_ONCE: usize = 8;

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResults {
    /// The newest matches, oldest first, each with the name of its room. The body of a long one is an excerpt around the
    /// match.
    pub messages: Vec<(Message, String)>,
    /// The words to highlight in them.
    pub terms: Vec<String>,
    /// Remarks about the search for the user, as sentences: an unknown name, a query that was interrupted.
    pub remarks: Vec<String>,
    /// Whether there may be older matches.
    pub has_more: bool,
}

/// Searches the user's rooms: whole words first, then parts of words if there are too few results. Days are those of
/// `zone`.
///
/// # Errors
/// `Invalid` for a search that is too long.
pub async fn search(state: &AppState, current: &CurrentUser, text: &str, zone: &Zone) -> AppResult<SearchResults> {
    let mut query = Query::parse(text, zone)?;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let own_rooms = store::memberships::list_involvements(&mut *db, current.user.id).await?;
    let authors = resolve_authors(db, &current.user, &mut query).await?;
    let rooms = resolve_rooms(&own_rooms, &mut query);
    let mut results = SearchResults { terms: query.terms.clone(), ..SearchResults::default() };
    let mut found = Vec::new();
    if !query.is_blank() && !query.impossible {
        let ids = match find_chosen(db, &query, current.user.id, &rooms).await? {
            Some(chosen) => find_among(db, &mut query, &chosen, &authors).await?,
            None => find_matches(db, &mut query, &rooms, &authors).await?,
        };
        results.has_more = is_full(ids.len());
        found = store::messages::list_short(&mut *db, &ids, MAX_WHOLE_BODY_BYTES).await?;
        if !query.terms.iter().all(|term| term.is_ascii()) && store::searches::find_index_state(&mut *db).await?.1.0 > 0
        {
            query
                .remarks
                .push("Older messages are still being indexed anew, and may be missing here for a while.".into());
        }
    }
    reader.release();
    // The index contains the rooms as words; the memberships decide.
    let names: HashMap<RoomId, String> = own_rooms.into_iter().map(|(id, _, name, _)| (id, name)).collect();
    found.retain(|(message, _)| names.contains_key(&message.room_id));
    let long: Vec<_> = found.iter().filter(|(_, left_out)| *left_out > 0).map(|(message, _)| message.id).collect();
    let mut excerpts = excerpts(state, &long, &query.terms).await?;
    results.messages = found
        .into_iter()
        .map(|(mut message, _)| {
            if let Some(excerpt) = excerpts.remove(&message.id) {
                message.body_html = excerpt;
            }
            let room = names[&message.room_id].clone();
            (message, room)
        })
        .collect();
    results.remarks = query.remarks;
    Ok(results)
}

/// The excerpts of messages around the first hit.
async fn excerpts(state: &AppState, ids: &[MessageId], terms: &[String]) -> AppResult<HashMap<MessageId, String>> {
    let mut excerpts = HashMap::new();
    for ids in ids.chunks(EXCERPTS_AT_ONCE) {
        let texts = store::messages::list_texts(state.db.reader(), ids).await?;
        let terms = terms.to_vec();
        // Finding a word in 32,000 characters takes milliseconds.
        let read =
            move || texts.into_iter().map(|(id, text)| (id, richtext::excerpt(&text, &terms))).collect::<Vec<_>>();
        excerpts.extend(tokio::task::spawn_blocking(read).await.map_err(|_| AppError::Internal)?);
    }
    Ok(excerpts)
}

/// Stores a search among the user's recent ones. A blank one is ignored.
///
/// # Errors
/// `Invalid` for a search that is too long.
pub async fn remember(state: &AppState, current: &CurrentUser, text: &str) -> AppResult<()> {
    if Query::parse(text, &Zone::UTC)?.is_blank() {
        return Ok(());
    }
    let text = text.to_owned();
    let remember = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(store::searches::remember(tx.db(), user.id, &text, now_ms).await?)
    };
    write_as(state, current, remember).await
}

/// Deletes the user's recent searches.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(state: &AppState, current: &CurrentUser) -> AppResult<()> {
    let forget = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        Ok(store::searches::remove_all(tx.db(), user.id).await?)
    };
    write_as(state, current, forget).await
}

/// The user's recent searches, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_recent(state: &AppState, current: &CurrentUser) -> AppResult<Vec<String>> {
    Ok(store::searches::list(state.db.reader(), current.user.id).await?)
}

/// The users that the `from:` filters match; empty without such a filter. A name that matches nobody makes the query
/// impossible.
async fn resolve_authors(db: &mut SqliteConnection, user: &User, query: &mut Query) -> AppResult<Vec<UserId>> {
    let mut authors = Vec::new();
    for name in query.from.clone() {
        if name.eq_ignore_ascii_case("me") {
            authors.push(user.id);
            continue;
        }
        let user_ids = store::users::list_called(&mut *db, &name).await?;
        if user_ids.is_empty() {
            query.refuse(format!("Nobody here is called “{name}”."));
        }
        authors.extend(user_ids);
    }
    authors.sort_unstable();
    authors.dedup();
    if authors.len() > MAX_AUTHORS {
        query.refuse(format!("More than {MAX_AUTHORS} people are called like that. Write more of the name."));
    }
    Ok(authors)
}

/// The user's rooms that the `in:` filters match, by whole name or else by part of it; all of the user's rooms without
/// such a filter.
fn resolve_rooms(own_rooms: &[(RoomId, RoomKind, String, Involvement)], query: &mut Query) -> Vec<RoomId> {
    let mut rooms = Vec::new();
    for name in query.rooms.clone() {
        let wanted = folding::words(&name);
        let named: Vec<_> = own_rooms.iter().map(|room| (room.0, folding::words(&room.2))).collect();
        let exact: Vec<_> = named.iter().filter(|(_, name)| *name == wanted).map(|(id, _)| *id).collect();
        let partial = named.iter().filter(|(_, name)| name.contains(&wanted)).map(|(id, _)| *id);
        let matching = if exact.is_empty() { partial.collect() } else { exact };
        if matching.is_empty() {
            query.refuse(format!("You are in no room called “{name}”."));
        }
        rooms.extend(matching);
    }
    rooms.sort_unstable();
    rooms.dedup();
    if query.rooms.is_empty() { own_rooms.iter().map(|room| room.0).collect() } else { rooms }
}

/// What a search says that did not end in time.
const CUT_SHORT: &str = "The search took too long and was cut short. Add a word, a room or a day.";

/// The messages that `is:saved` and `is:pinned` name, of these rooms; `None` without such a filter.
async fn find_chosen(
    db: &mut SqliteConnection,
    query: &Query,
    user_id: UserId,
    rooms: &[RoomId],
) -> AppResult<Option<Vec<(MessageId, RoomId)>>> {
    if !query.is_among() {
        return Ok(None);
    }
    let mut chosen = Vec::new();
    if query.is_saved {
        chosen = store::saved::list_messages(&mut *db, user_id).await?;
    }
    if query.is_pinned {
        let pinned = store::pins::list_messages(&mut *db, user_id).await?;
        if query.is_saved {
            let pinned: HashSet<_> = pinned.into_iter().collect();
            chosen.retain(|found| pinned.contains(found));
        } else {
            chosen = pinned;
        }
    }
    let rooms: HashSet<_> = rooms.iter().collect();
    chosen.retain(|(_, room_id)| rooms.contains(room_id));
    Ok(Some(chosen))
}

/// Ids of the matches among these messages, newest first, at most [`MAX_RESULTS`].
async fn find_among(
    db: &mut SqliteConnection,
    query: &mut Query,
    chosen: &[(MessageId, RoomId)],
    authors: &[UserId],
) -> AppResult<Vec<MessageId>> {
    let mut found = BTreeSet::new();
    let mut is_cut_short = false;
    // In pieces, so that an expression lists few rooms.
    for chosen in chosen.chunks(MAX_ROOMS_IN_EXPRESSION) {
        let ids: Vec<_> = chosen.iter().map(|(message_id, _)| *message_id).collect();
        let rooms: BTreeSet<_> = chosen.iter().map(|(_, room_id)| *room_id).collect();
        let rooms: Vec<_> = rooms.into_iter().collect();
        let (from, to) = range_of(db, query).await?;
        for table in [Table::Words, Table::Parts] {
            let expression = match table {
                Table::Words => query.words_match(Some(&rooms), authors),
                Table::Parts => query.parts_match(Some(&rooms), authors),
            };
            let Some(expression) = expression else { continue };
            let range = SearchRange { from, to, limit: MAX_RESULTS };
            match store::searches::find(db, table, &expression, range, Some(&ids)).await? {
                Some(matches) => found.extend(matches.into_iter().map(|(id, _)| id)),
                None => is_cut_short = true,
            }
        }
    }
    if is_cut_short {
        query.remarks.push(CUT_SHORT.into());
    }
    let max_results = usize::try_from(MAX_RESULTS).expect("100 fits");
    Ok(found.into_iter().rev().take(max_results).collect())
}

/// The range of the ids of messages that a search may find, by its days.
async fn range_of(db: &mut SqliteConnection, query: &Query) -> AppResult<(MessageId, MessageId)> {
    let from = match query.after {
        Some(at_ms) => store::searches::first_since(&mut *db, at_ms).await?,
        None => MessageId(0),
    };
    let to = match query.before {
        Some(at_ms) => store::searches::first_since(&mut *db, at_ms).await?,
        None => MessageId(i64::MAX),
    };
    Ok((from, to))
}

/// Ids of the newest matches, newest first, at most [`MAX_RESULTS`].
async fn find_matches(
    db: &mut SqliteConnection,
    query: &mut Query,
    rooms: &[RoomId],
    authors: &[UserId],
) -> AppResult<Vec<MessageId>> {
    let (from, to) = range_of(db, query).await?;
    let mut found = BTreeSet::new();
    for table in [Table::Words, Table::Parts] {
        if is_full(found.len()) || rooms.is_empty() {
            break;
        }
        match find_in_table(db, table, query, (rooms, authors), (from, to)).await? {
            Some(ids) => found.extend(ids),
            None => query.remarks.push(CUT_SHORT.into()),
        }
    }
    let max_results = usize::try_from(MAX_RESULTS).expect("100 fits");
    Ok(found.into_iter().rev().take(max_results).collect())
}

/// The newest matches in one table that are in `rooms`; `None` if a query was interrupted.
///
/// Most matches in all rooms are usually in the user's own, so the newest matches in any room are scanned first, with
/// an expression that lists no rooms. Only if too few of them are in `rooms`, a second query lists the rooms.
async fn find_in_table(
    db: &mut SqliteConnection,
    table: Table,
    query: &Query,
    (rooms, authors): (&[RoomId], &[UserId]),
    (from, to): (MessageId, MessageId),
) -> AppResult<Option<Vec<MessageId>>> {
    let expression = |rooms| match table {
        Table::Words => query.words_match(rooms, authors),
        Table::Parts => query.parts_match(rooms, authors),
    };
    let own: HashSet<RoomId> = rooms.iter().copied().collect();
    let only_own = |found: Vec<(MessageId, RoomId)>| -> Vec<MessageId> {
        found.into_iter().filter(|(_, room_id)| own.contains(room_id)).map(|(id, _)| id).collect()
    };
    if rooms.len() > MAX_ROOMS_WITHOUT_SCAN
        && let Some(expression) = expression(None)
    {
        let has_many_rooms = rooms.len() > MAX_ROOMS_IN_EXPRESSION;
        let limit = if has_many_rooms { SCAN_LIMIT_WITH_MANY_ROOMS } else { SCAN_LIMIT };
        let range = SearchRange { from, to, limit };
        let Some(found) = store::searches::find(db, table, &expression, range, None).await? else { return Ok(None) };
        let is_complete = i64::try_from(found.len()).is_ok_and(|count| count < limit);
        let found = only_own(found);
        if is_complete || has_many_rooms || is_full(found.len()) {
            return Ok(Some(found));
        }
    }
    let Some(expression) = expression(Some(rooms)) else { return Ok(Some(Vec::new())) };
    let range = SearchRange { from, to, limit: MAX_RESULTS };
    Ok(store::searches::find(db, table, &expression, range, None).await?.map(only_own))
}

/// Whether a search with this number of results needs no further ones.
fn is_full(count: usize) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= MAX_RESULTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;
    use crate::testing::{self, World};

    async fn hits(world: &World, user: &User, query: &str) -> Vec<i64> {
        let found = search(&world.state, &testing::current(user), query, &Zone::UTC).await.unwrap();
        found.messages.into_iter().map(|(message, _)| message.id.0).collect()
    }

    #[tokio::test]
    async fn saved_and_pinned_messages_are_found_by_their_state_and_words() {
        let world = testing::world().await;
        let (state, room_id) = (&world.state, world.all_talk.id);
        let mut ids = Vec::new();
        for words in ["eels swim", "eels sleep", "newts swim", "eels dream"] {
            ids.push(world.post(&world.ada, room_id, words).await.id);
        }
        let closed = world.open_closed_room("Room", &[&world.bob]).await;
        let secret = world.post(&world.ada, closed.id, "eels in secret").await.id;
        let bob = world.member(&world.bob, room_id).await;
        let in_closed = world.member(&world.bob, closed.id).await;
        for id in [ids[0], ids[2]] {
            ops::saved::save(state, &bob, id).await.unwrap();
        }
        ops::saved::save(state, &in_closed, secret).await.unwrap();
        for id in [ids[1], ids[2]] {
            ops::pins::pin(state, &bob, id).await.unwrap();
        }
        ops::pins::pin(state, &in_closed, secret).await.unwrap();
        let of = |indexes: &[usize]| indexes.iter().map(|index| ids[*index].0).collect::<Vec<_>>();
        let bobs = &world.bob;
        assert_eq!(hits(&world, bobs, "is:saved in:\"All Talk\"").await, of(&[0, 2]));
        assert_eq!(hits(&world, bobs, "is:saved").await, [of(&[0, 2]), vec![secret.0]].concat());
        assert_eq!(hits(&world, bobs, "is:saved eels").await, [of(&[0]), vec![secret.0]].concat());
        assert_eq!(hits(&world, bobs, "is:pinned wim").await, of(&[2]), "a part of a word");
        assert_eq!(hits(&world, bobs, "is:saved is:pinned from:ada").await, [of(&[2]), vec![secret.0]].concat());
        assert!(hits(&world, bobs, "is:saved from:bob").await.is_empty());
        assert!(hits(&world, &world.cleo, "is:saved").await.is_empty(), "only one's own");
        assert_eq!(hits(&world, &world.cleo, "is:pinned").await, of(&[1, 2]), "only of one's rooms");
        ops::memberships::leave(state, &in_closed).await.unwrap();
        assert_eq!(hits(&world, bobs, "is:saved eels").await, of(&[0]), "what was kept of a lost room is not found");
    }

    #[tokio::test]
    async fn words_parts_of_words_and_unspaced_scripts_are_found() {
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
    async fn spellings_that_readers_take_for_the_same_find_each_other() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let ada = &world.ada;
        for spellings in [
            &["наша ёлка", "ЕЛКА", "елк", "Ёлк", "\"НАША ЕЛКА\""][..],
            &["große Straße", "STRASSE", "gross", "straß", "Trasse"],
            &["w Łodzi", "lodzi", "ŁODZ"],
            &["smørrebrød", "Smorrebrod", "ørreb"],
            &["œuvre", "oeuvre", "OEUV"],
            &["ο δρόμος μου", "ΔΡΟΜΟΣ", "δρομος", "δρόμοσ", "ρόμο"],
            &["مُحَمَّدٌ هنا", "محمد", "محـــمد"],
            &["كتاب أحمد", "احمد", "کتاب"],
            &["שָׁלוֹם לכולם", "שלום", "שלו"],
            &["ＡＢＣ　ｗｉｄｅ", "abc", "wide", "ABC WIDE"],
            &["ﾎﾟｹｯﾄ", "ポケット", "ケッ"],
            &["ได้กินข้าวแล้ว", "กินข้าว", "ข้าว", "กิน"],
            &["मैं हिन्दी बोलता हूँ", "हिन्दी", "हिन्दी बोलता", "बोल"],
            &["நான் தமிழ்", "தமிழ்", "நான்"],
            &["한국어를 배운다", "한국어", "\u{1112}\u{1161}\u{11ab}국"],
            &["ខ្ញុំស្រលាញ់", "ស្រលាញ់"],
            &["𞤀𞤣𞤤𞤢𞤥 𞤆𞤵𞤤𞤢𞤪", "𞤢𞤣𞤤𞤢𞤥", "𞤆𞤵𞤤𞤢𞤪"],
            &["İstanbul’da", "istanbul", "ISTANBUL", "ıstanbul", "\"istanbul'da\""],
            &["nguyễn đặng", "nguyen", "DANG"],
            &["i don’t know", "don't", "\"don't know\""],
            &["it is 30 °C — hot", "\"°C - hot\"", "C — hot"],
            &["year ٢٠٢٦", "٢٠٢٦"],
            &["soft\u{ad}ware", "software", "softwa"],
        ] {
            let id = world.post(ada, room_id, spellings[0]).await.id.0;
            for query in spellings {
                assert!(hits(&world, ada, query).await.contains(&id), "{query} in {}", spellings[0]);
            }
        }
    }

    #[tokio::test]
    async fn marks_that_make_another_word_are_searched_for() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        for (word, others) in [
            ("มา", &["ม้า", "ม่า"][..]),
            ("กิน", &["กัน", "กนิ"]),
            ("की", &["कि", "क", "का"]),
            ("மலை", &["மழை", "மாலை"]),
            ("мой", &["мои", "мої"]),
            ("は", &["ば", "ぱ"]),
            ("ស្រី", &["ស្រា"]),
        ] {
            let id = world.post(&world.ada, room_id, word).await.id.0;
            assert!(hits(&world, &world.ada, word).await.contains(&id), "{word}");
            for other in others {
                assert!(!hits(&world, &world.ada, other).await.contains(&id), "{other} in {word}");
            }
        }
    }

    #[tokio::test]
    async fn quotes_of_any_language_keep_words_together() {
        let world = testing::world().await;
        let id = world.post(&world.ada, world.all_talk.id, "two eels swim").await.id.0;
        for (open, close) in
            [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('»', '«'), ('”', '”'), ('「', '」'), ('＂', '＂')]
        {
            assert_eq!(hits(&world, &world.ada, &format!("{open}eels swim{close}")).await, [id], "{open}");
            assert!(hits(&world, &world.ada, &format!("{open}swim eels{close}")).await.is_empty(), "{open}");
            assert_eq!(hits(&world, &world.ada, &format!("from:{open}ada{close} eels")).await, [id], "{open}");
            assert_eq!(hits(&world, &world.ada, &format!("{open}eels swim")).await, [id], "{open} is not closed");
        }
    }

    #[tokio::test]
    async fn an_address_is_found_by_its_host_a_word_of_its_path_and_whole() {
        let world = testing::world().await;
        for (address, queries) in [
            (
                "https://secret.example/the-manual/page_2?lang=en#top",
                &[
                    "secret.example",
                    "manual",
                    "the-manual",
                    "page_2",
                    "lang=en",
                    "secret.example/the-manual",
                    "ecret.exam",
                ][..],
            ),
            ("http://www.a.example:8080/Some/Path", &["www.a.example", "a.example:8080", "some/path", "PATH"]),
            ("https://bücher.example/Straße", &["bücher.example", "bucher.example", "strasse"]),
        ] {
            let id = world.post(&world.ada, world.all_talk.id, &format!("see {address} there")).await.id.0;
            for query in queries.iter().chain([&address]) {
                assert_eq!(hits(&world, &world.ada, query).await, [id], "{query}");
            }
        }
    }

    #[tokio::test]
    async fn people_and_rooms_of_filters_are_found_in_any_spelling() {
        let world = testing::world().await;
        let room = world.open_closed_room("Öffentlichkeit 2", &[]).await;
        let id = world.post(&world.ada, room.id, "fish").await.id.0;
        let user_id = world.ada.id;
        let rename = async move |tx: &mut Tx| {
            Ok(store::users::update_name(tx.db(), user_id, &"Élodie Weiß".parse()?, "elodieweiss").await?)
        };
        world.state.db.write(rename).await.unwrap();
        for query in
            ["from:elodie", "from:ÉLODIE", "from:weiss", "from:\"élodie WEISS\"", "in:offentlichkeit", "in:ÖFF"]
        {
            assert_eq!(hits(&world, &world.ada, &format!("fish {query}")).await, [id], "{query}");
        }
    }

    #[tokio::test]
    async fn a_search_says_that_older_messages_are_being_indexed_anew() {
        let world = testing::world().await;
        world.post(&world.ada, world.all_talk.id, "ёлка").await;
        let begin = async |tx: &mut Tx| Ok(store::searches::begin_renewal(tx.db(), 1).await?);
        world.state.db.write(begin).await.unwrap();
        let remarks =
            async |query| search(&world.state, &testing::current(&world.ada), query, &Zone::UTC).await.unwrap().remarks;
        assert_eq!(remarks("елка").await.len(), 1);
        assert!(remarks("eels").await.is_empty(), "text in ASCII is indexed alike");
        let end = async |tx: &mut Tx| Ok(store::searches::set_renewed_before(tx.db(), MessageId(0)).await?);
        world.state.db.write(end).await.unwrap();
        assert!(remarks("елка").await.is_empty());
    }

    #[tokio::test]
    async fn filters_restrict_the_results() {
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
            let found = search(&world.state, &testing::current(ada), query, &Zone::UTC).await.unwrap();
            assert!(found.messages.is_empty() && found.remarks.len() == 1, "{query}");
        }
        assert_eq!(hits(&world, ada, "to:fish").await, [0; 0]);
        assert_eq!(search(&world.state, &testing::current(ada), "to:fish", &Zone::UTC).await.unwrap().remarks.len(), 1);
    }

    #[tokio::test]
    async fn only_the_users_own_rooms_are_searched() {
        let world = testing::world().await;
        let room = world.open_closed_room("Secret", &[&world.bob]).await;
        let id = world.post(&world.ada, room.id, "the password is walrus").await.id.0;
        assert_eq!(hits(&world, &world.bob, "walrus").await, [id]);
        assert!(hits(&world, &world.cleo, "walrus").await.is_empty());
        assert!(hits(&world, &world.cleo, "alru").await.is_empty());
        assert!(hits(&world, &world.cleo, "walrus in:secret").await.is_empty());
        let bob = world.member(&world.bob, room.id).await;
        ops::memberships::leave(&world.state, &bob).await.unwrap();
        assert!(hits(&world, &world.bob, "walrus").await.is_empty(), "no longer after leaving");
    }

    #[tokio::test]
    async fn the_newest_hundred_results_are_returned_oldest_first() {
        let world = testing::world().await;
        let mut ids = Vec::new();
        for number in 0..105 {
            ids.push(world.post(&world.ada, world.all_talk.id, &format!("walrus {number}")).await.id.0);
        }
        let found = search(&world.state, &testing::current(&world.bob), "walrus", &Zone::UTC).await.unwrap();
        assert_eq!(found.messages.iter().map(|(message, _)| message.id.0).collect::<Vec<_>>(), ids[5..]);
        assert!(found.has_more);
    }

    #[tokio::test]
    async fn a_long_message_is_found_with_an_excerpt_around_the_hit() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let short = world.post(&world.ada, room_id, "a *short* walrus").await;
        let words = "many other words ".repeat(900);
        let long = world.post(&world.ada, room_id, &format!("{words} walrus & co {words}")).await;
        let found = search(&world.state, &testing::current(&world.bob), "walrus", &Zone::UTC).await.unwrap();
        let bodies: Vec<_> = found.messages.iter().map(|(message, _)| message.body_html.as_str()).collect();
        assert_eq!(bodies[0], short.body_html, "a short one is shown as it is");
        assert!(long.body_html.len() > 20_000 && bodies[1].len() < 400, "{}", bodies[1]);
        assert!(bodies[1].contains("walrus &amp; co"));
        let of_author = search(&world.state, &testing::current(&world.bob), "from:ada", &Zone::UTC).await.unwrap();
        assert!(of_author.messages[1].0.body_html.starts_with("<p>many other"), "without a hit its start");
    }

    #[tokio::test]
    async fn results_follow_edits_and_removals() {
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
    async fn a_user_in_hundreds_of_rooms_can_search() {
        let world = testing::world().await;
        let mut last = None;
        for number in 0..390 {
            let maker = [&world.ada, &world.bob, &world.cleo][number % 3];
            let audience = ops::rooms::Audience::Chosen(vec![world.ada.id]);
            let name = format!("Room {number}").parse().unwrap();
            last = Some(ops::rooms::open(&world.state, maker, name, audience).await.unwrap().id);
        }
        let id = world.post(&world.ada, last.unwrap(), "walrus").await.id.0;
        assert_eq!(hits(&world, &world.ada, "walrus").await, [id]);
        assert_eq!(hits(&world, &world.ada, "alru").await, [id]);
    }
}
