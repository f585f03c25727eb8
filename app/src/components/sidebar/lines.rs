//! The lines of the sidebar as HTML: elements with many parts cost the browser less code than components would.
//!
//! The state of a line that changes often (the current page, people online) is an attribute set from outside: the element
//! stays, and keeps the focus.

use campfire::html::HtmlWriter;
use campfire::model::{MAX_NEWS_COUNT, Person, RoomId, RoomKind, SidebarRoom, first_name, fold_for_filter, paths};

use crate::components::avatar::{push_avatar, push_avatars};
use crate::components::icon::Icon;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The class of the list item.
    pub class: &'static str,
    /// The content of the list item.
    pub html: String,
}

/// The open and closed rooms that match. `in_view` is the room that the page shows.
pub fn shared_lines(rooms: &[SidebarRoom], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
    let matching = rooms.iter().filter(|room| room.kind != RoomKind::Direct && matches(&room.name, filter));
    matching.map(|room| shared_line(room, in_view)).collect()
}

fn shared_line(room: &SidebarRoom, in_view: Option<RoomId>) -> Line {
    let icon = if room.kind == RoomKind::Closed { Icon::Lock } else { Icon::Room };
    let mut html = HtmlWriter::new();
    push_link_start(&mut html, room, in_view);
    html.markup(r#"><span class="icon-box">"#);
    icon.push(&mut html);
    html.markup(r#"</span> <bdi class="sidebar__name">"#).text(&room.name).markup("</bdi>");
    push_link_end(&mut html, room);
    push_thread_news(&mut html, room);
    let class = if room.unread { "sidebar__room unread" } else { "sidebar__room" };
    Line { class, html: html.into_string() }
}

/// The link to a new ping, the direct rooms that match in the order of `rooms`, and people who have no direct room yet.
pub fn ping_lines(rooms: &[SidebarRoom], unpinged: &[Person], filter: &str, in_view: Option<RoomId>) -> Vec<Line> {
    let mut lines = vec![new_ping_line()];
    let direct = rooms.iter().filter(|room| room.kind == RoomKind::Direct && matches(&room.name, filter));
    lines.extend(direct.map(|room| ping_line(room, in_view)));
    // `unpinged` is as old as the page: people pinged since have a room.
    let has_room = |person: &Person| rooms.iter().any(|room| room.people.iter().any(|other| other.id == person.id));
    let offered = unpinged.iter().filter(|person| !has_room(person) && matches(&person.name, filter));
    lines.extend(offered.map(offered_line));
    lines
}

fn new_ping_line() -> Line {
    let mut html = HtmlWriter::new();
    html.markup(r#"<a href=""#).markup(paths::new_room(RoomKind::Direct));
    html.markup(r#""><span class="ping__new"><span class="icon-box">"#);
    Icon::Plus.push(&mut html);
    html.markup(r#"</span></span> <span class="ping__label">Ping</span></a>"#);
    Line { class: "ping", html: html.into_string() }
}

fn ping_line(room: &SidebarRoom, in_view: Option<RoomId>) -> Line {
    let mut html = HtmlWriter::new();
    push_link_start(&mut html, room, in_view);
    html.markup(r#" title=""#).text(&room.name).markup(r#"">"#);
    push_avatars(&mut html, &room.people);
    html.markup(r#" <span class="ping__label"><bdi>"#).text(&room.label()).markup("</bdi></span>");
    push_link_end(&mut html, room);
    Line { class: if room.unread { "ping unread" } else { "ping" }, html: html.into_string() }
}

/// A person to ping for the first time: a button that makes the room.
fn offered_line(person: &Person) -> Line {
    let mut html = HtmlWriter::new();
    html.markup(r#"<form method="post" action=""#).markup(paths::rooms(RoomKind::Direct));
    html.markup(r#""><input type="hidden" name="user_ids" value=""#).number(person.id.0);
    html.markup(r#""/><button title="Ping "#).text(&person.name);
    html.markup(r#""><span class="avatars avatars--1">"#);
    push_avatar(&mut html, person.id, &person.name);
    html.markup(r#"</span> <span class="ping__label"><bdi>"#).text(first_name(&person.name));
    html.markup("</bdi></span></button></form>");
    Line { class: "ping ping--offered", html: html.into_string() }
}

/// Appends the start of a link to a room, open for more attributes. The link to the room in view is marked.
fn push_link_start(html: &mut HtmlWriter, room: &SidebarRoom, in_view: Option<RoomId>) {
    html.markup(r#"<a href=""#).text(&paths::room(room.id)).markup(r#"""#);
    html.markup(if in_view == Some(room.id) { r#" aria-current="page""# } else { "" });
}

/// Appends the marks of unread messages and mentions, and the end of the link.
fn push_link_end(html: &mut HtmlWriter, room: &SidebarRoom) {
    if room.mention_count > 0 {
        html.markup(r#" <span class="mentions">@"#).number(room.mention_count.into());
        html.markup(r#"<span class="visually-hidden"> for you</span></span>"#);
    }
    if room.unread {
        html.markup(r#" <span class="dot"><span class="visually-hidden">unread</span></span>"#);
    }
    html.markup("</a>");
}

/// Appends the link to the newest thread of the room that has news, and how many answers are new in all.
fn push_thread_news(html: &mut HtmlWriter, room: &SidebarRoom) {
    let Some(thread) = room.threads.first() else { return };
    let count: u32 = room.threads.iter().map(|thread| thread.count).sum();
    html.markup(r#"<a class="thread-mark" href=""#).text(&paths::thread(room.id, thread.root_id));
    html.markup(r#"" title="New answers in a thread">"#);
    Icon::Thread.push(html);
    html.number(count.min(MAX_NEWS_COUNT).into())
        .markup(r#"<span class="visually-hidden"> new answers in a thread of "#);
    html.text(&room.name).markup("</span></a>");
}

fn matches(name: &str, filter: &str) -> bool {
    filter.is_empty() || fold_for_filter(name).contains(&fold_for_filter(filter.trim()))
}

#[cfg(test)]
mod tests {
    use campfire::model::{MessageId, ThreadNews, UserId};

    use super::*;

    fn room(id: i64, kind: RoomKind, name: &str, unread: bool) -> SidebarRoom {
        let person = Person { id: UserId(id + 10), name: name.to_owned() };
        let people = if kind == RoomKind::Direct { vec![person] } else { vec![] };
        let (name, threads) = (name.to_owned(), vec![]);
        SidebarRoom { id: RoomId(id), kind, name, unread, mention_count: 0, active_at: 0, people, threads }
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
        for filter in [" TALK ", "Täłk", "ａｌｌ"] {
            assert_eq!(shared_lines(&rooms, filter, None).len(), 1, "{filter}");
        }
        let named = [SidebarRoom { mention_count: 2, ..room(4, RoomKind::Open, "Named", true) }];
        assert!(shared_lines(&named, "", None)[0].html.contains("@2"));

        let news = |root_id, count| ThreadNews { root_id: MessageId(root_id), count };
        let named =
            [SidebarRoom { threads: vec![news(50, 2), news(41, 3)], ..room(4, RoomKind::Open, "Named", false) }];
        let line = &shared_lines(&named, "", None)[0];
        assert!(line.html.contains(r#"href="/rooms/4/threads/50""#) && line.html.contains("</svg>5<"), "{}", line.html);

        let pings = ping_lines(&rooms, &unpinged, "", None);
        assert_eq!(pings.len(), 3, "the new ping, Bob's, and Cleo offered");
        assert!(pings[1].html.contains("Bob &lt;b&gt;") && pings[1].class == "ping unread");
        assert!(pings[2].html.contains(r#"title="Ping Cleo Patra""#) && pings[2].html.contains("<bdi>Cleo</bdi>"));
        assert_eq!(ping_lines(&rooms, &unpinged, "cleo", None).len(), 2);
    }
}
