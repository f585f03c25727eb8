//! Makes records fit the rules of this program: nothing that is stored breaks them, wherever it comes from.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ::import::{Involvement, Membership, Message, Role, Room, RoomKind, Search, SourceFile, Status, User};
use sha2::{Digest, Sha256};

use super::Report;
use crate::access::{is_bcrypt, is_public};
use crate::folding;
use crate::model::{
    Bio, BoostContent, BotKey, ClientMessageId, Draft, EmailAddress, FileForm, FileKey, FileName, MAX_BODY_CHARS,
    MessageId, Person, RoomId, RoomName, UserId, UserName, hex, is_blank, order_key, paths,
};
use crate::ops::webhooks;
use crate::richtext::{self, Names, Rendered};
use crate::store::imports::{NewBot, NewMembership, NewMessage, NewRoom, NewUser};

/// A name that fits: the text, or what of it is allowed, or another one.
fn fitting_name(text: &str, max_chars: usize, other: impl FnOnce() -> String) -> String {
    let allowed: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = allowed.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(max_chars).collect();
    if is_blank(&name) { other() } else { name.trim().to_owned() }
}

/// The users as rows, in the order of their numbers.
pub(super) fn users(users: &[User], report: &mut Report) -> Vec<NewUser> {
    let mut rows = Vec::with_capacity(users.len());
    // Of two addresses that are the same here, an active user's stays.
    let mut owners: HashMap<String, i64> = HashMap::new();
    let mut by_rank: Vec<&User> = users.iter().collect();
    by_rank.sort_by_key(|user| (user.status != Status::Active, user.id));
    for user in by_rank {
        if let Some(address) = &user.email_address {
            owners.entry(folding::address(address.trim())).or_insert(user.id);
        }
    }
    for user in users {
        let User { id, role, status, created_at, .. } = user;
        report.keep("people and bots", 1);
        let name = user.name.parse::<UserName>().map(|name| name.as_str().to_owned()).unwrap_or_else(|_| {
            report.change("names that are too long, blank, or have characters that cannot be shown");
            fitting_name(&user.name, UserName::MAX_CHARS, || format!("Somebody {id}"))
        });
        let name = if name.parse::<UserName>().is_ok() { name } else { format!("Somebody {id}") };
        let email_address = user.email_address.as_deref().map(str::trim).filter(|address| {
            let is_theirs = owners.get(&folding::address(address)) == Some(id);
            if !is_theirs {
                report.drop("e-mail addresses that somebody else has in another case", 1);
                report.note(|| {
                    format!("{name} (number {id}) signs in no more: somebody else has the same e-mail address")
                });
            }
            is_theirs
        });
        let email_address = email_address.filter(|address| {
            let is_address = address.parse::<EmailAddress>().is_ok();
            if !is_address {
                report.drop("e-mail addresses to which nothing can be sent", 1);
                report.note(|| format!("{name} (number {id}) signs in no more: the e-mail address is none"));
            }
            is_address
        });
        let password_hash = user.password_hash.as_deref().filter(|hash| {
            let is_known = is_bcrypt(hash);
            if !is_known {
                report.drop("passwords in a form that is not known", 1);
            }
            is_known && *role != Role::Bot
        });
        let bio = user.bio.parse::<Bio>().map(|bio| bio.as_str().to_owned()).unwrap_or_else(|_| {
            report.change("descriptions of people that are too long, or have characters that cannot be shown");
            let short: String = user.bio.chars().filter(|c| !c.is_control()).take(Bio::MAX_CHARS).collect();
            short.parse::<Bio>().map(|bio| bio.as_str().to_owned()).unwrap_or_default()
        });
        let (name_key, name_order) = (folding::words(&name), hex(&order_key(&name)));
        let (role, status) = (role_number(*role), status_number(*status));
        let (address, hash) = (email_address.map(str::to_owned), password_hash.map(str::to_owned));
        rows.push((*id, name, address, hash, role, status, bio, *created_at, name_key, name_order));
    }
    rows
}

/// The keys and webhooks of the bots among the users.
pub(super) fn bots(users: &[User], report: &mut Report) -> Vec<NewBot> {
    let mut rows = Vec::new();
    for User { id, name, bot_token, webhook_url, .. } in users.iter().filter(|user| user.role == Role::Bot) {
        let Some(token) = bot_token else { continue };
        if format!("{id}-{token}").parse::<BotKey>().is_err() {
            report.drop("keys of bots that no request can carry: give each bot a new one", 1);
            continue;
        }
        report.keep("keys of bots", 1);
        let webhook_url = webhook_url.as_deref().and_then(|url| {
            let parsed = webhooks::parse_url(url);
            if parsed.is_err() {
                report.drop("webhooks of bots whose address is none", 1);
                report.note(|| format!("the webhook of the bot {} (number {id}) has no address", name.trim()));
            }
            parsed.ok().flatten()
        });
        if let Some(url) = &webhook_url {
            report.keep("webhooks of bots", 1);
            // The rest of the address may be a secret.
            let host = url.split('/').nth(2).unwrap_or_default().to_owned();
            report.note(|| format!("the bot {} (number {id}) is told of messages at a webhook on {host}", name.trim()));
        }
        rows.push((*id, token.clone(), webhook_url));
    }
    rows
}

