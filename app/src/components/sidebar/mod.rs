//! The sidebar: the viewer's direct and shared rooms, updated by live events, and links to other pages.

mod lines;

use campfire::html::HtmlWriter;
use campfire::model::{InboxCount, RoomId, RoomKind, UserId, paths};
use campfire::protocol::ViewerState;
use leptos::prelude::*;

use super::avatar::push_avatar;
use super::icon::Icon;
use crate::live::{Live, Status};
use crate::{browser, navigation, use_layout};
use lines::{Line, ping_lines, shared_lines};

/// The id of the sidebar, which the menu button opens on a phone.
pub const SIDEBAR_ID: &str = "sidebar";

/// The viewer's direct and shared rooms, with marks of unread ones. On a phone it is a popover, which browsers open and
/// close without a script.
#[component]
pub fn Sidebar() -> impl IntoView {
    let live = expect_context::<Live>();
    let filter = RwSignal::new(String::new());
    let (pings, shared) = use_lines(filter);
    let top = move || live.viewer_state(|ViewerState { account, .. }| top_html(account.logo_version, &account.name));
    let inbox = move || live.viewer_state(|state| inbox_html(state.inbox));
    let more = move || more_html(live.may_make_rooms(), live.viewer_state(|state| state.hidden_count));

    view! {
        <nav class="sidebar" id=SIDEBAR_ID popover="auto" aria-label="Rooms">
            <div class="sidebar__top" inner_html=top></div>
            <div class="sidebar__inbox" inner_html=inbox></div>
            <ul class="pings" aria-label="Pings"><Lines lines=pings/></ul>
            <input
                class="sidebar__filter"
                type="search"
                placeholder="Filter"
                aria-label="Filter pings and rooms"
                autocomplete="off"
                on:input=move |event| filter.set(event_target_value(&event))
            />
            <div class="sidebar__rooms">
                <ul aria-label="Rooms"><Lines lines=shared/></ul>
                <div class="sidebar__more" inner_html=more></div>
            </div>
            <Bottom/>
        </nav>
    }
}

