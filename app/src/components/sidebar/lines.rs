//! The lines of the sidebar as ready strings: a list of many parts costs the browser little code.
//!
//! What changes often about a line (which page is current, who is online) is an attribute, so that a line that has the
//! focus keeps it.

use std::fmt::Write;

use campfire::model::{Person, RoomId, RoomKind, SidebarRoom, escape_html, first_name, lowercase, paths};

use crate::components::avatar::{avatar_html, avatars_html};
use crate::components::icon::Icon;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    pub class: &'static str,
    pub html: String,
}

/// The open and closed rooms that match. `in_view` is the room that the page shows.
pub fn shared_lines(rooms: &[SidebarRoom], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
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
pub fn ping_lines(rooms: &[SidebarRoom], unpinged: &[Person], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
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

/// A link to a room, marked when it is in view and when it has unread messages.
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

#[cfg(test)]
mod tests {
    use campfire::model::UserId;

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
