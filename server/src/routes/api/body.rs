//! The bodies of requests: a text as it is, JSON, or a form with files.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use campfire::access::CurrentBot;
use campfire::model::{ClientMessageId, ClientUploadId, FileKey, FileName, MAX_BODY_CHARS, MAX_FILES, MessageId};
use campfire::ops::api::markdown_of_script;
use campfire::ops::files;
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::error::is_json;
use crate::Site;
use crate::http::body::BodyTooSlow;
use crate::http::form::is_named;
use crate::http::multipart::is_multipart;

/// Largest body without files, in bytes: that of the longest message, even if all its characters are escaped in JSON
/// (`\ud83d\ude00`), with 16 KiB for the other fields.
const MAX_TEXT_BYTES: usize = MAX_BODY_CHARS * 12 + 16 * 1024;

/// Largest number of parts of a form.
const MAX_PARTS: usize = 64;

/// How JSON is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonRule {
    /// An object with `body` or `attachments` is a message; anything else is a text like any other, as scripts of old send
    /// it.
    IfItIsAMessage,
    /// It has to be a message.
    Required,
}

/// The content of a request that posts a message.
#[derive(Debug, Default)]
pub struct Posting {
    /// The text; may be empty beside files.
    pub text: String,
    /// The id that makes the request exactly-once.
    pub client_message_id: Option<ClientMessageId>,
    /// The keys of its files.
    pub files: Vec<FileKey>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Whether it came as JSON.
    pub is_json: bool,
}

impl Posting {
    /// Reads what a request posts, and stores its files.
    ///
    /// # Errors
    /// `Invalid`, `Malformed` or `TooLarge` for a body that cannot be posted, and those of [`files::receive`].
    pub async fn read(site: &Site, bot: &CurrentBot, request: Request, rule: JsonRule) -> AppResult<Self> {
        if is_multipart(request.headers()) {
            return read_form(site, bot, request).await;
        }
        let is_json = is_json(request.headers());
        let bytes = text_bytes(request.into_body()).await?;
        if is_json && let Some(posting) = of_json(&bytes, rule)? {
            return Ok(posting);
        }
        Ok(Self { text: as_text(&bytes, rule), ..Self::default() })
    }
}

/// The text of a body: as it is, or the field `body` of JSON.
///
/// # Errors
/// `Invalid`, `Malformed` or `TooLarge` for a body without a text.
pub async fn read_text(request: Request, rule: JsonRule) -> AppResult<String> {
    let is_json = is_json(request.headers());
    let bytes = text_bytes(request.into_body()).await?;
    if is_json && let Some(posting) = of_json(&bytes, rule)? {
        return Ok(posting.text);
    }
    Ok(as_text(&bytes, rule))
}

/// The text of a body that is no JSON. Scripts of old may send HTML.
fn as_text(bytes: &[u8], rule: JsonRule) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match rule {
        JsonRule::IfItIsAMessage => markdown_of_script(text),
        JsonRule::Required => text,
    }
}

/// The bytes of a body without files.
///
/// # Errors
/// `TooLarge`, or `Malformed` when it does not arrive whole.
pub async fn text_bytes(body: Body) -> AppResult<Vec<u8>> {
    match Limited::new(body, MAX_TEXT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(AppError::TooLarge("A message has at most 32,000 characters. Send it in parts.".into()))
        }
        Err(error) => Err(broken_off(&*error)),
    }
}

fn broken_off(error: &(dyn std::error::Error + 'static)) -> AppError {
    let words = if BodyTooSlow::caused(error) { "The body took too long to arrive." } else { "The body broke off." };
    AppError::Malformed(words.into())
}

/// Parses a JSON message; `None` for JSON that is posted as text.
fn of_json(bytes: &[u8], rule: JsonRule) -> AppResult<Option<Posting>> {
    let malformed = |words: &str| match rule {
        JsonRule::IfItIsAMessage => Ok(None),
        JsonRule::Required => Err(AppError::Malformed(words.into())),
    };
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(bytes) else {
        return malformed("A message is a JSON object with the field body.");
    };
    if !fields.contains_key("body") && !fields.contains_key("attachments") {
        return malformed("The JSON object has neither body nor attachments.");
    }
    let text = match fields.remove("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(_) => return Err(AppError::invalid("body", "The field body is a text.")),
    };
    let client_message_id = match fields.remove("client_message_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.parse()?),
        Some(_) => return Err(AppError::invalid("client_message_id", "The message's id must be a UUID.")),
    };
    let not_keys = || AppError::invalid("attachments", "The field attachments is a list of the keys of files.");
    let files = match fields.remove("attachments") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(keys)) => {
            let keys = keys.iter().map(|key| key.as_str().and_then(|key| key.parse().ok()));
            keys.collect::<Option<Vec<FileKey>>>().ok_or_else(not_keys)?
        }
        Some(_) => return Err(not_keys()),
    };
    let reply_to = match fields.remove("reply_to") {
        None | Some(Value::Null) => None,
        Some(id) => Some(id.as_i64().and_then(message_id).ok_or_else(not_an_id)?),
    };
    Ok(Some(Posting { text, client_message_id, files, reply_to, is_json: true }))
}

