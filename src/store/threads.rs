//! Threads: their row for each root, who follows them, and their pages of answers.
//!
//! What is counted is kept once per root; what somebody has read, once per follower. Only inboxes have an entry for each
//! follower and answer (`super::inbox`): each is read, and goes, with its answer.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::json_ids;
use super::messages::{End, MAX_BODY_BYTES_AT_ONCE, page_from_rows, select_messages};
use crate::model::{Answer, MAX_NEWS_COUNT, MessageId, PAGE_SIZE, Person, RoomId, UserId};
use crate::protocol::MessagePage;
use crate::richtext::ThreadSummary;

/// How many people the line under a root shows.
const SHOWN_PEOPLE: usize = 3;

/// How many of the last answers are looked at for these people.
const PEOPLE_AMONG: i64 = 40;

/// The message that a thread begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Root {
    /// Its id.
    pub root_id: MessageId,
    /// Its author; `None` once it has been removed.
    pub creator_id: Option<UserId>,
}

/// The root of the thread that an answer to this message belongs to: the message itself, or the root of its own thread.
/// `None` if there is no such message in the room, and no thread that it began.
pub async fn find_root(
    db: &mut SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<Option<Root>> {
    sqlx::query_as(
        "SELECT target.root_id, root.creator_id
           FROM (SELECT COALESCE(thread_root_id, id) AS root_id FROM messages WHERE id = $1 AND room_id = $2
                 UNION
                 SELECT root_id FROM threads WHERE root_id = $1 AND room_id = $2) AS target
           LEFT JOIN messages AS root ON root.id = target.root_id",
    )
    .bind(message_id)
    .bind(room_id)
    .fetch_optional(db)
    .await
}

/// The room of a message and where it stands, if it is an answer.
pub async fn find_answer(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<(RoomId, Answer)>> {
    let found: Option<(RoomId, MessageId, bool)> = sqlx::query_as(
        "SELECT room_id, thread_root_id, NOT in_thread_only FROM messages
          WHERE id = $1 AND thread_root_id IS NOT NULL",
    )
    .bind(message_id)
    .fetch_optional(db)
    .await?;
    Ok(found.map(|(room_id, root_id, in_room)| (room_id, Answer { root_id, in_room })))
}

/// Those of these messages that are answers.
pub async fn list_answers(
    db: impl SqliteExecutor<'_>,
    message_ids: &[MessageId],
) -> sqlx::Result<Vec<(MessageId, Answer)>> {
    let rows: Vec<(MessageId, MessageId, bool)> = sqlx::query_as(
        "SELECT id, thread_root_id, NOT in_thread_only FROM messages
          WHERE id IN (SELECT value FROM json_each($1)) AND thread_root_id IS NOT NULL",
    )
    .bind(json_ids(message_ids))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, root_id, in_room)| (id, Answer { root_id, in_room })).collect())
}

/// Makes the thread of a root, unless there is one. Returns whether there was none.
pub async fn begin(db: impl SqliteExecutor<'_>, room_id: RoomId, root_id: MessageId) -> sqlx::Result<bool> {
    let made = sqlx::query("INSERT INTO threads (root_id, room_id) VALUES ($1, $2) ON CONFLICT (root_id) DO NOTHING")
        .bind(root_id)
        .bind(room_id)
        .execute(db)
        .await?;
    Ok(made.rows_affected() > 0)
}

