//! The sidebar: the person's pings and rooms, live, and the ways to the other pages.
//!
//! Its lines are ready strings, like messages: a list of many parts costs the browser little code. What changes often
//! about a line (which page is current, who is online) is an attribute, so that a line that has the focus keeps it.

use std::fmt::Write;

use campfire::model::{Person, RoomId, RoomKind, SidebarRoom, UserId, escape_html, first_name, lowercase, paths};
use leptos::prelude::*;

use super::avatar::{avatar_html, avatars_html};
use super::icon::Icon;
use crate::live::{Live, Scene, Status};
use crate::{browser, navigation, use_frame};

/// The id that the menu button of a phone opens.
pub const SIDEBAR_ID: &str = "sidebar";

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    class: &'static str,
    html: String,
}

/// The person's pings and rooms, unread ones marked. On a phone it is a drawer that opens and closes without any
/// script of the page's own.
#[component]
pub fn Sidebar() -> impl IntoView {
    let live = expect_context::<Live>();
    let unpinged = use_frame().with_value(|frame| frame.unpinged.clone());
    let filter = RwSignal::new(String::new());
    let place = navigation::use_place();
    let in_view = move || live.scene.with_untracked(|scene| scene.room_id);
    let shared = Signal::derive(move || live.rooms.with(|rooms| shared_lines(rooms, &filter.get(), in_view())));
    let pings = Signal::derive(move || live.rooms.with(|rooms| ping_lines(rooms, &unpinged, &filter.get(), in_view())));
    Effect::new(move |_| {
        shared.track();
        pings.track();
        let path = |room_id: Option<RoomId>| room_id.map(paths::room);
        let (current, online) = live.scene.with(|scene| {
            let others = |user_ids: &[UserId]| user_ids.iter().any(|user_id| *user_id != scene.viewer.id);
            let online = scene.online.iter().filter(|(_, user_ids)| others(user_ids));
            (path(scene.room_id), online.filter_map(|(room_id, _)| path(Some(*room_id))).collect::<Vec<_>>())
        });
        let loading = path(place.get().room_id()).filter(|path| current.as_ref() != Some(path));
        browser::mark_links(".sidebar li > a", current.as_deref(), loading.as_deref(), &online);
    });

    view! {
        <nav class="sidebar" id=SIDEBAR_ID popover="auto" aria-label="Rooms">
            <div class="sidebar__top">
                <a class="sidebar__account" href=paths::HOME rel="external">
                    {Icon::Flame.view()} <bdi class="sidebar__name">{move || live.scene.with(|scene| scene.account.name.clone())}</bdi>
                </a>
                <button class="button--icon sidebar__close" type="button" popovertarget=SIDEBAR_ID popovertargetaction="hide" aria-label="Close">
                    {Icon::Close.view()}
                </button>
            </div>
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
                <a class="sidebar__new" href=paths::new_room(RoomKind::Open) rel="external" hidden=move || !live.may_make_rooms()>
                    {Icon::Plus.view()} "New room"
                </a>
            </div>
            <Bottom/>
        </nav>
    }
}

#[component]
fn Lines(lines: Signal<Vec<Line>>) -> impl IntoView {
    view! {
        <For each=move || lines.get() key=Line::clone let(line)>
            <li class=line.class inner_html=line.html></li>
        </For>
    }
}

