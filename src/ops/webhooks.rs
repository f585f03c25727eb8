//! Outgoing webhooks: what is sent to a bot's program when a message concerns the bot, and what its answer does.
//!
//! The body and the answers are those that programs of old expect; the headers are those of the Standard Webhooks
//! specification (webhooks.com), version 1.0.0. Who may be reached is up to the administrators, who alone set the URL:
//! services inside of one's own network are the usual targets.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use outbound::{Request, Response, Url};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::access::{Administrator, Member};
use crate::facts::Fact;
use crate::model::{
    Answer, Answering, BotKey, ClientMessageId, CommandWord, FileName, MessageId, RoomId, RoomKind, User, UserId, hex,
    is_blank, paths,
};
use crate::state::AppState;
use crate::store::webhooks::{DeliveredMessage, DueDelivery, Webhook};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::write_as;
use super::{files, messages};

pub use crate::store::webhooks::{Delivery, DeliveryState};

/// Longest URL of a webhook, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// Size of a secret, in bytes: the Standard Webhooks specification takes 24 to 64.
const SECRET_BYTES: usize = 32;

/// How much of a request and of an answer is kept, in bytes.
const MAX_KEPT_BYTES: usize = 2 * 1024;

/// How many deliveries of a bot are listed.
const MAX_LISTED: i64 = 20;

/// A notice about the webhook, posted by the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No response came in time.
    Silence,
    /// The target is gone.
    Gone,
}

impl Notice {
    /// The notice as a sentence.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Silence => "No response came within 7 seconds.",
            Self::Gone => {
                "The webhook says that it is gone (410), so it is switched off. An administrator can enter another URL."
            }
        }
    }

    /// The purpose in [`reply_id`]. The same delivery may have a reply later.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Gone => "gone",
        }
    }
}

/// The URL of a webhook as entered; `None` for a blank one, which is no webhook.
///
/// # Errors
/// `Invalid` for anything but an absolute http or https URL.
pub fn parse_url(entered: &str) -> AppResult<Option<String>> {
    let entered = entered.trim();
    if is_blank(entered) {
        return Ok(None);
    }
    let invalid = |words: &str| AppError::invalid("webhook_url", words);
    if entered.len() > MAX_URL_BYTES {
        return Err(invalid("This has at most 2,000 characters."));
    }
    let url = Url::parse(entered).map_err(|_| invalid("Enter a whole URL, like https://example.com/hook."))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid("Enter a URL that begins with https:// or http://."));
    }
    Ok(Some(url.into()))
}

/// Stores the URL of a bot's webhook, or removes the webhook for `None`. The same URL again switches it on.
pub(crate) async fn store_url(tx: &mut Tx, bot_id: UserId, url: Option<&str>) -> AppResult<()> {
    let now_ms = tx.now_ms();
    match url {
        Some(url) => store::webhooks::set(tx.db(), bot_id, url, &new_secret(), now_ms).await?,
        None => store::webhooks::remove(tx.db(), bot_id).await?,
    }
    Ok(())
}

/// A new secret.
fn new_secret() -> [u8; SECRET_BYTES] {
    // A UUID of version 4 has 122 random bits: three of them have more than the 256 that the digest gives.
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let mut hasher = Sha256::new();
    random.iter().for_each(|part| hasher.update(part.as_bytes()));
    hasher.finalize().into()
}

/// The webhook of a bot, if it has one.
///
/// # Errors
/// When the database does not answer.
pub async fn find(state: &AppState, _: &Administrator, bot_id: UserId) -> AppResult<Option<Webhook>> {
    Ok(store::webhooks::find(state.db.reader(), bot_id).await?)
}

/// The latest deliveries to a bot, the last one first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of_bot(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<Vec<Delivery>> {
    let deliveries = store::webhooks::list_of_bot(state.db.reader(), bot_id, MAX_LISTED).await?;
    readable(state, administrator, deliveries).await
}

