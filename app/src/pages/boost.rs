//! Choosing a boost: quick ones, any emoji by name, or a few letters.

use campfire::html::HtmlWriter;
use campfire::model::{MAX_BOOST_CHARS, MessageId, paths};
use leptos::prelude::*;

use crate::components::sheet::Sheet;

/// Something to boost with.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub content: &'static str,
    pub name: &'static str,
}

/// The page of choices. Its parts `picker` and `picker-found` are what the chat shows in place.
#[component]
pub fn BoostPage(
    message_id: MessageId,
    /// Where the message is shown.
    back: String,
    quick: Vec<Offer>,
    offers: Vec<Offer>,
    /// An emoji and a name for each group of emoji.
    groups: Vec<(&'static str, &'static str)>,
    /// The group in view, where nothing is looked for.
    group: usize,
    /// What is looked for.
    asked: String,
    /// What was typed as a boost and not taken, and why.
    typed: String,
    problem: Option<String>,
) -> impl IntoView {
    let (path, new_path) = (paths::boosts(message_id), paths::new_boost(message_id));
    let wrong = problem.is_some();
    let links = groups.into_iter().enumerate().map(|(index, (emoji, name))| {
        let current = (asked.is_empty() && index == group).then_some("true");
        view! { <a href=format!("{new_path}?group={index}") title=name aria-label=name aria-current=current data-group="">{emoji}</a> }
    });
    let links: Vec<_> = links.collect();
    view! {
        <Sheet title="Boost" back>
            <div class="picker" id="picker">
                <form class="picker__own" method="post" action=path.clone() data-quiet="" data-boosts="">
                    <label class="visually-hidden" for="boost-content">"Emoji or up to 16 characters"</label>
                    <input
                        id="boost-content" name="content" type="text" maxlength=MAX_BOOST_CHARS.to_string() required autocomplete="off"
                        placeholder="Emoji or a few letters" value=typed aria-invalid=wrong.then_some("true") aria-describedby="boost-problem"
                    />
                    <button class="button">"Boost"</button>
                </form>
                <p class="field__problem" id="boost-problem" role="alert">{problem}</p>
                <form class="picker__grid" method="post" action=path.clone() aria-label="Quick boosts" data-quiet="" data-boosts="" inner_html=buttons(&quick)></form>
                <form class="picker__grid" method="post" action=path.clone() aria-label="Recent" id="picker-recent" data-quiet="" data-boosts="" hidden></form>
                <form class="filter" method="get" action=new_path.clone() role="search" data-filters="picker-found">
                    <input name="q" type="search" placeholder="Search emoji by name" aria-label="Search emoji by name" autocomplete="off" value=asked.clone()/>
                    <button class="button button--plain">"Search"</button>
                </form>
                <nav class="picker__groups" aria-label="Groups of emoji">{links}</nav>
                <div id="picker-found">
                    <form class="picker__grid picker__grid--all" method="post" action=path aria-label="Emoji" data-quiet="" data-boosts="" inner_html=buttons(&offers)></form>
                    {offers.is_empty().then(|| view! { <p class="empty" role="status">"No emoji is called that. Type it into the field above, or try another name."</p> })}
                </div>
            </div>
        </Sheet>
    }
}

fn buttons(offers: &[Offer]) -> String {
    let mut html = HtmlWriter::new();
    for Offer { content, name } in offers {
        html.markup(r#"<button name="content" value=""#).text(content);
        html.markup(r#"" title=""#).text(name);
        html.markup(r#"" aria-label=""#).text(name);
        html.markup(r#"">"#).text(content).markup("</button>");
    }
    html.into_string()
}
