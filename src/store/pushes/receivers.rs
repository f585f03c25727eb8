//! Who is to get a push of a message, as of now.

use sqlx::SqliteExecutor;

use super::PushTarget;
use crate::model::{Involvement, MessageId, PushSettings, PushSubscriptionId, RoomId, RoomKind, UserId};
use crate::store::json_ids;

/// A message, as a push tells of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PushedMessage {
    /// Its id.
    pub message_id: MessageId,
    /// The root of its thread, if the room does not show it.
    pub thread_root_id: Option<MessageId>,
    /// Its room.
    pub room_id: RoomId,
    /// The kind of the room.
    pub room_kind: RoomKind,
    /// The name of the room; empty for a direct one.
    pub room_name: String,
    /// Its author.
    pub creator_name: String,
    /// Its plain text.
    pub body_text: String,
    /// The names of its first files.
    pub file_names: Option<String>,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// The number of the latest change to the account's logo.
    pub logo_version: i64,
}

/// A device that may get a push of a message.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PushReceiver {
    /// The device.
    #[sqlx(flatten)]
    pub target: PushTarget,
    /// Its owner.
    pub user_id: UserId,
    /// Whether the message mentions the owner.
    pub is_mentioned: bool,
    /// Until when its push service is left alone, in milliseconds since the epoch.
    pub not_before_at: i64,
    /// The owner's unread mentions and direct rooms.
    pub badge: u32,
    /// What the owner wants of pushes.
    #[sqlx(flatten)]
    pub settings: PushSettings,
}

/// The message; `None` if it was removed, or its room.
pub async fn find_message(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<PushedMessage>> {
    sqlx::query_as(
        "SELECT messages.id AS message_id, CASE WHEN messages.in_thread_only THEN messages.thread_root_id END AS thread_root_id,
                messages.room_id, rooms.kind AS room_kind, rooms.name AS room_name, users.name AS creator_name,
                messages.body_text, messages.created_at,
                (SELECT group_concat(name, ', ')
                   FROM (SELECT name FROM attachments WHERE message_id = $1 ORDER BY position LIMIT 3)) AS file_names,
                COALESCE((SELECT logo_version FROM accounts), 0) AS logo_version
           FROM messages
           JOIN rooms ON rooms.id = messages.room_id AND NOT rooms.removed
           JOIN users ON users.id = messages.creator_id
          WHERE messages.id = $1",
    )
    .bind(message_id)
    .fetch_optional(db)
    .await
}

/// Up to `limit` devices with a greater id than `after`, in their order, whose owners are to hear of a message: active
/// members of its room who have not read it, are signed in on that device, did not write it, and want to hear of it. With
/// `among`, only these devices, for which this is another try: of those, the ones are left out whose owners are to hear of a
/// later message that takes the place of this one. Devices that are dead, removed, or registered for another key than
/// `server_key` are left out.
pub async fn list_receivers(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    after: PushSubscriptionId,
    among: Option<&[PushSubscriptionId]>,
    server_key: &[u8],
    now_ms: i64,
    limit: i64,
) -> sqlx::Result<Vec<PushReceiver>> {
    sqlx::query_as(
        "SELECT devices.id, devices.endpoint, devices.p256dh, devices.auth, devices.origin, devices.user_id,
                devices.not_before_at,
                EXISTS (SELECT 1 FROM mentions
                         WHERE mentions.user_id = devices.user_id AND mentions.room_id = messages.room_id
                           AND mentions.message_id = messages.id) AS is_mentioned,
                (SELECT COUNT(*) FROM memberships AS mine
                   JOIN rooms AS direct ON direct.id = mine.room_id
                  WHERE mine.user_id = devices.user_id AND direct.kind = 'direct'
                    AND direct.last_message_id > mine.read_message_id)
                + (SELECT COUNT(*) FROM memberships AS mine
                     JOIN rooms AS shared ON shared.id = mine.room_id AND shared.kind <> 'direct' AND NOT shared.removed
                     JOIN mentions ON mentions.user_id = mine.user_id AND mentions.room_id = mine.room_id
                                  AND mentions.message_id > mine.read_message_id
                                  AND NOT mentions.in_thread_only
                    WHERE mine.user_id = devices.user_id AND mine.involvement <> 'invisible') AS badge,
                COALESCE(names_only, FALSE) AS names_only, paused_until,
                COALESCE(quiet_from, 0) AS quiet_from, COALESCE(quiet_to, 0) AS quiet_to,
                COALESCE(quiet_nights, 0) AS quiet_nights, COALESCE(quiet_days, 0) AS quiet_days,
                COALESCE(time_zone, 'UTC') AS time_zone
           FROM messages
           JOIN rooms ON rooms.id = messages.room_id AND NOT rooms.removed
           JOIN push_subscriptions AS devices
             ON devices.id > $2 AND devices.dead_at IS NULL AND devices.removed_at IS NULL
            AND devices.server_key = $4
            AND devices.user_id <> messages.creator_id
            AND ($3 IS NULL OR devices.id IN (SELECT value FROM json_each($3)))
           JOIN users ON users.id = devices.user_id AND users.status = 0
           JOIN sessions ON sessions.id = devices.session_id AND sessions.user_id = devices.user_id
                        AND sessions.expires_at > $5
           JOIN memberships ON memberships.room_id = messages.room_id AND memberships.user_id = devices.user_id
                           AND memberships.read_message_id < messages.id
           LEFT JOIN push_settings ON push_settings.user_id = devices.user_id
          WHERE messages.id = $1
            AND (memberships.involvement = $6 AND (NOT messages.in_thread_only OR is_mentioned)
                 OR memberships.involvement = $7
                    AND EXISTS (SELECT 1 FROM mentions
                                 WHERE mentions.user_id = devices.user_id AND mentions.room_id = messages.room_id
                                   AND mentions.message_id = messages.id))
            AND ($3 IS NULL
                 OR is_mentioned AND rooms.kind <> 'direct'
                    AND NOT EXISTS (SELECT 1 FROM mentions AS newer
                                      JOIN messages AS later ON later.id = newer.message_id AND NOT later.in_thread_only
                                     WHERE newer.user_id = devices.user_id AND newer.room_id = messages.room_id
                                       AND newer.message_id > messages.id AND later.creator_id <> devices.user_id)
                 OR NOT (is_mentioned AND rooms.kind <> 'direct')
                    AND NOT EXISTS (SELECT 1 FROM messages AS later
                                     WHERE later.room_id = messages.room_id AND later.in_thread_only = FALSE AND later.id > messages.id
                                       AND later.creator_id <> devices.user_id))
          ORDER BY devices.id LIMIT $8",
    )
    .bind(message_id)
    .bind(after)
    .bind(among.map(json_ids))
    .bind(server_key)
    .bind(now_ms)
    .bind(Involvement::Everything)
    .bind(Involvement::Mentions)
    .bind(limit)
    .fetch_all(db)
    .await
}
