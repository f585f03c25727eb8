//! Previews of the links in messages.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::{files, json_ids, threads};
use crate::model::{Answer, FileKey, LinkPreview, MessageId, PreviewPicture, UserId};
use crate::richtext;

/// A preview that waits for something to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingPreview {
    /// The link, as it is in the message.
    pub link: String,
    /// How often fetching its page has failed.
    pub attempts: i64,
    /// The picture of its page, if that is what is to be fetched.
    pub picture_url: Option<String>,
    /// The creator of the message.
    pub creator_id: UserId,
}

/// What is known of a page once it has been fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageDetails {
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// The address of its picture, if that is to be fetched.
    pub picture_url: Option<String>,
}

/// What an edit of a message's links has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// There are links whose previews are to be made.
    pub any_waiting: bool,
    /// Previews that were shown are gone.
    pub any_gone: bool,
    /// Their pictures have expired.
    pub any_released: bool,
}

/// Inserts previews for the links of a message, unless the account has switched them off. Links that the message has
/// already are left as they are. Returns whether any was inserted.
pub async fn insert(db: impl SqliteExecutor<'_>, message_id: MessageId, links: &[String]) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO link_previews (message_id, link, position)
         SELECT $1, links.value, links.key FROM json_each($2) AS links
          WHERE EXISTS (SELECT 1 FROM accounts WHERE links_previewed)
         ON CONFLICT DO NOTHING",
    )
    .bind(message_id)
    .bind(json_ids(links))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Deletes the previews of links that a message no longer has, and inserts those of its new links.
pub async fn replace(db: &mut SqliteConnection, message_id: MessageId, links: &[String]) -> sqlx::Result<Replaced> {
    let rows = json_ids(links);
    let released = sqlx::query(
        "UPDATE blobs SET expires_at = 0
          WHERE key IN (SELECT picture_key FROM link_previews
                         WHERE message_id = $1 AND link NOT IN (SELECT value FROM json_each($2)))",
    )
    .bind(message_id)
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    let gone: Vec<bool> = sqlx::query_scalar(
        "DELETE FROM link_previews WHERE message_id = $1 AND link NOT IN (SELECT value FROM json_each($2))
         RETURNING state = 'shown'",
    )
    .bind(message_id)
    .bind(&rows)
    .fetch_all(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE link_previews SET position = links.key FROM json_each($2) AS links
          WHERE message_id = $1 AND link = links.value",
    )
    .bind(message_id)
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    Ok(Replaced {
        any_waiting: insert(db, message_id, links).await?,
        any_gone: gone.contains(&true),
        any_released: released.rows_affected() > 0,
    })
}

/// The preview of a message for which something is to be fetched next, unless the account has switched previews off:
/// pictures of known pages come first, and links that have failed come last.
pub async fn find_waiting(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<WaitingPreview>> {
    sqlx::query_as(
        "SELECT link, attempts, CASE state WHEN 'picture' THEN picture_url END AS picture_url, messages.creator_id
           FROM link_previews JOIN messages ON messages.id = link_previews.message_id
          WHERE message_id = $1 AND state IN ('waiting', 'picture')
            AND EXISTS (SELECT 1 FROM accounts WHERE links_previewed)
          ORDER BY state = 'waiting', attempts, position LIMIT 1",
    )
    .bind(message_id)
    .fetch_optional(db)
    .await
}

/// Counts a failed attempt to fetch a page.
pub async fn count_attempt(db: impl SqliteExecutor<'_>, message_id: MessageId, link: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE link_previews SET attempts = attempts + 1 WHERE message_id = $1 AND link = $2")
        .bind(message_id)
        .bind(link)
        .execute(db)
        .await
        .map(drop)
}

/// Stores that there is nothing to show for a link.
pub async fn set_none(db: impl SqliteExecutor<'_>, message_id: MessageId, link: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE link_previews SET state = 'none' WHERE message_id = $1 AND link = $2 AND state = 'waiting'")
        .bind(message_id)
        .bind(link)
        .execute(db)
        .await
        .map(drop)
}

/// Stores what is known of a link's page. It is shown, or waits for its picture. Returns whether it is shown now.
pub async fn set_page(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    link: &str,
    page: &PageDetails,
) -> sqlx::Result<bool> {
    let updated = sqlx::query(
        "UPDATE link_previews SET url = $3, title = $4, description = $5, picture_url = $6,
                                  state = CASE WHEN $6 IS NULL THEN 'shown' ELSE 'picture' END
          WHERE message_id = $1 AND link = $2 AND state = 'waiting'",
    )
    .bind(message_id)
    .bind(link)
    .bind(&page.url)
    .bind(&page.title)
    .bind(&page.description)
    .bind(&page.picture_url)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() > 0 && page.picture_url.is_none())
}

