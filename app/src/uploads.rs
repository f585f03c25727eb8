//! Files on their way: chosen for the message that is being written, or sent with one that waits in the outbox.
//!
//! This is what every page needs to know of them. What uploads them, and shows those that are chosen, is in a chunk
//! (`crate::uploader`), as few visits send files; [`Work`] is done there.

use std::cell::RefCell;
use std::rc::Rc;

use campfire::model::{ClientUploadId, FileKey, MAX_FILES, MessageId, RoomId, UserId, size_text};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::browser;

/// A file on its way to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id under which the server receives it once.
    pub id: ClientUploadId,
    /// The room of its message.
    pub room_id: RoomId,
    /// The root of the thread that its message is an answer in.
    pub thread: Option<MessageId>,
    /// Its name.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How many bytes have arrived.
    #[serde(skip)]
    pub sent_bytes: u64,
    /// Its key, once all of it has arrived.
    pub key: Option<FileKey>,
    /// Why the server refused it.
    pub failed: Option<String>,
    /// Whether it belongs to the message that is being written, not to one in the outbox.
    pub is_in_tray: bool,
}

impl Upload {
    /// Whether it belongs to the message that is being written there.
    #[must_use]
    pub fn is_in_tray_of(&self, to: Destination) -> bool {
        self.is_in_tray && (self.room_id, self.thread) == to
    }

    /// How much has arrived, in whole percent: 100 only once the server has stored all of it.
    #[must_use]
    pub fn percent(&self) -> u64 {
        if self.key.is_some() { 100 } else { (self.sent_bytes * 100 / self.bytes.max(1)).min(99) }
    }

    /// What is said beside the name: the size, the progress, or why it was refused.
    #[must_use]
    pub fn state_text(&self) -> String {
        let size = || size_text(i64::try_from(self.bytes).unwrap_or(i64::MAX));
        match (&self.failed, &self.key) {
            (Some(reason), _) => reason.clone(),
            (None, Some(_)) => size(),
            (None, None) => format!("{} of {}", size_text(i64::try_from(self.sent_bytes).unwrap_or(0)), size()),
        }
    }
}

/// Where a message is written: the room, and the root of the thread if it is an answer.
pub type Destination = (RoomId, Option<MessageId>);

/// What is to be done with files.
pub enum Work {
    /// Takes these chosen files, and uploads whatever is not uploaded yet.
    Upload(Vec<(ClientUploadId, web_sys::File)>),
    /// Forgets the bytes of these files.
    Forget(Vec<ClientUploadId>),
    /// Shows the files of the message that is written there, in this element.
    ShowTray(Destination, web_sys::HtmlElement),
    /// A file has arrived, or was refused: a message in the outbox may go on.
    SendMessages,
}

/// All files on their way, of all rooms.
#[derive(Clone, Copy)]
pub struct Uploads {
    user_id: UserId,
    /// The files: those of one message in their order.
    pub items: RwSignal<Vec<Upload>>,
}

/// What does the work.
type Worker = Rc<dyn Fn(Work)>;

