//! The site's paths, written once for both targets: pages, forms, redirects and scripts' requests all take them from here.
//!
//! Only the routers repeat them, as patterns. What a browser's URL means is [`Place`](super::Place).

use itoa::Buffer;

use super::{BotKey, FileKey, FileName, MessageId, PushSubscriptionId, RoomId, RoomKind, SessionId, UserId};

/// Redirects to the room seen last.
pub const HOME: &str = "/";
/// Setting up an empty installation.
pub const FIRST_RUN: &str = "/first_run";
/// Signing in (POST) and out (DELETE).
pub const SESSION: &str = "/session";
/// The form that signs in.
pub const SIGN_IN: &str = "/session/new";
/// Asking for a link to set another password.
pub const PASSWORD_RESET: &str = "/password_reset";
/// Inviting somebody by mail.
pub const INVITATIONS: &str = "/account/invitations";
/// One's own profile: the page, and the form's target.
pub const OWN_PROFILE: &str = "/users/me/profile";
/// One's own picture: PUT changes it, DELETE removes it.
pub const OWN_AVATAR: &str = "/users/me/avatar";
/// PUT chooses one's own theme.
pub const OWN_THEME: &str = "/users/me/theme";
/// One's own devices; DELETE signs all others out.
pub const OWN_SESSIONS: &str = "/users/me/sessions";
/// One's own devices that take pushes: the page; POST adds this device, DELETE removes it.
pub const PUSH_SUBSCRIPTIONS: &str = "/users/me/push_subscriptions";
/// PUT changes what one wants of pushes.
pub const PUSH_SETTINGS: &str = "/users/me/push_settings";
/// The public key of this installation, which a browser subscribes with.
pub const PUSH_KEY: &str = "/users/me/push_key";
/// The account: the target of its form.
pub const ACCOUNT: &str = "/account";
/// The settings of the account, with the list of people.
pub const ACCOUNT_SETTINGS: &str = "/account/edit";
/// The account's logo; PUT changes it, DELETE removes it.
pub const LOGO: &str = "/account/logo";
/// POST makes a new join link.
pub const JOIN_CODE: &str = "/account/join_code";
/// The account's own CSS: the target of its form.
pub const CUSTOM_STYLES: &str = "/account/custom_styles";
/// The form of the account's own CSS.
pub const EDIT_CUSTOM_STYLES: &str = "/account/custom_styles/edit";
/// The bots: POST makes one.
pub const BOTS: &str = "/account/bots";
/// Queued and failed deliveries and jobs.
pub const DELIVERIES: &str = "/account/deliveries";
/// The form that makes a bot.
pub const NEW_BOT: &str = "/account/bots/new";
/// The rooms of a bot, for programs.
pub const API_ROOMS: &str = "/api/v1/rooms";
/// The users of the account, for programs.
pub const API_USERS: &str = "/api/v1/users";
/// The events of a bot's rooms, as a stream.
pub const API_EVENTS: &str = "/api/v1/events";
/// POST takes a file that a message is to have, from programs.
pub const API_FILES: &str = "/api/v1/files";
/// The description of the API for programs.
pub const API_DESCRIPTION: &str = "/api/v1/openapi.json";
/// POST begins an upload.
pub const UPLOADS: &str = "/uploads";
/// The search page, and the form's target.
pub const SEARCHES: &str = "/searches";
/// The inbox: what was said to the viewer.
pub const INBOX: &str = "/inbox";
/// Marks the entries of the inbox as read.
pub const INBOX_READ: &str = "/inbox/read";
/// How the viewer wants to hear of what comes into the inbox.
pub const INBOX_SETTINGS: &str = "/inbox/settings";
/// The people by name, for completions.
pub const PEOPLE: &str = "/autocompletable/users";
/// DELETE forgets the recent searches.
pub const RECENT_SEARCHES: &str = "/searches/clear";
/// The manifest of the installed app.
pub const MANIFEST: &str = "/webmanifest";
/// The page for what other apps share with the installed one, in the parameters `title`, `text` and `url`.
pub const SHARE: &str = "/share";
/// The service worker.
pub const WORKER: &str = "/service-worker.js";
/// The page that the service worker shows where it has kept none.
pub const OFFLINE: &str = "/offline";
/// The messages that one keeps for later.
pub const SAVED: &str = "/saved";
/// The messages that one has written to be sent later.
pub const SCHEDULED: &str = "/scheduled";
/// The health check.
pub const UP: &str = "/up";
/// The WebSocket.
pub const CABLE: &str = "/cable";

