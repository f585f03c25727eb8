//! The browser's end of the live stream: one WebSocket a tab, for as long as the page lives.
//!
//! [`connection`] keeps a socket open, [`delivery`] applies what arrives to the inbox and to the timeline of the room in
//! view, and [`reading`], [`presence`] and [`typing`] report what the person does. What the pages show of it is in
//! [`Live`]; all else that a tab remembers is in one [`Tab`].

mod connection;
mod delivery;
mod focus;
mod presence;
mod reading;
mod typing;

use std::cell::RefCell;
use std::time::Duration;

use campfire::model::{MessageId, RoomId, SidebarRoom};
use campfire::protocol::{Changes, Inbox, ServerEvent, VISIBILITY_DELAY_MS};
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::Event;

use crate::{Layout, browser};
use connection::Connection;
pub use connection::Status;
pub use delivery::{deliver, hold, release};
pub use focus::{Focus, focus, reload};
pub use reading::{Reading, read_what_is_seen};
pub use typing::report_typing;

/// What the pages show of the live stream.
#[derive(Clone, Copy)]
pub struct Live {
    pub status: RwSignal<Status>,
    pub page: RwSignal<Page>,
    inbox: StoredValue<Inbox>,
    rooms_changed: Trigger,
    details_changed: Trigger,
}

/// The page in view. One signal: each type of signal is code that every browser downloads.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The room in view, which is not the one in the URL while the data of that is still being loaded.
    pub room_id: Option<RoomId>,
    pub title: String,
    pub reading: Reading,
}

impl Live {
    /// The state that the page was rendered with, which shows this room.
    pub fn new(layout: &Layout, room_id: Option<RoomId>) -> Self {
        let (viewer, account, rooms) = (layout.viewer.clone(), layout.account.clone(), layout.rooms.clone());
        Self {
            status: RwSignal::new(Status::Fresh),
            page: RwSignal::new(Page { room_id, ..Page::default() }),
            inbox: StoredValue::new(Inbox::new(viewer, account, rooms)),
            rooms_changed: Trigger::new(),
            details_changed: Trigger::new(),
        }
    }

    /// Reads the person's rooms, and subscribes to them alone.
    pub fn rooms<T>(self, read: impl FnOnce(&[SidebarRoom]) -> T) -> T {
        self.rooms_changed.track();
        self.inbox.with_value(|inbox| read(&inbox.rooms))
    }

    /// Reads the inbox, and subscribes to everything but the rooms.
    pub fn inbox<T>(self, read: impl FnOnce(&Inbox) -> T) -> T {
        self.details_changed.track();
        self.inbox.with_value(read)
    }

    /// Whether the viewer may make open and closed rooms.
    pub fn may_make_rooms(self) -> bool {
        self.inbox(|inbox| inbox.viewer.may_make_rooms(inbox.account.room_creation_restricted))
    }

    /// Notes where the reader stands, and notifies only if that is news.
    pub fn update_reading(self, update: impl FnOnce(&mut Reading)) {
        let before = self.page.with_untracked(|page| page.reading);
        let mut reading = before;
        update(&mut reading);
        if reading != before {
            self.page.update(|page| page.reading = reading);
        }
    }

    /// Changes the inbox, and notifies those who show what has changed.
    fn update_inbox(self, update: impl FnOnce(&mut Inbox) -> Changes) {
        let changes = self.inbox.try_update_value(update).unwrap_or_default();
        if changes.rooms {
            self.rooms_changed.notify();
        }
        if changes.details {
            self.details_changed.notify();
        }
    }
}

/// What a tab remembers beside what the pages show.
struct Tab {
    live: Live,
    /// Called whenever a socket opened.
    opened: Callback<()>,
    /// The room in view.
    focus: Option<Focus>,
    connection: Connection,
    reported: Reported,
    /// Events since a page of older or newer messages was asked for; they may concern what is in it.
    held: Option<Vec<ServerEvent>>,
    /// The line before what is new was drawn since the page was visible last.
    is_line_drawn: bool,
}

/// What the server was told last, on this connection.
#[derive(Default)]
struct Reported {
    read: Option<(RoomId, MessageId)>,
    /// When it was told that somebody sees the page; `None` while nobody does.
    present_at_ms: Option<u64>,
    /// When it was told that the person writes; `None` while they do not.
    typing_at_ms: Option<u64>,
}

thread_local! {
    /// `None` on the server, and in the browser until [`start`].
    static TAB: RefCell<Option<Tab>> = const { RefCell::new(None) };
}

/// Reads or changes what the tab remembers. `with_tab` must not be called again meanwhile, nor any signal be changed.
fn with_tab<T>(work: impl FnOnce(&mut Tab) -> T) -> Option<T> {
    TAB.with_borrow_mut(|tab| tab.as_mut().map(work))
}

/// Connects, and stays connected; `opened` is called whenever a socket opened. Called once, in the browser.
pub fn start(live: Live, opened: Callback<()>) {
    TAB.set(Some(Tab {
        live,
        opened,
        focus: None,
        connection: Connection::default(),
        reported: Reported::default(),
        held: None,
        is_line_drawn: false,
    }));
    connection::connect();

    browser::listen_forever(&window(), "online", |_: Event| connection::connect_now());
    browser::listen_forever(&window(), "offline", |_: Event| connection::close());
    browser::listen_forever(&document(), "visibilitychange", |_: Event| visibility_changed());
    // A page that the browser kept while the person was elsewhere comes back with a dead socket.
    browser::listen_forever(&window(), "pageshow", |_: Event| connection::close_if_silent());
    spawn_local(async move {
        loop {
            browser::sleep(Duration::from_secs(1)).await;
            connection::close_if_silent();
            presence::refresh();
            live.update_inbox(|inbox| inbox.expire_typing(browser::now_ms()));
        }
    });
}

fn visibility_changed() {
    if browser::is_visible() {
        with_tab(|tab| tab.is_line_drawn = false);
        connection::close_if_silent();
        read_what_is_seen();
    }
    spawn_local(async {
        browser::sleep(Duration::from_millis(VISIBILITY_DELAY_MS)).await;
        presence::report();
    });
}
