//! What edited messages said before.

use sqlx::{FromRow, SqliteConnection, SqliteExecutor};

use crate::model::{MessageId, Person, UserId};

/// How many earlier texts of a message are kept.
pub const MAX_VERSIONS: i64 = 20;

/// How many bytes the earlier texts of a message have together: 64 KiB.
pub const MAX_BYTES: i64 = 64 * 1024;

/// An earlier text of a message.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct VersionRow {
    /// The Markdown source; empty for a message with files and no text.
    pub body: String,
    /// Since when the message had it, in milliseconds since the epoch.
    pub written_at: i64,
    /// Who replaced it.
    #[sqlx(flatten)]
    pub editor: Person,
}

/// Keeps the present text of a message, which `editor_id` is about to replace; the oldest ones above [`MAX_VERSIONS`] and
/// [`MAX_BYTES`] go.
pub async fn keep(db: &mut SqliteConnection, message_id: MessageId, editor_id: UserId) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO message_versions (message_id, revision, body, written_at, editor_id)
         SELECT id, revision, body_source, updated_at, $2 FROM messages WHERE id = $1",
    )
    .bind(message_id)
    .bind(editor_id)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM message_versions
          WHERE message_id = $1
            AND revision IN (SELECT revision
                               FROM (SELECT revision,
                                            ROW_NUMBER() OVER (ORDER BY revision DESC) AS number,
                                            SUM(octet_length(body)) OVER (ORDER BY revision DESC) AS bytes
                                       FROM message_versions WHERE message_id = $1) AS counted
                              WHERE number > $2 OR bytes > $3)",
    )
    .bind(message_id)
    .bind(MAX_VERSIONS)
    .bind(MAX_BYTES)
    .execute(db)
    .await
    .map(drop)
}

/// The earlier texts of a message, the last one first.
pub async fn list(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Vec<VersionRow>> {
    sqlx::query_as(
        "SELECT versions.body, versions.written_at, users.id, users.name
           FROM message_versions AS versions JOIN users ON users.id = versions.editor_id
          WHERE versions.message_id = $1 ORDER BY versions.revision DESC",
    )
    .bind(message_id)
    .fetch_all(db)
    .await
}

/// When the present text of a message was written, in milliseconds since the epoch.
pub async fn written_at(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("SELECT updated_at FROM messages WHERE id = $1").bind(message_id).fetch_optional(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::messages;
    use crate::testing;

    #[tokio::test]
    async fn the_last_texts_are_kept_up_to_a_number_and_a_size_and_go_with_the_message() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let ada = world.member(&world.ada, room_id).await;
        let message_id = world.post(&world.ada, room_id, "text 0").await.id;
        let edit = async |text: &str| {
            world.state.clock.advance(1_000);
            messages::edit(&world.state, &ada, message_id, text.parse().unwrap()).await.unwrap();
        };
        let texts = async || -> Vec<String> {
            let kept = list(world.state.db.reader(), message_id).await.unwrap();
            kept.into_iter().map(|version| version.body).collect()
        };
        assert!(texts().await.is_empty());
        for number in 1..=25 {
            edit(&format!("text {number}")).await;
        }
        let kept = list(world.state.db.reader(), message_id).await.unwrap();
        assert_eq!((kept.len(), kept[0].body.as_str(), kept[19].body.as_str()), (20, "text 24", "text 5"));
        assert_eq!(kept[0].written_at - kept[1].written_at, 1_000);
        assert_eq!(written_at(world.state.db.reader(), message_id).await.unwrap(), Some(kept[0].written_at + 1_000));
        // Of 30,000 bytes each: two of them, and no older one.
        for letter in ["a", "b", "c", "d"] {
            edit(&letter.repeat(30_000)).await;
        }
        assert_eq!(texts().await.iter().map(String::len).collect::<Vec<_>>(), [30_000, 30_000]);
        edit(&"字".repeat(30_000)).await;
        edit("short").await;
        assert!(texts().await.is_empty(), "one that is longer by itself is not kept");
        edit("shorter").await;
        assert_eq!(texts().await, ["short"]);
        messages::remove(&world.state, &ada, message_id).await.unwrap();
        assert!(texts().await.is_empty());
    }
}
