//! Posting messages.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::render::render;
use crate::access::Member;
use crate::facts::Fact;
use crate::model::{
    Answer, Answering, Answers, Attachment, ClientMessageId, Draft, FileForm, FileKey, MAX_FILES, Message, MessageId,
    Posted, RoomId, RoomKind, UserId,
};
use crate::ops::inbox::{self, NewlyPosted};
use crate::ops::permissions::{require_credential, write_as, write_message};
use crate::ops::threads;
use crate::richtext::{Body, Mention, Rendered, answer_link_html, extras_html};
use crate::state::AppState;
use crate::store::messages::{Inserted, NewMessage};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// Whether a message is sent to the webhooks of the bots that hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Webhooks {
    /// In a direct room to all its bots, elsewhere to those whom it mentions.
    Triggered,
    /// To none: it is the answer of one.
    Quiet,
}

/// Side effects of a posted message.
struct Consequences {
    mentions: Vec<Mention>,
    links: Vec<String>,
    webhooks: Webhooks,
    is_direct: bool,
}

impl Consequences {
    fn new(member: &Member, webhooks: Webhooks, mentions: Vec<Mention>, links: Vec<String>) -> Self {
        Self { mentions, links, webhooks, is_direct: member.room.kind == RoomKind::Direct }
    }
}

/// Posts `draft` in the member's room.
///
/// Idempotent: the same `client_message_id` with the same text returns the message of the first call.
///
/// # Errors
/// `Conflict` when that id was used with another text or in another room; `SignedOut` or `NotFound` when the session or
/// the membership ended meanwhile.
pub async fn post(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    draft: Draft,
) -> AppResult<Posted> {
    post_draft(state, member, client_message_id, draft, None, Webhooks::Triggered).await
}

/// Posts `draft` like [`post`], without telling any webhook.
///
/// # Errors
/// Those of [`post`].
pub(in crate::ops) async fn post_quietly(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    draft: Draft,
) -> AppResult<Posted> {
    post_draft(state, member, client_message_id, draft, None, Webhooks::Quiet).await
}

async fn post_draft(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    draft: Draft,
    reply_to: Option<MessageId>,
    webhooks: Webhooks,
) -> AppResult<Posted> {
    let sent_digest = digest(member.room.id, &draft, &[], Answers { reply_to, thread: None });
    require_answerable(state, member, reply_to).await?;
    let Rendered { body, mentions, links } = render(state, member.room.id, draft, Vec::new()).await?;
    let new = new_message(state, member, client_message_id, sent_digest, body);
    let message = Arc::new(NewMessage { reply_to, ..new });
    let new = message.clone();
    let consequences = Consequences::new(member, webhooks, mentions, links);
    let finish = async move |tx: &mut Tx, inserted| finish_post(tx, inserted, &new, consequences, Vec::new()).await;
    write_message(state, member, message, finish).await
}

/// A message of the member, who is in the room. It answers nothing.
fn new_message(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    sent_digest: [u8; 32],
    body: Body,
) -> NewMessage {
    NewMessage {
        room_id: member.room.id,
        creator_id: member.user.id,
        credential: member.credential,
        client_message_id,
        sent_digest,
        body,
        answer: None,
        created_at: state.clock.now_ms(),
        reply_to: None,
        is_reading: true,
    }
}

/// Posts `draft` like [`post`] for a member who is not there: what they have not read stays unread.
///
/// # Errors
/// Those of [`post`].
pub(in crate::ops) async fn post_absent(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    draft: Draft,
) -> AppResult<Posted> {
    let sent_digest = digest(member.room.id, &draft, &[], Answers::default());
    let Rendered { body, mentions, links } = render(state, member.room.id, draft, Vec::new()).await?;
    let new = new_message(state, member, client_message_id, sent_digest, body);
    let new = NewMessage { is_reading: false, ..new };
    let consequences = Consequences::new(member, Webhooks::Triggered, mentions, links);
    // By itself, and not with the other messages of a commit: one of them may be what the member has not read.
    let write = async move |tx: &mut Tx, _| {
        let inserted = store::messages::insert_all(tx.db(), &[&new]).await?.pop().flatten();
        if let Some(inserted) = &inserted {
            tx.index(inserted.id, new.body.text.len());
        }
        finish_post(tx, inserted, &new, consequences, Vec::new()).await
    };
    write_as(state, member, write).await
}