/// The threads that one follows.
pub const THREADS: &str = "/threads";

/// Whether the page at this path stands in the frame, beside the sidebar, so that a browser can show it without loading a
/// document: pages of forms for those who are signed in. A wrong guess costs a request.
#[must_use]
pub fn is_framed(path: &str) -> bool {
    let is_of_room = path.starts_with("/rooms/")
        && ["/new", "/edit", "/files", "/pins", "/history"].iter().any(|end| path.ends_with(end));
    let is_kept = path.starts_with(SAVED) || path.ends_with(SAVED) || path.starts_with(SCHEDULED);
    let is_account_page = path.starts_with("/account/") && !path.ends_with(".css");
    let is_page = is_kept || [SEARCHES, INBOX, THREADS].contains(&path) || path.starts_with("/users/");
    is_of_room || is_account_page || is_page
}

/// The page of a room, with its newest messages. DELETE removes an open or closed room.
#[must_use]
pub fn room(room_id: RoomId) -> String {
    ["/rooms/", Buffer::new().format(room_id.0)].concat()
}

/// The page of a room with the messages just before one.
#[must_use]
pub fn room_before(room_id: RoomId, message_id: MessageId) -> String {
    ["/rooms/", Buffer::new().format(room_id.0), "?before=", Buffer::new().format(message_id.0)].concat()
}

/// The rooms of a kind: POST makes one.
#[must_use]
pub const fn rooms(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Open => "/rooms/opens",
        RoomKind::Closed => "/rooms/closeds",
        RoomKind::Direct => "/rooms/directs",
    }
}

/// The form that makes a room of a kind.
#[must_use]
pub const fn new_room(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Open => "/rooms/opens/new",
        RoomKind::Closed => "/rooms/closeds/new",
        RoomKind::Direct => "/rooms/directs/new",
    }
}

/// A room as one of a kind: PUT changes it and turns it into one of that kind, DELETE removes a direct room.
#[must_use]
pub fn room_of_kind(kind: RoomKind, room_id: RoomId) -> String {
    [rooms(kind), "/", Buffer::new().format(room_id.0)].concat()
}

/// The settings of a room, as those of a room of that kind.
#[must_use]
pub fn room_settings(kind: RoomKind, room_id: RoomId) -> String {
    [rooms(kind), "/", Buffer::new().format(room_id.0), "/edit"].concat()
}

/// PUT changes how much somebody wants to hear of a room.
#[must_use]
pub fn involvement(room_id: RoomId) -> String {
    of_room(room_id, "involvement")
}

/// DELETE leaves a room.
#[must_use]
pub fn membership(room_id: RoomId) -> String {
    of_room(room_id, "membership")
}

/// The messages of a room: POST adds one.
#[must_use]
pub fn messages(room_id: RoomId) -> String {
    of_room(room_id, "messages")
}

fn of_room(room_id: RoomId, part: &str) -> String {
    ["/rooms/", Buffer::new().format(room_id.0), "/", part].concat()
}

/// The page of a room around a message: what a link to the message is.
#[must_use]
pub fn message(room_id: RoomId, message_id: MessageId) -> String {
    ["/rooms/", Buffer::new().format(room_id.0), "/@", Buffer::new().format(message_id.0)].concat()
}

/// The page of a thread, with its newest answers.
#[must_use]
pub fn thread(room_id: RoomId, root_id: MessageId) -> String {
    ["/rooms/", Buffer::new().format(room_id.0), "/threads/", Buffer::new().format(root_id.0)].concat()
}

/// The page of a thread around an answer.
#[must_use]
pub fn thread_at(room_id: RoomId, root_id: MessageId, message_id: MessageId) -> String {
    [&thread(room_id, root_id), "/@", Buffer::new().format(message_id.0)].concat()
}

/// PUT follows a thread, DELETE ends that.
#[must_use]
pub fn thread_follow(room_id: RoomId, root_id: MessageId) -> String {
    thread(room_id, root_id) + "/follow"
}

/// A message as it is stored: PUT edits it, DELETE removes it.
#[must_use]
pub fn stored_message(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "")
}

/// The form that edits or removes a message.
#[must_use]
pub fn edit_message(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "/edit")
}

/// The form that answers a message with a quote of it.
#[must_use]
pub fn reply(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "/reply")
}

/// POST marks the room unread from a message on.
#[must_use]
pub fn unread(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "/unread")
}

