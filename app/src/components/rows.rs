//! The list of a room's messages: ready strings, and what keeps them as they should be.
//!
//! A page has hundreds of rows, and nearly all of them never change. The server writes them as one string, and the
//! browser takes them over as they stand: what happens later is worked out as a few [`RowPatch`]s, each of which touches one
//! row, or puts a run of new ones in. What the list shows is read from the list itself.

use campfire::model::{Message, MessageId, is_grouped};
use campfire::protocol::Timeline;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::message::message_html;
use super::push;
use crate::browser;
use crate::names::attribute;

/// The class of a row that stands under the one before it without repeating its author.
const GROUPED: &str = "message--grouped";

/// What one row of the list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    id: MessageId,
    revision: i64,
    boosts_seq: i64,
    grouped: bool,
}

/// One change to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowPatch {
    Remove(MessageId),
    /// Puts a run of rows before this one, or at the end.
    Insert {
        before: Option<MessageId>,
        html: String,
    },
    /// Puts a row anew.
    Replace {
        id: MessageId,
        html: String,
    },
    /// What is under a message now.
    Boosts {
        id: MessageId,
        html: String,
    },
    Group {
        id: MessageId,
        grouped: bool,
    },
}

/// All rows as they stand in a page. `target` is the message that the page was opened at, `new_from` the first new one.
#[must_use]
pub fn rows_html(timeline: &Timeline, target: Option<MessageId>, new_from: Option<MessageId>) -> String {
    let messages = &timeline.messages;
    let mut html = String::with_capacity(messages.iter().map(|message| message.body_html.len() + 1_280).sum());
    for (message, grouped) in with_grouping(messages) {
        row_html(&mut html, message, grouped, target, new_from);
    }
    html
}

/// Whether the browser has these messages from the page's own data, which leaves out what the page's HTML says.
#[must_use]
pub fn are_in_the_page(timeline: &Timeline) -> bool {
    timeline.messages.iter().all(|message| message.body_html.is_empty())
}

fn row_html(
    html: &mut String,
    message: &Message,
    grouped: bool,
    target: Option<MessageId>,
    new_from: Option<MessageId>,
) {
    let mut digits = itoa::Buffer::new();
    let id = digits.format(message.id.0);
    push(html, &["<li class=\"message", if grouped { " message--grouped" } else { "" }, "\" id=\"message-", id]);
    push(html, &["\" data-author=\"", itoa::Buffer::new().format(message.creator_id.0)]);
    push(html, &["\" aria-labelledby=\"by-", id, " says-", id, "\""]);
    if message.revision > 1 {
        push(html, &[" data-revision=\"", itoa::Buffer::new().format(message.revision), "\""]);
    }
    push(html, &[if new_from == Some(message.id) { " data-new" } else { "" }]);
    push(html, &[if target == Some(message.id) { " aria-current=\"true\"" } else { "" }, ">"]);
    message_html(html, message);
    html.push_str("</li>");
}

fn with_grouping(messages: &[Message]) -> impl Iterator<Item = (&Message, bool)> {
    let previous = std::iter::once(None).chain(messages.iter().map(Some));
    messages.iter().zip(previous).map(|(message, previous)| (message, is_grouped(previous, message)))
}

/// What makes a list that shows `shown` one of these messages. Both are in the order of the ids.
fn patches(shown: &[Shown], messages: &[Message], new_from: Option<MessageId>) -> Vec<RowPatch> {
    let mut patches = Vec::new();
    let mut shown = shown.iter().peekable();
    let mut run = String::new();
    for (message, grouped) in with_grouping(messages) {
        while let Some(gone) = shown.next_if(|shown| shown.id < message.id) {
            insert(&mut patches, &mut run, Some(gone.id));
            patches.push(RowPatch::Remove(gone.id));
        }
        let Some(row) = shown.next_if(|shown| shown.id == message.id) else {
            row_html(&mut run, message, grouped, None, new_from);
            continue;
        };
        let id = row.id;
        insert(&mut patches, &mut run, Some(id));
        if row.revision != message.revision {
            let mut html = String::new();
            row_html(&mut html, message, grouped, None, new_from);
            patches.push(RowPatch::Replace { id, html });
            continue;
        }
        if row.grouped != grouped {
            patches.push(RowPatch::Group { id, grouped });
        }
        if row.boosts_seq != message.boosts_seq {
            patches.push(RowPatch::Boosts { id, html: message.boosts_html.clone() });
        }
    }
    insert(&mut patches, &mut run, shown.peek().map(|next| next.id));
    patches.extend(shown.map(|gone| RowPatch::Remove(gone.id)));
    patches
}