/// The message that `draft` became in this room, if it was posted there with this id; also one that was removed since.
pub(in crate::ops) async fn find_posted(
    tx: &mut Tx,
    (creator_id, room_id): (UserId, RoomId),
    client_message_id: &ClientMessageId,
    draft: &Draft,
) -> AppResult<Option<MessageId>> {
    let sent_digest = digest(room_id, draft, &[], Answers::default());
    let sent = store::messages::find_sent(tx.db(), creator_id, client_message_id).await?;
    Ok(sent.filter(|sent| sent.sent_digest == sent_digest).map(|sent| sent.message_id))
}

/// Posts `text`, perhaps with files, in the member's room, as an answer to what `answers` names, if to anything. The files
/// are complete uploads of the member, in this order.
///
/// Idempotent, like [`post`]. A message that was removed can be answered: it may have been there when the answer was begun.
/// Whoever answers in a thread follows it, and so does the author of its root from the first answer on.
///
/// # Errors
/// Those of [`post`]; `Invalid` for an upload that is not complete, was sent before, or has expired, and for an answer to
/// what is not in the room; of an answer in a thread, `Conflict` when its root is not in the room any more, and `Invalid` in
/// a direct room.
pub async fn post_with_files(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    text: &str,
    keys: Vec<FileKey>,
    answers: Answers,
) -> AppResult<Posted> {
    if keys.is_empty() && answers.thread.is_none() {
        let draft = text.parse()?;
        return post_draft(state, member, client_message_id, draft, answers.reply_to, Webhooks::Triggered).await;
    }
    post_checked(state, member, client_message_id, text, keys, answers, Webhooks::Triggered).await
}

/// Posts `text`, perhaps with files, in the room or as an answer in a thread, without telling any webhook.
///
/// # Errors
/// Those of [`post_with_files`].
pub(in crate::ops) async fn send_quietly(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    answering: Option<Answering>,
    text: &str,
    keys: Vec<FileKey>,
) -> AppResult<Posted> {
    if keys.is_empty() && answering.is_none() {
        return post_quietly(state, member, client_message_id, text.parse()?).await;
    }
    let answers = Answers { thread: answering, ..Answers::default() };
    post_checked(state, member, client_message_id, text, keys, answers, Webhooks::Quiet).await
}

