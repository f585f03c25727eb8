//! The outbox: messages that the server has not acknowledged yet.
//!
//! A message is put into the outbox before it is sent, and removed when the server has responded. The outbox is kept in
//! the browser's storage, so it survives a reload. Messages are sent one at a time, in the order of writing, and retried
//! until the server responds: it stores each id once, so retries are idempotent.

use std::cell::RefCell;
use std::time::Duration;

use campfire::AppError;
use campfire::model::{Answering, ClientMessageId, FileKey, MessageId, Posted, RoomId, UserId};
use campfire::protocol::{RoomEnd, ServerEvent};
use futures::channel::oneshot;
use futures::future::select;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::uploads::{Upload, Uploads};
use crate::{api, browser, live};

/// How long a response may take before the message is sent again.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before the first retry, in milliseconds. It doubles with each further one.
const MIN_PAUSE_MS: u64 = 1_000;

/// Maximum pause between two retries, in milliseconds.
const MAX_PAUSE_MS: u64 = 15_000;

/// The message that a new one replies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The author of the message.
    pub author: String,
    /// Its first words.
    pub words: String,
    /// The message.
    pub message_id: MessageId,
}

/// A message that the server has not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The id under which the server stores it once.
    pub client_message_id: ClientMessageId,
    /// The room it was written in.
    pub room_id: RoomId,
    /// The name of the room at that time.
    #[serde(default)]
    pub room_name: String,
    /// Its text as typed.
    pub body: String,
    /// The thread that it is an answer in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answering: Option<Answering>,
    /// Its files, as they were when it was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Upload>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// Why the server refused it; it is sent again only when the user retries.
    pub failed: Option<String>,
    /// Whether it is a message although it begins like a command.
    #[serde(default)]
    pub as_message: bool,
    /// What became of the room, as a clause like "which was deleted": the message can no longer be sent.
    #[serde(default)]
    pub gone: Option<String>,
    /// Whether the last attempt did not reach the server; the next one is scheduled.
    #[serde(skip)]
    pub waiting: bool,
}

impl Outgoing {
    const fn is_to_be_sent(&self) -> bool {
        self.failed.is_none() && self.gone.is_none()
    }
}

/// What became of a room that the user is no longer in, as a clause.
fn gone(end: Option<&RoomEnd>) -> &'static str {
    match end {
        Some(RoomEnd { is_deleted: true, .. }) => "which was deleted",
        Some(RoomEnd { is_deleted: false, .. }) => "which you are no longer in",
        None => "which was deleted, or which you are no longer in",
    }
}

/// The outgoing messages, in the order of writing.
#[derive(Clone, Copy)]
pub struct Outbox {
    user_id: UserId,
    uploads: Uploads,
    items: RwSignal<Vec<Outgoing>>,
}

thread_local! {
    /// The state of the one task that sends.
    static SENDER: RefCell<Sender> = const { RefCell::new(Sender::Idle) };
}

enum Sender {
    Idle,
    Sending,
    /// Waiting before a retry; the channel ends the pause.
    Pausing(oneshot::Sender<()>),
}

impl Outbox {
    /// An empty outbox. In the browser, an effect loads the stored messages.
    pub fn new(user_id: UserId, uploads: Uploads) -> Self {
        let outbox = Self { user_id, uploads, items: RwSignal::new(Vec::new()) };
        Effect::new(move |_| {
            let stored = outbox.stored();
            uploads.resume(stored.iter().flat_map(|item| item.files.clone()).collect());
            outbox.items.set(stored);
            browser::listen_forever(&window(), "storage", move |event: web_sys::StorageEvent| {
                // A removed entry: another tab sent or discarded the message.
                if let (Some(key), None) = (event.key(), event.new_value()) {
                    outbox.items.update(|items| items.retain(|item| outbox.key(&item.client_message_id) != key));
                }
            });
            outbox.send();
        });
        outbox
    }

    /// The outgoing messages of a room, or of the thread with this root.
    pub fn of_room(&self, room_id: RoomId, thread: Option<MessageId>) -> Vec<Outgoing> {
        let is_here = |item: &&Outgoing| {
            let root_id = item.answering.map(|answering| answering.message_id);
            item.room_id == room_id && root_id == thread && item.gone.is_none()
        };
        self.items.with(|items| items.iter().filter(is_here).cloned().collect())
    }

