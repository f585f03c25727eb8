//! The browser's side of the live protocol: one WebSocket per tab, until the page is unloaded.
//!
//! [`connection`] keeps a socket open, [`delivery`] applies received events to the viewer state and to the timeline of the
//! room in view, and [`reading`], [`presence`] and [`typing`] report the user's activity. [`Live`] is the state that pages
//! show; all other state of a tab is in one [`Tab`].

mod connection;
mod delivery;
mod focus;
mod presence;
mod reading;
mod typing;

use std::cell::RefCell;
use std::time::Duration;

use campfire::model::{MessageId, RoomId, SidebarRoom, paths};
use campfire::protocol::{Changes, RoomEnd, ServerEvent, VISIBILITY_DELAY_MS, ViewerState};
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::Event;

use crate::{Layout, browser};
use connection::Connection;
pub use connection::{Status, sign_out};
pub use delivery::{deliver, hold, release};
pub use focus::{Focus, focus, reload};
pub use reading::{Reading, came_back, mark_read_if_visible};
pub use typing::report_typing;

/// The live state that pages show.
#[derive(Clone, Copy)]
pub struct Live {
    /// Whether the tab receives events.
    pub status: RwSignal<Status>,
    /// The page in view.
    pub page: RwSignal<Page>,
    viewer_state: StoredValue<ViewerState>,
    rooms_changed: Trigger,
    details_changed: Trigger,
}

/// The page in view. One signal for all of it: each type of signal is code that every browser downloads.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The room in view: not the one in the URL while the data of that is loading.
    pub room_id: Option<RoomId>,
    /// The title of the page.
    pub title: String,
    /// The reading position in the room.
    pub reading: Reading,
}

impl Live {
    /// The state of a page that was rendered with this layout and shows this room.
    pub fn new(layout: &Layout, room_id: Option<RoomId>) -> Self {
        let mut state = ViewerState::new(layout.viewer.clone(), layout.account.clone(), layout.rooms.clone());
        state.hidden_count = layout.hidden_count;
        state.inbox = layout.inbox;
        Self {
            status: RwSignal::new(Status::Fresh),
            page: RwSignal::new(Page { room_id, ..Page::default() }),
            viewer_state: StoredValue::new(state),
            rooms_changed: Trigger::new(),
            details_changed: Trigger::new(),
        }
    }

    /// Reads the viewer's rooms and subscribes to them alone.
    pub fn rooms<T>(self, read: impl FnOnce(&[SidebarRoom]) -> T) -> T {
        self.rooms_changed.track();
        self.viewer_state.with_value(|state| read(&state.rooms))
    }

    /// Reads the viewer state and subscribes to everything but the rooms.
    pub fn viewer_state<T>(self, read: impl FnOnce(&ViewerState) -> T) -> T {
        self.details_changed.track();
        self.viewer_state.with_value(read)
    }

    /// Whether the viewer may make open and closed rooms.
    pub fn may_make_rooms(self) -> bool {
        self.viewer_state(|state| state.viewer.may_make_rooms(state.account.room_creation_restricted))
    }

    /// Whether the newest messages of the room in view are out of sight.
    fn is_away(self) -> bool {
        self.page.with_untracked(|page| page.reading.away)
    }

    /// Updates the reading position and notifies its subscribers if it changed.
    pub fn update_reading(self, update: impl FnOnce(&mut Reading)) {
        let before = self.page.with_untracked(|page| page.reading);
        let mut reading = before;
        update(&mut reading);
        if reading != before {
            self.page.update(|page| page.reading = reading);
        }
    }

    /// Updates the viewer state and notifies the subscribers of what changed.
    fn update_viewer_state(self, update: impl FnOnce(&mut ViewerState) -> Changes) {
        let changes = self.viewer_state.try_update_value(update).unwrap_or_default();
        if changes.rooms {
            self.rooms_changed.notify();
        }
        if changes.details {
            self.details_changed.notify();
        }
    }
}

/// The state of a tab that pages do not show.
struct Tab {
    live: Live,
    /// Called whenever a socket opened.
    opened: Callback<()>,
    /// Called when a membership ended or a room was removed.
    ended: Callback<(RoomId, Option<RoomEnd>)>,
    /// The room in view.
    focus: Option<Focus>,
    connection: Connection,
    reported: Reported,
    /// Events received while a page of older or newer messages is loading: they may concern its messages.
    held: Option<Vec<ServerEvent>>,
    /// Whether the line before the new messages was set since the page was last visible.
    is_line_drawn: bool,
}

/// The last reports sent on this connection.
#[derive(Default)]
struct Reported {
    read: Option<(RoomId, Option<MessageId>, MessageId)>,
    /// When the page was last reported visible; `None` while it is hidden.
    present_at_ms: Option<u64>,
    /// When typing was last reported; `None` while the user does not type.
    typing_at_ms: Option<u64>,
}

thread_local! {
    /// `None` on the server, and in the browser until [`start`].
    static TAB: RefCell<Option<Tab>> = const { RefCell::new(None) };
}

/// Runs `work` with the tab's state. `work` must not call `with_tab` nor change a signal, whose effects may: the state is
/// borrowed.
fn with_tab<T>(work: impl FnOnce(&mut Tab) -> T) -> Option<T> {
    TAB.with_borrow_mut(|tab| tab.as_mut().map(work))
}

/// Connects, and reconnects whenever the connection is lost; `opened` is called for every connection, and `ended` for
/// every room that the viewer is no longer in. Called once, in the browser.
pub fn start(live: Live, opened: Callback<()>, ended: Callback<(RoomId, Option<RoomEnd>)>) {
    TAB.set(Some(Tab {
        live,
        opened,
        ended,
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
    // A page restored from the back/forward cache has a dead socket.
    browser::listen_forever(&window(), "pageshow", |_: Event| connection::close_if_silent());
    spawn_local(async move {
        loop {
            browser::sleep(Duration::from_secs(1)).await;
            connection::close_if_silent();
            presence::refresh();
            live.update_viewer_state(|state| state.expire_typing(browser::now_ms()));
        }
    });
}

/// The viewer's rooms: their names and paths.
pub fn rooms() -> Vec<(String, String)> {
    let live = with_tab(|tab| tab.live);
    let rooms = |live: Live| live.viewer_state.with_value(|state| state.rooms.clone());
    live.map(rooms).unwrap_or_default().into_iter().map(|room| (room.name, paths::room(room.id))).collect()
}

fn visibility_changed() {
    if browser::is_visible() {
        with_tab(|tab| tab.is_line_drawn = false);
        connection::close_if_silent();
        came_back();
    }
    spawn_local(async {
        browser::sleep(Duration::from_millis(VISIBILITY_DELAY_MS)).await;
        presence::report();
    });
}