/// What an edited message said before.
#[must_use]
pub fn history(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "/history")
}

/// POST pins a message to its room, DELETE takes the pin away.
#[must_use]
pub fn pin(room_id: RoomId, message_id: MessageId) -> String {
    of_stored_message(room_id, message_id, "/pin")
}

fn of_stored_message(room_id: RoomId, message_id: MessageId, part: &str) -> String {
    let (mut room, mut message) = (Buffer::new(), Buffer::new());
    ["/rooms/", room.format(room_id.0), "/messages/", message.format(message_id.0), part].concat()
}

/// The page of what can be done with a message.
#[must_use]
pub fn message_menu(message_id: MessageId) -> String {
    of_message(message_id, "/menu")
}

/// The boosts of a message: POST adds one, or takes it back.
#[must_use]
pub fn boosts(message_id: MessageId) -> String {
    of_message(message_id, "/boosts")
}

/// The picker of boosts for a message.
#[must_use]
pub fn new_boost(message_id: MessageId) -> String {
    of_message(message_id, "/boosts/new")
}

/// The previews of a message's links: POST takes one away.
#[must_use]
pub fn previews(message_id: MessageId) -> String {
    of_message(message_id, "/previews")
}

fn of_message(message_id: MessageId, part: &str) -> String {
    ["/messages/", Buffer::new().format(message_id.0), part].concat()
}

/// POST keeps a message for later; the page has a note and a reminder.
#[must_use]
pub fn save_message(message_id: MessageId) -> String {
    of_message(message_id, SAVED)
}

/// A message that one keeps: PUT changes its note and reminder, DELETE removes it.
#[must_use]
pub fn saved(id: i64) -> String {
    [SAVED, "/", Buffer::new().format(id)].concat()
}

/// The messages that one is done with.
pub const SAVED_DONE: &str = "/saved?show=done";

/// The messages that one keeps, before one of them.
#[must_use]
pub fn saved_before(is_done: bool, id: i64) -> String {
    [SAVED, if is_done { "?show=done&before=" } else { "?before=" }, Buffer::new().format(id)].concat()
}

/// POST stores a message that is to be sent later in a room; the page is its form.
#[must_use]
pub fn room_scheduled(room_id: RoomId) -> String {
    of_room(room_id, "scheduled")
}

/// The form of a message that is to be sent later in a room.
#[must_use]
pub fn new_scheduled(room_id: RoomId) -> String {
    of_room(room_id, "scheduled/new")
}

/// A message that is to be sent later: PUT changes it, DELETE cancels it.
#[must_use]
pub fn scheduled(id: i64) -> String {
    [SCHEDULED, "/", Buffer::new().format(id)].concat()
}

/// An upload: PATCH appends to it, HEAD tells where it stands, DELETE removes it.
#[must_use]
pub fn upload(key: &FileKey) -> String {
    [UPLOADS, "/", key.as_str()].concat()
}

/// A file of a message. `name` is only for whoever saves it.
#[must_use]
pub fn file(key: &FileKey, name: &FileName) -> String {
    let mut path = ["/files/", key.as_str(), "/"].concat();
    for byte in name.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => path.push(char::from(byte)),
            other => {
                path.push('%');
                path.push_str(&super::hex(&[other]).to_ascii_uppercase());
            }
        }
    }
    path
}

/// The preview of a file.
#[must_use]
pub fn file_preview(key: &FileKey, name: &FileName) -> String {
    file(key, name) + "/thumb"
}

/// A file of a message, to be saved and not shown.
#[must_use]
pub fn file_download(key: &FileKey, name: &FileName) -> String {
    file(key, name) + "?download=1"
}

/// The page of the inbox with the entries before one.
#[must_use]
pub fn inbox_before(entry_id: i64) -> String {
    format!("{INBOX}?before={entry_id}")
}

/// The files of a room.
#[must_use]
pub fn room_files(room_id: RoomId) -> String {
    of_room(room_id, "files")
}

/// The files of a room's messages before one.
#[must_use]
pub fn room_files_before(room_id: RoomId, message_id: MessageId) -> String {
    [&room_files(room_id), "?before=", Buffer::new().format(message_id.0)].concat()
}

/// The hooks of a room: POST makes one.
#[must_use]
pub fn room_hooks(room_id: RoomId) -> String {
    of_room(room_id, "hooks")
}