/// Shows a preview with its picture, or without. The picture's file no longer expires. Returns `false`, and changes
/// nothing, if the preview is gone meanwhile.
pub async fn set_picture(
    db: &mut SqliteConnection,
    message_id: MessageId,
    link: &str,
    key: Option<&FileKey>,
) -> sqlx::Result<bool> {
    let updated = sqlx::query(
        "UPDATE link_previews SET state = 'shown', picture_key = $3
          WHERE message_id = $1 AND link = $2 AND state = 'picture'",
    )
    .bind(message_id)
    .bind(link)
    .bind(key)
    .execute(&mut *db)
    .await?;
    if updated.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE blobs SET expires_at = NULL WHERE key = $1").bind(key).execute(db).await?;
    Ok(true)
}

/// Takes a preview away for good. Returns whether it was shown, and whether its picture has expired.
pub async fn remove(db: &mut SqliteConnection, message_id: MessageId, link: &str) -> sqlx::Result<(bool, bool)> {
    let released = sqlx::query(
        "UPDATE blobs SET expires_at = 0
          WHERE key = (SELECT picture_key FROM link_previews WHERE message_id = $1 AND link = $2)",
    )
    .bind(message_id)
    .bind(link)
    .execute(&mut *db)
    .await?;
    let removed = sqlx::query(
        "UPDATE link_previews SET state = 'removed', picture_key = NULL
          WHERE message_id = $1 AND link = $2 AND state = 'shown'",
    )
    .bind(message_id)
    .bind(link)
    .execute(db)
    .await?;
    Ok((removed.rows_affected() > 0, released.rows_affected() > 0))
}

/// The previews that a message shows, in the order of their links.
pub async fn list_shown(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Vec<LinkPreview>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        link: String,
        url: String,
        title: String,
        description: String,
        picture_key: Option<FileKey>,
        width: Option<u32>,
        height: Option<u32>,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT link, url, title, description, picture_key, blobs.width, blobs.height
           FROM link_previews LEFT JOIN blobs ON blobs.key = link_previews.picture_key
          WHERE message_id = $1 AND state = 'shown' ORDER BY position, link",
    )
    .bind(message_id)
    .fetch_all(db)
    .await?;
    let preview = |row: Row| {
        let Row { link, url, title, description, picture_key, width, height } = row;
        let picture = picture_key.zip(width.zip(height)).map(|(key, size)| PreviewPicture { key, size });
        LinkPreview { link, url, title, description, picture }
    };
    Ok(rows.into_iter().map(preview).collect())
}

/// What a message shows below its body now, as HTML: its files, then its previews, then what it has of threads.
pub async fn extras_html(db: &mut SqliteConnection, message_id: MessageId) -> sqlx::Result<String> {
    let files = files::list_of_message(&mut *db, message_id).await?;
    let previews = list_shown(&mut *db, message_id).await?;
    let mut html = richtext::extras_html(&files) + &richtext::previews_html(message_id, &previews);
    if let Some((room_id, Answer { root_id, in_room: true })) = threads::find_answer(&mut *db, message_id).await? {
        html += &richtext::answer_link_html(room_id, root_id, message_id);
    } else if let Some(summary) = threads::find_summary(db, message_id).await? {
        html += &richtext::thread_line_html(&summary);
    }
    Ok(html)
}

