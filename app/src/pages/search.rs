//! The search page, over all of the viewer's rooms.

use campfire::model::{Message, paths};
use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::components::message::found_html;
use crate::components::sheet::Sheet;

/// The largest list of results, in bytes of HTML: the newest ones that fit. The rest of 256 KiB is for what is around it.
const MAX_FOUND_BYTES: usize = 176 * 1024;

/// The search field, the recent searches, and the results, newest last.
#[component]
pub fn SearchPage(
    /// The query; empty without a search.
    asked: String,
    /// The recent queries, with the paths of their results.
    recent: Vec<(String, String)>,
    /// The messages found, with the names of their rooms.
    messages: Vec<(Message, String)>,
    /// Remarks on parts of the query that could not be applied.
    remarks: Vec<String>,
    /// Whether there are older results, which are not shown.
    has_more: bool,
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
    let rows = rows.into_iter().enumerate().map(|(index, (author, html))| {
        // Brings the newest one into view without scripts. With them, boot.js does.
        let is_newest = index + 1 == count;
        let tabindex = is_newest.then_some("-1");
        view! {
            <li class="message message--found" data-author=author tabindex=tabindex autofocus=is_newest inner_html=html></li>
        }
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <Sheet title="Search" back=paths::HOME>
            <form class="filter search" method="post" action=paths::SEARCHES role="search">
                <input
                    name="q" type="search" aria-label="Search all your rooms" placeholder="Search all your rooms" autocomplete="off" required
                    autofocus=asked.is_empty() value=asked.clone() data-completes="search" data-clears=paths::SEARCHES
                />
                <button class="button">"Search"</button>
            </form>
            {asked.is_empty().then(|| view! {
                <p class="search__help">
                    "Narrow a search with "<code>"from:ada"</code>", "<code>"in:room"</code>", "<code>"has:link"</code>", "
                    <code>"has:code"</code>", "<code>"has:file"</code>", "<code>"has:image"</code>", "<code>"before:2026-01-31"</code>" or "<code>"after:2026-01-01"</code>
                    ". Put words that belong together in \"quotes\"."
                </p>
            })}
            {(!recent.is_empty()).then(|| view! { <Recent recent/> })}
            {remarks.into_iter().map(|remark| view! { <p class="search__remark" role="alert" dir="auto">{remark}</p> }).collect::<Vec<_>>()}
            <p class="search__count" role="status">{summary}</p>
            {(count == 0).then(|| view! { <div class="empty empty--page search__empty">{Icon::Search.view()}</div> })}
            <ol class="messages search__found" aria-label="Found messages">{rows}</ol>
        </Sheet>
    }
}

/// The author and the HTML of each result, up to [`MAX_FOUND_BYTES`]; and whether older ones are left out for their size.
fn found_rows(messages: &[(Message, String)]) -> (Vec<(String, String)>, bool) {
    let mut left_bytes = MAX_FOUND_BYTES;
    let mut rows = Vec::with_capacity(messages.len());
    for (message, room) in messages.iter().rev() {
        let html = found_html(message, room);
        let Some(left) = left_bytes.checked_sub(html.len()) else { break };
        left_bytes = left;
        rows.push((message.creator_id.to_string(), html));
    }
    rows.reverse();
    let is_cut = rows.len() < messages.len();
    (rows, is_cut)
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
        };
        let messages: Vec<_> = (0..100).map(|id| (message(id), "&".repeat(100))).collect();
        let (rows, is_cut) = found_rows(&messages);
        assert!(is_cut && (10..100).contains(&rows.len()));
        assert!(rows.iter().map(|(_, html)| html.len()).sum::<usize>() <= MAX_FOUND_BYTES);
        assert!(rows.last().unwrap().1.contains("/@99") && rows[0].1.contains(&format!("/@{}", 100 - rows.len())));
        assert!(!found_rows(&messages[..10]).1);
    }
}
