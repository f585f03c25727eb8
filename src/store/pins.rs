//! Pins: the messages that members have pinned to their room.

use sqlx::types::Json;
use sqlx::{FromRow, SqliteExecutor};

use crate::model::{MessageId, Person, Pins, RoomId, UserId};

/// Selects what the page of room `$1` shows of its pins, for [`PinsRow`]. In a room without pins it reads one entry of an
/// index.
macro_rules! select_pins {
    () => {
        "SELECT json_array(json_group_array(pins.message_id ORDER BY pins.pinned_at DESC, pins.message_id DESC),
                           (SELECT COALESCE(NULLIF(substr(messages.body_text, 1, 200), ''),
                                            (SELECT group_concat(name, ', ')
                                               FROM (SELECT name FROM attachments WHERE message_id = messages.id
                                                      ORDER BY position LIMIT 3)))
                              FROM pins AS newest JOIN messages ON messages.id = newest.message_id
                             WHERE newest.room_id = $1
                             ORDER BY newest.pinned_at DESC, newest.message_id DESC LIMIT 1))
           FROM pins WHERE pins.room_id = $1"
    };
}

pub(super) use select_pins;

/// The column of [`select_pins`]: the pinned messages, and the text of the first.
pub(super) type PinsRow = Json<(Vec<MessageId>, Option<String>)>;

pub(super) fn pins_from_row(Json((message_ids, text)): PinsRow) -> Pins {
    Pins { message_ids, text: text.unwrap_or_default() }
}

/// What the page of a room shows of its pins.
pub async fn summary(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Pins> {
    let row: PinsRow = sqlx::query_scalar(select_pins!()).bind(room_id).fetch_one(db).await?;
    Ok(pins_from_row(row))
}

/// Pins a message to its room. Returns `false` if it is pinned already.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
    pinner_id: UserId,
    now_ms: i64,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO pins (message_id, room_id, pinner_id, pinned_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(message_id)
    .bind(room_id)
    .bind(pinner_id)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Takes the pin of a message away. Returns whether it had one.
pub async fn remove(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM pins WHERE message_id = $1").bind(message_id).execute(db).await?;
    Ok(removed.rows_affected() > 0)
}

/// Whether a message is pinned.
pub async fn exists(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pins WHERE message_id = $1)").bind(message_id).fetch_one(db).await
}

/// The number of pins of a room.
pub async fn count(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM pins WHERE room_id = $1").bind(room_id).fetch_one(db).await
}

/// How many pins a search looks at: the newest messages.
const MAX_SEARCHED: i64 = 1_000;

/// The newest pinned messages of a user's rooms, with their rooms, at most [`MAX_SEARCHED`].
pub async fn list_messages(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<(MessageId, RoomId)>> {
    sqlx::query_as(
        "SELECT pins.message_id, pins.room_id
           FROM memberships JOIN pins ON pins.room_id = memberships.room_id
          WHERE memberships.user_id = $1 ORDER BY pins.message_id DESC LIMIT $2",
    )
    .bind(user_id)
    .bind(MAX_SEARCHED)
    .fetch_all(db)
    .await
}

/// A pin, without its message.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct PinRow {
    /// The message.
    pub message_id: MessageId,
    /// Who pinned it.
    #[sqlx(flatten)]
    pub pinner: Person,
    /// When, in milliseconds since the epoch.
    pub pinned_at: i64,
}

/// The pins of a room, the last one first.
pub async fn list(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<PinRow>> {
    sqlx::query_as(
        "SELECT pins.message_id, users.id, users.name, pins.pinned_at
           FROM pins JOIN users ON users.id = pins.pinner_id
          WHERE pins.room_id = $1
          ORDER BY pins.pinned_at DESC, pins.message_id DESC",
    )
    .bind(room_id)
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Tx, messages};
    use crate::testing;

    #[tokio::test]
    async fn the_last_pin_is_the_first_and_goes_with_its_message() {
        let world = testing::world().await;
        let db = &world.state.db;
        let (room_id, ada, bob) = (world.all_talk.id, world.ada.id, world.bob.id);
        assert_eq!(summary(db.reader(), room_id).await.unwrap(), Pins::default());
        let first = world.post(&world.ada, room_id, "the first").await.id;
        let second = world.post(&world.ada, room_id, &"**long** ".repeat(100)).await.id;
        let pin = async move |tx: &mut Tx| {
            Ok([
                insert(tx.db(), room_id, second, ada, 1).await?,
                insert(tx.db(), room_id, first, bob, 2).await?,
                insert(tx.db(), room_id, first, ada, 3).await?,
            ])
        };
        assert_eq!(db.write(pin).await.unwrap(), [true, true, false]);
        let pins = summary(db.reader(), room_id).await.unwrap();
        assert_eq!(pins, Pins { message_ids: vec![first, second], text: "the first".into() });
        assert_eq!(count(db.reader(), room_id).await.unwrap(), 2);
        let listed = list(db.reader(), room_id).await.unwrap();
        assert_eq!((listed[0].message_id, listed[0].pinner.name.as_str(), listed[0].pinned_at), (first, "Bob", 2));
        let remove_it = async move |tx: &mut Tx| Ok(messages::remove(tx.db(), room_id, first).await?);
        assert!(db.write(remove_it).await.unwrap().was_pinned);
        let pins = summary(db.reader(), room_id).await.unwrap();
        assert_eq!((pins.message_ids, pins.text.len()), (vec![second], 200));
        assert!(!exists(db.reader(), first).await.unwrap());
        assert!(db.write(async move |tx| Ok(remove(tx.db(), second).await?)).await.unwrap());
        assert!(!db.write(async move |tx| Ok(remove(tx.db(), second).await?)).await.unwrap());
    }
}