/// Counts an answer that was just posted.
pub async fn count_answer(
    db: impl SqliteExecutor<'_>,
    root_id: MessageId,
    answer_id: MessageId,
    at_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE threads SET answer_count = answer_count + 1, last_answer_id = $2, last_answer_at = $3
          WHERE root_id = $1",
    )
    .bind(root_id)
    .bind(answer_id)
    .bind(at_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Takes away an answer that was just removed. A thread without answers goes; returns who followed it then.
pub async fn uncount_answer(db: &mut SqliteConnection, root_id: MessageId) -> sqlx::Result<Vec<UserId>> {
    let followers = sqlx::query_scalar(
        "SELECT thread_follows.user_id FROM threads JOIN thread_follows ON thread_follows.root_id = threads.root_id
          WHERE threads.root_id = $1 AND threads.answer_count <= 1 ORDER BY thread_follows.user_id",
    )
    .bind(root_id)
    .fetch_all(&mut *db)
    .await?;
    sqlx::query("DELETE FROM threads WHERE root_id = $1 AND answer_count <= 1").bind(root_id).execute(&mut *db).await?;
    sqlx::query(
        "UPDATE threads
            SET answer_count = answer_count - 1, last_answer_id = last.id, last_answer_at = last.created_at
           FROM (SELECT id, created_at FROM messages WHERE thread_root_id = $1 ORDER BY id DESC LIMIT 1) AS last
          WHERE root_id = $1",
    )
    .bind(root_id)
    .execute(db)
    .await?;
    Ok(followers)
}

/// What the line under a root tells; `None` without answers.
pub async fn find_summary(db: &mut SqliteConnection, root_id: MessageId) -> sqlx::Result<Option<ThreadSummary>> {
    let found: Option<(RoomId, i64, i64)> =
        sqlx::query_as("SELECT room_id, answer_count, last_answer_at FROM threads WHERE root_id = $1")
            .bind(root_id)
            .fetch_optional(&mut *db)
            .await?;
    let Some((room_id, answer_count, last_answer_at)) = found else { return Ok(None) };
    let recent: Vec<Person> = sqlx::query_as(
        "SELECT users.id, users.name
           FROM (SELECT id, creator_id FROM messages WHERE thread_root_id = $1 ORDER BY id DESC LIMIT $2 + 0) AS answers
           JOIN users ON users.id = answers.creator_id
          GROUP BY users.id, users.name
          ORDER BY MAX(answers.id) DESC LIMIT $3",
    )
    .bind(root_id)
    .bind(PEOPLE_AMONG)
    .bind(i64::try_from(SHOWN_PEOPLE).unwrap_or(0))
    .fetch_all(db)
    .await?;
    Ok(Some(ThreadSummary { room_id, root_id, answer_count, last_answer_at, people: recent }))
}

/// Makes a member of the room follow a thread, which they have read up to this answer.
pub async fn follow(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    root_id: MessageId,
    user_id: UserId,
    read_answer_id: MessageId,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO thread_follows (user_id, root_id, room_id, read_answer_id)
         SELECT user_id, $2, room_id, $4 FROM memberships WHERE room_id = $1 AND user_id = $3
         ON CONFLICT (user_id, root_id) DO UPDATE
            SET read_answer_id = MAX(read_answer_id, excluded.read_answer_id), unread = FALSE",
    )
    .bind(room_id)
    .bind(root_id)
    .bind(user_id)
    .bind(read_answer_id)
    .execute(db)
    .await
    .map(drop)
}

/// Ends that somebody follows a thread. Returns whether they did.
pub async fn unfollow(db: impl SqliteExecutor<'_>, root_id: MessageId, user_id: UserId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM thread_follows WHERE root_id = $1 AND user_id = $2")
        .bind(root_id)
        .bind(user_id)
        .execute(db)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// The newest answer of a thread; 0 without one.
pub async fn newest(db: impl SqliteExecutor<'_>, root_id: MessageId) -> sqlx::Result<MessageId> {
    sqlx::query_scalar("SELECT COALESCE((SELECT last_answer_id FROM threads WHERE root_id = $1), 0)")
        .bind(root_id)
        .fetch_one(db)
        .await
}

/// The newest answer that somebody has read of a thread; `None` if they do not follow it.
pub async fn find_read_position(
    db: impl SqliteExecutor<'_>,
    root_id: MessageId,
    user_id: UserId,
) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar("SELECT read_answer_id FROM thread_follows WHERE root_id = $1 AND user_id = $2")
        .bind(root_id)
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// Whether a thread has answers, and whether somebody follows it.
pub async fn find_head(db: impl SqliteExecutor<'_>, root_id: MessageId, user_id: UserId) -> sqlx::Result<(bool, bool)> {
    sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM threads WHERE root_id = $1),
                EXISTS (SELECT 1 FROM thread_follows WHERE root_id = $1 AND user_id = $2)",
    )
    .bind(root_id)
    .bind(user_id)
    .fetch_one(db)
    .await
}

/// The active followers of a thread but one, all of whom have something new from now on.
pub async fn mark_unread(db: &mut SqliteConnection, root_id: MessageId, except: UserId) -> sqlx::Result<Vec<UserId>> {
    sqlx::query("UPDATE thread_follows SET unread = TRUE WHERE root_id = $1 AND user_id <> $2 AND NOT unread")
        .bind(root_id)
        .bind(except)
        .execute(&mut *db)
        .await?;
    sqlx::query_scalar(
        "SELECT users.id FROM thread_follows JOIN users ON users.id = thread_follows.user_id AND users.status = 0
          WHERE root_id = $1 AND user_id <> $2 ORDER BY users.id",
    )
    .bind(root_id)
    .bind(except)
    .fetch_all(db)
    .await
}

