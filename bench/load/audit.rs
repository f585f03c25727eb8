//! Checks after a run that every acknowledged post is stored exactly once.

use std::collections::HashSet;
use std::path::Path;

use crate::meter::data;
use crate::site::Post;

/// Checks that every acknowledged post is in the database with its text, in the search tables and in the event log,
/// exactly once.
///
/// # Panics
/// If one is not.
pub async fn audit(folder: &Path, acknowledged: &[Post]) {
    if acknowledged.is_empty() {
        return;
    }
    let distinct: HashSet<_> = acknowledged.iter().map(|post| &post.client_message_id).collect();
    assert_eq!(distinct.len(), acknowledged.len(), "ids are used once");
    let mut database = data::database(folder).await;
    for step in [
        "CREATE TEMP TABLE posted AS SELECT message_id FROM events WHERE kind = 'message_posted'",
        "CREATE INDEX temp.posted_message ON posted (message_id)",
    ] {
        sqlx::query(step).execute(&mut database).await.expect("a list of the posts in the log");
    }
    // The last part of the id is a word that no other message contains.
    let wrong: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM json_each($1) AS sent
          WHERE (SELECT COUNT(*) FROM messages
                  WHERE creator_id = sent.value ->> 'creator_id'
                    AND client_message_id = sent.value ->> 'client_message_id'
                    AND id = sent.value ->> 'message_id' AND room_id = sent.value ->> 'room_id'
                    AND body_source = 'words of ' || client_message_id
                    AND body_html = '<p>words of ' || client_message_id || '</p>'
                    AND (SELECT COUNT(*) FROM posted WHERE message_id = messages.id) = 1
                    AND (SELECT COUNT(*) FROM message_search
                          WHERE message_search MATCH 'words : \"' || substr(client_message_id, 25) || '\"') = 1
                    AND EXISTS (SELECT 1 FROM message_search WHERE rowid = messages.id)
                    AND EXISTS (SELECT 1 FROM message_parts WHERE rowid = messages.id)) <> 1",
    )
    .bind(serde_json::to_string(acknowledged).expect("posts are JSON"))
    .fetch_one(&mut database)
    .await
    .expect("an answer");
    assert_eq!(wrong, 0, "acknowledged posts that are not there exactly once");
    eprintln!("{} acknowledged posts are there exactly once.", acknowledged.len());
}