/// Posts a message whose files and thread are checked in the write.
async fn post_checked(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    text: &str,
    keys: Vec<FileKey>,
    answers: Answers,
    webhooks: Webhooks,
) -> AppResult<Posted> {
    if keys.len() > MAX_FILES || keys.iter().collect::<HashSet<_>>().len() < keys.len() {
        return Err(AppError::invalid("files", "A message has at most 10 files, each once. Send the rest in another."));
    }
    let draft = if keys.is_empty() { text.parse()? } else { Draft::beside_files(text)? };
    let sent_digest = digest(member.room.id, &draft, &keys, answers);
    let Answers { reply_to, thread: answering } = answers;
    require_answerable(state, member, reply_to).await?;
    let Rendered { body, mentions, links } = render(state, member.room.id, draft, Vec::new()).await?;
    let new = new_message(state, member, client_message_id, sent_digest, body);
    let mut new = NewMessage { reply_to, ..new };
    let consequences = Consequences::new(member, webhooks, mentions, links);
    // Not the way of other messages, which are inserted before anything is validated: that would roll back all of a commit
    // for one bad file.
    let write = async move |tx: &mut Tx, member: Member| {
        if store::messages::find_sent(tx.db(), new.creator_id, &new.client_message_id).await?.is_some() {
            return finish_post(tx, None, &new, consequences, Vec::new()).await;
        }
        let now_ms = tx.now_ms();
        let mut usable = store::files::list_usable(tx.db(), new.creator_id, &keys, now_ms).await?;
        usable.sort_by_key(|upload| keys.iter().position(|key| *key == upload.key));
        if usable.len() < keys.len() {
            let words = "A file is not here any more, or was sent already. Remove it and choose it again.";
            return Err(AppError::invalid("files", words));
        }
        let names: Vec<_> = usable.into_iter().map(|upload| (upload.key, upload.name)).collect();
        let kinds = store::files::list_types(tx.db(), &keys).await?;
        new.body = new.body.beside_files(
            names
                .iter()
                .map(|(key, name)| (name.as_str(), kinds.get(key).map_or(FileForm::Other, |kind| FileForm::of(kind)))),
        );
        let thread = match answering {
            Some(answering) => Some(threads::begin(tx, &member, answering).await?),
            None => None,
        };
        new.answer = thread.map(|thread| thread.answer);
        let inserted = store::messages::insert_all(tx.db(), &[&new]).await?.pop().flatten();
        let Some(inserted) = inserted else {
            // What was begun for an answer goes with the error.
            return if thread.is_some() {
                Err(AppError::Internal)
            } else {
                finish_post(tx, None, &new, consequences, Vec::new()).await
            };
        };
        tx.index(inserted.id, new.body.text.len());
        store::files::attach(tx.db(), new.room_id, inserted.id, &names).await?;
        let files = store::files::list_of_message(tx.db(), inserted.id).await?;
        if !files.is_empty() || new.answer.is_some_and(|answer| answer.in_room) {
            let mut extras_html = extras_html(&files);
            if let Some(Answer { root_id, in_room: true }) = new.answer {
                extras_html += &answer_link_html(new.room_id, root_id, inserted.id);
            }
            store::files::note_extras(tx.db(), inserted.id, &extras_html, None).await?;
        }
        if let Some(thread) = thread {
            threads::count_answer(tx, &member, thread, inserted.id, new.created_at).await?;
        }
        finish_post(tx, Some(inserted), &new, consequences, files).await
    };
    write_as(state, member, write).await
}

/// The rest of the write, after the message was inserted or rejected.
async fn finish_post(
    tx: &mut Tx,
    inserted: Option<Inserted>,
    new: &NewMessage,
    consequences: Consequences,
    files: Vec<Attachment>,
) -> AppResult<Posted> {
    let Some(Inserted { id, creator_name, seq, caught_up }) = inserted else {
        tx.changes_nothing_visible();
        return resolve_rejected(tx, new).await;
    };
    let Consequences { mentions, links, webhooks, is_direct } = consequences;
    let has_extras = !files.is_empty() || new.answer.is_some_and(|answer| answer.in_room);
    let (message, mentioned) = if mentions.is_empty() && !has_extras && new.reply_to.is_none() {
        (without_mentions(id, new, creator_name), Vec::new())
    } else {
        let mentioned = store::mentions::replace(tx.db(), new.room_id, id, &mentions).await?;
        let stored = store::messages::find(tx.db(), new.room_id, id).await?;
        (stored.ok_or(AppError::Internal)?, mentioned)
    };
    // Of a picture without a size no preview can be made.
    let pictures = files.into_iter().filter(|file| file.form() == FileForm::Picture && file.size.is_some());
    let pictures = pictures.map(|file| file.key).collect();
    // Most messages concern no bot, and cost no query for that.
    if webhooks == Webhooks::Triggered && (is_direct || !mentioned.is_empty()) {
        let now_ms = tx.now_ms();
        let among = Some(mentioned.as_slice()).filter(|_| !is_direct);
        let bot_ids = store::webhooks::queue(tx.db(), new.room_id, id, new.creator_id, among, now_ms).await?;
        if !bot_ids.is_empty() {
            tx.record(Fact::DeliveriesQueued { bot_ids }).await?;
        }
    }
    let answered = match new.reply_to {
        Some(reply_to) => store::messages::find_creator(tx.db(), new.room_id, reply_to).await?,
        None => None,
    };
    let followers = match new.answer {
        Some(Answer { root_id, .. }) => store::threads::mark_unread(tx.db(), root_id, new.creator_id).await?,
        None => Vec::new(),
    };
    let creator_id = new.creator_id;
    let posted = NewlyPosted {
        room_id: new.room_id,
        is_direct,
        message_id: id,
        creator_id,
        mentioned: &mentioned,
        answered,
        followers: &followers,
    };
    let inbox = inbox::insert_posted(tx, &posted).await?;
    match new.answer {
        None => {
            let message = message.clone();
            tx.record(Fact::MessagePosted { seq, message, mentioned, caught_up, pictures, inbox }).await?;
        }
        Some(answer) => {
            if answer.in_room {
                let (message, mentioned) = (message.clone(), mentioned.clone());
                let (pictures, inbox) = (Vec::new(), Vec::new());
                tx.record(Fact::MessagePosted { seq, message, mentioned, caught_up, pictures, inbox }).await?;
            }
            let message = message.clone();
            tx.record(Fact::ThreadAnswered { seq, message, answer, mentioned, followers, pictures, inbox }).await?;
        }
    }
    if caught_up && store::inbox::mark_passed(tx.db(), creator_id, new.room_id, id).await? > 0 {
        tx.record(Fact::InboxChanged { user_ids: vec![creator_id], room_id: None }).await?;
    }
    if !links.is_empty() && store::previews::insert(tx.db(), id, &links).await? {
        tx.record(Fact::LinksPosted { message_id: id }).await?;
    }
    Ok(Posted::Stored(message))
}

