//! The rows of a room's messages: their HTML, and the patches that update them in the browser.
//!
//! A page has hundreds of rows, and nearly all of them never change. The server renders them as one string, and the
//! browser keeps those elements: each change of the timeline becomes a few [`RowPatch`]es, each of which touches one row
//! or inserts a run of new ones. The initial state of the rows is read from their attributes.

use campfire::html::HtmlWriter;
use campfire::model::{Message, MessageId, is_grouped};
use campfire::protocol::Timeline;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::message::{push_body, push_extras, push_message};
use super::opened_at::OpenedAt;
use crate::browser;
use crate::names::attribute;

/// The class of a row that continues the message above it: its author is not shown again.
const GROUPED: &str = "message--grouped";

/// The attribute with the `seq` of the event that changed what a row shows below its body.
const EXTRAS: &str = "data-extras";

/// Estimated size of a row without its body, in bytes.
const ROW_BYTES: usize = 1_700;

/// The state of one row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowState {
    id: MessageId,
    revision: i64,
    boosts_seq: i64,
    extras_seq: i64,
    is_grouped: bool,
}

/// One change to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowPatch {
    /// Removes a row.
    Remove(MessageId),
    /// Inserts a run of rows before a row, or at the end.
    Insert {
        /// The row after the run.
        before: Option<MessageId>,
        /// The rows.
        html: String,
    },
    /// Replaces the body of a row: its menu stays open, and the row keeps the focus.
    Body {
        /// The row.
        id: MessageId,
        /// The number of the edit.
        revision: i64,
        /// The new HTML of the body.
        html: String,
    },
    /// Replaces the boosts of a row.
    Boosts {
        /// The row.
        id: MessageId,
        /// The HTML of its boosts.
        html: String,
    },
    /// Replaces what a row shows below its body.
    Extras {
        /// The row.
        id: MessageId,
        /// The HTML of its files, with the element around them; empty without any.
        html: String,
    },
    /// Shows or hides the author of a row.
    Group {
        /// The row.
        id: MessageId,
        /// Whether it continues the message above.
        is_grouped: bool,
    },
}

/// The rows of all loaded messages. `new_from` is the first new one.
#[must_use]
pub fn rows_html(timeline: &Timeline, opened_at: OpenedAt, new_from: Option<MessageId>) -> String {
    let messages = &timeline.messages;
    let capacity = messages.iter().map(|message| message.html_bytes() + ROW_BYTES).sum();
    let mut html = HtmlWriter::with_capacity(capacity);
    for (message, is_grouped) in with_grouping(messages) {
        push_row(&mut html, message, is_grouped, opened_at, new_from);
    }
    html.into_string()
}

/// Whether the server's HTML contains the rows of these messages: the page's data leaves out what its HTML contains.
#[must_use]
pub fn are_in_page(timeline: &Timeline) -> bool {
    timeline.messages.iter().all(|message| message.creator_name.is_empty())
}

