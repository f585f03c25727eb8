//! Pages of a room's messages, in the order of their ids: [`PAGE_SIZE`] of them, or as many as have a size in bytes.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::rows::{MAX_BODY_BYTES_AT_ONCE, MessageRows, messages_from_rows, select_messages};
use crate::model::{Message, MessageId, PAGE_SIZE, RoomId};
use crate::protocol::MessagePage;

/// The largest page, in bytes of HTML. A message that is larger by itself is a page.
///
/// The rest of 512 KiB is for what a page of the site has beside its messages, of which the list of rooms is the largest.
pub const MAX_PAGE_BYTES: usize = 416 * 1024;

/// What a message takes in a page beside its body and boosts, in bytes: author, time, controls, hydration data.
const ROW_BYTES: usize = 1_536;

/// The page of a room that ends just before `message_id`, which need not exist.
pub async fn page_before(
    db: &mut SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.in_thread_only = FALSE AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3 + 0",
        "$4"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .fetch_one(&mut *db)
    .await?;
    page_from_rows(db, rows, End::Newest, MAX_PAGE_BYTES).await
}

/// The page of a room that begins just after `message_id`, which need not exist, of at most `max_bytes` of HTML unless
/// it is a single message.
pub async fn page_after(
    db: &mut SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
    max_bytes: usize,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.in_thread_only = FALSE AND messages.id > $2 ORDER BY messages.id LIMIT $3 + 0",
        "$4"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .fetch_one(&mut *db)
    .await?;
    page_from_rows(db, rows, End::Oldest, max_bytes).await
}

/// The end of a page at which it was asked for. Its messages are counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum End {
    Oldest,
    Newest,
}

/// The page in `rows`, which have one message more than a page has: it tells whether there are further ones. Reads the
/// bodies that the rows leave out, of those messages that the page has.
pub(in crate::store) async fn page_from_rows(
    db: impl SqliteExecutor<'_>,
    rows: MessageRows,
    end: End,
    max_bytes: usize,
) -> sqlx::Result<MessagePage> {
    let mut messages = messages_from_rows(rows);
    if end == End::Newest {
        messages.reverse();
    }
    let count = messages.len();
    messages.truncate(page_len(&messages, max_bytes));
    let mut has_more = messages.len() < count;
    let left_out: Vec<_> = messages.iter().filter(|(_, bytes)| *bytes > 0).map(|(message, _)| message.id).collect();
    let mut messages: Vec<Message> = if left_out.is_empty() {
        messages.into_iter().map(|(message, _)| message).collect()
    } else {
        let whole = super::list(db, &left_out).await?;
        // One that was removed since is in none of the two: its event follows the page.
        let whole = |id| whole.iter().find(|message| message.id == id).cloned();
        let messages = messages.into_iter().filter_map(|(message, bytes)| match bytes {
            0 => Some((message, 0)),
            _ => whole(message.id).map(|message| (message, 0)),
        });
        // Names in their mentions may have made them larger.
        let mut messages: Vec<_> = messages.collect();
        let count = messages.len();
        messages.truncate(page_len(&messages, max_bytes));
        has_more |= messages.len() < count;
        messages.into_iter().map(|(message, _)| message).collect()
    };
    if end == End::Newest {
        messages.reverse();
    }
    Ok(MessagePage { messages, has_more })
}