fn insert(patches: &mut Vec<RowPatch>, run: &mut String, before: Option<MessageId>) {
    if !run.is_empty() {
        patches.push(RowPatch::Insert { before, html: std::mem::take(run) });
    }
}

/// Makes the list show these messages, and answers with what it shows then. `shown` is what it showed before; nothing
/// where the page came with it.
pub fn show(
    list: &Element,
    shown: Option<Vec<Shown>>,
    messages: &[Message],
    new_from: Option<MessageId>,
) -> Vec<Shown> {
    let shown = shown.unwrap_or_else(|| read(list));
    for patch in patches(&shown, messages, new_from) {
        apply(list, &patch);
    }
    let show = |(message, grouped): (&Message, bool)| {
        let Message { id, revision, boosts_seq, .. } = *message;
        Shown { id, revision, boosts_seq, grouped }
    };
    with_grouping(messages).map(show).collect()
}

fn apply(list: &Element, patch: &RowPatch) {
    match patch {
        RowPatch::Insert { before: None, html } => drop(list.insert_adjacent_html("beforeend", html)),
        RowPatch::Insert { before: Some(id), html } => {
            if let Some(row) = browser::row(*id) {
                let _ = row.insert_adjacent_html("beforebegin", html);
            }
        }
        RowPatch::Boosts { id, html } => browser::show_boosts(*id, html),
        RowPatch::Remove(id) | RowPatch::Replace { id, .. } | RowPatch::Group { id, .. } => {
            let Some(row) = browser::row(*id) else { return };
            match patch {
                RowPatch::Replace { html, .. } => row.set_outer_html(html),
                RowPatch::Group { grouped, .. } => drop(row.class_list().toggle_with_force(GROUPED, *grouped)),
                _ => row.remove(),
            }
        }
    }
}