const fn role_number(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Administrator => 1,
        Role::Bot => 2,
    }
}

const fn status_number(status: Status) -> i64 {
    match status {
        Status::Active => 0,
        Status::Deactivated => 1,
        Status::Banned => 2,
    }
}

/// The rooms as rows. `members` has the users of each direct room.
pub(super) fn rooms(
    rooms: &[Room],
    user_ids: &HashSet<i64>,
    members: &HashMap<i64, Vec<i64>>,
    fallback_creator_id: i64,
    report: &mut Report,
) -> Vec<NewRoom> {
    let mut keys = HashSet::new();
    let mut rows = Vec::with_capacity(rooms.len());
    for room in rooms {
        let Room { id, kind, created_at, updated_at, .. } = room;
        report.keep("rooms and pings", 1);
        let creator_id = if user_ids.contains(&room.creator_id) {
            room.creator_id
        } else {
            report.change("rooms whose maker does not exist: an administrator has them now");
            fallback_creator_id
        };
        let (kind, name, direct_key) = match kind {
            RoomKind::Direct => {
                let mut people = members.get(id).cloned().unwrap_or_default();
                people.sort_unstable();
                people.dedup();
                let key = people.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
                let is_first = keys.insert(key.clone());
                if !is_first {
                    report.change("pings of the same people twice: the first one is found by pinging them again");
                }
                ("direct", String::new(), is_first.then_some(key))
            }
            RoomKind::Open | RoomKind::Closed => {
                let name = room.name.parse::<RoomName>().map(|name| name.as_str().to_owned()).unwrap_or_else(|_| {
                    report.change("names of rooms that are too long, blank, or have characters that cannot be shown");
                    fitting_name(&room.name, RoomName::MAX_CHARS, || format!("Room {id}"))
                });
                let name = if name.parse::<RoomName>().is_ok() { name } else { format!("Room {id}") };
                (if *kind == RoomKind::Open { "open" } else { "closed" }, name, None)
            }
        };
        let order = hex(&order_key(&name));
        rows.push((*id, kind.to_owned(), name, creator_id, direct_key, order, *created_at, *updated_at));
    }
    rows
}

/// A membership as a row.
pub(super) fn membership(membership: &Membership) -> NewMembership {
    let Membership { room_id, user_id, involvement, created_at, .. } = membership;
    let involvement = match involvement {
        Involvement::Invisible => "invisible",
        Involvement::Nothing => "nothing",
        Involvement::Mentions => "mentions",
        Involvement::Everything => "everything",
    };
    (*room_id, *user_id, involvement.to_owned(), *created_at)
}

/// The searches as rows: of each user, the last ten.
pub(super) fn searches(searches: &[Search], report: &mut Report) -> Vec<(i64, String, i64)> {
    let rows: Vec<_> = searches
        .iter()
        .filter(|search| !is_blank(&search.query) && search.query.chars().count() <= 200)
        .map(|search| (search.user_id, search.query.trim().to_owned(), search.searched_at))
        .collect();
    report.keep("recent searches", rows.len() as u64);
    rows
}

/// The banned addresses as rows; only public ones can be banned.
pub(super) fn bans(bans: &[::import::Ban], report: &mut Report) -> Vec<(i64, String, i64)> {
    let mut rows = Vec::new();
    for ban in bans {
        match ban.ip_address.trim().parse::<IpAddr>() {
            Ok(address) if is_public(address) => rows.push((ban.user_id, address.to_string(), ban.created_at)),
            _ => report.drop("banned addresses that are not public", 1),
        }
    }
    report.keep("banned addresses", rows.len() as u64);
    rows
}

/// A message as a row, with what belongs to it.
pub(super) struct Prepared {
    pub row: NewMessage,
    /// User and name.
    pub mentions: Vec<(UserId, String)>,
    /// Booster, content and time.
    pub boosts: Vec<(i64, String, i64)>,
    /// The files, with the keys and names that they get.
    pub files: Vec<(SourceFile, FileKey, FileName)>,
    body: richtext::Body,
}

impl Prepared {
    /// Its id.
    pub fn id(&self) -> MessageId {
        MessageId(self.row.id)
    }