/// A hook of a room: DELETE removes it.
#[must_use]
pub fn room_hook(room_id: RoomId, hook_id: i64) -> String {
    [&room_hooks(room_id), "/", Buffer::new().format(hook_id)].concat()
}

/// The pinned messages of a room.
#[must_use]
pub fn pins(room_id: RoomId) -> String {
    of_room(room_id, "pins")
}

/// Somebody's page.
#[must_use]
pub fn user(user_id: UserId) -> String {
    ["/users/", Buffer::new().format(user_id.0)].concat()
}

/// Somebody's picture. `token` is the signed reference to the user; another version is another picture.
#[must_use]
pub fn avatar(token: &str, version: i64) -> String {
    ["/users/", token, "/avatar?v=", Buffer::new().format(version)].concat()
}

/// The style sheet that shows everybody's pictures, as of the change of this number.
#[must_use]
pub fn avatar_sheet(version: i64) -> String {
    ["/users/avatars/", Buffer::new().format(version), ".css"].concat()
}

/// A part of the style sheet of pictures: those of the users of one group.
#[must_use]
pub fn avatar_sheet_part(version: i64, group: i64) -> String {
    let (mut version_buffer, mut group_buffer) = (Buffer::new(), Buffer::new());
    ["/users/avatars/", version_buffer.format(version), "-", group_buffer.format(group), ".css"].concat()
}

/// The account's logo as of the change of this number, or the stock icon for 0: 512 pixels a side.
#[must_use]
pub fn logo(version: i64) -> String {
    [LOGO, "?v=", Buffer::new().format(version)].concat()
}

/// The same in 192 pixels a side.
#[must_use]
pub fn small_logo(version: i64) -> String {
    [LOGO, "?size=small&v=", Buffer::new().format(version)].concat()
}

/// POST bans somebody, DELETE lifts the ban.
#[must_use]
pub fn ban(user_id: UserId) -> String {
    ["/users/", Buffer::new().format(user_id.0), "/ban"].concat()
}

/// POST shows the link that signs somebody in.
#[must_use]
pub fn sign_in_link(user_id: UserId) -> String {
    ["/users/", Buffer::new().format(user_id.0), "/sign_in_link"].concat()
}

/// One of one's own devices: DELETE signs it out.
#[must_use]
pub fn own_session(session_id: SessionId) -> String {
    [OWN_SESSIONS, "/", Buffer::new().format(session_id.0)].concat()
}

/// One of one's own devices that take pushes: DELETE removes it.
#[must_use]
pub fn push_subscription(id: PushSubscriptionId) -> String {
    [PUSH_SUBSCRIPTIONS, "/", Buffer::new().format(id.0)].concat()
}

/// POST sends a test to one of one's own devices.
#[must_use]
pub fn push_test(id: PushSubscriptionId) -> String {
    push_subscription(id) + "/test_notifications"
}

/// Somebody as a member of the account: PUT changes the role, DELETE removes them.
#[must_use]
pub fn account_user(user_id: UserId) -> String {
    [ACCOUNT, "/users/", Buffer::new().format(user_id.0)].concat()
}

/// A bot: PUT changes it, DELETE removes it.
#[must_use]
pub fn bot(bot_id: UserId) -> String {
    of_bot(bot_id, "")
}

/// The form that changes a bot.
#[must_use]
pub fn edit_bot(bot_id: UserId) -> String {
    of_bot(bot_id, "/edit")
}

/// The guide to the API for one bot.
#[must_use]
pub fn bot_guide(bot_id: UserId) -> String {
    of_bot(bot_id, "/api")
}

/// PUT gives a bot another key.
#[must_use]
pub fn bot_key(bot_id: UserId) -> String {
    of_bot(bot_id, "/key")
}

/// The picture of a bot: PUT changes it, DELETE removes it.
#[must_use]
pub fn bot_avatar(bot_id: UserId) -> String {
    of_bot(bot_id, "/avatar")
}

/// POST makes and shows a new secret of a bot's webhook.
#[must_use]
pub fn webhook_secret(bot_id: UserId) -> String {
    of_bot(bot_id, "/secret")
}

/// POST sends a test to a bot's webhook.
#[must_use]
pub fn webhook_test(bot_id: UserId) -> String {
    of_bot(bot_id, "/test")
}

/// A delivery to a webhook: PUT sends it again, DELETE drops it.
#[must_use]
pub fn delivery(delivery_id: i64) -> String {
    [DELIVERIES, "/", Buffer::new().format(delivery_id)].concat()
}

