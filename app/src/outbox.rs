//! What was written and is not yet known to be stored.
//!
//! A message enters the outbox before anything is sent and leaves it when the server has answered. It survives a
//! reload, goes out in the order of writing, one at a time, and is tried again until an answer comes: the server stores
//! an id once, so a repeat is harmless.

use std::cell::RefCell;
use std::time::Duration;

use campfire::AppError;
use campfire::model::{ClientMessageId, Posted, RoomId, UserId};
use campfire::protocol::ServerEvent;
use futures::channel::oneshot;
use futures::future::select;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::{api, browser, live};

/// How long an answer may take before the message is sent again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The first and the longest pause between two tries.
const PAUSE_MS: (u64, u64) = (1_000, 15_000);

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    pub client_message_id: ClientMessageId,
    pub room_id: RoomId,
    pub body: String,
    /// Why it cannot be stored; nobody tries again unasked.
    pub failed: Option<String>,
    /// A try did not reach the server; the next one comes by itself.
    #[serde(skip)]
    pub waiting: bool,
}

/// The messages on their way, in the order of writing.
#[derive(Clone, Copy)]
pub struct Outbox {
    user_id: UserId,
    items: RwSignal<Vec<Outgoing>>,
}

thread_local! {
    /// Cuts the pause between two tries short; also says that somebody is sending.
    static SENDER: RefCell<Sender> = const { RefCell::new(Sender::Idle) };
}

enum Sender {
    Idle,
    Sending,
    Pausing(oneshot::Sender<()>),
}

impl Outbox {
    /// An empty outbox. In the browser, an effect fills it with what was left over.
    pub fn new(user_id: UserId) -> Self {
        let outbox = Self { user_id, items: RwSignal::new(Vec::new()) };
        Effect::new(move |_| {
            outbox.items.set(outbox.stored());
            browser::listen_forever(&window(), "storage", move |event: web_sys::StorageEvent| {
                // Another tab got one of these stored, or let it go.
                if let (Some(key), None) = (event.key(), event.new_value()) {
                    outbox.items.update(|items| items.retain(|item| outbox.key(&item.client_message_id) != key));
                }
            });
            outbox.send();
        });
        outbox
    }

    /// What is on its way to a room.
    pub fn of_room(&self, room_id: RoomId) -> Vec<Outgoing> {
        self.items.with(|items| items.iter().filter(|item| item.room_id == room_id).cloned().collect())
    }

    /// Takes a message in and sends it.
    pub fn push(self, room_id: RoomId, body: String) {
        let client_message_id = browser::new_client_message_id();
        let item = Outgoing { client_message_id, room_id, body, failed: None, waiting: false };
        self.store(&item);
        self.items.update(|items| items.push(item));
        self.send();
    }

    /// Tries a failed message again.
    pub fn retry(self, id: &ClientMessageId) {
        self.change(id, |item| item.failed = None);
        self.send();
    }

    /// Lets a failed message go.
    pub fn discard(self, id: &ClientMessageId) {
        self.forget(id);
    }

    /// Sends what waits, now: the connection is back.
    pub fn send(self) {
        let idle = SENDER.with_borrow_mut(|sender| match std::mem::replace(sender, Sender::Sending) {
            Sender::Idle => true,
            Sender::Sending => false,
            Sender::Pausing(wake) => {
                let _ = wake.send(());
                false
            }
        });
        if idle {
            spawn_local(async move {
                self.send_all().await;
                SENDER.set(Sender::Idle);
            });
        }
    }

    async fn send_all(self) {
        let mut pause_ms = PAUSE_MS.0;
        loop {
            let next = self.items.with_untracked(|items| items.iter().find(|item| item.failed.is_none()).cloned());
            let Some(item) = next else { return };
            let id = item.client_message_id;
            let answer = browser::within(ANSWER_WITHIN, api::post_message(item.room_id, id.clone(), item.body)).await;
            match answer.unwrap_or(Err(AppError::Unreachable)) {
                Ok(posted) => {
                    pause_ms = PAUSE_MS.0;
                    // The stored message takes the place of this one in the same turn: nothing flickers.
                    if let Posted::Stored(message) = posted {
                        live::deliver(&ServerEvent::MessagePosted { seq: 0, at: 0, message });
                    }
                    self.forget(&id);
                }
                Err(error) if error.is_transient() => {
                    self.change(&id, |item| item.waiting = true);
                    let (wake, woken) = oneshot::channel();
                    SENDER.set(Sender::Pausing(wake));
                    select(Box::pin(browser::sleep(Duration::from_millis(pause_ms))), woken).await;
                    SENDER.set(Sender::Sending);
                    pause_ms = (pause_ms * 2).min(PAUSE_MS.1);
                }
                Err(error) => {
                    let reason = match error {
                        AppError::NotFound => "The room is gone, or you are no longer in it.".to_owned(),
                        other => other.to_string(),
                    };
                    self.change(&id, |item| (item.failed, item.waiting) = (Some(reason), false));
                }
            }
        }
    }

    fn change(self, id: &ClientMessageId, change: impl FnOnce(&mut Outgoing)) {
        self.items.update(|items| {
            if let Some(item) = items.iter_mut().find(|item| item.client_message_id == *id) {
                change(item);
                self.store(item);
            }
        });
    }

    fn forget(self, id: &ClientMessageId) {
        if let Some(storage) = browser::storage() {
            let _ = storage.remove_item(&self.key(id));
        }
        self.items.update(|items| items.retain(|item| item.client_message_id != *id));
    }

    /// One entry a message: tabs that write at once do not overwrite each other.
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
