//! Campfire's pages: one Leptos codebase that the server renders and the browser takes over.
//!
//! Two kinds of pages live here. The chat itself, [`App`], is hydrated: rooms, the sidebar, everything live. The pages
//! around it (set up, sign in, join, room settings, errors) are plain: forms and links that need no script, so none is
//! sent with them.

#![recursion_limit = "256"]

pub mod api;
pub mod components;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
pub mod shell;

mod browser;
mod live;
mod names;
mod navigation;
mod outbox;

use std::collections::BTreeSet;

use campfire::model::{Account, Person, Role, SidebarRoom, User};
use leptos::either::Either;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use components::sidebar::Sidebar;
use live::Live;
use outbox::Outbox;
use pages::{no_rooms::NoRooms, room::RoomPage};

/// What stands around every page of the chat: who looks, and their rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub viewer: User,
    pub account: Account,
    /// What this site is called from outside, like `https://chat.example`: what links to hand on begin with.
    pub origin: String,
    pub rooms: Vec<SidebarRoom>,
    /// People to ping with whom there is no direct room yet.
    pub unpinged: Vec<Person>,
    /// Something the last request has to say.
    pub notice: Option<Notice>,
}

/// What a redirect says on the page it leads to. It travels as a word in the URL, never as free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    RoomMissing,
    RoomRemoved,
    RoomLeft,
    PingRemoved,
    Saved,
    PasswordChanged,
    PasswordChangedEverywhere,
    DeviceSignedOut,
    DevicesSignedOut,
    LinkRenewed,
    RoleChanged,
    PersonRemoved,
    Banned,
    BannedAlone,
    Unbanned,
}

impl Notice {
    const ALL: [Self; 15] = [
        Self::RoomMissing,
        Self::RoomRemoved,
        Self::RoomLeft,
        Self::PingRemoved,
        Self::Saved,
        Self::PasswordChanged,
        Self::PasswordChangedEverywhere,
        Self::DeviceSignedOut,
        Self::DevicesSignedOut,
        Self::LinkRenewed,
        Self::RoleChanged,
        Self::PersonRemoved,
        Self::Banned,
        Self::BannedAlone,
        Self::Unbanned,
    ];

    /// The notice in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::RoomMissing => "That room does not exist, or you are not in it.",
            Self::RoomRemoved => "The room and its messages are gone.",
            Self::RoomLeft => "You left the room.",
            Self::PingRemoved => "The ping and its messages are gone.",
            Self::Saved => "Saved.",
            Self::PasswordChanged => "Your password is changed.",
            Self::PasswordChangedEverywhere => "Your password is changed, and all other devices are signed out.",
            Self::DeviceSignedOut => "That device is signed out.",
            Self::DevicesSignedOut => "All other devices are signed out.",
            Self::LinkRenewed => "The new join link works; the old one no longer does.",
            Self::RoleChanged => "The role is changed.",
            Self::PersonRemoved => "They are no longer on this account.",
            Self::Banned => "They are banned, and so are the addresses they used last.",
            Self::BannedAlone => "They are banned. No public address of theirs is known, so only the person is.",
            Self::Unbanned => "The ban is lifted.",
        }
    }

    /// The notice as it stands in a URL.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RoomMissing => "room-missing",
            Self::RoomRemoved => "room-removed",
            Self::RoomLeft => "room-left",
            Self::PingRemoved => "ping-removed",
            Self::Saved => "saved",
            Self::PasswordChanged => "password-changed",
            Self::PasswordChangedEverywhere => "password-changed-everywhere",
            Self::DeviceSignedOut => "device-signed-out",
            Self::DevicesSignedOut => "devices-signed-out",
            Self::LinkRenewed => "link-renewed",
            Self::RoleChanged => "role-changed",
            Self::PersonRemoved => "person-removed",
            Self::Banned => "banned",
            Self::BannedAlone => "banned-alone",
            Self::Unbanned => "unbanned",
        }
    }

    /// The notice behind a word of a URL.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.word() == word)
    }
}

/// The chat. The server provides the [`Layout`] and the [`Place`](campfire::model::Place) by context; the browser finds
/// one in the page and the other in the address bar.
#[component]
pub fn App() -> impl IntoView {
    let layout = SharedValue::new(|| expect_context::<Layout>()).into_inner();
    let place = navigation::provide_place();
    let live = Live::new(&layout, place.get_untracked().room_id());
    provide_context(live);
    let outbox = Outbox::new(layout.viewer.id);
    provide_context(outbox);
    provide_context(StoredValue::new(layout));
    Effect::new(move |_| {
        navigation::listen(place);
        live::start(live, Callback::new(move |()| outbox.send()));
    });
    Effect::new(move |_| {
        let (title, waiting) = (live.page.with(|page| page.title.clone()), live.rooms(waiting_count));
        if !title.is_empty() {
            document().set_title(&page_title(&title, waiting));
            browser::show_in_icon(waiting);
        }
    });

    view! {
        <Chat/>
    }
}

/// What a tab says: how many things wait for the person, and what the page is called.
#[must_use]
pub fn page_title(title: &str, waiting_count: usize) -> String {
    let waiting = if waiting_count == 0 { String::new() } else { format!("({waiting_count}) ") };
    format!("{waiting}{title} – Campfire")
}

/// How many pings and mentions wait to be read.
#[must_use]
pub fn waiting_count(rooms: &[SidebarRoom]) -> usize {
    rooms.iter().map(SidebarRoom::waiting_count).sum()
}

/// The sidebar and what stands beside it.
#[component]
fn Chat() -> impl IntoView {
    let live = expect_context::<Live>();
    let administers = move || live.inbox(|inbox| inbox.viewer.role == Role::Administrator).then_some("");
    // The page's first script marks the avatars of these people.
    let online = move || {
        live.inbox(|inbox| {
            let here = inbox.presence.iter().flat_map(|presence| &presence.online);
            let online: BTreeSet<_> = inbox.online.values().flatten().chain(here).collect();
            online.into_iter().map(|user_id| user_id.to_string()).collect::<Vec<_>>().join(" ")
        })
    };
    let notice = use_layout().with_value(|layout| layout.notice);
    let place = navigation::use_place();
    // Navigating between rooms keeps the room page, which shows the old room until the data of the next has arrived.
    let in_room = Memo::new(move |_| place.with(|place| place.room_id().is_some()));
    view! {
        <a class="skip-link" href="#main">"Skip to the messages"</a>
        <presence-marks data-online=online></presence-marks>
        <div class="chat" data-administrator=administers>
            <Sidebar/>
            <main class="chat__main" id="main">
                {move || if in_room.get() { Either::Left(view! { <RoomPage/> }) } else { Either::Right(view! { <NoRooms/> }) }}
            </main>
            {notice.map(|notice| view! { <p class="notice" role="alert">{notice.text()}</p> })}
        </div>
    }
}

/// The viewer's layout, wherever in the chat.
fn use_layout() -> StoredValue<Layout> {
    expect_context()
}