/// A job that failed: PUT runs it again, DELETE drops it.
#[must_use]
pub fn failed_job(job_id: i64) -> String {
    [DELIVERIES, "/jobs/", Buffer::new().format(job_id)].concat()
}

/// The hooks of a bot: POST makes one.
#[must_use]
pub fn bot_hooks(bot_id: UserId) -> String {
    of_bot(bot_id, "/hooks")
}

/// A hook of a bot: DELETE removes it.
#[must_use]
pub fn bot_hook(bot_id: UserId, hook_id: i64) -> String {
    [&bot_hooks(bot_id), "/", Buffer::new().format(hook_id)].concat()
}

/// The address of a hook: POST posts a text, or JSON with one.
#[must_use]
pub fn hook(token: &str) -> String {
    ["/hooks/", token].concat()
}

fn of_bot(bot_id: UserId, part: &str) -> String {
    [BOTS, "/", Buffer::new().format(bot_id.0), part].concat()
}

/// The messages of a room for a bot: GET lists them, POST adds one.
#[must_use]
pub fn bot_messages(room_id: RoomId, key: &BotKey) -> String {
    of_room(room_id, &format!("{key}/messages"))
}

/// A message for a bot: PUT changes it, DELETE removes it.
#[must_use]
pub fn bot_message(room_id: RoomId, key: &BotKey, message_id: MessageId) -> String {
    [&bot_messages(room_id, key), "/", Buffer::new().format(message_id.0)].concat()
}

/// The messages of a room in the API for programs, whose key is in a header.
#[must_use]
pub fn api_messages(room_id: RoomId) -> String {
    [API_ROOMS, "/", Buffer::new().format(room_id.0), "/messages"].concat()
}

/// The users of a room in the API for programs.
#[must_use]
pub fn api_room_users(room_id: RoomId) -> String {
    [API_ROOMS, "/", Buffer::new().format(room_id.0), "/users"].concat()
}

/// The image of the QR code of a text.
#[must_use]
pub fn qr_code(text: &str) -> String {
    ["/qr_code/", &base64_url(text.as_bytes())].concat()
}

/// Bytes in base64 for URLs, without padding (RFC 4648, section 5).
fn base64_url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

/// The style sheet of the account's own CSS whose digest this is.
#[must_use]
pub fn custom_styles(digest: &str) -> String {
    [CUSTOM_STYLES, "/", digest, ".css"].concat()
}

/// Signing in on another device: PUT accepts. `id` must be percent-encoded.
#[must_use]
pub fn transfer(id: &str) -> String {
    ["/session/transfers/", id].concat()
}

/// Joining by the account's link.
#[must_use]
pub fn join(join_code: &str) -> String {
    ["/join/", join_code].concat()
}

/// The icon with the number of things that wait, at most 10: the logo of this version, or the stock icon for 0.
#[must_use]
pub fn icon(count: u8, logo_version: i64) -> String {
    let (mut count_buffer, mut version_buffer) = (Buffer::new(), Buffer::new());
    let version = if logo_version == 0 { ["", ""] } else { ["?v=", version_buffer.format(logo_version)] };
    ["/icon/", count_buffer.format(count), ".svg", version[0], version[1]].concat()
}

/// Paths in a `<template>`, with `{room}` and `{id}` where the page's script puts the ids of the room and the message.
pub mod template {
    /// [`message`](super::message)
    pub const MESSAGE: &str = "/rooms/{room}/@{id}";
    /// [`stored_message`](super::stored_message)
    pub const STORED_MESSAGE: &str = "/rooms/{room}/messages/{id}";
    /// [`edit_message`](super::edit_message)
    pub const EDIT_MESSAGE: &str = "/rooms/{room}/messages/{id}/edit";
    /// [`reply`](super::reply)
    pub const REPLY: &str = "/rooms/{room}/messages/{id}/reply";
    /// [`unread`](super::unread)
    pub const UNREAD: &str = "/rooms/{room}/messages/{id}/unread";
    /// [`pin`](super::pin)
    pub const PIN: &str = "/rooms/{room}/messages/{id}/pin";
    /// [`save_message`](super::save_message)
    pub const SAVE: &str = "/messages/{id}/saved";
    /// [`thread`](super::thread)
    pub const THREAD: &str = "/rooms/{room}/threads/{id}";
    /// [`new_boost`](super::new_boost)
    pub const NEW_BOOST: &str = "/messages/{id}/boosts/new";
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(4);
    const MESSAGE: MessageId = MessageId(41);