/// Moves the read position of a follower in this room forward. Returns how many answers of others are new after it, at most
/// [`MAX_NEWS_COUNT`]; `None` if they do not follow the thread, or nothing has changed.
pub async fn mark_read(
    db: &mut SqliteConnection,
    room_id: RoomId,
    root_id: MessageId,
    user_id: UserId,
    answer_id: MessageId,
) -> sqlx::Result<Option<u32>> {
    let moved = sqlx::query(
        "UPDATE thread_follows
            SET read_answer_id = MIN($3, (SELECT last_answer_id FROM threads WHERE root_id = $1))
          WHERE root_id = $1 AND user_id = $2 AND room_id = $4
            AND read_answer_id < MIN($3, (SELECT last_answer_id FROM threads WHERE root_id = $1))",
    )
    .bind(root_id)
    .bind(user_id)
    .bind(answer_id)
    .bind(room_id)
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(None);
    }
    let counts = recount(db, root_id, Some(user_id), MessageId(i64::MAX)).await?;
    Ok(counts.first().map(|(_, count)| *count))
}

/// Counts the new answers of followers who have not read up to `before` (of all, or of one), and keeps whether there are
/// any.
pub async fn recount(
    db: &mut SqliteConnection,
    root_id: MessageId,
    only: Option<UserId>,
    before: MessageId,
) -> sqlx::Result<Vec<(UserId, u32)>> {
    let counts: Vec<(UserId, u32)> = sqlx::query_as(
        "SELECT user_id,
                (SELECT COUNT(*) FROM (SELECT 1 FROM messages
                                        WHERE thread_root_id = $1 AND messages.id > thread_follows.read_answer_id
                                          AND creator_id <> thread_follows.user_id LIMIT $4 + 0))
           FROM thread_follows
          WHERE root_id = $1 AND ($2 IS NULL OR user_id = $2) AND read_answer_id < $3 ORDER BY user_id",
    )
    .bind(root_id)
    .bind(only)
    .bind(before)
    .bind(MAX_NEWS_COUNT)
    .fetch_all(&mut *db)
    .await?;
    let read: Vec<_> = counts.iter().filter(|(_, count)| *count == 0).map(|(user_id, _)| *user_id).collect();
    if !read.is_empty() {
        sqlx::query(
            "UPDATE thread_follows SET unread = FALSE
              WHERE root_id = $1 AND unread AND user_id IN (SELECT value FROM json_each($2))",
        )
        .bind(root_id)
        .bind(json_ids(&read))
        .execute(db)
        .await?;
    }
    Ok(counts)
}

/// The page of a thread's answers that ends just before `message_id`, which need not exist.
pub async fn page_before(
    db: &mut SqliteConnection,
    root_id: MessageId,
    message_id: MessageId,
    max_bytes: usize,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.thread_root_id = $1 AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3 + 0",
        "$4"
    ))
    .bind(root_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .fetch_one(&mut *db)
    .await?;
    page_from_rows(db, rows, End::Newest, max_bytes).await
}

/// The page of a thread's answers that begins just after `message_id`, which need not exist.
pub async fn page_after(
    db: &mut SqliteConnection,
    root_id: MessageId,
    message_id: MessageId,
    max_bytes: usize,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.thread_root_id = $1 AND messages.id > $2 ORDER BY messages.id LIMIT $3 + 0",
        "$4"
    ))
    .bind(root_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .fetch_one(&mut *db)
    .await?;
    page_from_rows(db, rows, End::Oldest, max_bytes).await
}

/// A thread in the list of those that somebody follows.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FollowedThread {
    /// The root.
    pub root_id: MessageId,
    /// The room.
    pub room_id: RoomId,
    /// The name of the room.
    pub room_name: String,
    /// Who wrote the root; `None` once it has been removed.
    pub root_author: Option<String>,
    /// The beginning of the root's text.
    pub root_text: Option<String>,
    /// Who wrote the last answer.
    pub last_author: String,
    /// The beginning of the last answer's text.
    pub last_text: String,
    /// When it was posted, in milliseconds since the epoch.
    pub last_answer_at: i64,
    /// The last answer.
    pub last_answer_id: MessageId,
    /// How many answers there are.
    pub answer_count: i64,
    /// How many of them are new, at most [`MAX_NEWS_COUNT`].
    pub news_count: u32,
}

/// The place in the list after which a page begins: whether it has news, and its last answer.
pub type FollowedCursor = (bool, MessageId);

