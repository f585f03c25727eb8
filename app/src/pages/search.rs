//! The search page, over all of the viewer's rooms.

use campfire::html::HtmlWriter;
use campfire::model::{Message, THREAD_LINE, paths, utc_timestamp};
use leptos::prelude::*;

use crate::components::avatar::push_avatar;
use crate::components::icon::Icon;
use crate::components::sheet::Sheet;

/// The largest list of results, in bytes of HTML: the newest ones that fit. The rest of 256 KiB is for what is around it.
const MAX_FOUND_BYTES: usize = 176 * 1024;

/// How much of a message before the first hit a result shows at most, in bytes of HTML: about two lines on a phone.
const MAX_BEFORE_HIT_BYTES: usize = 100;

/// The search field, the recent searches, and the results, newest first.
///
/// The chat shows the part `search-results` in a panel, while a search is typed.
#[component]
pub fn SearchPage(
    /// The query; empty without a search.
    asked: String,
    /// The recent queries, with the paths of their results.
    recent: Vec<(String, String)>,
    /// The messages found, oldest first, with the names of their rooms.
    messages: Vec<(Message, String)>,
    /// Remarks on parts of the query that could not be applied.
    remarks: Vec<String>,
    /// Whether there are older results, which are not shown.
    has_more: bool,
    /// The filters of the query, each with the path of the results without it.
    filters: Vec<(String, String)>,
) -> impl IntoView {
    let (rows, is_cut) = found_rows(&messages);
    let has_more = has_more || is_cut;
    let count = rows.len();
    let summary = match count {
        0 if asked.is_empty() => String::new(),
        0 => "Nothing found".to_owned(),
        1 => "1 message".to_owned(),
        _ if has_more => format!("The newest {count} messages"),
        _ => format!("{count} messages"),
    };
    let rows: Vec<_> = rows.into_iter().map(|html| view! { <li class="found" inner_html=html></li> }).collect();
    let filters: Vec<_> = filters
        .into_iter()
        .map(|(filter, path)| view! { <li><a class="tag" href=path dir="auto">"Without "{filter}</a></li> })
        .collect();
    view! {
        <Sheet title="Search" back=paths::HOME>
            <form class="filter search" method="post" action=paths::SEARCHES role="search">
                <input
                    name="q" type="search" aria-label="Search all your rooms" placeholder="Search all your rooms" autocomplete="off" required
                    autofocus=true value=asked.clone() data-completes="search" data-clears=paths::SEARCHES
                />
                <button class="button">"Search"</button>
            </form>
            <div class="search__results" id="search-results">
                {asked.is_empty().then(|| view! {
                    <p class="search__help">
                        "Narrow a search with "<code>"from:ada"</code>", "<code>"in:room"</code>", "<code>"has:link"</code>", "
                        <code>"has:code"</code>", "<code>"has:file"</code>", "<code>"has:image"</code>", "<code>"is:saved"</code>", "<code>"is:pinned"</code>", "<code>"before:2026-01-31"</code>" or "<code>"after:2026-01-01"</code>
                        ". Put words that belong together in \"quotes\"."
                    </p>
                })}
                {(!recent.is_empty()).then(|| view! { <Recent recent/> })}
                {remarks.into_iter().map(|remark| view! { <p class="search__remark" role="alert" dir="auto">{remark}</p> }).collect::<Vec<_>>()}
                <p class="search__count" role="status">{summary}</p>
                {(count == 0 && !filters.is_empty()).then(|| view! { <ul class="search__filters" aria-label="Search again">{filters}</ul> })}
                {(count == 0).then(|| view! { <div class="empty empty--page search__empty">{Icon::Search.view()}</div> })}
                <ol class="search__found" aria-label="Found messages">{rows}</ol>
            </div>
        </Sheet>
    }
}

/// The HTML of each result, newest first, up to [`MAX_FOUND_BYTES`]; and whether older ones are left out for their size.
fn found_rows(messages: &[(Message, String)]) -> (Vec<String>, bool) {
    let mut left_bytes = MAX_FOUND_BYTES;
    let mut rows = Vec::with_capacity(messages.len());
    for (message, room) in messages.iter().rev() {
        let html = found_html(message, room);
        let Some(left) = left_bytes.checked_sub(html.len()) else { break };
        left_bytes = left;
        rows.push(html);
    }
    let is_cut = rows.len() < messages.len();
    (rows, is_cut)
}

