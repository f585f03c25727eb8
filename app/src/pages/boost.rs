//! The boost picker: quick boosts, emoji by group or name, and free text.

use campfire::html::HtmlWriter;
use campfire::model::{MessageId, paths};
use leptos::prelude::*;

use crate::components::sheet::Sheet;

/// An emoji that the picker offers.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The emoji.
    pub content: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The page of the picker. The chat shows its parts `picker` and `picker-found` in a dialog.
#[component]
pub fn BoostPage(
    /// The message to boost.
    message_id: MessageId,
    /// The path of the message.
    back: String,
    /// The quick boosts.
    quick: Vec<Offer>,
    /// The emoji of the group in view, or those found by name.
    offers: Vec<Offer>,
    /// An emoji and a name for each group of emoji.
    groups: Vec<(&'static str, &'static str)>,
    /// The index of the group in view, without a search.
    group: usize,
    /// The name searched for; empty without a search.
    asked: String,
    /// The text of a refused boost; empty without one.
    typed: String,
    /// Why it was refused.
    problem: Option<String>,
) -> impl IntoView {
    let path = paths::boosts(message_id);
    let new_path = paths::new_boost(message_id);
    let is_refused = problem.is_some();
    let value = if is_refused { typed } else { asked.clone() };
    let links = groups.into_iter().enumerate().map(|(index, (emoji, name))| {
        let current = (asked.is_empty() && index == group).then_some("true");
        view! { <a href=format!("{new_path}?group={index}") title=name aria-label=name aria-current=current data-group="">{emoji}</a> }
    });
    let links: Vec<_> = links.collect();
    view! {
        <Sheet title="Boost" back>
            <div class="picker" id="picker">
                <form class="picker__own" method="post" action=path.clone() data-quiet="" data-boosts="">
                    <label class="visually-hidden" for="boost-content">"Search emoji, or write up to 16 characters"</label>
                    <input
                        id="boost-content" name="content" type="search" maxlength="100" required autocomplete="off" enterkeyhint="done"
                        placeholder="Search, or write a word" value=value aria-invalid=is_refused.then_some("true") aria-describedby="boost-problem"
                    />
                    <button class="button">"Boost"</button>
                    <button class="button--quiet picker__search" formmethod="get" formaction=new_path.clone()>"Search"</button>
                </form>
                <p class="field__problem" id="boost-problem" role="alert">{problem}</p>
                <form class="picker__grid" method="post" action=path.clone() aria-label="Quick boosts" data-quiet="" data-boosts="" inner_html=buttons(&quick)></form>
                <form class="picker__grid" method="post" action=path.clone() aria-label="Recent" id="picker-recent" data-quiet="" data-boosts=""></form>
                <nav class="picker__groups" aria-label="Groups of emoji">{links}</nav>
                <div id="picker-found">
                    <form class="picker__grid picker__grid--all" method="post" action=path aria-label="Emoji" data-quiet="" data-boosts="" inner_html=buttons(&offers)></form>
                    {offers.is_empty().then(|| view! { <p class="empty" role="status">"No emoji is called that. Boost with the word itself, or try another name."</p> })}
                </div>
            </div>
        </Sheet>
    }
}

/// The buttons of a form of boosts.
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