/// The id of a message with this number.
fn message_id(number: i64) -> Option<MessageId> {
    (number > 0).then_some(MessageId(number))
}

fn not_an_id() -> AppError {
    AppError::invalid("reply_to", "The field reply_to is the id of a message.")
}

/// Reads a form: the parts `attachment` are files, `body` is the text beside them, `reply_to` the id of the message that it
/// answers.
async fn read_form(site: &Site, bot: &CurrentBot, request: Request) -> AppResult<Posting> {
    let multipart = Multipart::from_request(request, site).await;
    let mut multipart = multipart.map_err(|error| AppError::Malformed(error.body_text()))?;
    let mut posting = Posting::default();
    for _ in 0..MAX_PARTS {
        let part = multipart.next_field().await.map_err(|error| of_multipart(&error))?;
        let Some(part) = part else { return Ok(posting) };
        let name = part.name().unwrap_or_default().to_owned();
        if is_named(&name, "attachment") && part.file_name().is_some() {
            posting.files.push(receive(site, bot, posting.files.len(), part).await?);
        } else if is_named(&name, "body") {
            posting.text = field_text(part).await?;
        } else if is_named(&name, "reply_to") {
            posting.reply_to = Some(field_text(part).await?.parse().map_err(|_| not_an_id())?);
        }
    }
    Err(AppError::TooLarge("The form has too many parts.".into()))
}

async fn receive(site: &Site, bot: &CurrentBot, count: usize, part: Field<'_>) -> AppResult<FileKey> {
    require_files(site)?;
    if count == MAX_FILES {
        return Err(AppError::invalid("attachment", "A message has at most 10 files. Send the rest in another."));
    }
    let name = FileName::clean(part.file_name().unwrap_or_default());
    Ok(files::receive(&site.state, bot, new_upload_id(&site.state), name, part).await?.key)
}

/// Checks that the installation stores files.
///
/// # Errors
/// `Invalid` if it does not.
pub fn require_files(site: &Site) -> AppResult<()> {
    if site.state.is_text_only() {
        return Err(AppError::invalid("attachment", "No files are taken here. Send the text alone."));
    }
    Ok(())
}

/// The id of an upload that is not sent again.
#[must_use]
pub fn new_upload_id(state: &AppState) -> ClientUploadId {
    ClientUploadId::v7(state.clock.now_ms().unsigned_abs(), random())
}

/// The id of a message that has none from its program.
#[must_use]
pub fn new_message_id(state: &AppState) -> ClientMessageId {
    ClientMessageId::v7(state.clock.now_ms().unsigned_abs(), random())
}

fn random() -> [u8; 10] {
    let random = uuid::Uuid::new_v4();
    std::array::from_fn(|at| random.as_bytes()[at])
}

async fn field_text(mut part: Field<'_>) -> AppResult<String> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|error| of_multipart(&error))? {
        if text.len() + piece.len() > MAX_TEXT_BYTES {
            return Err(AppError::TooLarge("A message has at most 32,000 characters. Send it in parts.".into()));
        }
        text.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn of_multipart(error: &MultipartError) -> AppError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return AppError::TooLarge("The form is too large.".into());
    }
    broken_off(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_no_message_is_a_text_to_scripts_of_old_alone() {
        for json in ["", "1", "[]", "\"x\"", "{}", r#"{"text":"x"}"#, &"[".repeat(100_000)] {
            assert!(of_json(json.as_bytes(), JsonRule::IfItIsAMessage).unwrap().is_none(), "{json:.20}");
            let refused = of_json(json.as_bytes(), JsonRule::Required);
            assert!(matches!(refused, Err(AppError::Malformed(_))), "{json:.20}");
        }
        let id = "01920000-0001-7fff-bfff-ffffffffffff";
        let json = format!(r#"{{"body":"hi","client_message_id":"{id}","attachments":[],"more":1}}"#);
        let posting = of_json(json.as_bytes(), JsonRule::IfItIsAMessage).unwrap().unwrap();
        assert_eq!((posting.text.as_str(), posting.client_message_id.unwrap().as_str()), ("hi", id));
        for json in [
            r#"{"body":1}"#,
            r#"{"body":"x","client_message_id":"1"}"#,
            r#"{"body":"x","client_message_id":1}"#,
            r#"{"attachments":"x"}"#,
            r#"{"attachments":["x"]}"#,
            r#"{"body":"x","reply_to":0}"#,
            r#"{"body":"x","reply_to":-1}"#,
            r#"{"body":"x","reply_to":1.5}"#,
            r#"{"body":"x","reply_to":"41"}"#,
        ] {
            let refused = of_json(json.as_bytes(), JsonRule::Required);
            assert!(matches!(refused, Err(AppError::Invalid(_))), "{json}");
        }
    }
}
