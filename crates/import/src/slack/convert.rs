//! Messages of Slack as records.

use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::files;
use super::json::Fields;
use super::text::{self, Ids};
use super::{Result, Source};
use crate::record::{Boost, FilePlace, Message, Reply, Role, SourceFile};

/// How many files of a message are taken: as many as Slack allows.
const MAX_FILES: usize = 10;

/// How many people a message mentions at most.
const MAX_MENTIONS: usize = 100;

/// How many characters of the first message of a thread its replies quote.
const MAX_QUOTED_CHARS: usize = 500;

/// How many reactions of a message are taken: more than Slack allows.
const MAX_REACTIONS: usize = 1_000;

/// The namespace of the ids of messages: RFC 9562, section 6.6, that of URLs.
const NAMESPACE_URL: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// A message as it is in the scratch database.
pub(super) struct Staged {
    /// Its place in the order of all.
    pub number: i64,
    pub room: i64,
    /// When it was posted, in microseconds since the epoch.
    pub ts: i64,
    pub author: i64,
    /// The time of the first message of its thread, unless it is that one.
    pub thread_ts: Option<i64>,
    pub json: Vec<u8>,
}

/// The ids that a text mentions, by what they have become.
struct Known<'s> {
    source: &'s Source,
    mentions: Vec<i64>,
    /// How people are mentioned whose names have signs of Markdown: as text that shows these signs, and as names.
    marked: Vec<(String, String)>,
    lost_count: u64,
}

impl Known<'_> {
    /// A text with the names as names: they are found before Markdown is read, and a backslash in one would hide it.
    fn with_names(&self, text: String) -> String {
        self.marked.iter().fold(text, |text, (escaped, name)| text.replace(escaped, name))
    }
}

impl Ids for Known<'_> {
    fn user(&mut self, id: &str) -> Option<String> {
        let found = self.source.number_of(id).and_then(|number| self.source.places.users.get(&number));
        let Some((user_id, name)) = found else {
            self.lost_count += 1;
            return None;
        };
        let is_shared = self.source.shared_names.contains(&name.to_lowercase());
        let shown = if is_shared { format!("{name}#{user_id}") } else { name.clone() };
        if !self.mentions.contains(user_id) && self.mentions.len() < MAX_MENTIONS {
            self.mentions.push(*user_id);
            let mention = format!("@{shown}");
            let escaped = alerts::mrkdwn::plain_to_markdown(&mention);
            if escaped != mention {
                self.marked.push((escaped, mention));
            }
        }
        Some(shown)
    }

    fn room(&mut self, id: &str) -> Option<String> {
        // The name of a private channel is for its members.
        self.source.open_names.get(id).cloned()
    }
}

impl Source {
    fn number_of(&self, slack_id: &str) -> Option<i64> {
        self.by_id.get(slack_id).copied()
    }

    /// A message as a record; `None` if its room or its author is not taken.
    pub(super) fn message(&self, staged: &Staged) -> Result<Option<Message>> {
        let (Some((room_id, _)), Some((creator_id, _))) =
            (self.places.rooms.get(&staged.room), self.places.users.get(&staged.author))
        else {
            return Ok(None);
        };
        let (mut changed, mut dropped) = (Vec::new(), Vec::new());
        let object = parse(&staged.json);
        let mut fields = Fields::new(&object);
        let mut ids = self.known();
        let text = self.text(&object, staged.author, &mut fields, &mut ids);
        let mut text = ids.with_names(text);
        if text.chars().count() >= alerts::MAX_CHARS {
            changed.push("messages of more than 30,000 characters, which were cut");
        }
        let mut attached = Vec::new();
        let files = fields.list("files");
        for file in files.iter().take(MAX_FILES) {
            self.add_file(file, &mut attached, &mut text, &mut dropped);
        }
        if files.len() > MAX_FILES {
            dropped.push("files of messages with more than 10: all after the tenth");
        }
        let created_at = staged.ts / 1_000;
        let boosts = self.boosts(fields.list("reactions"), created_at, &mut dropped);
        let edited_at = fields.object("edited").map(|edited| Fields::new(edited).seconds("ts"));
        if fields.wrong_count > 0 {
            changed.push("messages with fields of another type than Slack's, which are read as missing");
        }
        let replies_to = match staged.thread_ts {
            Some(thread_ts) => self.reply(staged.room, thread_ts)?,
            None => None,
        };
        if staged.thread_ts.is_some() {
            changed.push(match replies_to {
                Some(_) => "replies in threads, which quote the first message and link to it",
                None => "replies whose first message is missing: they stand alone",
            });
        }
        Ok(Some(Message {
            id: self.places.base_id + staged.number,
            room_id: *room_id,
            creator_id: *creator_id,
            client_message_id: self.client_message_id(staged.room, staged.ts),
            text,
            mentions: ids.mentions,
            files: attached,
            boosts,
            lost_count: ids.lost_count,
            replies_to,
            edited_at: edited_at.map(|edited_at| edited_at.max(created_at)),
            changed,
            dropped,
            created_at,
        }))
    }