/// Deliveries without what was said in rooms that the administrator is not in.
async fn readable(
    state: &AppState,
    administrator: &Administrator,
    mut deliveries: Vec<Delivery>,
) -> AppResult<Vec<Delivery>> {
    let rooms = store::memberships::list_rooms(state.db.reader(), administrator.user().id).await?;
    let rooms: HashSet<_> = rooms.into_iter().map(|(room_id, _)| room_id).collect();
    for delivery in &mut deliveries {
        let is_test = delivery.message_id.is_none() && delivery.caller_id.is_none();
        if !is_test && !rooms.contains(&delivery.room_id) {
            delivery.request.clear();
            delivery.answer.clear();
        }
    }
    Ok(deliveries)
}

/// Makes a new secret for a bot's webhook, and returns it as it is entered elsewhere: it is shown this once.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for a bot without a webhook.
pub async fn renew_secret(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<String> {
    let secret = new_secret();
    let renew = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        store::bots::find(tx.db(), bot_id).await?.ok_or(AppError::NotFound)?;
        let is_set = store::webhooks::set_secret(tx.db(), bot_id, &secret).await?;
        if is_set { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, administrator, renew).await?;
    Ok(format!("whsec_{}", STANDARD.encode(secret)))
}

/// Queues a test of a bot's webhook, which nothing is posted for.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for a bot without a webhook that is on.
pub async fn send_test(state: &AppState, administrator: &Administrator, bot_id: UserId) -> AppResult<()> {
    let send = async move |tx: &mut Tx, _: User| {
        store::bots::find(tx.db(), bot_id).await?.ok_or(AppError::NotFound)?;
        let webhook = store::webhooks::find(tx.db(), bot_id).await?;
        webhook.filter(|webhook| webhook.switched_off_at.is_none()).ok_or(AppError::NotFound)?;
        let room_id = store::rooms::oldest_of(tx.db(), bot_id).await?.unwrap_or(RoomId(0));
        let now_ms = tx.now_ms();
        store::webhooks::queue_test(tx.db(), bot_id, room_id, now_ms).await?;
        Ok(tx.record(Fact::DeliveriesQueued { bot_ids: vec![bot_id] }).await?)
    };
    write_as(state, administrator, send).await
}

/// Deliveries for administrators: how many wait and how many failed, and the latest of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// How many wait.
    pub waiting_count: i64,
    /// The latest of those.
    pub waiting: Vec<Delivery>,
    /// How many failed.
    pub failed_count: i64,
    /// The latest of those.
    pub failed: Vec<Delivery>,
}

/// Queued and failed deliveries.
///
/// # Errors
/// When the database does not answer.
pub async fn overview(state: &AppState, administrator: &Administrator) -> AppResult<Overview> {
    let db = state.db.reader();
    let waiting = store::webhooks::list_in_state(db, DeliveryState::Waiting, MAX_LISTED).await?;
    let failed = store::webhooks::list_in_state(db, DeliveryState::Failed, MAX_LISTED).await?;
    Ok(Overview {
        waiting_count: store::webhooks::count_in_state(db, DeliveryState::Waiting).await?,
        waiting: readable(state, administrator, waiting).await?,
        failed_count: store::webhooks::count_in_state(db, DeliveryState::Failed).await?,
        failed: readable(state, administrator, failed).await?,
    })
}

/// Tries a delivery again, at once.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` for one that was delivered or whose webhook is switched off.
pub async fn send_again(state: &AppState, administrator: &Administrator, delivery_id: i64) -> AppResult<()> {
    let again = async move |tx: &mut Tx, _: User| {
        let now_ms = tx.now_ms();
        let bot_id = store::webhooks::send_again(tx.db(), delivery_id, now_ms).await?.ok_or(AppError::NotFound)?;
        Ok(tx.record(Fact::DeliveriesQueued { bot_ids: vec![bot_id] }).await?)
    };
    write_as(state, administrator, again).await
}

/// Forgets a delivery: it is not tried any more.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` when it is not there.
pub async fn drop_delivery(state: &AppState, administrator: &Administrator, delivery_id: i64) -> AppResult<()> {
    let forget = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        let is_dropped = store::webhooks::drop_delivery(tx.db(), delivery_id).await?;
        if is_dropped { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, administrator, forget).await
}

/// A user in the payload.
#[derive(Debug, Serialize)]
struct UserPart<'a> {
    id: UserId,
    name: &'a str,
}

