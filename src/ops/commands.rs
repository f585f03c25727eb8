//! Slash commands: what people send that calls a bot, and the notes that only they see.
//!
//! A call is no message: it is delivered to the webhook of the bot, by the same durable queue as messages that mention it.
//! What the bot answers becomes a message, or a note to the caller alone, which is stored nowhere.

use sha2::{Digest, Sha256};

use crate::access::Member;
use crate::facts::Fact;
use crate::html::HtmlWriter;
use crate::model::{Answers, Call, ClientMessageId, CommandWord, Draft, FileKey, Posted, Role, RoomId, UserId};
use crate::ops::messages;
use crate::state::AppState;
use crate::store::commands::NewCall;
use crate::store::webhooks::{DeliveredMessage, DueDelivery};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_exempt};

/// The field of the errors of a text that begins like a command and cannot be one. It can be sent as a message.
pub const COMMAND_FIELD: &str = "command";

/// Posts what a person sends, or calls the bot whose command it is, and returns `None` then. With `as_message`, it is a message whatever it begins
/// with. The text of a bot is always a message. A message is an answer to what `answers` names; a command is called in the
/// room all the same.
///
/// Idempotent by `client_message_id`, like [`messages::post`]; a call is remembered for as long as its delivery, seven
/// days.
///
/// # Errors
/// Those of [`messages::post_with_files`]; `Invalid` with the field [`COMMAND_FIELD`] when no bot of the room has the
/// command, or cannot be reached, or files come with it.
pub async fn send(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    text: &str,
    keys: Vec<FileKey>,
    answers: Answers,
    as_message: bool,
) -> AppResult<Option<Posted>> {
    let call = Call::read(text).filter(|_| !as_message && member.user.role != Role::Bot);
    let Some(call) = call else {
        return messages::post_with_files(state, member, client_message_id, text, keys, answers).await.map(Some);
    };
    if !keys.is_empty() {
        let reason = format!("The command /{} takes no files. Remove them, or send this as a message.", call.word);
        return Err(AppError::invalid(COMMAND_FIELD, reason));
    }
    // As long as a message may be.
    let typed: Draft = text.parse()?;
    let (room_id, caller_id, word) = (member.room.id, member.user.id, call.word);
    let digest = Sha256::new().chain_update(room_id.0.to_be_bytes()).chain_update(typed.as_str()).finalize().into();
    let call = async move |tx: &mut Tx, _: Member| {
        tx.changes_nothing_visible();
        if let Some(sent) = store::commands::find_sent(tx.db(), caller_id, &client_message_id).await? {
            let is_same = sent == digest;
            return if is_same { Ok(None) } else { Err(AppError::Conflict(REUSED.to_owned())) };
        }
        let bot = store::commands::find_called(tx.db(), room_id, &word).await?;
        let bot = bot.ok_or_else(|| unknown(&word))?;
        if !bot.is_reachable {
            let reason = format!("{} takes no commands at the moment: its webhook is off or missing.", bot.name);
            return Err(AppError::invalid(COMMAND_FIELD, reason));
        }
        let html = note(&bot.name, &[("Sent: ", &first_line(typed.as_str()))]);
        let call = typed.as_str().to_owned();
        let new = NewCall { bot_id: bot.id, room_id, caller_id, client_message_id, call, digest };
        let now_ms = tx.now_ms();
        store::commands::queue(tx.db(), &new, now_ms).await?;
        tx.record(Fact::DeliveriesQueued { bot_ids: vec![bot.id] }).await?;
        tx.record(Fact::NoteWritten { user_id: caller_id, room_id, html }).await?;
        Ok(None)
    };
    write_as(state, member, call).await
}

const REUSED: &str = "That message's id was used for another message.";

fn unknown(word: &CommandWord) -> AppError {
    AppError::invalid(COMMAND_FIELD, format!("Nothing in this room has the command /{word}. Send it as a message?"))
}

/// The words that can be called in the member's room, sorted, each with the name of its bot.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, member: &Member) -> AppResult<Vec<(String, String)>> {
    Ok(store::commands::list_of_room(state.db.reader(), member.room.id).await?)
}