/// How many of the first messages make a page; one at least.
fn page_len(messages: &[(Message, usize)], max_bytes: usize) -> usize {
    let mut page_bytes = 0;
    let page_size = usize::try_from(PAGE_SIZE).expect("a page fits in memory");
    let is_on_page = |(message, left_out_bytes): &&(Message, usize)| {
        let is_first = page_bytes == 0;
        page_bytes += message.html_bytes() + left_out_bytes + ROW_BYTES;
        is_first || page_bytes <= max_bytes
    };
    messages.iter().take(page_size).take_while(is_on_page).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn ids(page: &MessagePage) -> Vec<i64> {
        page.messages.iter().map(|message| message.id.0).collect()
    }

    #[tokio::test]
    async fn a_page_has_forty_messages_and_excludes_its_anchor() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut posted = Vec::new();
        for number in 0..81 {
            posted.push(world.post(&world.ada, room_id, &format!("message {number}")).await.id);
        }
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let reader = reader.db();
        let last = page_before(reader, room_id, MessageId(i64::MAX)).await.unwrap();
        assert_eq!(ids(&last), posted[41..].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(last.has_more);

        let before = page_before(reader, room_id, posted[41]).await.unwrap();
        assert_eq!(ids(&before), posted[1..41].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(before.has_more);
        let first = page_before(reader, room_id, posted[1]).await.unwrap();
        assert_eq!((ids(&first), first.has_more), (vec![posted[0].0], false));

        let after = page_after(reader, room_id, posted[39], MAX_PAGE_BYTES).await.unwrap();
        assert_eq!(after.messages.len(), 40);
        assert!(after.has_more);
        let rest = page_after(reader, room_id, posted[40], MAX_PAGE_BYTES).await.unwrap();
        assert_eq!((rest.messages.len(), rest.has_more), (40, false));
        assert!(page_after(reader, room_id, posted[80], MAX_PAGE_BYTES).await.unwrap().messages.is_empty());
    }

    /// The source of a message whose HTML has `bytes` bytes, about.
    fn text_of(bytes: usize) -> String {
        "a ".repeat(bytes / 2)
    }

    #[tokio::test]
    async fn a_page_of_long_messages_ends_at_its_size_and_its_neighbours_join_without_gap() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut posted = Vec::new();
        for number in 0..60 {
            // Some short, some below and most above what is read at once.
            let bytes = [20, 4_000, 15_000, 31_000][number % 4];
            posted.push(world.post(&world.ada, room_id, &text_of(bytes)).await.id);
        }
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let db = reader.db();
        let size = |page: &MessagePage| page.messages.iter().map(Message::html_bytes).sum::<usize>();
        let (mut upwards, mut has_more) = (Vec::new(), true);
        while has_more {
            let before = upwards.first().copied().unwrap_or(MessageId(i64::MAX));
            let page = page_before(db, room_id, before).await.unwrap();
            assert!((1..40).contains(&page.messages.len()) && size(&page) <= MAX_PAGE_BYTES);
            assert!(page.messages.iter().all(|message| message.body_html.ends_with("a</p>")), "no body is left out");
            upwards.splice(..0, page.messages.iter().map(|message| message.id));
            has_more = page.has_more;
        }
        assert_eq!(upwards, posted);
        let (mut downwards, mut has_more) = (Vec::new(), true);
        while has_more {
            let after = downwards.last().copied().unwrap_or(MessageId(0));
            let page = page_after(db, room_id, after, 100_000).await.unwrap();
            assert!(!page.messages.is_empty() && (size(&page) <= 100_000 || page.messages.len() == 1));
            downwards.extend(page.messages.iter().map(|message| message.id));
            has_more = page.has_more;
        }
        assert_eq!(downwards, posted);
        assert_eq!(page_after(db, room_id, posted[2], 1_000).await.unwrap().messages[0].id, posted[3], "one at least");
    }

    #[tokio::test]
    async fn names_in_mentions_and_boosts_count_for_the_size_of_a_page() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        for _ in 0..20 {
            world.post(&world.ada, room_id, &"@Bob ".repeat(500)).await;
        }
        let mut other = world.other_connection().await;
        let name = "&".repeat(100);
        sqlx::query("UPDATE users SET name = $1 WHERE id = $2")
            .bind(name)
            .bind(world.bob.id)
            .execute(&mut other)
            .await
            .unwrap();
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let page = page_before(reader.db(), room_id, MessageId(i64::MAX)).await.unwrap();
        assert!(page.has_more && !page.messages.is_empty());
        assert!(
            page.messages.len() == 1 || page.messages.iter().map(Message::html_bytes).sum::<usize>() <= MAX_PAGE_BYTES
        );
    }
}