/// A room in the payload.
#[derive(Debug, Serialize)]
struct RoomPart<'a> {
    id: RoomId,
    name: Option<&'a str>,
    path: String,
}

/// A message's body in the payload.
#[derive(Debug, Serialize)]
struct BodyPart<'a> {
    html: &'a str,
    plain: &'a str,
}

/// A message in the payload.
#[derive(Debug, Serialize)]
struct MessagePart<'a> {
    /// `None` for a call, which is no message.
    id: Option<MessageId>,
    body: BodyPart<'a>,
    path: String,
    /// The message that it answers, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<MessageId>,
}

/// The payload of a webhook.
#[derive(Debug, Serialize)]
struct Payload<'a> {
    /// The word of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    user: UserPart<'a>,
    room: RoomPart<'a>,
    message: MessagePart<'a>,
}

/// The JSON of a delivery, and the beginning of it without the key, for the log.
#[must_use]
pub fn payload(
    bot_id: UserId,
    due: &DueDelivery,
    message: &DeliveredMessage,
    command: Option<&CommandWord>,
) -> (Bytes, String) {
    let key = BotKey::new(bot_id, due.token.clone());
    let plain = without_name(&message.body_text, &due.bot_name, message.mentioned_as.as_deref());
    let message_id = due.message_id.unwrap_or(MessageId(0));
    let is_call = command.is_some();
    let message_path = if is_call { paths::room(due.room_id) } else { paths::message(due.room_id, message_id) };
    let payload = Payload {
        command: command.map(CommandWord::as_str),
        user: UserPart { id: message.creator_id, name: &message.creator_name },
        room: RoomPart {
            id: due.room_id,
            name: Some(message.room_name.as_str()).filter(|_| message.room_kind != RoomKind::Direct),
            path: paths::bot_messages(due.room_id, &key),
        },
        message: MessagePart {
            id: Some(message_id).filter(|_| !is_call),
            body: BodyPart { html: &message.body_html, plain: &plain },
            path: message_path,
            reply_to: message.reply_to,
        },
    };
    let json = serde_json::to_string(&payload).unwrap_or_default();
    let kept = beginning(&json.replace(due.token.as_str(), "…"));
    (json.into(), kept)
}

/// The text of a test delivery.
#[must_use]
pub fn test_message(due: &DueDelivery, bot_id: UserId) -> DeliveredMessage {
    DeliveredMessage {
        creator_id: bot_id,
        creator_name: due.bot_name.clone(),
        room_kind: RoomKind::Open,
        room_name: "Test".to_owned(),
        body_html: "<p>This is a test.</p>".to_owned(),
        body_text: "This is a test.".to_owned(),
        mentioned_as: None,
        reply_to: None,
    }
}

/// A text without `@` and the bot's name, and without white space around what is left.
fn without_name(text: &str, bot_name: &str, mentioned_as: Option<&str>) -> String {
    let mut plain = text.to_owned();
    // The longest first: one may be the beginning of the other.
    let mut names = [Some(bot_name), mentioned_as].map(Option::unwrap_or_default);
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        plain = plain.replace(&format!("@{name}"), "");
    }
    plain.trim().to_owned()
}

/// The beginning of a text, at most 2 KB.
#[must_use]
pub fn beginning(text: &str) -> String {
    let mut end = text.len().min(MAX_KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let is_cut = end < text.len();
    format!("{}{}", &text[..end], if is_cut { "…" } else { "" })
}

/// The request of a delivery, signed. Every try has the same `webhook-id`.
///
/// # Errors
/// `Invalid` when the stored URL is not one.
pub fn request(due: &DueDelivery, body: Bytes, now_ms: i64) -> AppResult<Request> {
    let url = Url::parse(&due.url).map_err(|_| AppError::invalid("webhook_url", "The URL cannot be read."))?;
    let id = webhook_id(due);
    let timestamp = now_ms / 1_000;
    let signature = sign(&due.secret, &id, timestamp, &body);
    let mut request = Request::post(url, "application/json", body);
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)]
    {
        request.headers.insert(name, value.parse().map_err(|_| AppError::Internal)?);
    }
    Ok(request)
}