    fn known(&self) -> Known<'_> {
        Known { source: self, mentions: Vec::new(), marked: Vec::new(), lost_count: 0 }
    }

    /// The first message of a thread, to be quoted; `None` if it is missing.
    fn reply(&self, room: i64, thread_ts: i64) -> Result<Option<Reply>> {
        let Some(root) = self.root(room, thread_ts)? else { return Ok(None) };
        let Some((creator_id, author)) = self.places.users.get(&root.author) else { return Ok(None) };
        let object = parse(&root.json);
        let text = self.text(&object, root.author, &mut Fields::new(&object), &mut self.known());
        // The reply's own words must not be cut away behind a long quote.
        let end = text.char_indices().nth(MAX_QUOTED_CHARS).map_or(text.len(), |(at, _)| at);
        let text = if end < text.len() { format!("{}…", text[..end].trim_end()) } else { text };
        Ok(Some(Reply {
            message_id: self.places.base_id + root.number,
            creator_id: *creator_id,
            client_message_id: self.client_message_id(room, thread_ts),
            author: author.clone(),
            text,
        }))
    }

    /// The text as Markdown. People write texts; the blocks beside them are the same once more. Programs write blocks; the
    /// text beside those is a summary for notifications.
    fn text(&self, object: &Map<String, Value>, author: i64, fields: &mut Fields<'_>, ids: &mut Known<'_>) -> String {
        let text = fields.text("text");
        let author = usize::try_from(author - 1).ok().and_then(|index| self.people.get(index));
        let is_program = author.is_some_and(|author| author.user.role == Role::Bot);
        let mut blocks = Value::Null;
        if !fields.list("blocks").is_empty() && (is_program || text.trim().is_empty()) {
            blocks = object.get("blocks").cloned().unwrap_or_default();
            text::resolve_json(&mut blocks, ids);
        }
        let mut attachments: Vec<Value> =
            fields.list("attachments").iter().filter(|attachment| !is_preview(attachment)).cloned().collect();
        attachments.iter_mut().for_each(|attachment| text::resolve_json(attachment, ids));
        let text = text::resolve(text, ids);
        if blocks.is_null() && attachments.is_empty() {
            if text.trim().is_empty() {
                return String::new();
            }
            let markdown = alerts::mrkdwn::to_markdown(&text, &alerts::mrkdwn::NoNames);
            let is_action = fields.text("subtype") == "me_message" && !markdown.contains('\n');
            return if is_action { format!("_{markdown}_") } else { markdown };
        }
        alerts::slack::to_message(&json!({"text": text, "blocks": blocks, "attachments": attachments}))
    }

    fn add_file(
        &self,
        file: &Value,
        attached: &mut Vec<SourceFile>,
        text: &mut String,
        dropped: &mut Vec<&'static str>,
    ) {
        let Value::Object(file) = file else {
            dropped.push("files without a record");
            return;
        };
        let mut fields = Fields::new(file);
        let mode = fields.text("mode");
        if matches!(mode, "tombstone" | "hidden_by_limit") || fields.truth("is_hidden_by_limit") {
            dropped.push("files that were deleted in Slack, or are hidden");
            return;
        }
        let name = [fields.text("name"), fields.text("title")].into_iter().find(|name| !name.trim().is_empty());
        let name = name.unwrap_or("file").to_owned();
        let urls = [fields.text("url_private_download"), fields.text("url_private")];
        let url = urls.into_iter().find(|url| !url.is_empty());
        if mode == "external" || fields.truth("is_external") {
            // It is at another site: a link to it is all that there was.
            if let Some(url) = url {
                text.push_str(if text.is_empty() { "" } else { "\n\n" });
                text.push_str(&alerts::mrkdwn::link(&name, url));
            }
            return;
        }
        let id = fields.text("id");
        let place = Some(id).filter(|id| files::is_id(id)).and_then(|id| self.files.find(id));
        let place = place.or_else(|| url.map(|url| FilePlace::Url(url.to_owned()))).unwrap_or(FilePlace::Nowhere);
        attached.push(SourceFile { key: id.to_owned(), place, name, md5: None });
    }

    fn boosts(&self, reactions: &[Value], created_at: i64, dropped: &mut Vec<&'static str>) -> Vec<Boost> {
        let mut boosts = Vec::new();
        for reaction in reactions {
            let Value::Object(reaction) = reaction else {
                dropped.push("reactions that cannot be read");
                continue;
            };
            let mut fields = Fields::new(reaction);
            let name = fields.text("name");
            if name.is_empty() {
                dropped.push("reactions that cannot be read");
                continue;
            }
            let content = text::reaction(name);
            for user in fields.list("users") {
                let number = user.as_str().and_then(|id| self.number_of(id));
                let Some((booster_id, _)) = number.and_then(|number| self.places.users.get(&number)) else {
                    dropped.push("reactions of people without a record");
                    continue;
                };
                if boosts.len() < MAX_REACTIONS {
                    boosts.push(Boost { booster_id: *booster_id, content: content.clone(), created_at });
                }
            }
        }
        boosts
    }

    /// The id of a message: the same whenever it is imported, from whatever export (UUID version 5).
    fn client_message_id(&self, room: i64, ts: i64) -> String {
        let channel = usize::try_from(room - 1).ok().and_then(|index| self.channels.get(index));
        let channel = channel.map_or("", |channel| channel.slack_id.as_str());
        let name = format!("https://slack.com/{}/archives/{channel}/p{ts}", self.identity);
        let digest = Sha1::new_with_prefix(NAMESPACE_URL).chain_update(name).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = 0x50 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let digits = crate::hex(&bytes);
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }
}

fn parse(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_default()
}

/// Whether an attachment is the preview of a link: it is made anew here. A message that was shared is none.
fn is_preview(attachment: &Value) -> bool {
    let has = |name: &str| attachment.get(name).is_some_and(|value| value.is_string() || value == &Value::Bool(true));
    (has("from_url") || has("original_url")) && !has("is_msg_unfurl") && !has("is_share")
}