fn push_row(
    html: &mut HtmlWriter,
    message: &Message,
    is_grouped: bool,
    opened_at: OpenedAt,
    new_from: Option<MessageId>,
) {
    let mut digits = itoa::Buffer::new();
    let id = digits.format(message.id.0);
    html.markup(r#"<li class="message"#).markup(if is_grouped { " message--grouped" } else { "" });
    html.markup(r#"" id="message-"#).raw(id);
    html.markup(r#"" data-author=""#).number(message.creator_id.0);
    html.markup(r#"" aria-labelledby="by-"#).raw(id).markup(" says-").raw(id).markup(r#"""#);
    if message.revision > 1 {
        html.markup(r#" data-revision=""#).number(message.revision).markup(r#"""#);
    }
    html.markup(if new_from == Some(message.id) { " data-new" } else { "" });
    html.markup(if opened_at.target() == Some(message.id) { r#" aria-current="true""# } else { "" });
    // boot.js brings the row into view.
    let is_in_view = cfg!(feature = "ssr") && opened_at.in_view() == Some(message.id);
    html.markup(if is_in_view { r#" tabindex="-1" autofocus>"# } else { ">" });
    push_message(html, message);
    html.markup("</li>");
}

fn with_grouping(messages: &[Message]) -> impl Iterator<Item = (&Message, bool)> {
    let previous = std::iter::once(None).chain(messages.iter().map(Some));
    messages.iter().zip(previous).map(|(message, previous)| (message, is_grouped(previous, message)))
}

/// The patches that make a list with these `rows` show these messages. Both are sorted by id.
fn patches(rows: &[RowState], messages: &[Message], new_from: Option<MessageId>) -> Vec<RowPatch> {
    let mut patches = Vec::new();
    let mut rows = rows.iter().peekable();
    let mut run = None;
    for (message, is_grouped) in with_grouping(messages) {
        while let Some(removed) = rows.next_if(|row| row.id < message.id) {
            end_run(&mut patches, &mut run, Some(removed.id));
            patches.push(RowPatch::Remove(removed.id));
        }
        let Some(row) = rows.next_if(|row| row.id == message.id) else {
            push_row(run.get_or_insert_default(), message, is_grouped, OpenedAt::End, new_from);
            continue;
        };
        let id = row.id;
        end_run(&mut patches, &mut run, Some(id));
        if row.revision != message.revision {
            let mut html = HtmlWriter::new();
            push_body(&mut html, message, &id.to_string());
            patches.push(RowPatch::Body { id, revision: message.revision, html: html.into_string() });
        }
        if row.is_grouped != is_grouped {
            patches.push(RowPatch::Group { id, is_grouped });
        }
        if row.boosts_seq != message.boosts_seq {
            patches.push(RowPatch::Boosts { id, html: message.boosts_html.clone() });
        }
        if row.extras_seq != message.extras_seq {
            let mut html = HtmlWriter::new();
            push_extras(&mut html, message);
            patches.push(RowPatch::Extras { id, html: html.into_string() });
        }
    }
    end_run(&mut patches, &mut run, rows.peek().map(|next| next.id));
    patches.extend(rows.map(|removed| RowPatch::Remove(removed.id)));
    patches
}

/// Adds the patch that inserts the run of new rows before a row, if there is a run.
fn end_run(patches: &mut Vec<RowPatch>, run: &mut Option<HtmlWriter>, before: Option<MessageId>) {
    if let Some(run) = run.take() {
        patches.push(RowPatch::Insert { before, html: run.into_string() });
    }
}

/// Updates the list to show these messages and returns the new state of its rows. `rows` is the state before; `None` for
/// rows that the server rendered.
pub fn update(
    list: &Element,
    rows: Option<Vec<RowState>>,
    messages: &[Message],
    new_from: Option<MessageId>,
) -> Vec<RowState> {
    let rows = rows.unwrap_or_else(|| read(list));
    for patch in patches(&rows, messages, new_from) {
        apply(list, &patch);
    }
    states(messages)
}

fn states(messages: &[Message]) -> Vec<RowState> {
    let state = |(message, is_grouped): (&Message, bool)| {
        let Message { id, revision, boosts_seq, extras_seq, .. } = *message;
        RowState { id, revision, boosts_seq, extras_seq, is_grouped }
    };
    with_grouping(messages).map(state).collect()
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
        RowPatch::Extras { id, html } => {
            if let Some(row) = browser::row(*id) {
                browser::show_extras(&row, html);
            }
        }
        RowPatch::Remove(id) | RowPatch::Body { id, .. } | RowPatch::Group { id, .. } => {
            let Some(row) = browser::row(*id) else { return };
            match patch {
                RowPatch::Body { revision, html, .. } => {
                    let _ = row.set_attribute("data-revision", &revision.to_string());
                    browser::show_body(&row, html);
                }
                RowPatch::Group { is_grouped, .. } => drop(row.class_list().toggle_with_force(GROUPED, *is_grouped)),
                _ => row.remove(),
            }
        }
    }
}

/// The state of the rows of a list, read from their attributes.
fn read(list: &Element) -> Vec<RowState> {
    let rows = list.children();
    let rows = (0..rows.length()).filter_map(|index| rows.item(index));
    rows.filter_map(|row| {
        let id = row.id().strip_prefix("message-")?.parse().ok()?;
        let revision = row.get_attribute("data-revision").and_then(|revision| revision.parse().ok()).unwrap_or(1);
        let seq = |name: &str| {
            let part = row.query_selector(&["[", name, "]"].concat()).ok()??;
            part.get_attribute(name)?.parse().ok()
        };
        let (boosts_seq, extras_seq) = (seq(attribute::BOOSTS).unwrap_or(0), seq(EXTRAS).unwrap_or(0));
        let row: &Element = row.unchecked_ref();
        let is_grouped = row.class_list().contains(GROUPED);
        Some(RowState { id, revision, boosts_seq, extras_seq, is_grouped })
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
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        }
    }

    /// The patches in short notation: `-1` removes row 1, `+1 2 before 3` inserts.
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
            RowPatch::Body { id, revision, html } => format!("{id} edited {revision} {html}"),
            RowPatch::Boosts { id, html } => format!("{id} boosted {html}"),
            RowPatch::Group { id, is_grouped } => format!("{id} grouped {is_grouped}"),
            RowPatch::Extras { id, html } => format!("{id} extras {html}"),
        };
        patches(&states(before), after, None).into_iter().map(in_short).collect()
    }

    #[test]
    fn unchanged_messages_need_no_patches() {
        let messages = [message(1, 1), message(2, 1), message(3, 2)];
        assert!(patched(&messages, &messages).is_empty());
        assert!(patched(&[], &[]).is_empty());
    }

    #[test]
    fn new_rows_are_inserted_in_runs_in_order() {
        let all = [message(1, 1), message(2, 2), message(3, 1), message(4, 2), message(5, 1)];
        assert_eq!(patched(&all[..3], &all), ["+4 5"]);
        assert_eq!(patched(&all[2..], &all), ["+1 2 before 3"]);
        assert_eq!(patched(&[all[0].clone(), all[4].clone()], &all), ["+2 3 4 before 5", "5 grouped false"]);
        assert_eq!(patched(&[], &all), ["+1 2 3 4 5"]);
    }

    #[test]
    fn removed_rows_are_removed_and_the_next_one_shows_its_author_again() {
        let all = [message(1, 1), message(2, 1), message(3, 2), message(4, 2)];
        assert_eq!(patched(&all, &all[1..]), ["-1", "2 grouped false"]);
        assert_eq!(patched(&all, &all[..2]), ["-3", "-4"]);
        assert_eq!(patched(&all, &[]), ["-1", "-2", "-3", "-4"]);
        assert_eq!(patched(&all[..2], &all[2..]), ["-1", "-2", "+3 4"]);
        assert_eq!(patched(&all[2..], &all[..2]), ["+1 2 before 3", "-3", "-4"]);
    }

    #[test]
    fn an_edit_replaces_only_the_body_and_a_boost_only_the_boosts() {
        let before = [message(1, 1), message(2, 2)];
        let mut after = before.clone();
        after[0].revision = 2;
        after[0].boosts_seq = 6;
        after[0].boosts_html = "<i>".into();
        after[1].boosts_seq = 7;
        after[1].boosts_html = "<b>".into();
        let body = r#"<div class="message__body" id="says-1" dir="auto"><p>1</p></div>"#.to_owned()
            + r#"<a class="message__edited" href="/rooms/4/messages/1/history">edited</a>"#;
        assert_eq!(patched(&before, &after), [&format!("1 edited 2 {body}"), "1 boosted <i>", "2 boosted <b>"]);
        let html = |revision| {
            let mut html = HtmlWriter::new();
            push_row(&mut html, &Message { revision, ..message(1, 1) }, false, OpenedAt::End, None);
            html.into_string()
        };
        assert!(html(2).contains(r#"data-revision="2""#) && !html(1).contains("data-revision"));
    }

    #[test]
    fn rows_mark_the_target_the_first_new_one_and_grouped_ones() {
        let timeline = Timeline {
            room_id: RoomId(4),
            thread: None,
            messages: std::sync::Arc::new(vec![message(1, 1), message(2, 1)]),
            has_older: false,
            has_newer: false,
            cursor: campfire::protocol::Cursor { epoch: "e".into(), seq: 1, at: 1 },
            removed: std::collections::BTreeSet::new(),
            pins_html: String::new(),
            pins_seq: 0,
        };
        let html = rows_html(&timeline, OpenedAt::Message(MessageId(1)), Some(MessageId(2)));
        let (first, second) = html.split_once("</li>").unwrap();
        assert!(first.contains(r#"aria-current="true" tabindex="-1" autofocus>"#), "{first}");
        assert!(!first.contains("data-new"), "{first}");
        assert!(second.contains(" data-new>") && second.contains("message--grouped"), "{second}");
        assert!(!second.contains("autofocus") && !are_in_page(&timeline));
        let beside = rows_html(&timeline, OpenedAt::Gap(Some(MessageId(2))), None);
        let (first, second) = beside.split_once("</li>").unwrap();
        assert!(!first.contains("autofocus") && second.contains(" autofocus>"), "{beside}");
        assert!(!beside.contains("aria-current"), "{beside}");
    }
}
