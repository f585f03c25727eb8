//! What the room shows of threads as HTML, identical for every viewer: a line under the root, and a link under an answer
//! that the room shows, too. Both are part of what a message shows below its body.
//!
//! How many answers are new differs between readers: the browser adds it by a style rule (`browser/boot/presence-marks.ts`).

use crate::html::HtmlWriter;
use crate::model::{MessageId, Person, RoomId, THREAD_LINE, avatar_tint, initials, paths, utc_timestamp};

/// What the line under a root tells of its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSummary {
    /// The room.
    pub room_id: RoomId,
    /// The root.
    pub root_id: MessageId,
    /// How many answers there are.
    pub answer_count: i64,
    /// When the last one was posted, in milliseconds since the epoch.
    pub last_answer_at: i64,
    /// Who answered last, each once.
    pub people: Vec<Person>,
}

/// The line under the root: who answered, how many answers there are, and when the last one was posted.
#[must_use]
pub fn thread_line_html(summary: &ThreadSummary) -> String {
    let ThreadSummary { room_id, root_id, answer_count, last_answer_at, people } = summary;
    let mut html = HtmlWriter::with_capacity(640);
    html.markup(THREAD_LINE).markup(r#"" data-thread=""#).number(root_id.0).markup(r#"" href=""#);
    html.raw(&paths::thread(*room_id, *root_id)).markup(r#""><span class="thread-line__people" aria-hidden="true">"#);
    for person in people {
        html.markup(r#"<span class="avatar tint-"#).number(avatar_tint(person.id)).markup(r#"" data-person=""#);
        html.number(person.id.0).markup(r#"">"#).text(&initials(&person.name)).markup("</span>");
    }
    html.markup(r#"</span> <span class="thread-line__count">"#).number(*answer_count);
    html.markup(if *answer_count == 1 { " answer" } else { " answers" }).markup("</span>");
    let timestamp = utc_timestamp(*last_answer_at);
    html.markup(r#" <span class="thread-line__last">last <local-time data-date="short"><time datetime=""#);
    html.raw(&timestamp).markup(r#"">"#).raw(&timestamp[..10]).markup(" ").raw(&timestamp[11..16]);
    html.markup(" UTC</time></local-time></span></a>");
    html.into_string()
}

/// The link of an answer in the room to its place in the thread.
#[must_use]
pub fn answer_link_html(room_id: RoomId, root_id: MessageId, message_id: MessageId) -> String {
    let mut html = HtmlWriter::new();
    html.markup(THREAD_LINE).markup(r#" thread-line--answer" href=""#);
    html.raw(&paths::thread_at(room_id, root_id, message_id)).markup(r#"">Answer in a thread</a>"#);
    html.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    #[test]
    fn the_line_counts_the_answers_and_escapes_names() {
        let mut summary = ThreadSummary {
            room_id: RoomId(4),
            root_id: MessageId(41),
            answer_count: 1,
            last_answer_at: 0,
            people: vec![Person { id: UserId(7), name: "<Ada> &b".into() }],
        };
        let html = thread_line_html(&summary);
        assert!(html.contains(r#"href="/rooms/4/threads/41""#) && html.contains(">1 answer<"), "{html}");
        assert!(!html.contains("<&") && !html.contains("<<"), "{html}");
        summary.answer_count = 12;
        assert!(thread_line_html(&summary).contains(">12 answers<"));
        let link = answer_link_html(RoomId(4), MessageId(41), MessageId(50));
        assert!(link.contains(r#"href="/rooms/4/threads/41/@50""#), "{link}");
    }
}