thread_local! {
    /// Does the work. Only in the browser, which has one thread; the server's threads have none.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// Where the files of the messages that are being written are kept over a reload, by tab and user.
const TRAY: &str = "campfire:tray:";

impl Uploads {
    /// No files.
    #[must_use]
    pub fn new(user_id: UserId) -> Self {
        Self { user_id, items: RwSignal::new(Vec::new()) }
    }

    /// Sets what does the work, and goes on with the files of before a reload. Called once, in the browser.
    pub fn start(self, worker: impl Fn(Work) + 'static) {
        WORKER.set(Some(Rc::new(worker)));
        let stored = browser::session_storage().and_then(|tab| tab.get_item(&self.key()).ok().flatten());
        if let Some(stored) = stored.and_then(|json| serde_json::from_str(&json).ok()) {
            self.resume(stored);
        }
        // Those of the outbox may have been there before.
        if self.items.with_untracked(|items| !items.is_empty()) {
            self.work(Work::Upload(Vec::new()));
        }
    }

    /// Has something done.
    pub fn work(self, work: Work) {
        if let Some(worker) = WORKER.with_borrow(Option::clone) {
            worker(work);
        }
    }

    /// Goes on with these files, whose bytes the browser keeps.
    pub fn resume(self, files: Vec<Upload>) {
        if files.is_empty() {
            return;
        }
        self.items.update(|items| {
            let new = files.into_iter().filter(|file| items.iter().all(|item| item.id != file.id));
            items.extend(new.collect::<Vec<_>>());
        });
        self.work(Work::Upload(Vec::new()));
    }

    /// Adds chosen files to the message that is written there, and begins to upload them.
    pub fn add(self, to: Destination, files: Vec<web_sys::File>) {
        let (room_id, thread) = to;
        let taken = self.items.with_untracked(|items| of_tray(items, to).count());
        let (mut chosen, mut new) = (Vec::new(), Vec::new());
        for file in files.iter().take(MAX_FILES.saturating_sub(taken)) {
            let bytes = file.size() as u64;
            let id = browser::new_client_message_id();
            chosen.push((id.clone(), file.clone()));
            new.push(Upload {
                id,
                room_id,
                thread,
                name: file.name(),
                bytes,
                sent_bytes: 0,
                key: None,
                failed: None,
                is_in_tray: true,
            });
        }
        if new.len() < files.len() {
            browser::toast("A message has at most 10 files. Send these first, then the rest.");
        }
        if new.is_empty() {
            return;
        }
        self.items.update(|items| items.extend(new));
        self.keep();
        self.work(Work::Upload(chosen));
    }

    /// Drops the files that were chosen, because the part of the program that uploads them could not be fetched.
    pub fn give_up(self) {
        browser::toast("Files cannot be sent right now. Check the connection, then choose them again.");
        self.items.update(|items| items.retain(|item| item.key.is_some() || !item.is_in_tray));
        self.keep();
    }

    /// The files of the message that is written there.
    #[must_use]
    pub fn of_tray(self, to: Destination) -> Vec<Upload> {
        self.items.with(|items| of_tray(items, to).cloned().collect())
    }

    /// Hands the files of the message that is written there over to the outbox.
    #[must_use]
    pub fn take_tray(self, to: Destination) -> Vec<Upload> {
        let mut taken = Vec::new();
        self.items.update(|items| {
            for item in items.iter_mut().filter(|item| item.is_in_tray_of(to)) {
                item.is_in_tray = false;
                taken.push(item.clone());
            }
        });
        self.keep();
        taken
    }

    /// The present state of these files.
    #[must_use]
    pub fn of(self, ids: &[ClientUploadId]) -> Vec<Upload> {
        self.items.with(|items| items.iter().filter(|item| ids.contains(&item.id)).cloned().collect())
    }

    /// Changes a file, if it is still there.
    pub fn change(self, id: &ClientUploadId, change: impl FnOnce(&mut Upload)) {
        let is_there = self.items.with_untracked(|items| items.iter().any(|item| item.id == *id));
        if is_there {
            self.items.update(|items| {
                if let Some(item) = items.iter_mut().find(|item| item.id == *id) {
                    change(item);
                }
            });
        }
    }

    /// Moves a file one place within its message.
    pub fn move_file(self, id: &ClientUploadId, is_later: bool) {
        self.items.update(|items| {
            let Some(at) = items.iter().position(|item| item.id == *id) else { return };
            let to = (items[at].room_id, items[at].thread);
            let is_sibling = |item: &Upload| item.is_in_tray_of(to);
            let other = if is_later {
                (at + 1..items.len()).find(|index| is_sibling(&items[*index]))
            } else {
                (0..at).rev().find(|index| is_sibling(&items[*index]))
            };
            if let Some(other) = other {
                items.swap(at, other);
            }
        });
        self.keep();
    }

    /// Tries a refused file again.
    pub fn retry(self, id: &ClientUploadId) {
        self.change(id, |item| item.failed = None);
        self.work(Work::Upload(Vec::new()));
    }

    /// Forgets files: they were removed, or their message has arrived.
    pub fn forget(self, ids: &[ClientUploadId]) {
        if ids.is_empty() {
            return;
        }
        self.items.update(|items| items.retain(|item| !ids.contains(&item.id)));
        self.keep();
        self.work(Work::Forget(ids.to_vec()));
    }

    /// Keeps the files of messages that are being written over a reload.
    pub fn keep(self) {
        let Some(tab) = browser::session_storage() else { return };
        let tray = self.items.with_untracked(|items| {
            let tray: Vec<_> = items.iter().filter(|item| item.is_in_tray).collect();
            if tray.is_empty() { None } else { serde_json::to_string(&tray).ok() }
        });
        let _ = match tray {
            Some(json) => tab.set_item(&self.key(), &json),
            None => tab.remove_item(&self.key()),
        };
    }

    fn key(self) -> String {
        [TRAY, &self.user_id.to_string()].concat()
    }
}

fn of_tray(items: &[Upload], to: Destination) -> impl Iterator<Item = &Upload> {
    items.iter().filter(move |item| item.is_in_tray_of(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(thread: Option<MessageId>) -> Upload {
        Upload {
            id: ClientUploadId::v7(1, [1; 10]),
            room_id: RoomId(4),
            thread,
            name: "a.png".into(),
            bytes: 2_000,
            sent_bytes: 500,
            key: None,
            failed: None,
            is_in_tray: true,
        }
    }

    #[test]
    fn a_file_goes_where_it_was_chosen_to_the_room_or_to_one_of_its_threads() {
        let of_thread = Some(MessageId(7));
        let taken = Upload { is_in_tray: false, ..chosen(of_thread) };
        let items = [chosen(None), chosen(of_thread), taken, chosen(of_thread)];
        let count = |to| of_tray(&items, to).count();
        assert_eq!((count((RoomId(4), None)), count((RoomId(4), of_thread))), (1, 2));
        assert_eq!((count((RoomId(4), Some(MessageId(8)))), count((RoomId(5), of_thread))), (0, 0));
        let stored = serde_json::to_string(&items[1]).unwrap();
        assert!(serde_json::from_str::<Upload>(&stored).unwrap().is_in_tray_of((RoomId(4), of_thread)));
        let older = serde_json::to_string(&items[0]).unwrap().replace("\"thread\":null,", "");
        assert!(!older.contains("thread"), "as a tab has stored it before there were threads");
        assert!(serde_json::from_str::<Upload>(&older).unwrap().is_in_tray_of((RoomId(4), None)));
    }

    #[test]
    fn a_file_is_complete_only_once_it_is_stored() {
        let mut upload = chosen(None);
        assert_eq!((upload.percent(), upload.state_text().as_str()), (25, "500 B of 2 KB"));
        upload.sent_bytes = 2_000;
        assert_eq!(upload.percent(), 99);
        upload.key = Some(FileKey::new([1; 16]));
        assert_eq!((upload.percent(), upload.state_text().as_str()), (100, "2 KB"));
        upload.failed = Some("Too large.".into());
        assert_eq!(upload.state_text(), "Too large.");
        assert_eq!(Upload { bytes: 0, key: None, ..upload }.percent(), 99, "an empty file has no bytes to count");
    }
}