    /// Makes the message found by its files, of these kinds.
    pub fn set_files<'f>(&mut self, files: impl IntoIterator<Item = (&'f str, FileForm)>) {
        let body = self.body.clone().beside_files(files);
        self.row.search_words = body.search_words;
        self.row.search_parts = body.search_parts;
        self.row.search_marks = body.search_marks;
    }

    /// Says in the text that files are missing.
    pub fn add_missing(&mut self, names: &[String]) {
        let mut source = self.row.source.clone();
        for name in names {
            let plain: String = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ' ')).collect();
            source.push_str(if source.is_empty() { "" } else { "\n\n" });
            source.push_str(&format!("{} (this file was missing when the history was imported)", plain.trim()));
        }
        if let Ok(draft) = source.parse::<Draft>() {
            let names = self.mentions.iter().map(|(id, name)| Person { id: *id, name: name.clone() }).collect();
            self.set_body(richtext::render(&draft, &Names::new(names)).body);
        }
    }

    fn set_body(&mut self, body: richtext::Body) {
        let row = &mut self.row;
        row.source.clone_from(&body.source);
        row.html.clone_from(&body.html);
        row.text.clone_from(&body.text);
        row.search_words.clone_from(&body.search_words);
        row.search_parts.clone_from(&body.search_parts);
        row.search_marks.clone_from(&body.search_marks);
        row.render_version = body.render_version;
        self.body = body;
    }
}

/// Prepares a message: `None` for one in which there is nothing. `source` distinguishes one history from others.
pub(super) fn message(
    message: Message,
    source: &str,
    names: &HashMap<i64, String>,
    report: &mut Report,
) -> Option<Prepared> {
    let Message { id, room_id, creator_id, text, created_at, edited_at, .. } = message;
    for what in &message.changed {
        report.change(what);
    }
    for what in &message.dropped {
        report.drop(what, 1);
    }
    let is_empty = is_blank(&text) && message.files.is_empty();
    let text = match &message.replies_to {
        Some(reply) if !is_empty => {
            let path = paths::message(RoomId(room_id), MessageId(reply.message_id));
            richtext::quote(&reply.text, &reply.author, &path) + &text
        }
        _ => text,
    };
    let text: String = text.chars().filter(|c| *c != '\0').collect();
    let text = if text.chars().count() > MAX_BODY_CHARS {
        report.change("messages of more than 32,000 characters, which were cut");
        report.note(|| format!("message {id} in room {room_id} was cut"));
        text.chars().take(MAX_BODY_CHARS - 1).chain(['…']).collect()
    } else {
        text
    };
    if is_empty {
        report.drop("messages in which there is nothing", 1);
        return None;
    }
    let draft = Draft::beside_files(&text).unwrap_or_else(|_| Draft::beside_files("").expect("a blank text fits"));
    let people: Vec<Person> = message
        .mentions
        .iter()
        .filter_map(|id| names.get(id).map(|name| Person { id: UserId(*id), name: name.clone() }))
        .collect();
    let Rendered { body, mentions, .. } = richtext::render(&draft, &Names::new(people));
    let client_message_id = match message.client_message_id.parse::<ClientMessageId>() {
        Ok(id) => id.to_string(),
        Err(_) => {
            report.change("messages whose id was no UUID");
            derived_id(source, id)
        }
    };
    let mut boosts = Vec::new();
    for boost in &message.boosts {
        match boost.content.parse::<BoostContent>() {
            Ok(content) => boosts.push((boost.booster_id, content.as_str().to_owned(), boost.created_at)),
            Err(_) => report.drop("boosts that are blank, too long, or cannot be shown", 1),
        }
    }
    report.drop("parts of texts: mentions of people who do not exist, and pictures of other sites", message.lost_count);
    let files = message.files.into_iter().enumerate().map(|(position, file)| {
        // The source may attach one file twice; here, each attachment has its own.
        let key = FileKey::new(short_digest(&["file", source, &id.to_string(), &position.to_string(), &file.key]));
        let name = FileName::clean(&file.name);
        (file, key, name)
    });
    Some(Prepared {
        row: NewMessage {
            id,
            room_id,
            creator_id,
            client_message_id,
            sent_digest: hex(&Sha256::digest(format!("{source} {id}"))),
            source: body.source.clone(),
            html: body.html.clone(),
            text: body.text.clone(),
            search_words: body.search_words.clone(),
            search_parts: body.search_parts.clone(),
            search_marks: body.search_marks.clone(),
            render_version: body.render_version,
            revision: if edited_at.is_some() { 2 } else { 1 },
            created_at,
            updated_at: edited_at.unwrap_or(created_at),
        },
        mentions: mentions.into_iter().map(|mention| (mention.user_id, mention.name)).collect(),
        boosts,
        files: files.collect(),
        body,
    })
}

/// The id of a message whose own cannot be used: the same whenever it is worked out.
pub(super) fn derived_id(source: &str, id: i64) -> String {
    let mut bytes = short_digest(&["message", source, &id.to_string()]);
    // Version 8: RFC 9562, section 5.8.
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn short_digest(parts: &[&str]) -> [u8; 16] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
        digest.update([0]);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&digest.finalize()[..16]);
    short
}
