//! The inbox: what was said to the viewer, newest first.

use campfire::html::HtmlWriter;
use campfire::model::{Cause, Delivery, MessageId, Person, RoomId, RoomKind, paths, utc_timestamp};
use leptos::prelude::*;

use crate::components::avatar::push_avatar;
use crate::components::icon::Icon;
use crate::components::sheet::{Section, Sheet};

/// The id of the element with all that changes as entries come and go.
const LIST_ID: &str = "inbox";

/// How many people a row names before it counts the rest.
const MAX_NAMES: usize = 3;

/// An entry of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Why it is there.
    pub cause: Cause,
    /// Who said it.
    pub actor: Option<Person>,
    /// The room.
    pub room_id: RoomId,
    /// The kind of the room.
    pub room_kind: RoomKind,
    /// The name of the room.
    pub room_name: String,
    /// The message.
    pub message_id: MessageId,
    /// The beginning of the message's text.
    pub text: String,
    /// The content of a boost, or the note of a reminder.
    pub content: String,
    /// Whether the viewer has not seen it yet.
    pub unread: bool,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// A page of the inbox.
#[component]
pub fn InboxPage(
    /// The entries, newest first.
    entries: Vec<Entry>,
    /// The id of the newest entry of the page; 0 without any.
    newest: i64,
    /// The entry before which the next page begins; `None` on the last one.
    next_before: Option<i64>,
    /// Whether this is the first page, which changes as entries come.
    is_first: bool,
) -> impl IntoView {
    let any_unread = entries.iter().any(|entry| entry.unread);
    let is_empty = entries.is_empty();
    let rooms: Vec<_> = by_room(entries).into_iter().map(|room| room_view(&room)).collect();
    let settings = format!("{}#inbox-settings", paths::PUSH_SUBSCRIPTIONS);
    view! {
        <Sheet title="Inbox" back=paths::HOME actions=view! {
            <a class="button--icon" href=settings aria-label="What comes here" title="What comes here">{Icon::Gear.view()}</a>
        }.into_any()>
            <div class="inbox" id=is_first.then_some(LIST_ID)>
                {any_unread.then(|| view! {
                    <form method="post" action=paths::INBOX_READ id="inbox-read">
                        <input type="hidden" name="up_to" value=newest.to_string()/>
                        <button class="button button--plain">"All read"</button>
                    </form>
                })}
                {is_empty.then(|| view! {
                    <div class="empty empty--page">
                        {Icon::Inbox.view()}
                        <p>"Nothing here. When somebody mentions you, answers or boosts a message of yours, or pings you, you find it here."</p>
                    </div>
                })}
                {rooms}
                {next_before.map(|before| view! {
                    <p class="inbox__more"><a class="button button--plain" href=paths::inbox_before(before)>"Older"</a></p>
                })}
                {(!is_empty && next_before.is_none()).then(|| view! { <p class="inbox__note">"What is older than 90 days is not kept."</p> })}
            </div>
        </Sheet>
    }
}

/// Successive entries of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OfRoom {
    name: String,
    kind: RoomKind,
    rows: Vec<Row>,
}

/// A row: an entry, or all boosts of one message on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    entry: Entry,
    actors: Vec<Person>,
    contents: Vec<String>,
}

/// The entries by room, in the order of each room's newest entry. Boosts of a message are one row.
fn by_room(entries: Vec<Entry>) -> Vec<OfRoom> {
    let mut rooms: Vec<(RoomId, OfRoom)> = Vec::new();
    for entry in entries {
        let at = match rooms.iter().position(|(id, _)| *id == entry.room_id) {
            Some(at) => at,
            None => {
                let (name, kind) = (entry.room_name.clone(), entry.room_kind);
                rooms.push((entry.room_id, OfRoom { name, kind, rows: Vec::new() }));
                rooms.len() - 1
            }
        };
        let rows = &mut rooms[at].1.rows;
        let same = |row: &&mut Row| {
            entry.cause == Cause::Boost && row.entry.cause == Cause::Boost && row.entry.message_id == entry.message_id
        };
        if let Some(row) = rows.iter_mut().find(same) {
            row.entry.unread |= entry.unread;
            row.actors.extend(entry.actor.filter(|actor| !row.actors.contains(actor)));
            if !row.contents.contains(&entry.content) {
                row.contents.push(entry.content);
            }
            continue;
        }
        let (actors, contents) = (entry.actor.clone().into_iter().collect(), vec![entry.content.clone()]);
        rows.push(Row { entry, actors, contents });
    }
    rooms.into_iter().map(|(_, room)| room).collect()
}