/// The open and closed rooms that match. `in_view` is the room that the page shows.
fn shared_lines(rooms: &[SidebarRoom], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
    let matching = rooms.iter().filter(|room| room.kind != RoomKind::Direct && matches(&room.name, filter));
    matching
        .map(|room| {
            let icon = if room.kind == RoomKind::Closed { Icon::Lock } else { Icon::Room };
            let class = if room.unread { "sidebar__room unread" } else { "sidebar__room" };
            let name = escape_html(&room.name);
            let inside =
                format!(r#"<span class="icon-box">{}</span> <bdi class="sidebar__name">{name}</bdi>"#, icon.markup());
            Line { class, html: link(room, in_view, "", &inside) }
        })
        .collect()
}

/// The way to a new ping, the direct rooms that match, the newest first, and people to ping for the first time.
fn ping_lines(rooms: &[SidebarRoom], unpinged: &[Person], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
    let mut lines = vec![Line {
        class: "ping",
        html: format!(
            r#"<a href="{}" rel="external"><span class="ping__new"><span class="icon-box">{}</span></span> <span class="ping__label">Ping</span></a>"#,
            paths::new_room(RoomKind::Direct),
            Icon::Plus.markup()
        ),
    }];
    for room in rooms.iter().filter(|room| room.kind == RoomKind::Direct && matches(&room.name, filter)) {
        let title = format!(r#" title="{}""#, escape_html(&room.name));
        let label = room.label();
        let label = escape_html(&label);
        let inside = format!(r#"{} <span class="ping__label"><bdi>{label}</bdi></span>"#, avatars_html(&room.people));
        let class = if room.unread { "ping unread" } else { "ping" };
        lines.push(Line { class, html: link(room, in_view, &title, &inside) });
    }
    // Whoever is pinged meanwhile is no longer offered.
    let known = |person: &Person| rooms.iter().any(|room| room.people.iter().any(|known| known.id == person.id));
    for person in unpinged.iter().filter(|person| !known(person) && matches(&person.name, filter)) {
        let (name, label) = (escape_html(&person.name), escape_html(first_name(&person.name)));
        let html = format!(
            r#"<form method="post" action="{}"><input type="hidden" name="user_ids" value="{}"/><button title="Ping {name}"><span class="avatars avatars--1">{}</span> <span class="ping__label"><bdi>{label}</bdi></span></button></form>"#,
            paths::rooms(RoomKind::Direct),
            person.id,
            avatar_html(person.id, &person.name)
        );
        lines.push(Line { class: "ping ping--offered", html });
    }
    lines
}

/// The way to a room, marked when it is in view and when there is something to read.
fn link(room: &SidebarRoom, in_view: Option<RoomId>, attributes: &str, inside: &str) -> String {
    let href = paths::room(room.id);
    let current = if in_view == Some(room.id) { r#" aria-current="page""# } else { "" };
    let mut html = format!(r#"<a href="{href}"{current}{attributes}>{inside}"#);
    if room.mention_count > 0 {
        let count = room.mention_count;
        write!(html, r#" <span class="mentions">@{count}<span class="visually-hidden"> for you</span></span>"#)
            .expect("a string takes any text");
    }
    if room.unread {
        write!(html, r#" <span class="dot"><span class="visually-hidden">unread</span></span>"#)
            .expect("a string takes any text");
    }
    html.push_str("</a>");
    html
}

fn matches(name: &str, filter: &str) -> bool {
    lowercase(name).contains(&lowercase(filter.trim()))
}

/// Oneself, the account, and the way in for others.
#[component]
fn Bottom() -> impl IntoView {
    let live = expect_context::<Live>();
    let origin = use_frame().with_value(|frame| frame.origin.clone());
    let join_url = move || live.scene.with(|scene| origin.clone() + &paths::join(&scene.account.join_code));
    let me = move || {
        live.scene.with(|Scene { viewer, .. }| {
            let name = escape_html(&viewer.name);
            format!(
                r#"{} <bdi class="sidebar__name">{name}</bdi><span class="visually-hidden">, your profile</span>"#,
                avatar_html(viewer.id, &viewer.name)
            )
        })
    };
    view! {
        <div class="sidebar__bottom">
            <details class="invite">
                <summary>{Icon::Invite.view()} "Invite people"</summary>
                <label class="invite__link">
                    "Anyone with this link can join:"
                    <input type="text" readonly value=join_url data-selects=""/>
                </label>
            </details>
            <div class="sidebar__me">
                <a class="sidebar__profile" href=paths::OWN_PROFILE rel="external" title="Your profile" inner_html=me></a>
                <a class="button--icon" href=paths::ACCOUNT_SETTINGS rel="external" aria-label="Account settings" title="Account settings">{Icon::People.view()}</a>
                <form method="post" action=paths::SESSION>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button--icon" aria-label="Sign out" title="Sign out">{Icon::Leave.view()}</button>
                </form>
            </div>
        </div>
    }
}

/// The phone's button that opens the drawer; it says how much there is to read.
#[component]
pub fn MenuButton() -> impl IntoView {
    let live = expect_context::<Live>();
    let badge = move || {
        let count = live.rooms.with(|rooms| rooms.iter().filter(|room| room.unread).count());
        if count == 0 {
            return String::new();
        }
        format!(r#"<span class="badge">{}<span class="visually-hidden"> unread</span></span>"#, count.min(99))
    };
    view! {
        <button class="button--icon menu-button" type="button" popovertarget=SIDEBAR_ID>
            {Icon::Menu.view()} <span class="visually-hidden">"Rooms"</span> <span inner_html=badge></span>
        </button>
    }
}

/// A small honest word while nothing is heard from the server.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let live = expect_context::<Live>();
    let notice = move || match live.status.get() {
        Status::Offline => "<p>Reconnecting… What you send goes out when the connection is back.</p>",
        Status::Fresh | Status::Online => "",
    };
    view! { <div class="connection" role="status" inner_html=notice></div> }
}

#[cfg(test)]
mod tests {
    use campfire::model::RoomId;

    use super::*;

    fn room(id: i64, kind: RoomKind, name: &str, unread: bool) -> SidebarRoom {
        let person = Person { id: UserId(id + 10), name: name.to_owned() };
        let people = if kind == RoomKind::Direct { vec![person] } else { vec![] };
        SidebarRoom { id: RoomId(id), kind, name: name.to_owned(), unread, mention_count: 0, active_at: 0, people }
    }

    #[test]
    fn lines_are_filtered_marked_and_escaped() {
        let rooms = [
            room(1, RoomKind::Direct, "Bob <b>", true),
            room(2, RoomKind::Open, "All Talk", false),
            room(3, RoomKind::Closed, "<Designers>", true),
        ];
        let unpinged =
            [Person { id: UserId(11), name: "Bob <b>".into() }, Person { id: UserId(5), name: "Cleo Patra".into() }];
        let shared = shared_lines(&rooms, "", Some(RoomId(2)));
        assert_eq!(shared.len(), 2);
        assert!(
            shared[0].html.contains(r#"href="/rooms/2" aria-current="page""#) && !shared[0].html.contains("unread")
        );
        assert!(shared[1].html.contains("&lt;Designers&gt;") && shared[1].html.contains("unread"));
        assert_eq!(shared_lines(&rooms, " TALK ", None).len(), 1);
        let named = [SidebarRoom { mention_count: 2, ..room(4, RoomKind::Open, "Named", true) }];
        assert!(shared_lines(&named, "", None)[0].html.contains("@2"));

        let pings = ping_lines(&rooms, &unpinged, "", None);
        assert_eq!(pings.len(), 3, "the new ping, Bob's, and Cleo offered");
        assert!(pings[1].html.contains("Bob &lt;b&gt;") && pings[1].class == "ping unread");
        assert!(pings[2].html.contains(r#"title="Ping Cleo Patra""#) && pings[2].html.contains("<bdi>Cleo</bdi>"));
        assert_eq!(ping_lines(&rooms, &unpinged, "cleo", None).len(), 2);
    }
}