/// What the rows of a list say that they show.
fn read(list: &Element) -> Vec<Shown> {
    let rows = list.children();
    let rows = (0..rows.length()).filter_map(|index| rows.item(index));
    rows.filter_map(|row| {
        let id = row.id().strip_prefix("message-")?.parse().ok()?;
        let revision = row.get_attribute("data-revision").and_then(|revision| revision.parse().ok()).unwrap_or(1);
        let boosts = row.query_selector("[data-boosts]").ok()?;
        let boosts_seq = boosts.and_then(|boosts| boosts.get_attribute(attribute::BOOSTS)?.parse().ok()).unwrap_or(0);
        let row: &Element = row.unchecked_ref();
        Some(Shown { id, revision, boosts_seq, grouped: row.class_list().contains(GROUPED) })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use campfire::model::{RoomId, UserId};

    use super::*;

    fn message(id: i64, creator_id: i64) -> Message {
        Message {
            id: MessageId(id),
            room_id: RoomId(4),
            creator_id: UserId(creator_id),
            creator_name: "Ada".into(),
            client_message_id: None,
            body_html: format!("<p>{id}</p>"),
            revision: 1,
            created_at: 0,
            boosts_html: String::new(),
            boosts_seq: 0,
        }
    }

    fn shown(messages: &[Message]) -> Vec<Shown> {
        let show = |(message, grouped): (&Message, bool)| Shown {
            id: message.id,
            revision: message.revision,
            boosts_seq: message.boosts_seq,
            grouped,
        };
        with_grouping(messages).map(show).collect()
    }

    /// The patches in short: what happens to which row.
    fn patched(before: &[Message], after: &[Message]) -> Vec<String> {
        let ids = |html: &str| {
            html.split("id=\"message-")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let in_short = |patch| match patch {
            RowPatch::Remove(id) => format!("-{id}"),
            RowPatch::Insert { before: Some(before), html } => format!("+{} before {before}", ids(&html)),
            RowPatch::Insert { before: None, html } => format!("+{}", ids(&html)),
            RowPatch::Replace { id, .. } => format!("={id}"),
            RowPatch::Boosts { id, html } => format!("{id} boosted {html}"),
            RowPatch::Group { id, grouped } => format!("{id} grouped {grouped}"),
        };
        patches(&shown(before), after, None).into_iter().map(in_short).collect()
    }

    #[test]
    fn nothing_is_touched_where_nothing_changed() {
        let messages = [message(1, 1), message(2, 1), message(3, 2)];
        assert!(patched(&messages, &messages).is_empty());
        assert!(patched(&[], &[]).is_empty());
    }

    #[test]
    fn new_rows_come_in_runs_where_they_belong() {
        let all = [message(1, 1), message(2, 2), message(3, 1), message(4, 2), message(5, 1)];
        assert_eq!(patched(&all[..3], &all), ["+4 5"]);
        assert_eq!(patched(&all[2..], &all), ["+1 2 before 3"]);
        assert_eq!(patched(&[all[0].clone(), all[4].clone()], &all), ["+2 3 4 before 5", "5 grouped false"]);
        assert_eq!(patched(&[], &all), ["+1 2 3 4 5"]);
    }

    #[test]
    fn what_is_gone_goes_and_what_stood_under_it_gets_its_head_back() {
        let all = [message(1, 1), message(2, 1), message(3, 2), message(4, 2)];
        assert_eq!(patched(&all, &all[1..]), ["-1", "2 grouped false"]);
        assert_eq!(patched(&all, &all[..2]), ["-3", "-4"]);
        assert_eq!(patched(&all, &[]), ["-1", "-2", "-3", "-4"]);
        assert_eq!(patched(&all[..2], &all[2..]), ["-1", "-2", "+3 4"]);
        assert_eq!(patched(&all[2..], &all[..2]), ["+1 2 before 3", "-3", "-4"]);
    }

    #[test]
    fn an_edit_puts_one_row_anew_and_a_boost_one_line_of_it() {
        let before = [message(1, 1), message(2, 2)];
        let mut after = before.clone();
        after[0].revision = 2;
        (after[1].boosts_seq, after[1].boosts_html) = (7, "<b>".into());
        assert_eq!(patched(&before, &after), ["=1", "2 boosted <b>"]);
        let html = |revision| {
            let mut html = String::new();
            row_html(&mut html, &Message { revision, ..message(1, 1) }, false, None, None);
            html
        };
        assert!(html(2).contains(r#"data-revision="2""#) && !html(1).contains("data-revision"));
    }

    #[test]
    fn a_row_says_what_its_place_adds() {
        let timeline = Timeline {
            room_id: RoomId(4),
            messages: std::sync::Arc::new(vec![message(1, 1), message(2, 1)]),
            has_older: false,
            has_newer: false,
            cursor: campfire::protocol::Cursor { epoch: "e".into(), seq: 1, at: 1 },
            removed: std::collections::BTreeSet::new(),
        };
        let html = rows_html(&timeline, Some(MessageId(1)), Some(MessageId(2)));
        let (first, second) = html.split_once("</li>").unwrap();
        assert!(first.contains(r#"aria-current="true""#) && !first.contains("data-new"), "{first}");
        assert!(second.contains(" data-new>") && second.contains("message--grouped"), "{second}");
        assert!(!are_in_the_page(&timeline));
    }
}