    /// Reads the messages that can no longer be sent.
    pub fn with_unsendable<T>(&self, read: impl FnOnce(&[&Outgoing]) -> T) -> T {
        self.items.with(|items| read(&items.iter().filter(|item| item.gone.is_some()).collect::<Vec<_>>()))
    }

    /// Gives up the messages of a room that the user is no longer in.
    pub fn room_ended(self, room_id: RoomId, end: Option<&RoomEnd>) {
        let ids: Vec<_> = self.items.with_untracked(|items| {
            let waiting = items.iter().filter(|item| item.room_id == room_id && item.gone.is_none());
            waiting.map(|item| item.client_message_id.clone()).collect()
        });
        for id in ids {
            self.change(&id, |item| item.gone = Some(gone(end).to_owned()));
        }
    }

    /// Adds a message and sends it, as soon as its files have arrived.
    pub fn push(
        self,
        room_id: RoomId,
        answering: Option<Answering>,
        room_name: String,
        body: String,
        files: Vec<Upload>,
        reply: Option<Reply>,
    ) {
        let client_message_id = browser::new_client_message_id();
        let item = Outgoing {
            client_message_id,
            room_id,
            room_name,
            body,
            answering,
            files,
            reply,
            failed: None,
            as_message: false,
            gone: None,
            waiting: false,
        };
        self.store(&item);
        self.items.update(|items| items.push(item));
        self.send();
    }

    /// Does what a button of a failed message says: sends it again, also as a message what was refused as a command, sends
    /// it without the refused files, or discards it.
    pub fn handle(self, action: &str, id: &ClientMessageId) {
        match action {
            "retry" | "send-as-message" => {}
            "send-without" => return self.send_without(id),
            "discard" => return self.discard(id),
            _ => return,
        }
        self.change(id, |item| {
            item.failed = None;
            item.as_message |= action == "send-as-message";
        });
        for file in self.files_of(id).into_iter().filter(|file| file.failed.is_some()) {
            self.uploads.retry(&file.id);
        }
        self.send();
    }

    /// Sends a failed message without the files that were refused.
    fn send_without(self, id: &ClientMessageId) {
        let refused: Vec<_> =
            self.files_of(id).into_iter().filter(|file| file.failed.is_some()).map(|file| file.id).collect();
        self.change(id, |item| {
            item.failed = None;
            item.files.retain(|file| !refused.contains(&file.id));
        });
        self.uploads.forget(&refused);
        // Without text and files, nothing is left of it.
        let is_empty = self.items.with_untracked(|items| {
            items.iter().any(|item| item.client_message_id == *id && item.files.is_empty() && item.body.is_empty())
        });
        if is_empty {
            self.remove(id);
        }
        self.send();
    }

    /// Removes a failed message.
    pub fn discard(self, id: &ClientMessageId) {
        self.remove(id);
    }

    /// The files of a message as they are now.
    pub fn files_of(self, id: &ClientMessageId) -> Vec<Upload> {
        let ids: Vec<_> = self.items.with(|items| {
            let item = items.iter().find(|item| item.client_message_id == *id);
            item.map(|item| item.files.iter().map(|file| file.id.clone()).collect()).unwrap_or_default()
        });
        self.uploads.of(&ids)
    }

    /// Sends the waiting messages without further pause.
    pub fn send(self) {
        let is_idle = SENDER.with_borrow_mut(|sender| match std::mem::replace(sender, Sender::Sending) {
            Sender::Idle => true,
            Sender::Sending => false,
            Sender::Pausing(wake) => {
                let _ = wake.send(());
                false
            }
        });
        if is_idle {
            spawn_local(async move {
                self.send_all().await;
                SENDER.set(Sender::Idle);
            });
        }
    }

