//! Campfire's pages: one Leptos codebase that the server renders and the browser hydrates.
//!
//! There are two kinds of pages. The chat, [`App`], is hydrated: rooms, the sidebar, everything live. The pages around it
//! (set up, sign in, join, room settings, errors) are plain: forms and links that work without scripts and are not in the
//! WASM. For those who are signed in they stand in the frame of the chat, beside the sidebar.

#![recursion_limit = "256"]
#![warn(missing_docs)]

pub mod api;
pub mod components;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
pub mod shell;

mod browser;
mod chunks;
mod frame;
mod live;
mod names;
mod navigation;
mod outbox;
mod push_device;
mod uploader;
mod uploads;

use std::collections::BTreeSet;

use campfire::model::{Account, InboxCount, Person, Role, RoomId, SidebarRoom, User};
use campfire::protocol::RoomEnd;
use leptos::either::EitherOf3;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use components::sidebar::Sidebar;
use components::unsent::Unsent;
pub use frame::Framed;
use frame::FramedPage;
use live::Live;
use outbox::Outbox;
use pages::{no_rooms::NoRooms, room::RoomPage};
use uploads::Uploads;

/// The data around every page of the chat: the viewer, the account and the viewer's rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The user who views the page.
    pub viewer: User,
    /// The account of this installation.
    pub account: Account,
    /// The site's public origin, like `https://chat.example`: links to share begin with it.
    pub origin: String,
    /// The viewer's rooms.
    pub rooms: Vec<SidebarRoom>,
    /// The counts of the viewer's inbox.
    pub inbox: InboxCount,
    /// How many rooms the viewer has hidden from the sidebar.
    pub hidden_count: u32,
    /// People to ping with whom there is no direct room yet.
    pub unpinged: Vec<Person>,
    /// The notice of the redirect that led to the page.
    pub notice: Option<Notice>,
    /// Whether messages can have files.
    pub takes_files: bool,
}

/// A notice that a redirect shows on the page it leads to. The URL carries its name, never free text: a link could
/// otherwise make the site show any words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// The viewer has just joined. The room that they come to greets them.
    Welcome,
    /// The room does not exist, or the viewer is not a member.
    RoomMissing,
    /// The room was removed.
    RoomRemoved,
    /// The viewer left the room.
    RoomLeft,
    /// The direct room was removed.
    PingRemoved,
    /// The form was saved.
    Saved,
    /// A picture or the logo was removed.
    PictureRemoved,
    /// The password was changed.
    PasswordChanged,
    /// The password was changed, and all other sessions ended.
    PasswordChangedEverywhere,
    /// One of the viewer's sessions ended.
    DeviceSignedOut,
    /// All other sessions of the viewer ended.
    DevicesSignedOut,
    /// The account has a new join code.
    LinkRenewed,
    /// A user has another role.
    RoleChanged,
    /// A user was deactivated.
    PersonRemoved,
    /// A user and their addresses were banned.
    Banned,
    /// A user was banned, without any address.
    BannedAlone,
    /// A user was banned, but not an address that others used lately.
    BannedShared,
    /// A ban was lifted.
    Unbanned,
    /// The e-mail address entered to join belongs to an account.
    AddressTaken,
    /// A test, of a webhook or of a device, was sent.
    TestQueued,
    /// An invitation is sent by mail.
    Invited,
}

impl Notice {
    const ALL: [Self; 21] = [
        Self::Welcome,
        Self::RoomMissing,
        Self::RoomRemoved,
        Self::RoomLeft,
        Self::PingRemoved,
        Self::Saved,
        Self::PictureRemoved,
        Self::PasswordChanged,
        Self::PasswordChangedEverywhere,
        Self::DeviceSignedOut,
        Self::DevicesSignedOut,
        Self::LinkRenewed,
        Self::RoleChanged,
        Self::PersonRemoved,
        Self::Banned,
        Self::BannedAlone,
        Self::BannedShared,
        Self::Unbanned,
        Self::AddressTaken,
        Self::TestQueued,
        Self::Invited,
    ];

    /// The text that the page shows.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Welcome => "Welcome.",
            Self::RoomMissing => "That room does not exist, or you are not in it.",
            Self::RoomRemoved => "The room and its messages are gone.",
            Self::RoomLeft => "You left the room.",
            Self::PingRemoved => "The ping and its messages are gone.",
            Self::Saved => "Saved.",
            Self::PictureRemoved => "The picture is removed.",
            Self::PasswordChanged => "Your password is changed.",
            Self::PasswordChangedEverywhere => "Your password is changed, and all other devices are signed out.",
            Self::DeviceSignedOut => "That device is signed out.",
            Self::DevicesSignedOut => "All other devices are signed out.",
            Self::LinkRenewed => "The new join link works; the old one no longer does.",
            Self::RoleChanged => "The role is changed.",
            Self::PersonRemoved => "They are no longer on this account.",
            Self::Banned => "They are banned, and nobody can sign in or join from the addresses they used last.",
            Self::BannedAlone => "They are banned. No public address of theirs is known, so only the person is.",
            Self::BannedShared => {
                "They are banned. Somebody else used an internet address of theirs in the last 30 days, so people can still sign in and join from there."
            }
            Self::Unbanned => "The ban is lifted.",
            Self::AddressTaken => "Somebody has joined with that e-mail address already. If it is yours, sign in.",
            Self::TestQueued => "The test is on its way. What came of it is listed below.",
            Self::Invited => "The invitation is on its way.",
        }
    }

    /// The name of the notice in a URL.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::RoomMissing => "room-missing",
            Self::RoomRemoved => "room-removed",
            Self::RoomLeft => "room-left",
            Self::PingRemoved => "ping-removed",
            Self::Saved => "saved",
            Self::PictureRemoved => "picture-removed",
            Self::PasswordChanged => "password-changed",
            Self::PasswordChangedEverywhere => "password-changed-everywhere",
            Self::DeviceSignedOut => "device-signed-out",
            Self::DevicesSignedOut => "devices-signed-out",
            Self::LinkRenewed => "link-renewed",
            Self::RoleChanged => "role-changed",
            Self::PersonRemoved => "person-removed",
            Self::Banned => "banned",
            Self::BannedAlone => "banned-alone",
            Self::BannedShared => "banned-shared",
            Self::Unbanned => "unbanned",
            Self::AddressTaken => "address-taken",
            Self::TestQueued => "test-queued",
            Self::Invited => "invited",
        }
    }

    /// The notice of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.word() == word)
    }
}

