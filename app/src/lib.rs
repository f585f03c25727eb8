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
mod outbox;

use campfire::model::{Role, SidebarRoom, User};
use leptos::prelude::*;
use leptos_router::components::{Outlet, ParentRoute, Route, Router, Routes};
use leptos_router::{ParamSegment, SsrMode, StaticSegment};
use serde::{Deserialize, Serialize};

use components::sidebar::Sidebar;
use live::Live;
use outbox::Outbox;
use pages::{no_rooms::NoRooms, room::RoomPage};

/// What stands around every page of the chat: who looks, and their rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    pub viewer: User,
    pub account_name: String,
    /// Where people register themselves, an absolute URL to hand on.
    pub join_url: String,
    pub rooms: Vec<SidebarRoom>,
    /// Something the last request has to say.
    pub notice: Option<Notice>,
}

impl Frame {
    /// Whether the viewer sees the controls of an administrator.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.viewer.role == Role::Administrator
    }
}

/// What a redirect says on the page it leads to. It travels as a word in the URL, never as free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    RoomMissing,
    RoomRemoved,
}

impl Notice {
    /// The notice in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::RoomMissing => "That room does not exist, or you are not in it.",
            Self::RoomRemoved => "The room and its messages are gone.",
        }
    }

    /// The notice as it stands in a URL.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RoomMissing => "room-missing",
            Self::RoomRemoved => "room-removed",
        }
    }

    /// The notice behind a word of a URL.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::RoomMissing, Self::RoomRemoved].into_iter().find(|notice| notice.word() == word)
    }
}

/// The chat. The server hands in the [`Frame`] by context; the browser finds it in the page.
#[component]
pub fn App() -> impl IntoView {
    let frame = SharedValue::new(|| expect_context::<Frame>()).into_inner();
    let live = Live::new(frame.rooms.clone());
    provide_context(live);
    provide_context(Outbox::new(frame.viewer.id));
    provide_context(StoredValue::new(frame));
    Effect::new(move |_| live::start(live));

    view! {
        <Router>
            <Routes fallback=NotHere>
                <ParentRoute path=StaticSegment("") view=Chat ssr=SsrMode::Async>
                    <Route path=StaticSegment("") view=NoRooms ssr=SsrMode::Async/>
                    <Route path=(StaticSegment("rooms"), ParamSegment("room_id")) view=RoomPage ssr=SsrMode::Async/>
                    <Route
                        path=(StaticSegment("rooms"), ParamSegment("room_id"), ParamSegment("at"))
                        view=RoomPage
                        ssr=SsrMode::Async
                    />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// The sidebar and what stands beside it.
#[component]
fn Chat() -> impl IntoView {
    let notice = use_frame().with_value(|frame| frame.notice);
    view! {
        <a class="skip-link" href="#main">"Skip to the messages"</a>
        <div class="chat">
            <Sidebar/>
            <main class="chat__main" id="main">
                <Outlet/>
            </main>
            {notice.map(|notice| view! { <p class="notice" role="alert">{notice.text()}</p> })}
        </div>
    }
}

#[component]
fn NotHere() -> impl IntoView {
    view! { <p class="empty">"There is nothing here. "<a href="/" rel="external">"Go to your rooms"</a></p> }
}

/// The viewer's frame, wherever in the chat.
fn use_frame() -> StoredValue<Frame> {
    expect_context()
}