/// Whether the account wants previews of links.
pub async fn are_wanted(db: impl SqliteExecutor<'_>) -> sqlx::Result<bool> {
    let wanted: Option<bool> = sqlx::query_scalar("SELECT links_previewed FROM accounts").fetch_optional(db).await?;
    Ok(wanted.unwrap_or(true))
}

/// Stores whether the account wants previews of links.
pub async fn update_wanted(db: impl SqliteExecutor<'_>, wanted: bool, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET links_previewed = $1, updated_at = $2")
        .bind(wanted)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tx;
    use crate::testing;

    fn links(links: &[&str]) -> Vec<String> {
        links.iter().map(|link| (*link).to_owned()).collect()
    }

    fn page(title: &str, picture_url: Option<&str>) -> PageDetails {
        PageDetails {
            url: "https://a.example/".into(),
            title: title.into(),
            description: "About it".into(),
            picture_url: picture_url.map(Into::into),
        }
    }

    #[tokio::test]
    async fn a_preview_is_made_in_steps_and_follows_the_links_of_its_message() {
        let world = testing::world().await;
        let message_id = world.post(&world.ada, world.all_talk.id, "no link").await.id;
        let work = async move |tx: &mut Tx| {
            let db = tx.db();
            assert!(insert(&mut *db, message_id, &links(&["b", "a"])).await?);
            assert!(!insert(&mut *db, message_id, &links(&["a"])).await?, "it is there");
            let next = find_waiting(&mut *db, message_id).await?.unwrap();
            assert_eq!((next.link.as_str(), next.picture_url, next.attempts), ("b", None, 0));
            count_attempt(&mut *db, message_id, "b").await?;
            assert_eq!(find_waiting(&mut *db, message_id).await?.unwrap().link, "a", "who failed comes last");
            assert!(!set_page(&mut *db, message_id, "a", &page("A", Some("picture"))).await?);
            let next = find_waiting(&mut *db, message_id).await?.unwrap();
            assert_eq!(next.picture_url.as_deref(), Some("picture"), "pictures come first");
            assert!(set_picture(&mut *db, message_id, "a", None).await?);
            assert!(!set_picture(&mut *db, message_id, "a", None).await?, "once");
            assert!(set_page(&mut *db, message_id, "b", &page("B", None)).await?);
            assert!(!set_page(&mut *db, message_id, "b", &page("B", None)).await?);
            assert_eq!(find_waiting(&mut *db, message_id).await?, None);
            let titles = list_shown(&mut *db, message_id).await?;
            assert_eq!(titles.iter().map(|shown| shown.title.as_str()).collect::<Vec<_>>(), ["B", "A"]);

            let replaced = replace(&mut *db, message_id, &links(&["c", "a"])).await?;
            assert_eq!(replaced, Replaced { any_waiting: true, any_gone: true, any_released: false });
            assert_eq!(remove(&mut *db, message_id, "a").await?, (true, false));
            assert_eq!(remove(&mut *db, message_id, "a").await?, (false, false));
            set_none(&mut *db, message_id, "c").await?;
            assert_eq!(replace(&mut *db, message_id, &links(&["c", "a"])).await?, Replaced::default());
            assert_eq!(find_waiting(&mut *db, message_id).await?, None, "what was removed does not come back");
            assert!(list_shown(&mut *db, message_id).await?.is_empty());

            update_wanted(&mut *db, false, 2).await?;
            assert!(!are_wanted(&mut *db).await? && !insert(&mut *db, message_id, &links(&["d"])).await?);
            Ok(())
        };
        world.state.db.write(work).await.unwrap();
    }
}