/// The chat. The server provides the [`Layout`] and the [`Place`](campfire::model::Place) as contexts; the browser reads
/// one from the page's data and the other from the address bar.
#[component]
pub fn App() -> impl IntoView {
    let layout = SharedValue::new(|| expect_context::<Layout>()).into_inner();
    let frame = frame::provide_frame();
    let place = navigation::provide_place(frame);
    let live = Live::new(&layout, place.get_untracked().room_id());
    provide_context(live);
    let uploads = Uploads::new(layout.viewer.id);
    provide_context(uploads);
    let outbox = Outbox::new(layout.viewer.id, uploads);
    provide_context(outbox);
    provide_context(StoredValue::new(layout));
    Effect::new(move |_| {
        navigation::listen(place, frame, components::scroller::show_again);
        chunks::listen();
        chunks::work_on(uploads, move || outbox.send());
        let ended =
            Callback::new(move |(room_id, end): (RoomId, Option<RoomEnd>)| outbox.room_ended(room_id, end.as_ref()));
        live::start(live, Callback::new(move |()| outbox.send()), ended);
    });
    Effect::new(move |_| {
        let title = live.page.with(|page| page.title.clone());
        let count = live.viewer_state(|state| state.inbox.badge);
        if !title.is_empty() {
            let title = page_title(&title, count);
            // A title that is set again would be one more change to whatever watches it.
            if document().title() != title {
                document().set_title(&title);
            }
            browser::show_in_icon(count, live.viewer_state(|state| state.account.logo_version));
        }
    });

    view! {
        <Chat/>
    }
}

/// The title of a tab: the number of unread entries of the inbox that notify, if any, and the title of the page.
#[must_use]
pub fn page_title(title: &str, badge: u32) -> String {
    let count = if badge == 0 { String::new() } else { format!("({badge}) ") };
    format!("{count}{title} – Campfire")
}

/// The sidebar and the page beside it.
#[component]
fn Chat() -> impl IntoView {
    let live = expect_context::<Live>();
    let administers = move || live.viewer_state(|state| state.viewer.role == Role::Administrator).then_some("");
    // boot.js marks the avatars of these people.
    let online = move || {
        live.viewer_state(|state| {
            let here = state.presence.iter().flat_map(|presence| &presence.online);
            let online: BTreeSet<_> = state.online.values().flatten().chain(here).collect();
            online.into_iter().map(|user_id| user_id.to_string()).collect::<Vec<_>>().join(" ")
        })
    };
    // boot.js shows the number of new answers under the roots of these threads.
    let news = move || {
        live.rooms(|rooms| {
            let threads = rooms.iter().flat_map(|room| &room.threads);
            let news: Vec<_> = threads.map(|thread| format!("{}:{}", thread.root_id, thread.count)).collect();
            (!news.is_empty()).then(|| news.join(" "))
        })
    };
    let notice = use_layout().with_value(|layout| layout.notice).filter(|notice| *notice != Notice::Welcome);
    let place = navigation::use_place();
    let frame = frame::use_frame();
    // Navigation between rooms keeps the room page, which shows the old room until the data of the next has arrived.
    let in_room = Memo::new(move |_| {
        let in_room = place.with(|place| place.room_id().is_some());
        (in_room || !frame.is_shown()).then_some(in_room)
    });
    view! {
        <a class="skip-link" href="#main">"Skip to the main part"</a>
        <presence-marks data-online=online data-news=news></presence-marks>
        <div class="chat" data-administrator=administers>
            <Sidebar/>
            <main class="chat__main" id="main">
                <Unsent/>
                {move || match in_room.get() {
                    Some(true) => EitherOf3::A(view! { <RoomPage/> }),
                    Some(false) => EitherOf3::B(view! { <NoRooms/> }),
                    None => EitherOf3::C(()),
                }}
                <FramedPage/>
            </main>
            {notice.map(|notice| view! { <p class="notice" role="alert">{notice.text()}</p> })}
        </div>
    }
}

/// The layout as it was when the page was rendered.
fn use_layout() -> StoredValue<Layout> {
    expect_context()
}