    async fn send_all(self) {
        let mut pause_ms = MIN_PAUSE_MS;
        loop {
            // What waits for files is sent when they have arrived.
            let Some((item, keys)) = self.next() else { return };
            let id = item.client_message_id;
            let person = Some(self.user_id);
            let Outgoing { room_id, body, as_message, answering, reply, .. } = item;
            let reply_to = reply.map(|reply| reply.message_id);
            let posting = api::post_message(room_id, id.clone(), body, keys, reply_to, as_message, person, answering);
            let response = browser::timeout(RESPONSE_TIMEOUT, posting).await;
            match response.unwrap_or(Err(AppError::Unreachable)) {
                Ok(posted) => {
                    pause_ms = MIN_PAUSE_MS;
                    // Both lists change in the same turn: the message does not flicker.
                    if let Some(Posted::Stored(message)) = posted {
                        live::deliver(&match answering {
                            Some(Answering { message_id: root_id, .. }) => {
                                ServerEvent::ThreadAnswer { seq: 0, at: 0, root_id, is_new: true, message }
                            }
                            None => ServerEvent::MessagePosted { seq: 0, at: 0, message },
                        });
                    }
                    self.remove(&id);
                }
                // Sent too fast: the server says how long to wait, and another message must not end the wait.
                Err(AppError::TooManyTries(seconds)) => {
                    self.change(&id, |item| item.waiting = true);
                    browser::sleep(Duration::from_secs(seconds.into())).await;
                }
                Err(error) if error.is_transient() => {
                    self.change(&id, |item| item.waiting = true);
                    let (wake, woken) = oneshot::channel();
                    SENDER.set(Sender::Pausing(wake));
                    select(Box::pin(browser::sleep(Duration::from_millis(pause_ms))), woken).await;
                    SENDER.set(Sender::Sending);
                    pause_ms = (pause_ms * 2).min(MAX_PAUSE_MS);
                }
                // The message waits here for its writer, also where somebody else has signed in.
                Err(AppError::SignedOut) => return live::sign_out(),
                Err(AppError::NotFound) => self.change(&id, |item| {
                    item.gone.get_or_insert_with(|| gone(None).to_owned());
                }),
                Err(error) => self.change(&id, |item| {
                    item.failed = Some(error.to_string());
                    item.waiting = false;
                }),
            }
        }
    }

    /// The first message that can be sent now, and the keys of its files. A message whose files have not arrived holds back
    /// the later ones of its room, so that they stay in order, and those of no other room.
    fn next(self) -> Option<(Outgoing, Vec<FileKey>)> {
        let mut waiting_rooms = Vec::new();
        let items = self.items.get_untracked();
        for item in items.into_iter().filter(Outgoing::is_to_be_sent) {
            if waiting_rooms.contains(&item.room_id) {
                continue;
            }
            let files = untrack(|| self.files_of(&item.client_message_id));
            let refused = files.iter().find(|file| file.failed.is_some());
            if let Some(refused) = refused {
                let reason = format!("“{}”: {}", refused.name, refused.state_text());
                self.change(&item.client_message_id, |item| item.failed = Some(reason));
                continue;
            }
            let keys: Vec<_> = item
                .files
                .iter()
                .filter_map(|file| files.iter().find(|now| now.id == file.id)?.key.clone().or_else(|| file.key.clone()))
                .collect();
            if keys.len() == item.files.len() {
                return Some((item, keys));
            }
            waiting_rooms.push(item.room_id);
        }
        None
    }

    fn change(self, id: &ClientMessageId, change: impl FnOnce(&mut Outgoing)) {
        self.items.update(|items| {
            if let Some(item) = items.iter_mut().find(|item| item.client_message_id == *id) {
                change(item);
                self.store(item);
            }
        });
    }

    fn remove(self, id: &ClientMessageId) {
        let files: Vec<_> = untrack(|| self.files_of(id)).into_iter().map(|file| file.id).collect();
        self.uploads.forget(&files);
        if let Some(storage) = browser::storage() {
            let _ = storage.remove_item(&self.key(id));
        }
        self.items.update(|items| items.retain(|item| item.client_message_id != *id));
    }

    /// The key of a message in the storage. One entry per message: concurrent tabs do not overwrite each other's.
    fn key(self, id: &ClientMessageId) -> String {
        format!("campfire:outbox:{}:{id}", self.user_id)
    }

    fn store(self, item: &Outgoing) {
        if let (Some(storage), Ok(json)) = (browser::storage(), serde_json::to_string(item)) {
            let _ = storage.set_item(&self.key(&item.client_message_id), &json);
        }
    }

    fn stored(self) -> Vec<Outgoing> {
        let Some(storage) = browser::storage() else { return Vec::new() };
        let prefix = format!("campfire:outbox:{}:", self.user_id);
        let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok().flatten());
        let mut items: Vec<Outgoing> = keys
            .filter(|key| key.starts_with(&prefix))
            .filter_map(|key| serde_json::from_str(&storage.get_item(&key).ok()??).ok())
            .collect();
        items.sort_by(|a, b| a.client_message_id.cmp(&b.client_message_id));
        items
    }
}
