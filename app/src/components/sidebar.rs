//! The sidebar: the person's rooms, live, and the ways to the other pages.

use campfire::model::{RoomKind, SidebarRoom, avatar_tint, initials};
use leptos::prelude::*;
use leptos_router::components::A;
use wasm_bindgen::JsCast;

use super::icon::Icon;
use crate::live::{Live, Status};
use crate::use_frame;

/// The id that the menu button of a phone opens.
pub const SIDEBAR_ID: &str = "sidebar";

/// The person's rooms, unread ones marked. On a phone it is a drawer that opens and closes without any script.
#[component]
pub fn Sidebar() -> impl IntoView {
    let frame = use_frame().get_value();
    let live = expect_context::<Live>();
    let rooms = move || live.rooms.get();
    let viewer = frame.viewer.clone();

    view! {
        <nav class="sidebar" id=SIDEBAR_ID popover="auto" aria-label="Rooms">
            <div class="sidebar__top">
                <a class="sidebar__account" href="/" rel="external">{Icon::Flame.view()} {frame.account_name}</a>
                <button class="button--icon sidebar__close" type="button" popovertarget=SIDEBAR_ID popovertargetaction="hide" aria-label="Close">
                    {Icon::Close.view()}
                </button>
            </div>
            <ul class="sidebar__rooms">
                <For each=rooms key=|room| (room.id, room.name.clone(), room.kind, room.unread) let(room)>
                    <Entry room/>
                </For>
            </ul>
            <a class="sidebar__new" href="/rooms/opens/new" rel="external">{Icon::Plus.view()} "New room"</a>
            <div class="sidebar__bottom">
                <details class="invite">
                    <summary>{Icon::Invite.view()} "Invite people"</summary>
                    <label class="invite__link">
                        "Anyone with this link can join:"
                        <input type="text" readonly value=frame.join_url on:focus=select_all/>
                    </label>
                </details>
                <div class="sidebar__me">
                    <span class=format!("avatar tint-{}", avatar_tint(viewer.id)) aria-hidden="true">{initials(&viewer.name)}</span>
                    <bdi class="sidebar__name">{viewer.name.clone()}</bdi>
                    <form method="post" action="/session">
                        <input type="hidden" name="_method" value="delete"/>
                        <button class="button--icon" aria-label="Sign out" title="Sign out">{Icon::Leave.view()}</button>
                    </form>
                </div>
            </div>
        </nav>
    }
}

/// A room's line. Its name and its mark change by making it anew: the key holds both.
#[component]
fn Entry(room: SidebarRoom) -> impl IntoView {
    let icon = match room.kind {
        RoomKind::Closed => Icon::Lock,
        RoomKind::Open | RoomKind::Direct => Icon::Room,
    };
    let unread = room.unread;
    view! {
        <li class="sidebar__room" class:unread=unread on:click=|_| close_drawer()>
            <A href=format!("/rooms/{}", room.id)>
                {icon.view()} <bdi class="sidebar__name">{room.name}</bdi>
                {unread.then(|| view! { <span class="dot"><span class="visually-hidden">"unread"</span></span> })}
            </A>
        </li>
    }
}

/// The phone's button that opens the drawer; it says when there is something to read.
#[component]
pub fn MenuButton() -> impl IntoView {
    let live = expect_context::<Live>();
    let unread = move || live.rooms.with(|rooms| rooms.iter().any(|room| room.unread));
    view! {
        <button class="button--icon menu-button" class:unread=unread type="button" popovertarget=SIDEBAR_ID aria-label="Rooms">
            {Icon::Menu.view()}
        </button>
    }
}

/// A small honest word while nothing is heard from the server.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let live = expect_context::<Live>();
    let offline = move || live.status.get() == Status::Offline;
    view! {
        <div class="connection" role="status">
            {move || offline().then(|| view! { <p>"Reconnecting… What you send goes out when the connection is back."</p> })}
        </div>
    }
}

fn select_all(event: leptos::ev::FocusEvent) {
    event_target::<web_sys::HtmlInputElement>(&event).select();
}

fn close_drawer() {
    let Some(sidebar) = document().get_element_by_id(SIDEBAR_ID) else { return };
    let hide = js_sys::Reflect::get(&sidebar, &"hidePopover".into()).ok();
    if let Some(hide) = hide.and_then(|hide| hide.dyn_into::<js_sys::Function>().ok()) {
        // Throws when it is not open as a drawer, which is as good.
        let _ = hide.call0(&sidebar);
    }
}