fn room_view(room: &OfRoom) -> impl IntoView + use<> {
    let prefix = if room.kind == RoomKind::Direct { "Ping with " } else { "" };
    let rows: Vec<_> = room.rows.iter().map(|row| view! { <li inner_html=row_html(row)></li> }).collect();
    view! {
        <section class="inbox__room">
            <h2>{prefix}<bdi>{room.name.clone()}</bdi></h2>
            <ul>{rows}</ul>
        </section>
    }
}

/// The content of a row's list item: one link to the message.
fn row_html(Row { entry, actors, contents }: &Row) -> String {
    let mut html = HtmlWriter::new();
    let class = if entry.unread { "inbox__entry unread" } else { "inbox__entry" };
    html.markup(r#"<a class=""#).markup(class).markup(r#"" href=""#);
    html.text(&paths::message(entry.room_id, entry.message_id)).markup(r#"">"#);
    match actors.first() {
        Some(actor) => push_avatar(&mut html, actor.id, &actor.name),
        None => Icon::Bell.push_boxed(&mut html),
    }
    html.markup(r#"<span class="inbox__head"><span>"#);
    push_names(&mut html, actors);
    html.markup(words_of(entry.cause));
    if entry.cause == Cause::Boost {
        html.markup(r#" <span class="inbox__boosts">"#).text(&contents.join(" ")).markup("</span>");
    }
    let timestamp = utc_timestamp(entry.at_ms);
    html.markup(r#"</span><local-time data-date><time datetime=""#).raw(&timestamp).markup(r#"">"#);
    html.raw(&timestamp[..10]).markup(" ").raw(&timestamp[11..16]).markup(" UTC</time></local-time></span>");
    html.markup(r#"<span class="inbox__text" dir="auto">"#);
    let note = Some(entry.content.as_str()).filter(|note| entry.cause == Cause::Reminder && !note.is_empty());
    html.text(note.unwrap_or(&entry.text)).markup("</span>");
    if entry.unread {
        html.markup(r#"<span class="dot"><span class="visually-hidden">unread</span></span>"#);
    }
    html.markup("</a>");
    html.into_string()
}

/// Appends the names of who said something, and a blank.
fn push_names(html: &mut HtmlWriter, actors: &[Person]) {
    let named = if actors.len() > MAX_NAMES { MAX_NAMES - 1 } else { actors.len() };
    for (index, actor) in actors.iter().take(named).enumerate() {
        html.markup(match index {
            0 => "",
            _ if index + 1 == actors.len() => " and ",
            _ => ", ",
        });
        html.markup("<bdi>").text(&actor.name).markup("</bdi>");
    }
    if actors.len() > named {
        html.markup(" and ").number(i64::try_from(actors.len() - named).unwrap_or(0)).markup(" others");
    }
    if !actors.is_empty() {
        html.markup(" ");
    }
}

/// What somebody did, after their name.
const fn words_of(cause: Cause) -> &'static str {
    match cause {
        Cause::Mention => "mentioned you",
        Cause::Answer => "answered you",
        Cause::Boost => "boosted your message",
        Cause::ThreadAnswer => "answered in a thread",
        Cause::Ping => "pinged you",
        Cause::Reminder => "Reminder",
    }
}

/// The form in which the viewer chooses how to hear of each cause.
#[component]
pub fn InboxSettings(
    /// What is chosen.
    chosen: Vec<(Cause, Delivery)>,
) -> impl IntoView {
    let causes: Vec<_> = chosen.into_iter().filter(|(cause, _)| *cause != Cause::Reminder).collect();
    view! {
        <Section title="What comes into your inbox" id="inbox-settings">
            <p>"Quiet: you find it in your inbox. Notify: your devices tell you as well, and the icon counts it."</p>
            <form class="inbox-settings" method="post" action=paths::INBOX_SETTINGS>
                <input type="hidden" name="_method" value="put"/>
                {causes.into_iter().map(|(cause, delivery)| view! { <CauseChoice cause delivery/> }).collect_view()}
                <button class="button">"Save"</button>
            </form>
        </Section>
    }
}

/// The choices for one cause.
#[component]
fn CauseChoice(cause: Cause, delivery: Delivery) -> impl IntoView {
    let label = label_of(cause);
    let options = Delivery::ALL.map(|option| {
        view! {
            <label class="choice__option">
                <input type="radio" name=cause.word() value=option.word() checked=option == delivery/>
                <span>{option.label()}</span>
            </label>
        }
    });
    view! {
        <fieldset class="inbox-settings__cause">
            <legend class="visually-hidden">{label}</legend>
            <p aria-hidden="true">{label}</p>
            <div class="choice choice--three">{options.into_iter().collect_view()}</div>
        </fieldset>
    }
}

const fn label_of(cause: Cause) -> &'static str {
    match cause {
        Cause::Mention => "Mentions",
        Cause::Answer => "Answers to you",
        Cause::Boost => "Boosts of your messages",
        Cause::ThreadAnswer => "Answers in threads you follow",
        Cause::Ping => "Pings",
        Cause::Reminder => "Reminders",
    }
}

#[cfg(test)]
mod tests {
    use campfire::model::UserId;

    use super::*;

    fn entry(cause: Cause, room: i64, message: i64, actor: i64, content: &str) -> Entry {
        Entry {
            cause,
            actor: Some(Person { id: UserId(actor), name: format!("<{actor}>") }),
            room_id: RoomId(room),
            room_kind: RoomKind::Open,
            room_name: format!("Room {room}"),
            message_id: MessageId(message),
            text: "<b>text</b>".into(),
            content: content.into(),
            unread: actor == 3,
            at_ms: 0,
        }
    }

    #[test]
    fn boosts_of_a_message_are_one_row_and_rooms_are_in_the_order_of_their_newest_entry() {
        let rooms = by_room(vec![
            entry(Cause::Boost, 1, 7, 2, "👍"),
            entry(Cause::Mention, 2, 8, 2, ""),
            entry(Cause::Boost, 1, 7, 3, "👍"),
            entry(Cause::Boost, 1, 7, 2, "🎉"),
            entry(Cause::Boost, 1, 6, 2, "👍"),
        ]);
        let shape: Vec<_> = rooms.iter().map(|room| (room.name.as_str(), room.rows.len())).collect();
        assert_eq!(shape, [("Room 1", 2), ("Room 2", 1)]);
        let row = &rooms[0].rows[0];
        assert_eq!((row.actors.len(), row.contents.join("")), (2, "👍🎉".to_owned()));
        assert!(row.entry.unread, "one of them is");
    }

    #[test]
    fn a_row_leads_to_its_message_and_is_text() {
        let rooms = by_room(vec![entry(Cause::Answer, 1, 7, 3, "")]);
        let html = row_html(&rooms[0].rows[0]);
        assert!(html.contains(r#"href="/rooms/1/@7""#) && html.contains("answered you"), "{html}");
        assert!(html.contains("&lt;3&gt;") && html.contains("&lt;b&gt;text") && html.contains("unread"), "{html}");
    }

    #[test]
    fn at_most_three_names_are_shown() {
        let names = |count: i64| {
            let people: Vec<_> = (1..=count).map(|id| Person { id: UserId(id), name: id.to_string() }).collect();
            let mut html = HtmlWriter::new();
            push_names(&mut html, &people);
            html.into_string().replace("<bdi>", "").replace("</bdi>", "")
        };
        assert_eq!([names(0), names(1), names(2)], ["", "1 ", "1 and 2 "]);
        assert_eq!([names(3), names(4), names(12)], ["1, 2 and 3 ", "1, 2 and 2 others ", "1, 2 and 10 others "]);
    }
}