/// The reason why a message was not inserted: the result of an earlier call with the same id, or an error.
async fn resolve_rejected(tx: &mut Tx, new: &NewMessage) -> AppResult<Posted> {
    require_credential(tx, new.credential, new.creator_id).await?;
    store::memberships::find(tx.db(), new.creator_id, new.room_id).await?.ok_or(AppError::NotFound)?;
    let sent = store::messages::find_sent(tx.db(), new.creator_id, &new.client_message_id).await?;
    let sent = sent.ok_or(AppError::Internal)?;
    if sent.sent_digest != new.sent_digest {
        return Err(AppError::Conflict("That message's id was used for another message.".into()));
    }
    if sent.removed {
        return Ok(Posted::Removed(sent.message_id));
    }
    let stored = store::messages::find(tx.db(), new.room_id, sent.message_id).await?;
    stored.map(Posted::Stored).ok_or(AppError::Internal)
}

/// A new message without mentions as a query would return it; saves that query.
fn without_mentions(id: MessageId, new: &NewMessage, creator_name: String) -> Message {
    Message {
        id,
        room_id: new.room_id,
        creator_id: new.creator_id,
        creator_name,
        client_message_id: Some(new.client_message_id.clone()),
        body_html: new.body.html.clone(),
        revision: 1,
        created_at: new.created_at,
        boosts_html: String::new(),
        boosts_seq: 0,
        extras_html: String::new(),
        extras_seq: 0,
        reply_to: None,
        reply_html: String::new(),
    }
}

/// Checks that a message is, or was, in the member's room, so that it can be answered there. It never comes to another
/// room, and a later removal does no harm: the write need not check it again.
async fn require_answerable(state: &AppState, member: &Member, reply_to: Option<MessageId>) -> AppResult<()> {
    let Some(message_id) = reply_to else { return Ok(()) };
    let is_there = match store::messages::find_room(state.db.reader(), message_id).await? {
        Some(room_id) => room_id == member.room.id,
        None => store::messages::was_removed(state.db.reader(), message_id).await?,
    };
    if is_there { Ok(()) } else { Err(AppError::invalid("reply_to", "The message to answer is not in this room.")) }
}

/// Digest of the room, the text, the files and what is answered as sent, which tells a retry from another message with the
/// same id.
fn digest(room_id: RoomId, draft: &Draft, keys: &[FileKey], answers: Answers) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(room_id.0.to_be_bytes());
    hasher.update(draft.as_str());
    for key in keys {
        // NUL cannot be in a text.
        hasher.update("\0");
        hasher.update(key.as_str());
    }
    if let Some(message_id) = answers.reply_to {
        hasher.update("\0@");
        hasher.update(message_id.0.to_be_bytes());
    }
    if let Some(Answering { message_id, in_room }) = answers.thread {
        hasher.update("\0\0");
        hasher.update(message_id.0.to_be_bytes());
        hasher.update([u8::from(in_room)]);
    }
    hasher.finalize().into()
}
