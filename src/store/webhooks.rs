//! Webhooks of bots, and what is delivered to them.

use sqlx::SqliteExecutor;

use crate::model::{MessageId, RoomId, RoomKind, UserId};

/// A webhook for administrators.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// When its target said that it is gone, in milliseconds since the epoch.
    pub switched_off_at: Option<i64>,
}

/// The next delivery of a bot: its target and its message.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueDelivery {
    /// Its id.
    pub id: i64,
    /// When it was queued, in milliseconds since the epoch.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// The message; `None` for a call and a test.
    pub message_id: Option<MessageId>,
    /// Who calls, if it is a call.
    pub caller_id: Option<UserId>,
    /// The room.
    pub room_id: RoomId,
    /// Where to.
    pub url: String,
    /// The secret that signs it.
    pub secret: Vec<u8>,
    /// The secret part of the bot's key.
    pub token: String,
    /// The name of the bot.
    pub bot_name: String,
}

/// The message of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliveredMessage {
    /// Its author.
    pub creator_id: UserId,
    /// The name of its author.
    pub creator_name: String,
    /// The kind of its room.
    pub room_kind: RoomKind,
    /// The name of its room; empty for a direct one.
    pub room_name: String,
    /// Its body as HTML.
    pub body_html: String,
    /// Its body as plain text.
    pub body_text: String,
    /// The name by which it mentions the bot, if it does.
    pub mentioned_as: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
}

/// The record of a delivery attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The beginning of what was sent, without keys.
    pub request: String,
    /// The beginning of what came back.
    pub answer: String,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// Whether all of a response came, or as much of it as was read.
    pub is_answered: bool,
    /// Why it failed, or why its answer was not posted.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// The state of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It was delivered.
    Done,
    /// It failed for good.
    Failed,
    /// It is tried again at this time, in milliseconds since the epoch.
    Again(i64),
}

/// The state of a delivery, stored in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be tried.
    Waiting,
    /// It was delivered.
    Done,
    /// It failed for good.
    Failed,
}

/// A delivery for administrators.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// The bot.
    pub bot_id: UserId,
    /// The name of the bot.
    pub bot_name: String,
    /// The room.
    pub room_id: RoomId,
    /// The message; `None` for a call and a test.
    pub message_id: Option<MessageId>,
    /// Who calls, if it is a call.
    pub caller_id: Option<UserId>,
    /// Its state.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried, in milliseconds since the epoch.
    pub run_at: i64,
    /// The beginning of what was sent last.
    pub request: String,
    /// The beginning of what came back last.
    pub answer: String,
    /// The status of the last response, if there was one.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How long the last try took, in milliseconds.
    pub took_ms: Option<i64>,
    /// When it was queued, in milliseconds since the epoch.
    pub created_at: i64,
}