/// Up to `limit` of the threads that somebody follows: those with news first, then by their last answers, the newest
/// first.
pub async fn list_followed(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    after: Option<FollowedCursor>,
    text_chars: i64,
    limit: i64,
) -> sqlx::Result<Vec<FollowedThread>> {
    let (unread, last_answer_id) = after.unwrap_or((true, MessageId(i64::MAX)));
    sqlx::query_as(
        "SELECT found.root_id, found.room_id, rooms.name AS room_name, authors.name AS root_author,
                substr(roots.body_text, 1, $5) AS root_text, answerers.name AS last_author,
                substr(answers.body_text, 1, $5) AS last_text, found.last_answer_at, found.last_answer_id,
                found.answer_count,
                (SELECT COUNT(*) FROM (SELECT 1 FROM messages
                                        WHERE thread_root_id = found.root_id AND messages.id > found.read_answer_id
                                          AND creator_id <> $1 LIMIT $6 + 0)) AS news_count
           FROM (SELECT threads.root_id, threads.room_id, threads.last_answer_id, threads.last_answer_at,
                        threads.answer_count, thread_follows.read_answer_id, thread_follows.unread
                   FROM thread_follows JOIN threads ON threads.root_id = thread_follows.root_id
                  WHERE thread_follows.user_id = $1
                    AND (thread_follows.unread < $2
                         OR (thread_follows.unread = $2 AND threads.last_answer_id < $3))
                  ORDER BY thread_follows.unread DESC, threads.last_answer_id DESC LIMIT $4 + 0) AS found
           JOIN rooms ON rooms.id = found.room_id AND NOT rooms.removed
           JOIN messages AS answers ON answers.id = found.last_answer_id
           JOIN users AS answerers ON answerers.id = answers.creator_id
           LEFT JOIN messages AS roots ON roots.id = found.root_id
           LEFT JOIN users AS authors ON authors.id = roots.creator_id
          ORDER BY found.unread DESC, found.last_answer_id DESC",
    )
    .bind(user_id)
    .bind(unread)
    .bind(last_answer_id)
    .bind(limit)
    .bind(text_chars)
    .bind(MAX_NEWS_COUNT)
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answering, ClientMessageId, Message, Posted, User};
    use crate::ops;
    use crate::store::messages::MAX_PAGE_BYTES;
    use crate::testing::{self, World};

    async fn answer(world: &World, user: &User, root: &Message, number: u64, in_room: bool) -> MessageId {
        let member = world.member(user, root.room_id).await;
        let (id, text) = (ClientMessageId::v7(number, [3; 10]), format!("answer {number}"));
        let answers = Answering { message_id: root.id, in_room }.into();
        match ops::messages::post_with_files(&world.state, &member, id, &text, Vec::new(), answers).await.unwrap() {
            Posted::Stored(message) => message.id,
            Posted::Removed(_) => panic!("it is new"),
        }
    }

    #[tokio::test]
    async fn a_thread_is_found_by_its_root_and_by_its_answers() {
        let world = testing::world().await;
        let root = world.post(&world.ada, world.all_talk.id, "root").await;
        let plain = world.post(&world.ada, world.all_talk.id, "plain").await;
        let (hidden, shown) =
            (answer(&world, &world.bob, &root, 1, false).await, answer(&world, &world.bob, &root, 2, true).await);
        let other = world.open_closed_room("Other", &[]).await;
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let db = reader.db();
        let expected = Some(Root { root_id: root.id, creator_id: Some(world.ada.id) });
        for id in [root.id, hidden, shown] {
            assert_eq!(find_root(&mut *db, root.room_id, id).await.unwrap(), expected);
            assert_eq!(find_root(&mut *db, other.id, id).await.unwrap(), None, "in another room");
        }
        let in_room = |in_room| Answer { root_id: root.id, in_room };
        assert_eq!(find_answer(&mut *db, hidden).await.unwrap(), Some((root.room_id, in_room(false))));
        assert_eq!(find_answer(&mut *db, plain.id).await.unwrap(), None);
        let listed = list_answers(&mut *db, &[root.id, plain.id, hidden, shown]).await.unwrap();
        assert_eq!(listed, [(hidden, in_room(false)), (shown, in_room(true))]);
        assert_eq!(newest(&mut *db, root.id).await.unwrap(), shown);
        assert_eq!(newest(&mut *db, plain.id).await.unwrap(), MessageId(0));
        assert_eq!(find_head(&mut *db, root.id, world.bob.id).await.unwrap(), (true, true));
        assert_eq!(find_head(&mut *db, root.id, world.cleo.id).await.unwrap(), (true, false));
        assert_eq!(find_head(&mut *db, plain.id, world.bob.id).await.unwrap(), (false, false));
        let page = page_after(&mut *db, root.id, hidden, MAX_PAGE_BYTES).await.unwrap();
        assert_eq!(page.messages.iter().map(|message| message.id).collect::<Vec<_>>(), [shown]);
        let page = page_before(&mut *db, root.id, shown, MAX_PAGE_BYTES).await.unwrap();
        assert_eq!(page.messages.iter().map(|message| message.id).collect::<Vec<_>>(), [hidden]);
    }

    #[tokio::test]
    async fn a_summary_names_the_last_three_people_and_counts_all_answers() {
        let world = testing::world().await;
        let root = world.post(&world.ada, world.all_talk.id, "root").await;
        let mut number = 0;
        for user in [&world.ada, &world.bob, &world.cleo, &world.bob, &world.bob] {
            number += 1;
            answer(&world, user, &root, number, false).await;
        }
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let summary = find_summary(reader.db(), root.id).await.unwrap().unwrap();
        let names: Vec<_> = summary.people.iter().map(|person| person.name.as_str()).collect();
        assert_eq!((summary.answer_count, names), (5, vec!["Bob", "Cleo", world.ada.name.as_str()]));
    }

    #[tokio::test]
    async fn followers_have_what_came_after_they_read() {
        let world = testing::world().await;
        let (room_id, ada, bob) = (world.all_talk.id, world.ada.id, world.bob.id);
        let root = world.post(&world.ada, room_id, "root").await;
        let mut ids = Vec::new();
        for number in 0..4 {
            ids.push(answer(&world, &world.bob, &root, number, false).await);
        }
        let (root_id, second, last) = (root.id, ids[1], ids[3]);
        let count = async || {
            let recounted = world.state.db.write(async move |tx| {
                tx.changes_nothing_visible();
                Ok(recount(tx.db(), root_id, None, MessageId(i64::MAX)).await?)
            });
            recounted.await.unwrap()
        };
        assert_eq!(count().await, [(ada, 4), (bob, 0)]);
        let read = async |user_id, answer_id| {
            let read = world.state.db.write(async move |tx| {
                tx.changes_nothing_visible();
                Ok(mark_read(tx.db(), room_id, root_id, user_id, answer_id).await?)
            });
            read.await.unwrap()
        };
        assert_eq!(read(ada, second).await, Some(2));
        assert_eq!(read(ada, second).await, None, "again");
        assert_eq!(read(ada, ids[0]).await, None, "backwards");
        assert_eq!(read(world.cleo.id, last).await, None, "no follower");
        assert_eq!(count().await, [(ada, 2), (bob, 0)]);
        assert_eq!(read(ada, MessageId(i64::MAX)).await, Some(0), "at most up to the last answer");
        let position = find_read_position(world.state.db.reader(), root_id, ada).await.unwrap();
        assert_eq!(position, Some(last));

        let followers = world.state.db.write(async move |tx| {
            tx.changes_nothing_visible();
            let followers = mark_unread(tx.db(), root_id, bob).await?;
            Ok((followers, unfollow(tx.db(), root_id, ada).await?, unfollow(tx.db(), root_id, ada).await?))
        });
        assert_eq!(followers.await.unwrap(), (vec![ada], true, false));
        assert_eq!(find_read_position(world.state.db.reader(), root_id, ada).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_list_is_read_in_pages() {
        let world = testing::world().await;
        let mut roots = Vec::new();
        for number in 0..5 {
            let root = world.post(&world.ada, world.all_talk.id, &format!("root {number}")).await;
            answer(&world, &world.bob, &root, number, false).await;
            roots.push(root.id);
        }
        let ada = world.ada.id;
        for root_id in [roots[0], roots[3]] {
            let current = testing::current(&world.ada);
            let last = MessageId(i64::MAX);
            ops::threads::mark_read(&world.state, &current, world.all_talk.id, root_id, last).await.unwrap();
        }
        let list = async |after| {
            let listed = list_followed(world.state.db.reader(), ada, after, 100, 2).await.unwrap();
            let last = listed.last().map(|thread| (thread.news_count > 0, thread.last_answer_id));
            (listed.into_iter().map(|thread| thread.root_id).collect::<Vec<_>>(), last)
        };
        let (first, after) = list(None).await;
        assert_eq!(first, [roots[4], roots[2]]);
        let (second, after) = list(after).await;
        assert_eq!(second, [roots[1], roots[3]], "the read ones come last");
        let (third, after) = list(after).await;
        assert_eq!(third, [roots[0]]);
        assert_eq!(list(after).await.0, []);
    }
}
