//! The threads that the viewer follows.

use campfire::html::HtmlWriter;
use campfire::model::{MAX_NEWS_COUNT, paths, utc_timestamp};
use campfire::ops::threads::FollowedThread;
use leptos::prelude::*;

use crate::components::sheet::Sheet;

/// A page of the threads that the viewer follows, those with new answers first.
#[component]
pub fn Threads(
    /// The threads.
    threads: Vec<FollowedThread>,
    /// The path of the next page; `None` on the last one.
    next: Option<String>,
    /// Whether this is the first page.
    is_first: bool,
) -> impl IntoView {
    let is_empty = threads.is_empty() && is_first;
    let html: String = threads.iter().map(thread_html).collect();
    view! {
        <Sheet title="Threads" back=paths::HOME>
            {is_empty.then(|| view! {
                <p class="empty">
                    "No threads yet. Answer a message in a thread, or have one of yours answered, and it is listed here."
                </p>
            })}
            <ul class="list" id="threads" inner_html=html></ul>
            {next.map(|next| view! {
                <p class="list__more"><a class="button button--plain" href=next data-more="threads">"Earlier threads"</a></p>
            })}
        </Sheet>
    }
}

/// One line: the room, the beginning of the root, the last answer, and how many are new.
fn thread_html(thread: &FollowedThread) -> String {
    let mut html = HtmlWriter::with_capacity(1_024);
    html.markup(r#"<li><a class="list__row list__row--link thread-row" href=""#);
    html.raw(&paths::thread(thread.room_id, thread.root_id)).markup(r#""><span class="list__name">"#);
    html.markup(r#"<strong dir="auto">"#);
    match (&thread.root_author, thread.root_text.as_deref().map(str::trim)) {
        (Some(author), Some(text)) if !text.is_empty() => {
            html.markup("<bdi>").text(author).markup("</bdi>: ").text(text);
        }
        (Some(author), _) => {
            html.markup("<bdi>").text(author).markup("</bdi>: a file");
        }
        (None, _) => {
            html.markup("A deleted message");
        }
    }
    html.markup(r#"</strong><span class="list__detail thread-row__last" dir="auto">"#);
    html.markup("<bdi>").text(&thread.last_author).markup("</bdi>: ").text(thread.last_text.trim());
    html.markup(r#"</span><span class="list__detail">in <bdi>"#).text(&thread.room_name).markup("</bdi>, ");
    html.number(thread.answer_count).markup(if thread.answer_count == 1 { " answer" } else { " answers" });
    let timestamp = utc_timestamp(thread.last_answer_at);
    html.markup(r#", last <local-time data-date="short"><time datetime=""#).raw(&timestamp).markup(r#"">"#);
    html.raw(&timestamp[..10]).markup(" ").raw(&timestamp[11..16]).markup(" UTC</time></local-time></span></span>");
    if thread.news_count > 0 {
        html.markup(r#"<span class="thread-row__new">"#).number(thread.news_count.into());
        html.markup(if thread.news_count == MAX_NEWS_COUNT { "+" } else { "" });
        html.markup(r#"<span class="visually-hidden"> new</span></span>"#);
    }
    html.markup("</a></li>");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use campfire::model::{MessageId, RoomId};

    use super::*;

    #[test]
    fn a_line_names_the_root_the_last_answer_and_the_news() {
        let mut thread = FollowedThread {
            root_id: MessageId(41),
            room_id: RoomId(4),
            room_name: "R&D".into(),
            root_author: Some("<Ada>".into()),
            root_text: Some("What now?".into()),
            last_author: "Bob".into(),
            last_text: "This".into(),
            last_answer_at: 0,
            last_answer_id: MessageId(50),
            answer_count: 1,
            news_count: 99,
        };
        let html = thread_html(&thread);
        assert!(html.contains("&lt;Ada&gt;</bdi>: What now?") && html.contains("R&amp;D"), "{html}");
        assert!(html.contains(", 1 answer") && html.contains(">99+<"), "{html}");
        thread.root_author = None;
        thread.news_count = 0;
        let html = thread_html(&thread);
        assert!(html.contains("A deleted message") && !html.contains("thread-row__new"), "{html}");
    }
}