/// The webhook of a bot.
pub async fn find(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Option<Webhook>> {
    sqlx::query_as("SELECT url, switched_off_at FROM webhooks WHERE bot_id = $1").bind(bot_id).fetch_optional(db).await
}

/// Stores the URL of a bot's webhook, and switches it on. `secret` is for one that is new.
pub async fn set(
    db: impl SqliteExecutor<'_>,
    bot_id: UserId,
    url: &str,
    secret: &[u8],
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webhooks (bot_id, url, secret, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (bot_id) DO UPDATE SET url = $2, switched_off_at = NULL, noticed_at = NULL",
    )
    .bind(bot_id)
    .bind(url)
    .bind(secret)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Replaces the secret of a bot's webhook. Returns whether it has one.
pub async fn set_secret(db: impl SqliteExecutor<'_>, bot_id: UserId, secret: &[u8]) -> sqlx::Result<bool> {
    let set =
        sqlx::query("UPDATE webhooks SET secret = $2 WHERE bot_id = $1").bind(bot_id).bind(secret).execute(db).await?;
    Ok(set.rows_affected() > 0)
}

/// Removes a bot's webhook with everything that waits for it.
pub async fn remove(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM webhooks WHERE bot_id = $1").bind(bot_id).execute(db).await.map(drop)
}

/// Queues a message for the webhooks of the bots that hear of it, and returns these bots: in a direct room all its bots,
/// elsewhere those among `mentioned`. Never its creator.
pub async fn queue(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
    creator_id: UserId,
    mentioned: Option<&[UserId]>,
    now_ms: i64,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "INSERT INTO deliveries (bot_id, room_id, message_id, run_at, created_at, updated_at)
         SELECT webhooks.bot_id, $1, $2, $5, $5, $5
           FROM memberships
           JOIN webhooks ON webhooks.bot_id = memberships.user_id AND webhooks.switched_off_at IS NULL
           JOIN users ON users.id = webhooks.bot_id AND users.status = 0
          WHERE memberships.room_id = $1 AND memberships.user_id <> $3
            AND ($4 IS NULL OR memberships.user_id IN (SELECT value FROM json_each($4)))
         RETURNING bot_id",
    )
    .bind(room_id)
    .bind(message_id)
    .bind(creator_id)
    .bind(mentioned.map(super::json_ids))
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Queues a test of a bot's webhook.
pub async fn queue_test(db: impl SqliteExecutor<'_>, bot_id: UserId, room_id: RoomId, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO deliveries (bot_id, room_id, run_at, created_at, updated_at) VALUES ($1, $2, $3, $3, $3)")
        .bind(bot_id)
        .bind(room_id)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// The delivery of a bot's webhook that is due first.
pub async fn find_due(db: impl SqliteExecutor<'_>, bot_id: UserId, now_ms: i64) -> sqlx::Result<Option<DueDelivery>> {
    sqlx::query_as(
        "SELECT deliveries.id, deliveries.created_at, deliveries.attempts, deliveries.message_id, deliveries.caller_id,
                deliveries.room_id, webhooks.url, webhooks.secret, bots.token, users.name AS bot_name
           FROM deliveries
           JOIN webhooks ON webhooks.bot_id = deliveries.bot_id AND webhooks.switched_off_at IS NULL
           JOIN bots ON bots.user_id = deliveries.bot_id
           JOIN users ON users.id = deliveries.bot_id AND users.status = 0
          WHERE deliveries.bot_id = $1 AND deliveries.state = 'waiting' AND deliveries.run_at <= $2
          ORDER BY deliveries.run_at, deliveries.id LIMIT 1",
    )
    .bind(bot_id)
    .bind(now_ms)
    .fetch_optional(db)
    .await
}

/// When something is to be delivered for a bot next, in milliseconds since the epoch. `None` if nothing waits, or if the
/// webhook is switched off or its bot is not active any more.
pub async fn next_due(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT deliveries.run_at FROM deliveries
           JOIN webhooks ON webhooks.bot_id = deliveries.bot_id AND webhooks.switched_off_at IS NULL
           JOIN users ON users.id = deliveries.bot_id AND users.status = 0
          WHERE deliveries.bot_id = $1 AND deliveries.state = 'waiting'
          ORDER BY deliveries.run_at, deliveries.id LIMIT 1",
    )
    .bind(bot_id)
    .fetch_optional(db)
    .await
}

/// Loads the message of a delivery to this bot; `None` if it is gone, or the bot is no member of its room.
pub async fn find_message(
    db: impl SqliteExecutor<'_>,
    bot_id: UserId,
    message_id: MessageId,
) -> sqlx::Result<Option<DeliveredMessage>> {
    sqlx::query_as(
        "SELECT messages.creator_id, users.name AS creator_name, rooms.kind AS room_kind, rooms.name AS room_name,
                messages.body_html, messages.body_text,
                (SELECT mentions.name FROM mentions
                  WHERE mentions.message_id = messages.id AND mentions.user_id = $1) AS mentioned_as,
                messages.reply_to
           FROM messages
           JOIN users ON users.id = messages.creator_id
           JOIN rooms ON rooms.id = messages.room_id
           JOIN memberships ON memberships.room_id = messages.room_id AND memberships.user_id = $1
          WHERE messages.id = $2",
    )
    .bind(bot_id)
    .bind(message_id)
    .fetch_optional(db)
    .await
}

/// Stores what became of a try.
pub async fn finish(
    db: impl SqliteExecutor<'_>,
    delivery_id: i64,
    attempt: &Attempt,
    after: After,
    now_ms: i64,
) -> sqlx::Result<()> {
    let (state, run_at) = match after {
        After::Done => (DeliveryState::Done, now_ms),
        After::Failed => (DeliveryState::Failed, now_ms),
        After::Again(run_at) => (DeliveryState::Waiting, run_at),
    };
    sqlx::query(
        "UPDATE deliveries
            SET state = $2, run_at = $3, attempts = attempts + 1, request = $4, answer = $5, status = $6, error = $7,
                took_ms = $8, updated_at = $9
          WHERE id = $1 AND state = 'waiting'",
    )
    .bind(delivery_id)
    .bind(state)
    .bind(run_at)
    .bind(&attempt.request)
    .bind(&attempt.answer)
    .bind(attempt.status)
    .bind(&attempt.error)
    .bind(attempt.took_ms)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Notes that no response came in time. Returns `false` if that is known already.
pub async fn note_silence(db: impl SqliteExecutor<'_>, bot_id: UserId, now_ms: i64) -> sqlx::Result<bool> {
    let noted = sqlx::query("UPDATE webhooks SET noticed_at = $2 WHERE bot_id = $1 AND noticed_at IS NULL")
        .bind(bot_id)
        .bind(now_ms)
        .execute(db)
        .await?;
    Ok(noted.rows_affected() > 0)
}

/// Notes that a response came.
pub async fn note_response(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<()> {
    sqlx::query("UPDATE webhooks SET noticed_at = NULL WHERE bot_id = $1 AND noticed_at IS NOT NULL")
        .bind(bot_id)
        .execute(db)
        .await
        .map(drop)
}

/// Switches a webhook off if it still has this URL, and returns whether it has. What waits for it has failed then.
pub async fn switch_off(db: &mut sqlx::SqliteConnection, bot_id: UserId, url: &str, now_ms: i64) -> sqlx::Result<bool> {
    let switched = sqlx::query("UPDATE webhooks SET switched_off_at = $3 WHERE bot_id = $1 AND url = $2")
        .bind(bot_id)
        .bind(url)
        .bind(now_ms)
        .execute(&mut *db)
        .await?;
    if switched.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE deliveries SET state = 'failed', error = COALESCE(error, 'The webhook was switched off.'), updated_at = $2
          WHERE bot_id = $1 AND state = 'waiting'",
    )
    .bind(bot_id)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(true)
}

/// The bots that something waits for, and whose webhooks are on.
pub async fn list_bots_waiting(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "SELECT DISTINCT deliveries.bot_id
           FROM deliveries
           JOIN webhooks ON webhooks.bot_id = deliveries.bot_id AND webhooks.switched_off_at IS NULL
           JOIN users ON users.id = deliveries.bot_id AND users.status = 0
          WHERE deliveries.state = 'waiting' ORDER BY deliveries.bot_id",
    )
    .fetch_all(db)
    .await
}

/// Up to `limit` deliveries in a state, the latest first.
pub async fn list_in_state(
    db: impl SqliteExecutor<'_>,
    state: DeliveryState,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as(
        "SELECT deliveries.id, deliveries.bot_id, users.name AS bot_name, room_id, message_id, caller_id, state, attempts,
                run_at, request, answer, deliveries.status, error, took_ms, deliveries.created_at
           FROM deliveries JOIN users ON users.id = deliveries.bot_id
          WHERE state = $1 ORDER BY deliveries.id DESC LIMIT $2",
    )
    .bind(state)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Up to `limit` deliveries to a bot, the latest first.
pub async fn list_of_bot(db: impl SqliteExecutor<'_>, bot_id: UserId, limit: i64) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as(
        "SELECT deliveries.id, deliveries.bot_id, users.name AS bot_name, room_id, message_id, caller_id, state, attempts,
                run_at, request, answer, deliveries.status, error, took_ms, deliveries.created_at
           FROM deliveries JOIN users ON users.id = deliveries.bot_id
          WHERE deliveries.bot_id = $1 ORDER BY deliveries.id DESC LIMIT $2",
    )
    .bind(bot_id)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Number of deliveries in a state.
pub async fn count_in_state(db: impl SqliteExecutor<'_>, state: DeliveryState) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE state = $1").bind(state).fetch_one(db).await
}

/// Queues a failed delivery anew. Returns its bot; `None` if there is no failed delivery with this id, or its webhook is
/// switched off.
pub async fn send_again(db: impl SqliteExecutor<'_>, delivery_id: i64, now_ms: i64) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar(
        "UPDATE deliveries SET state = 'waiting', attempts = 0, run_at = $2, updated_at = $2
          WHERE id = $1 AND state <> 'done'
            AND bot_id IN (SELECT bot_id FROM webhooks WHERE switched_off_at IS NULL)
         RETURNING bot_id",
    )
    .bind(delivery_id)
    .bind(now_ms)
    .fetch_optional(db)
    .await
}

/// Deletes a delivery. Returns whether there was one.
pub async fn drop_delivery(db: impl SqliteExecutor<'_>, delivery_id: i64) -> sqlx::Result<bool> {
    let dropped = sqlx::query("DELETE FROM deliveries WHERE id = $1").bind(delivery_id).execute(db).await?;
    Ok(dropped.rows_affected() > 0)
}

/// Deletes up to `limit` deliveries that ended before `before_ms`, and returns how many were deleted.
pub async fn prune(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let pruned = sqlx::query(
        "DELETE FROM deliveries
          WHERE id IN (SELECT id FROM deliveries WHERE state IN ('done', 'failed') AND updated_at < $1 ORDER BY id LIMIT $2)",
    )
    .bind(before_ms)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(pruned.rows_affected())
}