/// The id of a delivery for its receiver, who recognises by it what was sent twice.
fn webhook_id(due: &DueDelivery) -> String {
    format!("msg_{}_{}", due.created_at, due.id)
}

/// The signature of a delivery: HMAC-SHA256 over id, time and body.
fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut signer = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    signer.update(format!("{id}.{timestamp}.").as_bytes());
    signer.update(body);
    format!("v1,{}", STANDARD.encode(signer.finalize().into_bytes()))
}

/// The reply in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// A message.
    Text(String),
    /// A file.
    File(FileName, Bytes),
}

/// The reply in a response of success: a text as a message, anything else as a file. A body that is empty, or has no
/// content type, is none.
#[must_use]
pub fn reply(response: &Response) -> Reply {
    let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type.is_empty() || response.body.is_empty() {
        return Reply::Nothing;
    }
    if matches!(media_type.as_str(), "text/plain" | "text/html") {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let text = if media_type == "text/html" { alerts::html::to_markdown(&text) } else { text };
        // As much of it as can be a message.
        let text = alerts::cut(text.replace('\0', ""));
        return if is_blank(&text) { Reply::Nothing } else { Reply::Text(text) };
    }
    let name = format!("attachment.{}", extension(&media_type));
    Reply::File(FileName::clean(&name), response.body.clone())
}

/// The extension of a file of this type.
fn extension(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "png",
        "image/jpeg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/gzip" | "application/x-gzip" => "gz",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "text/csv" => "csv",
        "text/css" => "css",
        "text/markdown" => "md",
        "text/calendar" => "ics",
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "video/mpeg" => "mpeg",
        _ => "bin",
    }
}

/// Whether an answer is for the caller alone: `X-Campfire-Visible: only-me`.
#[must_use]
pub fn is_for_caller(response: &Response) -> bool {
    let visible = response.headers.get("x-campfire-visible").and_then(|value| value.to_str().ok());
    visible.is_some_and(|visible| visible.trim().eq_ignore_ascii_case("only-me"))
}

/// Posts the reply to a delivery as the bot. It is the same message however often the delivery is tried, and it triggers
/// no webhook.
///
/// Returns why nothing was posted if trying again cannot help: the bot is no member any more, or the reply cannot be a
/// message.
///
/// # Errors
/// When it may succeed later.
pub async fn post_reply(
    state: &AppState,
    bot_id: UserId,
    due: &DueDelivery,
    reply: Reply,
) -> AppResult<Option<String>> {
    let posted = match reply {
        Reply::Nothing => return Ok(None),
        Reply::Text(text) => say(state, bot_id, due, "message", &text).await,
        Reply::File(..) if state.is_text_only() => {
            return Ok(Some("The answer was not posted: this Campfire keeps text only.".to_owned()));
        }
        Reply::File(name, bytes) => send_file(state, bot_id, due, name, bytes).await,
    };
    match posted {
        Ok(()) => Ok(None),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => Ok(Some(format!("The answer was not posted: {error}"))),
    }
}

/// Posts a notice about a delivery as the bot, once, like [`post_reply`]. Where it cannot be posted, nobody is told.
///
/// # Errors
/// When it may succeed later.
pub async fn post_notice(state: &AppState, bot_id: UserId, due: &DueDelivery, notice: Notice) -> AppResult<()> {
    let posted = say(state, bot_id, due, notice.purpose(), notice.text()).await;
    posted.or_else(|error| if error.is_transient() { Err(error) } else { Ok(()) })
}

async fn say(state: &AppState, bot_id: UserId, due: &DueDelivery, purpose: &str, text: &str) -> AppResult<()> {
    let (_, member) = bot_in_room(state, bot_id, due).await?;
    let answering = answering(state, due).await?;
    messages::send_quietly(state, &member, reply_id(due, purpose), answering, text, Vec::new()).await.map(drop)
}

async fn send_file(state: &AppState, bot_id: UserId, due: &DueDelivery, name: FileName, bytes: Bytes) -> AppResult<()> {
    let (bot, member) = bot_in_room(state, bot_id, due).await?;
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>(bytes)]);
    let upload = files::receive(state, &bot, reply_id(due, "file"), name, pieces).await?;
    let (answering, keys) = (answering(state, due).await?, vec![upload.key]);
    messages::send_quietly(state, &member, reply_id(due, "message"), answering, "", keys).await.map(drop)
}