/// Replaces the words of a bot.
///
/// # Errors
/// `Invalid` with the field `commands` when another bot has one of them.
pub(super) async fn store_words(tx: &mut Tx, bot_id: UserId, words: &[CommandWord]) -> AppResult<()> {
    if let Some((word, name)) = store::commands::find_taken(tx.db(), bot_id, words).await? {
        return Err(AppError::invalid(
            "commands",
            format!("The command /{word} is one of {name}. Choose another word."),
        ));
    }
    store::commands::set(tx.db(), bot_id, words).await?;
    Ok(())
}

/// The call of a delivery: its word, and the message that it is delivered as, whose text is what follows the word. `None`
/// if its caller or its bot is not in the room any more.
///
/// # Errors
/// When the database does not answer.
pub async fn find_call(state: &AppState, delivery_id: i64) -> AppResult<Option<(CommandWord, DeliveredMessage)>> {
    let Some(mut message) = store::commands::find_call(state.db.reader(), delivery_id).await? else { return Ok(None) };
    let typed = std::mem::take(&mut message.body_text);
    let call = Call::read(&typed).ok_or(AppError::Internal)?;
    message.body_text = call.text.to_owned();
    let mut html = HtmlWriter::new();
    html.markup("<p>").text(call.text).markup("</p>");
    message.body_html = html.into_string();
    Ok(Some((call.word, message)))
}

/// Shows the answer to a call to its caller alone, rendered like a message.
///
/// # Errors
/// When the database does not answer.
pub async fn answer_caller(state: &AppState, due: &DueDelivery, caller_id: UserId, text: &str) -> AppResult<()> {
    let Ok(draft) = text.parse() else { return Ok(()) };
    let body = messages::render_note(state, draft).await?;
    let mut html = HtmlWriter::new();
    begin(&mut html, &due.bot_name).markup(r#"<div class="note__body message__body" dir="auto">"#);
    html.raw(&body).markup("</div>").markup(END);
    write(state, caller_id, due.room_id, html.into_string()).await
}

/// Tells a caller what became of a call.
///
/// # Errors
/// When the database does not answer.
pub async fn tell_caller(state: &AppState, due: &DueDelivery, caller_id: UserId, words: &str) -> AppResult<()> {
    write(state, caller_id, due.room_id, note(&due.bot_name, &[("", words)])).await
}

async fn write(state: &AppState, user_id: UserId, room_id: RoomId, html: String) -> AppResult<()> {
    let write = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        // Who is not in the room any more learns nothing of it.
        if store::memberships::find(tx.db(), user_id, room_id).await?.is_some() {
            tx.record(Fact::NoteWritten { user_id, room_id, html }).await?;
        }
        Ok(())
    };
    write_exempt(state, Exempt::Operator, write).await
}

/// A note as HTML: a line for each text, with words of ours before it.
fn note(bot_name: &str, lines: &[(&str, &str)]) -> String {
    let mut html = HtmlWriter::new();
    begin(&mut html, bot_name);
    for (before, text) in lines {
        html.markup("<p>").text(before).markup("<bdi>").text(text).markup("</bdi></p>");
    }
    html.markup(END);
    html.into_string()
}

fn begin<'h>(html: &'h mut HtmlWriter, bot_name: &str) -> &'h mut HtmlWriter {
    html.markup(r#"<div class="note" role="alert"><p class="note__from"><bdi>"#).text(bot_name);
    html.markup("</bdi> · only you see this</p>")
}

/// The end of a note.
const END: &str = r#"<button type="button" class="button--quiet" data-action="dismiss">Dismiss</button></div>"#;

/// The first line of what was typed, cut for a note.
fn first_line(typed: &str) -> String {
    const MAX_CHARS: usize = 80;
    let line = typed.trim().lines().next().unwrap_or_default();
    let is_cut = line.len() < typed.trim().len() || line.chars().nth(MAX_CHARS).is_some();
    let mut short: String = line.chars().take(MAX_CHARS).collect();
    if is_cut {
        short.push('…');
    }
    short
}
