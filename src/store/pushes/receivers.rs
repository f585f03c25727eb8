//! Who is to get a push of a message, as of now.

use sqlx::SqliteExecutor;

use super::PushTarget;
use crate::model::{Cause, Involvement, MessageId, PushSettings, PushSubscriptionId, RoomId, RoomKind, UserId};
use crate::store::inbox::{delivery, is_said_to_owner};
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
    /// Whether the message is said to the owner: it mentions them, or answers them.
    pub is_personal: bool,
    /// Until when its push service is left alone, in milliseconds since the epoch.
    pub not_before_at: i64,
    /// How many unread entries of the owner's inbox notify.
    pub badge: u32,
    /// What the owner wants of pushes.
    #[sqlx(flatten)]
    pub settings: PushSettings,
}

/// An entry of an inbox that is no message by itself, as a push tells of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PushedEntry {
    /// Why it is there.
    pub cause: Cause,
    /// Who said it.
    pub actor_name: Option<String>,
    /// The content of a boost, or the note of a reminder.
    pub content: String,
    /// The room of the message.
    pub room_id: RoomId,
    /// The message.
    pub message_id: MessageId,
    /// The beginning of the message's plain text.
    pub text: String,
    /// When, in milliseconds since the epoch.
    pub created_at: i64,
    /// The number of the latest change to the account's logo.
    pub logo_version: i64,
}

/// The entry; `None` if it is gone, was read, or does not notify any more.
pub async fn find_entry(db: impl SqliteExecutor<'_>, entry_id: i64) -> sqlx::Result<Option<PushedEntry>> {
    sqlx::query_as(
        "SELECT inbox.cause, users.name AS actor_name, inbox.content, inbox.room_id, inbox.message_id,
                substr(messages.body_text, 1, 400) AS text, inbox.created_at,
                COALESCE((SELECT logo_version FROM accounts), 0) AS logo_version
           FROM inbox
           JOIN messages ON messages.id = inbox.message_id
           LEFT JOIN users ON users.id = inbox.actor_id
          WHERE inbox.id = $1 AND inbox.unread AND inbox.notifies",
    )
    .bind(entry_id)
    .fetch_optional(db)
    .await
}

/// Up to `limit` devices of the owner of an entry, in the order of their ids: those that work and are registered for
/// `server_key`, while their owner is active and signed in there.
pub async fn list_receivers_of_entry(
    db: impl SqliteExecutor<'_>,
    entry_id: i64,
    server_key: &[u8],
    now_ms: i64,
    limit: i64,
) -> sqlx::Result<Vec<PushReceiver>> {
    sqlx::query_as(
        "SELECT devices.id, devices.endpoint, devices.p256dh, devices.auth, devices.origin, devices.user_id,
                devices.not_before_at, TRUE AS is_personal,
                (SELECT COUNT(*) FROM (SELECT 1 FROM inbox AS counted
                                        WHERE counted.user_id = devices.user_id AND counted.unread AND counted.notifies
                                        LIMIT 100)) AS badge,
                COALESCE(names_only, FALSE) AS names_only, paused_until,
                COALESCE(quiet_from, 0) AS quiet_from, COALESCE(quiet_to, 0) AS quiet_to,
                COALESCE(quiet_nights, 0) AS quiet_nights, COALESCE(quiet_days, 0) AS quiet_days,
                COALESCE(time_zone, 'UTC') AS time_zone
           FROM inbox
           JOIN users ON users.id = inbox.user_id AND users.status = 0
           JOIN push_subscriptions AS devices
             ON devices.user_id = inbox.user_id AND devices.dead_at IS NULL AND devices.removed_at IS NULL
            AND devices.server_key = $2
           JOIN sessions ON sessions.id = devices.session_id AND sessions.user_id = devices.user_id
                        AND sessions.expires_at > $3
           LEFT JOIN push_settings ON push_settings.user_id = devices.user_id
          WHERE inbox.id = $1
          ORDER BY devices.id LIMIT $4",
    )
    .bind(entry_id)
    .bind(server_key)
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
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
    sqlx::query_as(concat!(
        "SELECT devices.id, devices.endpoint, devices.p256dh, devices.auth, devices.origin, devices.user_id,
                devices.not_before_at, ",
        is_said_to_owner!(),
        " AS is_personal,
                (SELECT COUNT(*) FROM (SELECT 1 FROM inbox WHERE inbox.user_id = devices.user_id AND inbox.unread
                                          AND inbox.notifies LIMIT 100)) AS badge,
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
            AND (memberships.involvement = $6
                    AND (NOT messages.in_thread_only OR is_personal)
                    AND (rooms.kind <> 'direct' OR is_personal OR ",
        delivery!("devices.user_id", "'ping'"),
        " = 'notify')
                 OR memberships.involvement = $7 AND is_personal)
            AND ($3 IS NULL
                 OR is_personal AND rooms.kind <> 'direct'
                    AND NOT EXISTS (SELECT 1 FROM inbox AS newer
                                     WHERE newer.user_id = devices.user_id AND newer.room_id = messages.room_id
                                       AND newer.message_id > messages.id AND newer.notifies
                                       AND newer.cause IN ('mention', 'answer', 'thread_answer'))
                 OR NOT (is_personal AND rooms.kind <> 'direct')
                    AND NOT EXISTS (SELECT 1 FROM messages AS later
                                     WHERE later.room_id = messages.room_id AND later.in_thread_only = FALSE AND later.id > messages.id
                                       AND later.creator_id <> devices.user_id))
          ORDER BY devices.id LIMIT $8"
    ))
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

/// A device of one person.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NoticeReceiver {
    /// The device.
    #[sqlx(flatten)]
    pub target: PushTarget,
    /// Until when its push service is left alone, in milliseconds since the epoch.
    pub not_before_at: i64,
}

/// The devices of a user who is active and signed in there; with `among`, only these. Devices that are dead, removed, or
/// registered for another key than `server_key` are left out.
pub async fn list_of_user(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    among: Option<&[PushSubscriptionId]>,
    server_key: &[u8],
    now_ms: i64,
) -> sqlx::Result<Vec<NoticeReceiver>> {
    sqlx::query_as(
        "SELECT devices.id, devices.endpoint, devices.p256dh, devices.auth, devices.origin, devices.not_before_at
           FROM push_subscriptions AS devices
           JOIN users ON users.id = devices.user_id AND users.status = 0
           JOIN sessions ON sessions.id = devices.session_id AND sessions.user_id = devices.user_id
                        AND sessions.expires_at > $4
          WHERE devices.user_id = $1 AND devices.dead_at IS NULL AND devices.removed_at IS NULL
            AND devices.server_key = $3
            AND ($2 IS NULL OR devices.id IN (SELECT value FROM json_each($2)))
          ORDER BY devices.id",
    )
    .bind(user_id)
    .bind(among.map(json_ids))
    .bind(server_key)
    .bind(now_ms)
    .fetch_all(db)
    .await
}