/// The content of the list item of a result: one link to the message, with its author, room and date, and the text around
/// the first hit. The style sheet cuts it after four lines.
pub(super) fn found_html(message: &Message, room_name: &str) -> String {
    let timestamp = utc_timestamp(message.created_at);
    let mut html = HtmlWriter::with_capacity(message.body_html.len() + 512);
    html.markup(r#"<a class="found__link" href=""#).text(&message.path()).markup(r#"">"#);
    push_avatar(&mut html, message.creator_id, &message.creator_name);
    html.markup(r#"<span class="found__head"><bdi class="found__author">"#).text(&message.creator_name);
    html.markup(r#"</bdi> <span class="found__room">in <bdi>"#).text(room_name);
    html.markup(r#"</bdi></span> <local-time data-date><time datetime=""#).raw(&timestamp).markup(r#"">"#);
    html.raw(&timestamp[..10]).markup("</time></local-time></span>");
    // The files of the message, by name; not what it has of threads, which is no part of what it says.
    let extras_html = message.extras_html.split(THREAD_LINE).next().unwrap_or_default();
    for part in [&message.body_html, extras_html].map(hit_html) {
        if !part.is_empty() {
            html.markup(r#"<span class="found__text" dir="auto">"#).raw(&part).markup("</span>");
        }
    }
    html.markup("</a>");
    html.into_string()
}

/// The text of a body, with line breaks and the marks of the hits as its only markup. It begins shortly before the first
/// hit, at the start of a word.
fn hit_html(body_html: &str) -> String {
    let mut text = String::with_capacity(body_html.len());
    let mut rest = body_html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let end = rest[start..].find('>').map_or(rest.len(), |length| start + length + 1);
        match &rest[start..end] {
            mark @ ("<mark>" | "</mark>") => text.push_str(mark),
            tag if is_line_end(tag) && !text.ends_with('\n') => text.push('\n'),
            _ => {}
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    let text = text.trim();
    let hit = text.find("<mark>").unwrap_or(0);
    let earliest = text.floor_char_boundary(hit.saturating_sub(MAX_BEFORE_HIT_BYTES));
    let start = text[earliest..hit].find(char::is_whitespace).map_or(hit, |space| earliest + space);
    if earliest == 0 { text.to_owned() } else { ["… ", text[start..].trim_start()].concat() }
}

/// Whether the text after a tag begins a new line.
fn is_line_end(tag: &str) -> bool {
    ["</p>", "<br>", "</li>", "</pre>", "</tr>", "</blockquote>"].contains(&tag) || tag.starts_with("</h")
}

/// The recent searches, with the form that clears them.
#[component]
fn Recent(recent: Vec<(String, String)>) -> impl IntoView {
    let links =
        recent.into_iter().map(|(query, path)| view! { <li><a class="tag" href=path dir="auto">{query}</a></li> });
    view! {
        <section class="search__recent" aria-label="Recent searches">
            <ul>{links.collect::<Vec<_>>()}</ul>
            <form method="post" action=paths::RECENT_SEARCHES data-asks="Forget your recent searches?">
                <input type="hidden" name="_method" value="delete"/>
                <button class="button--quiet">"Clear"</button>
            </form>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use campfire::model::{MessageId, RoomId, UserId};

    use super::*;

    #[test]
    fn the_newest_results_that_fit_are_shown() {
        let message = |id: i64| Message {
            id: MessageId(id),
            room_id: RoomId(4),
            creator_id: UserId(9),
            creator_name: "&".repeat(100),
            client_message_id: None,
            body_html: "<mark>a</mark>".repeat(300),
            revision: 1,
            created_at: 0,
            boosts_html: String::new(),
            boosts_seq: 0,
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        };
        let messages: Vec<_> = (0..100).map(|id| (message(id), "&".repeat(100))).collect();
        let (rows, is_cut) = found_rows(&messages);
        assert!(is_cut && (10..100).contains(&rows.len()));
        assert!(rows.iter().map(String::len).sum::<usize>() <= MAX_FOUND_BYTES);
        assert!(rows[0].contains("/@99") && rows.last().unwrap().contains(&format!("/@{}", 100 - rows.len())));
        assert!(!found_rows(&messages[..10]).1);
    }

    #[test]
    fn a_result_names_the_files_of_a_message_and_not_its_answers() {
        let message = Message {
            id: MessageId(1),
            room_id: RoomId(4),
            creator_id: UserId(9),
            creator_name: "Ada".into(),
            client_message_id: None,
            body_html: "<p>look</p>".into(),
            revision: 1,
            created_at: 0,
            boosts_html: String::new(),
            boosts_seq: 0,
            extras_html: format!("<ul><li>plan.pdf</li></ul>{THREAD_LINE}\">2 answers</a>"),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        };
        let html = found_html(&message, "All Talk");
        assert!(html.contains("look") && html.contains("plan.pdf") && !html.contains("answers"), "{html}");
    }

    #[test]
    fn a_result_is_the_text_around_the_first_hit() {
        for (html, text) in [
            ("<p>a <em>short</em> <mark>eel</mark> &amp; co</p>", "a short <mark>eel</mark> &amp; co"),
            ("<p>one<br>two</p><pre><code>three\n</code></pre>", "one\ntwo\nthree"),
            ("<p><a class=\"mention\" href=\"/users/1\">@Ada</a> hello</p>", "@Ada hello"),
            ("", ""),
        ] {
            assert_eq!(hit_html(html), text);
        }
        let long = hit_html(&format!("<p>{} <mark>eel</mark> {}</p>", "é&amp; word ".repeat(40), "more ".repeat(40)));
        assert!(long.starts_with("… ") && long.find("<mark>").unwrap() <= 110, "{long}");
        assert!(hit_html(&format!("<p>{}<mark>eel</mark></p>", "é".repeat(200))).starts_with("… <mark>eel"));
    }
}
