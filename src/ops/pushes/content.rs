//! What a push says, and how urgent it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use push::Notification;
use sha2::{Digest, Sha256};

use crate::model::{Cause, MessageId, PushSettings, RoomId, RoomKind, is_blank, paths};
use crate::search::Zone;
use crate::store::pushes::{PushReceiver, PushTarget, PushedEntry, PushedMessage};

/// How long a push service keeps a mention or a message in a direct room, in seconds: a day.
const URGENT_TTL_S: i64 = 24 * 60 * 60;

/// How long it keeps another message, in seconds: an hour.
const TTL_S: i64 = 60 * 60;

/// How much a push matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It is meant for this person: a mention, a message in a direct room, a test.
    High,
    /// Another message of a room.
    Normal,
}

impl Urgency {
    /// That of a message for one of its receivers.
    pub(super) fn of(message: &PushedMessage, receiver: &PushReceiver) -> Self {
        let is_personal = message.room_kind == RoomKind::Direct || receiver.is_personal;
        if is_personal { Self::High } else { Self::Normal }
    }

    /// The value of the header `Urgency` (RFC 8030, section 5.3).
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
        }
    }

    /// How long a push service keeps it for a device that is not connected, in seconds.
    pub(super) const fn ttl_s(self) -> i64 {
        match self {
            Self::High => URGENT_TTL_S,
            Self::Normal => TTL_S,
        }
    }
}

/// What a push of a message says on one device.
pub(super) fn notification(message: &PushedMessage, receiver: &PushReceiver) -> Notification {
    let PushedMessage { room_id, room_kind, room_name, creator_name, body_text, file_names, created_at, .. } = message;
    let origin = &receiver.target.origin;
    let text = if is_blank(body_text) { file_names.as_deref().unwrap_or_default() } else { body_text };
    let (title, body) = match (room_kind, receiver.settings.names_only) {
        (RoomKind::Direct, false) => (creator_name, text.to_owned()),
        (RoomKind::Direct, true) => (creator_name, "New message".to_owned()),
        (RoomKind::Open | RoomKind::Closed, false) => (room_name, format!("{creator_name}: {text}")),
        (RoomKind::Open | RoomKind::Closed, true) => (room_name, format!("New message from {creator_name}")),
    };
    Notification {
        title: title.clone(),
        body,
        navigate: [origin, path(message).as_str()].concat(),
        tag: tag(*room_id, Urgency::of(message, receiver)),
        icon: [origin, paths::small_logo(message.logo_version).as_str()].concat(),
        badge: Some(receiver.badge),
        at_ms: *created_at,
    }
}

/// What a push of an entry that is no message by itself says on one device.
pub(super) fn entry_notification(entry: &PushedEntry, receiver: &PushReceiver) -> Notification {
    let PushedEntry { cause, actor_name, content, room_id, message_id, text, created_at, logo_version } = entry;
    let origin = &receiver.target.origin;
    let (title, body) = match (cause, receiver.settings.names_only) {
        (Cause::Reminder, false) => ("Reminder".to_owned(), if content.is_empty() { text } else { content }.clone()),
        (Cause::Reminder, true) => ("Reminder".to_owned(), "You wanted to be reminded of a message".to_owned()),
        (_, false) => (actor_name.clone().unwrap_or_default(), format!("{content} for your message: {text}")),
        (_, true) => (actor_name.clone().unwrap_or_default(), "A boost for your message".to_owned()),
    };
    Notification {
        title,
        body,
        navigate: [origin, paths::message(*room_id, *message_id).as_str()].concat(),
        tag: entry_tag(*message_id),
        icon: [origin, paths::small_logo(*logo_version).as_str()].concat(),
        badge: Some(receiver.badge),
        at_ms: *created_at,
    }
}

/// The tag of the notifications about a message that is no news: a later one replaces the one before.
pub(super) fn entry_tag(message_id: MessageId) -> String {
    format!("message-{message_id}")
}

/// Where a push of a message leads to: the room, or the answer in its thread if the room does not show it.
fn path(PushedMessage { message_id, thread_root_id, room_id, .. }: &PushedMessage) -> String {
    thread_root_id.map_or_else(|| paths::room(*room_id), |root_id| paths::thread_at(*room_id, root_id, *message_id))
}

/// The tag of the notifications of a room: a new one replaces the one before. Ordinary messages have another one than those
/// that are meant for the person, so that they do not replace a mention that nobody has seen.
fn tag(room_id: RoomId, urgency: Urgency) -> String {
    match urgency {
        Urgency::High => format!("room-{room_id}"),
        Urgency::Normal => format!("room-{room_id}-talk"),
    }
}

/// The header `Topic` (RFC 8030, section 5.4): of several pushes of a room that wait for a device, the last mention is
/// kept, and the last other one. It
/// depends on the device, so that a push service cannot tell who shares a room.
pub(super) fn topic(target: &PushTarget, subject: &str) -> String {
    let digest = Sha256::new().chain_update(&target.auth).chain_update(subject).finalize();
    URL_SAFE_NO_PAD.encode(&digest[..24])
}

/// The topic of a message.
pub(super) fn topic_of(target: &PushTarget, message: &PushedMessage, urgency: Urgency) -> String {
    topic(target, &tag(message.room_id, urgency))
}

/// Whether somebody wants no push now: they have paused them, or these are their quiet hours.
pub(super) fn is_quiet(settings: &PushSettings, now_ms: i64) -> bool {
    if settings.paused_until.is_some_and(|until_ms| until_ms > now_ms) {
        return true;
    }
    let quiet = settings.quiet;
    if quiet.nights.is_empty() && quiet.days.is_empty() {
        return false;
    }
    let zone = Zone::named(&settings.time_zone).unwrap_or(Zone::UTC);
    let time = zone.weekday_and_time(now_ms);
    let time = time.and_then(|(day, hour, minute)| Some((day, crate::model::Minute::new(hour, minute)?)));
    time.is_some_and(|(day, minute)| quiet.contain(day, minute))
}