/// Where the bot's reply stands: beside the message that it replies to.
async fn answering(state: &AppState, due: &DueDelivery) -> AppResult<Option<Answering>> {
    let Some(message_id) = due.message_id else { return Ok(None) };
    let answer = store::threads::find_answer(state.db.reader(), message_id).await?;
    Ok(answer.map(|(_, Answer { root_id, in_room })| Answering { message_id: root_id, in_room }))
}

async fn bot_in_room(state: &AppState, bot_id: UserId, due: &DueDelivery) -> AppResult<(User, Member)> {
    let bot = store::users::find(state.db.reader(), bot_id).await?.ok_or(AppError::NotFound)?;
    let member = state.members.find(&bot, due.room_id).await?;
    Ok((bot, member))
}

/// The id of what a delivery makes the bot say.
fn reply_id(due: &DueDelivery, purpose: &str) -> ClientMessageId {
    let digest = Sha256::digest(format!("{} {purpose}", webhook_id(due)));
    ClientMessageId::v7(due.created_at.unsigned_abs(), std::array::from_fn(|at| digest[at]))
}

/// The beginning of a response's body for the log; of one that is no text, its size.
#[must_use]
pub fn kept_answer(body: &[u8], token: &str) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => beginning(&text.replace(token, "…")),
        Err(_) => format!("{} bytes, SHA-256 {}", body.len(), hex(&Sha256::digest(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::Url;

    fn due() -> DueDelivery {
        DueDelivery {
            id: 7,
            created_at: 1_700_000_000_000,
            attempts: 0,
            message_id: Some(MessageId(811)),
            caller_id: None,
            room_id: RoomId(3),
            url: "http://target.example/hook?a=b".into(),
            secret: b"secret".to_vec(),
            token: "Ab3dEf6hIj9k".into(),
            bot_name: "CI".into(),
        }
    }

    fn message(body_text: &str) -> DeliveredMessage {
        DeliveredMessage {
            creator_id: UserId(2),
            creator_name: "Ada".into(),
            room_kind: RoomKind::Open,
            room_name: "Builds".into(),
            body_html: "<p>x</p>".into(),
            body_text: body_text.into(),
            mentioned_as: Some("ci".into()),
            reply_to: None,
        }
    }

    #[test]
    fn a_payload_has_the_fields_that_programs_expect_and_its_log_has_no_key() {
        let (json, kept) = payload(UserId(9), &due(), &message("@CI status? @ci\u{a0}"), None);
        let expected = r#"{"user":{"id":2,"name":"Ada"},"room":{"id":3,"name":"Builds","path":"/rooms/3/9-Ab3dEf6hIj9k/messages"},"message":{"id":811,"body":{"html":"<p>x</p>","plain":"status?"},"path":"/rooms/3/@811"}}"#;
        assert_eq!(std::str::from_utf8(&json).unwrap(), expected);
        assert!(!kept.contains("Ab3dEf6hIj9k") && kept.contains("/rooms/3/9-…/messages"), "{kept}");
        let direct = DeliveredMessage { room_kind: RoomKind::Direct, ..message("hi") };
        let (json, _) = payload(UserId(9), &due(), &direct, None);
        assert!(std::str::from_utf8(&json).unwrap().contains(r#""name":null"#));
        let answer = DeliveredMessage { reply_to: Some(MessageId(41)), ..message("hi") };
        let (json, _) = payload(UserId(9), &due(), &answer, None);
        assert!(std::str::from_utf8(&json).unwrap().ends_with(r#""path":"/rooms/3/@811","reply_to":41}}"#));
        let call = DueDelivery { message_id: None, caller_id: Some(UserId(2)), ..due() };
        let (json, _) = payload(UserId(9), &call, &message("staging"), Some(&"deploy".parse().unwrap()));
        let json = std::str::from_utf8(&json).unwrap();
        assert!(json.starts_with(r#"{"command":"deploy","user""#), "{json}");
        assert!(
            json.ends_with(r#""message":{"id":null,"body":{"html":"<p>x</p>","plain":"staging"},"path":"/rooms/3"}}"#),
            "{json}"
        );
    }

    #[test]
    fn a_request_is_signed_over_id_time_and_body() {
        let request = request(&due(), Bytes::from_static(b"{}"), 1_700_000_001_999).unwrap();
        let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header("webhook-id"), "msg_1700000000000_7");
        assert_eq!(header("webhook-timestamp"), "1700000001");
        assert_eq!(request.url, Url::parse("http://target.example/hook?a=b").unwrap());
        // python3 -c 'import hmac,hashlib,base64; print(base64.b64encode(hmac.new(b"secret",
        //   b"msg_1700000000000_7.1700000001.{}", hashlib.sha256).digest()).decode())'
        assert_eq!(header("webhook-signature"), SIGNATURE);
    }

    const SIGNATURE: &str = "v1,TLJ7t9SvbuQueOn/XF7zOR8i36l1cooEMxVO/PmWFIg=";

    #[test]
    fn only_web_addresses_are_urls_of_webhooks() {
        for blank in ["", "  ", "\u{200b}"] {
            assert_eq!(parse_url(blank), Ok(None));
        }
        assert_eq!(parse_url(" http://10.0.0.2:8080/x?y ").unwrap().unwrap(), "http://10.0.0.2:8080/x?y");
        let long = format!("https://a.example/{}", "x".repeat(2_000));
        for url in ["x", "/x", "ftp://a.example", "javascript:alert(1)", "http://", "data:,x", &long] {
            assert!(matches!(parse_url(url), Err(AppError::Invalid(_))), "{url}");
        }
    }

    #[test]
    fn answers_are_texts_or_files_or_nothing() {
        let of = |content_type: Option<&str>, body: &'static [u8]| {
            let mut headers = http_headers();
            if let Some(content_type) = content_type {
                headers.insert("content-type", content_type.parse().unwrap());
            }
            let url = Url::parse("http://a.example").unwrap();
            reply(&Response { status: 200.try_into().unwrap(), headers, url, body: Bytes::from_static(body) })
        };
        assert_eq!(of(Some("text/plain; charset=utf-8"), b"done"), Reply::Text("done".into()));
        assert_eq!(of(Some("text/html"), b"<p>All <b>up</b></p>"), Reply::Text("All **up**".into()));
        assert_eq!(of(Some("text/html"), b"<p></p>"), Reply::Nothing);
        assert_eq!(of(Some("text/plain"), b" \n"), Reply::Nothing);
        assert_eq!(of(Some("text/plain"), b" \0"), Reply::Nothing);
        assert_eq!(of(Some("text/plain"), b"a\0b"), Reply::Text("ab".into()));
        for (content_type, body) in [("text/plain", "é".repeat(40_000)), ("text/html", "<hr>x".repeat(10_000))] {
            let Reply::Text(text) = of(Some(content_type), body.leak().as_bytes()) else { panic!("a text") };
            assert!(text.chars().count() > 29_000 && text.parse::<crate::model::Draft>().is_ok(), "{content_type}");
        }
        assert_eq!(of(None, b"done"), Reply::Nothing);
        assert_eq!(of(Some("image/png"), b""), Reply::Nothing);
        let Reply::File(name, _) = of(Some("image/PNG"), b"x") else { panic!("a file") };
        assert_eq!(name.as_str(), "attachment.png");
        let Reply::File(name, _) = of(Some("application/x-unknown"), b"x") else { panic!("a file") };
        assert_eq!(name.as_str(), "attachment.bin");
    }

    fn http_headers() -> outbound::HeaderMap {
        outbound::HeaderMap::new()
    }

    #[test]
    fn what_is_kept_is_cut_between_characters() {
        assert_eq!(beginning("x"), "x");
        assert_eq!(beginning(&"é".repeat(2_000)).len(), MAX_KEPT_BYTES + "…".len());
        assert_eq!(kept_answer(b"key Ab3d", "Ab3d"), "key …");
        assert!(kept_answer(&[0xff, 0], "x").starts_with("2 bytes"));
    }
}