    #[test]
    fn paths_are_those_of_bookmarks_and_of_what_people_link_to() {
        for (path, expected) in [
            (room(ROOM), "/rooms/4"),
            (room_before(ROOM, MESSAGE), "/rooms/4?before=41"),
            (message(ROOM, MESSAGE), "/rooms/4/@41"),
            (thread(ROOM, MESSAGE), "/rooms/4/threads/41"),
            (thread_at(ROOM, MESSAGE, MessageId(50)), "/rooms/4/threads/41/@50"),
            (thread_follow(ROOM, MESSAGE), "/rooms/4/threads/41/follow"),
            (stored_message(ROOM, MESSAGE), "/rooms/4/messages/41"),
            (room_of_kind(RoomKind::Direct, ROOM), "/rooms/directs/4"),
            (room_settings(RoomKind::Closed, ROOM), "/rooms/closeds/4/edit"),
            (involvement(ROOM), "/rooms/4/involvement"),
            (membership(ROOM), "/rooms/4/membership"),
            (room_files(ROOM), "/rooms/4/files"),
            (room_files_before(ROOM, MESSAGE), "/rooms/4/files?before=41"),
            (room_hook(ROOM, 8), "/rooms/4/hooks/8"),
            (pins(ROOM), "/rooms/4/pins"),
            (history(ROOM, MESSAGE), "/rooms/4/messages/41/history"),
            (pin(ROOM, MESSAGE), "/rooms/4/messages/41/pin"),
            (messages(ROOM), "/rooms/4/messages"),
            (message_menu(MESSAGE), "/messages/41/menu"),
            (boosts(MESSAGE), "/messages/41/boosts"),
            (save_message(MESSAGE), "/messages/41/saved"),
            (saved(3), "/saved/3"),
            (room_scheduled(ROOM), "/rooms/4/scheduled"),
            (new_scheduled(ROOM), "/rooms/4/scheduled/new"),
            (scheduled(3), "/scheduled/3"),
            (saved_before(true, 3), "/saved?show=done&before=3"),
            (user(UserId(7)), "/users/7"),
            (edit_bot(UserId(7)), "/account/bots/7/edit"),
            (bot_messages(ROOM, &BotKey::new(UserId(9), "abc".into())), "/rooms/4/9-abc/messages"),
            (ban(UserId(7)), "/users/7/ban"),
            (own_session(SessionId(9)), "/users/me/sessions/9"),
            (account_user(UserId(7)), "/account/users/7"),
            (qr_code("https://a.example/é?"), "/qr_code/aHR0cHM6Ly9hLmV4YW1wbGUvw6k_"),
            (qr_code("ab"), "/qr_code/YWI"),
            (qr_code(""), "/qr_code/"),
            (custom_styles("ab12"), "/account/custom_styles/ab12.css"),
            (join("aaaa-bbbb-cccc"), "/join/aaaa-bbbb-cccc"),
            (icon(3, 0), "/icon/3.svg"),
            (icon(3, 7), "/icon/3.svg?v=7"),
            (avatar("abc", 5), "/users/abc/avatar?v=5"),
            (avatar_sheet(5), "/users/avatars/5.css"),
            (avatar_sheet_part(5, 2), "/users/avatars/5-2.css"),
            (small_logo(7), "/account/logo?size=small&v=7"),
        ] {
            assert_eq!(path, expected);
        }
        for kind in [RoomKind::Open, RoomKind::Closed, RoomKind::Direct] {
            assert_eq!(new_room(kind), format!("{}/new", rooms(kind)));
        }
    }

    #[test]
    fn templates_are_filled_into_the_same_paths() {
        let filled = |template: &str| template.replace("{room}", "4").replace("{id}", "41");
        for (template, path) in [
            (template::MESSAGE, message(ROOM, MESSAGE)),
            (template::STORED_MESSAGE, stored_message(ROOM, MESSAGE)),
            (template::EDIT_MESSAGE, edit_message(ROOM, MESSAGE)),
            (template::REPLY, reply(ROOM, MESSAGE)),
            (template::THREAD, thread(ROOM, MESSAGE)),
            (template::UNREAD, unread(ROOM, MESSAGE)),
            (template::PIN, pin(ROOM, MESSAGE)),
            (template::SAVE, save_message(MESSAGE)),
            (template::NEW_BOOST, new_boost(MESSAGE)),
        ] {
            assert_eq!(filled(template), path);
        }
    }
}