/// The link to the viewer's rooms, and the button that closes the sidebar on a phone.
fn top_html(logo_version: i64, name: &str) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<a class="sidebar__account" href=""#).markup(paths::HOME).markup(r#"" rel="external">"#);
    if logo_version == 0 {
        Icon::Flame.push_boxed(&mut html);
    } else {
        html.markup(r#"<img src=""#)
            .text(&paths::small_logo(logo_version))
            .markup(r#"" alt="" width="32" height="32">"#);
    }
    html.markup(r#" <bdi class="sidebar__name">"#).text(name).markup("</bdi></a>");
    html.markup(r#"<button class="button--icon sidebar__close" type="button" popovertarget=""#).markup(SIDEBAR_ID);
    html.markup(r#"" popovertargetaction="hide" aria-label="Close">"#);
    Icon::Close.push(&mut html);
    html.markup("</button>");
    html.into_string()
}

/// The link to the inbox, with the number of unread entries.
fn inbox_html(InboxCount { unread, badge }: InboxCount) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<a href=""#).markup(paths::INBOX).markup(if unread > 0 { r#"" class="unread">"# } else { r#"">"# });
    Icon::Inbox.push_boxed(&mut html);
    html.markup(r#" <span class="sidebar__name">Inbox</span>"#);
    if unread > 0 {
        html.markup(r#" <span class="mentions"#)
            .markup(if badge > 0 { "" } else { " mentions--quiet" })
            .markup(r#"">"#);
        html.text(&InboxCount::text(unread)).markup(r#"<span class="visually-hidden"> unread</span></span>"#);
    }
    html.markup("</a>");
    html.into_string()
}

/// The links below the rooms: to the threads that the viewer follows, to what the viewer keeps for later, to make a room, and
/// to those that the viewer has hidden.
fn more_html(may_make_rooms: bool, hidden_count: u32) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<a class="sidebar__new" href=""#).markup(paths::THREADS).markup(r#"">"#);
    Icon::Thread.push_boxed(&mut html);
    html.markup(" Threads</a>");
    html.markup(r#"<a class="sidebar__new" href=""#).markup(paths::SAVED).markup(r#"">"#);
    Icon::Clock.push_boxed(&mut html);
    html.markup(" Saved for later</a>");
    if may_make_rooms {
        html.markup(r#"<a class="sidebar__new" href=""#).markup(paths::new_room(RoomKind::Open)).markup(r#"">"#);
        Icon::Plus.push_boxed(&mut html);
        html.markup(" New room</a>");
    }
    if hidden_count > 0 {
        html.markup(r#"<a class="sidebar__new sidebar__hidden" href=""#)
            .markup(paths::OWN_PROFILE)
            .markup(r##"#hidden">"##);
        Icon::Hidden.push_boxed(&mut html);
        html.markup(" ").number(hidden_count.into());
        html.markup(if hidden_count == 1 { " hidden room</a>" } else { " hidden rooms</a>" });
    }
    html.into_string()
}

/// The lines that match the filter: direct rooms, and shared rooms. In the browser an effect marks the links to the room
/// in view, to the one that is loading, and to those with people online.
fn use_lines(filter: RwSignal<String>) -> (Signal<Vec<Line>>, Signal<Vec<Line>>) {
    let live = expect_context::<Live>();
    let unpinged = use_layout().with_value(|layout| layout.unpinged.clone());
    let place = navigation::use_place();
    let in_view = move || live.page.with_untracked(|page| page.room_id);
    let shared = Signal::derive(move || live.rooms(|rooms| shared_lines(rooms, &filter.get(), in_view())));
    let pings = Signal::derive(move || live.rooms(|rooms| ping_lines(rooms, &unpinged, &filter.get(), in_view())));
    Effect::new(move |_| {
        shared.track();
        pings.track();
        let online = live.viewer_state(|state| {
            let others = |user_ids: &[UserId]| user_ids.iter().any(|user_id| *user_id != state.viewer.id);
            let online = state.online.iter().filter(|(_, user_ids)| others(user_ids));
            online.map(|(room_id, _)| paths::room(*room_id)).collect::<Vec<_>>()
        });
        let path = |room_id: Option<RoomId>| room_id.map(paths::room);
        let current = path(live.page.with(|page| page.room_id));
        let loading = path(place.get().room_id()).filter(|path| current.as_ref() != Some(path));
        browser::mark_links(".sidebar li > a", current.as_deref(), loading.as_deref(), &online);
    });
    (pings, shared)
}

#[component]
fn Lines(lines: Signal<Vec<Line>>) -> impl IntoView {
    view! {
        <For each=move || lines.get() key=Line::clone let(line)>
            <li class=line.class inner_html=line.html></li>
        </For>
    }
}

/// The foot of the sidebar: the invitation link, and links to the profile and the account.
#[component]
fn Bottom() -> impl IntoView {
    let live = expect_context::<Live>();
    let origin = use_layout().with_value(|layout| layout.origin.clone());
    let join_url = move || live.viewer_state(|state| origin.clone() + &paths::join(&state.account.join_code));
    let me = move || {
        live.viewer_state(|ViewerState { viewer, .. }| {
            let mut html = HtmlWriter::new();
            html.markup(r#"<a class="sidebar__profile" href=""#).markup(paths::OWN_PROFILE);
            html.markup(r#"" title="Your profile">"#);
            push_avatar(&mut html, viewer.id, &viewer.name);
            html.markup(r#" <bdi class="sidebar__name">"#).text(&viewer.name);
            html.markup(
                r#"</bdi><span class="visually-hidden">, your profile</span></a><a class="sidebar__settings" href=""#,
            );
            html.markup(paths::ACCOUNT_SETTINGS).markup(r#"">"#);
            Icon::Gear.push_boxed(&mut html);
            html.markup(" Settings</a>");
            html.into_string()
        })
    };
    view! {
        <div class="sidebar__bottom">
            <details class="invite">
                <summary>{Icon::Invite.view()} "Invite people"</summary>
                <label class="invite__link">
                    "Anyone with this link can join:"
                    <input id="invite-link" type="text" readonly value=join_url data-selects=""/>
                </label>
                <p class="invite__buttons">
                    <button class="button button--plain" type="button" data-copies="invite-link" hidden>"Copy"</button>
                    <a class="button button--plain" href=format!("{}#invite", paths::ACCOUNT_SETTINGS)>"As a QR code"</a>
                </p>
            </details>
            <div class="sidebar__me" inner_html=me></div>
        </div>
    }
}

/// The button that opens the sidebar on a phone, with the number of unread rooms.
#[component]
pub fn MenuButton() -> impl IntoView {
    let live = expect_context::<Live>();
    let badge = move || {
        let count = live.rooms(|rooms| rooms.iter().filter(|room| room.unread).count());
        let mut html = HtmlWriter::new();
        if count > 0 {
            html.markup(r#"<span class="badge">"#).number(i64::try_from(count.min(99)).unwrap_or(99));
            html.markup(r#"<span class="visually-hidden"> unread</span></span>"#);
        }
        html.into_string()
    };
    view! {
        <button class="button--icon menu-button" type="button" popovertarget=SIDEBAR_ID>
            {Icon::Menu.view()} <span class="visually-hidden">"Rooms"</span> <span inner_html=badge></span>
        </button>
    }
}

/// A notice while the connection is lost, or while the live page is loading.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let live = expect_context::<Live>();
    let notice = move || match live.status.get() {
        Status::Offline => "<p>Reconnecting… What you send goes out when the connection is back.</p>",
        // Shown until the WASM has taken the page over, if that takes long: `style/notice.css`.
        Status::Fresh => r#"<p class="connection__starting">Getting ready… You can read and write already.</p>"#,
        Status::Online => "",
    };
    view! { <div class="connection" role="status" inner_html=notice></div> }
}
